//! The same fleet at finer steps: the P95 of a local day's samples is the value of the daily series.

use crate::common::fleet_from;
use fleetcast_numeric::quantile;
use fleetcast_sim::{Fleet, FleetSpec, METRICS, Profile, SampleStep, Scenario, ServerTelemetry};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::collections::BTreeMap;

const STEPS: [SampleStep; 3] = [SampleStep::Hour, SampleStep::Minutes15, SampleStep::Minutes5];

/// Ranges of samples by local date, worked out from the time stamps alone.
fn local_days(server: &ServerTelemetry) -> BTreeMap<Date, std::ops::Range<usize>> {
    let rules = server.server.zone.rules();
    let mut days: BTreeMap<Date, std::ops::Range<usize>> = BTreeMap::new();
    for (index, ms) in server.ts_ms.iter().enumerate() {
        let instant = Timestamp::from_millisecond(*ms).expect("a time of this century");
        let day = rules.to_datetime(instant).date();
        days.entry(day).or_insert(index..index).end = index + 1;
    }
    days
}

#[test]
fn the_p95_of_a_days_samples_is_that_of_the_daily_series() {
    // America changes its clocks on 10 March and 3 November, Europe on 31 March.
    for (scenario, start, n_days) in [("enterprise", date(2024, 3, 5), 28), ("walkthrough", date(2024, 10, 28), 9)] {
        let daily = fleet_from(scenario, 10, start, n_days, SampleStep::Day, 11);
        for step in STEPS {
            let fine = fleet_from(scenario, 10, start, n_days, step, 11);
            let mut lengths = std::collections::BTreeSet::new();
            for index in 0..fine.len() {
                let (days, samples) = (daily.generate(index), fine.generate(index));
                let local = local_days(&samples);
                assert_eq!(local.len(), n_days);
                for (day, (date, range)) in local.into_iter().enumerate() {
                    assert_eq!(date, days.daily.as_ref().unwrap().dates[day]);
                    lengths.insert(range.len() * usize::try_from(step.seconds()).unwrap() / 3600);
                    for m in 0..METRICS.len() {
                        let p95 = quantile(&samples.truth[m].demand[range.clone()], 0.95).unwrap();
                        let expected = days.truth[m].demand[day];
                        assert!((p95 - expected).abs() <= 1e-9 * expected, "{scenario} {step} {index} {date} {m}");
                        check_observed(&samples, &days, (m, day), range.clone());
                    }
                }
                assert_eq!(samples.crossings, days.crossings);
                // The events that can move a day's P95 are the same; finer steps have brief ones, too.
                let is_of_days = |event: &&fleetcast_sim::Event| event.event_type != "missed_scrape";
                for event in days.events.iter().filter(is_of_days) {
                    assert!(samples.events.contains(event), "{event:?}");
                }
            }
            let changes: Vec<usize> = lengths.into_iter().collect();
            assert!(changes == [23, 24] || changes == [24, 25], "{scenario} {step}: {changes:?}");
        }
    }
}

/// What is served may differ only inside the gap between the two samples that the P95 lies between.
fn check_observed(
    samples: &ServerTelemetry,
    days: &ServerTelemetry,
    (m, day): (usize, usize),
    range: std::ops::Range<usize>,
) {
    let mut served = samples.truth[m].observed[range].to_vec();
    served.sort_by(f64::total_cmp);
    let below = (0.95 * (served.len() - 1) as f64) as usize;
    let observed = days.truth[m].observed[day];
    let slack = 1e-9 * observed;
    assert!(served[below] - slack <= observed && observed <= served[below + 1] + slack);
}

#[test]
fn midnight_is_no_seam() {
    for step in STEPS {
        let fleet = fleet_from("enterprise", 100, date(2024, 5, 1), 30, step, 5);
        let (mut across, mut around, mut n_around) = (0.0, 0.0, 0.0);
        let mut n_across = 0.0;
        for index in 0..fleet.len() {
            let server = fleet.generate(index);
            for range in local_days(&server).into_values().skip(1) {
                for truth in &server.truth {
                    // Events have seams of their own.
                    let load = |j: usize| truth.demand[j] / truth.event[j];
                    let step_at = |j: usize| (load(j) / load(j - 1)).ln().abs();
                    if (range.start - 3..=range.start + 2).any(|j| truth.event[j] == 0.0) {
                        continue;
                    }
                    across += step_at(range.start);
                    n_across += 1.0;
                    for near in [range.start - 2, range.start - 1, range.start + 1, range.start + 2] {
                        around += step_at(near);
                        n_around += 1.0;
                    }
                }
            }
        }
        let (across, around) = (across / n_across, around / n_around);
        assert!(across <= 1.02 * around, "{step}: {across} across midnight, {around} around it");
    }
}

#[test]
fn layers_multiply_to_the_demand_at_every_step() {
    for scenario in ["walkthrough", "enterprise"] {
        for step in STEPS {
            let server = fleet_from(scenario, 1, date(2024, 3, 5), 8, step, 2).generate(0);
            for truth in &server.truth {
                assert_eq!(truth.demand.len(), server.ts_ms.len());
                for j in 0..truth.demand.len() {
                    let product = truth.base
                        * truth.growth[j]
                        * truth.week[j]
                        * truth.season[j]
                        * truth.day[j]
                        * truth.noise[j]
                        * truth.event[j];
                    assert!((product - truth.demand[j]).abs() <= 1e-12 * truth.demand[j]);
                    assert!(truth.observed[j] <= truth.demand[j] && truth.observed[j] >= 0.0);
                }
            }
        }
    }
}

#[test]
fn an_hourly_series_is_its_own_draw() {
    let hour = fleet_from("enterprise", 1, date(2024, 3, 5), 8, SampleStep::Hour, 2).generate(0);
    let fine = fleet_from("enterprise", 1, date(2024, 3, 5), 8, SampleStep::Minutes5, 2).generate(0);
    let mean: f64 = fine.observed[0][..12].iter().sum::<f64>() / 12.0;
    assert!((hour.observed[0][0] - mean).abs() > 1e-6);
}

#[test]
fn a_day_given_hour_by_hour_is_the_day_of_the_samples() {
    let factors: [f64; 24] = std::array::from_fn(|hour| if (2..5).contains(&hour) { 3.0 } else { 0.5 });
    let text = format!("[day]\nanchors = {factors:?}");
    let profile = Profile::from_toml(&text, "night.toml").unwrap();
    let scenario = Scenario::named("walkthrough").unwrap().with_profile(profile);
    let spec = FleetSpec { n_servers: 1, start: date(2024, 5, 1), days: 3, step: SampleStep::Hour, seed: 1 };
    let server = Fleet::new(scenario, spec).unwrap().generate(0);
    for (j, factor) in server.truth[0].day.iter().enumerate() {
        assert!((factor - factors[j % 24]).abs() < 1e-12);
    }
}

#[test]
fn the_year_may_end_with_a_peak_of_its_own() {
    let profile = Profile::from_toml("[season]\nyear_end_peak_factor = 2.0", "mine.toml").unwrap();
    let scenario = Scenario::named("walkthrough").unwrap().with_profile(profile);
    let spec = FleetSpec { n_servers: 1, start: date(2023, 1, 1), days: 365, step: SampleStep::Day, seed: 1 };
    let server = Fleet::new(scenario, spec).unwrap().generate(0);
    let season = &server.truth[0].season;
    assert_eq!((season[364], season[89]), (2.0, 1.4));
}

#[test]
fn holidays_count_as_the_day_that_is_said() {
    let text = "[calendar]\nholidays_count_as = 'saturday'\n\
                [[regions]]\nname = 'east'\ntimezone = 'America/New_York'\nshare = 1.0\nholidays = ['us']";
    let web = Profile::named("web").unwrap();
    let scenario = Scenario::from_toml(text, "mine.toml").unwrap().with_profile(web);
    let spec = FleetSpec { n_servers: 1, start: date(2024, 7, 1), days: 7, step: SampleStep::Day, seed: 1 };
    let week = Fleet::new(scenario, spec).unwrap().generate(0).truth[0].week.clone();
    // Servers follow the week more or less, but each follows it alike.
    assert_eq!(week[3], week[5], "the fourth of July, a Thursday");
    assert!(week[3] < week[2] && week[3] < week[4]);
}
