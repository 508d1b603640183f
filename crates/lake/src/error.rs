//! What can go wrong with a lake, its tables and the files brought to it.

use std::path::{Path, PathBuf};
use thiserror::Error as ThisError;

/// A lake that cannot be used, a table that does not fit, or a file that cannot be ingested.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds no lake.
    #[error("`{}` is not a lake: {found}; `fleetcast ingest` and `fleetcast generate` make one", path.display())]
    NotALake {
        /// The folder.
        path: PathBuf,
        /// What is there instead, as a phrase.
        found: String,
    },
    /// A lake was to be made in a folder that holds something else.
    #[error("`{}` is not empty and is no lake (it holds `{found}`); name another folder, or empty this one", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// Another process is changing the lake.
    #[error("`{}` is being changed by another command; wait until it has ended", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "write".
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Delta Lake, Parquet or the query engine refused.
    #[error("cannot {action} table `{table}`: {reason}")]
    Storage {
        /// What was tried, as a verb: "read".
        action: &'static str,
        /// The table.
        table: String,
        /// What the library said.
        reason: String,
    },
    /// A version of a table that does not exist.
    #[error("table `{table}` has no version {found}, it has 0 to {latest}")]
    Version {
        /// The table.
        table: String,
        /// The version asked for.
        found: u64,
        /// The latest one.
        latest: u64,
    },
    /// A query that the engine cannot run.
    #[error("cannot run the query: {reason}")]
    Query {
        /// What the engine said.
        reason: String,
    },
    /// A query that would change something.
    #[error("`{found}` would change the lake; `sql` reads only: SELECT, WITH, EXPLAIN, SHOW and DESCRIBE")]
    ReadOnly {
        /// The first word of the query.
        found: String,
    },
    /// A name that is not known: a table, a column, a metric.
    #[error("unknown {kind} `{found}` in {place}, did you mean `{nearest}`? known: {known}")]
    Unknown {
        /// What is named.
        kind: &'static str,
        /// The name found.
        found: String,
        /// Where it stands.
        place: String,
        /// The nearest known name.
        nearest: String,
        /// All known names.
        known: String,
    },
    /// A column that must be there is not.
    #[error("{place} has no column `{column}`; it has: {found}")]
    MissingColumn {
        /// The table or frame.
        place: String,
        /// The column needed.
        column: String,
        /// The columns found.
        found: String,
    },
    /// A column holds another type than its table says.
    #[error("column `{column}` of {place} holds {found}, it must hold {needed}")]
    ColumnType {
        /// The table or frame.
        place: String,
        /// The column.
        column: String,
        /// The type found.
        found: &'static str,
        /// The type needed.
        needed: &'static str,
    },
    /// Columns of one frame differ in length.
    #[error("column `{column}` has {found} rows, the columns before it have {needed}")]
    Rows {
        /// The column.
        column: String,
        /// Its rows.
        found: usize,
        /// The rows of the others.
        needed: usize,
    },
    /// A key column has no value.
    #[error("row {row} of {place} has no `{column}`, and keys are never empty")]
    NullKey {
        /// The table.
        place: String,
        /// The key column.
        column: String,
        /// The row, counted from 1.
        row: usize,
    },
    /// A key stands twice in one write.
    #[error("the key {key} stands twice in what is written to table `{table}`")]
    DuplicateKey {
        /// The table.
        table: String,
        /// The key's values.
        key: String,
    },
    /// A file without rows.
    #[error("`{}` is empty: it needs a header line and at least one row", file.display())]
    EmptyFile {
        /// The file.
        file: PathBuf,
    },
    /// A file whose columns cannot be made out.
    #[error("`{}`: {problem}; its columns are: {found}; say which is which with `--map`", file.display())]
    Layout {
        /// The file.
        file: PathBuf,
        /// What is missing or unclear.
        problem: String,
        /// The columns found.
        found: String,
    },
    /// A value that cannot be read.
    #[error("`{}`, row {row}, column `{column}`: `{found}` is not {needed}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Line of a CSV file (the header is line 1), row of a Parquet file (the first is 1).
        row: u64,
        /// The column.
        column: String,
        /// The text found.
        found: String,
        /// What would do.
        needed: String,
    },
    /// A file that cannot be read as what it should be.
    #[error("cannot read `{}` as {kind}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The format expected.
        kind: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// A text that a file format has no way to write.
    #[error("{format} cannot hold {found} in {place}: {allowed}")]
    Inexpressible {
        /// The format.
        format: &'static str,
        /// The text, in quotes.
        found: String,
        /// The column.
        place: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A file or folder that another program made is in the way.
    #[error(
        "`{}` is in the way: it was not made by `fleetcast generate`, which replaces only what it made; \
         name another folder, or remove it", path.display()
    )]
    Foreign {
        /// The file or folder.
        path: PathBuf,
    },
    /// A metric arrives in a unit that does not fit the one it has.
    #[error(
        "`{}`: metric `{metric}` comes in `{found}`, and {place} in `{known}`; \
         give it another name or a `scale` with `--map`", file.display()
    )]
    Units {
        /// The file.
        file: PathBuf,
        /// The metric.
        metric: String,
        /// The unit found.
        found: String,
        /// Where the other unit stands.
        place: &'static str,
        /// The other unit.
        known: String,
    },
    /// A value of the vocabulary that breaks its rules.
    #[error("{0}")]
    Core(#[from] fleetcast_core::Error),
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What the file system said while doing `action` to `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What a storage library said while doing `action` to `table`.
    pub(crate) fn storage<E: std::fmt::Display>(action: &'static str, table: &str) -> impl FnOnce(E) -> Self {
        let table = table.to_owned();
        move |error| Self::Storage { action, table, reason: error.to_string() }
    }

    /// An unknown name with its nearest neighbour.
    pub(crate) fn unknown(kind: &'static str, found: &str, place: &str, known: &[&str]) -> Self {
        Self::Unknown {
            kind,
            found: found.to_owned(),
            place: place.to_owned(),
            nearest: fleetcast_core::nearest(found, known.iter().copied()).to_owned(),
            known: known.join(", "),
        }
    }
}
