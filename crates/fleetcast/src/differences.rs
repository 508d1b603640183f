//! A fleet beside itself with one change, as a table of differences.

use crate::generate::{GenerateOptions, Sink};
use crate::profiles::read;
use crate::{Context, Error, Result};
use fleetcast_lake::{Column, Frame, Table};
use fleetcast_sim::{Difference, Fleet, METRICS};
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Rows that one part of the table has at most.
const PART_ROWS: usize = 480_000;

/// The fleet with the changes that were asked for; `None` when none was.
///
/// # Errors
/// When a change makes no sense.
pub(crate) fn changed(fleet: &Fleet, options: &GenerateOptions) -> Result<Option<Fleet>> {
    if options.changes.is_empty() {
        return Ok(None);
    }
    // Assignments come first: in a text that is put together, no table header may stand before them.
    let (assigned, files): (Vec<&String>, Vec<&String>) =
        options.changes.iter().partition(|change| change.contains('='));
    let mut text = String::new();
    for assignment in assigned {
        let (key, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        text.push_str(&format!("{} = {}\n", key.trim(), toml_value(value.trim())));
    }
    let mut changed = fleet.changed(&text, "--change")?;
    for file in files {
        changed = changed.changed(&read(Path::new(file))?, file)?;
    }
    Ok(Some(changed))
}

/// A value as TOML: what is none yet is a text.
fn toml_value(value: &str) -> String {
    let is_value = toml::from_str::<toml::Table>(&format!("x = {value}")).is_ok();
    if is_value { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

/// Writes the table `differences`; nothing without a changed fleet.
///
/// # Errors
/// When a server is another one after the change, or the table cannot be written.
pub(crate) fn write(
    fleet: &Fleet,
    changed: Option<&Fleet>,
    members: &[usize],
    context: &Context,
    sink: Sink<'_>,
) -> Result<()> {
    let Some(changed) = changed else { return Ok(()) };
    context.progress.begin("comparing with the change", members.len());
    let rows_per_server = METRICS.len() * fleet.spec().days * (86_400 / fleet.spec().step.seconds() as usize);
    let servers_per_part = (PART_ROWS / rows_per_server.max(1)).clamp(1, 512);
    let parts: Vec<(usize, &[usize])> = members.chunks(servers_per_part).enumerate().collect();
    // Wave by wave, so that parts end in about the order in which a file needs them.
    for wave in parts.chunks(2 * rayon::current_num_threads()) {
        wave.par_iter().try_for_each(|&(part, indices)| {
            let compared = indices.iter().map(|&index| fleet.difference(changed, index).map_err(Error::from));
            let mut servers = compared.collect::<Result<Vec<Difference>>>()?;
            servers.sort_by(|a, b| a.server_id.cmp(&b.server_id));
            context.progress.advance(servers.len());
            sink(Table::Differences, &frame(&servers)?, part)
        })?;
    }
    Ok(())
}

/// Rows in the order of the table's key, in which metrics stand by their names.
fn frame(servers: &[Difference]) -> Result<Frame> {
    let mut by_name: Vec<(Arc<str>, usize)> =
        METRICS.iter().enumerate().map(|(at, name)| (Arc::from(*name), at)).collect();
    by_name.sort();
    let rows: usize = servers.iter().map(|server| METRICS.len() * server.ts_ms.len()).sum();
    let (mut ids, mut metrics, mut times) =
        (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut values: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(rows));
    for server in servers {
        let id: Arc<str> = server.server_id.as_str().into();
        for (at, &ts) in server.ts_ms.iter().enumerate() {
            for (name, metric) in &by_name {
                ids.push(id.clone());
                metrics.push(name.clone());
                times.push(ts);
                let (one, other) = (server.demand[*metric][at], server.demand_changed[*metric][at]);
                values.iter_mut().zip([one, other, other - one]).for_each(|(column, value)| column.push(value));
            }
        }
    }
    let mut frame = Frame::new().with("server_id", ids)?.with("ts", Column::times(times))?.with("metric", metrics)?;
    for (name, column) in ["demand", "demand_changed", "difference"].iter().zip(values) {
        frame = frame.with(name, column)?;
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_written_as_in_a_shell() {
        for (given, expected) in [
            ("0.5", "0.5"),
            ("normal", "\"normal\""),
            ("'normal'", "'normal'"),
            ("[1, 2]", "[1, 2]"),
            ("a\"b", "'a\"b'"),
        ] {
            assert_eq!(toml_value(given), expected);
        }
    }
}
