//! Daily P95s, as logarithms, server by server.

use super::FitOptions;
use crate::METRICS;
use fleetcast_core::{History, Panel};
use fleetcast_numeric::{math, quantile_of_sorted};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// Load below this, in the metric's unit, is none: its logarithm says nothing.
const NOTHING: f64 = 1e-3;
/// A day counts with this share of its samples.
const FULL_DAY: f64 = 0.8;
/// A series with less than this share of days with load is left out.
const WITH_LOAD: f64 = 0.8;
/// Percentages from which the capacity hides the demand.
const SATURATED: f64 = 94.0;

/// Numbers of days and their P95s.
type DayValues = Vec<(i64, f64)>;

/// The days of one metric of one server.
pub(super) struct DaySeries {
    pub(super) server: usize,
    pub(super) metric: usize,
    /// Logarithm of the P95 on each day of [`Days`]; NaN where the day is not known.
    pub(super) logs: Vec<f64>,
}

/// The days of all servers.
pub(super) struct Days {
    pub(super) first: Date,
    pub(super) n_days: usize,
    pub(super) n_servers: usize,
    pub(super) series: Vec<DaySeries>,
}

/// Index of a metric among [`METRICS`].
pub(super) fn metric_of(history: &History) -> Option<usize> {
    METRICS.iter().position(|name| *name == history.id().metric.as_ref())
}

/// Number of a date, and the hour of the day, of each step in local time.
pub(super) fn local_times(history: &History, options: &FitOptions) -> Vec<(i64, f64)> {
    let timeline = history.timeline();
    let epoch = date(1970, 1, 1);
    let is_daily = timeline.step().as_seconds() >= 86_400;
    (0..history.len())
        .map(|at| {
            let mut time = timeline.at(at);
            if !is_daily {
                // Steps below a day are UTC.
                let instant = TimeZone::UTC.to_ambiguous_zoned(time).compatible();
                time = instant.map_or(time, |t| t.with_time_zone(options.zone.rules().clone()).datetime());
            }
            let hour = f64::from(time.hour()) + f64::from(time.minute()) / 60.0;
            (i64::from(time.date().duration_since(epoch).as_hours() as i32 / 24), hour)
        })
        .collect()
}

impl Days {
    pub(super) fn new(panel: &Panel, options: &FitOptions) -> Self {
        let names: BTreeSet<&str> = panel.histories().iter().map(|h| h.id().server_id.as_ref()).collect();
        let mut found: Vec<(usize, usize, DayValues)> = Vec::new();
        for history in panel.histories() {
            let Some(metric) = metric_of(history) else { continue };
            let server = names.iter().position(|name| *name == history.id().server_id.as_ref()).unwrap_or(0);
            let days = days_of(history, options);
            if days.len() >= 3 {
                found.push((server, metric, days));
            }
        }
        let first = found.iter().flat_map(|(.., days)| days.first()).map(|day| day.0).min().unwrap_or(0);
        let last = found.iter().flat_map(|(.., days)| days.last()).map(|day| day.0).max().unwrap_or(first - 1);
        let n_days = (last + 1 - first) as usize;
        let series = found.into_iter().filter_map(|(server, metric, days)| {
            let with_load = days.iter().filter(|(_, p95)| *p95 > NOTHING).count();
            let saturated = days.iter().filter(|(_, p95)| metric != 2 && *p95 >= SATURATED).count();
            // Where the capacity hides the demand on many days, its law cannot be seen.
            if (with_load as f64) < WITH_LOAD * days.len() as f64 || 5 * saturated > days.len() {
                return None;
            }
            let mut logs = vec![f64::NAN; n_days];
            for (day, p95) in days.into_iter().filter(|(_, p95)| *p95 > NOTHING) {
                logs[(day - first) as usize] = math::ln(p95);
            }
            Some(DaySeries { server, metric, logs })
        });
        let series: Vec<DaySeries> = series.collect();
        let servers: BTreeSet<usize> = series.iter().map(|s| s.server).collect();
        let first = date(1970, 1, 1).saturating_add(jiff::Span::new().days(first));
        Self { first, n_days, n_servers: servers.len(), series }
    }

    /// The series of one metric.
    pub(super) fn of(&self, metric: usize) -> impl Iterator<Item = &DaySeries> {
        self.series.iter().filter(move |s| s.metric == metric)
    }

    /// The dates.
    pub(super) fn dates(&self) -> Vec<Date> {
        (0..self.n_days).map(|day| self.first.saturating_add(jiff::Span::new().days(day as i64))).collect()
    }
}

/// P95 of each day that has most of its samples.
fn days_of(history: &History, options: &FitOptions) -> DayValues {
    let values = history.values();
    let times = local_times(history, options);
    let per_day = (86_400 / history.timeline().step().as_seconds()).max(1) as f64;
    let mut days = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let end = (start..values.len()).find(|at| times[*at].0 != times[start].0).unwrap_or(values.len());
        let mut day: Vec<f64> = values[start..end].iter().copied().filter(|v| !v.is_nan()).collect();
        if !day.is_empty() && day.len() as f64 >= FULL_DAY * per_day {
            day.sort_unstable_by(f64::total_cmp);
            days.push((times[start].0, quantile_of_sorted(&day, 0.95)));
        }
        start = end;
    }
    days
}
