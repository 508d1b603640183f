//! Telemetry from files into a lake.

use crate::store::{self, RunRecord};
use crate::{Context, Result};
use fleetcast_lake::{IngestReport, IngestRequest, Lake};
use fleetcast_numeric::stream::stable_hash;

/// Takes telemetry in, all or nothing, and records that it did.
///
/// # Errors
/// The first file, row and column that cannot be understood; the lake is then as it was.
pub fn ingest(lake: &Lake, request: &IngestRequest, context: &Context) -> Result<IngestReport> {
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
