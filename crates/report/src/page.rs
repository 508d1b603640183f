//! The page: its sections in the order in which a manager asks.

use crate::{
    ReportInput,
    facts::Facts,
    number,
    section::{Accuracy, Fans, Groups, Method, Overview, Pools, Ranking, RiskCalendar, Savings, Unanswered},
};
use askama::Template;

/// The report as one HTML file that fetches nothing: styles, charts and the one small script are inside.
///
/// Lists are capped, so the page stays quick to load however large the fleet is; where a list ends early
/// the page says how much more there is and which query shows it.
pub fn html(input: &ReportInput) -> String {
    let facts = Facts::new(input);
    let page = Page {
        title: input.title,
        subtitle: subtitle(&facts),
        notes: input.notes,
        style: include_str!("../templates/style.css"),
        script: include_str!("../templates/filter.js"),
        overview: Overview::new(&facts),
        ranking: Ranking::new(&facts),
        calendar: RiskCalendar::new(&facts),
        pools: Pools::new(&facts),
        fans: Fans::new(&facts),
        groups: Groups::new(&facts),
        savings: Savings::new(&facts),
        accuracy: Accuracy::new(&facts),
        unanswered: Unanswered::new(&facts),
        method: Method::new(&facts),
    };
    page.render().expect("writing to a string cannot fail")
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    subtitle: String,
    notes: &'a [String],
    style: &'static str,
    script: &'static str,
    overview: Overview,
    ranking: Ranking,
    calendar: RiskCalendar,
    pools: Pools,
    fans: Fans,
    groups: Groups,
    savings: Savings,
    accuracy: Accuracy,
    unanswered: Unanswered,
    method: Method,
}

fn subtitle(facts: &Facts) -> String {
    let run = facts.input.run;
    let days = facts.longest_history();
    format!(
        "{} of history up to {}, {} ahead",
        number::counted(days, "day"),
        number::date(run.cutoff),
        number::counted(run.horizon_days as usize, "day"),
    )
}
