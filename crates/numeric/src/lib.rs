//! Numbers that come out the same on every machine: elementary functions, random streams, quantiles
//! and small linear algebra, in plain IEEE additions and multiplications.
//!
//! The platform's own `exp` or `cos` may differ in the last bit between machines, and a sum whose
//! order depends on threads does so between runs. Everything that reaches a table goes through here.

pub mod linear;
pub mod math;
pub mod normal;
pub mod quantile;
pub mod stream;
pub mod wide;

pub use quantile::{quantile, quantile_of_sorted};
pub use stream::Stream;
