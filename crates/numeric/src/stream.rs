//! Counter-based random streams: a number is a function of its key and its index, never of the order
//! in which numbers were asked for.
//!
//! Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11 (Philox4x32-10).

use crate::{math, normal};
use multiversion::multiversion;

/// A stream of random numbers addressed by index.
///
/// Two streams with different keys are independent; the same key gives the same numbers on every
/// machine, at any thread count, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
    domain: u64,
}

impl Stream {
    /// The stream for a seed and a path of names, for example `Stream::new(42, &["web-017", "noise"])`.
    pub fn new(seed: u64, path: &[&str]) -> Self {
        let mut stream = Self { key: mix(seed), domain: 0 };
        for name in path {
            stream = stream.child(name);
        }
        stream
    }

    /// The independent stream called `name` below this one.
    pub fn child(self, name: &str) -> Self {
        self.child_number(stable_hash(name.as_bytes()))
    }

    /// The independent stream with this number below this one.
    pub fn child_number(self, number: u64) -> Self {
        let [a, b, c, d] = philox(self.key, [number, self.domain ^ 0x9e37_79b9_7f4a_7c15]);
        Self { key: join(a, b), domain: join(c, d) }
    }

    /// Four independent 32-bit words: block `index` of the stream.
    #[inline]
    pub fn block(self, index: u64) -> [u32; 4] {
        philox(self.key, [index, self.domain])
    }

    /// A uniform number in the open interval (0, 1).
    #[inline]
    pub fn uniform(self, index: u64) -> f64 {
        let words = self.block(index / 2);
        let half = if index.is_multiple_of(2) { [words[0], words[1]] } else { [words[2], words[3]] };
        open_unit(join(half[0], half[1]))
    }

    /// A whole number in `0..bound`.
    ///
    /// # Panics
    /// When `bound` is zero: there is no such number.
    #[inline]
    pub fn below(self, index: u64, bound: u64) -> u64 {
        assert!(bound > 0, "no whole number is below zero");
        let words = self.block(index);
        // The high half of a 64 x 64 bit product is unbiased to one part in 2^64 / bound.
        ((u128::from(join(words[0], words[1])) * u128::from(bound)) >> 64) as u64
    }

    /// A standard normal number: the exact quantile function at [`Stream::uniform`].
    #[inline]
    pub fn normal(self, index: u64) -> f64 {
        normal::quantile(self.uniform(index))
    }

    /// Four independent standard normal numbers from block `index`, for when many are needed: 32-bit
    /// uniform numbers behind them, none further out than 6.8.
    #[inline]
    pub fn normal_quad(self, index: u64) -> [f64; 4] {
        let [a, b, c, d] = self.block(index);
        let ([first, second], [third, fourth]) = (normal::pair(a, b), normal::pair(c, d));
        [first, second, third, fourth]
    }

    /// Fills four columns of one length: row i is [`Stream::normal_quad`] of `first` + i.
    ///
    /// # Panics
    /// When the columns differ in length.
    pub fn fill_normal_quads(self, first: u64, columns: [&mut [f64]; 4]) {
        fill_normal_quads(self.key, self.domain, first, columns);
    }

    /// Fills a column with the words of the blocks from `first_block` on, four of each.
    pub fn fill_words(self, first_block: u64, column: &mut [u32]) {
        fill_words(self.key, self.domain, first_block, column);
    }

    /// Fills a column: entry i is [`Stream::uniform`] of `first` + i.
    pub fn fill_uniforms(self, first: u64, column: &mut [f64]) {
        let odd = usize::try_from(first % 2).unwrap_or(0).min(column.len());
        let (before, whole) = column.split_at_mut(odd);
        before.iter_mut().for_each(|value| *value = self.uniform(first));
        fill_uniforms(self.key, self.domain, first.div_ceil(2), whole);
        if let (true, Some(last)) = (whole.len() % 2 == 1, column.len().checked_sub(1)) {
            column[last] = self.uniform(first.wrapping_add(last as u64));
        }
    }

    /// Two independent standard normal numbers from block `index` (Box & Muller 1958).
    #[inline]
    pub fn normal_pair(self, index: u64) -> [f64; 2] {
        let words = self.block(index);
        let radius = math::sqrt(-2.0 * math::ln(open_unit(join(words[0], words[1]))));
        let angle = std::f64::consts::TAU * open_unit(join(words[2], words[3]));
        [radius * math::cos(angle), radius * math::sin(angle)]
    }

    /// An exponential number with mean 1.
    #[inline]
    pub fn exponential(self, index: u64) -> f64 {
        -math::ln(self.uniform(index))
    }
}

/// A hash that never changes between versions, processes and machines (FNV-1a, finished by a mixer).
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(hash)
}

/// Spreads every input bit over the word (Stafford's variant 13 of the SplitMix64 finisher).
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(low) | (u64::from(high) << 32)
}

/// The midpoint of one of 2^52 equal cells of the unit interval: never 0, never 1.
#[inline(always)]
fn open_unit(word: u64) -> f64 {
    const HALF_CELL: f64 = 0.5 / (1_u64 << 52) as f64;
    // The highest 52 bits as the fraction of a number in [1, 2); all that follows is exact.
    f64::from_bits((word >> 12) | 0x3ff0_0000_0000_0000) - (1.0 - HALF_CELL)
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn fill_normal_quads(key: u64, domain: u64, first: u64, columns: [&mut [f64]; 4]) {
    // In passes over few rows: each pass is short enough for a processor to have several rows under way, and
    // what stands between them never leaves the nearest cache.
    const ROWS: usize = 64;
    let [a, b, c, d] = columns;
    let n = a.len();
    assert!([b.len(), c.len(), d.len()] == [n; 3], "columns of one table are equally long");
    let mut words = [[0; ROWS]; 4];
    for start in (0..n).step_by(ROWS) {
        let end = n.min(start + ROWS);
        let block = first.wrapping_add(start as u64);
        let [p, q, r, s] = words.each_mut().map(|words| &mut words[..end - start]);
        for (i, (((p, q), r), s)) in p.iter_mut().zip(q).zip(r).zip(s).enumerate() {
            [*p, *q, *r, *s] = philox_words(key, [block.wrapping_add(i as u64), domain]);
        }
        let [radius, angle, other_radius, other_angle] = &words;
        normal::fill_pairs([radius, angle], [&mut a[start..end], &mut b[start..end]]);
        normal::fill_pairs([other_radius, other_angle], [&mut c[start..end], &mut d[start..end]]);
    }
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn fill_words(key: u64, domain: u64, first: u64, column: &mut [u32]) {
    const BLOCKS: usize = 64;
    let mut words = [[0; BLOCKS]; 4];
    let mut block = first;
    for column in column.chunks_mut(4 * BLOCKS) {
        let [p, q, r, s] = &mut words;
        for (i, (((p, q), r), s)) in p.iter_mut().zip(q).zip(r).zip(s).enumerate() {
            [*p, *q, *r, *s] = philox_words(key, [block.wrapping_add(i as u64), domain]);
        }
        block = block.wrapping_add(BLOCKS as u64);
        let [p, q, r, s] = &words;
        let (quads, rest) = column.as_chunks_mut::<4>();
        for ((((quad, p), q), r), s) in quads.iter_mut().zip(p).zip(q).zip(r).zip(s) {
            *quad = [*p as u32, *q as u32, *r as u32, *s as u32];
        }
        let last = quads.len();
        rest.iter_mut().zip(&words).for_each(|(entry, words)| *entry = words[last] as u32);
    }
}

/// Two numbers of each block from `block` on; an odd last entry is left as it is.
#[multiversion(targets("x86_64+avx+avx2"))]
fn fill_uniforms(key: u64, domain: u64, block: u64, column: &mut [f64]) {
    let (pairs, _) = column.as_chunks_mut::<2>();
    for (i, pair) in pairs.iter_mut().enumerate() {
        let words = philox_words(key, [block.wrapping_add(i as u64), domain]);
        *pair = [open_unit(words[0] | (words[1] << 32)), open_unit(words[2] | (words[3] << 32))];
    }
}

#[inline]
fn philox(key: u64, counter: [u64; 2]) -> [u32; 4] {
    philox_words(key, counter).map(|word| word as u32)
}

/// The four words in 64 bits each, which is how a vector unit multiplies them.
#[inline(always)]
fn philox_words(key: u64, counter: [u64; 2]) -> [u64; 4] {
    const MULTIPLIER: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
    const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
    const LOW: u64 = 0xffff_ffff;
    // What stands above the low half is never read until the end.
    let mut words = [counter[0], counter[0] >> 32, counter[1], counter[1] >> 32];
    let mut keys = [key as u32, (key >> 32) as u32];
    for _ in 0..10 {
        let first = MULTIPLIER[0] * (words[0] & LOW);
        let second = MULTIPLIER[1] * (words[2] & LOW);
        words = [
            (second >> 32) ^ words[1] ^ u64::from(keys[0]),
            second,
            (first >> 32) ^ words[3] ^ u64::from(keys[1]),
            first,
        ];
        keys = [keys[0].wrapping_add(WEYL[0]), keys[1].wrapping_add(WEYL[1])];
    }
    words.map(|word| word & LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random123 1.14, kat_vectors: `philox4x32 10`.
    #[test]
    fn philox_equals_its_published_vectors() {
        assert_eq!(philox(0, [0, 0]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox(u64::MAX, [u64::MAX, u64::MAX]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let digits_of_pi =
            philox(join(0xa409_3822, 0x299f_31d0), [join(0x243f_6a88, 0x85a3_08d3), join(0x1319_8a2e, 0x0370_7344)]);
        assert_eq!(digits_of_pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let stream = Stream::new(7, &["moments"]);
        let pairs: Vec<f64> = (0..100_000).flat_map(|i| stream.normal_pair(i)).collect();
        let quads: Vec<f64> = (0..50_000).flat_map(|i| stream.normal_quad(i)).collect();
        for draws in [pairs, quads] {
            let n = draws.len() as f64;
            let moment = |k: i32| draws.iter().map(|z| z.powi(k)).sum::<f64>() / n;
            assert!(moment(1).abs() < 0.01, "mean {}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.02, "variance {}", moment(2));
            assert!(moment(3).abs() < 0.04, "skewness {}", moment(3));
            assert!((moment(4) - 3.0).abs() < 0.1, "kurtosis {}", moment(4));
        }
    }

    proptest::proptest! {
        #[test]
        fn whole_columns_equal_their_entries(seed: u64, first: u64, n in 0_usize..300) {
            let stream = Stream::new(seed, &["columns"]);
            let mut columns = [vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]];
            stream.fill_normal_quads(first, columns.each_mut().map(Vec::as_mut_slice));
            let mut words = vec![0; n];
            stream.fill_words(first, &mut words);
            for (i, word) in words.iter().enumerate() {
                proptest::prop_assert_eq!(*word, stream.block(first.wrapping_add(i as u64 / 4))[i % 4]);
            }
            let first_uniform = first >> 1;
            let mut uniforms = vec![0.0; n];
            stream.fill_uniforms(first_uniform, &mut uniforms);
            for i in 0..n {
                let quad = stream.normal_quad(first.wrapping_add(i as u64));
                proptest::prop_assert_eq!(columns.each_ref().map(|column| column[i].to_bits()), quad.map(f64::to_bits));
                proptest::prop_assert_eq!(uniforms[i].to_bits(), stream.uniform(first_uniform + i as u64).to_bits());
            }
        }
    }

    #[test]
    fn streams_with_other_names_or_seeds_are_other_streams() {
        let first = Stream::new(1, &["a", "b"]);
        assert_eq!(first, Stream::new(1, &["a"]).child("b"));
        for other in [Stream::new(2, &["a", "b"]), Stream::new(1, &["b", "a"]), Stream::new(1, &["ab"])] {
            assert_ne!(first.block(0), other.block(0));
        }
    }

    #[test]
    fn whole_numbers_stay_below_their_bound_and_fill_it() {
        let stream = Stream::new(3, &["dice"]);
        let mut seen = [0u32; 6];
        for i in 0..6000 {
            seen[stream.below(i, 6) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
