//! From a panel to trees: up to which times they learn, and how far they grow.

use super::booster::{Booster, Growth, Levels, Table};
use super::days::Days;
use super::features::{Lengths, N_COLUMNS, Shown};
use super::fit::{BoostedFit, LEVELS, Learned, MIDDLE};
use super::forest::Forest;
use super::sample::Cut;
use super::trees::{Kind, Trees};
use crate::Settings;
use crate::steps::{Frame, usual_horizon};
use fleetcast_core::{History, Panel};
use fleetcast_numeric::Stream;
use jiff::ToSpan;
use jiff::civil::DateTime;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Trees of one panel: series that end at different times may not learn from each other's future.
const MOST_MODELS: usize = 6;
/// Days after the last observation whose calendar is worked out beforehand.
const DAYS_AHEAD: i32 = 550;
/// Rows below which no tree is grown.
const LEAST_ROWS: usize = 100;

/// How far trees grow on so many rows of so many different spells: a leaf must have seen several of them.
fn growth(n_rows: usize, n_spells: f64) -> Growth {
    let least_share = (6.0 / n_spells.max(1.0)).clamp(1.0 / 400.0, 0.2);
    Growth {
        n_trees: if n_rows < LEAST_ROWS { 0 } else { 80 },
        rate: 0.12,
        n_leaves: 24,
        least_rows: ((0.25 * n_rows as f64 * least_share) as usize).max(8),
        column_share: 0.5,
    }
}

/// How far the trees of a forest grow: to leaves of a few rows each, and each split sees a third of the columns.
fn growth_of_a_forest(n_rows: usize) -> Growth {
    let n_trees = if n_rows < LEAST_ROWS { 0 } else { 100 };
    Growth { n_trees, rate: 1.0, n_leaves: usize::MAX, least_rows: 10, column_share: 1.0 / 3.0 }
}

/// Grows trees of a kind on the rows of a table, which show so many different spells.
fn grow(kind: Kind, table: &Table, n_spells: f64) -> Trees {
    let (n_rows, levels) = (table.target.len(), Levels { all: &LEVELS, middle: MIDDLE });
    match kind {
        Kind::Boosted => {
            let (growth, stream) = (growth(n_rows, n_spells), Stream::new(0, &["boosted"]));
            Trees::Boosted(Booster::grow(table, N_COLUMNS, levels, growth, stream))
        }
        Kind::Forest => {
            let (growth, stream) = (growth_of_a_forest(n_rows), Stream::new(0, &["forest"]));
            Trees::Forest(Forest::grow(table, N_COLUMNS, levels.all, growth, stream))
        }
    }
}

/// The times up to which trees learn: those at which most series end, and the first at which any does. A series is
/// served by the latest trees that have seen nothing after its own end.
fn cutoffs(histories: &[&History]) -> Vec<DateTime> {
    let mut counts: BTreeMap<DateTime, usize> = BTreeMap::new();
    for history in histories {
        *counts.entry(history.cutoff()).or_default() += 1;
    }
    let first = counts.keys().next().copied();
    let mut by_count: Vec<(DateTime, usize)> = counts.into_iter().collect();
    by_count.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.cmp(&a.0)));
    let mut chosen: Vec<DateTime> = by_count.iter().map(|(time, _)| *time).take(MOST_MODELS - 1).chain(first).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Facts of every date from the first of any series to well after the last.
fn days(histories: &[&History], settings: &Settings) -> Days {
    let first = histories.iter().map(|h| h.timeline().date(0)).min().unwrap_or_default();
    let last = histories.iter().map(|h| h.cutoff().date()).max().unwrap_or_default();
    let has_calendar = histories.iter().any(|h| h.timeline().has_calendar());
    let last = if has_calendar { last.saturating_add(DAYS_AHEAD.days()) } else { first };
    Days::new(first, last, &settings.calendar)
}

/// Learns from `histories`, which have one step, and calls `put` with the place and the fit of each.
pub(super) fn learn(
    panel: &Panel,
    histories: &[&History],
    settings: &Settings,
    (shown, kind): (Shown, Kind),
    mut put: impl FnMut(usize, BoostedFit),
) {
    let Some(timeline) = histories.first().map(|history| history.timeline()) else { return };
    let lengths = Lengths::new(timeline, &settings.season_lengths, usual_horizon(timeline));
    let days = Arc::new(days(histories, settings));
    let cutoffs = cutoffs(histories);
    for (number, &cutoff) in cutoffs.iter().enumerate() {
        let next = cutoffs.get(number + 1);
        let is_served = |end: DateTime| end >= cutoff && next.is_none_or(|next| end < *next);
        let served: Vec<usize> = (0..histories.len()).filter(|&at| is_served(histories[at].cutoff())).collect();
        let known = Cut::new(panel, histories, cutoff, (&lengths, &days, shown));
        // Trees that serve few series need not be as good as those that serve most.
        let table = known.table((2.0 * served.len() as f64 / histories.len() as f64).clamp(0.25, 1.0));
        let trees = grow(kind, &table, known.n_spells());
        let learned = Arc::new(Learned { trees, lengths: lengths.clone(), days: Arc::clone(&days), shown });
        // A forecast is made from a series' own end, which may be later than what the trees have seen.
        let to_come: Vec<&History> = served.iter().map(|&at| histories[at]).collect();
        let own = Cut::new(panel, &to_come, DateTime::MAX, (&lengths, &days, shown));
        for ((at, history), origin) in served.into_iter().zip(to_come).zip(own.origins()) {
            let (frame, history) = (Frame::of(history), history.clone());
            put(at, BoostedFit { frame, history, origin, learned: Arc::clone(&learned) });
        }
    }
}
