//! What a lake knows of the past: daily P95 to forecast, daily means to judge idleness by.

use crate::{Config, Error, Result};
use fleetcast_core::Panel;
use fleetcast_lake::{Lake, PanelQuery, Resolution};

/// Daily series of a lake.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// P95 of each local day.
    pub panel: Panel,
    /// Mean of each local day, of the same series.
    pub means: Panel,
}

/// Reads the daily series of a lake.
///
/// # Errors
/// [`Error::Nothing`] when there are none; [`Error::Lake`] when a metric asked for is not there.
pub fn telemetry(lake: &Lake, config: &Config) -> Result<Telemetry> {
    let metrics = (!config.metrics.is_empty()).then(|| config.metrics.clone());
    let query = PanelQuery { metrics, ..PanelQuery::default() };
    let mut panel = lake.panel(&query)?;
    let means = lake.panel(&PanelQuery { resolution: Resolution::DailyMean, ..query })?;
    if let Some(bounds) = config.bounds() {
        let bounded = panel.histories().iter().map(|h| h.clone().with_bounds(Some(bounds))).collect();
        panel = panel.with_histories(bounded)?;
    }
    if panel.servers().is_empty() {
        return Err(Error::Nothing {
            what: format!("the lake {} has no telemetry", lake.path().display()),
            hint: "take some in with `fleetcast ingest`, or make some with `fleetcast generate`".to_owned(),
        });
    }
    Ok(Telemetry { panel, means })
}
