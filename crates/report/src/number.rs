//! How numbers and dates are written: fixed rules, so that the same input gives the same bytes.

use fleetcast_core::Unit;
use jiff::civil::Date;

/// Written where there is nothing to say.
pub(crate) const NOTHING: &str = "\u{2013}";

/// Stands between a number and its unit: narrow, and no line breaks there.
const THIN: char = '\u{202f}';

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1234567` as `1,234,567`.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 server`, `2 servers`: a count with its noun, whose plural takes an s.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A probability as whole per cent; never `0 %` or `100 %`, for no forecast is that sure.
pub(crate) fn chance(p: f64) -> String {
    format!("{}{THIN}%", chance_number(p))
}

/// The number of [`chance`] alone: `87`, `<1`, `>99`.
pub(crate) fn chance_number(p: f64) -> String {
    match p {
        p if p.is_nan() => NOTHING.to_owned(),
        p if p < 0.01 => "<1".to_owned(),
        p if p > 0.99 => ">99".to_owned(),
        p => format!("{:.0}", p * 100.0),
    }
}

/// A share as per cent with `decimals` digits: `89.3 %`.
pub(crate) fn share(fraction: f64, decimals: usize) -> String {
    format!("{}{THIN}%", fixed(fraction * 100.0, decimals))
}

/// Per cent of capacity as users write thresholds: `90 %`, `87.5 %`.
pub(crate) fn threshold(percent: f64) -> String {
    format!("{percent}{THIN}%")
}

/// A number with a fixed count of digits after the point and a true minus sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    // Rounding may leave nothing but zeros, and those have no sign.
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value < 0.0 && !is_zero { format!("\u{2212}{text}") } else { text }
}

/// A number that may be missing.
pub(crate) fn fixed_or_nothing(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |v| fixed(v, decimals))
}

/// Whole US dollars: `$12,340`, with a true minus sign.
pub(crate) fn usd(amount: f64) -> String {
    if !amount.is_finite() {
        return NOTHING.to_owned();
    }
    let rounded = amount.abs().round();
    let sign = if amount < 0.0 && rounded > 0.0 { "\u{2212}" } else { "" };
    format!("{sign}${}", count(rounded as usize))
}

/// A measured value with its unit, to about three digits: `63 %`, `1.24 Gbit/s`, `310 MB/s`.
pub(crate) fn measure(value: f64, unit: &Unit) -> String {
    let sign = match unit {
        Unit::Percent => return format!("{}{THIN}%", digits(value)),
        Unit::Other(sign) => sign.as_str(),
    };
    let (scaled, prefix) = if has_prefix(sign) { (value, "") } else { prefixed(value) };
    let gap = if sign.is_empty() && prefix.is_empty() { String::new() } else { THIN.to_string() };
    format!("{}{gap}{prefix}{sign}", digits(scaled))
}

/// Whether a unit has a prefix of its own, as `MB/s`, and takes no second one.
fn has_prefix(sign: &str) -> bool {
    let mut chars = sign.chars();
    matches!(chars.next(), Some('k' | 'K' | 'M' | 'G' | 'T')) && chars.next().is_some_and(char::is_alphabetic)
}

fn prefixed(value: f64) -> (f64, &'static str) {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
    match prefixes.iter().find(|(size, _)| value.abs() >= *size) {
        Some((_, "k")) => (value / 1e3, "k"),
        Some((size, prefix)) => (value / size, *prefix),
        None => (value, ""),
    }
}

fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => {
            let sign = if value < 0.0 { "\u{2212}" } else { "" };
            format!("{sign}{}", count(v.round() as usize))
        }
        v if v >= 10.0 || v == 0.0 => fixed(value, 0),
        v if v >= 1.0 => fixed(value, 1),
        _ => fixed(value, 2),
    }
}

/// `14 Mar 2025`.
pub(crate) fn date(date: Date) -> String {
    format!("{} {}", short_date(date), date.year())
}

/// `14 Mar`.
pub(crate) fn short_date(date: Date) -> String {
    format!("{} {}", date.day(), month(date))
}

/// `Mar`.
pub(crate) fn month(date: Date) -> &'static str {
    MONTHS[(date.month() - 1) as usize]
}

/// `a, b and c`.
pub(crate) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_one_way() {
        assert_eq!((count(0), count(999), count(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(
            (chance_number(0.0), chance_number(0.456), chance_number(1.0)),
            ("<1".into(), "46".into(), ">99".into())
        );
        assert_eq!((usd(12_340.4), usd(-900.0), usd(-0.2)), ("$12,340".into(), "\u{2212}$900".into(), "$0".into()));
        assert_eq!(
            (fixed(-0.001, 2), fixed(-1.5, 1), fixed(f64::NAN, 1)),
            ("0.00".into(), "\u{2212}1.5".into(), NOTHING.into())
        );
        assert_eq!(counted(1, "server") + ", " + &counted(2_000, "server"), "1 server, 2,000 servers");
    }

    #[test]
    fn measures_keep_three_digits_and_one_prefix() {
        let of = |value, sign: &str| measure(value, &Unit::Other(sign.to_owned())).replace(THIN, " ");
        assert_eq!(of(1.236e9, "bit/s"), "1.2 Gbit/s");
        assert_eq!(of(25_000.0, "requests/s"), "25 krequests/s");
        assert_eq!(of(1240.0, "MB/s"), "1,240 MB/s");
        assert_eq!((of(0.0, ""), of(-12.6, "")), ("0".to_owned(), "\u{2212}13".to_owned()));
        assert_eq!(measure(62.51, &Unit::Percent).replace(THIN, " "), "63 %");
    }

    #[test]
    fn dates_are_written_in_full_or_short() {
        let day = jiff::civil::date(2025, 3, 4);
        assert_eq!((date(day), short_date(day)), ("4 Mar 2025".to_owned(), "4 Mar".to_owned()));
        assert_eq!(days_between(jiff::civil::date(2024, 12, 31), day), 63);
    }
}
