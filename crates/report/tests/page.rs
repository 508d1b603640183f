//! The page of whole fleets: what it says, that it is whole, and that it says the same every time.

mod common;
#[path = "common/markup.rs"]
mod markup;

use common::Fleet;
use fleetcast_core::{Calendar, Outlook, Panel, RiskClass, RiskState, ServerOutlook};
use fleetcast_report::{ReportInput, html, summary};
use markup::broken;
use proptest::prelude::*;
use std::sync::LazyLock;

/// A fleet of 80, made once.
static FLEET: LazyLock<Fleet> = LazyLock::new(|| Fleet::new(80));

/// A fleet of 3, made once.
static SMALL: LazyLock<Fleet> = LazyLock::new(|| Fleet::new(3));

fn page(fleet: &Fleet) -> String {
    fleet.with_input(html)
}

/// The text of the first element whose start tag contains `mark`.
fn text_after<'a>(html: &'a str, mark: &str) -> &'a str {
    let at = html.find(mark).unwrap_or_else(|| panic!("no {mark}"));
    let start = at + html[at..].find('>').expect("tags end") + 1;
    &html[start..start + html[start..].find('<').expect("elements end")]
}

#[test]
fn a_page_is_whole_and_fetches_nothing() {
    let page = page(&FLEET);
    assert_eq!(broken(&page), None);
    for word in ["http:", "https:", "src=", "url(", "@import", "<iframe", "NaN", "inf%"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"), "a browser is told to fetch nothing");
}

#[test]
fn the_same_fleet_gives_the_same_bytes() {
    let (one, other) = (Fleet::new(12), Fleet::new(12));
    assert_eq!(page(&one), page(&other));
    assert_eq!(one.with_input(|input| summary(input, 100)), other.with_input(|input| summary(input, 100)));
}

#[test]
fn the_counts_are_those_of_the_outlook() {
    let fleet = &*FLEET;
    let page = page(fleet);
    let at_90 = |server: &ServerOutlook, then: &dyn Fn(&fleetcast_core::Risk) -> bool| {
        server.risks.iter().any(|risk| risk.threshold == 90.0 && risk.min_days == 1 && then(risk))
    };
    let is_saturated = |server: &&ServerOutlook| at_90(server, &|risk| risk.state == RiskState::Saturated);
    let is_at_risk =
        |server: &&ServerOutlook| at_90(server, &|risk| risk.state == RiskState::Ok && risk.p_crossed[2] >= Some(0.5));
    let saturated = fleet.outlook.servers.iter().filter(is_saturated).count();
    let at_risk = fleet.outlook.servers.iter().filter(|s| !is_saturated(s)).filter(is_at_risk).count();
    assert!(saturated + at_risk > 0, "the made-up fleet has something to say");
    assert!(page.contains(&format!("<a href=\"#ranking\">Already saturated</a></dt>\n<dd><b>{saturated}</b>")));
    assert!(page.contains(&format!("<a href=\"#ranking\">At risk</a></dt>\n<dd><b>{at_risk}</b>")));
    let saved: f64 =
        fleet.outlook.servers.iter().filter_map(|s| s.recommendation.saving_usd_per_month).filter(|u| *u > 0.0).sum();
    assert!(page.replace(',', "").contains(&format!("<b>${saved:.0}</b>")), "{saved}");
    assert!(page.contains("29\u{202f}%</b> <span>less error"), "0.812 / 1.148 is 29 % less");
}

#[test]
fn pools_that_run_short_together_are_told_by_their_total() {
    let whole = page(&FLEET);
    let pools = &whole[whole.find("<section id=\"pools\">").unwrap()..whole.find("<section id=\"fans\">").unwrap()];
    let place = |text: &str| pools.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("payments <span>cpu") < place("ledger &#60;eu&#62;"), "the one with a date comes first");
    assert!(pools.contains("6 servers, 1 not judged") && pools.contains("2 servers, all counted alike"));
    assert!(pools.contains("two 70\u{202f}%, half 34\u{202f}%, all 5\u{202f}%") && pools.contains("both 25\u{202f}%"));
    assert!(pools.contains("89\u{202f}%<small>81 to 96\u{202f}%</small>"));
    assert!(!pools.contains("calm <span>") && pools.contains("1 total not listed"));
    let mut alone = SMALL.clone();
    alone.outlook.pools.clear();
    assert!(page(&alone).contains("No pool could be added up"));
}

#[test]
fn nothing_is_said_of_a_fleet_that_is_not_there() {
    let fleet = &*SMALL;
    let (panel, outlook, calendar) = (Panel::default(), Outlook::default(), Calendar::us());
    let input = ReportInput {
        title: "Empty",
        run: &fleet.run,
        panel: &panel,
        calendar: &calendar,
        outlook: &outlook,
        forecasts: &[],
        weeks: None,
        scores: &[],
        notes: &[],
    };
    let page = html(&input);
    assert_eq!(broken(&page), None);
    assert_eq!(text_after(&page, "<h1>").trim(), "There are no servers in this lake.");
    assert!(page.contains("This run made no backtest") && page.contains("This run has no weekly probabilities"));
    assert!(summary(&input, 80).contains("0 servers"));
}

#[test]
fn a_fleet_that_could_not_be_judged_keeps_its_reasons() {
    let mut fleet = FLEET.clone();
    for (i, server) in fleet.outlook.servers.iter_mut().enumerate() {
        for risk in &mut server.risks {
            (risk.state, risk.class, risk.p_crossed) = (RiskState::Unknown, RiskClass::Unknown, [None; 4]);
            risk.dates = Default::default();
            risk.reason = format!("only {} days of telemetry", i % 5);
        }
    }
    fleet.weeks.servers.clear();
    let page = page(&fleet);
    assert_eq!(broken(&page), None);
    assert_eq!(text_after(&page, "<h1>").trim(), "None of 80 servers could be judged; the reasons are below.");
    let reasons = page.matches("<td class=\"reason\">only 0 days of telemetry").count();
    assert_eq!(reasons, 1, "reasons that differ in a number, and metrics that share one, are one line");
    assert!(page.contains("saturation of cpu, disk_io and memory"));
}

#[test]
fn a_huge_fleet_is_cut_short_and_says_so() {
    let mut fleet = FLEET.clone();
    let (servers, weeks) = (fleet.outlook.servers.clone(), fleet.weeks.servers.clone());
    for copy in 1..200 {
        for server in &servers {
            let mut server = server.clone();
            server.server_id = format!("{}-{copy}", server.server_id);
            server.risks.iter_mut().for_each(|risk| risk.server_id.clone_from(&server.server_id));
            server.recommendation.server_id.clone_from(&server.server_id);
            fleet.outlook.servers.push(server);
        }
        for week in &weeks {
            let mut week = week.clone();
            week.server_id = format!("{}-{copy}", week.server_id);
            fleet.weeks.servers.push(week);
        }
    }
    let page = page(&fleet);
    assert_eq!(broken(&page), None);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for list in ["servers at risk", "servers with risky weeks", "savings", "underused servers"] {
        assert!(page.contains(&format!("more {list} in the lake")), "{list}");
    }
    assert!(page.contains("16,000 servers") && page.contains("fleetcast sql --lake fleetcast-demo/lake"));
}

#[test]
fn a_short_horizon_is_judged_by_its_dates() {
    let mut fleet = FLEET.clone();
    fleet.run.horizon_days = 14;
    let last = jiff::civil::date(2025, 1, 14);
    for risk in fleet.outlook.servers.iter_mut().flat_map(|server| &mut server.risks) {
        risk.p_crossed = [None; 4];
        for date in [&mut risk.dates.q10, &mut risk.dates.q50, &mut risk.dates.q90] {
            *date = date.filter(|date| *date <= last);
        }
    }
    let page = page(&fleet);
    assert_eq!(broken(&page), None);
    assert!(!page.contains("30&#8239;d") && page.contains("probably over within 14 days"));
}

/// Texts that would do harm if they were taken for markup.
const NASTY: &str = "<script>alert('x')</script>\"&'><img src=x onerror=alert(1)>\u{1b}[31m";

#[test]
fn no_text_becomes_markup() {
    let mut fleet = FLEET.clone();
    for (i, server) in fleet.outlook.servers.iter_mut().enumerate() {
        let id = format!("{NASTY}{i:03}");
        server.server_id.clone_from(&id);
        for risk in &mut server.risks {
            (risk.server_id, risk.reason, risk.hours) = (id.clone(), NASTY.to_owned(), Some(NASTY.to_owned()));
        }
        (server.group.server_id, server.group.group_name, server.group.reason) =
            (id.clone(), NASTY.into(), NASTY.into());
        let size = &mut server.recommendation;
        (size.server_id, size.reason) = (id, NASTY.to_owned());
        (size.to_type, size.from_type, size.binding) = (Some(NASTY.into()), Some(NASTY.into()), Some(NASTY.into()));
    }
    for week in &mut fleet.weeks.servers {
        week.server_id.push_str(NASTY);
    }
    for row in &mut fleet.scores {
        row.model.push_str(NASTY);
    }
    let run = &mut fleet.run;
    for text in [&mut run.run_id, &mut run.version, &mut run.lake, &mut run.model, &mut run.baseline] {
        text.push_str(NASTY);
    }
    fleet.notes.push(NASTY.to_owned());
    let page = page(&fleet);
    assert_eq!(broken(&page), None);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    let text = fleet.with_input(|input| summary(input, 100));
    assert!(!text.contains('\u{1b}'), "a terminal is sent no control characters");
}

/// The summary of a fleet of 80, 100 columns wide. `FLEETCAST_REWRITE=1` writes it anew.
#[test]
fn the_summary_is_the_one_on_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/summary-100.txt");
    let text = FLEET.with_input(|input| summary(input, 100));
    if std::env::var_os("FLEETCAST_REWRITE").is_some() {
        std::fs::write(file, &text).expect("the golden file can be written");
    }
    assert_eq!(text, std::fs::read_to_string(file).expect("the golden file is there"));
}

#[test]
fn the_summary_fits_its_screen() {
    for width in [60, 72, 80, 100, 140] {
        let text = FLEET.with_input(|input| summary(input, width));
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= width && text.lines().count() <= 30, "{width}: {widest} x {}\n{text}", text.lines().count());
        assert!(text.is_ascii(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the planner says, in whatever words, there is a whole page.
    #[test]
    fn any_outlook_makes_a_page(
        words in ".{0,40}",
        p in prop::collection::vec(prop::option::of(prop_oneof![0.0..=1.0, Just(f64::NAN)]), 4),
        days in prop::collection::vec(prop::option::of(-5i64..400), 3),
        usd in prop::option::of(prop_oneof![-1e9..1e9, Just(f64::NAN), Just(f64::INFINITY)]),
        state in 0..3usize,
    ) {
        let mut fleet = SMALL.clone();
        let date = |day: Option<i64>| day.map(|day| fleet.run.cutoff.saturating_add(jiff::ToSpan::days(day)));
        let dates = [date(days[0]), date(days[1]), date(days[2])];
        for server in &mut fleet.outlook.servers {
            for risk in &mut server.risks {
                risk.state = [RiskState::Ok, RiskState::Saturated, RiskState::Unknown][state];
                risk.p_crossed = [p[0], p[1], p[2], p[3]];
                (risk.dates.q10, risk.dates.q50, risk.dates.q90) = (dates[0], dates[1], dates[2]);
                risk.reason.clone_from(&words);
            }
            server.group.group_name.clone_from(&words);
            server.recommendation.saving_usd_per_month = usd;
            server.recommendation.action = fleetcast_core::Action::Down;
        }
        for week in &mut fleet.weeks.servers {
            week.p_bad_day = p.iter().map(|p| p.unwrap_or(f64::NAN)).collect();
        }
        prop_assert_eq!(broken(&page(&fleet)), None);
        let text = fleet.with_input(|input| summary(input, 80));
        prop_assert!(text.lines().count() <= 30);
    }
}
