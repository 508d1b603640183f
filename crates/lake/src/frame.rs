//! Named, typed columns of equal length: what goes into a table and comes out of it.

use crate::{Error, Kind, Result};
use jiff::civil::Date;
use std::sync::Arc;

/// Values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Text.
    Text(Vec<Option<Arc<str>>>),
    /// Floats; NaN is "no value", and infinite values are refused when written.
    Float(Vec<f64>),
    /// Integers.
    Int(Vec<Option<i64>>),
    /// Truths.
    Bool(Vec<Option<bool>>),
    /// Local dates.
    Date(Vec<Option<Date>>),
    /// Instants in milliseconds since 1970-01-01 UTC.
    Time(Vec<Option<i64>>),
    /// Lists of dates.
    Dates(Vec<Vec<Date>>),
    /// Lists of floats.
    Floats(Vec<Vec<f64>>),
}

impl Column {
    /// Instants in milliseconds since 1970-01-01 UTC, none missing.
    pub fn times(milliseconds: impl IntoIterator<Item = i64>) -> Self {
        Self::Time(milliseconds.into_iter().map(Some).collect())
    }

    /// Floats of which some are missing.
    pub fn optional_floats(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self::Float(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    /// The same text in every row.
    pub fn repeated(text: &str, rows: usize) -> Self {
        Self::Text(vec![Some(text.into()); rows])
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Float(v) => v.len(),
            Self::Int(v) | Self::Time(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::Date(v) => v.len(),
            Self::Dates(v) => v.len(),
            Self::Floats(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values at these places.
    fn take(&self, rows: &[usize]) -> Self {
        fn at<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        match self {
            Self::Text(v) => Self::Text(at(v, rows)),
            Self::Float(v) => Self::Float(at(v, rows)),
            Self::Int(v) => Self::Int(at(v, rows)),
            Self::Time(v) => Self::Time(at(v, rows)),
            Self::Bool(v) => Self::Bool(at(v, rows)),
            Self::Date(v) => Self::Date(at(v, rows)),
            Self::Dates(v) => Self::Dates(at(v, rows)),
            Self::Floats(v) => Self::Floats(at(v, rows)),
        }
    }

    /// Type of its values.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Float(_) => Kind::Float,
            Self::Int(_) => Kind::Int,
            Self::Bool(_) => Kind::Bool,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Dates(_) => Kind::Dates,
            Self::Floats(_) => Kind::Floats,
        }
    }
}

macro_rules! column_from {
    ($($values:ty => $variant:ident by $convert:expr;)*) => {$(
        impl From<Vec<$values>> for Column {
            fn from(values: Vec<$values>) -> Self {
                Self::$variant(values.into_iter().map($convert).collect())
            }
        }
    )*};
}

column_from! {
    &str => Text by |v| Some(v.into());
    String => Text by |v| Some(v.into());
    Arc<str> => Text by Some;
    Option<&str> => Text by |v| v.map(Into::into);
    Option<String> => Text by |v| v.map(Into::into);
    Option<Arc<str>> => Text by |v| v;
    f64 => Float by |v| v;
    Option<f64> => Float by |v| v.unwrap_or(f64::NAN);
    i64 => Int by Some;
    Option<i64> => Int by |v| v;
    bool => Bool by Some;
    Option<bool> => Bool by |v| v;
    Date => Date by Some;
    Option<Date> => Date by |v| v;
    Vec<Date> => Dates by |v| v;
    Vec<f64> => Floats by |v| v;
}

/// Named columns of equal length, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Frame {
    /// A frame without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same frame with one more column.
    ///
    /// # Errors
    /// [`Error::Rows`] when its length differs from the columns before it.
    pub fn with(mut self, name: &str, values: impl Into<Column>) -> Result<Self> {
        let values = values.into();
        if let Some(first) = self.columns.first().filter(|first| first.len() != values.len()) {
            return Err(Error::Rows { column: name.to_owned(), found: values.len(), needed: first.len() });
        }
        self.names.push(name.to_owned());
        self.columns.push(values);
        Ok(self)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// The rows at these places, in this order.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn take(&self, rows: &[usize]) -> Self {
        Self { names: self.names.clone(), columns: self.columns.iter().map(|column| column.take(rows)).collect() }
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Columns with their names, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.names.iter().map(String::as_str).zip(&self.columns)
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] when there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        let at = self.names.iter().position(|n| n == name);
        at.map(|at| &self.columns[at]).ok_or_else(|| Error::MissingColumn {
            place: "the frame".to_owned(),
            column: name.to_owned(),
            found: self.names.join(", "),
        })
    }

    /// Values of a text column.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], or [`Error::ColumnType`] when it holds something else.
    pub fn text(&self, name: &str) -> Result<&[Option<Arc<str>>]> {
        match self.column(name)? {
            Column::Text(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Text)),
        }
    }

    /// Values of a float column, NaN where there is none.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn floats(&self, name: &str) -> Result<&[f64]> {
        match self.column(name)? {
            Column::Float(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Float)),
        }
    }

    /// Values of an integer column.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn ints(&self, name: &str) -> Result<&[Option<i64>]> {
        match self.column(name)? {
            Column::Int(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Int)),
        }
    }

    /// Values of a column of truths.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn bools(&self, name: &str) -> Result<&[Option<bool>]> {
        match self.column(name)? {
            Column::Bool(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Bool)),
        }
    }

    /// Values of a date column.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn dates(&self, name: &str) -> Result<&[Option<Date>]> {
        match self.column(name)? {
            Column::Date(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Date)),
        }
    }

    /// Values of a time column, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn times(&self, name: &str) -> Result<&[Option<i64>]> {
        match self.column(name)? {
            Column::Time(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Time)),
        }
    }

    /// Values of a column of date lists.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn date_lists(&self, name: &str) -> Result<&[Vec<Date>]> {
        match self.column(name)? {
            Column::Dates(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Dates)),
        }
    }

    /// Values of a column of float lists.
    ///
    /// # Errors
    /// As [`Frame::text`].
    pub fn float_lists(&self, name: &str) -> Result<&[Vec<f64>]> {
        match self.column(name)? {
            Column::Floats(values) => Ok(values),
            other => Err(wrong(name, other, Kind::Floats)),
        }
    }
}

fn wrong(name: &str, found: &Column, needed: Kind) -> Error {
    Error::ColumnType {
        place: "the frame".to_owned(),
        column: name.to_owned(),
        found: found.kind().name(),
        needed: needed.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_must_be_equally_long() {
        let frame = Frame::new().with("server_id", vec!["a", "b"]).unwrap().with("x", vec![1.0, 2.0]).unwrap();
        assert_eq!((frame.rows(), frame.floats("x").unwrap()), (2, [1.0, 2.0].as_slice()));
        assert_eq!(
            frame.clone().with("y", vec![true]).unwrap_err().to_string(),
            "column `y` has 1 rows, the columns before it have 2"
        );
        assert_eq!(frame.text("x").unwrap_err().to_string(), "column `x` of the frame holds floats, it must hold text");
        assert!(frame.column("z").unwrap_err().to_string().ends_with("it has: server_id, x"));
    }
}
