//! What the members forecast at past cutoffs, next to what happened: the material of weights and calibration.

use crate::plan::Plan;
use crate::{Auto, Runs};
use fleetcast_core::History;
use rayon::prelude::*;

/// Steps that count as the recent past when the size of a series is taken.
const RECENT: usize = 364;

/// How large a series is and how much it moves, near a cutoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    /// Mean absolute change over one season, lately; 0 for a series that repeats itself.
    pub(crate) scale: f64,
    /// Mean absolute value of the last seasons.
    pub(crate) level: f64,
}

impl Size {
    pub(crate) fn of(values: &[f64], season_length: usize) -> Self {
        let recent = &values[values.len().saturating_sub(RECENT.max(4 * season_length))..];
        let scale = mean_change(recent, season_length).or_else(|| mean_change(recent, 1)).unwrap_or(0.0);
        let last = &recent[recent.len().saturating_sub((4 * season_length).max(28))..];
        let (sum, n) = last.iter().filter(|v| !v.is_nan()).fold((0.0, 0usize), |(sum, n), v| (sum + v.abs(), n + 1));
        Self { scale, level: if n > 0 { sum / n as f64 } else { 0.0 } }
    }
}

fn mean_change(values: &[f64], lag: usize) -> Option<f64> {
    let changes = values.iter().zip(values.iter().skip(lag)).map(|(a, b)| (b - a).abs()).filter(|c| !c.is_nan());
    let (sum, n) = changes.fold((0.0, 0usize), |(sum, n), c| (sum + c, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// One series at one past cutoff.
#[derive(Clone, Debug)]
pub(crate) struct Trial<'a> {
    /// Place of the cutoff in the plan.
    pub(crate) origin: usize,
    /// What happened; NaN at gaps, and something was observed.
    pub(crate) actual: &'a [f64],
    /// What each member said, step after step; the guard's words where a member had none.
    pub(crate) points: Vec<&'a [f64]>,
    /// The series' size at that cutoff.
    pub(crate) size: Size,
}

impl Trial<'_> {
    /// Mean absolute error of `points`, in seasonal changes of the series (in its unit when it never changes).
    pub(crate) fn loss(&self, points: impl Iterator<Item = f64>) -> f64 {
        let errors = self.actual.iter().zip(points).map(|(y, f)| (y - f).abs()).filter(|e| !e.is_nan());
        let (sum, n) = errors.fold((0.0, 0usize), |(sum, n), e| (sum + e, n + 1));
        sum / n.max(1) as f64 / self.unit()
    }

    /// What losses are measured in.
    pub(crate) fn unit(&self) -> f64 {
        if self.size.scale > 0.0 { self.size.scale } else { 1.0 }
    }
}

/// Everything that is known of one series before the cutoff that is validated.
#[derive(Clone, Debug)]
pub(crate) struct Trials<'a> {
    /// Past cutoffs, the latest first; none when the guard could not forecast at any.
    pub(crate) trials: Vec<Trial<'a>>,
    /// Whether each member forecast at one of them at least.
    pub(crate) usable: Vec<bool>,
    /// The series' size at the cutoff that is validated.
    pub(crate) size: Size,
}

/// Trials of every series at the cutoff `held_out` steps before its end; `None` for one that has no
/// steps there. The members that are `kept` must have been run at every cutoff of the plan; others count as absent.
pub(crate) fn trials<'a>(
    runs: &'a Runs,
    auto: &Auto,
    held_out: usize,
    plan: &Plan,
    kept: &[bool],
) -> Vec<Option<Trials<'a>>> {
    let histories = runs.panel().histories();
    (0..histories.len()).into_par_iter().map(|at| trials_of(runs, auto, held_out, plan, kept, at)).collect()
}

fn trials_of<'a>(
    runs: &'a Runs,
    auto: &Auto,
    held_out: usize,
    plan: &Plan,
    kept: &[bool],
    at: usize,
) -> Option<Trials<'a>> {
    let history: &'a History = &runs.panel().histories()[at];
    let length = history.len().checked_sub(held_out).filter(|&n| n > 0)?;
    let season_length = auto.settings().season_length;
    let mut found = Trials {
        trials: Vec::new(),
        usable: vec![false; auto.members().len()],
        size: Size::of(&history.values()[..length], season_length),
    };
    for (origin, offset) in plan.offsets.iter().enumerate() {
        let said = |name: &str| {
            let run = runs.some(name, held_out + offset)?;
            run.forecasts()[at].as_ref().ok().map(|f| &f.point()[..plan.horizon])
        };
        let Some(first) = length.checked_sub(*offset).filter(|&n| n > 0) else { continue };
        let Some(guard) = said(&auto.settings().guard) else { continue };
        let actual = &history.values()[first..first + plan.horizon];
        if actual.iter().all(|v| v.is_nan()) {
            continue;
        }
        let points = (auto.members().iter().zip(kept).zip(&mut found.usable))
            .map(|((member, &kept), usable)| {
                let points = if kept { said(member.name()) } else { None };
                *usable |= points.is_some();
                points.unwrap_or(guard)
            })
            .collect();
        let size = Size::of(&history.values()[..first], season_length);
        found.trials.push(Trial { origin, actual, points, size });
    }
    Some(found)
}
