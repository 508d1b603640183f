//! Hours of the day, from samples within days.

use fleetcast::generate::{GenerateOptions, generate_into};
use fleetcast::lake::{Lake, Table};
use fleetcast::sim::SampleStep;
use fleetcast::{Config, Context, Seconds, Silent};

const CONTEXT: Context = Context { progress: &Silent, now: jiff::Timestamp::now, clock: Seconds::default };

/// Hours and reasons of the risks that are expected to be over on some day.
fn hours(step: SampleStep, thresholds: &[f64]) -> Vec<(Option<String>, String)> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let lake = Lake::create(folder.path().join("lake")).expect("an empty folder becomes a lake");
    let options = GenerateOptions { n_servers: 6, days: 120, step, ..GenerateOptions::default() };
    generate_into(&lake, &options, &CONTEXT).expect("a fleet of six");
    let mut config = Config { metrics: vec!["cpu".to_owned()], ..Config::default() };
    config.plan.thresholds = thresholds.to_vec();
    config.plan.n_paths = 100;
    fleetcast::run::plan_lake(&lake, &config, &CONTEXT).expect("a plan");
    let risks = lake.read(Table::Risks).expect("the plan was stored");
    let (hours, reasons) = (risks.text("hours").expect("a column"), risks.text("reason").expect("a column"));
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    hours.iter().zip(reasons).map(|(hours, reason)| (text(hours), text(reason).unwrap_or_default())).collect()
}

#[test]
fn hours_are_told_from_hourly_samples_and_not_from_daily_ones() {
    let hourly = hours(SampleStep::Hour, &[20.0]);
    let told: Vec<&(Option<String>, String)> = hourly.iter().filter(|(hours, _)| hours.is_some()).collect();
    assert!(!told.is_empty(), "{hourly:?}");
    for (hours, reason) in told {
        let hours = hours.as_deref().unwrap_or_default();
        assert!(reason.contains(&format!("over at {hours} local time")), "{reason}");
        for run in hours.split(", ") {
            let (from, end) = run.split_once('-').expect("a run of hours");
            let in_a_day = |hour: &str| hour.parse::<u8>().is_ok_and(|hour| hour <= 24);
            assert!(in_a_day(from) && in_a_day(end), "{hours}");
        }
    }
    assert!(hours(SampleStep::Day, &[20.0]).iter().all(|(hours, _)| hours.is_none()));
}
