//! Decisions proved on the past: what was said at an origin against what then came, with scores that
//! are the same for these forecasts and for the rules that people use today.
//!
//! An *origin* is a past day after which a decision is made from what was known. Rows of all origins and
//! servers are scored together; intervals are of whole servers drawn anew, because the rows of one
//! server hang together.

mod class;
mod date;
mod estimate;
mod held;
mod ladder;
mod pool;
mod purchase;
mod rule;
mod warning;

pub use class::{ClassRow, class_share, macro_f1, unknown_share};
pub use date::{DateRow, crossing_curve};
pub use estimate::{Estimate, Resamples};
pub use held::{Calm, Held, Led, Standing};
pub use ladder::{Ladder, Rung};
pub use pool::{PoolRow, Sure};
pub use purchase::{DaysThatCame, Decision, Hindsight, Needed, Purchase, Purchases};
pub use rule::{Rule, Usage};
pub use warning::{COST_LOSS_RATIOS, Came, WARNED, Warning, Warnings, at_risk, first_crossing};
