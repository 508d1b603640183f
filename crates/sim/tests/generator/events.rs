//! What happens to servers is told, comes at the rates asked for, and moves what it should.

use crate::common::{NOTHING_GOES_WRONG, fleet, fleet_from};
use fleetcast_numeric::quantile;
use fleetcast_sim::{Event, Fleet, FleetSpec, METRICS, SampleStep, Scenario, ServerTelemetry};
use jiff::civil::date;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Faults of the collector; they never show in the truth.
const OF_COLLECTOR: [&str; 6] = ["missed_scrape", "missing_metric", "late", "duplicate", "stale", "counter_reset"];
/// Changes of level, which last.
const OF_LEVEL: [&str; 3] = ["deploy", "migration", "resize"];
const DAY_MS: i64 = 86_400_000;

/// A fleet in `enterprise` with other settings.
fn with(text: &str, n_servers: usize, days: usize, step: SampleStep, seed: u64) -> Fleet {
    let spec = FleetSpec { n_servers, start: date(2024, 3, 1), days, step, seed };
    let text = format!("name = 'test'\n{text}");
    Fleet::new(Scenario::from_toml(&text, "test.toml").expect("a possible scenario"), spec).expect("a possible fleet")
}

/// Everything happens often.
pub const BUSY: &str = "
[level_shifts]
per_server_per_year = 4.0
per_pool_per_year = 2.0
[resizes]
per_pool_per_year = 3.0
[incidents.memory_leak]
per_server_per_year = 30.0
[incidents.disk_full]
per_server_per_year = 30.0
[incidents.failover]
per_server_per_year = 20.0
[outages]
per_server_per_year = 12.0
per_region_per_year = 6.0
";

/// Times at which an event may change the load, both ends included.
fn window(event: &Event, step_ms: i64) -> (i64, i64) {
    let end = match event.end_ms {
        Some(end) => end,
        None if OF_LEVEL.contains(&event.event_type) => event.peak_ms,
        None => i64::MAX - step_ms,
    };
    (event.start_ms, end)
}

/// The rows at which the event factor changes without an event that tells of it.
fn unexplained(server: &ServerTelemetry, step_ms: i64) -> Vec<String> {
    let truths = server.events.iter().filter(|event| !OF_COLLECTOR.contains(&event.event_type));
    let windows: Vec<(i64, i64)> = truths.map(|event| window(event, step_ms)).collect();
    let mut found = Vec::new();
    for (m, truth) in server.truth.iter().enumerate() {
        for row in 0..truth.event.len() {
            let before = if row == 0 { 1.0 } else { truth.event[row - 1] };
            if (truth.event[row] - before).abs() <= 1e-12 * before {
                continue;
            }
            let (from, to) = (server.ts_ms[row] - step_ms, server.ts_ms[row] + step_ms);
            // A sample tells of its whole step.
            if !windows.iter().any(|(start, end)| *start < to && *end >= from) {
                found.push(format!("{} {} {before} {}", METRICS[m], server.ts_ms[row], truth.event[row]));
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_jump_of_the_event_factor_is_told(seed in any::<u64>(), index in 0usize..400, is_busy in any::<bool>()) {
        for (step, days) in [(SampleStep::Day, 400), (SampleStep::Hour, 90), (SampleStep::Minutes15, 20), (SampleStep::Minutes5, 12)] {
            let server = with(if is_busy { BUSY } else { "" }, 1, days, step, seed).generate(index);
            // A day has up to 25 hours.
            let step_ms = step.seconds() * 1000 + if step == SampleStep::Day { 3_600_000 } else { 0 };
            prop_assert_eq!(unexplained(&server, step_ms), Vec::<String>::new(), "{} {:?}", step, server.events);
        }
    }

    #[test]
    fn the_p95_of_a_days_samples_is_that_of_the_daily_series_whatever_happens(
        seed in any::<u64>(), index in 0usize..400, first in 0i64..300,
    ) {
        let scenario = || Scenario::from_toml(&format!("name = 'test'\n{BUSY}"), "test.toml").expect("a scenario");
        let start = date(2024, 1, 1).checked_add(jiff::Span::new().days(first)).expect("a date of 2024");
        let run = |step| {
            let spec = FleetSpec { n_servers: 1, start, days: 25, step, seed };
            Fleet::new(scenario(), spec).expect("a fleet").generate(index)
        };
        let days = run(SampleStep::Day);
        for step in [SampleStep::Hour, SampleStep::Minutes15, SampleStep::Minutes5] {
            let samples = run(step);
            for day in 0..25 {
                let end = days.ts_ms.get(day + 1).copied().unwrap_or(i64::MAX);
                let rows: Vec<usize> = (0..samples.ts_ms.len())
                    .filter(|row| (days.ts_ms[day]..end).contains(&samples.ts_ms[*row]))
                    .collect();
                for m in 0..METRICS.len() {
                    let demand: Vec<f64> = rows.iter().map(|row| samples.truth[m].demand[*row]).collect();
                    let (p95, expected) = (quantile(&demand, 0.95).unwrap(), days.truth[m].demand[day]);
                    prop_assert!((p95 - expected).abs() <= 1e-9 * expected, "{step} day {day} {m}: {p95} {expected}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn whatever_a_scenario_asks_for_gives_numbers(
        seed in any::<u64>(), rate in 0.0..1000.0_f64, median in 1.0..100_000.0_f64, log_std in 0.0..4.0_f64,
        longest in 0.1..2_160.0_f64, change in -99.0..10_000.0_f64, rise in 0.0..1.0_f64, share in 0.0..1.0_f64,
    ) {
        let duration = format!("{{ median_minutes = {median}, log_std = {log_std}, longest_hours = {longest} }}");
        let rare = rate / 20.0;
        let text = format!(
            "[incidents.memory_leak]\nper_server_per_year = {rare}\nduration = {duration}\nrise_share = {rise}\n\
             change_percent = {{ cpu = {change}, memory = {change}, disk_io = 1.0, network = 0.0 }}\n\
             change_log_std = 2.0\n[incidents.failover]\nper_server_per_year = {rare}\nduration = {duration}\n\
             [incidents.cron_collision]\nper_server_per_year = {rare}\nduration = {duration}\nrecurs_days = 100.0\n\
             [outages]\nper_server_per_year = {rare}\nduration = {duration}\ntaken_over_share = {share}\n\
             per_region_per_year = {rare}\nregion_duration = {duration}\n[collector]\n\
             down_per_server_per_year = {rate}\ndown_duration = {duration}\nstale_per_server_per_year = {rate}\n\
             counter_resets_per_server_per_year = {rate}\nmissed_share = {share}\nmissing_metric_share = {share}\n\
             late_share = {share}\nduplicate_share = {share}\nlatest_minutes = {median}\n\
             [churn]\nborn_later_share = {share}\nretired_per_year = {share}\n"
        );
        for (step, days) in [(SampleStep::Day, 60), (SampleStep::Hour, 15)] {
            let server = with(&text, 1, days, step, seed).generate(3);
            for truth in &server.truth {
                for (demand, noise) in truth.demand.iter().zip(&truth.noise) {
                    prop_assert!(demand.is_finite() && *demand >= 0.0 && noise.is_finite(), "{demand} {noise}");
                }
            }
            prop_assert_eq!(server.delivered_rows().len() >= server.collected_rows().count(), true);
            prop_assert!(server.events.iter().all(|event| event.start_ms <= event.peak_ms && event.size.is_finite()));
        }
    }
}

/// Median, and how many there were, of the durations in minutes of the events of each type.
fn durations(events: &BTreeMap<String, Event>) -> BTreeMap<&str, Vec<f64>> {
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for event in events.values() {
        let minutes = event.end_ms.map_or(f64::NAN, |end| (end - event.start_ms) as f64 / 60_000.0);
        found.entry(event.event_type).or_default().push(minutes);
    }
    found
}

#[test]
fn incidents_come_at_the_rates_and_last_as_long_as_the_scenario_says() {
    let fleet = fleet("enterprise", 120, 366, SampleStep::Hour, 5);
    let mut events = BTreeMap::new();
    let mut n_servers = 0.0;
    for index in 0..fleet.len() {
        let own = fleet.generate(index).events;
        n_servers += 1.0;
        events.extend(own.into_iter().map(|event| (event.event_id.clone(), event)));
    }
    events.retain(|_, event| !event.event_id.ends_with("-taken-over") && event.scope == "server");
    let durations = durations(&events);
    for (kind, per_year, median) in [
        ("memory_leak", 5.0, 600.0),
        ("disk_full", 8.0, 75.0),
        ("retry_storm", 36.0, 7.0),
        ("noisy_neighbour", 34.0, 12.0),
        ("cron_collision", 1.2, f64::NAN),
        ("failover", 6.0, 20.0),
        ("outage", 0.4, 54.0),
    ] {
        let minutes = &durations[kind];
        let rate = minutes.len() as f64 / n_servers;
        // Four standard deviations of a Poisson count.
        let slack = 4.0 * (per_year / n_servers).sqrt();
        assert!((rate - per_year).abs() < slack, "{kind}: {rate} a year, {per_year} asked for");
        let known: Vec<f64> = minutes.iter().copied().filter(|m| !m.is_nan()).collect();
        let got = quantile(&known, 0.5).unwrap();
        // Steps of five minutes, and the gap between 72 and 120.
        let is_right = got >= median / 1.5 && got <= (median * 1.3).max(median + 5.0);
        assert!(median.is_nan() || is_right, "{kind}: {got} minutes, {median} asked for");
    }
}

#[test]
fn when_a_server_is_lost_its_pool_takes_over() {
    let text = NOTHING_GOES_WRONG.replace(
        "[outages]\nper_server_per_year = 0.0",
        "[level_shifts]\nper_server_per_year = 0.0\nper_pool_per_year = 0.0\n[outages]\ntaken_over_share = 1.0\n\
         per_server_per_year = 3.0",
    );
    let fleet = with(&text, 60, 60, SampleStep::Minutes5, 17);
    let servers: Vec<ServerTelemetry> = (0..fleet.len()).map(|index| fleet.generate(index)).collect();
    let mut n_checked = 0;
    for lost in &servers {
        let pool: Vec<&ServerTelemetry> = servers.iter().filter(|s| s.server.pool == lost.server.pool).collect();
        let outages = lost.events.iter().filter(|event| event.event_type == "outage");
        // A pool cut off by the end of this fleet has servers that are not seen here.
        for outage in outages.filter(|_| pool.iter().all(|s| s.server.server_id() != servers[59].server.server_id())) {
            let Some(row) = lost.ts_ms.iter().position(|ms| *ms >= outage.start_ms) else { continue };
            let down = pool.iter().filter(|s| s.truth[0].event[row] == 0.0).count() as f64;
            assert_eq!((lost.truth[0].event[row], lost.truth[1].demand[row]), (0.0, 0.0));
            let n = pool.len() as f64;
            // Together they do what they did: the factors add up to the number of servers.
            let sum: f64 = pool.iter().map(|s| s.truth[0].event[row]).sum();
            assert!(n == down || (sum - n).abs() < 1e-9, "{sum} of {n}");
            for peer in pool.iter().filter(|s| s.truth[0].event[row] > 0.0) {
                assert!((peer.truth[0].event[row] - n / (n - down)).abs() < 1e-12);
                assert!(peer.truth[1].event[row] > 1.0 && peer.truth[1].event[row] < 1.1, "memory hardly follows");
                assert!(peer.events.iter().any(|event| event.event_id == format!("{}-taken-over", outage.event_id)));
                n_checked += 1;
            }
        }
    }
    assert!(n_checked > 20, "{n_checked}");
}

#[test]
fn a_region_that_is_down_has_no_load_and_the_others_have_more() {
    let text = "[outages]\nper_region_per_year = 3.0\ntaken_over_share = 0.5";
    let fleet = with(text, 40, 200, SampleStep::Hour, 3);
    let servers: Vec<ServerTelemetry> = (0..fleet.len()).map(|index| fleet.generate(index)).collect();
    let events: BTreeMap<&str, &Event> =
        servers.iter().flat_map(|s| &s.events).map(|event| (event.event_id.as_str(), event)).collect();
    let outages: Vec<&&Event> =
        events.values().filter(|event| event.scope == "region" && event.event_type == "outage").collect();
    assert!(outages.len() >= 3);
    let mut n_raised = 0;
    for outage in outages {
        let Some(end) = outage.end_ms else { continue };
        for server in &servers {
            let inside = (0..server.ts_ms.len())
                .find(|row| server.ts_ms[*row] >= outage.start_ms && server.ts_ms[*row] + 3_600_000 <= end);
            let Some(row) = inside else { continue };
            let region = server.server.region.as_deref().unwrap();
            if region == outage.scope_id {
                assert_eq!(server.truth[0].demand[row], 0.0);
            } else {
                let id = format!("{}-to-{region}", outage.event_id);
                let taken_over = server.events.iter().find(|event| event.event_id == id).unwrap();
                assert!(taken_over.size > 1.0 && taken_over.start_ms == outage.start_ms);
                n_raised += 1;
            }
        }
    }
    assert!(n_raised > 50, "{n_raised}");
}

#[test]
fn the_collectors_faults_change_what_is_collected_and_not_the_truth() {
    let faulty = fleet_from("enterprise", 12, date(2024, 5, 1), 40, SampleStep::Minutes5, 9);
    let collector = NOTHING_GOES_WRONG.find("[collector]").unwrap();
    let text = &NOTHING_GOES_WRONG[collector..];
    let spec = faulty.spec();
    let clean = Fleet::new(Scenario::from_toml(text, "clean.toml").unwrap(), spec).unwrap();
    let mut seen = BTreeSet::new();
    let (mut n_rows, mut n_gaps, mut n_late, mut n_repeats) = (0, 0, 0, 0);
    for index in 0..faulty.len() {
        let (with, without) = (faulty.generate(index), clean.generate(index));
        assert_eq!((&with.truth, &with.ts_ms), (&without.truth, &without.ts_ms));
        assert!(without.observed.iter().flatten().all(|value| !value.is_nan()) && without.deliveries.is_empty());
        let told: Vec<&Event> = with.events.iter().filter(|event| OF_COLLECTOR.contains(&event.event_type)).collect();
        seen.extend(told.iter().map(|event| event.event_type.to_owned()));
        assert_eq!(with.events.len() - told.len(), without.events.len());
        for (m, series) in with.observed.iter().enumerate() {
            for (row, value) in series.iter().enumerate() {
                // Whatever differs is told.
                if value.to_bits() != without.observed[m][row].to_bits() {
                    let (from, to) = (with.ts_ms[row], with.ts_ms[row] + 300_000);
                    let is_told = |e: &&Event| e.start_ms < to && e.end_ms.is_none_or(|end| end >= from);
                    assert!(told.iter().any(is_told), "{m} {row}");
                }
            }
        }
        let (kept, delivered) = (with.collected_rows().count(), with.delivered_rows());
        n_rows += with.ts_ms.len();
        n_gaps += with.ts_ms.len() - kept;
        let repeats = with.deliveries.iter().filter(|delivery| delivery.is_repeat).count();
        n_repeats += repeats;
        n_late += with.deliveries.len() - repeats;
        assert_eq!(delivered.len(), kept + repeats);
        assert_eq!(delivered.iter().collect::<BTreeSet<_>>().len(), kept, "no sample is lost on the way");
    }
    assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), OF_COLLECTOR.into_iter().collect());
    let share = |n: usize| n as f64 / n_rows as f64;
    assert!((2e-4..2e-3).contains(&share(n_gaps)), "{}", share(n_gaps));
    assert!((share(n_late) / 3e-4 - 1.0).abs() < 0.35 && (share(n_repeats) / 2e-4 - 1.0).abs() < 0.4);
}

#[test]
fn a_day_on_which_the_collector_was_down_has_no_samples() {
    let text = "[collector]\ndown_per_server_per_year = 20.0\ndown_duration = { median_minutes = 4000.0, log_std = 0.3, longest_hours = 200.0 }";
    let (days, hours) =
        (with(text, 1, 120, SampleStep::Day, 4).generate(0), with(text, 1, 120, SampleStep::Hour, 4).generate(0));
    let gaps: Vec<usize> = (0..120).filter(|day| !days.is_collected(*day)).collect();
    assert!(gaps.len() > 5, "{gaps:?}");
    let daily = days.daily.as_ref().unwrap();
    for day in 0..120 {
        assert_eq!(daily.p95[0][day].is_nan(), gaps.contains(&day));
        assert_eq!(daily.mean[2][day].is_nan(), daily.max[3][day].is_nan());
        let end = days.ts_ms.get(day + 1).copied().unwrap_or(i64::MAX);
        let any = hours.collected_rows().any(|row| (days.ts_ms[day]..end).contains(&hours.ts_ms[row]));
        assert_eq!(any, !gaps.contains(&day), "day {day}");
    }
    assert!(days.truth[0].observed.iter().all(|value| !value.is_nan()));
}

#[test]
fn a_resize_divides_percentages_by_the_factor_of_the_capacity() {
    let text = "[resizes]\nper_pool_per_year = 2.0\n[level_shifts]\nper_server_per_year = 0.0\nper_pool_per_year = 0.0";
    let fleet = with(text, 60, 365, SampleStep::Day, 8);
    let mut n_resizes = 0;
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        let resizes: Vec<&Event> = server.events.iter().filter(|event| event.event_type == "resize").collect();
        let capacity: f64 = resizes.iter().map(|event| event.size).product();
        let last = |m: usize| server.truth[m].event.iter().skip(340).copied().collect::<Vec<f64>>();
        let lasting = |m: usize| quantile(&last(m), 0.5).unwrap();
        let is_calm = last(0).windows(2).all(|pair| pair[0] == pair[1]);
        if is_calm {
            assert!((lasting(0) * capacity - 1.0).abs() < 1e-12, "{resizes:?}");
            assert!((lasting(3) * capacity - 1.0).abs() < 1e-3, "bandwidths double but for their rounding");
            n_resizes += resizes.len();
        }
        // The inventory has the hardware of the last day, and since when.
        assert_eq!(server.server, fleet.server(index));
        if let Some(last) = resizes.last() {
            let day = server.ts_ms.iter().position(|ms| *ms == last.start_ms).unwrap();
            assert_eq!(server.server.valid_from, Some(server.daily.as_ref().unwrap().dates[day]));
            assert_eq!(last.size == 2.0, server.server.shape.vcpu.unwrap() > 2.0 && last.size > 1.0);
        }
    }
    assert!(n_resizes > 20, "{n_resizes}");
}

#[test]
fn servers_come_and_go_where_the_scenario_says_so() {
    let text = "[churn]\nborn_later_share = 0.4\nborn_within_days = 200.0\nretired_per_year = 0.8";
    for step in [SampleStep::Day, SampleStep::Hour] {
        let fleet = with(text, 50, 300, step, 2);
        let (mut n_births, mut n_retirements) = (0, 0);
        for index in 0..fleet.len() {
            let server = fleet.generate(index);
            let find = |kind: &str| server.events.iter().find(|event| event.event_type == kind).map(|e| e.start_ms);
            let (birth, retirement) = (find("birth"), find("retirement"));
            n_births += usize::from(birth.is_some());
            n_retirements += usize::from(retirement.is_some());
            assert!(server.ts_ms.iter().all(|ms| birth.is_none_or(|from| *ms >= from)));
            assert!(server.ts_ms.iter().all(|ms| retirement.is_none_or(|to| *ms < to)));
            let (first, last) = (server.ts_ms.first(), server.ts_ms.last());
            assert!(birth.is_none() || first.is_none() || birth == first.copied());
            assert!(retirement.is_none_or(|to| last.is_none_or(|last| to - last <= DAY_MS + 3_600_000)));
            for truth in &server.truth {
                assert_eq!((truth.demand.len(), truth.saturated.len()), (server.ts_ms.len(), server.ts_ms.len()));
            }
            assert_eq!(server.observed[3].len(), server.ts_ms.len());
            let valid_from = server.server.valid_from.unwrap();
            assert_eq!(valid_from > date(2024, 3, 1), birth.is_some() || find("resize").is_some());
        }
        assert!((8..32).contains(&n_births) && (10..40).contains(&n_retirements), "{n_births} {n_retirements}");
    }
    let all = fleet("enterprise", 20, 50, SampleStep::Day, 2);
    assert!((0..20).all(|index| all.generate(index).ts_ms.len() == 50), "off unless a scenario asks for it");
}

#[test]
fn the_walkthrough_has_no_events_and_no_gaps() {
    for step in [SampleStep::Day, SampleStep::Hour] {
        let fleet = fleet("walkthrough", 6, 40, step, 3);
        for index in 0..fleet.len() {
            let server = fleet.generate(index);
            assert!(server.events.is_empty() && server.deliveries.is_empty());
            assert_eq!(server.observed, server.truth.each_ref().map(|truth| truth.observed.clone()));
            assert!(server.truth.iter().all(|truth| truth.event.iter().all(|factor| *factor == 1.0)));
        }
    }
}
