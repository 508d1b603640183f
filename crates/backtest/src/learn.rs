//! From member forecasts at past cutoffs to a recipe per series: weights, difficulty and calibration.

use crate::calibrate::Calibration;
use crate::plan::Plan;
use crate::prepare::Prepared;
use crate::spread::{Judged, Trajectory};
use crate::together::Together;
use crate::validation::{Trials, trials};
use crate::weights::{Combined, alone, combine};
use crate::{Auto, Runs};
use fleetcast_core::{Bounds, Forecast, History, Panel, Result as CoreResult, Shared};
use rayon::prelude::*;
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
    /// What its errors share with those of the servers of its pool.
    pub(crate) shared: Shared,
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
    /// Which members have a weight in some series.
    pub(crate) fn members_used(&self, n_members: usize) -> Vec<bool> {
        let recipes = || self.recipes.iter().flatten();
        (0..n_members).map(|member| recipes().any(|recipe| recipe.weights[member] > 0.0)).collect()
    }

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

/// Learns from the member forecasts that a validation has run.
pub(crate) fn learn(auto: &Auto, runs: &Runs, held_out: usize, prepared: Prepared) -> Learned {
    let Prepared { plan, kept, .. } = prepared;
    let trials = trials(runs, auto, held_out, &plan, &kept);
    let mut learned = Learned { recipes: vec![None; trials.len()], plan, calibrations: Vec::new() };
    let pools = pools(runs.panel().histories(), &trials);
    let taught: Vec<Taught> = (pools.par_iter())
        .map(|pool| learn_pool((auto, &kept), runs.panel(), &trials, pool, &learned.plan, held_out))
        .collect();
    for Taught { recipes, calibration } in taught {
        recipes.into_iter().for_each(|(at, recipe)| learned.recipes[at] = Some(recipe));
        learned.calibrations.push(calibration);
    }
    learned
}

/// Series that are served together, and those they are learned from.
pub(crate) struct Pool {
    name: String,
    serves: Vec<usize>,
    pub(crate) from: Vec<usize>,
}

/// What one pool taught.
struct Taught {
    recipes: Vec<(usize, Recipe)>,
    calibration: Arc<Calibration>,
}

/// The pools of a panel: each metric with many validated series, and all others together.
pub(crate) fn pools(histories: &[History], trials: &[Option<Trials>]) -> Vec<Pool> {
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
    panel: &Panel,
    trials: &[Option<Trials>],
    pool: &Pool,
    plan: &Plan,
    held_out: usize,
) -> Taught {
    let histories = panel.histories();
    let guard = auto.guard();
    let from: Vec<&Trials> = pool.from.iter().filter_map(|&at| trials[at].as_ref()).collect();
    let (fleet_weights, combined) = combine(&from, guard, kept, plan);
    let judged: Vec<Judged> = from.iter().zip(&combined).map(|(trials, combined)| judge(trials, combined)).collect();
    let measured = Calibration::measure(&pool.name, &judged.iter().collect::<Vec<_>>(), plan);
    let calibration = Arc::new(measured.unwrap_or_else(|| Calibration::unmeasured(auto.settings().season_length)));
    let served_in = |at: usize| panel.server(&histories[at].id().server_id).and_then(|server| server.pool.as_deref());
    // Series of several metrics that learn together are too few to tell what each shares.
    let of_one_metric = pool.from.iter().all(|&at| histories[at].metric() == histories[pool.from[0]].metric());
    let served = pool.from.iter().zip(&judged).filter_map(|(&at, judged)| Some((served_in(at)?, judged)));
    let served: Vec<(&str, &Judged)> = served.filter(|_| of_one_metric).collect();
    let together = Together::measure(&served, &calibration, plan);
    let recipe = |&at: &usize| {
        let series = trials[at].as_ref()?;
        let own = pool.from.binary_search(&at).ok();
        let weights = own.map_or(&fleet_weights, |own| &combined[own].weights).clone();
        let unjudged = Judged { trajectories: Vec::new() };
        let judged = own.map_or(&unjudged, |own| &judged[own]);
        let length = histories[at].len() - held_out;
        let recipe = Recipe {
            weights,
            difficulty: calibration.spread().difficulty(judged, None, series.size),
            level: series.size.level,
            bounds: bounds(&histories[at], length),
            shared: together.of(served_in(at)),
            notes: notes(&calibration, own.is_some()),
            calibration: Arc::clone(&calibration),
        };
        Some((at, recipe))
    };
    Taught { recipes: pool.serves.iter().filter_map(recipe).collect(), calibration }
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
