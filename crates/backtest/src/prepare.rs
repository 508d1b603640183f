//! Which members are run at which past cutoffs: all of them at the latest, and at the others those worth their time.

use crate::learn::pools;
use crate::plan::Plan;
use crate::prune::{ENOUGH_SERIES, kept};
use crate::run::Job;
use crate::validation::{Trials, trials};
use crate::{Auto, Runs};
use fleetcast_core::History;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Series of a metric, and of all metrics together, that a member is asked for at least before it is known whether it
/// goes on.
const ASKED: usize = 60;
const ASKED_IN_ALL: usize = 240;

/// The validation of one cutoff, its members run.
pub(crate) struct Prepared {
    pub(crate) held_out: usize,
    pub(crate) plan: Plan,
    /// Members that were run at every past cutoff; the others at the latest only.
    pub(crate) kept: Vec<bool>,
}

impl Prepared {
    pub(crate) fn new(auto: &Auto, runs: &Runs, held_out: usize) -> Self {
        let lengths = runs.panel().histories().iter().filter_map(|h| h.len().checked_sub(held_out).filter(|&n| n > 0));
        let plan = Plan::new(lengths.collect(), auto.settings());
        Self { held_out, plan, kept: vec![true; auto.members().len()] }
    }

    /// The earliest cutoff that is looked at, as steps before the end.
    pub(crate) fn earliest(&self) -> usize {
        self.held_out + self.plan.offsets.last().copied().unwrap_or(0)
    }

    /// The members that were run at the past cutoff number `origin`, by their places.
    pub(crate) fn members_at(&self, origin: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.kept.len()).filter(move |&member| origin == 0 || self.kept[member])
    }

    /// Whether some members may turn out not to be worth their time.
    fn is_pruned(&self, runs: &Runs) -> bool {
        self.plan.offsets.len() > 1 && runs.panel().histories().len() >= ENOUGH_SERIES
    }

    /// Members that go on after the latest past cutoff, judged by the series that all were asked for.
    fn after_one_window(&self, auto: &Auto, runs: &Runs, asked: &[usize]) -> Vec<bool> {
        let first = Plan { horizon: self.plan.horizon, offsets: self.plan.offsets[..1].to_vec() };
        let mut trials = trials(runs, auto, self.held_out, &first, &self.kept);
        let mut next = asked.iter().peekable();
        for (at, trials) in trials.iter_mut().enumerate() {
            if next.next_if(|asked| **asked == at).is_none() {
                *trials = None;
            }
        }
        let pools = pools(runs.panel().histories(), &trials);
        let pools: Vec<Vec<&Trials>> =
            pools.iter().map(|pool| pool.from.iter().filter_map(|&at| trials[at].as_ref()).collect()).collect();
        kept(&pools, auto.guard(), self.kept.len())
    }
}

/// Places of some series of each metric, spread over the panel, ascending: enough to tell a member that nobody misses.
fn asked(histories: &[History]) -> Vec<usize> {
    let mut by_metric: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, history) in histories.iter().enumerate() {
        by_metric.entry(history.metric().name()).or_default().push(at);
    }
    let most = ASKED.max(ASKED_IN_ALL / by_metric.len().max(1));
    let of_metric = |places: Vec<usize>| {
        let n = places.len().min(most);
        (0..n).map(move |k| places[k * places.len() / n])
    };
    let mut asked: Vec<usize> = by_metric.into_values().flat_map(of_metric).collect();
    asked.sort_unstable();
    asked
}

/// Plans the validation of each cutoff, `held_out` steps from the end, and runs the members for it. What belongs to
/// different cutoffs is run side by side.
pub(crate) fn prepare(auto: &Auto, runs: &mut Runs, held_out: &[usize]) -> Vec<Prepared> {
    let mut prepared: Vec<Prepared> = held_out.iter().map(|&held_out| Prepared::new(auto, runs, held_out)).collect();
    let asked = asked(runs.panel().histories());
    let model = |member: usize| auto.members()[member].as_ref();
    let job =
        |member: usize, held_out: usize| Job { model: model(member), held_out, with_quantiles: false, only: None };
    let mut jobs = Vec::new();
    for validation in &prepared {
        let Some(offset) = validation.plan.offsets.first() else { continue };
        let is_pruned = validation.is_pruned(runs);
        jobs.extend((0..auto.members().len()).map(|member| {
            // A member that learns across series must be asked for all of them, and the guard is always needed.
            let some = is_pruned && member != auto.guard() && model(member).learns_alone();
            Job { only: some.then_some(asked.as_slice()), ..job(member, validation.held_out + offset) }
        }));
    }
    runs.ensure_all(&jobs);
    prepared.par_iter_mut().filter(|validation| validation.is_pruned(runs)).for_each(|validation| {
        validation.kept = validation.after_one_window(auto, runs, &asked);
    });
    let mut jobs = Vec::new();
    for validation in &prepared {
        for offset in &validation.plan.offsets {
            let members = (0..validation.kept.len()).filter(|&member| validation.kept[member]);
            jobs.extend(members.map(|member| job(member, validation.held_out + offset)));
        }
    }
    runs.ensure_all(&jobs);
    prepared
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, SeriesId, Timeline};
    use std::sync::Arc;

    #[test]
    fn some_series_of_each_metric_are_asked_for() {
        let history = |at: usize| {
            let name = if at.is_multiple_of(4) { "cpu" } else { "memory" };
            let timeline = Timeline::daily(jiff::civil::date(2024, 1, 1));
            History::new(SeriesId::new(&at.to_string(), name), Arc::new(Metric::named(name)), timeline, vec![1.0])
                .expect("a value is finite")
        };
        let few: Vec<History> = (0..50).map(history).collect();
        assert_eq!(asked(&few), (0..50).collect::<Vec<_>>());
        let many: Vec<History> = (0..4000).map(history).collect();
        let asked = asked(&many);
        assert_eq!(asked.iter().filter(|at| *at % 4 == 0).count(), ASKED_IN_ALL / 2);
        assert!(asked.len() == ASKED_IN_ALL && asked.is_sorted() && asked[ASKED_IN_ALL - 1] > 3900);
    }
}
