//! What `fleetcast backtest --diagnose` prints.

use crate::text::{Align, aligned, score};
use fleetcast::diagnose::{Diagnosed, Diagnosis, Test};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most series that are told one by one on a terminal.
const MOST_LINES: usize = 40;

pub(super) fn text(diagnosed: &Diagnosed) -> String {
    let right = Align::Right;
    let head = [
        ("series", Align::Left),
        ("ADF p", right),
        ("KPSS p", right),
        ("Ljung-Box p", right),
        ("season", right),
        ("what it is like", Align::Left),
    ];
    let rows = diagnosed.series.iter().take(MOST_LINES).map(|(id, found)| match found {
        Ok(tests) => {
            let p = |test: Option<Test>| score(test.map(|test| test.p_value));
            let season = score(tests.seasonal_strength);
            let meaning = tests.meaning().to_owned();
            vec![id.to_string(), p(tests.adf), p(tests.kpss), p(tests.ljung_box), season, meaning]
        }
        Err(reason) => {
            let nothing = || "-".to_owned();
            vec![id.to_string(), nothing(), nothing(), nothing(), nothing(), reason.clone()]
        }
    });
    let mut text = aligned(&head, rows.collect());
    if diagnosed.series.len() > MOST_LINES {
        text.push_str(&format!("... and {} more, with --json all\n", diagnosed.series.len() - MOST_LINES));
    }
    text.push_str(&counts(diagnosed));
    text
}

/// How many series are alike, the most first.
fn counts(diagnosed: &Diagnosed) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, found) in &diagnosed.series {
        *kinds.entry(found.as_ref().map_or("not tested", Diagnosis::meaning)).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    format!("{} series, season of {} steps; {}\n", diagnosed.series.len(), diagnosed.season_length, told.join(", "))
}

pub(super) fn json(diagnosed: &Diagnosed) -> Value {
    let test = |test: Option<Test>| {
        test.map(|test| json!({ "statistic": test.statistic, "p_value": test.p_value, "lags": test.lags }))
    };
    let rows = diagnosed.series.iter().map(|(id, found)| match found {
        Ok(tests) => json!({
            "series": id.to_string(),
            "adf": test(tests.adf),
            "kpss": test(tests.kpss),
            "ljung_box": test(tests.ljung_box),
            "seasonal_strength": tests.seasonal_strength,
            "meaning": tests.meaning(),
        }),
        Err(reason) => json!({ "series": id.to_string(), "reason": reason }),
    });
    json!({ "season_length": diagnosed.season_length, "series": rows.collect::<Vec<_>>() })
}
