//! Servers of similar behaviour, and those that do too little.

use super::Reason;
use crate::{chart, facts::Facts, number, trace};
use askama::Template;
use fleetcast_core::{Group, History, Unit};
use fleetcast_numeric::quantile;
use std::collections::{BTreeMap, BTreeSet};

/// Groups with a card.
const CAP_GROUPS: usize = 12;
/// Rows of the list of underused servers.
const CAP_UNDERUSED: usize = 15;
/// Weeks of a typical course.
const WEEKS: usize = 52;
/// Metrics by which a course is shown, the first that the group has.
const SHOWN_METRICS: [&str; 3] = ["cpu", "memory", "network"];

/// The groups and the underused servers.
#[derive(Template)]
#[template(path = "groups.html")]
pub(crate) struct Groups {
    cards: Vec<Card>,
    n_more: String,
    underused: Vec<Underused>,
    n_underused: String,
    n_more_underused: String,
    trace: String,
}

struct Card {
    name: String,
    count: String,
    members: String,
    underused: String,
    metric: String,
    typical: String,
    chart: String,
}

struct Underused {
    server_id: String,
    group: String,
    reason: Reason,
    saving: String,
}

impl Groups {
    pub(crate) fn new(facts: &Facts) -> Self {
        let mut members: BTreeMap<usize, Vec<&Group>> = BTreeMap::new();
        for server in &facts.input.outlook.servers {
            if let Some(number) = server.group.group {
                members.entry(number).or_default().push(&server.group);
            }
        }
        let underused = underused(facts);
        Self {
            cards: cards(facts, members.values().take(CAP_GROUPS)),
            n_more: more(members.len(), CAP_GROUPS),
            n_underused: number::counted(underused.len(), "server"),
            n_more_underused: more(underused.len(), CAP_UNDERUSED),
            underused: underused.into_iter().take(CAP_UNDERUSED).collect(),
            trace: trace::command(facts.input.run, &query(facts)),
        }
    }
}

fn more(n: usize, cap: usize) -> String {
    if n > cap { number::count(n - cap) } else { String::new() }
}

/// One card per group, their courses on a common scale for each metric so that groups can be compared.
fn cards<'a>(facts: &Facts, groups: impl Iterator<Item = &'a Vec<&'a Group>>) -> Vec<Card> {
    let with_ids = groups.map(|group| (group, group.iter().map(|member| member.server_id.as_str()).collect()));
    let courses: Vec<(&Vec<&Group>, BTreeSet<&str>, Course)> = with_ids
        .map(|(group, ids): (_, BTreeSet<&str>)| {
            let course = course(facts, &ids);
            (group, ids, course)
        })
        .collect();
    let mut scales: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (_, _, course) in &courses {
        let scale = scales.entry(&course.metric).or_insert((0.0, 0.0));
        let values = course.quartiles.iter().flatten().filter(|v| v.is_finite());
        *scale = values.fold(*scale, |(low, high), v| (low.min(*v), high.max(*v)));
    }
    courses.iter().map(|(group, ids, course)| card(facts, group, ids, course, scales[course.metric.as_str()])).collect()
}

fn card(facts: &Facts, group: &[&Group], ids: &BTreeSet<&str>, course: &Course, (low, high): (f64, f64)) -> Card {
    let n_underused = group.iter().filter(|member| member.underused).count();
    let name = group.first().map(|member| member.group_name.clone()).unwrap_or_default();
    let label = format!("typical course of the group {name}");
    Card {
        count: number::counted(group.len(), "server"),
        members: archetypes(facts, ids),
        underused: if n_underused > 0 { format!("{} underused", number::count(n_underused)) } else { String::new() },
        metric: course.metric.clone(),
        typical: course.typical(),
        chart: chart::profile(&course.quartiles, low, high, &label),
        name,
    }
}

/// The commonest archetypes of some servers: `web 31, cache 4`.
fn archetypes(facts: &Facts, ids: &BTreeSet<&str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for id in ids {
        if let Some(archetype) = facts.server(id).and_then(|server| server.archetype.as_deref()) {
            *counts.entry(archetype).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let words: Vec<String> = counts.iter().take(3).map(|(name, n)| format!("{name} {}", number::count(*n))).collect();
    words.join(", ")
}

/// The last year of a group, week by week.
struct Course {
    metric: String,
    unit: Option<Unit>,
    quartiles: Vec<[f64; 3]>,
}

impl Course {
    /// Where its middle lay in the last four weeks.
    fn typical(&self) -> String {
        let last: Vec<f64> = self.quartiles.iter().rev().take(4).map(|quartile| quartile[1]).collect();
        match (quantile(&last, 0.5), &self.unit) {
            (Some(level), Some(unit)) => number::measure(level, unit),
            _ => String::new(),
        }
    }
}

fn course(facts: &Facts, ids: &BTreeSet<&str>) -> Course {
    let of_group: Vec<&History> =
        facts.input.panel.histories().iter().filter(|h| ids.contains(h.id().server_id.as_ref())).collect();
    let has = |name: &str| of_group.iter().any(|h| h.metric().name() == name);
    let preferred = SHOWN_METRICS.into_iter().find(|name| has(name));
    let metric = preferred.or_else(|| of_group.first().map(|h| h.metric().name())).unwrap_or_default();
    let shown: Vec<&History> = of_group.iter().copied().filter(|h| h.metric().name() == metric).collect();
    let weeks: Vec<Vec<f64>> = shown.iter().map(|history| weekly_means(history)).collect();
    let longest = weeks.iter().map(Vec::len).max().unwrap_or(0);
    let quartiles: Vec<[f64; 3]> = (0..longest).map(|back| quartiles_of_week(&weeks, longest - 1 - back)).collect();
    Course { metric: metric.to_owned(), unit: shown.first().map(|history| history.metric().unit().clone()), quartiles }
}

/// Means of the last whole weeks, the latest first; NaN for a week without observations.
fn weekly_means(history: &History) -> Vec<f64> {
    let steps = history.timeline().step().per_day().map_or(1, |per_day| 7 * per_day);
    let weeks = history.values().rchunks_exact(steps).take(WEEKS);
    weeks.map(|week| fleetcast_numeric::math::mean(week).unwrap_or(f64::NAN)).collect()
}

fn quartiles_of_week(weeks: &[Vec<f64>], back: usize) -> [f64; 3] {
    let values: Vec<f64> = weeks.iter().filter_map(|means| means.get(back).copied()).collect();
    [0.25, 0.5, 0.75].map(|p| quantile(&values, p).unwrap_or(f64::NAN))
}

/// The underused servers, the largest saving first.
fn underused(facts: &Facts) -> Vec<Underused> {
    let mut found: Vec<_> = facts.input.outlook.servers.iter().filter(|server| server.group.underused).collect();
    let saving = |server: &fleetcast_core::ServerOutlook| server.recommendation.saving_usd_per_month.unwrap_or(0.0);
    found.sort_by(|a, b| saving(b).total_cmp(&saving(a)));
    let row = |server: &fleetcast_core::ServerOutlook| Underused {
        server_id: server.server_id.clone(),
        group: server.group.group_name.clone(),
        reason: Reason::new(&server.group.reason),
        saving: server.recommendation.saving_usd_per_month.map_or_else(|| number::NOTHING.to_owned(), number::usd),
    };
    found.into_iter().map(row).collect()
}

fn query(facts: &Facts) -> String {
    let run = trace::literal(&facts.input.run.run_id);
    format!(
        "SELECT server_id, group_name, underused, reason FROM groups WHERE run_id = {run} ORDER BY group_name, server_id"
    )
}
