//! Small servers on fewer machines, as if all their high days were the same.

use crate::{Architecture, HOURS_PER_MONTH, InstanceType, PriceBook};
use std::cmp::Ordering;

/// Saving of a machine that is worth telling, in USD per hour.
const LEAST_USD_PER_HOUR: f64 = 0.001;
/// Processors beyond which a server is not small.
const SMALL_VCPU: f64 = 4.0;

/// A server that might share a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Its key.
    pub server_id: String,
    /// Servers of one pool stand in for each other and never share a machine.
    pub pool: Option<String>,
    /// Its instruction set.
    pub architecture: Architecture,
    /// Processors of the size it should have on its own, and the price of that in USD per hour.
    pub own_vcpu: f64,
    /// See `own_vcpu`.
    pub own_usd_per_hour: f64,
    /// High processors of each day, in processors: a quantile of the day's P95.
    pub cpu: Vec<f64>,
    /// High memory of each day, in GiB.
    pub memory_gib: Vec<f64>,
}

/// One machine, and the servers on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// Places of its tenants.
    pub tenants: Vec<usize>,
    cpu: Vec<f64>,
    memory_gib: Vec<f64>,
}

/// Servers on fewer machines.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// Type of the machines.
    pub instance_type: String,
    /// Those that hold two servers or more.
    pub machines: Vec<Shared>,
    /// Price of the servers on them, each on the size it should have on its own, in USD a month.
    pub alone_usd_per_month: f64,
    /// Price of the machines, in USD a month.
    pub together_usd_per_month: f64,
}

impl Packing {
    /// What is saved beyond giving each server the size it should have, in USD a month.
    pub fn saving_usd_per_month(&self) -> f64 {
        self.alone_usd_per_month - self.together_usd_per_month
    }
}

/// The cheapest packing of small servers on machines of one type, by `threshold` per cent of each; `None` when none
/// saves anything beyond giving each server its own right size.
///
/// A machine holds its tenants when on every day their high processors and their high memory add up to less than the
/// threshold. Quantiles of one day add up when all servers are high on the same days, which is the case to fear: loads
/// that have less to do with each other stay lower (comonotone risks: Dhaene et al. 2002, "The concept of
/// comonotonicity in actuarial science and finance", Insurance: Mathematics and Economics 31, 3-33).
/// Machines are filled first-fit, the largest load first (Johnson 1974).
pub fn pack(tenants: &[Tenant], book: &PriceBook, threshold: f64) -> Option<Packing> {
    let types = book.types().iter().filter(|one| !one.is_burstable);
    let packings = types.filter_map(|one| on_type(tenants, one, threshold / 100.0));
    let better = |a: &Packing, b: &Packing| b.saving_usd_per_month().total_cmp(&a.saving_usd_per_month());
    // Of equal savings the first type by name.
    packings.min_by(better).filter(|packing| packing.saving_usd_per_month() > 0.0)
}

fn on_type(tenants: &[Tenant], one: &InstanceType, share: f64) -> Option<Packing> {
    let (vcpu, memory_gib) = (one.vcpu * share, one.memory_gib * share);
    let high = |days: &[f64]| days.iter().copied().fold(0.0, f64::max);
    let size = |tenant: &Tenant| (high(&tenant.cpu) / vcpu).max(high(&tenant.memory_gib) / memory_gib);
    let is_small = |tenant: &Tenant| tenant.own_vcpu <= SMALL_VCPU && tenant.architecture == one.architecture;
    let mut order: Vec<usize> = (0..tenants.len()).filter(|&at| is_small(&tenants[at])).collect();
    order.sort_by(|&a, &b| size(&tenants[b]).total_cmp(&size(&tenants[a])));
    let mut machines: Vec<Shared> = Vec::new();
    for at in order {
        let tenant = &tenants[at];
        let own = Shared { tenants: vec![at], cpu: tenant.cpu.clone(), memory_gib: tenant.memory_gib.clone() };
        let holds = |load: &[f64], limit: f64| load.iter().all(|value| *value < limit);
        if !(holds(&own.cpu, vcpu) && holds(&own.memory_gib, memory_gib)) {
            continue;
        }
        let fitting = machines.iter_mut().find_map(|machine| {
            let apart = |other: &usize| tenants[*other].pool.is_none() || tenants[*other].pool != tenant.pool;
            if !machine.tenants.iter().all(apart) {
                return None;
            }
            let (cpu, memory) = (sums(&machine.cpu, &own.cpu)?, sums(&machine.memory_gib, &own.memory_gib)?);
            (holds(&cpu, vcpu) && holds(&memory, memory_gib)).then_some((machine, cpu, memory))
        });
        match fitting {
            Some((machine, cpu, memory)) => {
                machine.tenants.push(at);
                (machine.cpu, machine.memory_gib) = (cpu, memory);
            }
            None => machines.push(own),
        }
    }
    // A machine that costs what its servers cost on their own is no gain.
    let alone = |machine: &Shared| machine.tenants.iter().map(|&at| tenants[at].own_usd_per_hour).sum::<f64>();
    machines.retain(|machine| machine.tenants.len() > 1 && alone(machine) > one.usd_per_hour + LEAST_USD_PER_HOUR);
    machines.iter_mut().for_each(|machine| machine.tenants.sort_unstable());
    let packing = Packing {
        instance_type: one.name.clone(),
        alone_usd_per_month: machines.iter().map(alone).sum::<f64>() * HOURS_PER_MONTH,
        together_usd_per_month: machines.len() as f64 * one.usd_per_hour * HOURS_PER_MONTH,
        machines,
    };
    (!packing.machines.is_empty()).then_some(packing)
}

/// Loads of two day by day; `None` when they are of different lengths.
fn sums(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    (a.len().cmp(&b.len()) == Ordering::Equal).then(|| a.iter().zip(b).map(|(a, b)| a + b).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn book() -> PriceBook {
        let text = "instance_type,vcpu,memory_gib,usd_per_hour\nsmall,2,8,0.1\nlarge,8,32,0.3\n";
        PriceBook::from_csv(text.as_bytes(), "p.csv").expect("two types")
    }

    /// A server with a right size of two processors, and this load on each of some days.
    fn tenant(name: &str, pool: Option<&str>, cpu: &[f64]) -> Tenant {
        Tenant {
            server_id: name.to_owned(),
            pool: pool.map(str::to_owned),
            architecture: Architecture::X86,
            own_vcpu: 2.0,
            own_usd_per_hour: 0.1,
            cpu: cpu.to_vec(),
            memory_gib: vec![1.0; cpu.len()],
        }
    }

    #[test]
    fn loads_that_peak_on_different_days_share_what_loads_of_one_day_cannot() {
        // At 80 % a large machine holds less than 6.4 processors a day. Four servers with peaks of 1.5 fit on one.
        let same: Vec<Tenant> = (0..5).map(|at| tenant(&format!("a{at}"), None, &[1.5, 0.1, 0.1])).collect();
        let packing = pack(&same, &book(), 80.0).unwrap();
        assert_eq!((packing.instance_type.as_str(), packing.machines.len()), ("large", 1));
        assert_eq!(packing.machines[0].tenants, [0, 1, 2, 3]);
        // Four at 0.1 an hour on their own, one machine at 0.3 together.
        assert!((packing.saving_usd_per_month() - 0.1 * 730.0).abs() < 1e-9);
        let peaks =
            [[1.5, 0.1, 0.1], [0.1, 1.5, 0.1], [0.1, 0.1, 1.5], [1.5, 0.1, 0.1], [0.1, 1.5, 0.1], [0.1, 0.1, 1.5]];
        let apart: Vec<Tenant> = (0..6).map(|at| tenant(&format!("b{at}"), None, &peaks[at])).collect();
        assert_eq!(pack(&apart, &book(), 80.0).unwrap().machines[0].tenants.len(), 6);
    }

    #[test]
    fn servers_of_one_pool_and_large_ones_keep_their_own_machines() {
        let pool: Vec<Tenant> = (0..4).map(|at| tenant(&format!("p{at}"), Some("p"), &[0.5, 0.5])).collect();
        assert_eq!(pack(&pool, &book(), 80.0), None);
        let mut large: Vec<Tenant> = (0..4).map(|at| tenant(&format!("l{at}"), None, &[0.5, 0.5])).collect();
        assert!(pack(&large, &book(), 80.0).is_some());
        large.iter_mut().for_each(|one| one.own_vcpu = 8.0);
        assert_eq!(pack(&large, &book(), 80.0), None);
        assert_eq!(pack(&[], &book(), 80.0), None);
    }

    proptest! {
        #[test]
        fn no_machine_is_over_its_threshold_on_any_day_and_every_packing_saves(
            loads in prop::collection::vec(prop::collection::vec(0.0f64..2.0, 4), 0..12),
            pools in prop::collection::vec(0usize..4, 12),
        ) {
            let names = [None, Some("p"), Some("q"), Some("r")];
            let tenants: Vec<Tenant> = loads.iter().zip(pools).enumerate()
                .map(|(at, (load, pool))| tenant(&format!("s{at}"), names[pool], load)).collect();
            if let Some(packing) = pack(&tenants, &book(), 80.0) {
                prop_assert!(packing.saving_usd_per_month() > 0.0);
                let limit = if packing.instance_type == "large" { 6.4 } else { 1.6 };
                let mut seen = std::collections::BTreeSet::new();
                for machine in &packing.machines {
                    for day in 0..4 {
                        let sum: f64 = machine.tenants.iter().map(|&at| tenants[at].cpu[day]).sum();
                        prop_assert!(sum < limit + 1e-9);
                    }
                    let mut pools = std::collections::BTreeSet::new();
                    for &at in &machine.tenants {
                        prop_assert!(seen.insert(at), "nobody is on two machines");
                        prop_assert!(tenants[at].pool.as_ref().is_none_or(|pool| pools.insert(pool.clone())));
                    }
                }
            }
        }
    }
}
