//! Level shifts: deployments and migrations, of one server or of a whole pool.

use super::lasting::Lasting;
use crate::scenario::LevelShifts;
use fleetcast_numeric::{Stream, math};
use std::ops::Range;

/// Longest migration and longest wait before a shift is rolled back, in days.
const LONGEST_MIGRATION: u64 = 14;
const LONGEST_TRIAL: u64 = 30;

/// The shifts of one scope that start on the days `begin`, earliest first. The n-th shift is the same
/// however many days are asked for.
pub(crate) fn shifts(
    law: &LevelShifts,
    per_year: f64,
    seed: u64,
    (scope, scope_id): (&'static str, &str),
    begin: Range<usize>,
) -> Vec<Lasting> {
    let stream = Stream::new(seed, &["level shifts", scope, scope_id]);
    let mut list = Vec::new();
    let mut time = begin.start as f64;
    for number in 0.. {
        if per_year <= 0.0 {
            break;
        }
        time += stream.exponential(number) * 365.25 / per_year;
        if time >= begin.end as f64 {
            break;
        }
        let start = time as usize;
        let draw = stream.child_number(number);
        let is_migration = draw.uniform(0) < law.migration_share;
        let ramp = if is_migration { 1 + draw.below(8, LONGEST_MIGRATION) as usize } else { 0 };
        let peak = start + ramp;
        let rolled_back = draw.uniform(1) < law.rolled_back_share;
        let end = rolled_back.then(|| peak + 1 + draw.below(9, LONGEST_TRIAL) as usize);
        let memory_only = draw.uniform(2) < law.memory_only_share;
        let log_size = law.log_std * draw.normal(3);
        list.push(Lasting {
            start,
            peak,
            end,
            log: if memory_only { [0.0, log_size, 0.0, 0.0] } else { [log_size; 4] },
            event_type: if is_migration { "migration" } else { "deploy" },
            id: format!("{scope_id}-shift-{number}"),
            scope,
            scope_id: scope_id.to_owned(),
            metric: memory_only.then_some("memory"),
            size: math::exp(log_size),
        });
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: LevelShifts = LevelShifts {
        per_server_per_year: 2.0,
        per_pool_per_year: 0.0,
        log_std: 0.2,
        migration_share: 0.5,
        memory_only_share: 0.3,
        rolled_back_share: 0.3,
    };

    #[test]
    fn shifts_come_at_their_rate_and_a_longer_run_begins_with_the_shorter() {
        let mut count = 0;
        for server in 0..200 {
            let scope = ("server", format!("s-{server}"));
            let long = shifts(&LAW, 2.0, 1, (scope.0, &scope.1), 0..1461);
            let short = shifts(&LAW, 2.0, 1, (scope.0, &scope.1), 0..500);
            assert_eq!(long[..short.len()], short[..]);
            assert!(long[short.len()..].iter().all(|shift| shift.start >= 500));
            count += long.len();
        }
        assert!((f64::from(u32::try_from(count).unwrap()) / 1600.0 - 1.0).abs() < 0.06, "{count}");
    }
}
