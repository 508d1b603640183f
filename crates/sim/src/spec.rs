//! How large a fleet, from when, for how long, how fine, and with which seed.

use crate::{Error, Result};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::fmt;

/// Time between two samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleStep {
    /// One value a day: its P95, mean and maximum.
    Day,
    /// One sample an hour.
    Hour,
    /// One sample in 15 minutes.
    Minutes15,
    /// One sample in 5 minutes.
    Minutes5,
}

impl SampleStep {
    /// Their names on the command line.
    pub const NAMES: [&str; 4] = ["day", "hour", "15min", "5min"];

    /// The step called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "day" => Ok(Self::Day),
            "hour" => Ok(Self::Hour),
            "15min" => Ok(Self::Minutes15),
            "5min" => Ok(Self::Minutes5),
            _ => Err(Error::name("fleet", "step", name, &Self::NAMES)),
        }
    }

    /// Its length in seconds; a day has 86,400 but for days on which the clock changes.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Day => 86_400,
            Self::Hour => 3_600,
            Self::Minutes15 => 900,
            Self::Minutes5 => 300,
        }
    }
}

impl fmt::Display for SampleStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minutes15 => "15min",
            Self::Minutes5 => "5min",
        })
    }
}

impl std::str::FromStr for SampleStep {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::named(name)
    }
}

/// The size of a fleet and where its random numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetSpec {
    /// Servers.
    pub n_servers: usize,
    /// First local date of every server.
    pub start: Date,
    /// Days from `start` on.
    pub days: usize,
    /// Time between two samples.
    pub step: SampleStep,
    /// The seed; another seed is another fleet.
    pub seed: u64,
}

/// Dates for which the holiday calendars and the time zones are known.
const FIRST: Date = date(1990, 1, 1);
pub(crate) const LAST: Date = date(2060, 12, 31);
const MOST_SERVERS: usize = 10_000_000;

impl FleetSpec {
    /// Refuses a fleet of no servers or no days, or one outside the years of the calendars.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=MOST_SERVERS).contains(&self.n_servers) {
            return Err(Error::range("fleet", "servers", self.n_servers, "between 1 and 10000000"));
        }
        if self.days == 0 {
            return Err(Error::range("fleet", "days", 0, "at least 1"));
        }
        if !(FIRST..=LAST).contains(&self.start) {
            return Err(Error::range("fleet", "start", self.start, "between 1990-01-01 and 2060-12-31"));
        }
        let room = (LAST.duration_since(self.start).as_hours() / 24 + 1) as usize;
        if self.days > room {
            let allowed = format!("at most {room} from {} on, because the calendars end with 2060", self.start);
            return Err(Error::range("fleet", "days", self.days, &allowed));
        }
        Ok(())
    }

    /// The local dates, and one more: the day whose start ends the last.
    pub(crate) fn dates(&self, more: usize) -> Vec<Date> {
        self.start.series(1.day()).take(self.days + more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names() {
        for name in SampleStep::NAMES {
            assert_eq!(SampleStep::named(name).unwrap().to_string(), name);
        }
        let error = "5m".parse::<SampleStep>().unwrap_err().to_string();
        assert!(error.contains("did you mean `5min`?"), "{error}");
    }

    #[test]
    fn impossible_fleets_are_refused() {
        let good = FleetSpec { n_servers: 1, start: date(2022, 1, 1), days: 10, step: SampleStep::Day, seed: 1 };
        good.check().unwrap();
        assert!(FleetSpec { n_servers: 0, ..good }.check().is_err());
        assert!(FleetSpec { days: 0, ..good }.check().is_err());
        assert!(FleetSpec { start: date(1889, 1, 1), ..good }.check().is_err());
        let error = FleetSpec { start: date(2060, 1, 1), days: 400, ..good }.check().unwrap_err().to_string();
        assert!(error.contains("at most 366"), "{error}");
        assert_eq!(good.dates(1).len(), 11);
    }
}
