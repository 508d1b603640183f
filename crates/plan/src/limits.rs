//! What the planner is asked: thresholds, prices of a bad day and of a move, what counts as idle.

use crate::{Error, LeadTime, Result};
use serde::{Deserialize, Serialize};

/// The planner's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Thresholds in per cent of capacity; risks are judged against each.
    pub thresholds: Vec<f64>,
    /// Days over the limit that count as a crossing, a row each: once, and on at least three days.
    pub min_days: Vec<u32>,
    /// How long new capacity takes, by the criticality of a server.
    pub lead_time: LeadTime,
    /// Threshold in per cent that sizes are judged by; the lowest of `thresholds` when not given.
    pub sizing_threshold: Option<f64>,
    /// What one bad day costs, in USD.
    pub lambda_usd_per_day: f64,
    /// Bad days that a day counts for that needs all of a machine's memory or more: what does not fit is killed.
    /// Of processors and network it waits, which is a bad day and no more.
    pub overload_bad_days: f64,
    /// What changing a server's type costs once, in USD: the engineer, the change window, the test.
    pub move_cost_usd: f64,
    /// Days over which that must pay for itself.
    pub payback_days: f64,
    /// Processors below which no server is made smaller: load is not all that runs on a machine.
    pub fewest_vcpu: f64,
    /// P(some day within the horizon needs more than all of a machine's memory) that a smaller type may
    /// have at most, whatever it saves; 1 leaves the choice to the prices.
    pub most_overload: f64,
    /// The same for processors.
    pub most_cpu_overload: f64,
    /// Archetypes whose requests must not wait: a size is then also over its limit when its processors are
    /// busier than [`most_utilisation`](crate::most_utilisation) lets them be. None unless asked for.
    pub request_archetypes: Vec<String>,
    /// When a server counts as underused.
    pub underused: UnderusedRule,
    /// When a server counts as idle enough to be switched off.
    pub retire: RetireRule,
    /// Seed of the clustering.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            thresholds: vec![80.0, 90.0],
            min_days: vec![1, 3],
            lead_time: LeadTime::default(),
            sizing_threshold: None,
            lambda_usd_per_day: 50.0,
            overload_bad_days: 5.0,
            move_cost_usd: 100.0,
            payback_days: 365.0,
            most_overload: 1.0,
            most_cpu_overload: 1.0,
            request_archetypes: Vec::new(),
            fewest_vcpu: 2.0,
            underused: UnderusedRule::default(),
            retire: RetireRule::default(),
            seed: 42,
        }
    }
}

/// A server is underused when all of these hold on its whole history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnderusedRule {
    /// The mean of every measured percent metric is below this, in per cent.
    pub mean_below_percent: f64,
    /// Each of them grows by less than this, in per cent a year.
    pub growth_below_percent_per_year: f64,
    /// None of them has a period peak: no year-end, quarter-end or month-end whose mean daily P95 is at
    /// least this many times the mean of the other days ...
    pub peak_ratio_below: f64,
    /// ... and that lifts it to this level or above, in per cent. A peak that stays below is no reason
    /// to keep an idle server large.
    pub peak_level_percent: f64,
}

impl Default for UnderusedRule {
    fn default() -> Self {
        Self {
            mean_below_percent: 30.0,
            growth_below_percent_per_year: 5.0,
            peak_ratio_below: 1.2,
            peak_level_percent: 40.0,
        }
    }
}

/// A server may be switched off when it was idle on every measured metric on every day of its history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetireRule {
    /// Observed days that the history must have.
    pub min_days: u32,
    /// No daily P95 of any metric but memory is at or above this, in per cent of capacity.
    pub p95_below_percent: f64,
    /// No daily P95 of memory is at or above this, in per cent: an operating system alone needs some.
    pub memory_p95_below_percent: f64,
}

impl Default for RetireRule {
    fn default() -> Self {
        Self { min_days: 60, p95_below_percent: 3.0, memory_p95_below_percent: 30.0 }
    }
}

impl Limits {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that makes no sense.
    pub fn check(&self) -> Result<()> {
        if self.thresholds.is_empty() {
            return Err(setting("thresholds", "empty".to_owned(), "at least one number, in per cent of capacity"));
        }
        for &threshold in self.thresholds.iter().chain(&self.sizing_threshold) {
            require("thresholds", threshold, threshold > 0.0 && threshold.is_finite(), "above 0 per cent of capacity")?;
        }
        let is_repeated = |at: usize| self.thresholds[..at].contains(&self.thresholds[at]);
        if let Some(at) = (0..self.thresholds.len()).find(|&at| is_repeated(at)) {
            return Err(setting(
                "thresholds",
                format!("{} twice", self.thresholds[at]),
                "numbers that stand once each",
            ));
        }
        if self.min_days.is_empty() || self.min_days.contains(&0) {
            return Err(setting("min_days", format!("{:?}", self.min_days), "a list of whole numbers from 1 on"));
        }
        self.lead_time.check()?;
        let not_negative = [
            ("lambda_usd_per_day", self.lambda_usd_per_day),
            ("move_cost_usd", self.move_cost_usd),
            ("fewest_vcpu", self.fewest_vcpu),
            ("underused.mean_below_percent", self.underused.mean_below_percent),
            ("underused.peak_ratio_below", self.underused.peak_ratio_below),
            ("underused.peak_level_percent", self.underused.peak_level_percent),
            ("retire.p95_below_percent", self.retire.p95_below_percent),
            ("retire.memory_p95_below_percent", self.retire.memory_p95_below_percent),
        ];
        for (key, value) in not_negative {
            require(key, value, value >= 0.0 && value.is_finite(), "0 or above")?;
        }
        let overload = self.overload_bad_days;
        require("overload_bad_days", overload, overload >= 1.0 && overload.is_finite(), "1 or above")?;
        let growth = self.underused.growth_below_percent_per_year;
        require("underused.growth_below_percent_per_year", growth, growth.is_finite(), "a finite number")?;
        for (key, p) in [("most_overload", self.most_overload), ("most_cpu_overload", self.most_cpu_overload)] {
            require(key, p, (0.0..=1.0).contains(&p), "a probability from 0 to 1")?;
        }
        if self.request_archetypes.iter().any(|name| name == "batch") {
            let allowed = "archetypes that serve requests: batch work may wait";
            return Err(setting("request_archetypes", "`batch`".to_owned(), allowed));
        }
        let payback = self.payback_days;
        require("payback_days", payback, payback > 0.0 && payback.is_finite(), "above 0")
    }

    /// Whether requests to servers of this archetype must not wait.
    pub(crate) fn serves_requests(&self, archetype: Option<&str>) -> bool {
        archetype.is_some_and(|archetype| self.request_archetypes.iter().any(|name| name == archetype))
    }

    /// Threshold in per cent of capacity that sizes are judged by.
    pub fn sizing_threshold(&self) -> f64 {
        let lowest = self.thresholds.iter().copied().fold(f64::INFINITY, f64::min);
        self.sizing_threshold.unwrap_or(lowest)
    }
}

fn require(key: &str, value: f64, holds: bool, allowed: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(setting(key, value.to_string(), allowed)) }
}

fn setting(key: &str, found: String, allowed: &str) -> Error {
    Error::Setting { key: key.to_owned(), found, allowed: allowed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(Limits::default().check(), Ok(()));
        assert_eq!(Limits::default().sizing_threshold(), 80.0);
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named() {
        let message = |limits: Limits| limits.check().unwrap_err().to_string();
        let bad = Limits { thresholds: vec![80.0, -5.0], ..Limits::default() };
        assert_eq!(message(bad), "`thresholds` is -5, it must be above 0 per cent of capacity");
        let bad = Limits { thresholds: vec![80.0, 90.0, 80.0], ..Limits::default() };
        assert_eq!(message(bad), "`thresholds` is 80 twice, it must be numbers that stand once each");
        let bad = Limits { lambda_usd_per_day: f64::NAN, ..Limits::default() };
        assert_eq!(message(bad), "`lambda_usd_per_day` is NaN, it must be 0 or above");
        let bad = Limits { min_days: vec![1, 0], ..Limits::default() };
        assert_eq!(message(bad), "`min_days` is [1, 0], it must be a list of whole numbers from 1 on");
        assert!(Limits { thresholds: Vec::new(), ..Limits::default() }.check().is_err());
        assert!(Limits { payback_days: 0.0, ..Limits::default() }.check().is_err());
    }
}
