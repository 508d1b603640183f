//! What can go wrong in a stage, with what would do.

use thiserror::Error as ThisError;

/// A stage that could not be done.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A value of the vocabulary is not valid.
    #[error(transparent)]
    Core(#[from] fleetcast_core::Error),
    /// The generator refused a scenario, a profile or a fleet.
    #[error(transparent)]
    Sim(#[from] fleetcast_sim::Error),
    /// The lake could not be read or written, or an input file not understood.
    #[error(transparent)]
    Lake(#[from] fleetcast_lake::Error),
    /// A backtest or the combination of methods refused its settings.
    #[error(transparent)]
    Backtest(#[from] fleetcast_backtest::Error),
    /// The planner refused a price book or a limit.
    #[error(transparent)]
    Plan(#[from] fleetcast_plan::Error),
    /// Two sets of telemetry cannot be compared.
    #[error(transparent)]
    Realism(#[from] fleetcast_realism::Error),
    /// A configuration file could not be understood.
    #[error("configuration {file}: {message}")]
    Config {
        /// The file.
        file: String,
        /// What is wrong in which line.
        message: String,
    },
    /// A setting is out of range.
    #[error("`{key}` is {found}, it must be {allowed}")]
    Setting {
        /// The key, as in the configuration file.
        key: String,
        /// What was found.
        found: String,
        /// What would do.
        allowed: String,
    },
    /// A file could not be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted: nothing was written")]
    Interrupted,
    /// There is nothing to work on.
    #[error("{what}")]
    Nothing {
        /// What is missing.
        what: String,
        /// What would do.
        hint: String,
    },
    /// A folder that this program did not make is in the way.
    #[error("{folder} exists and was not made by `fleetcast demo`")]
    InTheWay {
        /// The folder.
        folder: String,
    },
}

impl Error {
    /// What the user can do about it, where the message does not say so already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing { hint, .. } => Some(hint.clone()),
            Self::InTheWay { .. } => Some("name another folder with --out, or remove it yourself".to_owned()),
            _ => None,
        }
    }
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
