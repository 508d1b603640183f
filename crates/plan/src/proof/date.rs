//! When was the crossing said to come, and when did it?

use crate::SeriesOutlook;
use crate::passage::passages;

/// P(crossed within h days) for h = 1, 2, ... to the end of the futures; `None` where the metric has no
/// capacity.
pub fn crossing_curve(series: &SeriesOutlook, threshold: f64) -> Option<Vec<f64>> {
    let limit = series.limit(threshold).filter(|limit| *limit > 0.0)?;
    let passage = passages(series.paths, limit, &[1]).pop()?;
    (1..=series.paths.horizon()).map(|days| passage.probability(days)).collect()
}

/// What was said of the day of a crossing, and the day.
#[derive(Clone, Debug, PartialEq)]
pub struct DateRow {
    /// Number of its server, for resampling.
    pub server: usize,
    /// P(crossed within h days) for h = 1, 2, ... up to the horizon.
    pub curve: Vec<f64>,
    /// Day of the crossing, 0 for the first after the origin; `None` when it did not come.
    pub crossed: Option<usize>,
}

impl DateRow {
    /// Continuous ranked probability score of the day within the horizon, in days: the sum over the days
    /// of the squared difference between P(crossed by then) and what came.
    ///
    /// Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    pub fn crps(&self) -> f64 {
        let came = |day: usize| if self.crossed.is_some_and(|crossed| crossed <= day) { 1.0 } else { 0.0 };
        self.curve.iter().enumerate().map(|(day, p)| (p - came(day)) * (p - came(day))).sum()
    }

    /// Whether the crossing came by the day whose P first reaches `probability`: 1 or 0, and on that very
    /// day the share of its P that makes `probability` full, so that a calibrated curve gives `probability`
    /// in the mean. `None` when that day lies beyond the horizon.
    pub fn by_quantile(&self, probability: f64) -> Option<f64> {
        let day = self.curve.iter().position(|&p| p >= probability)?;
        let before = if day == 0 { 0.0 } else { self.curve[day - 1] };
        Some(match self.crossed {
            Some(crossed) if crossed < day => 1.0,
            Some(crossed) if crossed == day => (probability - before) / (self.curve[day] - before),
            _ => 0.0,
        })
    }

    /// Mean of a figure of rows, each counted as often as its server was drawn, over the rows that have it.
    pub fn mean(rows: &[Self], times: &[u32], figure: impl Fn(&Self) -> Option<f64>) -> Option<f64> {
        let (mut sum, mut all) = (0.0, 0.0);
        for row in rows {
            let weight = f64::from(times[row.server]);
            if let Some(value) = figure(row).filter(|_| weight > 0.0) {
                sum += weight * value;
                all += weight;
            }
        }
        (all > 0.0).then(|| sum / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    #[test]
    fn a_date_is_scored_by_the_days_it_is_off() {
        let row = |crossed| DateRow { server: 0, curve: vec![0.0, 0.5, 0.5, 1.0], crossed };
        assert_eq!(row(Some(1)).crps(), 0.5);
        assert_eq!(row(Some(3)).crps(), 0.5);
        assert_eq!(row(None).crps(), 1.5);
        assert_eq!(row(Some(0)).by_quantile(0.1), Some(1.0));
        assert_eq!(row(Some(1)).by_quantile(0.1), Some(0.2));
        assert_eq!((row(Some(3)).by_quantile(0.9), row(None).by_quantile(0.9)), (Some(0.8), Some(0.0)));
        assert_eq!(DateRow { curve: vec![0.05, 0.08], ..row(None) }.by_quantile(0.1), None);
        assert_eq!(DateRow::mean(&[row(Some(1)), row(None)], &[1], |row| Some(row.crps())), Some(1.0));
        assert_eq!(DateRow::mean(&[row(Some(1))], &[0], |row| Some(row.crps())), None);
    }

    #[test]
    fn a_calibrated_curve_keeps_its_quantiles_in_spite_of_atoms() {
        // A quarter crosses on day 3, one in fifty on every other day.
        let chance = |day: usize| if day == 3 { 0.25 } else { 0.02 };
        let curve: Vec<f64> = (0..30)
            .scan(0.0, |sum, day| {
                *sum += chance(day);
                Some(*sum)
            })
            .collect();
        let draws = Stream::new(5, &["days"]);
        let rows: Vec<DateRow> = (0..20_000u64)
            .map(|at| {
                let crossed = curve.iter().position(|&p| draws.uniform(at) < p);
                DateRow { server: 0, curve: curve.clone(), crossed }
            })
            .collect();
        for probability in [0.1, 0.2, 0.5] {
            let found = DateRow::mean(&rows, &[1], |row| row.by_quantile(probability)).unwrap();
            assert!((found - probability).abs() < 0.01, "{probability}: {found}");
        }
    }
}
