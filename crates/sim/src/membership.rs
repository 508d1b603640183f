//! Which pool, service, archetype, region and hardware a server has: a function of its index and the
//! seed alone, so that the first servers of a large fleet are the small fleet.

use crate::scenario::Scenario;
use fleetcast_core::Server;
use fleetcast_numeric::Stream;
use jiff::civil::Date;
use std::ops::Range;

/// Each block of so many consecutive servers is cut into so many pools.
const BLOCK: usize = 12;
const POOLS: usize = 4;

/// Where one server belongs. Numbers index the scenario's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Number of the pool; pools are runs of servers.
    pub(crate) pool: usize,
    pub(crate) archetype: usize,
    pub(crate) service: usize,
    pub(crate) region: usize,
    shape: usize,
}

/// The servers of the pool that server `index` belongs to, also those of a larger fleet.
pub(crate) fn pool_members(seed: u64, index: usize) -> Range<usize> {
    let block = index / BLOCK;
    let cuts = cuts(seed, block);
    let first = cuts.iter().copied().filter(|cut| *cut <= index % BLOCK).max().unwrap_or(0);
    let end = cuts.iter().copied().filter(|cut| *cut > index % BLOCK).min().unwrap_or(BLOCK);
    block * BLOCK + first..block * BLOCK + end
}

impl Membership {
    pub(crate) fn of(scenario: &Scenario, seed: u64, index: usize) -> Self {
        let pool = pool_of(seed, index);
        let stream = Stream::new(seed, &["membership", "pool"]).child_number(pool as u64);
        let archetype = pick(scenario.archetypes.iter().map(|a| a.share), spread(seed, pool, 0));
        // Services in the order of their size: the n-th has a share in proportion to 1 / n.
        let zipf = (1..=scenario.raw.services.len()).map(|rank| 1.0 / rank as f64);
        let service = pick(zipf, stream.uniform(0));
        let region = pick(scenario.regions.iter().map(|r| r.share), stream.uniform(1));
        let shapes = scenario.archetypes[archetype].shapes.len() as u64;
        let shape = stream.below(2, shapes) as usize;
        Self { pool, archetype, service, region, shape }
    }

    /// The server of this index, with its id, its place and its hardware.
    pub(crate) fn server(&self, scenario: &Scenario, index: usize, start: Date) -> fleetcast_core::Result<Server> {
        let archetype = &scenario.archetypes[self.archetype];
        let service = &scenario.raw.services[self.service];
        let region = &scenario.regions[self.region];
        let kind = archetype.profile.name();
        let mut server = Server::new(&server_id(kind, index))?;
        server.name = format!("{}-{kind}-{index:04}", service.name);
        server.archetype = Some(kind.to_owned());
        server.service = Some(service.name.clone());
        server.pool = Some(self.pool_name(scenario));
        server.region = Some(region.name.clone());
        server.business_unit = Some(service.business_unit.clone());
        server.criticality = Some(service.criticality.clone());
        server.shape = archetype.shapes[self.shape].clone();
        server.zone = region.zone.clone();
        server.valid_from = Some(start);
        Ok(server)
    }

    pub(crate) fn pool_name(&self, scenario: &Scenario) -> String {
        let kind = scenario.archetypes[self.archetype].profile.name();
        format!("{}-{kind}-pool-{:04}", scenario.raw.services[self.service].name, self.pool)
    }
}

/// The id of server `index`: unique because the index is.
pub(crate) fn server_id(kind: &str, index: usize) -> String {
    format!("{kind}-{index:04}")
}

/// The number of the pool that server `index` belongs to: the servers of a block are cut at distinct
/// places, all choices equally likely, so that pools have 1 to 9 servers, 3 on average.
fn pool_of(seed: u64, index: usize) -> usize {
    let block = index / BLOCK;
    let cuts_before = cuts(seed, block).iter().filter(|cut| **cut <= index % BLOCK).count();
    block * POOLS + cuts_before
}

/// The places at which a block is cut into pools.
fn cuts(seed: u64, block: usize) -> [usize; POOLS - 1] {
    let stream = Stream::new(seed, &["membership", "cuts"]).child_number(block as u64);
    let mut places: [usize; BLOCK - 1] = std::array::from_fn(|place| place + 1);
    for draw in 0..POOLS - 1 {
        let other = draw + stream.below(draw as u64, (places.len() - draw) as u64) as usize;
        places.swap(draw, other);
    }
    std::array::from_fn(|cut| places[cut])
}

/// A number in (0, 1) that fills the interval evenly as `pool` grows, so that a small fleet has the
/// scenario's mix already; different `dimension`s (0, 1) fill the square evenly.
///
/// Roberts (2018), "The unreasonable effectiveness of quasirandom sequences" (the R2 sequence).
pub(crate) fn spread(seed: u64, pool: usize, dimension: u64) -> f64 {
    const STEP: [f64; 2] = [0.754_877_666_246_692_7, 0.569_840_290_998_053_2];
    let start = Stream::new(seed, &["membership", "spread"]).uniform(dimension);
    let sum = start + STEP[dimension as usize] * pool as f64;
    (sum - sum.floor()).clamp(1e-9, 1.0 - 1e-9)
}

/// The entry in whose part of the cumulated shares `at` (0 to 1) falls.
fn pick(shares: impl Iterator<Item = f64> + Clone, at: f64) -> usize {
    let total: f64 = shares.clone().sum();
    let mut left = at * total;
    let mut last = 0;
    for (index, share) in shares.enumerate() {
        last = index;
        left -= share;
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_fleet_has_the_mix_asked_for() {
        let scenario = Scenario::named("enterprise").unwrap();
        for seed in 0..20 {
            let mut counts = [0; 4];
            for index in 0..400 {
                counts[Membership::of(&scenario, seed, index).archetype] += 1;
            }
            for (count, share) in counts.iter().zip([0.35, 0.40, 0.15, 0.10]) {
                assert!((f64::from(*count) / 400.0 - share).abs() < 0.09, "seed {seed}: {counts:?}");
            }
        }
    }

    #[test]
    fn pools_are_runs_of_servers_that_share_everything_but_their_id() {
        let scenario = Scenario::named("enterprise").unwrap();
        let members: Vec<Membership> = (0..600).map(|index| Membership::of(&scenario, 5, index)).collect();
        for pair in members.windows(2).filter(|pair| pair[0].pool == pair[1].pool) {
            assert_eq!(pair[0], pair[1]);
        }
        for (index, member) in members.iter().enumerate() {
            let pool = pool_members(5, index);
            assert!(pool.contains(&index) && pool.clone().all(|other| members[other].pool == member.pool));
            assert!(members.iter().filter(|other| other.pool == member.pool).count() == pool.len());
        }
        let mut sizes = [0; 200];
        members.iter().for_each(|member| sizes[member.pool] += 1);
        assert!(sizes.iter().all(|size| (1..=9).contains(size)), "{sizes:?}");
        let mut services = [0; 15];
        members.iter().for_each(|member| services[member.service] += 1);
        assert!(services[0] > 3 * services[7] && services.iter().filter(|n| **n > 0).count() > 10, "{services:?}");
    }
}
