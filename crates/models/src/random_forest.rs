//! A random forest over all series: the comparator of the boosted trees.

use crate::{Boosted, Settings};
use fleetcast_core::{Fitted, History, Model, Panel, Result};

/// A hundred trees, each grown by itself on rows drawn with replacement, on the features of [`Boosted`] and straight for each
/// step ahead; quantiles are those of the targets in the leaves, pooled.
///
/// What the trees do not know: that a value at the upper bound is "at least that".
///
/// Breiman (2001), "Random forests", Machine Learning 45(1), 5-32; Meinshausen (2006), "Quantile regression forests", JMLR 7,
/// 983-999.
#[derive(Clone, Debug)]
pub struct RandomForest {
    trees: Boosted,
}

impl RandomForest {
    /// The method with the seasons and the calendar of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { trees: Boosted::forest(settings, "random-forest") }
    }
}

impl Model for RandomForest {
    fn name(&self) -> &str {
        self.trees.name()
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below two seasons and two steps.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        self.trees.fit(history)
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        self.trees.fit_panel(panel)
    }
}
