//! Where dates and values stand in a chart.

use crate::number::{self, days_between};
use fleetcast_core::Calendar;
use jiff::{ToSpan, civil::Date};

/// A stretch of days laid out over a chart's width, in per cent of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeAxis {
    first: Date,
    days: i64,
}

/// A mark on a time axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tick {
    /// First day of the month it stands for.
    pub(crate) date: Date,
    /// Where it stands, in per cent.
    pub(crate) x: f64,
    /// Whether it is one of the few that have room for a text on a narrow screen.
    pub(crate) is_main: bool,
}

impl Tick {
    /// The month, or in January the year.
    pub(crate) fn label(&self) -> String {
        if self.date.month() == 1 { self.date.year().to_string() } else { number::month(self.date).to_owned() }
    }
}

impl TimeAxis {
    /// `days` days from `first` on, at least one.
    pub(crate) fn new(first: Date, days: i64) -> Self {
        Self { first, days: days.max(1) }
    }

    /// Position of the start of `date` in per cent, within the axis.
    pub(crate) fn x(&self, date: Date) -> f64 {
        (100.0 * days_between(self.first, date) as f64 / self.days as f64).clamp(0.0, 100.0)
    }

    /// The first day after the axis.
    pub(crate) fn end(&self) -> Date {
        self.first.saturating_add(self.days.min(200_000).days())
    }

    /// Firsts of months, as many as there is room for: at most about seven of them are main ones.
    pub(crate) fn months(&self) -> Vec<Tick> {
        let span = self.days / 30;
        let (every, main_every) = match span {
            0..=4 => (1, 1),
            5..=20 => (1, 3),
            21..=40 => (3, 6),
            _ => (12, 12),
        };
        let mut ticks = Vec::new();
        let mut date = self.first.first_of_month();
        while date <= self.end() && ticks.len() < 200 {
            let month = i64::from(date.month() - 1);
            if date >= self.first && month % every == 0 {
                ticks.push(Tick { date, x: self.x(date), is_main: month % main_every == 0 });
            }
            date = match date.checked_add(1.month()) {
                Ok(next) => next,
                Err(_) => break,
            };
        }
        ticks
    }

    /// Last days of fiscal quarters on the axis, each where it ends.
    pub(crate) fn quarter_ends(&self, calendar: &Calendar) -> Vec<(Date, f64)> {
        let mut ends = Vec::new();
        let mut date = calendar.next_quarter_end(self.first);
        while date < self.end() && ends.len() < 64 {
            let next_day = date.saturating_add(1.day());
            ends.push((date, self.x(next_day)));
            date = calendar.next_quarter_end(next_day);
        }
        ends
    }
}

/// Values laid out over a chart's height, in pixels from its top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ValueAxis {
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
}

impl ValueAxis {
    /// From `low` at pixel `bottom` to `high` at pixel `top`; an empty range becomes one of width 1.
    pub(crate) fn new(low: f64, high: f64, top: f64, bottom: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, top, bottom }
    }

    /// Pixel of a value, within the chart; NaN stays NaN, so that gaps stay gaps.
    pub(crate) fn y(&self, value: f64) -> f64 {
        if value.is_nan() {
            return value;
        }
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    /// Whether a value is on the axis.
    pub(crate) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round values on the axis, about `n` of them, ascending.
    pub(crate) fn ticks(&self, n: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / n.max(1) as f64;
        let step = round_step(rough);
        let first = (self.low / step).ceil();
        (0..=2 * n).map(|i| (first + i as f64) * step).take_while(|v| *v <= self.high + step * 1e-9).collect()
    }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `rough`.
pub(crate) fn round_step(rough: f64) -> f64 {
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let mut power = 1.0;
    // Powers of ten by plain multiplication have the same bits on every machine.
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    while power > rough {
        power /= 10.0;
    }
    [1.0, 2.0, 2.5, 5.0].iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn months_and_quarters_stand_where_they_begin_and_end() {
        let axis = TimeAxis::new(date(2025, 1, 1), 180);
        let months: Vec<i8> = axis.months().iter().map(|tick| tick.date.month()).collect();
        assert_eq!(months, [1, 2, 3, 4, 5, 6]);
        assert_eq!((axis.x(date(2025, 1, 1)), axis.x(date(2030, 1, 1))), (0.0, 100.0));
        let quarters = axis.quarter_ends(&Calendar::us());
        assert_eq!(quarters.iter().map(|(d, _)| *d).collect::<Vec<_>>(), [date(2025, 3, 31)]);
        assert_eq!(quarters[0].1, 50.0);
    }

    #[test]
    fn values_have_round_ticks() {
        let axis = ValueAxis::new(0.0, 100.0, 10.0, 110.0);
        assert_eq!((axis.y(0.0), axis.y(50.0), axis.y(200.0)), (110.0, 60.0, 10.0));
        assert!(axis.y(f64::NAN).is_nan());
        assert_eq!(axis.ticks(4), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ValueAxis::new(0.0, 1.3e9, 0.0, 1.0).ticks(3), [0.0, 5e8, 1e9]);
        assert_eq!((round_step(0.03), round_step(0.0), round_step(7.0)), (0.05, 1.0, 10.0));
    }
}
