//! A score against its null: the same score between random halves of the real servers.

use crate::card::{Outcome, Shown};
use crate::distance::sorted;
use fleetcast_numeric::{Stream, quantile_of_sorted};
use rayon::prelude::*;

/// Servers of one draw, by their places in their lists. All three are equally many, because a distance
/// between small sets is larger than one between large ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    /// One half of the real servers.
    pub first: Vec<usize>,
    /// The other.
    pub second: Vec<usize>,
    /// As many synthetic servers.
    pub synthetic: Vec<usize>,
}

/// Which side a set of servers is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Real,
    Synthetic,
}

/// Servers of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Set<'a> {
    pub(crate) side: Side,
    pub(crate) members: &'a [usize],
}

/// `draws` random halves of `n_real` servers, each with as many of `n_synthetic`. The same seed gives the
/// same halves.
pub fn halves(n_real: usize, n_synthetic: usize, draws: usize, seed: u64) -> Vec<Halves> {
    let size = (n_real / 2).min(n_synthetic);
    let stream = Stream::new(seed, &["realism", "halves"]);
    let draw = |number: usize| {
        let stream = stream.child_number(number as u64);
        let real = shuffled(n_real, stream.child("real"));
        let mut synthetic = shuffled(n_synthetic, stream.child("synthetic"));
        synthetic.truncate(size);
        Halves { first: real[..size].to_vec(), second: real[size..2 * size].to_vec(), synthetic }
    };
    (0..draws).map(draw).collect()
}

/// 0 to n in random order.
pub(crate) fn shuffled(n: usize, stream: Stream) -> Vec<usize> {
    let mut list: Vec<usize> = (0..n).collect();
    for at in 0..n.saturating_sub(1) {
        let other = at + stream.below(at as u64, (n - at) as u64) as usize;
        list.swap(at, other);
    }
    list
}

/// The outcome of a score from its values over the draws: synthetic against real, and real against real.
///
/// Not shown, with `why`, when the score is not a number in most of the draws.
pub fn judged(values: &[f64], nulls: &[f64], is_distance: bool, why: &str) -> Outcome {
    let (value, null) = (sorted(values.iter().copied()), sorted(nulls.iter().copied()));
    if 2 * value.len() <= values.len() || 2 * null.len() <= nulls.len() {
        return Outcome::NotShown(why.to_owned());
    }
    let middle = quantile_of_sorted(&value, 0.5);
    let centre = quantile_of_sorted(&null, 0.5);
    let as_far =
        |draw: &&f64| if is_distance { **draw >= middle } else { (**draw - centre).abs() >= (middle - centre).abs() };
    let n_as_far = null.iter().filter(as_far).count();
    Outcome::Shown(Shown {
        value: middle,
        null: centre,
        null_low: quantile_of_sorted(&null, 0.05),
        null_high: quantile_of_sorted(&null, 0.95),
        p_value: (n_as_far + 1) as f64 / (null.len() + 1) as f64,
        is_distance,
    })
}

/// Judges a score that is a function of two sets of servers.
pub(crate) fn judge(
    draws: &[Halves],
    is_distance: bool,
    why: &str,
    score: impl Fn(Set<'_>, Set<'_>) -> f64 + Sync,
) -> Outcome {
    let real = |members| Set { side: Side::Real, members };
    let pairs: Vec<(f64, f64)> = draws
        .par_iter()
        .map(|draw| {
            let synthetic = Set { side: Side::Synthetic, members: &draw.synthetic };
            (score(real(&draw.first), synthetic), score(real(&draw.first), real(&draw.second)))
        })
        .collect();
    let (values, nulls): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    judged(&values, &nulls, is_distance, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_disjoint_and_repeat() {
        let draws = halves(11, 40, 20, 7);
        assert_eq!(draws, halves(11, 40, 20, 7));
        assert_ne!(draws, halves(11, 40, 20, 8));
        for draw in &draws {
            assert_eq!((draw.first.len(), draw.second.len(), draw.synthetic.len()), (5, 5, 5));
            assert!(draw.first.iter().all(|server| *server < 11 && !draw.second.contains(server)));
        }
        assert_eq!(halves(10, 3, 1, 7)[0].first.len(), 3);
    }

    #[test]
    fn a_score_is_judged_by_its_place_in_the_null() {
        let null: Vec<f64> = (0..99).map(f64::from).collect();
        let Outcome::Shown(shown) = judged(&[90.0], &null, true, "") else { panic!("there is a value") };
        assert_eq!((shown.value, shown.null, shown.p_value), (90.0, 49.0, 0.1));
        let Outcome::Shown(shown) = judged(&[200.0], &null, true, "") else { panic!("there is a value") };
        assert_eq!((shown.p_value, shown.verdict()), (0.01, crate::Verdict::Far));
        assert_eq!(judged(&[f64::NAN], &null, true, "too short"), Outcome::NotShown("too short".to_owned()));
    }
}
