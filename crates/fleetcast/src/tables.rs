//! Nouns as rows of the lake's tables, and back.

use crate::Result;
use crate::decisions::DecisionScore;
use crate::forecast::SeriesForecast;
use crate::plan::WeeklyRisk;
use fleetcast_backtest::{Backtest, ModelScores, Row};
use fleetcast_core::{
    Action, Bottleneck, CrossingDates, Forecast, Group, Lead, Metric, Outlook, Panel, PoolRisk, REPORTED_QUANTILES,
    Recommendation, Risk, RiskClass, RiskState, Scores,
};
use fleetcast_lake::{Column, Frame};
use jiff::civil::{Date, DateTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of the reported quantiles' columns in the lake's tables.
pub(crate) const QUANTILE_COLUMNS: [&str; REPORTED_QUANTILES.len()] =
    ["q05", "q10", "q25", "q50", "q75", "q90", "q95", "q99", "q995"];
/// The same in the exchange format.
const EXCHANGE_COLUMNS: [&str; REPORTED_QUANTILES.len()] =
    ["q0.05", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9", "q0.95", "q0.99", "q0.995"];

/// Names of the columns of P(crossed within so many days).
const CROSSED_COLUMNS: [&str; 4] = ["p_30", "p_60", "p_90", "p_180"];
/// Names of the columns of the highest day of a pool.
const PEAK_COLUMNS: [&str; 3] = ["peak_q10", "peak_q50", "peak_q90"];
/// Names of the columns of P(two, half or all servers of a pool are over on one day).
const TOGETHER_COLUMNS: [&str; 3] = ["p_two_over", "p_half_over", "p_all_over"];

/// Rows of a table that belong to a run.
pub(crate) fn rows_of(frame: &Frame, run_id: &str) -> Result<Vec<usize>> {
    let ids = frame.text("run_id")?;
    Ok((0..frame.rows()).filter(|&row| ids[row].as_deref() == Some(run_id)).collect())
}

/// Milliseconds since 1970-01-01 of a civil time, taken as UTC.
pub(crate) fn utc_ms(time: DateTime) -> i64 {
    time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs() * 1000
}

/// The forecasts table: quantiles as far as they were made, the point alone beyond.
pub(crate) fn forecasts(run_id: &str, forecasts: &[SeriesForecast]) -> Result<Frame> {
    let rows: usize = forecasts.iter().map(|f| f.expected.len()).sum();
    let mut servers: Vec<Arc<str>> = Vec::with_capacity(rows);
    let mut metrics: Vec<Arc<str>> = Vec::with_capacity(rows);
    let mut models: Vec<Arc<str>> = Vec::with_capacity(rows);
    let (mut cutoffs, mut dates, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    let mut points = Vec::with_capacity(rows);
    let mut quantiles: [Vec<f64>; REPORTED_QUANTILES.len()] = Default::default();
    for forecast in forecasts {
        let known = forecast.quantiles()?;
        let places = reported_places(known.quantiles());
        for (step, &expected) in forecast.expected.iter().enumerate() {
            servers.push(forecast.id.server_id.clone());
            metrics.push(forecast.id.metric.clone());
            models.push(forecast.model.clone());
            cutoffs.push(forecast.cutoff());
            dates.push(forecast.date(step));
            steps.push(step as i64 + 1);
            points.push(expected);
            for (column, place) in quantiles.iter_mut().zip(places) {
                column.push(if step < known.horizon() { known.step(step)[place] } else { f64::NAN });
            }
        }
    }
    let mut frame = Frame::new()
        .with("run_id", Column::repeated(run_id, rows))?
        .with("model", models)?
        .with("server_id", servers)?
        .with("metric", metrics)?
        .with("cutoff", cutoffs)?
        .with("date", dates)?
        .with("step", steps)?
        .with("yhat", points)?;
    for (name, values) in QUANTILE_COLUMNS.iter().zip(quantiles) {
        frame = frame.with(name, values)?;
    }
    Ok(frame)
}

/// Where the reported quantiles stand in a finer grid.
///
/// # Panics
/// When the grid lacks one of them; the internal grid has them all, as its test says.
pub(crate) fn reported_places(grid: &[f64]) -> [usize; REPORTED_QUANTILES.len()] {
    REPORTED_QUANTILES.map(|q| {
        grid.iter().position(|g| (g - q).abs() < 1e-9).expect("the internal grid holds every reported quantile")
    })
}

/// A key as text: integers of tables are signed.
fn key(key: u64) -> String {
    format!("{key:016x}")
}

/// The path_models table.
pub(crate) fn path_models(run_id: &str, forecasts: &[&SeriesForecast]) -> Result<Frame> {
    let each = |value: &dyn Fn(&SeriesForecast) -> f64| forecasts.iter().map(|f| value(f)).collect::<Vec<f64>>();
    let known = forecasts.iter().map(|f| f.quantiles()).collect::<Result<Vec<_>>>()?;
    let values = known.iter().map(|known| (0..known.horizon()).flat_map(|step| known.step(step).to_vec()).collect());
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, forecasts.len()))?
        .with("server_id", forecasts.iter().map(|f| f.id.server_id.clone()).collect::<Vec<_>>())?
        .with("metric", forecasts.iter().map(|f| f.id.metric.clone()).collect::<Vec<_>>())?
        .with("cutoff", forecasts.iter().map(|f| f.cutoff()).collect::<Vec<_>>())?
        .with("horizon", known.iter().map(|known| known.horizon() as i64).collect::<Vec<_>>())?
        .with("grid_quantiles", known.iter().map(|known| known.quantiles().to_vec()).collect::<Vec<_>>())?
        .with("grid_values", values.collect::<Vec<Vec<f64>>>())?
        .with("level", each(&|f| f.dependence.level))?
        .with("memory_share", each(&|f| f.dependence.memory_share))?
        .with("memory", each(&|f| f.dependence.memory))?
        .with("pool_level", each(&|f| f.shared.level))?
        .with("pool_days", each(&|f| f.shared.days))?
        .with("stream_key", forecasts.iter().map(|f| key(f.stream_key)).collect::<Vec<_>>())?
        .with("pool_stream_key", forecasts.iter().map(|f| f.pool_key.map(key)).collect::<Vec<_>>())?)
}

/// The weights table; `run_id` is left out of files.
pub(crate) fn weights(run_id: Option<&str>, forecasts: &[&SeriesForecast]) -> Result<Frame> {
    let rows = forecasts
        .iter()
        .flat_map(|f| f.weights.iter().map(move |(model, weight)| (f.id.to_string(), model.clone(), *weight)));
    let (mut series, mut models, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for (id, model, weight) in rows {
        series.push(id);
        models.push(model);
        shares.push(weight);
    }
    let mut frame = Frame::new();
    if let Some(run_id) = run_id {
        frame = frame.with("run_id", Column::repeated(run_id, series.len()))?;
    }
    Ok(frame.with("unique_id", series)?.with("model", models)?.with("weight", shares)?)
}

/// Rows of a backtest in the exchange format; `run_id` is left out of files.
pub(crate) fn backtests<'a>(run_id: Option<&str>, rows: impl Iterator<Item = Row<'a>>) -> Result<Frame> {
    let mut rows: Vec<Row> = rows.collect();
    // In the order of the table's key, so that nothing is sorted by text when it is stored.
    rows.sort_by_key(|row| (row.model, row.id, row.cutoff, row.step));
    let mut frame = Frame::new();
    if let Some(run_id) = run_id {
        frame = frame.with("run_id", Column::repeated(run_id, rows.len()))?;
    }
    // Ids and model names repeat for every step: one allocation each, not one per row.
    let mut names: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut shared = |name: String| names.entry(name).or_insert_with_key(|name| name.as_str().into()).clone();
    let models: Vec<Arc<str>> = rows.iter().map(|r| shared(r.model.to_owned())).collect();
    let mut ids: Vec<Arc<str>> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let same = at > 0 && std::ptr::eq(rows[at - 1].id, row.id);
        let id = if same { ids[at - 1].clone() } else { shared(row.id.to_string()) };
        ids.push(id);
    }
    frame = frame
        .with("model", models)?
        .with("unique_id", ids)?
        .with("cutoff", Column::times(rows.iter().map(|r| utc_ms(r.cutoff))))?
        .with("ds", Column::times(rows.iter().map(|r| utc_ms(r.time))))?
        .with("window", rows.iter().map(|r| r.window as i64).collect::<Vec<_>>())?
        .with("step", rows.iter().map(|r| r.step as i64).collect::<Vec<_>>())?
        .with("y", rows.iter().map(|r| r.actual).collect::<Vec<_>>())?
        .with("yhat", rows.iter().map(|r| r.point).collect::<Vec<_>>())?;
    for (place, name) in EXCHANGE_COLUMNS.iter().enumerate() {
        frame = frame.with(name, rows.iter().map(|r| r.quantiles[place]).collect::<Vec<_>>())?;
    }
    Ok(frame)
}

/// Forecasts of the future in the exchange format.
pub(crate) fn exchange(forecasts: &[SeriesForecast]) -> Result<Frame> {
    let known = forecasts.iter().map(SeriesForecast::quantiles).collect::<Result<Vec<_>>>()?;
    let steps: Vec<(&SeriesForecast, &Forecast, usize)> = (forecasts.iter().zip(&known))
        .flat_map(|(f, known)| (0..known.horizon()).map(move |step| (f, known.as_ref(), step)))
        .collect();
    let cutoff = |f: &SeriesForecast| utc_ms(f.last_seen);
    let mut frame = Frame::new()
        .with("model", steps.iter().map(|(f, ..)| f.model.clone()).collect::<Vec<_>>())?
        .with("unique_id", steps.iter().map(|(f, ..)| f.id.to_string()).collect::<Vec<_>>())?
        .with("cutoff", Column::times(steps.iter().map(|(f, ..)| cutoff(f))))?
        .with("ds", Column::times(steps.iter().map(|(f, _, step)| utc_ms(f.time(*step)))))?
        .with("step", steps.iter().map(|(.., step)| Some(*step as i64 + 1)).collect::<Vec<Option<i64>>>())?
        .with("yhat", steps.iter().map(|(f, _, step)| f.expected[*step]).collect::<Vec<_>>())?;
    for (at, name) in EXCHANGE_COLUMNS.iter().enumerate() {
        let value = |(_, known, step): &(&SeriesForecast, &Forecast, usize)| {
            known.step(*step)[reported_places(known.quantiles())[at]]
        };
        frame = frame.with(name, steps.iter().map(value).collect::<Vec<_>>())?;
    }
    Ok(frame)
}

/// The timing file of the exchange format.
pub(crate) fn timings(backtest: &Backtest) -> Result<Frame> {
    let timings = backtest.timings();
    let horizon = backtest.windows().horizon as i64;
    let per_thousand = |t: &fleetcast_backtest::Timing| t.seconds.wall * 1000.0 / t.n_series.max(1) as f64;
    Ok(Frame::new()
        .with("model", timings.iter().map(|t| t.model.clone()).collect::<Vec<_>>())?
        .with("window", timings.iter().map(|t| t.window as i64).collect::<Vec<_>>())?
        .with("n_series", timings.iter().map(|t| t.n_series as i64).collect::<Vec<_>>())?
        .with("n_rows", timings.iter().map(|t| t.n_steps as i64).collect::<Vec<_>>())?
        .with("horizon", vec![horizon; timings.len()].into_iter().collect::<Vec<i64>>())?
        .with("wall_s", timings.iter().map(|t| t.seconds.wall).collect::<Vec<_>>())?
        .with("cpu_s", timings.iter().map(|t| t.seconds.cpu).collect::<Vec<_>>())?
        .with("s_per_1000", timings.iter().map(per_thousand).collect::<Vec<_>>())?)
}

/// The scores table: one row per model, slice and score, with its bootstrap interval where there is one.
pub(crate) fn scores(run_id: &str, scores: &[ModelScores]) -> Result<Frame> {
    let (mut models, mut slices, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (mut values, mut lows, mut highs) = (Vec::new(), Vec::new(), Vec::new());
    for row in scores {
        let triples = row.scores.named().into_iter().zip(row.low.named()).zip(row.high.named());
        for (((name, value), (_, low)), (_, high)) in triples {
            models.push(row.model.clone());
            slices.push(row.slice.clone());
            names.push(name);
            values.push(value);
            lows.push(low);
            highs.push(high);
        }
        for (name, count) in [("n_series", row.scores.n_series), ("n_points", row.scores.n_points)] {
            models.push(row.model.clone());
            slices.push(row.slice.clone());
            names.push(name);
            values.push(Some(count as f64));
            lows.push(None);
            highs.push(None);
        }
    }
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, models.len()))?
        .with("model", models)?
        .with("slice", slices)?
        .with("score", names)?
        .with("value", values)?
        .with("low", lows)?
        .with("high", highs)?)
}

/// The scores table for decisions: the same columns, the method standing for the model.
pub(crate) fn decision_scores(run_id: &str, scores: &[DecisionScore]) -> Result<Frame> {
    let end = |choose: fn((f64, f64)) -> f64| scores.iter().map(move |row| row.estimate.interval.map(choose));
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, scores.len()))?
        .with("model", scores.iter().map(|row| row.method.as_str()).collect::<Vec<_>>())?
        .with("slice", scores.iter().map(|row| row.slice.as_str()).collect::<Vec<_>>())?
        .with("score", scores.iter().map(|row| row.score.as_str()).collect::<Vec<_>>())?
        .with("value", scores.iter().map(|row| row.estimate.value).collect::<Vec<_>>())?
        .with("low", end(|(low, _)| low).collect::<Vec<_>>())?
        .with("high", end(|(_, high)| high).collect::<Vec<_>>())?)
}

/// The risks table.
pub(crate) fn risks(run_id: &str, outlook: &Outlook) -> Result<Frame> {
    let risks: Vec<&Risk> = outlook.risks().collect();
    let mut frame = Frame::new()
        .with("run_id", Column::repeated(run_id, risks.len()))?
        .with("server_id", risks.iter().map(|r| r.server_id.as_str()).collect::<Vec<_>>())?
        .with("metric", risks.iter().map(|r| r.metric.name()).collect::<Vec<_>>())?
        .with("cutoff", risks.iter().map(|r| r.cutoff).collect::<Vec<_>>())?
        .with("threshold", risks.iter().map(|r| r.threshold).collect::<Vec<_>>())?
        .with("min_days", risks.iter().map(|r| i64::from(r.min_days)).collect::<Vec<_>>())?;
    for (place, name) in CROSSED_COLUMNS.iter().enumerate() {
        frame = frame.with(name, risks.iter().map(|r| r.p_crossed[place]).collect::<Vec<_>>())?;
    }
    Ok(frame
        .with("date_q10", risks.iter().map(|r| r.dates.q10).collect::<Vec<_>>())?
        .with("date_q50", risks.iter().map(|r| r.dates.q50).collect::<Vec<_>>())?
        .with("date_q90", risks.iter().map(|r| r.dates.q90).collect::<Vec<_>>())?
        .with("lead_time_days", risks.iter().map(|r| i64::from(r.lead.days)).collect::<Vec<_>>())?
        .with("p_late", risks.iter().map(|r| r.lead.p_late).collect::<Vec<_>>())?
        .with("order_by", risks.iter().map(|r| r.lead.order_by).collect::<Vec<_>>())?
        .with("class", risks.iter().map(|r| r.class.name()).collect::<Vec<_>>())?
        .with("evidence", risks.iter().map(|r| r.evidence.clone()).collect::<Vec<_>>())?
        .with("hours", risks.iter().map(|r| r.hours.clone()).collect::<Vec<_>>())?
        .with("state", risks.iter().map(|r| r.state.name()).collect::<Vec<_>>())?
        .with("reason", risks.iter().map(|r| r.reason.as_str()).collect::<Vec<_>>())?)
}

/// The pool_risks table.
pub(crate) fn pool_risks(run_id: &str, pools: &[PoolRisk]) -> Result<Frame> {
    let mut frame = Frame::new()
        .with("run_id", Column::repeated(run_id, pools.len()))?
        .with("pool", pools.iter().map(|p| p.pool.as_str()).collect::<Vec<_>>())?
        .with("metric", pools.iter().map(|p| p.metric.name()).collect::<Vec<_>>())?
        .with("cutoff", pools.iter().map(|p| p.cutoff).collect::<Vec<_>>())?
        .with("threshold", pools.iter().map(|p| p.threshold).collect::<Vec<_>>())?
        .with("n_servers", pools.iter().map(|p| p.n_servers as i64).collect::<Vec<_>>())?
        .with("n_left_out", pools.iter().map(|p| p.n_left_out as i64).collect::<Vec<_>>())?
        .with("by_size", pools.iter().map(|p| p.by_size).collect::<Vec<_>>())?;
    for (place, name) in CROSSED_COLUMNS.iter().enumerate() {
        frame = frame.with(name, pools.iter().map(|p| p.p_crossed[place]).collect::<Vec<_>>())?;
    }
    frame = frame
        .with("date_q10", pools.iter().map(|p| p.dates.q10).collect::<Vec<_>>())?
        .with("date_q50", pools.iter().map(|p| p.dates.q50).collect::<Vec<_>>())?
        .with("date_q90", pools.iter().map(|p| p.dates.q90).collect::<Vec<_>>())?;
    for (place, name) in PEAK_COLUMNS.iter().enumerate() {
        frame = frame.with(name, pools.iter().map(|p| p.peak[place]).collect::<Vec<_>>())?;
    }
    for (place, name) in TOGETHER_COLUMNS.iter().enumerate() {
        frame = frame.with(name, pools.iter().map(|p| p.p_together[place]).collect::<Vec<_>>())?;
    }
    Ok(frame)
}

/// Risks of the pools of a run, in the order of the table's key.
pub(crate) fn pool_risks_of(frame: &Frame, run_id: &str, panel: &Panel) -> Result<Vec<PoolRisk>> {
    let metrics = metrics_by_name(panel);
    let rows = Rows::of_run(frame, run_id)?;
    let (pools, names, cutoffs) = (rows.text("pool")?, rows.text("metric")?, rows.date("cutoff")?);
    let numbers = |names: &[&str]| names.iter().map(|name| rows.number(name)).collect::<Result<Vec<_>>>();
    let (p, peaks, together) = (numbers(&CROSSED_COLUMNS)?, numbers(&PEAK_COLUMNS)?, numbers(&TOGETHER_COLUMNS)?);
    let (q10, q50, q90) = (rows.date("date_q10")?, rows.date("date_q50")?, rows.date("date_q90")?);
    let (servers, left_out) = (frame.ints("n_servers")?, frame.ints("n_left_out")?);
    let (by_size, thresholds) = (frame.bools("by_size")?, rows.number("threshold")?);
    let whole = |number: Option<i64>| number.and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    let pool = |(at, &row): (usize, &usize)| PoolRisk {
        pool: pools[at].clone().unwrap_or_default(),
        metric: metric_named(&metrics, names[at].as_deref().unwrap_or_default()),
        cutoff: cutoffs[at].unwrap_or(Date::ZERO),
        threshold: thresholds[at].unwrap_or_default(),
        n_servers: whole(servers[row]),
        n_left_out: whole(left_out[row]),
        by_size: by_size[row].unwrap_or_default(),
        p_crossed: std::array::from_fn(|k| p[k][at]),
        dates: CrossingDates { q10: q10[at], q50: q50[at], q90: q90[at] },
        peak: std::array::from_fn(|k| peaks[k][at].unwrap_or(f64::NAN)),
        p_together: std::array::from_fn(|k| together[k][at].unwrap_or(f64::NAN)),
    };
    Ok(rows.rows.iter().enumerate().map(pool).collect())
}

/// The groups table.
pub(crate) fn groups(run_id: &str, outlook: &Outlook) -> Result<Frame> {
    let groups: Vec<&Group> = outlook.servers.iter().map(|s| &s.group).collect();
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, groups.len()))?
        .with("server_id", groups.iter().map(|g| g.server_id.as_str()).collect::<Vec<_>>())?
        .with("group", groups.iter().map(|g| g.group.map(|n| n as i64)).collect::<Vec<_>>())?
        .with("group_name", groups.iter().map(|g| g.group_name.as_str()).collect::<Vec<_>>())?
        .with("underused", groups.iter().map(|g| g.underused).collect::<Vec<_>>())?
        .with("reason", groups.iter().map(|g| g.reason.as_str()).collect::<Vec<_>>())?)
}

/// Columns that a lake of an earlier version does not have.
const EFFECTIVE: &str = "saving_effective_usd_per_month";
const UNCOMMITTED: &str = "saving_uncommitted_usd_per_month";

/// The recommendations table.
pub(crate) fn recommendations(run_id: &str, outlook: &Outlook) -> Result<Frame> {
    let rows: Vec<&Recommendation> = outlook.servers.iter().map(|s| &s.recommendation).collect();
    let binding: Vec<&Option<Bottleneck>> = outlook.servers.iter().map(|s| &s.bottleneck).collect();
    let metrics = |found: &&Option<Bottleneck>| found.as_ref().map(|found| found.metrics.join("+"));
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, rows.len()))?
        .with("server_id", rows.iter().map(|r| r.server_id.as_str()).collect::<Vec<_>>())?
        .with("action", rows.iter().map(|r| r.action.name()).collect::<Vec<_>>())?
        .with("from_type", rows.iter().map(|r| r.from_type.clone()).collect::<Vec<_>>())?
        .with("to_type", rows.iter().map(|r| r.to_type.clone()).collect::<Vec<_>>())?
        .with("saving_usd_per_month", rows.iter().map(|r| r.saving_usd_per_month).collect::<Vec<_>>())?
        .with("p_violation", rows.iter().map(|r| r.p_violation).collect::<Vec<_>>())?
        .with("expected_bad_days", rows.iter().map(|r| r.expected_bad_days).collect::<Vec<_>>())?
        .with("lambda_usd_per_day", rows.iter().map(|r| r.lambda_usd_per_day).collect::<Vec<_>>())?
        .with("binding", rows.iter().map(|r| r.binding.clone()).collect::<Vec<_>>())?
        .with("reason", rows.iter().map(|r| r.reason.as_str()).collect::<Vec<_>>())?
        .with("price_book_date", rows.iter().map(|r| r.price_book_date).collect::<Vec<_>>())?
        .with("bottleneck", binding.iter().map(metrics).collect::<Vec<_>>())?
        .with("p_first", Column::optional_floats(binding.iter().map(|found| Some(found.as_ref()?.p_first))))?
        .with("together", Column::optional_floats(binding.iter().map(|found| found.as_ref()?.together)))?
        .with(EFFECTIVE, rows.iter().map(|r| r.saving_effective_usd_per_month).collect::<Vec<_>>())?
        .with(UNCOMMITTED, rows.iter().map(|r| r.saving_uncommitted_usd_per_month).collect::<Vec<_>>())?)
}

/// The risk_weeks table.
pub(crate) fn risk_weeks(run_id: &str, weeks: &WeeklyRisk) -> Result<Frame> {
    let (mut servers, mut starts, mut chances) = (Vec::new(), Vec::new(), Vec::new());
    for (server_id, p_bad_day) in &weeks.servers {
        for (week, &p) in p_bad_day.iter().enumerate() {
            servers.push(server_id.as_str());
            starts.push(weeks.first_day.saturating_add(jiff::Span::new().weeks(week as i64)));
            chances.push(p);
        }
    }
    Ok(Frame::new()
        .with("run_id", Column::repeated(run_id, servers.len()))?
        .with("server_id", servers)?
        .with("threshold", vec![weeks.threshold; chances.len()])?
        .with("week_start", starts)?
        .with("p_bad_day", chances)?)
}

/// Rows of a run, with the text columns of a frame by name.
struct Rows<'a> {
    frame: &'a Frame,
    rows: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn of_run(frame: &'a Frame, run_id: &str) -> Result<Self> {
        Ok(Self { frame, rows: rows_of(frame, run_id)? })
    }

    fn text(&self, name: &str) -> Result<Vec<Option<String>>> {
        let column = self.frame.text(name)?;
        Ok(self.rows.iter().map(|&row| column[row].as_deref().map(str::to_owned)).collect())
    }

    fn number(&self, name: &str) -> Result<Vec<Option<f64>>> {
        let column = self.frame.floats(name)?;
        Ok(self.rows.iter().map(|&row| Some(column[row]).filter(|v| !v.is_nan())).collect())
    }

    fn date(&self, name: &str) -> Result<Vec<Option<Date>>> {
        let column = self.frame.dates(name)?;
        Ok(self.rows.iter().map(|&row| column[row]).collect())
    }
}

fn metrics_by_name(panel: &Panel) -> BTreeMap<&str, &Arc<Metric>> {
    panel.histories().iter().map(|h| (h.metric().name(), h.metric())).collect()
}

fn metric_named(metrics: &BTreeMap<&str, &Arc<Metric>>, name: &str) -> Arc<Metric> {
    metrics.get(name).map_or_else(|| Arc::new(Metric::named(name)), |metric| Arc::clone(metric))
}

/// Risks of a run by server.
pub(crate) fn risks_of(frame: &Frame, run_id: &str, panel: &Panel) -> Result<BTreeMap<String, Vec<Risk>>> {
    let metrics = metrics_by_name(panel);
    let rows = Rows::of_run(frame, run_id)?;
    let (servers, names, classes) = (rows.text("server_id")?, rows.text("metric")?, rows.text("class")?);
    let (states, reasons, hours) = (rows.text("state")?, rows.text("reason")?, rows.text("hours")?);
    let (thresholds, cutoffs) = (rows.number("threshold")?, rows.date("cutoff")?);
    let p: Vec<Vec<Option<f64>>> = CROSSED_COLUMNS.iter().map(|name| rows.number(name)).collect::<Result<_>>()?;
    let (q10, q50, q90) = (rows.date("date_q10")?, rows.date("date_q50")?, rows.date("date_q90")?);
    let (days, evidence) = (frame.ints("min_days")?, frame.date_lists("evidence")?);
    let (waits, p_late, order_by) = (frame.ints("lead_time_days")?, rows.number("p_late")?, rows.date("order_by")?);
    let whole = |number: Option<i64>| number.and_then(|n| u32::try_from(n).ok());
    let mut by_server: BTreeMap<String, Vec<Risk>> = BTreeMap::new();
    for (at, &row) in rows.rows.iter().enumerate() {
        let server_id = servers[at].clone().unwrap_or_default();
        let name = names[at].as_deref().unwrap_or_default();
        let class = classes[at].as_deref();
        let state = states[at].as_deref();
        by_server.entry(server_id.clone()).or_default().push(Risk {
            server_id,
            metric: metric_named(&metrics, name),
            cutoff: cutoffs[at].unwrap_or(Date::ZERO),
            threshold: thresholds[at].unwrap_or_default(),
            min_days: whole(days[row]).unwrap_or(1),
            p_crossed: std::array::from_fn(|k| p[k][at]),
            dates: CrossingDates { q10: q10[at], q50: q50[at], q90: q90[at] },
            lead: Lead { days: whole(waits[row]).unwrap_or_default(), p_late: p_late[at], order_by: order_by[at] },
            class: RiskClass::ALL.into_iter().find(|c| Some(c.name()) == class).unwrap_or(RiskClass::Unknown),
            evidence: evidence[row].clone(),
            hours: hours[at].clone(),
            state: match state {
                Some("ok") => RiskState::Ok,
                Some("saturated") => RiskState::Saturated,
                _ => RiskState::Unknown,
            },
            reason: reasons[at].clone().unwrap_or_default(),
        });
    }
    Ok(by_server)
}

/// Groups of a run, in order of server ids.
pub(crate) fn groups_of(frame: &Frame, run_id: &str) -> Result<Vec<Group>> {
    let rows = Rows::of_run(frame, run_id)?;
    let (servers, names, reasons) = (rows.text("server_id")?, rows.text("group_name")?, rows.text("reason")?);
    let (numbers, underused) = (frame.ints("group")?, frame.bools("underused")?);
    let group = |(at, &row): (usize, &usize)| Group {
        server_id: servers[at].clone().unwrap_or_default(),
        group: numbers[row].and_then(|n| usize::try_from(n).ok()),
        group_name: names[at].clone().unwrap_or_default(),
        underused: underused[row].unwrap_or_default(),
        reason: reasons[at].clone().unwrap_or_default(),
    };
    Ok(rows.rows.iter().enumerate().map(group).collect())
}

/// Recommendations of a run, in order of server ids.
pub(crate) fn recommendations_of(frame: &Frame, run_id: &str) -> Result<Vec<Recommendation>> {
    let rows = Rows::of_run(frame, run_id)?;
    let (servers, actions, reasons) = (rows.text("server_id")?, rows.text("action")?, rows.text("reason")?);
    let (from, to, binding) = (rows.text("from_type")?, rows.text("to_type")?, rows.text("binding")?);
    let (savings, p) = (rows.number("saving_usd_per_month")?, rows.number("p_violation")?);
    let (bad_days, lambdas) = (rows.number("expected_bad_days")?, rows.number("lambda_usd_per_day")?);
    let dates = rows.date("price_book_date")?;
    let known = |name: &str| match frame.column(name) {
        Ok(_) => rows.number(name),
        Err(_) => Ok(vec![None; rows.rows.len()]),
    };
    let (effective, uncommitted) = (known(EFFECTIVE)?, known(UNCOMMITTED)?);
    let actions_known = [Action::Keep, Action::Down, Action::Up, Action::Retire];
    let recommendation = |at: usize| Recommendation {
        server_id: servers[at].clone().unwrap_or_default(),
        action: actions_known.into_iter().find(|a| Some(a.name()) == actions[at].as_deref()).unwrap_or(Action::Unknown),
        from_type: from[at].clone(),
        to_type: to[at].clone(),
        saving_usd_per_month: savings[at],
        saving_effective_usd_per_month: effective[at],
        saving_uncommitted_usd_per_month: uncommitted[at],
        p_violation: p[at],
        expected_bad_days: bad_days[at],
        lambda_usd_per_day: lambdas[at].unwrap_or_default(),
        binding: binding[at].clone(),
        reason: reasons[at].clone().unwrap_or_default(),
        price_book_date: dates[at],
    };
    Ok((0..rows.rows.len()).map(recommendation).collect())
}

/// Which resources of each server run out, in order of server ids.
pub(crate) fn bottlenecks_of(frame: &Frame, run_id: &str) -> Result<Vec<Option<Bottleneck>>> {
    let rows = Rows::of_run(frame, run_id)?;
    // A lake of an earlier version does not know them.
    if frame.column("bottleneck").is_err() {
        return Ok(vec![None; rows.rows.len()]);
    }
    let (metrics, p_first, together) = (rows.text("bottleneck")?, rows.number("p_first")?, rows.number("together")?);
    let bottleneck = |at: usize| {
        let metrics = metrics[at].as_ref()?.split('+').map(str::to_owned).collect();
        Some(Bottleneck { metrics, p_first: p_first[at]?, together: together[at] })
    };
    Ok((0..rows.rows.len()).map(bottleneck).collect())
}

/// Scores of a run by model and slice.
pub(crate) fn scores_of(frame: &Frame, run_id: &str) -> Result<BTreeMap<(String, String), Scores>> {
    let rows = Rows::of_run(frame, run_id)?;
    let (models, slices, names) = (rows.text("model")?, rows.text("slice")?, rows.text("score")?);
    let values = rows.number("value")?;
    let mut scores: BTreeMap<(String, String), Scores> = BTreeMap::new();
    for at in 0..values.len() {
        let key = (models[at].clone().unwrap_or_default(), slices[at].clone().unwrap_or_default());
        scores.entry(key).or_default().set(names[at].as_deref().unwrap_or_default(), values[at]);
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::ServerOutlook;
    use jiff::civil::date;

    fn outlook() -> Outlook {
        let risk = Risk {
            server_id: "web-1".to_owned(),
            metric: Arc::new(Metric::named("cpu")),
            cutoff: date(2024, 12, 30),
            threshold: 80.0,
            min_days: 3,
            p_crossed: [Some(0.25), Some(0.5), None, None],
            dates: CrossingDates { q10: Some(date(2025, 1, 7)), q50: None, q90: None },
            lead: Lead { days: 37, p_late: Some(0.3), order_by: Some(date(2024, 12, 30)) },
            class: RiskClass::QuarterEnd,
            evidence: vec![date(2025, 3, 31)],
            hours: None,
            state: RiskState::Ok,
            reason: "over on 1 of 365 days".to_owned(),
        };
        let group = Group {
            server_id: "web-1".to_owned(),
            group: Some(2),
            group_name: "busy".to_owned(),
            underused: false,
            reason: "mean 40 %".to_owned(),
        };
        let recommendation = Recommendation {
            server_id: "web-1".to_owned(),
            action: Action::Up,
            from_type: Some("m6i.large".to_owned()),
            to_type: Some("m6i.xlarge".to_owned()),
            saving_usd_per_month: Some(-70.08),
            saving_effective_usd_per_month: Some(-50.0),
            saving_uncommitted_usd_per_month: None,
            p_violation: Some(0.01),
            expected_bad_days: None,
            lambda_usd_per_day: 50.0,
            binding: Some("cpu".to_owned()),
            reason: "needs room".to_owned(),
            price_book_date: Some(date(2026, 7, 20)),
        };
        let pool = PoolRisk {
            pool: "web".to_owned(),
            metric: Arc::new(Metric::named("cpu")),
            cutoff: date(2024, 12, 30),
            threshold: 80.0,
            n_servers: 3,
            n_left_out: 1,
            by_size: true,
            p_crossed: [Some(0.25), Some(0.5), None, None],
            dates: CrossingDates { q10: Some(date(2025, 1, 7)), q50: None, q90: None },
            peak: [60.0, 70.5, 90.0],
            p_together: [0.5, 0.25, 0.0],
        };
        let bottleneck = Some(Bottleneck {
            metrics: vec!["memory".to_owned(), "cpu".to_owned()],
            p_first: 0.75,
            together: Some(0.5),
        });
        let server_id = "web-1".to_owned();
        let servers = vec![ServerOutlook { server_id, risks: vec![risk], group, recommendation, bottleneck }];
        Outlook { servers, pools: vec![pool] }
    }

    #[test]
    fn an_outlook_survives_its_tables() {
        let (outlook, panel) = (outlook(), Panel::default());
        let server = &outlook.servers[0];
        let risks = risks_of(&risks("r1", &outlook).unwrap(), "r1", &panel).unwrap();
        assert_eq!(risks["web-1"], server.risks);
        assert_eq!(groups_of(&groups("r1", &outlook).unwrap(), "r1").unwrap(), std::slice::from_ref(&server.group));
        let sizes = recommendations_of(&recommendations("r1", &outlook).unwrap(), "r1").unwrap();
        assert_eq!(sizes, std::slice::from_ref(&server.recommendation));
        let pools = pool_risks_of(&pool_risks("r1", &outlook.pools).unwrap(), "r1", &panel).unwrap();
        assert_eq!(pools, outlook.pools);
        let found = bottlenecks_of(&recommendations("r1", &outlook).unwrap(), "r1").unwrap();
        assert_eq!(found, std::slice::from_ref(&server.bottleneck));
        assert!(risks_of(&super::risks("r1", &outlook).unwrap(), "r2", &panel).unwrap().is_empty());
    }
}
