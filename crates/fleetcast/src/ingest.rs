//! Telemetry from files into a lake.

use crate::store::{self, RunRecord};
use crate::{Context, Error, Result};
use fleetcast_lake::{IngestReport, IngestRequest, Lake};
use fleetcast_numeric::stream::stable_hash;
use std::path::Path;

/// Takes telemetry into the lake in `folder`, all or nothing, and records that it did; a lake that is not there is
/// made.
///
/// # Errors
/// The first file, row and column that cannot be understood; the folder is then as it was.
pub fn ingest(folder: &Path, request: &IngestRequest, context: &Context) -> Result<IngestReport> {
    let is_new = !folder.exists();
    let report = Lake::create(folder).map_err(Error::from).and_then(|lake| ingest_into(&lake, request, context));
    if report.is_err() && is_new {
        // The reason for the failure is worth more to the user than a folder that could not be removed.
        let _ = std::fs::remove_dir_all(folder);
    }
    report
}

fn ingest_into(lake: &Lake, request: &IngestRequest, context: &Context) -> Result<IngestReport> {
    let started = (context.now)();
    context.progress.begin("taking telemetry in", 0);
    let report = lake.ingest(request)?;
    let run_id = format!("{:016x}", stable_hash(format!("ingest {request:?}").as_bytes()));
    let change = lake.begin()?;
    store::write_run(lake, &change, &RunRecord::of_telemetry(run_id, "ingest", 0, started, context), None)?;
    change.commit()?;
    context.progress.end();
    Ok(report)
}
