//! The kind of risk that was said against the kind that was planted.

use fleetcast_core::RiskClass;

/// The kind of one series' risk at one origin, as said and as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassRow {
    /// Number of its server, for resampling.
    pub server: usize,
    /// What was said.
    pub said: RiskClass,
    /// What it is.
    pub truth: RiskClass,
}

/// Macro-F1: the mean, over the kinds that are there in truth, of the harmonic mean of precision and recall;
/// `unknown` is a miss. `None` without rows.
pub fn macro_f1(rows: &[ClassRow], times: &[u32]) -> Option<f64> {
    let (mut sum, mut kinds) = (0.0, 0.0);
    for kind in RiskClass::ALL {
        let [said, true_, both] = weights(rows, times, kind);
        if true_ > 0.0 {
            sum += 2.0 * both / (said + true_);
            kinds += 1.0;
        }
    }
    (kinds > 0.0).then(|| sum / kinds)
}

/// Share of the rows of which was said that their kind cannot be told.
pub fn unknown_share(rows: &[ClassRow], times: &[u32]) -> Option<f64> {
    let all: f64 = rows.iter().map(|row| f64::from(times[row.server])).sum();
    (all > 0.0).then(|| weights(rows, times, RiskClass::Unknown)[0] / all)
}

/// Precision and recall of one kind, and the share of the rows that are of it in truth.
pub fn class_share(rows: &[ClassRow], times: &[u32], kind: RiskClass) -> (Option<f64>, Option<f64>, f64) {
    let [said, true_, both] = weights(rows, times, kind);
    let all: f64 = rows.iter().map(|row| f64::from(times[row.server])).sum();
    let share = |of: f64| (of > 0.0).then(|| both / of);
    (share(said), share(true_), true_ / all.max(1.0))
}

/// Weights of the rows of which a kind was said, of which it is true, and both.
fn weights(rows: &[ClassRow], times: &[u32], kind: RiskClass) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for row in rows {
        let weight = f64::from(times[row.server]);
        let (said, true_) = (row.said == kind, row.truth == kind);
        for (sum, counts) in sums.iter_mut().zip([said, true_, said && true_]) {
            *sum += if counts { weight } else { 0.0 };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use RiskClass::{Growth, None as Calm, QuarterEnd, Unknown};

    /// scikit-learn 1.9.1, `f1_score(truth, said, average="macro", labels=["growth", "none", "quarter-end"])`
    /// of the rows below: 0.6555556.
    #[test]
    fn macro_f1_counts_unknown_as_a_miss() {
        let pairs = [
            (Growth, Growth),
            (Growth, QuarterEnd),
            (Unknown, Growth),
            (Calm, Calm),
            (Calm, Calm),
            (Unknown, Calm),
            (QuarterEnd, QuarterEnd),
        ];
        let rows: Vec<ClassRow> = pairs.iter().map(|&(said, truth)| ClassRow { server: 0, said, truth }).collect();
        let found = macro_f1(&rows, &[1]).unwrap();
        assert!((found - (0.5 + 0.8 + 2.0 / 3.0) / 3.0).abs() < 1e-12, "{found}");
        assert_eq!(unknown_share(&rows, &[1]), Some(2.0 / 7.0));
        assert_eq!(class_share(&rows, &[1], Growth), (Some(0.5), Some(0.5), 2.0 / 7.0));
        assert_eq!(macro_f1(&[], &[]), None);
    }
}
