//! Delta tables of a lake: opening, their Parquet files, commits.

use crate::batch::{base_schema, conform};
use crate::{Error, Result, Table};
use datafusion::arrow::array::{
    Array, ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::arrow::{ArrowWriter, ProjectionMask};
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, StructType};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, ensure_table_uri};
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// Rows of a row group, and the most a file takes from one frame.
pub(crate) const FILE_ROWS: usize = 1 << 17;

/// The tables' folder and the runtime that the storage libraries need.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) root: PathBuf,
    runtime: Runtime,
}

/// A table as one version of it stands.
pub(crate) struct Snapshot {
    pub(crate) table: Table,
    pub(crate) delta: DeltaTable,
    pub(crate) version: u64,
    pub(crate) schema: SchemaRef,
    pub(crate) files: Vec<DataFile>,
}

/// A Parquet file of a table.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// The run its rows belong to, in tables of runs.
    pub(crate) run_id: Option<String>,
    /// Smallest and largest value of the first key column.
    pub(crate) range: Option<(String, String)>,
    pub(crate) remove: deltalake::kernel::Remove,
}

impl Store {
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("fleetcast-lake")
            .build()
            .map_err(Error::io("start threads to read", root))?;
        Ok(Self { root: root.to_owned(), runtime })
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn folder(&self, table: Table) -> PathBuf {
        self.root.join(table.name())
    }

    fn location(&self, table: Table) -> Result<String> {
        let folder = self.folder(table);
        folder.to_str().map(str::to_owned).ok_or_else(|| Error::Storage {
            action: "open",
            table: table.name().to_owned(),
            reason: format!("`{}` is not UTF-8; Delta Lake needs a folder whose name is", folder.display()),
        })
    }

    fn is_absent(&self, table: Table) -> bool {
        !self.folder(table).join("_delta_log").join("00000000000000000000.json").exists()
    }

    /// Whether some table was never made.
    pub(crate) fn has_absent(&self) -> bool {
        Table::ALL.into_iter().any(|table| self.is_absent(table))
    }

    /// Makes the tables that are not there.
    pub(crate) fn create_absent(&self) -> Result<()> {
        let absent = Table::ALL.into_iter().filter(|table| self.is_absent(*table));
        self.wait(futures::future::try_join_all(absent.map(|table| self.create(table))))?;
        Ok(())
    }

    /// Makes a table without rows.
    async fn create(&self, table: Table) -> Result<()> {
        let folder = self.folder(table);
        std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let schema: StructType =
            base_schema(table).as_ref().try_into_kernel().map_err(Error::storage("create", table.name()))?;
        let delta = DeltaTable::try_from_url(
            ensure_table_uri(self.location(table)?).map_err(Error::storage("create", table.name()))?,
        )
        .await
        .map_err(Error::storage("create", table.name()))?;
        let partitions: &[&str] = if table.is_of_runs() { &["run_id"] } else { &[] };
        delta
            .create()
            .with_table_name(table.name())
            .with_comment(table.about())
            .with_columns(schema.fields().cloned())
            .with_partition_columns(partitions.iter().copied())
            .await
            .map_err(Error::storage("create", table.name()))?;
        Ok(())
    }

    /// The latest version of a table.
    pub(crate) fn snapshot(&self, table: Table) -> Result<Snapshot> {
        self.wait(self.load(table, None))
    }

    pub(crate) async fn load(&self, table: Table, version: Option<u64>) -> Result<Snapshot> {
        let url = ensure_table_uri(self.location(table)?).map_err(Error::storage("open", table.name()))?;
        let delta = match version {
            None => deltalake::open_table(url).await,
            Some(version) => deltalake::open_table_with_version(url, version).await,
        };
        let delta = delta.map_err(Error::storage("open", table.name()))?;
        let state = delta.snapshot().map_err(Error::storage("open", table.name()))?;
        let log = state.snapshot().try_log_data().map_err(Error::storage("open", table.name()))?;
        let files = log.iter().map(|file| {
            let partitions = file.partition_values_map();
            let stats: serde_json::Value = file.stats().and_then(|s| serde_json::from_str(&s).ok()).unwrap_or_default();
            let first = table.key().iter().find(|key| **key != "run_id").copied().unwrap_or_default();
            let end = |which: &str| stats[which][first].as_str().map(str::to_owned);
            DataFile {
                path: self.folder(table).join(file.path().as_ref()),
                rows: stats["numRecords"].as_u64().unwrap_or(0),
                bytes: file.size().unsigned_abs(),
                run_id: partitions.get("run_id").cloned().flatten(),
                range: end("minValues").zip(end("maxValues")),
                remove: file.remove_action(true),
            }
        });
        let mut files: Vec<DataFile> = files.collect();
        // The log lists files in no order; reading must not depend on it.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let schema = state.snapshot().arrow_schema();
        Ok(Snapshot { table, version: state.version(), schema, files, delta })
    }

    /// Commits to one table, all or nothing.
    pub(crate) async fn commit(
        &self,
        snapshot: &Snapshot,
        actions: Vec<Action>,
        operation: DeltaOperation,
    ) -> Result<()> {
        let state = snapshot.delta.snapshot().map_err(Error::storage("write", snapshot.table.name()))?;
        let properties = CommitProperties::default().with_max_retries(0);
        CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state), snapshot.delta.log_store(), operation)
            .await
            .map_err(Error::storage("write", snapshot.table.name()))?;
        Ok(())
    }

    /// Takes a table back to an earlier version, by a commit of its own.
    pub(crate) async fn restore(&self, table: Table, version: u64) -> Result<()> {
        let now = self.load(table, None).await?;
        if version > now.version {
            return Err(Error::Version { table: table.name().to_owned(), found: version, latest: now.version });
        }
        if version < now.version {
            let fail = Error::storage("restore", table.name());
            now.delta.restore().with_version_to_restore(version).await.map_err(fail)?;
        }
        Ok(())
    }
}

/// What a commit that writes files is called in the table's history.
pub(crate) fn write_operation(mode: SaveMode) -> DeltaOperation {
    DeltaOperation::Write { mode, partition_by: None, predicate: None }
}

impl Snapshot {
    /// Columns of `files` as one batch, in the order of the files; all columns when none are named.
    pub(crate) fn read(&self, files: &[DataFile], columns: Option<&[String]>) -> Result<Vec<RecordBatch>> {
        let schema = match columns {
            None => self.schema.clone(),
            Some(names) => self.projected(|name| names.iter().any(|wanted| wanted == name))?,
        };
        files.par_iter().map(|file| self.read_file(file, &schema)).collect()
    }

    /// All rows as one batch in order of the key.
    pub(crate) fn read_all(&self) -> Result<RecordBatch> {
        let batches = self.read(&self.files, None)?;
        let whole = concat_batches(&self.schema, &batches).map_err(Error::storage("read", self.table.name()))?;
        crate::batch::in_key_order(self.table, whole)
    }

    /// A file as one batch.
    fn read_file(&self, file: &DataFile, schema: &SchemaRef) -> Result<RecordBatch> {
        let batches = self.batches(file, schema, FILE_ROWS)?.collect::<Result<Vec<_>>>()?;
        concat_batches(schema, &batches).map_err(Error::storage("read", self.table.name()))
    }

    /// A file in batches of at most so many rows, in its order.
    fn batches(
        &self,
        file: &DataFile,
        schema: &SchemaRef,
        most_rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let table = self.table;
        let handle = File::open(&file.path).map_err(Error::io("read", &file.path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(handle).map_err(Error::storage("read", table.name()))?;
        let roots: Vec<usize> = builder
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, f)| schema.column_with_name(f.name()).is_some())
            .map(|(i, _)| i)
            .collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(rows.clamp(1, most_rows))
            .build()
            .map_err(Error::storage("read", table.name()))?;
        let (run_id, schema) = (file.run_id.clone(), schema.clone());
        Ok(reader.map(move |batch| {
            let batch = with_run(batch.map_err(Error::storage("read", table.name()))?, run_id.as_deref(), &schema)
                .map_err(Error::storage("read", table.name()))?;
            conform(table, &batch, &schema)
        }))
    }

    /// Hands out some columns of a run's rows, a batch of at most so many rows at a time, in the order of the files.
    pub(crate) fn each_batch<E: From<Error>>(
        &self,
        run_id: &str,
        columns: &[&str],
        most_rows: usize,
        mut each: impl FnMut(RecordBatch) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let schema = self.projected(|name| columns.contains(&name))?;
        for file in self.files.iter().filter(|file| file.run_id.as_deref() == Some(run_id)) {
            for batch in self.batches(file, &schema, most_rows)? {
                each(batch?)?;
            }
        }
        Ok(())
    }

    fn projected(&self, is_wanted: impl Fn(&str) -> bool) -> Result<SchemaRef> {
        let fields = self.schema.fields().iter().enumerate();
        let indices: Vec<usize> = fields.filter(|(_, f)| is_wanted(f.name())).map(|(i, _)| i).collect();
        let schema = self.schema.project(&indices).map_err(Error::storage("read", self.table.name()))?;
        Ok(std::sync::Arc::new(schema))
    }
}

/// The run is in the file's path, not in the file.
fn with_run(
    batch: RecordBatch,
    run_id: Option<&str>,
    wanted: &SchemaRef,
) -> std::result::Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let Some(run_id) = run_id.filter(|_| wanted.column_with_name("run_id").is_some()) else { return Ok(batch) };
    let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    fields.push(std::sync::Arc::new(datafusion::arrow::datatypes::Field::new("run_id", DataType::Utf8, false)));
    columns.push(std::sync::Arc::new(StringArray::from(vec![run_id; batch.num_rows()])));
    RecordBatch::try_new(std::sync::Arc::new(datafusion::arrow::datatypes::Schema::new(fields)), columns)
}

/// Writes one Parquet file below the table's folder and describes it for the table's log.
pub(crate) fn write_file(
    folder: &Path,
    table: Table,
    name: &str,
    run_id: Option<&str>,
    batch: &RecordBatch,
) -> Result<Add> {
    let relative = match run_id {
        Some(run_id) => format!("run_id={}/{name}", escaped(run_id)),
        None => name.to_owned(),
    };
    let path = folder.join(&relative);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    let batch = match batch.schema().index_of("run_id") {
        Ok(at) if table.is_of_runs() => {
            let rest: Vec<usize> = (0..batch.num_columns()).filter(|i| *i != at).collect();
            batch.project(&rest).map_err(Error::storage("write", table.name()))?
        }
        _ => batch.clone(),
    };
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    write_parquet(&file, &batch, &path)?;
    // Synced before the log names it, so that a power cut cannot leave a row pointing at nothing.
    file.sync_data().map_err(Error::io("write", &path))?;
    let meta = file.metadata().map_err(Error::io("read", &path))?;
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Add {
        path: relative,
        partition_values: run_id
            .map(|id| HashMap::from([("run_id".to_owned(), Some(id.to_owned()))]))
            .unwrap_or_default(),
        size: meta.len() as i64,
        modification_time: modified.map_or(0, |since| since.as_millis() as i64),
        data_change: true,
        stats: Some(statistics(table, &batch)),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    })
}

/// A run id as part of a path: what is not a letter, a digit, `-`, `_` or `.` as `%` and its code.
fn escaped(run_id: &str) -> String {
    let mut out = String::new();
    for byte in run_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Writes a batch as Parquet.
pub(crate) fn write_parquet(file: &File, batch: &RecordBatch, path: &Path) -> Result<()> {
    let fail = |error: datafusion::parquet::errors::ParquetError| Error::Io {
        action: "write",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    };
    let properties = parquet_properties(&batch.schema());
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(fail)?;
    writer.write(batch).map_err(fail)?;
    writer.close().map_err(fail)?;
    Ok(())
}

/// The encodings that suit telemetry.
pub(crate) fn parquet_properties(schema: &Schema) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(FILE_ROWS));
    for field in schema.fields() {
        let column = ColumnPath::new(vec![field.name().clone()]);
        let encoding = match field.data_type() {
            DataType::Float64 => Encoding::BYTE_STREAM_SPLIT,
            DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => Encoding::DELTA_BINARY_PACKED,
            _ => continue,
        };
        properties =
            properties.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
    }
    properties.build()
}

/// The row count and the ranges of the key columns, by which readers skip files.
fn statistics(table: Table, batch: &RecordBatch) -> String {
    let (mut low, mut high, mut nulls) = (serde_json::Map::new(), serde_json::Map::new(), serde_json::Map::new());
    for name in table.key().iter().filter(|_| batch.num_rows() > 0) {
        let Some(array) = batch.column_by_name(name) else { continue };
        let Some((least, most)) = range(array) else { continue };
        low.insert((*name).to_owned(), least);
        high.insert((*name).to_owned(), most);
        nulls.insert((*name).to_owned(), 0.into());
    }
    serde_json::json!({"numRecords": batch.num_rows(), "minValues": low, "maxValues": high, "nullCount": nulls})
        .to_string()
}

fn range(array: &ArrayRef) -> Option<(serde_json::Value, serde_json::Value)> {
    let any = array.as_any();
    if let Some(text) = any.downcast_ref::<StringArray>() {
        let (least, most) = crate::batch::text_range(text)?;
        return Some((least.into(), most.into()));
    }
    if let Some(days) = any.downcast_ref::<Date32Array>() {
        let show = |day: &i32| crate::batch::date_of(*day).to_string().into();
        return Some((show(days.values().iter().min()?), show(days.values().iter().max()?)));
    }
    if let Some(times) = any.downcast_ref::<TimestampMicrosecondArray>() {
        let show =
            |at: &i64| jiff::Timestamp::from_millisecond(at.div_euclid(1000)).ok().map(|t| format!("{t:.3}").into());
        let (mut least, mut most) = (*times.values().first()?, *times.values().first()?);
        for &at in times.values() {
            least = if at < least { at } else { least };
            most = if at > most { at } else { most };
        }
        return Some((show(&least)?, show(&most)?));
    }
    let whole = any.downcast_ref::<Int64Array>()?.values();
    Some(((*whole.iter().min()?).into(), (*whole.iter().max()?).into()))
}
