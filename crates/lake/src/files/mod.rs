//! Frames as plain files, and files of plain series.
//!
//! A table becomes files part by part: a part is encoded on the thread that made it and appended in
//! the order of the parts' numbers, so that the bytes do not depend on threads and memory does not grow
//! with the table. One file of code per format.

mod columnar;
mod csv;
mod influx;
mod labels;
mod months;
mod openmetrics;
mod order;
mod place;
mod series;
mod tables;
mod text;

pub use labels::Describe;
pub use months::Partition;
pub use series::{SeriesRows, SeriesTimes, read_series};
pub use tables::{FilesSpec, TableFiles, TableFormat};

use crate::batch::plain_batch;
use crate::{Error, Frame, Result};
use columnar::{ColumnFiles, Columnar};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::error::ArrowError;
use place::{Place, TextFiles};
use std::path::Path;
use std::sync::Arc;

/// Form of a plain file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainFormat {
    /// Comma-separated values with one header line.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl PlainFormat {
    /// The form that a file's ending says; CSV when it says nothing.
    pub fn of(path: &Path) -> Self {
        let parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
        if parquet { Self::Parquet } else { Self::Csv }
    }
}

/// How instants stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileTimes {
    /// With their zone, which is UTC.
    Zoned,
    /// Without a zone, as the exchange format of series wants them; they are UTC all the same.
    Plain,
}

/// Writes one frame as one file; its times stand there without a zone, and are UTC.
///
/// # Errors
/// [`Error::Io`] when it cannot be written.
pub fn write_frame(path: &Path, frame: &Frame, format: PlainFormat) -> Result<()> {
    let stretches = [(None, 0..frame.rows())];
    match format {
        PlainFormat::Csv => {
            let file = TextFiles::create(Place::file(path), b"")?;
            file.put(0, csv::encode(frame, &stretches, FileTimes::Plain)?)?;
            file.complete()?.settle()
        }
        PlainFormat::Parquet => {
            let batch = without_zones(&plain_batch(frame)?);
            let batch = batch.map_err(|error| Error::io("write", path)(std::io::Error::other(error)))?;
            let file = ColumnFiles::create(Place::file(path), Columnar::Parquet)?;
            file.put_batch(0, &batch, &stretches)?;
            file.complete()?.settle()
        }
    }
}

/// The batch with instants that say no zone.
fn without_zones(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let plain = DataType::Timestamp(TimeUnit::Microsecond, None);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| match field.data_type() {
        DataType::Timestamp(..) => Ok((Field::new(field.name(), plain.clone(), true), cast(array, &plain)?)),
        _ => Ok((field.as_ref().clone(), array.clone())),
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, ArrowError>>()?;
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}
