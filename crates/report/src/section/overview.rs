//! The few numbers a manager reads first.

use crate::{chart, facts::Facts, number};
use askama::Template;
use jiff::ToSpan;

/// The headline, the numbers and the fleet as one bar.
#[derive(Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    headline: String,
    figures: Vec<Figure>,
    glance: String,
    parts: Vec<Part>,
}

struct Figure {
    label: &'static str,
    value: String,
    unit: &'static str,
    note: String,
    href: &'static str,
}

struct Part {
    class: &'static str,
    count: String,
    label: String,
}

impl Overview {
    pub(crate) fn new(facts: &Facts) -> Self {
        let parts = parts(facts);
        let counts: Vec<(&str, usize)> = parts.iter().map(|(class, n, _)| (*class, *n)).collect();
        let words: Vec<String> = parts.iter().map(|(_, n, label)| format!("{n} {label}")).collect();
        Self {
            headline: headline(facts),
            figures: vec![saturated(facts), at_risk(facts), savings(facts), unknown(facts), accuracy(facts)],
            glance: chart::glance(&counts, &format!("the fleet: {}", number::listed(&words))),
            parts: parts
                .into_iter()
                .filter(|(_, n, _)| *n > 0)
                .map(|(class, n, label)| Part { class, count: number::count(n), label })
                .collect(),
        }
    }
}

fn parts(facts: &Facts) -> Vec<(&'static str, usize, String)> {
    let limit = number::threshold(facts.threshold);
    vec![
        ("saturated", facts.saturated.len(), format!("over {limit} already")),
        ("at-risk", facts.n_at_risk, format!("probably over within {} days", facts.at_risk_days)),
        ("watch", facts.n_watch(), "possible or later".to_owned()),
        ("calm", facts.n_calm, "calm".to_owned()),
        ("unknown", facts.n_unknown, "not judged".to_owned()),
    ]
}

fn headline(facts: &Facts) -> String {
    let n = facts.n_servers();
    if n == 0 {
        return "There are no servers in this lake.".to_owned();
    }
    if facts.n_unknown == n {
        return format!("None of {} could be judged; the reasons are below.", number::counted(n, "server"));
    }
    let limit = number::threshold(facts.threshold);
    let until = facts.input.run.cutoff.saturating_add(i64::from(facts.at_risk_days).days());
    let risk = match facts.n_at_risk {
        0 => format!("No server is likely to reach {limit} of capacity by {}", number::date(until)),
        n_at_risk => format!(
            "{} of {} will probably reach {limit} of capacity by {}",
            number::count(n_at_risk),
            number::counted(n, "server"),
            number::date(until)
        ),
    };
    let already = match facts.saturated.len() {
        0 => String::new(),
        1 => "; 1 is over it already".to_owned(),
        n => format!("; {} are over it already", number::count(n)),
    };
    let n_saving = facts.savings.n_down + facts.savings.n_retire;
    let saving = if facts.savings.saved < 1.0 {
        String::new()
    } else {
        format!(
            " Resizing {} would save {} a month.",
            number::counted(n_saving, "server"),
            number::usd(facts.savings.saved)
        )
    };
    format!("{risk}{already}.{saving}")
}

fn saturated(facts: &Facts) -> Figure {
    Figure {
        label: "Already saturated",
        value: number::count(facts.saturated.len()),
        unit: "",
        note: format!("of {}", number::counted(facts.n_servers(), "server")),
        href: "#ranking",
    }
}

fn at_risk(facts: &Facts) -> Figure {
    Figure {
        label: "At risk",
        value: number::count(facts.n_at_risk),
        unit: "",
        note: format!(
            "cross {} within {} days with P\u{202f}\u{2265}\u{202f}50\u{202f}%; order for {} now",
            number::threshold(facts.threshold),
            facts.at_risk_days,
            number::count(facts.n_order_now)
        ),
        href: "#ranking",
    }
}

fn savings(facts: &Facts) -> Figure {
    let sums = &facts.savings;
    let mut notes = Vec::new();
    if sums.n_down > 0 {
        notes.push(format!("{} smaller", number::count(sums.n_down)));
    }
    if sums.n_retire > 0 {
        notes.push(format!("{} off", number::count(sums.n_retire)));
    }
    if sums.n_up > 0 {
        notes.push(format!("{} larger for {}", number::count(sums.n_up), number::usd(sums.spent)));
    }
    let note = if notes.is_empty() { "no change pays".to_owned() } else { notes.join(", ") };
    Figure { label: "Savings", value: number::usd(sums.saved), unit: "a month", note, href: "#savings" }
}

fn unknown(facts: &Facts) -> Figure {
    let note = match (facts.n_unknown, facts.unknown.len()) {
        (0, 0) => "every series has an answer".to_owned(),
        (0, _) => "every server has an answer, not every metric".to_owned(),
        _ => facts.unknown_reason.to_owned(),
    };
    Figure { label: "Not judged", value: number::count(facts.n_unknown), unit: "", note, href: "#unanswered" }
}

fn accuracy(facts: &Facts) -> Figure {
    let (value, unit, note) = match facts.accuracy.and_then(|accuracy| Some((accuracy, accuracy.gain()?))) {
        Some((accuracy, gain)) => {
            let word = if gain < 0.0 { "more error" } else { "less error" };
            let held = accuracy
                .model
                .coverage_90
                .map_or_else(String::new, |c| format!("; 90\u{202f}% interval held {}", number::share(c, 0)));
            (number::share(gain.abs(), 0), word, format!("by MASE than {} in backtest{held}", facts.input.run.baseline))
        }
        None => (number::NOTHING.to_owned(), "", "no backtest in this run".to_owned()),
    };
    Figure { label: "Accuracy", value, unit, note, href: "#accuracy" }
}
