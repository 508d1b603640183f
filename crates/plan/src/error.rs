//! What can be wrong with the planner's settings or with a price book.

use thiserror::Error as ThisError;

/// A setting or a price that the planner cannot work with.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside its allowed range.
    #[error("`{key}` is {found}, it must be {allowed}")]
    Setting {
        /// Name of the setting, as in the configuration file.
        key: String,
        /// What was found.
        found: String,
        /// What would do, as a phrase: "above 0".
        allowed: String,
    },
    /// A price book cannot be read at all.
    #[error("cannot read the price book `{source_name}`: {reason}")]
    Unreadable {
        /// File or other origin of the prices.
        source_name: String,
        /// What the reader said.
        reason: String,
    },
    /// A price book lacks a column.
    #[error("the price book `{source_name}` has no column `{column}`; it has {found}; needed are {needed}")]
    MissingColumn {
        /// File or other origin of the prices.
        source_name: String,
        /// The column that is missing.
        column: String,
        /// The columns that are there.
        found: String,
        /// The columns that must be there.
        needed: String,
    },
    /// A value of a price book is missing or makes no sense.
    #[error("row {row} of `{source_name}`: {what} is {found}, it must be {allowed}")]
    Price {
        /// File or other origin of the prices.
        source_name: String,
        /// Line of the file, the header being line 1 when nothing stands above it.
        row: u64,
        /// The column and the type, as a phrase: "vcpu of `m6i.large`".
        what: String,
        /// What stands there.
        found: String,
        /// What would do, as a phrase.
        allowed: String,
    },
    /// The same type stands twice in a price book.
    #[error("row {row} of `{source_name}`: `{instance_type}` stands in row {first} already; keep one of them")]
    DuplicateType {
        /// File or other origin of the prices.
        source_name: String,
        /// Line of the second row.
        row: u64,
        /// Line of the first row.
        first: u64,
        /// The type.
        instance_type: String,
    },
    /// A file of costs cannot be understood.
    #[error("cannot read the costs `{source_name}`: {reason}")]
    Costs {
        /// The file.
        source_name: String,
        /// What is wrong in which row.
        reason: String,
    },
    /// A what-if file cannot be understood.
    #[error("cannot read the what-if `{source_name}`: {reason}")]
    WhatIf {
        /// The file.
        source_name: String,
        /// What is wrong in which line.
        reason: String,
    },
    /// A change of a what-if makes no sense for this fleet.
    #[error("{source_name}: `{key}` is {found}, it must be {allowed}")]
    Change {
        /// The file.
        source_name: String,
        /// The change and its key: `changes.2.servers`.
        key: String,
        /// What was found.
        found: String,
        /// What would do.
        allowed: String,
    },
    /// A price book without a single type.
    #[error("the price book `{source_name}` has no types; it must have at least one row under its header")]
    NoTypes {
        /// File or other origin of the prices.
        source_name: String,
    },
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
