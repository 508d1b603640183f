//! Servers that serve together: when their total is too much.

use super::{Chance, date_range};
use crate::{
    chart,
    facts::{CALM_BELOW, Facts, RISK_DAYS},
    number,
    scale::TimeAxis,
    trace,
};
use askama::Template;
use fleetcast_core::PoolRisk;

/// Rows of the list.
const CAP: usize = 30;

/// Totals of pools by time to saturation.
#[derive(Template)]
#[template(path = "pools.html")]
pub(crate) struct Pools {
    threshold: String,
    calm_below: String,
    horizon_days: u32,
    axis: String,
    days: Vec<u32>,
    n_totals: usize,
    rows: Vec<Row>,
    n_more: String,
    n_calm: String,
    trace: String,
}

struct Row {
    pool: String,
    metric: String,
    servers: String,
    bar: Option<String>,
    dates: String,
    median: String,
    chances: Vec<Chance>,
    peak: String,
    range: String,
    together: String,
}

impl Pools {
    pub(crate) fn new(facts: &Facts) -> Self {
        let run = facts.input.run;
        let axis = TimeAxis::new(run.cutoff, i64::from(run.horizon_days));
        let all: Vec<&PoolRisk> = facts.pools().collect();
        let mut listed: Vec<&PoolRisk> = all.iter().copied().filter(|pool| !is_calm(pool)).collect();
        // The sort is stable, so equals stay in order of their names.
        listed.sort_by(|a, b| {
            let date = |pool: &PoolRisk| (pool.dates.q50.is_none(), pool.dates.q50);
            date(a).cmp(&date(b)).then(longest(b).total_cmp(&longest(a)))
        });
        Self {
            threshold: number::threshold(facts.threshold),
            calm_below: number::chance(CALM_BELOW),
            horizon_days: run.horizon_days,
            axis: chart::interval_axis(&axis, facts.input.calendar),
            days: facts.horizons.iter().map(|at| RISK_DAYS[*at]).collect(),
            n_totals: all.len(),
            rows: listed.iter().take(CAP).map(|pool| row(facts, pool, &axis)).collect(),
            n_more: if listed.len() > CAP { number::count(listed.len() - CAP) } else { String::new() },
            n_calm: number::counted(all.len() - listed.len(), "total"),
            trace: trace::command(run, &query(facts)),
        }
    }
}

/// P(the total crosses) within the most days that were foreseen.
fn longest(pool: &PoolRisk) -> f64 {
    pool.p_crossed.iter().rev().find_map(|p| *p).unwrap_or(0.0)
}

/// Neither the total nor half of the servers at once are likely to be too much.
fn is_calm(pool: &PoolRisk) -> bool {
    longest(pool) < CALM_BELOW && pool.p_together[1] < CALM_BELOW
}

fn row(facts: &Facts, pool: &PoolRisk, axis: &TimeAxis) -> Row {
    let [low, middle, high] = pool.peak.map(|percent| number::fixed(percent, 0));
    Row {
        pool: pool.pool.clone(),
        metric: pool.metric.name().to_owned(),
        servers: servers(pool),
        bar: chart::interval(axis, &pool.dates, facts.input.calendar),
        dates: date_range(&pool.dates),
        median: pool.dates.q50.map_or_else(|| "later".to_owned(), number::date),
        chances: facts.horizons.iter().map(|at| Chance::new(pool.p_crossed[*at])).collect(),
        peak: format!("{middle}\u{202f}%"),
        range: format!("{low} to {high}\u{202f}%"),
        together: together(pool),
    }
}

/// How many are added up, and what is missing.
fn servers(pool: &PoolRisk) -> String {
    let mut words = number::counted(pool.n_servers, "server");
    if pool.n_left_out > 0 {
        words = format!("{words}, {} not judged", number::count(pool.n_left_out));
    }
    if pool.by_size { words } else { format!("{words}, all counted alike: sizes are not known") }
}

/// The chance that several are too full on one day.
fn together(pool: &PoolRisk) -> String {
    let [two, half, all] = pool.p_together.map(number::chance);
    match pool.n_servers {
        0..=2 => format!("both {two}"),
        3..=4 => format!("two {two}, all {all}"),
        _ => format!("two {two}, half {half}, all {all}"),
    }
}

fn query(facts: &Facts) -> String {
    format!(
        "SELECT pool, metric, n_servers, p_30, p_60, p_90, p_180, date_q10, date_q50, date_q90, peak_q50, p_half_over \
         FROM pool_risks WHERE run_id = {} AND threshold = {} ORDER BY date_q50 NULLS LAST, p_180 DESC",
        trace::literal(&facts.input.run.run_id),
        facts.threshold,
    )
}
