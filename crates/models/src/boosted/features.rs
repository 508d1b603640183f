//! What the trees are shown of a series, an origin and a step ahead.
//!
//! Everything that has a unit is told in terms of the series itself: less its level at the origin, over its usual
//! seasonal change. So what was learned from one series holds for another.

use super::days::{DayFacts, Days, MONTHS, QUARTERS};
use super::past::Past;
use fleetcast_core::{Bounds, Timeline};
use fleetcast_numeric::{math, quantile_of_sorted};

/// Metrics of a server that are looked at beside the series itself, the first in order of name.
pub(super) const MOST_METRICS: usize = 6;
/// Features of one other metric.
const OF_A_METRIC: [&str; 3] = ["recent", "trend", "jump"];
/// Seasons that make the base forecast.
const BASE_SEASONS: usize = 8;

/// Which features there are; the others are given as not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) quarter_ends: bool,
    pub(super) other_metrics: bool,
}

/// What is known at an origin.
const ORIGIN: [&str; 23] = [
    "last",
    "mean_1",
    "mean_13",
    "mean_52",
    "change_1",
    "change_4",
    "change_13",
    "q10_4",
    "q90_4",
    "max_4",
    "q05_13",
    "q95_13",
    "max_13",
    "roughness_4",
    "season_change_4",
    "season_change_13",
    "level",
    "length",
    "height",
    "growth_1y",
    "days_since_jump",
    "archetype",
    "metric",
];
/// What depends on the step ahead as well.
const STEP: [&str; 31] = [
    "horizon",
    "base",
    "same_phase_1",
    "same_phase_4",
    "long_phase_1",
    "long_phase_4",
    "year_1",
    "year_1_week",
    "year_2",
    "year_2_week",
    "quarter_1",
    "quarter_2",
    "quarter_3",
    "quarter_4",
    "quarter_5",
    "quarters",
    "months",
    "day_of_week",
    "is_holiday",
    "day_of_month",
    "from_month_end",
    "day_of_year",
    "days_to_next_quarter_end",
    "from_quarter_end",
    "is_near_qend",
    "quarter_number",
    "hour_of_day",
    "is_business_hour",
    "hour_of_week",
    "is_after_holiday",
    "is_before_holiday",
];

/// Number of features in a row.
pub(super) const N_COLUMNS: usize = ORIGIN.len() + MOST_METRICS * OF_A_METRIC.len() + STEP.len();

/// Lengths, in steps, that windows and lags are made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lengths {
    /// The shortest season, and the next longer one where there is one; 1 when nothing repeats.
    pub(super) seasons: Vec<usize>,
    /// The shortest window: a season, but four steps at least.
    pub(super) unit: usize,
    /// A year in whole weeks; `None` where that is no whole number of steps.
    pub(super) year: Option<usize>,
    pub(super) per_day: Option<usize>,
    /// Steps ahead that are learned; farther ones are told the last of these.
    pub(super) horizon: usize,
}

impl Lengths {
    pub(super) fn new(timeline: &Timeline, season_lengths: &[usize], horizon: usize) -> Self {
        let mut seasons: Vec<usize> = season_lengths.iter().copied().filter(|&m| m > 1 && m <= 1_000).collect();
        seasons.sort_unstable();
        seasons.dedup();
        seasons.truncate(2);
        // A season that is seldom seen makes a poor base: its phases are features only.
        let is_short = |m: &usize| *m as i64 * timeline.step().as_seconds() <= 31 * 86_400;
        let first = seasons.first().copied().filter(is_short).unwrap_or(1);
        if seasons.first() != Some(&first) {
            seasons.insert(0, first);
            seasons.truncate(2);
        }
        let year_seconds = 364 * 86_400;
        let year = year_seconds / timeline.step().as_seconds();
        let year = (year_seconds % timeline.step().as_seconds() == 0 && year > 1).then_some(year as usize);
        Self { unit: first.max(4), seasons, year, per_day: timeline.step().per_day(), horizon }
    }

    /// Fewest steps before an origin.
    pub(super) fn least(&self) -> usize {
        2 * self.unit
    }
}

/// Level and scale of a series at an origin: what its features and targets are told in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) level: f64,
    pub(super) scale: f64,
}

impl Unit {
    /// The unit at step `t`; `None` for a series that has only repeated itself.
    pub(super) fn at(past: &Past, lengths: &Lengths, t: usize) -> Option<Self> {
        let level = past.mean(t, 4 * lengths.unit);
        let level = if level.is_nan() { past.mean(t, t + 1) } else { level };
        let of_all = past.change(0, t, t + 1).max(0.0).max(past.roughness(t, t + 1).max(0.0) * 0.1);
        let lately = past.change(0, t, 52 * lengths.unit);
        // NaN, where a window is empty, is no larger than anything.
        let scale = if lately > 0.25 * of_all { lately } else { 0.25 * of_all };
        (scale > 0.0 && scale.is_finite() && level.is_finite()).then_some(Self { level, scale })
    }

    fn of(&self, value: f64) -> f32 {
        ((value - self.level) / self.scale) as f32
    }

    fn difference(&self, change: f64) -> f32 {
        (change / self.scale) as f32
    }
}

/// A series that rows are made from.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) past: &'a Past,
    pub(super) timeline: &'a Timeline,
    pub(super) lengths: &'a Lengths,
    pub(super) days: &'a Days,
    pub(super) bounds: Option<Bounds>,
    /// Numbers of its archetype and metric among all; NaN where nothing is known.
    pub(super) archetype: f32,
    pub(super) metric: f32,
    pub(super) shown: Shown,
    /// The first step that is remembered where years and quarters are looked back upon.
    pub(super) first: usize,
}

impl Subject<'_> {
    /// The forecast that the trees correct: the mean of the last seasons at the same phase.
    pub(super) fn base(&self, unit: &Unit, t: usize, step: usize) -> f64 {
        let base = self.phase_base(t, step);
        if base.is_nan() { unit.level } else { base }
    }

    fn phase_base(&self, t: usize, step: usize) -> f64 {
        match self.lengths.seasons[0] {
            1 => self.past.mean(t, 1),
            _ => self.past.phase_mean(0, t, step, BASE_SEASONS),
        }
    }

    /// Adds what is known at origin `t` to `row`; `others` are the metrics of the same server and the steps they are
    /// at then.
    pub(super) fn put_origin(&self, unit: &Unit, t: usize, others: &[Option<(&Past, usize)>], row: &mut Vec<f32>) {
        let (past, u) = (self.past, self.lengths.unit);
        let mean = |n: usize| past.mean(t, n * u);
        let earlier = |n: usize| past.mean_of((t + 1).saturating_sub(2 * n * u), (t + 1).saturating_sub(n * u));
        let sorted = |n: usize| {
            let mut window: Vec<f64> = past.window(t, n * u).iter().copied().filter(|v| !v.is_nan()).collect();
            window.sort_unstable_by(f64::total_cmp);
            window
        };
        let (month, quarter) = (sorted(4), sorted(13));
        let of_sorted =
            |window: &[f64], p: f64| if window.is_empty() { f32::NAN } else { unit.of(quantile_of_sorted(window, p)) };
        let year_ago = self.lengths.year.and_then(|year| self.origin_before(t, year));
        let growth = year_ago.map_or(f64::NAN, |before| unit.level - past.mean(before, 4 * u));
        row.extend([
            unit.of(past.value(Some(t))),
            unit.of(mean(1)),
            unit.of(mean(13)),
            unit.of(mean(52)),
            unit.difference(mean(1) - earlier(1)),
            unit.difference(unit.level - earlier(4)),
            unit.difference(mean(13) - earlier(13)),
            of_sorted(&month, 0.1),
            of_sorted(&month, 0.9),
            of_sorted(&month, 1.0),
            of_sorted(&quarter, 0.05),
            of_sorted(&quarter, 0.95),
            of_sorted(&quarter, 1.0),
            unit.difference(past.roughness(t, 4 * u)),
            unit.difference(past.change(0, t, 4 * u)),
            unit.difference(past.change(0, t, 13 * u)),
            unit.difference(unit.level),
            (t - self.first.min(t)) as f32,
            self.bounds.map_or(f32::NAN, |b| ((unit.level - b.low) / (b.high - b.low)) as f32),
            unit.difference(growth),
            unit.difference(
                past.mean(t, 2 * u) - past.mean_of((t + 1).saturating_sub(6 * u), (t + 1).saturating_sub(2 * u)),
            ),
            self.archetype,
            self.metric,
        ]);
        for slot in 0..MOST_METRICS {
            let other = others.get(slot).copied().flatten().filter(|_| self.shown.other_metrics);
            row.extend(other.map_or([f32::NAN; 3], |(past, t)| self.other(past, t)));
        }
    }

    /// What another metric of the server does lately, in its own unit.
    fn other(&self, past: &Past, t: usize) -> [f32; 3] {
        let u = self.lengths.unit;
        let Some(unit) = Unit::at(past, self.lengths, t) else { return [f32::NAN; 3] };
        let before =
            |from: usize, to: usize| past.mean_of((t + 1).saturating_sub(from * u), (t + 1).saturating_sub(to * u));
        [
            unit.of(past.mean(t, u)),
            unit.difference(unit.level - before(17, 4)),
            unit.difference(past.mean(t, 2 * u) - before(6, 2)),
        ]
    }

    /// Adds what is known of step `t + ahead` at origin `t`.
    pub(super) fn put_step(&self, unit: &Unit, t: usize, ahead: usize, row: &mut Vec<f32>) {
        let step = t + ahead;
        let long = |n: usize| match self.lengths.seasons.len() {
            2 => unit.of(self.past.phase_mean(1, t, step, n)),
            _ => f32::NAN,
        };
        row.extend([
            ahead.min(self.lengths.horizon) as f32,
            unit.of(self.base(unit, t, step)),
            unit.of(self.past.phase_mean(0, t, step, 1)),
            unit.of(self.past.phase_mean(0, t, step, 4)),
            long(1),
            long(4),
        ]);
        let year = |n: usize| self.lengths.year.map_or([f32::NAN; 2], |year| self.analogue(unit, t, ahead, n * year));
        row.extend(year(1));
        row.extend(year(2));
        if !self.timeline.has_calendar() {
            row.extend([f32::NAN; STEP.len() - 10]);
            return;
        }
        let time = self.timeline.at(step);
        let facts = self.days.of(time.date());
        self.put_returns(unit, t, ahead, &facts, row);
        self.put_calendar(&facts, time, row);
    }

    /// What happened around the quarter ends and month ends before, seen from as far ahead.
    fn put_returns(&self, unit: &Unit, t: usize, ahead: usize, facts: &DayFacts, row: &mut Vec<f32>) {
        let Some(per_day) = self.lengths.per_day else {
            row.extend([f32::NAN; QUARTERS + 2]);
            return;
        };
        let mut quarters = [f32::NAN; QUARTERS + 1];
        if self.shown.quarter_ends {
            let back = facts.quarters_back.map(|days| self.returned(unit, t, ahead, usize::from(days) * per_day));
            quarters[..QUARTERS].copy_from_slice(&back);
            quarters[QUARTERS] = mean_of_known(&back[..4]);
        }
        row.extend(quarters);
        let months: [f32; MONTHS] =
            facts.months_back.map(|days| self.returned(unit, t, ahead, usize::from(days) * per_day));
        row.push(mean_of_known(&months));
    }

    fn put_calendar(&self, facts: &DayFacts, time: jiff::civil::DateTime, row: &mut Vec<f32>) {
        let on = |fact: bool| f32::from(u8::from(fact));
        let hourly = self.lengths.per_day.is_some_and(|n| n > 1);
        let quarter = |value: f32| if self.shown.quarter_ends { value } else { f32::NAN };
        let hour = f32::from(time.hour());
        let is_weekday = facts.day_of_week < 6.0;
        row.extend([
            facts.day_of_week,
            on(facts.is_holiday),
            facts.day_of_month,
            facts.from_month_end,
            facts.day_of_year,
            quarter(facts.days_to_next_quarter_end),
            quarter(facts.from_quarter_end),
            quarter(on(facts.is_near_qend)),
            quarter(facts.quarter_number),
            if hourly { hour } else { f32::NAN },
            if hourly { on(is_weekday && (9.0..17.0).contains(&hour)) } else { f32::NAN },
            if hourly { 24.0 * (facts.day_of_week - 1.0) + hour } else { f32::NAN },
            on(facts.holiday_beside[0]),
            on(facts.holiday_beside[1]),
        ]);
    }

    /// The origin `back` steps before `t`, where the series is remembered so far back.
    fn origin_before(&self, t: usize, back: usize) -> Option<usize> {
        t.checked_sub(back).filter(|&origin| origin >= self.first)
    }

    /// What the base would have missed `ahead` steps after the origin `back` steps earlier: on that step alone, and
    /// over the week around it. NaN where that was not seen by `t`.
    fn analogue(&self, unit: &Unit, t: usize, ahead: usize, back: usize) -> [f32; 2] {
        let Some(origin) = self.origin_before(t, back).filter(|_| back >= ahead) else { return [f32::NAN; 2] };
        let half = self.lengths.unit / 2;
        let level = self.past.mean(origin, 4 * self.lengths.unit);
        let growth = growth(unit.level, level);
        let around = self.past.mean_of((origin + ahead).saturating_sub(half), (origin + ahead + half + 1).min(t + 1));
        let missed = self.past.value(Some(origin + ahead)) - self.phase_base(origin, origin + ahead);
        [unit.difference(growth * missed), unit.difference(growth * (around - level))]
    }

    /// The mean of three misses around a step `back` steps before the one that is forecast.
    fn returned(&self, unit: &Unit, t: usize, ahead: usize, back: usize) -> f32 {
        let Some(origin) = self.origin_before(t, back).filter(|_| back >= ahead) else { return f32::NAN };
        let per_day = self.lengths.per_day.unwrap_or(1);
        let (mut sum, mut n) = (0.0, 0.0);
        for day in 0..3 {
            let Some(step) = (origin + ahead + day * per_day).checked_sub(per_day).filter(|&step| step <= t) else {
                continue;
            };
            let missed = self.past.value(Some(step)) - self.phase_base(origin, step.max(origin + 1));
            if !missed.is_nan() {
                sum += missed;
                n += 1.0;
            }
        }
        let growth = growth(unit.level, self.past.mean(origin, 4 * self.lengths.unit));
        unit.difference(growth * sum / n)
    }
}

/// How much larger effects are now than at an earlier level, where both are loads: effects grow as load does.
fn growth(now: f64, before: f64) -> f64 {
    if now > 0.0 && before > 0.0 { (now / before).clamp(0.5, 2.0) } else { 1.0 }
}

fn mean_of_known(values: &[f32]) -> f32 {
    let known: Vec<f64> = values.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v)).collect();
    math::mean(&known).map_or(f32::NAN, |mean| mean as f32)
}
