//! What the last plan says, as files for other programs.

mod compute_optimizer;

use crate::{Config, Context, Error, Result, store, tables};
use fleetcast_lake::{Column, Frame, Lake, PlainFormat, Table, write_frame};
use jiff::civil::Date;
use serde_json::json;
use std::path::Path;

/// Said where prices beside a plan's savings would not agree with them.
const OTHER_PRICES: &str =
    "these prices are not those that the sizes were chosen by: name the price book of the plan with --price-book";

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    /// The table `recommendations`: a row per server.
    Recommendations,
    /// The table `risks`: a row per series, threshold and number of days.
    Risks,
    /// The table `groups`: a row per server.
    Groups,
    /// Recommendations under the column names of AWS Compute Optimizer's export for EC2 instances.
    ComputeOptimizer,
}

/// Form of an exported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
    Parquet,
}

impl Form {
    /// The form that a file's ending says.
    fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            _ => Err(Error::Setting {
                key: "--out".to_owned(),
                found: format!("`{}`", path.display()),
                allowed: "a file that ends in .csv, .json or .parquet".to_owned(),
            }),
        }
    }
}

/// Writes what the last plan of a lake says to a file; the number of its rows. Prices are those of the
/// configuration.
///
/// # Errors
/// [`Error::Nothing`] when nothing was planned; [`Error::Setting`] when the file's ending says no form.
pub fn export_lake(lake: &Lake, exported: Exported, out: &Path, config: &Config, context: &Context) -> Result<usize> {
    let form = Form::of(out)?;
    context.progress.begin("exporting", 0);
    let run_id = store::last_plan(lake, "to export")?;
    let frame = match exported {
        Exported::Recommendations => of_run(lake, Table::Recommendations, &run_id)?,
        Exported::Risks => of_run(lake, Table::Risks, &run_id)?,
        Exported::Groups => of_run(lake, Table::Groups, &run_id)?,
        Exported::ComputeOptimizer => {
            let (frame, is_priced_otherwise) = compute_optimizer::frame(lake, &run_id, config)?;
            if is_priced_otherwise {
                context.progress.note(OTHER_PRICES);
            }
            frame
        }
    };
    match form {
        Form::Csv => write_frame(out, &without_lists(&frame)?, PlainFormat::Csv)?,
        Form::Parquet => write_frame(out, &frame, PlainFormat::Parquet)?,
        Form::Json => crate::run::write_file(out, &json_rows(&frame))?,
    }
    context.progress.end();
    Ok(frame.rows())
}

/// Rows of a table that belong to a run.
fn of_run(lake: &Lake, table: Table, run_id: &str) -> Result<Frame> {
    let frame = lake.read(table)?;
    Ok(frame.take(&tables::rows_of(&frame, run_id)?))
}

/// Lists of dates as text, a space between two; CSV has no lists.
fn without_lists(frame: &Frame) -> Result<Frame> {
    let mut plain = Frame::new();
    for (name, column) in frame.columns() {
        let column = match column {
            Column::Dates(lists) => {
                let text = |list: &Vec<Date>| list.iter().map(Date::to_string).collect::<Vec<_>>().join(" ");
                Column::from(lists.iter().map(text).collect::<Vec<String>>())
            }
            other => other.clone(),
        };
        plain = plain.with(name, column)?;
    }
    Ok(plain)
}

/// An object per row, its keys in the order of the columns, nulls written out.
fn json_rows(frame: &Frame) -> String {
    let value = |column: &Column, row: usize| match column {
        Column::Text(values) => json!(values[row].as_deref()),
        Column::Float(values) => json!(Some(values[row]).filter(|value| !value.is_nan())),
        Column::Int(values) | Column::Time(values) => json!(values[row]),
        Column::Bool(values) => json!(values[row]),
        Column::Date(values) => json!(values[row].map(|date| date.to_string())),
        Column::Dates(values) => json!(values[row].iter().map(Date::to_string).collect::<Vec<_>>()),
        Column::Floats(values) => json!(values[row]),
    };
    let row = |row: usize| {
        let cells = frame.columns().map(|(name, column)| format!("{}: {}", json!(name), value(column, row)));
        format!("  {{{}}}", cells.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..frame.rows()).map(row).collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn endings_say_the_form() {
        assert_eq!(Form::of(Path::new("a/b.JSON")).unwrap(), Form::Json);
        assert_eq!(Form::of(Path::new("b.parquet")).unwrap(), Form::Parquet);
        let message = Form::of(Path::new("b.xlsx")).unwrap_err().to_string();
        assert_eq!(message, "`--out` is `b.xlsx`, it must be a file that ends in .csv, .json or .parquet");
    }

    #[test]
    fn rows_are_the_same_in_every_form() {
        let frame = Frame::new()
            .with("server_id", vec!["a", "b"])
            .and_then(|frame| frame.with("p_30", vec![Some(0.25), None]))
            .and_then(|frame| frame.with("evidence", vec![vec![date(2025, 3, 31), date(2025, 6, 30)], Vec::new()]))
            .unwrap();
        let text = json_rows(&frame);
        assert_eq!(
            text,
            "[\n  {\"server_id\": \"a\", \"p_30\": 0.25, \"evidence\": [\"2025-03-31\",\"2025-06-30\"]},\n  \
             {\"server_id\": \"b\", \"p_30\": null, \"evidence\": []}\n]\n"
        );
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed[1]["p_30"], json!(null));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json_rows(&frame.take(&[]))).unwrap(), json!([]));
        let plain = without_lists(&frame).unwrap();
        assert_eq!(plain.text("evidence").unwrap()[0].as_deref(), Some("2025-03-31 2025-06-30"));
        assert_eq!(frame.take(&[1]).text("server_id").unwrap()[0].as_deref(), Some("b"));
    }
}
