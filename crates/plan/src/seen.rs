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
        let days: Vec<(usize, Date)> = (history.values().iter().enumerate())
            .filter(|(_, value)| !value.is_nan())
            .map(|(step, _)| (step, history.timeline().date(step)))
            .collect();
        let (Some(&(first, start)), Some(&(last, end))) = (days.first(), days.last()) else {
            return Self { span_days: 0, dates: None, quarter_ends: 0, year_ends: 0 };
        };
        let dates = || days.iter().map(|&(_, date)| date);
        let near_quarter_end = |date: &Date| is_quarter_end_window(calendar, *date);
        // Two runs of such days are apart by weeks, so the next quarter end after ten days back names each.
        let quarter = |date: Date| calendar.next_quarter_end(days_before(date, QUARTER_REACH));
        let year = |date: Date| if date.month() == 1 { date.year() } else { date.year() + 1 };
        Self {
            span_days: last - first + 1,
            dates: Some((start, end)),
            quarter_ends: runs(dates().filter(near_quarter_end).map(quarter)),
            year_ends: runs(dates().filter(|date| calendar.is_year_end(*date)).map(year)),
        }
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

fn days_before(date: Date, days: i32) -> Date {
    date.saturating_sub(jiff::Span::new().days(days))
}

/// Runs of equal keys that are long enough to count as seen.
fn runs<K: PartialEq>(keys: impl Iterator<Item = K>) -> usize {
    let (mut seen, mut current, mut length) = (0, None, 0usize);
    for key in keys {
        if current.as_ref() != Some(&key) {
            (current, length) = (Some(key), 0);
        }
        length += 1;
        seen += usize::from(length == ENOUGH);
    }
    seen
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
