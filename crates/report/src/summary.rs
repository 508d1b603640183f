//! The report on one screen of a terminal.

use crate::{
    ReportInput,
    facts::{Facts, Order, Placed, RISK_DAYS, kind},
    number,
};
use fleetcast_core::PoolRisk;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Servers in each list.
const ROWS: usize = 8;

/// Behaviour groups that are named, each on its own line.
const GROUPS: usize = 3;

/// Chance from which the total of a pool is told.
const LIKELY: f64 = 0.1;

/// Notes that are shown.
const NOTES: usize = 3;

/// The summary for a terminal: plain text of at most 30 lines with the numbers a planner acts on first.
///
/// No line is wider than `width` columns (60 at least), save those that name a path to copy.
pub fn summary(input: &ReportInput, width: usize) -> String {
    let facts = Facts::new(input);
    let width = width.max(60);
    let mut lines = headline(&facts, width);
    lines.push(String::new());
    lines.extend(ranking(&facts, width));
    lines.extend(saturated(&facts, width));
    lines.push(String::new());
    lines.extend(closing(&facts, width));
    let mut text = String::new();
    for line in lines {
        text.push_str(fit(&plain(&line), width).trim_end());
        text.push('\n');
    }
    for line in paths(&facts) {
        text.push_str(&plain(&line));
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

/// A line that is too long cut at its last comma that fits, so that what is left reads as whole phrases.
fn whole_phrases(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let commas = line.char_indices().take(width).filter(|(_, c)| *c == ',').map(|(at, _)| at);
    commas.last().map_or_else(|| fit(line, width), |at| line[..at].to_owned())
}

/// A text over at most two lines, the second one indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let text = plain(text);
    if text.chars().count() <= width {
        return vec![text];
    }
    let fits = text.char_indices().take(width + 1).filter(|(_, c)| *c == ' ').map(|(at, _)| at);
    match fits.last().filter(|at| *at > width / 2) {
        Some(at) => vec![text[..at].to_owned(), format!("    {}", text[at + 1..].trim_start())],
        None => vec![text],
    }
}

fn headline(facts: &Facts, width: usize) -> Vec<String> {
    let run = facts.input.run;
    let limit = number::threshold(facts.threshold);
    let label = |name: &str, value: String, note: String| format!("  {name:<11}{value:>9}  {note}");
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
            format!("reach {limit} within {} days (P >= 50%); {} more may", facts.at_risk_days, facts.n_watch()),
        ),
        label("order now", number::count(facts.n_order_now), order_now(facts)),
    ];
    if facts.bottlenecks.n_servers > 0 {
        let several = facts.bottlenecks.n_several;
        lines.push(label("bottlenecks", number::count(several), bottlenecks(facts)));
    }
    lines.push(label("savings", number::usd(facts.savings.saved), savings(facts)));
    if let Some(sums) = facts.savings.saved_as_paid {
        let (value, note) = as_paid(sums, facts.savings.saved);
        lines.push(label("as paid", value, note));
    }
    lines.push(label("not judged", number::count(facts.n_unknown), not_judged(facts)));
    if let Some((value, notes)) = accuracy(facts) {
        let fitting = notes.map(|note| label("accuracy", value.clone(), note));
        lines.extend(fitting.into_iter().reduce(
            |longer, line| {
                if plain(&longer).chars().count() <= width { longer } else { line }
            },
        ));
    }
    lines
}

fn order_now(facts: &Facts) -> String {
    let next = facts.ranked.iter().filter_map(|placed| match facts.order(placed) {
        Order::By(date) => Some(date),
        Order::Now | Order::Later => None,
    });
    let then = next.min().map_or_else(String::new, |date| format!("; the next by {date}"));
    format!("may cross before new capacity can serve{then}")
}

/// Who runs out of several resources, and which comes first.
fn bottlenecks(facts: &Facts) -> String {
    let found = &facts.bottlenecks;
    let first = found.first.first().map_or("", |(metric, _)| metric);
    format!(
        "of {} short servers lack several, {} together; mostly {first} first",
        number::count(found.n_servers),
        number::count(found.n_together),
    )
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
    if said.is_empty() {
        return "a month: no change pays".to_owned();
    }
    format!("a month: {}", said.join(", "))
}

/// The savings at the rates paid; costs may be known of some servers only, and a part beside the whole would look like
/// a discount.
fn as_paid([listed, paid, free]: [f64; 3], saved: f64) -> (String, String) {
    let part = if listed < saved { format!("for {} of it", number::usd(listed)) } else { "for all of it".to_owned() };
    (number::usd(paid), format!("a month {part}; {} of that not committed", number::usd(free)))
}

fn not_judged(facts: &Facts) -> String {
    if facts.n_unknown > 0 {
        return facts.unknown_reason.to_owned();
    }
    facts.unknown.first().map_or_else(String::new, |u| format!("servers, but {}: {}", u.subject(), u.reason))
}

/// The gain over the baseline with notes on it, the longest first.
fn accuracy(facts: &Facts) -> Option<(String, [String; 4])> {
    let accuracy = facts.accuracy?;
    let run = facts.input.run;
    let value = accuracy.gain().map_or_else(|| number::NOTHING.to_owned(), |gain| number::share(gain.abs(), 0));
    let word = if accuracy.gain().is_some_and(|gain| gain < 0.0) { "higher" } else { "lower" };
    let held = |c: Option<f64>| c.map_or_else(|| number::NOTHING.to_owned(), |c| number::share(c, 0));
    let (held_80, held_90) = (held(accuracy.model.coverage_80), held(accuracy.model.coverage_90));
    let gain = format!("{word} MASE than {}", run.baseline);
    let scores = format!(
        "{} against {}",
        number::fixed_or_nothing(accuracy.model.mase, 2),
        number::fixed_or_nothing(accuracy.baseline.and_then(|scores| scores.mase), 2),
    );
    let notes = [
        format!("{gain}: {scores}; intervals of 80% held {held_80}, of 90% {held_90}"),
        format!("{gain}: {scores}; 90% interval held {held_90}"),
        format!("{gain}; 90% interval held {held_90}"),
        gain,
    ];
    Some((value, notes))
}

/// A column of the ranking; `worth` says which columns stay when the screen is narrow, 0 for all that must.
struct Column {
    worth: u8,
    head: String,
    cells: Vec<String>,
    is_text: bool,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().chain([&self.head]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// A table of the first to cross, with as many columns as there is room for.
fn ranking(facts: &Facts, width: usize) -> Vec<String> {
    if facts.ranked.is_empty() {
        let n_calm = number::counted(facts.n_calm, "server");
        return vec![format!("  no other server has a chance of 10% or more to cross; {n_calm} calm")];
    }
    let mut columns = columns(facts);
    let mut room = width.saturating_sub(2);
    for worth in 0..=u8::MAX {
        let needed: usize =
            columns.iter().filter(|column| column.worth == worth).map(|column| column.width() + 2).sum();
        if worth > 0 && needed > room {
            columns.retain(|column| column.worth < worth);
            break;
        }
        room = room.saturating_sub(needed);
    }
    let mut lines = vec![table_line(&columns, |column| &column.head)];
    for row in 0..facts.ranked.len().min(ROWS) {
        lines.push(table_line(&columns, |column| &column.cells[row]));
    }
    if facts.ranked.len() > ROWS {
        lines.push(format!("  and {} more", number::count(facts.ranked.len() - ROWS)));
    }
    lines
}

fn columns(facts: &Facts) -> Vec<Column> {
    let shown: Vec<&Placed> = facts.ranked.iter().take(ROWS).collect();
    let column = |worth: u8, head: String, is_text: bool, cell: &dyn Fn(&Placed) -> String| Column {
        worth,
        head,
        is_text,
        cells: shown.iter().map(|placed| fit(&plain(&cell(placed)), 20)).collect(),
    };
    let date = |date: Option<Date>| date.map_or_else(|| "later".to_owned(), |date| date.to_string());
    let mut columns = vec![
        column(0, "first to cross".to_owned(), true, &|placed| placed.risk.server_id.clone()),
        column(0, "metric".to_owned(), true, &|placed| placed.risk.metric.name().to_owned()),
        column(4, "10%".to_owned(), false, &|placed| date(placed.risk.dates.q10)),
        column(0, "50%".to_owned(), false, &|placed| date(placed.risk.dates.q50)),
        column(5, "90%".to_owned(), false, &|placed| date(placed.risk.dates.q90)),
    ];
    for at in &facts.horizons {
        // The quarter ahead is what budgets are made for, the month ahead what is still to be saved.
        let worth = [6, 8, 1, 7][*at];
        let p = |placed: &Placed| placed.risk.p_crossed[*at].map_or_else(|| number::NOTHING.to_owned(), number::chance);
        columns.push(column(worth, format!("P {}d", RISK_DAYS[*at]), false, &p));
    }
    let order = |placed: &Placed| match facts.order(placed) {
        Order::Now => "now".to_owned(),
        Order::By(date) => date.to_string(),
        Order::Later => number::NOTHING.to_owned(),
    };
    columns.push(column(2, "order by".to_owned(), false, &order));
    columns.push(column(3, "kind".to_owned(), true, &|placed| kind(placed.risk.class).to_owned()));
    columns
}

fn table_line<'a>(columns: &'a [Column], cell: impl Fn(&'a Column) -> &'a str) -> String {
    let mut line = String::new();
    for column in columns {
        let (text, width) = (cell(column), column.width());
        let padded = if column.is_text { format!("{text:<width$}") } else { format!("{text:>width$}") };
        line.push_str("  ");
        line.push_str(&padded);
    }
    line
}

fn saturated(facts: &Facts, width: usize) -> Vec<String> {
    if facts.saturated.is_empty() {
        return Vec::new();
    }
    let name = |placed: &Placed| format!("{} {}", placed.risk.server_id, placed.risk.metric.name());
    let mut names: Vec<String> = facts.saturated.iter().take(ROWS).map(name).collect();
    if facts.saturated.len() > ROWS {
        names.push(format!("{} more", number::count(facts.saturated.len() - ROWS)));
    }
    wrapped(&format!("  saturated: {}", names.join(", ")), width)
}

/// Groups and notes.
fn closing(facts: &Facts, width: usize) -> Vec<String> {
    let notes = facts.input.notes.iter().take(NOTES).map(|note| format!("  note: {note}"));
    pools(facts, width).into_iter().chain(groups(facts, width)).chain(notes).collect()
}

/// The pools whose servers are likely to have too much together, the likeliest first; nothing without pools.
fn pools(facts: &Facts, width: usize) -> Option<String> {
    let horizon = RISK_DAYS.iter().position(|days| *days == facts.at_risk_days)?;
    let mut pools: Vec<(f64, &PoolRisk)> =
        facts.pools().filter_map(|pool| Some((pool.p_crossed[horizon]?, pool))).collect();
    let n = pools.len();
    pools.retain(|(p, _)| *p >= LIKELY);
    pools.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let name = |(p, pool): &(f64, &PoolRisk)| format!("{} {} {}", pool.pool, pool.metric.name(), number::chance(*p));
    let said: Vec<String> = pools.iter().take(ROWS).map(name).collect();
    let names = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
    let totals = format!("{} of {}", number::count(pools.len()), number::counted(n, "total"));
    let line = format!("  pools: {totals} may be over in {} days{names}", facts.at_risk_days);
    (n > 0).then(|| whole_phrases(&plain(&line), width))
}

/// The largest groups, one per line, and how many more there are.
fn groups(facts: &Facts, width: usize) -> Vec<String> {
    let mut counts: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    for group in facts.input.outlook.servers.iter().map(|server| &server.group) {
        if let Some(number) = group.group {
            counts.entry(number).or_insert((0, &group.group_name)).0 += 1;
        }
    }
    let mut groups: Vec<(usize, &str)> = counts.into_values().collect();
    groups.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let digits = groups.first().map_or(0, |(n, _)| number::count(*n).len());
    let mut said: Vec<String> =
        groups.iter().take(GROUPS).map(|(n, name)| format!("{:>digits$} {name}", number::count(*n))).collect();
    if groups.len() > GROUPS {
        said.push(format!("and {} more", number::count(groups.len() - GROUPS)));
    }
    let starts = ["  groups: "].into_iter().chain(std::iter::repeat("          "));
    said.iter().zip(starts).map(|(group, start)| whole_phrases(&plain(&format!("{start}{group}")), width)).collect()
}

/// Where to read on.
fn paths(facts: &Facts) -> Vec<String> {
    let run = facts.input.run;
    let report = run.report_path.iter().map(|path| format!("  report: {path}"));
    report.chain([format!("  lake:   {} (run {})", run.lake, run.run_id)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_as_paid_is_not_shown_as_a_discount_on_all() {
        let said = |saved: f64| as_paid([2722.0, 1776.0, 968.0], saved).1;
        assert_eq!(said(3511.0), "a month for $2,722 of it; $968 of that not committed");
        assert_eq!(said(2722.0), "a month for all of it; $968 of that not committed");
    }

    #[test]
    fn long_lines_are_broken_between_words_and_then_cut() {
        assert_eq!(wrapped("one two three four", 10), ["one two", "    three four"]);
        assert_eq!(wrapped("short", 10), ["short"]);
        assert_eq!(wrapped("unbreakable-word-of-some-length", 10), ["unbreakable-word-of-some-length"]);
        assert_eq!(fit("0123456789abc", 10), "0123456...");
        assert_eq!(whole_phrases("4 idle, busy on Mondays, peaks", 25), "4 idle, busy on Mondays");
        assert_eq!(whole_phrases("4 idle, busy on Mondays", 23), "4 idle, busy on Mondays");
        assert_eq!(whole_phrases("busy on Mondays", 10), "busy on...");
        assert_eq!(plain("5\u{202f}% \u{2212}1\u{1b}[2J"), "5% -1?[2J");
    }
}
