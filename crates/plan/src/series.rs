//! One series as the planner sees it: its past and its possible futures.

use fleetcast_core::{History, Paths, Server};

/// Observed days below which nothing is said of a series: every weekday twice.
pub(crate) const FEWEST_DAYS: usize = 14;

/// Why `days` observed days are too few; `None` when they are enough.
pub(crate) fn too_short(days: usize) -> Option<String> {
    match days {
        0 => Some("no telemetry".to_owned()),
        1 => Some(format!("only 1 day of telemetry, {FEWEST_DAYS} are needed")),
        days if days < FEWEST_DAYS => Some(format!("only {days} days of telemetry, {FEWEST_DAYS} are needed")),
        _ => None,
    }
}

/// The past and the futures of one server's metric, at day step.
///
/// `expected` and `paths` begin on the day after the last step of `history` and are in its unit.
#[derive(Clone, Copy, Debug)]
pub struct SeriesOutlook<'a> {
    /// The server, for its capacity.
    pub server: &'a Server,
    /// Daily P95 up to the cutoff.
    pub history: &'a History,
    /// Expected daily P95 of the next 365 days at least, or of the whole horizon when that is longer.
    pub expected: &'a [f64],
    /// Equally likely joint futures of the daily P95. Path `i` of every metric of a server is the same
    /// future, where the metrics were drawn together.
    pub paths: &'a Paths,
}

impl SeriesOutlook<'_> {
    /// Capacity of the server for this metric, in the metric's unit; `None` where nobody said.
    pub fn capacity(&self) -> Option<f64> {
        self.server.capacity(self.history.metric())
    }

    /// Threshold, in per cent of capacity, as a limit in the metric's unit.
    pub(crate) fn limit(&self, threshold: f64) -> Option<f64> {
        self.capacity().map(|capacity| threshold / 100.0 * capacity)
    }
}
