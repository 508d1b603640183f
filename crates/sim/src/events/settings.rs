//! What a scenario says of events. Ranges stand in [`crate::keys`].

use crate::Result;
use crate::settings::{PerMetric, Source};
use serde::Deserialize;

/// How long something takes: log-normal, cut at the longest.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duration {
    pub(crate) median_minutes: f64,
    pub(crate) log_std: f64,
    pub(crate) longest_hours: f64,
}

/// The catalogue of incidents.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incidents {
    pub(crate) memory_leak: Incident,
    pub(crate) disk_full: Incident,
    pub(crate) retry_storm: Incident,
    pub(crate) noisy_neighbour: Incident,
    pub(crate) cron_collision: CronCollision,
    pub(crate) failover: Failover,
}

impl Incidents {
    /// What the keys allow one by one and yet cannot be.
    pub(crate) fn check(&self, source: &Source) -> Result<()> {
        let kinds = [
            ("memory_leak", &self.memory_leak),
            ("disk_full", &self.disk_full),
            ("retry_storm", &self.retry_storm),
            ("noisy_neighbour", &self.noisy_neighbour),
        ];
        for (name, incident) in kinds {
            let sum = incident.rise_share + incident.decay_share;
            if sum > 1.0 + 1e-9 {
                let fault = format!(
                    "`incidents.{name}.rise_share` and `decay_share` are {sum} in sum; they are shares of one duration \
                     and may be 1 at most"
                );
                return Err(source.contradiction(&format!("incidents.{name}.rise_share"), fault));
            }
        }
        Ok(())
    }
}

/// An incident of one server.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incident {
    pub(crate) per_server_per_year: f64,
    pub(crate) duration: Duration,
    /// Change of the demand at its height.
    pub(crate) change_percent: PerMetric,
    /// Spread of that change from one incident to another.
    pub(crate) change_log_std: f64,
    /// Shares of the duration in which it rises and decays.
    pub(crate) rise_share: f64,
    pub(crate) decay_share: f64,
}

/// Jobs that start at the same time of day, day after day, until someone moves one.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CronCollision {
    pub(crate) per_server_per_year: f64,
    /// Mean number of days on which it recurs.
    pub(crate) recurs_days: f64,
    pub(crate) duration: Duration,
    pub(crate) change_percent: PerMetric,
    pub(crate) change_log_std: f64,
}

/// One server's load moves to the other servers of its pool.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failover {
    pub(crate) per_server_per_year: f64,
    pub(crate) duration: Duration,
    /// Share of the load that moves.
    pub(crate) moved_share: f64,
}

/// Servers and regions that are down.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outages {
    pub(crate) per_server_per_year: f64,
    pub(crate) duration: Duration,
    pub(crate) per_region_per_year: f64,
    pub(crate) region_duration: Duration,
    /// Share of the lost load that those take over who are left: the other servers of the pool, the
    /// other regions.
    pub(crate) taken_over_share: f64,
    pub(crate) taken_over_loading: PerMetric,
}

/// Changes of hardware.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resizes {
    pub(crate) per_pool_per_year: f64,
}

/// Births and retirements of servers.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Churn {
    /// Share of the servers that are not there at the start.
    pub(crate) born_later_share: f64,
    /// Days from the start over which they come.
    pub(crate) born_within_days: f64,
    /// Rate at which a server that is there goes.
    pub(crate) retired_per_year: f64,
}

/// Faults of what collects the telemetry, not of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Collector {
    pub(crate) down_per_server_per_year: f64,
    pub(crate) down_duration: Duration,
    pub(crate) stale_per_server_per_year: f64,
    pub(crate) stale_duration: Duration,
    pub(crate) counter_resets_per_server_per_year: f64,
    /// Shares of the samples.
    pub(crate) missed_share: f64,
    pub(crate) missing_metric_share: f64,
    pub(crate) late_share: f64,
    pub(crate) duplicate_share: f64,
    /// Longest delay of a sample that is late.
    pub(crate) latest_minutes: f64,
}
