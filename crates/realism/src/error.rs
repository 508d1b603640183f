//! Why two sets of series cannot be compared.

use thiserror::Error as ThisError;

/// Two sets of series that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The two have no metric in common.
    #[error(
        "the real telemetry has {real} and the synthetic {synthetic}: no metric in common; give one the other's name"
    )]
    NoCommonMetric {
        /// Metrics of the real side.
        real: String,
        /// Metrics of the synthetic side.
        synthetic: String,
    },
    /// Too few servers to split into halves.
    #[error(
        "the {side} telemetry has {found} servers with {metric} and enough samples, a scorecard needs at least {needed}"
    )]
    FewServers {
        /// `real` or `synthetic`.
        side: &'static str,
        /// The metric.
        metric: String,
        /// Servers found.
        found: usize,
        /// Servers needed.
        needed: usize,
    },
    /// Series of different steps.
    #[error("the real series are {real} seconds apart and the synthetic {synthetic}; both must be brought to one step")]
    Steps {
        /// Step of the real series.
        real: i64,
        /// Step of the synthetic series.
        synthetic: i64,
    },
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
