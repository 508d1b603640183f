//! How a server behaves, in figures that do not depend on its size.

use crate::days::Days;
use crate::measures::{correlation, growth_per_year, ratio_of_kind, volatility};
use crate::series::FEWEST_DAYS;
use crate::underused::Usage;
use fleetcast_core::Unit;
use fleetcast_numeric::{math, quantile};

/// Number of features.
pub(crate) const N_FEATURES: usize = 9;

/// Names for what a feature measures; its place in [`Behaviour`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Feature {
    /// Median daily P95 of the leading metric, as a share of capacity.
    Level = 0,
    /// The same of memory, where another metric leads.
    Memory = 1,
    /// The 99 % day against the median day, as a logarithm.
    Peak = 2,
    /// P95 against mean within a day, as a logarithm.
    Burst = 3,
    /// Working days against other days, as a logarithm.
    Week = 4,
    /// Quarter-ends against other days, as a logarithm.
    Quarter = 5,
    /// Median change from week to week, as a share of the mean.
    Volatility = 6,
    /// Growth per year, 0.1 for 10 %.
    Growth = 7,
    /// Correlation of cpu and memory.
    Together = 8,
}

impl Feature {
    /// All, in the order of [`Behaviour`].
    pub(crate) const ALL: [Self; N_FEATURES] = [
        Self::Level,
        Self::Memory,
        Self::Peak,
        Self::Burst,
        Self::Week,
        Self::Quarter,
        Self::Volatility,
        Self::Growth,
        Self::Together,
    ];

    /// The smallest spread over the fleet that is worth a difference: features that hardly differ
    /// must not be blown up to count as much as those that do.
    pub(crate) fn least_spread(self) -> f64 {
        match self {
            Self::Level | Self::Memory => 0.1,
            Self::Peak | Self::Burst => 0.15,
            Self::Week | Self::Quarter => 0.1,
            Self::Volatility | Self::Growth => 0.05,
            Self::Together => 0.2,
        }
    }
}

/// The features of one server; `None` where its data does not tell.
pub(crate) type Behaviour = [Option<f64>; N_FEATURES];

/// The metric that stands for a server: cpu, else the first in per cent, else the first.
pub(crate) fn leading<'a, 'b>(usages: &'b [Usage<'a>]) -> Option<&'b Usage<'a>> {
    let enough = || usages.iter().filter(|usage| usage.p95.n_observed() >= FEWEST_DAYS);
    enough()
        .find(|usage| usage.p95.metric().name() == "cpu")
        .or_else(|| enough().find(|usage| *usage.p95.metric().unit() == Unit::Percent))
        .or_else(|| enough().next())
}

/// How a server behaves; `None` when no metric was observed on 14 days, or there is no calendar.
pub(crate) fn behaviour(
    usages: &[Usage],
    capacity: impl Fn(&Usage) -> Option<f64>,
    days: &mut Days,
) -> Option<Behaviour> {
    let lead = leading(usages)?;
    let marked = days.of(lead.p95)?;
    let values = lead.p95.values();
    let memory = usages.iter().find(|usage| usage.p95.metric().name() == "memory");
    let memory = memory.filter(|usage| !std::ptr::eq(usage.p95, lead.p95));
    let share = |usage: &Usage| Some(quantile(usage.p95.values(), 0.5)? / capacity(usage)?);
    let log_ratio = |above: f64, below: f64| (above > 0.0 && below > 0.0).then(|| math::ln(above / below));
    let burst = || log_ratio(math::mean(values)?, math::mean(lead.means?.values())?);
    let together = |memory: &Usage| correlation(values, memory.p95.values());
    let mut features = [None; N_FEATURES];
    let mut set = |feature: Feature, value: Option<f64>| features[feature as usize] = value;
    set(Feature::Level, share(lead));
    set(Feature::Memory, memory.and_then(share));
    set(Feature::Peak, log_ratio(quantile(values, 0.99)?, quantile(values, 0.5)?));
    set(Feature::Burst, burst());
    set(Feature::Week, ratio_of_kind(values, &marked, |day| day.is_working).and_then(|ratio| log_ratio(ratio, 1.0)));
    set(
        Feature::Quarter,
        ratio_of_kind(values, &marked, |day| day.is_quarter_end).and_then(|ratio| log_ratio(ratio, 1.0)),
    );
    set(Feature::Volatility, volatility(values));
    set(Feature::Growth, growth_per_year(values));
    set(Feature::Together, memory.and_then(together));
    Some(features)
}

/// Each feature less its fleet median, over its spread (1.4826 times the median deviation), within -3 and
/// 3; what is not known stands at the median, where it draws a server nowhere.
pub(crate) fn standardised(fleet: &[Behaviour]) -> Vec<[f64; N_FEATURES]> {
    let mut points = vec![[0.0; N_FEATURES]; fleet.len()];
    for feature in Feature::ALL {
        let at = feature as usize;
        let known: Vec<f64> = fleet.iter().filter_map(|one| one[at]).collect();
        let Some(median) = quantile(&known, 0.5) else { continue };
        let deviations: Vec<f64> = known.iter().map(|value| (value - median).abs()).collect();
        let spread = quantile(&deviations, 0.5).unwrap_or(0.0) * 1.4826;
        let spread = spread.max(feature.least_spread());
        for (point, one) in points.iter_mut().zip(fleet) {
            point[at] = one[at].map_or(0.0, |value| ((value - median) / spread).clamp(-3.0, 3.0));
        }
    }
    points
}
