//! Which past cutoffs validate a forecast.

use crate::AutoSettings;

/// Below this many series, cutoffs are taken closer together: overlapping windows are not independent,
/// but three of them say more than one.
const FEW_SERIES: usize = 30;

/// Past cutoffs, as steps before the cutoff that is validated, the latest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Steps ahead that are judged; at most the horizon asked for.
    pub(crate) horizon: usize,
    /// Steps between each past cutoff and the one validated; empty when nothing can be validated.
    pub(crate) offsets: Vec<usize>,
}

impl Plan {
    /// A plan for series of these lengths.
    ///
    /// A third of the median length, and two seasons, stay for training before the earliest cutoff. Where
    /// two windows of the whole horizon do not fit into the rest, shorter and overlapping ones are taken.
    pub(crate) fn new(mut lengths: Vec<usize>, settings: &AutoSettings) -> Self {
        let n_series = lengths.len();
        if n_series == 0 {
            return Self { horizon: 0, offsets: Vec::new() };
        }
        lengths.sort_unstable();
        let length = lengths[n_series / 2];
        let training = (length / 3).max(2 * settings.season_length).max(2);
        let room = length.saturating_sub(training);
        let parts = if n_series < FEW_SERIES { 3 } else { 1 };
        let windows = settings.validation_windows;
        if room >= 2 * settings.horizon {
            let windows = windows.min(room / settings.horizon);
            let step = whole_part(settings.horizon, parts);
            let last = windows * settings.horizon;
            let offsets = (settings.horizon..=last).step_by(step).collect();
            return Self { horizon: settings.horizon, offsets };
        }
        let horizon = settings.horizon.min(room / 2);
        if horizon == 0 {
            return Self { horizon: 0, offsets: Vec::new() };
        }
        let count = 1 + (windows - 1) * parts;
        // From the latest possible cutoff to the earliest, so that at least these two share no step.
        let gaps = count.saturating_sub(1).max(1);
        let mut offsets: Vec<usize> = (0..count).map(|k| horizon + k * (room - horizon) / gaps).collect();
        offsets.dedup();
        Self { horizon, offsets }
    }

    /// Whether the windows after two of the cutoffs (by their places) share steps.
    pub(crate) fn overlap(&self, one: usize, other: usize) -> bool {
        self.offsets[one].abs_diff(self.offsets[other]) < self.horizon
    }

    /// Which of `origins` may teach something that is then judged at `judged`: those whose windows share no
    /// step with its window; where there are none, all others.
    pub(crate) fn teachers(&self, origins: &[usize], judged: usize) -> Vec<bool> {
        let apart: Vec<bool> = origins.iter().map(|&origin| !self.overlap(origin, judged)).collect();
        if apart.contains(&true) { apart } else { origins.iter().map(|&origin| origin != judged).collect() }
    }

    /// Windows of the whole validated horizon that would fit side by side into the span of the plan.
    pub(crate) fn independent_windows(&self) -> f64 {
        match (self.offsets.first(), self.offsets.last()) {
            (Some(first), Some(last)) => (last - first + self.horizon) as f64 / self.horizon as f64,
            _ => 0.0,
        }
    }
}

/// `whole / parts` where that is a whole number, else the whole in fewer parts: windows of a backtest are
/// a horizon apart, and only cutoffs that divide it are shared between them.
fn whole_part(whole: usize, parts: usize) -> usize {
    (1..=parts).rev().find(|&n| whole.is_multiple_of(n)).map_or(whole, |n| whole / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::no_paths;

    fn plan(n_series: usize, length: usize, horizon: usize) -> Plan {
        Plan::new(vec![length; n_series], &AutoSettings::new(horizon, 7, no_paths))
    }

    #[test]
    fn long_histories_are_validated_at_the_whole_horizon() {
        assert_eq!(plan(100, 1095, 90), Plan { horizon: 90, offsets: vec![90, 180, 270, 360] });
        assert_eq!(plan(100, 400, 90).offsets, [90, 180]);
        let few = plan(1, 1095, 90);
        assert_eq!((few.offsets.len(), few.offsets[1], few.offsets.last()), (10, 120, Some(&360)));
        assert_eq!(few.independent_windows(), 4.0);
    }

    #[test]
    fn short_histories_are_validated_at_a_shorter_one() {
        assert_eq!(plan(100, 28, 90), Plan { horizon: 7, offsets: vec![7, 9, 11, 14] });
        assert_eq!(plan(100, 28, 90).teachers(&[0, 1, 2, 3], 0), [false, false, false, true]);
        assert_eq!(plan(100, 28, 90).teachers(&[0, 1, 2, 3], 1), [true, false, true, true]);
        assert_eq!(plan(100, 200, 90).horizon, 67);
        assert!(plan(100, 15, 90).offsets.is_empty() && plan(0, 0, 90).offsets.is_empty());
    }
}
