//! One fitted series: from the shared design to forecasts.

use super::clean::{Cleaned, Scale};
use super::explain::{Component, Explanation};
use super::features::Features;
use super::shared::{Ahead, DEVIATION, Prior, SharedRows};
use super::spread::{Miss, Spread};
use super::system::{FLAVOURS, System};
use super::tune::{self, Ending, State};
use crate::steps::{Frame, horizon_of, usual_horizon};
use fleetcast_core::{
    Calendar, Dependence, Fitted, Forecast, Future, History, Paths, Result, Timeline, check_quantiles,
};
use std::sync::Arc;

/// Share of gaps from which a series has a system of its own: filling in settles too slowly then.
const GAPS_OF_ITS_OWN: f64 = 0.1;
/// Blocks of a short history: alone it must be its own judge a few blocks ahead; in a group, others have judged farther ahead
/// what is to be carried forward, and its trend is better stiff.
const BLOCKS_ALONE: usize = 6;
const BLOCKS_IN_A_GROUP: usize = 2;

/// What all series with the same times share.
#[derive(Debug)]
pub(super) struct Design {
    pub(super) features: Features,
    pub(super) system: System,
    /// Factor on the expected effects of the calendar.
    share: f64,
    ahead: Ahead,
    /// Rows of what series have in common; `None` without real dates.
    pub(super) shared: Option<SharedRows>,
}

impl Design {
    /// `has_group` when similar series tell what to expect: own effects of the calendar are deviations from that then, and
    /// a short history has longer blocks.
    pub(super) fn new(
        timeline: Timeline,
        length: usize,
        season_lengths: &[usize],
        calendar: &Arc<Calendar>,
        has_group: bool,
    ) -> Self {
        let (blocks, share) = if has_group { (BLOCKS_IN_A_GROUP, DEVIATION) } else { (BLOCKS_ALONE, 1.0) };
        let features = Features::new(timeline, length, block(&timeline, length, blocks), season_lengths, calendar);
        let system = System::new(&features, None, share);
        let shared = SharedRows::new(timeline, length, calendar);
        Self { features, system, share, ahead: Ahead::default(), shared }
    }
}

/// Steps of a block: a part of a short history, in whole weeks or days.
fn block(timeline: &Timeline, length: usize, blocks: usize) -> usize {
    let whole = match timeline.step().as_seconds() {
        86_400 => 7,
        3_600 => 24,
        _ => 1,
    };
    usual_horizon(timeline).min((length / blocks / whole).max(1) * whole)
}

/// One regression of a series: a scale and a flavour.
#[derive(Clone, Debug)]
struct Base {
    scale: Scale,
    state: State,
    ending: Ending,
    weight: f64,
}

/// A series on one scale, with its solutions by flavour and origin.
#[derive(Debug)]
struct OnScale {
    scale: Scale,
    /// How strongly the series follows the prior, and what that expects of each step; empty without one.
    amplitude: f64,
    expected: Vec<f64>,
    cleaned: Cleaned,
    solutions: Vec<Vec<Vec<f64>>>,
    losses: Vec<Vec<f64>>,
}

/// A series whose regressions are done and whose candidates are not weighted yet.
#[derive(Debug)]
pub(super) struct Learned {
    frame: Frame,
    design: Arc<Design>,
    own_system: Option<System>,
    plain: OnScale,
    log: Option<OnScale>,
    relative: Option<Vec<f64>>,
    prior: Option<Arc<Prior>>,
}

impl Learned {
    /// The regressions of `history`; with a `prior`, of its difference from what that expects.
    pub(super) fn new(history: &History, design: Arc<Design>, season_length: usize, prior: Option<Arc<Prior>>) -> Self {
        let values = history.values();
        let present: Vec<bool> = values.iter().map(|v| !v.is_nan()).collect();
        let gaps = present.iter().filter(|present| !**present).count();
        let own_system = (gaps as f64 > GAPS_OF_ITS_OWN * values.len() as f64)
            .then(|| System::new(&design.features, Some(&present), design.share));
        let system = own_system.as_ref().unwrap_or(&design.system);
        let on_scale = |scale: Scale| {
            let own = prior.as_ref().map(|prior| prior.fitted_to(history, scale, &design, system, season_length));
            let (amplitude, expected) = own.unwrap_or_default();
            let cleaned = Cleaned::new(history, scale, &expected, system, season_length);
            let solutions = system.solve(&cleaned.shown);
            let losses = tune::losses(&design.features, system, &cleaned, scale, &solutions);
            OnScale { scale, amplitude, expected, cleaned, solutions, losses }
        };
        let plain = on_scale(Scale::plain(values));
        let log = Scale::log(values).map(on_scale);
        let mut losses = plain.losses.clone();
        for (at, row) in losses.iter_mut().enumerate() {
            match &log {
                Some(log) => row.extend_from_slice(&log.losses[at]),
                None => row.resize(2 * row.len(), f64::INFINITY),
            }
        }
        let relative = tune::relative(&losses);
        Self { frame: Frame::of(history), design, own_system, plain, log, relative, prior }
    }

    /// The fitted series, its candidates weighted by its own losses and those of the `fleet`.
    pub(super) fn settle(self, fleet: Option<&[f64]>) -> CalendarRidgeFit {
        let endings = tune::endings();
        let n_scale = FLAVOURS.len() * endings.len();
        let possible: Vec<bool> = (0..2 * n_scale).map(|i| i < n_scale || self.log.is_some()).collect();
        let weights = tune::weights(self.relative.as_deref(), fleet, &possible);
        let mut merged = Vec::new();
        for weights in weights.chunks_exact(endings.len()) {
            merged.push(merge(&endings, weights));
        }
        let bases = self.bases(0, &merged);
        let is_log = self.log.is_some() && bases.iter().filter(|b| b.scale.is_log).map(|b| b.weight).sum::<f64>() > 0.5;
        let spread = self.spread(&merged, is_log, &bases);
        let scale = self.scale(is_log);
        let amplitudes = [self.plain.amplitude, self.log.as_ref().map_or(0.0, |log| log.amplitude)];
        let prior = self.prior.map(|prior| (prior, amplitudes));
        CalendarRidgeFit { frame: self.frame, design: self.design, bases, scale, spread, prior }
    }

    fn system(&self) -> &System {
        self.own_system.as_ref().unwrap_or(&self.design.system)
    }

    fn scale(&self, is_log: bool) -> Scale {
        self.log.as_ref().filter(|_| is_log).map_or(self.plain.scale, |log| log.scale)
    }

    /// What was expected of step `t` on the scale of `base`.
    fn expected(&self, base: &Base, t: usize) -> f64 {
        let on = self.log.as_ref().filter(|_| base.scale.is_log).unwrap_or(&self.plain);
        on.expected.get(t).copied().unwrap_or(0.0)
    }

    /// The regressions that have a weight, at origin number `at` (0 for the cutoff).
    fn bases(&self, at: usize, merged: &[(f64, Ending)]) -> Vec<Base> {
        let (features, system) = (&self.design.features, self.system());
        let scales = std::iter::once(&self.plain).chain(&self.log);
        scales
            .flat_map(|on| (0..FLAVOURS.len()).map(move |flavour| (on, flavour)))
            .zip(merged)
            .filter(|(_, (weight, _))| *weight > 1e-3)
            .map(|((on, flavour), &(weight, ending))| {
                let coefficients = on.solutions[flavour][at].clone();
                let origin = system.origins[at];
                let state = State::new(features, system, &on.cleaned, coefficients, origin, features.n_trend());
                Base { scale: on.scale, state, ending, weight }
            })
            .collect()
    }

    /// Residuals and misses of the weighted forecasts on the scale of most weight.
    fn spread(&self, merged: &[(f64, Ending)], is_log: bool, bases: &[Base]) -> Spread {
        let on = self.log.as_ref().filter(|_| is_log).unwrap_or(&self.plain);
        let (features, system) = (&self.design.features, self.system());
        let less_expected = |t: usize, value: f64| on.scale.of(value) - on.expected.get(t).copied().unwrap_or(0.0);
        let residual = |t: usize| {
            let fitted = blend(bases, |base| system.rows.dot(t, &base.state.coefficients) + self.expected(base, t));
            on.cleaned.residual(t, less_expected(t, fitted))
        };
        let recent = features.length.saturating_sub(6 * features.block);
        let residuals: Vec<f64> = (recent..features.length).map(residual).collect();
        let mut misses = Vec::new();
        for (at, &origin) in system.origins.iter().enumerate().skip(1) {
            let bases = self.bases(at, merged);
            let end = (origin + features.block).min(features.length);
            for t in (origin..end).step_by(3).filter(|&t| !on.cleaned.observed[t].is_nan()) {
                let ahead = t - origin + 1;
                let value = blend(&bases, |base| {
                    let seasons = system.rows.dot_seasons(t, &base.state.coefficients, features.n_trend());
                    seasons + base.state.parts(ahead).trend(&base.ending) + self.expected(base, t)
                });
                misses.push(Miss { origin, ahead, error: on.cleaned.residual(t, less_expected(t, value)) });
            }
        }
        Spread::new(&residuals, &misses, features.block)
    }
}

/// Weight and mean ending of some endings of one regression.
fn merge(endings: &[Ending], weights: &[f64]) -> (f64, Ending) {
    let total: f64 = weights.iter().sum();
    let mut mean = Ending::default();
    if total <= 0.0 {
        return (0.0, mean);
    }
    for (ending, weight) in endings.iter().zip(weights) {
        let share = weight / total;
        mean.slope += share * ending.slope;
        mean.shape += share * ending.shape;
        for window in 0..2 {
            for fade in 0..2 {
                mean.carried[window][fade] += share * ending.carried[window][fade];
            }
        }
    }
    (total, mean)
}

/// Weighted mean, in the series' unit, of what each regression says on its own scale.
fn blend(bases: &[Base], of: impl Fn(&Base) -> f64) -> f64 {
    let total: f64 = bases.iter().map(|base| base.weight).sum();
    bases.iter().map(|base| base.weight * base.scale.back(of(base))).sum::<f64>() / total
}

/// Mean relative losses over the series that have some; `None` when none has.
pub(super) fn fleet_losses<'a>(learned: impl Iterator<Item = &'a Learned>) -> Option<Vec<f64>> {
    let tables: Vec<&Vec<f64>> = learned.filter_map(|learned| learned.relative.as_ref()).collect();
    let width = tables.first()?.len();
    if tables.len() < 2 {
        return None;
    }
    Some((0..width).map(|i| tables.iter().map(|table| table[i]).sum::<f64>() / tables.len() as f64).collect())
}

/// What was learned from one series.
#[derive(Clone, Debug)]
pub struct CalendarRidgeFit {
    frame: Frame,
    design: Arc<Design>,
    bases: Vec<Base>,
    scale: Scale,
    spread: Spread,
    /// With how strongly the series follows it on the plain and the logarithmic scale.
    prior: Option<(Arc<Prior>, [f64; 2])>,
}

impl CalendarRidgeFit {
    /// What each component adds at each of the `horizon` steps after the cutoff.
    ///
    /// On a logarithmic scale effects multiply; what they add beyond the trend is shared out in
    /// proportion to their logarithms.
    pub fn explain(&self, horizon: usize) -> Vec<Explanation> {
        let columns = &self.design.features.columns;
        let mut steps = vec![Explanation::default(); horizon];
        let total_weight: f64 = self.bases.iter().map(|base| base.weight).sum();
        let expected: Vec<_> = self.bases.iter().map(|base| self.expected(base, horizon)).collect();
        self.design.ahead.visit(&self.design.features, horizon, |h, row| {
            for (base, expected) in self.bases.iter().zip(&expected) {
                let trend = base.state.parts(h + 1).trend(&base.ending);
                let mut effects = expected.get(h).copied().unwrap_or([0.0; 5]);
                for &(column, value) in row {
                    let column = column as usize;
                    effects[columns[column].component as usize] += value * base.state.coefficients[column];
                }
                let season: f64 = effects.iter().sum();
                let level = base.scale.back(trend);
                let above = base.scale.back(trend + season) - level;
                let weight = base.weight / total_weight;
                steps[h].values[Component::Trend as usize] += weight * level;
                if season != 0.0 {
                    for (value, effect) in steps[h].values.iter_mut().zip(effects) {
                        *value += weight * above * effect / season;
                    }
                }
            }
        });
        steps
    }

    /// The expected value of each of the `horizon` steps after the cutoff.
    fn centre(&self, horizon: usize) -> Vec<f64> {
        let mut centre = Vec::with_capacity(horizon);
        let [plain, log] = [false, true].map(|is_log| {
            let base = self.bases.iter().find(|base| base.scale.is_log == is_log);
            let expected = base.map_or_else(Vec::new, |base| self.expected(base, horizon));
            expected.iter().map(|effects| effects.iter().sum()).collect::<Vec<f64>>()
        });
        self.design.ahead.visit(&self.design.features, horizon, |h, row| {
            centre.push(blend(&self.bases, |base| {
                let coefficients = &base.state.coefficients;
                let seasons: f64 = row.iter().map(|&(column, value)| value * coefficients[column as usize]).sum();
                let expected = if base.scale.is_log { &log } else { &plain };
                let expected = expected.get(h).copied().unwrap_or(0.0);
                seasons + base.state.parts(h + 1).trend(&base.ending) + expected
            }));
        });
        centre
    }

    /// What the prior expects of each component at each step ahead, on the scale of `base`; empty without one.
    fn expected(&self, base: &Base, horizon: usize) -> Vec<[f64; 5]> {
        let known = self.prior.as_ref().zip(self.design.shared.as_ref());
        known.map_or_else(Vec::new, |((prior, amplitudes), shared)| {
            shared.ahead(prior, base.scale, amplitudes[usize::from(base.scale.is_log)], horizon)
        })
    }

    /// How the errors of this series hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.spread.dependence
    }
}

impl Fitted for CalendarRidgeFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        check_quantiles(quantiles)?;
        let centre = self.centre(horizon);
        let shape: Vec<f64> = quantiles.iter().map(|&q| self.spread.shape(q)).collect();
        let mut values = Vec::with_capacity(horizon * quantiles.len());
        for (h, &centre) in centre.iter().enumerate() {
            let (middle, sigma) = (self.scale.of(centre), self.spread.sigma(h + 1));
            values.extend(shape.iter().map(|z| self.scale.back(middle + sigma * z)));
        }
        Ok(Forecast::new(quantiles, centre, values)?.clamped(self.frame.bounds))
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        self.frame.paths(&marginals, self.spread.dependence, n, seed)
    }
}
