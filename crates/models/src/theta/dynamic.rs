//! The recursion of the dynamic theta model, and its best parameters.

use super::simplex;
use fleetcast_numeric::math;

/// First residuals that neither judge nor count: the line through the series is not one yet.
const BURN_IN: usize = 3;

/// What the model is free to choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    initial_level: f64,
    alpha: f64,
    theta: f64,
}

impl Parameters {
    const LOW: [f64; 3] = [-1e10, 0.1, 1.0];
    const HIGH: [f64; 3] = [1e10, 0.99, 1e10];

    fn of(x: [f64; 3]) -> Self {
        Self { initial_level: x[0], alpha: x[1], theta: x[2] }
    }

    /// Those with the least squared one-step errors on `y`.
    pub(super) fn optimal(y: &[f64]) -> Self {
        let size = (y.iter().map(|v| v.abs()).sum::<f64>() / y.len() as f64).max(1e-10);
        let loss = |x: [f64; 3]| {
            let mut sum = 0.0;
            State::run(y, Self::of(x), |t, error| {
                if t >= BURN_IN {
                    sum += error * error;
                }
            });
            sum / size
        };
        Self::of(simplex::minimum(loss, [y[0] / 2.0, 0.5, 2.0], Self::LOW, Self::HIGH))
    }
}

/// State after some observations: the smoothed level, their mean, and the line fitted through them.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    level: f64,
    mean: f64,
    intercept: f64,
    slope: f64,
    /// (1 - alpha) to the number of observations.
    power: f64,
}

impl State {
    /// Runs through `y`; calls `visit` with each step and its one-step error.
    fn run(y: &[f64], parameters: Parameters, mut visit: impl FnMut(usize, f64)) -> Self {
        let Parameters { initial_level, alpha, .. } = parameters;
        let mut state = Self {
            level: alpha * y[0] + (1.0 - alpha) * initial_level,
            mean: y[0],
            intercept: y[0],
            slope: 0.0,
            power: 1.0 - alpha,
        };
        for (t, &value) in y.iter().enumerate().skip(1) {
            visit(t, value - state.expected(parameters));
            state.observe(t, value, parameters);
        }
        state
    }

    /// The next value.
    fn expected(&self, parameters: Parameters) -> f64 {
        let Parameters { alpha, theta, .. } = parameters;
        let line = self.intercept * self.power + self.slope * (1.0 - self.power * (1.0 - alpha)) / alpha;
        self.level + (1.0 - 1.0 / theta) * line
    }

    /// Learns the value of step `t`.
    fn observe(&mut self, t: usize, value: f64, parameters: Parameters) {
        let (alpha, t) = (parameters.alpha, t as f64);
        self.level = alpha * value + (1.0 - alpha) * self.level;
        self.slope = ((t - 1.0) * self.slope + 6.0 * (value - self.mean) / (t + 1.0)) / (t + 2.0);
        self.mean = (t * self.mean + value) / (t + 1.0);
        self.intercept = self.mean - self.slope * (t + 2.0) / 2.0;
        self.power *= 1.0 - alpha;
    }
}

/// The model after a series.
#[derive(Clone, Debug)]
pub(super) struct Dynamic {
    parameters: Parameters,
    state: State,
    length: usize,
    /// Standard deviation of the one-step errors.
    pub(super) sigma: f64,
}

impl Dynamic {
    pub(super) fn new(y: &[f64], parameters: Parameters) -> Self {
        let mut errors = Vec::with_capacity(y.len());
        let state = State::run(y, parameters, |t, error| {
            if t >= BURN_IN {
                errors.push(error);
            }
        });
        let sigma = math::standard_deviation(&errors).unwrap_or(0.0);
        Self { parameters, state, length: y.len(), sigma }
    }

    /// Expected values of the next `horizon` steps.
    pub(super) fn forecast(&self, horizon: usize) -> Vec<f64> {
        let mut state = self.state;
        (self.length..self.length + horizon)
            .map(|t| {
                let value = state.expected(self.parameters);
                state.observe(t, value, self.parameters);
                value
            })
            .collect()
    }

    /// What a shock of 1 at the first step ahead adds to each of the next `horizon` steps.
    pub(super) fn shocks(&self, horizon: usize) -> Vec<f64> {
        let mut state = State { power: self.state.power, ..State::default() };
        (0..horizon)
            .map(|h| {
                let value = if h == 0 { 1.0 } else { state.expected(self.parameters) };
                state.observe(self.length + h, value, self.parameters);
                value
            })
            .collect()
    }
}
