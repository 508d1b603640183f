//! `fleetcast review`.

use super::{answer, assess};
use crate::args::{Global, ReviewArgs, Settings};
use crate::text::{Align, aligned};
use fleetcast::Context;
use fleetcast::review::{Review, ReviewRow, ReviewTable, review_lake};
use serde_json::{Map, Value, json};

/// How a figure is printed.
#[derive(Clone, Copy)]
enum As {
    Count,
    Percent,
    Number(usize),
}

/// Figures in the order of their columns: the name in tables, the heading, the form.
const COLUMNS: [(&str, &str, As); 24] = [
    ("within_days", "within days", As::Count),
    ("n_rows", "rows", As::Count),
    ("n_days", "days", As::Count),
    ("p_mean", "P said", As::Percent),
    ("came", "came", As::Percent),
    ("brier_skill", "Brier skill", As::Number(2)),
    ("calibration_error", "ECE", As::Number(3)),
    ("precision", "precision", As::Number(2)),
    ("recall", "recall", As::Number(2)),
    ("by_q10", "by 10 %", As::Percent),
    ("by_q50", "by 50 %", As::Percent),
    ("by_q90", "by 90 %", As::Percent),
    ("inside_90", "in 90 %", As::Percent),
    ("inside_80", "in 80 %", As::Percent),
    ("above_95", "above 95 %", As::Percent),
    ("loss_of_naive", "loss / naive", As::Number(2)),
    ("claimed_usd_per_month", "claimed, USD a month", As::Count),
    ("n_done", "done", As::Count),
    ("realised_usd_per_month", "realised, USD", As::Count),
    ("n_judged", "judged", As::Count),
    ("bad_days_promised", "bad days said", As::Number(2)),
    ("bad_days_came", "came", As::Number(2)),
    ("p_promised", "P said", As::Percent),
    ("violated", "came", As::Percent),
];
/// The most series that are told one by one.
const MOST_LINES: usize = 5;

pub fn review(args: &ReviewArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let settings = Settings {
        config: args.config.clone(),
        horizon: None,
        models: Vec::new(),
        metrics: args.metrics.clone(),
        seed: None,
    };
    let mut config = assess::config(&settings, None)?;
    config.plan.price_book = args.price_book.clone().or(config.plan.price_book);
    let found = review_lake(&assess::open(&args.lake)?, &config, context)?;
    answer(global, &text(&found), &json(&found))
}

fn text(review: &Review) -> String {
    let mut text = String::new();
    if let (Some(first), Some(last)) = (review.cutoffs.first(), review.cutoffs.last()) {
        let runs = review.cutoffs.len();
        text.push_str(&match runs {
            1 => format!("1 run of {first}, judged by the days until {}\n", review.last_day),
            _ => format!("{runs} runs from {first} to {last}, judged by the days until {}\n", review.last_day),
        });
    }
    for table in &review.tables {
        text.push_str(&format!("\n{}\n{}", table.about, lines(table)));
    }
    if !review.lost.is_empty() {
        let worst = review.lost.iter().take(MOST_LINES);
        let worst: Vec<String> = worst.map(|lost| format!("{} {:.2}", lost.series, lost.loss_of_naive)).collect();
        text.push_str(&format!(
            "\nseasonal-naive was nearer on {} series; loss / naive: {}\n",
            review.lost.len(),
            worst.join(", ")
        ));
    }
    review.advice.iter().for_each(|advice| text.push_str(&format!("{advice}\n")));
    text
}

fn lines(table: &ReviewTable) -> String {
    let known = |column: &&(&str, &str, As)| table.rows.iter().any(|row| row.figure(column.0).is_some());
    let columns: Vec<_> = COLUMNS.iter().filter(known).collect();
    let mut head = vec![(table.by, Align::Left)];
    head.extend(columns.iter().map(|(_, heading, _)| (*heading, Align::Right)));
    let cells = |row: &ReviewRow| {
        let cells = columns.iter().map(|(name, _, form)| {
            let value = row.figure(name).map(|found| found.value);
            value.map_or_else(|| "-".to_owned(), |value| shown(value, *form))
        });
        std::iter::once(row.name.clone()).chain(cells).collect()
    };
    aligned(&head, table.rows.iter().map(cells).collect())
}

fn shown(value: f64, form: As) -> String {
    match form {
        // Adding zero turns a rounded -0 into 0.
        As::Count => format!("{:.0}", value + 0.0),
        As::Percent => format!("{:.1} %", 100.0 * value),
        As::Number(digits) => format!("{value:.digits$}"),
    }
}

fn json(review: &Review) -> Value {
    let figures = |row: &ReviewRow| {
        let figure = |(name, found): &(&str, fleetcast::review::Estimate)| {
            let (low, high) = found.interval.unzip();
            ((*name).to_owned(), json!({ "value": found.value, "low": low, "high": high }))
        };
        row.figures.iter().map(figure).collect::<Map<String, Value>>()
    };
    let table = |table: &ReviewTable| {
        let rows: Vec<Value> =
            table.rows.iter().map(|row| json!({ "row": row.name, "figures": figures(row) })).collect();
        json!({ "about": table.about, "by": table.by, "rows": rows })
    };
    let lost: Vec<Value> = (review.lost.iter())
        .map(|lost| json!({ "series": lost.series, "loss_of_naive": lost.loss_of_naive, "days": lost.days }))
        .collect();
    json!({
        "last_day": review.last_day.to_string(),
        "cutoffs": review.cutoffs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tables": review.tables.iter().map(table).collect::<Vec<_>>(),
        "seasonal_naive_was_nearer": lost,
        "advice": review.advice,
        "notes": review.notes,
    })
}
