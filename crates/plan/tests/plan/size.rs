//! Sizes: what is chosen, why, and the laws of the choice.

use crate::common::{noisy_paths, percent, server};
use fleetcast_core::{Action, History, Paths, Server};
use fleetcast_plan::{Candidate, Excuse, Limits, PriceBook, SeriesOutlook, Sizing, size};
use jiff::civil::date;
use proptest::prelude::*;

/// A server's past and futures, each metric steady around a level.
struct Load {
    server: Server,
    parts: Vec<(History, Vec<f64>, Paths)>,
}

impl Load {
    fn on(server: Server, levels: &[(&str, f64, f64)]) -> Self {
        let id = server.server_id().to_owned();
        let part = |&(metric, level, spread): &(&str, f64, f64)| {
            let paths = noisy_paths(metric, |_| level, spread, 180, 100);
            (percent(&id, metric, vec![level; 1095]), vec![level; 365], paths)
        };
        Self { parts: levels.iter().map(part).collect(), server }
    }

    fn size(&self, book: &PriceBook, limits: &Limits) -> Sizing {
        let series: Vec<SeriesOutlook> = (self.parts.iter())
            .map(|(history, expected, paths)| SeriesOutlook { server: &self.server, history, expected, paths })
            .collect();
        size(&self.server, &series, book, limits)
    }
}

fn xlarge() -> Server {
    server("web-1", "m6i.2xlarge", 8.0, 32.0)
}

fn excuse<'a>(sizing: &'a Sizing, name: &str) -> Option<&'a Excuse> {
    sizing.candidates.iter().find(|one| one.instance_type.as_deref() == Some(name))?.excuse.as_ref()
}

#[test]
fn a_type_that_bursts_is_judged_by_its_baseline_and_not_at_all_without_one() {
    let book = |baseline: &str| {
        let text = format!(
            "instance_type,vcpu,memory_gib,usd_per_hour,burstable,baseline_percent\n\
             m,8,32,0.4,false,\nburst,8,32,0.1,true,{baseline}\n"
        );
        PriceBook::from_csv(text.as_bytes(), "p.csv").unwrap()
    };
    let load = Load::on(server("web-1", "m", 8.0, 32.0), &[("cpu", 20.0, 1.0), ("memory", 20.0, 0.5)]);
    let unknown = load.size(&book(""), &Limits::default());
    assert_eq!(unknown.recommendation.action, Action::Keep);
    assert_eq!(excuse(&unknown, "burst"), Some(&Excuse::Burstable));
    // 20 % of eight processors are half of a baseline of 40 %, and more than all of one of 15 %.
    let enough = load.size(&book("40"), &Limits::default());
    assert_eq!(enough.recommendation.to_type.as_deref(), Some("burst"), "{:?}", enough.recommendation);
    let little = load.size(&book("15"), &Limits::default());
    assert_eq!(little.recommendation.action, Action::Keep);
    assert!(matches!(excuse(&little, "burst"), Some(Excuse::BadDays(days)) if *days > 170.0), "{little:?}");
    let on = |baseline: &str| {
        let load = Load::on(server("web-1", "burst", 8.0, 32.0), &[("cpu", 20.0, 1.0), ("memory", 20.0, 0.5)]);
        load.size(&book(baseline), &Limits::default()).recommendation.reason
    };
    assert!(on("").contains("its type bursts, and its baseline is not known"), "{}", on(""));
    assert!(on("40").contains("above 40 % of its processors load may be slowed down"), "{}", on("40"));
    let text = "instance_type,vcpu,memory_gib,usd_per_hour,burstable,baseline_percent\nb,8,32,0.1,true,120\n";
    let error = PriceBook::from_csv(text.as_bytes(), "p.csv").unwrap_err().to_string();
    assert_eq!(error, "row 2 of `p.csv`: baseline_percent of `b` is `120`, it must be above 0 and at most 100");
}

#[test]
fn a_server_is_priced_as_its_region_is() {
    let rows = "m,8,32,0.4,us\ns,4,16,0.2,us\nm,8,32,0.8,eu\ns,4,16,0.3,eu\n";
    let text = format!("instance_type,vcpu,memory_gib,usd_per_hour,region\n{rows}");
    let book = PriceBook::from_csv(text.as_bytes(), "p.csv").unwrap();
    let advice = |region: &str| {
        let mut server = server("web-1", "m", 8.0, 32.0);
        server.region = Some(region.to_owned());
        Load::on(server, &[("cpu", 10.0, 1.0), ("memory", 10.0, 0.5)]).size(&book, &Limits::default()).recommendation
    };
    let saving = |region: &str| advice(region).saving_usd_per_month.unwrap();
    assert!((saving("us") - 0.2 * 730.0).abs() < 1e-9 && (saving("eu") - 0.5 * 730.0).abs() < 1e-9);
    let nowhere = advice("ap");
    assert_eq!((nowhere.action, nowhere.to_type), (Action::Unknown, None));
    assert_eq!(nowhere.reason, "the price book has no prices of `ap`");
}

#[test]
fn an_oversized_server_gets_the_cheapest_type_that_holds_its_load() {
    let load = Load::on(xlarge(), &[("cpu", 15.0, 1.0), ("memory", 20.0, 0.5)]);
    let sizing = load.size(&PriceBook::embedded(), &Limits::default());
    let advice = &sizing.recommendation;
    // 15 % of 8 processors is 60 % of 2; 20 % of 32 GiB is 80 % of 8 GiB, so memory forbids two steps down
    // in the same family: a type with 2 processors and 16 GiB holds both.
    assert_eq!(advice.action, Action::Down, "{advice:?}");
    let chosen = PriceBook::embedded().get(advice.to_type.as_deref().unwrap()).unwrap().clone();
    assert_eq!((chosen.vcpu, chosen.memory_gib), (2.0, 16.0), "{advice:?}");
    let saving = (0.384 - chosen.usd_per_hour) * 730.0;
    assert!((advice.saving_usd_per_month.unwrap() - saving).abs() < 1e-9);
    assert_eq!(advice.binding.as_deref(), Some("cpu"));
    assert_eq!(advice.price_book_date, Some(date(2026, 7, 20)));
    assert!(advice.expected_bad_days.unwrap() < 0.01 && advice.p_violation.unwrap() < 0.01);
    assert!(
        matches!(excuse(&sizing, "m6a.large"), Some(Excuse::BadDays(days)) if *days > 80.0),
        "{:?}",
        excuse(&sizing, "m6a.large")
    );
    assert_eq!(excuse(&sizing, "t3.xlarge"), Some(&Excuse::Burstable));
    assert!(matches!(excuse(&sizing, "r7g.large"), Some(Excuse::Architecture(_))));
    assert_eq!(excuse(&sizing, &chosen.name), None);
    for phrase in [
        "cpu decides",
        "history 2022-01-01 to 2024-12-30",
        "prices of 2026-07-20",
        "bad days",
        "a bad day costs 50 USD",
    ] {
        assert!(advice.reason.contains(phrase), "{phrase}: {}", advice.reason);
    }
}

#[test]
fn a_full_server_gets_a_larger_type_and_a_fitting_one_is_kept() {
    let full = Load::on(xlarge(), &[("cpu", 90.0, 3.0), ("memory", 40.0, 1.0)]);
    let advice = full.size(&PriceBook::embedded(), &Limits::default()).recommendation;
    assert_eq!((advice.action, advice.binding.as_deref()), (Action::Up, Some("cpu")), "{advice:?}");
    assert!(advice.saving_usd_per_month.unwrap() < 0.0);
    assert!(advice.reason.contains("179.9 as it is"), "{}", advice.reason);
    let fitting = Load::on(xlarge(), &[("cpu", 55.0, 4.0), ("memory", 60.0, 1.0)]);
    let limits = Limits { move_cost_usd: 1000.0, ..Limits::default() };
    let sizing = fitting.size(&PriceBook::embedded(), &limits);
    assert_eq!(sizing.recommendation.action, Action::Keep, "{:?}", sizing.recommendation);
    assert_eq!(sizing.recommendation.saving_usd_per_month, Some(0.0));
    assert_eq!(excuse(&sizing, "m6a.2xlarge"), Some(&Excuse::Move));
}

#[test]
fn what_was_not_measured_never_shrinks() {
    let cpu = Load::on(xlarge(), &[("cpu", 5.0, 1.0)]);
    let sizing = cpu.size(&PriceBook::embedded(), &Limits::default());
    let advice = &sizing.recommendation;
    let chosen = sizing.candidates.iter().find(|one| one.excuse.is_none()).unwrap();
    assert!(chosen.memory_gib >= 32.0 && chosen.vcpu < 8.0, "{chosen:?}");
    assert!(advice.reason.contains("memory was not measured"), "{}", advice.reason);
    assert_eq!(excuse(&sizing, "m6i.large"), Some(&Excuse::UnmeasuredMemory));
    let memory = Load::on(xlarge(), &[("memory", 5.0, 1.0)]);
    let sizing = memory.size(&PriceBook::embedded(), &Limits::default());
    assert!(sizing.candidates.iter().filter(|one| one.excuse.is_none()).all(|one| one.vcpu >= 8.0));
    assert!(sizing.recommendation.reason.contains("cpu was not measured"));
}

#[test]
fn slower_processors_count_for_less_and_a_single_one_is_not_enough() {
    let load = Load::on(xlarge(), &[("cpu", 17.0, 0.1), ("memory", 15.0, 0.1)]);
    let sizing = load.size(&PriceBook::embedded(), &Limits::default());
    // 17 % of 8 processors is 68 % of 2, but 86 % of two that are a fifth slower.
    assert!(matches!(excuse(&sizing, "m5a.large"), Some(Excuse::BadDays(days)) if *days > 170.0));
    let m6i = sizing.candidates.iter().find(|one| one.instance_type.as_deref() == Some("m6i.large")).unwrap();
    assert_eq!((m6i.vcpu_as_present, m6i.expected_bad_days), (2.0, 0.0));
    let m8a = sizing.candidates.iter().find(|one| one.instance_type.as_deref() == Some("m8a.large")).unwrap();
    assert_eq!(m8a.vcpu_as_present, 2.0, "faster ones promise nothing");
    let idle = Load::on(xlarge(), &[("cpu", 4.0, 0.1), ("memory", 10.0, 0.1)]);
    assert_eq!(
        excuse(&idle.size(&PriceBook::embedded(), &Limits::default()), "m7a.medium"),
        Some(&Excuse::FewProcessors)
    );
}

#[test]
fn machines_that_serve_requests_have_headroom_by_their_size_when_asked() {
    // 12 % of 8 processors is 48 % of 2, on which one request in twenty may wait at 35 %; of 4 it is 24 %.
    let mut web = xlarge();
    web.archetype = Some("web".to_owned());
    let load = Load::on(web, &[("cpu", 12.0, 0.1), ("memory", 10.0, 0.1)]);
    let vcpu = |limits: &Limits| chosen(&load.size(&PriceBook::embedded(), limits)).vcpu;
    let guarded = Limits { request_archetypes: vec!["web".to_owned()], ..Limits::default() };
    assert_eq!((vcpu(&Limits::default()), vcpu(&guarded)), (2.0, 4.0));
    let others = Limits { request_archetypes: vec!["database".to_owned()], ..Limits::default() };
    assert_eq!(vcpu(&others), 2.0);
    let reason = load.size(&PriceBook::embedded(), &guarded).recommendation.reason;
    assert!(reason.contains("may be 58 % busy, so that 95 % of requests wait no longer"), "{reason}");
    let batch = Limits { request_archetypes: vec!["batch".to_owned()], ..Limits::default() };
    let message = batch.check().unwrap_err().to_string();
    assert_eq!(
        message,
        "`request_archetypes` is `batch`, it must be archetypes that serve requests: batch work may wait"
    );
}

#[test]
fn a_day_the_network_is_full_is_a_bad_day() {
    let load = Load::on(xlarge(), &[("cpu", 5.0, 1.0), ("memory", 5.0, 1.0), ("network", 60.0, 5.0)]);
    let sizing = load.size(&PriceBook::embedded(), &Limits::default());
    assert!(matches!(excuse(&sizing, "m6a.large"), Some(Excuse::Network(days)) if *days > 179.0));
    let network = |name: &str| PriceBook::embedded().get(name).unwrap().network_mbit_per_s.unwrap();
    let kept = chosen(&sizing).instance_type.clone().unwrap();
    assert!(network(&kept) >= 0.9 * network("m6i.2xlarge"), "{kept}");
    assert_eq!(sizing.recommendation.binding.as_deref(), Some("network"));
    // One that was not measured asks for nothing.
    let unmeasured = Load::on(xlarge(), &[("cpu", 5.0, 1.0), ("memory", 5.0, 1.0)]);
    assert!(
        network(chosen(&unmeasured.size(&PriceBook::embedded(), &Limits::default())).instance_type.as_ref().unwrap())
            < network(&kept)
    );
}

#[test]
fn a_day_without_memory_counts_for_several_bad_ones() {
    // Half of 32 GiB, on busy days more: of 16 GiB all would be needed on half of the days.
    let load = Load::on(xlarge(), &[("cpu", 10.0, 0.5), ("memory", 50.0, 4.0)]);
    let half = |sizing: &Sizing| {
        sizing.candidates.iter().find(|one| one.instance_type.as_deref() == Some("m6i.xlarge")).cloned().unwrap()
    };
    let sizing = load.size(&PriceBook::embedded(), &Limits::default());
    let found = half(&sizing);
    assert!((found.overload_days - 90.0).abs() < 3.0 && found.expected_bad_days > 175.0, "{found:?}");
    assert_eq!(found.excuse, Some(Excuse::Outages(found.overload_days)));
    assert!(chosen(&sizing).memory_gib > 16.0, "{:?}", chosen(&sizing));
    // At 1 USD a bad day it would pay to have nothing but bad days, were memory that is not there no worse.
    let cost = |times| {
        let limits = Limits { lambda_usd_per_day: 1.0, overload_bad_days: times, ..Limits::default() };
        let found = load.size(&PriceBook::embedded(), &limits);
        chosen(&found).memory_gib
    };
    assert_eq!((cost(1.0), cost(5.0)), (4.0, 32.0));
    // A cap forbids it at any price.
    let capped = Limits { lambda_usd_per_day: 0.0, most_overload: 0.01, ..Limits::default() };
    let sizing = load.size(&PriceBook::embedded(), &capped);
    assert_eq!(excuse(&sizing, "m6i.xlarge"), Some(&Excuse::Overload("memory")));
    assert!(chosen(&sizing).memory_gib > 16.0);
}

#[test]
fn a_server_idle_on_every_metric_is_advised_to_be_switched_off() {
    let idle = [("cpu", 1.0, 0.1), ("memory", 12.0, 0.1), ("network", 0.2, 0.01)];
    let retire = |levels: &[(&str, f64, f64)]| {
        Load::on(xlarge(), levels).size(&PriceBook::embedded(), &Limits::default()).recommendation
    };
    let advice = retire(&idle);
    assert_eq!((advice.action, advice.to_type), (Action::Retire, None));
    // Until it is switched off it may as well be small.
    let sizing = Load::on(xlarge(), &idle).size(&PriceBook::embedded(), &Limits::default());
    let spare = sizing.chosen().and_then(|one| one.instance_type.clone()).unwrap();
    assert!(advice.reason.ends_with(&format!("; if it must stay, `{spare}` would do")), "{}", advice.reason);
    assert!((advice.saving_usd_per_month.unwrap() - 0.384 * 730.0).abs() < 1e-9);
    assert!(advice.reason.contains("for 1095 days"), "{}", advice.reason);
    assert_ne!(retire(&idle[..2]).action, Action::Retire, "cpu and memory alone prove nothing");
    assert_ne!(retire(&[("cpu", 4.0, 0.1), idle[1], idle[2]]).action, Action::Retire);
    let mut short = Load::on(xlarge(), &idle);
    for part in &mut short.parts {
        part.0 = part.0.suffix(59);
    }
    assert_ne!(short.size(&PriceBook::embedded(), &Limits::default()).recommendation.action, Action::Retire);
}

#[test]
fn a_server_that_cannot_be_sized_keeps_its_row_with_the_reason() {
    let reason = |server: Server, levels: &[(&str, f64, f64)]| {
        let advice = Load::on(server, levels).size(&PriceBook::embedded(), &Limits::default()).recommendation;
        assert_eq!((advice.action, advice.to_type), (Action::Unknown, None));
        advice.reason
    };
    let cpu = [("cpu", 30.0, 1.0)];
    assert_eq!(reason(xlarge(), &[]), "no telemetry");
    assert_eq!(reason(xlarge(), &[("disk_io", 1.0, 0.1)]), "neither cpu nor memory was measured on 14 days");
    assert_eq!(
        reason(Server::new("x").unwrap(), &cpu),
        "neither the server's type nor its processors and memory is known"
    );
    let mut odd = Server::new("x").unwrap();
    odd.shape.instance_type = Some("z9.large".to_owned());
    odd.shape.vcpu = Some(4.0);
    assert_eq!(
        reason(odd.clone(), &cpu),
        "`z9.large` is not in the price book, and nothing says the server's memory size"
    );
    // With its shape known, a size can be named, but no saving.
    odd.shape.memory_gib = Some(16.0);
    let advice = Load::on(odd, &[("cpu", 12.0, 1.0), ("memory", 12.0, 1.0)])
        .size(&PriceBook::embedded(), &Limits::default())
        .recommendation;
    assert_eq!((advice.action, advice.saving_usd_per_month), (Action::Down, None), "{advice:?}");
    assert!(advice.to_type.is_some());
    assert!(advice.reason.contains("`z9.large` is not in the price book, so no saving is known"), "{}", advice.reason);
}

#[test]
fn days_at_the_ceiling_are_said() {
    let mut load = Load::on(xlarge(), &[("cpu", 95.0, 8.0), ("memory", 40.0, 1.0)]);
    let mut values = vec![95.0; 1095];
    values[1000..1010].fill(100.0);
    load.parts[0].0 = percent("web-1", "cpu", values);
    let advice = load.size(&PriceBook::embedded(), &Limits::default()).recommendation;
    assert!(advice.reason.contains("load stood at 100 % on 10 days"), "{}", advice.reason);
}

/// A small book of one architecture.
fn book(types: &[(f64, f64, f64)]) -> PriceBook {
    let mut text = "instance_type,vcpu,memory_gib,usd_per_hour\nnow.1,8,32,0.4\n".to_owned();
    for (at, (vcpu, memory_gib, usd_per_hour)) in types.iter().enumerate() {
        text += &format!("type.{at},{vcpu},{memory_gib},{usd_per_hour}\n");
    }
    PriceBook::from_csv(text.as_bytes(), "test.csv").expect("a sound book")
}

fn chosen(sizing: &Sizing) -> &Candidate {
    let mut chosen = sizing.candidates.iter().filter(|one| one.excuse.is_none());
    let only = chosen.next().expect("one type is chosen");
    assert!(chosen.next().is_none(), "one type is chosen and every other has its excuse");
    only
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_choice_keeps_its_laws(
        cpu in 2.0f64..95.0,
        memory in 2.0f64..95.0,
        spread in 0.1f64..12.0,
        types in prop::collection::vec((1.0f64..64.0, 1.0f64..256.0, 0.01f64..2.0), 1..12),
        more in (1.0f64..64.0, 1.0f64..256.0, 0.01f64..2.0),
        lambdas in (0.0f64..100.0, 0.0f64..400.0),
        cheaper in 0.1f64..1.0,
    ) {
        let load = Load::on(server("web-1", "now.1", 8.0, 32.0), &[("cpu", cpu, spread), ("memory", memory, spread)]);
        let limits = |lambda| Limits { lambda_usd_per_day: lambda, ..Limits::default() };
        let objective = |types: &[(f64, f64, f64)]| {
            chosen(&load.size(&book(types), &limits(lambdas.0))).usd_per_day.unwrap()
        };
        let least = objective(&types);
        let mut added = types.clone();
        added.push(more);
        prop_assert!(objective(&added) <= least, "another type to choose from costs nothing");
        let mut cut = types.clone();
        cut[0].2 *= cheaper;
        prop_assert!(objective(&cut) <= least, "a cheaper type costs nothing");

        let careless = load.size(&book(&types), &limits(lambdas.0));
        let careful = load.size(&book(&types), &limits(lambdas.0 + lambdas.1));
        let (low, high) = (chosen(&careless), chosen(&careful));
        // A day without memory counts for five.
        let counted = |one: &Candidate| one.expected_bad_days + 4.0 * one.overload_days;
        prop_assert!(counted(high) <= counted(low) + 1e-9);
        let cost = |one: &Candidate| {
            let moving = if one.is_present { 0.0 } else { 100.0 / 365.0 };
            24.0 * one.usd_per_hour.unwrap() + moving
        };
        prop_assert!(cost(high) >= cost(low) - 1e-9);
        prop_assert_eq!(&careless, &load.size(&book(&types), &limits(lambdas.0)));
        let frontier = careless.frontier();
        prop_assert!(frontier.is_sorted_by(|a, b| a.expected_bad_days > b.expected_bad_days));
        prop_assert!(careless.recommendation.p_violation.unwrap() <= careless.recommendation.expected_bad_days.unwrap() + 1e-12);
    }
}
