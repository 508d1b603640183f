//! The order of standard normal scores, faster than by a sort for any numbers.

/// Scores outside of plus and minus this many standard deviations share the outermost buckets.
const WIDEST: f32 = 4.0;

/// Memory to order equally many scores again and again.
///
/// Scores are dealt into about as many buckets as there are scores, which keeps their order, and what shares a
/// bucket is sorted by insertion: a few steps for each score when they are about standard normal, and right
/// whatever they are.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    per_unit: f32,
    /// Per bucket where its next entry goes, once the entries have been counted.
    starts: Vec<u32>,
    buckets: Vec<u32>,
    /// Bits of a score above the number of its entry.
    keys: Vec<u64>,
}

impl Ranking {
    pub(crate) fn new(n: usize) -> Self {
        let n_buckets = n.next_power_of_two().clamp(64, 1 << 16);
        Self {
            per_unit: n_buckets as f32 / (2.0 * WIDEST),
            starts: vec![0; n_buckets],
            buckets: vec![0; n],
            keys: vec![0; n],
        }
    }

    /// The numbers of `scores`, none of them NaN, from the lowest score to the highest; of equal ones the first
    /// comes first.
    pub(crate) fn order(&mut self, scores: &[f32], order: &mut [u32]) {
        self.starts.fill(0);
        let last = self.starts.len() as f32 - 1.0;
        for (bucket, score) in self.buckets.iter_mut().zip(scores) {
            *bucket = ((score + WIDEST) * self.per_unit).clamp(0.0, last) as u32;
            self.starts[*bucket as usize] += 1;
        }
        let mut start = 0;
        for count in &mut self.starts {
            start += std::mem::replace(count, start);
        }
        for ((entry, score), bucket) in scores.iter().enumerate().zip(&self.buckets) {
            let place = &mut self.starts[*bucket as usize];
            self.keys[*place as usize] = (u64::from(ascending_bits(*score)) << 32) | entry as u64;
            *place += 1;
        }
        sort_by_insertion(&mut self.keys);
        order.iter_mut().zip(&self.keys).for_each(|(entry, key)| *entry = *key as u32);
    }
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
            let (mut ranking, mut order) = (Ranking::new(scores.len()), vec![0; scores.len()]);
            for _ in 0..2 {
                ranking.order(&scores, &mut order);
                prop_assert_eq!(&order, &expected);
            }
        }
    }
}
