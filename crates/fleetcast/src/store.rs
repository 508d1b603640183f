//! Results into the lake's tables and out of them again.

use crate::backtest::Backtested;
use crate::config::Config;
use crate::decisions::DecisionScore;
use crate::forecast::{Forecasts, Marginals, SeriesForecast};
use crate::line_up::{AUTO, BASELINE};
use crate::plan::{Plan, WeeklyRisk};
use crate::run::{Assessed, identity};
use crate::{Context, Error, Result, tables};
use fleetcast_backtest::ModelForecasts;
use fleetcast_core::{
    Dependence, Forecast, History, Outlook, Panel, SCORED_QUANTILES, SeriesId, ServerOutlook, Shared, Timeline,
};
use fleetcast_lake::{Change, Column, Frame, Lake, Mode, Table};
use fleetcast_numeric::stream::stable_hash;
use fleetcast_report::{RunFacts, ScoreRow, Slice};
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A row of the table `runs`.
pub(crate) struct RunRecord {
    pub(crate) run_id: String,
    command: &'static str,
    seed: u64,
    started: Timestamp,
    finished: Timestamp,
    facts: Facts,
}

/// What a report repeats of the run's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Facts {
    planned_days: usize,
    backtest_horizon: usize,
    backtest_windows: usize,
    threshold: f64,
    n_paths: usize,
    price_source: Option<String>,
    notes: Vec<String>,
    /// The text of a committed what-if.
    #[serde(skip_serializing_if = "Option::is_none")]
    what_if: Option<String>,
}

impl RunRecord {
    /// The record of a run of every stage.
    pub(crate) fn new(
        command: &'static str,
        config: &Config,
        panel: &Panel,
        assessed: &Assessed,
        started: Timestamp,
        context: &Context,
    ) -> Self {
        let notes = assessed.horizons.all_notes().chain(&assessed.forecasts.notes).cloned().collect();
        let mut record = Self::plain(command, config, panel, notes, started, context);
        record.facts.planned_days = assessed.horizons.planned;
        record.facts.backtest_horizon = assessed.horizons.validated;
        record.facts.backtest_windows = assessed.horizons.windows.map_or(0, |w| w.count);
        record
    }

    /// The record of one stage.
    pub(crate) fn plain(
        command: &'static str,
        config: &Config,
        panel: &Panel,
        notes: Vec<String>,
        started: Timestamp,
        context: &Context,
    ) -> Self {
        let committed =
            config.plan.committed.iter().map(|one| format!("planned with the committed what-if: {}", one.name));
        let notes = committed.chain(notes).collect();
        let facts = Facts {
            planned_days: config.plan.horizon_days,
            // The lowest threshold is the first a server meets: counts and rankings go by it.
            threshold: config.plan.thresholds.iter().copied().fold(f64::INFINITY, f64::min),
            n_paths: config.plan.n_paths,
            notes,
            ..Facts::default()
        };
        let run_id = identity(command, config, panel);
        Self { run_id, command, seed: config.seed, started, finished: (context.now)(), facts }
    }

    /// The record of a what-if that is part of every plan from now on; one of the same name is replaced.
    pub(crate) fn of_what_if(name: &str, text: &str, started: Timestamp, context: &Context) -> Self {
        let run_id = format!("{:016x}", stable_hash(format!("{COMMITTED} {name}").as_bytes()));
        let facts = Facts { what_if: Some(text.to_owned()), ..Facts::default() };
        Self { run_id, command: COMMITTED, seed: 0, started, finished: (context.now)(), facts }
    }

    /// The record of a command that writes telemetry; it has no panel to be identified by.
    pub(crate) fn of_telemetry(
        run_id: String,
        command: &'static str,
        seed: u64,
        started: Timestamp,
        context: &Context,
    ) -> Self {
        Self { run_id, command, seed, started, finished: (context.now)(), facts: Facts::default() }
    }
}

/// Series whose rows are made at a time: those of a large fleet would take more memory than all else.
const SERIES_AT_ONCE: usize = 128;

/// Writes forecasts of the past and their scores.
pub(crate) fn write_backtest(
    change: &Change,
    run_id: &str,
    panel: &Panel,
    backtested: Option<&Backtested>,
) -> Result<()> {
    let Some(backtested) = backtested else { return Ok(()) };
    let mode = Mode::ReplaceRun(run_id.to_owned());
    let backtest = &backtested.backtest;
    // In the order of the table's key.
    let mut models: Vec<&ModelForecasts> = backtest.models().iter().collect();
    models.sort_by_key(|model| model.name());
    let of_model = |model| ranges(panel.histories().len()).into_iter().map(move |series| (model, series));
    let parts: Vec<(&ModelForecasts, Range<usize>)> = models.into_iter().flat_map(of_model).collect();
    // Taken in their order: what comes early waits in memory.
    parts.into_iter().enumerate().par_bridge().try_for_each(|(part, (model, series))| {
        let rows = tables::backtests(Some(run_id), backtest.rows_of(panel, model, series))?;
        Ok::<_, Error>(change.write_part(Table::Backtests, &rows, &mode, part)?)
    })?;
    Ok(change.write(Table::Scores, &tables::scores(run_id, &backtested.scores)?, &mode)?)
}

/// Some places at a time, together all of `n`; one range without any when there are none, so that rows that were there
/// before are replaced by none.
fn ranges(n: usize) -> Vec<Range<usize>> {
    (0..n.max(1)).step_by(SERIES_AT_ONCE).map(|first| first..n.min(first + SERIES_AT_ONCE)).collect()
}

/// Writes the scores of decisions.
pub(crate) fn write_scores(change: &Change, run_id: &str, scores: &[DecisionScore]) -> Result<()> {
    let mode = Mode::ReplaceRun(run_id.to_owned());
    Ok(change.write(Table::Scores, &tables::decision_scores(run_id, scores)?, &mode)?)
}

/// Writes forecasts, what regenerates their paths, and the weights of the members.
pub(crate) fn write_forecasts(change: &Change, run_id: &str, forecasts: &Forecasts) -> Result<()> {
    let mode = Mode::ReplaceRun(run_id.to_owned());
    let all = &forecasts.series;
    ranges(all.len()).into_iter().enumerate().par_bridge().try_for_each(|(part, series)| {
        let some = &all[series];
        change.write_part(Table::Forecasts, &tables::forecasts(run_id, some)?, &mode, part)?;
        let combined: Vec<&SeriesForecast> = some.iter().filter(|f| *f.model == *AUTO).collect();
        change.write_part(Table::PathModels, &tables::path_models(run_id, &combined)?, &mode, part)?;
        Ok::<_, Error>(change.write_part(Table::Weights, &tables::weights(Some(run_id), &combined)?, &mode, part)?)
    })
}

/// Writes the outlook.
pub(crate) fn write_plan(change: &Change, run_id: &str, plan: &Plan) -> Result<()> {
    let mode = Mode::ReplaceRun(run_id.to_owned());
    change.write(Table::Risks, &tables::risks(run_id, &plan.outlook)?, &mode)?;
    change.write(Table::Groups, &tables::groups(run_id, &plan.outlook)?, &mode)?;
    change.write(Table::Recommendations, &tables::recommendations(run_id, &plan.outlook)?, &mode)?;
    change.write(Table::PoolRisks, &tables::pool_risks(run_id, &plan.outlook.pools)?, &mode)?;
    if let Some(weeks) = &plan.weeks {
        change.write(Table::RiskWeeks, &tables::risk_weeks(run_id, weeks)?, &mode)?;
    }
    Ok(())
}

/// Command of the rows that hold a committed what-if.
const COMMITTED: &str = "commit";

/// The texts of the committed what-ifs, the earliest first.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn committed(lake: &Lake) -> Result<Vec<String>> {
    let of_what_if = |run: Run| run.facts.what_if.filter(|_| run.command == COMMITTED);
    Ok(runs(lake)?.into_iter().rev().filter_map(of_what_if).collect())
}

/// Takes the row of a committed what-if away.
///
/// # Errors
/// When the table cannot be written.
pub(crate) fn revoke(lake: &Lake, change: &Change, name: &str) -> Result<()> {
    let run_id = format!("{:016x}", stable_hash(format!("{COMMITTED} {name}").as_bytes()));
    let before = lake.read(Table::Runs)?;
    let ids = before.text("run_id")?;
    let kept: Vec<usize> = (0..before.rows()).filter(|&row| ids[row].as_deref() != Some(&run_id)).collect();
    Ok(change.write(Table::Runs, &before.take(&kept), &Mode::Replace)?)
}

/// Writes the row of a run; a run with the same identity is replaced.
pub(crate) fn write_run(lake: &Lake, change: &Change, record: &RunRecord, plan: Option<&Plan>) -> Result<()> {
    let mut facts = Facts { price_source: plan.map(|p| p.price_source.clone()), ..record.facts.clone() };
    facts.notes.extend(plan.iter().flat_map(|plan| plan.notes.iter().cloned()));
    let facts = serde_json::to_string(&facts).expect("numbers and texts have a JSON form");
    let before = lake.read(Table::Runs)?;
    let ids = before.text("run_id")?;
    let kept: Vec<usize> = (0..before.rows()).filter(|&row| ids[row].as_deref() != Some(&record.run_id)).collect();
    let texts = |name: &str, new: &str| -> Result<Vec<Option<Arc<str>>>> {
        let column = before.text(name)?;
        Ok(kept.iter().map(|&row| column[row].clone()).chain([Some(new.into())]).collect())
    };
    let times = |name: &str, new: Timestamp| -> Result<Column> {
        let column = before.times(name)?;
        Ok(Column::Time(kept.iter().map(|&row| column[row]).chain([Some(new.as_millisecond())]).collect()))
    };
    let seeds = before.ints("seed")?;
    let seeds: Vec<Option<i64>> = kept.iter().map(|&row| seeds[row]).chain([i64::try_from(record.seed).ok()]).collect();
    let frame = Frame::new()
        .with("run_id", texts("run_id", &record.run_id)?)?
        .with("command", texts("command", record.command)?)?
        .with("versions", texts("versions", concat!("fleetcast ", env!("CARGO_PKG_VERSION")))?)?
        .with("seed", seeds)?
        .with("started", times("started", record.started)?)?
        .with("finished", times("finished", record.finished)?)?
        .with("status", texts("status", "finished")?)?
        .with("facts", texts("facts", &facts)?)?;
    Ok(change.write(Table::Runs, &frame, &Mode::Replace)?)
}

/// A forecast as a report needs it.
pub(crate) struct StoredForecast {
    pub(crate) id: SeriesId,
    pub(crate) model: String,
    pub(crate) forecast: Forecast,
}

/// Everything a report repeats.
pub(crate) struct Results {
    pub(crate) facts: RunFacts,
    pub(crate) outlook: Outlook,
    pub(crate) weeks: Option<WeeklyRisk>,
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) notes: Vec<String>,
}

/// One row of `runs`.
struct Run {
    run_id: String,
    command: String,
    seed: Option<u64>,
    facts: Facts,
}

/// Runs that ended, the latest first.
fn runs(lake: &Lake) -> Result<Vec<Run>> {
    let frame = lake.read(Table::Runs)?;
    let (ids, commands, facts) = (frame.text("run_id")?, frame.text("command")?, frame.text("facts")?);
    let (seeds, finished) = (frame.ints("seed")?, frame.times("finished")?);
    let mut order: Vec<usize> = (0..frame.rows()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse((finished[row], row)));
    let text = |column: &[Option<Arc<str>>], row: usize| column[row].as_deref().unwrap_or_default().to_owned();
    let run = |row: usize| Run {
        run_id: text(ids, row),
        command: text(commands, row),
        seed: seeds[row].and_then(|seed| u64::try_from(seed).ok()),
        facts: serde_json::from_str(&text(facts, row)).unwrap_or_default(),
    };
    Ok(order.into_iter().map(run).collect())
}

/// Refuses to replace telemetry that was not generated.
///
/// # Errors
/// [`Error::Nothing`] naming the lake.
pub(crate) fn check_generated(lake: &Lake) -> Result<()> {
    let taken_in = lake.read(Table::Servers)?.rows() > 0 && !runs(lake)?.iter().any(|run| run.command == "generate");
    let mixed = runs(lake)?.iter().any(|run| run.command == "ingest");
    if !(taken_in || mixed) {
        return Ok(());
    }
    Err(Error::Nothing {
        what: format!("the lake {} holds telemetry that was taken in from files", lake.path().display()),
        hint: "generate into another lake".to_owned(),
    })
}

fn latest<'a>(runs: &'a [Run], commands: &[&str]) -> Option<&'a Run> {
    runs.iter().find(|run| commands.contains(&run.command.as_str()))
}

/// Commands that left rows in the tables of a stage.
const PLANNED: [&str; 2] = ["run", "plan"];
const FORECAST: [&str; 3] = ["run", "plan", "forecast"];
const BACKTESTED: [&str; 2] = ["run", "backtest"];

/// Ids of the runs that planned, the latest first.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn planned_runs(lake: &Lake) -> Result<Vec<String>> {
    let planned = |run: Run| PLANNED.contains(&run.command.as_str()).then_some(run.run_id);
    Ok(runs(lake)?.into_iter().filter_map(planned).collect())
}

/// Id of the latest run that planned; `purpose` is what its plan is wanted for.
///
/// # Errors
/// [`Error::Nothing`] when nothing was planned.
pub(crate) fn last_plan(lake: &Lake, purpose: &str) -> Result<String> {
    planned_runs(lake)?.into_iter().next().ok_or_else(|| no_plan(purpose))
}

fn no_plan(purpose: &str) -> Error {
    Error::Nothing {
        what: format!("there is no plan {purpose}"),
        hint: "run `fleetcast run` on this lake first".to_owned(),
    }
}

/// Everything the last run left, for a report.
///
/// # Errors
/// [`Error::Nothing`] when nothing was planned.
pub(crate) fn results(lake: &Lake, panel: &Panel) -> Result<Results> {
    let runs = runs(lake)?;
    let Some(planned) = latest(&runs, &PLANNED) else {
        return Err(no_plan("to report on"));
    };
    let backtested = latest(&runs, &BACKTESTED);
    let cutoff = panel.histories().iter().map(|h| h.cutoff().date()).max().unwrap_or(Date::ZERO);
    let facts = RunFacts {
        run_id: planned.run_id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lake: String::new(),
        report_path: None,
        cutoff,
        horizon_days: planned.facts.planned_days as u32,
        threshold: planned.facts.threshold,
        n_paths: planned.facts.n_paths,
        seed: planned.seed,
        model: AUTO.to_owned(),
        baseline: BASELINE.to_owned(),
        backtest_horizon_days: backtested.map_or(0, |run| run.facts.backtest_horizon as u32),
        backtest_windows: backtested.map_or(0, |run| run.facts.backtest_windows as u32),
        price_source: planned.facts.price_source.clone(),
    };
    Ok(Results {
        outlook: outlook(lake, &planned.run_id, panel)?,
        weeks: weeks(lake, &planned.run_id)?,
        scores: backtested.map(|run| scores(lake, &run.run_id)).transpose()?.unwrap_or_default(),
        notes: planned.facts.notes.clone(),
        facts,
    })
}

/// Rows of a table that belong to a run.
fn outlook(lake: &Lake, run_id: &str, panel: &Panel) -> Result<Outlook> {
    let mut risks = tables::risks_of(&lake.read(Table::Risks)?, run_id, panel)?;
    let groups = tables::groups_of(&lake.read(Table::Groups)?, run_id)?;
    let frame = lake.read(Table::Recommendations)?;
    let sizes = tables::recommendations_of(&frame, run_id)?.into_iter().zip(tables::bottlenecks_of(&frame, run_id)?);
    // The two tables have a row for every server, in the same order: that of their key.
    let servers = groups.into_iter().zip(sizes).map(|(group, (recommendation, bottleneck))| ServerOutlook {
        bottleneck,
        risks: risks.remove(&group.server_id).unwrap_or_default(),
        server_id: group.server_id.clone(),
        group,
        recommendation,
    });
    let pools = tables::pool_risks_of(&lake.read(Table::PoolRisks)?, run_id, panel)?;
    Ok(Outlook { servers: servers.collect(), pools })
}

/// The quantiles of a run that pictures show, of the first `most` series of `urgent` that have any, by method and series.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn first_forecasts(
    lake: &Lake,
    run_id: &str,
    urgent: &[SeriesId],
    most: usize,
) -> Result<Vec<StoredForecast>> {
    let shown = &tables::QUANTILE_COLUMNS[..SCORED_QUANTILES.len()];
    // The points, and the quantiles step after step.
    type Steps = (Vec<f64>, Vec<f64>);
    // By place and model.
    let mut found: BTreeMap<usize, BTreeMap<Arc<str>, Steps>> = BTreeMap::new();
    let places: BTreeMap<(&str, &str), usize> =
        urgent.iter().enumerate().rev().map(|(place, id)| ((&*id.server_id, &*id.metric), place)).collect();
    let columns: Vec<&str> =
        ["server_id", "metric", "model", "yhat"].into_iter().chain(shown.iter().copied()).collect();
    lake.read_run(Table::Forecasts, run_id, &columns, |frame| {
        let (servers, metrics, models) = (frame.text("server_id")?, frame.text("metric")?, frame.text("model")?);
        let points = frame.floats("yhat")?;
        let quantiles: Vec<&[f64]> =
            shown.iter().map(|name| frame.floats(name)).collect::<std::result::Result<_, _>>()?;
        for row in 0..frame.rows() {
            let (Some(server_id), Some(metric), Some(model)) = (&servers[row], &metrics[row], &models[row]) else {
                continue;
            };
            let Some(&place) = places.get(&(&**server_id, &**metric)) else { continue };
            // Steps beyond the planned horizon have a point only.
            if quantiles.iter().any(|column| column[row].is_nan()) {
                continue;
            }
            let entry = found.entry(place).or_default().entry(model.clone()).or_default();
            entry.0.push(points[row]);
            entry.1.extend(quantiles.iter().map(|column| column[row]));
            // The least urgent one has no chance of coming back: more of the others are found, never fewer.
            if found.len() > most {
                found.pop_last();
            }
        }
        Ok::<_, Error>(())
    })?;
    let mut stored = Vec::new();
    for (place, models) in found {
        for (model, (point, values)) in models {
            let forecast = Forecast::new(&SCORED_QUANTILES, point, values)?;
            stored.push(StoredForecast { id: urgent[place].clone(), model: model.to_string(), forecast });
        }
    }
    stored.sort_by(|a, b| (&a.model, &a.id).cmp(&(&b.model, &b.id)));
    Ok(stored)
}

fn weeks(lake: &Lake, run_id: &str) -> Result<Option<WeeklyRisk>> {
    let frame = lake.read(Table::RiskWeeks)?;
    let (ids, thresholds, p) = (frame.text("server_id")?, frame.floats("threshold")?, frame.floats("p_bad_day")?);
    let starts = frame.dates("week_start")?;
    let mut servers: Vec<(String, Vec<f64>)> = Vec::new();
    let (mut threshold, mut first_day) = (f64::NAN, None);
    for row in tables::rows_of(&frame, run_id)? {
        let server_id = ids[row].as_deref().unwrap_or_default();
        if servers.last().is_none_or(|(last, _)| last != server_id) {
            servers.push((server_id.to_owned(), Vec::new()));
        }
        if let Some((_, chances)) = servers.last_mut() {
            chances.push(p[row]);
        }
        threshold = thresholds[row];
        first_day = first_day.min(starts[row]).or(starts[row]);
    }
    Ok(first_day.map(|first_day| WeeklyRisk { threshold, first_day, servers }))
}

fn scores(lake: &Lake, run_id: &str) -> Result<Vec<ScoreRow>> {
    let by_slice = tables::scores_of(&lake.read(Table::Scores)?, run_id)?;
    let rows =
        by_slice.into_iter().map(|((model, slice), scores)| ScoreRow { model, slice: Slice::named(&slice), scores });
    Ok(rows.collect())
}

/// Forecasts of the last run, from which paths can be drawn again; `None` when there are none for this
/// panel, or none that reach `horizon` days ahead.
///
/// # Errors
/// When the tables cannot be read.
pub(crate) fn forecasts(lake: &Lake, panel: &Panel, horizon: usize) -> Result<Option<Forecasts>> {
    let runs = runs(lake)?;
    let Some(run) = latest(&runs, &FORECAST) else { return Ok(None) };
    let mut far = expected_values(lake, &run.run_id)?;
    let histories: BTreeMap<&SeriesId, &History> = panel.histories().iter().map(|h| (h.id(), h)).collect();
    let (mut forecasts, mut is_stale) = (Forecasts::default(), false);
    lake.read_run(Table::PathModels, &run.run_id, &PATH_COLUMNS, |frame| {
        for row in 0..frame.rows() {
            let stored = path_model(frame, row)?;
            // A series that has grown, or gone, since then needs a new forecast.
            let Some(history) = histories.get(&stored.id).filter(|h| h.cutoff() == stored.last_seen) else {
                is_stale = true;
                continue;
            };
            is_stale |= stored.horizon() < horizon.min(history.len().max(30));
            forecasts.series.push(SeriesForecast {
                expected: far.remove(&stored.id).unwrap_or_default(),
                timeline: *history.timeline(),
                n_seen: history.len(),
                bounds: history.bounds(),
                ..stored
            });
        }
        Ok::<_, Error>(())
    })?;
    Ok((!is_stale && !forecasts.series.is_empty()).then_some(forecasts))
}

/// The expected values of `auto`, as far as they were stored.
fn expected_values(lake: &Lake, run_id: &str) -> Result<BTreeMap<SeriesId, Vec<f64>>> {
    let mut series: BTreeMap<SeriesId, Vec<f64>> = BTreeMap::new();
    lake.read_run(Table::Forecasts, run_id, &["server_id", "metric", "model", "yhat"], |frame| {
        let (servers, metrics, models) = (frame.text("server_id")?, frame.text("metric")?, frame.text("model")?);
        let points = frame.floats("yhat")?;
        for row in 0..frame.rows() {
            if let (Some(server_id), Some(metric), Some(AUTO)) = (&servers[row], &metrics[row], models[row].as_deref())
            {
                let id = SeriesId { server_id: server_id.clone(), metric: metric.clone() };
                series.entry(id).or_default().push(points[row]);
            }
        }
        Ok::<_, Error>(())
    })?;
    Ok(series)
}

/// What a forecast is made of again.
const PATH_COLUMNS: [&str; 12] = [
    "server_id",
    "metric",
    "cutoff",
    "grid_quantiles",
    "grid_values",
    "level",
    "memory_share",
    "memory",
    "pool_level",
    "pool_days",
    "stream_key",
    "pool_stream_key",
];

fn path_model(frame: &Frame, row: usize) -> Result<SeriesForecast> {
    let text = |name: &str| -> Result<Arc<str>> { Ok(frame.text(name)?[row].clone().unwrap_or_default()) };
    let (grid, values) = (&frame.float_lists("grid_quantiles")?[row], frame.float_lists("grid_values")?[row].clone());
    let middle = grid.iter().position(|q| (q - 0.5).abs() < 1e-9).unwrap_or(grid.len() / 2);
    let point = values.chunks(grid.len().max(1)).map(|step| step[middle]).collect();
    let share = |name: &str| -> Result<f64> { Ok(frame.floats(name)?[row]) };
    let key = |text: &str| u64::from_str_radix(text, 16).ok();
    // Lakes of earlier versions have no such columns.
    let of_pool = |name: &str| share(name).ok().filter(|share| !share.is_nan()).unwrap_or(0.0);
    let pool_key = frame.text("pool_stream_key").ok().and_then(|keys| key(keys[row].as_deref()?));
    Ok(SeriesForecast {
        id: SeriesId { server_id: text("server_id")?, metric: text("metric")? },
        model: AUTO.into(),
        // Stored forecasts are daily: the last time seen is the start of the cutoff's day.
        last_seen: frame.dates("cutoff")?[row].unwrap_or(Date::ZERO).at(0, 0, 0, 0),
        // Whoever knows the series fills these two in.
        timeline: Timeline::daily(Date::ZERO),
        n_seen: 0,
        marginals: Marginals::Made(Forecast::new(grid, point, values)?),
        expected: Vec::new(),
        dependence: Dependence::new(share("level")?, share("memory_share")?, share("memory")?)?,
        shared: Shared::new(of_pool("pool_level"), of_pool("pool_days"))?,
        bounds: None,
        stream_key: key(&text("stream_key")?).unwrap_or_default(),
        pool_key,
        weights: Vec::new(),
        notes: Vec::new(),
    })
}
