//! What the servers of a profile have in common: growth, week and season, by least squares on the
//! logarithms.

use super::days::{DaySeries, Days};
use super::{FitOptions, GROWTH_DAYS, SEASON_DAYS, WEEK_DAYS};
use crate::{METRICS, layers};
use fleetcast_numeric::{linear, math};

/// Rounds of taking the servers' levels and the common course from each other.
const ROUNDS: usize = 6;

/// The common course of one metric.
pub(super) struct Common {
    /// Mean over servers of the logarithm of the level on an ordinary weekday at the start.
    pub(super) level: f64,
    /// Standard deviation of that logarithm over servers.
    pub(super) level_std: f64,
    /// Logarithm of the growth per year; `None` below a year.
    pub(super) growth: Option<f64>,
    /// Logarithms of the week's factors, weekdays having the mean factor 1; `None` below two weeks. Of the
    /// metric that leads; the others have a loading.
    pub(super) week: Option<[f64; 7]>,
    /// Peak and trough; `None` below two quarter ends.
    pub(super) season: Option<(f64, f64)>,
    /// Exponents of the leading metric's week and season.
    pub(super) loadings: (Option<f64>, Option<f64>),
    /// The logarithms each series has beyond its level and the common course, in the order of [`Days::of`].
    pub(super) residuals: Vec<Vec<f64>>,
}

/// What was learned of the metric that leads.
struct Leader {
    week: Option<[f64; 7]>,
    season: Option<(f64, f64)>,
}

/// What does not depend on the metric.
struct Calendar {
    years: Vec<f64>,
    weekday: Vec<usize>,
    /// How much of a quarter end's peak, and of a mid-quarter's trough, each day has.
    peak: Vec<f64>,
    trough: Vec<f64>,
}

/// The common course of each metric that is there; the first leads.
pub(super) fn of_metrics(days: &Days, options: &FitOptions) -> Vec<Option<Common>> {
    let calendar = Calendar::new(days, options);
    let mut leader: Option<Leader> = None;
    (0..METRICS.len())
        .map(|metric| {
            let series: Vec<&DaySeries> = days.of(metric).collect();
            if series.is_empty() {
                return None;
            }
            let common = calendar.common(&series, days.n_days, leader.as_ref());
            leader.get_or_insert(Leader { week: common.week, season: common.season });
            Some(common)
        })
        .collect()
}

impl Calendar {
    fn new(days: &Days, options: &FitOptions) -> Self {
        let dates = days.dates();
        let calendar = &options.calendar;
        let season = |peak: f64, trough: f64| -> Vec<f64> {
            dates.iter().map(|date| layers::season(calendar, *date, (peak - 1.0, peak - 1.0), trough)).collect()
        };
        Self {
            years: (0..dates.len()).map(|day| day as f64 / 365.25).collect(),
            weekday: dates
                .iter()
                .map(|date| calendar.day_class(*date).to_monday_zero_offset().unsigned_abs().into())
                .collect(),
            // With one of the two factors at rest, the season shows the course of the other.
            peak: season(2.0, 1.0).iter().map(|factor| factor - 1.0).collect(),
            trough: season(1.0, 0.0).iter().map(|factor| 1.0 - factor).collect(),
        }
    }

    fn log_season(&self, day: usize, (peak, trough): (f64, f64)) -> f64 {
        math::ln(1.0 + (peak - 1.0) * self.peak[day]) + math::ln(1.0 - (1.0 - trough) * self.trough[day])
    }

    fn common(&self, series: &[&DaySeries], n_days: usize, leader: Option<&Leader>) -> Common {
        let has_growth = n_days >= GROWTH_DAYS;
        let (mut week, mut season) = (None, None);
        let mut loadings = (None, None);
        let mut levels = vec![0.0; series.len()];
        let mut course = vec![0.0; n_days];
        let mut growth = None;
        for _ in 0..ROUNDS {
            for (level, one) in levels.iter_mut().zip(series) {
                let rest: Vec<f64> = one.logs.iter().zip(&course).map(|(log, c)| log - c).collect();
                *level = math::mean(&rest).unwrap_or(0.0);
            }
            let (target, weight) = mean_course(series, &levels, n_days);
            let current = season.unwrap_or((1.2, 0.85));
            let columns = self.columns(n_days, has_growth, leader, current);
            let Some(found) = least_squares(&columns, &self.offset(n_days, leader, current), &target, &weight) else {
                break;
            };
            let mut at = 1;
            let mut next = || {
                at += 1;
                found[at - 1]
            };
            growth = has_growth.then(&mut next);
            match leader {
                None => {
                    week = (n_days >= WEEK_DAYS).then(|| std::array::from_fn(|k| if k == 0 { 0.0 } else { next() }));
                    if n_days >= SEASON_DAYS {
                        let step = (next(), next());
                        season = Some(((current.0 + step.0).clamp(0.5, 5.0), (current.1 + step.1).clamp(0.1, 2.0)));
                    }
                }
                Some(Leader { week: led_week, season: led_season }) => {
                    loadings.0 = led_week.is_some().then(&mut next);
                    loadings.1 = led_season.is_some().then(&mut next);
                }
            }
            course = (0..n_days).map(|day| self.course(day, growth, &week, season, leader, loadings)).collect();
        }
        let shift = week.as_mut().map_or(0.0, normalise);
        let residuals = series
            .iter()
            .zip(&levels)
            .map(|(one, level)| one.logs.iter().zip(&course).map(|(log, c)| log - level - c).collect())
            .collect();
        Common {
            level: math::mean(&levels).unwrap_or(0.0) + shift,
            level_std: math::standard_deviation(&levels).unwrap_or(0.0),
            growth,
            week,
            season,
            loadings,
            residuals,
        }
    }

    /// The course that the numbers found so far give, without the level.
    fn course(
        &self,
        day: usize,
        growth: Option<f64>,
        week: &Option<[f64; 7]>,
        season: Option<(f64, f64)>,
        leader: Option<&Leader>,
        loadings: (Option<f64>, Option<f64>),
    ) -> f64 {
        let mut sum = growth.unwrap_or(0.0) * self.years[day];
        sum += week.as_ref().map_or(0.0, |week| week[self.weekday[day]]);
        sum += season.map_or(0.0, |season| self.log_season(day, season));
        if let Some(Leader { week: led_week, season: led_season }) = leader {
            sum += led_week.as_ref().zip(loadings.0).map_or(0.0, |(week, loading)| loading * week[self.weekday[day]]);
            sum += led_season.zip(loadings.1).map_or(0.0, |(season, loading)| loading * self.log_season(day, season));
        }
        sum
    }

    /// What is taken from the target before the least squares: the season about which it is linear.
    fn offset(&self, n_days: usize, leader: Option<&Leader>, season: (f64, f64)) -> Vec<f64> {
        let is_own = leader.is_none() && n_days >= SEASON_DAYS;
        (0..n_days).map(|day| if is_own { self.log_season(day, season) } else { 0.0 }).collect()
    }

    fn columns(&self, n_days: usize, has_growth: bool, leader: Option<&Leader>, season: (f64, f64)) -> Vec<Vec<f64>> {
        let each = |value: &dyn Fn(usize) -> f64| (0..n_days).map(value).collect::<Vec<f64>>();
        let mut columns = vec![vec![1.0; n_days]];
        if has_growth {
            columns.push(self.years.clone());
        }
        match leader {
            None => {
                if n_days >= WEEK_DAYS {
                    columns.extend((1..7).map(|k| each(&|day| f64::from(u8::from(self.weekday[day] == k)))));
                }
                if n_days >= SEASON_DAYS {
                    columns.push(each(&|day| self.peak[day] / (1.0 + (season.0 - 1.0) * self.peak[day])));
                    columns.push(each(&|day| self.trough[day] / (1.0 - (1.0 - season.1) * self.trough[day])));
                }
            }
            Some(Leader { week, season: led_season }) => {
                columns.extend(week.map(|week| each(&|day| week[self.weekday[day]])));
                columns.extend(led_season.map(|season| each(&|day| self.log_season(day, season))));
            }
        }
        columns
    }
}

/// Moves the mean factor of the weekdays to 1; what the level gains by it.
fn normalise(week: &mut [f64; 7]) -> f64 {
    let mean = week[..5].iter().map(|log| math::exp(*log)).sum::<f64>() / 5.0;
    let shift = math::ln(mean);
    week.iter_mut().for_each(|log| *log -= shift);
    shift
}

/// Mean over servers of what they have beyond their levels, day by day, and of how many servers.
fn mean_course(series: &[&DaySeries], levels: &[f64], n_days: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut counts) = (vec![0.0; n_days], vec![0.0; n_days]);
    for (one, level) in series.iter().zip(levels) {
        for (day, log) in one.logs.iter().enumerate().filter(|(_, log)| !log.is_nan()) {
            sums[day] += log - level;
            counts[day] += 1.0;
        }
    }
    (sums.iter().zip(&counts).map(|(sum, n): (&f64, &f64)| sum / n.max(1.0)).collect(), counts)
}

/// Weighted least squares; `None` when the columns do not tell their effects apart.
fn least_squares(columns: &[Vec<f64>], offset: &[f64], target: &[f64], weight: &[f64]) -> Option<Vec<f64>> {
    let k = columns.len();
    let dot = |a: &[f64], b: &dyn Fn(usize) -> f64| -> f64 {
        a.iter().zip(weight).enumerate().map(|(day, (a, w))| a * w * b(day)).sum()
    };
    let mut gram = vec![0.0; k * k];
    for row in 0..k {
        for column in 0..k {
            gram[row * k + column] = dot(&columns[row], &|day| columns[column][day]);
        }
        // A day of the week that never came keeps the effect 0.
        gram[row * k + row] += 1e-9 * weight.len() as f64;
    }
    let mut right: Vec<f64> = columns.iter().map(|c| dot(c, &|day| target[day] - offset[day])).collect();
    let factor = linear::cholesky(&gram, k)?;
    linear::solve_cholesky(&factor, &mut right);
    Some(right)
}
