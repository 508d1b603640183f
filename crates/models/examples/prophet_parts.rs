//! Fits `prophet` to each series of a file and writes what its curve is made of: the other half of
//! `experiments/speed/equals_prophet.py`, which compares it with Prophet.
//!
//!     prophet_parts SERIES.csv D|H STEPS OUT.csv
//!
//! SERIES.csv has the columns unique_id, ds, y; its rows are a regular grid. OUT.csv gets unique_id, the
//! step, the part and its value, past and STEPS ahead. Standard output gets, per series, the seconds of a fit
//! with forecast and 80 % interval, then those of all series fitted together.

use fleetcast_core::{Calendar, Fitted, Future, History, Metric, Model, Panel, SeriesId, Step, Timeline};
use fleetcast_models::{Prophet, Settings};
use jiff::civil::DateTime;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Repetitions of which the fastest is told.
const REPETITIONS: usize = 5;

fn read(file: &str, step: Step) -> Result<Panel, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    let mut series: BTreeMap<&str, (DateTime, Vec<f64>)> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (Some(id), Some(ds), Some(y)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let first: DateTime = ds.replace(' ', "T").parse()?;
        series.entry(id).or_insert((first, Vec::new())).1.push(y.parse()?);
    }
    let metric = Arc::new(Metric::named(""));
    let histories = series.into_iter().map(|(id, (first, values))| {
        History::new(SeriesId::new(id, ""), Arc::clone(&metric), Timeline::new(first, step), values)
    });
    Ok(Panel::new(Vec::new(), histories.collect::<Result<_, _>>()?)?)
}

/// Fastest of some repetitions, in seconds.
fn seconds(mut work: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..REPETITIONS).map(once).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, frequency, ahead, out] = arguments.as_slice() else {
        return Err("usage: prophet_parts SERIES.csv D|H STEPS OUT.csv".into());
    };
    let step = if frequency == "D" { Step::DAY } else { Step::HOUR };
    let future = Future { horizon: ahead.parse()? };
    let panel = read(file, step)?;
    // As `Prophet()` does: no holidays.
    let calendar = Arc::new(Calendar::new(1, &[], Vec::new())?);
    let model = Prophet::new(&Settings { season_lengths: Vec::new(), calendar });
    let mut table = String::from("unique_id,step,part,value\n");
    for history in panel.histories() {
        let fit = model.fit_one(history)?;
        let steps = 0..history.len() + future.horizon;
        for (step, value) in fit.expected(steps.clone())?.into_iter().enumerate() {
            writeln!(table, "{},{step},yhat,{value}", history.id())?;
        }
        for part in fit.parts(steps)? {
            for (step, value) in part.values.into_iter().enumerate() {
                writeln!(table, "{},{step},{},{value}", history.id(), part.name)?;
            }
        }
        let forecast = fit.predict(&future, &[0.1, 0.9])?;
        for i in 0..future.horizon {
            let (low, high) = (forecast.step(i)[0], forecast.step(i)[1]);
            let step = history.len() + i;
            writeln!(table, "{},{step},yhat_lower,{low}\n{0},{step},yhat_upper,{high}", history.id())?;
        }
        let alone = seconds(|| {
            black_box(model.fit_one(history).ok().and_then(|fit| fit.predict(&future, &[0.1, 0.9]).ok()));
        });
        println!("{},{alone}", history.id());
    }
    std::fs::write(out, table)?;
    let together = seconds(|| {
        for fit in model.fit_panel(&panel) {
            black_box(fit.ok().and_then(|fit| fit.predict(&future, &[0.1, 0.9]).ok()));
        }
    });
    println!("all together,{together}");
    Ok(())
}
