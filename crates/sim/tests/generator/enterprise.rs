//! The fleet of a company: what was planted is found again, and load looks as in real fleets.

use crate::common::{correlation, fleet};
use fleetcast_numeric::{math, quantile};
use fleetcast_sim::{SampleStep, ServerTelemetry};
use jiff::civil::{Weekday, date};

fn servers(n: usize, days: usize, seed: u64) -> Vec<ServerTelemetry> {
    let fleet = fleet("enterprise", n, days, SampleStep::Day, seed);
    (0..n).map(|index| fleet.generate(index)).collect()
}

#[test]
fn most_servers_are_idle_and_some_are_busy() {
    for seed in [42, 1, 2] {
        let all = servers(200, 1275, seed);
        let medians: Vec<f64> = all.iter().map(|s| quantile(&s.observed[0][..1095], 0.5).unwrap()).collect();
        let means: Vec<f64> = all.iter().map(|s| math::mean(&s.daily.as_ref().unwrap().mean[0]).unwrap()).collect();
        let (median, mean) = (quantile(&medians, 0.5).unwrap(), math::mean(&means).unwrap());
        // Public VM traces: median daily P95 of 1 to 10 %, mean cpu of 5 to 10 %.
        assert!((4.0..11.0).contains(&median), "seed {seed}: median daily P95 {median}");
        assert!((5.0..11.0).contains(&mean), "seed {seed}: mean cpu {mean}");
        let crossing = all.iter().filter(|s| {
            (0..4).any(|m| {
                let limit = if m == 2 { 100.0 } else { 80.0 };
                s.observed[m][1095..].iter().any(|v| *v >= limit)
            })
        });
        let share = crossing.count() as f64 / 200.0;
        assert!((0.05..0.20).contains(&share), "seed {seed}: {share} of the servers cross 80 % in half a year");
    }
}

#[test]
fn the_residual_is_correlated_remembers_and_is_shared() {
    let all = servers(60, 1095, 8);
    // Logarithms are linear in the driving noise.
    let logs: Vec<[Vec<f64>; 4]> =
        all.iter().map(|s| s.truth.each_ref().map(|t| t.noise.iter().map(|v| v.ln()).collect())).collect();
    let mean_over = |f: &dyn Fn(usize) -> f64| (0..all.len()).map(f).sum::<f64>() / all.len() as f64;
    let lag = |k: usize| mean_over(&|i| correlation(&logs[i][0][..1095 - k], &logs[i][0][k..]));
    // 0.19 exp(-k/1) + 0.15 exp(-k/6) + 0.41 exp(-k/30), 0.59 and 0.37 and 0.06, less what wild days and the
    // sample mean take.
    assert!((0.48..0.62).contains(&lag(1)), "{}", lag(1));
    assert!((0.26..0.40).contains(&lag(7)) && lag(60).abs() < 0.08, "{} {}", lag(7), lag(60));
    let (mut pool, mut apart, mut n_pool, mut n_apart) = (0.0, 0.0, 0.0, 0.0);
    for i in 0..all.len() {
        for j in 0..i {
            let together = correlation(&logs[i][0], &logs[j][0]);
            let (a, b) = (&all[i].server, &all[j].server);
            if a.pool == b.pool {
                pool += together;
                n_pool += 1.0;
            } else if a.service != b.service && a.region != b.region {
                apart += together;
                n_apart += 1.0;
            }
        }
    }
    let (pool, apart) = (pool / n_pool, apart / n_apart);
    // Shares 0.20 + 0.05 + 0.02 + 0.02; wild days, which are a server's own, take a little.
    assert!((0.20..0.36).contains(&pool), "{pool}");
    // All servers have 0.02 in common.
    assert!((apart - 0.02).abs() < 0.03, "{apart}");
}

#[test]
fn the_residual_has_mean_1_and_the_variation_of_the_profile() {
    let all = servers(200, 1095, 3);
    for m in 0..4 {
        let mean = all.iter().map(|s| math::mean(&s.truth[m].noise).unwrap()).sum::<f64>() / 200.0;
        assert!((mean - 1.0).abs() < 0.01, "{m}: {mean}");
    }
}

#[test]
fn weeks_and_holidays_shape_cpu_but_hardly_memory() {
    let fleet = fleet("enterprise", 60, 365, SampleStep::Day, 6);
    let mut exponents = Vec::new();
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        if server.server.archetype.as_deref() != Some("application") {
            continue;
        }
        let dates = &server.daily.as_ref().unwrap().dates;
        let (cpu, memory) = (&server.truth[0].week, &server.truth[1].week);
        // Servers follow the week in different measure: each has its own exponent.
        let of = |class: Weekday| {
            let day = dates.iter().position(|date| fleet.calendar_of(index).day_class(*date) == class);
            cpu[day.expect("a year has every day")]
        };
        let (saturday, sunday) = (of(Weekday::Saturday), of(Weekday::Sunday));
        let exponent = sunday.ln() / 0.55_f64.ln();
        assert!((saturday.ln() / 0.6_f64.ln() - exponent).abs() < 1e-9);
        exponents.push(exponent);
        for (day, date) in dates.iter().enumerate() {
            // Memory has the loading 0.02, cpu 0.15.
            assert!((memory[day].ln() - cpu[day].ln() * 0.02 / 0.15).abs() < 1e-9);
            match fleet.calendar_of(index).day_class(*date) {
                Weekday::Sunday => assert_eq!(cpu[day], sunday),
                Weekday::Saturday => assert_eq!(cpu[day], saturday),
                _ => assert!(cpu[day] > saturday),
            }
        }
        let fourth = dates.iter().position(|d| *d == date(2022, 7, 4)).unwrap();
        let is_american = server.server.region.as_deref().is_some_and(|region| region.starts_with("us-"));
        assert_eq!(cpu[fourth] == sunday, is_american, "a holiday is a Sunday where it is one");
    }
    let median = quantile(&exponents, 0.5).unwrap();
    assert!((0.10..0.22).contains(&median), "{median}");
    assert!(exponents.iter().any(|e| *e < 0.08) && exponents.iter().any(|e| *e > 0.3), "{exponents:?}");
}

#[test]
fn the_expected_p95_is_the_mean_over_the_noise() {
    let fleet = fleet("enterprise", 150, 400, SampleStep::Day, 12);
    let mut ratios = Vec::new();
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        for day in [40, 130, 220, 310, 399] {
            let expected = fleet.expected(index, day, 30);
            assert_eq!(expected[0].len(), 30);
            for (truth, expected) in server.truth.iter().zip(&expected) {
                let today = truth.base * truth.growth[day] * truth.week[day] * truth.season[day] * truth.event[day];
                assert!((expected[0] / today - 1.0).abs() < 1e-12);
                ratios.push(truth.demand[day] / expected[0]);
            }
        }
        // What began later is not known.
        let from_start = fleet.expected(index, 0, 400);
        if server.events.is_empty() {
            let truth = &server.truth[0];
            for day in [0, 200, 399] {
                assert!((truth.demand[day] / truth.noise[day] / from_start[0][day] - 1.0).abs() < 1e-12);
            }
        }
    }
    let mean = math::mean(&ratios).unwrap();
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
}

#[test]
fn events_are_listed_once_and_move_the_level() {
    let fleet = fleet("enterprise", 120, 1095, SampleStep::Day, 21);
    let events = fleet.events(120);
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids.len(), events.len());
    // 1.3 a year for each of 120 servers and 0.3 for each of 40 pools over 3 years.
    let shifts = events.iter().filter(|event| event.event_id.contains("-shift-")).count();
    assert!((440..570).contains(&shifts), "{shifts}");
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        let moved = server.truth.iter().any(|truth| truth.event.iter().any(|factor| *factor != 1.0));
        assert_eq!(moved, !server.events.is_empty());
        for event in server.events {
            // On a day of 23 hours the last hour of a clock of 24 is no time at all.
            assert!(event.start_ms <= event.peak_ms && event.end_ms.is_none_or(|end| end >= event.peak_ms));
            if event.event_id.contains("-shift-") {
                let day = server.ts_ms.iter().position(|ms| *ms == event.start_ms).unwrap();
                assert!(server.truth[1].event[day] != 1.0 || event.metric.is_none(), "{event:?}");
            }
            if event.event_type != "missed_scrape" {
                seen.insert(event.event_id);
            }
        }
    }
    assert_eq!(seen.len(), events.len());
}

#[test]
fn crossings_are_the_first_day_at_or_over_the_limit() {
    for server in servers(200, 1095, 42) {
        for (metric, observed) in server.observed.iter().enumerate() {
            let capacity = if metric == 2 { 125.0 } else { 100.0 };
            for threshold in [80.0, 90.0] {
                let first = observed.iter().position(|v| *v >= threshold / 100.0 * capacity);
                let date = first.map(|day| server.daily.as_ref().unwrap().dates[day]);
                let told = server.crossings.iter().find(|c| c.metric == metric && c.threshold == threshold);
                assert_eq!(told.map(|crossing| crossing.date), date);
            }
        }
    }
}

#[test]
fn a_days_mean_is_well_under_its_p95_and_the_maximum_over_it() {
    let daily: Vec<_> = servers(60, 365, 2).into_iter().filter_map(|server| server.daily).collect();
    let ratio = |m: usize, of: &dyn Fn(&fleetcast_sim::DailyTelemetry) -> Vec<f64>| {
        let all: Vec<f64> =
            daily.iter().flat_map(|d| of(d).into_iter().zip(d.p95[m].clone())).map(|(a, b)| a / b).collect();
        quantile(&all, 0.5).unwrap()
    };
    // Public traces at 5 minutes: P95 / mean of cpu 1.4 to 1.9, maximum / P95 1.4 to 1.9.
    let (mean, max) = (1.0 / ratio(0, &|d| d.mean[0].clone()), ratio(0, &|d| d.max[0].clone()));
    assert!((1.4..1.9).contains(&mean) && (1.2..1.9).contains(&max), "{mean} {max}");
    assert!(ratio(1, &|d| d.mean[1].clone()) > 0.9, "memory is almost constant over the day");
}
