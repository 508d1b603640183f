//! What can be wrong with a profile, a scenario or the fleet that was asked for.

use thiserror::Error as ThisError;

/// A profile, scenario or fleet that cannot be generated.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A value is outside its allowed range.
    #[error("{place}: `{key}` is {found}, it must be {allowed}")]
    OutOfRange {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// Its key, with the tables it stands in: `std_percent_of_base.cpu`.
        key: String,
        /// What was found.
        found: String,
        /// What would do, as a phrase: "a number between 0 and 1".
        allowed: String,
    },
    /// A value is of another type than its key holds.
    #[error("{place}: `{key}` is {found}, it must be {allowed}")]
    WrongType {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// Its key, with the tables it stands in.
        key: String,
        /// What was found, with its type: "the text "much"".
        found: String,
        /// What would do.
        allowed: String,
    },
    /// A key that an entry of a list must have is not there.
    #[error("{place}: `{key}` is missing, it must be {allowed}")]
    Missing {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// The key, with the tables it should stand in.
        key: String,
        /// What would do.
        allowed: String,
    },
    /// A key that means nothing here.
    #[error("{place}: unknown key `{key}` ({found}), did you mean `{nearest}`, {allowed}?")]
    UnknownKey {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// The key, with the tables it stands in.
        key: String,
        /// Its value.
        found: String,
        /// The known key nearest to it.
        nearest: Box<str>,
        /// What that key may hold.
        allowed: Box<str>,
    },
    /// A name that is not known.
    #[error("{place}: unknown {kind} `{found}`, did you mean `{nearest}`? known: {known}")]
    UnknownName {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// What is being named, for example "profile", or the key that names it.
        kind: String,
        /// The name found.
        found: String,
        /// The known name nearest to it.
        nearest: Box<str>,
        /// All known names.
        known: Box<str>,
    },
    /// Values that are each allowed and cannot all hold.
    #[error("{place}: {fault}")]
    Contradiction {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
        /// What contradicts what, and what would do.
        fault: String,
    },
    /// Text that is not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// The file and the line.
        place: String,
        /// What the parser says.
        message: String,
    },
    /// A matrix that is not a correlation matrix.
    #[error(
        "{place}: `correlation.matrix` is no correlation matrix: {fault}; \
         write `repair = \"nearest\"` beside it to take the nearest one"
    )]
    NotCorrelation {
        /// The file, with the line where it is known: `mine.toml, line 3`.
        place: String,
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
    /// An argument that is out of range.
    pub(crate) fn range(source: &str, key: &str, found: impl ToString, allowed: &str) -> Self {
        Self::OutOfRange {
            place: source.to_owned(),
            key: key.to_owned(),
            found: found.to_string(),
            allowed: allowed.to_owned(),
        }
    }

    /// An argument that is not among `known`.
    pub(crate) fn name(source: &str, kind: &str, found: &str, known: &[&str]) -> Self {
        Self::UnknownName {
            place: source.to_owned(),
            kind: kind.to_owned(),
            found: found.to_owned(),
            nearest: fleetcast_core::nearest(found, known.iter().copied()).into(),
            known: known.join(", ").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_enough_to_be_returned() {
        assert!(size_of::<Error>() < 120, "{}", size_of::<Error>());
    }
}
