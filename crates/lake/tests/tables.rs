//! Tables go in and come out as they were, all together or not at all.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the failure of the test")]

use fleetcast_core::{Metric, Server, Shape, Unit, Zone};
use fleetcast_lake::{
    Column, Error, Frame, Kind, Lake, Mode, PanelQuery, Resolution, Table, daily_frame, is_lake, metrics_frame,
    servers_frame,
};
use jiff::civil::date;

fn lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let lake = Lake::create(folder.path().join("lake")).expect("an empty folder can become a lake");
    (folder, lake)
}

fn write(lake: &Lake, table: Table, frame: &Frame, mode: &Mode) {
    let change = lake.begin().unwrap();
    change.write(table, frame, mode).unwrap();
    change.commit().unwrap();
}

/// Two rows for any table, with every column filled, and a missing value where the table allows one.
fn two_rows(table: Table) -> Frame {
    let mut frame = Frame::new();
    for column in table.columns() {
        let is_key = table.key().contains(&column.name);
        let values: Column = match column.kind {
            Kind::Text if column.name == "timezone" => vec!["UTC", "Europe/London"].into(),
            Kind::Text if is_key => vec!["a", "b"].into(),
            Kind::Text => vec![Some("ä, \"quoted\""), None].into(),
            Kind::Float if is_key => vec![80.0, 90.0].into(),
            Kind::Float => vec![Some(0.1 + 0.2), None].into(),
            Kind::Int if is_key => vec![1i64, 3].into(),
            Kind::Int => vec![Some(-7i64), Some(i64::MAX)].into(),
            Kind::Bool => vec![Some(true), None].into(),
            Kind::Date if is_key => vec![date(2024, 2, 29), date(1969, 12, 31)].into(),
            Kind::Date => vec![Some(date(2024, 2, 29)), None].into(),
            Kind::Time if is_key => Column::times([1_709_164_800_123, -1]),
            Kind::Time => Column::Time(vec![Some(1_709_164_800_123), None]),
            Kind::Dates => vec![vec![date(2024, 3, 31), date(2024, 6, 30)], vec![]].into(),
            Kind::Floats => vec![vec![0.05, 0.5], vec![]].into(),
        };
        frame = frame.with(column.name, values).unwrap();
    }
    if table == Table::Daily {
        frame = frame.with("cpu_p95", vec![Some(1.5), None]).unwrap();
    }
    frame
}

#[test]
fn every_table_comes_back_as_it_went_in() {
    let (_folder, lake) = lake();
    let change = lake.begin().unwrap();
    for table in Table::ALL {
        change.write(table, &two_rows(table), &Mode::Replace).unwrap();
    }
    change.commit().unwrap();
    let lake = Lake::open(lake.path()).unwrap();
    for table in Table::ALL {
        let back = lake.read(table).unwrap();
        let expected = two_rows(table);
        assert_eq!(back.names(), expected.names(), "{table}");
        // NaN is not itself, so frames are compared as they are shown.
        assert_eq!(format!("{back:?}"), format!("{expected:?}"), "{table}");
    }
    assert!(lake.summary().unwrap().iter().all(|summary| summary.n_rows == 2));
}

#[test]
fn a_table_of_an_earlier_version_gets_the_columns_it_lacks() {
    let (folder, lake) = lake();
    let log = folder.path().join("lake/forecasts/_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&log).unwrap();
    let from = text.find(r#",{\"name\":\"q99\""#).expect("the schema names every column");
    let to = from + text[from..].find("]}").expect("the list of columns ends");
    std::fs::write(&log, format!("{}{}", &text[..from], &text[to..])).unwrap();
    let lake = Lake::open(lake.path()).unwrap();
    write(&lake, Table::Forecasts, &two_rows(Table::Forecasts), &Mode::Replace);
    let read = lake.read(Table::Forecasts).unwrap();
    assert_eq!((read.floats("q95").unwrap()[0], read.floats("q995").unwrap()[0]), (0.1 + 0.2, 0.1 + 0.2));
}

#[test]
fn a_lake_of_an_earlier_version_gets_the_tables_it_lacks() {
    let (_folder, lake) = lake();
    let path = lake.path().to_owned();
    drop(lake);
    std::fs::remove_dir_all(path.join("pool_risks")).unwrap();
    let lake = Lake::open(&path).unwrap();
    assert_eq!(lake.read(Table::PoolRisks).unwrap().rows(), 0);
    write(&lake, Table::PoolRisks, &two_rows(Table::PoolRisks), &Mode::Replace);
    assert_eq!(Lake::open(&path).unwrap().read(Table::PoolRisks).unwrap().rows(), 2);
}

#[test]
fn a_change_that_is_dropped_never_happened() {
    let (_folder, lake) = lake();
    write(&lake, Table::Metrics, &metrics_frame(&[Metric::named("cpu")]).unwrap(), &Mode::Replace);
    let digest = lake.digest(Table::Metrics).unwrap();
    let change = lake.begin().unwrap();
    change.write(Table::Metrics, &metrics_frame(&[Metric::named("memory")]).unwrap(), &Mode::Append).unwrap();
    assert!(lake.begin().unwrap_err().to_string().contains("is being changed by another command"));
    drop(change);
    assert_eq!(lake.digest(Table::Metrics).unwrap(), digest);
    let n_files = std::fs::read_dir(lake.path().join("metrics")).unwrap().count();
    assert_eq!(n_files, 2, "the log and one file; what was dropped is gone");
    write(&lake, Table::Metrics, &metrics_frame(&[Metric::named("memory")]).unwrap(), &Mode::Append);
    assert_eq!(lake.metrics().unwrap().len(), 2);
}

#[test]
fn a_run_is_replaced_and_the_others_stay() {
    let (_folder, lake) = lake();
    let weights = |weight: f64| {
        Frame::new()
            .with("unique_id", vec!["web-1/cpu"])
            .unwrap()
            .with("model", vec!["theta"])
            .unwrap()
            .with("weight", vec![weight])
            .unwrap()
    };
    for (run, weight) in [("run 1", 0.25), ("run/2", 0.5), ("run 1", 0.75)] {
        write(&lake, Table::Weights, &weights(weight), &Mode::ReplaceRun(run.to_owned()));
    }
    let frame = lake.read(Table::Weights).unwrap();
    assert_eq!(frame.floats("weight").unwrap(), [0.75, 0.5]);
    assert_eq!(frame.text("run_id").unwrap()[0].as_deref(), Some("run 1"));
    let answer = lake.sql("select run_id, weight from weights order by run_id").unwrap().to_csv().unwrap();
    assert_eq!(answer, "run_id,weight\nrun 1,0.75\nrun/2,0.5\n");
    let change = lake.begin().unwrap();
    let error = change.write(Table::Daily, &Frame::new(), &Mode::ReplaceRun("x".to_owned())).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn parts_may_come_in_any_order_from_any_thread() {
    let digest = |order: &[usize]| {
        let (_folder, lake) = lake();
        let change = lake.begin().unwrap();
        std::thread::scope(|scope| {
            for &part in order {
                let change = &change;
                scope.spawn(move || {
                    let frame = Frame::new()
                        .with("server_id", vec![format!("s{part}"); 3])
                        .unwrap()
                        .with("date", vec![date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)])
                        .unwrap()
                        .with("n_samples", vec![1i64; 3])
                        .unwrap()
                        .with(&format!("m{}_p95", part % 2), vec![part as f64, f64::NAN, 2.0])
                        .unwrap();
                    change.write_part(Table::Daily, &frame, &Mode::Replace, part).unwrap();
                });
            }
        });
        change.commit().unwrap();
        let names = lake.read(Table::Daily).unwrap().names().to_vec();
        assert_eq!(names[3..], ["m0_p95", "m1_p95"]);
        lake.digest(Table::Daily).unwrap()
    };
    assert_eq!(digest(&[0, 1, 2, 3]), digest(&[3, 1, 0, 2]));
}

#[test]
fn a_run_is_read_a_few_rows_at_a_time() {
    let (_folder, lake) = lake();
    // Long lists make many files of few rows.
    let rows = |first: usize| -> Frame {
        let ids: Vec<String> = (first..first + 300).map(|at| format!("s{at:04}")).collect();
        Table::PathModels.columns().iter().filter(|c| c.name != "run_id").fold(Frame::new(), |frame, column| {
            let values: Column = match (column.name, column.kind) {
                ("server_id", _) => ids.clone().into(),
                ("grid_values", _) => (0..300).map(|at| vec![(first + at) as f64; 8000]).collect::<Vec<_>>().into(),
                (_, Kind::Text) => vec!["x"; 300].into(),
                (_, Kind::Float) => vec![0.5; 300].into(),
                (_, Kind::Int) => vec![1i64; 300].into(),
                (_, Kind::Date) => vec![date(2024, 2, 29); 300].into(),
                _ => vec![vec![0.5]; 300].into(),
            };
            frame.with(column.name, values).unwrap()
        })
    };
    let change = lake.begin().unwrap();
    for part in 0..2 {
        change.write_part(Table::PathModels, &rows(300 * part), &Mode::ReplaceRun("a".to_owned()), part).unwrap();
    }
    change.write(Table::PathModels, &rows(0), &Mode::ReplaceRun("b".to_owned())).unwrap();
    change.commit().unwrap();
    assert!(lake.summary().unwrap().iter().find(|s| s.table == "path_models").unwrap().n_files == 3);
    let (mut seen, mut frames) = (Vec::new(), 0);
    lake.read_run(Table::PathModels, "a", &["grid_values", "server_id"], |frame| {
        assert_eq!(frame.names(), ["server_id", "grid_values"]);
        frames += 1;
        let values = frame.float_lists("grid_values")?;
        seen.extend(frame.text("server_id")?.iter().zip(values).map(|(id, v)| (id.clone().unwrap(), v[7999])));
        Ok::<_, Error>(())
    })
    .unwrap();
    let expected: Vec<_> = (0..600).map(|at| (format!("s{at:04}").into(), f64::from(at))).collect();
    assert!(seen == expected && frames == 4, "{} rows in {frames} frames", seen.len());
    let stopped = lake.read_run(Table::PathModels, "a", &["server_id"], |_| Err(Error::Busy { path: "x".into() }));
    assert!(matches!(stopped, Err(Error::Busy { .. })));
}

#[test]
fn servers_and_metrics_keep_all_that_is_known_of_them() {
    let (_folder, lake) = lake();
    let mut server = Server::new("db-1").unwrap();
    server.name = "Orders".to_owned();
    server.pool = Some("orders".to_owned());
    server.shape = Shape { vcpu: Some(8.0), instance_type: Some("m6i.2xlarge".to_owned()), ..Shape::default() };
    server.zone = Zone::named("America/New_York").unwrap();
    server.valid_from = Some(date(2022, 1, 1));
    let servers = vec![server, Server::new("web-1").unwrap()];
    let metrics = vec![
        Metric::named("cpu"),
        Metric::named("traffic").with_unit(Unit::Other("bit/s".to_owned())).with_capacity(Some(1e9)),
    ];
    let change = lake.begin().unwrap();
    change.write(Table::Servers, &servers_frame(&servers).unwrap(), &Mode::Replace).unwrap();
    change.write(Table::Metrics, &metrics_frame(&metrics).unwrap(), &Mode::Replace).unwrap();
    change.commit().unwrap();
    assert_eq!(lake.servers().unwrap(), servers);
    assert_eq!(lake.metrics().unwrap(), metrics);
}

#[test]
fn panels_are_regular_with_gaps_as_nan() {
    let (_folder, lake) = lake();
    let hour = 3_600_000;
    let start = 1_704_067_200_000; // 2024-01-01T00:00:00Z
    let times: Vec<i64> = (0..24).chain(48..72).map(|h| start + h * hour).collect();
    let cpu: Vec<f64> = (0..48).map(f64::from).collect();
    let samples = Frame::new()
        .with("server_id", vec!["web-1"; 48])
        .unwrap()
        .with("ts", Column::times(times))
        .unwrap()
        .with("cpu", cpu)
        .unwrap();
    let change = lake.begin().unwrap();
    change.write(Table::Samples, &samples, &Mode::Replace).unwrap();
    change.write(Table::Daily, &daily_frame(&samples, &[]).unwrap(), &Mode::Replace).unwrap();
    change
        .write(
            Table::Servers,
            &servers_frame(&[Server::new("web-1").unwrap(), Server::new("idle").unwrap()]).unwrap(),
            &Mode::Replace,
        )
        .unwrap();
    change.commit().unwrap();

    let daily = lake.panel(&PanelQuery::default()).unwrap();
    assert_eq!((daily.servers().len(), daily.histories().len()), (2, 1));
    let history = &daily.histories()[0];
    assert_eq!(history.id().to_string(), "web-1/cpu");
    assert_eq!((history.timeline().date(0), history.len()), (date(2024, 1, 1), 3));
    assert!((history.values()[0] - 21.85).abs() < 1e-12 && history.values()[1].is_nan());

    let until = PanelQuery { until: Some(date(2024, 1, 2)), ..PanelQuery::default() };
    assert_eq!(lake.panel(&until).unwrap().histories()[0].len(), 2);
    let hourly = PanelQuery { resolution: Resolution::Intraday { step_seconds: 7200 }, ..PanelQuery::default() };
    let history = &lake.panel(&hourly).unwrap().histories()[0].clone();
    assert_eq!((history.len(), history.values()[0], history.n_observed()), (36, 0.5, 24));
    let unknown = PanelQuery { metrics: Some(vec!["cpus".to_owned()]), ..PanelQuery::default() };
    let error = lake.panel(&unknown).unwrap_err().to_string();
    assert_eq!(error, "unknown metric `cpus` in table `daily`, did you mean `cpu`? known: cpu");

    let report = lake.rebuild_daily().unwrap();
    assert_eq!((report.n_unchanged, report.n_inserted, report.n_replaced), (3, 0, 0));
}

#[test]
fn folders_that_are_no_lakes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let said = |error: fleetcast_lake::Error| error.to_string().replace(&path.display().to_string(), "F");
    assert!(said(Lake::open(path).unwrap_err()).starts_with("`F` is not a lake: it is empty; "));
    assert!(said(Lake::open(path.join("x")).unwrap_err()).contains("it does not exist"));
    std::fs::write(path.join("letter.txt"), "Dear").unwrap();
    assert!(said(Lake::open(path).unwrap_err()).contains("it holds `letter.txt`"));
    assert!(said(Lake::open(path.join("letter.txt")).unwrap_err()).contains("it is a file"));
    assert_eq!(
        said(Lake::create(path).unwrap_err()),
        "`F` is not empty and is no lake (it holds `letter.txt`); name another folder, or empty this one"
    );
    assert!(!is_lake(path));
    assert!(Lake::create(path.join("letter.txt/lake")).is_err());
}

#[test]
fn queries_read_and_do_nothing_else() {
    let (_folder, lake) = lake();
    write(
        &lake,
        Table::Metrics,
        &metrics_frame(&[Metric::named("cpu"), Metric::named("disk_io")]).unwrap(),
        &Mode::Replace,
    );
    let answer = lake.sql("SELECT metric, unit, capacity FROM metrics ORDER BY metric").unwrap();
    assert_eq!(answer.to_csv().unwrap(), "metric,unit,capacity\ncpu,%,100.0\ndisk_io,MB/s,\n");
    assert_eq!(
        answer.to_table().unwrap(),
        " metric  | unit | capacity\n---------+------+----------\n cpu     | %    |    100.0\n disk_io | MB/s |\n(2 rows)\n"
    );
    assert_eq!(
        answer.to_json().unwrap(),
        r#"[{"metric":"cpu","unit":"%","capacity":100.0},{"metric":"disk_io","unit":"MB/s","capacity":null}]"#
    );
    let empty = lake.sql("select server_id, p_30 from risks").unwrap();
    assert_eq!((empty.to_csv().unwrap().as_str(), empty.to_json().unwrap().as_str()), ("server_id,p_30\n", "[]"));
    assert!(lake.sql("SHOW TABLES").unwrap().to_csv().unwrap().contains("daily"));
    assert!(lake.sql("describe daily").unwrap().to_csv().unwrap().contains("n_samples"));
    for query in [
        "drop table metrics",
        "insert into metrics values ('x', 'y', 1)",
        "copy metrics to 'x.csv'",
        "create table t as select 1",
        "set a = 1",
    ] {
        assert!(lake.sql(query).unwrap_err().to_string().contains("would change the lake"), "{query}");
    }
    for query in [
        "",
        "select",
        "select nothing from metrics",
        "select 1; select 2",
        "select * from nowhere",
        "explain insert into metrics values ('x','y',1)",
    ] {
        let error = lake.sql(query).unwrap_err().to_string();
        assert!(error.starts_with("cannot run the query: "), "{query}: {error}");
    }
    assert_eq!(lake.metrics().unwrap().len(), 2);
    let file = lake.path().join("answer.parquet");
    answer.write_parquet(&file).unwrap();
    assert!(std::fs::metadata(file).unwrap().len() > 100);
}

#[test]
fn history_restore_and_compaction() {
    let (_folder, lake) = lake();
    for name in ["a", "b", "c"] {
        write(&lake, Table::Metrics, &metrics_frame(&[Metric::named(name)]).unwrap(), &Mode::Append);
    }
    let before = lake.digest(Table::Metrics).unwrap();
    let done = lake.compact().unwrap();
    let metrics = done.iter().find(|c| c.table == "metrics").unwrap();
    assert_eq!((metrics.files_before, metrics.files_after), (3, 1));
    assert_eq!(lake.digest(Table::Metrics).unwrap(), before);
    let versions: Vec<u64> = lake.history(Table::Metrics).unwrap().iter().map(|entry| entry.version).collect();
    assert_eq!(versions[..4], [4, 3, 2, 1]);
    lake.restore(Table::Metrics, 1).unwrap();
    assert_eq!(lake.metrics().unwrap().len(), 1);
    let error = lake.restore(Table::Metrics, 99).unwrap_err().to_string();
    assert_eq!(error, "table `metrics` has no version 99, it has 0 to 5");
    let ddl = lake.ddl(fleetcast_lake::Dialect::Athena, Some("s3://bucket/lake")).unwrap();
    assert!(ddl.contains("LOCATION 's3://bucket/lake/daily/'"));
}

#[test]
fn a_part_that_comes_twice_breaks_the_change() {
    let (_folder, lake) = lake();
    let change = lake.begin().unwrap();
    let frame = metrics_frame(&[Metric::named("cpu")]).unwrap();
    change.write_part(Table::Metrics, &frame, &Mode::Replace, 0).unwrap();
    let error = change.write_part(Table::Metrics, &frame, &Mode::Replace, 0).unwrap_err().to_string();
    assert_eq!(error, "cannot write table `metrics`: part 0 was written before; each part has a number of its own");
    assert!(change.commit().unwrap_err().to_string().starts_with("cannot commit table `metrics`"));
    assert!(lake.metrics().unwrap().is_empty());
}
