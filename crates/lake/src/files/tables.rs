//! The tables of a generated fleet as files in a folder, in any of the formats.

use super::columnar::{ColumnFiles, Columnar};
use super::labels::Describe;
use super::months::{Partition, column_of, stretches};
use super::place::{Place, TextFiles};
use super::text::date_ms;
use super::{FileTimes, csv, influx, openmetrics};
use crate::{Error, Frame, Result, Table};
use fleetcast_core::Metric;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that says which files of a folder are ours, so that no other is replaced.
const MARKER: &str = "_fleetcast.json";

/// Form of the files of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values with one header line; instants in ISO 8601 with their zone, which is UTC.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// InfluxDB line protocol: a measurement per table, times in nanoseconds.
    Influx,
    /// OpenMetrics text with times in seconds, for the backfill of Prometheus.
    OpenMetrics,
    /// Arrow's file format.
    Ipc,
}

impl TableFormat {
    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Influx => "influx",
            Self::OpenMetrics => "openmetrics",
            Self::Ipc => "ipc",
        }
    }

    /// The usual ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Influx => "lp",
            Self::OpenMetrics => "om",
            Self::Ipc => "arrow",
        }
    }

    /// Whether its files may be spread over folders: the others are read as one stream.
    pub fn can_be_spread(self) -> bool {
        matches!(self, Self::Csv | Self::Parquet | Self::Ipc)
    }
}

impl fmt::Display for TableFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What files of tables are to be like.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesSpec {
    /// Their form.
    pub format: TableFormat,
    /// How rows are spread over files; only where the form can be.
    pub partition: Partition,
    /// The tables.
    pub tables: Vec<Table>,
    /// The metrics of samples and days, for their units.
    pub metrics: Vec<Metric>,
    /// First day of the telemetry: where points stand that have no time of their own.
    pub start: Date,
}

/// Files of tables that are being written, and that are there as a whole or not at all.
pub struct TableFiles<'a> {
    folder: PathBuf,
    spec: FilesSpec,
    describe: Describe<'a>,
    ours: BTreeSet<String>,
    files: Vec<(Table, Body)>,
}

impl fmt::Debug for TableFiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableFiles").field("folder", &self.folder).field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Body {
    Text(TextFiles),
    Columns(ColumnFiles),
}

impl<'a> TableFiles<'a> {
    /// Begins a file or a folder of files per table in `folder`, which is made; they have their names
    /// from [`TableFiles::finish`] on. `describe` says what is known of a server, for the formats that
    /// say it beside every value.
    ///
    /// # Errors
    /// [`Error::Foreign`] when a file of somebody else has one of the names; [`Error::Io`].
    pub fn create(folder: &Path, spec: FilesSpec, describe: Describe<'a>) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let ours = ours(folder);
        let spread = |table| column_of(table, spec.partition).is_some();
        let names: Vec<(Table, String)> = spec
            .tables
            .iter()
            .map(|&table| {
                (table, if spread(table) { table.to_string() } else { format!("{table}.{}", spec.format.ending()) })
            })
            .collect();
        for (_, name) in &names {
            let path = folder.join(name);
            if path.symlink_metadata().is_ok() && !ours.contains(name) {
                return Err(Error::Foreign { path });
            }
        }
        let files = names.iter().map(|(table, name)| {
            let path = folder.join(name);
            let place = if spread(*table) { Place::months(&path, spec.format.ending()) } else { Place::file(&path) };
            Ok((*table, Body::create(place, spec.format)?))
        });
        let files = files.collect::<Result<_>>()?;
        let ours = ours.into_iter().chain(names.into_iter().map(|(_, name)| name)).collect();
        Ok(Self { folder: folder.to_owned(), spec, describe, ours, files })
    }

    /// Writes a frame as part number `part` of a table, counted from 0 without holes; parts may come in
    /// any order and from any thread. A table that was not asked for is left out.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; [`Error::Inexpressible`] when the format has no way to
    /// say what is in it.
    pub fn write_part(&self, table: Table, frame: &Frame, part: usize) -> Result<()> {
        let Some((_, body)) = self.files.iter().find(|(of, _)| *of == table) else { return Ok(()) };
        let stretches = stretches(frame, column_of(table, self.spec.partition))?;
        let start = date_ms(self.spec.start);
        match body {
            Body::Columns(files) => files.put(part, frame, &stretches),
            Body::Text(files) => {
                let pieces = match self.spec.format {
                    TableFormat::Influx => influx::encode(table, frame, self.describe, start)?,
                    TableFormat::OpenMetrics => {
                        openmetrics::encode(table, frame, &self.spec.metrics, self.describe, start)?
                    }
                    TableFormat::Csv | TableFormat::Parquet | TableFormat::Ipc => {
                        csv::encode(frame, &stretches, FileTimes::Zoned)?
                    }
                };
                files.put(part, pieces)
            }
        }
    }

    /// Ends the files and gives them their names.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be written.
    pub fn finish(self) -> Result<()> {
        // Everything is written before anything has its name, so that a full disk leaves what was there.
        let files: Vec<Place> = self.files.into_iter().map(|(_, body)| body.complete()).collect::<Result<_>>()?;
        // Before they have their names, so that what is there after a crash is known to be ours.
        let path = self.folder.join(MARKER);
        let marker = serde_json::json!({ "made_by": "fleetcast generate", "files": self.ours });
        fs::write(&path, format!("{marker:#}\n")).map_err(Error::io("write", &path))?;
        files.iter().try_for_each(Place::settle)
    }
}

impl Body {
    fn create(place: Place, format: TableFormat) -> Result<Self> {
        Ok(match format {
            TableFormat::Parquet => Self::Columns(ColumnFiles::create(place, Columnar::Parquet)?),
            TableFormat::Ipc => Self::Columns(ColumnFiles::create(place, Columnar::Arrow)?),
            TableFormat::OpenMetrics => Self::Text(TextFiles::create(place, openmetrics::TRAILER)?),
            TableFormat::Csv | TableFormat::Influx => Self::Text(TextFiles::create(place, b"")?),
        })
    }

    fn complete(self) -> Result<Place> {
        match self {
            Self::Text(files) => files.complete(),
            Self::Columns(files) => files.complete(),
        }
    }
}

/// Names in a folder that an earlier command made; none when nothing says so.
fn ours(folder: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(folder.join(MARKER)).unwrap_or_default();
    let marker: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let names = marker["files"].as_array().into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
