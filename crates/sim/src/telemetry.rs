//! What the generator gives for one server: samples, and the truth they were made from.

use crate::Layer;
use fleetcast_core::Server;
use jiff::civil::Date;

/// The four metrics, in the order of every array of four in this crate.
pub const METRICS: [&str; 4] = ["cpu", "memory", "disk_io", "network"];

/// Everything generated for one server. All series of it have one value per entry of `ts_ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerTelemetry {
    /// The server itself.
    pub server: Server,
    /// Times of the samples, milliseconds since 1970-01-01 UTC, ascending. At day step the instant of
    /// the server's local midnight.
    pub ts_ms: Vec<i64>,
    /// What a collector has read, per metric of [`METRICS`] in its unit. At day step the daily P95. NaN
    /// where it has read nothing; see [`ServerTelemetry::is_collected`].
    pub observed: [Vec<f64>; 4],
    /// The days themselves; at day step only.
    pub daily: Option<DailyTelemetry>,
    /// How each value came about, per metric.
    pub truth: [TruthSeries; 4],
    /// What happened to the server, earliest first. An event of its pool is listed by every server of
    /// the pool, with the same `event_id`.
    pub events: Vec<Event>,
    /// First day at or over each limit, where there is one.
    pub crossings: Vec<TrueCrossing>,
}

impl ServerTelemetry {
    /// Whether a collector has read any metric at the `row`-th time. A row of which it has read nothing is
    /// no sample: it is left out wherever samples are written, and a day of such rows has 0 samples.
    pub fn is_collected(&self, row: usize) -> bool {
        self.observed.iter().any(|series| !series[row].is_nan())
    }

    /// Indices of the rows that are samples.
    pub fn collected_rows(&self) -> impl Iterator<Item = usize> {
        (0..self.ts_ms.len()).filter(|&row| self.is_collected(row))
    }
}

/// Daily values at day step, per metric of [`METRICS`].
#[derive(Clone, Debug, PartialEq)]
pub struct DailyTelemetry {
    /// The server's local dates.
    pub dates: Vec<Date>,
    /// P95 of the day; the same as `observed`. NaN, as the others, on a day without samples.
    pub p95: [Vec<f64>; 4],
    /// Mean of the day: the P95 times the ratio the day's shape and its intra-day noise have.
    pub mean: [Vec<f64>; 4],
    /// Maximum of the day, likewise; never below the P95.
    pub max: [Vec<f64>; 4],
}

/// The layers of one metric. `demand` is `base` times the six factors; `observed` is what is left of it
/// under the server's capacity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TruthSeries {
    /// Expected daily P95 of this server on an ordinary weekday at the start, in the metric's unit: the
    /// profile's base times the server's own effect.
    pub base: f64,
    /// Growth since the start.
    pub growth: Layer,
    /// Day of the week; a holiday counts as a Sunday.
    pub week: Layer,
    /// Quarter-end peaks and mid-quarter troughs.
    pub season: Layer,
    /// Time of day; 1 at day step, whose P95 contains it already.
    pub day: Layer,
    /// The residual; at finer steps it also brings the day's P95 to that of the daily series.
    pub noise: Vec<f64>,
    /// Level shifts in force.
    pub event: Layer,
    /// Load asked for, in the metric's unit; it may exceed the capacity.
    pub demand: Vec<f64>,
    /// Load served.
    pub observed: Vec<f64>,
    /// Whether the demand reached the capacity, so that `observed` does not tell it.
    pub saturated: Vec<bool>,
}

/// Something that happened to a server or to all servers of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Key, unique in the fleet.
    pub event_id: String,
    /// `deploy`, a change of level at once, or `migration`, one that takes days.
    pub event_type: String,
    /// `server` or `pool`.
    pub scope: String,
    /// The server's or the pool's name.
    pub scope_id: String,
    /// When it began, milliseconds since 1970-01-01 UTC: a local midnight.
    pub start_ms: i64,
    /// When its whole effect was reached.
    pub peak_ms: i64,
    /// When its effect ended; `None` while it lasts.
    pub end_ms: Option<i64>,
    /// The one metric it changes; `None` when it changes all of them.
    pub metric: Option<String>,
    /// Factor on the demand when its whole effect is reached.
    pub size: f64,
}

/// The first local day whose P95 is at or over a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueCrossing {
    /// Index into [`METRICS`].
    pub metric: usize,
    /// 80 or 90, in % of the capacity.
    pub threshold: f64,
    /// The day.
    pub date: Date,
}
