//! The course of one server's events.

use super::grid::{self, Grid};
use super::label::{Label, Owner};
use super::lasting::Lasting;
use super::laws::Laws;
use super::life::Life;
use super::losses::Pool;
use super::pulse::{MOST_LOG, Pulse};
use super::resizes::Resize;
use super::{DAY, Instants, Moment, incidents, losses, regions, resizes, shifts};
use crate::clock::{CELL_SECONDS, CELLS, LocalDay};
use crate::scenario::Scenario;
use crate::telemetry::Event;
use fleetcast_core::Shape;
use fleetcast_numeric::{math, wide};
use jiff::civil::Date;
use std::ops::Range;

/// Where a server stands among the others: what its events are drawn for.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) index: usize,
    pub(crate) pool: Pool<'a>,
    pub(crate) archetype: usize,
    pub(crate) region: usize,
    /// Its hardware at the start, and whether its pool is busy.
    pub(crate) shape: &'a Shape,
    pub(crate) is_busy: bool,
    /// How much later than its profile it has its day.
    pub(crate) phase_hours: f64,
    /// The fleet's first day.
    pub(crate) first: Date,
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
    pub(crate) life: Life,
    /// Its hardware from later days on.
    pub(crate) resizes: Vec<Resize>,
    lasting: Vec<Lasting>,
    pulses: Vec<Pulse>,
    /// Pairs of a day and a pulse on it, ascending.
    by_day: Vec<(usize, usize)>,
    passing: [Vec<(usize, DayEffect)>; 4],
    labels: Vec<Label>,
}

impl Course {
    /// The events that begin on the days `begin`, each with its whole course.
    pub(crate) fn of(scenario: &Scenario, laws: &Laws, seed: u64, place: &Place<'_>, begin: Range<usize>) -> Self {
        let law = &scenario.raw.level_shifts;
        let own = ("server", place.server_id);
        let mut lasting = shifts::shifts(law, law.per_server_per_year, seed, own, begin.clone());
        lasting.extend(shifts::shifts(law, law.per_pool_per_year, seed, ("pool", place.pool.name), begin.clone()));
        let hardware = (place.shape, place.is_busy);
        let (resizes, changes) = resizes::resizes(scenario, (seed, place.pool.name), hardware, begin.clone());
        lasting.extend(changes);
        lasting.sort_by_key(|event| event.start);
        let (mut pulses, mut labels) = (Vec::new(), Vec::new());
        if laws.has_passing() {
            let (pulses, labels) = (&mut pulses, &mut labels);
            incidents::add(&scenario.raw.incidents, laws, (seed, place.server_id), &begin, pulses, labels);
            losses::add(scenario, laws, (seed, &place.pool, place.index), &begin, pulses, labels);
            regions::add(scenario, laws, (seed, place.first, place.region), &begin, pulses, labels);
        }
        let life = Life::of(&scenario.raw.churn, seed, place.server_id);
        labels.extend(life.labels(place.server_id));
        labels.sort_by_key(|label| label.start);
        let by_day = by_day(&pulses);
        let mut course = Self { life, resizes, lasting, pulses, by_day, passing: Default::default(), labels };
        if let Some(grid) = laws.grids.get(place.archetype) {
            course.passing = course.effects(grid, place.phase_hours);
        }
        course
    }

    /// What the pulses do to each day that has some. Brief ones count for nothing, because a run at day
    /// step does not know them.
    fn effects(&self, grid: &Grid, phase_hours: f64) -> [Vec<(usize, DayEffect)>; 4] {
        let later_by = (phase_hours * 3_600.0 / grid::CELL_SECONDS as f64).round() as i64;
        let peak = grid.peak_cell(later_by) as Moment * grid::CELL_SECONDS + grid::CELL_SECONDS / 2;
        let mut effects: [Vec<(usize, DayEffect)>; 4] = Default::default();
        let (mut heights, mut factors) = (Vec::new(), Vec::new());
        let long: Vec<(usize, usize)> =
            self.by_day.iter().copied().filter(|(_, at)| !self.pulses[*at].is_brief).collect();
        for on_day in long.chunk_by(|a, b| a.0 == b.0) {
            let day = on_day[0].0;
            let midnight = day as Moment * DAY;
            let pulses = || on_day.iter().map(|(_, at)| &self.pulses[*at]);
            let cells = cells_of(pulses(), midnight, grid::CELL_SECONDS);
            let touched = grid.touched(later_by, &cells);
            // How high each pulse stands in each cell is the same for all metrics.
            heights.clear();
            let moment = |cell: usize| midnight + cell as Moment * grid::CELL_SECONDS + grid::CELL_SECONDS / 2;
            pulses().for_each(|pulse| heights.extend(cells.clone().map(|cell| pulse.height(moment(cell)))));
            for (metric, effects) in effects.iter_mut().enumerate() {
                if pulses().all(|pulse| pulse.log[metric] == 0.0) {
                    continue;
                }
                // A day that one event covers wholly has the change it has where the day has its P95.
                let effect = match on_day {
                    [(_, at)] if cells.len() == grid::CELLS => {
                        let p95 = math::exp(log_at(&self.pulses[*at], metric, midnight + peak));
                        DayEffect { p95, mean: 1.0, max: 1.0 }
                    }
                    _ => {
                        factors.clear();
                        factors.resize(cells.len(), 0.0);
                        for (pulse, heights) in pulses().zip(heights.chunks_exact(cells.len().max(1))) {
                            let log = pulse.log[metric];
                            // Nothing of something infinite is nothing.
                            let part = |height: f64| if height == 0.0 || log == 0.0 { 0.0 } else { height * log };
                            factors.iter_mut().zip(heights).for_each(|(sum, height)| *sum += part(*height));
                        }
                        factors.iter_mut().for_each(|sum| *sum = sum.min(MOST_LOG));
                        wide::exp(&mut factors);
                        grid.effect(metric, &touched, &factors)
                    }
                };
                effects.push((day, effect));
            }
        }
        effects
    }

    /// Whether nothing happens.
    pub(crate) fn is_empty(&self) -> bool {
        self.lasting.is_empty() && self.pulses.is_empty()
    }

    /// Whether any of the events changes this metric.
    pub(crate) fn touches(&self, metric: usize) -> bool {
        self.pulses.iter().any(|pulse| pulse.log[metric] != 0.0)
            || self.lasting.iter().any(|event| event.log[metric] != 0.0)
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
        self.lay_daily(metric, &mut factors);
        factors
    }

    /// Multiplies all events onto one factor per day, from the fleet's first day on.
    pub(crate) fn lay_daily(&self, metric: usize, factors: &mut [f64]) {
        self.lasting(metric, factors);
        let n_days = factors.len();
        for &(day, effect) in self.passing(metric).iter().take_while(|(day, _)| *day < n_days) {
            factors[day] *= effect.p95;
        }
    }

    /// Writes into `into` what passing events do to the samples of day `number`, `step_s` seconds apart:
    /// pairs of a sample's index in the day and the logarithm of its factor, ascending; the others have
    /// factor 1. A sample has the mean of the factors over its step.
    pub(crate) fn inside(
        &self,
        metric: usize,
        number: usize,
        day: &LocalDay,
        step_s: i64,
        into: &mut Vec<(usize, f64)>,
    ) {
        into.clear();
        let from = self.by_day.partition_point(|(day, _)| *day < number);
        let on_day = self.by_day[from..].iter().take_while(|(day, _)| *day == number);
        let pulses: Vec<&Pulse> =
            on_day.map(|(_, at)| &self.pulses[*at]).filter(|pulse| pulse.log[metric] != 0.0).collect();
        if pulses.is_empty() {
            return;
        }
        let midnight = number as Moment * DAY;
        let is_down = self.is_down(metric, number);
        let cells = cells_of(pulses.iter().copied(), midnight, CELL_SECONDS);
        let per_sample = step_s / CELL_SECONDS;
        let first = (day.first_s - day.start_s) / CELL_SECONDS;
        for j in 0..day.n {
            let from = first + j as i64 * per_sample;
            let last_of = |cell: i64| cell.min(CELLS as i64 - 1) as usize;
            if !is_down && (last_of(from) >= cells.end || last_of(from + per_sample - 1) < cells.start) {
                continue;
            }
            let log_of = |cell: i64| {
                let moment = midnight + last_of(cell) as Moment * CELL_SECONDS + CELL_SECONDS / 2;
                pulses.iter().map(|pulse| log_at(pulse, metric, moment)).sum::<f64>().min(MOST_LOG)
            };
            let log = if is_down {
                f64::NEG_INFINITY
            } else if per_sample == 1 {
                log_of(from)
            } else {
                let mean = (0..per_sample).map(|k| math::exp(log_of(from + k))).sum::<f64>() / per_sample as f64;
                if mean > 0.0 { math::ln(mean) } else { f64::NEG_INFINITY }
            };
            if log != 0.0 {
                into.push((j, log));
            }
        }
    }

    /// Whether the server has no day to speak of: what little there may be of it is no P95.
    fn is_down(&self, metric: usize, number: usize) -> bool {
        let effects = self.passing(metric);
        let found = effects.binary_search_by_key(&number, |(day, _)| *day);
        found.is_ok_and(|at| effects[at].1.p95 == 0.0)
    }

    /// The events that begin within the first `n_days`, earliest first; one that ends later still runs.
    pub(crate) fn events(&self, owner: Owner<'_>, instants: &Instants<'_>, n_days: usize) -> Vec<Event> {
        let known = n_days as Moment * DAY;
        let lasting = self.lasting.iter().filter(|event| event.start < n_days);
        let mut events: Vec<Event> = lasting.map(|event| event.event(instants, n_days)).collect();
        let labels = self.labels.iter().filter(|label| label.start < known);
        events.extend(labels.map(|label| label.event(owner, instants, n_days)));
        events.sort_by_key(|event| event.start_ms);
        events
    }
}

/// Pairs of a day and a pulse that is felt on it.
fn by_day(pulses: &[Pulse]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::with_capacity(pulses.len());
    for (at, pulse) in pulses.iter().enumerate() {
        let (first, last) = (pulse.start.max(0) / DAY, (pulse.end() - 1).max(0) / DAY);
        pairs.extend((first..=last).map(|day| (day as usize, at)));
    }
    pairs.sort_unstable();
    pairs
}

/// The cells of a day, from the first to the last, in which any of the pulses is felt.
fn cells_of<'a>(pulses: impl Iterator<Item = &'a Pulse>, midnight: Moment, width: Moment) -> Range<usize> {
    let cell = |moment: Moment| (moment - midnight).clamp(0, DAY) / width;
    let wider =
        |(low, high): (i64, i64), pulse: &Pulse| (low.min(cell(pulse.start)), high.max(cell(pulse.end() + width - 1)));
    let (low, high) = pulses.fold((DAY / width, 0), wider);
    low as usize..(high.max(low)) as usize
}

/// Logarithm of the factor of a pulse at a moment.
fn log_at(pulse: &Pulse, metric: usize, moment: Moment) -> f64 {
    let height = pulse.height(moment);
    // Nothing of something infinite is nothing.
    if height == 0.0 || pulse.log[metric] == 0.0 { 0.0 } else { height * pulse.log[metric] }
}
