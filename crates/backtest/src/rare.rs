//! How large rare errors are: those of a calm series and of a lively one differ less than their daily errors do.

use crate::spread::Scaled;
use fleetcast_numeric::{math, quantile, quantile_of_sorted};
use std::ops::Range;

/// Errors beyond these quantiles of the pool are rare ones.
const KNEES: [f64; 2] = [0.1, 0.9];
/// Powers that are tried.
const POWERS: [f64; 3] = [0.0, 0.5, 1.0];
/// Quantiles of the upper side by which they are compared; the lower side mirrors them.
const TAIL: [f64; 4] = [0.95, 0.975, 0.99, 0.995];
/// A power must be better than none by this share of the loss, or chance may have favoured it.
const GAIN: f64 = 0.01;
/// Below this many trajectories rare errors are taken to be as the others.
const ENOUGH: usize = 60;
/// Points on which powers are compared.
const POINTS: usize = 20_000;
/// A rare error is stretched or shrunk at most so many times.
const MOST: f64 = 4.0;

/// What makes rare errors large: a level shift moves a series by a share of its level, however calm it was.
///
/// Scaled errors are straight up to two knees. Beyond them they stretch with a power of how calm their series is:
/// the pool's typical size of errors, as a share of the level, over the series' own. With power 0 a rare error is as many
/// times larger than a daily one everywhere; with 1 it is the same share of the level everywhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rare {
    knees: [f64; 2],
    powers: [f64; 2],
    typical: f64,
}

impl Rare {
    /// Rare errors are as the others.
    pub(crate) const LIKE_OTHERS: Self = Self { knees: [0.0; 2], powers: [0.0; 2], typical: 1.0 };

    /// What past errors say; each of `errors` belongs to one of `scaled`, and `parts` divide the steps ahead.
    pub(crate) fn measure(scaled: &[Scaled], errors: &[Vec<f64>], parts: &[Range<usize>]) -> Self {
        let all: Vec<f64> = errors.iter().flatten().copied().collect();
        let shares: Vec<f64> = scaled.iter().map(|s| s.share).filter(|share| *share > 0.0).collect();
        let (Some(low), Some(high), Some(typical)) =
            (quantile(&all, KNEES[0]), quantile(&all, KNEES[1]), quantile(&shares, 0.5))
        else {
            return Self::LIKE_OTHERS;
        };
        let mut rare = Self { knees: [low, high], typical, ..Self::LIKE_OTHERS };
        if scaled.len() >= ENOUGH {
            rare.powers = [0, 1].map(|side| rare.choose(side, scaled, errors, parts));
        }
        rare
    }

    /// How many times longer each side is for a series whose errors are usually this share of its level.
    pub(crate) fn stretch(&self, share: f64) -> [f64; 2] {
        if share <= 0.0 {
            return [1.0; 2];
        }
        let calm = (self.typical / share).clamp(1.0 / MOST, MOST);
        self.powers.map(|power| if power == 0.0 { 1.0 } else { math::pow(calm, power) })
    }

    /// The error of a series that stands where `error` stands among those of the pool; errors and knees grow by `growth`.
    pub(crate) fn bend(&self, error: f64, stretch: [f64; 2], growth: f64) -> f64 {
        let [low, high] = self.knees.map(|knee| knee * growth);
        match error {
            e if e > high => high + (e - high) * stretch[1],
            e if e < low => low + (e - low) * stretch[0],
            e => e,
        }
    }

    /// The inverse of [`Rare::bend`].
    pub(crate) fn straighten(&self, error: f64, stretch: [f64; 2]) -> f64 {
        self.bend(error, stretch.map(|s| 1.0 / s), 1.0)
    }

    /// The power of one side under which the tail quantiles of the pool have the smallest loss.
    fn choose(&self, side: usize, scaled: &[Scaled], errors: &[Vec<f64>], parts: &[Range<usize>]) -> f64 {
        let n_points: usize = errors.iter().map(Vec::len).sum();
        let stride = (n_points / POINTS).max(1) | 1;
        let loss = |power: f64| -> f64 {
            let mut tried = self.clone();
            tried.powers[side] = power;
            parts.iter().map(|steps| tried.loss(side, scaled, errors, (steps, stride))).sum()
        };
        let none = loss(0.0);
        let tried = POWERS.iter().skip(1).map(|power| (loss(*power), *power));
        let best = tried.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(loss, _)| *loss < (1.0 - GAIN) * none);
        best.map_or(0.0, |(_, power)| power)
    }

    /// Pinball loss of the pool's tail quantiles, in seasonal changes, over every so many points of a part.
    fn loss(
        &self,
        side: usize,
        scaled: &[Scaled],
        errors: &[Vec<f64>],
        (steps, stride): (&Range<usize>, usize),
    ) -> f64 {
        let sign = if side == 1 { 1.0 } else { -1.0 };
        let series = scaled.iter().zip(errors).map(|(s, errors)| (self.stretch(s.share), s.weight, errors));
        let points: Vec<(f64, [f64; 2], f64)> = series
            .flat_map(|(stretch, weight, errors)| errors[steps.clone()].iter().map(move |e| (*e, stretch, weight)))
            .filter(|(e, _, weight)| !e.is_nan() && *weight > 0.0)
            .step_by(stride)
            .collect();
        if points.is_empty() {
            return 0.0;
        }
        let mut straight: Vec<f64> =
            points.iter().map(|(e, stretch, _)| sign * self.straighten(*e, *stretch)).collect();
        straight.sort_unstable_by(f64::total_cmp);
        let mut loss = 0.0;
        for q in TAIL {
            let value = sign * quantile_of_sorted(&straight, q);
            for (error, stretch, weight) in &points {
                let gap = sign * (error - self.bend(value, *stretch, 1.0));
                loss += weight * if gap >= 0.0 { q * gap } else { (q - 1.0) * gap };
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_straightened_bends_back(error in -1e3..1e3f64, share in 1e-3..10.0f64, power in 0.0..1.0f64) {
            let rare = Rare { knees: [-1.0, 1.5], powers: [power, 1.0 - power], typical: 0.2 };
            let stretch = rare.stretch(share);
            let back = rare.bend(rare.straighten(error, stretch), stretch, 1.0);
            prop_assert!((back - error).abs() < 1e-9 * error.abs().max(1.0), "{error} {back}");
        }

        #[test]
        fn a_larger_error_bends_to_a_larger_one(a in -50.0..50.0f64, b in -50.0..50.0f64, share in 1e-3..10.0f64) {
            let rare = Rare { knees: [-1.0, 1.5], powers: [1.0, 0.5], typical: 0.2 };
            let stretch = rare.stretch(share);
            prop_assert_eq!(a < b, rare.bend(a, stretch, 1.2) < rare.bend(b, stretch, 1.2));
        }
    }

    /// Calm and lively series, all of which rise by half of their level once in fifty days; nothing rare falls.
    fn pool(shifts: bool) -> (Vec<Scaled>, Vec<Vec<f64>>) {
        let stream = Stream::new(3, &["rare"]);
        let series = |at: u64| {
            let stream = stream.child_number(at);
            let share = if at % 2 == 0 { 0.05 } else { 0.2 };
            let error = |step: u64| {
                let shift = if shifts && stream.uniform(1000 + step) < 0.02 { 0.5 / share } else { 0.0 };
                stream.normal(step) + shift
            };
            let errors: Vec<f64> = (0..60).map(error).collect();
            (Scaled { errors: errors.clone(), share, weight: share }, errors)
        };
        (0..200).map(series).unzip()
    }

    #[test]
    fn shifts_by_a_share_of_the_level_are_found_on_the_side_they_are_on() {
        let (scaled, errors) = pool(true);
        let rare = Rare::measure(&scaled, &errors, &[0..60]);
        assert_eq!(rare.powers, [0.0, 1.0]);
        let (scaled, errors) = pool(false);
        assert_eq!(Rare::measure(&scaled, &errors, &[0..60]).powers, [0.0, 0.0]);
        let few = Rare::measure(&scaled[..20], &errors[..20], &[0..60]);
        assert_eq!(few.powers, [0.0, 0.0]);
        assert_eq!(Rare::measure(&[], &[], &[0..60]), Rare::LIKE_OTHERS);
    }
}
