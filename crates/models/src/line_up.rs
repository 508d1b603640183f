//! The methods by name.

use crate::prophet::ProphetOptions;
use crate::{
    Arima, Boosted, CalendarRidge, Estimates, Ets, LevelShape, Mstl, Naive, Pooled, Prophet, RandomForest,
    SeasonalMean, SeasonalNaive, Theta, Var,
};
use fleetcast_core::{Calendar, Error, Model, Result, nearest};
use std::sync::Arc;

/// Names of all methods, in the order of [`all`].
pub const NAMES: &[&str] = &[
    "seasonal-naive",
    "naive",
    "seasonal-mean",
    "theta",
    "calendar-ridge",
    "prophet",
    "prophet-qe",
    "ets",
    "mstl",
    "arima",
    "pooled",
    "level-shape",
    "boosted",
    "boosted-without-quarter-ends",
    "boosted-without-other-metrics",
    "random-forest",
    "var",
];

/// Names of the methods that `auto` weighs up, in the order of [`members`]: each has shown on windows that nobody tunes
/// on what it gains for its time. The others are asked for by name.
pub const MEMBERS: &[&str] = &["seasonal-naive", "naive", "seasonal-mean", "theta", "calendar-ridge", "boosted"];

/// What the methods of one run have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Steps in each season, the shortest first: `[7]` for days, `[24, 168]` for hours; empty when
    /// nothing repeats.
    pub season_lengths: Vec<usize>,
    /// Which days are special. Methods look at it only where a timeline has real dates.
    pub calendar: Arc<Calendar>,
}

impl Settings {
    /// The season that the one-season methods repeat: the shortest, or 1 when there is none.
    pub fn season_length(&self) -> usize {
        self.season_lengths.iter().copied().filter(|&m| m > 0).min().unwrap_or(1)
    }
}

/// The method called `name`.
///
/// # Errors
/// [`Error::UnknownName`] with the nearest known name.
pub fn named(name: &str, settings: &Settings) -> Result<Box<dyn Model>> {
    let season_length = settings.season_length();
    Ok(match name {
        "seasonal-naive" => Box::new(SeasonalNaive { season_length }),
        "naive" => Box::new(Naive),
        "seasonal-mean" => Box::new(SeasonalMean { season_length }),
        "theta" => Box::new(Theta { season_length }),
        "calendar-ridge" => Box::new(CalendarRidge::new(settings)),
        "prophet" => Box::new(Prophet::new(settings)),
        "prophet-qe" => Box::new(Prophet::with_options(name, settings, ProphetOptions::with_quarter_ends())),
        "ets" => Box::new(Ets { season_length }),
        "pooled" => Box::new(Pooled::new(settings)),
        "mstl" => Box::new(Mstl { season_lengths: settings.season_lengths.clone() }),
        "arima" => Box::new(Arima { season_length, estimates: Estimates::Conditional }),
        "level-shape" => Box::new(LevelShape::new(settings)),
        "boosted" => Box::new(Boosted::new(settings)),
        "boosted-without-quarter-ends" => Box::new(Boosted::without_quarter_ends(settings)),
        "boosted-without-other-metrics" => Box::new(Boosted::without_other_metrics(settings)),
        "random-forest" => Box::new(RandomForest::new(settings)),
        "var" => Box::new(Var::new(settings)),
        _ => {
            return Err(Error::UnknownName {
                kind: "model".to_owned(),
                found: name.to_owned(),
                nearest: nearest(name, NAMES.iter().copied()).to_owned(),
                known: NAMES.join(", "),
            });
        }
    })
}

/// Every method, in the order of [`NAMES`].
pub fn all(settings: &Settings) -> Vec<Box<dyn Model>> {
    NAMES.iter().map(|name| named(name, settings).expect("every name of the list has its arm")).collect()
}

/// The methods that `auto` weighs up, in the order of [`MEMBERS`].
pub fn members(settings: &Settings) -> Vec<Box<dyn Model>> {
    MEMBERS.iter().map(|name| named(name, settings).expect("every member is one of the names")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_model_and_a_misspelt_one_its_neighbour() {
        let settings = Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) };
        let names: Vec<String> = all(&settings).iter().map(|model| model.name().to_owned()).collect();
        assert_eq!(names, NAMES);
        assert!(members(&settings).iter().map(|model| model.name()).eq(MEMBERS.iter().copied()));
        let error = named("calender-ridge", &settings).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("unknown model `calender-ridge`, did you mean `calendar-ridge`?"), "{error}");
    }
}
