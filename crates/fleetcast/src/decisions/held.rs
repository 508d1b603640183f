//! Whether warnings stood until what they warned of came.

use super::origin::Crossing;
use super::rules::Figures;
use super::score::Sheet;
use super::{DecisionScore, ORACLE, OWN, Origins};
use fleetcast_plan::proof::{Held, Resamples, Rule, Standing, WARNED};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Leads, in days, that are asked for.
const LEADS: [usize; 3] = [14, 30, 60];

/// Leads and flips of every method at one threshold; nothing with a single origin.
pub(super) fn scores(
    rows: &[&Crossing],
    threshold: f64,
    rules: &Figures,
    origins: &Origins,
    resamples: &Resamples,
) -> Vec<DecisionScore> {
    if origins.days.len() < 2 {
        return Vec::new();
    }
    let slice = format!("warnings of {threshold} % held");
    let mut by_series: BTreeMap<usize, Vec<&Crossing>> = BTreeMap::new();
    rows.iter().for_each(|row| by_series.entry(row.series).or_default().push(row));
    by_series.values_mut().for_each(|rows| rows.sort_by_key(|row| row.origin));
    let said = |curve: &[f64]| curve.last().is_some_and(|p| *p >= WARNED);
    let own = |row: &Crossing| Some(said(&row.curve));
    let mut scores = sheet(OWN, &slice, &of(&by_series, origins, &own), resamples);
    if rows.iter().any(|row| row.best.is_some()) {
        let best = |row: &Crossing| row.best.as_deref().map(said);
        scores.extend(sheet(ORACLE, &slice, &of(&by_series, origins, &best), resamples));
    }
    for rule in Rule::ALL {
        let warns = |row: &Crossing| {
            let figure = rules.get(rule, row.series, row.origin).and_then(|figure| figure.compared);
            Some(figure.is_some_and(|figure| figure >= rule.warns_from(threshold)))
        };
        scores.extend(sheet(rule.name(), &slice, &of(&by_series, origins, &warns), resamples));
    }
    scores
}

/// What a reader should know of how often warnings were looked at.
pub(super) fn note(origins: &Origins) -> Option<String> {
    let step = origins.days.windows(2).map(|pair| days_between(pair[0], pair[1])).max()?;
    let horizon = origins.horizon;
    let beyond: Vec<String> = LEADS.iter().filter(|lead| **lead > horizon).map(ToString::to_string).collect();
    let untold = match beyond.join(", ") {
        beyond if beyond.is_empty() => String::new(),
        beyond => format!("; leads of {beyond} days are beyond the horizon"),
    };
    Some(format!("warnings were looked at every {step} days: a break between two looks is not seen{untold}"))
}

fn days_between(first: Date, second: Date) -> i64 {
    second.duration_since(first).as_hours() / 24
}

/// The courses of every series by one method, which says of a row whether it is warned; `None` where it says nothing.
fn of(
    by_series: &BTreeMap<usize, Vec<&Crossing>>,
    origins: &Origins,
    warned: &dyn Fn(&Crossing) -> Option<bool>,
) -> Held {
    let mut held = Held::default();
    for rows in by_series.values() {
        let standing = |row: &&Crossing| {
            let warned = warned(row)?;
            let day = days_between(origins.days[0], origins.days[row.origin]);
            Some(Standing { day, warned, at_risk: row.at_risk, crossed: row.crossed })
        };
        let course: Vec<Standing> = rows.iter().filter_map(standing).collect();
        held.add(rows[0].server, &course);
    }
    held
}

fn sheet(method: &str, slice: &str, held: &Held, resamples: &Resamples) -> Vec<DecisionScore> {
    let mut sheet = Sheet::new(method, slice, resamples);
    for lead in LEADS {
        let days = lead as i64;
        sheet.add(&format!("held_{lead}"), |times| held.recall(times, days));
        sheet.count(&format!("n_{lead}"), held.led.iter().filter(|led| led.most >= days).count());
    }
    sheet.add("median_lead_days", |times| held.median_lead(times));
    sheet.add("flip_share", |times| held.flips(times));
    sheet.add("flip_share_of_warned", |times| held.flips_of_warned(times));
    sheet.scores
}
