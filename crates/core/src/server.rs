//! A server: who it is, where it stands, and its hardware.

use crate::{Error, Metric, Result, error::nearest};
use jiff::{civil::Date, tz::TimeZone};

/// A named time zone of the IANA database, for example `Europe/London`.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The zone called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest known name.
    pub fn named(name: &str) -> Result<Self> {
        if name == "UTC" {
            return Ok(Self::utc());
        }
        match TimeZone::get(name) {
            Ok(rules) => Ok(Self { name: name.to_owned(), rules }),
            Err(_) => {
                let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
                Err(Error::UnknownName {
                    kind: "time zone".to_owned(),
                    found: name.to_owned(),
                    nearest: nearest(name, known.iter().map(String::as_str)).to_owned(),
                    known: "the names of the IANA database, such as UTC or America/New_York".to_owned(),
                })
            }
        }
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules: offsets and changes of the clock.
    pub fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

/// Hardware of a server. What nobody said is `None`, never a guess.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Name in the price book, for example `m6i.xlarge`.
    pub instance_type: Option<String>,
    /// Virtual processors.
    pub vcpu: Option<f64>,
    /// Memory in GiB.
    pub memory_gib: Option<f64>,
    /// Disk throughput in MB/s.
    pub disk_mb_per_s: Option<f64>,
    /// Network bandwidth in Mbit/s.
    pub network_mbit_per_s: Option<f64>,
}

/// A server and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    server_id: String,
    /// Name people use; the id when nobody gave one.
    pub name: String,
    /// Kind of workload, for example `web`.
    pub archetype: Option<String>,
    /// The service it belongs to.
    pub service: Option<String>,
    /// The machines it serves together with.
    pub pool: Option<String>,
    /// Region or site.
    pub region: Option<String>,
    /// Who pays for it.
    pub business_unit: Option<String>,
    /// How much its failure would matter, for example `high`.
    pub criticality: Option<String>,
    /// Its hardware.
    pub shape: Shape,
    /// The zone its local days are counted in.
    pub zone: Zone,
    /// First day on which this description holds.
    pub valid_from: Option<Date>,
}

impl Server {
    /// A server of which nothing but the id is known; its days are UTC days.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the id is empty.
    pub fn new(server_id: &str) -> Result<Self> {
        if server_id.trim().is_empty() {
            return Err(Error::OutOfRange {
                what: "server_id".to_owned(),
                found: format!("{server_id:?}"),
                allowed: "a name that is not empty".to_owned(),
            });
        }
        Ok(Self {
            server_id: server_id.to_owned(),
            name: server_id.to_owned(),
            archetype: None,
            service: None,
            pool: None,
            region: None,
            business_unit: None,
            criticality: None,
            shape: Shape::default(),
            zone: Zone::utc(),
            valid_from: None,
        })
    }

    /// The key in every table.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Capacity of this server for a metric, in the metric's unit: the metric's own where it has one,
    /// the disk throughput for `disk_io`; `None` where nobody said.
    pub fn capacity(&self, metric: &Metric) -> Option<f64> {
        metric.capacity().or(match metric.name() {
            "disk_io" => self.shape.disk_mb_per_s,
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_names_its_neighbour() {
        let error = Zone::named("Europe/Lundon").unwrap_err().to_string();
        assert!(error.contains("did you mean `Europe/London`?"), "{error}");
        assert_eq!(Zone::named("America/New_York").unwrap().name(), "America/New_York");
    }

    #[test]
    fn disk_capacity_comes_from_the_shape() {
        let mut server = Server::new("db-1").unwrap();
        assert_eq!(server.capacity(&Metric::named("disk_io")), None);
        server.shape.disk_mb_per_s = Some(250.0);
        assert_eq!(server.capacity(&Metric::named("disk_io")), Some(250.0));
        assert!(Server::new(" ").is_err());
    }
}
