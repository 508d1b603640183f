//! From member forecasts at past cutoffs to a recipe per series: weights, difficulty and calibration.

use crate::calibrate::Calibration;
use crate::plan::Plan;
use crate::prune::kept;
use crate::spread::{Judged, Trajectory};
use crate::validation::{Trials, trials};
use crate::weights::{Combined, alone, combine};
use crate::{Auto, Runs};
use fleetcast_core::{Bounds, Forecast, History, Result as CoreResult};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A metric with this many validated series is a pool of its own; others learn from all series.
const POOL: usize = 20;

/// How to forecast one series.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) weights: Vec<f64>,
    pub(crate) calibration: Arc<Calibration>,
    pub(crate) bounds: Option<Bounds>,
    pub(crate) notes: Vec<String>,
    difficulty: f64,
    level: f64,
}

impl Recipe {
    /// Calibrated quantiles around the blended points.
    pub(crate) fn calibrated(&self, points: &[f64], quantiles: &[f64]) -> CoreResult<Forecast> {
        let around = |quantiles: &[f64]| self.calibration.quantiles(points, self.difficulty, self.level, quantiles);
        Ok(Forecast::new(quantiles, around(&[0.5]), around(quantiles))?.clamped(self.bounds))
    }
}

/// The points of several members by weight, the weights of those that have none given to the others; `None`
/// when no member with a weight has any.
pub(crate) fn blend(weights: &[f64], points: &[Option<&[f64]>], horizon: usize) -> Option<Vec<f64>> {
    let present = || weights.iter().zip(points).filter(|(w, _)| **w > 0.0).filter_map(|(w, p)| Some((w, (*p)?)));
    let total: f64 = present().map(|(weight, _)| weight).sum();
    let mut sum = vec![0.0; horizon];
    for (weight, points) in present() {
        sum.iter_mut().zip(points).for_each(|(sum, point)| *sum += weight / total * point);
    }
    (total > 0.0).then_some(sum)
}

/// Everything that validation before one cutoff taught.
pub(crate) struct Learned {
    pub(crate) plan: Plan,
    /// `None` for a series without a step before the cutoff.
    pub(crate) recipes: Vec<Option<Recipe>>,
    pub(crate) calibrations: Vec<Arc<Calibration>>,
}

impl Learned {
    /// Gives each series without a usable member the first one that can forecast it, and says so.
    ///
    /// `can` tells whether a member (first) forecasts a series (second).
    pub(crate) fn rescue(&mut self, auto: &Auto, mut can: impl FnMut(usize, usize) -> bool) {
        let n_members = auto.members().len();
        for (at, recipe) in self.recipes.iter_mut().enumerate() {
            let Some(recipe) = recipe else { continue };
            // Counted, not searched: asking is what makes a member run.
            if (0..n_members).filter(|&member| recipe.weights[member] > 0.0 && can(member, at)).count() > 0 {
                continue;
            }
            if let Some(member) = (0..n_members).find(|&member| can(member, at)) {
                recipe.weights = alone(member, n_members);
                recipe.notes.push(format!("forecast by `{}` alone: no other could", auto.members()[member].name()));
            }
        }
    }
}

/// The validation of one cutoff, its members run.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    /// Members that were run at every past cutoff; the others at the latest only.
    pub(crate) kept: Vec<bool>,
}

impl Prepared {
    /// The members that were run at the past cutoff number `origin`, by their places.
    pub(crate) fn members_at(&self, origin: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.kept.len()).filter(move |&member| origin == 0 || self.kept[member])
    }
}

/// Plans the validation of the cutoff `held_out` steps from the end, and runs the members for it: all of them at the
/// latest past cutoff, and at the others those that it leaves worth their time.
pub(crate) fn prepare(auto: &Auto, runs: &mut Runs, held_out: usize) -> Prepared {
    let lengths = runs.panel().histories().iter().filter_map(|h| h.len().checked_sub(held_out).filter(|&n| n > 0));
    let plan = Plan::new(lengths.collect(), auto.settings());
    let mut prepared = Prepared { plan, kept: vec![true; auto.members().len()] };
    for origin in 0..prepared.plan.offsets.len() {
        let members: Vec<usize> = prepared.members_at(origin).collect();
        for member in members {
            runs.ensure(auto.members()[member].as_ref(), held_out + prepared.plan.offsets[origin], false);
        }
        if origin == 0 && prepared.plan.offsets.len() > 1 {
            prepared.kept = after_one_window(auto, runs, held_out, &prepared);
        }
    }
    prepared
}

/// Members that go on after the first past cutoff.
fn after_one_window(auto: &Auto, runs: &Runs, held_out: usize, prepared: &Prepared) -> Vec<bool> {
    let first = Plan { horizon: prepared.plan.horizon, offsets: prepared.plan.offsets[..1].to_vec() };
    let trials = trials(runs, auto, held_out, &first, &prepared.kept);
    let pools = pools(runs.panel().histories(), &trials);
    let pools: Vec<Vec<&Trials>> =
        pools.iter().map(|pool| pool.from.iter().filter_map(|&at| trials[at].as_ref()).collect()).collect();
    kept(&pools, auto.guard(), prepared.kept.len())
}

/// Learns from the member forecasts that [`prepare`] ran.
pub(crate) fn learn(auto: &Auto, runs: &Runs, held_out: usize, prepared: Prepared) -> Learned {
    let Prepared { plan, kept } = prepared;
    let trials = trials(runs, auto, held_out, &plan, &kept);
    let mut learned = Learned { recipes: vec![None; trials.len()], plan, calibrations: Vec::new() };
    for pool in pools(runs.panel().histories(), &trials) {
        learn_pool((auto, &kept), runs.panel().histories(), &trials, &pool, &mut learned, held_out);
    }
    learned
}

/// Series that are served together, and those they are learned from.
struct Pool {
    name: String,
    serves: Vec<usize>,
    from: Vec<usize>,
}

fn pools(histories: &[History], trials: &[Option<Trials>]) -> Vec<Pool> {
    let validated = |at: &usize| trials[*at].as_ref().is_some_and(|t| !t.trials.is_empty());
    let all: Vec<usize> = (0..histories.len()).filter(|at| trials[*at].is_some()).collect();
    let mut by_metric: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &at in &all {
        by_metric.entry(histories[at].metric().name()).or_default().push(at);
    }
    let (large, small): (Vec<_>, Vec<_>) =
        by_metric.into_iter().partition(|(_, series)| series.iter().filter(|at| validated(at)).count() >= POOL);
    let mut pools: Vec<Pool> = large
        .into_iter()
        .map(|(name, serves)| {
            let name = if name.is_empty() { "all" } else { name };
            let from = serves.iter().copied().filter(validated).collect();
            Pool { name: name.to_owned(), serves, from }
        })
        .collect();
    let serves: Vec<usize> = small.into_iter().flat_map(|(_, series)| series).collect();
    if !serves.is_empty() {
        let from = all.into_iter().filter(validated).collect();
        pools.push(Pool { name: "all".to_owned(), serves, from });
    }
    pools
}

fn learn_pool(
    (auto, kept): (&Auto, &[bool]),
    histories: &[History],
    trials: &[Option<Trials>],
    pool: &Pool,
    learned: &mut Learned,
    held_out: usize,
) {
    let guard = auto.guard();
    let from: Vec<&Trials> = pool.from.iter().filter_map(|&at| trials[at].as_ref()).collect();
    let (fleet_weights, combined) = combine(&from, guard, kept, &learned.plan);
    let judged: Vec<Judged> = from.iter().zip(&combined).map(|(trials, combined)| judge(trials, combined)).collect();
    let measured = Calibration::measure(&pool.name, &judged.iter().collect::<Vec<_>>(), &learned.plan);
    let calibration = Arc::new(measured.unwrap_or_else(|| Calibration::unmeasured(auto.settings().season_length)));
    for &at in &pool.serves {
        let Some(series) = &trials[at] else { continue };
        let own = pool.from.binary_search(&at).ok();
        let weights = own.map_or(&fleet_weights, |own| &combined[own].weights).clone();
        let unjudged = Judged { trajectories: Vec::new() };
        let judged = own.map_or(&unjudged, |own| &judged[own]);
        let length = histories[at].len() - held_out;
        learned.recipes[at] = Some(Recipe {
            weights,
            difficulty: calibration.spread().difficulty(judged, None, series.size),
            level: series.size.level,
            bounds: bounds(&histories[at], length),
            notes: notes(&calibration, own.is_some()),
            calibration: Arc::clone(&calibration),
        });
    }
    learned.calibrations.push(calibration);
}

fn judge(trials: &Trials, combined: &Combined) -> Judged {
    let trajectories = (trials.trials.iter().zip(&combined.points))
        .map(|(trial, points)| Trajectory {
            origin: trial.origin,
            errors: trial.actual.iter().zip(points).map(|(y, f)| y - f).collect(),
            points: points.clone(),
            size: trial.size,
        })
        .collect();
    Judged { trajectories }
}

/// The series' own bounds; where it has none and never was below zero, zero is the lower one.
fn bounds(history: &History, length: usize) -> Option<Bounds> {
    let positive = history.values()[..length].iter().all(|v| v.is_nan() || *v >= 0.0);
    history.bounds().or(positive.then_some(Bounds { low: 0.0, high: f64::INFINITY }))
}

fn notes(calibration: &Calibration, validated: bool) -> Vec<String> {
    if calibration.validated_horizon() == 0 {
        return vec![
            "too short to validate: the guard alone, with intervals from the seasonal changes of the series".to_owned(),
        ];
    }
    if validated {
        return Vec::new();
    }
    vec!["too short to validate: weights and intervals are those of the other series".to_owned()]
}
