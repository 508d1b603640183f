//! Numbers, dates and instants as text, appended to a buffer without an allocation per value.

use jiff::civil::Date;

const DAY_MS: i64 = 86_400_000;

/// Appends a finite float in the fewest digits that read back as the same float: `31.5`, `0.0`, `1e-7`.
pub(crate) fn push_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

/// The same where whole numbers should have no `.0`, as in the name of a threshold.
pub(crate) fn push_plain(out: &mut Vec<u8>, value: f64) {
    push_float(out, value);
    if out.ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
}

/// Appends an integer.
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a date: `2024-02-29`.
pub(crate) fn push_date(out: &mut Vec<u8>, date: Date) {
    push_civil(out, i32::from(date.year()), date.month() as u8, date.day() as u8);
}

/// Appends an instant given in milliseconds since 1970-01-01 UTC: `2024-02-29T10:00:00`, with
/// milliseconds where there are any.
pub(crate) fn push_instant(out: &mut Vec<u8>, ms: i64) {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    push_civil(out, year, month, day);
    let in_day = ms.rem_euclid(DAY_MS);
    let seconds = in_day / 1000;
    out.push(b'T');
    push_two(out, (seconds / 3600) as u8);
    out.push(b':');
    push_two(out, (seconds / 60 % 60) as u8);
    out.push(b':');
    push_two(out, (seconds % 60) as u8);
    push_thousandths(out, (in_day % 1000) as u16, false);
}

/// Appends an instant given in milliseconds as seconds since 1970-01-01 UTC: `1709200800` or
/// `1709200800.25`.
pub(crate) fn push_seconds(out: &mut Vec<u8>, ms: i64) {
    // The sign stands before both parts, so they are those of the magnitude.
    if ms < 0 {
        out.push(b'-');
    }
    let ms = ms.unsigned_abs();
    push_int(out, (ms / 1000) as i64);
    push_thousandths(out, (ms % 1000) as u16, true);
}

/// Milliseconds since 1970-01-01 of a date's beginning in UTC.
pub(crate) fn date_ms(date: Date) -> i64 {
    date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours().div_euclid(24) * DAY_MS
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
pub(crate) fn civil(days: i64) -> (i32, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

fn push_civil(out: &mut Vec<u8>, year: i32, month: u8, day: u8) {
    if (0..=9999).contains(&year) {
        push_two(out, (year / 100) as u8);
        push_two(out, (year % 100) as u8);
    } else {
        push_int(out, i64::from(year));
    }
    out.push(b'-');
    push_two(out, month);
    out.push(b'-');
    push_two(out, day);
}

fn push_two(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
}

fn push_thousandths(out: &mut Vec<u8>, value: u16, shortest: bool) {
    if value == 0 {
        return;
    }
    out.push(b'.');
    push_two(out, (value / 10) as u8);
    out.push(b'0' + (value % 10) as u8);
    while shortest && out.ends_with(b"0") {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_people_write_them() {
        let float = |v| written(|out| push_float(out, v));
        assert_eq!(
            [float(31.5), float(0.0), float(-2.0), float(0.1 + 0.2)],
            ["31.5", "0.0", "-2.0", "0.30000000000000004"]
        );
        assert_eq!(written(|out| push_plain(out, 80.0)), "80");
        assert_eq!(written(|out| push_plain(out, 82.5)), "82.5");
        let seconds = |ms| written(|out| push_seconds(out, ms));
        assert_eq!([seconds(1_500), seconds(-1_250), seconds(60_000)], ["1.5", "-1.25", "60"]);
    }

    proptest! {
        #[test]
        fn every_float_reads_back_as_itself(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = written(|out| push_float(out, value));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn instants_are_those_of_the_calendar(ms in -62_135_596_800_000_i64..253_402_300_799_999) {
            let text = written(|out| push_instant(out, ms)) + "Z";
            prop_assert_eq!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond(), ms);
            let (year, month, day) = civil(ms.div_euclid(DAY_MS));
            let date = jiff::civil::date(year as i16, month as i8, day as i8);
            prop_assert_eq!(date_ms(date), ms.div_euclid(DAY_MS) * DAY_MS);
            let shown = written(|out| push_date(out, date));
            prop_assert_eq!(shown, date.to_string());
        }
    }
}
