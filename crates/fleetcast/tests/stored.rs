//! What a run stored is enough to plan again, to the last digit.

use fleetcast::generate::{GenerateOptions, generate_into};
use fleetcast::lake::Lake;
use fleetcast::run::{plan_lake, run};
use fleetcast::{Config, Context, Seconds, Silent};

const CONTEXT: Context = Context { progress: &Silent, now: jiff::Timestamp::now, clock: Seconds::default };

/// Rows of a table without the run they belong to, in order of the rest.
fn rows(lake: &Lake, table: &str, run_id: &str) -> Vec<String> {
    let answer =
        lake.sql(&format!("SELECT * EXCEPT (run_id) FROM {table} WHERE run_id = '{run_id}'")).expect("a query");
    let mut rows: Vec<String> = answer.rows().expect("rows").into_iter().map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn a_plan_from_stored_forecasts_is_that_of_the_run_that_made_them() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let lake = Lake::create(folder.path().join("lake")).expect("an empty folder becomes a lake");
    let options = GenerateOptions { n_servers: 24, days: 500, ..GenerateOptions::default() };
    generate_into(&lake, &options, &CONTEXT).expect("a fleet of 24");
    let mut config = Config::default();
    config.plan.n_paths = 200;
    config.plan.horizon_days = 60;
    run(&lake, &config, "lake", None, &CONTEXT).expect("a fleet that can be planned");
    plan_lake(&lake, &config, &CONTEXT).expect("a fleet that was planned");
    let runs =
        lake.sql("SELECT run_id FROM runs WHERE command IN ('run', 'plan') ORDER BY command DESC").expect("a query");
    let ids: Vec<String> = runs.rows().expect("rows").into_iter().flatten().flatten().collect();
    for table in ["risks", "pool_risks", "recommendations", "risk_weeks", "path_models", "forecasts"] {
        let (run, again) = (rows(&lake, table, &ids[0]), rows(&lake, table, &ids[1]));
        assert!(!run.is_empty() && run == again, "{table}: {} rows and {}", run.len(), again.len());
    }
    // Pools that have something in common, or this would show nothing.
    let shared = lake.sql("SELECT max(pool_level + pool_days) > 0.01 FROM path_models").expect("a query");
    assert_eq!(shared.rows().expect("rows")[0][0].as_deref(), Some("true"));
}
