//! A regular grid of times.

use crate::{Error, Result};
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, ToSpan};

/// Time between two samples of a regular series, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    seconds: i64,
}

impl Step {
    /// One day.
    pub const DAY: Self = Self { seconds: 86_400 };
    /// One hour.
    pub const HOUR: Self = Self { seconds: 3_600 };
    /// One week.
    pub const WEEK: Self = Self { seconds: 7 * 86_400 };

    /// A step of some seconds, above zero.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when it is zero or negative.
    pub fn seconds(seconds: i64) -> Result<Self> {
        if seconds > 0 {
            return Ok(Self { seconds });
        }
        Err(Error::OutOfRange {
            what: "step_seconds".to_owned(),
            found: seconds.to_string(),
            allowed: "at least 1".to_owned(),
        })
    }

    /// Its length in seconds.
    pub fn as_seconds(self) -> i64 {
        self.seconds
    }

    /// Steps in a day; `None` when a day is not a whole number of steps.
    pub fn per_day(self) -> Option<usize> {
        (86_400 % self.seconds == 0).then(|| (86_400 / self.seconds) as usize)
    }
}

/// Times `first`, `first + step`, ...: local dates at day step, UTC at finer ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeline {
    first: DateTime,
    step: Step,
    has_calendar: bool,
}

impl Timeline {
    /// A timeline of real times.
    pub fn new(first: DateTime, step: Step) -> Self {
        Self { first, step, has_calendar: true }
    }

    /// Days from `first` on.
    pub fn daily(first: Date) -> Self {
        Self::new(first.to_datetime(jiff::civil::Time::midnight()), Step::DAY)
    }

    /// A timeline whose times are mere counters: calendar features mean nothing on it.
    pub fn without_calendar(first: DateTime, step: Step) -> Self {
        Self { first, step, has_calendar: false }
    }

    /// Time of step `index`.
    pub fn at(&self, index: usize) -> DateTime {
        if self.step.seconds % 86_400 == 0 {
            // Whole days are much cheaper to add than seconds.
            let days = (index as i64) * (self.step.seconds / 86_400);
            return self.first.checked_add(days.days()).unwrap_or(DateTime::MAX);
        }
        let seconds = (index as i64).saturating_mul(self.step.seconds);
        self.first.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(DateTime::MAX)
    }

    /// Date of step `index`.
    pub fn date(&self, index: usize) -> Date {
        self.at(index).date()
    }

    /// Index of the step at or before `time`; `None` when `time` is before the first.
    pub fn index_of(&self, time: DateTime) -> Option<usize> {
        let seconds = time.duration_since(self.first).as_secs();
        (seconds >= 0).then(|| (seconds / self.step.seconds) as usize)
    }

    /// Distance between two steps.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Whether dates on it are real dates.
    pub fn has_calendar(&self) -> bool {
        self.has_calendar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn times_and_indices_are_inverse() {
        let days = Timeline::daily(date(2023, 12, 30));
        assert_eq!(days.date(3), date(2024, 1, 2));
        let hours = Timeline::new(date(2024, 2, 28).at(23, 0, 0, 0), Step::HOUR);
        assert_eq!(hours.at(25), date(2024, 3, 1).at(0, 0, 0, 0).checked_sub(0.days()).unwrap());
        for line in [days, hours] {
            assert!((0..500).all(|i| line.index_of(line.at(i)) == Some(i)));
        }
        assert_eq!(days.index_of(date(2023, 12, 29).at(0, 0, 0, 0)), None);
    }
}
