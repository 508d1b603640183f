//! What series are like, before anybody forecasts them.

use crate::line_up::usual_seasons;
use crate::series::{SeriesOptions, read_panel};
use crate::telemetry::telemetry;
use crate::{Config, Context, Result};
use fleetcast_core::{Panel, SeriesId, Step};
use fleetcast_lake::Lake;
pub use fleetcast_models::{Diagnosis, Test};
use rayon::prelude::*;

/// Tests of every series.
#[derive(Clone, Debug)]
pub struct Diagnosed {
    /// Steps of the season that was looked for.
    pub season_length: usize,
    /// Each series with its tests, or why there are none.
    pub series: Vec<(SeriesId, std::result::Result<Diagnosis, String>)>,
}

/// Tests the series of a panel for a season of `season_length` steps, for a level and for memory.
pub fn diagnose(panel: &Panel, season_length: usize) -> Diagnosed {
    let tests = panel.histories().par_iter().map(|history| {
        let found = Diagnosis::of(history, season_length).map_err(|error| error.to_string());
        (history.id().clone(), found)
    });
    Diagnosed { season_length, series: tests.collect() }
}

/// [`diagnose`] for the daily P95s of a lake.
///
/// # Errors
/// When the lake has none.
pub fn diagnose_lake(lake: &Lake, config: &Config, context: &Context) -> Result<Diagnosed> {
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    context.progress.begin("testing", 0);
    let diagnosed = diagnose(&telemetry.panel, season(Step::DAY, &[]));
    context.progress.end();
    Ok(diagnosed)
}

/// [`diagnose`] for the series of a file.
///
/// # Errors
/// When the file makes no sense.
pub fn diagnose_series(options: &SeriesOptions, config: &Config, context: &Context) -> Result<Diagnosed> {
    context.progress.begin("reading series", 0);
    let panel = read_panel(options, config)?;
    context.progress.begin("testing", 0);
    let diagnosed = diagnose(&panel, season(options.step, &options.season_lengths));
    context.progress.end();
    Ok(diagnosed)
}

/// The first season given, else the usual one of the step; 1 where a step has none.
fn season(step: Step, given: &[usize]) -> usize {
    given.first().copied().or_else(|| usual_seasons(step).first().copied()).unwrap_or(1)
}
