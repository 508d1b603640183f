//! What the runs in a lake said.

use super::nothing;
use crate::line_up::AUTO;
use crate::{Result, store, tables};
use fleetcast_core::{Panel, Recommendation, Risk, SCORED_QUANTILES, SeriesId};
use fleetcast_lake::{Frame, Lake, Table};
use jiff::civil::Date;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Everything one run said of days that have come since.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// The last day that it had seen.
    pub(super) cutoff: Date,
    /// Risks by server.
    pub(super) risks: BTreeMap<String, Vec<Risk>>,
    /// Sizes, in order of servers.
    pub(super) sizes: Vec<Recommendation>,
    pub(super) forecasts: BTreeMap<SeriesId, Stated>,
    /// Days that quantiles were made for.
    pub(super) horizon: usize,
    /// The last day with telemetry of any server.
    pub(super) until: Date,
}

impl Said {
    /// The threshold that sizes were chosen by.
    pub(super) fn lowest_threshold(&self) -> Option<f64> {
        self.risks.values().flatten().map(|risk| risk.threshold).min_by(f64::total_cmp)
    }
}

/// The forecast of one series.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    /// Last day that was seen.
    pub(super) cutoff: Date,
    /// The scored quantiles of each day that has come since, the first after the cutoff first.
    pub(super) quantiles: Vec<[f64; 7]>,
}

/// What was said before `last_day`, the earliest first; of several runs with one last day the latest.
///
/// # Errors
/// [`crate::Error::Nothing`] when no run was planned, or no day has come since.
pub(super) fn said(lake: &Lake, panel: &Panel, last_day: Date) -> Result<Vec<Said>> {
    let runs = store::planned_runs(lake)?;
    if runs.is_empty() {
        return Err(nothing("nothing was said that could be reviewed".to_owned(), "run `fleetcast run` on this lake"));
    }
    let (risks, sizes) = (lake.read(Table::Risks)?, lake.read(Table::Recommendations)?);
    let mut by_cutoff: BTreeMap<Date, (String, Said)> = BTreeMap::new();
    for run_id in runs {
        let of_run = tables::risks_of(&risks, &run_id, panel)?;
        let Some(cutoff) = of_run.values().flatten().map(|risk| risk.cutoff).max() else { continue };
        // Runs come latest first, and the latest of a day counts.
        if let Entry::Vacant(entry) = by_cutoff.entry(cutoff) {
            let sizes = tables::recommendations_of(&sizes, &run_id)?;
            entry.insert((run_id, Said { cutoff, risks: of_run, sizes, until: last_day, ..Said::default() }));
        }
    }
    if by_cutoff.keys().all(|cutoff| *cutoff >= last_day) {
        return Err(nothing(
            format!("no day has come since the last run: the telemetry ends on {last_day}"),
            "take newer telemetry in with `fleetcast ingest`, then ask again",
        ));
    }
    by_cutoff.retain(|cutoff, _| *cutoff < last_day);
    read_forecasts(&lake.read(Table::Forecasts)?, &mut by_cutoff, last_day)?;
    Ok(by_cutoff.into_values().map(|(_, said)| said).collect())
}

fn read_forecasts(frame: &Frame, runs: &mut BTreeMap<Date, (String, Said)>, last_day: Date) -> Result<()> {
    let (ids, models) = (frame.text("run_id")?, frame.text("model")?);
    let (servers, metrics) = (frame.text("server_id")?, frame.text("metric")?);
    let (cutoffs, dates, steps) = (frame.dates("cutoff")?, frame.dates("date")?, frame.ints("step")?);
    let scored = tables::QUANTILE_COLUMNS[..SCORED_QUANTILES.len()].iter();
    let quantiles: Vec<&[f64]> = scored.map(|name| frame.floats(name)).collect::<std::result::Result<_, _>>()?;
    let places: BTreeMap<String, Date> = runs.iter().map(|(cutoff, (run_id, _))| (run_id.clone(), *cutoff)).collect();
    let known: BTreeSet<&str> = places.keys().map(String::as_str).collect();
    for row in 0..frame.rows() {
        let (Some(run_id), Some(AUTO)) = (ids[row].as_deref(), models[row].as_deref()) else { continue };
        let (Some(server_id), Some(metric)) = (&servers[row], &metrics[row]) else { continue };
        let (Some(cutoff), Some(date)) = (cutoffs[row], dates[row]) else { continue };
        if !known.contains(run_id) || quantiles.iter().any(|column| column[row].is_nan()) {
            continue;
        }
        let Some((_, said)) = places.get(run_id).and_then(|place| runs.get_mut(place)) else { continue };
        said.horizon = said.horizon.max(usize::try_from(steps[row].unwrap_or(0)).unwrap_or(0));
        if date <= last_day {
            let id = SeriesId { server_id: server_id.clone(), metric: metric.clone() };
            let stated = said.forecasts.entry(id).or_default();
            stated.cutoff = cutoff;
            // The table is read in order of its key, whose last part is the date.
            stated.quantiles.push(std::array::from_fn(|place| quantiles[place][row]));
        }
    }
    Ok(())
}
