//! Points of telemetry as they come out of files: gathered by series, cleaned, put into rows.

use super::cells::Clock;
use super::layout::{Roles, Values};
use super::map::{Map, MetricMap};
use super::report::FileReport;
use super::source::{Batch, Source};
use super::units::Found;
use crate::tracks::{Track, Tracks};
use crate::{Error, Result};
use datafusion::arrow::array::{Array, StringArray};
use fleetcast_core::{Metric, Unit};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Points of a metric of a server in a unit, in the order in which they came.
#[derive(Debug)]
struct Series {
    server: Arc<str>,
    metric: String,
    unit: String,
    points: Timed,
}

/// Values and their times: milliseconds, or days of a daily file.
#[derive(Debug, Default, PartialEq)]
struct Timed {
    times: Vec<i64>,
    values: Vec<f64>,
}

/// Columns of one server, by their names in the lake.
type Columns = BTreeMap<String, Timed>;

/// Points of one file.
#[derive(Debug, Default)]
struct Points {
    series: Vec<Series>,
    index: HashMap<(String, String, String), usize>,
    last: usize,
}

impl Points {
    /// The series of a row; neighbouring rows are mostly of the same.
    fn series(&mut self, server: &str, metric: &str, unit: &str) -> &mut Series {
        let is_last = |s: &Series| *s.server == *server && s.metric == metric && s.unit == unit;
        if !self.series.get(self.last).is_some_and(is_last) {
            let key = (server.to_owned(), metric.to_owned(), unit.to_owned());
            let next = self.series.len();
            self.last = *self.index.entry(key).or_insert(next);
            if self.last == next {
                let (metric, unit) = (metric.to_owned(), unit.to_owned());
                self.series.push(Series { server: server.into(), metric, unit, points: Timed::default() });
            }
        }
        &mut self.series[self.last]
    }
}

/// What all files gave.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) samples: Tracks,
    pub(crate) daily: Tracks,
    /// Metrics of the lake, and those that came.
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) came: Vec<String>,
    /// Where the unit of a metric was said: in the lake, or only now.
    known_before: Vec<String>,
    /// Every server named, whether or not it had a value.
    pub(crate) servers: std::collections::BTreeSet<Arc<str>>,
}

const DAY_PARTS: [&str; 3] = ["_p95", "_mean", "_max"];
/// Beside the three parts of a day, the number of its samples travels under this name.
const COUNT: &str = "\u{0}n";

impl Gathered {
    pub(crate) fn new(metrics: Vec<Metric>) -> Self {
        let known_before = metrics.iter().map(|m| m.name().to_owned()).collect();
        let metrics = metrics.into_iter().map(|m| (m.name().to_owned(), m)).collect();
        Self { metrics, known_before, ..Self::default() }
    }

    /// Reads a file to its end.
    pub(crate) fn read(
        &mut self,
        source: &Source,
        roles: &Roles,
        clock: &Clock,
        map: &Map,
        report: &mut FileReport,
    ) -> Result<()> {
        let reader = Reader { roles, clock, map, file_stem: stem(source) };
        let wanted = reader.columns();
        let mut points = Points::default();
        source.read(&wanted, |batch| reader.take(batch, &wanted, &mut points, report))?;
        let is_daily = matches!(roles.values, Values::Daily { .. });
        self.servers.extend(points.series.iter().map(|s| s.server.clone()));
        let mut columns: BTreeMap<Arc<str>, Columns> = BTreeMap::new();
        for series in points.series {
            let server = series.server.clone();
            let Some((name, points)) = self.cleaned(series, source, map, is_daily, report)? else { continue };
            let column = columns.entry(server).or_default().entry(name).or_default();
            column.times.extend(points.times);
            column.values.extend(points.values);
        }
        let into = if is_daily { &mut self.daily } else { &mut self.samples };
        for (server, columns) in columns {
            let track = rows(columns, is_daily, report);
            let (both, _) = into.get(&server).unwrap_or(&Track::default()).merged_with(&track);
            into.insert(server, both);
        }
        Ok(())
    }

    /// A series under its column's name in the lake and in its unit there; `None` when the map leaves it out.
    fn cleaned(
        &mut self,
        series: Series,
        source: &Source,
        map: &Map,
        is_daily: bool,
        report: &mut FileReport,
    ) -> Result<Option<(String, Timed)>> {
        let mut parts = DAY_PARTS.iter().chain([&COUNT]);
        let part = parts.find(|part| is_daily && series.metric.ends_with(**part)).copied().unwrap_or("");
        let raw = &series.metric[..series.metric.len() - part.len()];
        let said = map.metrics.get(raw).cloned().unwrap_or_default();
        if said.ignore {
            return Ok(None);
        }
        if part == COUNT {
            return Ok(Some((COUNT.to_owned(), series.points)));
        }
        let name = lake_name(raw, &said);
        let factor = self.factor(&name, &said, &series.unit, map, source)?;
        report.n_out_of_order += series.points.times.windows(2).filter(|pair| pair[1] < pair[0]).count();
        let mut points = in_order(series.points, report);
        if said.counter && !is_daily {
            points = rates(&points, report);
        } else if part.is_empty() {
            report.suspect_counter(&name, &points.values);
        }
        points.values.iter_mut().for_each(|value| *value *= factor);
        if self.metrics.get(&name).is_some_and(|m| *m.unit() == Unit::Percent) {
            report.look_at_percent(&name, &points.values, factor == 1.0);
        }
        report.metric(&name, points.values.len());
        Ok(Some((format!("{name}{part}"), points)))
    }

    /// The factor that takes a series to the unit its metric has in the lake.
    fn factor(&mut self, name: &str, said: &MetricMap, unit: &str, map: &Map, source: &Source) -> Result<f64> {
        let scale = said.scale.unwrap_or(1.0);
        let written = said.unit.as_deref().or((!unit.is_empty()).then_some(unit)).or(map.unit.as_deref()).unwrap_or("");
        let mut found = Found::named(written);
        if let (true, Unit::Other(sign)) = (said.counter, &mut found.unit) {
            sign.push_str("/s");
        }
        if !self.came.iter().any(|came| came == name) {
            self.came.push(name.to_owned());
        }
        let is_unsaid = written.is_empty();
        let metric = self.metrics.entry(name.to_owned()).or_insert_with(|| {
            let metric = Metric::named(name);
            if is_unsaid { metric } else { metric.with_unit(found.unit.clone()) }
        });
        if is_unsaid {
            return Ok(scale);
        }
        if *metric.unit() == Unit::Other(String::new()) {
            *metric = metric.clone().with_unit(found.unit.clone());
        }
        if let Some(factor) = found.factor_to(metric.unit()) {
            return Ok(scale * factor);
        }
        let place = if self.known_before.iter().any(|known| known == name) {
            "in the lake"
        } else {
            "elsewhere in the same files"
        };
        Err(Error::Units {
            file: source.file.clone(),
            metric: name.to_owned(),
            found: found.unit.to_string(),
            place,
            known: metric.unit().to_string(),
        })
    }
}

fn stem(source: &Source) -> String {
    let name = source.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or("series").to_owned()
}

/// The name a metric has in the lake: the map's, or its own with what a column name cannot hold as `_`.
pub(crate) fn lake_name(raw: &str, said: &MetricMap) -> String {
    let name = said.name.as_deref().unwrap_or(match raw {
        "cpu_utilization" | "cpu_utilization_avg" => "cpu",
        other => other,
    });
    name.trim().chars().map(|c| if " ,;{}()\n\t=\"'`/\\".contains(c) { '_' } else { c }).collect()
}

struct Reader<'a> {
    roles: &'a Roles,
    clock: &'a Clock,
    map: &'a Map,
    file_stem: String,
}

impl Reader<'_> {
    /// The columns that are read, in the order in which [`Reader::take`] looks for them.
    fn columns(&self) -> Vec<usize> {
        let mut wanted = vec![self.roles.time];
        wanted.extend([self.roles.server, self.roles.metric, self.roles.unit].into_iter().flatten());
        match &self.roles.values {
            Values::Long(value) => wanted.push(*value),
            Values::Wide(metrics) => wanted.extend(metrics.iter().map(|(at, _)| *at)),
            Values::Daily { days, n } => {
                wanted.extend(days.iter().flat_map(|day| day.parts).flatten());
                wanted.extend(*n);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    fn take(&self, batch: &Batch<'_>, wanted: &[usize], points: &mut Points, report: &mut FileReport) -> Result<()> {
        // Roles are columns of the file; the batch holds only those that were asked for.
        let place = |column: usize| wanted.binary_search(&column).unwrap_or_default();
        let is_daily = matches!(self.roles.values, Values::Daily { .. });
        let times = if is_daily {
            batch.days(place(self.roles.time))?
        } else {
            let times = batch.times(place(self.roles.time), self.clock)?;
            report.is_naive |= times.is_naive;
            times.ms
        };
        let servers = self.roles.server.map(|at| batch.keys(place(at))).transpose()?;
        let metrics = self.roles.metric.map(|at| batch.keys(place(at))).transpose()?;
        let units = self.roles.unit.map(|at| batch.text(place(at))).transpose()?;
        report.rows(&times, is_daily);
        let mut add = |name: Option<&str>, suffix: &str, column: usize| -> Result<()> {
            let values = batch.numbers(place(column))?;
            let labels = Labels { reader: self, servers: &servers, metrics: &metrics, units: &units, name, suffix };
            labels.add(&times, &values, points, report);
            Ok(())
        };
        match &self.roles.values {
            Values::Long(value) => add(None, "", *value),
            Values::Wide(columns) => columns.iter().try_for_each(|(at, name)| add(Some(name), "", *at)),
            Values::Daily { days, n } => {
                for day in days {
                    for (part, suffix) in day.parts.iter().zip(DAY_PARTS) {
                        part.map_or(Ok(()), |at| add(day.metric.as_deref(), suffix, at))?;
                    }
                    n.map_or(Ok(()), |at| add(day.metric.as_deref(), COUNT, at))?;
                }
                Ok(())
            }
        }?;
        debug_assert_eq!(batch.n_rows(), times.len());
        Ok(())
    }
}

/// What stands beside the values of a batch.
struct Labels<'a> {
    reader: &'a Reader<'a>,
    servers: &'a Option<StringArray>,
    metrics: &'a Option<StringArray>,
    units: &'a Option<StringArray>,
    /// The metric, where the column tells it.
    name: Option<&'a str>,
    suffix: &'a str,
}

impl Labels<'_> {
    fn add(&self, times: &[i64], values: &[f64], points: &mut Points, report: &mut FileReport) {
        let fallback = self.reader.map.metric.as_deref().unwrap_or("value");
        let mut joined = String::new();
        for (row, (time, value)) in times.iter().zip(values).enumerate() {
            let server = self.servers.as_ref().map_or(self.reader.file_stem.as_str(), |s| s.value(row).trim());
            let metric = self.name.or(self.metrics.as_ref().map(|m| m.value(row).trim())).unwrap_or(fallback);
            let unit = self.units.as_ref().filter(|u| !u.is_null(row)).map_or("", |u| u.value(row).trim());
            let metric = if self.suffix.is_empty() {
                metric
            } else {
                joined.clear();
                joined.push_str(metric);
                joined.push_str(self.suffix);
                &joined
            };
            // The series exists even when the value does not: its server was seen.
            let series = points.series(server, metric, unit);
            if value.is_finite() {
                series.points.times.push(*time);
                series.points.values.push(*value);
            } else if value.is_nan() {
                report.n_empty += usize::from(self.suffix != COUNT);
            } else {
                report.n_infinite += 1;
            }
        }
    }
}

/// Points in order of time; of points at the same time the last that came stays.
fn in_order(points: Timed, report: &mut FileReport) -> Timed {
    if points.times.is_sorted_by(|a, b| a < b) {
        return points;
    }
    let mut order: Vec<usize> = (0..points.times.len()).collect();
    order.sort_by_key(|&at| points.times[at]);
    let mut out = Timed::default();
    for at in order {
        let (time, value) = (points.times[at], points.values[at]);
        if out.times.last() == Some(&time) {
            report.n_duplicates += 1;
            report.n_conflicting += usize::from(out.values.last() != Some(&value));
            out.values.pop();
            out.times.pop();
        }
        out.times.push(time);
        out.values.push(value);
    }
    out
}

/// Growth per second of a counter; after a reset it has grown by what it shows.
fn rates(points: &Timed, report: &mut FileReport) -> Timed {
    let pairs = points.times.windows(2).zip(points.values.windows(2));
    let rates = pairs.map(|(time, value)| {
        let is_reset = value[1] < value[0];
        report.n_resets += usize::from(is_reset);
        let growth = if is_reset { value[1] } else { value[1] - value[0] };
        (time[1], growth * 1000.0 / (time[1] - time[0]) as f64)
    });
    let (times, values) = rates.unzip();
    Timed { times, values }
}

/// Columns of a server as rows: every time at which any of them has a value.
fn rows(columns: Columns, is_daily: bool, report: &mut FileReport) -> Track {
    // Two names of the file may be one in the lake, so their points meet here once more.
    let columns: Columns = columns.into_iter().map(|(name, points)| (name, in_order(points, report))).collect();
    let mut times: Vec<i64> = columns.values().flat_map(|points| points.times.iter().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let n_samples = if is_daily { vec![1; times.len()] } else { Vec::new() };
    let mut track = Track { times, n_samples, columns: BTreeMap::new() };
    for (name, points) in columns {
        let mut next = points.times.iter().zip(&points.values).peekable();
        let place = |time: &i64| next.next_if(|(at, _)| *at == time).map_or(f64::NAN, |(_, value)| *value);
        let column: Vec<f64> = track.times.iter().map(place).collect();
        if name == COUNT {
            for (n, count) in track.n_samples.iter_mut().zip(&column).filter(|(_, count)| count.is_finite()) {
                *n = *count as i64;
            }
        } else {
            track.columns.insert(name.as_str().into(), column);
        }
    }
    track
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(times: &[i64], values: &[f64]) -> Timed {
        Timed { times: times.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn counters_become_rates_and_survive_resets() {
        let mut report = FileReport::default();
        let rates = rates(&timed(&[0, 10_000, 20_000, 25_000], &[100.0, 150.0, 20.0, 20.0]), &mut report);
        assert_eq!((rates, report.n_resets), (timed(&[10_000, 20_000, 25_000], &[5.0, 2.0, 0.0]), 1));
    }

    #[test]
    fn of_twins_the_last_stays_and_is_counted() {
        let mut report = FileReport::default();
        let points = in_order(timed(&[2, 1, 2, 2], &[1.0, 5.0, 3.0, 3.0]), &mut report);
        assert_eq!(points, timed(&[1, 2], &[5.0, 3.0]));
        assert_eq!((report.n_duplicates, report.n_conflicting), (2, 1));
    }
}
