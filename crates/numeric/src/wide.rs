//! Exponentials and logarithms of whole columns.
//!
//! Polynomials in plain additions and multiplications, without branches and without fused operations:
//! the compiler makes them as wide as the machine, and the bits are the same at every width. One entry
//! takes 2.5 ns with AVX2 and 10 ns without on one x86-64 core, where [`crate::math::exp`] takes 15.

use multiversion::multiversion;

/// 2^52: adding it to a whole number below it puts that number into the lowest bits of the sum.
const TWO_52: f64 = 4_503_599_627_370_496.0;
/// The logarithm of 2 as the sum of a number with 32 trailing zero bits and the rest.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// Below the first nothing that is a normal number is left; above the second everything is infinite.
const EXP_RANGE: [f64; 2] = [-708.39, 709.782_712_893_383_9];

/// exp of each entry, in place; within one unit in the last place of the C library. 0 for entries
/// below -708.39, where less than 2^-1022 is left; NaN for NaN.
#[multiversion(targets("x86_64+avx+avx2"))]
pub fn exp(column: &mut [f64]) {
    for value in column {
        *value = exp_of(*value);
    }
}

/// exp(`slope` x + `level`) of each entry x, in place, as [`exp`] has it.
#[multiversion(targets("x86_64+avx+avx2"))]
pub fn exp_of_line(slope: f64, level: f64, column: &mut [f64]) {
    for value in column {
        *value = exp_of(slope * *value + level);
    }
}

/// The natural logarithm of each entry, in place; within one unit in the last place of the C library.
/// Negative infinity for 0 and for numbers below 2^-1022, NaN for negative numbers and NaN.
#[multiversion(targets("x86_64+avx+avx2"))]
pub fn ln(column: &mut [f64]) {
    for value in column {
        *value = ln_of(*value);
    }
}

/// What [`exp`] makes of one entry.
#[inline(always)]
pub fn exp_of(x: f64) -> f64 {
    // Rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f64 = 1.5 * TWO_52;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let (r, below) = (x - power * LN_2[0], power * LN_2[1]);
    let r = r - below;
    // Taylor's series to r^13: |r| is at most ln(2) / 2, so what is left out is below 2^-57.
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let middle = (1.0 / 720.0 + r * (1.0 / 5_040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let high =
        (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let fraction = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)));
    // Times two to the power: the exponents are added.
    let result = f64::from_bits(fraction.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x < EXP_RANGE[0] {
        0.0
    } else if x <= EXP_RANGE[1] {
        result
    } else {
        x + f64::INFINITY
    }
}

/// What [`ln`] makes of one entry.
#[inline(always)]
pub fn ln_of(x: f64) -> f64 {
    let result = ln_of_normal(x);
    if (f64::MIN_POSITIVE..f64::INFINITY).contains(&x) {
        result
    } else if x >= 0.0 {
        if x == f64::INFINITY { x } else { f64::NEG_INFINITY }
    } else {
        f64::NAN
    }
}

/// ln of a positive normal number; anything for other numbers. The kernel of FreeBSD's `e_log.c`.
#[inline(always)]
pub(crate) fn ln_of_normal(x: f64) -> f64 {
    const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    // The exponent is moved so that the fraction lies between the root of 1/2 and the root of 2.
    let bits = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - HALF_ROOT);
    let power = whole(bits >> 52) - 1023.0;
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + HALF_ROOT) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
    let odd = z
        * (0.666_666_666_666_673_5
            + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
    let half_square = 0.5 * f * f;
    power * LN_2[0] - ((half_square - (s * (half_square + even + odd) + power * LN_2[1])) - f)
}

/// A whole number below 2^52 as a float; a conversion that every vector unit has.
#[inline(always)]
pub(crate) fn whole(word: u64) -> f64 {
    f64::from_bits(word | 0x4330_0000_0000_0000) - TWO_52
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Distance in units of the last place of `expected`.
    fn units(got: f64, expected: f64) -> f64 {
        let unit = f64::from_bits(expected.abs().to_bits() + 1) - expected.abs();
        ((got - expected) / unit).abs()
    }

    #[test]
    fn ends_of_the_range_and_what_is_no_number() {
        let mut column = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 710.0, -709.0, 0.0, -0.0, 709.782_712_893_383_9];
        exp(&mut column);
        assert!(column[0].is_nan());
        assert_eq!(column[1..7], [f64::INFINITY, 0.0, f64::INFINITY, 0.0, 1.0, 1.0]);
        assert!(units(column[7], libm::exp(709.782_712_893_383_9)) <= 1.0);
        let mut column = [f64::NAN, f64::INFINITY, -1.0, 0.0, -0.0, 1.0, f64::NEG_INFINITY, 1e-310];
        ln(&mut column);
        assert!(column[0].is_nan() && column[2].is_nan() && column[6].is_nan());
        assert_eq!(column[1], f64::INFINITY);
        assert_eq!(column[3..6], [f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0]);
        assert_eq!(column[7], f64::NEG_INFINITY);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn columns_equal_the_library_and_their_entries(
            powers in prop::collection::vec(-708.0_f64..709.7, 1..40), near in prop::collection::vec(-3.0_f64..3.0, 1..9),
        ) {
            let powers: Vec<f64> = powers.into_iter().chain(near).collect();
            let mut raised = powers.clone();
            exp(&mut raised);
            for (x, got) in powers.iter().zip(&raised) {
                prop_assert!(units(*got, libm::exp(*x)) <= 1.0, "exp({}) is {}", x, got);
                prop_assert_eq!(got.to_bits(), exp_of(*x).to_bits());
            }
            let mut line = powers.clone();
            exp_of_line(0.5, -1.0, &mut line);
            for (x, got) in powers.iter().zip(&line) {
                prop_assert_eq!(got.to_bits(), exp_of(0.5 * x - 1.0).to_bits());
            }
            let mut back = raised.clone();
            ln(&mut back);
            for (x, got) in raised.iter().zip(&back) {
                prop_assert!(units(*got, libm::log(*x)) <= 1.0, "ln({}) is {}", x, got);
                prop_assert_eq!(got.to_bits(), ln_of(*x).to_bits());
            }
        }
    }
}
