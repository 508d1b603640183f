//! Cost at a given share of bad days: every method with its own headroom tuned on earlier origins and judged on
//! later ones, so that no method is ahead because it happens to be set for the price of a bad day.

/// What a choice cost and how many bad days came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Number of its server, for resampling.
    pub server: usize,
    /// Whether its origin is one of the earlier ones, which headroom is tuned on.
    pub is_earlier: bool,
    /// Price and the move, in USD per day.
    pub cost_usd_per_day: f64,
    /// Days that came.
    pub days: f64,
    /// Bad days among them.
    pub bad_days: f64,
}

/// The choices of one method at each of its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    /// By setting, each with a row per server and origin.
    pub settings: Vec<Vec<Rung>>,
}

impl Ladder {
    /// The cheapest setting whose share of bad days on the origins of `is_earlier` is at most `share`; `None` when
    /// no setting is that careful.
    pub fn tuned(&self, share: f64, is_earlier: bool) -> Option<usize> {
        let careful = |rows: &[Rung]| bad_day_rate(rows, is_earlier, |_| 1.0).is_some_and(|rate| rate <= share);
        let cost = |at: usize| cost(&self.settings[at], is_earlier, |_| 1.0).unwrap_or(f64::INFINITY);
        let settings = (0..self.settings.len()).filter(|&at| careful(&self.settings[at]));
        settings.min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
    }

    /// Mean cost of a setting on the later origins, in USD per server and day, each row counted as often as its
    /// server was drawn.
    pub fn cost_usd_per_day(&self, setting: usize, times: &[u32]) -> Option<f64> {
        cost(&self.settings[setting], false, |row| f64::from(times[row.server]))
    }

    /// Share of bad days of a setting on the later origins.
    pub fn bad_day_rate(&self, setting: usize, times: &[u32]) -> Option<f64> {
        bad_day_rate(&self.settings[setting], false, |row| f64::from(times[row.server]))
    }
}

fn cost(rows: &[Rung], is_earlier: bool, weight: impl Fn(&Rung) -> f64) -> Option<f64> {
    ratio(rows, is_earlier, weight, |row| (row.cost_usd_per_day, 1.0))
}

fn bad_day_rate(rows: &[Rung], is_earlier: bool, weight: impl Fn(&Rung) -> f64) -> Option<f64> {
    ratio(rows, is_earlier, weight, |row| (row.bad_days, row.days))
}

/// Ratio of two sums over the rows of some origins; `None` without any.
fn ratio(
    rows: &[Rung],
    is_earlier: bool,
    weight: impl Fn(&Rung) -> f64,
    parts: impl Fn(&Rung) -> (f64, f64),
) -> Option<f64> {
    let (mut top, mut bottom) = (0.0, 0.0);
    for row in rows.iter().filter(|row| row.is_earlier == is_earlier) {
        let (above, below) = parts(row);
        top += weight(row) * above;
        bottom += weight(row) * below;
    }
    (bottom > 0.0).then(|| top / bottom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(server: usize, is_earlier: bool, cost: f64, bad_days: f64) -> Rung {
        Rung { server, is_earlier, cost_usd_per_day: cost, days: 100.0, bad_days }
    }

    #[test]
    fn headroom_is_tuned_on_earlier_origins_and_judged_on_later_ones() {
        let small = vec![rung(0, true, 1.0, 3.0), rung(1, true, 1.0, 3.0), rung(0, false, 1.0, 0.0)];
        let medium =
            vec![rung(0, true, 2.0, 0.0), rung(1, true, 2.0, 2.0), rung(0, false, 2.0, 9.0), rung(1, false, 4.0, 1.0)];
        let large = vec![rung(0, true, 9.0, 0.0), rung(1, true, 9.0, 0.0), rung(0, false, 9.0, 0.0)];
        let ladder = Ladder { settings: vec![small, medium, large] };
        assert_eq!(ladder.tuned(0.01, true), Some(1), "the cheapest of those that are careful enough");
        assert_eq!((ladder.tuned(0.03, true), ladder.tuned(0.005, true)), (Some(0), Some(2)));
        assert_eq!(ladder.tuned(-1.0, true), None);
        assert_eq!(ladder.tuned(0.01, false), Some(0), "foresight tunes on what it is judged by");
        assert_eq!(ladder.cost_usd_per_day(1, &[1, 1]), Some(3.0));
        assert_eq!(ladder.cost_usd_per_day(1, &[0, 2]), Some(4.0));
        assert_eq!(ladder.bad_day_rate(1, &[1, 1]), Some(0.05));
        assert_eq!(ladder.bad_day_rate(2, &[0, 1]), None);
    }
}
