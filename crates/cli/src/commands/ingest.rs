//! `fleetcast ingest`.

use super::answer;
use crate::args::{Global, IngestArgs, InputFormat};
use fleetcast::Context;
use fleetcast::lake::{FileFormat, IngestRequest};

pub fn ingest(args: &IngestArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let request = IngestRequest {
        files: args.files.clone(),
        format: match args.format {
            InputFormat::Csv => FileFormat::Csv,
            InputFormat::Parquet => FileFormat::Parquet,
        },
        map: args.map.clone(),
        servers: args.servers_file.clone(),
        capacities: args.capacity.iter().cloned().collect(),
        timezone: args.timezone.clone(),
    };
    let report = fleetcast::ingest::ingest(&args.lake, &request, context)?;
    answer(global, &report.to_string(), &serde_json::to_value(&report)?)
}
