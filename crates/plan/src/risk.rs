//! Will it cross, when, and what kind of risk is it?

use crate::{Limits, SeriesOutlook};
use fleetcast_core::{Calendar, CrossingDates, Metric, Risk, RiskClass, RiskState};
use jiff::civil::Date;
use std::sync::Arc;

/// The risks of one series: a row per threshold and number of days, in the order of `limits`.
pub fn risks(series: &SeriesOutlook, limits: &Limits, _calendar: &Calendar) -> Vec<Risk> {
    let history = series.history;
    unknown_risks(series.server.server_id(), history.metric(), history.cutoff().date(), limits, "no capacity")
}

/// The same rows for a series that cannot be judged, with the reason.
pub fn unknown_risks(server_id: &str, metric: &Arc<Metric>, cutoff: Date, limits: &Limits, reason: &str) -> Vec<Risk> {
    let rows =
        limits.thresholds.iter().flat_map(|&threshold| limits.min_days.iter().map(move |&days| (threshold, days)));
    rows.map(|(threshold, min_days)| Risk {
        server_id: server_id.to_owned(),
        metric: Arc::clone(metric),
        cutoff,
        threshold,
        min_days,
        p_crossed: [None; 4],
        dates: CrossingDates::default(),
        class: RiskClass::Unknown,
        evidence: Vec::new(),
        hours: None,
        state: RiskState::Unknown,
        reason: reason.to_owned(),
    })
    .collect()
}
