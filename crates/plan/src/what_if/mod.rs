//! What if? Changes that are made to the futures of a fleet, day by day, before they are judged again.
//!
//! A file of changes is replayed on the same futures that the plan was made of, so that what differs is
//! the changes and nothing else. Load that is moved keeps its amount: ten of a hundred processors are
//! twenty of fifty.

mod change;
mod mix;
mod select;

pub use change::{Change, WhatIf};
pub use mix::{Effect, Mix};
pub use select::Select;
