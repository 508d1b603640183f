//! Weights of the members: greedy selection over the fleet, shrunk per series, guarded by one member.

use crate::plan::Plan;
use crate::validation::{Trial, Trials};
use rayon::prelude::*;

/// Members are drawn this often, with replacement: weights are multiples of 1 / 20.
const FLEET_ROUNDS: usize = 20;
/// A series has fewer errors to learn from than a fleet, so fewer draws.
const SERIES_ROUNDS: usize = 8;
/// Losing to the guard by a tenth over four windows may be chance; by more it is taken for true.
const GUARD_MARGIN: f64 = 1.1;
/// Points that fleet-wide selection looks at; more change its weights by less than a draw does.
const FLEET_POINTS: usize = 24_000;
/// Points that tell what each member is worth: it is only asked whether that is clearly something.
const WORTH_POINTS: usize = 6_000;
/// An error counts for no more than so many seasonal changes of its series: one series that went mad, or one that never
/// changed before, would else drown what all others say.
const MOST_LOSS: f64 = 20.0;
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

    /// The rows of all origins that may teach what is judged at one.
    fn without(&self, origin: usize, plan: &Plan) -> Self {
        let teachers = plan.teachers(&self.origin, origin);
        let kept: Vec<usize> = (0..self.actual.len()).filter(|&row| teachers[row]).collect();
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

    /// Error of the members together by these weights.
    fn loss(&self, weights: &[f64]) -> f64 {
        let mut together = vec![0.0; self.actual.len()];
        for (column, share) in self.columns.iter().zip(weights).filter(|(_, share)| **share > 0.0) {
            together.iter_mut().zip(column).for_each(|(sum, point)| *sum += share * point);
        }
        let errors = self.actual.iter().zip(&self.weight).zip(&together);
        errors.map(|((y, w), point)| (w * (y - point).abs()).min(MOST_LOSS)).sum()
    }

    fn loss_with(&self, sum: &[f64], member: usize, share: f64) -> f64 {
        let column = &self.columns[member];
        let mut loss = 0.0;
        for (((y, w), s), point) in self.actual.iter().zip(&self.weight).zip(sum).zip(column) {
            loss += (w * (y - (s + point) * share).abs()).min(MOST_LOSS);
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

/// About `n_points` points of all trials.
fn fleet_sample(series: &[&Trials], n_members: usize, n_points: usize) -> Sample {
    let n_all: usize = series.iter().flat_map(|s| &s.trials).map(|t| t.actual.len()).sum();
    // An odd stride visits every day of the week.
    let stride = (n_all / n_points).max(1) | 1;
    let mut sample = Sample::new(n_members);
    series.iter().flat_map(|s| &s.trials).for_each(|trial| sample.add(trial, stride));
    sample
}

/// What the best combination of the `kept` members loses without each of them, as a share of its error: on each half
/// of the series, by weights that the other half taught. A member that only chance favours is then worth nothing.
pub(crate) fn worth(series: &[&Trials], kept: &[bool]) -> Vec<f64> {
    let half = |from: usize| -> Sample {
        let half: Vec<&Trials> = series.iter().copied().skip(from).step_by(2).collect();
        fleet_sample(&half, kept.len(), WORTH_POINTS / 2)
    };
    let halves = [half(0), half(1)];
    let error = |allowed: &[bool]| {
        let [first, second] = halves.each_ref().map(|half| half.greedy(allowed, FLEET_ROUNDS));
        halves[1].loss(&first) + halves[0].loss(&second)
    };
    let together = error(kept);
    let lost = |member: usize| {
        let mut others = kept.to_vec();
        others[member] = false;
        let without = error(&others);
        if kept[member] && without > together { without / together - 1.0 } else { 0.0 }
    };
    (0..kept.len()).into_par_iter().map(lost).collect()
}

impl FleetWeights {
    fn learn(series: &[&Trials], kept: &[bool], plan: &Plan) -> Self {
        let sample = fleet_sample(series, kept.len(), FLEET_POINTS);
        let mut learned: Vec<Vec<f64>> = (0..=plan.offsets.len())
            .into_par_iter()
            .map(|origin| match origin {
                0 => sample.greedy(kept, FLEET_ROUNDS),
                _ => sample.without(origin - 1, plan).greedy(kept, FLEET_ROUNDS),
            })
            .collect();
        let all = learned.remove(0);
        Self { all, without: learned }
    }
}

/// Combines the members of each series of one pool that are `kept`. `guard` is the place of the guarding member.
///
/// Fleet-wide weights hold for all; how far a series may follow its own errors is one share for the pool,
/// the best one on origins left out. A member that loses clearly to the guard on a series has no weight in it,
/// and where the combination still loses the guard stands alone.
///
/// Returns the fleet-wide weights (the guard alone without any series) and those of each series.
pub(crate) fn combine(series: &[&Trials], guard: usize, kept: &[bool], plan: &Plan) -> (Vec<f64>, Vec<Combined>) {
    if series.is_empty() {
        return (alone(guard, kept.len()), Vec::new());
    }
    let fleet = FleetWeights::learn(series, kept, plan);
    let candidates: Vec<Candidates> = series.par_iter().map(|s| Candidates::new(s, &fleet, guard, plan)).collect();
    let share = OWN_SHARES
        .into_iter()
        .map(|share| (candidates.iter().map(|c| c.left_out_loss(share)).sum::<f64>(), share))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0.0, |(_, share)| share);
    let combined = candidates.par_iter().map(|c| c.combined(share)).collect();
    (fleet.all, combined)
}

/// What one series could be combined by.
struct Candidates<'a> {
    series: &'a Trials<'a>,
    guard: usize,
    guard_losses: Vec<f64>,
    from_all: Learned,
    /// For each trial, learned from those that may teach what is judged there.
    from_others: Vec<Learned>,
}

/// Weights learned from some trials of a series.
struct Learned {
    kept: Vec<bool>,
    fleet: Vec<f64>,
    own: Vec<f64>,
}

impl Learned {
    /// Fleet-wide weights with this share of the series' own.
    fn weights(&self, share: f64) -> Vec<f64> {
        self.fleet.iter().zip(&self.own).map(|(fleet, own)| fleet + share * (own - fleet)).collect()
    }
}

impl<'a> Candidates<'a> {
    fn new(series: &'a Trials, fleet: &FleetWeights, guard: usize, plan: &Plan) -> Self {
        let mut sample = Sample::new(series.usable.len());
        // Neighbouring steps say nearly the same; every third is enough where there are many.
        series.trials.iter().for_each(|trial| sample.add(trial, if trial.actual.len() >= 30 { 3 } else { 1 }));
        let losses: Vec<Vec<f64>> =
            series.trials.iter().map(|t| t.points.iter().map(|p| t.loss(p.iter().copied())).collect()).collect();
        let learn = |sample: &Sample, fleet: &[f64], kept: Vec<bool>| {
            let allowed = allowed(&losses, &kept, &series.usable, guard);
            Learned { fleet: only(fleet, &allowed, guard), own: sample.greedy(&allowed, SERIES_ROUNDS), kept }
        };
        let origins: Vec<usize> = series.trials.iter().map(|trial| trial.origin).collect();
        let from_others = (origins.iter())
            .map(|&origin| {
                learn(&sample.without(origin, plan), &fleet.without[origin], plan.teachers(&origins, origin))
            })
            .collect();
        let from_all = learn(&sample, &fleet.all, vec![true; series.trials.len()]);
        let guard_losses = losses.iter().map(|by_member| by_member[guard]).collect();
        Self { series, guard, guard_losses, from_all, from_others }
    }

    /// Each trial's loss when it is combined by weights from the others.
    fn left_out_losses(&self, share: f64) -> Vec<f64> {
        let trials = self.series.trials.iter().zip(&self.from_others);
        trials.map(|(trial, learned)| trial.loss(mix(trial, &learned.weights(share)).into_iter())).collect()
    }

    fn left_out_loss(&self, share: f64) -> f64 {
        let losses = self.left_out_losses(share);
        let guarded = |at: usize| {
            let kept = &self.from_others[at].kept;
            if loses(&losses, &self.guard_losses, kept) { self.guard_losses[at] } else { losses[at] }
        };
        (0..losses.len()).map(|at| guarded(at).min(MOST_LOSS)).sum()
    }

    fn combined(&self, share: f64) -> Combined {
        let losses = self.left_out_losses(share);
        let points = (self.series.trials.iter().zip(&self.from_others))
            .map(|(trial, learned)| match loses(&losses, &self.guard_losses, &learned.kept) {
                true => trial.points[self.guard].to_vec(),
                false => mix(trial, &learned.weights(share)),
            })
            .collect();
        let weights = match loses(&losses, &self.guard_losses, &self.from_all.kept) {
            true => alone(self.guard, self.series.usable.len()),
            false => self.from_all.weights(share),
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

/// Members that may be used: they could forecast, and over the kept trials did not lose clearly to the guard;
/// without such trials the guard alone.
fn allowed(losses: &[Vec<f64>], kept: &[bool], usable: &[bool], guard: usize) -> Vec<bool> {
    let sum =
        |member: usize| -> f64 { losses.iter().zip(kept).filter(|(_, k)| **k).map(|(loss, _)| loss[member]).sum() };
    let to_beat = sum(guard) * GUARD_MARGIN;
    let judged = kept.contains(&true);
    usable.iter().enumerate().map(|(m, &usable)| m == guard || (judged && usable && sum(m) <= to_beat)).collect()
}

/// Whether `losses` are clearly larger than `guards` over the kept trials.
fn loses(losses: &[f64], guards: &[f64], kept: &[bool]) -> bool {
    let sum = |values: &[f64]| -> f64 { values.iter().zip(kept).filter(|(_, k)| **k).map(|(loss, _)| loss).sum() };
    sum(losses) > sum(guards) * GUARD_MARGIN
}
