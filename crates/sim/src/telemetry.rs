//! What the generator gives for one server: samples, and the truth they were made from.

use crate::Layer;
use fleetcast_core::Server;
use jiff::civil::Date;
use std::ops::Range;

/// The four metrics, in the order of every array of four in this crate.
pub const METRICS: [&str; 4] = ["cpu", "memory", "disk_io", "network"];

/// Everything generated for one server. All series of it have one value per entry of `ts_ms`.
#[derive(Clone, Debug)]
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
    /// What happened to the server, earliest first. An event of its pool or region is listed by every
    /// server that it reached, with the same `event_id`. At day step those are left out that are too short
    /// to move a day's P95.
    pub events: Vec<Event>,
    /// First day at or over each limit, where there is one.
    pub crossings: Vec<TrueCrossing>,
    /// Samples that do not reach a collector in their place.
    pub deliveries: Vec<Delivery>,
}

/// A sample that reaches a collector late, or once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its row.
    pub row: usize,
    /// The row after which it comes; a row beyond the last means at the end.
    pub after: usize,
    /// Whether it has come in its place already.
    pub is_repeat: bool,
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

    /// Indices of the samples as a collector delivers them: late ones after later ones, some twice. A table
    /// with unique keys has [`ServerTelemetry::collected_rows`] instead.
    pub fn delivered_rows(&self) -> Vec<usize> {
        let mut deliveries: Vec<&Delivery> = self.deliveries.iter().collect();
        deliveries.sort_by_key(|delivery| delivery.after);
        let mut next = deliveries.iter().peekable();
        let mut rows = Vec::with_capacity(self.ts_ms.len() + deliveries.len());
        let mut late: Vec<usize> = self.deliveries.iter().filter(|d| !d.is_repeat).map(|d| d.row).collect();
        late.sort_unstable();
        for row in self.collected_rows() {
            while let Some(earlier) = next.next_if(|delivery| delivery.after < row) {
                rows.push(earlier.row);
            }
            if late.binary_search(&row).is_err() {
                rows.push(row);
            }
        }
        rows.extend(next.map(|delivery| delivery.row));
        rows
    }

    /// Leaves what is in these rows, which are those of these days; what the server is told of stays.
    pub(crate) fn keep(&mut self, rows: Range<usize>, days: Range<usize>) {
        cut(&mut self.ts_ms, &rows);
        self.observed.iter_mut().for_each(|series| cut(series, &rows));
        for truth in &mut self.truth {
            let TruthSeries { base: _, growth, week, season, day, noise, event, demand, observed, saturated } = truth;
            for layer in [growth, week, season, day, event] {
                *layer = layer.cut(rows.clone());
            }
            for series in [noise, demand, observed] {
                cut(series, &rows);
            }
            cut(saturated, &rows);
        }
        if let Some(daily) = &mut self.daily {
            cut(&mut daily.dates, &days);
            daily.p95.iter_mut().chain(&mut daily.mean).chain(&mut daily.max).for_each(|series| cut(series, &days));
        }
        self.deliveries.retain(|delivery| rows.contains(&delivery.row));
        for delivery in &mut self.deliveries {
            delivery.row -= rows.start;
            delivery.after -= rows.start;
        }
    }
}

fn cut<T>(values: &mut Vec<T>, kept: &Range<usize>) {
    values.truncate(kept.end);
    values.drain(..kept.start);
}

/// Telemetry is the same when every value is; a gap is the same as a gap.
impl PartialEq for ServerTelemetry {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
            && self.ts_ms == other.ts_ms
            && same(&self.observed, &other.observed)
            && self.daily == other.daily
            && self.truth == other.truth
            && self.events == other.events
            && self.crossings == other.crossings
            && self.deliveries == other.deliveries
    }
}

impl PartialEq for DailyTelemetry {
    fn eq(&self, other: &Self) -> bool {
        self.dates == other.dates
            && same(&self.p95, &other.p95)
            && same(&self.mean, &other.mean)
            && same(&self.max, &other.max)
    }
}

fn same(these: &[Vec<f64>; 4], those: &[Vec<f64>; 4]) -> bool {
    let is_same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    these.iter().zip(those).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(is_same))
}

/// Daily values at day step, per metric of [`METRICS`].
#[derive(Clone, Debug)]
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
    /// Events in force; 0 while the server is down.
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
    /// What it is. Of the level: `deploy` at once, `migration` over days, `resize` of the hardware. Of
    /// single hours or days: `memory_leak`, `disk_full`, `retry_storm`, `noisy_neighbour`,
    /// `cron_collision`, `failover`, `outage`. Of the server itself: `birth`, `retirement`. Of the
    /// collector: `missed_scrape`, `missing_metric`, `late`, `duplicate`, `stale`, `counter_reset`.
    pub event_type: &'static str,
    /// `server`, `pool` or `region`.
    pub scope: &'static str,
    /// The server's, the pool's or the region's name.
    pub scope_id: String,
    /// When it began, milliseconds since 1970-01-01 UTC; a change of level begins at a local midnight.
    pub start_ms: i64,
    /// When its whole effect was reached.
    pub peak_ms: i64,
    /// When its effect ended; `None` while it lasts.
    pub end_ms: Option<i64>,
    /// The one metric it changes; `None` when it changes several.
    pub metric: Option<&'static str>,
    /// Factor on the demand when its whole effect is reached, of the metric that is changed most: 0 when
    /// nothing is left. Of a resize the factor on the capacity, by which percentages are divided; of a
    /// late sample its delay in seconds; of a duplicate 2.
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
