//! How to read the report, how its numbers were made, and where they come from.

use crate::{facts::Facts, number, trace};
use askama::Template;

/// Definitions, the facts of the run, and first questions to the lake.
#[derive(Template)]
#[template(path = "method.html")]
pub(crate) struct Method {
    threshold: String,
    n_paths: String,
    model: String,
    baseline: String,
    lambda: String,
    facts: Vec<(&'static str, String)>,
    traces: Vec<(&'static str, String)>,
}

impl Method {
    pub(crate) fn new(facts: &Facts) -> Self {
        let run = facts.input.run;
        Self {
            threshold: number::threshold(facts.threshold),
            n_paths: number::count(run.n_paths),
            model: run.model.clone(),
            baseline: run.baseline.clone(),
            lambda: facts.savings.lambda_usd_per_day.map_or_else(String::new, number::usd),
            facts: facts_of_the_run(facts),
            traces: traces(facts),
        }
    }
}

fn facts_of_the_run(facts: &Facts) -> Vec<(&'static str, String)> {
    let run = facts.input.run;
    let mut list = vec![
        ("Run", run.run_id.clone()),
        ("Version", run.version.clone()),
        ("Lake", run.lake.clone()),
        ("Data", data(facts)),
        ("Cutoff", format!("{} (the last day the forecasts have seen)", number::date(run.cutoff))),
        ("Horizon", number::counted(run.horizon_days as usize, "day")),
        ("Model", format!("{}, {} per series", run.model, number::counted(run.n_paths, "joint future"))),
    ];
    if run.backtest_windows > 0 {
        let windows = number::counted(run.backtest_windows as usize, "window");
        list.push(("Backtest", format!("{windows} of {}", number::counted(run.backtest_horizon_days as usize, "day"))));
    }
    if let Some(seed) = run.seed {
        list.push(("Seed", seed.to_string()));
    }
    if let Some(source) = &run.price_source {
        list.push(("Prices", source.clone()));
    }
    if let Some(date) = facts.savings.price_book_date {
        list.push(("Price book of", number::date(date)));
    }
    list
}

fn data(facts: &Facts) -> String {
    let panel = facts.input.panel;
    format!(
        "{}, {} of {}",
        number::counted(facts.n_servers(), "server"),
        match panel.histories().len() {
            1 => "1 series".to_owned(),
            n => format!("{} series", number::count(n)),
        },
        number::listed(&facts.metrics().into_iter().map(str::to_owned).collect::<Vec<_>>()),
    )
}

fn traces(facts: &Facts) -> Vec<(&'static str, String)> {
    let run = trace::literal(&facts.input.run.run_id);
    let command = |query: String| trace::command(facts.input.run, &query);
    vec![
        ("The run itself", command(format!("SELECT * FROM runs WHERE run_id = {run}"))),
        (
            "Servers over the limit, or about to be",
            command(format!(
                "SELECT state, count(DISTINCT server_id) AS servers FROM risks WHERE run_id = {run} \
                 AND threshold = {} AND min_days = {} AND (state = 'saturated' OR p_90 >= 0.5) GROUP BY state",
                facts.threshold, facts.min_days
            )),
        ),
        (
            "Savings by action",
            command(format!(
                "SELECT action, count(*) AS servers, sum(saving_usd_per_month) AS usd_per_month \
                 FROM recommendations WHERE run_id = {run} GROUP BY action ORDER BY usd_per_month DESC"
            )),
        ),
        (
            "The history behind the charts",
            command(
                "SELECT server_id, date, cpu_p95, memory_p95 FROM daily ORDER BY server_id, date LIMIT 20".to_owned(),
            ),
        ),
    ]
}
