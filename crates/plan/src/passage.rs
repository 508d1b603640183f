//! First passage: on which step does each joint future cross a limit?

use fleetcast_core::Paths;

/// When the futures of one series cross one limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Passage {
    /// Steps of the crossings, 0 for the first step ahead, ascending; futures that never cross are absent.
    steps: Vec<usize>,
    n_paths: usize,
    horizon: usize,
}

impl Passage {
    /// P(crossed within `days` steps); `None` beyond the horizon of the paths.
    pub(crate) fn probability(&self, days: usize) -> Option<f64> {
        (days <= self.horizon).then(|| self.steps.partition_point(|&step| step < days) as f64 / self.n_paths as f64)
    }

    /// The first step by which `tenths` tenths of the futures have crossed; `None` beyond the horizon.
    pub(crate) fn step_at(&self, tenths: usize) -> Option<usize> {
        let needed = (self.n_paths * tenths).div_ceil(10);
        self.steps.get(needed.max(1) - 1).copied()
    }

    /// The first step by which more than the share `p` of the futures have crossed; `None` beyond the horizon.
    pub(crate) fn first_step_above(&self, p: f64) -> Option<usize> {
        let n = self.n_paths as f64;
        // The smallest count whose share is above p, found by comparison: p x n itself may round either way.
        let count = (0..=self.steps.len()).find(|&count| count as f64 / n > p)?;
        self.steps.get(count.max(1) - 1).copied()
    }
}

/// First passages of a limit, one for each of `min_days`: the step of the k-th day at or over the limit,
/// the days being in a row or not.
pub(crate) fn passages(paths: &Paths, limit: f64, min_days: &[u32]) -> Vec<Passage> {
    let fewest = min_days.iter().copied().min().unwrap_or(1) as usize;
    let mut steps: Vec<Vec<usize>> = vec![Vec::new(); min_days.len()];
    let mut over = Vec::new();
    for path in paths.iter() {
        // Most futures never cross, and counting them out is many times faster than looking for a day.
        if count_over(path, limit) < fewest {
            continue;
        }
        over.clear();
        over.extend(path.iter().zip(0..).filter(|(value, _)| **value >= limit).map(|(_, step): (_, usize)| step));
        for (found, &k) in steps.iter_mut().zip(min_days) {
            found.extend(over.get(k as usize - 1));
        }
    }
    let finish = |mut steps: Vec<usize>| {
        steps.sort_unstable();
        Passage { steps, n_paths: paths.len(), horizon: paths.horizon() }
    };
    steps.into_iter().map(finish).collect()
}

/// The highest of finite values, negative infinity of none; in lanes, because one by one each would wait for the last.
pub(crate) fn highest(values: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    let (eights, rest) = values.as_chunks();
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight as &[f64; 8]) {
            *lane = if value > lane { *value } else { *lane };
        }
    }
    lanes.into_iter().chain(rest.iter().copied()).fold(f64::NEG_INFINITY, f64::max)
}

fn count_over(path: &[f64], limit: f64) -> usize {
    path.iter().map(|&value| usize::from(value >= limit)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kth_day_over_counts_wherever_it_falls() {
        let values = vec![1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 9.0];
        let paths = Paths::new(5, values).unwrap();
        let found = passages(&paths, 9.0, &[1, 3]);
        assert_eq!(found[0].steps, [1, 4]);
        assert_eq!(found[1].steps, [4]);
        assert_eq!((found[0].probability(1), found[0].probability(2)), (Some(0.0), Some(0.5)));
        assert_eq!((found[0].probability(5), found[0].probability(6)), (Some(1.0), None));
        assert_eq!((found[0].step_at(1), found[0].step_at(5), found[0].step_at(9)), (Some(1), Some(1), Some(4)));
        assert_eq!((found[0].first_step_above(0.0), found[0].first_step_above(0.5)), (Some(1), Some(4)));
        assert_eq!(found[1].first_step_above(0.5), None);
        assert_eq!((found[1].step_at(5), found[1].step_at(9)), (Some(4), None));
    }

    proptest! {
        #[test]
        fn the_highest_is_that_of_a_plain_search(values in prop::collection::vec(-9.0f64..9.0, 0..40)) {
            prop_assert_eq!(highest(&values), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }

        #[test]
        fn passages_equal_a_plain_search(
            values in prop::collection::vec(0.0f64..10.0, 60),
            limit in 0.0f64..11.0,
            k in 1u32..4,
        ) {
            let paths = Paths::new(12, values).unwrap();
            let mut plain: Vec<usize> = Vec::new();
            for path in paths.iter() {
                let mut count = 0;
                for (step, &value) in path.iter().enumerate() {
                    if value >= limit {
                        count += 1;
                        if count == k {
                            plain.push(step);
                        }
                    }
                }
            }
            plain.sort_unstable();
            prop_assert_eq!(&passages(&paths, limit, &[k])[0].steps, &plain);
        }
    }
}
