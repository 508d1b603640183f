//! What-ifs: what a change does to the loads of a fleet, and what is said of one that makes no sense.

use crate::common::server;
use fleetcast_core::{Metric, Server};
use fleetcast_plan::PriceBook;
use fleetcast_plan::what_if::{Effect, WhatIf};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use std::sync::Arc;

const FIRST: Date = date(2025, 1, 1);
const HORIZON: usize = 90;

/// Four servers: two small and one large of a pool, in two regions, and one apart.
fn fleet() -> Vec<Arc<Server>> {
    let of = |id: &str, vcpu: f64, region: &str, pool: Option<&str>| {
        let mut server = server(id, "m6i.2xlarge", vcpu, 4.0 * vcpu);
        server.region = Some(region.to_owned());
        server.pool = pool.map(str::to_owned);
        server.service = Some("payments".to_owned());
        Arc::new(server)
    };
    vec![
        of("a", 4.0, "east", Some("p")),
        of("b", 4.0, "west", Some("p")),
        of("c", 8.0, "west", Some("p")),
        of("d", 4.0, "east", None),
    ]
}

fn effect(changes: &str) -> fleetcast_plan::Result<Effect> {
    let what_if = WhatIf::from_toml(&format!("name = \"test\"\n{changes}"), "test.toml")?;
    Effect::of(&what_if, &fleet(), FIRST, HORIZON)
}

/// Load of each server's cpu on each day after the changes, from a flat load before them.
fn loads(effect: &Effect, before: &[f64; 4]) -> Vec<Vec<f64>> {
    let days: Vec<Vec<f64>> = before.iter().map(|level| vec![*level; HORIZON]).collect();
    let load = |place: usize| match effect.mix(place, &Metric::named("cpu")) {
        Some(mix) => mix.load(&days[place], |other| Some(days[other].as_slice())),
        None => days[place].clone(),
    };
    (0..4).map(load).collect()
}

#[test]
fn growth_is_of_its_servers_metrics_and_days_alone() {
    let text = "[[changes]]\nkind = \"growth\"\nservers = { ids = [\"a\"] }\nfactor = 1.5\nmetrics = [\"cpu\"]\n\
                from = 2025-01-11\nuntil = \"2025-01-20\"";
    let grown = effect(text).unwrap();
    let found = loads(&grown, &[40.0; 4]);
    assert_eq!((found[0][9], found[0][10], found[0][19], found[0][20]), (40.0, 60.0, 60.0, 40.0));
    assert_eq!(found[1], [40.0; HORIZON]);
    assert_eq!(grown.mix(0, &Metric::named("memory")), None);
    assert_eq!(grown.mix(1, &Metric::named("cpu")), None);
    let launched =
        effect("[[changes]]\nkind = \"launch\"\nservers = { pool = \"p\" }\nadd_percent = { cpu = 12.5 }").unwrap();
    assert_eq!(loads(&launched, &[40.0; 4]).iter().map(|days| days[0]).collect::<Vec<_>>(), [52.5, 52.5, 52.5, 40.0]);
}

#[test]
fn load_that_moves_keeps_its_amount_in_processors() {
    let text = "[[changes]]\nkind = \"migration\"\nservers = { ids = [\"a\"] }\nto = { region = \"west\" }\nshare = 0.5\n\
                from = 2025-01-11";
    let found = loads(&effect(text).unwrap(), &[60.0, 20.0, 20.0, 10.0]);
    // Half of 60 % of 4 processors are 1.2, of which a third goes to the one of 4 and two thirds to that of 8.
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    near(found[0][10], 30.0);
    near(found[1][10], 20.0 + 10.0);
    near(found[2][10], 20.0 + 10.0);
    assert_eq!((found[0][9], found[1][9], found[3][10]), (60.0, 20.0, 10.0));
}

#[test]
fn a_lost_region_is_carried_by_its_pool_or_its_service_and_else_is_lost() {
    let east = effect("[[changes]]\nkind = \"region-loss\"\nregion = \"east\"\nfrom = 2025-02-01\nuntil = 2025-02-03")
        .unwrap();
    let found = loads(&east, &[60.0, 20.0, 20.0, 30.0]);
    // a's 2.4 processors go to the pool, 0.8 and 1.6; d has no pool, so its 1.2 go to the service.
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    assert_eq!((found[0][31], found[3][31], found[0][34]), (0.0, 0.0, 60.0));
    near(found[1][31], 20.0 + 20.0 + 10.0);
    near(found[2][31], 20.0 + 20.0 + 10.0);
    assert_eq!(east.lost().len(), 0);
    assert!(!east.is_retired(0));
    let both = effect(
        "[[changes]]\nkind = \"region-loss\"\nregion = \"east\"\n[[changes]]\nkind = \"retirement\"\nservers = { ids = [\"c\"] }",
    )
    .unwrap();
    assert!(both.is_retired(2) && !both.is_retired(1));
    assert_eq!(
        loads(&both, &[60.0, 20.0, 20.0, 30.0])[2][0],
        0.0 + 20.0 + 10.0,
        "what it takes over is lost with no one"
    );
}

#[test]
fn thresholds_and_prices_change_for_all() {
    let text = "[[changes]]\nkind = \"threshold\"\npercent = [70]\n[[changes]]\nkind = \"price\"\ntypes = \"m6i.\"\nfactor = 0.5";
    let found = effect(text).unwrap();
    assert!(found.touches_all());
    assert_eq!(found.thresholds(), Some(&[70.0][..]));
    assert_eq!((found.price_factor("m6i.large"), found.price_factor("m7i.large")), (0.5, 1.0));
}

#[test]
fn the_examples_can_be_read() {
    let examples = [
        ("growth", include_str!("../../../../examples/what-if-growth.toml"), 2),
        ("region-loss", include_str!("../../../../examples/what-if-region-loss.toml"), 1),
        ("consolidation", include_str!("../../../../examples/what-if-consolidation.toml"), 3),
    ];
    for (name, text, n_changes) in examples {
        assert_eq!(WhatIf::from_toml(text, name).unwrap().changes.len(), n_changes, "{name}");
    }
}

#[test]
fn of_what_is_committed_that_counts_which_lies_ahead() {
    let growth =
        |from: &str| format!("[[changes]]\nkind = \"growth\"\nservers = {{ ids = [\"a\"] }}\nfactor = 2\n{from}\n");
    let read = |text: &str| WhatIf::from_toml(&format!("name = \"test\"\n{text}"), "test.toml").unwrap();
    let price = "[[changes]]\nkind = \"price\"\nfactor = 0.5\n";
    let what_if =
        read(&(growth("from = 2024-12-31") + &growth("from = 2025-01-20") + &growth("from = 2026-01-01") + price));
    assert_eq!(what_if.check_dated(), Ok(()));
    // FIRST is the first day that is planned: what began before is in the telemetry, what comes later waits.
    let ahead = what_if.ahead(FIRST, HORIZON);
    assert_eq!((ahead.changes.len(), ahead.name.as_str()), (2, "test"));
    let both = Effect::of_all(&[&ahead, &read(&growth(""))], &fleet(), FIRST, HORIZON).unwrap();
    let found = loads(&both, &[10.0, 20.0, 20.0, 30.0]);
    assert_eq!((found[0][0], found[0][30]), (20.0, 40.0), "one after the other");
    assert_eq!(both.price_factor("m6i.large"), 0.5);
    let undated = read(&(price.to_owned() + &growth(""))).check_dated().unwrap_err().to_string();
    assert!(undated.starts_with("test.toml: `changes.2.from` is missing, it must be a day"), "{undated}");
}

#[test]
fn a_metric_a_type_and_a_move_that_would_change_nothing_are_refused() {
    let message = |text: &str| {
        let what_if = WhatIf::from_toml(&format!("name = \"test\"\n{text}"), "test.toml").unwrap();
        what_if.check_names(&["cpu", "memory"], &PriceBook::embedded()).unwrap_err().to_string()
    };
    assert_eq!(
        message("[[changes]]\nkind = \"growth\"\nservers = { ids = [\"a\"] }\nfactor = 2\nmetrics = [\"cpux\"]"),
        "test.toml: `changes.1.metrics` is the unknown metric `cpux`, it must be a metric of the lake, such as `cpu`"
    );
    let launch = "[[changes]]\nkind = \"launch\"\nservers = { ids = [\"a\"] }\nadd_percent = { memori = 5.0 }";
    assert!(message(launch).contains("`changes.1.add_percent` is the unknown metric `memori`"), "{}", message(launch));
    let price = message("[[changes]]\nkind = \"price\"\ntypes = \"m6x.\"\nfactor = 0.5");
    assert!(price.contains("`changes.1.types` is `m6x.`, it must be how types of the price book begin"), "{price}");
    let all = "name = \"test\"\n[[changes]]\nkind = \"price\"\nfactor = 0.5";
    assert!(WhatIf::from_toml(all, "test.toml").unwrap().check_names(&[], &PriceBook::embedded()).is_ok());
    let own = "[[changes]]\nkind = \"migration\"\nservers = { ids = [\"a\"] }\nto = { ids = [\"a\"] }";
    let found = effect(own).unwrap_err().to_string();
    assert!(found.starts_with("test.toml: `changes.1.to` is the same servers, it must be servers of which"), "{found}");
}

#[test]
fn a_change_that_makes_no_sense_is_named_with_what_would_do() {
    let message = |text: &str| effect(text).unwrap_err().to_string();
    let growth = |rest: &str| format!("[[changes]]\nkind = \"growth\"\nfactor = 2\n{rest}");
    assert_eq!(
        message(&growth("servers = { ids = [\"aa\"] }")),
        "test.toml: `changes.1.servers` is the unknown server `aa`, it must be a server of the lake, such as `a`"
    );
    assert_eq!(
        message(&growth("servers = { service = \"paymens\" }")),
        "test.toml: `changes.1.servers` is the unknown service `paymens`, it must be such as `payments`"
    );
    assert!(message(&growth("servers = {}")).contains("is empty, it must be one at least of ids, service"));
    assert_eq!(
        message(&growth("servers = { ids = [\"d\"], pool = \"p\" }")),
        "test.toml: `changes.1.servers` is a selection of no server, it must be properties that some server has together"
    );
    assert_eq!(
        message(&growth("servers = { ids = [\"a\"] }\nfrom = 2024-12-31")),
        "test.toml: `changes.1.from` is 2024-12-31, it must be 2025-01-01 or later: days before it are over"
    );
    assert_eq!(
        message(&growth("servers = { ids = [\"a\"] }\nfrom = 2025-04-01")),
        "test.toml: `changes.1.from` is 2025-04-01, it must be within the 90 days that are planned, from 2025-01-01 on"
    );
    let reversed = "servers = { ids = [\"a\"] }\nfrom = 2025-02-02\nuntil = 2025-02-01";
    assert_eq!(
        message(&growth(reversed)),
        "test.toml: `changes.1.until` is 2025-02-01, it must be no earlier than `from`"
    );
    assert!(message(&growth("servers = { ids = [\"a\"] }\nfrom = \"soon\"")).contains("`soon` is no date"));
    assert!(message(&growth("servers = { ids = [\"a\"] }\nfactr = 2")).contains("factr"));
    assert_eq!(
        message("[[changes]]\nkind = \"growth\"\nfactor = -1\nservers = { ids = [\"a\"] }"),
        "test.toml: `changes.1.factor` is -1, it must be 0 or above, 1.3 for 30 % more"
    );
    assert!(message("[[changes]]\nkind = \"threshold\"\npercent = [120]").contains("at most 100 % of capacity"));
    assert!(message("").contains("it has no changes"));
    assert!(message("[[changes]]\nkind = \"grow\"").contains("region-loss"));
}

proptest! {
    #[test]
    fn moving_load_neither_makes_nor_loses_any_and_more_growth_is_never_less_load(
        before in prop::array::uniform4(1.0f64..90.0),
        share in 0.0f64..1.0,
        factor in 1.0f64..3.0,
    ) {
        let vcpu = [4.0, 4.0, 8.0, 4.0];
        let total = |loads: &[Vec<f64>]| -> f64 { loads.iter().zip(vcpu).map(|(days, vcpu)| days[0] / 100.0 * vcpu).sum() };
        let moving = format!(
            "[[changes]]\nkind = \"migration\"\nservers = {{ ids = [\"a\", \"d\"] }}\nto = {{ region = \"west\" }}\nshare = {share}\n\
             [[changes]]\nkind = \"retirement\"\nservers = {{ ids = [\"a\"] }}\nto = {{ ids = [\"d\"] }}"
        );
        let plain: Vec<Vec<f64>> = before.iter().map(|level| vec![*level]).collect();
        let moved = loads(&effect(&moving).unwrap(), &before);
        prop_assert!((total(&moved) - total(&plain)).abs() < 1e-9 * total(&plain));
        let growing = format!("[[changes]]\nkind = \"growth\"\nservers = {{ ids = [\"a\"] }}\nfactor = {factor}\n{moving}");
        let grown = loads(&effect(&growing).unwrap(), &before);
        prop_assert!(grown.iter().zip(&moved).all(|(grown, moved)| grown[0] >= moved[0] - 1e-9));
        let expected = total(&plain) + (factor - 1.0) * before[0] / 100.0 * 4.0;
        prop_assert!((total(&grown) - expected).abs() < 1e-9 * expected);
    }
}
