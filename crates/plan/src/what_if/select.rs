//! Which servers a change is about.

use super::change::Place;
use crate::Result;
use fleetcast_core::{Server, nearest};
use serde::Deserialize;
use std::sync::Arc;

/// Servers by what is known of them; those that have every property given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// These servers.
    pub ids: Vec<String>,
    /// Of this service.
    pub service: Option<String>,
    /// Of this pool.
    pub pool: Option<String>,
    /// In this region.
    pub region: Option<String>,
    /// Of this business unit.
    pub business_unit: Option<String>,
    /// Of this kind of workload.
    pub archetype: Option<String>,
}

/// How a property is read of a server.
type Read = fn(&Server) -> Option<&str>;

/// A property that servers must have.
struct Property {
    key: &'static str,
    value: String,
    read: Read,
}

impl Property {
    fn holds(&self, server: &Server) -> bool {
        (self.read)(server) == Some(self.value.as_str())
    }
}

impl Select {
    /// The properties that are given.
    fn properties(&self) -> Vec<Property> {
        let property = |key: &'static str, value: &Option<String>, read: Read| (key, value.clone(), read);
        let all = [
            property("service", &self.service, |server| server.service.as_deref()),
            property("pool", &self.pool, |server| server.pool.as_deref()),
            property("region", &self.region, |server| server.region.as_deref()),
            property("business_unit", &self.business_unit, |server| server.business_unit.as_deref()),
            property("archetype", &self.archetype, |server| server.archetype.as_deref()),
        ];
        all.into_iter().filter_map(|(key, value, read)| Some(Property { key, value: value?, read })).collect()
    }

    /// Places of the servers in `servers`, ascending; `place` and `key` say where the selection stands, for messages.
    ///
    /// # Errors
    /// [`crate::Error::Change`] for a server or a value that is not in the fleet, with the nearest that is; and
    /// when nothing is given, or nothing fits.
    pub(super) fn places(&self, servers: &[Arc<Server>], place: Place<'_>, key: &str) -> Result<Vec<usize>> {
        let wrong = |found: String, allowed: String| place.wrong(key, found, allowed);
        let properties = self.properties();
        if self.ids.is_empty() && properties.is_empty() {
            let allowed = "ids, service, pool, region, business_unit or archetype";
            return Err(wrong("empty".to_owned(), format!("one at least of {allowed}")));
        }
        for id in &self.ids {
            if !servers.iter().any(|server| server.server_id() == id) {
                let near = nearest(id, servers.iter().map(|server| server.server_id()));
                return Err(wrong(
                    format!("the unknown server `{id}`"),
                    format!("a server of the lake, such as `{near}`"),
                ));
            }
        }
        for property in &properties {
            if !servers.iter().any(|server| property.holds(server)) {
                let near = nearest(&property.value, servers.iter().filter_map(|server| (property.read)(server)));
                let found = format!("the unknown {} `{}`", property.key, property.value);
                let allowed = if near.is_empty() {
                    "another property: no server has this one".to_owned()
                } else {
                    format!("such as `{near}`")
                };
                return Err(wrong(found, allowed));
            }
        }
        let is_in = |server: &Server| {
            (self.ids.is_empty() || self.ids.iter().any(|id| id == server.server_id()))
                && properties.iter().all(|property| property.holds(server))
        };
        let places: Vec<usize> = (0..servers.len()).filter(|&at| is_in(&servers[at])).collect();
        if places.is_empty() {
            return Err(wrong(
                "a selection of no server".to_owned(),
                "properties that some server has together".to_owned(),
            ));
        }
        Ok(places)
    }
}
