//! Sizes chosen in the past against the days that came.

use crate::common::server;
use fleetcast_numeric::Stream;
use fleetcast_plan::proof::{DaysThatCame, Decision, Hindsight, Needed, Purchase, Purchases, Resamples};
use fleetcast_plan::{Limits, PriceBook};
use proptest::prelude::*;

fn days(level: f64, spread: f64, n: u64) -> Vec<f64> {
    let noise = Stream::new(9, &["days"]);
    (0..n).map(|day| (level + spread * noise.normal(day)).clamp(0.0, 100.0)).collect()
}

fn both<'a>(cpu: &'a [f64], memory: &'a [f64]) -> DaysThatCame<'a> {
    DaysThatCame { cpu: Some(cpu), memory: Some(memory), network: None }
}

fn hindsight(cpu: &[f64], memory: &[f64], limits: &Limits) -> Hindsight {
    let server = server("web-1", "m6i.2xlarge", 8.0, 32.0);
    Hindsight::new(0, &server, both(cpu, memory), &PriceBook::embedded(), limits).expect("a known machine")
}

fn chose(name: &str, promised: f64) -> Decision {
    Decision { instance_type: Some(name.to_owned()), promised: Some(promised), claimed_usd_per_day: Some(4.0) }
}

#[test]
fn a_purchase_is_judged_by_the_days_that_came() {
    // 30 % of 8 processors is 60 % of 4 and 120 % of 2; three days in a row reach 88 % of 4.
    let mut cpu = vec![30.0; 90];
    cpu[40..43].fill(44.0);
    let limits = Limits::default();
    let seen = hindsight(&cpu, &[10.0; 90], &limits);
    let half = seen.outcome(&chose("m6i.xlarge", 0.25)).unwrap();
    assert_eq!((half.bad_days, half.worst_run, half.moved, half.promised), (3.0, 3.0, true, Some(0.25)));
    assert!((half.excess - 0.3).abs() < 1e-9, "three times a tenth over the limit: {}", half.excess);
    let moving = 100.0 / 365.0;
    assert!((half.saving_usd_per_day - 24.0 * 0.192).abs() < 1e-9);
    assert!((half.loss_usd_per_day - (24.0 * 0.192 + moving + 50.0 * 3.0 / 90.0)).abs() < 1e-9);
    // Four of those days need all of the memory of 8 GiB, and count for five each.
    let mut memory = vec![10.0; 90];
    memory[..4].fill(26.0);
    let cramped = hindsight(&[5.0; 90], &memory, &limits).outcome(&chose("m6i.large", 0.0)).unwrap();
    let expected = 24.0 * 0.096 + moving + 50.0 * (4.0 * 5.0) / 90.0;
    assert!((cramped.loss_usd_per_day - expected).abs() < 1e-9 && cramped.overloaded, "{cramped:?}");
    let quarter = seen.outcome(&chose("m6i.large", 0.0)).unwrap();
    assert_eq!((quarter.bad_days, quarter.worst_run), (90.0, 90.0));
    assert!(quarter.overloaded && !half.overloaded);
    let stayed = seen.outcome(&Decision::default()).unwrap();
    assert_eq!((stayed.bad_days, stayed.saving_usd_per_day, stayed.moved), (0.0, 0.0, false));
    assert_eq!(seen.outcome(&chose("z9.large", 0.0)), None);
    // A bad day dear enough makes the best planner avoid those three.
    let dear = hindsight(&cpu, &[10.0; 90], &Limits { lambda_usd_per_day: 1000.0, ..limits });
    assert!(seen.best().bad_days == 3.0 && dear.best().bad_days == 0.0);
}

#[test]
fn a_rule_buys_the_cheapest_type_that_holds_what_it_asks_for() {
    let limits = Limits::default();
    let seen = hindsight(&[30.0; 90], &[10.0; 90], &limits);
    let bought = |cpu, memory| seen.bought(Needed { cpu, memory, network: None }).instance_type;
    let half = bought(Some(0.5), Some(0.5)).unwrap();
    let book = PriceBook::embedded();
    let type_ = book.get(&half).unwrap();
    assert!(type_.vcpu >= 4.0 && type_.memory_gib >= 16.0 && type_.usd_per_hour < 0.192, "{half}");
    assert!(bought(None, Some(0.1)).is_some_and(|name| book.get(&name).unwrap().vcpu >= 8.0));
    assert_eq!(bought(Some(500.0), None), None, "no type is so large");
    let busy = DaysThatCame { network: Some(&[70.0; 90]), ..both(&[5.0; 90], &[5.0; 90]) };
    let network = |name: &str| book.get(name).unwrap().network_mbit_per_s.unwrap();
    let seen = Hindsight::new(0, &server("web-1", "m6i.2xlarge", 8.0, 32.0), busy, &book, &limits).unwrap();
    let asked = Needed { cpu: Some(0.1), memory: Some(0.1), network: Some(0.9) };
    let small = seen.bought(asked).instance_type.unwrap();
    assert!(network(&small) > 0.9 * network("m6i.2xlarge"), "{small}");
    // A rule that does not look at the network pays for it with bad days.
    let blind = seen.bought(Needed { network: None, ..asked });
    assert_eq!(seen.outcome(&blind).unwrap().bad_days, 90.0, "{blind:?}");
    let dear = hindsight(&[30.0; 90], &[10.0; 90], &Limits { move_cost_usd: 1e6, ..limits });
    assert_eq!(
        dear.bought(Needed { cpu: Some(0.5), memory: Some(0.5), network: None }).instance_type,
        None,
        "a move that never pays is not made"
    );
}

#[test]
fn what_cannot_be_judged_has_no_hindsight() {
    let (limits, book) = (Limits::default(), PriceBook::embedded());
    let known = server("web-1", "m6i.2xlarge", 8.0, 32.0);
    let mut gaps = vec![30.0; 90];
    gaps[..30].fill(f64::NAN);
    let cpu = |days| DaysThatCame { cpu: Some(days), ..DaysThatCame::default() };
    assert!(Hindsight::new(0, &known, cpu(&gaps), &book, &limits).is_none());
    assert!(Hindsight::new(0, &known, DaysThatCame::default(), &book, &limits).is_none());
    let unpriced = server("web-1", "z9.large", 8.0, 32.0);
    assert!(Hindsight::new(0, &unpriced, cpu(&[30.0; 90]), &book, &limits).is_none());
    let cpu_only = Hindsight::new(0, &known, cpu(&[30.0; 90]), &book, &limits).unwrap();
    let bought = cpu_only.bought(Needed { cpu: Some(0.5), ..Needed::default() }).instance_type.unwrap();
    assert!(book.get(&bought).unwrap().memory_gib >= 32.0, "memory that was not measured is not made smaller");
}

#[test]
fn promises_and_savings_are_held_against_what_came() {
    let limits = Limits::default();
    let mut busy = vec![30.0; 90];
    busy[7] = 60.0;
    let rows: Vec<_> = (0..10)
        .map(|at| {
            let seen = hindsight(if at < 2 { &busy } else { &[30.0; 90] }, &[10.0; 90], &limits);
            seen.outcome(&chose("m6i.xlarge", 0.25)).unwrap()
        })
        .collect();
    let (purchases, all) = (Purchases { rows }, [10]);
    let near = |found: Option<f64>, expected: f64| {
        assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} {expected}");
    };
    near(purchases.promise_error(&all), 0.05);
    // All of one server, at the same time: ten times .25 said and twice come, so that one half is the only distance.
    near(purchases.promise_error_by_chance(&all), (2.0 / std::f64::consts::PI / 10.0).sqrt() * 0.05);
    near(purchases.sound_savings(&all), 0.8);
    // 4 USD a day were claimed; the price and the move say what comes, but for one bad day of 50 USD in 90 on two of ten.
    let moving = limits.move_cost_usd / limits.payback_days;
    near(purchases.realised_savings(&all), (24.0 * 0.192 - moving - 0.2 * 50.0 / 90.0) / 4.0);
    near(purchases.bad_day_rate(&all), 2.0 / 900.0);
    near(purchases.saving_usd_per_month(&all), 24.0 * 0.192 * 365.0 / 12.0);
    near(purchases.severity(&all), 0.5);
    near(purchases.worst_run(&all), 0.2);
    assert_eq!(Purchases::default().regret_usd_per_month(&[]), None);
    let estimate = Resamples::new(1, 1).estimate(|times| purchases.moved(times)).unwrap();
    assert_eq!(estimate.value, 1.0);
}

#[test]
fn promises_that_are_exactly_right_are_as_far_off_as_chance_says() {
    let row = hindsight(&[30.0; 90], &[10.0; 90], &Limits::default()).outcome(&chose("m6i.xlarge", 0.0)).unwrap();
    let (fleets, servers) = (60, 200);
    let (mut found, mut said) = (0.0, 0.0);
    for fleet in 0..fleets {
        let stream = Stream::new(fleet, &["promises"]);
        // Three purchases of a server see nearly the same days.
        let purchases = (0..3 * servers).map(|at| {
            let server = at / 3;
            let promised = stream.uniform(2 * server as u64);
            let bad_days = if stream.uniform(2 * server as u64 + 1) < promised { 1.0 } else { 0.0 };
            Purchase { server, promised: Some(promised), bad_days, ..row }
        });
        let (purchases, times) = (Purchases { rows: purchases.collect() }, vec![1; servers]);
        found += purchases.promise_error(&times).unwrap();
        said += purchases.promise_error_by_chance(&times).unwrap();
    }
    assert!((said / found - 1.0).abs() < 0.06, "{said} {found}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nobody_does_better_than_who_knew_the_days(
        cpu in 2.0f64..95.0,
        memory in 2.0f64..95.0,
        spread in 0.1f64..15.0,
        lambda in 0.0f64..300.0,
        needs in (0.05f64..2.0, 0.05f64..2.0),
    ) {
        let limits = Limits { lambda_usd_per_day: lambda, ..Limits::default() };
        let seen = hindsight(&days(cpu, spread, 60), &days(memory, spread, 60), &limits);
        let best = seen.best();
        let stay = Decision::default();
        let asked = Needed { cpu: Some(needs.0), memory: Some(needs.1), network: None };
        for decision in [stay, seen.bought(asked), seen.bought(Needed::default())] {
            let came = seen.outcome(&decision).unwrap();
            prop_assert!(came.loss_usd_per_day >= best.loss_usd_per_day - 1e-12, "{decision:?}");
            prop_assert_eq!(came.least_usd_per_day, best.loss_usd_per_day);
            prop_assert!(came.bad_days >= came.worst_run && (came.excess == 0.0 || came.bad_days > 0.0));
        }
    }
}
