//! Joint futures of one series.

use crate::{Error, Result};

/// How the errors of one series hang together over the steps ahead: the correlation of the errors at
/// steps `i` and `j` is `level + memory_share * memory^|i - j|`, and 1 where `i = j`.
///
/// It supplies ranks only: a high day follows a high day. The calibrated quantiles give the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dependence {
    /// Share of the variance that is one error for all steps: the level was wrong.
    pub level: f64,
    /// Share of the variance that fades with distance.
    pub memory_share: f64,
    /// How much of it is left after one step, in \[0, 1).
    pub memory: f64,
}

impl Dependence {
    /// Errors that know nothing of each other.
    pub const NONE: Self = Self { level: 0.0, memory_share: 0.0, memory: 0.0 };

    /// # Errors
    /// [`Error::OutOfRange`] when a share is below 0, both together are above 1, or `memory` is not in \[0, 1).
    pub fn new(level: f64, memory_share: f64, memory: f64) -> Result<Self> {
        let shares = level >= 0.0 && memory_share >= 0.0 && level + memory_share <= 1.0;
        if shares && (0.0..1.0).contains(&memory) {
            return Ok(Self { level, memory_share, memory });
        }
        Err(Error::OutOfRange {
            what: "dependence".to_owned(),
            found: format!("{level} + {memory_share} * {memory}^d"),
            allowed: "shares that add up to at most 1, and a memory from 0 to below 1".to_owned(),
        })
    }
}

/// How the errors of servers that serve together hang together: the share of each part of a [`Dependence`] that is one
/// error for all servers of a pool.
///
/// The correlation of two servers' errors on one day is `level * d.level + days * (1 - d.level)`; where both have the
/// dependence `d`, it falls with the days between them as the server's own does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shared {
    /// Share of the lasting error: how far all were forecast too low or too high together.
    pub level: f64,
    /// Share of the errors that pass: days on which all have more to do.
    pub days: f64,
}

impl Shared {
    /// Servers that have nothing to do with each other.
    pub const NONE: Self = Self { level: 0.0, days: 0.0 };

    /// # Errors
    /// [`Error::OutOfRange`] when a share is not in \[0, 1\].
    pub fn new(level: f64, days: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&level) && (0.0..=1.0).contains(&days) {
            return Ok(Self { level, days });
        }
        Err(Error::OutOfRange {
            what: "shared errors".to_owned(),
            found: format!("{level} and {days}"),
            allowed: "two shares from 0 to 1".to_owned(),
        })
    }
}

/// Equally likely joint futures of one series, in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    horizon: usize,
    values: Vec<f64>,
}

impl Paths {
    /// Paths from their values, path after path, each of `horizon` steps.
    ///
    /// # Errors
    /// When there is not at least one whole path, or a value is not finite.
    pub fn new(horizon: usize, values: Vec<f64>) -> Result<Self> {
        if horizon == 0 || values.is_empty() || !values.len().is_multiple_of(horizon) {
            return Err(Error::Size { what: "paths".to_owned(), found: values.len(), needed: horizon.max(1) });
        }
        // All are looked at, many at once: hardly ever is one bad.
        let is_finite = values.iter().fold(true, |all, value| all & value.is_finite());
        if !is_finite && let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::OutOfRange {
                what: "paths".to_owned(),
                found: bad.to_string(),
                allowed: "finite".to_owned(),
            });
        }
        Ok(Self { horizon, values })
    }

    /// Steps of each path.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// Number of paths.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one path")]
    pub fn len(&self) -> usize {
        self.values.len() / self.horizon
    }

    /// The paths, one slice each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.horizon)
    }
}
