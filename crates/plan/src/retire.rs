//! Servers that nobody seems to use.

use crate::{RetireRule, SeriesOutlook};

/// Why a server may be switched off, as a phrase; `None` when it may not.
///
/// It must have been idle on every measured metric, on every observed day of histories of at least
/// `rule.min_days` days with few gaps. Processors alone prove nothing: traffic or disk must have been
/// measured too. A metric without capacity cannot be judged, so it forbids the advice.
pub(crate) fn idle(series: &[&SeriesOutlook], rule: &RetireRule) -> Option<String> {
    let has = |name: &str| series.iter().any(|one| one.history.metric().name() == name);
    if !has("cpu") || !(has("network") || has("disk_io")) {
        return None;
    }
    let days = series.iter().map(|one| observed_days(one)).min().flatten()?;
    if days < rule.min_days as usize || !series.iter().all(|one| is_idle(one, rule)) {
        return None;
    }
    let names: Vec<&str> = series.iter().map(|one| one.history.metric().name()).collect();
    Some(format!(
        "idle on every measured metric ({}) for {days} days: no daily P95 reached {} %{}; ask its owner whether it stands by for another",
        names.join(", "),
        rule.p95_below_percent,
        if has("memory") { format!(" (memory {} %)", rule.memory_p95_below_percent) } else { String::new() },
    ))
}

/// Observed days of a history; `None` when more than a tenth of it is gaps, in which anything may be.
fn observed_days(series: &SeriesOutlook) -> Option<usize> {
    let (observed, all) = (series.history.n_observed(), series.history.len());
    (10 * observed >= 9 * all).then_some(observed)
}

fn is_idle(series: &SeriesOutlook, rule: &RetireRule) -> bool {
    let history = series.history;
    let percent =
        if history.metric().name() == "memory" { rule.memory_p95_below_percent } else { rule.p95_below_percent };
    let Some(limit) = series.limit(percent) else { return false };
    // A server about to be used, by what is expected of it, is not idle.
    history.values().iter().chain(series.expected).all(|&value| value.is_nan() || value < limit)
}
