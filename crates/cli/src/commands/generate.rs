//! `fleetcast generate`.

use super::{answer, shown};
use crate::args::{GenerateArgs, Global, OutputFormat, PartitionBy};
use crate::failure::WrongUse;
use fleetcast::Context;
use fleetcast::generate::{FilesOptions, GenerateOptions, Generated, generate_files, generate_lake, generate_nothing};
use fleetcast::lake::{Partition, TableFormat};
use fleetcast::sim::SampleStep;

pub fn generate(args: &GenerateArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let options = GenerateOptions {
        n_servers: args.servers,
        start: args.start,
        days: args.days,
        step: SampleStep::named(&args.step).map_err(fleetcast::Error::from)?,
        seed: args.seed,
        scenario: args.scenario.clone(),
        profile: args.profile.clone(),
        only: args.only.clone(),
        tables: args.tables.clone(),
        oracle_cutoffs: args.oracle.clone(),
        oracle_horizon_days: args.oracle_horizon,
        changes: args.change.clone(),
    };
    let format = match (args.format, &args.lake) {
        (Some(OutputFormat::None), _) => {
            only_with_out(args)?;
            return told(global, generate_nothing(&options, context)?, "nowhere");
        }
        (None | Some(OutputFormat::Delta), Some(lake)) => {
            only_with_out(args)?;
            return told(global, generate_lake(lake, &options, context)?, &shown(lake));
        }
        (None | Some(OutputFormat::Parquet), None) => TableFormat::Parquet,
        (Some(OutputFormat::Csv), None) => TableFormat::Csv,
        (Some(OutputFormat::Influx), None) => TableFormat::Influx,
        (Some(OutputFormat::Openmetrics), None) => TableFormat::OpenMetrics,
        (Some(OutputFormat::Ipc), None) => TableFormat::Ipc,
        (Some(OutputFormat::Delta), None) => return Err(WrongUse("delta goes with --lake".to_owned()).into()),
        (Some(_), Some(_)) => {
            return Err(WrongUse("--lake goes with delta; every other format with --out".to_owned()).into());
        }
    };
    let Some(out) = &args.out else {
        return Err(WrongUse("say with --out which folder the files go to".to_owned()).into());
    };
    let files = FilesOptions {
        folder: out.clone(),
        format,
        partition: match args.partition {
            PartitionBy::None => Partition::None,
            PartitionBy::Month => Partition::Month,
        },
    };
    told(global, generate_files(&files, &options, context)?, &shown(out))
}

/// Flags about files say nothing where none are written.
fn only_with_out(args: &GenerateArgs) -> Result<(), WrongUse> {
    if args.partition == PartitionBy::None { Ok(()) } else { Err(WrongUse("--partition goes with --out".to_owned())) }
}

fn told(global: &Global, generated: Generated, place: &str) -> anyhow::Result<()> {
    let Generated { n_servers, n_rows, n_events } = generated;
    let text = format!("{n_servers} servers, {n_rows} rows of samples, {n_events} events: {place}");
    let value = serde_json::json!({ "servers": n_servers, "rows": n_rows, "events": n_events, "place": place });
    answer(global, &text, &value)
}
