//! The P95 of a day's samples: found in one pass over them, and brought to where it should be.

use crate::clock::LocalDay;
use fleetcast_numeric::wide::{exp_of, ln_of};

/// The quantile that makes the daily series.
const P95: f64 = 0.95;
/// Seconds over which a day's correction rises from nothing at midnight.
const RISE_SECONDS: f64 = 1_800.0;

/// The largest values of a day, down to the two between which its P95 lies.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// The largest values with their places, smallest first.
    kept: Vec<(f64, usize)>,
}

/// The two neighbours in order between which a P95 lies, with their places among the samples, and how far
/// from the lower to the higher it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Between {
    pub(crate) low: (f64, usize),
    pub(crate) high: (f64, usize),
    pub(crate) share: f64,
}

impl Tail {
    /// Where the P95 (Hyndman & Fan type 7) of `values` lies; `None` of no values.
    pub(crate) fn p95(&mut self, values: impl ExactSizeIterator<Item = f64>) -> Option<Between> {
        let n = values.len();
        let position = P95 * (n.checked_sub(1)?) as f64;
        let (below, share) = (position as usize, position - position.floor());
        self.kept.clear();
        // Minus infinity, which fills it at first, is also the value of a server that is down.
        self.kept.resize(n - below, (f64::NEG_INFINITY, 0));
        let mut least = f64::NEG_INFINITY;
        for (place, value) in values.enumerate() {
            // Few values pass; the first test is the whole cost of the others.
            if value > least {
                let mut at = 0;
                while at + 1 < self.kept.len() && self.kept[at + 1].0 < value {
                    self.kept[at] = self.kept[at + 1];
                    at += 1;
                }
                self.kept[at] = (value, place);
                least = self.kept[0].0;
            }
        }
        let low = self.kept[0];
        Some(Between { low, high: self.kept.get(1).copied().unwrap_or(low), share })
    }
}

impl Between {
    /// The P95 itself, when the values are what it is taken of.
    pub(crate) fn value(&self) -> f64 {
        if self.high.0 == self.low.0 { self.low.0 } else { self.low.0 + (self.high.0 - self.low.0) * self.share }
    }

    /// The logarithm of the P95, when the values are logarithms of what it is taken of. Relative to the higher
    /// one, so that nothing overflows.
    fn log_value(&self) -> f64 {
        self.high.0 + ln_of((1.0 - self.share) * exp_of(self.low.0 - self.high.0) + self.share)
    }
}

/// Where the samples of a day stand in it.
#[derive(Debug, Default)]
struct DayFrame {
    /// What it was made for: seconds from the day's start to its first sample, its length, its samples.
    of: (i64, i64, usize),
    /// Share of the day that is over, minus a half.
    from_noon: Vec<f64>,
    /// Weight of the correction: 0 at both midnights, 1 from half an hour away.
    weights: Vec<f64>,
    /// The samples of a weight below 1.
    partial: Vec<usize>,
}

impl DayFrame {
    fn fit(&mut self, day: &LocalDay, step_s: i64) {
        let of = (day.first_s - day.start_s, day.length_s, day.n);
        if self.of == of {
            return;
        }
        let elapsed = |j: usize| (of.0 + j as i64 * step_s) as f64;
        let length = of.1 as f64;
        let weight = |elapsed: f64| (elapsed.min(length - elapsed) / RISE_SECONDS).min(1.0);
        self.of = of;
        self.from_noon = (0..day.n).map(|j| elapsed(j) / length - 0.5).collect();
        self.weights = (0..day.n).map(|j| weight(elapsed(j))).collect();
        self.partial = (0..day.n).filter(|&j| self.weights[j] < 1.0).collect();
    }
}

/// One day's samples while they are brought to the day's P95.
#[derive(Debug, Default)]
pub(crate) struct DayP95 {
    tail: Tail,
    frame: DayFrame,
    scratch: Vec<f64>,
    /// What passing events do to some of the samples, as logarithms.
    pub(crate) pulses: Vec<(usize, f64)>,
    /// The logarithms of those samples had nothing happened.
    pub(crate) plain: Vec<f64>,
}

impl DayP95 {
    /// The P95 of logarithms once the pulses are added; 0 of no samples.
    pub(crate) fn of_logs(&mut self, logs: &[f64]) -> f64 {
        let between = if self.pulses.is_empty() {
            self.tail.p95(logs.iter().copied())
        } else {
            self.scratch.clear();
            self.scratch.extend_from_slice(logs);
            self.pulses.iter().for_each(|&(j, pulse)| self.scratch[j] += pulse);
            self.tail.p95(self.scratch.iter().copied())
        };
        between.map_or(0.0, |between| between.value())
    }

    /// Adds the pulses, the level, straight from noon to noon, and the correction that makes the logarithm
    /// of the P95 `target`; no correction without one.
    ///
    /// The correction is nothing at midnight, so there is no seam, and it looks at this day alone, so a
    /// longer run begins with the shorter one.
    pub(crate) fn bring_to(
        &mut self,
        target: Option<f64>,
        levels: [f64; 3],
        day: &LocalDay,
        step_s: i64,
        logs: &mut [f64],
    ) {
        self.frame.fit(day, step_s);
        self.plain.clear();
        self.plain.extend(self.pulses.iter().map(|&(j, _)| logs[j]));
        self.pulses.iter().for_each(|&(j, pulse)| logs[j] += pulse);
        let [before, level, after] = levels;
        // Noon is a place, not a sample: the morning's samples come before it.
        let noon = self.frame.from_noon.partition_point(|share| *share < 0.0);
        let (morning, evening) = logs.split_at_mut(noon);
        let (early, late) = self.frame.from_noon.split_at(noon);
        morning.iter_mut().zip(early).for_each(|(log, share)| *log += level + (before - level) * -share);
        evening.iter_mut().zip(late).for_each(|(log, share)| *log += level + (after - level) * share);
        let correction = target.map_or(0.0, |target| self.correction(logs, target));
        if correction != 0.0 {
            logs.iter_mut().zip(&self.frame.weights).for_each(|(log, weight)| *log += correction * weight);
        }
        for (&(j, _), plain) in self.pulses.iter().zip(&mut self.plain) {
            let share = self.frame.from_noon[j];
            let other = if share < 0.0 { before } else { after };
            *plain += level + (other - level) * share.abs() + correction * self.frame.weights[j];
        }
    }

    /// The a for which the P95 of exp(log + a x weight) has the logarithm `target`.
    fn correction(&mut self, logs: &[f64], target: f64) -> f64 {
        let Some(between) = self.tail.p95(logs.iter().copied()) else { return 0.0 };
        let weights = &self.frame.weights;
        let (low, high) = (between.low, between.high);
        let a = target - between.log_value();
        // Samples away from midnight move together. When both neighbours do, and none of the few others
        // changes its side of them, nothing is left to search.
        let stays = |&j: &usize| {
            let moved = logs[j] + a * weights[j];
            if logs[j] <= low.0 { moved <= low.0 + a } else { moved >= high.0 + a }
        };
        if weights[low.1] == 1.0 && weights[high.1] == 1.0 && self.frame.partial.iter().all(stays) {
            return if a.is_finite() { a } else { 0.0 };
        }
        self.searched_correction(logs, target)
    }

    /// Newton's steps, kept inside a bracket, on a function that never falls.
    fn searched_correction(&mut self, logs: &[f64], target: f64) -> f64 {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut a = 0.0;
        for _ in 0..200 {
            let Some((log_p95, slope)) = self.log_p95(logs, a) else { return 0.0 };
            let miss = log_p95 - target;
            if miss.abs() < 2e-15 * target.abs().max(1.0) {
                break;
            }
            if miss < 0.0 {
                low = a
            } else {
                high = a
            }
            let newton = a - miss / slope.max(1e-3);
            let next = if newton > low && newton < high {
                newton
            } else if low.is_finite() && high.is_finite() {
                0.5 * (low + high)
            } else {
                a - miss.signum()
            };
            if next == a {
                break;
            }
            a = next;
        }
        a
    }

    /// Logarithm of the P95 at correction `a`, and its derivative; `None` where it has none.
    fn log_p95(&mut self, logs: &[f64], a: f64) -> Option<(f64, f64)> {
        let weights = &self.frame.weights;
        let between = self.tail.p95(logs.iter().zip(weights).map(|(log, weight)| log + a * weight))?;
        let value = between.log_value();
        let fall = exp_of(between.low.0 - between.high.0) * (1.0 - between.share);
        let [low, high] = [between.low, between.high].map(|(_, place)| weights[place]);
        value.is_finite().then(|| (value, (fall * low + between.share * high) / (fall + between.share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::quantile;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_quantile_of_the_sorted_values(values in prop::collection::vec(-9.0_f64..9.0, 1..320), coarse: bool) {
            let values: Vec<f64> = values.iter().map(|v| if coarse { v.round() } else { *v }).collect();
            let between = Tail::default().p95(values.iter().copied()).unwrap();
            prop_assert!((between.value() - quantile(&values, 0.95).unwrap()).abs() < 1e-12);
            prop_assert_eq!(values[between.low.1], between.low.0);
            prop_assert_eq!(values[between.high.1], between.high.0);
        }
    }

    #[test]
    fn a_day_without_samples_has_none_and_a_server_may_be_down_for_most_of_it() {
        assert_eq!(Tail::default().p95([].into_iter()), None);
        let mut day = [f64::NEG_INFINITY; 24];
        day[3] = 1.0;
        let between = Tail::default().p95(day.into_iter()).unwrap();
        assert_eq!((between.low.0, between.high.0), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    }
}
