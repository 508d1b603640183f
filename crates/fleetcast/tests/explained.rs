//! A warning names the days that prove it. Without such days in the past there is less of a warning: the proof is
//! what the probability comes from, and no story told afterwards.
//!
//! Not of every one: a server whose peaks were taken away is still forecast with those of its like in mind.

use fleetcast::forecast::forecast_auto;
use fleetcast::generate::{GenerateOptions, generate_into};
use fleetcast::lake::Lake;
use fleetcast::line_up::{AUTO, Horizons, LineUp, usual_seasons};
use fleetcast::plan::plan;
use fleetcast::telemetry::telemetry;
use fleetcast::{Config, Context, Seconds, Silent};
use fleetcast_backtest::Runs;
use fleetcast_core::{Calendar, History, Panel, Risk, RiskClass, RiskState, Step};
use jiff::civil::Date;
use std::collections::BTreeMap;

const CONTEXT: Context = Context { progress: &Silent, now: jiff::Timestamp::now, clock: Seconds::default };
/// Days around a cited one that go with it.
const AROUND: i32 = 5;

/// Processors of a fleet whose quarters end in peaks.
fn processors() -> Panel {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let lake = Lake::create(folder.path().join("lake")).expect("an empty folder becomes a lake");
    let options = GenerateOptions { n_servers: 160, scenario: "walkthrough".to_owned(), ..GenerateOptions::default() };
    generate_into(&lake, &options, &CONTEXT).expect("a fleet");
    let panel = telemetry(&lake, &Config::default()).expect("telemetry was generated").panel;
    let cpu = panel.histories().iter().filter(|history| &*history.id().metric == "cpu");
    panel.with_histories(cpu.cloned().collect()).expect("series of the same servers")
}

/// A threshold that this fleet reaches at the ends of quarters only.
const THRESHOLD: f64 = 66.0;

/// Risks against it, by server.
fn risks(panel: &Panel) -> BTreeMap<String, Risk> {
    let mut config = Config::default();
    config.plan.thresholds = vec![THRESHOLD];
    let horizons = Horizons::choose(panel, &config).expect("three years are enough");
    let calendar = config.calendar().expect("the usual calendar");
    let line_up = LineUp::new(&[AUTO.to_owned()], &usual_seasons(Step::DAY), calendar, horizons.validated)
        .expect("a method with this name");
    let runs = Runs::new(panel, horizons.validated).expect("a panel");
    let forecasts = forecast_auto(runs, &line_up, horizons.reach(180), config.seed, &CONTEXT).expect("forecasts");
    let plan = plan(panel, &Panel::default(), &forecasts, &config, &CONTEXT).expect("a plan");
    let wanted = |risk: &&Risk| risk.min_days == 3;
    plan.outlook.risks().filter(wanted).map(|risk| (risk.server_id.clone(), risk.clone())).collect()
}

/// The history without the days that stand to their quarter's end as the cited days will.
fn without(history: &History, cited: &[Date], calendar: &Calendar) -> History {
    let place = |date: Date| calendar.days_to_nearest_quarter_end(date);
    let goes = |date: Date| cited.iter().any(|cited| (place(*cited) - place(date)).abs() <= AROUND);
    let kept = |(day, value): (usize, &f64)| if goes(history.timeline().date(day)) { f64::NAN } else { *value };
    let values = history.values().iter().enumerate().map(kept).collect();
    History::new(history.id().clone(), history.metric().clone(), *history.timeline(), values)
        .expect("fewer days of the same series")
        .with_bounds(history.bounds())
}

#[test]
fn without_the_days_cited_as_proof_a_warning_is_weaker() {
    let panel = processors();
    let before = risks(&panel);
    let kinds = [RiskClass::QuarterEnd, RiskClass::YearEnd];
    let warned: Vec<&Risk> = before
        .values()
        .filter(|risk| risk.state == RiskState::Ok && kinds.contains(&risk.class))
        .filter(|risk| risk.p_crossed[2].is_some_and(|p| (0.5..0.98).contains(&p)))
        .collect();
    assert!(warned.len() >= 10, "{} warnings", warned.len());
    let calendar = Calendar::us();
    let histories = panel.histories().iter().map(|history| {
        let cited = warned.iter().find(|risk| risk.server_id == *history.id().server_id);
        cited.map_or_else(|| history.clone(), |risk| without(history, &risk.evidence, &calendar))
    });
    let after = risks(&panel.with_histories(histories.collect()).expect("series of the same servers"));
    let fall = |risk: &&Risk| Some(risk.p_crossed[2]? - after.get(&risk.server_id)?.p_crossed[2]?);
    let falls: Vec<f64> = warned.iter().filter_map(fall).collect();
    assert_eq!(falls.len(), warned.len(), "every warning is judged again");
    let weaker = falls.iter().filter(|fall| **fall > 0.0).count();
    let mean = falls.iter().sum::<f64>() / falls.len() as f64;
    assert!(weaker * 10 >= falls.len() * 8, "{weaker} of {} are weaker: {falls:?}", falls.len());
    assert!(mean > 0.2, "{mean:.3} on average: {falls:?}");
}
