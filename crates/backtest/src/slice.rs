//! Parts of a backtest that are scored on their own.

use fleetcast_core::{History, Panel, SeriesId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Some series and some steps ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    name: String,
    series: Option<BTreeSet<SeriesId>>,
    steps: Range<usize>,
}

impl Slice {
    /// Everything; its name is `all`.
    pub fn all() -> Self {
        Self { name: "all".to_owned(), series: None, steps: 0..usize::MAX }
    }

    /// Some series only.
    pub fn of_series(name: &str, series: impl IntoIterator<Item = SeriesId>) -> Self {
        Self { name: name.to_owned(), series: Some(series.into_iter().collect()), steps: 0..usize::MAX }
    }

    /// Some steps ahead only; step 0 is the first after the cutoff.
    pub fn of_steps(name: &str, steps: Range<usize>) -> Self {
        Self { name: name.to_owned(), series: None, steps }
    }

    /// Everything, then each metric, each archetype and each part of the horizon: `all`, `metric=cpu`,
    /// `archetype=web`, `steps=1-7`. A division with one part only is left out.
    pub fn standard(panel: &Panel, horizon: usize) -> Vec<Self> {
        let mut slices = vec![Self::all()];
        slices.extend(by_name(panel, "metric", |h| Some(h.metric().name().to_owned()).filter(|m| !m.is_empty())));
        slices.extend(by_name(panel, "archetype", |h| archetype(panel, h)));
        let buckets = horizon_buckets(horizon);
        if buckets.len() > 1 {
            slices.extend(
                buckets.into_iter().map(|b| Self::of_steps(&format!("steps={}-{}", b.start + 1, b.end), b.clone())),
            );
        }
        slices
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a series is in it.
    pub fn has(&self, id: &SeriesId) -> bool {
        self.series.as_ref().is_none_or(|series| series.contains(id))
    }

    /// The steps ahead in it, of a horizon; step 0 is the first after the cutoff.
    pub fn steps(&self, horizon: usize) -> Range<usize> {
        self.steps.start.min(horizon)..self.steps.end.min(horizon)
    }
}

/// Parts of a horizon, short ones first: a seventh-day week, then thirds of the rest, as far as there are steps.
pub(crate) fn horizon_buckets(horizon: usize) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = [0.08, 0.25, 0.5, 0.75].iter().map(|share| (share * horizon as f64) as usize).collect();
    ends.push(horizon);
    ends.retain(|&end| end > 0);
    ends.dedup();
    let starts = std::iter::once(0).chain(ends.clone());
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

/// The server's archetype in the panel; `None` when the server is not known.
fn archetype(panel: &Panel, history: &History) -> Option<String> {
    panel.server(&history.id().server_id).and_then(|server| server.archetype.as_deref().map(str::to_owned))
}

fn by_name(panel: &Panel, kind: &str, name: impl Fn(&History) -> Option<String>) -> Vec<Slice> {
    let mut parts: BTreeMap<String, Vec<SeriesId>> = BTreeMap::new();
    for history in panel.histories() {
        if let Some(name) = name(history) {
            parts.entry(name).or_default().push(history.id().clone());
        }
    }
    if parts.len() < 2 {
        return Vec::new();
    }
    parts.into_iter().map(|(name, series)| Slice::of_series(&format!("{kind}={name}"), series)).collect()
}
