//! The tables beside the samples of a generated fleet.

use fleetcast::generate::{FilesOptions, GenerateOptions, generate_files, generate_into};
use fleetcast::lake::{Lake, Partition, Table, TableFormat};
use fleetcast::{Context, Seconds, Silent};
use jiff::civil::date;

const CONTEXT: Context = Context { progress: &Silent, now: jiff::Timestamp::now, clock: Seconds::default };

fn options() -> GenerateOptions {
    GenerateOptions { n_servers: 6, days: 200, ..GenerateOptions::default() }
}

#[test]
fn an_oracle_speaks_of_each_server_metric_cutoff_and_day() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::create(folder.path().join("lake")).unwrap();
    let cutoffs = vec![date(2022, 5, 31), date(2022, 4, 30)];
    let asked = GenerateOptions { oracle_cutoffs: cutoffs, oracle_horizon_days: 20, ..options() };
    generate_into(&lake, &asked, &CONTEXT).unwrap();
    let frame = lake.read(Table::Oracle).unwrap();
    assert_eq!(frame.rows(), 6 * 4 * 2 * 20);
    let (low, high) = (frame.floats("q05").unwrap(), frame.floats("q95").unwrap());
    assert!(low.iter().zip(high).all(|(low, high)| 0.0 < *low && low < high));
    let (at_80, at_90) = (frame.floats("p_crossed_80").unwrap(), frame.floats("p_crossed_90").unwrap());
    assert!(at_80.iter().zip(at_90).all(|(p, q)| (0.0..=1.0).contains(p) && q <= p));
    let (cutoff, day) = (frame.dates("cutoff").unwrap(), frame.dates("date").unwrap());
    assert!(cutoff.iter().zip(day).all(|(cutoff, day)| cutoff < day));
    // Another fleet in the same lake: what was said of the first is gone.
    generate_into(&lake, &options(), &CONTEXT).unwrap();
    assert_eq!(lake.read(Table::Oracle).unwrap().rows(), 0);
    let outside = GenerateOptions { oracle_cutoffs: vec![date(2021, 5, 31)], ..options() };
    let error = generate_into(&lake, &outside, &CONTEXT).unwrap_err().to_string();
    assert!(error.contains("`cutoff` is 2021-05-31, it must be a day of the run, 2022-01-01 to 2022-07-19"), "{error}");
}

#[test]
fn an_oracle_is_a_file_beside_the_others_only_when_it_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let asked = GenerateOptions { oracle_cutoffs: vec![date(2022, 5, 31)], oracle_horizon_days: 3, ..options() };
    for (name, options, rows) in [("with", asked, 6 * 4 * 3), ("without", options(), 0)] {
        let folder = folder.path().join(name);
        let files = FilesOptions { folder: folder.clone(), format: TableFormat::Csv, partition: Partition::None };
        generate_files(&files, &options, &CONTEXT).unwrap();
        let file = folder.join("oracle.csv");
        assert_eq!(std::fs::read_to_string(file).map_or(0, |text| text.lines().count() - 1), rows);
    }
}

#[test]
fn a_change_is_told_time_by_time_and_a_senseless_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::create(folder.path().join("lake")).unwrap();
    let file = folder.path().join("calm.toml");
    std::fs::write(&file, "[profiles.web.growth_percent_per_year]\ncpu = 90.0\n").unwrap();
    let changes = vec!["effects.growth_std_factor=0".to_owned(), file.display().to_string()];
    generate_into(&lake, &GenerateOptions { changes, ..options() }, &CONTEXT).unwrap();
    let frame = lake.read(Table::Differences).unwrap();
    assert_eq!(frame.rows(), 6 * 200 * 4);
    let [before, after, difference] =
        ["demand", "demand_changed", "difference"].map(|name| frame.floats(name).unwrap().to_vec());
    let truth = lake.read(Table::Truth).unwrap();
    assert_eq!(truth.floats("demand").unwrap(), before);
    for ((before, after), difference) in before.iter().zip(&after).zip(&difference) {
        assert_eq!(*difference, after - before);
    }
    assert!(difference.iter().any(|difference| *difference != 0.0));
    let wrong = GenerateOptions { changes: vec!["effects.idle_share=many".to_owned()], ..options() };
    let error = generate_into(&lake, &wrong, &CONTEXT).unwrap_err().to_string();
    assert!(error.contains("--change, line 1: `effects.idle_share` is the text \"many\""), "{error}");
    generate_into(&lake, &options(), &CONTEXT).unwrap();
    assert_eq!(lake.read(Table::Differences).unwrap().rows(), 0);
}
