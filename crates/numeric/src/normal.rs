//! The standard normal distribution.

use crate::{math, wide};

/// P(Z <= z) for a standard normal Z.
pub fn probability(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The z with P(Z <= z) = `probability`, for a probability in (0, 1); relative error below 1e-15.
///
/// Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", Applied
/// Statistics 37(3), 477-484 (PPND16).
pub fn quantile(probability: f64) -> f64 {
    let q = probability - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE_ABOVE, &CENTRE_BELOW, r);
    }
    let tail = if q < 0.0 { probability } else { 1.0 - probability };
    let r = math::sqrt(-math::ln(tail));
    let z =
        if r <= 5.0 { ratio(&MIDDLE_ABOVE, &MIDDLE_BELOW, r - 1.6) } else { ratio(&FAR_ABOVE, &FAR_BELOW, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

/// Two independent standard normal numbers from two independent 32-bit words (Box & Muller 1958), in
/// additions, multiplications, one division and one root: the same on every machine.
#[inline]
pub fn pair(radius: u32, angle: u32) -> [f64; 2] {
    pair_of_words(u64::from(radius), u64::from(angle))
}

/// [`pair`] of words below 2^32.
#[inline(always)]
fn pair_of_words(radius: u64, angle: u64) -> [f64; 2] {
    turned(radius_of(radius), angle)
}

/// [`pair`] of each two words below 2^32, in two passes.
#[inline(always)]
pub(crate) fn fill_pairs([radii, angles]: [&[u64]; 2], [xs, ys]: [&mut [f64]; 2]) {
    for (x, radius) in xs.iter_mut().zip(radii) {
        *x = radius_of(*radius);
    }
    for ((x, y), angle) in xs.iter_mut().zip(ys).zip(angles) {
        [*x, *y] = turned(*x, *angle);
    }
}

/// The distance from the middle.
#[inline(always)]
fn radius_of(word: u64) -> f64 {
    let uniform = (wide::whole(word) + 0.5) * (1.0 / 4_294_967_296.0);
    (-2.0 * wide::ln_of_normal(uniform)).sqrt()
}

/// The point at a distance from the middle, without a branch or a conversion, so that compilers make it wide.
#[inline(always)]
fn turned(radius: f64, angle: u64) -> [f64; 2] {
    // The two highest bits choose the quadrant, the others the angle from its middle.
    let within = (wide::whole(angle & 0x3fff_ffff) + 0.5) * (1.0 / 1_073_741_824.0) - 0.5;
    let (sine, cosine) = sine_and_cosine(within * std::f64::consts::FRAC_PI_2);
    let (sine, cosine) = (sine.to_bits(), cosine.to_bits());
    let turned = 0_u64.wrapping_sub((angle >> 30) & 1);
    let sign = (angle >> 31) << 63;
    let x = (cosine & !turned) | ((sine ^ (1 << 63)) & turned);
    let y = (sine & !turned) | (cosine & turned);
    [f64::from_bits(x ^ sign) * radius, f64::from_bits(y ^ sign) * radius]
}

/// sin(x) and cos(x) for |x| <= pi / 4; the kernels of FreeBSD's `k_sin.c` and `k_cos.c`.
#[inline(always)]
fn sine_and_cosine(x: f64) -> (f64, f64) {
    let z = x * x;
    let sine = -0.166_666_666_666_666_32
        + z * (0.008_333_333_333_322_49
            + z * (-0.000_198_412_698_298_579_5
                + z * (2.755_731_370_707_006_8e-6 + z * (-2.505_076_025_340_686_3e-8 + z * 1.589_690_995_211_55e-10))));
    let cosine = 0.041_666_666_666_666_6
        + z * (-0.001_388_888_888_887_411
            + z * (2.480_158_728_947_673e-5
                + z * (-2.755_731_435_139_066_3e-7
                    + z * (2.087_572_321_298_175e-9 + z * -1.135_964_755_778_819_5e-11))));
    (x + x * z * sine, 1.0 - 0.5 * z + z * z * cosine)
}

fn ratio(above: &[f64; 8], below: &[f64; 8], x: f64) -> f64 {
    let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
    polynomial(above) / polynomial(below)
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const MIDDLE_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_of_pairs_equal_the_library() {
        for k in 0..10_000_u32 {
            let word = k.wrapping_mul(429_497);
            let uniform = (f64::from(word) + 0.5) / 4_294_967_296.0;
            let x = (uniform - 0.5) * std::f64::consts::FRAC_PI_2;
            let (sine, cosine) = sine_and_cosine(x);
            assert!((sine - libm::sin(x)).abs() < 1e-15 && (cosine - libm::cos(x)).abs() < 1e-15, "{x}");
        }
        for (radius, angle) in [(0, 0), (0, u32::MAX), (u32::MAX, 0), (u32::MAX, u32::MAX), (1, 1 << 30)] {
            let [x, y] = pair(radius, angle);
            assert!(x.is_finite() && y.is_finite() && x * x + y * y < 46.0, "{x} {y}");
        }
    }

    /// scipy 1.17.1, `scipy.stats.norm.ppf([1e-12, .001, .05, .3, .5, .975])`
    #[test]
    fn quantiles_equal_scipy() {
        let expected = [
            (1e-12, -7.034_483_825_301_131),
            (0.001, -3.090_232_306_167_813_5),
            (0.05, -1.644_853_626_951_472_9),
            (0.3, -0.524_400_512_708_041),
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
        ];
        for (p, z) in expected {
            assert!((quantile(p) - z).abs() <= 1e-12 * z.abs().max(1.0), "{p}: {}", quantile(p));
            assert!((probability(z) - p).abs() < 1e-13, "{z}");
        }
    }
}
