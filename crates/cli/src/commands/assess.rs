//! `fleetcast run`, `backtest`, `forecast`, `plan` and `report`.

use super::{answer, shown};
use crate::args::{
    BacktestArgs, ForecastArgs, Global, PlanArgs, PlanSettings, ReportArgs, RunArgs, SeriesSettings, Settings, Source,
};
use crate::text::{Align, aligned, number, score};
use fleetcast::backtest::Backtested;
use fleetcast::components::ForecastFiles;
use fleetcast::forecast::Forecasts;
use fleetcast::lake::Lake;
use fleetcast::run::write_file;
use fleetcast::series::SeriesOptions;
use fleetcast::{Config, Context, Error, ModelScores};
use serde_json::json;
use std::path::Path;

/// The configuration file, with what the flags say in its place.
pub(super) fn config(settings: &Settings, plan: Option<&PlanSettings>) -> anyhow::Result<Config> {
    let mut config = settings.config.as_deref().map(Config::from_file).transpose()?.unwrap_or_default();
    if let Some(horizon) = settings.horizon {
        config.forecast.horizon_days = Some(horizon);
    }
    if !settings.models.is_empty() {
        config.forecast.models = settings.models.clone();
    }
    if !settings.metrics.is_empty() {
        config.metrics = settings.metrics.clone();
    }
    config.seed = settings.seed.unwrap_or(config.seed);
    if let Some(plan) = plan {
        if !plan.threshold.is_empty() {
            config.plan.thresholds = plan.threshold.clone();
        }
        config.plan.lambda_usd_per_day = plan.lambda.unwrap_or(config.plan.lambda_usd_per_day);
        config.plan.price_book = plan.price_book.clone().or(config.plan.price_book);
    }
    config.check()?;
    Ok(config)
}

pub(super) fn open(lake: &Path) -> anyhow::Result<Lake> {
    Ok(Lake::open(lake).map_err(Error::from)?)
}

pub fn run(args: &RunArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let mut config = config(&args.settings, Some(&args.plan))?;
    config.plan.horizon_days = args.plan_horizon.unwrap_or(config.plan.horizon_days);
    config.plan.costs = args.costs.clone().or(config.plan.costs);
    config.check()?;
    let Some(folder) = args.lake.clone().or_else(|| config.lake.clone()) else {
        return Err(Error::Setting {
            key: "lake".to_owned(),
            found: "missing".to_owned(),
            allowed: "named here or with --lake".to_owned(),
        }
        .into());
    };
    let lake = open(&folder)?;
    let file = args.report.clone().or_else(|| config.report.clone());
    let report = fleetcast::run::run(&lake, &config, &shown(&folder), file.as_deref().map(shown).as_deref(), context)?;
    if let Some(file) = &file {
        write_file(file, &report.html)?;
    }
    answer(global, &report.summary, &json!({ "lake": shown(&folder), "report": file.as_deref().map(shown) }))
}

pub fn report(args: &ReportArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    context.progress.begin("writing the report", 0);
    let made =
        fleetcast::report::report(&open(&args.lake)?, &Config::default(), &shown(&args.lake), Some(&shown(&args.out)))?;
    write_file(&args.out, &made.html)?;
    context.progress.end();
    answer(global, &made.summary, &json!({ "report": shown(&args.out) }))
}

pub fn plan(args: &PlanArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let settings = Settings {
        config: args.config.clone(),
        horizon: None,
        models: Vec::new(),
        metrics: args.metrics.clone(),
        seed: args.seed,
    };
    let mut config = config(&settings, Some(&args.plan))?;
    config.plan.horizon_days = args.horizon.unwrap_or(config.plan.horizon_days);
    config.plan.costs = args.costs.clone().or(config.plan.costs);
    config.check()?;
    let lake = open(&args.lake)?;
    fleetcast::run::plan_lake(&lake, &config, context)?;
    let made = fleetcast::report::report(&lake, &config, &shown(&args.lake), None)?;
    answer(global, &made.summary, &json!({ "lake": shown(&args.lake) }))
}

/// The configuration of a command that plans from stored forecasts, `horizon` days ahead where that is asked.
pub(super) fn plan_config(file: Option<&Path>, horizon: Option<usize>, plan: &PlanSettings) -> anyhow::Result<Config> {
    let file = file.map(Path::to_owned);
    let settings = Settings { config: file, horizon: None, models: Vec::new(), metrics: Vec::new(), seed: None };
    let mut config = config(&settings, Some(plan))?;
    config.plan.horizon_days = horizon.unwrap_or(config.plan.horizon_days);
    config.check()?;
    Ok(config)
}

fn series_options(file: &Path, settings: &SeriesSettings) -> anyhow::Result<SeriesOptions> {
    Ok(SeriesOptions {
        file: file.to_owned(),
        step: fleetcast::series::step_named(&settings.frequency)?,
        season_lengths: settings.season.clone(),
    })
}

/// Where series come from; clap has seen to it that it is one of the two.
fn source(source: &Source) -> Result<&Path, &Path> {
    match (&source.lake, &source.series) {
        (Some(lake), _) => Ok(lake),
        (None, series) => Err(series.as_deref().unwrap_or(Path::new(""))),
    }
}

pub fn backtest(args: &BacktestArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let plan = PlanSettings { threshold: args.threshold.clone(), lambda: None, price_book: args.price_book.clone() };
    let mut config = config(&args.settings, Some(&plan))?;
    config.forecast.windows = args.windows.or(config.forecast.windows);
    config.forecast.step = args.step.or(config.forecast.step);
    config.forecast.bounds = args.series_settings.bounds.map(|(low, high)| [low, high]).or(config.forecast.bounds);
    config.check()?;
    if let (true, Ok(lake)) = (args.decisions, source(&args.source)) {
        let decided = fleetcast::decisions::decide_lake(&open(lake)?, &config, context)?;
        return answer(global, &super::decisions::text(&decided), &super::decisions::json(&decided));
    }
    if args.diagnose {
        let diagnosed = match source(&args.source) {
            Ok(lake) => fleetcast::diagnose::diagnose_lake(&open(lake)?, &config, context)?,
            Err(series) => {
                let options = series_options(series, &args.series_settings)?;
                fleetcast::diagnose::diagnose_series(&options, &config, context)?
            }
        };
        return answer(global, &super::diagnose::text(&diagnosed), &super::diagnose::json(&diagnosed));
    }
    let backtested = match source(&args.source) {
        Ok(lake) => fleetcast::run::backtest_lake(&open(lake)?, &config, args.out.as_deref(), context)?,
        Err(series) => {
            let options = series_options(series, &args.series_settings)?;
            fleetcast::series::backtest_series(&options, &config, args.out.as_deref(), context)?
        }
    };
    if backtested.scores.is_empty() {
        return Err(nothing_scored(&backtested).into());
    }
    answer(global, &scores_text(&backtested), &scores_json(&backtested.scores))
}

/// Why there is not a single point that every method forecast, and what would do.
fn nothing_scored(backtested: &Backtested) -> Error {
    let windows = || 0..backtested.backtest.windows().count;
    let refused = |model: &fleetcast::ModelForecasts| {
        windows().find_map(|window| model.window(window).iter().find_map(|made| made.as_ref().err().cloned()))
    };
    let reason = backtested.backtest.models().iter().rev().find_map(refused);
    let reason = reason.map_or_else(|| "nothing was observed in the windows".to_owned(), |error| error.to_string());
    Error::Nothing {
        what: format!("there is nothing to score, because no series has a forecast by every method: {reason}"),
        hint: "ask for a shorter --season or --horizon, fewer --windows, or other --models".to_owned(),
    }
}

pub fn forecast(args: &ForecastArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let mut config = config(&args.settings, None)?;
    config.forecast.bounds = args.series_settings.bounds.map(|(low, high)| [low, high]).or(config.forecast.bounds);
    config.check()?;
    let files =
        ForecastFiles { out: args.out.clone(), components: args.components.clone(), weights: args.weights.clone() };
    let forecasts = match source(&args.source) {
        Ok(lake) => fleetcast::run::forecast_lake(&open(lake)?, &config, &files, context)?,
        Err(series) => {
            let options = series_options(series, &args.series_settings)?;
            fleetcast::series::forecast_series(&options, &config, &files, context)?
        }
    };
    answer(
        global,
        &forecasts_text(&forecasts),
        &json!({
            "forecasts": forecasts.series.len(),
            "refusals": forecasts.refusals.iter().map(|r| json!({ "series": r.id.to_string(), "reason": r.reason })).collect::<Vec<_>>(),
        }),
    )
}

/// The most series that are told one by one on a terminal.
const MOST_LINES: usize = 20;

fn forecasts_text(forecasts: &Forecasts) -> String {
    let head = [
        ("series", Align::Left),
        ("model", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("median at the end", Align::Right),
        ("90 % interval", Align::Right),
    ];
    let rows = forecasts.series.iter().take(MOST_LINES).map(|f| {
        let last = f.horizon().saturating_sub(1);
        let known = f.quantiles().ok();
        let value = |q: f64| known.as_ref().and_then(|k| k.quantile(q)).map_or(f64::NAN, |values| values[last]);
        vec![
            f.id.to_string(),
            f.model.to_string(),
            f.time(0).to_string(),
            f.time(last).to_string(),
            number(value(0.5)),
            format!("{} to {}", number(value(0.05)), number(value(0.95))),
        ]
    });
    let mut text = aligned(&head, rows.collect());
    if forecasts.series.len() > MOST_LINES {
        text.push_str(&format!("... and {} more\n", forecasts.series.len() - MOST_LINES));
    }
    for refusal in forecasts.refusals.iter().take(MOST_LINES) {
        text.push_str(&format!("{}: {}\n", refusal.id, refusal.reason));
    }
    if forecasts.refusals.len() > MOST_LINES {
        text.push_str(&format!("... and {} more without a forecast\n", forecasts.refusals.len() - MOST_LINES));
    }
    text
}

fn scores_text(backtested: &Backtested) -> String {
    let all: Vec<&ModelScores> = backtested.scores.iter().filter(|row| row.slice == "all").collect();
    let base = all.iter().find(|row| row.model == fleetcast::line_up::BASELINE);
    let relative = |value: Option<f64>, of: Option<f64>| value.zip(of).map(|(v, b)| v / b);
    let mut order = all.clone();
    order.sort_by(|a, b| a.scores.mase.unwrap_or(f64::MAX).total_cmp(&b.scores.mase.unwrap_or(f64::MAX)));
    let rows = order.iter().map(|row| {
        let s = &row.scores;
        let values = [
            s.mase,
            relative(s.mase, base.and_then(|b| b.scores.mase)),
            s.wql,
            relative(s.wql, base.and_then(|b| b.scores.wql)),
            s.coverage_90,
            s.coverage_80,
            s.under_95,
            s.peak_mase,
        ];
        let cpu: f64 =
            backtested.backtest.timings().iter().filter(|t| t.model == row.model).map(|t| t.seconds.cpu).sum();
        std::iter::once(row.model.clone()).chain(values.map(score)).chain([format!("{cpu:.2}")]).collect()
    });
    let right = Align::Right;
    let head = [
        ("model", Align::Left),
        ("MASE", right),
        ("rel", right),
        ("WQL", right),
        ("rel", right),
        ("cov90", right),
        ("cov80", right),
        ("under95", right),
        ("peak MASE", right),
        ("cpu s", right),
    ];
    let mut text = aligned(&head, rows.collect());
    if let Some(first) = all.first() {
        let windows = backtested.backtest.windows();
        text.push_str(&format!(
            "{} series, {} points, {} windows of {} steps; rel: divided by {}\n",
            first.scores.n_series,
            first.scores.n_points,
            windows.count,
            windows.horizon,
            fleetcast::line_up::BASELINE
        ));
    }
    for c in backtested
        .comparisons
        .iter()
        .filter(|c| c.model == fleetcast::line_up::AUTO && ["mase", "wql"].contains(&c.score))
    {
        if let Some((low, high)) = c.interval {
            text.push_str(&format!(
                "{} against {}: {} x {:.3}, 95 % interval {low:.3} to {high:.3}\n",
                c.model,
                c.base,
                c.score.to_uppercase(),
                c.ratio
            ));
        }
    }
    text
}

fn scores_json(scores: &[ModelScores]) -> serde_json::Value {
    let row = |row: &ModelScores| {
        let mut values: serde_json::Map<String, serde_json::Value> =
            row.scores.named().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        values.insert("model".to_owned(), json!(row.model));
        values.insert("slice".to_owned(), json!(row.slice));
        values.insert("n_series".to_owned(), json!(row.scores.n_series));
        values.insert("n_points".to_owned(), json!(row.scores.n_points));
        serde_json::Value::Object(values)
    };
    serde_json::Value::Array(scores.iter().map(row).collect())
}
