//! Changes as a file says them.

use super::Select;
use crate::{Error, PriceBook, Result};
use fleetcast_core::nearest;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A what-if: its name, and the changes that are made together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatIf {
    /// What the reader calls it.
    pub name: String,
    /// What changes.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// The file it comes from.
    #[serde(skip)]
    source_name: String,
}

/// Where a change stands, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    source_name: &'a str,
    number: usize,
}

impl Place<'_> {
    /// What is wrong with one key of the change.
    pub(super) fn wrong(self, key: &str, found: String, allowed: String) -> Error {
        let key = format!("changes.{}.{key}", self.number);
        Error::Change { source_name: self.source_name.to_owned(), key, found, allowed }
    }
}

/// One change. Dates are local days of the servers; without them it holds from the first day ahead, and
/// for good. Without `metrics` it is about every metric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Load is multiplied: a service grows, or is made lighter.
    Growth {
        /// Whose.
        servers: Select,
        /// 1.3 for 30 % more.
        factor: f64,
        /// Metrics it is about.
        #[serde(default)]
        metrics: Vec<String>,
        /// First day.
        #[serde(default, deserialize_with = "day")]
        from: Option<Date>,
        /// Last day.
        #[serde(default, deserialize_with = "day")]
        until: Option<Date>,
    },
    /// Load is added: something new is started on servers that are there.
    Launch {
        /// Where.
        servers: Select,
        /// By metric, in per cent of the capacity of each server.
        add_percent: BTreeMap<String, f64>,
        /// First day.
        #[serde(default, deserialize_with = "day")]
        from: Option<Date>,
        /// Last day.
        #[serde(default, deserialize_with = "day")]
        until: Option<Date>,
    },
    /// A share of the load moves to other servers, each of which takes as much of it as it is large.
    Migration {
        /// Whose load.
        servers: Select,
        /// Where it goes.
        to: Select,
        /// Share that moves, 1 for all.
        #[serde(default = "all")]
        share: f64,
        /// Metrics it is about.
        #[serde(default)]
        metrics: Vec<String>,
        /// First day.
        #[serde(default, deserialize_with = "day")]
        from: Option<Date>,
        /// Last day.
        #[serde(default, deserialize_with = "day")]
        until: Option<Date>,
    },
    /// Servers are switched off and their load goes to others, or ends with them: a retirement, or a
    /// consolidation onto fewer machines.
    Retirement {
        /// Which.
        servers: Select,
        /// Where the load goes; it ends when not given.
        #[serde(default)]
        to: Option<Select>,
        /// First day without them.
        #[serde(default, deserialize_with = "day")]
        from: Option<Date>,
    },
    /// A region is lost: the load of each of its servers goes to those of its pool in other regions, else
    /// to those of its service with the same kind of workload; where there are none it is lost too.
    RegionLoss {
        /// The region.
        region: String,
        /// First day.
        #[serde(default, deserialize_with = "day")]
        from: Option<Date>,
        /// Last day.
        #[serde(default, deserialize_with = "day")]
        until: Option<Date>,
    },
    /// Other thresholds.
    Threshold {
        /// In per cent of capacity.
        percent: Vec<f64>,
    },
    /// Other prices.
    Price {
        /// How the names of the types begin; empty for all.
        #[serde(default)]
        types: String,
        /// What prices are multiplied by.
        factor: f64,
    },
}

fn all() -> f64 {
    1.0
}

/// A day as TOML writes it, 2025-02-01, with quotes or without.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Quoted(String),
        Bare(toml::value::Datetime),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Quoted(text) => text,
        Written::Bare(date) => date.to_string(),
    };
    let wrong = || serde::de::Error::custom(format!("`{text}` is no date; write it as 2025-02-01"));
    text.parse().map(Some).map_err(|_| wrong())
}

impl WhatIf {
    /// The what-if of a TOML file; `source_name` is the file's name, for messages.
    ///
    /// # Errors
    /// [`Error::WhatIf`] with the line of what cannot be understood, [`Error::Change`] for a number that
    /// makes no sense.
    pub fn from_toml(text: &str, source_name: &str) -> Result<Self> {
        let wrong = |reason: String| Error::WhatIf { source_name: source_name.to_owned(), reason };
        let mut what_if: Self = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        source_name.clone_into(&mut what_if.source_name);
        if what_if.changes.is_empty() {
            return Err(wrong("it has no changes; add one under [[changes]]".to_owned()));
        }
        what_if.placed().try_for_each(|(place, change)| change.check(place))?;
        Ok(what_if)
    }

    /// Checks that it may be part of every plan to come: what changes the load must say from when, because from then on
    /// the telemetry shows it and it must not be counted again.
    ///
    /// # Errors
    /// [`Error::Change`] for the first change without a day.
    pub fn check_dated(&self) -> Result<()> {
        let undated = |change: &&Change| change.changes_load() && change.days().0.is_none();
        match self.placed().find(|(_, change)| undated(change)) {
            None => Ok(()),
            Some((place, _)) => {
                let allowed = "a day, so that it is not counted again when the telemetry shows it".to_owned();
                Err(place.wrong("from", "missing".to_owned(), allowed))
            }
        }
    }

    /// What of it lies ahead: changes of the load that begin within the `horizon` days from `first_day` on, and other
    /// thresholds and prices. What began before is in the telemetry; what begins later is not planned yet.
    pub fn ahead(&self, first_day: Date, horizon: usize) -> Self {
        let end =
            first_day.saturating_add(jiff::Span::new().days(i64::try_from(horizon).unwrap_or(i64::MAX).min(4000)));
        let lies_ahead = |change: &&Change| match change.days().0 {
            Some(from) => (first_day..end).contains(&from),
            None => !change.changes_load(),
        };
        Self { changes: self.changes.iter().filter(lies_ahead).cloned().collect(), ..self.clone() }
    }

    /// Checks the metrics and the types of prices that the changes name against those there are.
    ///
    /// # Errors
    /// [`Error::Change`] for one that is not there, with the nearest.
    pub fn check_names(&self, metrics: &[&str], book: &PriceBook) -> Result<()> {
        for (place, change) in self.placed() {
            for (key, name) in change.metrics() {
                if !metrics.contains(&name) {
                    let near = nearest(name, metrics.iter().copied());
                    let allowed = format!("a metric of the lake, such as `{near}`");
                    return Err(place.wrong(key, format!("the unknown metric `{name}`"), allowed));
                }
            }
            let Change::Price { types, .. } = change else { continue };
            if !book.names().any(|name| name.starts_with(types.as_str())) {
                let near = nearest(types, book.names());
                let allowed = format!("how types of the price book begin, such as `{near}`");
                return Err(place.wrong("types", format!("`{types}`"), allowed));
            }
        }
        Ok(())
    }

    /// The changes, each with its place.
    pub(super) fn placed(&self) -> impl Iterator<Item = (Place<'_>, &Change)> {
        let place = |number| Place { source_name: &self.source_name, number };
        (1..).map(place).zip(&self.changes)
    }
}

impl Change {
    fn check(&self, place: Place<'_>) -> Result<()> {
        let wrong = |key: &str, found: f64, allowed: &str| Err(place.wrong(key, found.to_string(), allowed.to_owned()));
        match self {
            Self::Growth { factor, .. } if !(*factor >= 0.0 && factor.is_finite()) => {
                wrong("factor", *factor, "0 or above, 1.3 for 30 % more")
            }
            Self::Price { factor, .. } if !(*factor > 0.0 && factor.is_finite()) => {
                wrong("factor", *factor, "above 0, 0.7 for 30 % less")
            }
            Self::Migration { share, .. } if !(0.0..=1.0).contains(share) => wrong("share", *share, "0 to 1"),
            Self::Launch { add_percent, .. } => match add_percent.values().find(|add| !add.is_finite()) {
                Some(add) => wrong("add_percent", *add, "a number, in per cent of capacity"),
                None => Ok(()),
            },
            Self::Threshold { percent } => match percent.iter().find(|one| !(**one > 0.0 && **one <= 100.0)) {
                Some(one) => wrong("percent", *one, "above 0 and at most 100 % of capacity"),
                None if percent.is_empty() => wrong("percent", f64::NAN, "one threshold at least"),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn changes_load(&self) -> bool {
        !matches!(self, Self::Threshold { .. } | Self::Price { .. })
    }

    /// Metrics that it names, with the key where they stand.
    fn metrics(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Growth { metrics, .. } | Self::Migration { metrics, .. } => {
                metrics.iter().map(|name| ("metrics", name.as_str())).collect()
            }
            Self::Launch { add_percent, .. } => add_percent.keys().map(|name| ("add_percent", name.as_str())).collect(),
            Self::Retirement { .. } | Self::RegionLoss { .. } | Self::Threshold { .. } | Self::Price { .. } => {
                Vec::new()
            }
        }
    }

    /// First and last day; `None` where it holds from the first day ahead, or for good.
    pub(crate) fn days(&self) -> (Option<Date>, Option<Date>) {
        match self {
            Self::Growth { from, until, .. }
            | Self::Launch { from, until, .. }
            | Self::Migration { from, until, .. }
            | Self::RegionLoss { from, until, .. } => (*from, *until),
            Self::Retirement { from, .. } => (*from, None),
            Self::Threshold { .. } | Self::Price { .. } => (None, None),
        }
    }
}
