//! `auto`: a validated, guarded and calibrated combination of members.

use crate::combined::{AutoFitted, AutoForecast, Fleet, Weight};
use crate::learn::{Learned, Recipe, blend, learn};
use crate::plan::Plan;
use crate::prepare::{Prepared, prepare};
use crate::run::Job;
use crate::{Error, Result, Runs, Seconds};
use fleetcast_core::{
    Bounds, Dependence, Error as CoreError, Fitted, Forecast, Future, History, Model, Panel, Paths, REPORTED_QUANTILES,
    Result as CoreResult,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Up to so many series, the members of all windows run side by side: some run on one thread. With more, each has
/// work for every thread, and fewer forecasts are kept at a time.
const SIDE_BY_SIDE: usize = 4000;

/// Draws `n` joint futures with these marginals and this dependence, inside the bounds, from a seed.
pub type Draw = fn(&Forecast, &Dependence, Option<Bounds>, usize, u64) -> CoreResult<Paths>;

/// Settings of [`Auto`].
#[derive(Clone, Debug)]
pub struct AutoSettings {
    /// Steps ahead that validation judges; forecasts may look further, and widen there.
    pub horizon: usize,
    /// Validation windows before each cutoff; fewer are used where the history is short.
    pub validation_windows: usize,
    /// Steps in a season, for the scale of errors.
    pub season_length: usize,
    /// The member that others must beat on a series to be used for it.
    pub guard: String,
    /// Draws the joint futures.
    pub draw: Draw,
}

impl AutoSettings {
    /// Four validation windows, guarded by `seasonal-naive`.
    pub fn new(horizon: usize, season_length: usize, draw: Draw) -> Self {
        Self { horizon, validation_windows: 4, season_length, guard: "seasonal-naive".to_owned(), draw }
    }
}

/// The combination, before it has seen data.
pub struct Auto {
    members: Vec<Box<dyn Model>>,
    settings: AutoSettings,
}

impl Auto {
    /// A combination of `members`.
    ///
    /// # Errors
    /// When there are none, a name stands twice, the guard is not among them, or a number is zero.
    pub fn new(members: Vec<Box<dyn Model>>, settings: AutoSettings) -> Result<Self> {
        let numbers = [
            ("horizon", settings.horizon),
            ("validation_windows", settings.validation_windows),
            ("season_length", settings.season_length),
        ];
        if let Some(&(setting, _)) = numbers.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Zero { setting });
        }
        let mut names: Vec<&str> = members.iter().map(|m| m.name()).collect();
        if names.is_empty() {
            return Err(Error::NoMembers);
        }
        if !names.contains(&settings.guard.as_str()) {
            return Err(Error::NoGuard { guard: settings.guard, members: names.join(", ") });
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::DuplicateModel { name: pair[0].to_owned() });
        }
        Ok(Self { members, settings })
    }

    /// The members.
    pub fn members(&self) -> &[Box<dyn Model>] {
        &self.members
    }

    /// The settings.
    pub fn settings(&self) -> &AutoSettings {
        &self.settings
    }

    /// Place of the guard among the members.
    pub(crate) fn guard(&self) -> usize {
        let place = self.members.iter().position(|m| m.name() == self.settings.guard);
        place.expect("the guard was found among the members when they were put together")
    }

    /// Validates, combines, calibrates and fits at the end of every series.
    ///
    /// The fits of all members are kept, so that forecasts of any length can be asked for; a large fleet is
    /// forecast by [`Auto::forecast_fleet`] in a fraction of the memory.
    ///
    /// # Errors
    /// None today; the settings were checked when they were given.
    pub fn fit_fleet(&self, panel: &Panel) -> Result<Fleet<AutoFitted>> {
        let mut learned = self.learn_last(&mut Runs::new(panel, self.settings.horizon)?)?;
        let is_used = learned.members_used(self.members.len());
        let fits = self.members.par_iter().zip(&is_used).with_max_len(1);
        let mut fits: Fits = fits.map(|(member, is_used)| is_used.then(|| member.fit_panel(panel))).collect();
        learned.rescue(self, |member, at| {
            let fitted = fits[member].get_or_insert_with(|| self.members[member].fit_panel(panel));
            fitted[at].is_ok()
        });
        Ok(self.fleet(learned, |at, recipe| {
            let (weights, fits) = self.gather(&recipe, at, &mut fits)?;
            Ok(AutoFitted::new(weights, fits, recipe, self.settings.draw))
        }))
    }

    /// Validates, combines and calibrates, and forecasts every series `reach` steps beyond its end, using the member
    /// forecasts already in `runs`.
    ///
    /// What a member says is kept and its fits are not.
    ///
    /// # Errors
    /// [`Error::Horizon`] when `runs` look ahead by another number of steps.
    pub fn forecast_fleet(&self, mut runs: Runs, reach: usize) -> Result<Fleet<AutoForecast>> {
        let mut learned = self.learn_last(&mut runs)?;
        let panel = runs.panel();
        drop(runs);
        let said = |member: &dyn Model| said(member, panel, reach);
        let is_used = learned.members_used(self.members.len());
        let points = self.members.par_iter().zip(&is_used).with_max_len(1);
        let mut points: Vec<Option<Vec<CoreResult<Forecast>>>> =
            points.map(|(member, is_used)| is_used.then(|| said(member.as_ref()))).collect();
        learned.rescue(self, |member, at| {
            points[member].get_or_insert_with(|| said(self.members[member].as_ref()))[at].is_ok()
        });
        Ok(self.fleet(learned, |at, recipe| {
            let (weights, said) = self.gather(&recipe, at, &mut points)?;
            let points: Vec<Option<&[f64]>> = said.iter().map(|said| Some(said.point())).collect();
            let shares: Vec<f64> = weights.iter().map(|w| w.weight).collect();
            let blended = blend(&shares, &points, reach).ok_or_else(|| nobody(self.name()))?;
            Ok(AutoForecast::new(weights, blended, recipe))
        }))
    }

    /// What validation teaches at the end of every series.
    fn learn_last(&self, runs: &mut Runs) -> Result<Learned> {
        self.check_horizon(runs)?;
        let prepared = prepare(self, runs, &[0]).pop().expect("one cutoff was asked for");
        Ok(learn(self, runs, 0, prepared))
    }

    fn fleet<T>(&self, learned: Learned, mut of_series: impl FnMut(usize, Recipe) -> CoreResult<T>) -> Fleet<T> {
        let notes = self.notes(&learned.plan);
        let series = learned.recipes.into_iter().enumerate().map(|(at, recipe)| {
            let recipe = recipe.expect("a history has a step, and none is held out");
            of_series(at, recipe)
        });
        Fleet { series: series.collect(), plan: learned.plan, calibrations: learned.calibrations, notes }
    }

    /// Takes what the members with a weight in one series made of it, the largest share first.
    fn gather<T>(&self, recipe: &Recipe, at: usize, made: &mut [Made<T>]) -> CoreResult<(Vec<Weight>, Vec<T>)> {
        let mut members = Vec::new();
        let mut refusal = None;
        for (member, made) in made.iter_mut().enumerate().filter(|(member, _)| recipe.weights[*member] > 0.0) {
            let Some(made) = made else { continue };
            let model: Arc<str> = self.members[member].name().into();
            match std::mem::replace(&mut made[at], Err(taken(&model))) {
                Ok(made) => members.push((Weight { model, weight: recipe.weights[member] }, made)),
                Err(reason) => refusal = Some(reason),
            }
        }
        let total: f64 = members.iter().map(|(w, _)| w.weight).sum();
        members.iter_mut().for_each(|(w, _)| w.weight /= total);
        members.sort_by(|(a, _), (b, _)| b.weight.total_cmp(&a.weight));
        match refusal {
            Some(reason) if members.is_empty() => Err(reason),
            _ => Ok(members.into_iter().unzip()),
        }
    }

    /// What a reader should know of all series.
    fn notes(&self, plan: &Plan) -> Vec<String> {
        let (asked, windows) = (self.settings.horizon, plan.offsets.len());
        match plan.horizon {
            0 => vec!["the histories are too short to validate anything: intervals are guesses".to_owned()],
            h if h < asked => {
                vec![format!("validated {h} steps ahead in {windows} windows: too short for {asked} steps")]
            }
            _ if windows < self.settings.validation_windows => {
                vec![format!("validated in {windows} windows: too short for {}", self.settings.validation_windows)]
            }
            _ => Vec::new(),
        }
    }

    /// Calibrated forecasts at the cutoffs `held_out` steps before the end, the earliest first, and the time that each
    /// took.
    pub(crate) fn forecast_windows(&self, runs: &mut Runs, held_out: &[usize]) -> Result<Vec<Forecasted>> {
        self.check_horizon(runs)?;
        let at_once = if runs.panel().histories().len() > SIDE_BY_SIDE { 1 } else { held_out.len().max(1) };
        Ok(self.forecast_by(runs, held_out, at_once))
    }

    /// The same, `at_once` cutoffs at a time.
    fn forecast_by(&self, runs: &mut Runs, held_out: &[usize], at_once: usize) -> Vec<Forecasted> {
        let mut forecasted = Vec::new();
        for (done, some) in held_out.chunks(at_once).enumerate() {
            forecasted.extend(self.forecast_some(runs, some));
            // What neither the windows to come nor the last fit look at.
            let to_come = held_out.iter().skip((done + 1) * at_once).copied().chain([0]);
            let needed = to_come.map(|held_out| Prepared::new(self, runs, held_out).earliest()).max();
            runs.forget_before(needed.unwrap_or(0));
        }
        forecasted
    }

    /// The same of some cutoffs, whose members run side by side.
    fn forecast_some(&self, runs: &mut Runs, held_out: &[usize]) -> Vec<Forecasted> {
        let learned: Vec<(Learned, Seconds)> =
            prepare(self, runs, held_out).into_iter().map(|prepared| self.learn_timed(runs, prepared)).collect();
        let used: Vec<Vec<bool>> = learned.iter().map(|(l, _)| l.members_used(self.members.len())).collect();
        let jobs = held_out.iter().zip(&used).flat_map(|(&held_out, used)| {
            let members = self.members.iter().zip(used).filter(|(_, used)| **used);
            members.map(move |(m, _)| Job { model: m.as_ref(), held_out, with_quantiles: false, only: None })
        });
        runs.ensure_all(&jobs.collect::<Vec<Job>>());
        let windows = held_out.iter().zip(learned).zip(used);
        windows.map(|((&held_out, learned), used)| self.forecast_window(runs, held_out, learned, &used)).collect()
    }

    /// What validation teaches at one cutoff, and the time that it and its members took.
    fn learn_timed(&self, runs: &Runs, prepared: Prepared) -> (Learned, Seconds) {
        let mut seconds = Seconds::default();
        for (origin, offset) in prepared.plan.offsets.iter().enumerate() {
            seconds = seconds + self.member_seconds(runs, prepared.held_out + offset, prepared.members_at(origin));
        }
        let before = runs.now();
        let held_out = prepared.held_out;
        let learned = learn(self, runs, held_out, prepared);
        (learned, seconds + runs.now().since(before))
    }

    fn forecast_window(
        &self,
        runs: &mut Runs,
        held_out: usize,
        (mut learned, seconds): (Learned, Seconds),
        used: &[bool],
    ) -> Forecasted {
        learned.rescue(self, |member, at| {
            let model = self.members[member].as_ref();
            runs.ensure(model, held_out, false);
            runs.get(model.name(), held_out).is_some_and(|run| run.forecasts()[at].is_ok())
        });
        let members = (0..used.len()).filter(|&member| used[member]);
        let seconds = seconds + self.member_seconds(runs, held_out, members);
        let before = runs.now();
        let forecasts = (learned.recipes.par_iter().enumerate())
            .map(|(at, recipe)| self.forecast_series(runs, held_out, at, recipe.as_ref()))
            .collect();
        (forecasts, seconds + runs.now().since(before))
    }

    fn member_seconds(&self, runs: &Runs, held_out: usize, members: impl Iterator<Item = usize>) -> Seconds {
        let runs = members.filter_map(|member| runs.some(self.members[member].name(), held_out));
        runs.fold(Seconds::default(), |sum, run| sum + run.seconds())
    }

    fn forecast_series(
        &self,
        runs: &Runs,
        held_out: usize,
        at: usize,
        recipe: Option<&Recipe>,
    ) -> CoreResult<Forecast> {
        let history = &runs.panel().histories()[at];
        let Some(recipe) = recipe else {
            let (needed, found) = (held_out + 1, history.n_observed());
            return Err(CoreError::TooShort { model: self.name().to_owned(), needed, found });
        };
        let said = |model: &dyn Model| Some(runs.get(model.name(), held_out)?.forecasts()[at].as_ref());
        let points: Vec<Option<&[f64]>> =
            self.members.iter().map(|member| said(member.as_ref())?.ok().map(|f| f.point())).collect();
        match blend(&recipe.weights, &points, self.settings.horizon) {
            Some(blended) => recipe.calibrated(&blended, &REPORTED_QUANTILES),
            None => {
                let refused = said(self.members[self.guard()].as_ref()).and_then(|said| said.err().cloned());
                Err(refused.unwrap_or_else(|| nobody(self.name())))
            }
        }
    }

    fn check_horizon(&self, runs: &Runs) -> Result<()> {
        let (found, needed) = (self.settings.horizon, runs.horizon());
        if found == needed { Ok(()) } else { Err(Error::Horizon { what: "the settings of `auto`", found, needed }) }
    }
}

impl Model for Auto {
    fn name(&self) -> &str {
        "auto"
    }

    fn fit(&self, history: &History) -> CoreResult<Box<dyn Fitted>> {
        let panel = Panel::new(Vec::new(), vec![history.clone()])?;
        self.fit_panel(&panel).pop().expect("one result per series")
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<CoreResult<Box<dyn Fitted>>> {
        let fleet = self.fit_fleet(panel).expect("the horizon was checked in new and is the only one used");
        fleet.series.into_iter().map(|fitted| Ok(Box::new(fitted?) as Box<dyn Fitted>)).collect()
    }
}

/// Forecasts of each series at one cutoff, and the time they took.
pub(crate) type Forecasted = (Vec<CoreResult<Forecast>>, Seconds);

/// What a member made of each series; `None` for a member nobody asked for.
type Made<T> = Option<Vec<CoreResult<T>>>;
type Fits = Vec<Made<Box<dyn Fitted>>>;

/// What a member forecasts for each series, `reach` steps beyond its end.
fn said(member: &dyn Model, panel: &Panel, reach: usize) -> Vec<CoreResult<Forecast>> {
    let future = Future { horizon: reach };
    member.fit_panel(panel).into_par_iter().map(|fitted| fitted?.predict(&future, &[])).collect()
}

fn taken(model: &str) -> CoreError {
    CoreError::NotForecastable { model: model.to_owned(), reason: "its fit was handed out".to_owned() }
}

pub(crate) fn nobody(model: &str) -> CoreError {
    CoreError::NotForecastable { model: model.to_owned(), reason: "no member can forecast it".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::no_paths;
    use fleetcast_core::{Metric, SeriesId, Timeline};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The last value again, and a count of the cutoffs it was asked at.
    struct Counted(&'static AtomicUsize);
    struct Last(f64);

    impl Model for Counted {
        fn name(&self) -> &str {
            "counted"
        }

        fn fit(&self, history: &History) -> CoreResult<Box<dyn Fitted>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Last(history.values()[history.len() - 1])))
        }
    }

    impl Fitted for Last {
        fn predict(&self, future: &Future, quantiles: &[f64]) -> CoreResult<Forecast> {
            let same = |n: usize| vec![self.0; n];
            Forecast::new(quantiles, same(future.horizon), same(future.horizon * quantiles.len()))
        }

        fn paths(&self, future: &Future, n: usize, _: u64) -> CoreResult<Paths> {
            Paths::new(future.horizon, vec![self.0; n * future.horizon])
        }
    }

    #[test]
    fn cutoffs_one_after_another_say_what_they_say_side_by_side_and_none_is_run_twice() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let values = (0..300_u32).map(|day| f64::from(day % 7) + 0.01 * f64::from(day * day % 31)).collect();
        let id = SeriesId::new("a", "cpu");
        let timeline = Timeline::daily(jiff::civil::date(2024, 1, 1));
        let history = History::new(id, Arc::new(Metric::named("cpu")), timeline, values).unwrap();
        let panel = Panel::new(Vec::new(), vec![history]).unwrap();
        let settings = AutoSettings { guard: "counted".to_owned(), ..AutoSettings::new(20, 7, no_paths) };
        let auto = Auto::new(vec![Box::new(Counted(&ASKED)) as Box<dyn Model>], settings).unwrap();
        let forecasts = |at_once: usize| {
            let mut runs = Runs::new(&panel, 20).unwrap();
            let before = ASKED.load(Ordering::Relaxed);
            let made: Vec<_> = auto.forecast_by(&mut runs, &[60, 40, 20], at_once).into_iter().map(|f| f.0).collect();
            auto.forecast_fleet(runs, 30).unwrap();
            (made, ASKED.load(Ordering::Relaxed) - before)
        };
        let (together, asked) = forecasts(3);
        assert!(together.iter().flatten().all(|made| made.is_ok()));
        assert_eq!(forecasts(1), (together, asked));
    }
}
