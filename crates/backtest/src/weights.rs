//! Weights of the members: greedy selection over the fleet, shrunk per series, guarded by one member.

use crate::validation::{Trial, Trials};
use rayon::prelude::*;

/// Members are drawn this often, with replacement: weights are multiples of 1 / 20.
const FLEET_ROUNDS: usize = 20;
/// A series has fewer errors to learn from than a fleet, so fewer draws.
const SERIES_ROUNDS: usize = 8;
/// Points that fleet-wide selection looks at; more change its weights by less than a draw does.
const FLEET_POINTS: usize = 24_000;
/// Shares of a series' own weights that are tried.
const OWN_SHARES: [f64; 4] = [0.0, 0.25, 0.5, 0.75];

/// Weights of one series, and the errors they would have made where they were not learned.
#[derive(Clone, Debug)]
pub(crate) struct Combined {
    /// Share of each member; they add up to 1.
    pub(crate) weights: Vec<f64>,
    /// For each trial, the combination by weights learned from the others.
    pub(crate) points: Vec<Vec<f64>>,
}

/// Points next to each other: one row per step, one column per member.
struct Sample {
    actual: Vec<f64>,
    columns: Vec<Vec<f64>>,
    /// One over the unit in which the row's error counts.
    weight: Vec<f64>,
    origin: Vec<usize>,
}

impl Sample {
    fn new(n_members: usize) -> Self {
        let columns = vec![Vec::new(); n_members];
        Self { actual: Vec::new(), columns, weight: Vec::new(), origin: Vec::new() }
    }

    /// Adds every `stride`-th step of a trial.
    fn add(&mut self, trial: &Trial, stride: usize) {
        for (step, &actual) in trial.actual.iter().enumerate().step_by(stride).filter(|(_, y)| !y.is_nan()) {
            self.actual.push(actual);
            self.weight.push(1.0 / trial.unit());
            self.origin.push(trial.origin);
            for (column, points) in self.columns.iter_mut().zip(&trial.points) {
                column.push(points[step]);
            }
        }
    }

    /// The rows of all origins but one.
    fn without(&self, origin: usize) -> Self {
        let kept: Vec<usize> = (0..self.actual.len()).filter(|&row| self.origin[row] != origin).collect();
        let pick = |values: &[f64]| kept.iter().map(|&row| values[row]).collect();
        Self {
            actual: pick(&self.actual),
            columns: self.columns.iter().map(|c| pick(c)).collect(),
            weight: pick(&self.weight),
            origin: kept.iter().map(|&row| self.origin[row]).collect(),
        }
    }

    /// Greedy selection with replacement among the `allowed`: again and again the member is added that
    /// makes the mean of those drawn best. The best mean met on the way is returned.
    ///
    /// Caruana, Niculescu-Mizil, Crew & Ksikes (2004), "Ensemble selection from libraries of models", ICML.
    fn greedy(&self, allowed: &[bool], rounds: usize) -> Vec<f64> {
        let n_members = self.columns.len();
        if self.actual.is_empty() {
            return share_equally(allowed);
        }
        let mut sum = vec![0.0; self.actual.len()];
        let mut drawn = vec![0usize; n_members];
        let (mut best, mut best_loss) = (share_equally(allowed), f64::INFINITY);
        for round in 1..=rounds {
            let share = 1.0 / round as f64;
            let losses = (0..n_members).filter(|&m| allowed[m]).map(|m| (self.loss_with(&sum, m, share), m));
            let Some((loss, chosen)) = losses.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            drawn[chosen] += 1;
            sum.iter_mut().zip(&self.columns[chosen]).for_each(|(sum, point)| *sum += point);
            if loss < best_loss {
                best_loss = loss;
                best = drawn.iter().map(|&n| n as f64 * share).collect();
            }
        }
        best
    }

    fn loss_with(&self, sum: &[f64], member: usize, share: f64) -> f64 {
        let column = &self.columns[member];
        let mut loss = 0.0;
        for (((y, w), s), point) in self.actual.iter().zip(&self.weight).zip(sum).zip(column) {
            loss += w * (y - (s + point) * share).abs();
        }
        loss
    }
}

fn share_equally(allowed: &[bool]) -> Vec<f64> {
    let n = allowed.iter().filter(|a| **a).count().max(1);
    allowed.iter().map(|&a| if a { 1.0 / n as f64 } else { 0.0 }).collect()
}

/// Weights learned from all origins, and from all but each.
struct FleetWeights {
    all: Vec<f64>,
    without: Vec<Vec<f64>>,
}

impl FleetWeights {
    fn learn(series: &[&Trials], n_members: usize, n_origins: usize) -> Self {
        let n_points: usize = series.iter().flat_map(|s| &s.trials).map(|t| t.actual.len()).sum();
        // An odd stride visits every day of the week.
        let stride = (n_points / FLEET_POINTS).max(1) | 1;
        let mut sample = Sample::new(n_members);
        series.iter().flat_map(|s| &s.trials).for_each(|trial| sample.add(trial, stride));
        let everyone = vec![true; n_members];
        let mut learned: Vec<Vec<f64>> = (0..=n_origins)
            .into_par_iter()
            .map(|origin| match origin {
                0 => sample.greedy(&everyone, FLEET_ROUNDS),
                _ => sample.without(origin - 1).greedy(&everyone, FLEET_ROUNDS),
            })
            .collect();
        let all = learned.remove(0);
        Self { all, without: learned }
    }
}

/// Combines the members of each series of one pool. `guard` is the place of the guarding member.
///
/// Fleet-wide weights hold for all; how far a series may follow its own errors is one share for the pool,
/// the best one on origins left out. A member that loses to the guard on a series has no weight in it,
/// and where the combination still loses the guard stands alone.
///
/// Returns the fleet-wide weights (the guard alone without any series) and those of each series.
pub(crate) fn combine(
    series: &[&Trials],
    guard: usize,
    n_members: usize,
    n_origins: usize,
) -> (Vec<f64>, Vec<Combined>) {
    if series.is_empty() {
        return (alone(guard, n_members), Vec::new());
    }
    let fleet = FleetWeights::learn(series, n_members, n_origins);
    let candidates: Vec<Candidates> = series.par_iter().map(|s| Candidates::new(s, &fleet, guard)).collect();
    let share = OWN_SHARES
        .into_iter()
        .map(|share| (candidates.iter().zip(series).map(|(c, s)| c.left_out_loss(s, share, guard)).sum::<f64>(), share))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0.0, |(_, share)| share);
    let combined = candidates.par_iter().zip(series).map(|(c, s)| c.combined(s, share, guard)).collect();
    (fleet.all, combined)
}

/// Fleet-wide and own weights of one series, from all trials (first) and from all but each.
struct Candidates {
    fleet: Vec<Vec<f64>>,
    own: Vec<Vec<f64>>,
}

impl Candidates {
    fn new(series: &Trials, fleet: &FleetWeights, guard: usize) -> Self {
        let mut sample = Sample::new(series.usable.len());
        // Neighbouring steps say nearly the same; every third is enough where there are many.
        series.trials.iter().for_each(|trial| sample.add(trial, if trial.actual.len() >= 30 { 3 } else { 1 }));
        let losses: Vec<Vec<f64>> =
            series.trials.iter().map(|t| t.points.iter().map(|p| t.loss(p.iter().copied())).collect()).collect();
        let mut found = Self { fleet: Vec::new(), own: Vec::new() };
        let left_out = std::iter::once(None).chain((0..series.trials.len()).map(Some));
        for skipped in left_out {
            let allowed = allowed(&losses, skipped, &series.usable, guard);
            let origin = skipped.map(|at| series.trials[at].origin);
            let weights = origin.map_or(&fleet.all, |origin| &fleet.without[origin]);
            found.fleet.push(only(weights, &allowed, guard));
            let own = match origin {
                None => sample.greedy(&allowed, SERIES_ROUNDS),
                Some(origin) => sample.without(origin).greedy(&allowed, SERIES_ROUNDS),
            };
            found.own.push(own);
        }
        found
    }

    /// Weights from all trials, or from all but one, with this share of the series' own.
    fn weights(&self, skipped: Option<usize>, share: f64) -> Vec<f64> {
        let at = skipped.map_or(0, |at| at + 1);
        self.fleet[at].iter().zip(&self.own[at]).map(|(fleet, own)| fleet + share * (own - fleet)).collect()
    }

    /// Losses of each trial when combined by weights from the others.
    fn left_out_losses(&self, series: &Trials, share: f64) -> Vec<f64> {
        let trials = series.trials.iter().enumerate();
        trials.map(|(at, trial)| trial.loss(mix(trial, &self.weights(Some(at), share)).into_iter())).collect()
    }

    fn left_out_loss(&self, series: &Trials, share: f64, guard: usize) -> f64 {
        let losses = self.left_out_losses(series, share);
        let guards = guard_losses(series, guard);
        let loss = |at: usize| if loses(&losses, &guards, Some(at)) { guards[at] } else { losses[at] };
        (0..losses.len()).map(loss).sum()
    }

    fn combined(&self, series: &Trials, share: f64, guard: usize) -> Combined {
        let losses = self.left_out_losses(series, share);
        let guards = guard_losses(series, guard);
        let points = (series.trials.iter().enumerate())
            .map(|(at, trial)| match loses(&losses, &guards, Some(at)) {
                true => trial.points[guard].to_vec(),
                false => mix(trial, &self.weights(Some(at), share)),
            })
            .collect();
        let weights = match loses(&losses, &guards, None) {
            true => alone(guard, series.usable.len()),
            false => self.weights(None, share),
        };
        Combined { weights, points }
    }
}

/// The combination of the members, step after step.
pub(crate) fn mix(trial: &Trial, weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; trial.actual.len()];
    for (points, &weight) in trial.points.iter().zip(weights).filter(|(_, w)| **w > 0.0) {
        sum.iter_mut().zip(*points).for_each(|(sum, point)| *sum += weight * point);
    }
    sum
}

/// All weight on one member.
pub(crate) fn alone(member: usize, n_members: usize) -> Vec<f64> {
    (0..n_members).map(|m| f64::from(u8::from(m == member))).collect()
}

/// The weights of the allowed members, scaled to add up to 1; the guard alone when they have none.
fn only(weights: &[f64], allowed: &[bool], guard: usize) -> Vec<f64> {
    let kept: Vec<f64> = weights.iter().zip(allowed).map(|(&w, &a)| if a { w } else { 0.0 }).collect();
    let sum: f64 = kept.iter().sum();
    if sum > 0.0 { kept.into_iter().map(|w| w / sum).collect() } else { alone(guard, weights.len()) }
}

/// Members that may be used: they could forecast, and over the trials but `skipped` did not lose to the guard.
fn allowed(losses: &[Vec<f64>], skipped: Option<usize>, usable: &[bool], guard: usize) -> Vec<bool> {
    let sum = |member: usize| -> f64 {
        losses.iter().enumerate().filter(|(at, _)| Some(*at) != skipped).map(|(_, loss)| loss[member]).sum()
    };
    let to_beat = sum(guard);
    usable.iter().enumerate().map(|(m, &usable)| m == guard || (usable && sum(m) <= to_beat)).collect()
}

/// Whether `losses` are larger than `guards` over the trials but `skipped`.
fn loses(losses: &[f64], guards: &[f64], skipped: Option<usize>) -> bool {
    let sum = |values: &[f64]| -> f64 {
        values.iter().enumerate().filter(|(at, _)| Some(*at) != skipped).map(|(_, loss)| loss).sum()
    };
    sum(losses) > sum(guards)
}

fn guard_losses(series: &Trials, guard: usize) -> Vec<f64> {
    series.trials.iter().map(|trial| trial.loss(trial.points[guard].iter().copied())).collect()
}
