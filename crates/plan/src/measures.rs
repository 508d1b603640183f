//! Figures of a daily series that mean the same on every server, whatever its size.

use crate::days::Day;
use fleetcast_numeric::{math, quantile};

/// Days after which a weekday and, nearly, a date of the year come round again: 52 weeks.
const YEAR_OF_WEEKS: usize = 364;
/// Pairs of days a year apart that growth needs: eight weeks.
const FEWEST_PAIRS: usize = 56;
/// Days that a mean over some kind of days needs.
const FEWEST_OF_A_KIND: usize = 4;

/// Growth per year as a factor less one, 0.12 for 12 %: the median ratio of the last year's days to the
/// days 52 weeks before them, so that no week, season or single incident reads as growth. `None` when
/// fewer than eight weeks of days have such a partner.
pub(crate) fn growth_per_year(values: &[f64]) -> Option<f64> {
    let start = values.len().saturating_sub(YEAR_OF_WEEKS).max(YEAR_OF_WEEKS);
    let pairs = values.get(start..)?.iter().zip(&values[start - YEAR_OF_WEEKS..]);
    let ratios: Vec<f64> = pairs.filter(|(_, before)| **before > 0.0).map(|(now, before)| now / before).collect();
    let known = ratios.iter().filter(|ratio| !ratio.is_nan()).count();
    if known < FEWEST_PAIRS {
        return None;
    }
    let ratio = quantile(&ratios, 0.5)?;
    Some(math::pow(ratio, 365.25 / YEAR_OF_WEEKS as f64) - 1.0)
}

/// Mean over the days of one kind, and over the others; `None` when either has too few observed days.
pub(crate) fn means_of_kind(values: &[f64], days: &[Day], is_kind: impl Fn(&Day) -> bool) -> Option<(f64, f64)> {
    let (mut inside, mut outside) = ((0.0, 0usize), (0.0, 0usize));
    for (value, day) in values.iter().zip(days).filter(|(value, _)| !value.is_nan()) {
        let sum = if is_kind(day) { &mut inside } else { &mut outside };
        sum.0 += value;
        sum.1 += 1;
    }
    let enough = inside.1.min(outside.1) >= FEWEST_OF_A_KIND;
    enough.then(|| (inside.0 / inside.1 as f64, outside.0 / outside.1 as f64))
}

/// Ratio of the two means of [`means_of_kind`]; `None` also when nothing happens on the other days.
pub(crate) fn ratio_of_kind(values: &[f64], days: &[Day], is_kind: impl Fn(&Day) -> bool) -> Option<f64> {
    let (inside, outside) = means_of_kind(values, days, is_kind)?;
    (outside > 0.0).then(|| inside / outside)
}

/// Median change against the same weekday a week before, as a share of the mean; `None` without a week
/// to compare or without load.
pub(crate) fn volatility(values: &[f64]) -> Option<f64> {
    let mean = math::mean(values).filter(|mean| *mean > 0.0)?;
    let changes: Vec<f64> = weekly_changes(values).map(f64::abs).collect();
    Some(quantile(&changes, 0.5)? / mean)
}

/// Pearson correlation of the changes of two series against the same weekday a week before; `None` with
/// fewer than 14 pairs, or when one never changes.
pub(crate) fn correlation(first: &[f64], second: &[f64]) -> Option<f64> {
    let pairs = || weekly_changes(first).zip(weekly_changes(second)).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let n = pairs().count();
    if n < 14 {
        return None;
    }
    let (sum_a, sum_b) = pairs().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let (mean_a, mean_b) = (sum_a / n as f64, sum_b / n as f64);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / math::sqrt(aa * bb))
}

fn weekly_changes(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().zip(values.get(7..).unwrap_or_default()).map(|(before, now)| now - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_growth_is_measured_in_spite_of_weeks_and_incidents() {
        let value = |day: u32| {
            let week = if day % 7 < 5 { 1.1 } else { 0.75 };
            let incident = if day.is_multiple_of(50) { 3.0 } else { 1.0 };
            20.0 * math::pow(1.12, f64::from(day) / 365.25) * week * incident
        };
        for days in [430, 800, 1095] {
            let growth = growth_per_year(&(0..days).map(value).collect::<Vec<_>>()).unwrap();
            assert!((growth - 0.12).abs() < 1e-9, "{days}: {growth}");
        }
        assert_eq!(growth_per_year(&[20.0; 419]), None);
        assert_eq!(growth_per_year(&[0.0; 800]), None);
        assert_eq!(growth_per_year(&[]), None);
    }

    #[test]
    fn volatility_sees_no_week_and_correlation_no_common_trend() {
        let week: Vec<f64> = (0..100).map(|day| if day % 7 < 5 { 50.0 } else { 20.0 }).collect();
        assert_eq!(volatility(&week), Some(0.0));
        assert_eq!(volatility(&[0.0; 100]), None);
        let noise = fleetcast_numeric::Stream::new(1, &["noise"]);
        let series = |shift: u64, share: f64| -> Vec<f64> {
            (0..400)
                .map(|day| day as f64 / 10.0 + share * noise.normal(day) + (1.0 - share) * noise.normal(day + shift))
                .collect()
        };
        let (a, b, c) = (series(1000, 1.0), series(1000, 1.0), series(5000, 0.0));
        assert!(correlation(&a, &b).unwrap() > 0.999);
        assert!(correlation(&a, &c).unwrap().abs() < 0.2);
        assert_eq!(correlation(&a, &[1.0; 400]), None);
        assert_eq!(correlation(&[1.0; 3], &[1.0; 3]), None);
    }
}
