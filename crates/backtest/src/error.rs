//! What can be wrong with a backtest or an automatic forecast.

use thiserror::Error as ThisError;

/// A backtest that cannot be run as asked.
#[derive(Clone, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to combine.
    #[error("`auto` has no members, it needs at least one model")]
    NoMembers,
    /// Two models of one backtest bear the same name.
    #[error("the model `{name}` stands twice, each model may be named once")]
    DuplicateModel {
        /// The name.
        name: String,
    },
    /// The guard of an automatic forecast is not one of its members.
    #[error("the guard `{guard}` is not among the members {members}, add it or name one of them")]
    NoGuard {
        /// Name of the guard.
        guard: String,
        /// Names of the members, separated by commas.
        members: String,
    },
    /// A setting that must be at least one is zero.
    #[error("`{setting}` is 0, it must be at least 1")]
    Zero {
        /// Name of the setting.
        setting: &'static str,
    },
    /// Parts of one backtest look ahead by different numbers of steps.
    #[error("{what} look {found} steps ahead, the backtest looks {needed} steps ahead, use one horizon")]
    Horizon {
        /// Which part.
        what: &'static str,
        /// Its horizon.
        found: usize,
        /// The horizon of the member forecasts.
        needed: usize,
    },
    /// A value of the vocabulary was refused.
    #[error(transparent)]
    Core(#[from] fleetcast_core::Error),
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
