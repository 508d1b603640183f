//! The conditional sum of squares: errors given the first values, which is quick.

use super::descent::Loss;
use super::filter::{Room, Terms, squares};
use super::order::{Coefficients, Order};
use fleetcast_numeric::math;

/// Half the logarithm of the mean squared error given the first values.
pub(super) struct Conditional<'a> {
    w: &'a [f64],
    m: usize,
    order: Order,
    /// What the constant's regressor is worth after differencing.
    rise: f64,
    wide: Room<8>,
    narrow: Room<4>,
    single: Room<1>,
}

impl<'a> Conditional<'a> {
    /// Over the differenced series `w`.
    pub(super) fn new(w: &'a [f64], m: usize, order: Order, rise: f64) -> Self {
        let n = w.len();
        Self { w, m, order, rise, wide: Room::new(n), narrow: Room::new(n), single: Room::new(n) }
    }

    fn coefficients(&self, point: &[f64]) -> Coefficients {
        Coefficients::of(self.order, point, false, self.rise)
    }

    /// Number of errors.
    fn n_errors(&self) -> f64 {
        self.w.len() as f64 - self.order.reach(self.m) as f64
    }

    /// The mean squared error at a point; not a number where there is none.
    pub(super) fn variance(&mut self, point: &[f64]) -> f64 {
        let terms = Terms::new(&[self.coefficients(point)]);
        let [sum] = squares(self.w, self.m, self.order.reach(self.m), &terms, &[], &mut self.single);
        self.mean(sum)
    }

    fn write(&self, points: &[Vec<f64>], sums: &[f64], losses: &mut [f64]) {
        for ((loss, point), sum) in losses.iter_mut().zip(points).zip(sums) {
            *loss = self.loss(*sum, point);
        }
    }

    fn mean(&self, sum: f64) -> f64 {
        if self.n_errors() > 0.0 { sum / self.n_errors() } else { f64::NAN }
    }

    fn loss(&self, sum: f64, point: &[f64]) -> f64 {
        let mean = self.mean(sum);
        // Errors that grow without bound end as differences of infinities.
        let has_burst = mean.is_nan() && self.n_errors() > 0.0 && point.iter().all(|x| x.is_finite());
        if mean == f64::INFINITY || has_burst {
            f64::MAX
        } else if mean <= 0.0 {
            f64::NEG_INFINITY
        } else {
            0.5 * math::ln(mean)
        }
    }
}

impl Loss for Conditional<'_> {
    fn losses(&mut self, points: &[Vec<f64>], losses: &mut [f64]) {
        let first = self.order.reach(self.m);
        let (mut at, n) = (0, points.len());
        while at < n {
            let lane = |i: usize| self.coefficients(&points[(at + i).min(n - 1)]);
            if n - at > 4 {
                let terms = Terms::<8>::new(&std::array::from_fn(lane));
                let sums = squares(self.w, self.m, first, &terms, &[], &mut self.wide);
                self.write(&points[at..], &sums, &mut losses[at..]);
                at += 8;
            } else if n - at > 1 {
                let terms = Terms::<4>::new(&std::array::from_fn(lane));
                let sums = squares(self.w, self.m, first, &terms, &[], &mut self.narrow);
                self.write(&points[at..], &sums, &mut losses[at..]);
                at += 4;
            } else {
                let terms = Terms::<1>::new(&std::array::from_fn(lane));
                let sums = squares(self.w, self.m, first, &terms, &[], &mut self.single);
                self.write(&points[at..], &sums, &mut losses[at..]);
                at += 1;
            }
        }
    }
}
