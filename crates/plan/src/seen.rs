//! What a history has seen of the calendar: nobody can tell a year-end risk from four weeks of data.

use fleetcast_core::{Calendar, History};
use jiff::civil::Date;

/// Ends of periods within a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Days from the first to the last observation, both included.
    pub span_days: usize,
    /// First and last day with an observation.
    pub dates: Option<(Date, Date)>,
    /// Quarter ends of which most of the 21 days around were observed.
    pub quarter_ends: usize,
    /// Turns of the year (20 December to 10 January) of which half the days were observed.
    pub year_ends: usize,
}

/// Days on either side of a quarter's end that belong to it.
const QUARTER_REACH: i32 = 10;
/// Observed days that make the end of a period a seen one: most of a quarter's 21, half of a year's 22.
const ENOUGH: usize = 11;

impl Seen {
    /// What `history`, at day step, has seen.
    pub fn of(history: &History, calendar: &Calendar) -> Self {
        let values = history.values();
        let observed = |step: &usize| !values[*step].is_nan();
        let (Some(first), Some(last)) = ((0..values.len()).find(observed), (0..values.len()).rfind(observed)) else {
            return Self { span_days: 0, dates: None, quarter_ends: 0, year_ends: 0 };
        };
        let (start, end) = (history.timeline().date(first), history.timeline().date(last));
        // Whether most of the days from `from` to `to` were observed.
        let is_seen = |from: Date, to: Date| {
            let step = |date: Date| first as i64 + (date.duration_since(start).as_hours() / 24);
            let days = step(from).max(0) as usize..(step(to) + 1).clamp(0, values.len() as i64) as usize;
            days.filter(observed).count() >= ENOUGH
        };
        let mut quarter_ends = 0;
        let mut quarter = calendar.next_quarter_end(days_after(start, -QUARTER_REACH));
        while days_after(quarter, -QUARTER_REACH) <= end {
            let window = (days_after(quarter, -QUARTER_REACH), days_after(quarter, QUARTER_REACH));
            quarter_ends += usize::from(is_seen(window.0, window.1));
            let next = calendar.next_quarter_end(days_after(quarter, 1));
            // The last day that can be written has no next one.
            if next <= quarter {
                break;
            }
            quarter = next;
        }
        let turns = (start.year() - 1..=end.year()).filter_map(|year| Date::new(year, 12, 20).ok());
        let year_ends = turns.filter(|&turn| is_seen(turn, days_after(turn, 21))).count();
        Self { span_days: last - first + 1, dates: Some((start, end)), quarter_ends, year_ends }
    }

    /// All that a history can see: for truths, which need no history.
    pub fn everything() -> Self {
        Self { span_days: usize::MAX, dates: None, quarter_ends: usize::MAX, year_ends: usize::MAX }
    }

    /// What is missing before the kind of a risk can be told, as a phrase; `None` when nothing is.
    ///
    /// One turn of the year must have been seen, and two quarter ends, so that one of them is not also
    /// the turn of the year.
    pub fn missing(&self) -> Option<String> {
        let quarters = match self.quarter_ends {
            0 => Some("two quarter-ends"),
            1 => Some("one more quarter-end"),
            _ => None,
        };
        let year = (self.year_ends == 0).then_some("one year-end");
        let needs: Vec<&str> = year.into_iter().chain(quarters).collect();
        if needs.is_empty() {
            return None;
        }
        let history = match self.dates {
            None => "nothing was observed".to_owned(),
            Some((start, end)) => format!("the history spans {} days, {start} to {end}", self.span_days),
        };
        Some(format!("needs {}: {history}", needs.join(" and ")))
    }
}

/// Whether `date` is within ten days of a quarter's end.
pub(crate) fn is_quarter_end_window(calendar: &Calendar, date: Date) -> bool {
    calendar.days_to_nearest_quarter_end(date) <= QUARTER_REACH
}

fn days_after(date: Date, days: i32) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, SeriesId, Timeline};
    use jiff::civil::date;
    use std::sync::Arc;

    fn seen(first: Date, values: Vec<f64>) -> Seen {
        let id = SeriesId::new("web-1", "cpu");
        let history = History::new(id, Arc::new(Metric::named("cpu")), Timeline::daily(first), values).unwrap();
        Seen::of(&history, &Calendar::us())
    }

    #[test]
    fn three_years_have_seen_everything_and_four_weeks_nothing() {
        let years = seen(date(2022, 1, 1), vec![50.0; 1095]);
        // The first ten days and the last ten are each less than half of a quarter's end.
        assert_eq!((years.span_days, years.quarter_ends, years.year_ends), (1095, 11, 3));
        assert_eq!(years.missing(), None);
        let weeks = seen(date(2024, 2, 1), vec![50.0; 28]);
        let reason = weeks.missing().unwrap();
        let expected = "needs one year-end and two quarter-ends: the history spans 28 days, 2024-02-01 to 2024-02-28";
        assert_eq!(reason, expected);
    }

    #[test]
    fn a_gap_at_the_end_of_a_quarter_hides_it() {
        let mut values = vec![50.0; 160];
        assert_eq!(seen(date(2023, 11, 1), values.clone()).quarter_ends, 2);
        values[141..].fill(f64::NAN);
        let one = seen(date(2023, 11, 1), values);
        assert_eq!((one.quarter_ends, one.year_ends), (1, 1));
        assert!(one.missing().unwrap().starts_with("needs one more quarter-end: "));
        assert_eq!(
            seen(date(2023, 11, 1), vec![f64::NAN; 9]).missing().unwrap().split(": ").nth(1),
            Some("nothing was observed")
        );
    }
}
