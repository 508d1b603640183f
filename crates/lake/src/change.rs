//! A change of several tables that happens as a whole or not at all.

use crate::batch::{base_schema, metric_field, to_batch};
use crate::journal::Journal;
use crate::lake::Lake;
use crate::parts::{Group, Parts};
use crate::store::{Snapshot, write_operation};
use crate::{Error, Frame, Result, Table};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::{Action, Add, MetadataExt as _, StructType};
use deltalake::protocol::SaveMode;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What becomes of the rows a table already has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They go.
    Replace,
    /// Those of this run go; the frame's rows belong to it, and the frame needs no `run_id` column.
    ReplaceRun(String),
    /// They stay. The new rows must have keys that the table has not.
    Append,
}

/// A change under way: what is written is seen by nobody until [`Change::commit`], and dropping the
/// change undoes it. While it lives, no other change of the lake can begin.
///
/// Frames may be written from many threads at once. They are stored in order of their `part` numbers,
/// so the result does not depend on which thread came first.
#[derive(Debug)]
pub struct Change {
    lake: Lake,
    // Held for its lock, which ends with it, even when the process is killed.
    _lock: File,
    pending: Mutex<BTreeMap<Table, Pending>>,
    units: Mutex<BTreeMap<String, String>>,
    committed: bool,
}

/// What will be committed to one table.
#[derive(Debug)]
struct Pending {
    base: Snapshot,
    /// Whether all rows go, and the runs of which they go.
    replaces_all: bool,
    replaced_runs: BTreeSet<String>,
    /// Files to go whatever their run, by path.
    replaced_files: BTreeSet<PathBuf>,
    metrics: BTreeSet<String>,
    parts: Parts,
    /// Files written, by the number of their group.
    adds: BTreeMap<usize, Vec<Add>>,
    /// Whether a write failed, so that committing would lose rows.
    is_broken: bool,
    data_change: bool,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at version {}", self.table, self.version)
    }
}

impl Change {
    pub(crate) fn begin(lake: &Lake) -> Result<Self> {
        let lock = lake.lock()?;
        Ok(Self {
            lake: lake.clone(),
            _lock: lock,
            pending: Mutex::default(),
            units: Mutex::default(),
            committed: false,
        })
    }

    /// Writes a frame after those written before.
    ///
    /// # Errors
    /// When the frame does not fit the table (a column that is missing, unknown or of another type, an
    /// empty or repeated key), or cannot be stored.
    pub fn write(&self, table: Table, frame: &Frame, mode: &Mode) -> Result<()> {
        let part = self.pending().get(&table).map_or(0, |pending| pending.parts.last());
        self.write_part(table, frame, mode, part)
    }

    /// Writes a frame as part number `part` of a table; parts are counted from 0 and may come in any
    /// order, from any thread. Small neighbours share a file, so a part may be as small as one server.
    ///
    /// # Errors
    /// As [`Change::write`], and when the part was written before.
    pub fn write_part(&self, table: Table, frame: &Frame, mode: &Mode, part: usize) -> Result<()> {
        let run_id = match mode {
            Mode::ReplaceRun(run_id) => Some(run_id.as_str()),
            Mode::Replace | Mode::Append => None,
        };
        if table == Table::Metrics {
            self.note_units(frame)?;
        }
        let batch = to_batch(table, frame, run_id)?;
        match mode {
            Mode::Replace => self.with_pending(table, |pending| pending.replaces_all = true)?,
            Mode::ReplaceRun(run_id) if table.is_of_runs() => {
                self.with_pending(table, |pending| pending.replaced_runs.insert(run_id.clone()))?;
            }
            Mode::ReplaceRun(_) => {
                let known: Vec<&str> = Table::ALL.iter().filter(|t| t.is_of_runs()).map(|t| t.name()).collect();
                return Err(Error::unknown("table of runs", table.name(), "the lake", &known));
            }
            Mode::Append => self.with_pending(table, |_| ())?,
        }
        self.write_batch(table, batch, part)
    }

    /// Lets all rows of a table go; what is written to it besides stays.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn clear(&self, table: Table) -> Result<()> {
        self.with_pending(table, |pending| pending.replaces_all = true)
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<Table, Pending>> {
        // What the lock guards is whole between any two statements, so a panic elsewhere spoils nothing.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_pending<T>(&self, table: Table, change: impl FnOnce(&mut Pending) -> T) -> Result<T> {
        let mut all = self.pending();
        if let std::collections::btree_map::Entry::Vacant(entry) = all.entry(table) {
            entry.insert(Pending {
                base: self.lake.store().snapshot(table)?,
                replaces_all: false,
                replaced_runs: BTreeSet::new(),
                replaced_files: BTreeSet::new(),
                metrics: BTreeSet::new(),
                parts: Parts::default(),
                adds: BTreeMap::new(),
                is_broken: false,
                data_change: true,
            });
        }
        let pending = all.get_mut(&table).expect("the entry was made above");
        Ok(change(pending))
    }

    fn note_units(&self, frame: &Frame) -> Result<()> {
        let Ok(units) = frame.text("unit") else { return Ok(()) };
        let mut known = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        for (metric, unit) in frame.text("metric")?.iter().zip(units) {
            if let (Some(metric), Some(unit)) = (metric, unit) {
                known.insert(metric.to_string(), unit.to_string());
            }
        }
        Ok(())
    }

    /// Writes sorted rows that already have the table's shape.
    pub(crate) fn write_batch(&self, table: Table, batch: RecordBatch, part: usize) -> Result<()> {
        let own = table.columns().len();
        let metrics: Vec<String> = batch.schema().fields().iter().skip(own).map(|f| f.name().clone()).collect();
        let (groups, version) = self.with_pending(table, |pending| {
            pending.metrics.extend(metrics);
            let groups = pending.parts.put(table, part, batch);
            pending.is_broken |= groups.is_err();
            groups.map(|groups| (groups, pending.base.version + 1))
        })??;
        groups.iter().try_for_each(|group| self.write_group(table, group, version))
    }

    fn write_group(&self, table: Table, group: &Group, version: u64) -> Result<()> {
        let written = group.write(&self.lake.store().folder(table), table, version);
        self.with_pending(table, |pending| {
            pending.is_broken |= written.is_err();
            written.map(|adds| drop(pending.adds.insert(group.number(), adds)))
        })?
    }

    fn write_rest(&self) -> Result<()> {
        let rest: Vec<(Table, u64, Group)> = self
            .pending()
            .iter_mut()
            .filter_map(|(table, pending)| Some((*table, pending.base.version + 1, pending.parts.rest()?)))
            .collect();
        rest.par_iter().try_for_each(|(table, version, group)| self.write_group(*table, group, *version))
    }

    /// Lets single files go, because what is written besides holds their rows.
    pub(crate) fn replace_files(&self, table: Table, files: impl IntoIterator<Item = PathBuf>) -> Result<()> {
        self.with_pending(table, |pending| pending.replaced_files.extend(files))
    }

    /// Says that the rows stay as they are and only the files change.
    pub(crate) fn is_rearrangement(&self, table: Table) -> Result<()> {
        self.with_pending(table, |pending| pending.data_change = false)
    }

    /// Makes everything written visible at once.
    ///
    /// Each table's commit is atomic; a journal beside them lets the next command take back a change
    /// that was killed between two of them.
    ///
    /// # Errors
    /// When a table cannot be committed; the lake is then as it was.
    pub fn commit(self) -> Result<()> {
        self.commit_then(|_| Ok(()))
    }

    /// As [`Change::commit`], with `after` called when each table has been committed.
    pub(crate) fn commit_then(mut self, after: impl Fn(Table) -> Result<()>) -> Result<()> {
        self.write_rest()?;
        if let Some((table, _)) = self.pending().iter().find(|(_, pending)| pending.is_broken) {
            let reason = "a part of it could not be written before".to_owned();
            return Err(Error::Storage { action: "commit", table: table.name().to_owned(), reason });
        }
        let mut commits = Vec::new();
        for pending in std::mem::take(&mut *self.pending()).into_values() {
            let (actions, mode) = self.actions(&pending)?;
            if !actions.is_empty() {
                commits.push((pending.base, actions, mode));
            }
        }
        self.committed = true;
        let versions = commits.iter().map(|(base, _, _)| (base.table, base.version)).collect();
        let journal = Journal::write(self.lake.store(), versions)?;
        for (base, actions, mode) in commits {
            let table = base.table;
            let store = self.lake.store();
            let done = store.wait(store.commit(&base, actions, write_operation(mode))).and_then(|()| after(table));
            if let Err(error) = done {
                journal.roll_back(store)?;
                return Err(error);
            }
        }
        journal.done()
    }

    fn actions(&self, pending: &Pending) -> Result<(Vec<Action>, SaveMode)> {
        let table = pending.base.table;
        let goes = |file: &&crate::store::DataFile| {
            pending.replaces_all
                || pending.replaced_files.contains(&file.path)
                || file.run_id.as_ref().is_some_and(|run| pending.replaced_runs.contains(run))
        };
        let mut actions = Vec::new();
        if let Some(schema) = self.evolved(pending)? {
            let schema: StructType =
                schema.as_ref().try_into_kernel().map_err(Error::storage("write", table.name()))?;
            let state = pending.base.delta.snapshot().map_err(Error::storage("write", table.name()))?;
            actions.push(Action::Metadata(
                state.metadata().clone().with_schema(&schema).map_err(Error::storage("write", table.name()))?,
            ));
        }
        let change = pending.data_change;
        let removed: Vec<_> = pending.base.files.iter().filter(goes).collect();
        let mode = if removed.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        actions.extend(removed.into_iter().map(|file| {
            let mut remove = file.remove.clone();
            remove.data_change = change;
            Action::Remove(remove)
        }));
        actions
            .extend(pending.adds.values().flatten().map(|add| Action::Add(Add { data_change: change, ..add.clone() })));
        Ok((actions, mode))
    }

    /// The table's schema with the columns that it got since it was made, and those that new metrics need; `None`
    /// when it has them all.
    fn evolved(&self, pending: &Pending) -> Result<Option<SchemaRef>> {
        let schema = &pending.base.schema;
        let is_new = |name: &str| schema.column_with_name(name).is_none();
        let own = base_schema(pending.base.table);
        let later: Vec<_> = own.fields().iter().filter(|field| is_new(field.name())).cloned().collect();
        let new: Vec<&String> = pending.metrics.iter().filter(|name| is_new(name)).collect();
        if new.is_empty() && later.is_empty() {
            return Ok(None);
        }
        let mut units: BTreeMap<String, String> =
            self.lake.metrics()?.into_iter().map(|m| (m.name().to_owned(), m.unit().to_string())).collect();
        units.extend(self.units.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let mut fields: Vec<_> = schema.fields().iter().cloned().chain(later).collect();
        for name in new {
            let metric = match pending.base.table {
                Table::Daily => crate::daily::metric_of(name).unwrap_or(name),
                _ => name,
            };
            fields.push(std::sync::Arc::new(metric_field(name, units.get(metric).map(String::as_str))));
        }
        Ok(Some(std::sync::Arc::new(Schema::new(fields))))
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        for pending in std::mem::take(&mut *self.pending()).into_values() {
            for add in pending.adds.values().flatten() {
                let path = self.lake.store().folder(pending.base.table).join(&add.path);
                // A file that cannot be removed is in nobody's way: no table names it.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}
