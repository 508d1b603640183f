//! Days of the calendar marked once for all series that share them.

use crate::seen::is_quarter_end_window;
use fleetcast_core::{Calendar, History, Step, Weekday};
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a day is, to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) is_working: bool,
    pub(crate) is_year_end: bool,
    pub(crate) is_quarter_end: bool,
    pub(crate) is_month_end: bool,
}

/// The days of histories; those that begin on one day and are equally long share them.
#[derive(Debug)]
pub(crate) struct Days<'a> {
    calendar: &'a Calendar,
    known: BTreeMap<(Date, usize), Arc<[Day]>>,
}

impl<'a> Days<'a> {
    pub(crate) fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, known: BTreeMap::new() }
    }

    /// The calendar they are marked by.
    pub(crate) fn calendar(&self) -> &'a Calendar {
        self.calendar
    }

    /// The days of a history; `None` when its steps are no days of a calendar.
    pub(crate) fn of(&mut self, history: &History) -> Option<Arc<[Day]>> {
        let timeline = history.timeline();
        if timeline.step() != Step::DAY || !timeline.has_calendar() {
            return None;
        }
        let calendar = self.calendar;
        let mark = |date: Date| Day {
            is_working: !matches!(calendar.day_class(date), Weekday::Saturday | Weekday::Sunday),
            is_year_end: calendar.is_year_end(date),
            is_quarter_end: is_quarter_end_window(calendar, date),
            is_month_end: calendar.is_month_end(date),
        };
        let days = self.known.entry((timeline.date(0), history.len()));
        Some(Arc::clone(days.or_insert_with(|| (0..history.len()).map(|step| mark(timeline.date(step))).collect())))
    }
}
