//! What the calendar says of a date, worked out once per date.

use fleetcast_core::Calendar;
use jiff::ToSpan;
use jiff::civil::Date;
use std::sync::Arc;

/// Days around a quarter end that count as near it.
const NEAR_QUARTER_END: i32 = 10;
/// Earlier quarter ends and month ends that are looked at.
pub(super) const QUARTERS: usize = 5;
pub(super) const MONTHS: usize = 6;

/// What the calendar says of one date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DayFacts {
    /// 1 for Monday; a holiday counts as a Sunday.
    pub(super) day_of_week: f32,
    pub(super) is_holiday: bool,
    /// Whether the day before, and the day after, is a holiday.
    pub(super) holiday_beside: [bool; 2],
    pub(super) day_of_month: f32,
    /// Days to the nearest month end: 0 on it, 1 on the first of a month, -1 on the last day but one.
    pub(super) from_month_end: f32,
    pub(super) day_of_year: f32,
    pub(super) days_to_next_quarter_end: f32,
    /// Days from the nearest quarter end, negative before it.
    pub(super) from_quarter_end: f32,
    pub(super) is_near_qend: bool,
    pub(super) quarter_number: f32,
    /// Days back to the date as far from an earlier quarter end as this one is from its nearest, the latest first.
    pub(super) quarters_back: [u16; QUARTERS],
    /// The same for month ends.
    pub(super) months_back: [u16; MONTHS],
}

impl DayFacts {
    fn of(date: Date, calendar: &Calendar) -> Self {
        let (before, after) = (calendar.previous_quarter_end(date), calendar.next_quarter_end(date));
        let (since, until) = (days(before, date), days(date, after));
        let mut nearest = if since < until { before } else { after };
        let from_quarter_end = days(nearest, date);
        let anchor = nearest;
        let quarters_back = std::array::from_fn(|_| {
            nearest = calendar.previous_quarter_end(nearest);
            days(nearest, anchor) as u16
        });
        let (last_before, last_after) = (date.first_of_month().saturating_sub(1.day()), date.last_of_month());
        let mut month_end = if days(last_before, date) < days(date, last_after) { last_before } else { last_after };
        let from_month_end = days(month_end, date);
        let month_anchor = month_end;
        let months_back = std::array::from_fn(|_| {
            month_end = month_end.first_of_month().saturating_sub(1.day());
            days(month_end, month_anchor) as u16
        });
        Self {
            day_of_week: f32::from(calendar.day_class(date).to_monday_one_offset()),
            is_holiday: calendar.is_holiday(date),
            holiday_beside: [-1, 1].map(|by| calendar.is_holiday(date.saturating_add(by.days()))),
            day_of_month: f32::from(date.day()),
            from_month_end: from_month_end as f32,
            day_of_year: f32::from(date.day_of_year()),
            days_to_next_quarter_end: until as f32,
            from_quarter_end: from_quarter_end as f32,
            is_near_qend: from_quarter_end.abs() <= NEAR_QUARTER_END,
            quarter_number: f32::from(calendar.quarter_number(date)),
            quarters_back,
            months_back,
        }
    }
}

fn days(from: Date, to: Date) -> i32 {
    (to.duration_since(from).as_hours() / 24) as i32
}

/// Facts of a run of dates; those of others are worked out when asked for.
#[derive(Clone, Debug)]
pub(super) struct Days {
    first: Date,
    facts: Vec<DayFacts>,
    calendar: Arc<Calendar>,
}

impl Days {
    /// The dates from `first` to `last`.
    pub(super) fn new(first: Date, last: Date, calendar: &Arc<Calendar>) -> Self {
        // Two centuries at most: a stray date must not ask for all memory.
        let n_days = days(first, last).clamp(0, 73_000) + 1;
        let facts = (0..n_days).map(|day| DayFacts::of(first.saturating_add(day.days()), calendar)).collect();
        Self { first, facts, calendar: Arc::clone(calendar) }
    }

    /// What is known of `date`.
    pub(super) fn of(&self, date: Date) -> DayFacts {
        let known = usize::try_from(days(self.first, date)).ok().and_then(|day| self.facts.get(day).copied());
        known.unwrap_or_else(|| DayFacts::of(date, &self.calendar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_are_placed_by_the_nearest_quarter_and_month_end() {
        let calendar = Arc::new(Calendar::us());
        let days = Days::new(date(2024, 1, 1), date(2024, 12, 31), &calendar);
        let facts = days.of(date(2024, 4, 2));
        assert_eq!((facts.from_quarter_end, facts.days_to_next_quarter_end), (2.0, 89.0));
        assert_eq!((facts.from_month_end, facts.quarter_number, facts.is_near_qend), (2.0, 2.0, true));
        // 31 December 2023 is 91 days before 31 March 2024, and 29 February 31.
        assert_eq!((facts.quarters_back[0], facts.quarters_back[3], facts.months_back[0]), (91, 366, 31));
        // 4 July is a holiday, and a Thursday.
        assert_eq!((days.of(date(2024, 7, 4)).day_of_week, days.of(date(2024, 7, 4)).is_holiday), (7.0, true));
        assert_eq!(days.of(date(2024, 7, 5)).holiday_beside, [true, false]);
        assert_eq!(days.of(date(2031, 3, 31)).from_quarter_end, 0.0);
    }
}
