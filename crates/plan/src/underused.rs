//! Servers with too little to do.

use crate::days::{Day, Days};
use crate::measures::{growth_per_year, means_of_kind};
use crate::{Seen, UnderusedRule};
use fleetcast_core::{History, Unit};
use fleetcast_numeric::math;

/// One percent metric of a server: its daily P95 and, where known, its daily means.
pub(crate) struct Usage<'a> {
    pub(crate) p95: &'a History,
    pub(crate) means: Option<&'a History>,
}

/// Whether a server is underused, and why or why not: the first reason that speaks against it.
pub(crate) fn underused(usages: &[Usage], rule: &UnderusedRule, days: &mut Days) -> (bool, String) {
    let percent: Vec<&Usage> = usages
        .iter()
        .filter(|usage| *usage.p95.metric().unit() == Unit::Percent && usage.p95.n_observed() > 0)
        .collect();
    if percent.is_empty() {
        return (false, "no percent metric was measured".to_owned());
    }
    let verdicts: Vec<Verdict> = percent.iter().map(|usage| Verdict::of(usage, rule, days)).collect();
    // What is known to speak against it comes before what is not known.
    for against in [Verdict::busy, Verdict::peaks, Verdict::grows, Verdict::unknown] {
        if let Some(reason) = verdicts.iter().find_map(against) {
            return (false, reason);
        }
    }
    let parts: Vec<&str> = verdicts.iter().map(|verdict| verdict.idle.as_str()).collect();
    (true, format!("{}; no period peak", parts.join(", ")))
}

/// What speaks for and against one metric being underused.
struct Verdict {
    busy: Option<String>,
    peaks: Option<String>,
    grows: Option<String>,
    unknown: Option<String>,
    idle: String,
}

impl Verdict {
    fn busy(&self) -> Option<String> {
        self.busy.clone()
    }

    fn peaks(&self) -> Option<String> {
        self.peaks.clone()
    }

    fn grows(&self) -> Option<String> {
        self.grows.clone()
    }

    fn unknown(&self) -> Option<String> {
        self.unknown.clone()
    }

    fn of(usage: &Usage, rule: &UnderusedRule, days: &mut Days) -> Self {
        let history = usage.p95;
        let name = history.metric().name();
        // A mean is never above the P95 of the same day, so P95 alone can prove idleness.
        let (mean, what) = match usage.means.and_then(|means| math::mean(means.values())) {
            Some(mean) => (mean, "mean"),
            None => (math::mean(history.values()).unwrap_or(f64::INFINITY), "mean P95"),
        };
        let busy = (mean >= rule.mean_below_percent)
            .then(|| format!("{what} {name} is {mean:.0} %, not under {} %", rule.mean_below_percent));
        let marked = days.of(history);
        let missing = match &marked {
            Some(_) => Seen::of(history, days.calendar()).missing(),
            None => Some("needs daily values with dates".to_owned()),
        };
        let peaks = marked.and_then(|marked| period_peak(history, &marked, rule));
        let growth = growth_per_year(history.values()).map(|growth| 100.0 * growth);
        // Adding zero turns a rounded -0 into 0.
        let shown = growth.unwrap_or(0.0).round() + 0.0;
        let grows = growth.filter(|growth| *growth >= rule.growth_below_percent_per_year).map(|growth| {
            format!("{name} grows by {growth:.0} % a year, not under {} %", rule.growth_below_percent_per_year)
        });
        let unknown =
            missing.map(|missing| format!("{what} {name} is only {mean:.0} %, but its peaks are not known: {missing}"));
        let unknown = unknown.or_else(|| {
            let days = history.n_observed();
            let needs = "a year and eight weeks of history are needed";
            growth.is_none().then(|| {
                format!(
                    "{what} {name} is only {mean:.0} %, but its growth is not known: {needs}, {days} days were observed"
                )
            })
        });
        let idle = format!("{what} {name} {mean:.0} %, growth {shown} % a year");
        Self { busy, peaks, grows, unknown, idle }
    }
}

/// The first kind of period end that lifts a metric above its ordinary days and to a level that matters.
fn period_peak(history: &History, days: &[Day], rule: &UnderusedRule) -> Option<String> {
    type IsKind = fn(&Day) -> bool;
    let kinds: [(&str, IsKind); 3] = [
        ("year-ends", |day| day.is_year_end),
        ("quarter-ends", |day| day.is_quarter_end),
        ("month-ends", |day| day.is_month_end),
    ];
    kinds.iter().find_map(|(name, is_kind)| {
        let (inside, outside) = means_of_kind(history.values(), days, is_kind)?;
        let is_peak = inside >= rule.peak_ratio_below * outside && inside >= rule.peak_level_percent;
        is_peak.then(|| format!("{} peaks at {name}, at {inside:.0} % against {outside:.0} %", history.metric().name()))
    })
}
