//! Trend, week, year, quarter ends and events in one robust ridge regression.
//!
//! A series is fitted on its own scale and, where it is positive, on a logarithmic one, each with a stiff
//! and a supple trend. How far the recent level and the slope are carried forward, and how much each of
//! the four is worth, is judged by the forecasts they would have made at earlier origins, for the series
//! and for the whole panel. Everything that depends on times alone is worked out once for all series that
//! share them, so that a series costs a few passes over its values.

mod clean;
mod explain;
mod features;
mod fit;
mod shared;
mod spread;
mod system;
mod tune;

pub use explain::{Component, Explanation};
pub use fit::CalendarRidgeFit;
pub(crate) use shared::Place;

use crate::Settings;
use crate::steps::{require, usual_horizon};
use fit::{Design, Learned};
use fleetcast_core::{Fitted, History, Model, Panel, Result, Timeline};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Observations below which nothing but the last value could be repeated.
const LEAST_OBSERVATIONS: usize = 14;
/// Series whose losses say what is worth how much in the fleet: more change it by less than it matters.
const SPEAK_FOR_THE_FLEET: usize = 1_000;
/// Blocks of history that are looked at: eleven years of days, three months of hours.
const MOST_BLOCKS: usize = 45;

/// The main method: a ridge regression on a piecewise-linear trend and the calendar.
///
/// Ridge: Hoerl & Kennard (1970), Technometrics 12(1), 55-67. Robust residuals: Huber & Ronchetti (2009),
/// "Robust Statistics", 2nd ed., section 7.8. Censored values: Tobin (1958), Econometrica 26(1), 24-36,
/// by expectation and maximisation.
#[derive(Clone, Debug)]
pub struct CalendarRidge {
    settings: Settings,
}

impl CalendarRidge {
    /// The method with the seasons and the calendar of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    /// Learns from one series and keeps the concrete type, which can explain itself.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below 14 observations.
    pub fn fit_one(&self, history: &History) -> Result<CalendarRidgeFit> {
        let mut fits = self.fit_many(std::slice::from_ref(history));
        fits.pop().expect("one history gives one result")
    }

    /// Learns from many series, one result each, in their order.
    pub fn fit_many(&self, histories: &[History]) -> Vec<Result<CalendarRidgeFit>> {
        self.fit_in_groups(histories, None)
    }

    /// The same with effects of the calendar that similar series share: `places` has the groups of each history.
    pub(crate) fn fit_in_groups(
        &self,
        histories: &[History],
        places: Option<&[Place]>,
    ) -> Vec<Result<CalendarRidgeFit>> {
        let trimmed: Vec<Result<History>> = histories.par_iter().map(|history| self.trimmed(history)).collect();
        let season_length = self.settings.season_length();
        let alone = self.designs(&trimmed, |_| true, false);
        let priors = places.map(|places| {
            let known: Vec<Option<(&History, &Design)>> = trimmed
                .iter()
                .map(|history| history.as_ref().ok().map(|history| (history, &*alone[&Key::of(history)])))
                .collect();
            shared::priors(&known, places, season_length)
        });
        let prior = |at: usize| priors.as_ref().and_then(|priors| priors[at].clone());
        let in_groups = self.designs(&trimmed, |at| prior(at).is_some(), true);
        let learn = |at: usize, history: &History| {
            let prior = prior(at);
            let designs = if prior.is_some() { &in_groups } else { &alone };
            Learned::new(history, designs[&Key::of(history)].clone(), season_length, prior)
        };
        // What was learned of a series is large. Those that speak for the fleet wait for one another; others settle at
        // once.
        // An odd stride visits every metric of the servers.
        let stride = trimmed.len().div_ceil(SPEAK_FOR_THE_FLEET).max(1) | 1;
        let speakers: Vec<Option<Learned>> = trimmed
            .par_iter()
            .enumerate()
            .step_by(stride)
            .map(|(at, history)| history.as_ref().ok().map(|history| learn(at, history)))
            .collect();
        let fleet = fit::fleet_losses(speakers.iter().flatten());
        let mut learned: Vec<Option<Learned>> = trimmed.iter().map(|_| None).collect();
        learned.iter_mut().step_by(stride).zip(speakers).for_each(|(place, speaker)| *place = speaker);
        trimmed
            .into_par_iter()
            .zip(learned)
            .enumerate()
            .map(|(at, (history, learned))| {
                let history = history?;
                Ok(learned.unwrap_or_else(|| learn(at, &history)).settle(fleet.as_deref()))
            })
            .collect()
    }

    /// The part of a history that is looked at: from its first observation, and not all of a long one.
    fn trimmed(&self, history: &History) -> Result<History> {
        require(self.name(), history, LEAST_OBSERVATIONS)?;
        let first = history.values().iter().position(|v| !v.is_nan()).unwrap_or(0);
        let length = (history.len() - first).min(MOST_BLOCKS * usual_horizon(history.timeline()));
        let history = history.suffix(length);
        require(self.name(), &history, LEAST_OBSERVATIONS)?;
        Ok(history)
    }

    /// One design per timeline and length of the histories at the places that `serves` names; `has_group` when they have
    /// what similar series tell them.
    fn designs(
        &self,
        histories: &[Result<History>],
        serves: impl Fn(usize) -> bool,
        has_group: bool,
    ) -> BTreeMap<Key, Arc<Design>> {
        let served = histories.iter().enumerate().filter(|(at, _)| serves(*at)).filter_map(|(_, h)| h.as_ref().ok());
        let timelines: BTreeMap<Key, Timeline> =
            served.map(|history| (Key::of(history), *history.timeline())).collect();
        timelines
            .into_par_iter()
            .map(|(key, timeline)| {
                let (seasons, calendar) = (&self.settings.season_lengths, &self.settings.calendar);
                (key, Arc::new(Design::new(timeline, key.length, seasons, calendar, has_group)))
            })
            .collect()
    }
}

/// What a design depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    first: jiff::civil::DateTime,
    step_seconds: i64,
    has_calendar: bool,
    length: usize,
}

impl Key {
    fn of(history: &History) -> Self {
        let timeline = history.timeline();
        Self {
            first: timeline.at(0),
            step_seconds: timeline.step().as_seconds(),
            has_calendar: timeline.has_calendar(),
            length: history.len(),
        }
    }
}

impl Model for CalendarRidge {
    fn name(&self) -> &str {
        "calendar-ridge"
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below 14 observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_one(history)?))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        let boxed = |fit: Result<CalendarRidgeFit>| -> Result<Box<dyn Fitted>> { Ok(Box::new(fit?)) };
        self.fit_many(panel.histories()).into_iter().map(boxed).collect()
    }
}
