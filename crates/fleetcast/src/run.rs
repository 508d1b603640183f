//! All stages after ingest, on what is in a lake.

use crate::backtest::{Backtested, backtest};
use crate::components::ForecastFiles;
use crate::forecast::{Forecasts, forecast_all, forecast_auto};
use crate::hours::add_hours;
use crate::line_up::{AUTO, Horizons, LineUp, usual_seasons};
use crate::plan::{Plan, plan};
use crate::report::{Report, report};
use crate::series::write_backtest;
use crate::store::{self, RunRecord};
use crate::telemetry::{Telemetry, telemetry};
use crate::what_if::with_committed;
use crate::{Config, Context, Error, Result, stamp};
use fleetcast_backtest::Runs;
use fleetcast_core::Step;
use fleetcast_lake::Lake;
use std::path::Path;

/// Backtests, forecasts, plans and reports.
///
/// The results are stored in one change: an interrupted run leaves the lake as it was. `lake_name` and
/// `report_path` are how the report speaks of the two.
///
/// # Errors
/// When the lake has no telemetry, or a setting makes no sense.
pub fn run(
    lake: &Lake,
    config: &Config,
    lake_name: &str,
    report_path: Option<&str>,
    context: &Context,
) -> Result<Report> {
    let started = (context.now)();
    let config = &with_committed(lake, config)?;
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let assessed = assess(&telemetry, config, context)?;
    let mut plan = plan(&telemetry.panel, &telemetry.means, &assessed.forecasts, config, context)?;
    add_hours(lake, &telemetry.panel, &assessed.forecasts, &mut plan.outlook, config)?;
    context.progress.begin("storing results", 0);
    let record = RunRecord::new("run", config, &telemetry.panel, &assessed, started, context);
    let change = lake.begin()?;
    store::write_backtest(&change, &record.run_id, &telemetry.panel, assessed.backtested.as_ref())?;
    drop(assessed.backtested);
    store::write_forecasts(&change, &record.run_id, &assessed.forecasts)?;
    drop(assessed.forecasts);
    store::write_plan(&change, &record.run_id, &plan)?;
    store::write_run(lake, &change, &record, Some(&plan))?;
    change.commit()?;
    // The report is made from the tables alone.
    drop((telemetry, plan));
    context.progress.begin("writing the report", 0);
    let report = report(lake, config, lake_name, report_path)?;
    context.progress.end();
    Ok(report)
}

/// Backtest and forecasts of one panel, which share their work.
pub struct Assessed {
    /// How far ahead they look.
    pub horizons: Horizons,
    /// How the methods did on the past; `None` when the histories are too short.
    pub backtested: Option<Backtested>,
    /// What they say of the future.
    pub forecasts: Forecasts,
}

/// Backtests and forecasts the series of a lake by `auto`.
///
/// # Errors
/// When there is no series, or a setting makes no sense.
pub fn assess(telemetry: &Telemetry, config: &Config, context: &Context) -> Result<Assessed> {
    let horizons = Horizons::choose(&telemetry.panel, config)?;
    horizons.all_notes().for_each(|note| context.progress.note(note));
    let mut names = config.forecast.models.clone();
    if !names.iter().any(|name| name == AUTO) {
        // Risks need calibrated joint paths, which only the combination has.
        names.push(AUTO.to_owned());
    }
    let line_up = LineUp::new(&names, &usual_seasons(Step::DAY), config.calendar()?, horizons.validated)?;
    let clock = || (context.clock)();
    let mut runs = Runs::new(&telemetry.panel, horizons.validated)?.with_clock(&clock);
    let backtested = match &horizons.windows {
        Some(windows) => Some(backtest(&mut runs, &line_up, windows, config.seed, context)?),
        None => None,
    };
    let reach = horizons.reach(horizons.planned);
    let forecasts = forecast_auto(runs, &line_up, reach, config.seed, context)?;
    Ok(Assessed { horizons, backtested, forecasts })
}

/// Backtests the series of a lake and stores forecasts and scores; `out` gets the forecasts in the exchange
/// format as well.
///
/// # Errors
/// As [`run`].
pub fn backtest_lake(lake: &Lake, config: &Config, out: Option<&Path>, context: &Context) -> Result<Backtested> {
    let started = (context.now)();
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let horizons = Horizons::choose(&telemetry.panel, config)?;
    horizons.notes.iter().for_each(|note| context.progress.note(note));
    let Some(windows) = horizons.windows else {
        return Err(too_short(horizons.validated));
    };
    let line_up =
        LineUp::new(&config.forecast.models, &usual_seasons(Step::DAY), config.calendar()?, horizons.validated)?;
    let clock = || (context.clock)();
    let mut runs = Runs::new(&telemetry.panel, horizons.validated)?.with_clock(&clock);
    let backtested = backtest(&mut runs, &line_up, &windows, config.seed, context)?;
    context.progress.begin("storing results", 0);
    let record = RunRecord::plain("backtest", config, &telemetry.panel, horizons.notes, started, context);
    let change = lake.begin()?;
    store::write_backtest(&change, &record.run_id, &telemetry.panel, Some(&backtested))?;
    store::write_run(lake, &change, &record, None)?;
    change.commit()?;
    if let Some(out) = out {
        write_backtest(out, &telemetry.panel, &backtested, context)?;
    }
    context.progress.end();
    Ok(backtested)
}

/// Why nothing can be judged, and what would do.
pub(crate) fn too_short(horizon: usize) -> Error {
    Error::Nothing {
        what: format!("the histories are too short for a backtest {horizon} steps ahead"),
        hint: "ask for a shorter --horizon or fewer --windows".to_owned(),
    }
}

/// Forecasts the series of a lake by each method of the configuration and stores the forecasts; writes the
/// files that are asked for as well.
///
/// # Errors
/// As [`run`].
pub fn forecast_lake(lake: &Lake, config: &Config, files: &ForecastFiles, context: &Context) -> Result<Forecasts> {
    let started = (context.now)();
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let horizons = Horizons::choose(&telemetry.panel, config)?;
    // A horizon that was asked for is forecast as it is; the planner's own is for planning.
    let reach = config.forecast.horizon_days.map_or(horizons.planned, |asked| asked);
    horizons.all_notes().for_each(|note| context.progress.note(note));
    let (seasons, calendar) = (usual_seasons(Step::DAY), config.calendar()?);
    let line_up = LineUp::new(&config.forecast.models, &seasons, calendar.clone(), horizons.validated)?;
    let reach = horizons.reach(reach);
    let runs = Runs::new(&telemetry.panel, horizons.validated)?;
    let forecasts = forecast_all(runs, &line_up, &config.forecast.models, reach, config.seed, context)?;
    let notes = horizons.all_notes().chain(&forecasts.notes).cloned().collect();
    context.progress.begin("storing results", 0);
    let record = RunRecord::plain("forecast", config, &telemetry.panel, notes, started, context);
    let change = lake.begin()?;
    store::write_forecasts(&change, &record.run_id, &forecasts)?;
    store::write_run(lake, &change, &record, None)?;
    change.commit()?;
    files.write(&telemetry.panel, &forecasts, &seasons, calendar)?;
    context.progress.end();
    Ok(forecasts)
}

/// Plans from the forecasts that the last `run` or `forecast` stored, or makes them when there are none.
///
/// # Errors
/// As [`run`].
pub fn plan_lake(lake: &Lake, config: &Config, context: &Context) -> Result<Plan> {
    let started = (context.now)();
    let config = &with_committed(lake, config)?;
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let (forecasts, notes) = forecasts_to_plan(lake, &telemetry, config, context)?;
    let mut plan = plan(&telemetry.panel, &telemetry.means, &forecasts, config, context)?;
    add_hours(lake, &telemetry.panel, &forecasts, &mut plan.outlook, config)?;
    context.progress.begin("storing results", 0);
    let record = RunRecord::plain("plan", config, &telemetry.panel, notes, started, context);
    let change = lake.begin()?;
    store::write_forecasts(&change, &record.run_id, &forecasts)?;
    store::write_plan(&change, &record.run_id, &plan)?;
    store::write_run(lake, &change, &record, Some(&plan))?;
    change.commit()?;
    context.progress.end();
    Ok(plan)
}

/// The forecasts that the last `run` or `forecast` stored, or new ones when there are none, with notes.
///
/// # Errors
/// As [`run`].
pub(crate) fn forecasts_to_plan(
    lake: &Lake,
    telemetry: &Telemetry,
    config: &Config,
    context: &Context,
) -> Result<(Forecasts, Vec<String>)> {
    match store::forecasts(lake, &telemetry.panel, config.plan.horizon_days)? {
        Some(forecasts) => Ok((forecasts, Vec::new())),
        None => {
            let assessed = assess(telemetry, config, context)?;
            Ok((assessed.forecasts, assessed.horizons.all_notes().cloned().collect()))
        }
    }
}

/// Writes a file as a whole or not at all.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_file(file: &Path, text: &str) -> Result<()> {
    let io = |source| Error::Io { file: file.display().to_string(), source };
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    std::fs::write(&new, text).map_err(io)?;
    std::fs::rename(&new, file).map_err(io)
}

/// The identity of a run over a panel.
pub(crate) fn identity(command: &str, config: &Config, panel: &fleetcast_core::Panel) -> String {
    stamp::run_id(command, config, panel)
}
