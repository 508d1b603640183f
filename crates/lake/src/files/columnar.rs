//! Parquet and Arrow files, written group by group: memory holds some groups, however long the table is.

use super::months::{Month, Stretch};
use super::order::Queue;
use super::place::Place;
use crate::batch::plain_batch;
use crate::store::{FILE_ROWS, parquet_properties};
use crate::{Error, Frame, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::FileWriter;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowLeafColumn, compute_leaves};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Values that are gathered before they are written as a group: 32 MiB, enough for large row groups in
/// one file and for fair ones in a file per month.
const GROUP_VALUES: usize = 4 << 20;

/// A format of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columnar {
    /// Apache Parquet.
    Parquet,
    /// Arrow's own file format, also called Feather.
    Arrow,
}

/// A table of columns on its way to its place.
pub(crate) struct ColumnFiles {
    place: Place,
    format: Columnar,
    state: Mutex<State>,
}

impl std::fmt::Debug for ColumnFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnFiles").field("place", &self.place).field("format", &self.format).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    parts: Queue<Vec<(Option<Month>, RecordBatch)>>,
    gathered: BTreeMap<Option<Month>, Vec<RecordBatch>>,
    gathered_values: usize,
    n_groups: usize,
    encoded: Queue<Vec<EncodedMonth>>,
    writers: BTreeMap<Option<Month>, Writer>,
}

/// Neighbouring parts that are written together.
struct Group {
    number: usize,
    months: BTreeMap<Option<Month>, Vec<RecordBatch>>,
}

/// The row groups of a month.
struct EncodedMonth {
    month: Option<Month>,
    schema: SchemaRef,
    groups: Vec<Encoded>,
}

/// A row group as its file has it.
enum Encoded {
    Parquet(Vec<ArrowColumnChunk>),
    Arrow(RecordBatch),
}

enum Writer {
    Parquet(Box<SerializedFileWriter<Tail>>),
    Arrow(Box<FileWriter<BufWriter<Tail>>>),
}

impl ColumnFiles {
    /// Begins; a single file at once, so that a folder that cannot be written to is found out now.
    pub(crate) fn create(place: Place, format: Columnar) -> Result<Self> {
        place.clear()?;
        if !place.is_spread() {
            place.begin(None)?;
        }
        Ok(Self { place, format, state: Mutex::default() })
    }

    /// Takes the part of this number, counted from 0 without holes; parts may come in any order.
    pub(crate) fn put(&self, number: usize, frame: &Frame, stretches: &[Stretch]) -> Result<()> {
        let batch = plain_batch(frame)?;
        self.put_batch(number, &batch, stretches)
    }

    pub(crate) fn put_batch(&self, number: usize, batch: &RecordBatch, stretches: &[Stretch]) -> Result<()> {
        let part = self.by_month(batch, stretches)?;
        let groups = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.gather(number, part)
        };
        // Without the lock: the columns are encoded here while other threads bring more.
        groups.into_iter().try_for_each(|group| self.write(group))
    }

    /// Writes what is left; gives the place, whose files have yet to get their names.
    pub(crate) fn complete(self) -> Result<Place> {
        let last = self.state.lock().unwrap_or_else(PoisonError::into_inner).close();
        self.write(last)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for writer in std::mem::take(&mut state.writers).into_values() {
            match writer {
                Writer::Parquet(mut writer) => {
                    writer.finish().map_err(|error| self.refused(error))?;
                }
                Writer::Arrow(mut writer) => {
                    writer.finish().and_then(|()| writer.flush()).map_err(|error| self.refused(error))?;
                }
            }
        }
        drop(state);
        Ok(self.place)
    }

    fn by_month(&self, batch: &RecordBatch, stretches: &[Stretch]) -> Result<Vec<(Option<Month>, RecordBatch)>> {
        if let [(month, _)] = stretches {
            return Ok(vec![(*month, batch.clone())]);
        }
        let mut months: BTreeMap<Option<Month>, Vec<RecordBatch>> = BTreeMap::new();
        for (month, rows) in stretches {
            months.entry(*month).or_default().push(batch.slice(rows.start, rows.len()));
        }
        let whole = |(month, slices): (Option<Month>, Vec<RecordBatch>)| {
            let batch = concat_batches(&batch.schema(), &slices).map_err(|error| self.refused(error))?;
            Ok((month, batch))
        };
        months.into_iter().map(whole).collect()
    }

    fn write(&self, group: Group) -> Result<()> {
        let encoded = group.months.into_iter().map(|(month, batches)| {
            let schema = batches[0].schema();
            let groups = row_groups(batches).into_iter().map(|rows| self.encode(&schema, rows));
            Ok(EncodedMonth { month, groups: groups.collect::<Result<_>>()?, schema })
        });
        let encoded = encoded.collect::<Result<Vec<_>>>()?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for months in state.encoded.put(group.number, encoded) {
            months.into_iter().try_for_each(|month| self.append(&mut state.writers, month))?;
        }
        Ok(())
    }

    /// One group of rows from parts that follow each other.
    fn encode(&self, schema: &SchemaRef, parts: Vec<RecordBatch>) -> Result<Encoded> {
        if self.format == Columnar::Arrow {
            let whole = concat_batches(schema, &parts).map_err(|error| self.refused(error))?;
            return Ok(Encoded::Arrow(whole));
        }
        let encoded = || -> std::result::Result<_, ParquetError> {
            // Only a writer knows how to make those of its columns; this one never writes a byte.
            let model = ArrowWriter::try_new(io::sink(), schema.clone(), Some(parquet_properties(schema)))?;
            let (_, factory) = model.into_serialized_writer()?;
            let mut columns = factory.create_column_writers(0)?.into_iter();
            let mut fields = Vec::with_capacity(schema.fields().len());
            for (at, field) in schema.fields().iter().enumerate() {
                let leaves = parts.iter().map(|part| compute_leaves(field, part.column(at)));
                let leaves = leaves.collect::<std::result::Result<Vec<_>, _>>()?;
                let n_leaves = leaves.first().map_or(0, Vec::len);
                fields.push((leaves, columns.by_ref().take(n_leaves).collect::<Vec<_>>()));
            }
            // A group fills only now and then; threads that wait for it meanwhile take a column each.
            let packed = |(parts, mut columns): (Vec<Vec<ArrowLeafColumn>>, Vec<ArrowColumnWriter>)| {
                for leaves in &parts {
                    leaves.iter().zip(&mut columns).try_for_each(|(leaf, column)| column.write(leaf))?;
                }
                columns.into_iter().map(ArrowColumnWriter::close).collect::<std::result::Result<Vec<_>, _>>()
            };
            let chunks: Vec<Vec<ArrowColumnChunk>> =
                fields.into_par_iter().map(packed).collect::<std::result::Result<_, _>>()?;
            Ok(chunks.into_iter().flatten().collect())
        };
        encoded().map(Encoded::Parquet).map_err(|error| self.refused(error))
    }

    fn append(&self, writers: &mut BTreeMap<Option<Month>, Writer>, encoded: EncodedMonth) -> Result<()> {
        let EncodedMonth { month, schema, groups } = encoded;
        let mut writer = match writers.remove(&month) {
            Some(writer) => writer,
            None => self.begin(month, &schema)?,
        };
        for group in groups {
            match (&mut writer, group) {
                (Writer::Parquet(file), Encoded::Parquet(chunks)) => {
                    let written = file.next_row_group().and_then(|mut rows| {
                        chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut rows))?;
                        rows.close().map(|_| ())
                    });
                    written.map_err(|error| self.refused(error))?;
                }
                (Writer::Arrow(file), Encoded::Arrow(rows)) => {
                    file.write(&rows).map_err(|error| self.refused(error))?;
                }
                // One table has one format.
                _ => {}
            }
        }
        writers.insert(month, writer);
        Ok(())
    }

    fn begin(&self, month: Option<Month>, schema: &SchemaRef) -> Result<Writer> {
        let path = self.place.begin(month)?;
        let kept = match month {
            None => Some(OpenOptions::new().append(true).open(&path).map_err(Error::io("write", self.place.path()))?),
            Some(_) => None,
        };
        let tail = Tail { path, kept };
        Ok(match self.format {
            Columnar::Parquet => {
                let writer = ArrowWriter::try_new(tail, schema.clone(), Some(parquet_properties(schema)))
                    .and_then(ArrowWriter::into_serialized_writer);
                Writer::Parquet(Box::new(writer.map_err(|error| self.refused(error))?.0))
            }
            Columnar::Arrow => {
                let writer = FileWriter::try_new_buffered(tail, schema);
                Writer::Arrow(Box::new(writer.map_err(|error| self.refused(error))?))
            }
        })
    }

    fn refused(&self, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Io { action: "write", path: self.place.path().to_owned(), source: io::Error::other(error) }
    }
}

impl State {
    /// Takes a part; gives the groups that are now full.
    fn gather(&mut self, number: usize, part: Vec<(Option<Month>, RecordBatch)>) -> Vec<Group> {
        let mut full = Vec::new();
        for part in self.parts.put(number, part) {
            for (month, batch) in part {
                self.gathered_values += batch.num_rows() * batch.num_columns();
                self.gathered.entry(month).or_default().push(batch);
            }
            if self.gathered_values >= GROUP_VALUES {
                full.push(self.close());
            }
        }
        full
    }

    fn close(&mut self) -> Group {
        self.gathered_values = 0;
        self.n_groups += 1;
        Group { number: self.n_groups - 1, months: std::mem::take(&mut self.gathered) }
    }
}

/// Parts that follow each other, cut and joined to groups of as many rows as a row group may have.
fn row_groups(parts: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    let mut groups: Vec<Vec<RecordBatch>> = Vec::new();
    let mut room = 0;
    for part in parts {
        for start in (0..part.num_rows()).step_by(FILE_ROWS) {
            let rows = FILE_ROWS.min(part.num_rows() - start);
            if rows > room {
                groups.push(Vec::new());
                room = FILE_ROWS;
            }
            room -= rows;
            groups.last_mut().expect("there is one with room").push(part.slice(start, rows));
        }
    }
    groups
}

/// The end of a file, opened for each write where there are many files: one per month of a long span
/// would be more than a process may keep open.
struct Tail {
    path: PathBuf,
    kept: Option<File>,
}

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kept {
            Some(file) => file.write(bytes),
            None => OpenOptions::new().append(true).open(&self.path)?.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
