//! What forecasts are made of: trend, week, year, quarter ends and events step by step, and whose word counts.

use crate::forecast::{Forecasts, SeriesForecast};
use crate::{Result, tables};
use fleetcast_core::{Calendar, History, Panel, SeriesId};
use fleetcast_lake::{Column, Frame, PlainFormat, write_frame};
use fleetcast_models::{CalendarRidge, Component, Settings};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that a forecast leaves; CSV or Parquet by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForecastFiles {
    /// The forecasts in the exchange format.
    pub out: Option<PathBuf>,
    /// What each step is made of: columns model, unique_id, ds, step, yhat, one for each of [`Component::ALL`], and
    /// `rest`, which together are yhat.
    pub components: Option<PathBuf>,
    /// The share of each method in each series: columns unique_id, model, weight.
    pub weights: Option<PathBuf>,
}

impl ForecastFiles {
    /// Writes those that are asked for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(
        &self,
        panel: &Panel,
        forecasts: &Forecasts,
        season_lengths: &[usize],
        calendar: Arc<Calendar>,
    ) -> Result<()> {
        if let Some(out) = &self.out {
            save(out, &tables::exchange(&forecasts.series)?)?;
        }
        if let Some(file) = &self.components {
            let settings = Settings { season_lengths: season_lengths.to_vec(), calendar };
            save(file, &components(panel, &forecasts.series, &settings)?)?;
        }
        if let Some(file) = &self.weights {
            save(file, &tables::weights(None, &forecasts.series.iter().collect::<Vec<_>>())?)?;
        }
        Ok(())
    }
}

fn save(file: &Path, frame: &Frame) -> Result<()> {
    Ok(write_frame(file, frame, PlainFormat::of(file))?)
}

/// One step of a forecast, taken apart.
struct Part<'a> {
    forecast: &'a SeriesForecast,
    step: usize,
    /// In the order of [`Component::ALL`]; not known where the series is too short to be taken apart.
    values: [f64; 5],
}

/// Each step of each forecast as a sum: what the calendar regression makes of trend and calendar, and the rest, which is
/// what other methods say beyond it and what the range of the values takes away.
fn components(panel: &Panel, forecasts: &[SeriesForecast], settings: &Settings) -> Result<Frame> {
    let fits = CalendarRidge::new(settings).fit_many(panel.histories());
    let fits: BTreeMap<&SeriesId, _> = panel.histories().iter().map(History::id).zip(fits).collect();
    let parts: Vec<Part> = (forecasts.par_iter())
        .flat_map_iter(|forecast| {
            let horizon = forecast.horizon();
            let steps = fits.get(&forecast.id).and_then(|fit| fit.as_ref().ok()).map(|fit| fit.explain(horizon));
            (0..horizon).map(move |step| {
                let values = steps.as_ref().map_or([f64::NAN; 5], |steps| steps[step].values);
                Part { forecast, step, values }
            })
        })
        .collect();
    let yhat = |part: &Part| part.forecast.expected[part.step];
    let mut frame = Frame::new()
        .with("model", parts.iter().map(|p| p.forecast.model.clone()).collect::<Vec<_>>())?
        .with("unique_id", parts.iter().map(|p| p.forecast.id.to_string()).collect::<Vec<_>>())?
        .with("ds", Column::times(parts.iter().map(|p| tables::utc_ms(p.forecast.time(p.step)))))?
        .with("step", parts.iter().map(|p| p.step as i64 + 1).collect::<Vec<_>>())?
        .with("yhat", parts.iter().map(yhat).collect::<Vec<_>>())?;
    for component in Component::ALL {
        let values: Vec<f64> = parts.iter().map(|p| p.values[component as usize]).collect();
        frame = frame.with(&component.name().replace('-', "_"), values)?;
    }
    let rest = |part: &Part| yhat(part) - part.values.iter().sum::<f64>();
    Ok(frame.with("rest", parts.iter().map(rest).collect::<Vec<_>>())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Reach, forecast_all};
    use crate::line_up::LineUp;
    use crate::{Context, Seconds, Silent};
    use fleetcast_core::{Metric, Timeline};
    use fleetcast_numeric::Stream;

    const CONTEXT: Context =
        Context { progress: &Silent, now: || jiff::Timestamp::UNIX_EPOCH, clock: Seconds::default };

    #[test]
    fn the_parts_of_each_step_add_up_and_hold_what_was_planted() {
        let noise = Stream::new(5, &["parts"]);
        let value = |day: usize| {
            let week = if day % 7 < 5 { 12.0 } else { 0.0 };
            30.0 + 0.02 * day as f64 + week + noise.normal(day as u64)
        };
        let line = Timeline::daily(jiff::civil::date(2022, 1, 3));
        let cpu = Arc::new(Metric::named("cpu"));
        let series = |id: &str, n: usize| {
            History::new(SeriesId::new(id, "cpu"), cpu.clone(), line, (0..n).map(value).collect()).unwrap()
        };
        let panel = Panel::new(Vec::new(), vec![series("a", 700), series("new", 8)]).unwrap();
        let calendar = Arc::new(Calendar::us());
        let names = ["auto".to_owned(), "calendar-ridge".to_owned()];
        let line_up = LineUp::new(&names, &[7], calendar.clone(), 28).unwrap();
        let runs = fleetcast_backtest::Runs::new(&panel, 28).unwrap();
        let reach = Reach { horizon: 28, expected: 28 };
        let forecasts = forecast_all(runs, &line_up, &names, reach, 1, &CONTEXT).unwrap();
        let settings = Settings { season_lengths: vec![7], calendar };
        let frame = components(&panel, &forecasts.series, &settings).unwrap();
        let column = |name: &str| frame.floats(name).unwrap().to_vec();
        let [yhat, trend, week, rest] = ["yhat", "trend", "week", "rest"].map(column);
        let others = ["year", "quarter_end", "events"].map(column);
        let (models, ids) = (frame.text("model").unwrap(), frame.text("unique_id").unwrap());
        for row in 0..frame.rows() {
            if ids[row].as_deref() == Some("new/cpu") {
                assert!(trend[row].is_nan() && rest[row].is_nan());
                continue;
            }
            let sum = trend[row] + week[row] + rest[row] + others.iter().map(|c| c[row]).sum::<f64>();
            assert!((sum - yhat[row]).abs() < 1e-9);
            if models[row].as_deref() == Some("calendar-ridge") {
                assert!(rest[row].abs() < 1e-9, "{} of {}", rest[row], yhat[row]);
            }
        }
        // Day 700 is a Monday again: the first step ahead, and the sixth a Saturday.
        assert!((week[0] - week[5] - 12.0).abs() < 1.0, "{week:?}");
        assert!((trend[27] - trend[0] - 27.0 * 0.02).abs() < 0.5);
    }
}
