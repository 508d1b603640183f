//! `fleetcast lake`.

use super::answer;
use crate::args::{Global, LakeCommand, LakeOf};
use crate::text::{Align, aligned, bytes};
use fleetcast::Error;
use fleetcast::lake::{Dialect, Lake, Table};
use serde_json::json;

pub fn lake(command: &LakeCommand, global: &Global) -> anyhow::Result<()> {
    match command {
        LakeCommand::Ls(of) => list(&open(of)?, global),
        LakeCommand::History { lake, table } => history(&open(lake)?, table.as_deref(), global),
        LakeCommand::Compact(of) => compact(&open(of)?, global),
        LakeCommand::Restore { lake, table, version } => {
            let table = Table::named(table).map_err(Error::from)?;
            open(lake)?.restore(table, *version).map_err(Error::from)?;
            let text = format!("table `{table}` is as it was at version {version}");
            answer(global, &text, &json!({ "table": table.name(), "restored": version }))
        }
        LakeCommand::Ddl { lake, dialect, location } => {
            let dialect = Dialect::named(dialect).map_err(Error::from)?;
            let text = open(lake)?.ddl(dialect, location.as_deref()).map_err(Error::from)?;
            answer(global, &text, &json!({ "sql": text }))
        }
    }
}

fn open(of: &LakeOf) -> anyhow::Result<Lake> {
    Ok(Lake::open(&of.lake).map_err(Error::from)?)
}

fn list(lake: &Lake, global: &Global) -> anyhow::Result<()> {
    let tables = lake.summary().map_err(Error::from)?;
    let rows = tables.iter().map(|t| {
        vec![
            t.table.to_owned(),
            t.n_rows.to_string(),
            t.n_files.to_string(),
            bytes(t.n_bytes),
            t.version.to_string(),
            t.about.to_owned(),
        ]
    });
    let head = [
        ("table", Align::Left),
        ("rows", Align::Right),
        ("files", Align::Right),
        ("size", Align::Right),
        ("version", Align::Right),
        ("a row is", Align::Left),
    ];
    let values: Vec<_> = tables
        .iter()
        .map(|t| json!({ "table": t.table, "rows": t.n_rows, "files": t.n_files, "bytes": t.n_bytes, "version": t.version }))
        .collect();
    answer(global, &aligned(&head, rows.collect()), &values.into())
}

fn history(lake: &Lake, table: Option<&str>, global: &Global) -> anyhow::Result<()> {
    let tables = match table {
        Some(name) => vec![Table::named(name).map_err(Error::from)?],
        None => Table::ALL.to_vec(),
    };
    let mut entries = Vec::new();
    for table in tables {
        entries.extend(lake.history(table).map_err(Error::from)?);
    }
    let time = |ms: Option<i64>| {
        ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .map(|t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
    };
    let rows = entries.iter().map(|e| {
        vec![e.table.to_owned(), e.version.to_string(), time(e.committed_ms).unwrap_or_default(), e.operation.clone()]
    });
    let head =
        [("table", Align::Left), ("version", Align::Right), ("committed", Align::Left), ("operation", Align::Left)];
    let values: Vec<_> = entries
        .iter()
        .map(|e| json!({ "table": e.table, "version": e.version, "committed": time(e.committed_ms), "operation": e.operation }))
        .collect();
    answer(global, &aligned(&head, rows.collect()), &values.into())
}

fn compact(lake: &Lake, global: &Global) -> anyhow::Result<()> {
    let done = lake.compact().map_err(Error::from)?;
    let rows = done.iter().map(|c| {
        vec![c.table.to_owned(), c.files_before.to_string(), c.files_after.to_string(), c.files_deleted.to_string()]
    });
    let head =
        [("table", Align::Left), ("files before", Align::Right), ("after", Align::Right), ("deleted", Align::Right)];
    let values: Vec<_> = done
        .iter()
        .map(|c| json!({ "table": c.table, "files_before": c.files_before, "files_after": c.files_after, "files_deleted": c.files_deleted }))
        .collect();
    answer(global, &aligned(&head, rows.collect()), &values.into())
}
