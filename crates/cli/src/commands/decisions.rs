//! What `fleetcast backtest --decisions` prints.

use crate::text::{Align, aligned};
use fleetcast::decisions::{Decided, DecisionScore, OWN};
use serde_json::json;

/// Columns of each kind of slice: the score in tables, its heading, digits after the point.
type Columns = &'static [(&'static str, &'static str, usize)];

const CROSSES: Columns = &[
    ("average_precision", "AP", 3),
    ("precision", "precision", 2),
    ("recall", "recall", 2),
    ("brier_skill", "Brier skill", 3),
    ("calibration_error", "ECE", 3),
    ("value_0.05", "V(.05)", 2),
    ("value_0.1", "V(.1)", 2),
    ("value_0.2", "V(.2)", 2),
    ("value_0.5", "V(.5)", 2),
];
const DATES: Columns = &[("crps_days", "CRPS, days", 2), ("by_q10", "came by q10", 3), ("by_q90", "came by q90", 3)];
const CLASSES: Columns = &[("macro_f1", "macro-F1", 3), ("unknown_share", "unknown", 3)];
const HELD: Columns = &[
    ("held_14", "held 14 days", 2),
    ("held_30", "held 30 days", 2),
    ("held_60", "held 60 days", 2),
    ("median_lead_days", "median lead, days", 0),
    ("flip_share", "flips", 4),
    ("flip_share_of_warned", "flips of warned", 2),
];
const POOLS: Columns = &[
    ("cover_80", "in 80 %", 3),
    ("cover_90", "in 90 %", 3),
    ("under_q10", "under q10", 3),
    ("under_q50", "under q50", 3),
    ("under_q90", "under q90", 3),
    ("peak_under_q50", "peak under q50", 3),
    ("peak_under_q90", "peak under q90", 3),
    ("quantile_loss", "loss, %", 3),
    ("two_over_brier", "two over, Brier", 4),
];
const SIZES: Columns = &[
    ("regret_usd_per_month", "regret, USD", 2),
    ("saving_usd_per_month", "saved, USD", 2),
    ("bad_day_rate", "bad days", 4),
    ("severity", "severity", 3),
    ("worst_run_days", "worst run", 2),
    ("overloaded_share", "overloaded", 3),
    ("moved_share", "moved", 2),
    ("sound_savings", "sound", 2),
    ("realised_savings", "realised", 2),
    ("promise_error", "promise ECE", 3),
];

fn columns(slice: &str) -> Columns {
    match slice.split(' ').next() {
        Some("crosses") => CROSSES,
        Some("date") => DATES,
        Some("class") => CLASSES,
        Some("warnings") => HELD,
        Some("total") => POOLS,
        _ => SIZES,
    }
}

/// A table per slice, a row per method.
pub fn text(decided: &Decided) -> String {
    let mut text = String::new();
    if let (Some(first), Some(last)) = (decided.origins.first(), decided.origins.last()) {
        let days = match decided.origins.len() {
            1 => format!("on {first}"),
            n => format!("on {n} days from {first} to {last}"),
        };
        text.push_str(&format!("decided {days}, judged by the {} days after each\n", decided.horizon));
    }
    for slice in decided.slices() {
        text.push_str(&format!("\n{}{}\n", slice, rows_said(decided, slice)));
        let columns = columns(slice);
        let mut head = vec![("method", Align::Left)];
        head.extend(columns.iter().map(|(_, name, _)| (*name, Align::Right)));
        let row = |method: &&str| {
            let cell = |(name, _, digits): &(&str, &str, usize)| {
                let found = decided.score(method, slice, name);
                found.map_or_else(|| "-".to_owned(), |found| format!("{:.*}", digits, found.value))
            };
            std::iter::once((*method).to_owned()).chain(columns.iter().map(cell)).collect()
        };
        text.push_str(&aligned(&head, decided.methods(slice).iter().map(row).collect()));
        text.push_str(&with_interval(decided, slice, columns[0]));
    }
    text
}

/// How many rows a slice has, and how many of them crossed.
fn rows_said(decided: &Decided, slice: &str) -> String {
    let count = decided.score(OWN, slice, "n_rows").map(|found| found.value);
    let base = decided.score(OWN, slice, "base_rate").map(|found| found.value);
    match (count, base) {
        (Some(count), Some(base)) => format!(", {count} rows at risk, {:.1} % crossed", 100.0 * base),
        (Some(count), None) => format!(", {count} rows"),
        _ => String::new(),
    }
}

/// The first score of our own with its interval.
fn with_interval(decided: &Decided, slice: &str, column: (&str, &str, usize)) -> String {
    let found = decided.score(OWN, slice, column.0);
    let Some((value, (low, high))) = found.and_then(|found| Some((found.value, found.interval?))) else {
        return String::new();
    };
    let digits = column.2;
    format!("{OWN}: {} {value:.digits$}, 95 % interval over servers {low:.digits$} to {high:.digits$}\n", column.1)
}

/// Every score.
pub fn json(decided: &Decided) -> serde_json::Value {
    let row = |row: &DecisionScore| {
        let (low, high) = row.estimate.interval.unzip();
        json!({
            "method": row.method, "slice": row.slice, "score": row.score,
            "value": row.estimate.value, "low": low, "high": high,
        })
    };
    json!({
        "horizon_days": decided.horizon,
        "origins": decided.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "notes": decided.notes,
        "scores": decided.scores.iter().map(row).collect::<Vec<_>>(),
    })
}
