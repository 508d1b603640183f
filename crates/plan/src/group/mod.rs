//! Servers that behave alike, and servers that have too little to do.

mod cluster;
mod features;
mod names;

use crate::Limits;
use crate::days::Days;
use crate::series::too_short;
use crate::underused::{Usage, underused};
use features::{Behaviour, N_FEATURES, behaviour, standardised};
use fleetcast_core::{Calendar, Group, History, Panel, SeriesId};
use std::collections::BTreeMap;

/// Groups that a person can keep in mind.
const MOST_GROUPS: usize = 8;
/// Servers that a group has on average, at least.
const FEWEST_PER_GROUP: usize = 3;

/// The behaviour group of every server of `panel`, and whether it is underused; in order of server ids.
///
/// `panel` holds daily P95 and `means` daily means of the same series; a series without means is judged
/// by its P95, which is never lower. Servers are compared by figures that do not depend on their size:
/// level, peak against median, P95 against mean, week, quarter-ends, volatility, growth, memory, and how
/// cpu and memory go together. They are put into groups by k-means, whose number has the best silhouette;
/// the same panel and `limits.seed` give the same groups. Where there is nothing to tell servers apart by,
/// all are one group.
///
/// A server with fewer than 14 observed days has no group; its name and reason say so.
pub fn groups(panel: &Panel, means: &Panel, limits: &Limits, calendar: &Calendar) -> Vec<Group> {
    let mut days = Days::new(calendar);
    let mut rows: Vec<Group> = Vec::new();
    let mut grouped: Vec<(usize, Behaviour)> = Vec::new();
    for (server_id, usages) in usages(panel, means) {
        let capacity = |usage: &Usage| match panel.server(server_id) {
            Some(server) => server.capacity(usage.p95.metric()),
            None => usage.p95.metric().capacity(),
        };
        if let Some(behaviour) = behaviour(&usages, capacity, &mut days) {
            grouped.push((rows.len(), behaviour));
        }
        let (underused, reason) = underused(&usages, &limits.underused, &mut days);
        rows.push(Group {
            server_id: server_id.to_owned(),
            group: None,
            group_name: format!("not grouped: {}", why_not(&usages)),
            underused,
            reason: if usages.is_empty() { "no telemetry".to_owned() } else { reason },
        });
    }
    put_into_groups(&mut rows, &grouped, limits.seed);
    rows
}

/// The metrics of every server, the server without telemetry included, in order of server ids.
fn usages<'a>(panel: &'a Panel, means: &'a Panel) -> BTreeMap<&'a str, Vec<Usage<'a>>> {
    let means: BTreeMap<&SeriesId, &History> =
        means.histories().iter().map(|history| (history.id(), history)).collect();
    let mut servers: BTreeMap<&str, Vec<Usage>> =
        panel.servers().iter().map(|server| (server.server_id(), Vec::new())).collect();
    for p95 in panel.histories() {
        let usage = Usage { p95, means: means.get(p95.id()).copied() };
        servers.entry(&p95.id().server_id).or_default().push(usage);
    }
    servers
}

fn why_not(usages: &[Usage]) -> String {
    let days = usages.iter().map(|usage| usage.p95.n_observed()).max().unwrap_or(0);
    too_short(days).unwrap_or_else(|| "needs daily values with dates".to_owned())
}

/// Fills in the group and its name of the rows that have a behaviour.
fn put_into_groups(rows: &mut [Group], grouped: &[(usize, Behaviour)], seed: u64) {
    let behaviours: Vec<Behaviour> = grouped.iter().map(|(_, behaviour)| *behaviour).collect();
    let points = standardised(&behaviours);
    let most = (points.len() / FEWEST_PER_GROUP).min(MOST_GROUPS);
    let assigned = cluster::clusters(&points, most, seed);
    let count = assigned.iter().max().map_or(0, |last| last + 1);
    let mut members: Vec<(Vec<&Behaviour>, Vec<&[f64; N_FEATURES]>)> = vec![Default::default(); count];
    for ((&group, behaviour), point) in assigned.iter().zip(&behaviours).zip(&points) {
        members[group].0.push(behaviour);
        members[group].1.push(point);
    }
    let names = names::names(&members);
    for (&group, (row, _)) in assigned.iter().zip(grouped) {
        rows[*row].group = Some(group);
        rows[*row].group_name.clone_from(&names[group]);
    }
}
