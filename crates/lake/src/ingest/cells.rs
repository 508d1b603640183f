//! Single values as files write them: numbers, instants, dates.

use fleetcast_core::Zone;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Words that stand for "no value".
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(
        text,
        "" | "NA" | "N/A" | "n/a" | "NaN" | "nan" | "NAN" | "null" | "NULL" | "None" | "none" | "-" | "?" | "\\N"
    )
}

/// A number; NaN for "no value", `None` when the text is something else.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if is_missing(text) {
        return Some(f64::NAN);
    }
    text.parse().ok()
}

/// How a column of whole numbers counts time since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epoch {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Epoch {
    /// The reading under which a number is a date of our time: seconds reach 1e11 in the year 5138.
    pub(crate) fn of(value: f64) -> Self {
        match value.abs() {
            v if v < 1e11 => Self::Seconds,
            v if v < 1e14 => Self::Milliseconds,
            v if v < 1e17 => Self::Microseconds,
            _ => Self::Nanoseconds,
        }
    }

    pub(crate) fn to_ms(self, value: f64) -> i64 {
        let ms = match self {
            Self::Seconds => value * 1e3,
            Self::Milliseconds => value,
            Self::Microseconds => value / 1e3,
            Self::Nanoseconds => value / 1e6,
        };
        ms.floor() as i64
    }
}

/// Reads instants; what has no offset is in a zone of its own.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    is_utc: bool,
    format: Option<String>,
}

/// An instant read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) ms: i64,
    /// Whether the text named its offset.
    pub(crate) has_offset: bool,
}

impl Clock {
    pub(crate) fn new(zone: &Zone, format: Option<String>) -> Self {
        Self { zone: zone.rules().clone(), is_utc: zone.name() == "UTC", format }
    }

    /// An instant; `None` when the text is none.
    pub(crate) fn read(&self, text: &str) -> Option<Instant> {
        let text = text.trim();
        if let Some(format) = &self.format {
            let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
            if let Ok(at) = parsed.to_timestamp() {
                return Some(Instant { ms: at.as_millisecond(), has_offset: true });
            }
            let civil =
                parsed.to_datetime().ok().or_else(|| Some(parsed.to_date().ok()?.to_datetime(Time::midnight())))?;
            return self.civil(civil);
        }
        if let Some((civil, rest)) = iso(text) {
            return match rest {
                "" => self.civil(civil),
                "Z" | "z" | "+00:00" | "+0000" | "+00" | " UTC" | "UTC" | " +00:00" | " Z" => {
                    Some(Instant { ms: utc_ms(civil)?, has_offset: true })
                }
                offset => Some(Instant { ms: utc_ms(civil)? - offset_ms(offset.trim_start())?, has_offset: true }),
            };
        }
        let number: f64 = text.parse().ok()?;
        number.is_finite().then(|| Instant { ms: Epoch::of(number).to_ms(number), has_offset: true })
    }

    /// A time without an offset, in the clock's zone. One that the clock skips or repeats is taken as
    /// before the change.
    pub(crate) fn civil(&self, civil: DateTime) -> Option<Instant> {
        let ms = if self.is_utc { utc_ms(civil)? } else { self.zone.to_timestamp(civil).ok()?.as_millisecond() };
        Some(Instant { ms, has_offset: false })
    }

    /// As [`Clock::civil`] for a time given as if it were UTC.
    pub(crate) fn naive_ms(&self, ms: i64) -> Option<i64> {
        if self.is_utc {
            return Some(ms);
        }
        let civil = Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC).datetime();
        self.civil(civil).map(|at| at.ms)
    }
}

/// A date written as `2024-05-31`, with or without a time after it.
pub(crate) fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    match iso(text) {
        Some((civil, _)) => Some(civil.date()),
        None => text.parse().ok(),
    }
}

fn utc_ms(civil: DateTime) -> Option<i64> {
    let days = i64::from(crate::batch::days_of(civil.date()));
    let (hour, minute, second) = (i64::from(civil.hour()), i64::from(civil.minute()), i64::from(civil.second()));
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + i64::from(civil.millisecond()))
}

/// `+02:00`, `-0530`, `+01`.
fn offset_ms(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if !(digits.len() == 2 || digits.len() == 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Some(0), |m| m.parse().ok())?;
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// `2024-05-31`, then perhaps `T` or a blank and `23:59`, `23:59:30`, `23:59:30.123`; and what follows.
/// Most files are written like this, and this is several times faster than a general parser.
fn iso(text: &str) -> Option<(DateTime, &str)> {
    let bytes = text.as_bytes();
    let digits = |from: usize, n: usize| {
        let part = bytes.get(from..from + n)?;
        part.iter().try_fold(0i32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i32::from(b - b'0')))
    };
    let separator = *bytes.get(4)?;
    if !(separator == b'-' || separator == b'/') || *bytes.get(7)? != separator {
        return None;
    }
    let date = Date::new(digits(0, 4)? as i16, digits(5, 2)? as i8, digits(8, 2)? as i8).ok()?;
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) || digits(11, 2).is_none() {
        return Some((date.to_datetime(Time::midnight()), text.get(10..)?));
    }
    let (hour, minute) = (digits(11, 2)?, digits(14, 2)?);
    let (mut end, mut second, mut nanosecond) = (16, 0, 0);
    if bytes.get(16) == Some(&b':') {
        (second, end) = (digits(17, 2)?, 19);
        if matches!(bytes.get(19), Some(b'.' | b',')) {
            let fraction = bytes[20..].iter().take_while(|b| b.is_ascii_digit()).count();
            // The lake keeps milliseconds.
            nanosecond = digits(20, fraction.min(3))? * 10i32.pow(9 - fraction.min(3) as u32);
            end = 20 + fraction;
        }
    }
    // A leap second is the last moment of its minute.
    let time = Time::new(hour as i8, minute as i8, second.min(59) as i8, nanosecond).ok()?;
    Some((date.to_datetime(time), text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn instants_come_in_many_ways() {
        let clock = Clock::new(&Zone::named("America/New_York").unwrap(), None);
        let read = |text: &str| clock.read(text).map(|at| (at.ms, at.has_offset));
        for text in [
            "2024-07-01T12:00:00Z",
            "2024-07-01 12:00:00+00:00",
            "2024-07-01T14:00+0200",
            "1719835200",
            "1719835200000",
            "1719835200000000",
        ] {
            assert_eq!(read(text), Some((ms("2024-07-01T12:00:00Z"), true)), "{text}");
        }
        for text in ["2024-07-01 08:00:00", "2024/07/01T08:00", "2024-07-01 08:00:00.000"] {
            assert_eq!(read(text), Some((ms("2024-07-01T12:00:00Z"), false)), "{text}");
        }
        assert_eq!(read("2024-07-01"), Some((ms("2024-07-01T04:00:00Z"), false)));
        assert_eq!(read("2024-07-01T00:00:00.1239Z"), Some((ms("2024-07-01T00:00:00.123Z"), true)));
        for text in ["", "yesterday", "2024-13-01", "2024-07-01T25:00", "2024-07-01 08:00 noon", "inf"] {
            assert_eq!(read(text), None, "{text}");
        }
        let british = Clock::new(&Zone::utc(), Some("%d/%m/%Y %H:%M".to_owned()));
        assert_eq!(british.read("01/07/2024 12:00").map(|at| at.ms), Some(ms("2024-07-01T12:00:00Z")));
    }

    #[test]
    fn numbers_know_their_gaps() {
        assert_eq!(number(" 1.5 "), Some(1.5));
        assert_eq!(number("1e3"), Some(1000.0));
        assert!(number("N/A").unwrap().is_nan() && number("").unwrap().is_nan());
        assert_eq!(number("12 %"), None);
        assert_eq!(number("Infinity"), Some(f64::INFINITY));
    }

    proptest! {
        #[test]
        fn instants_are_read_as_they_are_written(ms in -5_000_000_000_000i64..10_000_000_000_000, zone in 0usize..4) {
            let zone = Zone::named(["UTC", "America/New_York", "Asia/Kolkata", "Europe/London"][zone]).unwrap();
            let at = Timestamp::from_millisecond(ms).unwrap().to_zoned(zone.rules().clone());
            let clock = Clock::new(&Zone::utc(), None);
            let written = at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
            // Offsets of long ago have seconds, which no file writes.
            if at.offset().seconds() % 60 == 0 {
                prop_assert_eq!(clock.read(&written).map(|at| at.ms), Some(ms), "{}", written);
            }
            prop_assert_eq!(clock.read(&at.timestamp().to_string()).map(|at| at.ms), Some(ms));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}", digits in "[0-9:T/+. -]{0,30}") {
            let clock = Clock::new(&Zone::named("America/New_York").unwrap(), None);
            for text in [text, digits] {
                let _ = (clock.read(&text), date(&text), number(&text));
            }
        }
    }
}
