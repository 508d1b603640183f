//! Facts about servers from a CSV file.

use super::cells;
use super::layout::plain;
use super::map::ServersMap;
use super::report::FileReport;
use super::source::Source;
use crate::{Error, Result, Table};
use fleetcast_core::{Server, Zone};
use std::collections::BTreeMap;
use std::path::Path;

/// Names that the columns of `servers` have elsewhere.
const ALSO: &[(&str, &[&str])] = &[
    ("server_id", &["server", "host", "hostname", "instance_id", "vm_id", "vm", "node", "machine_id", "id"]),
    ("vcpu", &["vcpus", "cpu_count", "cores", "n_cpu", "cpus"]),
    ("memory_gib", &["mem_gib", "ram_gib"]),
    ("instance_type", &["type", "flavor", "flavour", "size"]),
    ("timezone", &["tz", "time_zone"]),
    ("business_unit", &["bu", "department", "cost_center", "cost_centre"]),
];

/// Reads facts into `servers`; a server that is not there yet is made. An empty cell takes nothing away.
pub(super) fn read(
    file: &Path,
    map: &ServersMap,
    zone: &Zone,
    servers: &mut BTreeMap<String, Server>,
) -> Result<FileReport> {
    let is_parquet = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"));
    let source = Source::open(file, is_parquet)?;
    let columns = columns(file, &source.names, map)?;
    let wanted: Vec<usize> = columns.iter().map(|(_, at)| *at).collect();
    let described = columns.iter().map(|(role, at)| (source.names[*at].clone(), (*role).to_owned())).collect();
    let ignored =
        (0..source.names.len()).filter(|at| !wanted.contains(at)).map(|at| source.names[at].clone()).collect();
    let mut report = FileReport::of(file, "servers", described, ignored);
    source.read(&wanted, |batch| {
        let ids = batch.keys(0)?;
        let texts = (0..wanted.len()).map(|column| batch.text(column)).collect::<Result<Vec<_>>>()?;
        report.n_rows += batch.n_rows();
        for row in 0..batch.n_rows() {
            let id = format!("{}{}", map.prefix, ids.value(row).trim());
            if !servers.contains_key(&id) {
                let mut server = Server::new(&id)?;
                server.zone = zone.clone();
                servers.insert(id.clone(), server);
            }
            let server = servers.get_mut(&id).expect("the server was put there above");
            for (column, (role, _)) in columns.iter().enumerate().skip(1) {
                let text = texts[column].value(row).trim();
                if !cells::is_missing(text) {
                    set(server, role, text).map_err(|needed| batch.value_error(column, row, text, needed))?;
                }
            }
        }
        Ok(())
    })?;
    report.finish();
    Ok(report)
}

/// Columns of the table with their places in the file, the id first.
fn columns(file: &Path, names: &[String], map: &ServersMap) -> Result<Vec<(&'static str, usize)>> {
    let known: Vec<&str> = Table::Servers.columns().iter().map(|c| c.name).collect();
    if let Some(wrong) = map.columns.keys().find(|role| !known.contains(&role.as_str())) {
        return Err(Error::unknown("column", wrong, "table `servers`", &known));
    }
    let mut found = Vec::new();
    for role in known {
        let at = match map.columns.get(role) {
            Some(said) => Some(names.iter().position(|name| name == said).ok_or_else(|| {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Error::unknown("column", said, &format!("`{}`", file.display()), &names)
            })?),
            None => {
                let also = ALSO.iter().find(|(name, _)| *name == role).map_or(&[][..], |(_, also)| also);
                let named = |wanted: &str| names.iter().position(|name| plain(name) == wanted);
                named(role).or_else(|| also.iter().find_map(|name| named(name)))
            }
        };
        found.extend(at.map(|at| (role, at)));
    }
    if found.first().is_none_or(|(role, _)| *role != "server_id") {
        return Err(Error::Layout {
            file: file.to_owned(),
            problem: "no column for the server (looked for server_id, server, host, ...)".to_owned(),
            found: names.join(", "),
        });
    }
    Ok(found)
}

/// Sets one fact; says what would do when the text is not it.
fn set(server: &mut Server, role: &str, text: &str) -> std::result::Result<(), &'static str> {
    let words = || Some(text.to_owned());
    let number = || match cells::number(text).filter(|n| n.is_finite() && *n > 0.0) {
        Some(number) => Ok(Some(number)),
        None => Err("a number above 0"),
    };
    match role {
        "name" => server.name = text.to_owned(),
        "archetype" => server.archetype = words(),
        "service" => server.service = words(),
        "pool" => server.pool = words(),
        "region" => server.region = words(),
        "business_unit" => server.business_unit = words(),
        "criticality" => server.criticality = words(),
        "instance_type" => server.shape.instance_type = words(),
        "vcpu" => server.shape.vcpu = number()?,
        "memory_gib" => server.shape.memory_gib = number()?,
        "disk_mb_per_s" => server.shape.disk_mb_per_s = number()?,
        "network_mbit_per_s" => server.shape.network_mbit_per_s = number()?,
        "timezone" => {
            server.zone = Zone::named(text).map_err(|_| "a time zone of the IANA database, such as Europe/London")?
        }
        "valid_from" => server.valid_from = Some(cells::date(text).ok_or("a date such as 2024-05-31")?),
        _ => {}
    }
    Ok(())
}
