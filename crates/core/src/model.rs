//! The two traits of a forecasting method.

use crate::{Forecast, History, Panel, Paths, Result};

/// What is asked of a fitted model: how far ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct Future {
    /// Steps after the cutoff, at least one.
    pub horizon: usize,
}

/// A forecasting method that has not seen data yet.
///
/// Its settings (season lengths, the calendar, ...) are fields of the type that implements it.
pub trait Model: Send + Sync {
    /// Name used in tables, file names and `--models`, for example `seasonal-naive`.
    fn name(&self) -> &str;

    /// Learns from one series.
    ///
    /// # Errors
    /// When the series is too short or has nothing to learn from.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>>;

    /// Learns from many series, one result per series of the panel, in its order. Methods that share
    /// parameters across series override this.
    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        panel.histories().iter().map(|history| self.fit(history)).collect()
    }

    /// Whether what it learns of a series depends on that series alone, so that [`Model::fit_panel`] of some series of a
    /// panel gives what it would give them among all.
    fn learns_alone(&self) -> bool {
        false
    }
}

/// A method that has learned from one series.
pub trait Fitted: Send + Sync {
    /// Forecasts each step after the cutoff at each of `quantiles` (ascending, each in (0, 1)).
    ///
    /// # Errors
    /// When `quantiles` is not such a list.
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast>;

    /// Draws `n` joint futures; the same seed draws the same ones.
    ///
    /// # Errors
    /// When `n` is zero.
    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths>;
}
