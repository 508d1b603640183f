//! Several quantiles of many values at once, without sorting them all.

use fleetcast_numeric::quantile_of_sorted;

/// Cells into which the values are spread before the few that matter are sorted.
const CELLS: usize = 256;

/// Quantiles of sets of values of one size.
pub(super) struct Quantiles {
    probabilities: Vec<f64>,
    n: usize,
    /// Values by cell, and where each cell begins.
    spread: Vec<f64>,
    starts: [u32; CELLS + 1],
    cells: Vec<u8>,
}

impl Quantiles {
    pub(super) fn new(probabilities: &[f64], n: usize) -> Self {
        Self {
            probabilities: probabilities.to_vec(),
            n,
            spread: vec![0.0; n],
            starts: [0; CELLS + 1],
            cells: vec![0; n],
        }
    }

    /// The quantiles of `rising(value)` over `values`, of which there are as many as said before;
    /// `rising` never falls, so it need only be known at the few values that matter. The same as sorting
    /// all and interpolating.
    pub(super) fn of(&mut self, values: &[f64], rising: impl Fn(f64) -> f64) -> Vec<f64> {
        self.spread(values);
        let mut sorted_up_to = 0;
        let mut result = Vec::with_capacity(self.probabilities.len());
        for at in 0..self.probabilities.len() {
            let position = self.probabilities[at] * (self.n - 1) as f64;
            let below = position as usize;
            let above = (below + 1).min(self.n - 1);
            sorted_up_to = self.sort(below, above, sorted_up_to);
            let pair = [rising(self.spread[below]), rising(self.spread[above])];
            result.push(quantile_of_sorted(&pair, position - below as f64));
        }
        result
    }

    /// Moves each value to its cell: cells are in order, values within a cell are not.
    fn spread(&mut self, values: &[f64]) {
        let (low, high) = range(values);
        // A score may be minus infinity: then all values come into the first cell, which is sorted whole.
        let scale = (CELLS - 1) as f64 / (high - low).max(f64::MIN_POSITIVE);
        self.starts = [0; CELLS + 1];
        for (cell, &value) in self.cells.iter_mut().zip(values) {
            *cell = ((value - low) * scale) as u8;
            self.starts[usize::from(*cell) + 1] += 1;
        }
        for cell in 0..CELLS {
            self.starts[cell + 1] += self.starts[cell];
        }
        let mut next = self.starts;
        for (&cell, &value) in self.cells.iter().zip(values) {
            let place = &mut next[usize::from(cell)];
            self.spread[*place as usize] = value;
            *place += 1;
        }
    }

    /// Sorts the cells that hold the ranks `below` to `above`; cells before rank `sorted_up_to` are done.
    fn sort(&mut self, below: usize, above: usize, sorted_up_to: usize) -> usize {
        if above < sorted_up_to {
            return sorted_up_to;
        }
        let from = below.max(sorted_up_to) as u32;
        let first = self.starts.partition_point(|&start| start <= from) - 1;
        let end = self.starts.partition_point(|&start| start as usize <= above);
        for cell in first..end {
            let range = self.starts[cell] as usize..self.starts[cell + 1] as usize;
            self.spread[range].sort_unstable_by(f64::total_cmp);
        }
        self.starts[end] as usize
    }
}

/// The lowest and the highest value, in four places at a time.
fn range(values: &[f64]) -> (f64, f64) {
    let (mut low, mut high) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    for four in values.chunks(4) {
        for ((low, high), &value) in low.iter_mut().zip(&mut high).zip(four) {
            *low = if value < *low { value } else { *low };
            *high = if value > *high { value } else { *high };
        }
    }
    (low.into_iter().fold(f64::INFINITY, f64::min), high.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_sorting(values in prop::collection::vec(prop_oneof![-3.0f64..3.0, Just(1.5), Just(-1e6)], 1..400)) {
            let probabilities = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0];
            let got = Quantiles::new(&probabilities, values.len()).of(&values, |v| 2.0 * v);
            let mut sorted: Vec<f64> = values.iter().map(|v| 2.0 * v).collect();
            sorted.sort_by(f64::total_cmp);
            for (p, got) in probabilities.iter().zip(got) {
                let expected = quantile_of_sorted(&sorted, *p);
                prop_assert!((got - expected).abs() <= 1e-9 * expected.abs(), "{p}: {got} against {expected}");
            }
        }
    }

    #[test]
    fn an_outage_in_some_draws_is_no_trouble() {
        let mut values = vec![f64::NEG_INFINITY; 30];
        values.extend((0..70).map(f64::from));
        let got = Quantiles::new(&[0.0, 0.25, 0.5, 1.0], 100).of(&values, fleetcast_numeric::math::exp);
        assert_eq!((got[0], got[1]), (0.0, 0.0));
        assert!((got[2] / 0.5 - (19f64.exp() + 20f64.exp())).abs() < 1e-3);
    }
}
