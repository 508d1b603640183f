//! Will it cross, when, and what kind of risk is it?

use crate::class::{Classification, classify};
use crate::passage::{Passage, passages};
use crate::series::too_short;
use crate::year::year_ahead;
use crate::{Limits, Seen, SeriesOutlook};
use fleetcast_core::{Calendar, CrossingDates, History, Lead, Metric, Risk, RiskClass, RiskState, Step};
use jiff::civil::Date;
use std::sync::Arc;

/// The horizons of [`Risk::p_crossed`], in days.
pub const RISK_HORIZONS: [usize; 4] = [30, 60, 90, 180];

/// Days that tell whether a series is over already.
const RECENT_DAYS: usize = 14;

/// The risks of one series: a row per threshold and number of days, in the order of `limits`.
///
/// A crossing is the first local day whose P95 is at or over the limit, or the k-th such day, in a row or
/// not; its probabilities and dates count the joint futures that cross. `saturated` is a series that was
/// over on its last observed day and on at least half of the days observed in its last 14.
///
/// A series that cannot be judged (no capacity, fewer than 14 observed days, not at day step) has rows
/// with state `unknown` and the reason.
pub fn risks(series: &SeriesOutlook, limits: &Limits, calendar: &Calendar) -> Vec<Risk> {
    let rows = |reason: &str| {
        let history = series.history;
        unknown_risks(series.server.server_id(), history.metric(), history.cutoff().date(), limits, reason)
    };
    if let Some(reason) = not_judged(series) {
        return rows(&reason);
    }
    let year = Year { ahead: year_ahead(series, calendar), seen: Seen::of(series.history, calendar), calendar };
    let mut risks = rows("");
    for same_threshold in risks.chunks_mut(limits.min_days.len().max(1)) {
        judge(series, same_threshold, &year, limits);
    }
    risks
}

/// The same rows for a series that cannot be judged, with the reason; for a series without a forecast,
/// or a server without telemetry.
pub fn unknown_risks(server_id: &str, metric: &Arc<Metric>, cutoff: Date, limits: &Limits, reason: &str) -> Vec<Risk> {
    let row = |threshold, min_days| Risk {
        server_id: server_id.to_owned(),
        metric: Arc::clone(metric),
        cutoff,
        threshold,
        min_days,
        p_crossed: [None; 4],
        dates: CrossingDates::default(),
        lead: Lead::default(),
        class: RiskClass::Unknown,
        evidence: Vec::new(),
        hours: None,
        state: RiskState::Unknown,
        reason: reason.to_owned(),
    };
    let thresholds = limits.thresholds.iter();
    thresholds.flat_map(|&threshold| limits.min_days.iter().map(move |&days| row(threshold, days))).collect()
}

/// Why a series cannot be judged at all.
fn not_judged(series: &SeriesOutlook) -> Option<String> {
    let history = series.history;
    let step = history.timeline().step();
    if step != Step::DAY {
        return Some(format!("needs daily values, these are {} s apart", step.as_seconds()));
    }
    too_short(history.n_observed()).or_else(|| series.capacity().is_none().then(|| "no capacity".to_owned()))
}

/// What kinds of risk are told from.
struct Year<'a> {
    ahead: Vec<f64>,
    seen: Seen,
    calendar: &'a Calendar,
}

/// Fills the rows of one threshold.
fn judge(series: &SeriesOutlook, rows: &mut [Risk], year: &Year, limits: &Limits) {
    let Some(threshold) = rows.first().map(|row| row.threshold) else { return };
    let limit = match usable_limit(series, threshold) {
        Ok(limit) => limit,
        Err(reason) => return rows.iter_mut().for_each(|row| row.reason.clone_from(&reason)),
    };
    let history = series.history;
    let min_days: Vec<u32> = rows.iter().map(|row| row.min_days.max(1)).collect();
    let recent = Recent::of(history, limit);
    let kind = kind(series, limit, year);
    for (row, passage) in rows.iter_mut().zip(passages(series.paths, limit, &min_days)) {
        row.p_crossed = RISK_HORIZONS.map(|days| passage.probability(days));
        row.dates = crossing_dates(&passage, history);
        row.lead = limits.lead_time.lead(series.server.criticality.as_deref(), &passage, history);
        row.class = kind.class;
        row.evidence.clone_from(&kind.evidence);
        row.state = if recent.is_saturated() { RiskState::Saturated } else { RiskState::Ok };
        row.reason = reason(&kind, &recent, row, history);
    }
}

/// The limit of a threshold, or why there is none.
fn usable_limit(series: &SeriesOutlook, threshold: f64) -> Result<f64, String> {
    let limit = series.limit(threshold).ok_or_else(|| "no capacity".to_owned())?;
    // Written so that NaN fails as well.
    if !(limit > 0.0 && limit.is_finite()) {
        return Err(format!("a threshold of {threshold} % is no share of a capacity"));
    }
    match series.history.bounds() {
        Some(bounds) if limit > bounds.high => {
            Err(format!("values stop at {}, so a threshold of {threshold} % is never reached", bounds.high))
        }
        _ => Ok(limit),
    }
}

fn kind(series: &SeriesOutlook, limit: f64, year: &Year) -> Classification {
    let history = series.history;
    if !history.timeline().has_calendar() {
        return Classification::unknown("the series has no calendar dates".to_owned());
    }
    classify(&year.ahead, history.timeline().date(history.len()), limit, &year.seen, year.calendar)
}

pub(crate) fn crossing_dates(passage: &Passage, history: &History) -> CrossingDates {
    let timeline = history.timeline();
    let date = |tenths| {
        let step = passage.step_at(tenths).filter(|_| timeline.has_calendar())?;
        Some(timeline.date(history.len() + step))
    };
    CrossingDates { q10: date(1), q50: date(5), q90: date(9) }
}

/// The last days of a history.
struct Recent {
    observed: usize,
    over: usize,
    last_is_over: bool,
}

impl Recent {
    fn of(history: &History, limit: f64) -> Self {
        let values = history.values();
        let last = &values[values.len().saturating_sub(RECENT_DAYS)..];
        let is_over = |value: &&f64| **value >= limit;
        let mut observed = last.iter().filter(|value| !value.is_nan());
        let last_is_over = observed.clone().next_back().is_some_and(|value| *value >= limit);
        let over = observed.clone().filter(is_over).count();
        Self { observed: observed.by_ref().count(), over, last_is_over }
    }

    fn is_saturated(&self) -> bool {
        self.last_is_over && 2 * self.over >= self.observed
    }
}

fn reason(kind: &Classification, recent: &Recent, row: &Risk, history: &History) -> String {
    let mut phrases = Vec::new();
    if row.state == RiskState::Saturated {
        phrases.push(format!("over on {} of the last {} observed days", recent.over, recent.observed));
    }
    if recent.observed == 0 {
        let last = history.values().iter().rposition(|value| !value.is_nan());
        phrases.extend(last.map(|step| format!("nothing observed since {}", history.timeline().date(step))));
    }
    let crosses = row.p_crossed.iter().flatten().any(|&p| p >= 0.5);
    if kind.class == RiskClass::None && crosses {
        phrases.push("a chance of single days above what is expected, not a pattern".to_owned());
    }
    phrases.push(kind.reason.clone());
    phrases.join("; ")
}
