//! Reading settings from TOML: unknown keys with their neighbour, wrong types with their line, numbers
//! with their range.

use crate::{Error, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::ops::RangeInclusive;
use toml::Value;

/// One number per metric, in the order of [`crate::METRICS`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerMetric {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    pub(crate) disk_io: f64,
    pub(crate) network: f64,
}

impl PerMetric {
    pub(crate) fn new(values: [f64; 4]) -> Self {
        let [cpu, memory, disk_io, network] = values;
        Self { cpu, memory, disk_io, network }
    }

    pub(crate) fn array(self) -> [f64; 4] {
        [self.cpu, self.memory, self.disk_io, self.network]
    }

    /// Checks each of the four, naming the key as `table.metric`.
    pub(crate) fn check(self, source: &str, table: &str, range: RangeInclusive<f64>) -> Result<()> {
        for (metric, value) in crate::METRICS.iter().zip(self.array()) {
            check(source, &format!("{table}.{metric}"), value, range.clone())?;
        }
        Ok(())
    }
}

/// Refuses a number outside `range`, or none at all (NaN).
pub(crate) fn check(source: &str, key: &str, value: f64, range: RangeInclusive<f64>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::range(source, key, value, &format!("between {} and {}", range.start(), range.end())))
}

/// Reads `text` as a `T`. `known` holds every key there is; a key that is not in it is refused by name.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, source: &str, known: &Value) -> Result<T> {
    let table: Value = toml::from_str::<toml::Table>(text).map_err(|error| syntax(text, source, &error))?.into();
    check_keys(source, "", &table, known)?;
    toml::from_str(text).map_err(|error| syntax(text, source, &error))
}

/// The keys of `value` must be keys of `known`, table by table; in a list, of the first entry known.
fn check_keys(source: &str, path: &str, value: &Value, known: &Value) -> Result<()> {
    match (value, known) {
        (Value::Table(table), Value::Table(known)) => {
            for (key, inner) in table {
                let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let Some(inner_known) = known.get(key) else {
                    let nearest = fleetcast_core::nearest(key, known.keys().map(String::as_str));
                    return Err(Error::UnknownKey {
                        source_name: source.to_owned(),
                        key: here,
                        nearest: nearest.to_owned(),
                    });
                };
                check_keys(source, &here, inner, inner_known)?;
            }
            Ok(())
        }
        (Value::Array(entries), Value::Array(known)) => match known.first() {
            Some(known) => entries.iter().try_for_each(|entry| check_keys(source, path, entry, known)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn syntax(text: &str, source: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    Error::Syntax { source_name: source.to_owned(), line, message: error.message().to_owned() }
}

/// `base` with what `given` says in place of its own, table by table; a list is replaced as a whole.
pub(crate) fn merged(base: Value, given: Value) -> Value {
    match (base, given) {
        (Value::Table(mut base), Value::Table(given)) => {
            for (key, value) in given {
                let value = match base.remove(&key) {
                    Some(old) => merged(old, value),
                    None => value,
                };
                base.insert(key, value);
            }
            Value::Table(base)
        }
        (_, given) => given,
    }
}

/// Reads a table that was merged from several texts; errors name the line of the key in `text`.
pub(crate) fn read<T: DeserializeOwned>(table: Value, text: &str, source: &str) -> Result<T> {
    table.try_into().map_err(|error: toml::de::Error| {
        // The table has forgotten its lines; the parser's message names the key on its last line.
        let message = error.to_string().trim().replace('\n', ", ");
        let key = message.rsplit('`').nth(1).and_then(|path| path.rsplit('.').next()).unwrap_or("");
        let line = text.lines().position(|line| !key.is_empty() && line.contains(key)).map_or(1, |at| at + 1);
        Error::Syntax { source_name: source.to_owned(), line, message }
    })
}
