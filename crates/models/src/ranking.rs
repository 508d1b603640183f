//! The order of standard normal scores, faster than by a sort for any numbers.

/// Square of the score at which half of a normal tail's way to its end is behind; the curve through it is as steep
/// in the middle as the distribution of standard normal scores.
const HALF_WAY: f32 = std::f32::consts::FRAC_PI_2;
/// Scores outside of plus and minus this many standard deviations share the outermost buckets.
const WIDEST: f32 = 8.0;
/// Buckets per score: with two, few scores find another one in theirs.
const BUCKETS_PER_SCORE: usize = 2;

/// Memory to order equally many scores again and again.
///
/// Scores are dealt into more buckets than there are scores, which keeps their order, and what shares a
/// bucket is sorted by insertion. Buckets are about as likely as one another when scores are about standard normal,
/// so that hardly a score has to be moved; the order is right whatever they are.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    /// Per bucket where its next entry goes, once the entries have been counted.
    starts: Vec<u32>,
    buckets: Vec<u32>,
    /// Bits of a score above the number of its entry.
    keys: Vec<u64>,
}

impl Ranking {
    pub(crate) fn new(n: usize) -> Self {
        let n_buckets = (BUCKETS_PER_SCORE * n).next_power_of_two().clamp(64, 1 << 16);
        Self { starts: vec![0; n_buckets], buckets: vec![0; n], keys: vec![0; n] }
    }

    /// The numbers of `scores`, none of them NaN, from the lowest score to the highest; of equal ones the first
    /// comes first.
    pub(crate) fn order(&mut self, scores: &[f32]) -> impl Iterator<Item = usize> {
        self.starts.fill(0);
        let half = 0.5 * (self.starts.len() as f32 - 1.0);
        for (bucket, score) in self.buckets.iter_mut().zip(scores) {
            let score = score.clamp(-WIDEST, WIDEST);
            *bucket = rounded(half + half * (score / (score * score + HALF_WAY).sqrt()));
        }
        let last = self.starts.len() - 1;
        for bucket in &self.buckets {
            self.starts[*bucket as usize & last] += 1;
        }
        let mut start = 0;
        for count in &mut self.starts {
            start += std::mem::replace(count, start);
        }
        for ((entry, score), bucket) in scores.iter().enumerate().zip(&self.buckets) {
            let place = &mut self.starts[*bucket as usize & last];
            self.keys[*place as usize] = (u64::from(ascending_bits(*score)) << 32) | entry as u64;
            *place += 1;
        }
        sort_by_insertion(&mut self.keys);
        self.keys.iter().map(|key| *key as u32 as usize)
    }
}

/// The whole number next to `x`, which lies between 0 and 2^22, without a conversion: processors do many at once.
fn rounded(x: f32) -> u32 {
    const UNIT: f32 = 8_388_608.0;
    (x + UNIT).to_bits() & 0x007f_ffff
}

/// Sorts what is nearly in order.
fn sort_by_insertion(keys: &mut [u64]) {
    for at in 1..keys.len() {
        let key = keys[at];
        let mut hole = at;
        while hole > 0 && keys[hole - 1] > key {
            keys[hole] = keys[hole - 1];
            hole -= 1;
        }
        keys[hole] = key;
    }
}

/// Bits whose order as whole numbers is the order of the numbers.
fn ascending_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_sort(
            scores in prop::collection::vec(prop_oneof![-4.5_f32..4.5, Just(0.25), Just(-0.0), -1e30_f32..1e30], 1..300),
        ) {
            let mut expected: Vec<u32> = (0..scores.len() as u32).collect();
            expected.sort_by(|a, b| scores[*a as usize].total_cmp(&scores[*b as usize]));
            let mut ranking = Ranking::new(scores.len());
            for _ in 0..2 {
                let order: Vec<u32> = ranking.order(&scores).map(|entry| entry as u32).collect();
                prop_assert_eq!(&order, &expected);
            }
        }
    }
}
