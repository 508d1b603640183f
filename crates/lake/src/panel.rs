//! The lake's telemetry as a panel of series.

use crate::batch::{date_of, days_of};
use crate::lake::Lake;
use crate::tracks::{self, Track};
use crate::{Error, Result, Table};
use fleetcast_core::{History, Metric, Panel, SeriesId, Server, Step, Timeline};
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Distance between the steps of a panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// P95 of each local day, from `daily`.
    #[default]
    Daily,
    /// Mean of each local day, from `daily`.
    DailyMean,
    /// The mean of the samples within each step, from `samples`, in UTC. At the step of the samples
    /// themselves that is the samples.
    Intraday {
        /// Length of a step.
        step_seconds: i64,
    },
}

/// Which series a panel has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelQuery {
    /// Names of metrics; all of them when `None`.
    pub metrics: Option<Vec<String>>,
    /// Step of the series.
    pub resolution: Resolution,
    /// The last date a series may have, included; `None` for all there is.
    pub until: Option<Date>,
}

impl Lake {
    /// The series of the lake, each from its first observed step to its server's last row, with gaps
    /// as NaN, together with all servers. A metric nobody observed on a server makes no series.
    ///
    /// # Errors
    /// [`Error::Unknown`] when a metric asked for is not in the lake; otherwise when a table cannot be read.
    pub fn panel(&self, query: &PanelQuery) -> Result<Panel> {
        let (table, suffix, step) = match query.resolution {
            Resolution::Daily => (Table::Daily, "_p95", Step::DAY),
            Resolution::DailyMean => (Table::Daily, "_mean", Step::DAY),
            Resolution::Intraday { step_seconds } => (Table::Samples, "", Step::seconds(step_seconds)?),
        };
        let snapshot = self.store().snapshot(table)?;
        let own = table.columns();
        let present: BTreeSet<&str> = snapshot
            .schema
            .fields()
            .iter()
            .filter(|field| !own.iter().any(|c| c.name == field.name()))
            .filter_map(|field| field.name().strip_suffix(suffix))
            .collect();
        let wanted = chosen(query, &present, table)?;
        let metrics = self.metrics_named(&wanted)?;
        let is_wanted = |column: &str| column.strip_suffix(suffix).is_some_and(|metric| wanted.contains(metric));
        let rows = tracks::read(&snapshot, &snapshot.files, is_wanted)?;
        let servers: Vec<Arc<Server>> = self.servers()?.into_iter().map(Arc::new).collect();
        let zones = servers.iter().map(|s| (s.server_id(), s.as_ref())).collect();
        let histories: Vec<History> = rows
            .par_iter()
            .map(|(id, track)| {
                let cut = rows_until(track, query.until, table, id, &zones);
                series(id, track, cut, suffix, step, &metrics)
            })
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        Ok(Panel::new(servers, histories)?)
    }

    fn metrics_named(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Arc<Metric>>> {
        let mut known: BTreeMap<String, Metric> =
            self.metrics()?.into_iter().map(|m| (m.name().to_owned(), m)).collect();
        let named = names
            .iter()
            .map(|name| (name.clone(), Arc::new(known.remove(name).unwrap_or_else(|| Metric::named(name)))));
        Ok(named.collect())
    }
}

fn chosen(query: &PanelQuery, present: &BTreeSet<&str>, table: Table) -> Result<BTreeSet<String>> {
    let Some(names) = &query.metrics else { return Ok(present.iter().map(|name| (*name).to_owned()).collect()) };
    match names.iter().find(|name| !present.contains(name.as_str())) {
        None => Ok(names.iter().cloned().collect()),
        Some(name) => {
            let known: Vec<&str> = present.iter().copied().collect();
            Err(Error::unknown("metric", name, &format!("table `{table}`"), &known))
        }
    }
}

/// Number of rows up to the end of a local date.
fn rows_until(track: &Track, until: Option<Date>, table: Table, id: &str, servers: &BTreeMap<&str, &Server>) -> usize {
    use jiff::ToSpan as _;
    let Some(until) = until else { return track.times.len() };
    let end = match (table, until.checked_add(1.days())) {
        (_, Err(_)) => i64::MAX,
        (Table::Daily, Ok(next)) => i64::from(days_of(next)),
        (_, Ok(next)) => {
            let rules = servers.get(id).map_or(jiff::tz::TimeZone::UTC, |server| server.zone.rules().clone());
            next.to_zoned(rules).map_or(i64::MAX, |at| at.timestamp().as_millisecond())
        }
    };
    track.times.partition_point(|at| *at < end)
}

/// The series of one server.
pub(crate) fn series(
    id: &Arc<str>,
    track: &Track,
    rows: usize,
    suffix: &str,
    step: Step,
    metrics: &BTreeMap<String, Arc<Metric>>,
) -> Result<Vec<History>> {
    let times = &track.times[..rows];
    let per_row =
        |at: i64| if step == Step::DAY && suffix == "_p95" { at } else { at.div_euclid(step.as_seconds() * 1000) };
    let Some(last) = times.last().map(|at| per_row(*at)) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (column, values) in &track.columns {
        let Some(metric) = column.strip_suffix(suffix).and_then(|name| metrics.get(name)) else { continue };
        let Some(first_row) = values[..rows].iter().position(|v| !v.is_nan()) else { continue };
        let first = per_row(times[first_row]);
        let n_steps = usize::try_from(last - first + 1).unwrap_or(0);
        let mut grid = vec![f64::NAN; n_steps];
        let mut counts = vec![0u32; n_steps];
        for (at, value) in times.iter().zip(&values[..rows]).skip(first_row).filter(|(_, v)| !v.is_nan()) {
            let cell = (per_row(*at) - first) as usize;
            // Summed in order of time, so the mean is the same at any thread count.
            grid[cell] = if counts[cell] == 0 { *value } else { grid[cell] + value };
            counts[cell] += 1;
        }
        grid.iter_mut().zip(&counts).filter(|(_, n)| **n > 1).for_each(|(sum, n)| *sum /= f64::from(*n));
        let timeline = timeline(first, step, suffix)?;
        let id = SeriesId { server_id: id.clone(), metric: metric.name().into() };
        out.push(History::new(id, metric.clone(), timeline, grid)?);
    }
    Ok(out)
}

fn timeline(first: i64, step: Step, suffix: &str) -> Result<Timeline> {
    if suffix == "_p95" {
        return Ok(Timeline::daily(date_of(first as i32)));
    }
    let seconds = first.saturating_mul(step.as_seconds());
    let at = jiff::Timestamp::from_second(seconds).map_err(Error::storage("read", Table::Samples.name()))?;
    Ok(Timeline::new(at.to_zoned(jiff::tz::TimeZone::UTC).datetime(), step))
}
