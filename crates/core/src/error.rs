//! What can be wrong with a value of the vocabulary, or with asking a model for a forecast.

use thiserror::Error as ThisError;

/// A value that breaks an invariant, or a series that cannot be forecast.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A series is too short for a method.
    #[error("`{model}` needs at least {needed} observations, the history has {found}")]
    TooShort {
        /// Name of the method.
        model: String,
        /// Observations it needs.
        needed: usize,
        /// Observations it was given, gaps not counted.
        found: usize,
    },
    /// A value is outside its allowed range.
    #[error("`{what}` is {found}, it must be {allowed}")]
    OutOfRange {
        /// Name of the value.
        what: String,
        /// What was found.
        found: String,
        /// What would do, as a phrase: "between 0 and 1".
        allowed: String,
    },
    /// A name that is not known.
    #[error("unknown {kind} `{found}`, did you mean `{nearest}`? known: {known}")]
    UnknownName {
        /// What is being named, for example "time zone".
        kind: String,
        /// The name found.
        found: String,
        /// The known name nearest to it.
        nearest: String,
        /// All known names, or where to find them.
        known: String,
    },
    /// Two parts that must have the same size do not.
    #[error("`{what}` has {found} values, it must have {needed}")]
    Size {
        /// Name of the part.
        what: String,
        /// The size found.
        found: usize,
        /// The size needed.
        needed: usize,
    },
    /// The same key stands twice.
    #[error("{kind} `{key}` stands twice")]
    Duplicate {
        /// What the key names, for example "series".
        kind: String,
        /// The key.
        key: String,
    },
    /// A method met a series it cannot answer for, with the reason.
    #[error("`{model}` cannot forecast this series: {reason}")]
    NotForecastable {
        /// Name of the method.
        model: String,
        /// Why, in a phrase.
        reason: String,
    },
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The name among `known` with the fewest edits from `found` (Levenshtein); empty when `known` is.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let found = found.to_lowercase();
    known.into_iter().min_by_key(|name| edits(&found, &name.to_lowercase())).unwrap_or("")
}

fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        assert_eq!(nearest("databse", ["web", "database", "batch"]), "database");
        assert_eq!(nearest("WEB", ["database", "web"]), "web");
        assert_eq!(nearest("x", []), "");
    }
}
