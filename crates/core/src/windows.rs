//! Rolling cutoffs: which steps a model may see, and which it is judged on.

use crate::{Error, History, Result};

/// Rolling-origin windows, as in the exchange format: for window k of `count`, the training steps of a
/// series are all but its last `horizon + (count - 1 - k) * step`, and the `horizon` steps after them judge.
///
/// Tashman (2000), "Out-of-sample tests of forecasting accuracy", IJF 16(4), 437-450.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Steps judged in each window.
    pub horizon: usize,
    /// Number of windows.
    pub count: usize,
    /// Steps between two cutoffs; the horizon when windows should not overlap.
    pub step: usize,
}

/// One window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// 0 for the earliest cutoff.
    pub index: usize,
    /// Steps at the end of the series that the model may not see.
    pub held_out: usize,
}

impl Windows {
    /// Windows of `horizon` steps whose cutoffs are `step` apart.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when one of the three is zero.
    pub fn new(horizon: usize, count: usize, step: usize) -> Result<Self> {
        for (what, value) in [("horizon", horizon), ("windows", count), ("step", step)] {
            if value == 0 {
                return Err(Error::OutOfRange {
                    what: what.to_owned(),
                    found: "0".to_owned(),
                    allowed: "at least 1".to_owned(),
                });
            }
        }
        Ok(Self { horizon, count, step })
    }

    /// The windows, earliest cutoff first; the last ends at the last step of a series.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Window> + '_ {
        (0..self.count).map(|index| Window { index, held_out: self.horizon + (self.count - 1 - index) * self.step })
    }
}

impl Window {
    /// What a model may see of `history`; `None` when nothing would be left.
    pub fn training(&self, history: &History) -> Option<History> {
        history.prefix(history.len().checked_sub(self.held_out)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_ends_at_the_last_step() {
        let windows = Windows::new(90, 4, 90).unwrap();
        let held_out: Vec<usize> = windows.iter().map(|w| w.held_out).collect();
        assert_eq!(held_out, [360, 270, 180, 90]);
        assert!(Windows::new(0, 4, 90).is_err());
    }
}
