//! Calendar ridge whose effects of the calendar are drawn towards those of similar servers.

use crate::Settings;
use crate::calendar_ridge::{CalendarRidge, CalendarRidgeFit, Place};
use fleetcast_core::{Fitted, History, Model, Panel, Result};
use std::collections::BTreeMap;

/// [`CalendarRidge`] with the year, quarter and month ends of similar servers: those of the same archetype and service,
/// else of the same archetype, else of the fleet, always of the same metric.
///
/// Series with 1.2 years or more say what the calendar does to them, relative to their level; the mean of a group is
/// drawn towards that of the group around it. How strongly a series follows its group is learned from its own values, and
/// its own effects are deviations from that. One series alone has no group, and its forecast is that of calendar ridge.
///
/// Gelman & Hill (2007), "Data Analysis Using Regression and Multilevel/Hierarchical Models", chapter 12.
#[derive(Clone, Debug)]
pub struct Pooled {
    ridge: CalendarRidge,
}

impl Pooled {
    /// The method with the seasons and the calendar of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { ridge: CalendarRidge::new(settings) }
    }

    /// Learns from all series of a panel and keeps the concrete type, which can explain itself.
    pub fn fit_all(&self, panel: &Panel) -> Vec<Result<CalendarRidgeFit>> {
        self.ridge.fit_in_groups(panel.histories(), Some(&places(panel)))
    }
}

/// The groups of each series: by metric, then by archetype, then by service.
fn places(panel: &Panel) -> Vec<Place> {
    let keys: Vec<[Option<&str>; 3]> = panel
        .histories()
        .iter()
        .map(|history| {
            let server = panel.server(&history.id().server_id);
            let archetype = server.and_then(|server| server.archetype.as_deref());
            [Some(&*history.id().metric), archetype, server.and_then(|server| server.service.as_deref())]
        })
        .collect();
    let mut numbers: BTreeMap<Option<&str>, usize> = keys.iter().flatten().map(|name| (*name, 0)).collect();
    numbers.values_mut().enumerate().for_each(|(i, number)| *number = i);
    keys.iter().map(|names| names.map(|name| numbers[&name])).collect()
}

impl Model for Pooled {
    fn name(&self) -> &str {
        "pooled"
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below 14 observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        self.ridge.fit(history)
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        let boxed = |fit: Result<CalendarRidgeFit>| -> Result<Box<dyn Fitted>> { Ok(Box::new(fit?)) };
        self.fit_all(panel).into_iter().map(boxed).collect()
    }
}
