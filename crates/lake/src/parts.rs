//! Frames of one table that come in any order, gathered into files of a good size.

use crate::batch::conform;
use crate::store::{FILE_ROWS, write_file};
use crate::{Error, Result, Table};
use datafusion::arrow::array::{Array, ListArray, RecordBatch, StringArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::Schema;
use deltalake::kernel::Add;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Rows from which on a group of parts becomes a file.
const GROUP_ROWS: usize = FILE_ROWS / 2;
/// So many values in lists count for a row: a file of long lists would take gigabytes of memory to write.
const VALUES_OF_A_ROW: usize = 32;

/// Parts in order of their numbers. Which of them share a file follows from their numbers and sizes
/// alone, so the files are the same whichever thread was first.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    next: usize,
    early: BTreeMap<usize, RecordBatch>,
    open: Vec<RecordBatch>,
    open_rows: usize,
    n_groups: usize,
}

/// Neighbouring parts that are to be one file, and their number.
#[derive(Debug)]
pub(crate) struct Group {
    number: usize,
    batches: Vec<RecordBatch>,
}

impl Parts {
    /// The number of a part that comes after all others.
    pub(crate) fn last(&self) -> usize {
        self.early.keys().next_back().map_or(self.next, |last| last + 1)
    }

    /// Takes a part; gives the groups that are now full.
    pub(crate) fn put(&mut self, table: Table, part: usize, batch: RecordBatch) -> Result<Vec<Group>> {
        if part < self.next || self.early.insert(part, batch).is_some() {
            return Err(Error::Storage {
                action: "write",
                table: table.name().to_owned(),
                reason: format!("part {part} was written before; each part has a number of its own"),
            });
        }
        let mut full = Vec::new();
        while let Some(batch) = self.early.remove(&self.next) {
            self.next += 1;
            self.open_rows += size(&batch);
            self.open.push(batch);
            if self.open_rows >= GROUP_ROWS {
                full.extend(self.close());
            }
        }
        Ok(full)
    }

    /// The parts of which no full group was made, holes between their numbers left aside.
    pub(crate) fn rest(&mut self) -> Option<Group> {
        let early = std::mem::take(&mut self.early);
        self.open.extend(early.into_values());
        self.close()
    }

    fn close(&mut self) -> Option<Group> {
        let batches: Vec<RecordBatch> =
            std::mem::take(&mut self.open).into_iter().filter(|b| b.num_rows() > 0).collect();
        self.open_rows = 0;
        if batches.is_empty() {
            return None;
        }
        self.n_groups += 1;
        Some(Group { number: self.n_groups - 1, batches })
    }
}

impl Group {
    /// Writes the group, one file per run and [`FILE_ROWS`].
    pub(crate) fn write(&self, folder: &Path, table: Table, version: u64) -> Result<Vec<Add>> {
        let whole = together(table, &self.batches)?;
        let runs = by_run(table, &whole);
        let slices: Vec<(Option<&str>, usize, RecordBatch)> = runs
            .iter()
            .flat_map(|(run, rows)| slices(rows).into_iter().enumerate().map(move |(at, s)| (run.as_deref(), at, s)))
            .collect();
        slices
            .into_par_iter()
            .map(|(run, slice, rows)| {
                let name = format!("part-{:05}-{slice:03}-v{version:08}.parquet", self.number);
                write_file(folder, table, &name, run, &rows)
            })
            .collect()
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

/// Rows of a batch, long lists counted for several.
fn size(batch: &RecordBatch) -> usize {
    let lists = batch.columns().iter().filter_map(|column| column.as_any().downcast_ref::<ListArray>());
    batch.num_rows() + lists.map(|lists| lists.values().len()).sum::<usize>() / VALUES_OF_A_ROW
}

/// Batches as one, with the columns of all of them; those of metrics in order of their names.
fn together(table: Table, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let first = batches[0].schema();
    if batches.iter().all(|batch| batch.schema() == first) {
        return concat_batches(&first, batches).map_err(Error::storage("write", table.name()));
    }
    let n_own = table.columns().len();
    let mut fields: Vec<_> = first.fields()[..n_own].to_vec();
    let metrics: BTreeMap<String, _> = batches
        .iter()
        .flat_map(|batch| {
            batch.schema().fields()[n_own..].iter().map(|f| (f.name().clone(), f.clone())).collect::<Vec<_>>()
        })
        .collect();
    fields.extend(metrics.into_values());
    let schema = Arc::new(Schema::new(fields));
    let same: Vec<RecordBatch> = batches.iter().map(|batch| conform(table, batch, &schema)).collect::<Result<_>>()?;
    concat_batches(&schema, &same).map_err(Error::storage("write", table.name()))
}

/// Rows of each run, because a file holds rows of one run.
fn by_run(table: Table, batch: &RecordBatch) -> Vec<(Option<String>, RecordBatch)> {
    if !table.is_of_runs() {
        return vec![(None, batch.clone())];
    }
    let runs = batch.column_by_name("run_id").and_then(|a| a.as_any().downcast_ref::<StringArray>());
    let runs = runs.expect("a batch in its table's shape has the key, and the run is text");
    let mut parts: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    let mut start = 0;
    for row in 1..=batch.num_rows() {
        if row == batch.num_rows() || runs.value(row) != runs.value(start) {
            parts.entry(runs.value(start)).or_default().push((start, row - start));
            start = row;
        }
    }
    let rows = |stretches: &[(usize, usize)]| -> RecordBatch {
        let slices: Vec<RecordBatch> = stretches.iter().map(|(start, n)| batch.slice(*start, *n)).collect();
        concat_batches(&batch.schema(), &slices).expect("slices of one batch have one schema")
    };
    parts.into_iter().map(|(run, stretches)| (Some(run.to_owned()), rows(&stretches))).collect()
}

fn slices(batch: &RecordBatch) -> Vec<RecordBatch> {
    (0..batch.num_rows())
        .step_by(FILE_ROWS)
        .map(|start| batch.slice(start, FILE_ROWS.min(batch.num_rows() - start)))
        .collect()
}
