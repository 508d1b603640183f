//! Running sums of one series, so that a mean over any window is two look-ups.

use fleetcast_core::History;

/// A series and the sums from its first step on.
#[derive(Clone, Debug)]
pub(super) struct Past {
    values: Vec<f64>,
    /// Sum and number of the values before each step.
    sums: Vec<(f64, u32)>,
    seasons: Vec<Season>,
    /// Sum and number of the absolute changes from step to step.
    steps: Vec<(f64, u32)>,
}

/// Sums over one season.
#[derive(Clone, Debug)]
struct Season {
    length: usize,
    /// Sum and number of the values up to and with each step that stand at its place of the season.
    phases: Vec<(f64, u32)>,
    /// Sum and number of the absolute changes over a season before each step.
    changes: Vec<(f64, u32)>,
}

impl Past {
    /// The sums of `history`; `seasons` are lengths in steps, each at least 1.
    pub(super) fn new(history: &History, seasons: &[usize]) -> Self {
        let values = history.values().to_vec();
        let sums = running(values.iter().copied());
        let steps = changes(&values, 1);
        let seasons = seasons
            .iter()
            .map(|&length| {
                let mut phases: Vec<(f64, u32)> = Vec::with_capacity(values.len());
                for (t, &value) in values.iter().enumerate() {
                    let before = if t >= length { phases[t - length] } else { (0.0, 0) };
                    phases.push(added(before, value));
                }
                Season { length, phases, changes: changes(&values, length) }
            })
            .collect();
        Self { values, sums, seasons, steps }
    }

    /// Number of steps.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Value of a step, NaN at a gap and before the first.
    pub(super) fn value(&self, step: Option<usize>) -> f64 {
        step.and_then(|step| self.values.get(step)).copied().unwrap_or(f64::NAN)
    }

    /// The last `n` values up to and with step `t`.
    pub(super) fn window(&self, t: usize, n: usize) -> &[f64] {
        &self.values[(t + 1).saturating_sub(n)..=t]
    }

    /// Mean of the steps from `from` to before `to`; NaN when nothing was observed there.
    pub(super) fn mean_of(&self, from: usize, to: usize) -> f64 {
        let to = to.min(self.len());
        mean_between(&self.sums, from.min(to), to)
    }

    /// Mean of the last `n` values up to and with step `t`.
    pub(super) fn mean(&self, t: usize, n: usize) -> f64 {
        self.mean_of((t + 1).saturating_sub(n), t + 1)
    }

    /// Mean absolute change from step to step over the last `n`.
    pub(super) fn roughness(&self, t: usize, n: usize) -> f64 {
        mean_between(&self.steps, (t + 1).saturating_sub(n), t + 1)
    }

    /// Mean absolute change over season number `season`, over the last `n` steps.
    pub(super) fn change(&self, season: usize, t: usize, n: usize) -> f64 {
        mean_between(&self.seasons[season].changes, (t + 1).saturating_sub(n), t + 1)
    }

    /// Mean of the last `n` values, up to and with step `t`, at the place in season number `season` at which `step`
    /// stands; NaN when there are none.
    pub(super) fn phase_mean(&self, season: usize, t: usize, step: usize, n: usize) -> f64 {
        let Season { length, phases, .. } = &self.seasons[season];
        let back = step.saturating_sub(t).div_ceil(*length) * length;
        let Some(last) = step.checked_sub(back) else { return f64::NAN };
        let (sum, count) = phases[last];
        let (before, count_before) = last.checked_sub(n * length).map_or((0.0, 0), |at| phases[at]);
        if count > count_before { (sum - before) / f64::from(count - count_before) } else { f64::NAN }
    }
}

fn added((sum, count): (f64, u32), value: f64) -> (f64, u32) {
    if value.is_nan() { (sum, count) } else { (sum + value, count + 1) }
}

/// Sums and counts before each step, and after the last.
fn running(values: impl Iterator<Item = f64>) -> Vec<(f64, u32)> {
    let mut sums = vec![(0.0, 0)];
    let mut sum = (0.0, 0);
    for value in values {
        sum = added(sum, value);
        sums.push(sum);
    }
    sums
}

fn changes(values: &[f64], lag: usize) -> Vec<(f64, u32)> {
    running((0..values.len()).map(|t| t.checked_sub(lag).map_or(f64::NAN, |before| (values[t] - values[before]).abs())))
}

fn mean_between(sums: &[(f64, u32)], from: usize, to: usize) -> f64 {
    let ((before, count_before), (sum, count)) = (sums[from], sums[to]);
    if count > count_before { (sum - before) / f64::from(count - count_before) } else { f64::NAN }
}
