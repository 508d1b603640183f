//! Days from samples: 95th percentile, mean and maximum by the server's local date.

use crate::batch::{date_of, days_of, to_frame};
use crate::lake::Lake;
use crate::tracks::{self, Merged, Track, Tracks};
use crate::{Error, Frame, Result, Table};
use fleetcast_core::{Server, Zone};
use fleetcast_numeric::quantile_of_sorted;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The three columns of a metric in `daily`.
const PARTS: [&str; 3] = ["_p95", "_mean", "_max"];

/// The metric that a column of `daily` belongs to.
pub(crate) fn metric_of(column: &str) -> Option<&str> {
    PARTS.iter().find_map(|part| column.strip_suffix(part)).filter(|metric| !metric.is_empty())
}

/// What a rebuild of `daily` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DailyReport {
    /// Servers whose days were looked at.
    pub n_servers: usize,
    /// Days that were not there before.
    pub n_inserted: usize,
    /// Days whose values changed.
    pub n_replaced: usize,
    /// Days that stayed as they were.
    pub n_unchanged: usize,
}

/// Days of a frame of samples, as a frame for [`Table::Daily`].
///
/// A day runs from midnight to midnight in the server's zone, so it has 23 or 25 hours when the clock
/// changes. P95 interpolates linearly between order statistics (Hyndman & Fan type 7); a metric's gaps
/// are left out of its own values only; `n_samples` counts instants at which anything was observed; a
/// day without samples between others keeps its row, with 0 and no values. Servers not in `servers`
/// are counted in UTC.
///
/// # Errors
/// When the frame does not fit [`Table::Samples`].
pub fn daily_frame(samples: &Frame, servers: &[Server]) -> Result<Frame> {
    let batch = crate::batch::to_batch(Table::Samples, samples, None)?;
    let zones = zones(servers);
    let tracks = tracks::split(Table::Samples, &batch)?;
    let days: Vec<(Arc<str>, Track)> = tracks
        .into_par_iter()
        .map(|(id, track)| {
            let days = days_of_track(&track, zone_of(&zones, &id));
            (id, days)
        })
        .collect();
    let refs: Vec<(&Arc<str>, &Track)> = days.iter().map(|(id, track)| (id, track)).collect();
    to_frame(Table::Daily, &tracks::to_batch(Table::Daily, &refs)?)
}

pub(crate) fn zones(servers: &[Server]) -> BTreeMap<&str, &Zone> {
    servers.iter().map(|server| (server.server_id(), &server.zone)).collect()
}

pub(crate) fn zone_of<'a>(zones: &BTreeMap<&str, &'a Zone>, id: &str) -> Option<&'a Zone> {
    zones.get(id).copied()
}

/// Days of one server's samples.
pub(crate) fn days_of_track(samples: &Track, zone: Option<&Zone>) -> Track {
    let bounds = day_bounds(&samples.times, zone);
    let n_days = bounds.len();
    let mut days = Track {
        times: bounds.iter().map(|day| day.day).collect(),
        n_samples: vec![0; n_days],
        columns: BTreeMap::new(),
    };
    let mut seen = vec![false; samples.times.len()];
    let mut scratch = Vec::new();
    for (metric, values) in &samples.columns {
        let mut parts = [vec![f64::NAN; n_days], vec![f64::NAN; n_days], vec![f64::NAN; n_days]];
        for (at, day) in bounds.iter().enumerate() {
            scratch.clear();
            for row in day.rows.clone().filter(|row| !values[*row].is_nan()) {
                scratch.push(values[row]);
                seen[row] = true;
            }
            if let Some(summary) = summary(&mut scratch) {
                parts.iter_mut().zip(summary).for_each(|(part, value)| part[at] = value);
            }
        }
        for (suffix, part) in PARTS.iter().zip(parts) {
            days.columns.insert(format!("{metric}{suffix}").into(), part);
        }
    }
    for (at, day) in bounds.iter().enumerate() {
        days.n_samples[at] = day.rows.clone().filter(|row| seen[*row]).count() as i64;
    }
    days
}

/// P95, mean and maximum; `None` without values. The values come back in another order.
fn summary(values: &mut [f64]) -> Option<[f64; 3]> {
    if values.is_empty() {
        return None;
    }
    // Added in order of time, so that the mean is the same to the last bit wherever it is taken.
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let below = (0.95 * (values.len() - 1) as f64) as usize;
    let (_, _, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    // Interpolation needs the two order statistics around the position; the rest need not be sorted.
    if let Some(least) = (0..above.len()).min_by(|a, b| above[*a].total_cmp(&above[*b])) {
        above.swap(0, least);
    }
    let largest = values[below..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some([quantile_of_sorted(values, 0.95), mean, largest])
}

struct Day {
    day: i64,
    rows: std::ops::Range<usize>,
}

/// The rows of each local day from the first sample's to the last one's, days without rows included.
fn day_bounds(times: &[i64], zone: Option<&Zone>) -> Vec<Day> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let (first, last) = (local_date(*first, zone), local_date(*last, zone));
    let mut days = Vec::new();
    let (mut date, mut start) = (first, 0);
    loop {
        let next = date.checked_add(1.days()).ok();
        let end = match next.and_then(|next| midnight(next, zone)) {
            Some(end) if date < last => start + times[start..].partition_point(|at| *at < end),
            _ => times.len(),
        };
        days.push(Day { day: i64::from(days_of(date)), rows: start..end });
        match next.filter(|next| *next <= last) {
            Some(next) => (date, start) = (next, end),
            None => return days,
        }
    }
}

fn local_date(ms: i64, zone: Option<&Zone>) -> Date {
    match (zone, Timestamp::from_millisecond(ms)) {
        (Some(zone), Ok(at)) => at.to_zoned(zone.rules().clone()).date(),
        _ => date_of(ms.div_euclid(86_400_000) as i32),
    }
}

/// The first instant of a local date, in milliseconds.
fn midnight(date: Date, zone: Option<&Zone>) -> Option<i64> {
    match zone {
        Some(zone) => Some(date.to_zoned(zone.rules().clone()).ok()?.timestamp().as_millisecond()),
        None => Some(i64::from(days_of(date)) * 86_400_000),
    }
}

impl Lake {
    /// Takes `daily` anew from `samples`, by each server's local date. Days that came as days, with no
    /// samples behind them, stay.
    ///
    /// # Errors
    /// When the lake is being changed, or a table cannot be read or written.
    pub fn rebuild_daily(&self) -> Result<DailyReport> {
        let change = self.begin()?;
        let samples = self.store().snapshot(Table::Samples)?;
        let servers = self.servers()?;
        let zones = zones(&servers);
        let mut days = Tracks::new();
        // Server by server, because samples can be many times the memory; days are few.
        for group in tracks::groups_of_servers(&samples.files) {
            let rows = tracks::read(&samples, &group, |_| true)?;
            let taken: Vec<(Arc<str>, Track)> =
                rows.par_iter().map(|(id, track)| (id.clone(), days_of_track(track, zone_of(&zones, id)))).collect();
            days.extend(taken);
        }
        let n_servers = days.len();
        let Merged { inserted, replaced, unchanged } = merge_into(self, &change, Table::Daily, &days)?.counts;
        change.commit()?;
        Ok(DailyReport { n_servers, n_inserted: inserted, n_replaced: replaced, n_unchanged: unchanged })
    }
}

/// What became of rows that were merged into a table.
pub(crate) struct MergedRows {
    pub(crate) counts: Merged,
    /// All rows of the servers that had new ones, old and new.
    pub(crate) rows: Tracks,
}

/// Rows merged into a table within a change, once per table: files of the servers concerned are written
/// anew, the others stay. Nothing is written when nothing is new.
pub(crate) fn merge_into(lake: &Lake, change: &crate::Change, table: Table, new: &Tracks) -> Result<MergedRows> {
    let snapshot = lake.store().snapshot(table)?;
    let concerns = |file: &&crate::store::DataFile| match &file.range {
        Some((low, high)) => {
            let between = (std::ops::Bound::Included(low.as_str()), std::ops::Bound::Included(high.as_str()));
            new.range::<str, _>(between).next().is_some()
        }
        None => true,
    };
    let files: Vec<_> = snapshot.files.iter().filter(concerns).cloned().collect();
    let mut rows = tracks::read(&snapshot, &files, |_| true)?;
    let merged: Vec<(Arc<str>, (Track, Merged))> = new
        .par_iter()
        .map(|(id, track)| (id.clone(), rows.get(id).unwrap_or(&Track::default()).merged_with(track)))
        .collect();
    let mut counts = Merged::default();
    let mut own = Tracks::new();
    for (id, (both, count)) in merged {
        counts += count;
        own.insert(id, both);
    }
    if counts.inserted + counts.replaced > 0 {
        rows.extend(own.iter().map(|(id, track)| (id.clone(), track.clone())));
        check_columns(table, &rows)?;
        change.replace_files(table, files.into_iter().map(|file| file.path))?;
        tracks::write(change, table, &rows, 0)?;
    }
    Ok(MergedRows { counts, rows: own })
}

fn check_columns(table: Table, rows: &Tracks) -> Result<()> {
    let names: BTreeSet<&Arc<str>> = rows.values().flat_map(|track| track.columns.keys()).collect();
    match names.into_iter().find(|name| table.columns().iter().any(|c| c.name == &***name)) {
        None => Ok(()),
        Some(name) => Err(Error::Storage {
            action: "write",
            table: table.name().to_owned(),
            reason: format!("a metric cannot be called `{name}`, which is a column of its own; rename it with `--map`"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::{Stream, quantile};
    use jiff::civil::date;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn hourly(first: Date, zone: &Zone, hours: usize) -> Track {
        let start = midnight(first, Some(zone)).unwrap();
        let times: Vec<i64> = (0..hours as i64).map(|h| start + h * HOUR).collect();
        let values = (0..hours).map(|h| h as f64).collect();
        Track { times, n_samples: vec![], columns: [("cpu".into(), values)].into() }
    }

    #[test]
    fn days_are_as_long_as_the_clock_makes_them() {
        let zone = Zone::named("Europe/London").unwrap();
        let spring = days_of_track(&hourly(date(2024, 3, 30), &zone, 24 + 23 + 24), Some(&zone));
        assert_eq!(spring.n_samples, [24, 23, 24]);
        assert_eq!(spring.columns["cpu_max"], [23.0, 46.0, 70.0]);
        let autumn = days_of_track(&hourly(date(2024, 10, 26), &zone, 24 + 25 + 24), Some(&zone));
        assert_eq!(autumn.n_samples, [24, 25, 24]);
        // Midnight does not exist in Santiago on 8 September 2024: the day begins at one o'clock.
        let zone = Zone::named("America/Santiago").unwrap();
        let late = days_of_track(&hourly(date(2024, 9, 7), &zone, 24 + 23 + 24), Some(&zone));
        assert_eq!(late.n_samples, [24, 23, 24]);
    }

    #[test]
    fn a_local_date_is_not_the_utc_date() {
        let zone = Zone::named("Asia/Tokyo").unwrap();
        let late: Timestamp = "2024-05-01T16:00:00Z".parse().unwrap();
        let track = Track {
            times: vec![late.as_millisecond()],
            n_samples: vec![],
            columns: [("cpu".into(), vec![7.0])].into(),
        };
        assert_eq!(days_of_track(&track, Some(&zone)).times, [i64::from(days_of(date(2024, 5, 2)))]);
        assert_eq!(days_of_track(&track, None).times, [i64::from(days_of(date(2024, 5, 1)))]);
    }

    #[test]
    fn a_day_without_samples_keeps_its_row_and_gaps_are_each_metrics_own() {
        let mut track = hourly(date(2024, 1, 1), &Zone::utc(), 72);
        track.times.drain(24..48);
        track.columns.values_mut().for_each(|v| drop(v.drain(24..48)));
        let mut memory = vec![50.0; 48];
        memory[..24].fill(f64::NAN);
        track.columns.insert("memory".into(), memory);
        let days = days_of_track(&track, None);
        assert_eq!(days.n_samples, [24, 0, 24]);
        assert!(days.columns["cpu_p95"][1].is_nan() && days.columns["memory_p95"][0].is_nan());
        assert_eq!(days.columns["memory_mean"][2], 50.0);
        assert!(days_of_track(&Track::default(), None).times.is_empty());
    }

    proptest! {
        #[test]
        fn p95_is_that_of_the_sorted_day(seed in 0u64..1000, n in 1usize..400) {
            let stream = Stream::new(seed, &["day"]);
            let values: Vec<f64> = (0..n as u64).map(|i| (stream.uniform(i) * 50.0).floor()).collect();
            let mut scratch = values.clone();
            let [p95, mean, max] = summary(&mut scratch).unwrap();
            prop_assert_eq!(p95.to_bits(), quantile(&values, 0.95).unwrap().to_bits());
            prop_assert_eq!(mean, values.iter().sum::<f64>() / n as f64);
            prop_assert_eq!(max, values.iter().copied().fold(f64::MIN, f64::max));
        }
    }
}
