//! What a stage is given besides its input: who listens, and the caller's clocks.

use crate::Progress;
use fleetcast_backtest::Seconds;
use jiff::Timestamp;

/// Who listens to a command, and its clocks. Clocks are read for the table `runs` and for timings only;
/// no result depends on them.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who listens.
    pub progress: &'a dyn Progress,
    /// The time of day.
    pub now: fn() -> Timestamp,
    /// Seconds since any moment, on the wall and on the processor.
    pub clock: fn() -> Seconds,
}
