//! Who crosses first.

use super::{Chance, Reason, date_range, fan_anchor, fans, place};
use crate::{
    chart,
    facts::{CALM_BELOW, Facts, Order, Placed, RISK_DAYS, kind},
    number,
    scale::TimeAxis,
    trace,
};
use askama::Template;
use fleetcast_core::{Risk, RiskState};

/// Rows of each of the two lists.
const CAP: usize = 60;

/// Servers by time to saturation, and those that are there already.
#[derive(Template)]
#[template(path = "ranking.html")]
pub(crate) struct Ranking {
    threshold: String,
    calm_below: String,
    horizon_days: u32,
    wait: String,
    axis: String,
    days: Vec<u32>,
    rows: Vec<Row>,
    n_more: String,
    saturated: Vec<Row>,
    n_more_saturated: String,
    n_calm: String,
    trace: String,
}

struct Row {
    server_id: String,
    place: String,
    metric: String,
    also: String,
    class: &'static str,
    bar: Option<String>,
    dates: String,
    chances: Vec<Chance>,
    median: String,
    early: String,
    order: String,
    now: String,
    reason: Reason,
    href: Option<String>,
}

impl Ranking {
    pub(crate) fn new(facts: &Facts) -> Self {
        let run = facts.input.run;
        let axis = TimeAxis::new(run.cutoff, i64::from(run.horizon_days));
        let shown = fans::chosen(facts);
        let rows = |placed: &[Placed]| -> Vec<Row> {
            placed.iter().take(CAP).map(|placed| row(facts, placed, &axis, &shown)).collect()
        };
        Self {
            threshold: number::threshold(facts.threshold),
            calm_below: number::chance(CALM_BELOW),
            horizon_days: run.horizon_days,
            wait: wait(facts),
            axis: chart::interval_axis(&axis, facts.input.calendar),
            days: facts.horizons.iter().map(|at| RISK_DAYS[*at]).collect(),
            rows: rows(&facts.ranked),
            n_more: more(facts.ranked.len()),
            saturated: rows(&facts.saturated),
            n_more_saturated: more(facts.saturated.len()),
            n_calm: number::counted(facts.n_calm, "server"),
            trace: trace::command(run, &query(facts)),
        }
    }
}

/// The lead times of the run: `37 days`, or `14 to 60 days`.
fn wait(facts: &Facts) -> String {
    let days = || facts.input.outlook.risks().map(|risk| risk.lead.days as usize);
    match (days().min(), days().max()) {
        (Some(shortest), Some(longest)) if shortest < longest => {
            format!("{shortest} to {}", number::counted(longest, "day"))
        }
        (_, longest) => number::counted(longest.unwrap_or(0), "day"),
    }
}

/// How many are not shown, as text; empty when all are.
fn more(n: usize) -> String {
    if n > CAP { number::count(n - CAP) } else { String::new() }
}

fn row(facts: &Facts, placed: &Placed, axis: &TimeAxis, shown: &[(&str, &str)]) -> Row {
    let risk = placed.risk;
    let position = shown.iter().position(|key| *key == (risk.server_id.as_str(), risk.metric.name()));
    Row {
        server_id: risk.server_id.clone(),
        place: place(facts, &risk.server_id),
        metric: risk.metric.name().to_owned(),
        also: also(facts, placed),
        class: kind(risk.class),
        bar: chart::interval(axis, &risk.dates, facts.input.calendar),
        dates: date_range(&risk.dates),
        chances: facts.horizons.iter().map(|at| Chance::new(risk.p_crossed[*at])).collect(),
        median: risk.dates.q50.map_or_else(|| "later".to_owned(), number::date),
        early: early(facts, placed),
        order: order(facts, placed),
        now: now(facts, risk),
        reason: Reason::new(&risk.reason),
        href: position.map(fan_anchor),
    }
}

/// The other metrics of the server that will probably cross as well, and whether they are high on the same days.
fn also(facts: &Facts, placed: &Placed) -> String {
    let others = facts.risks_at(placed.outlook, facts.threshold).into_iter();
    let names: Vec<&str> = others
        .filter(|other| other.metric.name() != placed.risk.metric.name() && other.dates.q50.is_some())
        .map(|other| other.metric.name())
        .collect();
    let together = placed.outlook.bottleneck.as_ref().and_then(|found| found.is_together());
    let when = match together.filter(|_| !names.is_empty()) {
        Some(true) => ", on the same days",
        Some(false) => ", on other days",
        None => "",
    };
    format!("{}{when}", names.join(", "))
}

/// The median date for the lower threshold: `80 %: 3 Feb`.
fn early(facts: &Facts, placed: &Placed) -> String {
    let Some(threshold) = facts.early_threshold else { return String::new() };
    let risks = facts.risks_at(placed.outlook, threshold);
    let Some(risk) = risks.into_iter().find(|risk| risk.metric.name() == placed.risk.metric.name()) else {
        return String::new();
    };
    let when = match risk.state {
        RiskState::Saturated => "now".to_owned(),
        _ => risk.dates.q50.map_or_else(|| "later".to_owned(), number::short_date),
    };
    format!("{}: {when}", number::threshold(threshold))
}

/// By when to order: `order by 3 Feb`, or `order now`.
fn order(facts: &Facts, placed: &Placed) -> String {
    match facts.order(placed) {
        Order::Now => "order now".to_owned(),
        Order::By(date) => format!("order by {}", number::short_date(date)),
        Order::Later => String::new(),
    }
}

/// The last observed P95.
fn now(facts: &Facts, risk: &Risk) -> String {
    let histories = facts.input.panel.histories();
    let key = (risk.server_id.as_str(), risk.metric.name());
    let at = histories.binary_search_by(|h| (h.id().server_id.as_ref(), h.id().metric.as_ref()).cmp(&key));
    let last = at.ok().and_then(|at| histories[at].last_observed());
    last.map_or_else(|| number::NOTHING.to_owned(), |value| number::measure(value, risk.metric.unit()))
}

fn query(facts: &Facts) -> String {
    format!(
        "SELECT server_id, metric, p_30, p_60, p_90, p_180, date_q10, date_q50, date_q90, order_by, class, reason FROM risks \
         WHERE run_id = {} AND threshold = {} AND min_days = {} AND state <> 'unknown' \
         ORDER BY date_q50 NULLS LAST, p_180 DESC",
        trace::literal(&facts.input.run.run_id),
        facts.threshold,
        facts.min_days
    )
}
