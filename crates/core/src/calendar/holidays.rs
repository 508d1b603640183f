//! Bank holidays by their rules.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

/// Holidays of the Federal Reserve Banks. One that falls on a Sunday is kept on Monday; one that falls
/// on a Saturday is not moved (federalreserve.gov, "Holidays Observed").
pub(super) fn us(year: i16) -> Vec<Date> {
    let mut days = vec![
        on_or_monday_after_sunday(date(year, 1, 1)),
        nth(year, 1, 3, Weekday::Monday),
        nth(year, 2, 3, Weekday::Monday),
        nth(year, 5, -1, Weekday::Monday),
        on_or_monday_after_sunday(date(year, 7, 4)),
        nth(year, 9, 1, Weekday::Monday),
        nth(year, 10, 2, Weekday::Monday),
        on_or_monday_after_sunday(date(year, 11, 11)),
        nth(year, 11, 4, Weekday::Thursday),
        on_or_monday_after_sunday(date(year, 12, 25)),
    ];
    if year >= 2021 {
        days.push(on_or_monday_after_sunday(date(year, 6, 19)));
    }
    days
}

/// Bank holidays of England and Wales, with the one-off days since 2011 (gov.uk/bank-holidays).
pub(super) fn uk(year: i16) -> Vec<Date> {
    let easter = easter_sunday(year);
    let mut days = vec![
        on_or_next_working_day(date(year, 1, 1)),
        easter - 2.days(),
        easter + 1.day(),
        nth(year, 5, 1, Weekday::Monday),
        nth(year, 5, -1, Weekday::Monday),
        nth(year, 8, -1, Weekday::Monday),
    ];
    // Christmas and Boxing Day that fall on a weekend are made up for on the next working days.
    days.extend(match date(year, 12, 25).weekday() {
        Weekday::Friday => [date(year, 12, 25), date(year, 12, 28)],
        Weekday::Saturday => [date(year, 12, 27), date(year, 12, 28)],
        Weekday::Sunday => [date(year, 12, 26), date(year, 12, 27)],
        _ => [date(year, 12, 25), date(year, 12, 26)],
    });
    match year {
        2011 => days.push(date(2011, 4, 29)),
        2012 => days.extend([date(2012, 6, 4), date(2012, 6, 5)]),
        2020 => days.push(date(2020, 5, 8)),
        2022 => days.extend([date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19)]),
        2023 => days.push(date(2023, 5, 8)),
        _ => {}
    }
    // Days that a one-off replaced.
    days.retain(|day| ![date(2012, 5, 28), date(2020, 5, 4), date(2022, 5, 30)].contains(day));
    days
}

/// Closing days of TARGET since 2000 (European Central Bank): never moved to another day.
pub(super) fn target(year: i16) -> Vec<Date> {
    let easter = easter_sunday(year);
    vec![
        date(year, 1, 1),
        easter - 2.days(),
        easter + 1.day(),
        date(year, 5, 1),
        date(year, 12, 25),
        date(year, 12, 26),
    ]
}

/// The nth weekday of a month, counted from its end when `n` is negative.
fn nth(year: i16, month: i8, n: i8, weekday: Weekday) -> Date {
    date(year, month, 1).nth_weekday_of_month(n, weekday).expect("every month has four of each weekday")
}

fn on_or_monday_after_sunday(day: Date) -> Date {
    if day.weekday() == Weekday::Sunday { day + 1.day() } else { day }
}

fn on_or_next_working_day(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => day + 2.days(),
        Weekday::Sunday => day + 1.day(),
        _ => day,
    }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm of Meeus, Jones & Butcher).
fn easter_sunday(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    date(year, month as i8, day as i8)
}

#[cfg(test)]
mod tests {
    use crate::HolidaySet;

    fn days(set: HolidaySet, year: i16) -> Vec<String> {
        set.in_year(year).iter().map(|day| day.strftime("%m-%d").to_string()).collect()
    }

    /// federalreserve.gov, "Holidays Observed - K.8", 2022 and 2023.
    #[test]
    fn federal_reserve_holidays() {
        assert_eq!(
            days(HolidaySet::Us, 2022),
            ["01-01", "01-17", "02-21", "05-30", "06-20", "07-04", "09-05", "10-10", "11-11", "11-24", "12-26"]
        );
        assert_eq!(
            days(HolidaySet::Us, 2023),
            ["01-02", "01-16", "02-20", "05-29", "06-19", "07-04", "09-04", "10-09", "11-11", "11-23", "12-25"]
        );
    }

    /// gov.uk/bank-holidays, England and Wales, 2022 and 2024.
    #[test]
    fn english_bank_holidays() {
        assert_eq!(
            days(HolidaySet::Uk, 2022),
            ["01-03", "04-15", "04-18", "05-02", "06-02", "06-03", "08-29", "09-19", "12-26", "12-27"]
        );
        assert_eq!(
            days(HolidaySet::Uk, 2024),
            ["01-01", "03-29", "04-01", "05-06", "05-27", "08-26", "12-25", "12-26"]
        );
    }

    /// ecb.europa.eu, "TARGET closing days", 2024.
    #[test]
    fn target_closing_days() {
        assert_eq!(days(HolidaySet::Target, 2024), ["01-01", "03-29", "04-01", "05-01", "12-25", "12-26"]);
    }
}
