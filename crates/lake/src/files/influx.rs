//! InfluxDB line protocol: a measurement per table, with tags for what names a series.
//!
//! <https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/>

use super::labels::{Describe, Roles, instants, named, naming, roles, same_series, servers};
use super::place::Pieces;
use super::text::{push_float, push_int};
use crate::{Column, Error, Frame, Result, Table};
use fleetcast_core::Server;
use std::sync::Arc;

/// Series of one server that are remembered: a server has a few, one per metric.
const REMEMBERED: usize = 32;

/// The rows of a table as lines, times in nanoseconds.
pub(crate) fn encode(table: Table, frame: &Frame, describe: Describe, start: i64) -> Result<Pieces> {
    let roles = &roles(table);
    let times = instants(frame, roles, start)?;
    let fields = fields(table, frame, roles);
    let mut series = Series::new(table, frame, roles, describe)?;
    let mut pieces = Pieces::new(vec![Vec::new()]);
    let out = pieces.section(None, 0);
    for (row, ms) in times.iter().enumerate() {
        if row == 1 {
            // As much for each line as for the first: a buffer that grows is twice as large as it need be.
            out.reserve(frame.rows() * (out.len() + 16));
        }
        let begin = out.len();
        out.extend_from_slice(series.of(row)?);
        let bare = out.len();
        for (key, column) in &fields {
            push_field(out, key, column, row);
        }
        if table == Table::TruthCrossings {
            // All of a crossing is in its tags and its time; a point needs a value.
            out.extend_from_slice(b",crossed=true");
        }
        if out.len() == bare {
            // A point without values is none.
            out.truncate(begin);
            continue;
        }
        out[bare] = b' ';
        out.push(b' ');
        push_nanoseconds(out, *ms);
        out.push(b'\n');
    }
    Ok(pieces)
}

/// Columns that hold values, each with its key as `,key=`.
fn fields<'a>(table: Table, frame: &'a Frame, roles: &Roles) -> Vec<(Vec<u8>, &'a Column)> {
    let kept = |name: &str| {
        // A day's date says which day it is in the server's own zone, which the time in UTC does not.
        !roles.names.contains(&name) && (roles.time != Some(name) || table == Table::Daily)
    };
    frame
        .columns()
        .filter(|(name, _)| kept(name))
        .map(|(name, column)| {
            let mut key = vec![b','];
            push_escaped(&mut key, name, b",= ");
            key.push(b'=');
            (key, column)
        })
        .collect()
}

/// The beginnings of lines: measurement and tags.
struct Series<'a> {
    measurement: &'static str,
    frame: &'a Frame,
    roles: &'a Roles,
    naming: Vec<&'a Column>,
    servers: Option<&'a [Option<Arc<str>>]>,
    describe: Describe<'a>,
    /// Id of the server of the row before, and what is known of it.
    id: Option<&'a str>,
    server: Option<Server>,
    /// A row of each series seen of it, and its text.
    seen: Vec<(usize, Vec<u8>)>,
}

impl<'a> Series<'a> {
    fn new(table: Table, frame: &'a Frame, roles: &'a Roles, describe: Describe<'a>) -> Result<Self> {
        // A server's own row says all of it already.
        let servers = if table == Table::Servers { None } else { servers(frame) };
        let naming = naming(frame, roles)?;
        let measurement = table.name();
        Ok(Self { measurement, frame, roles, naming, servers, describe, id: None, server: None, seen: Vec::new() })
    }

    fn of(&mut self, row: usize) -> Result<&[u8]> {
        let id = self.servers.and_then(|ids| ids[row].as_deref());
        if id != self.id {
            self.id = id;
            self.server = id.and_then(self.describe);
            self.seen.clear();
        }
        let known = self.seen.iter().position(|(first, _)| same_series(&self.naming, *first, row));
        let at = match known {
            Some(at) => at,
            None => {
                if self.seen.len() == REMEMBERED {
                    self.seen.clear();
                }
                self.seen.push((row, self.text(row)?));
                self.seen.len() - 1
            }
        };
        Ok(&self.seen[at].1)
    }

    fn text(&self, row: usize) -> Result<Vec<u8>> {
        let mut out = self.measurement.as_bytes().to_vec();
        for (key, value) in named(self.frame, self.roles, row, self.server.as_ref())? {
            let control = |byte: u8| byte == b'\n' || byte == b'\r';
            if value.bytes().any(control) || value.ends_with('\\') {
                return Err(Error::Inexpressible {
                    format: "line protocol",
                    found: format!("{value:?}"),
                    place: format!("column `{key}` of table `{}`", self.measurement),
                    allowed: "tags have no line breaks and do not end in a backslash",
                });
            }
            out.push(b',');
            push_escaped(&mut out, &key, b",= ");
            out.push(b'=');
            push_escaped(&mut out, &value, b",= ");
        }
        Ok(out)
    }
}

/// Appends `,key=value`; nothing where there is no value. The first comma of a line becomes a space.
fn push_field(out: &mut Vec<u8>, key: &[u8], column: &Column, row: usize) {
    match column {
        Column::Float(values) if values[row].is_finite() => {
            out.extend_from_slice(key);
            push_float(out, values[row]);
        }
        Column::Int(values) => values[row].iter().for_each(|value| {
            out.extend_from_slice(key);
            push_int(out, *value);
            out.push(b'i');
        }),
        Column::Bool(values) => values[row].iter().for_each(|value| {
            out.extend_from_slice(key);
            out.extend_from_slice(if *value { b"true" } else { b"false" });
        }),
        Column::Time(values) => values[row].iter().for_each(|ms| {
            // There is no type for instants; they are counted as the line's own time is.
            out.extend_from_slice(key);
            push_nanoseconds(out, *ms);
            out.push(b'i');
        }),
        Column::Text(values) => values[row].iter().for_each(|text| push_quoted(out, key, text)),
        Column::Date(values) => values[row].iter().for_each(|date| {
            out.extend_from_slice(key);
            out.push(b'"');
            super::text::push_date(out, *date);
            out.push(b'"');
        }),
        Column::Float(_) | Column::Dates(_) | Column::Floats(_) => {}
    }
}

fn push_quoted(out: &mut Vec<u8>, key: &[u8], text: &str) {
    out.extend_from_slice(key);
    out.push(b'"');
    push_escaped(out, text, b"\"\\");
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    for byte in text.bytes() {
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

fn push_nanoseconds(out: &mut Vec<u8>, ms: i64) {
    push_int(out, ms.saturating_mul(1_000_000));
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn lines(table: Table, frame: &Frame) -> String {
        let describe = |id: &str| {
            let mut server = Server::new(id).ok()?;
            server.archetype = Some("web".to_owned());
            server.pool = Some("a pool, west".to_owned());
            Some(server)
        };
        encode(table, frame, &describe, 5).unwrap().text()
    }

    #[test]
    fn samples_have_the_tags_of_their_server_and_only_the_values_that_are_there() {
        let frame = Frame::new()
            .with("server_id", vec!["web 1", "web 1", "b=2", "b=2"])
            .unwrap()
            .with("ts", Column::times([0, 1, 0, 1]))
            .unwrap()
            .with("cpu", vec![12.5, f64::NAN, 3.0, f64::NAN])
            .unwrap()
            .with("memory", vec![50.0, 1e-7, 3.0, f64::NAN])
            .unwrap();
        assert_eq!(
            lines(Table::Samples, &frame),
            "samples,archetype=web,pool=a\\ pool\\,\\ west,server_id=web\\ 1 cpu=12.5,memory=50.0 0\n\
             samples,archetype=web,pool=a\\ pool\\,\\ west,server_id=web\\ 1 memory=1e-7 1000000\n\
             samples,archetype=web,pool=a\\ pool\\,\\ west,server_id=b\\=2 cpu=3.0,memory=3.0 0\n"
        );
    }

    #[test]
    fn every_type_has_its_form() {
        let frame = Frame::new()
            .with("server_id", vec!["a"])
            .unwrap()
            .with("date", vec![date(2024, 2, 29)])
            .unwrap()
            .with("n_samples", vec![288_i64])
            .unwrap()
            .with("cpu_p95", vec![-0.5])
            .unwrap();
        assert_eq!(
            lines(Table::Daily, &frame),
            "daily,archetype=web,pool=a\\ pool\\,\\ west,server_id=a date=\"2024-02-29\",n_samples=288i,cpu_p95=-0.5 1709164800000000000\n"
        );
        let frame = Frame::new()
            .with("event_id", vec!["e1", "e2"])
            .unwrap()
            .with("type", vec!["deploy", "deploy"])
            .unwrap()
            .with("scope", vec!["pool", "pool"])
            .unwrap()
            .with("scope_id", vec!["p", "p"])
            .unwrap()
            .with("start", Column::times([1000, 1000]))
            .unwrap()
            .with("end", Column::Time(vec![None, Some(2000)]))
            .unwrap()
            .with("metric", vec![Some("cpu"), None])
            .unwrap()
            .with("size", vec![1.5, 2.0])
            .unwrap();
        assert_eq!(
            lines(Table::Events, &frame),
            "events,event_id=e1,metric=cpu,scope=pool,scope_id=p,type=deploy size=1.5 1000000000\n\
             events,event_id=e2,scope=pool,scope_id=p,type=deploy end=2000000000i,size=2.0 1000000000\n"
        );
        let frame = Frame::new()
            .with("metric", vec!["cpu"])
            .unwrap()
            .with("unit", vec!["50% \"full\" \\"])
            .unwrap()
            .with("capacity", vec![100.0])
            .unwrap();
        let expected = "metrics,metric=cpu unit=\"50% \\\"full\\\" \\\\\",capacity=100.0 5000000\n";
        assert_eq!(lines(Table::Metrics, &frame), expected);
    }

    #[test]
    fn truth_goes_back_and_forth_between_its_series() {
        let frame = Frame::new()
            .with("server_id", vec!["a", "a", "a", "a"])
            .unwrap()
            .with("ts", Column::times([0, 0, 1, 1]))
            .unwrap()
            .with("metric", vec!["cpu", "memory", "cpu", "memory"])
            .unwrap()
            .with("saturated", vec![true, false, false, true])
            .unwrap();
        let text = lines(Table::Truth, &frame);
        let metrics: Vec<&str> = text.lines().map(|line| line.split(',').nth(2).unwrap_or_default()).collect();
        assert_eq!(metrics, ["metric=cpu", "metric=memory", "metric=cpu", "metric=memory"]);
        assert!(text.ends_with("saturated=true 1000000\n"), "{text}");
    }

    #[test]
    fn a_crossing_is_a_point_and_its_threshold_a_tag() {
        let frame = Frame::new()
            .with("server_id", vec!["a", "a"])
            .unwrap()
            .with("metric", vec!["cpu", "cpu"])
            .unwrap()
            .with("threshold", vec![80.0, 90.0])
            .unwrap()
            .with("date", vec![date(1970, 1, 2), date(1970, 1, 2)])
            .unwrap();
        let text = lines(Table::TruthCrossings, &frame);
        assert!(text.contains(",threshold=80 crossed=true 86400000000000\n"), "{text}");
        assert!(text.contains(",threshold=90 crossed=true 86400000000000\n"), "{text}");
    }

    #[test]
    fn a_name_that_no_tag_can_hold_is_refused() {
        let frame = Frame::new()
            .with("server_id", vec!["a\nb"])
            .unwrap()
            .with("ts", Column::times([0]))
            .unwrap()
            .with("cpu", vec![1.0])
            .unwrap();
        let error = encode(Table::Samples, &frame, &|_| None, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "line protocol cannot hold \"a\\nb\" in column `server_id` of table `samples`: tags have no line breaks and do not end in a backslash"
        );
    }
}
