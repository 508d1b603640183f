//! Sections of the page: each turns facts into the texts its template prints.

mod accuracy;
mod calendar;
mod fans;
mod groups;
mod method;
mod overview;
mod ranking;
mod savings;
mod unanswered;

pub(crate) use accuracy::Accuracy;
pub(crate) use calendar::RiskCalendar;
pub(crate) use fans::Fans;
pub(crate) use groups::Groups;
pub(crate) use method::Method;
pub(crate) use overview::Overview;
pub(crate) use ranking::Ranking;
pub(crate) use savings::Savings;
pub(crate) use unanswered::Unanswered;

use crate::{chart, facts::Facts, number};
use fleetcast_core::Server;

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

/// What a server is, in a few words: its name where it has another one than its id, archetype, service, region.
fn place(facts: &Facts, server_id: &str) -> String {
    facts.server(server_id).map(describe).unwrap_or_default()
}

fn describe(server: &Server) -> String {
    let name = Some(server.name.as_str()).filter(|name| *name != server.server_id());
    let parts = [name, server.archetype.as_deref(), server.service.as_deref(), server.region.as_deref()];
    let mut words: Vec<&str> = parts.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    words.dedup();
    words.join(" \u{b7} ")
}

/// The anchor of a series on the page. Ids may hold anything, so they are numbered instead of spelt.
fn fan_anchor(number: usize) -> String {
    format!("fan-{}", number + 1)
}

/// `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
