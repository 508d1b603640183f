//! One series up to its cutoff.

use crate::{Bounds, Error, Metric, Result, Timeline};
use std::{fmt, sync::Arc};

/// Key of a series: a server and a metric of it.
///
/// A series that came from a file of plain series has its `unique_id` as server and an empty metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    /// The server's key.
    pub server_id: Arc<str>,
    /// The metric's name.
    pub metric: Arc<str>,
}

impl SeriesId {
    /// The series of a server's metric.
    pub fn new(server_id: &str, metric: &str) -> Self {
        Self { server_id: server_id.into(), metric: metric.into() }
    }
}

impl fmt::Display for SeriesId {
    /// `server_id/metric`, the `unique_id` of exchange files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.metric.is_empty() {
            return f.write_str(&self.server_id);
        }
        write!(f, "{}/{}", self.server_id, self.metric)
    }
}

/// A regular series of observations that ends at its cutoff; gaps are explicit.
///
/// Values are finite or NaN, and NaN means "nothing was observed at this step". A prefix shares the
/// values of the whole, so looking back from many cutoffs costs no copy.
#[derive(Clone, Debug)]
pub struct History {
    id: SeriesId,
    metric: Arc<Metric>,
    timeline: Timeline,
    bounds: Option<Bounds>,
    values: Arc<[f64]>,
    length: usize,
}

impl History {
    /// A series with the bounds of its metric.
    ///
    /// # Errors
    /// [`Error::Size`] when there are no steps, [`Error::OutOfRange`] at the first infinite value.
    pub fn new(id: SeriesId, metric: Arc<Metric>, timeline: Timeline, values: Vec<f64>) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::Size { what: format!("history of {id}"), found: 0, needed: 1 });
        }
        if let Some(at) = values.iter().position(|v| v.is_infinite()) {
            return Err(Error::OutOfRange {
                what: format!("{id} at {}", timeline.at(at)),
                found: values[at].to_string(),
                allowed: "finite, or empty for a gap".to_owned(),
            });
        }
        let (bounds, length) = (metric.bounds(), values.len());
        Ok(Self { id, metric, timeline, bounds, values: values.into(), length })
    }

    /// The same series with other bounds.
    pub fn with_bounds(mut self, bounds: Option<Bounds>) -> Self {
        self.bounds = bounds;
        self
    }

    /// Its key.
    pub fn id(&self) -> &SeriesId {
        &self.id
    }

    /// What is measured.
    pub fn metric(&self) -> &Arc<Metric> {
        &self.metric
    }

    /// The range its values and forecasts cannot leave.
    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    /// Times of its steps; steps from [`History::len`] on are the future.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Number of steps, gaps included; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a history has at least one step")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Values up to the cutoff, NaN at gaps.
    pub fn values(&self) -> &[f64] {
        &self.values[..self.length]
    }

    /// Number of steps at which something was observed.
    pub fn n_observed(&self) -> usize {
        self.values().iter().filter(|v| !v.is_nan()).count()
    }

    /// The last observed value; `None` when everything is a gap.
    pub fn last_observed(&self) -> Option<f64> {
        self.values().iter().rev().copied().find(|v| !v.is_nan())
    }

    /// Whether the observation at `index` stands at the upper bound: the demand was at least that.
    pub fn is_censored(&self, index: usize) -> bool {
        self.bounds.is_some_and(|b| self.values()[index] >= b.high)
    }

    /// Time of the last step, the last a model may see.
    pub fn cutoff(&self) -> jiff::civil::DateTime {
        self.timeline.at(self.length - 1)
    }

    /// The first `length` steps as a history of their own; `None` when there are not that many, or none.
    pub fn prefix(&self, length: usize) -> Option<Self> {
        (1..=self.length).contains(&length).then(|| Self { length, ..self.clone() })
    }

    /// The last `length` steps as a history of their own (all of it when it is shorter).
    pub fn suffix(&self, length: usize) -> Self {
        let skipped = self.length - length.clamp(1, self.length);
        let first = self.timeline.at(skipped);
        let timeline = if self.timeline.has_calendar() {
            Timeline::new(first, self.timeline.step())
        } else {
            Timeline::without_calendar(first, self.timeline.step())
        };
        let values: Arc<[f64]> = self.values()[skipped..].into();
        Self { timeline, length: values.len(), values, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn history(values: Vec<f64>) -> Result<History> {
        let id = SeriesId::new("web-1", "cpu");
        History::new(id, Arc::new(Metric::named("cpu")), Timeline::daily(date(2024, 1, 1)), values)
    }

    #[test]
    fn prefixes_end_earlier_and_suffixes_begin_later() {
        let whole = history(vec![1.0, f64::NAN, 3.0, 100.0]).unwrap();
        assert_eq!((whole.n_observed(), whole.last_observed()), (3, Some(100.0)));
        assert!(whole.is_censored(3) && !whole.is_censored(2));
        let early = whole.prefix(2).unwrap();
        assert_eq!((early.len(), early.last_observed()), (2, Some(1.0)));
        assert_eq!(early.cutoff().date(), date(2024, 1, 2));
        assert!(whole.prefix(0).is_none() && whole.prefix(5).is_none());
        assert_eq!(early.suffix(1).timeline().date(0), date(2024, 1, 2));
    }

    #[test]
    fn infinite_values_and_empty_histories_are_refused() {
        let error = history(vec![1.0, f64::INFINITY]).unwrap_err().to_string();
        assert_eq!(error, "`web-1/cpu at 2024-01-02T00:00:00` is inf, it must be finite, or empty for a gap");
        assert!(history(Vec::new()).is_err());
    }
}
