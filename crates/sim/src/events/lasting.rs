//! Changes of level that last: from one local midnight on.

use super::{DAY, Instants, Moment};
use crate::telemetry::Event;
use fleetcast_numeric::math;

/// A change of level, in days since the start of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lasting {
    /// The first day with part of the effect, and the first with the whole.
    pub(crate) start: usize,
    pub(crate) peak: usize,
    /// The first day without effect again.
    pub(crate) end: Option<usize>,
    /// Logarithm of the factor on each metric; 0 for a metric that is not touched.
    pub(crate) log: [f64; 4],
    pub(crate) event_type: &'static str,
    pub(crate) id: String,
    pub(crate) scope: &'static str,
    pub(crate) scope_id: String,
    /// The one metric it changes.
    pub(crate) metric: Option<&'static str>,
    /// What its event says of its size.
    pub(crate) size: f64,
}

impl Lasting {
    /// Multiplies its effect on one metric onto the factors of the first days.
    pub(crate) fn apply(&self, metric: usize, factors: &mut [f64]) {
        let log = self.log[metric];
        if log == 0.0 {
            return;
        }
        let end = self.end.unwrap_or(factors.len()).min(factors.len());
        let peak = self.peak.min(end);
        for (day, factor) in factors.iter_mut().enumerate().take(peak).skip(self.start) {
            let share = (day - self.start + 1) as f64 / (self.peak - self.start + 1) as f64;
            *factor *= math::exp(log * share);
        }
        let whole = math::exp(log);
        if peak < end {
            factors[peak..end].iter_mut().for_each(|factor| *factor *= whole);
        }
    }

    /// The change as an event of a fleet that is known for `n_days`.
    pub(crate) fn event(&self, instants: &Instants<'_>, n_days: usize) -> Event {
        let midnight = |day: usize| instants.ms(day as Moment * DAY);
        Event {
            event_id: self.id.clone(),
            event_type: self.event_type,
            scope: self.scope,
            scope_id: self.scope_id.clone(),
            start_ms: midnight(self.start),
            peak_ms: midnight(self.peak),
            end_ms: self.end.filter(|end| *end < n_days).map(midnight),
            metric: self.metric,
            size: self.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::Zone;
    use jiff::civil::date;

    #[test]
    fn a_change_ramps_to_its_size_and_ends() {
        let change = Lasting {
            start: 3,
            peak: 5,
            end: Some(7),
            log: [0.0, 0.3, 0.0, 0.0],
            event_type: "migration",
            id: "x".into(),
            scope: "server",
            scope_id: "s".into(),
            metric: Some("memory"),
            size: 1.35,
        };
        let mut factors = [1.0; 9];
        change.apply(0, &mut factors);
        assert_eq!(factors, [1.0; 9]);
        change.apply(1, &mut factors);
        for (day, log) in [0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.3, 0.0, 0.0].iter().enumerate() {
            assert!((factors[day].ln() - log).abs() < 1e-12, "{day}");
        }
        // A run that ends while it ramps, or before it begins.
        for n in [2, 4, 6] {
            let mut short = vec![1.0; n];
            change.apply(1, &mut short);
            assert_eq!(short[..], factors[..n]);
        }
        let zone = Zone::named("Europe/London").unwrap();
        let instants = Instants { first: date(2024, 3, 28), zone: &zone, days: &[] };
        let event = change.event(&instants, 9);
        // The clock went forward on 31 March, between start and peak.
        assert_eq!(event.peak_ms - event.start_ms, (48 - 1) * 3_600_000);
        assert_eq!((event.event_type, event.metric), ("migration", Some("memory")));
        assert_eq!(change.event(&instants, 7).end_ms, None);
    }
}
