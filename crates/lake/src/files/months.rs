//! Which month of UTC the rows of a table belong to.

use super::text::{civil, date_ms};
use crate::{Column, Error, Frame, Result, Table};
use jiff::civil::Date;
use std::fmt;
use std::ops::Range;

/// How the rows of a table are spread over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partition {
    /// One file per table.
    #[default]
    None,
    /// Tables of many rows (samples, daily, truth, differences) in one folder per month of UTC, as Hive names
    /// them: `samples/year=2024/month=02/`. Days count by their local date. Other tables are one file each.
    Month,
}

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month {
    year: i32,
    month: u8,
}

impl Month {
    fn of(ms: i64) -> Self {
        let (year, month, _) = civil(ms.div_euclid(86_400_000));
        Self { year, month }
    }

    /// The instants of it, in milliseconds since 1970-01-01 UTC.
    fn instants(self) -> Range<i64> {
        let begins = |year: i32, month: u8| {
            // The calendar's ends: no sample of a fleet lies there, and a shorter month does no harm.
            Date::new(year as i16, month as i8, 1).map_or(i64::MAX, date_ms)
        };
        let next = if self.month == 12 { begins(self.year + 1, 1) } else { begins(self.year, self.month + 1) };
        begins(self.year, self.month)..next
    }
}

impl fmt::Display for Month {
    /// As part of a path, the way Hive names partitions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "year={:04}/month={:02}", self.year, self.month)
    }
}

/// Neighbouring rows of one month; `None` where a table is not spread over months.
pub(crate) type Stretch = (Option<Month>, Range<usize>);

/// The column by whose month a table is spread, where it is.
pub(crate) fn column_of(table: Table, partition: Partition) -> Option<&'static str> {
    match (partition, table) {
        (Partition::None, _) => None,
        (Partition::Month, Table::Samples | Table::Truth | Table::Differences) => Some("ts"),
        (Partition::Month, Table::Daily) => Some("date"),
        (Partition::Month, _) => None,
    }
}

/// The rows of a frame, cut where the month changes.
pub(crate) fn stretches(frame: &Frame, column: Option<&str>) -> Result<Vec<Stretch>> {
    let Some(name) = column else { return Ok(vec![(None, 0..frame.rows())]) };
    let times: &Column = frame.column(name)?;
    let at = |row: usize| match times {
        Column::Time(values) => values[row],
        Column::Date(values) => values[row].map(date_ms),
        _ => None,
    };
    let mut found: Vec<Stretch> = Vec::new();
    let (mut instants, mut start) = (0..0, 0);
    for row in 0..frame.rows() {
        let Some(ms) = at(row) else {
            return Err(Error::NullKey { place: "the frame".to_owned(), column: name.to_owned(), row: row + 1 });
        };
        if !instants.contains(&ms) {
            let month = Month::of(ms);
            instants = month.instants();
            start = row;
            found.push((Some(month), row..row));
        }
        if let Some((_, rows)) = found.last_mut() {
            *rows = start..row + 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn rows_are_cut_where_the_month_of_utc_changes() {
        let ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let times =
            ["2023-12-31T23:59:59.999Z", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z", "2024-01-31T23:00:00Z"];
        let frame = Frame::new().with("ts", Column::times(times.map(ms))).unwrap();
        let cut: Vec<(String, Range<usize>)> = stretches(&frame, column_of(Table::Samples, Partition::Month))
            .unwrap()
            .into_iter()
            .map(|(month, rows)| (month.unwrap().to_string(), rows))
            .collect();
        let named = |month: &str, rows| (month.to_owned(), rows);
        assert_eq!(
            cut,
            [
                named("year=2023/month=12", 0..1),
                named("year=2024/month=01", 1..2),
                named("year=2024/month=02", 2..3),
                named("year=2024/month=01", 3..4)
            ]
        );
    }

    #[test]
    fn days_count_by_their_own_date_and_small_tables_stay_whole() {
        let frame = Frame::new().with("date", vec![date(2024, 2, 29), date(2024, 3, 1)]).unwrap();
        let cut = stretches(&frame, column_of(Table::Daily, Partition::Month)).unwrap();
        assert_eq!(cut.len(), 2);
        assert_eq!(stretches(&frame, column_of(Table::TruthCrossings, Partition::Month)).unwrap(), [(None, 0..2)]);
        assert_eq!(column_of(Table::Daily, Partition::None), None);
    }
}
