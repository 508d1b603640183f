//! How far the level of the last weeks and the slope are believed: judged by what would have been right
//! at earlier origins, a block ahead, for one series and for the fleet.

use super::clean::{Cleaned, Scale};
use super::features::Features;
use super::system::{FLAVOURS, System};
use fleetcast_numeric::{math, quantile};

/// Shares of the recent residual that are carried forward, and of the slope.
const SHARES: [f64; 3] = [0.0, 0.5, 1.0];
const SLOPES: [f64; 3] = [0.0, 0.5, 1.0];
const SHAPES: [f64; 3] = [0.0, 0.45, 0.9];
/// Last seasons whose residuals make a shape.
const SHAPE_SEASONS: usize = 3;
/// Every third step judges: neighbours tell the same, and 3 shares no factor with 7 or 8.
const STRIDE: usize = 3;
/// Relative difference of two losses that makes a real difference to a weight.
const TEMPERATURE: f64 = 0.03;
/// Standard deviations of the series that its trend may still move: no horizon is an explosion.
const MOST_GROWTH: f64 = 3.0;
/// Weight of a series' own losses against the fleet's.
const OWN_SHARE: f64 = 0.4;

/// What is done with level and slope at the end of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ending {
    /// Share of the slope that goes on.
    pub(super) slope: f64,
    /// Share of the recent residual that is carried forward: short and long window, for good and fading.
    pub(super) carried: [[f64; 2]; 2],
    /// Share of the last seasons' residual shape that is carried forward.
    pub(super) shape: f64,
}

/// Every ending that is tried.
pub(super) fn endings() -> Vec<Ending> {
    let mut all = Vec::new();
    for shape in SHAPES {
        for slope in SLOPES {
            all.push(Ending { slope, shape, carried: [[0.0; 2]; 2] });
            for share in &SHARES[1..] {
                for place in 0..4 {
                    let mut carried = [[0.0; 2]; 2];
                    carried[place / 2][place % 2] = *share;
                    all.push(Ending { slope, shape, carried });
                }
            }
        }
    }
    all
}

/// State of one regression at an origin.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) coefficients: Vec<f64>,
    /// Trend at the origin, and its slope in slope units.
    pub(super) level: f64,
    pub(super) slope: f64,
    /// Median residual over the short and the long window.
    pub(super) recent: [f64; 2],
    /// Mean residual at each step of the season over the last seasons, its own mean taken out.
    pub(super) shape: Vec<f64>,
    /// Steps over which a slope dies away.
    damping: f64,
    block: f64,
    slope_unit: f64,
}

impl State {
    pub(super) fn new(
        features: &Features,
        system: &System,
        cleaned: &Cleaned,
        coefficients: Vec<f64>,
        origin: usize,
        n_trend: usize,
    ) -> Self {
        let last = origin - 1;
        let mut level = 0.0;
        features.visit_trend(last, |column, value| level += value * coefficients[column]);
        let hinges = (2..n_trend).filter(|&column| features.hinge_is_active(column, last));
        let slope = coefficients[1] + hinges.map(|column| coefficients[column]).sum::<f64>();
        let recent = windows(features.block).map(|window| {
            let from = origin.saturating_sub(window);
            let residuals: Vec<f64> =
                (from..origin).map(|t| cleaned.residual(t, system.rows.dot(t, &coefficients))).collect();
            quantile(&residuals, 0.5).unwrap_or(0.0)
        });
        let shape = shape(&cleaned.shown, origin, features.shape_season, |t| system.rows.dot(t, &coefficients));
        let block = features.block as f64;
        let damping = (8.0 * block).min(origin as f64);
        Self { coefficients, level, slope, recent, shape, damping, block, slope_unit: features.slope_unit() }
    }

    /// What the trend of each ending is made of, `ahead` steps after the origin (1 for the first).
    pub(super) fn parts(&self, ahead: usize) -> Parts {
        let shape = self.shape[(ahead - 1) % self.shape.len()];
        let ahead = ahead as f64;
        let fading = math::exp(-ahead / self.block);
        Parts {
            level: self.level,
            growth: (self.slope * self.growth(ahead)).clamp(-MOST_GROWTH, MOST_GROWTH),
            recent: self.recent.map(|recent| [recent, recent * fading]),
            shape,
        }
    }

    /// Slope units that a slope still moves in `ahead` steps.
    fn growth(&self, ahead: f64) -> f64 {
        self.damping * (1.0 - math::exp(-ahead / self.damping)) / self.slope_unit
    }
}

/// Mean residual at each step of the season that follows `origin`, its own mean taken out.
fn shape(shown: &[f64], origin: usize, season_length: usize, fitted: impl Fn(usize) -> f64) -> Vec<f64> {
    if season_length < 2 || origin < SHAPE_SEASONS * season_length {
        return vec![0.0];
    }
    let mut shape = vec![0.0; season_length];
    for back in 1..=SHAPE_SEASONS * season_length {
        let t = origin - back;
        shape[(SHAPE_SEASONS * season_length - back) % season_length] += (shown[t] - fitted(t)) / SHAPE_SEASONS as f64;
    }
    let mean = shape.iter().sum::<f64>() / season_length as f64;
    shape.iter_mut().for_each(|value| *value -= mean);
    shape
}

/// Steps of the short and of the long window for the recent residual.
fn windows(block: usize) -> [usize; 2] {
    [(block / 6).max(3), (block / 2).max(7)]
}

/// Mean absolute error of each flavour and ending, in the series' unit: a row per tuning origin.
///
/// A row has flavour after flavour, each with all of [`endings`].
pub(super) fn losses(
    features: &Features,
    system: &System,
    cleaned: &Cleaned,
    scale: Scale,
    solutions: &[Vec<Vec<f64>>],
) -> Vec<Vec<f64>> {
    let endings = Columns::of(&endings());
    let mut missed = vec![0.0; endings.slope.len()];
    let mut table = Vec::new();
    let n_trend = features.n_trend();
    for (at, &origin) in system.origins.iter().enumerate().skip(1) {
        let steps: Vec<usize> = (origin..(origin + features.block).min(cleaned.observed.len()))
            .step_by(STRIDE)
            .filter(|&t| !cleaned.observed[t].is_nan())
            .collect();
        if steps.is_empty() {
            continue;
        }
        let mut losses = vec![0.0; FLAVOURS.len() * missed.len()];
        for (solutions, losses) in solutions.iter().zip(losses.chunks_exact_mut(missed.len())) {
            let state = State::new(features, system, cleaned, solutions[at].clone(), origin, n_trend);
            for &t in &steps {
                let season = system.rows.dot_seasons(t, &state.coefficients, n_trend);
                let unit = scale.unit(cleaned.observed[t]);
                let parts = state.parts(t - origin + 1);
                endings.miss(&parts, cleaned.observed[t], season, &mut missed);
                if cleaned.censored[t] {
                    missed.iter_mut().for_each(|missed| *missed = missed.max(0.0));
                }
                scale.add_errors(unit, &missed, losses);
            }
        }
        losses.iter_mut().for_each(|loss| *loss /= steps.len() as f64);
        table.push(losses);
    }
    table
}

/// Endings turned about, one column per number: a processor works on several of them at once.
struct Columns {
    slope: Vec<f64>,
    shape: Vec<f64>,
    carried: [[Vec<f64>; 2]; 2],
}

impl Columns {
    fn of(endings: &[Ending]) -> Self {
        let column = |number: fn(&Ending) -> f64| endings.iter().map(number).collect::<Vec<f64>>();
        Self {
            slope: column(|ending| ending.slope),
            shape: column(|ending| ending.shape),
            carried: [
                [column(|ending| ending.carried[0][0]), column(|ending| ending.carried[0][1])],
                [column(|ending| ending.carried[1][0]), column(|ending| ending.carried[1][1])],
            ],
        }
    }

    /// By how much `observed` is above the forecast of each ending: `season` and [`Parts::trend`].
    fn miss(&self, parts: &Parts, observed: f64, season: f64, missed: &mut [f64]) {
        for ((missed, slope), shape) in missed.iter_mut().zip(&self.slope).zip(&self.shape) {
            *missed = parts.level + slope * parts.growth + shape * parts.shape;
        }
        for ([good, fading], recent) in self.carried.iter().zip(parts.recent) {
            for ((missed, good), fading) in missed.iter_mut().zip(good).zip(fading) {
                *missed += recent[0] * good + recent[1] * fading;
            }
        }
        missed.iter_mut().for_each(|missed| *missed = observed - (season + *missed));
    }
}

/// The parts of the trend at one step, so that each ending costs a few products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    level: f64,
    growth: f64,
    recent: [[f64; 2]; 2],
    shape: f64,
}

impl Parts {
    /// Their sum under `ending`.
    pub(super) fn trend(&self, ending: &Ending) -> f64 {
        let mut sum = self.level + ending.slope * self.growth + ending.shape * self.shape;
        for (recent, carried) in self.recent.iter().zip(&ending.carried) {
            sum += recent[0] * carried[0] + recent[1] * carried[1];
        }
        sum
    }
}

/// Losses relative to the middle one of their origin, so that series and times of all sizes count alike,
/// averaged over the origins; `None` when there are none.
pub(super) fn relative(table: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; table.first()?.len()];
    let mut n = 0.0;
    for losses in table {
        let finite: Vec<f64> = losses.iter().copied().filter(|loss| loss.is_finite()).collect();
        let middle = quantile(&finite, 0.5).unwrap_or(0.0);
        if middle > 0.0 {
            n += 1.0;
            sums.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += (loss / middle).min(3.0));
        }
    }
    (n > 0.0).then(|| sums.iter().map(|sum| sum / n).collect())
}

/// Weights of the candidates that are `possible`, from the series' own relative losses and the fleet's;
/// they add up to 1.
pub(super) fn weights(own: Option<&[f64]>, fleet: Option<&[f64]>, possible: &[bool]) -> Vec<f64> {
    let joint = |i: usize| match (own, fleet) {
        (Some(own), Some(fleet)) => OWN_SHARE * own[i] + (1.0 - OWN_SHARE) * fleet[i],
        (Some(only), None) | (None, Some(only)) => only[i],
        (None, None) => 1.0,
    };
    let candidates = || (0..possible.len()).filter(|&i| possible[i]);
    let least = candidates().map(joint).fold(f64::INFINITY, f64::min);
    let mut weights = vec![0.0; possible.len()];
    for i in candidates() {
        weights[i] = math::exp((1.0 - joint(i) / least) / TEMPERATURE);
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}
