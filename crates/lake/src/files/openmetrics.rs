//! OpenMetrics text with times, as `promtool tsdb create-blocks-from openmetrics` takes it.
//!
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>: a metric family stands in one piece, in it
//! each series, and in each series time rises. Families are therefore sections of the file.

use super::labels::{Describe, Roles, instants, named, naming, roles, same_series, servers};
use super::place::Pieces;
use super::text::{push_float, push_int, push_seconds};
use crate::{Column, Frame, Result, Table};
use fleetcast_core::{Metric, Server, Unit};

/// What every file ends with.
pub(crate) const TRAILER: &[u8] = b"# EOF\n";

/// A metric family: what is known of it before its samples.
struct Family<'a> {
    /// Name of its samples, unit included.
    name: String,
    /// Its type: `gauge` or `info`.
    kind: &'static str,
    unit: Option<String>,
    help: String,
    values: Values<'a>,
}

/// Where the values of a family come from.
#[derive(Clone, Copy)]
enum Values<'a> {
    /// A column, at the row's time.
    Of(&'a Column),
    /// A column, at the times in another.
    At(&'a Column, &'a Column),
    /// 1 at the row's time.
    One,
    /// 1 from the row's time on, 0 from the time in a column on.
    Until(&'a Column),
}

/// The rows of a table as metric families.
pub(crate) fn encode(
    table: Table,
    frame: &Frame,
    metrics: &[Metric],
    describe: Describe,
    start: i64,
) -> Result<Pieces> {
    let roles = &roles(table);
    let families = families(table, frame, roles, metrics)?;
    let times = instants(frame, roles, start)?;
    let series = series(table, frame, roles, describe)?;
    let mut pieces = Pieces::new(families.iter().map(header).collect());
    for (section, family) in families.iter().enumerate() {
        let out = pieces.section(None, section);
        // Room for a float, a time and their spaces; a buffer that grows is twice as large as it need be.
        let room = family.name.len() + series.first().map_or(0, |series| series.labels.len()) + 36;
        out.reserve(frame.rows() * room);
        for Series { labels, rows } in &series {
            rows.iter().for_each(|&row| push_points(out, family, labels, row, &times));
        }
    }
    Ok(pieces)
}

/// One series per family: its labels as text, its rows by time.
struct Series {
    labels: Vec<u8>,
    rows: Vec<usize>,
}

/// The series of a frame, in the order in which each first comes. Rows of one server stand together in
/// every table that has many rows per server, so only those series are looked through for a row's own.
fn series(table: Table, frame: &Frame, roles: &Roles, describe: Describe) -> Result<Vec<Series>> {
    let columns = naming(frame, roles)?;
    let ids = servers(frame);
    // Truth has 36 values per sample: what a server is would double it, and joins on its id say the same.
    let with_server = matches!(table, Table::Samples | Table::Daily);
    let mut found: Vec<Series> = Vec::new();
    let mut of_server = 0;
    for row in 0..frame.rows() {
        let another = row > 0 && ids.is_none_or(|ids| ids[row] != ids[row - 1]);
        if another {
            of_server = found.len();
        }
        let same = |series: &Series| same_series(&columns, series.rows[0], row);
        match found[of_server..].iter().position(same) {
            Some(at) => found[of_server + at].rows.push(row),
            None => {
                let id = ids.filter(|_| with_server).and_then(|ids| ids[row].as_deref());
                let server = id.and_then(describe);
                let labels = labels(frame, roles, row, server.as_ref())?;
                found.push(Series { labels, rows: vec![row] });
            }
        }
    }
    Ok(found)
}

/// The labels of a row's series, in braces.
fn labels(frame: &Frame, roles: &Roles, row: usize, server: Option<&Server>) -> Result<Vec<u8>> {
    let mut out = vec![b'{'];
    for (at, (name, value)) in named(frame, roles, row, server)?.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        push_escaped(&mut out, value);
        out.push(b'"');
    }
    out.extend_from_slice(b"} ");
    Ok(out)
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            other => out.push(other),
        }
    }
}

fn header(family: &Family) -> Vec<u8> {
    let name = family.name.strip_suffix("_info").filter(|_| family.kind == "info").unwrap_or(&family.name);
    let mut text = format!("# TYPE {name} {}\n", family.kind);
    if let Some(unit) = &family.unit {
        text.push_str(&format!("# UNIT {name} {unit}\n"));
    }
    let mut out = format!("{text}# HELP {name} ").into_bytes();
    push_escaped(&mut out, &family.help);
    out.push(b'\n');
    out
}

/// Appends what a row says in a family: mostly one point.
fn push_points(out: &mut Vec<u8>, family: &Family, labels: &[u8], row: usize, times: &[i64]) {
    let begins = times[row];
    match family.values {
        Values::Of(column) => push_point(out, family, labels, value(column, row), begins),
        Values::At(column, at) => push_point(out, family, labels, value(column, row), time(at, row).unwrap_or(begins)),
        Values::One => push_point(out, family, labels, Some(Value::Int(1)), begins),
        Values::Until(end) => {
            push_point(out, family, labels, Some(Value::Int(1)), begins);
            // Times of a series rise: what ended as it began was never there.
            if let Some(end) = time(end, row).filter(|end| *end > begins) {
                push_point(out, family, labels, Some(Value::Int(0)), end);
            }
        }
    }
}

fn push_point(out: &mut Vec<u8>, family: &Family, labels: &[u8], value: Option<Value>, ms: i64) {
    let Some(value) = value else { return };
    out.extend_from_slice(family.name.as_bytes());
    out.extend_from_slice(labels);
    match value {
        Value::Float(value) => push_float(out, value),
        Value::Int(value) => push_int(out, value),
    }
    out.push(b' ');
    push_seconds(out, ms);
    out.push(b'\n');
}

enum Value {
    Float(f64),
    Int(i64),
}

fn value(column: &Column, row: usize) -> Option<Value> {
    match column {
        Column::Float(values) => Some(values[row]).filter(|value| value.is_finite()).map(Value::Float),
        Column::Int(values) => values[row].map(Value::Int),
        Column::Bool(values) => values[row].map(|value| Value::Int(i64::from(value))),
        _ => None,
    }
}

fn time(column: &Column, row: usize) -> Option<i64> {
    match column {
        Column::Time(values) => values[row],
        _ => None,
    }
}

/// The families of a table, in the order of its columns.
fn families<'a>(table: Table, frame: &'a Frame, roles: &Roles, metrics: &[Metric]) -> Result<Vec<Family<'a>>> {
    let gauge = |name: &str, help: &str, values| Family {
        name: format!("fleetcast_{name}"),
        kind: "gauge",
        unit: None,
        help: help.to_owned(),
        values,
    };
    let mut families = match table {
        Table::Servers => {
            vec![Family { kind: "info", ..gauge("server_info", "What is known of a server", Values::One) }]
        }
        Table::TruthCrossings => {
            let help = "1 on the first local day whose true P95 is at or over the threshold in % of the capacity";
            vec![gauge("truth_crossed", help, Values::One)]
        }
        Table::Events => {
            let help = "1 from the time an event begins, 0 from the time it ends; no end while it lasts";
            let size = "Factor on the demand, at the time the whole effect is reached";
            vec![
                gauge("event_active", help, Values::Until(frame.column("end")?)),
                gauge("event_size", size, Values::At(frame.column("size")?, frame.column("peak")?)),
            ]
        }
        _ => Vec::new(),
    };
    for (name, column) in frame.columns() {
        let said = roles.names.contains(&name) || (table == Table::Events && name == "size");
        if !said && matches!(column, Column::Float(_) | Column::Int(_) | Column::Bool(_)) {
            families.push(column_family(table, name, column, metrics));
        }
    }
    Ok(families)
}

/// The family of a column of values.
fn column_family<'a>(table: Table, column: &str, values: &'a Column, metrics: &[Metric]) -> Family<'a> {
    let metric = metrics.iter().find(|metric| {
        let rest = column.strip_prefix(metric.name());
        rest.is_some_and(|rest| ["", "_p95", "_mean", "_max"].contains(&rest))
    });
    let unit = metric.filter(|_| table.has_metrics()).and_then(|metric| unit_word(metric.unit()));
    let prefix = format!("{table}_");
    let (prefix, what) = match table {
        Table::Samples => ("", format!("{column} of a server, as a collector read it")),
        Table::Daily => ("daily_", format!("{column} of a server's local day, at 00:00 UTC of its date")),
        Table::Differences => ("difference_", format!("{column} of a generated value, see the table differences")),
        Table::Truth => ("truth_", format!("{column} of a generated value, see the table truth")),
        Table::Servers => ("server_", format!("{column} of a server")),
        Table::Metrics => ("metric_", format!("{column} of a metric, in its unit")),
        Table::Events => ("event_", format!("{column} of an event, at its start")),
        other => (prefix.as_str(), format!("{column} of table {other}")),
    };
    let column = if column == "n_samples" { "samples" } else { column };
    let base: String =
        format!("{prefix}{column}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let suffix = unit.as_ref().map(|unit| format!("_{unit}")).unwrap_or_default();
    let name = format!("fleetcast_{base}{suffix}");
    Family { name, kind: "gauge", unit, help: what, values: Values::Of(values) }
}

/// A unit as the last word of a name; `None` when there is none.
fn unit_word(unit: &Unit) -> Option<String> {
    match unit {
        Unit::Percent => Some("percent".to_owned()),
        Unit::Other(sign) => match sign.as_str() {
            "MB/s" => Some("megabytes_per_second".to_owned()),
            "Mbit/s" => Some("megabits_per_second".to_owned()),
            "bit/s" => Some("bits_per_second".to_owned()),
            "B/s" => Some("bytes_per_second".to_owned()),
            other => {
                let words = other.replace('/', "_per_").to_lowercase();
                let plain: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                Some(plain.trim_matches('_').to_owned()).filter(|word| !word.is_empty())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn text(table: Table, frame: &Frame) -> String {
        let metrics = [Metric::named("cpu"), Metric::named("disk_io")];
        let describe = |id: &str| {
            let mut server = Server::new(id).ok()?;
            server.region = Some("a \"b\" \\ c".to_owned());
            Some(server)
        };
        encode(table, frame, &metrics, &describe, 5).unwrap().text()
    }

    #[test]
    fn families_stand_in_one_piece_and_in_them_series() {
        let frame = Frame::new()
            .with("server_id", vec!["a", "a", "b", "b"])
            .unwrap()
            .with("ts", Column::times([0, 1500, 0, 1500]))
            .unwrap()
            .with("cpu", vec![1.0, 2.5, f64::NAN, 4.0])
            .unwrap()
            .with("disk_io", vec![5.0, 6.0, 7.0, 8.0])
            .unwrap();
        let region = "region=\"a \\\"b\\\" \\\\ c\",server_id";
        assert_eq!(
            text(Table::Samples, &frame),
            format!(
                "# TYPE fleetcast_cpu_percent gauge\n# UNIT fleetcast_cpu_percent percent\n\
                 # HELP fleetcast_cpu_percent cpu of a server, as a collector read it\n\
                 fleetcast_cpu_percent{{{region}=\"a\"}} 1.0 0\n\
                 fleetcast_cpu_percent{{{region}=\"a\"}} 2.5 1.5\n\
                 fleetcast_cpu_percent{{{region}=\"b\"}} 4.0 1.5\n\
                 # TYPE fleetcast_disk_io_megabytes_per_second gauge\n\
                 # UNIT fleetcast_disk_io_megabytes_per_second megabytes_per_second\n\
                 # HELP fleetcast_disk_io_megabytes_per_second disk_io of a server, as a collector read it\n\
                 fleetcast_disk_io_megabytes_per_second{{{region}=\"a\"}} 5.0 0\n\
                 fleetcast_disk_io_megabytes_per_second{{{region}=\"a\"}} 6.0 1.5\n\
                 fleetcast_disk_io_megabytes_per_second{{{region}=\"b\"}} 7.0 0\n\
                 fleetcast_disk_io_megabytes_per_second{{{region}=\"b\"}} 8.0 1.5\n"
            )
        );
    }

    #[test]
    fn series_whose_rows_alternate_are_sorted_out() {
        let frame = Frame::new()
            .with("server_id", vec!["a", "a", "a", "a"])
            .unwrap()
            .with("ts", Column::times([0, 0, 1000, 1000]))
            .unwrap()
            .with("metric", vec!["cpu", "memory", "cpu", "memory"])
            .unwrap()
            .with("saturated", vec![true, false, false, true])
            .unwrap();
        let text = text(Table::Truth, &frame);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "fleetcast_truth_saturated{metric=\"cpu\",server_id=\"a\"} 1 0",
                "fleetcast_truth_saturated{metric=\"cpu\",server_id=\"a\"} 0 1",
                "fleetcast_truth_saturated{metric=\"memory\",server_id=\"a\"} 0 0",
                "fleetcast_truth_saturated{metric=\"memory\",server_id=\"a\"} 1 1",
            ]
        );
    }

    #[test]
    fn an_event_is_there_from_its_start_to_its_end() {
        let frame = Frame::new()
            .with("event_id", vec!["e1", "e2"])
            .unwrap()
            .with("type", vec!["deploy", "incident"])
            .unwrap()
            .with("scope", vec!["server", "server"])
            .unwrap()
            .with("scope_id", vec!["a", "a"])
            .unwrap()
            .with("start", Column::times([1000, 2000]))
            .unwrap()
            .with("peak", Column::times([1000, 3000]))
            .unwrap()
            .with("end", Column::Time(vec![None, Some(4000)]))
            .unwrap()
            .with("metric", vec![None, Some("cpu")])
            .unwrap()
            .with("size", vec![1.5, 2.0])
            .unwrap();
        let text = text(Table::Events, &frame);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let [e1, e2] = [
            "{event_id=\"e1\",scope=\"server\",scope_id=\"a\",type=\"deploy\"}",
            "{event_id=\"e2\",metric=\"cpu\",scope=\"server\",scope_id=\"a\",type=\"incident\"}",
        ];
        assert_eq!(
            samples,
            [
                format!("fleetcast_event_active{e1} 1 1"),
                format!("fleetcast_event_active{e2} 1 2"),
                format!("fleetcast_event_active{e2} 0 4"),
                format!("fleetcast_event_size{e1} 1.5 1"),
                format!("fleetcast_event_size{e2} 2.0 3"),
            ]
        );
    }

    #[test]
    fn what_is_known_of_a_server_is_its_info() {
        let frame = Frame::new().with("server_id", vec!["a"]).unwrap();
        let frame = ["archetype", "business_unit", "criticality", "instance_type", "name", "pool", "region", "service"]
            .iter()
            .fold(frame, |frame, name| frame.with(name, vec![Some("x").filter(|_| *name != "pool")]).unwrap());
        let frame = frame
            .with("timezone", vec!["UTC"])
            .unwrap()
            .with("vcpu", vec![4.0])
            .unwrap()
            .with("valid_from", vec![date(1970, 1, 2)])
            .unwrap();
        let text = text(Table::Servers, &frame);
        assert!(text.starts_with("# TYPE fleetcast_server info\n# HELP fleetcast_server What"), "{text}");
        assert!(text.contains("\nfleetcast_server_info{archetype=\"x\",business_unit=\"x\",criticality"), "{text}");
        assert!(!text.contains("pool") && text.contains("} 1 86400\n"), "{text}");
        assert!(text.contains("\n# TYPE fleetcast_server_vcpu gauge\n"), "{text}");
    }

    #[test]
    fn units_become_words() {
        let word = |sign: &str| unit_word(&Unit::Other(sign.to_owned()));
        assert_eq!(word("requests/s").as_deref(), Some("requests_per_s"));
        assert_eq!(word("°C").as_deref(), Some("c"));
        assert_eq!(word(""), None);
    }
}
