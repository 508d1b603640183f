//! Which servers have the wrong size, and what the right one is worth.

use super::{Chance, Reason, place};
use crate::{facts::Facts, number, trace};
use askama::Template;
use fleetcast_core::{Action, Recommendation};

/// Rows of each of the two tables.
const CAP: usize = 25;

/// Changes that save, and changes that cost.
#[derive(Template)]
#[template(path = "savings.html")]
pub(crate) struct Savings {
    saved: String,
    spent: String,
    net: String,
    n_saving: String,
    n_up: usize,
    n_keep: String,
    n_unknown: usize,
    smaller: Vec<Row>,
    n_more_smaller: String,
    larger: Vec<Row>,
    n_more_larger: String,
    lambda: String,
    prices: String,
    horizon_days: u32,
    trace: String,
}

struct Row {
    server_id: String,
    place: String,
    action: &'static str,
    from: String,
    to: String,
    usd: String,
    share: String,
    violation: Chance,
    bad_days: String,
    binding: String,
    reason: Reason,
}

impl Savings {
    pub(crate) fn new(facts: &Facts) -> Self {
        let sums = &facts.savings;
        let (larger, smaller): (Vec<&Recommendation>, Vec<&Recommendation>) =
            sums.changes.iter().partition(|change| change.action == Action::Up);
        let most = smaller.first().and_then(|change| change.saving_usd_per_month).unwrap_or(0.0);
        let rows = |changes: &[&Recommendation], most: f64| -> Vec<Row> {
            changes.iter().take(CAP).map(|change| row(facts, change, most)).collect()
        };
        // The dearest change is the last in order of savings, and the first to ask about.
        let dearest: Vec<&Recommendation> = larger.iter().rev().copied().collect();
        let cost = dearest.first().and_then(|change| change.saving_usd_per_month).unwrap_or(0.0);
        Self {
            saved: number::usd(sums.saved),
            spent: number::usd(sums.spent),
            net: number::usd(sums.saved - sums.spent),
            n_saving: number::counted(smaller.len(), "server"),
            n_up: larger.len(),
            n_keep: number::counted(sums.n_keep, "server"),
            n_unknown: sums.n_unknown,
            smaller: rows(&smaller, most),
            n_more_smaller: more(smaller.len()),
            larger: rows(&dearest, cost),
            n_more_larger: more(larger.len()),
            lambda: sums.lambda_usd_per_day.map_or_else(String::new, number::usd),
            prices: prices(facts),
            horizon_days: facts.input.run.horizon_days,
            trace: trace::command(facts.input.run, &query(facts)),
        }
    }
}

fn more(n: usize) -> String {
    if n > CAP { number::count(n - CAP) } else { String::new() }
}

fn row(facts: &Facts, change: &Recommendation, most: f64) -> Row {
    let saving = change.saving_usd_per_month;
    let share = saving.filter(|_| most != 0.0).map_or(0.0, |usd| (100.0 * usd / most).clamp(0.0, 100.0));
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| number::NOTHING.to_owned());
    Row {
        server_id: change.server_id.clone(),
        place: place(facts, &change.server_id),
        action: if change.action == Action::Retire { "switch off" } else { "resize" },
        from: known(&change.from_type),
        to: known(&change.to_type),
        usd: saving.map_or_else(|| number::NOTHING.to_owned(), number::usd),
        share: format!("{share:.0}"),
        violation: Chance::new(change.p_violation),
        bad_days: number::fixed_or_nothing(change.expected_bad_days, 1),
        binding: known(&change.binding),
        reason: Reason::new(&change.reason),
    }
}

fn prices(facts: &Facts) -> String {
    let source = facts.input.run.price_source.as_deref();
    let date = facts.savings.price_book_date.map(number::date);
    match (source, date) {
        (Some(source), Some(date)) => format!("{source}, {date}"),
        (Some(source), None) => source.to_owned(),
        (None, Some(date)) => format!("price book of {date}"),
        (None, None) => String::new(),
    }
}

fn query(facts: &Facts) -> String {
    format!(
        "SELECT server_id, action, from_type, to_type, saving_usd_per_month, p_violation, binding, reason \
         FROM recommendations WHERE run_id = {} AND action IN ('down', 'up', 'retire') ORDER BY saving_usd_per_month DESC",
        trace::literal(&facts.input.run.run_id)
    )
}
