//! The P95 of a day's samples: found in one pass over them, and brought to where it should be.

use crate::clock::LocalDay;
use fleetcast_numeric::wide::{self, exp_of, ln_of};
use multiversion::multiversion;

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
    /// The P95 itself, when the values are what it is taken of; the higher neighbour beside one that is
    /// minus infinity.
    pub(crate) fn value(&self) -> f64 {
        if self.high.0 == self.low.0 || self.low.0 == f64::NEG_INFINITY {
            return self.high.0;
        }
        self.low.0 + (self.high.0 - self.low.0) * self.share
    }

    /// The logarithm of the P95, when the values are logarithms of what it is taken of. Relative to the higher
    /// one, so that nothing overflows.
    fn log_value(&self) -> f64 {
        self.high.0 + ln_of((1.0 - self.share) * exp_of(self.low.0 - self.high.0) + self.share)
    }
}

/// Where the P95 of a day's logarithms lies; the places of the neighbours are not told.
fn neighbours(tail: &mut Tail, logs: &[f64]) -> Option<Between> {
    let position = P95 * (logs.len().checked_sub(1)?) as f64;
    let below = position as usize;
    if logs.len() - below != 3 {
        return tail.p95(logs.iter().copied());
    }
    // So it is in a day of hours.
    let [_, high, low] = three_largest(logs);
    Some(Between { low: (low, 0), high: (high, 0), share: position - position.floor() })
}

/// The three largest values, the largest first, without a branch.
#[multiversion(targets("x86_64+avx+avx2"))]
fn three_largest(values: &[f64]) -> [f64; 3] {
    let (blocks, rest) = values.as_chunks::<4>();
    let mut lanes = [[f64::NEG_INFINITY; 4]; 3];
    for block in blocks {
        for (lane, &value) in block.iter().enumerate() {
            let [first, second, third] = [lanes[0][lane], lanes[1][lane], lanes[2][lane]];
            let (first, value) = ordered(first, value);
            let (second, value) = ordered(second, value);
            [lanes[0][lane], lanes[1][lane], lanes[2][lane]] = [first, second, ordered(third, value).0];
        }
    }
    let [mut first, mut second, mut third] = [f64::NEG_INFINITY; 3];
    for &value in lanes.iter().flatten().chain(rest) {
        let value = {
            let (more, less) = ordered(first, value);
            first = more;
            less
        };
        let (more, less) = ordered(second, value);
        second = more;
        third = ordered(third, less).0;
    }
    [first, second, third]
}

/// The larger and the smaller of two.
#[inline(always)]
fn ordered(a: f64, b: f64) -> (f64, f64) {
    (if a > b { a } else { b }, if a > b { b } else { a })
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
    /// The first sample at noon or after it.
    noon: usize,
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
        self.noon = self.from_noon.partition_point(|share| *share < 0.0);
    }
}

/// A sample that a passing event changed: its index, the logarithm of its factor, and the logarithm of
/// what it would have been.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) at: usize,
    pub(crate) pulse: f64,
    pub(crate) plain: f64,
}

/// Where the P95 of one day lies before its correction.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    low: f64,
    high: f64,
    share: f64,
    target: f64,
}

/// The samples of days while they are brought to the days' P95.
#[derive(Debug, Default)]
pub(crate) struct DayP95 {
    tail: Tail,
    frame: DayFrame,
    scratch: Vec<f64>,
    waiting: Vec<Waiting>,
    /// What passing events do to some samples of a day, as logarithms.
    pub(crate) pulses: Vec<(usize, f64)>,
}

impl DayP95 {
    /// The P95 of logarithms once the pulses are added; 0 of no samples.
    pub(crate) fn of_logs(&mut self, logs: &[f64]) -> f64 {
        if self.pulses.is_empty() {
            return neighbours(&mut self.tail, logs).map_or(0.0, |between| between.value());
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(logs);
        self.pulses.iter().for_each(|&(j, pulse)| self.scratch[j] += pulse);
        self.tail.p95(self.scratch.iter().copied()).map_or(0.0, |between| between.value())
    }

    /// Adds a day's pulses and its level, straight from noon to noon, to its logarithms; the next day is
    /// that after it. `target` is the logarithm of its P95, where it has one.
    pub(crate) fn lay_level(
        &mut self,
        target: Option<f64>,
        levels: [f64; 3],
        day: &LocalDay,
        step_s: i64,
        logs: &mut [f64],
        changed: &mut Vec<Changed>,
    ) {
        self.frame.fit(day, step_s);
        let [before, level, after] = levels;
        for &(j, pulse) in &self.pulses {
            let share = self.frame.from_noon[j];
            let other = if share < 0.0 { before } else { after };
            let plain = logs[j] + (level + (other - level) * share.abs());
            changed.push(Changed { at: day.offset + j, pulse, plain });
            logs[j] += pulse;
        }
        let (morning, evening) = logs.split_at_mut(self.frame.noon);
        let (early, late) = self.frame.from_noon.split_at(self.frame.noon);
        morning.iter_mut().zip(early).for_each(|(log, share)| *log += level + (before - level) * -share);
        evening.iter_mut().zip(late).for_each(|(log, share)| *log += level + (after - level) * share);
        // Without a target, or without samples, there is nothing to correct: the logarithm of 1 says so.
        let between = target.and_then(|_| neighbours(&mut self.tail, logs));
        let none = Waiting { low: 0.0, high: 0.0, share: 1.0, target: 0.0 };
        self.waiting.push(between.map_or(none, |between| Waiting {
            low: between.low.0,
            high: between.high.0,
            share: between.share,
            target: target.unwrap_or(0.0),
        }));
    }

    /// Adds to each day's logarithms the correction that makes its P95 what it should be.
    ///
    /// The correction is nothing at midnight, so there is no seam, and it looks at one day alone, so a
    /// longer run begins with the shorter one.
    pub(crate) fn bring_all(&mut self, days: &[LocalDay], step_s: i64, logs: &mut [f64], changed: &mut [Changed]) {
        let waiting = std::mem::take(&mut self.waiting);
        // The logarithm of the P95 relative to the higher neighbour, so that nothing overflows.
        let mut p95: Vec<f64> = waiting.iter().map(|day| day.low - day.high).collect();
        wide::exp(&mut p95);
        p95.iter_mut().zip(&waiting).for_each(|(value, day)| *value = (1.0 - day.share) * *value + day.share);
        wide::ln(&mut p95);
        let mut later = 0;
        for ((day, waiting), p95) in days.iter().zip(&waiting).zip(p95) {
            let logs = &mut logs[day.offset..day.offset + day.n];
            self.frame.fit(day, step_s);
            let correction = self.correction(logs, waiting, waiting.target - (waiting.high + p95));
            if correction != 0.0 {
                logs.iter_mut().zip(&self.frame.weights).for_each(|(log, weight)| *log += correction * weight);
            }
            while let Some(change) = changed.get_mut(later).filter(|change| change.at < day.offset + day.n) {
                change.plain += correction * self.frame.weights[change.at - day.offset];
                later += 1;
            }
        }
    }

    /// The a for which the P95 of exp(log + a x weight) has the logarithm wanted; `a` is that of samples
    /// which all move alike.
    fn correction(&mut self, logs: &[f64], day: &Waiting, a: f64) -> f64 {
        let weights = &self.frame.weights;
        // Samples away from midnight move together. When none of the few others is a neighbour of the P95 or
        // changes its side of them, nothing is left to search.
        let stays = |&j: &usize| {
            let (log, moved) = (logs[j], logs[j] + a * weights[j]);
            (log < day.low && moved <= day.low + a) || (log > day.high && moved >= day.high + a)
        };
        if a.is_finite() && (a == 0.0 || self.frame.partial.iter().all(stays)) {
            return a;
        }
        self.searched_correction(logs, day.target)
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

    proptest! {
        #[test]
        fn neighbours_are_those_of_the_tail(values in prop::collection::vec(-9.0_f64..9.0, 0..60), coarse: bool) {
            let values: Vec<f64> = values.iter().map(|v| if coarse { v.round() } else { *v }).collect();
            let found = neighbours(&mut Tail::default(), &values).map(|b| (b.low.0, b.high.0, b.share));
            let expected = Tail::default().p95(values.iter().copied()).map(|b| (b.low.0, b.high.0, b.share));
            prop_assert_eq!(found, expected);
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
