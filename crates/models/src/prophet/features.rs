//! The columns beside the trend: seasons, holidays and regressors at any step of a timeline.

use super::options::{Holiday, Mode, ProphetOptions, Regressor, RegressorValues, Season, Switch};
use fleetcast_core::{Calendar, Error, Result, Timeline};
use fleetcast_numeric::math;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, ToSpan};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::Arc;

const DAYS_PER_YEAR: f64 = 365.25;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// Waves of the seasons that the user names by their length alone.
const USUAL_WAVES: usize = 3;

/// A part of the sum with columns next to each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) columns: std::ops::Range<usize>,
    pub(super) mode: Mode,
    prior_scale: f64,
}

/// How a regressor is brought to the scale of the others.
#[derive(Clone, Copy, Debug)]
struct Standard {
    mean: f64,
    deviation: f64,
}

/// All columns but the trend's.
#[derive(Clone, Debug)]
pub(super) struct Features {
    timeline: Timeline,
    calendar: Arc<Calendar>,
    /// Days from the first of 1970 to step 0.
    first_day: f64,
    pub(super) parts: Vec<Part>,
    seasons: Vec<(f64, usize)>,
    holidays: BTreeMap<Date, Vec<usize>>,
    first_regressor: usize,
    regressors: Vec<(Regressor, Standard)>,
    pub(super) n_columns: usize,
}

impl Features {
    /// The columns for a history observed at `rows` (ascending, at least two).
    ///
    /// # Errors
    /// [`Error::NotForecastable`] when a regressor has no value at one of the rows.
    pub(super) fn new(
        timeline: Timeline,
        rows: &[usize],
        season_lengths: &[usize],
        options: &ProphetOptions,
        calendar: &Arc<Calendar>,
    ) -> Result<Self> {
        let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
        let mut features = Self {
            timeline,
            calendar: Arc::clone(calendar),
            first_day: timeline.at(0).duration_since(epoch).as_secs() as f64 / SECONDS_PER_DAY,
            parts: Vec::new(),
            seasons: Vec::new(),
            holidays: BTreeMap::new(),
            first_regressor: 0,
            regressors: Vec::new(),
            n_columns: 0,
        };
        features.add_seasons(rows, season_lengths, options);
        if timeline.has_calendar() {
            features.add_holidays(options);
        }
        features.first_regressor = features.n_columns;
        for regressor in &options.regressors {
            features.add_regressor(regressor, rows)?;
        }
        Ok(features)
    }

    fn add(&mut self, name: &str, n_columns: usize, prior_scale: f64, mode: Mode) {
        let columns = self.n_columns..self.n_columns + n_columns;
        self.n_columns = columns.end;
        self.parts.push(Part { name: name.to_owned(), columns, mode, prior_scale });
    }

    /// The usual seasons where the history carries them, and those of the user.
    fn add_seasons(&mut self, rows: &[usize], season_lengths: &[usize], options: &ProphetOptions) {
        let step_days = self.timeline.step().as_seconds() as f64 / SECONDS_PER_DAY;
        let span = (rows[rows.len() - 1] - rows[0]) as f64 * step_days;
        let closest = rows.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(1) as f64 * step_days;
        // Counters have no calendar: a season is one only where the user said that it is.
        let steps = |days: f64| (days / step_days).round() as usize;
        let is_known = |days: f64| self.timeline.has_calendar() || season_lengths.contains(&steps(days));
        let is_year = |length: usize| (length as f64 * step_days - DAYS_PER_YEAR).abs() < 2.0;
        let knows_year = self.timeline.has_calendar() || season_lengths.iter().any(|&length| is_year(length));
        let mut seasons = Vec::new();
        for (name, period, switch, waves, is_seen) in [
            ("yearly", DAYS_PER_YEAR, options.yearly, 10, span >= 730.0 && knows_year),
            ("weekly", 7.0, options.weekly, 3, span >= 14.0 && closest < 7.0 && is_known(7.0)),
            ("daily", 1.0, options.daily, 4, span >= 2.0 && closest < 1.0 && is_known(1.0)),
        ] {
            let waves = match switch {
                Switch::Auto if is_seen => waves,
                Switch::Waves(waves) => waves,
                Switch::Auto | Switch::Off => 0,
            };
            seasons.push(Season {
                name: name.to_owned(),
                period_days: period,
                waves,
                prior_scale: options.seasonality_prior_scale,
                mode: options.seasonality_mode,
            });
        }
        if !self.timeline.has_calendar() {
            let usual = [steps(1.0), steps(7.0)];
            let others = season_lengths.iter().filter(|&&m| m > 1 && !usual.contains(&m) && !is_year(m));
            seasons.extend(others.filter(|&&m| span >= 2.0 * m as f64 * step_days).map(|&m| Season {
                name: format!("season-{m}"),
                period_days: m as f64 * step_days,
                waves: USUAL_WAVES.min(m / 2),
                prior_scale: options.seasonality_prior_scale,
                mode: options.seasonality_mode,
            }));
        }
        for season in seasons.iter().chain(&options.seasons).filter(|season| season.waves > 0) {
            self.add(&season.name, 2 * season.waves, season.prior_scale, season.mode);
            self.seasons.push((season.period_days, season.waves));
        }
    }

    /// A column for each day of each holiday's window; the events of the calendar have one for all their days.
    fn add_holidays(&mut self, options: &ProphetOptions) {
        let mut events: BTreeMap<&str, Vec<Date>> = BTreeMap::new();
        let calendar = Arc::clone(&self.calendar);
        for event in calendar.events() {
            let days = event.start.series(1.day()).take_while(|day| *day <= event.end);
            events.entry(&event.name).or_default().extend(days);
        }
        let events = events.into_iter().map(|(name, dates)| Holiday::new(name, dates));
        for holiday in options.holidays.iter().cloned().chain(events) {
            let (before, after) = (i64::from(holiday.days_before), i64::from(holiday.days_after));
            let first = self.n_columns;
            self.add(&holiday.name, (before + after + 1) as usize, holiday.prior_scale, options.seasonality_mode);
            for day in &holiday.dates {
                for offset in -before..=after {
                    let day = day.saturating_add(offset.days());
                    let columns = self.holidays.entry(day).or_default();
                    let column = first + (offset + before) as usize;
                    if !columns.contains(&column) {
                        columns.push(column);
                    }
                }
            }
        }
    }

    fn add_regressor(&mut self, regressor: &Regressor, rows: &[usize]) -> Result<()> {
        let values = rows.iter().map(|&row| self.regressor_at(regressor, row)).collect::<Result<Vec<f64>>>()?;
        let is_flag = values.iter().all(|v| *v == 0.0 || *v == 1.0);
        let varies = values.iter().any(|v| *v != values[0]);
        let mut standard = Standard { mean: 0.0, deviation: 1.0 };
        if varies && regressor.standardise.unwrap_or(!is_flag) {
            standard.mean = math::mean(&values).unwrap_or(0.0);
            standard.deviation = math::standard_deviation(&values).unwrap_or(1.0);
        }
        self.add(&regressor.name, 1, regressor.prior_scale, regressor.mode);
        self.regressors.push((regressor.clone(), standard));
        Ok(())
    }

    fn regressor_at(&self, regressor: &Regressor, step: usize) -> Result<f64> {
        let time = self.timeline.at(step);
        match &regressor.values {
            RegressorValues::QuarterEndRamp { .. } if !self.timeline.has_calendar() => Ok(0.0),
            RegressorValues::QuarterEndRamp { days } => {
                let distance = f64::from(self.calendar.days_to_next_quarter_end(time.date()));
                Ok(((days - distance) / days).max(0.0))
            }
            RegressorValues::Grid { first, step, values } => {
                let since: SignedDuration = time.duration_since(*first);
                let at = since.as_secs().div_euclid(step.as_seconds());
                let is_on_grid = since.as_secs().rem_euclid(step.as_seconds()) == 0;
                let value = usize::try_from(at).ok().filter(|_| is_on_grid).and_then(|at| values.get(at).copied());
                value.filter(|v| v.is_finite()).ok_or_else(|| Error::NotForecastable {
                    model: "prophet".to_owned(),
                    reason: format!("regressor `{}` has no value at {time}", regressor.name),
                })
            }
        }
    }

    /// One over the prior variance of each column.
    pub(super) fn precisions(&self) -> Vec<f64> {
        let of = |part: &Part| vec![1.0 / (part.prior_scale * part.prior_scale); part.columns.len()];
        self.parts.iter().flat_map(of).collect()
    }

    /// Writes the values of all columns at `step` into `out`.
    ///
    /// # Errors
    /// [`Error::NotForecastable`] when a regressor has no value there.
    pub(super) fn row(&self, step: usize, out: &mut [f64]) -> Result<()> {
        let days = self.first_day + step as f64 * (self.timeline.step().as_seconds() as f64 / SECONDS_PER_DAY);
        let mut at = 0;
        for &(period, waves) in &self.seasons {
            let turns = days / period;
            let angle = TAU * (turns - turns.floor());
            fourier(angle, &mut out[at..at + 2 * waves]);
            at += 2 * waves;
        }
        out[at..self.first_regressor].fill(0.0);
        if !self.holidays.is_empty() {
            let columns = self.holidays.get(&self.timeline.date(step));
            columns.into_iter().flatten().for_each(|&column| out[column] = 1.0);
        }
        for (place, (regressor, standard)) in out[self.first_regressor..].iter_mut().zip(&self.regressors) {
            *place = (self.regressor_at(regressor, step)? - standard.mean) / standard.deviation;
        }
        Ok(())
    }
}

/// Sine and cosine of each multiple of `angle`, by the addition theorem.
fn fourier(angle: f64, out: &mut [f64]) {
    let (sine, cosine) = (math::sin(angle), math::cos(angle));
    let (mut s, mut c) = (sine, cosine);
    for pair in out.chunks_exact_mut(2) {
        pair[0] = s;
        pair[1] = c;
        (s, c) = (s * cosine + c * sine, c * cosine - s * sine);
    }
}
