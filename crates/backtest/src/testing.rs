//! What tests of this crate share.

use fleetcast_core::{Bounds, Dependence, Forecast, Paths, Result};

/// Draws nothing: every path is the median.
pub(crate) fn no_paths(marginals: &Forecast, _: &Dependence, _: Option<Bounds>, n: usize, _: u64) -> Result<Paths> {
    Paths::new(marginals.horizon(), marginals.point().repeat(n))
}
