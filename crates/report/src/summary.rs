//! The report on one screen of a terminal.

use crate::{
    ReportInput,
    facts::{Facts, Placed, RISK_DAYS},
    number,
};
use jiff::civil::Date;

/// Servers in each list.
const ROWS: usize = 8;

/// Behaviour groups that are named.
const GROUPS: usize = 4;

/// The summary for a terminal: plain text of at most 30 lines, none wider than `width` columns
/// (60 at least), with the numbers a planner acts on first.
pub fn summary(input: &ReportInput, width: usize) -> String {
    let facts = Facts::new(input);
    let mut lines = headline(&facts);
    lines.push(String::new());
    lines.extend(ranking(&facts));
    lines.extend(saturated(&facts));
    lines.push(String::new());
    lines.extend(closing(&facts));
    let mut text = String::new();
    for line in lines {
        text.push_str(fit(&plain(&line), width.max(60)).trim_end());
        text.push('\n');
    }
    text
}

/// Signs that any terminal has in place of typographic ones; control characters, which could move the cursor, go.
fn plain(text: &str) -> String {
    let sign = |c: char| match c {
        '\u{202f}' => None,
        '\u{2013}' | '\u{2212}' => Some('-'),
        c if c.is_control() => Some('?'),
        c => Some(c),
    };
    text.chars().filter_map(sign).collect()
}

/// A line cut to `width` characters, with dots where something is missing.
fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

fn headline(facts: &Facts) -> Vec<String> {
    let run = facts.input.run;
    let limit = number::threshold(facts.threshold);
    let label = |name: &str, value: String, note: String| format!("  {name:<14}{value:>9}  {note}");
    let mut lines = vec![
        format!(
            "{}: {}, {}, {} to {}, {} ahead",
            facts.input.title,
            number::counted(facts.n_servers(), "server"),
            number::counted(facts.metrics().len(), "metric"),
            number::counted(facts.longest_history(), "day"),
            run.cutoff,
            number::counted(run.horizon_days as usize, "day"),
        ),
        String::new(),
        label("saturated", number::count(facts.saturated.len()), format!("at or over {limit} of capacity already")),
        label(
            "at risk",
            number::count(facts.n_at_risk),
            format!(
                "reach {limit} within {} days with P >= 50%; {} more possible or later",
                facts.at_risk_days,
                facts.n_watch()
            ),
        ),
        label("savings", number::usd(facts.savings.saved), savings(facts)),
        label("not judged", number::count(facts.n_unknown), not_judged(facts)),
    ];
    if let Some(held) = accuracy(facts) {
        lines.push(label("accuracy", held.0, held.1));
    }
    lines
}

fn savings(facts: &Facts) -> String {
    let sums = &facts.savings;
    let parts = [
        (sums.n_down, "smaller".to_owned()),
        (sums.n_retire, "switched off".to_owned()),
        (sums.n_up, format!("larger for {}", number::usd(sums.spent))),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{} {words}", number::count(*n))).collect();
    if said.is_empty() { "a month: no change pays".to_owned() } else { format!("a month: {}", said.join(", ")) }
}

fn not_judged(facts: &Facts) -> String {
    if facts.n_unknown > 0 {
        return facts.unknown_reason.to_owned();
    }
    facts.unknown.first().map_or_else(String::new, |u| format!("servers; but {}: {}", u.subject(), u.reason))
}

fn accuracy(facts: &Facts) -> Option<(String, String)> {
    let accuracy = facts.accuracy?;
    let run = facts.input.run;
    let value = accuracy.gain().map_or_else(|| number::NOTHING.to_owned(), |gain| number::share(gain.abs(), 0));
    let word = if accuracy.gain().is_some_and(|gain| gain < 0.0) { "more" } else { "less" };
    let held = |name: &str, c: Option<f64>| {
        c.map_or_else(String::new, |c| format!(", {name} interval held {}", number::share(c, 0)))
    };
    let note = format!(
        "{word} error than {}: MASE {} against {}{}{}",
        run.baseline,
        number::fixed_or_nothing(accuracy.model.mase, 2),
        number::fixed_or_nothing(accuracy.baseline.and_then(|scores| scores.mase), 2),
        held("80%", accuracy.model.coverage_80),
        held("90%", accuracy.model.coverage_90),
    );
    Some((value, note))
}

/// A table of the first to cross.
fn ranking(facts: &Facts) -> Vec<String> {
    if facts.ranked.is_empty() {
        let n_calm = number::counted(facts.n_calm, "server");
        return vec![format!("  nobody else has a chance of 5% or more to cross within the horizon; {n_calm} calm")];
    }
    let shown: Vec<&Placed> = facts.ranked.iter().take(ROWS).collect();
    let name = column(shown.iter().map(|placed| placed.risk.server_id.as_str()), "first to cross");
    let metric = column(shown.iter().map(|placed| placed.risk.metric.name()), "metric");
    let chances = |cells: Vec<String>| -> String { cells.iter().map(|cell| format!("{cell:>7}")).collect() };
    let heads = facts.horizons.iter().map(|at| format!("P {}d", RISK_DAYS[*at])).collect();
    let mut lines = vec![format!(
        "  {:<name$}  {:<metric$}  {:>10}  {:>10}  {:>10}{}  kind",
        "first to cross",
        "metric",
        "10%",
        "50%",
        "90%",
        chances(heads)
    )];
    for placed in shown {
        let risk = placed.risk;
        let date = |date: Option<Date>| date.map_or_else(|| "later".to_owned(), |date| date.to_string());
        let p = |at: &usize| risk.p_crossed[*at].map_or_else(|| number::NOTHING.to_owned(), number::chance);
        lines.push(format!(
            "  {:<name$}  {:<metric$}  {:>10}  {:>10}  {:>10}{}  {}",
            fit(&plain(&risk.server_id), name),
            fit(&plain(risk.metric.name()), metric),
            date(risk.dates.q10),
            date(risk.dates.q50),
            date(risk.dates.q90),
            chances(facts.horizons.iter().map(|at| plain(&p(at))).collect()),
            risk.class,
        ));
    }
    if facts.ranked.len() > ROWS {
        lines.push(format!("  and {} more", number::count(facts.ranked.len() - ROWS)));
    }
    lines
}

/// Width of a column of texts: as wide as its widest cell, within reason.
fn column<'a>(cells: impl Iterator<Item = &'a str>, head: &str) -> usize {
    cells.map(|cell| cell.chars().count()).chain([head.len()]).max().unwrap_or(0).min(20)
}

fn saturated(facts: &Facts) -> Vec<String> {
    if facts.saturated.is_empty() {
        return Vec::new();
    }
    let name = |placed: &Placed| format!("{} {}", placed.risk.server_id, placed.risk.metric.name());
    let mut names: Vec<String> = facts.saturated.iter().take(ROWS).map(name).collect();
    if facts.saturated.len() > ROWS {
        names.push(format!("{} more", number::count(facts.saturated.len() - ROWS)));
    }
    vec![format!("  saturated: {}", names.join(", "))]
}

/// Groups, notes, and where to read on.
fn closing(facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    let groups = groups(facts);
    if !groups.is_empty() {
        lines.push(format!("  groups: {groups}"));
    }
    lines.extend(facts.input.notes.iter().take(3).map(|note| format!("  note: {note}")));
    let run = facts.input.run;
    if let Some(path) = &run.report_path {
        lines.push(format!("  report: {path}"));
    }
    lines.push(format!("  lake:   {} (run {})", run.lake, run.run_id));
    lines
}

fn groups(facts: &Facts) -> String {
    let mut counts: std::collections::BTreeMap<usize, (usize, &str)> = std::collections::BTreeMap::new();
    for group in facts.input.outlook.servers.iter().map(|server| &server.group) {
        if let Some(number) = group.group {
            counts.entry(number).or_insert((0, &group.group_name)).0 += 1;
        }
    }
    let mut said: Vec<String> = counts.values().take(GROUPS).map(|(n, name)| format!("{n} {name}")).collect();
    if counts.len() > GROUPS {
        said.push(format!("{} more groups", counts.len() - GROUPS));
    }
    said.join("; ")
}
