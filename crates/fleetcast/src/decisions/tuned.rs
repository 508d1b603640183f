//! Cost at a given share of bad days, every method with its own headroom tuned on earlier origins.

use super::origin::Sized;
use super::rules::Figures;
use super::score::{Sheet, difference, needed};
use super::{DecisionScore, ORACLE, OWN};
use fleetcast_plan::proof::{Ladder, Needed, Purchase, Resamples, Rule, Rung};
use rayon::prelude::*;

/// Prices of a bad day, in USD, that this program and foresight are tried at.
pub(super) const PRICES: [f64; 16] =
    [1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 150.0, 200.0, 500.0, 1000.0];
/// Multiples of what a rule asks for that it is tried at.
const HEADROOMS: [f64; 16] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7, 1.9, 2.2, 2.6, 3.0];
/// Shares of bad days that are asked for.
const SHARES: [f64; 3] = [0.005, 0.01, 0.02];

/// Cost of every method beside the cheapest fleet that foresight allows, at each share of bad days; `rows` are
/// those of one price of a bad day. Nothing when there are fewer than two origins.
pub(super) fn scores(rows: &[&Sized], rules: &Figures, resamples: &Resamples) -> Vec<DecisionScore> {
    let Some(last) = rows.iter().map(|row| row.origin).max().filter(|last| *last > 0) else { return Vec::new() };
    let earlier = |row: &Sized| 2 * row.origin <= last.saturating_sub(1);
    let ladder = |settings: usize, choose: &(dyn Fn(&Sized, usize) -> Option<Purchase> + Sync)| {
        let setting = |at| rows.iter().filter_map(|row| Some(rung(choose(row, at)?, earlier(row)))).collect();
        Ladder { settings: (0..settings).into_par_iter().map(setting).collect() }
    };
    let own = ladder(PRICES.len(), &|row, at| row.hindsight.outcome(row.ladder.get(at)?));
    let best = ladder(PRICES.len(), &|row, at| Some(row.hindsight.best_at(PRICES[at])));
    let mut methods = vec![(OWN, own.clone()), (ORACLE, best.clone())];
    for rule in Rule::ALL {
        let bought = |row: &Sized, at: usize| {
            let asked = scaled(needed(rule, row, rules), HEADROOMS[at]);
            row.hindsight.outcome(&row.hindsight.bought(asked))
        };
        methods.push((rule.name(), ladder(HEADROOMS.len(), &bought)));
    }
    SHARES.iter().flat_map(|&share| at_share(share, &methods, &own, &best, resamples)).collect()
}

fn rung(purchase: Purchase, is_earlier: bool) -> Rung {
    Rung {
        server: purchase.server,
        is_earlier,
        cost_usd_per_day: purchase.cost_usd_per_day,
        days: purchase.days,
        bad_days: purchase.bad_days,
    }
}

fn scaled(needed: Needed, times: f64) -> Needed {
    let scaled = |share: Option<f64>| share.map(|share| share * times);
    Needed { cpu: scaled(needed.cpu), memory: scaled(needed.memory), network: scaled(needed.network) }
}

fn at_share(
    share: f64,
    methods: &[(&str, Ladder)],
    own: &Ladder,
    best: &Ladder,
    resamples: &Resamples,
) -> Vec<DecisionScore> {
    let slice = format!("sizes tuned to {} % bad days", 100.0 * share);
    let Some(foresight) = best.tuned(share, false) else { return Vec::new() };
    let ratio = |ladder: &Ladder, setting: usize, times: &[u32]| {
        Some(ladder.cost_usd_per_day(setting, times)? / best.cost_usd_per_day(foresight, times)?)
    };
    let tuned_own = own.tuned(share, true);
    let judged = methods.iter().filter_map(|(method, ladder)| {
        // Foresight knows the origins it is judged by.
        let setting = ladder.tuned(share, *method != ORACLE)?;
        let mut sheet = Sheet::new(method, &slice, resamples);
        sheet.add("cost_of_oracle", |times| ratio(ladder, setting, times));
        sheet.add("bad_day_rate", |times| ladder.bad_day_rate(setting, times));
        if let Some(tuned_own) = tuned_own.filter(|_| ![OWN, ORACLE].contains(method)) {
            sheet.add("cost_of_oracle_behind", |times| {
                difference(ratio(ladder, setting, times), ratio(own, tuned_own, times))
            });
        }
        Some(sheet.scores)
    });
    judged.flatten().collect()
}
