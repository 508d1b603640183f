//! Warnings against what came: is a crossing found, how sure was it, and is the warning worth acting on?

use fleetcast_core::History;

/// Cost of acting divided by the loss it avoids, at which the value of warnings is shown.
pub const COST_LOSS_RATIOS: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5];

/// Days before an origin on which a row that is still at risk was not over.
const RECENT_DAYS: usize = 14;
/// P from which a row counts as warned.
pub const WARNED: f64 = 0.5;
/// Equal bins of P that calibration is judged in.
const BINS: usize = 10;

/// Whether the last 14 days of a history have no day over, so that a crossing would be news.
pub fn at_risk(history: &History, limit: f64) -> bool {
    let values = history.values();
    let recent = &values[values.len().saturating_sub(RECENT_DAYS)..];
    recent.iter().any(|value| !value.is_nan()) && !recent.iter().any(|&value| value >= limit)
}

/// What came of a series after an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It crossed on this day, 0 for the first after the origin.
    Crossed(usize),
    /// It did not cross.
    Nothing,
    /// More than a fifth of the days was not observed, so nobody knows.
    Unknown,
}

/// The first day over among the days that came, NaN being a gap.
pub fn first_crossing(days: &[f64], limit: f64) -> Came {
    let gaps = days.iter().filter(|day| day.is_nan()).count();
    if 5 * gaps > days.len() || days.is_empty() {
        return Came::Unknown;
    }
    days.iter().position(|&day| day >= limit).map_or(Came::Nothing, Came::Crossed)
}

/// What was said of one series at one origin, and whether it crossed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warning {
    /// Number of its server, for resampling.
    pub server: usize,
    /// P(crosses within the horizon); 1 or 0 of a rule that says yes or no.
    pub p: f64,
    /// What rows are ranked by, higher for more urgent: P itself, or the figure a rule compares.
    pub rank: f64,
    /// Whether it crossed.
    pub crossed: bool,
}

/// Warnings of one method, most urgent first.
#[derive(Clone, Debug, PartialEq)]
pub struct Warnings {
    rows: Vec<Warning>,
}

/// Weights of what came and of what was warned.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    all: f64,
    crossed: f64,
    warned: f64,
    hits: f64,
}

impl Warnings {
    /// The rows of one method, in any order.
    pub fn new(mut rows: Vec<Warning>) -> Self {
        rows.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        Self { rows }
    }

    /// The rows, most urgent first.
    pub fn rows(&self) -> &[Warning] {
        &self.rows
    }

    /// Share of the rows that crossed; `None` without rows.
    pub fn base_rate(&self, times: &[u32]) -> Option<f64> {
        let counts = self.counts(times, WARNED);
        (counts.all > 0.0).then(|| counts.crossed / counts.all)
    }

    /// Average precision: the mean precision at each crossing found, going down the ranks; rows of one
    /// rank are taken at once, so their order is of no consequence. `None` when nothing crossed.
    pub fn average_precision(&self, times: &[u32]) -> Option<f64> {
        let (mut warned, mut hits, mut area) = (0.0, 0.0, 0.0);
        for same in self.rows.chunk_by(|a, b| a.rank == b.rank) {
            let before: f64 = hits;
            for row in same {
                let weight = f64::from(times[row.server]);
                warned += weight;
                hits += if row.crossed { weight } else { 0.0 };
            }
            if hits > before {
                area += (hits - before) * hits / warned;
            }
        }
        (hits > 0.0).then(|| area / hits)
    }

    /// Share of the rows warned with P >= 0.5 that crossed; `None` when none was warned.
    pub fn precision(&self, times: &[u32]) -> Option<f64> {
        let counts = self.counts(times, WARNED);
        (counts.warned > 0.0).then(|| counts.hits / counts.warned)
    }

    /// Share of the crossings that were warned of with P >= 0.5; `None` when nothing crossed.
    pub fn recall(&self, times: &[u32]) -> Option<f64> {
        let counts = self.counts(times, WARNED);
        (counts.crossed > 0.0).then(|| counts.hits / counts.crossed)
    }

    /// Brier score: mean squared difference between P and what came, lower is better.
    ///
    /// Brier (1950), "Verification of forecasts expressed in terms of probability".
    pub fn brier(&self, times: &[u32]) -> Option<f64> {
        let (mut sum, mut all) = (0.0, 0.0);
        for row in &self.rows {
            let weight = f64::from(times[row.server]);
            let came = if row.crossed { 1.0 } else { 0.0 };
            sum += weight * (row.p - came) * (row.p - came);
            all += weight;
        }
        (all > 0.0).then(|| sum / all)
    }

    /// Brier skill: share of the Brier score of climatology that is gained, climatology being the base
    /// rate of the very rows, which nobody knew beforehand. `None` when all crossed, or none.
    pub fn brier_skill(&self, times: &[u32]) -> Option<f64> {
        let base = self.base_rate(times)?;
        let climatology = base * (1.0 - base);
        (climatology > 0.0).then_some(())?;
        Some(1.0 - self.brier(times)? / climatology)
    }

    /// Rows in ten equal bins of P: mean P, share that crossed, weight; empty bins are left out.
    pub fn reliability(&self, times: &[u32]) -> Vec<(f64, f64, f64)> {
        let mut bins = [(0.0, 0.0, 0.0); BINS];
        for row in &self.rows {
            let weight = f64::from(times[row.server]);
            let bin = &mut bins[((row.p * BINS as f64) as usize).min(BINS - 1)];
            bin.0 += weight * row.p;
            bin.1 += if row.crossed { weight } else { 0.0 };
            bin.2 += weight;
        }
        bins.iter().filter(|bin| bin.2 > 0.0).map(|bin| (bin.0 / bin.2, bin.1 / bin.2, bin.2)).collect()
    }

    /// Expected calibration error: mean distance, over rows, between mean P and the share that crossed
    /// in ten equal bins of P.
    pub fn calibration_error(&self, times: &[u32]) -> Option<f64> {
        let bins = self.reliability(times);
        let all: f64 = bins.iter().map(|bin| bin.2).sum();
        let distance: f64 = bins.iter().map(|(p, came, weight)| weight * (p - came).abs()).sum();
        (all > 0.0).then(|| distance / all)
    }

    /// Economic value of acting when P >= `ratio`, the cost of acting divided by the loss it avoids: 1 for
    /// perfect foresight, 0 for the better of always and never acting, below 0 for worse. `None` when all
    /// crossed, or none.
    ///
    /// Richardson (2000), "Skill and relative economic value of the ECMWF ensemble prediction system".
    pub fn value(&self, times: &[u32], ratio: f64) -> Option<f64> {
        let counts = self.counts(times, ratio);
        let base = counts.crossed / counts.all;
        if !(base > 0.0 && base < 1.0) {
            return None;
        }
        let hit_rate = counts.hits / counts.crossed;
        let false_alarms = (counts.warned - counts.hits) / (counts.all - counts.crossed);
        let gained = ratio.min(base) - false_alarms * ratio * (1.0 - base) + hit_rate * base * (1.0 - ratio) - base;
        Some(gained / (ratio.min(base) - base * ratio))
    }

    fn counts(&self, times: &[u32], warned_from: f64) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            let weight = f64::from(times[row.server]);
            let is_warned = row.p >= warned_from;
            counts.all += weight;
            counts.crossed += if row.crossed { weight } else { 0.0 };
            counts.warned += if is_warned { weight } else { 0.0 };
            counts.hits += if is_warned && row.crossed { weight } else { 0.0 };
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn warnings(rows: &[(f64, bool)]) -> Warnings {
        let row = |(server, &(p, crossed)): (usize, &(f64, bool))| Warning { server, p, rank: p, crossed };
        Warnings::new(rows.iter().enumerate().map(row).collect())
    }

    /// scikit-learn 1.9.1, `average_precision_score` and `brier_score_loss` of `[1, 0, 1, 1, 0, 0, 1, 0]` and
    /// `[.9, .8, .8, .6, .4, .3, .2, .1]`: 0.7470238 and 0.21875; by hand where it has no such score.
    #[test]
    fn scores_equal_their_definitions() {
        let p = [0.9, 0.8, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1];
        let came = [true, false, true, true, false, false, true, false];
        let rows: Vec<(f64, bool)> = p.into_iter().zip(came).collect();
        let (all, found) = ([1; 8], warnings(&rows));
        let near = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} {expected}");
        };
        near(found.average_precision(&all), (1.0 + 2.0 / 3.0 + 3.0 / 4.0 + 4.0 / 7.0) / 4.0);
        near(found.brier(&all), (0.01 + 0.64 + 0.04 + 0.16 + 0.16 + 0.09 + 0.64 + 0.01) / 8.0);
        near(found.precision(&all), 0.75);
        near(found.recall(&all), 0.75);
        near(found.base_rate(&all), 0.5);
        near(found.brier_skill(&all), 1.0 - 0.21875 / 0.25);
        // Bins: .9 | .8 .8 | .6 | .4 | .3 | .2 | .1, each beside what came.
        near(found.calibration_error(&all), (0.1 + 2.0 * 0.3 + 0.4 + 0.4 + 0.3 + 0.8 + 0.1) / 8.0);
        // At .5: 3 hits of 4, 1 false alarm of 4: what is gained over doing nothing is (3 - 1) of 4.
        near(found.value(&all, 0.5), 0.5);
        assert_eq!(warnings(&[(0.3, false)]).average_precision(&[1]), None);
        assert_eq!(warnings(&[(0.3, true)]).value(&[1], 0.1), None);
        assert_eq!(warnings(&[]).brier(&[]), None);
    }

    #[test]
    fn only_rows_whose_crossing_would_be_news_are_at_risk_and_gaps_are_not_days_under() {
        use fleetcast_core::{Metric, SeriesId, Timeline};
        let history = |values: Vec<f64>| {
            let line = Timeline::daily(jiff::civil::date(2024, 1, 1));
            History::new(SeriesId::new("a", "cpu"), std::sync::Arc::new(Metric::named("cpu")), line, values).unwrap()
        };
        let mut values = vec![50.0; 30];
        values[15] = 80.0;
        assert!(at_risk(&history(values.clone()), 80.0));
        values[16] = 80.0;
        assert!(!at_risk(&history(values), 80.0));
        assert!(!at_risk(&history(vec![f64::NAN; 30]), 80.0));
        assert_eq!(first_crossing(&[50.0, 79.9, 80.0, 99.0], 80.0), Came::Crossed(2));
        assert_eq!(first_crossing(&[50.0; 10], 80.0), Came::Nothing);
        assert_eq!(first_crossing(&[50.0, f64::NAN, f64::NAN, 50.0], 80.0), Came::Unknown);
    }

    proptest! {
        #[test]
        fn drawing_a_server_twice_is_having_its_row_twice_and_a_sure_truth_is_perfect(
            rows in prop::collection::vec((0.0f64..1.0, any::<bool>()), 3..20),
        ) {
            let twice: Vec<(f64, bool)> = rows.iter().chain(&rows[..1]).copied().collect();
            let mut times = vec![1; rows.len()];
            times[0] = 2;
            let (weighed, plain, all) = (warnings(&rows), warnings(&twice), vec![1; twice.len()]);
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            prop_assert!(near(weighed.average_precision(&times), plain.average_precision(&all)));
            prop_assert!(near(weighed.brier_skill(&times), plain.brier_skill(&all)));
            prop_assert!(near(weighed.value(&times, 0.2), plain.value(&all, 0.2)));
            prop_assert!(near(weighed.calibration_error(&times), plain.calibration_error(&all)));
            let sure: Vec<(f64, bool)> = rows.iter().map(|&(_, came)| (f64::from(u8::from(came)), came)).collect();
            let (sure, all) = (warnings(&sure), vec![1; rows.len()]);
            for score in [sure.average_precision(&all), sure.brier_skill(&all), sure.value(&all, 0.1)] {
                prop_assert!(score.is_none_or(|score| (score - 1.0).abs() < 1e-12));
            }
        }
    }
}
