//! Which methods a run uses, and how far ahead it can defend to look.

use crate::config::{Config, DEFENSIBLE_HORIZON};
use crate::forecast::{EXPECTED_DAYS, Reach};
use crate::{Error, Result};
use fleetcast_backtest::{Auto, AutoSettings};
use fleetcast_core::{Calendar, Model, Panel, Step, Windows, nearest};
use std::sync::Arc;

/// Name of the default method: a validated and calibrated combination of the others.
pub const AUTO: &str = "auto";
/// Name of the method every other is compared with.
pub const BASELINE: &str = "seasonal-naive";
/// Series shorter than this many steps are not planned.
pub const SHORTEST_HISTORY: usize = 14;

/// Methods of a run: `auto` where it is asked for, and those judged beside it.
pub struct LineUp {
    /// The combination; `None` when only single methods were asked for.
    pub auto: Option<Auto>,
    /// Single methods; the baseline is always among them.
    pub others: Vec<Box<dyn Model>>,
    /// The season that scales errors, in steps.
    pub season_length: usize,
}

impl LineUp {
    /// The methods called `names`, with the baseline beside them.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown name, with the nearest.
    pub fn new(names: &[String], season_lengths: &[usize], calendar: Arc<Calendar>, horizon: usize) -> Result<Self> {
        let settings = fleetcast_models::Settings { season_lengths: season_lengths.to_vec(), calendar };
        let season_length = settings.season_length();
        let mut singles: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != AUTO).collect();
        singles.sort_unstable();
        singles.dedup();
        let mut others = vec![fleetcast_models::named(BASELINE, &settings)?];
        for name in singles.into_iter().filter(|name| *name != BASELINE) {
            others.push(fleetcast_models::named(name, &settings).map_err(|error| unknown_model(name, error))?);
        }
        let auto = if names.iter().any(|name| name == AUTO) {
            let settings_of_auto = AutoSettings::new(horizon, season_length, fleetcast_models::paths::draw);
            Some(Auto::new(fleetcast_models::members(&settings), settings_of_auto)?)
        } else {
            None
        };
        Ok(Self { auto, others, season_length })
    }
}

/// An unknown name, with `auto` among the known ones.
fn unknown_model(name: &str, error: fleetcast_core::Error) -> Error {
    let known: Vec<&str> = std::iter::once(AUTO).chain(fleetcast_models::NAMES.iter().copied()).collect();
    match error {
        fleetcast_core::Error::UnknownName { kind, found, .. } => Error::Core(fleetcast_core::Error::UnknownName {
            kind,
            found,
            nearest: nearest(name, known.iter().copied()).to_owned(),
            known: known.join(", "),
        }),
        other => Error::Core(other),
    }
}

/// Season lengths, in steps, of series with this step: the week for days, day and week for finer ones.
pub fn usual_seasons(step: Step) -> Vec<usize> {
    match step.per_day() {
        _ if step == Step::WEEK => vec![52],
        Some(1) => vec![7],
        Some(per_day) => vec![per_day, 7 * per_day],
        None => Vec::new(),
    }
}

/// How far ahead a run looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizons {
    /// Past windows to judge on; `None` when the histories are too short for any.
    pub windows: Option<Windows>,
    /// Steps ahead that validation looks.
    pub validated: usize,
    /// Days ahead that risks are planned.
    pub planned: usize,
    /// Days of the median history.
    pub history: usize,
    /// What the user should know of the choice of windows.
    pub notes: Vec<String>,
    /// What whoever looks `planned` days ahead should know besides.
    pub notes_of_plan: Vec<String>,
}

impl Horizons {
    /// The horizons the configuration asks for, or those that the histories of `panel` can defend: the
    /// backtest looks at most a quarter of the median history ahead, so that training, validation and
    /// judgement each have their part.
    ///
    /// # Errors
    /// [`Error::Nothing`] when no series has an observation.
    pub fn choose(panel: &Panel, config: &Config) -> Result<Self> {
        let mut lengths: Vec<usize> = panel.histories().iter().map(|h| h.len()).collect();
        lengths.sort_unstable();
        let Some(&median) = lengths.get(lengths.len() / 2) else {
            return Err(Error::Nothing {
                what: "there is no series to forecast".to_owned(),
                hint: "take telemetry in with `fleetcast ingest`, or make some with `fleetcast generate`".to_owned(),
            });
        };
        let (mut notes, mut notes_of_plan) = (Vec::new(), Vec::new());
        let defended = (median / 4).clamp(1, 90);
        let validated = config.forecast.horizon_days.unwrap_or(defended);
        let count = config.forecast.windows.unwrap_or((median / validated).saturating_sub(3).clamp(1, 4));
        let step = config.forecast.step.unwrap_or(validated);
        let needed = validated + (count - 1) * step;
        let windows = if needed < median { Some(Windows::new(validated, count, step)?) } else { None };
        let planned = config.plan.horizon_days.min(median.max(30));
        if config.forecast.horizon_days.is_none() && validated < 90 {
            notes.push(format!(
                "horizon {validated} days: the histories have {median}, and a quarter of that can be judged on the past"
            ));
        }
        if planned < config.plan.horizon_days {
            notes_of_plan.push(format!(
                "risks are planned {planned} days ahead, not {}: the histories are no longer; beyond {validated} days \
                 intervals are widened, not validated",
                config.plan.horizon_days
            ));
        }
        if planned > DEFENSIBLE_HORIZON {
            notes_of_plan.push(format!("beyond {DEFENSIBLE_HORIZON} days only trend and calendar speak"));
        }
        if windows.is_none() {
            notes.push(format!("no backtest: {needed} days would be held out of histories of {median}"));
        }
        Ok(Self { windows, validated, planned, history: median, notes, notes_of_plan })
    }

    /// All that whoever plans should know.
    pub fn all_notes(&self) -> impl Iterator<Item = &String> {
        self.notes.iter().chain(&self.notes_of_plan)
    }

    /// How far to forecast when quantiles are wanted for `horizon` days: a year of expected values comes
    /// with them where there is a year of history to know its seasons from.
    pub fn reach(&self, horizon: usize) -> Reach {
        let expected = if self.history >= EXPECTED_DAYS { horizon.max(EXPECTED_DAYS) } else { horizon };
        Reach { horizon, expected }
    }
}
