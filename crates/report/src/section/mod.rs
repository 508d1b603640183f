//! Sections of the page: each turns facts into the texts its template prints.

mod accuracy;
mod calendar;
mod fans;
mod groups;
mod method;
mod overview;
mod pools;
mod ranking;
mod savings;
mod unanswered;

pub(crate) use accuracy::Accuracy;
pub(crate) use calendar::RiskCalendar;
pub(crate) use fans::Fans;
pub use fans::{FORECASTS_SHOWN, urgent_series};
pub(crate) use groups::Groups;
pub(crate) use method::Method;
pub(crate) use overview::Overview;
pub(crate) use pools::Pools;
pub(crate) use ranking::Ranking;
pub(crate) use savings::Savings;
pub(crate) use unanswered::Unanswered;

use crate::{chart, facts::Facts, number};
use fleetcast_core::{CrossingDates, Server};
use jiff::civil::Date;

/// A probability in a table, with the shade that tells it at a glance.
pub(crate) struct Chance {
    pub(crate) text: String,
    pub(crate) heat: usize,
}

impl Chance {
    fn new(p: Option<f64>) -> Self {
        Self {
            text: p.map_or_else(|| number::NOTHING.to_owned(), number::chance),
            heat: p.map_or(0, chart::heat_class),
        }
    }
}

/// What a server is, in a few words: its name where that is not its id with more around it, archetype, service, region.
fn place(facts: &Facts, server_id: &str) -> String {
    facts.server(server_id).map(describe).unwrap_or_default()
}

fn describe(server: &Server) -> String {
    let name = Some(server.name.as_str()).filter(|name| !name.contains(server.server_id()));
    let parts = [name, server.archetype.as_deref(), server.service.as_deref(), server.region.as_deref()];
    let mut words: Vec<&str> = parts.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    words.dedup();
    words.join(" \u{b7} ")
}

/// The anchor of a series on the page. Ids may hold anything, so they are numbered instead of spelt.
fn fan_anchor(number: usize) -> String {
    format!("fan-{}", number + 1)
}

/// The dates of a bar in words.
fn date_range(dates: &CrossingDates) -> String {
    let text = |date: Option<Date>| date.map_or_else(|| "beyond the horizon".to_owned(), number::date);
    format!("10 %: {}, 50 %: {}, 90 %: {}", text(dates.q10), text(dates.q50), text(dates.q90))
}

/// A reason in a narrow column: its first phrases, and the rest for those who ask.
pub(crate) struct Reason {
    pub(crate) head: String,
    pub(crate) rest: String,
}

impl Reason {
    /// Length up to which phrases are shown at once, in characters.
    const SHOWN: usize = 120;

    fn new(text: &str) -> Self {
        // A number and its unit stay on one line.
        let text = text.replace(" %", "\u{202f}%");
        let mut phrases = text.split("; ");
        let mut head = phrases.next().unwrap_or_default().to_owned();
        let mut rest: Vec<&str> = Vec::new();
        for phrase in phrases {
            if rest.is_empty() && head.chars().count() + phrase.chars().count() < Self::SHOWN {
                head = format!("{head}; {phrase}");
            } else {
                rest.push(phrase);
            }
        }
        Self { head, rest: rest.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_reasons_are_cut_between_phrases() {
        let rest = format!("history 2022-01-01 to 2024-12-31{}", " and some more words".repeat(4));
        let reason = Reason::new(&format!("cpu decides; 0.1 bad days; {rest}"));
        assert_eq!(reason.head, "cpu decides; 0.1 bad days");
        assert_eq!(reason.rest, rest);
        assert_eq!(Reason::new("").head, "");
        assert_eq!(Reason::new("mean cpu 3 %").head, "mean cpu 3\u{202f}%");
    }
}
