//! Tables as files: the same bytes whatever the order of the parts, nobody else's file touched, and complete or not there.

use fleetcast_core::{Metric, Server};
use fleetcast_lake::{Column, FilesSpec, Frame, Partition, Table, TableFiles, TableFormat};
use jiff::civil::date;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const FORMATS: [TableFormat; 5] =
    [TableFormat::Csv, TableFormat::Parquet, TableFormat::Influx, TableFormat::OpenMetrics, TableFormat::Ipc];
const DAY_MS: i64 = 86_400_000;
const PARTS: usize = 7;
const DAYS: i64 = 70;

fn describe(id: &str) -> Option<Server> {
    let mut server = Server::new(id).ok()?;
    server.region = Some("north".to_owned());
    Some(server)
}

fn spec(format: TableFormat, partition: Partition) -> FilesSpec {
    let metrics = ["cpu", "disk_io"].map(Metric::named).to_vec();
    FilesSpec { format, partition, tables: vec![Table::Samples, Table::Events], metrics, start: date(2024, 1, 1) }
}

/// Two servers over 70 days from 2024-01-01 on.
fn samples(part: usize) -> Frame {
    let first = 19_723;
    let ids: Vec<String> = (0..2).map(|server| format!("web-{:04}", part * 2 + server)).collect();
    let rows: Vec<(String, i64)> = ids.iter().flat_map(|id| (0..DAYS).map(move |day| (id.clone(), day))).collect();
    let value = |day: i64| (part as f64 + 1.0) / (day as f64 + 3.0);
    Frame::new()
        .with("server_id", rows.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())
        .and_then(|f| f.with("ts", Column::times(rows.iter().map(|(_, day)| (first + day) * DAY_MS))))
        .and_then(|f| f.with("cpu", rows.iter().map(|(_, day)| value(*day)).collect::<Vec<_>>()))
        .and_then(|f| f.with("disk_io", rows.iter().map(|(_, day)| value(day * 7)).collect::<Vec<_>>()))
        .expect("the columns have one length")
}

fn events() -> Frame {
    let text = |value: &str| vec![value.to_owned()];
    Frame::new()
        .with("event_id", text("e1"))
        .and_then(|f| f.with("type", text("deploy")))
        .and_then(|f| f.with("scope", text("server")))
        .and_then(|f| f.with("scope_id", text("web-0001")))
        .and_then(|f| f.with("start", Column::times([19_730 * DAY_MS])))
        .and_then(|f| f.with("peak", Column::times([19_731 * DAY_MS])))
        .and_then(|f| f.with("end", Column::times([19_735 * DAY_MS])))
        .and_then(|f| f.with("metric", text("cpu")))
        .and_then(|f| f.with("size", vec![1.5]))
        .expect("the columns have one length")
}

fn write(folder: &Path, spec: FilesSpec, threads: usize) {
    let files = TableFiles::create(folder, spec, &describe).expect("the folder can be written to");
    let part = |part: usize| files.write_part(Table::Samples, &samples(part), part).expect("the part can be written");
    if threads == 1 {
        (0..PARTS).for_each(part);
    } else {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        pool.install(|| (0..PARTS).rev().collect::<Vec<_>>().into_par_iter().with_max_len(1).for_each(part));
    }
    files.write_part(Table::Events, &events(), 0).expect("the part can be written");
    files.finish().expect("the files can be finished");
}

/// Every file below a folder, by its path.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").display().to_string();
                found.insert(name, std::fs::read(&path).expect("the file can be read"));
            }
        }
    }
    found
}

#[test]
fn the_order_of_the_parts_and_the_threads_leave_no_trace() {
    for format in FORMATS {
        for partition in [Partition::None, Partition::Month] {
            if partition == Partition::Month && !format.can_be_spread() {
                continue;
            }
            let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            write(one.path(), spec(format, partition), 1);
            write(many.path(), spec(format, partition), 4);
            let (one, many) = (contents(one.path()), contents(many.path()));
            assert_eq!(one.keys().collect::<Vec<_>>(), many.keys().collect::<Vec<_>>(), "{format} {partition:?}");
            assert!(one == many, "{format} {partition:?}");
            let n_files = if partition == Partition::Month { 3 + 2 } else { 1 + 2 };
            assert_eq!(one.len(), n_files, "samples, events and what says whose they are: {:?}", one.keys());
        }
    }
}

#[test]
fn months_hold_their_rows_and_together_all_of_them() {
    let (flat, spread) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(flat.path(), spec(TableFormat::Csv, Partition::None), 1);
    write(spread.path(), spec(TableFormat::Csv, Partition::Month), 1);
    let spread = contents(spread.path());
    let months: Vec<&str> = spread.keys().filter_map(|name| name.strip_prefix("samples/")).collect();
    assert_eq!(
        months,
        ["year=2024/month=01/part-0.csv", "year=2024/month=02/part-0.csv", "year=2024/month=03/part-0.csv"]
    );
    let mut rows: Vec<String> = Vec::new();
    for (month, name) in months.iter().enumerate() {
        let text = String::from_utf8(spread[&format!("samples/{name}")].clone()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("server_id,ts,cpu,disk_io"));
        let of_month = format!(",2024-{:02}-", month + 1);
        let lines: Vec<&str> = lines.collect();
        assert!(lines.iter().all(|line| line.contains(&of_month)), "{name}");
        rows.extend(lines.into_iter().map(str::to_owned));
    }
    rows.sort();
    let whole = String::from_utf8(contents(flat.path())["samples.csv"].clone()).unwrap();
    let mut expected: Vec<&str> = whole.lines().skip(1).collect();
    expected.sort_unstable();
    assert_eq!(rows, expected);
    assert_eq!(rows.len(), PARTS * 2 * DAYS as usize);
    assert!(spread.contains_key("events.csv"), "other tables stay whole");
}

#[test]
fn openmetrics_families_stand_in_one_piece_though_parts_alternate() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), spec(TableFormat::OpenMetrics, Partition::None), 4);
    let text = String::from_utf8(contents(folder.path())["samples.om"].clone()).unwrap();
    let mut names: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('{').next()).collect();
    assert_eq!(names.len(), 2 * PARTS * 2 * DAYS as usize);
    names.dedup();
    assert_eq!(names, ["fleetcast_cpu_percent", "fleetcast_disk_io_megabytes_per_second"]);
    assert!(text.ends_with("\n# EOF\n") && text.matches("# TYPE").count() == 2);
}

#[test]
fn nobody_elses_file_is_replaced_and_our_own_are() {
    for (partition, name) in [(Partition::None, "samples.csv"), (Partition::Month, "samples")] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keep")).unwrap();
        std::fs::write(folder.path().join("keep/thesis.txt"), "years of work").unwrap();
        write(folder.path(), spec(TableFormat::Csv, partition), 1);
        let first = contents(folder.path());
        write(folder.path(), spec(TableFormat::Csv, partition), 1);
        assert!(contents(folder.path()) == first, "the same again, and nothing else");
        assert_eq!(first["keep/thesis.txt"], b"years of work");

        std::fs::remove_file(folder.path().join("_fleetcast.json")).unwrap();
        let before = contents(folder.path());
        let error = TableFiles::create(folder.path(), spec(TableFormat::Csv, partition), &describe).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(&format!("{name}` is in the way")), "{error}");
        assert!(contents(folder.path()) == before);
    }
}

#[test]
fn what_is_not_finished_is_not_there_and_what_a_killed_command_left_is_cleared() {
    for format in FORMATS {
        for partition in [Partition::None, Partition::Month] {
            if partition == Partition::Month && !format.can_be_spread() {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let files = TableFiles::create(folder.path(), spec(format, partition), &describe).unwrap();
            files.write_part(Table::Samples, &samples(0), 0).unwrap();
            drop(files);
            assert!(contents(folder.path()).is_empty(), "{format} {partition:?}: {:?}", contents(folder.path()).keys());

            let ending = format.ending();
            let left = if partition == Partition::Month { "samples.new/year=1999/month=01" } else { "" };
            std::fs::create_dir_all(folder.path().join(left)).unwrap();
            let left =
                if left.is_empty() { format!("samples.{ending}.new") } else { format!("{left}/part-0.{ending}") };
            std::fs::write(folder.path().join(left), "half a li").unwrap();
            write(folder.path(), spec(format, partition), 1);
            let clean = tempfile::tempdir().unwrap();
            write(clean.path(), spec(format, partition), 1);
            assert!(contents(folder.path()) == contents(clean.path()), "{format} {partition:?}");
        }
    }
}
