//! What kind of risk is it? One class, with the days that prove it.

use crate::{Seen, seen::is_quarter_end_window};
use fleetcast_core::{Calendar, RiskClass, Weekday};
use jiff::ToSpan;
use jiff::civil::Date;

/// The kind of a risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// Its name.
    pub class: RiskClass,
    /// Days that prove it, at most a dozen, ascending: where a growth begins, else the highest days.
    pub evidence: Vec<Date>,
    /// Why, in a phrase.
    pub reason: String,
}

/// Share of days that makes a rule.
const MOST: f64 = 0.8;
/// Expected days that the rule looks at, at least.
const YEAR: usize = 365;
/// Days that growth must last, because every window of the calendar is shorter.
const LASTING: usize = 30;
/// Weeks in which one weekday must be over, because a single day always lies on some weekday.
const REPEATED_WEEKS: usize = 3;
const MOST_EVIDENCE: usize = 12;

/// Tells when a series will be over `limit`, from its `expected` daily P95 of the next 365 days or more,
/// the first of which is `first`.
///
/// `always` when over on at least 80 % of days; else `growth` when over on at least 80 % of the days from
/// some date on and on none before it; else the window that recurs least often and holds at least 80 % of
/// the days over: year-end (20 December to 10 January), quarter-end (ten days either side), month-end (the
/// last three and first two days), weekday; else `irregular`; `none` when no day is over.
///
/// Three cases the rule leaves open. A load that is over on working days only is judged on working days.
/// A growth of less than 30 days at the end of the year ahead gives way to a window that explains it. One
/// weekday must be over in three weeks.
///
/// `unknown` when `seen` shows that the history knows no year-end or only one quarter-end (a load that is
/// always over needs neither), or less than a year for a growth; the reason says what is missing.
pub fn classify(expected: &[f64], first: Date, limit: f64, seen: &Seen, calendar: &Calendar) -> Classification {
    if expected.len() < YEAR {
        let reason = seen.missing().unwrap_or(format!("only {} of the next 365 days are expected", expected.len()));
        return Classification::unknown(reason);
    }
    let year = Expected::new(expected, first, limit, calendar);
    let found = year.classification();
    if found.class == RiskClass::Always {
        return found;
    }
    if let Some(missing) = seen.missing() {
        return Classification::unknown(missing);
    }
    if found.class == RiskClass::Growth && seen.span_days < YEAR {
        let more = YEAR - seen.span_days;
        return Classification::unknown(format!("needs {more} more days of history to tell growth from season"));
    }
    found
}

impl Classification {
    /// A risk whose kind cannot be told, and why.
    pub(crate) fn unknown(reason: String) -> Self {
        Self { class: RiskClass::Unknown, evidence: Vec::new(), reason }
    }
}

/// The days ahead and which of them are over.
struct Expected<'a> {
    values: &'a [f64],
    limit: f64,
    dates: Vec<Date>,
    over: Vec<usize>,
    calendar: &'a Calendar,
}

impl<'a> Expected<'a> {
    fn new(values: &'a [f64], first: Date, limit: f64, calendar: &'a Calendar) -> Self {
        let dates = (0i64..).zip(values).map(|(day, _)| first.saturating_add(day.days())).collect();
        let over = (0..values.len()).filter(|&day| values[day] >= limit).collect();
        Self { values, limit, dates, over, calendar }
    }

    fn classification(&self) -> Classification {
        let Some(&start) = self.over.first() else { return self.none() };
        if self.share_from(0) >= MOST {
            return self.always();
        }
        let grows = self.share_from(start) >= MOST;
        if grows && self.values.len() - start >= LASTING {
            return self.growth(start);
        }
        if let Some(window) = self.window() {
            return window;
        }
        if grows { self.growth(start) } else { self.irregular() }
    }

    /// Share of the days from `start` on that are over, working days alone when only they ever are.
    fn share_from(&self, start: usize) -> f64 {
        let working_only = self.over.iter().all(|&day| self.is_working(day));
        let counts = |day: &usize| !working_only || self.is_working(*day);
        let days = (start..self.values.len()).filter(counts).count();
        self.over.iter().filter(|&&day| day >= start).count() as f64 / days.max(1) as f64
    }

    fn is_working(&self, day: usize) -> bool {
        !matches!(self.calendar.day_class(self.dates[day]), Weekday::Saturday | Weekday::Sunday)
    }

    /// The window that recurs least often and holds most of the days over.
    fn window(&self) -> Option<Classification> {
        let calendar = self.calendar;
        let year_end = |date: Date| calendar.is_year_end(date);
        self.held_by(RiskClass::YearEnd, "between 20 December and 10 January", year_end)
            .or_else(|| {
                let near = |date| is_quarter_end_window(calendar, date);
                self.held_by(RiskClass::QuarterEnd, "within ten days of a quarter's end", near)
            })
            .or_else(|| {
                let turn = |date| calendar.is_month_end(date);
                self.held_by(RiskClass::MonthEnd, "in the last three or first two days of a month", turn)
            })
            .or_else(|| self.weekday())
    }

    fn weekday(&self) -> Option<Classification> {
        Weekday::Monday.cycle_forward().take(7).find_map(|weekday| {
            let on_it = |date: Date| date.weekday() == weekday;
            let weeks = self.over.iter().filter(|&&day| on_it(self.dates[day])).count();
            let place = format!("on a {weekday:?}");
            if weeks >= REPEATED_WEEKS { self.held_by(RiskClass::Weekday, &place, on_it) } else { None }
        })
    }

    fn held_by(&self, class: RiskClass, place: &str, holds: impl Fn(Date) -> bool) -> Option<Classification> {
        let held: Vec<usize> = self.over.iter().copied().filter(|&day| holds(self.dates[day])).collect();
        if (held.len() as f64) < MOST * self.over.len() as f64 {
            return None;
        }
        let reason = format!("{} of {} {place}; {}", held.len(), days_over(self.over.len()), self.highest());
        Some(Classification { class, evidence: self.highest_of(held), reason })
    }

    fn none(&self) -> Classification {
        Classification { class: RiskClass::None, evidence: Vec::new(), reason: self.highest() }
    }

    fn always(&self) -> Classification {
        let reason = format!("over on {} of {} expected days; {}", self.over.len(), self.values.len(), self.highest());
        Classification { class: RiskClass::Always, evidence: self.highest_of(self.over.clone()), reason }
    }

    fn growth(&self, start: usize) -> Classification {
        let evidence = self.over.iter().take(MOST_EVIDENCE).map(|&day| self.dates[day]).collect();
        let days = self.values.len() - start;
        let from = self.dates[start];
        let reason = format!("expected over from {from} on ({} of {days} days) and never before", self.over.len());
        Classification { class: RiskClass::Growth, evidence, reason }
    }

    fn irregular(&self) -> Classification {
        let quarter = self.quarter().map(|months| format!(", most in {months}")).unwrap_or_default();
        let days = days_over(self.over.len());
        let reason = format!("{days} without a pattern of the calendar{quarter}; {}", self.highest());
        Classification { class: RiskClass::Irregular, evidence: self.highest_of(self.over.clone()), reason }
    }

    /// Months of the quarter of the year that holds most of several days over.
    fn quarter(&self) -> Option<&'static str> {
        let held = |quarter: i8| self.over.iter().filter(|&&day| (self.dates[day].month() - 1) / 3 == quarter).count();
        let names = ["January to March", "April to June", "July to September", "October to December"];
        let most = |quarter: i8| held(quarter) as f64 >= MOST * self.over.len() as f64;
        (0..4).zip(names).find(|(quarter, _)| self.over.len() >= REPEATED_WEEKS && most(*quarter)).map(|(_, name)| name)
    }

    /// The highest of some days, ascending by date.
    fn highest_of(&self, mut days: Vec<usize>) -> Vec<Date> {
        days.sort_by(|&a, &b| self.values[b].total_cmp(&self.values[a]).then(a.cmp(&b)));
        days.truncate(MOST_EVIDENCE);
        days.sort_unstable();
        days.into_iter().map(|day| self.dates[day]).collect()
    }

    /// The highest expected day, as a phrase.
    fn highest(&self) -> String {
        let higher = |a: &&usize, b: &&usize| self.values[**a].total_cmp(&self.values[**b]).then(b.cmp(a));
        let days: Vec<usize> = (0..self.values.len()).filter(|&day| !self.values[day].is_nan()).collect();
        let Some(&day) = days.iter().max_by(higher) else { return "nothing is expected".to_owned() };
        let distance = (self.values[day] / self.limit - 1.0) * 100.0;
        let side = if distance >= 0.0 { "over" } else { "under" };
        format!("the highest expected day, {}, is {:.1} % {side} the limit", self.dates[day], distance.abs())
    }
}

fn days_over(count: usize) -> String {
    if count == 1 { "1 day over".to_owned() } else { format!("{count} days over") }
}
