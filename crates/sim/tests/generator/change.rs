//! Counterfactual pairs: only what should change does.

use crate::common::{NOTHING_GOES_WRONG, fleet};
use fleetcast_sim::{Fleet, SampleStep, ServerTelemetry};

fn pairs(change: &str, n: usize, days: usize) -> Vec<(ServerTelemetry, ServerTelemetry)> {
    let fleet = fleet("enterprise", n, days, SampleStep::Day, 17);
    let changed = fleet.changed(change, "change.toml").expect("a possible change");
    (0..n).map(|index| (fleet.generate(index), changed.generate(index))).collect()
}

/// Everything but growth, and what follows from it, is the same bit for bit.
fn only_growth_differs(one: &ServerTelemetry, other: &ServerTelemetry) {
    assert_eq!((&one.server, &one.events), (&other.server, &other.events));
    for (a, b) in one.truth.iter().zip(&other.truth) {
        assert_eq!((a.base, &a.week, &a.season, &a.day), (b.base, &b.week, &b.season, &b.day));
        assert_eq!((&a.noise, &a.event), (&b.noise, &b.event));
    }
}

#[test]
fn a_services_growth_changes_the_growth_of_its_servers_alone() {
    let mut n = 0;
    for (one, other) in pairs("services.payments.growth_factor = 1.5", 60, 400) {
        only_growth_differs(&one, &other);
        if one.server.service.as_deref() == Some("payments") {
            n += 1;
            let log = |s: &ServerTelemetry| s.truth[0].growth[399].ln();
            // The yearly rate is 1.5 times as large.
            let rate = |s: &ServerTelemetry| (log(s) * 365.25 / 399.0).exp() - 1.0;
            assert!((rate(&other) / rate(&one) - 1.5).abs() < 1e-9, "{} {}", rate(&one), rate(&other));
        } else {
            assert_eq!(one, other);
        }
    }
    assert!((5..40).contains(&n), "{n}");
}

#[test]
fn a_profiles_growth_changes_one_metric_of_its_servers_alone() {
    for (one, other) in pairs("[profiles.web.growth_percent_per_year]\ncpu = 40.0", 40, 300) {
        only_growth_differs(&one, &other);
        let is_web = one.server.archetype.as_deref() == Some("web");
        assert_eq!(one.truth[0].growth == other.truth[0].growth, !is_web);
        for m in 1..4 {
            assert_eq!(one.truth[m], other.truth[m]);
        }
    }
}

#[test]
fn without_level_shifts_all_else_is_as_it_was() {
    let mut n_shifts = 0;
    for (one, other) in pairs("level_shifts.per_server_per_year = 0\nlevel_shifts.per_pool_per_year = 0", 40, 700) {
        n_shifts += one.events.iter().filter(|e| ["deploy", "migration"].contains(&e.event_type)).count();
        assert!(other.events.iter().all(|event| one.events.contains(event)));
        for (a, b) in one.truth.iter().zip(&other.truth) {
            assert_eq!((a.base, &a.growth, &a.week, &a.season), (b.base, &b.growth, &b.week, &b.season));
            assert_eq!(a.noise, b.noise);
        }
    }
    assert!(n_shifts > 10, "{n_shifts}");
}

#[test]
fn without_incidents_the_noise_is_the_same_and_so_is_all_they_did_not_touch() {
    let mut n_touched = 0;
    for (one, other) in pairs(NOTHING_GOES_WRONG, 40, 700) {
        assert!(other.events.iter().all(|event| one.events.contains(event)));
        for (a, b) in one.truth.iter().zip(&other.truth) {
            assert_eq!(
                (a.base, &a.growth, &a.week, &a.season, &a.noise),
                (b.base, &b.growth, &b.week, &b.season, &b.noise)
            );
            for day in 0..700 {
                assert_eq!(a.event[day] == b.event[day], a.demand[day] == b.demand[day], "{day}");
                n_touched += usize::from(a.event[day] != b.event[day]);
            }
        }
    }
    assert!(n_touched > 100, "{n_touched}");
}

#[test]
fn a_difference_is_that_of_the_demands_and_nothing_before_a_change_acts() {
    for step in [SampleStep::Day, SampleStep::Hour] {
        let fleet = fleet("enterprise", 4, 30, step, 3);
        let changed = fleet.changed("season.year_end_excess_factor = 3.0", "change.toml").unwrap();
        let difference = fleet.difference(&changed, 2).unwrap();
        assert_eq!(difference.server_id, fleet.server(2).server_id());
        let per_day = difference.ts_ms.len() / 30;
        let differs = |day: usize| {
            let at = day * per_day + per_day / 2;
            (0..4).any(|m| difference.demand[m][at] != difference.demand_changed[m][at])
        };
        // The year ended the day before; its peak has faded after ten days.
        assert!(differs(0) && differs(5) && !differs(15) && !differs(29));
    }
}

#[test]
fn a_change_of_which_servers_there_are_is_refused() {
    let fleet = fleet("enterprise", 40, 10, SampleStep::Day, 3);
    let other = fleet.changed("mix.batch.share = 50", "change.toml").unwrap();
    let error =
        (0..40).find_map(|index| fleet.difference(&other, index).err()).expect("some are other ones").to_string();
    assert!(error.contains("would be `batch-") && error.contains("not which there are"), "{error}");
}

#[test]
fn a_change_that_means_nothing_is_refused() {
    let fleet = fleet("enterprise", 1, 10, SampleStep::Day, 3);
    let error = |text: &str| Fleet::changed(&fleet, text, "c.toml").unwrap_err().to_string();
    for (text, parts) in [
        ("efects.idle_share = 0.1", ["unknown key `efects`", "did you mean `effects`"]),
        ("effects.idle_share = 7", ["`effects.idle_share` is 7", "between 0 and 1"]),
        ("services.paiments.growth_factor = 2.0", ["unknown `services` `paiments`", "did you mean `payments`"]),
        ("services.payments.growth_facto = 2.0", ["`services[0].growth_facto`", "did you mean `growth_factor`"]),
        ("services.payments = 2.0", ["c.toml, line 1: `services.payments`", "a table"]),
        ("profiles.wep.base.cpu_percent = 2.0", ["unknown `profiles` `wep`", "did you mean `web`"]),
        ("\nprofiles.web.base.cpu = 2.0", ["c.toml, line 2: unknown key `base.cpu`", "did you mean `cpu_percent`"]),
        ("profiles.web.week.monday_factor = 2.0", ["the profile web, changed by c.toml, line 1", "week"]),
        ("profiles.web.name = 'x'", ["`profiles.web.name`", "other servers"]),
        ("profiles = 3", ["`profiles`", "a table"]),
    ] {
        let error = error(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}
