//! Which weeks are dangerous, for whom.

use crate::{
    chart,
    facts::{Facts, kind},
    number, trace,
};
use askama::Template;
use fleetcast_core::RiskClass;
use std::collections::BTreeMap;

/// Rows of the map.
const CAP: usize = 40;

/// A server is in the map when one of its weeks is at least this likely to be bad.
const SHOWN_FROM: f64 = 0.1;

/// The heat map of servers and weeks, with the expected number of servers above it.
#[derive(Template)]
#[template(path = "calendar.html")]
pub(crate) struct RiskCalendar {
    threshold: String,
    weeks: usize,
    totals: String,
    top: String,
    blocks: Vec<Block>,
    n_more: String,
    trace: String,
}

/// The servers of one risk class.
struct Block {
    class: &'static str,
    meaning: &'static str,
    names: Vec<String>,
    map: String,
}

impl RiskCalendar {
    pub(crate) fn new(facts: &Facts) -> Self {
        let Some(weekly) = facts.input.weeks else { return Self::empty() };
        let weeks = weekly.servers.iter().map(|server| server.p_bad_day.len()).max().unwrap_or(0);
        let mut totals = vec![0.0; weeks];
        for server in &weekly.servers {
            for (total, p) in totals.iter_mut().zip(&server.p_bad_day) {
                *total += if p.is_finite() { *p } else { 0.0 };
            }
        }
        let mut risky: Vec<(&str, &[f64])> = weekly
            .servers
            .iter()
            .map(|server| (server.server_id.as_str(), server.p_bad_day.as_slice()))
            .filter(|(_, chances)| chances.iter().any(|p| *p >= SHOWN_FROM))
            .collect();
        let expected = |chances: &[f64]| chances.iter().filter(|p| p.is_finite()).sum::<f64>();
        risky.sort_by(|a, b| expected(b.1).total_cmp(&expected(a.1)).then_with(|| a.0.cmp(b.0)));
        let n_more = risky.len().saturating_sub(CAP);
        risky.truncate(CAP);
        Self {
            threshold: number::threshold(weekly.threshold),
            weeks,
            totals: chart::week_totals(&totals, weekly.first_day, facts.input.calendar),
            top: number::fixed(totals.iter().copied().fold(0.0, f64::max), 0),
            blocks: blocks(facts, risky, weeks),
            n_more: if n_more > 0 { number::count(n_more) } else { String::new() },
            trace: trace::command(facts.input.run, &query(facts)),
        }
    }

    fn empty() -> Self {
        Self {
            threshold: String::new(),
            weeks: 0,
            totals: String::new(),
            top: String::new(),
            blocks: Vec::new(),
            n_more: String::new(),
            trace: String::new(),
        }
    }
}

/// The rows by risk class, in each the first to become dangerous first: growth becomes a wedge, seasons become stripes.
fn blocks(facts: &Facts, risky: Vec<(&str, &[f64])>, weeks: usize) -> Vec<Block> {
    let classes: BTreeMap<&str, RiskClass> = facts
        .saturated
        .iter()
        .chain(&facts.ranked)
        .map(|placed| (placed.risk.server_id.as_str(), placed.risk.class))
        .collect();
    let mut by_class: BTreeMap<RiskClass, Vec<(&str, &[f64])>> = BTreeMap::new();
    for row in risky {
        let class = classes.get(row.0).copied().unwrap_or(RiskClass::None);
        by_class.entry(class).or_default().push(row);
    }
    let first_bad = |chances: &[f64]| chances.iter().position(|p| *p >= 0.5).unwrap_or(usize::MAX);
    let (calendar, first_day) = (facts.input.calendar, facts.input.weeks.map(|weekly| weekly.first_day));
    let block = |(class, mut rows): (RiskClass, Vec<(&str, &[f64])>)| {
        // Rows come in order of their risk, and a stable sort keeps that among equals.
        rows.sort_by_key(|(_, chances)| first_bad(chances));
        Some(Block {
            class: kind(class),
            meaning: meaning(class),
            names: rows.iter().map(|(name, _)| (*name).to_owned()).collect(),
            map: chart::heat_map(&rows, first_day?, weeks, calendar),
        })
    };
    by_class.into_iter().filter_map(block).collect()
}

/// A class in words.
fn meaning(class: RiskClass) -> &'static str {
    match class {
        RiskClass::Always => "over on most days",
        RiskClass::Growth => "over from some date on",
        RiskClass::YearEnd => "over around the turn of the year",
        RiskClass::QuarterEnd => "over around quarter ends",
        RiskClass::MonthEnd => "over around month ends",
        RiskClass::Weekday => "over on one weekday",
        RiskClass::Irregular => "over now and then",
        RiskClass::None => "over on no expected day, but not out of reach",
        RiskClass::Unknown => "kind of risk not known",
    }
}

fn query(facts: &Facts) -> String {
    format!(
        "SELECT server_id, metric, class, date_q10, date_q50, evidence FROM risks WHERE run_id = {} AND threshold = {} \
         AND min_days = {} AND class NOT IN ('none', 'unknown') ORDER BY class, date_q50",
        trace::literal(&facts.input.run.run_id),
        facts.threshold,
        facts.min_days
    )
}
