//! A made-up fleet from telemetry to report.

use crate::generate::{GenerateOptions, generate_into};
use crate::report::Report;
use crate::run::run;
use crate::{Config, Context, Error, Result};
use fleetcast_lake::Lake;
use std::path::{Path, PathBuf};

/// What a demo is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// Servers in the fleet.
    pub n_servers: usize,
    /// Days of history, from 2022-01-01 on.
    pub days: usize,
    /// Seed of the fleet and of the plan.
    pub seed: u64,
    /// Days ahead that the backtest scores.
    pub horizon: usize,
    /// Folder for the lake and the report.
    pub out: PathBuf,
}

/// File that says that a folder was made by a demo.
const MARKER: &str = ".fleetcast-demo";

/// Makes a fleet in `OUT/lake`, runs every stage on it and writes `OUT/report.html`.
///
/// The folder of an earlier demo is replaced when the new one is complete; until then it stays.
///
/// # Errors
/// [`Error::InTheWay`] for a folder that no demo made.
pub fn demo(options: &DemoOptions, context: &Context) -> Result<Report> {
    let out = &options.out;
    check_folder(out)?;
    let config = Config {
        seed: options.seed,
        forecast: crate::config::ForecastConfig { horizon_days: Some(options.horizon), ..Default::default() },
        ..Config::default()
    };
    config.check()?;
    std::fs::create_dir_all(out).map_err(io(out))?;
    std::fs::write(out.join(MARKER), "made by `fleetcast demo`, which replaces this folder\n").map_err(io(out))?;
    let (lake_folder, new_folder) = (out.join("lake"), out.join("lake.new"));
    remove(&new_folder)?;
    let lake = Lake::create(&new_folder)?;
    let fleet =
        GenerateOptions { n_servers: options.n_servers, days: options.days, seed: options.seed, ..Default::default() };
    generate_into(&lake, &fleet, context)?;
    let report_file = out.join("report.html");
    let report =
        run(&lake, &config, &lake_folder.display().to_string(), Some(&report_file.display().to_string()), context)?;
    drop(lake);
    remove(&lake_folder)?;
    std::fs::rename(&new_folder, &lake_folder).map_err(io(&lake_folder))?;
    crate::run::write_file(&report_file, &report.html)?;
    Ok(report)
}

fn check_folder(out: &Path) -> Result<()> {
    let mut found = match std::fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Io { file: out.display().to_string(), source }),
    };
    if found.next().is_some() && !out.join(MARKER).exists() {
        return Err(Error::InTheWay { folder: out.display().to_string() });
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(folder)(error)),
        _ => Ok(()),
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let file = path.display().to_string();
    |source| Error::Io { file, source }
}
