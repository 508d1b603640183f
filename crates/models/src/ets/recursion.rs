//! The recursion of the models, for several of them at once: lanes side by side keep the processor busy where one model
//! would wait for its own last step.

use super::form::{Form, Join};
use fleetcast_numeric::math;
use multiversion::multiversion;

/// Smallest size that is divided by.
const LEAST_DIVISOR: f64 = 1e-10;
/// Forecasts whose product is taken before its logarithm is.
const PRODUCTS: usize = 8;

/// Parameters and first state of one model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) gamma: f64,
    pub(super) phi: f64,
    pub(super) level: f64,
    pub(super) slope: f64,
    /// Season's indices, the first step's first; empty when there is none.
    pub(super) season: Vec<f64>,
}

impl Parameters {
    /// A level that stays where it is.
    pub(super) const IDLE: Self =
        Self { alpha: 0.0, beta: 0.0, gamma: 0.0, phi: 0.0, level: 1.0, slope: 0.0, season: Vec::new() };

    /// From a point of the search; `None` when an index of a multiplied season would be negative.
    pub(super) fn of(form: Form, point: &[f64], m: usize) -> Option<Self> {
        let mut rest = point.iter().copied();
        let mut take = |is_there: bool, otherwise: f64| {
            if is_there { rest.next().unwrap_or(otherwise) } else { otherwise }
        };
        let alpha = take(true, 0.0);
        let beta = take(form.has_trend, 0.0);
        let gamma = take(form.season != Join::None, 0.0);
        let phi = take(form.is_damped, 1.0);
        let level = take(true, 0.0);
        let slope = take(form.has_trend, 0.0);
        let mut season: Vec<f64> = rest.collect();
        if form.season != Join::None {
            let sum: f64 = season.iter().sum();
            season.push(if form.season == Join::Multiplied { m as f64 - sum } else { -sum });
            season.reverse();
        }
        if form.season == Join::Multiplied && season.iter().any(|index| *index < 0.0) {
            return None;
        }
        Some(Self { alpha, beta, gamma, phi, level, slope, season })
    }
}

/// Where a model stands after the series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) level: f64,
    pub(super) slope: f64,
    /// The next step's index first.
    pub(super) season: Vec<f64>,
}

/// What a run through the series tells of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Sum of squared errors, relative ones when the error multiplies.
    pub(super) squares: f64,
    /// Minus twice the logarithm of the likelihood, a constant left out.
    pub(super) loss: f64,
    pub(super) state: State,
}

/// `L` models of one kind: all multiply the error or none, all multiply the season or none. Models without a season have
/// one that stays at nothing.
pub(super) struct Lanes<const L: usize> {
    error_multiplies: bool,
    season_multiplies: bool,
    m: usize,
    alpha: [f64; L],
    beta: [f64; L],
    gamma: [f64; L],
    phi: [f64; L],
    level: [f64; L],
    slope: [f64; L],
    season: Vec<[f64; L]>,
}

impl<const L: usize> Lanes<L> {
    pub(super) fn new(error_multiplies: bool, season_multiplies: bool, m: usize) -> Self {
        let nothing = [0.0; L];
        Self {
            error_multiplies,
            season_multiplies,
            m,
            alpha: nothing,
            beta: nothing,
            gamma: nothing,
            phi: nothing,
            level: [1.0; L],
            slope: nothing,
            season: vec![if season_multiplies { [1.0; L] } else { nothing }; m],
        }
    }

    /// Puts a model into a lane.
    pub(super) fn put(&mut self, lane: usize, parameters: &Parameters) {
        self.alpha[lane] = parameters.alpha;
        self.beta[lane] = parameters.beta;
        self.gamma[lane] = parameters.gamma;
        self.phi[lane] = parameters.phi;
        self.level[lane] = parameters.level;
        self.slope[lane] = parameters.slope;
        let nothing = if self.season_multiplies { 1.0 } else { 0.0 };
        for (t, place) in self.season.iter_mut().enumerate() {
            place[lane] = parameters.season.get(t).copied().unwrap_or(nothing);
        }
    }

    /// Runs all lanes through `y`: the sum of squared errors and the loss of each; they have moved to the end afterwards.
    pub(super) fn run(&mut self, y: &[f64]) -> [(f64, f64); L] {
        let sums = match (self.error_multiplies, self.season_multiplies) {
            (false, _) => pass::<L, false, false>(self, y),
            (true, false) => pass::<L, true, false>(self, y),
            (true, true) => pass::<L, true, true>(self, y),
        };
        let n = y.len() as f64;
        std::array::from_fn(|lane| {
            let squares = sums.squares[lane];
            let sum = if squares > 0.0 { squares } else { squares + 1e-8 };
            (squares, n * math::ln(sum) + 2.0 * sums.logs[lane])
        })
    }

    /// Where the model of a lane stands after a run through `n` steps.
    pub(super) fn state(&self, lane: usize, n: usize) -> State {
        let season = (0..self.m).map(|h| self.season[(n + h) % self.m][lane]).collect();
        State { level: self.level[lane], slope: self.slope[lane], season }
    }
}

/// Sums over a series, lane by lane.
struct Sums<const L: usize> {
    squares: [f64; L],
    /// Logarithms of the sizes of the forecasts, where the error multiplies.
    logs: [f64; L],
}

/// One pass of all lanes, compiled for wide registers too; the bits are the same at every width.
#[multiversion(targets("x86_64+avx+avx2"))]
fn pass<const L: usize, const ERROR: bool, const SEASON: bool>(lanes: &mut Lanes<L>, y: &[f64]) -> Sums<L> {
    let (mut squares, mut logs, mut product) = ([0.0; L], [0.0; L], [1.0; L]);
    let (mut level, mut slope) = (lanes.level, lanes.slope);
    let (alpha, beta, gamma, phi) = (lanes.alpha, lanes.beta, lanes.gamma, lanes.phi);
    let (mut place, mut n_products) = (0, 0);
    for &y in y {
        let season = &mut lanes.season[place];
        let old = *season;
        let grown: [f64; L] = std::array::from_fn(|i| phi[i] * slope[i]);
        let base: [f64; L] = std::array::from_fn(|i| level[i] + grown[i]);
        let mut miss: [f64; L] = std::array::from_fn(|i| (y - old[i]) - base[i]);
        if SEASON {
            let forecast: [f64; L] = std::array::from_fn(|i| base[i] * old[i]);
            let inverse: [f64; L] = std::array::from_fn(|i| 1.0 / away_from_zero(forecast[i]));
            let error: [f64; L] = std::array::from_fn(|i| (y - forecast[i]) * inverse[i]);
            squares = std::array::from_fn(|i| squares[i] + error[i] * error[i]);
            product = std::array::from_fn(|i| product[i] * away_from_zero(forecast[i]));
            *season = std::array::from_fn(|i| old[i] + gamma[i] * (error[i] * old[i]));
            miss = std::array::from_fn(|i| error[i] * base[i]);
        } else {
            if ERROR {
                let forecast: [f64; L] = std::array::from_fn(|i| base[i] + old[i]);
                let error: [f64; L] = std::array::from_fn(|i| miss[i] / away_from_zero(forecast[i]));
                squares = std::array::from_fn(|i| squares[i] + error[i] * error[i]);
                product = std::array::from_fn(|i| product[i] * away_from_zero(forecast[i]));
            } else {
                squares = std::array::from_fn(|i| squares[i] + miss[i] * miss[i]);
            }
            *season = std::array::from_fn(|i| old[i] + gamma[i] * miss[i]);
        }
        level = std::array::from_fn(|i| base[i] + alpha[i] * miss[i]);
        slope = std::array::from_fn(|i| grown[i] + beta[i] * miss[i]);
        place = if place + 1 == lanes.m { 0 } else { place + 1 };
        if ERROR {
            n_products += 1;
            if n_products == PRODUCTS {
                logs = std::array::from_fn(|i| logs[i] + math::ln(product[i].abs()));
                (product, n_products) = ([1.0; L], 0);
            }
        }
    }
    (lanes.level, lanes.slope) = (level, slope);
    Sums { squares, logs: std::array::from_fn(|i| logs[i] + math::ln(product[i].abs())) }
}

#[inline(always)]
fn away_from_zero(x: f64) -> f64 {
    if x.abs() < LEAST_DIVISOR { x + LEAST_DIVISOR } else { x }
}

/// One model through a series.
pub(super) fn run(form: Form, parameters: &Parameters, y: &[f64]) -> Outcome {
    let m = parameters.season.len().max(1);
    let mut lanes: Lanes<1> = Lanes::new(form.error_multiplies, form.season == Join::Multiplied, m);
    lanes.put(0, parameters);
    let [(squares, loss)] = lanes.run(y);
    Outcome { squares, loss, state: lanes.state(0, y.len()) }
}
