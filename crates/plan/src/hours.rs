//! In which hours of the day is a load over its limit, and when is there room to do something about it?

use crate::series::SeriesOutlook;
use crate::year::year_ahead;
use fleetcast_core::{Calendar, Risk, RiskState};
use fleetcast_numeric::quantile;

/// Hours of a day.
pub const HOURS: usize = 24;

/// Hours of a window for work on a machine.
const WINDOW: usize = 4;
/// The first hour of the day and the first of the night.
const DAY: std::ops::Range<usize> = 7..19;
/// Days whose hours must be known.
const FEWEST_DAYS: usize = 3;

/// The shape of a series' high days.
#[derive(Clone, Debug, PartialEq)]
pub struct HighDay {
    /// Load of each local hour as a multiple of the day's P95, the median over the days; NaN where not known.
    shape: [f64; HOURS],
}

impl HighDay {
    /// The shape of days from their hours, local time, with the P95 of each; `None` with fewer than three days.
    pub fn new(days: &[([f64; HOURS], f64)]) -> Option<Self> {
        let known: Vec<&([f64; HOURS], f64)> = days.iter().filter(|(_, p95)| *p95 > 0.0).collect();
        if known.len() < FEWEST_DAYS {
            return None;
        }
        let shape = std::array::from_fn(|hour| {
            let shares: Vec<f64> = known.iter().map(|(hours, p95)| hours[hour] / p95).collect();
            quantile(&shares, 0.5).unwrap_or(f64::NAN)
        });
        Some(Self { shape })
    }

    /// Hours of a day whose P95 is `p95` in which the load is at or over `limit`: "10-14" for 10:00 to 14:00, several
    /// with a comma between; `None` when no hour's mean is.
    pub fn over(&self, p95: f64, limit: f64) -> Option<String> {
        let is_over: Vec<bool> = self.shape.iter().map(|share| share * p95 >= limit).collect();
        if is_over.iter().all(|over| *over) {
            return Some("0-24".to_owned());
        }
        // A run over midnight is one: begin behind an hour that is not over.
        let start = is_over.iter().position(|over| !over)?;
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for hour in (start..start + HOURS).filter(|hour| is_over[hour % HOURS]) {
            match runs.last_mut().filter(|(_, end)| *end == hour) {
                Some((_, end)) => *end = hour + 1,
                None => runs.push((hour, hour + 1)),
            }
        }
        runs.sort_unstable_by_key(|(from, _)| from % HOURS);
        let text = |(from, end): &(usize, usize)| format!("{}-{}", from % HOURS, (end - 1) % HOURS + 1);
        (!runs.is_empty()).then(|| runs.iter().map(text).collect::<Vec<_>>().join(", "))
    }

    /// The four hours with the least load: "1-5 (night)"; `None` where an hour is not known.
    pub fn quiet(&self) -> Option<String> {
        if self.shape.iter().any(|share| share.is_nan()) {
            return None;
        }
        let load = |from: usize| (from..from + WINDOW).map(|hour| self.shape[hour % HOURS]).sum::<f64>();
        let from = (0..HOURS).min_by(|a, b| load(*a).total_cmp(&load(*b)))?;
        let part = if DAY.contains(&from) && DAY.contains(&(from + WINDOW - 1)) { "day" } else { "night" };
        Some(format!("{from}-{} ({part})", (from + WINDOW - 1) % HOURS + 1))
    }
}

/// Says of the risks of one series in which hours it will be over, and when work on the machine disturbs least.
///
/// The hours are those of a middling one among the days that are expected to be over within a year; of risks that are
/// not expected to be over on any day nothing is said.
pub fn tell_hours(risks: &mut [Risk], series: &SeriesOutlook, calendar: &Calendar, day: &HighDay) {
    let ahead = year_ahead(series, calendar);
    for risk in risks.iter_mut().filter(|risk| risk.state != RiskState::Unknown) {
        let Some(limit) = series.limit(risk.threshold) else { continue };
        let over: Vec<f64> = ahead.iter().copied().filter(|value| *value >= limit).collect();
        let Some(hours) = quantile(&over, 0.5).and_then(|p95| day.over(p95, limit)) else { continue };
        let quiet = day.quiet().map(|quiet| format!(", most room at {quiet}")).unwrap_or_default();
        risk.reason.push_str(&format!("; over at {hours} local time{quiet}"));
        risk.hours = Some(hours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Days with a plateau from `from` to `end`, and a quiet rest.
    fn plateau(from: usize, end: usize) -> HighDay {
        let hours = std::array::from_fn(|hour| if (from..end).contains(&hour) { 92.0 } else { 40.0 + hour as f64 });
        HighDay::new(&[(hours, 92.0); 3]).unwrap()
    }

    #[test]
    fn business_hours_that_are_over_are_named_and_nights_left_for_work() {
        let day = plateau(10, 14);
        assert_eq!(day.over(92.0, 90.0).as_deref(), Some("10-14"));
        // On a quieter day no hour is over, on a terrible one all are.
        assert_eq!(day.over(80.0, 90.0), None);
        assert_eq!(day.over(300.0, 90.0).as_deref(), Some("0-24"));
        assert_eq!(day.quiet().as_deref(), Some("0-4 (night)"));
        let nightly =
            HighDay::new(&[(std::array::from_fn(|hour| if (9..17).contains(&hour) { 5.0 } else { 90.0 }), 90.0); 3]);
        assert_eq!(nightly.unwrap().quiet().as_deref(), Some("9-13 (day)"));
    }

    #[test]
    fn a_run_over_midnight_is_one_and_two_runs_are_two() {
        let hours = |over: &[usize]| std::array::from_fn(|hour| if over.contains(&hour) { 90.0 } else { 10.0 });
        let day = |over: &[usize]| HighDay::new(&[(hours(over), 90.0); 3]).unwrap().over(90.0, 80.0).unwrap();
        assert_eq!(day(&[22, 23, 0, 1]), "22-2");
        assert_eq!(day(&[23]), "23-24");
        assert_eq!(day(&[9, 10, 15]), "9-11, 15-16");
        assert_eq!(day(&[0, 1, 23, 12]), "12-13, 23-2");
    }

    #[test]
    fn too_few_days_and_hours_that_nobody_saw_say_nothing() {
        assert_eq!(HighDay::new(&[([50.0; HOURS], 50.0); 2]), None);
        assert_eq!(HighDay::new(&[([50.0; HOURS], 0.0); 9]), None);
        let mut hours = [90.0; HOURS];
        hours[3] = f64::NAN;
        let day = HighDay::new(&[(hours, 90.0); 3]).unwrap();
        assert_eq!((day.over(90.0, 80.0).as_deref(), day.quiet()), (Some("4-3"), None));
    }

    proptest! {
        #[test]
        fn the_hours_named_are_those_over(over in prop::collection::vec(any::<bool>(), HOURS)) {
            let hours = std::array::from_fn(|hour| if over[hour] { 90.0 } else { 10.0 });
            let found = HighDay::new(&[(hours, 90.0); 3]).unwrap().over(90.0, 80.0);
            let mut named = vec![false; HOURS];
            for run in found.iter().flat_map(|text| text.split(", ")) {
                let (from, end) = run.split_once('-').unwrap();
                let (from, end): (usize, usize) = (from.parse().unwrap(), end.parse().unwrap());
                let end = if end <= from { end + HOURS } else { end };
                (from..end).for_each(|hour| named[hour % HOURS] = true);
            }
            prop_assert_eq!(named, over);
        }
    }
}
