//! The course of one server's events.

use super::lasting::Lasting;
use super::{Instants, shifts};
use crate::clock::LocalDay;
use crate::scenario::Scenario;
use crate::telemetry::Event;
use std::ops::Range;

/// Where a server stands among the others: the names that its events are drawn for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) pool: &'a str,
}

/// What passing events make of one day of one metric: the factor on its P95, and factors on the ratios of
/// its mean and its maximum to its P95.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DayEffect {
    pub(crate) p95: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

/// Everything that happens to one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Course {
    lasting: Vec<Lasting>,
    passing: [Vec<(usize, DayEffect)>; 4],
}

impl Course {
    /// The events that begin on the days `begin`, each with its whole course.
    pub(crate) fn of(scenario: &Scenario, seed: u64, place: &Place<'_>, begin: Range<usize>) -> Self {
        let law = &scenario.raw.level_shifts;
        let own = ("server", place.server_id);
        let mut lasting = shifts::shifts(law, law.per_server_per_year, seed, own, begin.clone());
        lasting.extend(shifts::shifts(law, law.per_pool_per_year, seed, ("pool", place.pool), begin));
        lasting.sort_by_key(|event| event.start);
        Self { lasting, passing: Default::default() }
    }

    /// Whether nothing happens.
    pub(crate) fn is_empty(&self) -> bool {
        self.lasting.is_empty() && self.passing.iter().all(Vec::is_empty)
    }

    /// Whether any of the events changes this metric.
    pub(crate) fn touches(&self, metric: usize) -> bool {
        !self.passing[metric].is_empty() || self.lasting.iter().any(|event| event.log[metric] != 0.0)
    }

    /// Multiplies what lasts onto one factor per day, from the fleet's first day on.
    pub(crate) fn lasting(&self, metric: usize, factors: &mut [f64]) {
        self.lasting.iter().for_each(|event| event.apply(metric, factors));
    }

    /// The days that passing events change, ascending, with their effect. Other days have effect 1.
    pub(crate) fn passing(&self, metric: usize) -> &[(usize, DayEffect)] {
        &self.passing[metric]
    }

    /// The factor of all events on the demand of each of the first `n_days`.
    pub(crate) fn daily(&self, metric: usize, n_days: usize) -> Vec<f64> {
        let mut factors = vec![1.0; n_days];
        self.lasting(metric, &mut factors);
        for &(day, effect) in self.passing(metric).iter().take_while(|(day, _)| *day < n_days) {
            factors[day] *= effect.p95;
        }
        factors
    }

    /// Writes into `into` what passing events do to the samples of day `number`, `step_s` seconds apart:
    /// pairs of a sample's index in the day and the logarithm of its factor, ascending; the others have
    /// factor 1.
    pub(crate) fn inside(
        &self,
        _metric: usize,
        _number: usize,
        _day: &LocalDay,
        _step_s: i64,
        into: &mut Vec<(usize, f64)>,
    ) {
        into.clear();
    }

    /// The events that begin within the first `n_days`, earliest first; one that ends later still runs.
    pub(crate) fn events(&self, instants: &Instants<'_>, n_days: usize) -> Vec<Event> {
        let known = self.lasting.iter().filter(|event| event.start < n_days);
        known.map(|event| event.event(instants, n_days)).collect()
    }
}
