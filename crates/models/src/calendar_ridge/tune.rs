//! How far the level of the last weeks and the slope are believed: judged by what would have been right
//! at earlier origins, a block ahead, for one series and for the fleet.

use super::clean::{Cleaned, Scale};
use super::features::Features;
use super::system::{FLAVOURS, System};
use fleetcast_numeric::math;

/// Shares of the recent residual that are carried forward, and of the slope.
const SHARES: [f64; 4] = [0.0, 0.35, 0.7, 1.0];
const SLOPES: [f64; 3] = [0.0, 0.5, 1.0];
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
}

/// Every ending that is tried.
pub(super) fn endings() -> Vec<Ending> {
    let mut all = Vec::new();
    for slope in SLOPES {
        all.push(Ending { slope, carried: [[0.0; 2]; 2] });
        for share in &SHARES[1..] {
            for place in 0..4 {
                let mut carried = [[0.0; 2]; 2];
                carried[place / 2][place % 2] = *share;
                all.push(Ending { slope, carried });
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
    /// Mean residual over the short and the long window.
    pub(super) recent: [f64; 2],
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
            let sum: f64 = (from..origin).map(|t| cleaned.shown[t] - system.rows.dot(t, &coefficients)).sum();
            sum / (origin - from) as f64
        });
        let block = features.block as f64;
        let damping = (8.0 * block).min(origin as f64);
        Self { coefficients, level, slope, recent, damping, block, slope_unit: features.slope_unit() }
    }

    /// What the trend of each ending is made of, `ahead` steps after the origin (1 for the first).
    pub(super) fn parts(&self, ahead: f64) -> Parts {
        let fading = math::exp(-ahead / self.block);
        Parts {
            level: self.level,
            growth: (self.slope * self.growth(ahead)).clamp(-MOST_GROWTH, MOST_GROWTH),
            recent: self.recent.map(|recent| [recent, recent * fading]),
        }
    }

    /// Slope units that a slope still moves in `ahead` steps.
    fn growth(&self, ahead: f64) -> f64 {
        self.damping * (1.0 - math::exp(-ahead / self.damping)) / self.slope_unit
    }
}

/// Steps of the short and of the long window for the recent residual.
fn windows(block: usize) -> [usize; 2] {
    [(block / 6).max(3), (block / 2).max(7)]
}

/// Mean absolute error of each flavour and ending over the tuning origins, in the series' unit.
///
/// Flavour after flavour, each with all of [`endings`]; empty when there is no origin.
pub(super) fn losses(
    features: &Features,
    system: &System,
    cleaned: &Cleaned,
    scale: Scale,
    solutions: &[Vec<Vec<f64>>],
) -> Vec<f64> {
    let endings = endings();
    let mut losses = vec![0.0; FLAVOURS.len() * endings.len()];
    let mut n = 0usize;
    let n_trend = features.n_trend();
    for (at, &origin) in system.origins.iter().enumerate().skip(1) {
        let steps: Vec<usize> = (origin..(origin + features.block).min(cleaned.observed.len()))
            .step_by(STRIDE)
            .filter(|&t| !cleaned.observed[t].is_nan())
            .collect();
        n += steps.len();
        for (flavour, solutions) in solutions.iter().enumerate() {
            let state = State::new(features, system, cleaned, solutions[at].clone(), origin, n_trend);
            for &t in &steps {
                let season = system.rows.dot_seasons(t, &state.coefficients, n_trend);
                let truth = cleaned.observed[t];
                let unit = scale.unit(truth);
                let parts = state.parts((t - origin + 1) as f64);
                for (i, ending) in endings.iter().enumerate() {
                    losses[flavour * endings.len() + i] += scale.error(unit, season + parts.trend(ending) - truth);
                }
            }
        }
    }
    if n == 0 {
        return Vec::new();
    }
    losses.iter_mut().for_each(|loss| *loss /= n as f64);
    losses
}

/// The parts of the trend at one step, so that each ending costs a few products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    level: f64,
    growth: f64,
    recent: [[f64; 2]; 2],
}

impl Parts {
    /// Their sum under `ending`.
    pub(super) fn trend(&self, ending: &Ending) -> f64 {
        let mut sum = self.level + ending.slope * self.growth;
        for (recent, carried) in self.recent.iter().zip(&ending.carried) {
            sum += recent[0] * carried[0] + recent[1] * carried[1];
        }
        sum
    }
}

/// Losses relative to their least, so that series of all sizes count alike; `None` when there are none.
pub(super) fn relative(losses: &[f64]) -> Option<Vec<f64>> {
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    (least.is_finite() && least > 0.0).then(|| losses.iter().map(|loss| (loss / least).min(10.0)).collect())
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
