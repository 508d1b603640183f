//! Tables of the fleet: Delta Lake, ingest of telemetry, SQL. The only crate that knows Arrow and the
//! query engine.
//!
//! A [`Lake`] is a folder with one Delta table per [`Table`]. Rows go in and out as [`Frame`]s of named
//! columns, so that no other crate has to know how they are stored. Everything that changes a lake is
//! a [`Change`]: several tables at once, as a whole or not at all.

mod admin;
mod batch;
mod change;
mod daily;
mod digest;
mod error;
mod files;
mod frame;
mod ingest;
mod journal;
mod lake;
mod panel;
mod parts;
mod rows;
mod sql;
mod store;
mod table;
mod tracks;

pub use admin::{Compaction, Dialect, HistoryEntry, TableSummary};
pub use change::{Change, Mode};
pub use daily::{DailyReport, daily_frame};
pub use error::{Error, Result};
pub use files::{
    Describe, FilesSpec, Partition, PlainFormat, SeriesRows, SeriesTimes, TableFiles, TableFormat, read_series,
    write_frame,
};
pub use frame::{Column, Frame};
pub use ingest::{FileFormat, FileReport, IngestReport, IngestRequest, MetricReport, Telemetry};
pub use lake::{Lake, is_lake, metrics_frame, servers_frame};
pub use panel::{PanelQuery, Resolution};
pub use rows::{Rows, files_of_rows};
pub use sql::Answer;
pub use table::{ColumnSpec, Kind, Table};
