//! Probabilities, dates and states of risks.

use crate::common::{noisy_paths, percent};
use fleetcast_core::{Calendar, History, Metric, Paths, RiskClass, RiskState, SeriesId, Server, Step, Timeline, Unit};
use fleetcast_numeric::math;
use fleetcast_plan::{HighDay, Limits, SeriesOutlook, risks, tell_hours};
use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use std::sync::Arc;

fn judge(history: &History, expected: &[f64], paths: &Paths) -> Vec<fleetcast_core::Risk> {
    let server = Server::new(&history.id().server_id).expect("a name");
    let series = SeriesOutlook { server: &server, history, expected, paths };
    risks(&series, &Limits::default(), &Calendar::us())
}

#[test]
fn a_risk_has_its_probabilities_dates_class_and_reason() {
    let history = percent("web-1", "cpu", vec![60.0; 1095]);
    // Half of the futures step to 85 % on day 50 and stay; a tenth is there from the first day.
    let future = |path: usize, day: usize| if path == 0 || (path < 5 && day >= 49) { 85.0 } else { 60.0 };
    let values = (0..10).flat_map(|path| (0..180).map(move |day| future(path, day))).collect();
    let paths = Paths::new(180, values).unwrap();
    let rows = judge(&history, &[62.0; 365], &paths);
    let keys: Vec<_> = rows.iter().map(|row| (row.threshold, row.min_days)).collect();
    assert_eq!(keys, [(80.0, 1), (80.0, 3), (90.0, 1), (90.0, 3)]);
    assert_eq!(rows[0].p_crossed, [Some(0.1), Some(0.5), Some(0.5), Some(0.5)]);
    // The history ends on 2024-12-30: day 1 is 2024-12-31, day 50 is 2025-02-18.
    assert_eq!(rows[0].dates.q10, Some(date(2024, 12, 31)));
    assert_eq!(rows[0].dates.q50, Some(date(2025, 2, 18)));
    assert_eq!((rows[0].dates.q90, rows[1].dates.q50), (None, Some(date(2025, 2, 20))));
    assert_eq!((rows[2].p_crossed, rows[2].dates.q10), ([Some(0.0); 4], None));
    assert_eq!((rows[0].state, rows[0].class), (RiskState::Ok, RiskClass::None));
    assert_eq!(
        rows[0].reason,
        "a chance of single days above what is expected, not a pattern; the highest expected day, 2024-12-31, is 22.5 % under the limit"
    );
}

#[test]
fn a_load_of_92_percent_in_business_hours_of_the_fourth_quarter_names_hours_and_season() {
    let is_working_q4 = |day: usize| {
        let date = crate::common::START.saturating_add((day as i64).days());
        date.month() >= 10 && date.weekday().to_monday_zero_offset() < 5
    };
    let level = |day: usize| if is_working_q4(day) { 92.0 } else { 55.0 };
    let history = percent("web-1", "cpu", (0..1000).map(level).collect());
    let expected: Vec<f64> = (1000..1400).map(level).collect();
    let paths = noisy_paths("q4", |day| level(1000 + day), 0.1, 180, 20);
    let server = Server::new("web-1").unwrap();
    let series = SeriesOutlook { server: &server, history: &history, expected: &expected, paths: &paths };
    let limits = Limits { thresholds: vec![90.0], ..Limits::default() };
    let mut rows = risks(&series, &limits, &Calendar::us());
    let hours = std::array::from_fn(|hour| if (10..14).contains(&hour) { 92.0 } else { 30.0 });
    tell_hours(&mut rows, &series, &Calendar::us(), &HighDay::new(&[(hours, 92.0); 5]).unwrap());
    assert_eq!((rows[0].class, rows[0].hours.as_deref()), (RiskClass::Irregular, Some("10-14")));
    let reason = &rows[0].reason;
    assert!(reason.contains("most in October to December"), "{reason}");
    assert!(reason.ends_with("over at 10-14 local time, most room at 0-4 (night)"), "{reason}");
    assert!(rows[0].evidence.iter().all(|date| date.month() >= 10), "{:?}", rows[0].evidence);
    // Of a risk without a day over nothing is said.
    let quiet = percent("web-1", "cpu", vec![55.0; 1000]);
    let calm = SeriesOutlook { history: &quiet, expected: &[55.0; 400], ..series };
    let mut rows = risks(&calm, &limits, &Calendar::us());
    tell_hours(&mut rows, &calm, &Calendar::us(), &HighDay::new(&[(hours, 92.0); 5]).unwrap());
    assert!(rows.iter().all(|row| row.hours.is_none()));
}

#[test]
fn columns_beyond_the_horizon_are_empty() {
    let history = percent("web-1", "cpu", vec![60.0; 400]);
    let p =
        |horizon: usize| judge(&history, &[60.0; 365], &noisy_paths("short", |_| 60.0, 5.0, horizon, 20))[0].p_crossed;
    assert!(p(28).iter().all(Option::is_none));
    assert_eq!(p(90).map(|p| p.is_some()), [true, true, true, false]);
    assert!(p(548).iter().all(Option::is_some));
}

#[test]
fn a_series_over_the_limit_already_is_saturated() {
    let paths = noisy_paths("full", |_| 92.0, 3.0, 90, 50);
    let state = |tail: &[f64]| {
        let mut values = vec![60.0; 1081];
        values.extend(tail);
        let rows = judge(&percent("db-1", "memory", values), &[92.0; 365], &paths);
        (rows[0].state, rows[0].reason.clone())
    };
    let (full, reason) = state(&[95.0; 14]);
    assert_eq!(full, RiskState::Saturated);
    assert!(
        reason.starts_with("over on 14 of the last 14 observed days; over on 365 of 365 expected days"),
        "{reason}"
    );
    let mut ended = [95.0; 14];
    ended[13] = 70.0;
    assert_eq!(state(&ended).0, RiskState::Ok, "it is over no longer");
    let mut began = [60.0; 14];
    began[13] = 85.0;
    assert_eq!(state(&began).0, RiskState::Ok, "one day is not a state");
    let mut gaps = [f64::NAN; 14];
    gaps[2] = 85.0;
    assert_eq!(state(&gaps).0, RiskState::Saturated, "the one day that was observed was over");
    assert!(state(&[f64::NAN; 14]).1.starts_with("nothing observed since 2024-12-16"));
}

#[test]
fn what_cannot_be_judged_keeps_its_rows_with_the_reason() {
    let paths = noisy_paths("any", |_| 50.0, 5.0, 30, 10);
    let reason = |history: &History| {
        let rows = judge(history, &[50.0; 365], &paths);
        assert_eq!(rows.len(), 4);
        for row in &rows {
            assert_eq!((row.state, row.class, row.p_crossed), (RiskState::Unknown, RiskClass::Unknown, [None; 4]));
        }
        rows[0].reason.clone()
    };
    let traffic = Arc::new(Metric::named("traffic").with_unit(Unit::Other("bit/s".into())));
    let line = Timeline::daily(crate::common::START);
    let plain = |metric: &Arc<Metric>, line, values| {
        History::new(SeriesId::new("lan-1", metric.name()), Arc::clone(metric), line, values).unwrap()
    };
    assert_eq!(reason(&plain(&traffic, line, vec![1e9; 400])), "no capacity");
    assert_eq!(reason(&percent("a", "cpu", vec![f64::NAN; 30])), "no telemetry");
    assert_eq!(reason(&percent("a", "cpu", vec![5.0])), "only 1 day of telemetry, 14 are needed");
    assert_eq!(reason(&percent("a", "cpu", vec![5.0; 13])), "only 13 days of telemetry, 14 are needed");
    let hourly = Timeline::new(crate::common::START.at(0, 0, 0, 0), Step::HOUR);
    let cpu = Arc::new(Metric::named("cpu"));
    assert_eq!(reason(&plain(&cpu, hourly, vec![5.0; 48])), "needs daily values, these are 3600 s apart");
}

#[test]
fn a_threshold_that_cannot_be_reached_is_said_and_one_without_a_calendar_has_no_dates() {
    let server = Server::new("a").unwrap();
    let paths = noisy_paths("any", |_| 95.0, 1.0, 30, 10);
    let history = percent("a", "cpu", vec![50.0; 400]);
    let limits = Limits { thresholds: vec![120.0, 80.0], ..Limits::default() };
    let series = SeriesOutlook { server: &server, history: &history, expected: &[95.0; 365], paths: &paths };
    let rows = risks(&series, &limits, &Calendar::us());
    assert_eq!(rows[0].reason, "values stop at 100, so a threshold of 120 % is never reached");
    assert_eq!((rows[0].state, rows[2].state), (RiskState::Unknown, RiskState::Ok));
    let line = Timeline::without_calendar(crate::common::START.at(0, 0, 0, 0), Step::DAY);
    let counted = History::new(history.id().clone(), Arc::clone(history.metric()), line, vec![50.0; 400]).unwrap();
    let row = &risks(&SeriesOutlook { history: &counted, ..series }, &limits, &Calendar::us())[2];
    assert_eq!((row.p_crossed[0], row.dates.q50, row.class), (Some(1.0), None, RiskClass::Unknown));
}

#[test]
fn a_capacity_of_the_servers_own_makes_a_limit() {
    let mut server = Server::new("db-1").unwrap();
    server.shape.disk_mb_per_s = Some(200.0);
    let metric = Arc::new(Metric::named("disk_io"));
    let id = SeriesId::new("db-1", "disk_io");
    let history = History::new(id, metric, Timeline::daily(crate::common::START), vec![100.0; 400]).unwrap();
    let paths = Paths::new(30, vec![170.0; 30]).unwrap();
    let series = SeriesOutlook { server: &server, history: &history, expected: &[170.0; 365], paths: &paths };
    let rows = risks(&series, &Limits::default(), &Calendar::us());
    assert_eq!((rows[0].p_crossed[0], rows[2].p_crossed[0]), (Some(1.0), Some(0.0)));
}

#[test]
fn growth_that_passes_80_within_18_months_has_its_chance_and_its_dates() {
    // 12 % a year, from 70 %: it passes 80 % on the 430th day, within 548 but not within 365.
    let history = percent("web-1", "cpu", vec![70.0; 1095]);
    let grown = |day: usize| 70.0 * math::pow(1.12, (day + 1) as f64 / 365.25);
    let expected: Vec<f64> = (0..548).map(grown).collect();
    let row = &judge(&history, &expected, &noisy_paths("growth", grown, 0.5, 548, 200))[0];
    assert_eq!((row.class, row.state), (RiskClass::Growth, RiskState::Ok), "{}", row.reason);
    assert!(row.p_crossed.iter().all(|&p| p == Some(0.0)), "not within half a year: {:?}", row.p_crossed);
    let crossing = date(2024, 12, 30) + 430.days();
    for (day, what) in [(row.dates.q10, "q10"), (row.dates.q50, "q50"), (row.dates.q90, "q90")] {
        let day = day.expect("every future crosses within 548 days");
        assert!(day > crossing - 45.days() && day <= crossing + 10.days(), "{what} {day}, planted {crossing}");
    }
    // 18 months are not 12: the futures of a year say nothing of it.
    let year = judge(&history, &expected[..365], &noisy_paths("growth", grown, 0.5, 365, 200));
    assert_eq!((year[0].dates.q10, year[0].class), (None, RiskClass::None), "{}", year[0].reason);
}

#[test]
fn every_row_has_one_class_and_the_classes_add_up() {
    let level =
        |server: usize, day: usize| 40.0 + 8.0 * server as f64 + if day.is_multiple_of(30) { 25.0 } else { 0.0 };
    let mut counts = std::collections::BTreeMap::new();
    for server in 0..8 {
        let history = percent("web-1", "cpu", vec![60.0; if server == 7 { 100 } else { 1095 }]);
        let expected: Vec<f64> = (0..365).map(|day| level(server, day)).collect();
        for row in judge(&history, &expected, &noisy_paths("classes", |day| level(server, day), 2.0, 90, 20)) {
            *counts.entry((row.threshold as u32, row.min_days, row.class)).or_insert(0) += 1;
        }
    }
    for key in [(80, 1), (80, 3), (90, 1), (90, 3)] {
        let of_key: Vec<i32> =
            RiskClass::ALL.iter().map(|&class| counts.get(&(key.0, key.1, class)).copied().unwrap_or(0)).collect();
        assert_eq!(of_key.iter().sum::<i32>(), 8, "{key:?}: {of_key:?}");
        assert!(of_key.iter().filter(|&&count| count > 0).count() >= 3, "{key:?}: {of_key:?}");
    }
}

proptest! {
    #[test]
    fn more_load_a_longer_horizon_and_a_lower_threshold_never_lower_p(
        level in 40.0f64..95.0,
        spread in 0.5f64..15.0,
        more in 0.0f64..10.0,
        horizon in 180usize..200,
    ) {
        let history = percent("web-1", "cpu", vec![60.0; 400]);
        let rows = judge(&history, &[level; 365], &noisy_paths("law", |_| level, spread, horizon, 40));
        let loaded = judge(&history, &[level; 365], &noisy_paths("law", |_| level + more, spread, horizon, 40));
        for (row, loaded) in rows.iter().zip(&loaded) {
            prop_assert!(row.p_crossed.is_sorted());
            prop_assert!(row.p_crossed.iter().zip(&loaded.p_crossed).all(|(p, q)| p <= q));
            prop_assert!(row.dates.q10 <= row.dates.q50 || row.dates.q50.is_none());
        }
        for h in 0..4 {
            prop_assert!(rows[0].p_crossed[h] >= rows[2].p_crossed[h], "80 % is crossed before 90 %");
            prop_assert!(rows[0].p_crossed[h] >= rows[1].p_crossed[h], "one day comes before three");
        }
        prop_assert_eq!(&rows, &judge(&history, &[level; 365], &noisy_paths("law", |_| level, spread, horizon, 40)));
    }
}

/// Futures of which the shares in `crossings` cross 90 % on the given days after the cutoff.
fn crossing_on(crossings: &[(usize, usize)], horizon: usize) -> Paths {
    let mut days: Vec<Option<usize>> = crossings.iter().flat_map(|&(n, day)| vec![Some(day); n]).collect();
    days.resize(100, None);
    let level = |over: Option<usize>, day: usize| if over == Some(day) { 95.0 } else { 50.0 };
    let values = days.iter().flat_map(|&over| (1..=horizon).map(move |day| level(over, day))).collect();
    Paths::new(horizon, values).expect("a rectangle of values")
}

fn lead(criticality: Option<&str>, crossings: &[(usize, usize)], limits: &Limits) -> fleetcast_core::Lead {
    let history = percent("web-1", "cpu", vec![50.0; 400]);
    let mut server = Server::new("web-1").expect("a name");
    server.criticality = criticality.map(str::to_owned);
    let (paths, expected) = (crossing_on(crossings, 180), [50.0; 365]);
    let series = SeriesOutlook { server: &server, history: &history, expected: &expected, paths: &paths };
    risks(&series, limits, &Calendar::us())[2].lead
}

#[test]
fn an_order_is_due_before_the_accepted_chance_of_coming_too_late_is_passed() {
    let limits = Limits::default();
    let cutoff = percent("web-1", "cpu", vec![50.0; 400]).cutoff().date();
    let on = |days: i64| Some(cutoff.checked_add(jiff::ToSpan::days(days)).expect("a date"));
    // 15 of 100 futures cross on day 60, 10 more on day 80. Capacity takes 30 days and 7 of slack.
    let crossings = [(15, 60), (10, 80)];
    // More than 20 % have crossed on day 80 first; ordered on day 42, capacity serves on day 79.
    let medium = lead(Some("medium"), &crossings, &limits);
    assert_eq!((medium.days, medium.p_late, medium.order_by), (37, Some(0.0), on(42)));
    assert_eq!(lead(None, &crossings, &limits), medium);
    // Of a critical server 10 % are accepted: day 60 counts.
    assert_eq!(lead(Some("high"), &crossings, &limits).order_by, on(22));
    assert_eq!(lead(Some("low"), &crossings, &limits).order_by, None);
    // What is late already is due on the cutoff, with the chance that it comes too late.
    let late = lead(Some("high"), &[(12, 30)], &limits);
    assert_eq!((late.p_late, late.order_by), (Some(0.12), on(0)));
}

#[test]
fn lead_times_that_make_no_sense_are_named() {
    let mut limits = Limits::default();
    limits.lead_time.accept = 1.0;
    let message = limits.check().unwrap_err().to_string();
    assert_eq!(message, "`lead_time.accept` is 1, it must be a probability from 0 to below 1");
    let mut limits = Limits::default();
    limits.lead_time.by_criticality.insert("high".to_owned(), fleetcast_plan::Tier { days: 900, accept: 0.1 });
    let message = limits.check().unwrap_err().to_string();
    assert_eq!(message, "`lead_time.by_criticality.high.days` is 900, it must be 0 to 730 days");
}

proptest! {
    #[test]
    fn a_longer_wait_or_less_accepted_risk_never_makes_the_order_later(
        crossings in prop::collection::vec((0_usize..20, 1_usize..180), 0..5),
        days in 0_u32..100,
        more in 0_u32..80,
        accept in 0.0..0.9_f64,
        less in 0.0..1.0_f64,
    ) {
        let limits = |days, accept| {
            let mut limits = Limits::default();
            (limits.lead_time.days, limits.lead_time.accept) = (days, accept);
            limits
        };
        let plain = lead(None, &crossings, &limits(days, accept));
        let slower = lead(None, &crossings, &limits(days + more, accept));
        let careful = lead(None, &crossings, &limits(days, accept * less));
        let due = |lead: &fleetcast_core::Lead| lead.order_by.unwrap_or(jiff::civil::Date::MAX);
        prop_assert!(due(&slower) <= due(&plain) && due(&careful) <= due(&plain));
        prop_assert!(slower.p_late.is_none_or(|p| Some(p) >= plain.p_late));
        // What is due later than now is not late yet.
        if due(&plain) > percent("web-1", "cpu", vec![50.0; 400]).cutoff().date() {
            prop_assert!(plain.p_late.is_none_or(|p| p <= accept));
        }
    }
}
