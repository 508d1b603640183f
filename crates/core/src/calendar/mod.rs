//! Days that matter to capacity: quarter ends, month ends, holidays, events of the user's own.

mod holidays;

use crate::{Error, Result, error::nearest};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeSet;

pub use jiff::civil::Weekday;

/// A list of bank holidays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolidaySet {
    /// United States: days on which the Federal Reserve Banks are closed.
    Us,
    /// United Kingdom: bank holidays of England and Wales.
    Uk,
    /// Euro area: closing days of TARGET.
    Target,
}

impl HolidaySet {
    /// The set called `us`, `uk` or `target`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "us" => Ok(Self::Us),
            "uk" => Ok(Self::Uk),
            "target" => Ok(Self::Target),
            _ => Err(Error::UnknownName {
                kind: "holidays".to_owned(),
                found: name.to_owned(),
                nearest: nearest(name, ["us", "uk", "target"]).to_owned(),
                known: "us, uk, target".to_owned(),
            }),
        }
    }

    /// Its holidays in `year`, ascending.
    pub fn in_year(self, year: i16) -> Vec<Date> {
        let mut days = match self {
            Self::Us => holidays::us(year),
            Self::Uk => holidays::uk(year),
            Self::Target => holidays::target(year),
        };
        days.sort_unstable();
        days
    }
}

/// A named day or run of days that the user knows to be different: a campaign, an audit, a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    /// Its name; events of one name are taken to have one effect.
    pub name: String,
    /// First day.
    pub start: Date,
    /// Last day.
    pub end: Date,
}

/// Which days are special, for a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    fiscal_year_start: i8,
    sets: Vec<HolidaySet>,
    holidays: BTreeSet<Date>,
    events: Vec<UserEvent>,
}

/// Years for which holidays are listed.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2060;

impl Calendar {
    /// A calendar whose fiscal year begins on the first of month `fiscal_year_start` (1 for January).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a month that is none, or an event that ends before it starts.
    pub fn new(fiscal_year_start: i8, sets: &[HolidaySet], events: Vec<UserEvent>) -> Result<Self> {
        if !(1..=12).contains(&fiscal_year_start) {
            return Err(Error::OutOfRange {
                what: "fiscal_year_start".to_owned(),
                found: fiscal_year_start.to_string(),
                allowed: "a month from 1 to 12".to_owned(),
            });
        }
        if let Some(event) = events.iter().find(|event| event.end < event.start) {
            return Err(Error::OutOfRange {
                what: format!("end of event {}", event.name),
                found: event.end.to_string(),
                allowed: format!("on or after its start, {}", event.start),
            });
        }
        let mut sets = sets.to_vec();
        sets.sort_unstable();
        sets.dedup();
        let days = sets.iter().flat_map(|set| YEARS.flat_map(|year| set.in_year(year)));
        let holidays = days.collect();
        Ok(Self { fiscal_year_start, sets, holidays, events })
    }

    /// Calendar quarters and the holidays of the United States.
    pub fn us() -> Self {
        // The first month and an empty list of events break no rule.
        Self::new(1, &[HolidaySet::Us], Vec::new()).expect("January is a month")
    }

    /// Whether the banks of one of its countries are closed on a weekday for a holiday.
    pub fn is_holiday(&self, date: Date) -> bool {
        self.holidays.contains(&date)
    }

    /// Weekday as load sees it: a holiday counts as a Sunday.
    pub fn day_class(&self, date: Date) -> Weekday {
        if self.is_holiday(date) { Weekday::Sunday } else { date.weekday() }
    }

    /// The holiday lists it was made from.
    pub fn holiday_sets(&self) -> &[HolidaySet] {
        &self.sets
    }

    /// Events the user named.
    pub fn events(&self) -> &[UserEvent] {
        &self.events
    }

    /// First month of the fiscal year.
    pub fn fiscal_year_start(&self) -> i8 {
        self.fiscal_year_start
    }

    /// Whether `date` is the last day of a fiscal quarter.
    pub fn is_quarter_end(&self, date: Date) -> bool {
        date == date.last_of_month() && (date.month() - self.fiscal_year_start + 1).rem_euclid(3) == 0
    }

    /// The first quarter end on or after `date`.
    pub fn next_quarter_end(&self, date: Date) -> Date {
        let months = (self.fiscal_year_start - 1 - date.month()).rem_euclid(3);
        let month = date.first_of_month().saturating_add(i32::from(months).months());
        month.last_of_month()
    }

    /// The last quarter end before `date`.
    pub fn previous_quarter_end(&self, date: Date) -> Date {
        let start = self.next_quarter_end(date).first_of_month().saturating_sub(3.months());
        start.last_of_month()
    }

    /// Days until the next quarter end, 0 on it.
    pub fn days_to_next_quarter_end(&self, date: Date) -> i32 {
        days_between(date, self.next_quarter_end(date))
    }

    /// Days to the nearest quarter end on either side, 0 on it.
    pub fn days_to_nearest_quarter_end(&self, date: Date) -> i32 {
        let since = days_between(self.previous_quarter_end(date), date);
        since.min(self.days_to_next_quarter_end(date))
    }

    /// Fiscal quarter, 1 to 4.
    pub fn quarter_number(&self, date: Date) -> i8 {
        (date.month() - self.fiscal_year_start).rem_euclid(12) / 3 + 1
    }

    /// Whether `date` is one of the last three or first two days of a month.
    pub fn is_month_end(&self, date: Date) -> bool {
        date.day() <= 2 || date.day() > date.days_in_month() - 3
    }

    /// Whether `date` is around the turn of the calendar year, 20 December to 10 January.
    pub fn is_year_end(&self, date: Date) -> bool {
        (date.month() == 12 && date.day() >= 20) || (date.month() == 1 && date.day() <= 10)
    }
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
fn days_between(from: Date, to: Date) -> i32 {
    (to.duration_since(from).as_hours() / 24) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn quarters_follow_the_fiscal_year() {
        let plain = Calendar::us();
        assert_eq!(plain.next_quarter_end(date(2024, 2, 1)), date(2024, 3, 31));
        assert_eq!(plain.days_to_nearest_quarter_end(date(2025, 1, 4)), 4);
        assert_eq!(plain.quarter_number(date(2024, 12, 31)), 4);
        let february = Calendar::new(2, &[], Vec::new()).unwrap();
        assert_eq!(february.next_quarter_end(date(2023, 12, 5)), date(2024, 1, 31));
        assert_eq!(february.quarter_number(date(2024, 1, 31)), 4);
        assert!(february.is_quarter_end(date(2024, 4, 30)) && !february.is_quarter_end(date(2024, 3, 31)));
    }

    #[test]
    fn every_day_lies_between_two_quarter_ends() {
        for start in 1..=12 {
            let calendar = Calendar::new(start, &[], Vec::new()).unwrap();
            let mut day = date(2023, 1, 1);
            while day < date(2025, 1, 1) {
                let (before, after) = (calendar.previous_quarter_end(day), calendar.next_quarter_end(day));
                assert!(before < day && day <= after, "{before} {day} {after}");
                assert!(calendar.is_quarter_end(before) && calendar.is_quarter_end(after));
                assert_eq!(calendar.is_quarter_end(day), calendar.days_to_next_quarter_end(day) == 0);
                assert!((89..=92).contains(&days_between(before, after)), "{before} {after}");
                day = day.tomorrow().unwrap();
            }
        }
    }

    #[test]
    fn impossible_calendars_are_refused() {
        assert!(Calendar::new(13, &[], Vec::new()).is_err());
        let event = UserEvent { name: "audit".into(), start: date(2024, 2, 2), end: date(2024, 2, 1) };
        let error = Calendar::new(1, &[], vec![event]).unwrap_err().to_string();
        assert!(error.contains("end of event audit"), "{error}");
        assert!(HolidaySet::named("uss").is_err());
    }
}
