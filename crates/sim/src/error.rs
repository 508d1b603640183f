//! What can be wrong with a profile, a scenario or the fleet that was asked for.

use thiserror::Error as ThisError;

/// A profile, scenario or fleet that cannot be generated.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A value is outside its allowed range.
    #[error("{source_name}: `{key}` is {found}, it must be {allowed}")]
    OutOfRange {
        /// The file or built-in the value stands in.
        source_name: String,
        /// Its key, with the tables it stands in: `std_percent_of_base.cpu`.
        key: String,
        /// What was found.
        found: String,
        /// What would do, as a phrase: "between 0 and 1".
        allowed: String,
    },
    /// A key that means nothing here.
    #[error("{source_name}: unknown key `{key}`, did you mean `{nearest}`?")]
    UnknownKey {
        /// The file it stands in.
        source_name: String,
        /// The key, with the tables it stands in.
        key: String,
        /// The known key nearest to it.
        nearest: String,
    },
    /// A name that is not known.
    #[error("{source_name}: unknown {kind} `{found}`, did you mean `{nearest}`? known: {known}")]
    UnknownName {
        /// The file it stands in, or the command line.
        source_name: String,
        /// What is being named, for example "profile".
        kind: String,
        /// The name found.
        found: String,
        /// The known name nearest to it.
        nearest: String,
        /// All known names.
        known: String,
    },
    /// Text that is not TOML, or holds a value of another type.
    #[error("{source_name}, line {line}: {message}")]
    Syntax {
        /// The file.
        source_name: String,
        /// Line in it, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A matrix that is not a correlation matrix.
    #[error(
        "{source_name}: `correlation.matrix` is no correlation matrix: {fault}; \
         write `repair = \"nearest\"` beside it to take the nearest one"
    )]
    NotCorrelation {
        /// The file it stands in.
        source_name: String,
        /// The offending cell, or the smallest eigenvalue and the metrics it ties together.
        fault: String,
    },
    /// A value of the vocabulary that breaks its own invariant.
    #[error(transparent)]
    Core(#[from] fleetcast_core::Error),
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A value that is out of range.
    pub(crate) fn range(source: &str, key: &str, found: impl ToString, allowed: &str) -> Self {
        Self::OutOfRange {
            source_name: source.to_owned(),
            key: key.to_owned(),
            found: found.to_string(),
            allowed: allowed.to_owned(),
        }
    }

    /// A name that is not among `known`.
    pub(crate) fn name(source: &str, kind: &str, found: &str, known: &[&str]) -> Self {
        Self::UnknownName {
            source_name: source.to_owned(),
            kind: kind.to_owned(),
            found: found.to_owned(),
            nearest: fleetcast_core::nearest(found, known.iter().copied()).to_owned(),
            known: known.join(", "),
        }
    }
}
