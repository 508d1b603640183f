//! A profile learned from real telemetry.

use crate::realism::read;
use crate::run::write_file;
use crate::{Config, Context, Error, Result};
use fleetcast_core::{Metric, Unit, Zone};
use fleetcast_sim::{Fit, FitOptions, METRICS, fit};
use std::path::PathBuf;

/// What to learn from, and where to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitRequest {
    /// Telemetry of one kind of server: a file as `ingest` takes it, or a lake.
    pub input: PathBuf,
    /// Name of the profile.
    pub name: String,
    /// Where to write the profile.
    pub out: PathBuf,
    /// Where to write the scenario that goes with it.
    pub scenario_out: Option<PathBuf>,
    /// Zone whose days and hours the servers live in.
    pub timezone: String,
}

/// Learns a profile and writes it, with the reason beside each key that keeps its default.
///
/// # Errors
/// When the telemetry cannot be read, shows none of the generator's metrics in their units, or is
/// shorter than three days.
pub fn fit_profile(request: &FitRequest, context: &Context) -> Result<Fit> {
    context.progress.begin("reading telemetry", 0);
    let telemetry = read(&request.input)?;
    let panel = telemetry.panel(telemetry.step_seconds())?;
    let is_known =
        |metric: &Metric| METRICS.contains(&metric.name()) && *metric.unit() == *Metric::named(metric.name()).unit();
    let known: Vec<_> = panel.histories().iter().filter(|h| is_known(h.metric())).cloned().collect();
    if known.is_empty() {
        return Err(Error::Nothing {
            what: format!("{} has no {} in {} or MB/s", request.input.display(), METRICS.join(", "), Unit::Percent),
            hint: "take it into a lake with a map that names its metrics, and fit the lake".to_owned(),
        });
    }
    context.progress.begin("fitting", 0);
    let calendar = Config::default().calendar()?.as_ref().clone();
    let options = FitOptions { name: request.name.clone(), calendar, zone: Zone::named(&request.timezone)? };
    let fit = fit(&panel.with_histories(known)?, &options)?;
    write_file(&request.out, &fit.profile_toml)?;
    if let Some(file) = &request.scenario_out {
        write_file(file, &fit.scenario_toml)?;
    }
    context.progress.end();
    Ok(fit)
}
