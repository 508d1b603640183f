//! One fitted series: what the trees of its panel say of the steps after its cutoff.

use super::days::Days;
use super::features::{Lengths, N_COLUMNS, Shown, Subject};
use super::past::Past;
use super::sample::{Origin, last_observed};
use super::trees::{Seen, Trees};
use crate::paths::Positions;
use crate::steps::{Frame, horizon_of};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Paths, QUANTILE_GRID, Result, check_quantiles};
use std::sync::Arc;

/// Quantiles that the trees learn, the middle one at [`MIDDLE`].
pub(super) const LEVELS: [f64; 7] = fleetcast_core::SCORED_QUANTILES;
pub(super) const MIDDLE: usize = 3;

/// What one panel taught up to one cutoff.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) trees: Trees,
    pub(super) lengths: Lengths,
    pub(super) days: Arc<Days>,
    pub(super) shown: Shown,
}

/// One series and what its panel taught.
pub(super) struct BoostedFit {
    pub(super) frame: Frame,
    pub(super) history: History,
    /// `None` where the series has only repeated itself.
    pub(super) origin: Option<Origin>,
    pub(super) learned: Arc<Learned>,
}

impl BoostedFit {
    /// What `say` makes of each step's features, its base and the scale of the series; a series that has only repeated
    /// itself goes on so.
    fn each_step<T>(
        &self,
        horizon: usize,
        repeat: impl Fn(f64) -> T,
        say: impl Fn(&Seen, &[f32], f64, f64) -> T,
    ) -> Vec<T> {
        let learned = &self.learned;
        let past = Past::new(&self.history, &learned.lengths.seasons);
        let t = last_observed(&self.history);
        let gap = self.history.len() - 1 - t;
        let Some(origin) = &self.origin else {
            let repeated = |h: usize| match learned.lengths.seasons[0] {
                1 => self.history.values()[t],
                _ => Some(past.phase_mean(0, t, t + gap + h, 1)).filter(|v| !v.is_nan()).unwrap_or(past.value(Some(t))),
            };
            return (1..=horizon).map(|h| repeat(repeated(h))).collect();
        };
        let subject = Subject {
            past: &past,
            timeline: self.history.timeline(),
            lengths: &learned.lengths,
            days: &learned.days,
            bounds: self.history.bounds(),
            archetype: origin.archetype,
            metric: origin.metric,
            shown: learned.shown,
            first: 0,
        };
        let ahead = learned.trees.seen_from(&origin.row);
        let mut row = Vec::with_capacity(N_COLUMNS);
        (1..=horizon)
            .map(|h| {
                row.clear();
                row.extend_from_slice(&origin.row);
                subject.put_step(&origin.unit, origin.t, gap + h, &mut row);
                say(&ahead, &row, subject.base(&origin.unit, origin.t, origin.t + gap + h), origin.unit.scale)
            })
            .collect()
    }

    /// The middle of each step.
    fn points(&self, horizon: usize) -> Vec<f64> {
        self.each_step(horizon, |value| value, |ahead, row, base, scale| base + scale * ahead.say_middle(row))
    }

    /// The learned quantiles of each step.
    fn learned_quantiles(&self, horizon: usize) -> Vec<[f64; LEVELS.len()]> {
        let say = |ahead: &Seen, row: &[f32], base: f64, scale: f64| {
            let mut quantiles = [0.0; LEVELS.len()];
            ahead.say(row, &mut quantiles);
            quantiles.map(|z| base + scale * z)
        };
        self.each_step(horizon, |value| [value; LEVELS.len()], say)
    }
}

impl Fitted for BoostedFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        check_quantiles(quantiles)?;
        // Whoever asks for no quantiles does not wait for them.
        if quantiles.is_empty() {
            return Ok(Forecast::new(quantiles, self.points(horizon), Vec::new())?.clamped(self.frame.bounds));
        }
        let learned = self.learned_quantiles(horizon);
        let positions = Positions::of(&LEVELS, quantiles);
        let mut values = vec![0.0; horizon * quantiles.len()];
        for (values, known) in values.chunks_exact_mut(quantiles.len()).zip(&learned) {
            positions.values(known, values);
        }
        let point = learned.iter().map(|known| known[MIDDLE]).collect();
        Ok(Forecast::new(quantiles, point, values)?.clamped(self.frame.bounds))
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.4, memory: 0.9 }, n, seed)
    }
}
