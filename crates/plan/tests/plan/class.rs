//! Kinds of risk, planted in expected series and recovered.

use fleetcast_core::{Calendar, RiskClass, Weekday};
use fleetcast_plan::{Classification, Seen, classify};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;

const FIRST: Date = date(2025, 1, 1);

/// The class of a year whose days are at 95 % where `over` says so, and else at 60 %.
fn class_of(over: impl Fn(Date) -> bool) -> Classification {
    class_from(FIRST, 365, over)
}

fn class_from(first: Date, days: usize, over: impl Fn(Date) -> bool) -> Classification {
    let expected: Vec<f64> = (0..days as i64).map(|day| if over(first + day.days()) { 95.0 } else { 60.0 }).collect();
    classify(&expected, first, 90.0, &Seen::everything(), &Calendar::us())
}

#[test]
fn over_90_only_in_the_last_five_days_of_the_fourth_quarter_is_a_year_end_risk() {
    let last_five = |day: Date| day.month() == 12 && day.day() >= 27;
    // The year ahead may begin anywhere, right after those days too, when they are its last five.
    for first in [FIRST, date(2025, 5, 5), date(2024, 12, 30), date(2025, 12, 27)] {
        let found = class_from(first, 365, last_five);
        assert_eq!(found.class, RiskClass::YearEnd, "{first}: {found:?}");
        assert!(!found.evidence.is_empty() && found.evidence.iter().all(|&day| last_five(day)), "{found:?}");
    }
    let found = class_of(last_five);
    assert_eq!(
        found.reason,
        "5 of 5 days over between 20 December and 10 January; the highest expected day, 2025-12-27, is 5.6 % over the limit"
    );
}

#[test]
fn every_calendar_window_is_recovered() {
    let calendar = Calendar::us();
    let near = |day: Date| calendar.days_to_nearest_quarter_end(day) <= 4;
    assert_eq!(class_of(near).class, RiskClass::QuarterEnd);
    assert_eq!(class_of(|day| calendar.is_month_end(day)).class, RiskClass::MonthEnd);
    let monday = class_of(|day| day.weekday() == Weekday::Monday);
    assert_eq!(monday.class, RiskClass::Weekday);
    assert!(monday.reason.contains("on a Monday"), "{}", monday.reason);
    assert_eq!(class_of(|day| (5..15).contains(&day.month())).class, RiskClass::Growth);
    assert_eq!(class_of(|day| day.day_of_year() % 9 == 0).class, RiskClass::Irregular);
    assert_eq!(class_of(|day| day == date(2025, 5, 14)).class, RiskClass::Irregular, "one Wednesday is no pattern");
    assert_eq!(class_of(|_| true).class, RiskClass::Always);
    let none = class_of(|_| false);
    assert_eq!((none.class, none.evidence.len()), (RiskClass::None, 0));
    assert!(none.reason.ends_with("is 33.3 % under the limit"), "{}", none.reason);
}

#[test]
fn a_fiscal_year_moves_the_quarter_ends() {
    let fiscal = Calendar::new(2, &[], Vec::new()).unwrap();
    let expected: Vec<f64> = (0..365i64)
        .map(|day| if fiscal.days_to_nearest_quarter_end(FIRST + day.days()) <= 4 { 95.0 } else { 60.0 })
        .collect();
    let class = |calendar: &Calendar| classify(&expected, FIRST, 90.0, &Seen::everything(), calendar).class;
    assert_eq!(class(&fiscal), RiskClass::QuarterEnd);
    assert_ne!(class(&Calendar::us()), RiskClass::QuarterEnd);
}

#[test]
fn growth_that_passes_80_within_18_months_is_growth_at_a_horizon_of_548_days() {
    // 12 % a year, from 70 %: it passes 80 % after 430 days.
    let expected: Vec<f64> = (0..548).map(|day| 70.0 * 1.12_f64.powf(f64::from(day) / 365.25)).collect();
    let found = classify(&expected, FIRST, 80.0, &Seen::everything(), &Calendar::us());
    assert_eq!(found.class, RiskClass::Growth, "{found:?}");
    let first = found.evidence[0];
    assert!(first > date(2026, 2, 20) && first < date(2026, 3, 20), "{first}");
    assert!(found.reason.starts_with(&format!("expected over from {first} on")), "{}", found.reason);
}

#[test]
fn a_load_of_working_days_is_judged_on_working_days() {
    let works = |day: Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let calendar = Calendar::us();
    let busy = |day: Date| works(day) && !calendar.is_holiday(day);
    assert_eq!(class_of(busy).class, RiskClass::Always);
    assert_eq!(class_of(|day| busy(day) && day >= date(2025, 7, 1)).class, RiskClass::Growth);
}

#[test]
fn a_history_that_saw_too_little_gives_unknown_and_says_what_is_missing() {
    let month =
        Seen { span_days: 28, dates: Some((date(2024, 12, 1), date(2024, 12, 28))), quarter_ends: 0, year_ends: 0 };
    let judge = |values: &[f64], seen: &Seen| classify(values, FIRST, 90.0, seen, &Calendar::us());
    let low = judge(&[50.0; 365], &month);
    assert_eq!(low.class, RiskClass::Unknown);
    assert!(low.reason.starts_with("needs one year-end and two quarter-ends: "), "{}", low.reason);
    assert_eq!(judge(&[95.0; 365], &month).class, RiskClass::Always, "always needs no year-end");
    let winter = Seen { span_days: 200, dates: month.dates, quarter_ends: 2, year_ends: 1 };
    let rising: Vec<f64> = (0..365).map(|day| 70.0 + f64::from(day) / 10.0).collect();
    let growth = judge(&rising, &winter);
    assert_eq!(growth.reason, "needs 165 more days of history to tell growth from season");
    let short = judge(&[50.0; 90], &Seen::everything());
    assert_eq!((short.class, short.reason.as_str()), (RiskClass::Unknown, "only 90 of the next 365 days are expected"));
    assert_eq!(judge(&[], &Seen::everything()).class, RiskClass::Unknown);
    assert_eq!(judge(&[f64::NAN; 365], &Seen::everything()).class, RiskClass::None);
}

proptest! {
    #[test]
    fn every_series_has_one_class_and_evidence_that_is_over(
        values in prop::collection::vec(0.0f64..120.0, 365..420),
        limit in 1.0f64..130.0,
        offset in 0i64..800,
    ) {
        let first = FIRST + offset.days();
        let found = classify(&values, first, limit, &Seen::everything(), &Calendar::us());
        prop_assert!(found.evidence.len() <= 12 && found.evidence.is_sorted());
        for day in &found.evidence {
            let step = (0..values.len()).find(|&step| first + (step as i64).days() == *day);
            prop_assert!(step.is_some_and(|step| values[step] >= limit));
        }
        let any_over = values.iter().any(|&value| value >= limit);
        prop_assert_eq!(found.class == RiskClass::None, !any_over);
    }
}
