//! One change to a scenario, and what it makes of a fleet: the same seed twice, so that the difference is
//! the change's alone.

use crate::keys::{self, PROFILE, SCENARIO};
use crate::profile::Profile;
use crate::settings::{self, Source};
use crate::{Error, Fleet, Result, Scenario};
use fleetcast_core::nearest;
use toml::{Table, Value};

/// The keys by which an entry of a list of tables is called.
const NAMES: [&str; 3] = ["name", "profile", "instance_type"];

impl Scenario {
    /// This scenario with some of its settings changed, given as TOML: keys of a scenario, in place of its
    /// own. An entry of a list is called by its name, `services.payments.growth_factor = 1.2`, and keys of a
    /// profile stand under `profiles` and the profile's name:
    /// `profiles.web.growth_percent_per_year.cpu = 30.0`. `source` names the text in errors.
    ///
    /// ```
    /// let scenario = fleetcast_sim::Scenario::named("enterprise")?;
    /// let calmer = scenario.changed("level_shifts.per_server_per_year = 0.0", "change.toml")?;
    /// assert_eq!(calmer.name(), "enterprise");
    /// assert!(scenario.changed("services.paiments.growth_factor = 1.2", "change.toml").is_err());
    /// # Ok::<(), fleetcast_sim::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, where, and what would do.
    pub fn changed(&self, text: &str, source: &str) -> Result<Self> {
        let (source, mut change) = Source::parse(text, source)?;
        let profiles = change.remove("profiles");
        let change = by_name(&source, change, &self.table)?;
        keys::check(&source, &change, SCENARIO)?;
        let keeps_kinds = !change.contains_key("mix") && !change.contains_key("shapes");
        let mut scenario = Self::from_table(settings::merged(self.table.clone(), change), &source)?;
        if keeps_kinds {
            // Profiles may have been put in place of the built-in ones.
            scenario.archetypes.clone_from(&self.archetypes);
        }
        match profiles {
            None => Ok(scenario),
            Some(Value::Table(profiles)) => scenario.with_profiles(&source, profiles),
            Some(_) => Err(source.wrong("profiles", "a table with the names of profiles")),
        }
    }

    fn with_profiles(mut self, source: &Source, changes: Table) -> Result<Self> {
        for (name, change) in changes {
            let path = format!("profiles.{name}");
            let Value::Table(change) = change else {
                return Err(source.wrong(&path, "a table with keys of a profile"));
            };
            let known: Vec<String> = self.archetypes.iter().map(|a| a.profile.name().to_owned()).collect();
            let Some(at) = known.iter().position(|known| *known == name) else {
                let near = nearest(&name, known.iter().map(String::as_str)).to_owned();
                return Err(source.name_error("profiles", &name, near, known.join(", ")));
            };
            keys::check(&source.within(&path), &change, PROFILE)?;
            let profile = &mut self.archetypes[at].profile;
            *profile = changed_profile(profile, change, source)?;
        }
        Ok(self)
    }
}

fn changed_profile(profile: &Profile, change: Table, source: &Source) -> Result<Profile> {
    let name = profile.name().to_owned();
    if change.contains_key("name") {
        return Err(
            source.contradiction("profiles", format!("`profiles.{name}.name` would make other servers of them"))
        );
    }
    let text = toml::to_string(&settings::merged(profile.table(), change));
    let text = text.map_err(|error| Error::Syntax { place: source.place("profiles"), message: error.to_string() })?;
    Profile::from_toml(&text, &format!("the profile {name}, changed by {}", source.place("profiles")))
}

/// The change with its named entries put into the lists they belong to.
fn by_name(source: &Source, change: Table, base: &Table) -> Result<Table> {
    let whole = |(key, value): (String, Value)| match (value, base.get(&key)) {
        (Value::Table(entries), Some(Value::Array(list))) => {
            Ok((key.clone(), Value::Array(patched(source, &key, entries, list)?)))
        }
        (value, _) => Ok((key, value)),
    };
    change.into_iter().map(whole).collect()
}

/// A list with some of its entries changed.
fn patched(source: &Source, key: &str, changes: Table, list: &[Value]) -> Result<Vec<Value>> {
    let mut list = list.to_vec();
    for (name, change) in changes {
        let path = format!("{key}.{name}");
        let Value::Table(change) = change else { return Err(source.wrong(&path, "a table with keys of the entry")) };
        let known: Vec<&str> = list.iter().filter_map(name_of).collect();
        let Some(at) = list.iter().position(|entry| name_of(entry) == Some(&name)) else {
            let near = nearest(&name, known.iter().copied()).to_owned();
            return Err(source.name_error(key, &name, near, known.join(", ")));
        };
        if let Value::Table(entry) = &mut list[at] {
            *entry = settings::merged(std::mem::take(entry), change);
        }
    }
    Ok(list)
}

fn name_of(entry: &Value) -> Option<&str> {
    NAMES.iter().find_map(|name| entry.get(name)?.as_str())
}

/// What a change makes of one server's demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The server's id.
    pub server_id: String,
    /// Times, milliseconds since 1970-01-01 UTC, as in [`crate::ServerTelemetry`].
    pub ts_ms: Vec<i64>,
    /// Demand without the change, per metric of [`crate::METRICS`] in its unit.
    pub demand: [Vec<f64>; 4],
    /// Demand with the change.
    pub demand_changed: [Vec<f64>; 4],
}

impl Fleet {
    /// The fleet with the same size, span and seed in a scenario with a change, given as for
    /// [`Scenario::changed`].
    ///
    /// # Errors
    /// As [`Scenario::changed`].
    pub fn changed(&self, text: &str, source: &str) -> Result<Self> {
        Self::new(self.scenario.changed(text, source)?, self.spec)
    }

    /// What a change makes of the server of this index: the same server of both fleets, time by time.
    ///
    /// # Errors
    /// [`Error::Contradiction`] when the server is another one after the change, or has other times: then
    /// there is nothing to compare.
    pub fn difference(&self, changed: &Self, index: usize) -> Result<Difference> {
        let (one, other) = (self.generate(index), changed.generate(index));
        let (id, other_id) = (one.server.server_id(), other.server.server_id());
        if id != other_id || one.ts_ms != other.ts_ms {
            let what = if id == other_id { "live at other times".to_owned() } else { format!("be `{other_id}`") };
            let fault = format!(
                "the server `{id}` would {what}; change what servers do, not which there are: neither mix, regions and \
                 services by their shares and number, nor births and retirements"
            );
            return Err(Error::Contradiction { place: "change".to_owned(), fault });
        }
        let server_id = id.to_owned();
        let [demand, demand_changed] = [one.truth, other.truth].map(|truth| truth.map(|series| series.demand));
        Ok(Difference { server_id, ts_ms: one.ts_ms, demand, demand_changed })
    }
}
