//! Which members go on after the first validation window: one that nobody misses need not be run again.

use crate::validation::Trials;
use crate::weights::worth;

/// Below this many series a window tells too little, and another run costs too little.
pub(crate) const ENOUGH_SERIES: usize = 100;
/// What the combination must lose without a member, as a share of its error, for the member to be worth its time.
const WORTH_ITS_TIME: f64 = 0.01;

/// Members that go on, from what each said in one window of each series, pool by pool: the guard, and those that the
/// best combination of some pool would miss. They go one by one, so that of two that say the same one stays.
pub(crate) fn kept(pools: &[Vec<&Trials>], guard: usize, n_members: usize) -> Vec<bool> {
    let mut kept = vec![true; n_members];
    if pools.iter().map(Vec::len).sum::<usize>() < ENOUGH_SERIES {
        return kept;
    }
    loop {
        let mut worth_to_any = vec![0.0_f64; n_members];
        for pool in pools.iter().filter(|pool| !pool.is_empty()) {
            worth_to_any.iter_mut().zip(worth(pool, &kept)).for_each(|(most, worth)| *most = most.max(worth));
        }
        let goes = |member: &usize| kept[*member] && *member != guard && worth_to_any[*member] < WORTH_ITS_TIME;
        let least = (0..n_members).filter(goes).min_by(|&a, &b| worth_to_any[a].total_cmp(&worth_to_any[b]));
        match least {
            Some(member) => kept[member] = false,
            None => return kept,
        }
    }
}
