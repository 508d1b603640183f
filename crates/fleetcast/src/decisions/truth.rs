//! What the generator knows: the best that anyone could have said at each origin.

use super::Origins;
use crate::Result;
use fleetcast_core::SeriesId;
use fleetcast_lake::{Lake, Table};
use std::collections::BTreeMap;

/// The best possible forecast of one series at one origin, day by day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Best {
    /// Medians.
    pub(super) median: Vec<f64>,
    /// P(crossed 80 % by then); NaN where the metric has no capacity.
    pub(super) p_crossed_80: Vec<f64>,
    /// P(crossed 90 % by then).
    pub(super) p_crossed_90: Vec<f64>,
}

impl Best {
    /// P(crossed by then) on each of the first `horizon` days; `None` where that was not asked of the oracle.
    pub(super) fn curve(&self, threshold: f64, horizon: usize) -> Option<&[f64]> {
        let curve = match threshold {
            80.0 => &self.p_crossed_80,
            90.0 => &self.p_crossed_90,
            _ => return None,
        };
        curve.get(..horizon).filter(|curve| curve.iter().all(|p| !p.is_nan()))
    }
}

/// The table `oracle`, as far as it speaks of the origins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Truth {
    series: BTreeMap<(SeriesId, usize), Best>,
}

impl Truth {
    /// Reads the rows of these origins.
    pub(super) fn read(lake: &Lake, origins: &Origins) -> Result<Self> {
        let frame = lake.read(Table::Oracle)?;
        let (servers, metrics) = (frame.text("server_id")?, frame.text("metric")?);
        let (cutoffs, medians) = (frame.dates("cutoff")?, frame.floats("q50")?);
        let (p_80, p_90) = (frame.floats("p_crossed_80")?, frame.floats("p_crossed_90")?);
        let mut series: BTreeMap<(SeriesId, usize), Best> = BTreeMap::new();
        // Rows come in the order of their key, so the days of a series do too.
        for row in 0..frame.rows() {
            let origin = cutoffs[row].and_then(|cutoff| origins.days.iter().position(|day| *day == cutoff));
            let (Some(origin), Some(server_id), Some(metric)) = (origin, &servers[row], &metrics[row]) else {
                continue;
            };
            let id = SeriesId { server_id: server_id.clone(), metric: metric.clone() };
            let best = series.entry((id, origin)).or_default();
            best.median.push(medians[row]);
            best.p_crossed_80.push(p_80[row]);
            best.p_crossed_90.push(p_90[row]);
        }
        Ok(Self { series })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The best forecast of a series at an origin.
    pub(super) fn get(&self, id: &SeriesId, origin: usize) -> Option<&Best> {
        self.series.get(&(id.clone(), origin))
    }
}
