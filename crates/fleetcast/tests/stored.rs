//! What a run stored is enough to plan again, to the last digit.

use fleetcast::explain::explain_server;
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
    explained_as_stored(&lake, &config, &ids[0]);
    // Pools that have something in common, or this would show nothing.
    let shared = lake.sql("SELECT max(pool_level + pool_days) > 0.01 FROM path_models").expect("a query");
    assert_eq!(shared.rows().expect("rows")[0][0].as_deref(), Some("true"));
}

/// One server explained is what was stored of it, and every size but the advised one has its excuse.
fn explained_as_stored(lake: &Lake, config: &Config, run_id: &str) {
    let query = format!(
        "SELECT server_id, to_type, p_violation, reason FROM recommendations WHERE run_id = '{run_id}' AND to_type IS NOT \
         NULL ORDER BY server_id LIMIT 3"
    );
    let stored = lake.sql(&query).expect("a query").rows().expect("rows");
    assert_eq!(stored.len(), 3);
    for row in stored {
        let server_id = row[0].as_deref().expect("a key");
        let found = explain_server(lake, server_id, config, &CONTEXT).expect("a server that was planned");
        let advice = &found.outlook.recommendation;
        let p_stored: Option<f64> = row[2].as_deref().and_then(|p| p.parse().ok());
        assert_eq!((&advice.to_type, advice.p_violation), (&row[1], p_stored));
        assert_eq!(Some(&advice.reason), row[3].as_ref());
        let chosen: Vec<_> = found.sizes.iter().filter(|size| size.is_chosen).collect();
        assert_eq!(chosen.iter().map(|size| &size.instance_type).collect::<Vec<_>>(), [&advice.to_type]);
        assert!(found.sizes.iter().all(|size| size.is_chosen != size.excuse.is_some()));
        let frontier: Vec<_> = found.sizes.iter().filter(|size| size.is_on_frontier).collect();
        assert!(frontier.is_sorted_by(|a, b| a.expected_bad_days > b.expected_bad_days), "money buys fewer bad days");
    }
}
