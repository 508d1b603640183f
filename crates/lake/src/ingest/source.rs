//! Files of telemetry, batch by batch, in the types they come in.

use super::cells::{self, Clock, Epoch};
use crate::{Error, Result};
use datafusion::arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StringArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BATCH_ROWS: usize = 1 << 16;
/// Rows that decide whether a CSV column holds numbers.
const PROBED_ROWS: usize = 1000;

/// A file that can be read.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) names: Vec<String>,
    /// Whether a column holds numbers, as far as its beginning tells.
    pub(crate) numeric: Vec<bool>,
    is_parquet: bool,
}

/// Some rows of a file.
pub(crate) struct Batch<'a> {
    file: &'a Path,
    names: &'a [String],
    columns: Vec<ArrayRef>,
    /// Line of each row in a CSV file; none in a Parquet file, whose rows are counted.
    lines: Vec<u64>,
    first_row: u64,
}

/// Instants of a column, in milliseconds; and whether any of them had no offset of its own.
pub(crate) struct Times {
    pub(crate) ms: Vec<i64>,
    pub(crate) is_naive: bool,
}

impl Source {
    /// Opens a file and reads its header.
    pub(crate) fn open(file: &Path, is_parquet: bool) -> Result<Self> {
        let mut source = Self { file: file.to_owned(), names: Vec::new(), numeric: Vec::new(), is_parquet };
        if is_parquet {
            let builder = source.parquet()?;
            if builder.metadata().file_metadata().num_rows() == 0 {
                return Err(Error::EmptyFile { file: file.to_owned() });
            }
            for field in builder.schema().fields() {
                source.names.push(field.name().clone());
                source.numeric.push(field.data_type().is_numeric());
            }
            return Ok(source);
        }
        let mut reader = source.csv()?;
        let header = reader.headers().map_err(|e| source.unreadable("CSV", &e))?;
        source.names = header.iter().map(|name| name.trim().trim_start_matches('\u{feff}').to_owned()).collect();
        if source.names.iter().all(String::is_empty) {
            return Err(Error::EmptyFile { file: file.to_owned() });
        }
        source.numeric = source.probe(reader)?;
        Ok(source)
    }

    fn unreadable(&self, kind: &'static str, error: &dyn std::fmt::Display) -> Error {
        Error::Unreadable { file: self.file.clone(), kind, reason: error.to_string() }
    }

    fn parquet(&self) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        let file = File::open(&self.file).map_err(Error::io("read", &self.file))?;
        if file.metadata().map_err(Error::io("read", &self.file))?.len() == 0 {
            return Err(Error::EmptyFile { file: self.file.clone() });
        }
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| self.unreadable("Parquet", &e))
    }

    fn csv(&self) -> Result<csv::Reader<Box<dyn Read>>> {
        let fail = || Error::io("read", &self.file);
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.file).map_err(fail())?);
        let start = file.fill_buf().map_err(fail())?;
        if start.is_empty() {
            return Err(Error::EmptyFile { file: self.file.clone() });
        }
        let plain: Box<dyn Read> = if start.starts_with(&[0x1f, 0x8b]) {
            Box::new(flate2::bufread::MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let mut plain = BufReader::with_capacity(1 << 16, plain);
        let first = plain.fill_buf().map_err(fail())?;
        let header = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        // The commonest separator of the header line; a comma when there is none.
        let count = |separator: u8| header.iter().filter(|byte| **byte == separator).count();
        let delimiter = [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|byte| count(*byte)).unwrap_or(b',');
        Ok(csv::ReaderBuilder::new().delimiter(delimiter).from_reader(Box::new(plain)))
    }

    fn probe(&self, mut reader: csv::Reader<Box<dyn Read>>) -> Result<Vec<bool>> {
        let mut numbers = vec![0usize; self.names.len()];
        let mut words = vec![0usize; self.names.len()];
        let mut record = csv::StringRecord::new();
        let mut rows = 0;
        while rows < PROBED_ROWS && reader.read_record(&mut record).map_err(|e| self.unreadable("CSV", &e))? {
            rows += 1;
            for (at, text) in record.iter().enumerate() {
                match cells::number(text) {
                    Some(number) if number.is_nan() => {}
                    Some(_) => numbers[at] += 1,
                    None => words[at] += 1,
                }
            }
        }
        if rows == 0 {
            return Err(Error::EmptyFile { file: self.file.clone() });
        }
        // One bad cell among numbers is an error to be named later, not a column of words.
        Ok(numbers.iter().zip(&words).map(|(numbers, words)| *numbers > 0 && *words * 10 <= *numbers).collect())
    }

    /// Hands the wanted columns over, batch by batch, in the order of the file.
    pub(crate) fn read(&self, wanted: &[usize], mut take: impl FnMut(&Batch<'_>) -> Result<()>) -> Result<()> {
        let names: Vec<String> = wanted.iter().map(|at| self.names[*at].clone()).collect();
        if self.is_parquet {
            return self.read_parquet(wanted, &names, take);
        }
        let mut reader = self.csv()?;
        let mut record = csv::StringRecord::new();
        loop {
            let mut columns: Vec<StringBuilder> = wanted.iter().map(|_| StringBuilder::new()).collect();
            let mut lines = Vec::new();
            while lines.len() < BATCH_ROWS && reader.read_record(&mut record).map_err(|e| self.unreadable("CSV", &e))? {
                lines.push(record.position().map_or(0, csv::Position::line));
                columns
                    .iter_mut()
                    .zip(wanted)
                    .for_each(|(column, at)| column.append_value(record.get(*at).unwrap_or("")));
            }
            if lines.is_empty() {
                return Ok(());
            }
            let columns = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
            take(&Batch { file: &self.file, names: &names, columns, lines, first_row: 0 })?;
        }
    }

    fn read_parquet(
        &self,
        wanted: &[usize],
        names: &[String],
        mut take: impl FnMut(&Batch<'_>) -> Result<()>,
    ) -> Result<()> {
        let builder = self.parquet()?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        let mut first_row = 1;
        for batch in reader.map_err(|e| self.unreadable("Parquet", &e))? {
            let batch = batch.map_err(|e| self.unreadable("Parquet", &e))?;
            let columns = names.iter().map(|name| batch.column_by_name(name).cloned());
            let columns: Option<Vec<ArrayRef>> = columns.collect();
            let columns = columns.ok_or_else(|| self.unreadable("Parquet", &"two columns have one name"))?;
            take(&Batch { file: &self.file, names, columns, lines: Vec::new(), first_row })?;
            first_row += batch.num_rows() as u64;
        }
        Ok(())
    }
}

impl Batch<'_> {
    pub(crate) fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len())
    }

    /// Line of a row in a CSV file, number of a row in a Parquet file.
    pub(crate) fn row_number(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(self.first_row + row as u64)
    }

    pub(crate) fn value_error(&self, column: usize, row: usize, found: &str, needed: &str) -> Error {
        Error::Value {
            file: self.file.to_owned(),
            row: self.row_number(row),
            column: self.names[column].clone(),
            found: found.to_owned(),
            needed: needed.to_owned(),
        }
    }

    fn cast(&self, column: usize, wanted: &DataType) -> Result<ArrayRef> {
        cast(&self.columns[column], wanted).map_err(|error| Error::Unreadable {
            file: self.file.to_owned(),
            kind: "telemetry",
            reason: format!("column `{}`: {error}", self.names[column]),
        })
    }

    /// Text of a column, whatever its type.
    pub(crate) fn text(&self, column: usize) -> Result<StringArray> {
        let array = self.cast(column, &DataType::Utf8)?;
        Ok(array.as_any().downcast_ref::<StringArray>().cloned().unwrap_or_else(|| StringArray::new_null(array.len())))
    }

    /// Text of a column in which every row must have one.
    pub(crate) fn keys(&self, column: usize) -> Result<StringArray> {
        let text = self.text(column)?;
        match (0..text.len()).find(|row| text.is_null(*row) || text.value(*row).trim().is_empty()) {
            None => Ok(text),
            Some(row) => Err(self.value_error(column, row, "", "a name")),
        }
    }

    /// Numbers of a column, NaN where there is none.
    pub(crate) fn numbers(&self, column: usize) -> Result<Vec<f64>> {
        let array = &self.columns[column];
        if array.data_type().is_numeric() {
            let array = self.cast(column, &DataType::Float64)?;
            return Ok(array.as_any().downcast_ref::<Float64Array>().map(crate::batch::floats).unwrap_or_default());
        }
        let text = self.text(column)?;
        let numbers = text.iter().enumerate().map(|(row, text)| {
            let text = text.unwrap_or("");
            cells::number(text).ok_or_else(|| {
                self.value_error(column, row, text, "a number; leave the cell empty where nothing was observed")
            })
        });
        numbers.collect()
    }

    /// Instants of a column.
    pub(crate) fn times(&self, column: usize, clock: &Clock) -> Result<Times> {
        const NEEDED: &str = "a time such as 2024-05-31T23:55:00Z or seconds since 1970; say how it is written with `time_format` in `--map`";
        let array = self.columns[column].clone();
        let error = |row: usize, found: &str| self.value_error(column, row, found, NEEDED);
        let (numbers, is_naive) = match array.data_type() {
            DataType::Timestamp(_, zone) => {
                let ms = self.cast(column, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))?;
                (cast(&ms, &DataType::Int64), zone.is_none())
            }
            DataType::Date32 | DataType::Date64 => {
                let ms = self.cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
                (cast(&ms, &DataType::Int64), true)
            }
            kind if kind.is_numeric() => {
                let numbers = self.numbers(column)?;
                let row = numbers.iter().position(|number| !number.is_finite());
                if let Some(row) = row {
                    return Err(error(row, &numbers[row].to_string()));
                }
                let ms = numbers.iter().map(|number| Epoch::of(*number).to_ms(*number)).collect();
                return Ok(Times { ms, is_naive: false });
            }
            _ => return self.times_of_text(column, clock, NEEDED),
        };
        let ms = numbers.map_err(|e| Error::Unreadable {
            file: self.file.to_owned(),
            kind: "telemetry",
            reason: e.to_string(),
        })?;
        let ms = ms.as_any().downcast_ref::<Int64Array>().cloned().unwrap_or_else(|| Int64Array::new_null(array.len()));
        let read = ms.iter().enumerate().map(|(row, ms)| {
            let ms = ms.ok_or_else(|| error(row, ""))?;
            if is_naive { clock.naive_ms(ms).ok_or_else(|| error(row, &ms.to_string())) } else { Ok(ms) }
        });
        Ok(Times { ms: read.collect::<Result<_>>()?, is_naive })
    }

    fn times_of_text(&self, column: usize, clock: &Clock, needed: &str) -> Result<Times> {
        let text = self.text(column)?;
        let mut is_naive = false;
        let ms = text.iter().enumerate().map(|(row, text)| {
            let text = text.unwrap_or("");
            let at = clock.read(text).ok_or_else(|| self.value_error(column, row, text, needed))?;
            is_naive |= !at.has_offset;
            Ok(at.ms)
        });
        let ms = ms.collect::<Result<_>>()?;
        Ok(Times { ms, is_naive })
    }

    /// Days since 1970-01-01 of a column of dates.
    pub(crate) fn days(&self, column: usize) -> Result<Vec<i64>> {
        const NEEDED: &str = "a date such as 2024-05-31";
        let text = self.text(column)?;
        let days = text.iter().enumerate().map(|(row, text)| {
            let text = text.unwrap_or("");
            let date = cells::date(text).ok_or_else(|| self.value_error(column, row, text, NEEDED))?;
            Ok(i64::from(crate::batch::days_of(date)))
        });
        days.collect()
    }
}
