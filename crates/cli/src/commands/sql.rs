//! `fleetcast sql`.

use super::answer;
use crate::args::{AnswerFormat, Global, SqlArgs};
use crate::failure::WrongUse;
use fleetcast::Error;
use fleetcast::lake::Lake;
use fleetcast::run::write_file;

pub fn sql(args: &SqlArgs, global: &Global) -> anyhow::Result<()> {
    let lake = Lake::open(&args.lake).map_err(Error::from)?;
    let found = lake.sql(&args.query).map_err(Error::from)?;
    let format = if global.json { AnswerFormat::Json } else { args.format };
    let text = match format {
        AnswerFormat::Table => found.to_table(),
        AnswerFormat::Csv => found.to_csv(),
        AnswerFormat::Json => found.to_json(),
        AnswerFormat::Parquet => {
            let Some(out) = &args.out else {
                return Err(WrongUse("parquet is a file: say which with --out".to_owned()).into());
            };
            return Ok(found.write_parquet(out).map_err(Error::from)?);
        }
    };
    let text = text.map_err(Error::from)?;
    match &args.out {
        Some(out) => Ok(write_file(out, &text)?),
        // The text is JSON already when JSON was asked for.
        None => answer(&Global { json: false, ..global.clone() }, &text, &serde_json::Value::Null),
    }
}
