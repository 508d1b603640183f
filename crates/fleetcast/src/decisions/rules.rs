//! The rules people use, run on the samples of the same past.

use super::Origins;
use super::origin::steps_until;
use crate::Result;
use fleetcast_core::{History, Panel, SeriesId, Server};
use fleetcast_lake::{Lake, PanelQuery, Resolution};
use fleetcast_plan::proof::{Rule, Usage};
use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What each rule compares, and what it would buy: by rule, for one series at one origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    /// Per cent of capacity.
    pub(super) compared: Option<f64>,
    /// Share of the present capacity.
    pub(super) needed: Option<f64>,
}

/// The figures of every rule, series and origin.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    per_day: usize,
    by_series: BTreeMap<(usize, usize), [Figure; Rule::ALL.len()]>,
}

impl Figures {
    /// Runs the rules; on samples within days where the lake has them, else on daily P95s.
    pub(super) fn of(lake: &Lake, panel: &Panel, origins: &Origins) -> Result<Self> {
        let per_day = samples_per_day(lake)?;
        let mut metrics: Vec<&str> = panel.histories().iter().map(|history| history.metric().name()).collect();
        metrics.sort_unstable();
        metrics.dedup();
        let mut by_series = BTreeMap::new();
        // One metric at a time: the samples of all would take four times the memory.
        for metric in metrics {
            let samples = if per_day > 1 { Some(samples(lake, metric, per_day)?) } else { None };
            let of_series = |(place, daily): (usize, &History)| -> Option<Vec<_>> {
                let server = panel.server(&daily.id().server_id)?;
                let fine = samples.as_ref().and_then(|samples| series(samples, daily.id()));
                let view = View { server, daily, fine, per_day, horizon: origins.horizon };
                let capacity = server.capacity(daily.metric())?;
                let at = |(origin, &day): (usize, &Date)| Some(((place, origin), view.figures(day, capacity)?));
                Some(origins.days.iter().enumerate().filter_map(at).collect())
            };
            let own = panel.histories().par_iter().enumerate().filter(|(_, h)| h.metric().name() == metric);
            by_series.par_extend(own.filter_map(of_series).flatten_iter());
        }
        Ok(Self { per_day, by_series })
    }

    /// Samples in a day, 1 for daily P95s.
    pub(super) fn per_day(&self) -> usize {
        self.per_day
    }

    /// The figure of a rule; `None` where it saw nothing.
    pub(super) fn get(&self, rule: Rule, series: usize, origin: usize) -> Option<Figure> {
        let place = Rule::ALL.iter().position(|one| *one == rule)?;
        self.by_series.get(&(series, origin)).map(|figures| figures[place])
    }
}

/// One series with its samples.
struct View<'a> {
    server: &'a Server,
    daily: &'a History,
    fine: Option<&'a History>,
    per_day: usize,
    horizon: usize,
}

impl View<'_> {
    /// What the rules say at the end of a day, from nothing later.
    fn figures(&self, day: Date, capacity: f64) -> Option<[Figure; Rule::ALL.len()]> {
        let percent = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| 100.0 * value / capacity).collect() };
        // No rule looks back farther than this.
        let last = |values: &[f64], days: usize| percent(&values[values.len().saturating_sub(days)..]);
        let daily_p95 = last(&self.daily.values()[..steps_until(self.daily, day)?], 100);
        let samples = match self.fine {
            Some(fine) => last(&fine.values()[..samples_until(fine, self.server, day)?], 100 * self.per_day),
            None => daily_p95.clone(),
        };
        let per_day = if self.fine.is_some() { self.per_day } else { 1 };
        let usage = Usage { samples: &samples, per_day, daily_p95: &daily_p95 };
        let is_memory = self.daily.metric().name() == "memory";
        Some(Rule::ALL.map(|rule| Figure {
            compared: rule.figure(&usage, self.horizon),
            needed: rule.needed_share(&usage, is_memory, self.horizon),
        }))
    }
}

/// Samples before the end of a local day.
fn samples_until(fine: &History, server: &Server, day: Date) -> Option<usize> {
    let next = day.checked_add(1.days()).ok()?.to_zoned(server.zone.rules().clone()).ok()?;
    let end = next.with_time_zone(TimeZone::UTC).datetime();
    let steps = fine.timeline().index_of(end)?;
    (steps > 0).then_some(steps.min(fine.len()))
}

fn series<'a>(samples: &'a Panel, id: &SeriesId) -> Option<&'a History> {
    let histories = samples.histories();
    histories.binary_search_by(|history| history.id().cmp(id)).ok().map(|at| &histories[at])
}

fn samples(lake: &Lake, metric: &str, per_day: usize) -> Result<Panel> {
    let step_seconds = 86_400 / per_day as i64;
    let resolution = Resolution::Intraday { step_seconds };
    Ok(lake.panel(&PanelQuery { metrics: Some(vec![metric.to_owned()]), resolution, until: None })?)
}

/// Samples that most days have.
fn samples_per_day(lake: &Lake) -> Result<usize> {
    let answer = lake.sql(
        "SELECT n_samples FROM daily WHERE n_samples > 0 GROUP BY n_samples ORDER BY count(*) DESC, n_samples LIMIT 1",
    )?;
    let found = answer.rows()?.into_iter().flatten().flatten().next();
    let per_day = found.and_then(|text| text.parse::<usize>().ok()).unwrap_or(1);
    // A day of no whole number of steps has no samples on a regular grid.
    Ok(if per_day > 1 && 86_400 % per_day == 0 { per_day } else { 1 })
}
