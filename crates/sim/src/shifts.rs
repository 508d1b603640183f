//! Level shifts: deployments and migrations, of one server or of a whole pool.

use crate::scenario::LevelShifts;
use crate::telemetry::Event;
use fleetcast_core::Zone;
use fleetcast_numeric::{Stream, math};
use jiff::civil::{Date, Time};

/// Longest migration and longest wait before a shift is rolled back, in days.
const LONGEST_MIGRATION: u64 = 14;
const LONGEST_TRIAL: u64 = 30;

/// A change of level, in days since the start of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shift {
    /// The first day with part of the effect, and the first with the whole.
    pub(crate) start: usize,
    pub(crate) peak: usize,
    /// The first day without effect again.
    pub(crate) end: Option<usize>,
    memory_only: bool,
    log_size: f64,
    id: String,
    scope: &'static str,
    scope_id: String,
}

/// The shifts of one scope that start before day `n_days`, earliest first. The n-th shift is the same
/// however many days are asked for.
pub(crate) fn shifts(
    law: &LevelShifts,
    per_year: f64,
    seed: u64,
    (scope, scope_id): (&'static str, &str),
    n_days: usize,
) -> Vec<Shift> {
    let stream = Stream::new(seed, &["level shifts", scope, scope_id]);
    let mut list = Vec::new();
    let mut time = 0.0;
    for number in 0.. {
        if per_year <= 0.0 {
            break;
        }
        time += stream.exponential(number) * 365.25 / per_year;
        if time >= n_days as f64 {
            break;
        }
        let start = time as usize;
        let draw = stream.child_number(number);
        let is_migration = draw.uniform(0) < law.migration_share;
        let ramp = if is_migration { 1 + draw.below(8, LONGEST_MIGRATION) as usize } else { 0 };
        let peak = start + ramp;
        let rolled_back = draw.uniform(1) < law.rolled_back_share;
        let end = rolled_back.then(|| peak + 1 + draw.below(9, LONGEST_TRIAL) as usize);
        list.push(Shift {
            start,
            peak,
            end,
            memory_only: draw.uniform(2) < law.memory_only_share,
            log_size: law.log_std * draw.normal(3),
            id: format!("{scope_id}-shift-{number}"),
            scope,
            scope_id: scope_id.to_owned(),
        });
    }
    list
}

impl Shift {
    /// Multiplies its effect on one metric onto the factors of the first days.
    pub(crate) fn apply(&self, metric: usize, factors: &mut [f64]) {
        if self.memory_only && metric != 1 {
            return;
        }
        let end = self.end.unwrap_or(factors.len()).min(factors.len());
        let whole = math::exp(self.log_size);
        for (day, factor) in factors.iter_mut().enumerate().take(end).skip(self.start) {
            *factor *= if day >= self.peak {
                whole
            } else {
                let share = (day - self.start + 1) as f64 / (self.peak - self.start + 1) as f64;
                math::exp(self.log_size * share)
            };
        }
    }

    /// The shift as an event of a fleet that began on `first` and is known for `n_days`.
    pub(crate) fn event(&self, zone: &Zone, first: Date, n_days: usize) -> Event {
        let midnight = |day: usize| {
            let date = first.saturating_add(jiff::Span::new().days(day as i64));
            let start = zone.rules().to_ambiguous_zoned(date.to_datetime(Time::midnight())).compatible();
            start.map_or(0, |start| start.timestamp().as_millisecond())
        };
        Event {
            event_id: self.id.clone(),
            event_type: if self.peak > self.start { "migration" } else { "deploy" }.to_owned(),
            scope: self.scope.to_owned(),
            scope_id: self.scope_id.clone(),
            start_ms: midnight(self.start),
            peak_ms: midnight(self.peak),
            end_ms: self.end.filter(|end| *end < n_days).map(midnight),
            metric: self.memory_only.then(|| "memory".to_owned()),
            size: math::exp(self.log_size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: LevelShifts = LevelShifts {
        per_server_per_year: 2.0,
        per_pool_per_year: 0.0,
        log_std: 0.2,
        migration_share: 0.5,
        memory_only_share: 0.3,
        rolled_back_share: 0.3,
    };

    #[test]
    fn shifts_come_at_their_rate_and_a_longer_run_begins_with_the_shorter() {
        let mut count = 0;
        for server in 0..200 {
            let scope = ("server", format!("s-{server}"));
            let long = shifts(&LAW, 2.0, 1, (scope.0, &scope.1), 1461);
            let short = shifts(&LAW, 2.0, 1, (scope.0, &scope.1), 500);
            assert_eq!(long[..short.len()], short[..]);
            assert!(long[short.len()..].iter().all(|shift| shift.start >= 500));
            count += long.len();
        }
        assert!((f64::from(u32::try_from(count).unwrap()) / 1600.0 - 1.0).abs() < 0.06, "{count}");
    }

    #[test]
    fn a_shift_ramps_to_its_size_and_ends() {
        let shift = Shift {
            start: 3,
            peak: 5,
            end: Some(7),
            memory_only: true,
            log_size: 0.3,
            id: "x".into(),
            scope: "server",
            scope_id: "s".into(),
        };
        let mut factors = [1.0; 9];
        shift.apply(0, &mut factors);
        assert_eq!(factors, [1.0; 9]);
        shift.apply(1, &mut factors);
        for (day, log) in [0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.3, 0.0, 0.0].iter().enumerate() {
            assert!((factors[day].ln() - log).abs() < 1e-12, "{day}");
        }
        let event = shift.event(&Zone::named("Europe/London").unwrap(), jiff::civil::date(2024, 3, 28), 9);
        // The clock went forward on 31 March, between start and peak.
        assert_eq!(event.peak_ms - event.start_ms, (48 - 1) * 3_600_000);
        assert_eq!((event.event_type.as_str(), event.metric.as_deref()), ("migration", Some("memory")));
        assert_eq!(shift.event(&Zone::utc(), jiff::civil::date(2024, 3, 28), 7).end_ms, None);
    }
}
