//! Fits one method to each series of a file and writes its forecasts and the CPU seconds it took: the other half of
//! `experiments/speed/equals_statsforecast.py`.
//!
//!     one_method METHOD SERIES.csv META.csv OUT.csv
//!
//! METHOD is one of the line-up, or arima-likelihood. SERIES.csv has the columns unique_id, ds, y, in order of time; META.csv unique_id, season, h. OUT.csv gets
//! unique_id, the chosen model and its AICc where there are such, seconds, then h forecasts, h lower and h upper ends of the 80 %
//! interval, all in one cell each, separated by blanks.

use cpu_time::ProcessTime;
use fleetcast_core::{Calendar, Fitted, Forecast, Future, History, Metric, SeriesId, Step, Timeline};
use fleetcast_models::{Arima, Estimates, Ets, Settings, named};
use jiff::civil::date;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

struct Answer {
    model: String,
    criterion: f64,
    forecast: Forecast,
}

fn fit(method: &str, history: &History, season: usize, horizon: usize) -> Result<Answer, Box<dyn Error>> {
    let future = Future { horizon };
    let quantiles = [0.1, 0.9];
    if method == "ets" {
        let fit = Ets { season_length: season }.fit_one(history)?;
        let (model, criterion) = (fit.form(), fit.criterion().unwrap_or(f64::NAN));
        return Ok(Answer { model, criterion, forecast: fit.predict(&future, &quantiles)? });
    }
    if method.starts_with("arima") {
        let estimates = if method == "arima" { Estimates::Conditional } else { Estimates::Likelihood };
        let fit = Arima { season_length: season, estimates }.fit_one(history)?;
        let (model, criterion) = (fit.form().replace(',', " "), fit.criterion().unwrap_or(f64::NAN));
        return Ok(Answer { model, criterion, forecast: fit.predict(&future, &quantiles)? });
    }
    let lengths = if season == 24 { vec![24, 168] } else { vec![season] };
    let settings = Settings { season_lengths: lengths, calendar: Arc::new(Calendar::us()) };
    let forecast = named(method, &settings)?.fit(history)?.predict(&future, &quantiles)?;
    Ok(Answer { model: String::new(), criterion: f64::NAN, forecast })
}

fn joined(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [method, file, meta, out] = arguments.as_slice() else {
        return Err("usage: one_method METHOD SERIES.csv META.csv OUT.csv".into());
    };
    let text = std::fs::read_to_string(file)?;
    let mut series: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (Some(id), Some(_), Some(y)) = (cells.next(), cells.next(), cells.next()) else { continue };
        series.entry(id).or_default().push(y.parse()?);
    }
    let mut table = String::from("unique_id,model,aicc,seconds,mean,low,high\n");
    for line in std::fs::read_to_string(meta)?.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [id, season, horizon] = cells.as_slice() else { continue };
        let timeline = Timeline::without_calendar(date(2020, 1, 1).at(0, 0, 0, 0), Step::DAY);
        let values = series.remove(id).ok_or("a series of META.csv is not in SERIES.csv")?;
        let history = History::new(SeriesId::new(id, ""), Arc::new(Metric::named("")), timeline, values)?;
        let start = ProcessTime::now();
        let answer = fit(method, &history, season.parse()?, horizon.parse()?);
        let seconds = start.elapsed().as_secs_f64();
        match answer {
            Ok(Answer { model, criterion, forecast }) => {
                let ends = |at: usize| (0..forecast.horizon()).map(|h| forecast.step(h)[at]).collect::<Vec<_>>();
                let (low, high) = (joined(&ends(0)), joined(&ends(1)));
                writeln!(table, "{id},{model},{criterion},{seconds},{},{low},{high}", joined(forecast.point()))?;
            }
            Err(error) => eprintln!("{id}: {error}"),
        }
    }
    std::fs::write(out, table)?;
    Ok(())
}
