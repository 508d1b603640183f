//! Files of plain series: `unique_id`, `ds`, `y`.

use super::PlainFormat;
use crate::{Error, Result};
use datafusion::arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionConfig, SessionContext};
use std::path::Path;
use std::sync::Arc;

/// Times of a file of plain series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesTimes {
    /// Mere counters: 0, 1, 2, ...
    Counters(Vec<i64>),
    /// Instants, milliseconds since 1970-01-01 UTC.
    Instants(Vec<i64>),
}

/// Rows of a file of plain series: `unique_id`, `ds`, `y`, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRows {
    /// Series of each row.
    pub ids: Vec<Arc<str>>,
    /// Time of each row.
    pub times: SeriesTimes,
    /// Value of each row, NaN for none.
    pub values: Vec<f64>,
}

/// Reads a file of plain series, CSV (plain or gzip) or Parquet.
///
/// # Errors
/// When the file cannot be read, lacks one of the three columns, or one of them has the wrong type;
/// the message names the row.
pub fn read_series(path: &Path) -> Result<SeriesRows> {
    let batch = read_whole(path)?;
    let column = |name: &str| {
        batch.column_by_name(name).cloned().ok_or_else(|| Error::MissingColumn {
            place: format!("`{}`", path.display()),
            column: name.to_owned(),
            found: batch.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>().join(", "),
        })
    };
    let (ids, times, values) = (column("unique_id")?, column("ds")?, column("y")?);
    if batch.num_rows() == 0 {
        return Err(Error::EmptyFile { file: path.to_owned() });
    }
    Ok(SeriesRows { ids: texts(path, &ids)?, times: series_times(path, &times)?, values: numbers(path, &values)? })
}

/// The whole file as one batch. CSV types are guessed from all rows, so that a late text is not overlooked.
fn read_whole(path: &Path) -> Result<RecordBatch> {
    let format = PlainFormat::of(path);
    let unreadable = |error: &dyn std::fmt::Display| Error::Unreadable {
        file: path.to_owned(),
        kind: if format == PlainFormat::Parquet { "Parquet" } else { "CSV" },
        reason: error.to_string(),
    };
    let size = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size == 0 {
        return Err(Error::EmptyFile { file: path.to_owned() });
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::io("read", path))?;
    let name = path.to_string_lossy();
    runtime.block_on(async {
        // One partition keeps the order of the file.
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let read = if format == PlainFormat::Parquet {
            context.read_parquet(name.as_ref(), ParquetReadOptions::default()).await
        } else {
            let gzip = path.extension().is_some_and(|ending| ending == "gz");
            let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
            let compression = if gzip { FileCompressionType::GZIP } else { FileCompressionType::UNCOMPRESSED };
            let options = CsvReadOptions::new()
                .has_header(true)
                .schema_infer_max_records(usize::MAX)
                .file_extension(&ending)
                .file_compression_type(compression);
            context.read_csv(name.as_ref(), options).await
        };
        let frame = read.map_err(|error| unreadable(&error))?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.map_err(|error| unreadable(&error))?;
        concat_batches(&schema, &batches).map_err(|error| unreadable(&error))
    })
}

fn texts(path: &Path, array: &ArrayRef) -> Result<Vec<Arc<str>>> {
    let texts = cast(array, &DataType::Utf8).map_err(|e| value_error(path, 1, "unique_id", &e.to_string(), "text"))?;
    let texts: &StringArray = texts.as_any().downcast_ref().expect("the array was cast to text");
    let mut last: Option<Arc<str>> = None;
    let mut ids = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Err(value_error(path, row, "unique_id", "", "the name of a series"));
        };
        let id = last.filter(|last| last.as_ref() == text).unwrap_or_else(|| text.into());
        ids.push(id.clone());
        last = Some(id);
    }
    Ok(ids)
}

fn series_times(path: &Path, array: &ArrayRef) -> Result<SeriesTimes> {
    let needed = "a date, a date and time, or a whole number";
    if array.data_type().is_integer() {
        let whole = cast(array, &DataType::Int64).map_err(|e| value_error(path, 0, "ds", &e.to_string(), needed))?;
        return Ok(SeriesTimes::Counters(whole_numbers(path, array, &whole, needed)?));
    }
    let instant = DataType::Timestamp(TimeUnit::Millisecond, None);
    let times = cast(array, &instant).and_then(|times| cast(&times, &DataType::Int64)).map_err(|_| {
        let shown = cast(array, &DataType::Utf8).ok();
        let first = shown.as_ref().and_then(|a| a.as_any().downcast_ref::<StringArray>()?.iter().next()?);
        value_error(path, 0, "ds", first.unwrap_or_default(), needed)
    })?;
    Ok(SeriesTimes::Instants(whole_numbers(path, array, &times, needed)?))
}

fn whole_numbers(path: &Path, found: &ArrayRef, array: &ArrayRef, needed: &str) -> Result<Vec<i64>> {
    let numbers: &Int64Array = array.as_any().downcast_ref().expect("the array was cast to whole numbers");
    match (0..numbers.len()).find(|&row| numbers.is_null(row)) {
        Some(row) => {
            let shown = cast(found, &DataType::Utf8).ok();
            let texts = shown.as_ref().and_then(|a| a.as_any().downcast_ref::<StringArray>());
            let text = texts.filter(|texts| texts.is_valid(row)).map_or("", |texts| texts.value(row));
            Err(value_error(path, row, "ds", text, needed))
        }
        None => Ok(numbers.values().to_vec()),
    }
}

fn numbers(path: &Path, array: &ArrayRef) -> Result<Vec<f64>> {
    if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        // A column that was not guessed to be numbers has a text in it somewhere: name the row.
        let bad = texts
            .iter()
            .enumerate()
            .find_map(|(row, text)| Some((row, text?)).filter(|(_, t)| t.parse::<f64>().is_err()));
        if let Some((row, text)) = bad {
            return Err(value_error(path, row, "y", text, "a number"));
        }
    }
    let floats = cast(array, &DataType::Float64).map_err(|e| value_error(path, 0, "y", &e.to_string(), "a number"))?;
    let floats: &Float64Array = floats.as_any().downcast_ref().expect("the array was cast to floats");
    Ok(floats.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

/// `row` counts data rows from 0; the message counts lines of a CSV file, whose header is line 1.
fn value_error(path: &Path, row: usize, column: &str, found: &str, needed: &str) -> Error {
    let first = if PlainFormat::of(path) == PlainFormat::Parquet { 1 } else { 2 };
    Error::Value {
        file: path.to_owned(),
        row: row as u64 + first,
        column: column.to_owned(),
        found: found.to_owned(),
        needed: needed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Frame, write_frame};
    use std::path::PathBuf;

    fn series_file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn series_are_read_back_from_both_forms() {
        for (format, name) in [(PlainFormat::Csv, "series.csv"), (PlainFormat::Parquet, "series.parquet")] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let frame = Frame::new()
                .with("unique_id", vec!["b", "b", "a"])
                .unwrap()
                .with("ds", Column::times([0, 86_400_000, 0]))
                .unwrap()
                .with("y", vec![1.5, f64::NAN, 3.0])
                .unwrap();
            write_frame(&path, &frame, format).unwrap();
            let rows = read_series(&path).unwrap();
            assert_eq!(rows.ids.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["b", "b", "a"]);
            assert_eq!(rows.times, SeriesTimes::Instants(vec![0, 86_400_000, 0]));
            assert!(rows.values[1].is_nan() && rows.values[2] == 3.0);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        }
    }

    #[test]
    fn dates_and_counters_are_told_apart() {
        let (_folder, path) = series_file("x.csv", "unique_id,ds,y\n7,0,1\n7,1,2\n");
        assert_eq!(read_series(&path).unwrap().times, SeriesTimes::Counters(vec![0, 1]));
        let (_folder, path) = series_file("x.csv", "unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2\n");
        let day = 86_400_000;
        assert_eq!(read_series(&path).unwrap().times, SeriesTimes::Instants(vec![19_723 * day, 19_724 * day]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row() {
        for (text, expected) in [
            ("unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,x\n", "row 3, column `y`: `x` is not a number"),
            ("unique_id,ds,y\na,soon,1\n", "column `ds`: `soon` is not a date"),
            ("unique_id,ds\na,1\n", "has no column `y`"),
            ("unique_id,ds,y\n", "is empty"),
            ("", "is empty"),
        ] {
            let (_folder, path) = series_file("x.csv", text);
            let message = read_series(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
