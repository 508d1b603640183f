//! Groups in words that tell them apart.

use super::features::{Behaviour, Feature, N_FEATURES};
use fleetcast_numeric::quantile;

/// Traits that a name has room for before two names are equal.
const TRAITS: usize = 2;

/// The name of each group, no two alike. `behaviours` and `points` are those of each group's servers:
/// raw features, and the standardised ones that say what sets a group apart.
pub(crate) fn names(groups: &[(Vec<&Behaviour>, Vec<&[f64; N_FEATURES]>)]) -> Vec<String> {
    let portraits: Vec<Portrait> = groups.iter().map(|(behaviours, points)| Portrait::of(behaviours, points)).collect();
    let mut traits = vec![TRAITS; portraits.len()];
    let name = |at: usize, traits: usize| portraits[at].name(traits);
    // Names that are alike get one trait more, as long as there is one.
    loop {
        let names: Vec<String> = (0..portraits.len()).map(|at| name(at, traits[at])).collect();
        let alike = |at: usize| names.iter().filter(|other| **other == names[at]).count() > 1;
        let longer: Vec<usize> =
            (0..portraits.len()).filter(|&at| alike(at) && traits[at] < portraits[at].traits.len()).collect();
        if longer.is_empty() {
            return tell_apart(names, &portraits);
        }
        for at in longer {
            traits[at] += 1;
        }
    }
}

/// Adds numbers to names that are alike still: the level, else the group's own number.
fn tell_apart(names: Vec<String>, portraits: &[Portrait]) -> Vec<String> {
    let with = |suffixes: Vec<String>, names: &[String]| -> Vec<String> {
        let alike = |at: usize| names.iter().filter(|other| **other == names[at]).count() > 1;
        (0..names.len())
            .map(|at| if alike(at) { format!("{} {}", names[at], suffixes[at]) } else { names[at].clone() })
            .collect()
    };
    let level =
        |portrait: &Portrait| portrait.level.map_or(String::new(), |level| format!("(about {:.0} %)", 100.0 * level));
    let by_level = with(portraits.iter().map(level).collect(), &names);
    with((0..names.len()).map(|at| format!("({})", at + 1)).collect(), &by_level)
}

/// What stands out in a group.
struct Portrait {
    level: Option<f64>,
    /// Words for its traits, the most telling first.
    traits: Vec<&'static str>,
}

impl Portrait {
    fn of(behaviours: &[&Behaviour], points: &[&[f64; N_FEATURES]]) -> Self {
        let median = |feature: Feature| {
            let known: Vec<f64> = behaviours.iter().filter_map(|one| one[feature as usize]).collect();
            // A trait of a group is one that most of its servers are known to have.
            if 2 * known.len() < behaviours.len() { None } else { quantile(&known, 0.5) }
        };
        let apart = |feature: Feature| {
            let column: Vec<f64> = points.iter().map(|point| point[feature as usize]).collect();
            quantile(&column, 0.5).unwrap_or(0.0).abs()
        };
        let level = median(Feature::Level);
        let mut traits: Vec<(f64, &'static str)> = Feature::ALL
            .into_iter()
            .filter_map(|feature| Some((apart(feature), word(feature, median(feature)?, level)?)))
            .collect();
        traits.sort_by(|a, b| b.0.total_cmp(&a.0));
        Self { level, traits: traits.into_iter().map(|(_, word)| word).collect() }
    }

    fn name(&self, traits: usize) -> String {
        let level = match self.level {
            None => "load without a capacity",
            Some(level) if level < 0.1 => "idle",
            Some(level) if level < 0.3 => "lightly used",
            Some(level) if level < 0.55 => "moderately used",
            Some(level) if level < 0.75 => "busy",
            Some(_) => "nearly full",
        };
        let words: Vec<&str> = std::iter::once(level).chain(self.traits.iter().take(traits).copied()).collect();
        words.join(", ")
    }
}

/// The word for a feature's value, when the value is worth one.
fn word(feature: Feature, value: f64, level: Option<f64>) -> Option<&'static str> {
    match feature {
        Feature::Level => None,
        Feature::Memory if value >= 0.75 => Some("memory nearly full"),
        Feature::Memory if level.is_some_and(|level| value >= level + 0.2) => Some("more memory than cpu"),
        Feature::Memory if level.is_some_and(|level| value + 0.1 <= level) => Some("more cpu than memory"),
        Feature::Peak if value >= 0.6 => Some("rare high days"),
        Feature::Burst if value >= 0.6 => Some("bursts within the day"),
        Feature::Week if value >= 0.15 => Some("busy on working days"),
        Feature::Week if value <= -0.1 => Some("busy at weekends"),
        Feature::Week if value.abs() < 0.05 => Some("the same all week"),
        Feature::Quarter if value >= 0.25 => Some("strong quarter-end peaks"),
        Feature::Quarter if value >= 0.1 => Some("quarter-end peaks"),
        Feature::Volatility if value >= 0.2 => Some("erratic"),
        Feature::Volatility if value <= 0.06 => Some("steady"),
        Feature::Growth if value >= 0.25 => Some("growing fast"),
        Feature::Growth if value >= 0.08 => Some("growing"),
        Feature::Growth if value <= -0.05 => Some("shrinking"),
        Feature::Together if value >= 0.6 => Some("cpu and memory move together"),
        Feature::Together if value <= 0.2 => Some("cpu and memory move apart"),
        _ => None,
    }
}
