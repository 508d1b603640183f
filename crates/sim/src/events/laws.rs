//! A scenario's events made ready: what is the same for all its servers.

use super::arrivals::{Class, Law};
use super::grid::Grid;
use crate::scenario::Scenario;

/// The laws of a scenario's events.
#[derive(Clone, Debug)]
pub(crate) struct Laws {
    pub(super) memory_leak: Law,
    pub(super) disk_full: Law,
    pub(super) retry_storm: Law,
    pub(super) noisy_neighbour: Law,
    pub(super) cron_collision: Law,
    pub(super) failover: Law,
    pub(super) outage: Law,
    pub(super) region_outage: Law,
    /// Which of the two classes are drawn.
    pub(super) classes: &'static [Class],
    /// Per archetype; empty where nothing passes.
    pub(super) grids: Vec<Grid>,
}

impl Laws {
    /// The laws of a scenario; without `has_brief` nothing is drawn that is too short to move a day's P95.
    pub(crate) fn new(scenario: &Scenario, has_brief: bool) -> Self {
        let (incidents, outages) = (&scenario.raw.incidents, &scenario.raw.outages);
        let of = |incident: &super::settings::Incident| Law::new(incident.per_server_per_year, &incident.duration);
        let cron = &incidents.cron_collision;
        let mut laws = Self {
            memory_leak: of(&incidents.memory_leak),
            disk_full: of(&incidents.disk_full),
            retry_storm: of(&incidents.retry_storm),
            noisy_neighbour: of(&incidents.noisy_neighbour),
            cron_collision: Law::new(cron.per_server_per_year, &cron.duration),
            failover: Law::new(incidents.failover.per_server_per_year, &incidents.failover.duration),
            outage: Law::new(outages.per_server_per_year, &outages.duration),
            region_outage: Law::new(outages.per_region_per_year, &outages.region_duration),
            classes: if has_brief { &[Class::Long, Class::Brief] } else { &[Class::Long] },
            grids: Vec::new(),
        };
        if laws.has_passing() {
            laws.grids = (0..scenario.archetypes.len()).map(|archetype| Grid::new(scenario, archetype)).collect();
        }
        laws
    }

    /// Whether anything passes at all.
    pub(crate) fn has_passing(&self) -> bool {
        let all = [
            self.memory_leak,
            self.disk_full,
            self.retry_storm,
            self.noisy_neighbour,
            self.cron_collision,
            self.failover,
            self.outage,
            self.region_outage,
        ];
        all.iter().any(|law| self.classes.iter().any(|class| law.per_day(*class) > 0.0))
    }
}
