//! Real telemetry, irregular as it is, and files that are not what they should be.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the failure of the test")]

use fleetcast_core::{Metric, Unit};
use fleetcast_lake::{Error, IngestReport, IngestRequest, Lake, PanelQuery, Table};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

struct Bench {
    folder: tempfile::TempDir,
    lake: Lake,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(folder.path().join("lake")).unwrap();
        Self { folder, lake }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn request(&self, text: &str, map: &str) -> IngestRequest {
        let map = (!map.is_empty()).then(|| self.file("map.toml", map));
        IngestRequest { files: vec![self.file("data.csv", text)], map, ..IngestRequest::default() }
    }

    fn ingest(&self, text: &str, map: &str) -> fleetcast_lake::Result<IngestReport> {
        self.lake.ingest(&self.request(text, map))
    }

    fn error(&self, text: &str, map: &str) -> String {
        let before = self.versions();
        let error = self.ingest(text, map).unwrap_err().to_string();
        assert_eq!(self.versions(), before, "a failed ingest leaves the lake as it was");
        error.replace(&self.folder.path().display().to_string(), "F")
    }

    /// Versions of the tables that an ingest writes.
    fn versions(&self) -> Vec<u64> {
        let tables = [Table::Servers, Table::Metrics, Table::Samples, Table::Daily];
        tables.iter().map(|table| self.lake.history(*table).unwrap()[0].version).collect()
    }

    fn csv(&self, query: &str) -> String {
        self.lake.sql(query).unwrap().to_csv().unwrap()
    }
}

#[test]
fn a_long_file_with_everything_wrong_with_it() {
    let bench = Bench::new();
    let text = "\
server_id,timestamp,metric,value,unit
a,2024-01-01T00:10:00Z,cpu_utilization,30,percent
a,2024-01-01T00:00:00Z,cpu_utilization,10,percent
a,2024-01-01T00:00:00Z,cpu_utilization,12,percent
a,2024-01-01T02:05:00+02:00,cpu_utilization,0.5,fraction
a,2024-01-01T00:15:00Z,cpu_utilization,,percent
a,2024-01-01T00:20:00Z,cpu_utilization,inf,percent
a,2024-01-01T00:25:00Z,cpu_utilization,120,percent
a,1704067200,net,2,MB/s
a,1704067500,net,500,kB/s
b,2024-01-02 00:00:00,cpu_utilization,7,%
";
    let report = bench.ingest(text, "").unwrap();
    let file = &report.files[0];
    assert_eq!((file.n_rows, file.layout), (10, "long"));
    assert_eq!((file.n_empty, file.n_infinite, file.n_beyond_percent), (1, 1, 1));
    assert_eq!((file.n_duplicates, file.n_conflicting, file.n_out_of_order), (1, 1, 1));
    assert!(file.is_naive && file.timezone == "UTC");
    assert_eq!((report.n_inserted, report.new_servers.len()), (5, 2));
    assert_eq!(
        bench.csv("select server_id, cast(ts as bigint) / 1000000 as t, cpu, net from samples order by 1, 2"),
        "server_id,t,cpu,net\na,1704067200,12.0,2.0\na,1704067500,50.0,0.5\na,1704067800,30.0,\na,1704068700,120.0,\nb,1704153600,7.0,\n"
    );
    assert_eq!(
        bench.csv("select server_id, date, n_samples, cpu_max, net_mean from daily order by 1, 2"),
        "server_id,date,n_samples,cpu_max,net_mean\na,2024-01-01,4,120.0,1.25\nb,2024-01-02,1,7.0,\n"
    );
    let units: Vec<Unit> = bench.lake.metrics().unwrap().iter().map(|m| m.unit().clone()).collect();
    assert_eq!(units, [Unit::Percent, Unit::Other("MB/s".to_owned())]);
    let shown = report.to_string();
    assert!(shown.contains("timestamp -> time") && shown.contains("infinite values left out"), "{shown}");
}

#[test]
fn the_same_file_twice_changes_nothing_and_a_corrected_one_replaces() {
    let bench = Bench::new();
    let text = "host,time,cpu,memory\nweb,2024-01-01 00:00,1,5\nweb,2024-01-01 01:00,2,\nweb,2024-01-03 00:00,3,6\n";
    let first = bench.ingest(text, "").unwrap();
    assert_eq!((first.files[0].layout, first.n_inserted, first.n_days_inserted), ("wide", 3, 3));
    let before = bench.versions();
    let again = bench.ingest(text, "").unwrap();
    assert_eq!((again.n_inserted, again.n_replaced, again.n_unchanged), (0, 0, 3));
    assert_eq!(bench.versions(), before, "nothing new is no new version");
    let late = bench.ingest("host,time,cpu\nweb,2024-01-01 01:00,9\nweb,2024-01-02 00:00,4\n", "").unwrap();
    assert_eq!((late.n_inserted, late.n_replaced, late.n_days_replaced), (1, 1, 2));
    assert_eq!(
        bench.csv("select date, n_samples, cpu_max, memory_max from daily order by date"),
        "date,n_samples,cpu_max,memory_max\n2024-01-01,2,9.0,5.0\n2024-01-02,1,4.0,\n2024-01-03,1,3.0,6.0\n"
    );
}

#[test]
fn the_map_renames_scales_ignores_and_makes_rates() {
    let bench = Bench::new();
    let map = r#"
timezone = "Europe/London"
time_format = "%d/%m/%Y %H:%M"
[columns]
server = "box"
time = "when"
[metrics.load]
name = "cpu"
unit = "fraction"
[metrics.bytes_total]
name = "traffic"
unit = "B"
counter = true
capacity = 100.0
[metrics.secret]
ignore = true
"#;
    let text = "box;when;load;bytes_total;secret\nx;01/07/2024 00:00;0.25;1000;1\nx;01/07/2024 00:10;0.5;7000;1\nx;01/07/2024 00:20;0.75;600;1\n";
    let report = bench.ingest(text, map).unwrap();
    assert_eq!(report.files[0].n_resets, 1);
    // Half past eleven at night in UTC is midnight in British summer: the day is the local one.
    assert_eq!(
        bench.csv("select date, n_samples, cpu_max, traffic_max from daily"),
        "date,n_samples,cpu_max,traffic_max\n2024-07-01,3,75.0,10.0\n"
    );
    let expected = Metric::named("traffic").with_unit(Unit::Other("B/s".to_owned())).with_capacity(Some(100.0));
    assert_eq!(bench.lake.metrics().unwrap()[1], expected);
    assert_eq!(bench.lake.servers().unwrap()[0].zone.name(), "Europe/London");
    assert!(!bench.lake.read(Table::Samples).unwrap().names().contains(&"secret".to_owned()));
}

#[test]
fn suspicions_are_reported_and_not_acted_upon() {
    let bench = Bench::new();
    let mut text = "server,ts,cpu,requests_total\n".to_owned();
    for minute in 0..200 {
        text.push_str(&format!(
            "s,{},{},{}\n",
            1_704_067_200 + minute * 60,
            f64::from(minute as u8) / 250.0,
            minute * 7
        ));
    }
    let report = bench.ingest(&text, "").unwrap();
    let suspicions = report.files[0].suspicions.join("\n");
    assert!(suspicions.contains("no value of `cpu` is above 0.796"), "{suspicions}");
    assert!(suspicions.contains("`requests_total` only ever grows"), "{suspicions}");
    assert_eq!(bench.csv("select max(cpu) as c, max(requests_total) as r from samples"), "c,r\n0.796,1393.0\n");
}

#[test]
fn days_that_come_as_days_go_to_daily() {
    let bench = Bench::new();
    let text = "series_id,date,p95,mean,max,n,unit\nlink,2024-01-01,8,5,9,288,bit/s\nlink,2024-01-02,,5,,1,bit/s\nlink,2024-01-04,6,4,7,280,bit/s\n";
    let report = bench.ingest(text, "metric = 'traffic'").unwrap();
    assert_eq!((report.files[0].layout, report.n_days_inserted), ("daily", 4));
    assert_eq!(
        bench.csv("select date, n_samples, traffic_p95, traffic_mean from daily order by date"),
        "date,n_samples,traffic_p95,traffic_mean\n2024-01-01,288,8.0,5.0\n2024-01-02,1,,5.0\n2024-01-03,0,,\n2024-01-04,280,6.0,4.0\n"
    );
    assert_eq!(bench.lake.rebuild_daily().unwrap().n_servers, 0);
    assert_eq!(bench.ingest(text, "metric = 'traffic'").unwrap().n_days_inserted, 0);
    let panel = bench.lake.panel(&PanelQuery::default()).unwrap();
    assert_eq!(panel.histories()[0].metric().capacity(), None);
}

#[test]
fn gzip_byte_order_marks_and_files_without_a_server_are_read() {
    let bench = Bench::new();
    let path = bench.folder.path().join("web-7.csv.gz");
    let mut writer = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    writer.write_all("\u{feff}timestamp,value\n2024-01-01T00:00:00Z,4\n".as_bytes()).unwrap();
    writer.finish().unwrap();
    let capacities = BTreeMap::from([("value".to_owned(), 8.0)]);
    let request = IngestRequest { files: vec![path], capacities, ..IngestRequest::default() };
    let report = bench.lake.ingest(&request).unwrap();
    assert_eq!(report.new_servers, ["web-7"]);
    assert_eq!(report.files[0].suspicions.len(), 2);
    assert_eq!(bench.csv("select metric, capacity from metrics"), "metric,capacity\nvalue,8.0\n");
}

#[test]
fn facts_of_servers_come_from_a_file_of_their_own() {
    let bench = Bench::new();
    let mut request = bench.request("server,ts,cpu\nvm_1,0,5\n", "[servers]\nprefix = 'vm_'");
    request.servers = Some(bench.file("servers.csv", "vm_id,cpu_count,Time Zone,colour\n1,4,Asia/Tokyo,red\n2,,,\n"));
    let report = bench.lake.ingest(&request).unwrap();
    assert_eq!(report.new_servers, ["vm_1", "vm_2"]);
    assert_eq!(report.files[1].ignored, ["colour"]);
    let servers = bench.lake.servers().unwrap();
    assert_eq!((servers[0].shape.vcpu, servers[0].zone.name()), (Some(4.0), "Asia/Tokyo"));
    assert_eq!(servers[1].shape.vcpu, None);
    request.servers = Some(bench.file("servers.csv", "vm_id,cpu_count\n1,four\n"));
    let error = bench.lake.ingest(&request).unwrap_err().to_string();
    assert!(error.ends_with("servers.csv`, row 2, column `cpu_count`: `four` is not a number above 0"), "{error}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let bench = Bench::new();
    let cases = [
        ("", "", "`F/data.csv` is empty: it needs a header line and at least one row"),
        ("server,ts,cpu\n", "", "`F/data.csv` is empty: it needs a header line and at least one row"),
        (
            "server,ts,cpu\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-03,3\na,2024-01-04,4\na,2024-01-05,5\na,2024-01-06,6\na,2024-01-07,7\na,2024-01-08,8\na,2024-01-09,9\na,2024-01-10,10\na,2024-01-11,many\n",
            "",
            "`F/data.csv`, row 12, column `cpu`: `many` is not a number; leave the cell empty where nothing was observed",
        ),
        (
            "server,ts,value\na,yesterday,1\n",
            "",
            "`F/data.csv`, row 2, column `ts`: `yesterday` is not a time such as 2024-05-31T23:55:00Z or seconds since 1970; say how it is written with `time_format` in `--map`",
        ),
        ("server,ts,value\n,0,1\n", "", "`F/data.csv`, row 2, column `server`: `` is not a name"),
        (
            "server,cpu\na,1\n",
            "",
            "`F/data.csv`: no column for the time (looked for timestamp, ts, time, datetime, ...); its columns are: server, cpu; say which is which with `--map`",
        ),
        (
            "server,ts,note\na,0,hello\n",
            "",
            "`F/data.csv`: no column holds numbers of a metric; its columns are: server, ts, note; say which is which with `--map`",
        ),
        (
            "server,ts,metric,value,unit\na,0,net,1,MB/s\na,60,net,1,percent\n",
            "",
            "`F/data.csv`: metric `net` comes in `%`, and elsewhere in the same files in `MB/s`; give it another name or a `scale` with `--map`",
        ),
        (
            "server,ts,value\na,0,1\n",
            "timezone = 'Europe/Lundon'",
            "unknown time zone `Europe/Lundon`, did you mean `Europe/London`? known: the names of the IANA database, such as UTC or America/New_York",
        ),
        (
            "server,ts,value\na,0,1,9\n",
            "",
            "cannot read `F/data.csv` as CSV: CSV error: record 1 (line: 2, byte: 16): found record with 4 fields, but the previous record has 3 fields",
        ),
    ];
    for (text, map, expected) in cases {
        assert_eq!(bench.error(text, map), expected);
    }
    assert!(bench.error("server,ts,value\na,0,1\n", "colums = 1").contains("unknown field `colums`"));
    assert!(
        bench
            .error("server,ts,value\na,0,1\n", "[metrics.value]\nscale = 0.0")
            .contains("must be a number other than 0")
    );
}

#[test]
fn files_of_the_wrong_kind_and_closed_doors_are_named() {
    let bench = Bench::new();
    let ingest = |file: PathBuf| {
        bench.lake.ingest(&IngestRequest { files: vec![file], ..IngestRequest::default() }).unwrap_err()
    };
    assert!(matches!(ingest(bench.folder.path().join("none.csv")), Error::Io { action: "read", .. }));
    assert!(matches!(ingest(bench.file("x.parquet", "not parquet at all")), Error::Unreadable { kind: "Parquet", .. }));
    assert!(matches!(ingest(bench.file("e.parquet", "")), Error::EmptyFile { .. }));
    let binary = bench.folder.path().join("b.csv");
    std::fs::write(&binary, [0xff, 0xfe, b',', b'a', b'\n', 0xff, b',', b'1']).unwrap();
    assert!(matches!(ingest(binary), Error::Unreadable { kind: "CSV", .. }));
    assert!(matches!(ingest(bench.folder.path().to_owned()), Error::Io { .. }));
    let unknown = IngestRequest {
        capacities: BTreeMap::from([("cpus".to_owned(), 1.0)]),
        ..bench.request("server,ts,cpu\na,0,1\n", "")
    };
    let error = bench.lake.ingest(&unknown).unwrap_err().to_string();
    assert_eq!(error, "unknown metric `cpus` in `--capacity`, did you mean `cpu`? known: cpu");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_lake_as_it_was() {
    // A device that is always full stands for the disk.
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let bench = Bench::new();
    bench.ingest("server,ts,cpu\na,0,1\n", "").unwrap();
    let digest = bench.lake.digest(Table::Samples).unwrap();
    let version = bench.lake.summary().unwrap()[2].version;
    let name = format!("part-00000-000-v{:08}.parquet", version + 1);
    std::os::unix::fs::symlink("/dev/full", bench.lake.path().join("samples").join(name)).unwrap();
    let error = bench.ingest("server,ts,cpu\na,60,2\n", "").unwrap_err().to_string();
    assert!(error.starts_with("cannot write `") && error.contains("No space left"), "{error}");
    assert_eq!(bench.lake.digest(Table::Samples).unwrap(), digest);
    assert!(bench.lake.begin().is_ok(), "the lock went with the failed ingest");
}

/// Every set of real telemetry that is there is read, twice, and the second time changes nothing.
#[test]
fn real_telemetry_is_read() {
    let Some(root) = std::env::var_os("FLEETCAST_EVAL_DATA").map(PathBuf::from) else {
        println!("skipped: FLEETCAST_EVAL_DATA is not set");
        return;
    };
    let sets = [
        "azure_vm_v1/cpu_5min.parquet",
        "azure_vm_160/cpu_avg_5min.parquet",
        "bitbrains_small/cpu_5min.parquet",
        "nab/nab_real.parquet",
        "linx_ixp/linx_5min.parquet",
        "linx_ixp/linx_daily.csv.gz",
        "google_vms_2011/cpu_mem_5min.parquet",
        "planetlab_2011/cpu_5min.parquet",
        "isp_traffic/isp_5min.parquet",
        "azure_vm_v1/cpu_avg_daily_p95.csv.gz",
    ];
    for set in sets.iter().filter(|set| root.join(set).exists()) {
        let bench = Bench::new();
        let request = IngestRequest { files: vec![root.join(set)], ..IngestRequest::default() };
        let report = bench.lake.ingest(&request).unwrap_or_else(|error| panic!("{set}: {error}"));
        let days: usize =
            bench.lake.panel(&PanelQuery::default()).unwrap().histories().iter().map(|h| h.n_observed()).sum();
        println!("{set}: {} rows, {} days\n{report}", report.n_inserted, days);
        assert!(days > 0, "{set}");
        let again = bench.lake.ingest(&request).unwrap();
        assert_eq!(
            (again.n_inserted, again.n_replaced, again.n_days_inserted, again.n_days_replaced),
            (0, 0, 0, 0),
            "{set}"
        );
    }
    // The publisher's daily P95 of the same samples.
    let bench = Bench::new();
    let request = IngestRequest { files: vec![root.join("azure_vm_v1/cpu_5min.parquet")], ..IngestRequest::default() };
    bench.lake.ingest(&request).unwrap();
    let published = Bench::new();
    let request =
        IngestRequest { files: vec![root.join("azure_vm_v1/cpu_avg_daily_p95.csv.gz")], ..IngestRequest::default() };
    published.lake.ingest(&request).unwrap();
    let query = PanelQuery { metrics: Some(vec!["cpu".to_owned()]), ..PanelQuery::default() };
    let (ours, theirs) = (bench.lake.panel(&query).unwrap(), published.lake.panel(&query).unwrap());
    assert_eq!(ours.histories().len(), theirs.histories().len());
    for (our, their) in ours.histories().iter().zip(theirs.histories()) {
        assert_eq!((our.id(), our.len()), (their.id(), their.len()));
        let close = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-5 * b.abs().max(1.0);
        assert!(our.values().iter().zip(their.values()).all(|(a, b)| close(*a, *b)), "{}", our.id());
    }
}
