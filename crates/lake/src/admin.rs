//! Looking after a lake: what is in it, what happened to it, fewer files, earlier versions, its schema.

use crate::lake::Lake;
use crate::store::DataFile;
use crate::{Error, Result, Table, tracks};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A table at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The table.
    pub table: &'static str,
    /// Its latest version.
    pub version: u64,
    /// Its rows.
    pub n_rows: u64,
    /// Its Parquet files.
    pub n_files: usize,
    /// Their size in bytes.
    pub n_bytes: u64,
    /// What a row is.
    pub about: &'static str,
}

/// One version of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// The table.
    pub table: &'static str,
    /// The version that the commit made.
    pub version: u64,
    /// When, in milliseconds since 1970-01-01 UTC; `None` where the log does not say.
    pub committed_ms: Option<i64>,
    /// What was done, in the words of Delta Lake: `WRITE`, `RESTORE`.
    pub operation: String,
}

/// What compaction did to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// The table.
    pub table: &'static str,
    /// Files before.
    pub files_before: usize,
    /// Files after.
    pub files_after: usize,
    /// Files that no version within the last week needs, deleted from disk.
    pub files_deleted: usize,
}

/// Who is to read the lake by the statements of [`Lake::ddl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Amazon Athena.
    Athena,
    /// Apache Spark with Delta Lake.
    Spark,
    /// DuckDB with its `delta` extension.
    DuckDb,
}

impl Dialect {
    /// The dialect called `name`: `athena`, `spark` or `duckdb`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest one.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "athena" => Ok(Self::Athena),
            "spark" => Ok(Self::Spark),
            "duckdb" => Ok(Self::DuckDb),
            _ => Err(Error::unknown("dialect", name, "`ddl`", &["athena", "spark", "duckdb"])),
        }
    }
}

impl Lake {
    /// The tables with their sizes.
    ///
    /// # Errors
    /// [`Error::Storage`] when one cannot be opened.
    pub fn summary(&self) -> Result<Vec<TableSummary>> {
        let summaries = Table::ALL.into_iter().map(|table| {
            let snapshot = self.store().snapshot(table)?;
            Ok(TableSummary {
                table: table.name(),
                version: snapshot.version,
                n_rows: snapshot.files.iter().map(|f| f.rows).sum(),
                n_files: snapshot.files.len(),
                n_bytes: snapshot.files.iter().map(|f| f.bytes).sum(),
                about: table.about(),
            })
        });
        summaries.collect()
    }

    /// The versions of a table, newest first.
    ///
    /// # Errors
    /// [`Error::Storage`] when its log cannot be read.
    pub fn history(&self, table: Table) -> Result<Vec<HistoryEntry>> {
        let snapshot = self.store().snapshot(table)?;
        let infos = self.store().wait(async {
            use futures::TryStreamExt as _;
            snapshot.delta.history(None).try_collect::<Vec<_>>().await
        });
        let infos = infos.map_err(Error::storage("read", table.name()))?;
        let latest = snapshot.version;
        // Every commit of the log has its entry, so the versions follow from the order.
        let entries = infos.into_iter().enumerate().map(|(at, info)| HistoryEntry {
            table: table.name(),
            version: latest.saturating_sub(at as u64),
            committed_ms: info.timestamp,
            operation: info.operation.unwrap_or_default(),
        });
        Ok(entries.collect())
    }

    /// Takes one table back to an earlier version, as a new version of it.
    ///
    /// # Errors
    /// [`Error::Version`] when there is no such version, [`Error::Busy`] while the lake is being changed.
    pub fn restore(&self, table: Table, version: u64) -> Result<()> {
        let _lock = self.lock()?;
        self.store().wait(self.store().restore(table, version))
    }

    /// Writes the rows of each table into few files and deletes files that nobody needs: those of no
    /// version within the last week. What the tables say stays the same.
    ///
    /// # Errors
    /// [`Error::Busy`] while the lake is being changed; otherwise when a table cannot be read or written.
    pub fn compact(&self) -> Result<Vec<Compaction>> {
        let mut done = Vec::new();
        for table in Table::ALL {
            let files_before = self.store().snapshot(table)?.files.len();
            let change = self.begin()?;
            self.rearrange(&change, table)?;
            change.commit()?;
            let _lock = self.lock()?;
            let after = self.store().snapshot(table)?;
            let files_after = after.files.len();
            let (_, metrics) = self
                .store()
                .wait(async { after.delta.vacuum().await })
                .map_err(Error::storage("compact", table.name()))?;
            done.push(Compaction {
                table: table.name(),
                files_before,
                files_after,
                files_deleted: metrics.files_deleted.len(),
            });
        }
        Ok(done)
    }

    fn rearrange(&self, change: &crate::Change, table: Table) -> Result<()> {
        let snapshot = self.store().snapshot(table)?;
        let mut part = 0;
        for group in groups(table, &snapshot.files) {
            let rows: u64 = group.iter().map(|file| file.rows).sum();
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            let file_rows = if table.has_metrics() { tracks::rows_per_file(rows) } else { crate::store::FILE_ROWS };
            if group.len() <= rows.div_ceil(file_rows).max(1) {
                continue;
            }
            if table.has_metrics() {
                part = tracks::write(change, table, &tracks::read(&snapshot, &group, |_| true)?, part)?;
            } else {
                let batches = snapshot.read(&group, None)?;
                let whole =
                    concat_batches(&snapshot.schema, &batches).map_err(Error::storage("compact", table.name()))?;
                change.write_batch(table, crate::batch::in_key_order(table, whole)?, part)?;
                part += 1;
            }
            change.replace_files(table, group.into_iter().map(|file| file.path))?;
            change.is_rearrangement(table)?;
        }
        Ok(())
    }

    /// Statements by which another program reads the lake's tables where they lie.
    ///
    /// `location` is where that program finds the lake, for example `s3://bucket/lake`; the lake's own
    /// folder when `None`.
    ///
    /// # Errors
    /// [`Error::Storage`] when a table cannot be opened.
    pub fn ddl(&self, dialect: Dialect, location: Option<&str>) -> Result<String> {
        let own = self.path().to_string_lossy();
        let root = location.unwrap_or(&own).trim_end_matches('/').replace('\'', "''");
        let mut out = String::new();
        for table in Table::ALL {
            let name = table.name();
            let _ = writeln!(out, "-- {name}: {}", table.about());
            for field in self.store().snapshot(table)?.schema.fields() {
                let unit = field.metadata().get("unit").map(|unit| format!(", {unit}")).unwrap_or_default();
                let _ = writeln!(out, "--   {} {}{unit}", field.name(), sql_type(field.data_type()));
            }
            let _ = match dialect {
                Dialect::Athena => writeln!(
                    out,
                    "CREATE EXTERNAL TABLE {name}\nLOCATION '{root}/{name}/'\nTBLPROPERTIES ('table_type' = 'DELTA');\n"
                ),
                Dialect::Spark => writeln!(out, "CREATE TABLE {name} USING DELTA LOCATION '{root}/{name}';\n"),
                Dialect::DuckDb => writeln!(out, "CREATE VIEW {name} AS SELECT * FROM delta_scan('{root}/{name}');\n"),
            };
        }
        Ok(out)
    }
}

/// Files that may become one: those of a run, those of the same servers, or all of a table.
fn groups(table: Table, files: &[DataFile]) -> Vec<Vec<DataFile>> {
    if !table.is_of_runs() {
        return vec![files.to_vec()];
    }
    let mut runs: BTreeMap<Option<&String>, Vec<DataFile>> = BTreeMap::new();
    for file in files {
        runs.entry(file.run_id.as_ref()).or_default().push(file.clone());
    }
    runs.into_values().collect()
}

fn sql_type(kind: &DataType) -> String {
    match kind {
        DataType::Float64 => "double".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::List(item) => format!("array<{}>", sql_type(item.data_type())),
        _ => "string".to_owned(),
    }
}
