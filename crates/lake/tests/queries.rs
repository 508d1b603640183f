//! Queries and their answers, from `tests/data/queries.slt`. With `FLEETCAST_BLESS=1` the answers of
//! that file are written anew.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the failure of the test")]

use fleetcast_core::{Metric, Server, Unit, Zone};
use fleetcast_lake::{Column, Frame, Lake, Mode, Table, daily_frame, metrics_frame, servers_frame};
use jiff::civil::date;
use std::path::Path;

/// Two servers in two zones with three days of hourly samples, and one risk.
fn lake(folder: &Path) -> Lake {
    let lake = Lake::create(folder).unwrap();
    let hours = 72;
    let start = 1_711_756_800_000; // 2024-03-30T00:00:00Z, two days before summer time in London
    let mut web = Server::new("web-1").unwrap();
    web.zone = Zone::named("Europe/London").unwrap();
    let mut db = Server::new("db-1").unwrap();
    db.zone = Zone::named("America/New_York").unwrap();
    let servers = [web, db];
    let ids: Vec<&str> = ["db-1", "web-1"].iter().flat_map(|id| std::iter::repeat_n(*id, hours)).collect();
    let times = (0..2 * hours as i64).map(|row| start + row % hours as i64 * 3_600_000);
    let samples = Frame::new()
        .with("server_id", ids)
        .and_then(|f| f.with("ts", Column::times(times)))
        .and_then(|f| f.with("cpu", (0..2 * hours).map(|row| (row % 24) as f64).collect::<Vec<_>>()))
        .and_then(|f| f.with("traffic", (0..2 * hours).map(|row| (row >= hours).then_some(1e6)).collect::<Vec<_>>()))
        .unwrap();
    let metrics = [Metric::named("cpu"), Metric::named("traffic").with_unit(Unit::Other("bit/s".to_owned()))];
    let risks = Frame::new()
        .with("server_id", vec!["web-1"])
        .and_then(|f| f.with("metric", vec!["cpu"]))
        .and_then(|f| f.with("threshold", vec![80.0]))
        .and_then(|f| f.with("min_days", vec![1i64]))
        .and_then(|f| f.with("evidence", vec![vec![date(2024, 3, 31), date(2024, 6, 30)]]))
        .unwrap();
    let change = lake.begin().unwrap();
    change.write(Table::Servers, &servers_frame(&servers).unwrap(), &Mode::Replace).unwrap();
    change.write(Table::Metrics, &metrics_frame(&metrics).unwrap(), &Mode::Replace).unwrap();
    change.write(Table::Samples, &samples, &Mode::Replace).unwrap();
    change.write(Table::Daily, &daily_frame(&samples, &servers).unwrap(), &Mode::Replace).unwrap();
    change.write(Table::Risks, &risks, &Mode::ReplaceRun("r1".to_owned())).unwrap();
    change.commit().unwrap();
    lake
}

#[test]
fn queries_are_answered_as_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/queries.slt");
    let written = std::fs::read_to_string(&file).unwrap();
    let mut answered = String::new();
    for block in written.trim_end().split("\n\n") {
        let (query, _) = block.split_once("\n----\n").unwrap_or((block, ""));
        let sql: String = query.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let answer =
            lake.sql(&sql).and_then(|answer| answer.to_csv()).unwrap_or_else(|error| format!("error: {error}\n"));
        answered.push_str(&format!("{query}\n----\n{answer}\n"));
    }
    let answered = answered.trim_end().to_owned() + "\n";
    if std::env::var_os("FLEETCAST_BLESS").is_some() {
        std::fs::write(&file, &answered).unwrap();
        return;
    }
    assert_eq!(answered, written, "run with FLEETCAST_BLESS=1 to write the answers anew");
}
