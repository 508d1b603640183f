//! A day shape given hour by hour: a smooth curve through 24 factors that never overshoots them.

/// Hours of a day, each with its factor.
pub(crate) const HOURS: usize = 24;

/// The periodic curve through a factor for each full hour, from midnight on.
///
/// Piecewise cubic and monotone wherever the factors are. Fritsch & Carlson (1980), "Monotone piecewise
/// cubic interpolation", SIAM Journal on Numerical Analysis 17(2), 238-246; the slopes at the hours are the
/// harmonic means of Fritsch & Butland (1984), "A method for constructing local monotone piecewise cubic
/// interpolants", SIAM Journal on Scientific and Statistical Computing 5(2), 300-304.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Anchors {
    factors: [f64; HOURS],
    slopes: [f64; HOURS],
}

impl Anchors {
    pub(crate) fn new(factors: [f64; HOURS]) -> Self {
        let rise = |hour: usize| factors[(hour + 1) % HOURS] - factors[hour % HOURS];
        let slope = |hour: usize| {
            let (before, after) = (rise(hour + HOURS - 1), rise(hour));
            // At a top, a bottom or a level stretch the curve lies flat, and so does not overshoot.
            if before * after > 0.0 { 2.0 * before * after / (before + after) } else { 0.0 }
        };
        Self { factors, slopes: std::array::from_fn(slope) }
    }

    /// The factor at an hour of the day; any number of days away is the same.
    pub(crate) fn at(&self, hour: f64) -> f64 {
        let hour = hour.rem_euclid(HOURS as f64);
        // A number a little below 0 may be rounded to 24.
        let before = hour as usize % HOURS;
        let after = (before + 1) % HOURS;
        let t = hour - hour.floor();
        let (square, rest) = (t * t, 1.0 - t);
        (1.0 + 2.0 * t) * rest * rest * self.factors[before]
            + t * rest * rest * self.slopes[before]
            + square * (3.0 - 2.0 * t) * self.factors[after]
            - square * rest * self.slopes[after]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// scipy 1.17.1, `PchipInterpolator(numpy.arange(-24, 48), anchors * 3)(hour)`: three days, of which
    /// the middle one does not feel the ends. tests/reference/day_anchors.py
    #[test]
    fn values_are_those_of_scipy() {
        let anchors = Anchors::new([
            0.55, 0.5, 0.48, 0.47, 0.47, 0.5, 0.6, 0.8, 1.1, 1.35, 1.4, 1.38, 1.2, 1.25, 1.4, 1.42, 1.35, 1.1, 0.9,
            0.85, 0.8, 0.75, 0.68, 0.6,
        ]);
        for (hour, expected) in [
            (0.0, 0.55),
            (0.5, 0.522_321_428_571_429),
            (3.25, 0.47),
            (4.5, 0.479_230_769_230_769),
            (7.75, 1.026_022_727_272_727),
            (10.5, 1.3945),
            (12.25, 1.204_296_875),
            (15.0, 1.42),
            (15.5, 1.398_671_875),
            (19.9, 0.805),
            (23.25, 0.585_877_403_846_154),
            (23.75, 0.561_959_134_615_385),
        ] {
            let got = anchors.at(hour);
            assert!((got - expected).abs() < 1e-14, "{hour}: {got} against {expected}");
            assert!((anchors.at(hour - 48.0) - expected).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn the_curve_stays_between_the_hours_around_it(
            factors in prop::array::uniform24(0.01f64..20.0),
            hour in -30.0f64..30.0,
        ) {
            let anchors = Anchors::new(factors);
            let at = hour.rem_euclid(24.0) as usize % 24;
            let (one, other) = (factors[at], factors[(at + 1) % 24]);
            let (low, high) = (one.min(other), one.max(other));
            let got = anchors.at(hour);
            prop_assert!(got >= low - 1e-12 * high && got <= high + 1e-12 * high, "{got} outside {low}..{high}");
        }

        #[test]
        fn midnight_is_no_seam(factors in prop::array::uniform24(0.01f64..20.0)) {
            let anchors = Anchors::new(factors);
            prop_assert!((anchors.at(24.0 - 1e-9) - anchors.at(0.0)).abs() < 1e-6);
            prop_assert_eq!(anchors.at(24.0), factors[0]);
            prop_assert_eq!(anchors.at(-1e-300), factors[0]);
        }
    }
}
