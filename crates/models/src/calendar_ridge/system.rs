//! The normal equations of one design, factored once and solved for every series that shares it.

use super::explain::Component;
use super::features::{Features, Kind};
use fleetcast_numeric::{linear, math};

/// Share of the variance of a series that is noise to the prior: only its order of magnitude matters.
const NOISE_SHARE: f64 = 0.3;
/// Most tuning origins before the cutoff.
const MOST_ORIGINS: usize = 5;

/// How stiff the trend is and how long the seasons are remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flavour {
    /// Expected slope, and expected change of slope at a knot, in standard deviations per slope unit.
    pub(super) slope: f64,
    pub(super) hinge: f64,
    /// Blocks after which an observation counts half.
    pub(super) half_life: f64,
    /// Factor on the expected effects of the year and of quarter ends.
    pub(super) calendar: f64,
}

/// The stiff trend sees the long run, the supple one follows what changed lately.
pub(super) const FLAVOURS: [Flavour; 3] = [
    Flavour { slope: 0.5, hinge: 0.1, half_life: 16.0, calendar: 1.0 },
    Flavour { slope: 1.0, hinge: 1.0, half_life: 5.0, calendar: 1.0 },
    Flavour { slope: 0.3, hinge: 0.3, half_life: 1.0, calendar: 0.03 },
];

/// Values of a design that are not zero, step after step.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Rows {
    fn of(features: &Features) -> Self {
        let mut rows = Self { starts: vec![0], ..Self::default() };
        for t in 0..features.length {
            features.visit_trend(t, |column, value| rows.put(column, value));
            features.visit_seasons(t, |column, value| rows.put(column, value));
            rows.starts.push(rows.columns.len());
        }
        rows
    }

    fn put(&mut self, column: usize, value: f64) {
        self.columns.push(column as u32);
        self.values.push(value);
    }

    fn row(&self, t: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.starts[t]..self.starts[t + 1];
        self.columns[range.clone()].iter().map(|&c| c as usize).zip(self.values[range].iter().copied())
    }

    /// What `coefficients` say of step `t`.
    pub(super) fn dot(&self, t: usize, coefficients: &[f64]) -> f64 {
        self.row(t).map(|(column, value)| value * coefficients[column]).sum()
    }

    /// The same without the trend, whose columns come first.
    pub(super) fn dot_seasons(&self, t: usize, coefficients: &[f64], n_trend: usize) -> f64 {
        self.row(t).filter(|(column, _)| *column >= n_trend).map(|(column, value)| value * coefficients[column]).sum()
    }
}

/// Design, weights and factors for one timeline, one length and one pattern of gaps.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub(super) rows: Rows,
    /// Lengths of the history at the cutoff and at each tuning origin, the longest first.
    pub(super) origins: Vec<usize>,
    weights: Vec<Vec<f64>>,
    factors: Vec<Vec<Vec<f64>>>,
    n_columns: usize,
    /// Factor on the expected effects of the calendar: below 1 where they are deviations from what others have.
    calendar: f64,
}

impl System {
    /// The system of `features`; steps that are not `present` have no weight.
    pub(super) fn new(features: &Features, present: Option<&[bool]>, calendar: f64) -> Self {
        let rows = Rows::of(features);
        let (n, p) = (features.length, features.columns.len());
        let least = (n / 2).max(2 * features.block);
        let origins: Vec<usize> = (0..=MOST_ORIGINS)
            .map_while(|k| n.checked_sub(k * features.block))
            .enumerate()
            .take_while(|&(k, length)| k == 0 || length >= least)
            .map(|(_, length)| length)
            .collect();
        let mut system = Self { rows, origins, weights: Vec::new(), factors: Vec::new(), n_columns: p, calendar };
        for flavour in FLAVOURS {
            let half_life = flavour.half_life * features.block as f64;
            let weight = |t: usize| math::exp(-((n - 1 - t) as f64) * std::f64::consts::LN_2 / half_life);
            let weights: Vec<f64> =
                (0..n).map(|t| if present.is_none_or(|present| present[t]) { weight(t) } else { 0.0 }).collect();
            let factors = system.factor(features, &weights, flavour, weight);
            system.weights.push(weights);
            system.factors.push(factors);
        }
        system
    }

    /// A Cholesky factor of X'WX + penalty for each origin.
    fn factor(
        &self,
        features: &Features,
        weights: &[f64],
        flavour: Flavour,
        weight: impl Fn(usize) -> f64,
    ) -> Vec<Vec<f64>> {
        let p = self.n_columns;
        let mut gram = vec![0.0; p * p];
        let mut factors = vec![Vec::new(); self.origins.len()];
        let mut from = 0;
        for (at, &length) in self.origins.iter().enumerate().rev() {
            for (t, weight) in weights.iter().enumerate().take(length).skip(from) {
                for (row, left) in self.rows.row(t) {
                    let scaled = left * weight;
                    for (column, right) in self.rows.row(t).filter(|(column, _)| *column <= row) {
                        gram[row * p + column] += scaled * right;
                    }
                }
            }
            from = length;
            let mut matrix = gram.clone();
            for (j, column) in features.columns.iter().enumerate() {
                let expected = column.expected
                    * match column.kind {
                        Kind::Slope => flavour.slope,
                        Kind::Hinge => flavour.hinge,
                        Kind::Season if column.component != Component::Week => flavour.calendar * self.calendar,
                        Kind::Level | Kind::Season => 1.0,
                    };
                matrix[j * p + j] += weight(length - 1) * NOISE_SHARE / (expected * expected);
            }
            factors[at] = linear::cholesky(&matrix, p).expect("a Gram matrix plus a positive diagonal is positive");
        }
        factors
    }

    /// Coefficients of each flavour at each origin for the (cleaned) series `y`.
    pub(super) fn solve(&self, y: &[f64]) -> Vec<Vec<Vec<f64>>> {
        // The flavours of a column stand side by side: its value is read once for all of them.
        let mut moments = vec![[0.0; FLAVOURS.len()]; self.n_columns];
        let mut solutions = vec![vec![Vec::new(); self.origins.len()]; FLAVOURS.len()];
        let mut from = 0;
        for (at, &length) in self.origins.iter().enumerate().rev() {
            for (t, y) in y.iter().enumerate().take(length).skip(from) {
                let weighted: [f64; FLAVOURS.len()] = std::array::from_fn(|flavour| self.weights[flavour][t] * y);
                for (column, value) in self.rows.row(t) {
                    moments[column].iter_mut().zip(weighted).for_each(|(moment, weighted)| *moment += weighted * value);
                }
            }
            from = length;
            for (flavour, solutions) in solutions.iter_mut().enumerate() {
                let mut solution: Vec<f64> = moments.iter().map(|of_column| of_column[flavour]).collect();
                linear::solve_cholesky(&self.factors[flavour][at], &mut solution);
                solutions[at] = solution;
            }
        }
        solutions
    }

    /// Coefficients at the cutoff alone.
    pub(super) fn solve_last(&self, flavour: usize, y: &[f64]) -> Vec<f64> {
        let mut moments = vec![0.0; self.n_columns];
        for (t, y) in y.iter().enumerate() {
            let weighted = self.weights[flavour][t] * y;
            self.rows.row(t).for_each(|(column, value)| moments[column] += weighted * value);
        }
        linear::solve_cholesky(&self.factors[flavour][0], &mut moments);
        moments
    }

    /// The product of `left` with what a regression of `right` leaves, in the weights of the flavour.
    pub(super) fn left_over(&self, flavour: usize, left: &[f64], right: &[f64]) -> f64 {
        let coefficients = self.solve_last(flavour, right);
        let rest = |t: usize| right[t] - self.rows.dot(t, &coefficients);
        (0..right.len()).map(|t| self.weights[flavour][t] * left[t] * rest(t)).sum()
    }
}
