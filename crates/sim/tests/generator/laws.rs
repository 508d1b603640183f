//! A series is a function of scenario, seed and server alone.

use crate::common::fleet;
use fleetcast_sim::{METRICS, SampleStep, ServerTelemetry};
use jiff::civil::date;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn any_step() -> impl Strategy<Value = SampleStep> {
    prop_oneof![Just(SampleStep::Day), Just(SampleStep::Hour), Just(SampleStep::Minutes15), Just(SampleStep::Minutes5)]
}

fn any_scenario() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("enterprise"), Just("walkthrough")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_longer_run_begins_with_the_shorter_one(
        scenario in any_scenario(), step in any_step(), seed in any::<u64>(), short in 1usize..20, more in 1usize..40,
        index in 0usize..500, day in 0i64..900,
    ) {
        let start = date(2022, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let run = |days| crate::common::fleet_from(scenario, 500, start, days, step, seed).generate(index);
        let (shorter, longer) = (run(short), run(short + more));
        let n = shorter.ts_ms.len();
        prop_assert_eq!(&shorter.ts_ms[..], &longer.ts_ms[..n]);
        for m in 0..METRICS.len() {
            // Bit by bit, because a gap is a gap.
            let bits = |series: &[f64]| series[..n].iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
            prop_assert_eq!(bits(&shorter.observed[m]), bits(&longer.observed[m]));
            prop_assert_eq!(&shorter.truth[m].noise[..], &longer.truth[m].noise[..n]);
            prop_assert!(shorter.truth[m].event.iter().eq(longer.truth[m].event.iter().take(n)));
        }
        if let (Some(shorter), Some(longer)) = (shorter.daily, longer.daily) {
            let bits = |series: &[f64]| series[..short].iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
            prop_assert_eq!(bits(&shorter.mean[0]), bits(&longer.mean[0]));
            prop_assert_eq!(bits(&shorter.max[3]), bits(&longer.max[3]));
        }
        for crossing in &shorter.crossings {
            prop_assert!(longer.crossings.contains(crossing));
        }
    }

    #[test]
    fn the_first_servers_of_a_large_fleet_are_the_small_fleet(
        scenario in any_scenario(), seed in any::<u64>(), small in 1usize..30, more in 1usize..2000,
    ) {
        let (few, many) = (fleet(scenario, small, 30, SampleStep::Day, seed), fleet(scenario, small + more, 30, SampleStep::Day, seed));
        // Another order, and other servers asked for before.
        many.generate(small + more - 1);
        for index in (0..small).rev() {
            prop_assert_eq!(few.generate(index), many.generate(index));
        }
    }

    #[test]
    fn all_values_are_finite_and_in_range(scenario in any_scenario(), step in any_step(), seed in any::<u64>(), index in 0usize..100_000) {
        let server = fleet(scenario, 1, 12, step, seed).generate(index);
        for (m, truth) in server.truth.iter().enumerate() {
            let top = if m == 2 { f64::MAX } else { 100.0 };
            prop_assert!(truth.demand.iter().all(|v| v.is_finite() && *v >= 0.0));
            prop_assert!(truth.observed.iter().all(|v| (0.0..=top).contains(v)));
        }
        if let Some(daily) = &server.daily {
            for m in 0..METRICS.len() {
                for day in (0..daily.dates.len()).filter(|day| server.is_collected(*day)) {
                    prop_assert!(daily.mean[m][day] <= daily.p95[m][day] && daily.p95[m][day] <= daily.max[m][day]);
                }
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let fleet = fleet("enterprise", 40, 200, SampleStep::Day, 9);
    let alone: Vec<ServerTelemetry> = (0..40).map(|index| fleet.generate(index)).collect();
    let fresh = crate::common::fleet("enterprise", 40, 200, SampleStep::Day, 9);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let fresh = &fresh;
                scope.spawn(move || {
                    (worker..40).step_by(4).map(|index| (index, fresh.generate(index))).collect::<Vec<_>>()
                })
            })
            .collect();
        for worker in workers {
            for (index, server) in worker.join().unwrap() {
                assert_eq!(server, alone[index], "{index}");
            }
        }
    });
}

#[test]
fn ids_are_unique_and_found_again() {
    let fleet = fleet("enterprise", 5000, 1, SampleStep::Day, 4);
    let ids: BTreeSet<String> = (0..5000).map(|index| fleet.server(index).server_id().to_owned()).collect();
    assert_eq!(ids.len(), 5000);
    for index in [0, 17, 4999] {
        assert_eq!(fleet.index_of(fleet.server(index).server_id()), Some(index));
    }
    assert_eq!(fleet.index_of("web-5000"), None);
    assert_eq!(fleet.index_of("nonsense"), None);
}

#[test]
fn another_seed_is_another_fleet() {
    let (one, two) = (fleet("enterprise", 1, 9, SampleStep::Day, 1), fleet("enterprise", 1, 9, SampleStep::Day, 2));
    assert_ne!(one.generate(0).observed, two.generate(0).observed);
}
