//! The worst servers, each with its history, its forecast and its limits.

use super::{Reason, fan_anchor, place};
use crate::{
    ReportInput, chart,
    facts::{Facts, RISK_DAYS, kind},
    number, trace,
};
use askama::Template;
use fleetcast_core::{History, Risk, RiskState, SeriesId};

/// Charts of forecasts on the page, at most.
pub const FORECASTS_SHOWN: usize = 12;

/// Fan charts of the first servers of the ranking.
#[derive(Template)]
#[template(path = "fans.html")]
pub(crate) struct Fans {
    threshold: String,
    cards: Vec<Card>,
    trace: String,
}

struct Card {
    anchor: String,
    server_id: String,
    metric: String,
    place: String,
    crossing: String,
    chance: String,
    class: &'static str,
    reason: Reason,
    hours: String,
    model: String,
    unit: String,
    drawn: chart::DrawnFan,
}

/// The series that get a chart, as server and metric: the first of the ranking, then those that are saturated.
pub(crate) fn chosen<'a>(facts: &Facts<'a>) -> Vec<(&'a str, &'a str)> {
    let is_forecast = |(server_id, metric): &(&str, &str)| forecast_of(facts, server_id, metric).is_some();
    urgent(facts).filter(is_forecast).take(FORECASTS_SHOWN).collect()
}

/// The ranking, then what is saturated, as server and metric.
fn urgent<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let urgent = facts.ranked.iter().chain(&facts.saturated);
    urgent.map(|placed| (placed.risk.server_id.as_str(), placed.risk.metric.name()))
}

/// The series whose forecast a report would show, the most urgent first: it shows the first [`FORECASTS_SHOWN`] that
/// have one, and needs no other. `input` may be without forecasts.
pub fn urgent_series(input: &ReportInput) -> Vec<SeriesId> {
    urgent(&Facts::new(input)).map(|(server_id, metric)| SeriesId::new(server_id, metric)).collect()
}

impl Fans {
    pub(crate) fn new(facts: &Facts) -> Self {
        let keys = chosen(facts);
        let cards = keys.iter().enumerate().filter_map(|(i, key)| card(facts, i, key)).collect();
        Self {
            threshold: number::threshold(facts.threshold),
            cards,
            trace: trace::command(facts.input.run, &query(facts, &keys)),
        }
    }
}

/// The history and the position of the forecast of a series; `None` when one of them is missing.
fn forecast_of<'a>(facts: &Facts<'a>, server_id: &str, metric: &str) -> Option<(&'a History, usize)> {
    let histories = facts.input.panel.histories();
    let key = (server_id, metric);
    let is_key = |id: &SeriesId| (id.server_id.as_ref(), id.metric.as_ref()) == key;
    let at = histories.binary_search_by(|h| (h.id().server_id.as_ref(), h.id().metric.as_ref()).cmp(&key)).ok()?;
    Some((&histories[at], facts.input.forecasts.iter().position(|forecast| is_key(forecast.id))?))
}

fn card(facts: &Facts, number_of_card: usize, (server_id, metric): &(&str, &str)) -> Option<Card> {
    let (history, at) = forecast_of(facts, server_id, metric)?;
    let risks = facts.saturated.iter().chain(&facts.ranked);
    let placed = risks.into_iter().find(|placed| placed.risk.server_id == *server_id)?;
    let risk = placed.risk;
    let crossing = crossing(risk, facts.threshold);
    let forecast = &facts.input.forecasts[at];
    let drawn = chart::fan(&chart::Fan {
        history,
        forecast: forecast.forecast,
        limits: &limits(facts, risk),
        crossing: risk.dates,
        calendar: facts.input.calendar,
        label: &format!("{server_id} {metric}: history and forecast; {crossing}"),
    });
    Some(Card {
        anchor: fan_anchor(number_of_card),
        server_id: (*server_id).to_owned(),
        metric: (*metric).to_owned(),
        place: place(facts, server_id),
        crossing,
        chance: chance(facts, risk),
        class: kind(risk.class),
        reason: Reason::new(&risk.reason),
        hours: risk.hours.clone().unwrap_or_default(),
        model: forecast.model.to_owned(),
        unit: history.metric().unit().to_string(),
        drawn,
    })
}

/// The thresholds with their limits, the report's own threshold last.
fn limits(facts: &Facts, risk: &Risk) -> Vec<(f64, f64)> {
    let capacity =
        facts.server(&risk.server_id).and_then(|server| server.capacity(&risk.metric)).or(risk.metric.capacity());
    let Some(capacity) = capacity else { return Vec::new() };
    let thresholds = facts.early_threshold.into_iter().chain([facts.threshold]);
    thresholds.map(|threshold| (threshold, threshold / 100.0 * capacity)).collect()
}

/// When, in words.
fn crossing(risk: &Risk, threshold: f64) -> String {
    let limit = number::threshold(threshold);
    if risk.state == RiskState::Saturated {
        return format!("over {limit} already");
    }
    match (risk.dates.q10, risk.dates.q50, risk.dates.q90) {
        (Some(low), Some(middle), Some(high)) => {
            format!("{limit} on {} ({} to {})", number::date(middle), number::short_date(low), number::date(high))
        }
        (Some(low), Some(middle), None) => {
            format!("{limit} on {} (from {}, perhaps later)", number::date(middle), number::short_date(low))
        }
        (Some(low), None, _) => format!("{limit} perhaps from {}, more likely later", number::date(low)),
        _ => format!("{limit} not expected within the horizon"),
    }
}

fn chance(facts: &Facts, risk: &Risk) -> String {
    let at = facts.horizons.iter().copied().filter(|at| RISK_DAYS[*at] <= 90).max();
    match at.and_then(|at| Some((RISK_DAYS[at], risk.p_crossed[at]?))) {
        Some((days, p)) if risk.state == RiskState::Ok => format!("{} within {days} days", number::chance(p)),
        _ => String::new(),
    }
}

fn query(facts: &Facts, keys: &[(&str, &str)]) -> String {
    let (server_id, metric) = keys.first().copied().unwrap_or(("web-001", "cpu"));
    format!(
        "SELECT date, q05, q10, q25, q50, q75, q90, q95 FROM forecasts WHERE run_id = {} AND server_id = {} \
         AND metric = {} ORDER BY date",
        trace::literal(&facts.input.run.run_id),
        trace::literal(server_id),
        trace::literal(metric)
    )
}
