//! What the servers of a pool carried together, against the quantiles that were said of their total.

use fleetcast_core::{Paths, SCORED_QUANTILES};
use fleetcast_numeric::quantile_of_sorted;

/// The total of one pool in one metric at one origin: what was said, and what came.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRow {
    /// Number of its pool, for resampling.
    pub pool: usize,
    /// Days on which every server was observed.
    n_days: f64,
    /// Days under each of [`SCORED_QUANTILES`], a day on it being half under.
    under: [f64; N],
    /// Pinball losses, summed over days and quantiles, in per cent of the pool's capacity.
    loss: f64,
    /// The same of the highest day, where every day was observed.
    peak_under: Option<[f64; N]>,
    /// What was said of two servers over at once, and whether it came, where that is known.
    pub two_over: Option<Sure>,
}

/// A probability, and whether what it speaks of came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sure {
    /// What was said.
    pub p: f64,
    /// What came.
    pub came: bool,
}

const N: usize = SCORED_QUANTILES.len();

impl PoolRow {
    /// Holds the futures of a total against the days that came, NaN being a gap; both in per cent. `None` without an
    /// observed day.
    pub fn new(pool: usize, total: &Paths, came: &[f64], two_over: Option<Sure>) -> Option<Self> {
        let mut row = Self { pool, n_days: 0.0, under: [0.0; N], loss: 0.0, peak_under: None, two_over };
        let mut values = Vec::with_capacity(total.len());
        for (day, &actual) in came.iter().enumerate().take(total.horizon()).filter(|(_, actual)| !actual.is_nan()) {
            values.clear();
            values.extend(total.iter().map(|path| path[day]));
            values.sort_unstable_by(f64::total_cmp);
            row.n_days += 1.0;
            for (at, q) in SCORED_QUANTILES.into_iter().enumerate() {
                let gap = actual - quantile_of_sorted(&values, q);
                row.under[at] += under(gap);
                row.loss += if gap >= 0.0 { q * gap } else { (q - 1.0) * gap };
            }
        }
        let days = came.get(..total.horizon()).filter(|days| days.iter().all(|day| !day.is_nan()));
        row.peak_under = days.map(|days| {
            let highest = |days: &[f64]| days.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut said: Vec<f64> = total.iter().map(highest).collect();
            said.sort_unstable_by(f64::total_cmp);
            SCORED_QUANTILES.map(|q| under(highest(days) - quantile_of_sorted(&said, q)))
        });
        (row.n_days > 0.0).then_some(row)
    }

    /// Share of the days at or under a reported quantile, which should be its probability; rows count as often as their
    /// pool was drawn. `None` without rows, or for a quantile that is not reported.
    pub fn under(rows: &[Self], times: &[u32], quantile: f64) -> Option<f64> {
        let at = place(quantile)?;
        ratio(rows, times, |row| Some((row.under[at], row.n_days)))
    }

    /// The same of the highest day of each row.
    pub fn peak_under(rows: &[Self], times: &[u32], quantile: f64) -> Option<f64> {
        let at = place(quantile)?;
        ratio(rows, times, |row| Some((row.peak_under?[at], 1.0)))
    }

    /// Mean pinball loss over days and reported quantiles, in per cent of the pool's capacity.
    pub fn quantile_loss(rows: &[Self], times: &[u32]) -> Option<f64> {
        ratio(rows, times, |row| Some((row.loss, N as f64 * row.n_days)))
    }

    /// Brier score of P(two servers over on one day).
    pub fn two_over_brier(rows: &[Self], times: &[u32]) -> Option<f64> {
        ratio(rows, times, |row| {
            let Sure { p, came } = row.two_over?;
            let off = p - f64::from(u8::from(came));
            Some((off * off, 1.0))
        })
    }
}

/// One under a quantile, nothing over it, half on it.
fn under(gap: f64) -> f64 {
    if gap < 0.0 {
        1.0
    } else if gap == 0.0 {
        0.5
    } else {
        0.0
    }
}

fn place(quantile: f64) -> Option<usize> {
    SCORED_QUANTILES.iter().position(|q| *q == quantile)
}

/// Sum of the first numbers over that of the second, over the rows that have them.
fn ratio(rows: &[PoolRow], times: &[u32], figures: impl Fn(&PoolRow) -> Option<(f64, f64)>) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0.0);
    for row in rows {
        if let Some((part, whole)) = figures(row) {
            let weight = f64::from(times[row.pool]);
            sum += weight * part;
            all += weight * whole;
        }
    }
    (all > 0.0).then(|| sum / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_peaks_are_placed_among_the_quantiles() {
        // Two days; 101 futures of 0 to 100 and of 100 to 200 per cent, in one order.
        let values = (0..=100).flat_map(|path| [f64::from(path), f64::from(path) + 100.0]).collect();
        let total = Paths::new(2, values).unwrap();
        let two = |p, came| Some(Sure { p, came });
        let rows = [
            PoolRow::new(0, &total, &[20.0, 192.0], two(0.25, true)).unwrap(),
            PoolRow::new(1, &total, &[f64::NAN, 150.0], None).unwrap(),
        ];
        assert_eq!(PoolRow::under(&rows, &[1, 1], 0.25), Some(1.0 / 3.0));
        assert_eq!(PoolRow::under(&rows, &[1, 1], 0.5), Some(1.5 / 3.0));
        assert_eq!(PoolRow::under(&rows, &[1, 0], 0.95), Some(1.0));
        assert_eq!(PoolRow::peak_under(&rows, &[1, 1], 0.9), Some(0.0));
        assert_eq!(PoolRow::peak_under(&rows, &[0, 1], 0.9), None);
        assert_eq!(PoolRow::two_over_brier(&rows, &[1, 1]), Some(0.75 * 0.75));
        assert_eq!(PoolRow::under(&rows, &[1, 1], 0.33), None);
        // Of day two of the second row alone: the losses of 150 among quantiles 105, 110, 125, 150, ...
        let loss = 2.0 * (0.05 * 45.0 + 0.1 * 40.0 + 0.25 * 25.0) / 7.0;
        assert!((PoolRow::quantile_loss(&rows[1..], &[0, 1]).unwrap() - loss).abs() < 1e-9);
        assert_eq!(PoolRow::new(0, &total, &[f64::NAN; 2], None), None);
    }
}
