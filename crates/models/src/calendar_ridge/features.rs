//! Which columns the regression has, and their values at any step of a timeline.

use super::Component;
use fleetcast_core::{Calendar, Timeline};
use fleetcast_numeric::math;
use jiff::civil::Date;
use std::sync::Arc;

/// Seasons of up to this many steps have a column per step, longer ones are waves.
const LONGEST_DUMMIES: usize = 200;
/// Waves of a season too long for a column per step, and of the year.
const SEASON_WAVES: usize = 16;
const YEAR_WAVES: usize = 6;
/// Years that must have been seen before a yearly shape is learned.
const YEARS_FOR_A_SHAPE: f64 = 1.2;
const DAYS_PER_YEAR: f64 = 365.2425;
/// Days around a quarter end, and around the middle of a quarter, that may differ.
const QUARTER_END_REACH: f64 = 10.0;
const MID_QUARTER_REACH: f64 = 15.0;
/// Centres, in days from the quarter end, of the bumps that correct the parabola around it.
const QUARTER_END_BUMPS: [f64; 7] = [-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0];
/// Centres, in days from 31 December, of the bumps of the turn of the year.
const YEAR_END_BUMPS: [f64; 3] = [-7.0, 0.0, 7.0];

/// One column: which part of the explanation it belongs to, and how large its coefficient is expected
/// to be, in standard deviations of the series (the prior of the ridge).
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) component: Component,
    pub(super) expected: f64,
    pub(super) kind: Kind,
}

/// What decides the prior of a column beside its own expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Level,
    Slope,
    Hinge,
    Season,
}

/// One season of a fixed number of steps.
#[derive(Clone, Copy, Debug)]
struct Season {
    length: usize,
    /// Whether it is the week of the calendar, so that a holiday counts as a Sunday.
    is_week: bool,
    first_column: usize,
}

/// The columns of one timeline cut at one length.
#[derive(Clone, Debug)]
pub(super) struct Features {
    timeline: Timeline,
    calendar: Option<Arc<Calendar>>,
    /// Steps of the history.
    pub(super) length: usize,
    /// Steps of a block: trend knots and tuning windows are a block apart.
    pub(super) block: usize,
    /// The shortest season, whose shape of late is looked at; 1 when nothing repeats.
    pub(super) shape_season: usize,
    knots: Vec<usize>,
    seasons: Vec<Season>,
    first_year_column: Option<usize>,
    first_calendar_column: usize,
    events: Vec<String>,
    pub(super) columns: Vec<Column>,
}

impl Features {
    /// Columns of the yearly waves, a cosine and a sine each; the first of [`Features::shared`].
    pub(super) const N_YEAR_COLUMNS: usize = 2 * YEAR_WAVES;

    pub(super) fn new(
        timeline: Timeline,
        length: usize,
        block: usize,
        season_lengths: &[usize],
        calendar: &Arc<Calendar>,
    ) -> Self {
        let shape_season = season_lengths.iter().copied().filter(|&m| m > 1).min().unwrap_or(1);
        let mut features = Self { block, shape_season, ..Self::empty(timeline, length, calendar) };
        features.add_trend();
        features.add_seasons(season_lengths);
        features.add_year();
        features.add_calendar();
        features
    }

    /// The columns of year and calendar alone, those of a long history whatever the length; `None` without real dates.
    pub(super) fn shared(timeline: Timeline, length: usize, calendar: &Arc<Calendar>) -> Option<Self> {
        let mut features = Self::empty(timeline, length, calendar);
        features.calendar.as_ref()?;
        features.add_year_waves(1.0);
        features.add_calendar();
        Some(features)
    }

    fn empty(timeline: Timeline, length: usize, calendar: &Arc<Calendar>) -> Self {
        Self {
            timeline,
            calendar: timeline.has_calendar().then(|| Arc::clone(calendar)),
            length,
            block: 1,
            shape_season: 1,
            knots: Vec::new(),
            seasons: Vec::new(),
            first_year_column: None,
            first_calendar_column: 0,
            events: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Where the columns of [`Features::shared`] stand among these; `None` when the history is too short for a yearly shape.
    pub(super) fn shared_columns(&self) -> Option<std::ops::Range<usize>> {
        Some(self.first_year_column?..self.columns.len())
    }

    fn add(&mut self, component: Component, expected: f64, kind: Kind) {
        self.columns.push(Column { component, expected, kind });
    }

    fn add_trend(&mut self) {
        self.add(Component::Trend, 1e3, Kind::Level);
        self.add(Component::Trend, 1.0, Kind::Slope);
        // The last knot is a block before the end: a later one would follow noise.
        let spacing = self.block * (self.length / (self.block * 24)).max(1);
        let first = (self.length % spacing).max(spacing / 2);
        self.knots = (first..).step_by(spacing).take_while(|knot| knot + self.block <= self.length).collect();
        for _ in 0..self.knots.len() {
            self.add(Component::Trend, 1.0, Kind::Hinge);
        }
    }

    fn add_seasons(&mut self, season_lengths: &[usize]) {
        let week = self.steps_per_week();
        let mut lengths: Vec<usize> = season_lengths.iter().copied().filter(|&m| m > 1).collect();
        let is_hourly = self.timeline.step().as_seconds() == 3_600;
        if let Some(week) = week.filter(|_| self.calendar.is_some() || (is_hourly && lengths.contains(&24))) {
            // The day of the week matters wherever there are weeks enough to tell.
            lengths.push(week);
        }
        lengths.sort_unstable();
        lengths.dedup();
        for length in lengths {
            let is_year = self.calendar.is_some() && self.is_about_a_year(length);
            if is_year || self.length < 2 * length {
                continue;
            }
            let first_column = self.columns.len();
            let is_week = self.calendar.is_some() && week == Some(length);
            self.seasons.push(Season { length, is_week, first_column });
            if length <= LONGEST_DUMMIES {
                for _ in 0..length {
                    self.add(Component::Week, if length > 30 { 0.5 } else { 1.0 }, Kind::Season);
                }
                if is_week && length > 7 {
                    // The weekend's own shape of the day is seen twice a week, that of a weekday once.
                    for _ in 0..length / 7 {
                        self.add(Component::Week, 0.8, Kind::Season);
                    }
                }
            } else {
                for wave in 1..=SEASON_WAVES {
                    self.add(Component::Week, 1.0 / math::sqrt(wave as f64), Kind::Season);
                    self.add(Component::Week, 1.0 / math::sqrt(wave as f64), Kind::Season);
                }
            }
        }
    }

    fn add_year(&mut self) {
        let years = self.length as f64 * self.timeline.step().as_seconds() as f64 / (86_400.0 * DAYS_PER_YEAR);
        if self.calendar.is_none() || years < YEARS_FOR_A_SHAPE {
            return;
        }
        // One year shows a shape but not whether it comes back.
        self.add_year_waves(if years < 2.0 { 0.3 } else { 1.0 });
    }

    fn add_year_waves(&mut self, trust: f64) {
        self.first_year_column = Some(self.columns.len());
        for wave in 1..=YEAR_WAVES {
            for _ in 0..2 {
                self.add(Component::Year, trust * 0.7 / wave as f64, Kind::Season);
            }
        }
    }

    fn add_calendar(&mut self) {
        self.first_calendar_column = self.columns.len();
        let Some(calendar) = self.calendar.clone() else { return };
        self.add(Component::QuarterEnd, 1.0, Kind::Season);
        self.add(Component::QuarterEnd, 1.0, Kind::Season);
        for _ in QUARTER_END_BUMPS {
            self.add(Component::QuarterEnd, 0.3, Kind::Season);
        }
        // The last days of a month, and its first.
        self.add(Component::QuarterEnd, 0.3, Kind::Season);
        self.add(Component::QuarterEnd, 0.3, Kind::Season);
        for _ in YEAR_END_BUMPS {
            self.add(Component::Year, 0.5, Kind::Season);
        }
        self.add(Component::Events, 0.5, Kind::Season);
        self.events = calendar.events().iter().map(|event| event.name.clone()).collect();
        self.events.sort_unstable();
        self.events.dedup();
        for _ in 0..self.events.len() {
            self.add(Component::Events, 2.0, Kind::Season);
        }
    }

    fn steps_per_week(&self) -> Option<usize> {
        let per_day = self.timeline.step().per_day()?;
        Some(7 * per_day)
    }

    fn is_about_a_year(&self, season_length: usize) -> bool {
        let days = season_length as f64 * self.timeline.step().as_seconds() as f64 / 86_400.0;
        (days - DAYS_PER_YEAR).abs() < 8.0
    }

    /// Steps in which a slope is counted: its coefficient is growth per year of days, or per 16 blocks
    /// of a finer step, in standard deviations.
    pub(super) fn slope_unit(&self) -> f64 {
        4.0 * self.block as f64
    }

    /// Time of step `t` in slope units, 0 at the last step of the history.
    pub(super) fn time(&self, t: usize) -> f64 {
        (t as f64 - (self.length as f64 - 1.0)) / self.slope_unit()
    }

    /// Columns of the trend: level, slope and hinges; they come first.
    pub(super) fn n_trend(&self) -> usize {
        2 + self.knots.len()
    }

    /// Columns 2.. are hinges; whether the hinge of `column` has begun at step `t`.
    pub(super) fn hinge_is_active(&self, column: usize, t: usize) -> bool {
        self.knots.get(column - 2).is_some_and(|&knot| knot < t)
    }

    /// Calls `put(column, value)` for each value of step `t` that is not zero, the trend left out.
    pub(super) fn visit_seasons(&self, t: usize, mut put: impl FnMut(usize, f64)) {
        let date = self.calendar.as_ref().map(|calendar| (calendar, self.timeline.date(t)));
        for season in &self.seasons {
            let place = match &date {
                Some((calendar, date)) if season.is_week => self.place_in_week(calendar, *date, t),
                _ => t % season.length,
            };
            if season.length <= LONGEST_DUMMIES {
                put(season.first_column + place, 1.0);
                let per_day = season.length / 7;
                if season.is_week && per_day > 1 && place >= 5 * per_day {
                    put(season.first_column + season.length + place % per_day, 1.0);
                }
            } else {
                waves(place as f64 / season.length as f64, SEASON_WAVES, season.first_column, &mut put);
            }
        }
        let Some((calendar, date)) = date else { return };
        if let Some(first) = self.first_year_column {
            waves(f64::from(date.day_of_year()) / DAYS_PER_YEAR, YEAR_WAVES, first, &mut put);
        }
        self.visit_calendar(calendar, date, &mut put);
    }

    /// Calls `put(column, value)` for each trend value of step `t` of the history.
    pub(super) fn visit_trend(&self, t: usize, mut put: impl FnMut(usize, f64)) {
        put(0, 1.0);
        put(1, self.time(t));
        for (i, &knot) in self.knots.iter().enumerate().take_while(|(_, knot)| **knot < t) {
            put(2 + i, (t - knot) as f64 / self.slope_unit());
        }
    }

    fn place_in_week(&self, calendar: &Calendar, date: Date, t: usize) -> usize {
        let step = self.timeline.step();
        let per_day = step.per_day().unwrap_or(1);
        let time = self.timeline.at(t).time();
        let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        let day = calendar.day_class(date).to_monday_zero_offset() as usize;
        day * per_day + (seconds / step.as_seconds()) as usize % per_day
    }

    fn visit_calendar(&self, calendar: &Calendar, date: Date, put: &mut impl FnMut(usize, f64)) {
        let mut column = self.first_calendar_column;
        let mut next = |value: f64| {
            if value != 0.0 {
                put(column, value);
            }
            column += 1;
        };
        let until = f64::from(calendar.days_to_next_quarter_end(date));
        let nearest = f64::from(calendar.days_to_nearest_quarter_end(date));
        let signed = if nearest == until { -until } else { nearest };
        next(parabola(nearest, QUARTER_END_REACH));
        let since = days_between(calendar.previous_quarter_end(date), date);
        let middle = f64::from((since as i32 + until as i32 + 1) / 2);
        next(parabola((since - middle).abs(), MID_QUARTER_REACH));
        for centre in QUARTER_END_BUMPS {
            next(hat(signed - centre, 3.0));
        }
        let left = f64::from(date.days_in_month() - date.day());
        next(hat(left, 3.0));
        next(hat(f64::from(date.day()) - 1.0, 3.0));
        let year_end = Date::constant(if date.month() < 7 { date.year() - 1 } else { date.year() }, 12, 31);
        let from_year_end = days_between(year_end, date);
        for centre in YEAR_END_BUMPS {
            next(hat(from_year_end - centre, 7.0));
        }
        next(f64::from(u8::from(calendar.is_holiday(date))));
        for name in &self.events {
            let mut runs = calendar.events().iter().filter(|event| event.name == *name);
            next(f64::from(u8::from(runs.any(|event| (event.start..=event.end).contains(&date)))));
        }
    }
}

/// Cosines and sines of the first `n` waves at `phase` in \[0, 1).
fn waves(phase: f64, n: usize, first_column: usize, put: &mut impl FnMut(usize, f64)) {
    let angle = std::f64::consts::TAU * phase;
    let (cosine, sine) = (math::cos(angle), math::sin(angle));
    let (mut c, mut s) = (cosine, sine);
    for wave in 0..n {
        put(first_column + 2 * wave, c);
        put(first_column + 2 * wave + 1, s);
        // The addition theorem: one cosine and one sine serve all waves.
        (c, s) = (c * cosine - s * sine, s * cosine + c * sine);
    }
}

/// 1 at the centre, 0 from `reach` on, a parabola between.
fn parabola(distance: f64, reach: f64) -> f64 {
    (1.0 - (distance / reach) * (distance / reach)).max(0.0)
}

/// 1 at the centre, 0 from `reach` on, a line between.
fn hat(distance: f64, reach: f64) -> f64 {
    (1.0 - distance.abs() / reach).max(0.0)
}

/// Whole days from `from` to `to`.
fn days_between(from: Date, to: Date) -> f64 {
    (to.duration_since(from).as_hours() / 24) as f64
}
