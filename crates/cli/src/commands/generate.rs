//! `fleetcast generate`.

use super::{answer, shown};
use crate::args::{GenerateArgs, Global, OutputFormat};
use crate::failure::WrongUse;
use fleetcast::Context;
use fleetcast::generate::{GenerateOptions, Generated, generate_files, generate_into, generate_nothing};
use fleetcast::lake::{Lake, PlainFormat};
use fleetcast::sim::SampleStep;
use std::path::PathBuf;

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
        oracle_cutoffs: args.oracle.clone(),
        oracle_horizon_days: args.oracle_horizon,
        changes: args.change.clone(),
    };
    let place = match (args.format, &args.lake, &args.out) {
        (Some(OutputFormat::None), ..) => {
            return told(global, generate_nothing(&options, context)?, "nowhere");
        }
        (None | Some(OutputFormat::Delta), Some(lake), _) => {
            let generated = generate_into(&Lake::create(lake).map_err(fleetcast::Error::from)?, &options, context)?;
            return told(global, generated, &shown(lake));
        }
        (None | Some(OutputFormat::Parquet), None, Some(out)) => (out, PlainFormat::Parquet),
        (Some(OutputFormat::Csv), None, Some(out)) => (out, PlainFormat::Csv),
        _ => return Err(WrongUse("delta goes with --lake, parquet and csv with --out".to_owned()).into()),
    };
    let (out, format): (&PathBuf, PlainFormat) = place;
    told(global, generate_files(out, format, &options, context)?, &shown(out))
}

fn told(global: &Global, generated: Generated, place: &str) -> anyhow::Result<()> {
    let Generated { n_servers, n_rows, n_events } = generated;
    let text = format!("{n_servers} servers, {n_rows} rows of samples, {n_events} events: {place}");
    let value = serde_json::json!({ "servers": n_servers, "rows": n_rows, "events": n_events, "place": place });
    answer(global, &text, &value)
}
