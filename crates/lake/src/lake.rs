//! A lake: a folder of tables that change together.

use crate::batch::to_frame;
use crate::change::Change;
use crate::journal::{Journal, OWN_FOLDER};
use crate::store::Store;
use crate::{Column, Error, Frame, Result, Table};
use datafusion::arrow::array::RecordBatch;
use fleetcast_core::{Metric, Server, Shape, Unit, Zone};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

/// A lake: a folder of Delta tables, one per [`Table`].
///
/// All calls block, so none may be made from inside an asynchronous runtime. A clone is the same lake.
#[derive(Clone, Debug)]
pub struct Lake {
    store: Arc<Store>,
}

impl Lake {
    /// Opens the lake in a folder, or makes one there when the folder is absent or empty.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the folder holds something else, [`Error::Io`] when it cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if is_lake(path) {
            return Self::open(path);
        }
        if let Some(found) = something_else_in(path)? {
            return Err(Error::NotEmpty { path: path.to_owned(), found });
        }
        let own = path.join(OWN_FOLDER);
        std::fs::create_dir_all(&own).map_err(Error::io("create", &own))?;
        let path = std::fs::canonicalize(path).map_err(Error::io("open", path))?;
        let store = Store::new(&path)?;
        // A lake whose making was interrupted has no marker yet, and some of its tables.
        store.create_absent()?;
        let marker = path.join(OWN_FOLDER).join(MARKER);
        let text = format!("{{\"made_by\": \"fleetcast\", \"version\": \"{}\"}}\n", env!("CARGO_PKG_VERSION"));
        std::fs::write(&marker, text).map_err(Error::io("write", &marker))?;
        Ok(Self { store: Arc::new(store) })
    }

    /// Opens the lake in a folder; a change that was killed halfway is taken back first, and tables that it has not
    /// yet, because an earlier version made it, are made.
    ///
    /// # Errors
    /// [`Error::NotALake`] when there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !is_lake(path) {
            let found = if path.is_file() {
                "it is a file".to_owned()
            } else if !path.exists() {
                "it does not exist".to_owned()
            } else {
                something_else_in(path)?.map_or_else(|| "it is empty".to_owned(), |found| format!("it holds `{found}`"))
            };
            return Err(Error::NotALake { path: path.to_owned(), found });
        }
        let path = std::fs::canonicalize(path).map_err(Error::io("open", path))?;
        let lake = Self { store: Arc::new(Store::new(&path)?) };
        if Journal::left_in(&path)?.is_some() {
            match lake.lock() {
                Ok(_lock) => {
                    // Read again under the lock: the change may have ended by itself meanwhile.
                    if let Some(journal) = Journal::left_in(&path)? {
                        journal.roll_back(&lake.store)?;
                    }
                }
                // The journal belongs to a change that is alive and will end by itself.
                Err(Error::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if lake.store.has_absent() {
            let _lock = lake.lock()?;
            lake.store.create_absent()?;
        }
        Ok(lake)
    }

    /// The lake's folder.
    pub fn path(&self) -> &Path {
        &self.store.root
    }

    /// Begins a change of several tables that happens as a whole or not at all.
    ///
    /// # Errors
    /// [`Error::Busy`] while another change is under way, in this process or another.
    pub fn begin(&self) -> Result<Change> {
        Change::begin(self)
    }

    /// All rows of a table, in order of its key.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be read.
    pub fn read(&self, table: Table) -> Result<Frame> {
        to_frame(table, &self.batch(table)?)
    }

    /// Hands out some columns of a run's rows, a few at a time, so that a table larger than memory can be read: in the
    /// order in which they were written, which is that of the key within each frame that was written.
    ///
    /// # Errors
    /// Those of `each`, and [`Error::Storage`] when the table cannot be read.
    pub fn read_run<E: From<Error>>(
        &self,
        table: Table,
        run_id: &str,
        columns: &[&str],
        mut each: impl FnMut(&Frame) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let snapshot = self.store.snapshot(table)?;
        snapshot.each_batch(run_id, columns, table.rows_at_once(), |batch| each(&to_frame(table, &batch)?))
    }

    /// The servers, in order of their ids.
    ///
    /// # Errors
    /// When the table cannot be read or holds a time zone nobody knows.
    pub fn servers(&self) -> Result<Vec<Server>> {
        let frame = self.read(Table::Servers)?;
        (0..frame.rows()).map(|row| server_of(&frame, row)).collect()
    }

    /// The metrics, with their units and capacities, in order of their names.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn metrics(&self) -> Result<Vec<Metric>> {
        let frame = self.read(Table::Metrics)?;
        let (names, units) = (frame.text("metric")?, frame.text("unit")?);
        let capacities = frame.floats("capacity")?;
        let metrics = names.iter().zip(units).zip(capacities).map(|((name, unit), capacity)| {
            let metric = Metric::named(name.as_deref().unwrap_or_default());
            match unit.as_deref() {
                // The capacity of a percentage is 100 by definition and no fact of its own.
                Some("%") => metric.with_unit(Unit::Percent),
                Some(sign) => metric.with_unit(Unit::Other(sign.to_owned())).with_capacity(Some(*capacity)),
                None => metric.with_capacity(Some(*capacity)),
            }
        });
        Ok(metrics.collect())
    }

    /// A number that depends on every value of a table and on nothing else, neither on files nor on
    /// versions: equal digests mean equal tables, read in order of the key.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be read.
    pub fn digest(&self, table: Table) -> Result<String> {
        Ok(crate::digest::of(&self.batch(table)?))
    }

    pub(crate) fn batch(&self, table: Table) -> Result<RecordBatch> {
        self.store.snapshot(table)?.read_all()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Takes the lake's lock, which the system releases with the file, whatever becomes of the process.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.store.root.join(OWN_FOLDER).join("lock");
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io("write", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { path: self.store.root.clone() }),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }
}

const MARKER: &str = "lake.json";

/// Whether the folder holds a lake made by this program.
pub fn is_lake(path: impl AsRef<Path>) -> bool {
    path.as_ref().join(OWN_FOLDER).join(MARKER).is_file()
}

/// The first thing in a folder that does not belong to a lake being made.
fn something_else_in(path: &Path) -> Result<Option<String>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    // Only where our own folder stands can tables be what an interrupted making left.
    let begun = path.join(OWN_FOLDER).is_dir();
    let mut others = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::io("read", path))?.file_name().to_string_lossy().into_owned();
        if !(begun && (name == OWN_FOLDER || Table::named(&name).is_ok())) {
            others.push(name);
        }
    }
    Ok(others.into_iter().min())
}

fn server_of(frame: &Frame, row: usize) -> Result<Server> {
    let text = |name: &str| Ok::<_, Error>(frame.text(name)?[row].as_deref().map(str::to_owned));
    let number = |name: &str| Ok::<_, Error>(Some(frame.floats(name)?[row]).filter(|v| !v.is_nan()));
    let id = text("server_id")?.unwrap_or_default();
    let mut server = Server::new(&id)?;
    server.name = text("name")?.unwrap_or(id);
    server.archetype = text("archetype")?;
    server.service = text("service")?;
    server.pool = text("pool")?;
    server.region = text("region")?;
    server.business_unit = text("business_unit")?;
    server.criticality = text("criticality")?;
    server.shape = Shape {
        instance_type: text("instance_type")?,
        vcpu: number("vcpu")?,
        memory_gib: number("memory_gib")?,
        disk_mb_per_s: number("disk_mb_per_s")?,
        network_mbit_per_s: number("network_mbit_per_s")?,
    };
    server.zone = text("timezone")?.map_or_else(|| Ok(Zone::utc()), |zone| Zone::named(&zone))?;
    server.valid_from = frame.dates("valid_from")?[row];
    Ok(server)
}

/// Servers as a frame for [`Table::Servers`].
///
/// # Errors
/// None in practice: the columns have equal lengths.
pub fn servers_frame<'a>(servers: impl IntoIterator<Item = &'a Server>) -> Result<Frame> {
    let all: Vec<&Server> = servers.into_iter().collect();
    let text = |get: fn(&Server) -> Option<&String>| -> Vec<Option<&str>> {
        all.iter().map(|server| get(server).map(String::as_str)).collect()
    };
    let number = |get: fn(&Shape) -> Option<f64>| -> Vec<Option<f64>> { all.iter().map(|s| get(&s.shape)).collect() };
    Frame::new()
        .with("server_id", all.iter().map(|s| s.server_id()).collect::<Vec<_>>())?
        .with("name", text(|s| Some(&s.name)))?
        .with("archetype", text(|s| s.archetype.as_ref()))?
        .with("service", text(|s| s.service.as_ref()))?
        .with("pool", text(|s| s.pool.as_ref()))?
        .with("region", text(|s| s.region.as_ref()))?
        .with("business_unit", text(|s| s.business_unit.as_ref()))?
        .with("criticality", text(|s| s.criticality.as_ref()))?
        .with("instance_type", text(|s| s.shape.instance_type.as_ref()))?
        .with("vcpu", number(|shape| shape.vcpu))?
        .with("memory_gib", number(|shape| shape.memory_gib))?
        .with("disk_mb_per_s", number(|shape| shape.disk_mb_per_s))?
        .with("network_mbit_per_s", number(|shape| shape.network_mbit_per_s))?
        .with("timezone", all.iter().map(|s| s.zone.name()).collect::<Vec<_>>())?
        .with("valid_from", all.iter().map(|s| s.valid_from).collect::<Vec<_>>())
}

/// Metrics as a frame for [`Table::Metrics`].
///
/// # Errors
/// None in practice: the columns have equal lengths.
pub fn metrics_frame(metrics: &[Metric]) -> Result<Frame> {
    Frame::new()
        .with("metric", metrics.iter().map(Metric::name).collect::<Vec<_>>())?
        .with("unit", metrics.iter().map(|m| m.unit().to_string()).collect::<Vec<_>>())?
        .with("capacity", Column::optional_floats(metrics.iter().map(Metric::capacity)))
}
