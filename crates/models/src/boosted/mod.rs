//! One model for all series: boosted trees on lags, rolling statistics, the calendar and the steps ahead.

mod booster;
mod days;
mod features;
mod fit;
mod forest;
mod learn;
mod past;
mod sample;
mod tree;
mod trees;

use crate::Settings;
use features::{Lengths, Shown};
use fit::BoostedFit;
use fleetcast_core::{Error, Fitted, History, Model, Panel, Result};
use std::collections::BTreeMap;
use trees::Kind;

/// One model for all series of a panel, whatever their length and scale: quantiles of each step ahead, straight from
/// what is known at the cutoff, the number of steps ahead being one of the features.
///
/// Targets and features are told in terms of the series itself: less its level, over its usual seasonal change; the
/// trees correct the mean of the last seasons. Features: windows of a week to a year (means, slopes, quantiles, the
/// last values), the same place of the last seasons, what the same forecast missed one and two years and one to five
/// quarters ago, the calendar (`day_of_week`, `days_to_next_quarter_end`, `is_near_qend`, `quarter_number`, holidays;
/// `hour_of_day` and `is_business_hour` by the hour), archetype and metric, and what the other metrics of the server do
/// lately. Rows are sampled, so that the time hardly grows with the length of the series.
///
/// A value at the upper bound counts as "at least that". No series is forecast by trees that have seen a later time of
/// any other. The trees: Friedman (2001), Annals of Statistics 29(5), 1189-1232; one model over many series: Montero-Manso &
/// Hyndman (2021), "Principles and algorithms for forecasting groups of time series", IJF 37(4), 1632-1653.
#[derive(Clone, Debug)]
pub struct Boosted {
    settings: Settings,
    shown: Shown,
    kind: Kind,
    name: &'static str,
}

impl Boosted {
    /// The method with the seasons and the calendar of `settings`.
    pub fn new(settings: &Settings) -> Self {
        let shown = Shown { quarter_ends: true, other_metrics: true };
        Self { settings: settings.clone(), shown, kind: Kind::Boosted, name: "boosted" }
    }

    /// The same, blind to quarter ends: what it loses is what they gain.
    pub fn without_quarter_ends(settings: &Settings) -> Self {
        let shown = Shown { quarter_ends: false, other_metrics: true };
        Self { settings: settings.clone(), shown, kind: Kind::Boosted, name: "boosted-without-quarter-ends" }
    }

    /// The same, looking at no other metric of a server.
    pub fn without_other_metrics(settings: &Settings) -> Self {
        let shown = Shown { quarter_ends: true, other_metrics: false };
        Self { settings: settings.clone(), shown, kind: Kind::Boosted, name: "boosted-without-other-metrics" }
    }

    /// A forest on the same features, by another name.
    pub(crate) fn forest(settings: &Settings, name: &'static str) -> Self {
        Self { kind: Kind::Forest, name, ..Self::new(settings) }
    }

    /// Observations below which a series has no origin to be forecast from.
    fn needed(&self, history: &History) -> usize {
        Lengths::new(history.timeline(), &self.settings.season_lengths, 1).least() + 2
    }
}

impl Model for Boosted {
    fn name(&self) -> &str {
        self.name
    }

    /// # Errors
    /// [`Error::TooShort`] below two seasons and two steps.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let panel = Panel::new(Vec::new(), vec![history.clone()])?;
        self.fit_panel(&panel).pop().expect("one history gives one result")
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        let mut groups: BTreeMap<(i64, bool), Vec<usize>> = BTreeMap::new();
        for (at, history) in panel.histories().iter().enumerate() {
            let timeline = history.timeline();
            if history.n_observed() >= self.needed(history) {
                groups.entry((timeline.step().as_seconds(), timeline.has_calendar())).or_default().push(at);
            }
        }
        let mut fits: Vec<Option<BoostedFit>> = panel.histories().iter().map(|_| None).collect();
        for places in groups.values() {
            let histories: Vec<&History> = places.iter().map(|&at| &panel.histories()[at]).collect();
            learn::learn(panel, &histories, &self.settings, (self.shown, self.kind), |at, fit| {
                fits[places[at]] = Some(fit)
            });
        }
        let told = |(fit, history): (Option<BoostedFit>, &History)| match fit {
            Some(fit) => Ok(Box::new(fit) as Box<dyn Fitted>),
            None => {
                let (needed, found) = (self.needed(history), history.n_observed());
                Err(Error::TooShort { model: self.name.to_owned(), needed, found })
            }
        };
        fits.into_iter().zip(panel.histories()).map(told).collect()
    }
}
