//! Plain series from a file: backtested and forecast without a lake.

use crate::backtest::{Backtested, backtest};
use crate::components::ForecastFiles;
use crate::forecast::{Forecasts, Reach, forecast_all};
use crate::line_up::{Horizons, LineUp, usual_seasons};
use crate::{Config, Context, Error, Result, tables};
use fleetcast_backtest::Runs;
use fleetcast_core::{History, Metric, Panel, SeriesId, Step, Timeline};
use fleetcast_lake::{PlainFormat, SeriesTimes, read_series, write_frame};
use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file of series is to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesOptions {
    /// The file.
    pub file: PathBuf,
    /// Step of the series.
    pub step: Step,
    /// Season lengths in steps, the first of which scales the scores; the usual longer ones of the step are
    /// looked at as well.
    pub season_lengths: Vec<usize>,
}

/// The step called `D`, `H`, `W`, or a number of minutes such as `30min`.
///
/// # Errors
/// [`Error::Setting`] for anything else.
pub fn step_named(name: &str) -> Result<Step> {
    let minutes = name.strip_suffix("min").and_then(|n| n.parse::<i64>().ok()).filter(|n| *n > 0);
    match (name, minutes) {
        ("D" | "d", _) => Ok(Step::DAY),
        ("H" | "h", _) => Ok(Step::HOUR),
        ("W" | "w", _) => Ok(Step::WEEK),
        (_, Some(minutes)) => Ok(Step::seconds(60 * minutes)?),
        _ => Err(Error::Setting {
            key: "frequency".to_owned(),
            found: name.to_owned(),
            allowed: "D, H, W, or minutes such as 30min".to_owned(),
        }),
    }
}

/// The series of a file on their regular grids; steps without a row are gaps.
///
/// # Errors
/// When the file cannot be read, a time is not on the grid, or stands twice in a series.
pub fn read_panel(options: &SeriesOptions, config: &Config) -> Result<Panel> {
    let rows = read_series(&options.file)?;
    let (times, has_calendar) = match rows.times {
        SeriesTimes::Instants(ms) => (ms.into_iter().map(|ms| ms.div_euclid(1000)).collect::<Vec<i64>>(), true),
        // A counter is so many steps after the first day of 2020, as the exchange format says.
        SeriesTimes::Counters(steps) => {
            let origin = seconds_of(date(2020, 1, 1).at(0, 0, 0, 0));
            (steps.into_iter().map(|n| origin + n.saturating_mul(options.step.as_seconds())).collect(), false)
        }
    };
    let mut series: BTreeMap<Arc<str>, Vec<(i64, f64)>> = BTreeMap::new();
    for ((id, time), value) in rows.ids.into_iter().zip(times).zip(rows.values) {
        series.entry(id).or_default().push((time, value));
    }
    let metric = Arc::new(Metric::named(""));
    let histories = series.into_iter().map(|(id, points)| {
        let (first, values) = on_grid(&options.file, &id, points, options.step)?;
        let timeline = if has_calendar {
            Timeline::new(first, options.step)
        } else {
            Timeline::without_calendar(first, options.step)
        };
        let history = History::new(SeriesId::new(&id, ""), Arc::clone(&metric), timeline, values)?;
        Ok(history.with_bounds(config.bounds()))
    });
    Ok(Panel::new(Vec::new(), histories.collect::<Result<_>>()?)?)
}

fn seconds_of(time: DateTime) -> i64 {
    tables::utc_ms(time) / 1000
}

/// The longest series that is put on a grid: a stray time stamp must not ask for all memory.
const MOST_STEPS: i64 = 50_000_000;

fn on_grid(file: &Path, id: &str, mut points: Vec<(i64, f64)>, step: Step) -> Result<(DateTime, Vec<f64>)> {
    points.sort_by_key(|point| point.0);
    let at = |time: i64| Timestamp::from_second(time).map(|t| t.to_zoned(TimeZone::UTC).datetime()).unwrap_or_default();
    let refused = |what: String, hint: &str| Error::Nothing {
        what: format!("{}: {what}", file.display()),
        hint: hint.to_owned(),
    };
    // A series has a row: it was made for one.
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let length = (last - first) / step.as_seconds() + 1;
    if length > MOST_STEPS {
        let what = format!("series `{id}` runs from {} to {}, {length} steps", at(first), at(last));
        return Err(refused(what, "look for a time that does not belong, or say the step with --frequency"));
    }
    let mut values = vec![f64::NAN; length as usize];
    let mut before = None;
    for (time, value) in points {
        if before == Some(time) {
            let what = format!("series `{id}` has two rows at {}", at(time));
            return Err(refused(what, "keep one of them, or give the series two names"));
        }
        if (time - first) % step.as_seconds() != 0 {
            let what = format!(
                "series `{id}` has a row at {}, which is not on the grid that begins at {}",
                at(time),
                at(first)
            );
            return Err(refused(what, "say the step with --frequency: D, H, W, or minutes such as 30min"));
        }
        values[((time - first) / step.as_seconds()) as usize] = value;
        before = Some(time);
    }
    Ok((at(first), values))
}

/// Season lengths to use: those given, of which the first scales the scores, and the usual longer ones of
/// the step; a method that finds nothing in a season makes nothing of it.
fn seasons(options: &SeriesOptions) -> Vec<usize> {
    let mut seasons = options.season_lengths.clone();
    let longest = seasons.iter().copied().max().unwrap_or(0);
    seasons.extend(usual_seasons(options.step).into_iter().filter(|&length| length > longest));
    seasons
}

/// Backtests the series of a file; `out` gets the forecasts in the exchange format, the timings go beside it.
///
/// # Errors
/// When the file makes no sense, or the series are too short.
pub fn backtest_series(
    options: &SeriesOptions,
    config: &Config,
    out: Option<&Path>,
    context: &Context,
) -> Result<Backtested> {
    context.progress.begin("reading series", 0);
    let panel = read_panel(options, config)?;
    let horizons = Horizons::choose(&panel, config)?;
    let Some(windows) = horizons.windows else { return Err(crate::run::too_short(horizons.validated)) };
    horizons.notes.iter().for_each(|note| context.progress.note(note));
    let line_up = LineUp::new(&config.forecast.models, &seasons(options), config.calendar()?, horizons.validated)?;
    let clock = || (context.clock)();
    let mut runs = Runs::new(&panel, horizons.validated)?.with_clock(&clock);
    let backtested = backtest(&mut runs, &line_up, &windows, config.seed, context)?;
    if let Some(out) = out {
        write_backtest(out, &panel, &backtested, context)?;
    }
    context.progress.end();
    Ok(backtested)
}

/// Writes every forecast of a backtest in the exchange format, and the timings beside it.
pub(crate) fn write_backtest(out: &Path, panel: &Panel, backtested: &Backtested, context: &Context) -> Result<()> {
    context.progress.begin("writing forecasts", 0);
    write_frame(out, &tables::backtests(None, backtested.backtest.rows(panel))?, PlainFormat::of(out))?;
    let mut beside = out.as_os_str().to_owned();
    beside.push(".timing.csv");
    Ok(write_frame(Path::new(&beside), &tables::timings(&backtested.backtest)?, PlainFormat::Csv)?)
}

/// Forecasts the series of a file by each method of the configuration; writes the files that are asked for.
///
/// # Errors
/// When the file makes no sense.
pub fn forecast_series(
    options: &SeriesOptions,
    config: &Config,
    files: &ForecastFiles,
    context: &Context,
) -> Result<Forecasts> {
    context.progress.begin("reading series", 0);
    let panel = read_panel(options, config)?;
    let horizons = Horizons::choose(&panel, config)?;
    horizons.notes.iter().for_each(|note| context.progress.note(note));
    let (seasons, calendar) = (seasons(options), config.calendar()?);
    let line_up = LineUp::new(&config.forecast.models, &seasons, calendar.clone(), horizons.validated)?;
    let reach = Reach { horizon: horizons.validated, expected: horizons.validated };
    let runs = Runs::new(&panel, horizons.validated)?;
    let forecasts = forecast_all(runs, &line_up, &config.forecast.models, reach, config.seed, context)?;
    files.write(&panel, &forecasts, &seasons, calendar)?;
    context.progress.end();
    Ok(forecasts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_grid_with_gaps_and_nonsense_is_named() {
        let file = Path::new("x.csv");
        let day = 86_400;
        let (first, values) = on_grid(file, "a", vec![(2 * day, 3.0), (0, 1.0)], Step::DAY).unwrap();
        assert_eq!((first.date(), values[0], values[2]), (date(1970, 1, 1), 1.0, 3.0));
        assert!(values[1].is_nan());
        let twice = on_grid(file, "a", vec![(0, 1.0), (0, 1.0)], Step::DAY).unwrap_err().to_string();
        assert_eq!(twice, "x.csv: series `a` has two rows at 1970-01-01T00:00:00");
        let off = on_grid(file, "a", vec![(0, 1.0), (3600, 1.0)], Step::DAY).unwrap_err().to_string();
        assert!(off.contains("not on the grid"), "{off}");
        assert!(step_named("2 days").is_err() && step_named("30min").unwrap().as_seconds() == 1800);
    }
}
