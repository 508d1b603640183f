//! Which columns of a table name a series, and which hold its values: what formats of time series ask.

use crate::{Column, Frame, Kind, Result, Table};
use fleetcast_core::Server;
use std::sync::Arc;

/// What is known of a server by its id; asked for each server once per part.
pub type Describe<'a> = &'a (dyn Fn(&str) -> Option<Server> + Sync);

/// Names of what is said of a server beside its values, in order.
const OF_SERVER: [&str; 6] = ["archetype", "business_unit", "criticality", "pool", "region", "service"];

/// How the rows of a table become points of series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The column whose instant or date a point stands at; without one, points stand at the start.
    pub(crate) time: Option<&'static str>,
    /// Columns that name the series, in order of their names.
    pub(crate) names: Vec<&'static str>,
}

/// The roles of a table's columns; those that do not name the series are values.
pub(crate) fn roles(table: Table) -> Roles {
    let kind = |name: &str| table.columns().iter().find(|column| column.name == name).map(|column| column.kind);
    // The key's instant, or its last date: a forecast's own day comes after its cutoff.
    let keyed = || {
        let key = || table.key().iter().copied();
        key().find(|name| kind(name) == Some(Kind::Time)).or(key().rfind(|name| kind(name) == Some(Kind::Date)))
    };
    let (time, mut names): (Option<&str>, Vec<&str>) = match table {
        Table::Servers => {
            (Some("valid_from"), table.columns().iter().filter(|c| c.kind == Kind::Text).map(|c| c.name).collect())
        }
        Table::Events => (Some("start"), vec!["event_id", "metric", "scope", "scope_id", "type"]),
        Table::TruthCrossings => (Some("date"), table.key().to_vec()),
        _ => (keyed(), table.key().iter().copied().filter(|name| Some(*name) != keyed()).collect()),
    };
    names.sort_unstable();
    Roles { time, names }
}

/// The values that name the series of a row: column and value, those of the row and, where `server` is
/// given, those of its server, in order of the names. Empty texts name nothing.
pub(crate) fn named(
    frame: &Frame,
    roles: &Roles,
    row: usize,
    server: Option<&Server>,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::with_capacity(roles.names.len() + OF_SERVER.len());
    for &name in &roles.names {
        // A threshold is a number and names a series all the same.
        let text = match frame.column(name)? {
            Column::Text(values) => values[row].as_deref().unwrap_or_default().to_owned(),
            Column::Float(values) if values[row].is_finite() => {
                let mut out = Vec::new();
                super::text::push_plain(&mut out, values[row]);
                String::from_utf8_lossy(&out).into_owned()
            }
            Column::Date(values) => values[row].map(|date| date.to_string()).unwrap_or_default(),
            _ => String::new(),
        };
        found.push((name.to_owned(), text));
    }
    if let Some(server) = server {
        let values = [
            &server.archetype,
            &server.business_unit,
            &server.criticality,
            &server.pool,
            &server.region,
            &server.service,
        ];
        found.extend(
            OF_SERVER.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.clone().unwrap_or_default())),
        );
        found.sort();
    }
    found.retain(|(_, value)| !value.is_empty());
    Ok(found)
}

/// The ids of a table's servers, where it has them.
pub(crate) fn servers(frame: &Frame) -> Option<&[Option<Arc<str>>]> {
    frame.text("server_id").ok()
}

/// Whether two rows belong to the same series.
pub(crate) fn same_series(columns: &[&Column], a: usize, b: usize) -> bool {
    columns.iter().all(|column| match column {
        Column::Text(values) => match (&values[a], &values[b]) {
            (Some(x), Some(y)) => Arc::ptr_eq(x, y) || x == y,
            (x, y) => x.is_none() && y.is_none(),
        },
        Column::Float(values) => values[a].to_bits() == values[b].to_bits(),
        Column::Date(values) => values[a] == values[b],
        _ => false,
    })
}

/// The columns that name the series.
pub(crate) fn naming<'a>(frame: &'a Frame, roles: &Roles) -> Result<Vec<&'a Column>> {
    roles.names.iter().map(|name| frame.column(name)).collect()
}

/// The instants of the rows, in milliseconds since 1970-01-01 UTC: a date's beginning in UTC; `start`
/// where the table or the row has none.
pub(crate) fn instants(frame: &Frame, roles: &Roles, start: i64) -> Result<Vec<i64>> {
    let Some(name) = roles.time else { return Ok(vec![start; frame.rows()]) };
    Ok(match frame.column(name)? {
        Column::Time(values) => values.iter().map(|ms| ms.unwrap_or(start)).collect(),
        Column::Date(values) => values.iter().map(|date| date.map_or(start, super::text::date_ms)).collect(),
        _ => vec![start; frame.rows()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_series_and_when_its_points_are() {
        let of = |table| {
            let Roles { time, names } = roles(table);
            (time, names)
        };
        assert_eq!(of(Table::Samples), (Some("ts"), vec!["server_id"]));
        assert_eq!(of(Table::Daily), (Some("date"), vec!["server_id"]));
        assert_eq!(of(Table::Truth), (Some("ts"), vec!["metric", "server_id"]));
        assert_eq!(of(Table::TruthCrossings), (Some("date"), vec!["metric", "server_id", "threshold"]));
        assert_eq!(of(Table::Metrics), (None, vec!["metric"]));
        assert_eq!(of(Table::Forecasts), (Some("date"), vec!["cutoff", "metric", "model", "run_id", "server_id"]));
        assert!(roles(Table::Servers).names.contains(&"region"));
    }
}
