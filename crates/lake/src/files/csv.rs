//! Comma-separated values (RFC 4180), written by hand because generating is as fast as its writer.

use super::FileTimes;
use super::months::Stretch;
use super::place::Pieces;
use super::text::{push_date, push_float, push_instant, push_int};
use crate::{Column, Error, Frame, Result};
use std::ops::Range;

/// The stretches of a frame, each as the lines of one file, under a header line.
pub(crate) fn encode(frame: &Frame, stretches: &[Stretch], times: FileTimes) -> Result<Pieces> {
    let mut pieces = Pieces::new(vec![header(frame)]);
    for (month, rows) in stretches {
        write_rows(frame, rows.clone(), times, pieces.section(*month, 0))?;
    }
    Ok(pieces)
}

fn header(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, name) in frame.names().iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_text(&mut out, name);
    }
    out.push(b'\n');
    out
}

fn write_rows(frame: &Frame, rows: Range<usize>, times: FileTimes, out: &mut Vec<u8>) -> Result<()> {
    let columns: Vec<&Column> = frame.columns().map(|(_, column)| column).collect();
    for (name, column) in frame.columns() {
        if matches!(column, Column::Dates(_) | Column::Floats(_)) {
            return Err(Error::ColumnType {
                place: "what is written as CSV".to_owned(),
                column: name.to_owned(),
                found: column.kind().name(),
                needed: "single values",
            });
        }
    }
    out.reserve(rows.len() * columns.len() * 16);
    for row in rows {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            push_cell(out, column, row, times);
        }
        out.push(b'\n');
    }
    Ok(())
}

/// Appends a value; nothing where there is none.
fn push_cell(out: &mut Vec<u8>, column: &Column, row: usize, times: FileTimes) {
    match column {
        Column::Text(values) => values[row].iter().for_each(|text| push_text(out, text)),
        Column::Float(values) if values[row].is_finite() => push_float(out, values[row]),
        Column::Int(values) => values[row].iter().for_each(|value| push_int(out, *value)),
        Column::Bool(values) => {
            values[row].iter().for_each(|value| out.extend_from_slice(if *value { b"true" } else { b"false" }));
        }
        Column::Date(values) => values[row].iter().for_each(|date| push_date(out, *date)),
        Column::Time(values) => values[row].iter().for_each(|ms| {
            push_instant(out, *ms);
            if times == FileTimes::Zoned {
                out.push(b'Z');
            }
        }),
        Column::Float(_) | Column::Dates(_) | Column::Floats(_) => {}
    }
}

/// Appends text, in quotes where it needs them; empty text too, so that it is not read as no value.
fn push_text(out: &mut Vec<u8>, text: &str) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if !text.is_empty() && !text.bytes().any(special) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn values_are_quoted_where_they_must_be_and_left_out_where_there_are_none() {
        let frame = Frame::new()
            .with("id", vec![Some("a"), Some("b, \"c\""), Some(""), None])
            .unwrap()
            .with("ts", Column::Time(vec![Some(0), Some(1_500), Some(-1), None]))
            .unwrap()
            .with("x", vec![1.5, f64::NAN, f64::INFINITY, 1e300])
            .unwrap()
            .with("n", Column::Int(vec![Some(-3), None, Some(0), Some(7)]))
            .unwrap()
            .with("ok", Column::Bool(vec![Some(true), None, Some(false), None]))
            .unwrap()
            .with("day", vec![Some(date(2024, 2, 29)), None, None, None])
            .unwrap();
        let rows = |times| encode(&frame, &[(None, 0..4)], times).unwrap().text();
        assert_eq!(
            rows(FileTimes::Zoned),
            "id,ts,x,n,ok,day\n\
             a,1970-01-01T00:00:00Z,1.5,-3,true,2024-02-29\n\
             \"b, \"\"c\"\"\",1970-01-01T00:00:01.500Z,,,,\n\
             \"\",1969-12-31T23:59:59.999Z,,0,false,\n\
             ,,1e+300,7,,\n"
        );
        assert!(rows(FileTimes::Plain).contains("a,1970-01-01T00:00:00,1.5"));
        let lists = Frame::new().with("q", vec![vec![1.0]]).unwrap();
        let error = encode(&lists, &[(None, 0..1)], FileTimes::Plain).unwrap_err().to_string();
        assert_eq!(error, "column `q` of what is written as CSV holds lists of floats, it must hold single values");
    }
}
