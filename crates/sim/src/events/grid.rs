//! What a change inside a day does to the day's P95, mean and maximum, on one grid for all steps.
//!
//! The grid is the profile's noise-free day in 96 cells of a quarter of an hour on the server's own clock. The
//! factor of a change on a day's P95 is P95(shape x change) / P95(shape) there, whatever the step; what
//! the noise of the samples makes different, their own correction to the day's P95 takes up.

use super::course::DayEffect;
use crate::layers::DayShape;
use crate::scenario::Scenario;
use fleetcast_numeric::math;
use std::ops::Range;

/// Width of its cells, and how many a day has.
pub(super) const CELL_SECONDS: i64 = 900;
pub(super) const CELLS: usize = 96;
/// Position of the P95 among 96 values from the largest down: between the fifth and the sixth.
const ABOVE: usize = 4;
const SHARE_ABOVE: f64 = 0.25;
/// So many of the largest values decide the P95.
const TOP: usize = ABOVE + 2;

/// The day of one archetype in such cells.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    /// Cells by their value, largest first.
    order: Vec<u16>,
    /// Per metric and cell, the day factor.
    factor: [[f64; CELLS]; 4],
    /// Per metric, P95, sum and maximum of the untouched day.
    p95: [f64; 4],
    sum: [f64; 4],
    max: [f64; 4],
}

/// Part of one server's day: the cells on which something passes.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    /// On the clock of the grid: from the first to the last; they may go on at the first cell.
    first: usize,
    n: usize,
    /// The largest of the other cells, largest first.
    others: [Option<u16>; TOP],
}

impl Grid {
    pub(crate) fn new(scenario: &Scenario, archetype: usize) -> Self {
        let day = &scenario.archetypes[archetype].profile.raw.day;
        let shape = DayShape::new(day, scenario.raw.intraday.window_edge_minutes / 60.0);
        let hour = |cell: usize| (cell as i64 * CELL_SECONDS) as f64 / 3_600.0;
        let cells: Vec<f64> = (0..CELLS).map(|cell| math::ln(shape.at(hour(cell), 0.0))).collect();
        let mut order: Vec<u16> = (0..CELLS as u16).collect();
        // A stable sort: cells of equal value keep their order.
        order.sort_by(|a, b| cells[usize::from(*b)].total_cmp(&cells[usize::from(*a)]));
        let loadings = scenario.raw.day_loading.array();
        let factor: [[f64; CELLS]; 4] =
            loadings.map(|loading| std::array::from_fn(|at| math::exp(loading * cells[at])));
        let top = |m: usize, rank: usize| factor[m][usize::from(order[rank])];
        Self {
            p95: std::array::from_fn(|m| between(top(m, ABOVE + 1), top(m, ABOVE))),
            sum: std::array::from_fn(|m| factor[m].iter().sum()),
            max: std::array::from_fn(|m| top(m, 0)),
            order,
            factor,
        }
    }

    /// The cell in which the day of a server that lives `later_by` cells later than its profile has its
    /// P95.
    pub(crate) fn peak_cell(&self, later_by: i64) -> usize {
        (i64::from(self.order[ABOVE + 1]) + later_by).rem_euclid(CELLS as i64) as usize
    }

    /// The cells `range` of the day of a server that lives `later_by` cells later than its profile.
    pub(crate) fn touched(&self, later_by: i64, range: &Range<usize>) -> Touched {
        let cells = CELLS as i64;
        let first = (range.start as i64 - later_by).rem_euclid(cells) as usize;
        let n = range.len();
        // Counted from the first touched cell on, all touched ones come before all others.
        let is_other = |cell: u16| (usize::from(cell) + CELLS - first) % CELLS >= n;
        let mut largest = self.order.iter().copied().filter(|cell| is_other(*cell));
        Touched { first, n, others: std::array::from_fn(|_| largest.next()) }
    }

    /// What factors on the touched cells, one for each, do to a day of one metric.
    pub(crate) fn effect(&self, metric: usize, touched: &Touched, factors: &[f64]) -> DayEffect {
        let own = &self.factor[metric];
        // Of the other cells only the largest can matter.
        let mut largest = touched.others.map(|cell| cell.map_or(f64::NEG_INFINITY, |cell| own[usize::from(cell)]));
        let mut sum = self.sum[metric];
        let until_midnight = (CELLS - touched.first).min(touched.n);
        let (before, after) = factors.split_at(until_midnight);
        let mut add = |own: &[f64], factors: &[f64]| {
            for (own, factor) in own.iter().zip(factors) {
                let value = own * factor;
                sum += value - own;
                // Few cells come among the largest; the test is the whole cost of the others.
                if value > largest[TOP - 1] {
                    insert(&mut largest, value);
                }
            }
        };
        add(&own[touched.first..], before);
        add(own, after);
        let p95 = between(largest[ABOVE + 1], largest[ABOVE]) / self.p95[metric];
        if p95 == 0.0 {
            return DayEffect { p95: 0.0, mean: 0.0, max: 0.0 };
        }
        let mean = (sum / self.sum[metric]).max(0.0) / p95;
        DayEffect { p95, mean, max: largest[0] / self.max[metric] / p95 }
    }
}

/// Puts a value in its place among the largest, of which the last falls out.
fn insert(largest: &mut [f64; TOP], value: f64) {
    let mut at = TOP - 1;
    while at > 0 && largest[at - 1] < value {
        largest[at] = largest[at - 1];
        at -= 1;
    }
    largest[at] = value;
}

/// The P95 between the sixth and the fifth largest of 96 values.
fn between(below: f64, above: f64) -> f64 {
    below + SHARE_ABOVE * (above - below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::quantile;
    use proptest::prelude::*;

    /// The same by sorting the whole day.
    fn by_sorting(grid: &Grid, metric: usize, later_by: i64, change: &[f64; CELLS]) -> [f64; 3] {
        let own = |cell: usize| (cell as i64 - later_by).rem_euclid(CELLS as i64) as usize;
        let summary = |change: &dyn Fn(usize) -> f64| {
            let day: Vec<f64> = (0..CELLS).map(|cell| grid.factor[metric][own(cell)] * change(cell).exp()).collect();
            let mean = day.iter().sum::<f64>() / CELLS as f64;
            [quantile(&day, 0.95).expect("cells"), mean, day.iter().copied().fold(0.0, f64::max)]
        };
        let (with, without) = (summary(&|cell| change[cell]), summary(&|_| 0.0));
        std::array::from_fn(|k| with[k] / without[k])
    }

    proptest! {
        #[test]
        fn the_effect_is_that_of_sorting_the_day(
            archetype in 0usize..4, metric in 0usize..4, later_by in -10i64..10, from in 0usize..95,
            length in 1usize..96, log in -2.0..2.0_f64, is_down in any::<bool>(), slope in 0.0..0.01_f64,
        ) {
            let grid = Grid::new(&Scenario::named("enterprise").unwrap(), archetype);
            let range = from..(from + length).min(CELLS);
            let change: Vec<f64> = range
                .clone()
                .map(|cell| if is_down && cell % 2 == 0 { f64::NEG_INFINITY } else { log + slope * cell as f64 })
                .collect();
            let factors: Vec<f64> = change.iter().map(|log| log.exp()).collect();
            let effect = grid.effect(metric, &grid.touched(later_by, &range), &factors);
            let mut whole = [0.0; CELLS];
            whole[range].copy_from_slice(&change);
            let [p95, mean, max] = by_sorting(&grid, metric, later_by, &whole);
            prop_assert!((effect.p95 - p95).abs() < 1e-12 * p95, "{} {}", effect.p95, p95);
            prop_assert!((effect.mean * effect.p95 - mean).abs() < 1e-9 * mean);
            prop_assert!((effect.max * effect.p95 - max).abs() < 1e-9 * max);
        }
    }

    #[test]
    fn what_is_brief_leaves_the_p95_and_a_day_without_a_server_is_zero() {
        let grid = Grid::new(&Scenario::named("enterprise").unwrap(), 0);
        for from in (0..92).step_by(5) {
            assert_eq!(grid.effect(0, &grid.touched(3, &(from..from + 1)), &[1.0]).p95, 1.0);
            let touched = grid.touched(3, &(from..from + 4));
            let [least, most] = [[-5.0_f64; 4], [5.0; 4]].map(|log| grid.effect(0, &touched, &log.map(f64::exp)).p95);
            assert!(least > 0.97 && least <= 1.0 && (1.0..1.05).contains(&most), "{from}: {least} {most}");
        }
        let down = grid.effect(1, &grid.touched(0, &(0..CELLS)), &[0.0; CELLS]);
        assert_eq!(down, DayEffect { p95: 0.0, mean: 0.0, max: 0.0 });
    }
}
