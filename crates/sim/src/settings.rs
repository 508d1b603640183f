//! Reading settings from TOML: what is wrong in them is said with its place, what was found and what
//! would do. Which keys there are, and what they may hold, stands in [`crate::keys`].

use crate::keys::{self, Key};
use crate::{Error, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

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
    pub(crate) fn array(self) -> [f64; 4] {
        [self.cpu, self.memory, self.disk_io, self.network]
    }
}

/// A text of settings: its name, and the lines of its keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    name: String,
    /// By key with the tables it stands in, `mix[0].share`.
    lines: BTreeMap<String, usize>,
}

impl Source {
    /// Reads a text and holds it against its keys.
    pub(crate) fn read(text: &str, name: &str, keys: &[Key]) -> Result<(Self, toml::Table)> {
        let (source, table) = Self::parse(text, name)?;
        keys::check(&source, &table, keys)?;
        Ok((source, table))
    }

    /// Reads a text, whatever its keys.
    pub(crate) fn parse(text: &str, name: &str) -> Result<(Self, toml::Table)> {
        let spans = DeTable::parse(text).map_err(|error| syntax(text, name, &error))?;
        let mut source = Self { name: name.to_owned(), lines: BTreeMap::new() };
        source.note_table(text, "", spans.get_ref());
        let table: toml::Table = toml::from_str(text).map_err(|error| syntax(text, name, &error))?;
        Ok((source, table))
    }

    fn note_table(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let here = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.lines.insert(here.clone(), line_of(text, key.span().start));
            self.note_value(text, &here, value);
        }
    }

    fn note_value(&mut self, text: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.note_table(text, path, table),
            DeValue::Array(entries) => {
                for (at, entry) in entries.iter().enumerate() {
                    let here = format!("{path}[{at}]");
                    self.lines.insert(here.clone(), line_of(text, entry.span().start));
                    self.note_value(text, &here, entry);
                }
            }
            _ => {}
        }
    }

    /// Line of a key, from 1; of the table it stands in when the text does not give it.
    fn line(&self, key: &str) -> Option<usize> {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return Some(*line);
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }

    /// The text, and the line of a key where it has one.
    pub(crate) fn place(&self, key: &str) -> String {
        self.line(key).map_or_else(|| self.name.clone(), |line| format!("{}, line {line}", self.name))
    }

    /// Whether the text itself gives this key.
    pub(crate) fn gives(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// One of its tables as a text of its own.
    pub(crate) fn within(&self, table: &str) -> Self {
        let inside =
            |(key, line): (&String, &usize)| Some((key.strip_prefix(table)?.strip_prefix('.')?.to_owned(), *line));
        Self { name: self.name.clone(), lines: self.lines.iter().filter_map(inside).collect() }
    }

    /// Something that is not of the type it must be.
    pub(crate) fn wrong(&self, key: &str, allowed: &str) -> Error {
        Error::WrongType {
            place: self.place(key),
            key: key.to_owned(),
            found: "a single value".to_owned(),
            allowed: allowed.to_owned(),
        }
    }

    /// A value that is out of range.
    pub(crate) fn range(&self, key: &str, found: impl ToString, allowed: impl ToString) -> Error {
        Error::OutOfRange {
            place: self.place(key),
            key: key.to_owned(),
            found: found.to_string(),
            allowed: allowed.to_string(),
        }
    }

    /// Values that cannot both hold. `key` says which line to look at.
    pub(crate) fn contradiction(&self, key: &str, fault: impl ToString) -> Error {
        Error::Contradiction { place: self.place(key), fault: fault.to_string() }
    }

    /// A name that `key` may not hold.
    pub(crate) fn name_error(&self, key: &str, found: &str, nearest: String, known: String) -> Error {
        Error::UnknownName {
            place: self.place(key),
            kind: format!("`{key}`"),
            found: found.to_owned(),
            nearest: nearest.into(),
            known: known.into(),
        }
    }

    /// Reads a table whose keys have been checked.
    pub(crate) fn fill<T: DeserializeOwned>(&self, table: toml::Table) -> Result<T> {
        Value::Table(table).try_into().map_err(|error: toml::de::Error| Error::Syntax {
            place: self.name.clone(),
            message: error.to_string().trim().replace('\n', ", "),
        })
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn syntax(text: &str, source: &str, error: &toml::de::Error) -> Error {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    Error::Syntax { place: format!("{source}, line {line}"), message: error.message().to_owned() }
}

/// `base` with what `given` says in place of its own, table by table; a list is replaced as a whole.
pub(crate) fn merged(mut base: toml::Table, given: toml::Table) -> toml::Table {
    for (key, value) in given {
        let value = match (base.remove(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => Value::Table(merged(old, new)),
            (_, new) => new,
        };
        base.insert(key, value);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SCENARIO;

    #[test]
    fn every_key_knows_its_line() {
        let text = "name = 'x'\n\n[noise]\nlaw = 'normal'\n\n[[mix]]\nprofile = 'web'\nshare = 1\nshapes = [\n 'a',\n 'b',\n]\n";
        let (source, _) = Source::read(text, "s.toml", SCENARIO).unwrap();
        let lines = ["name", "noise", "noise.law", "mix[0].profile", "mix[0].shapes[1]"].map(|key| source.line(key));
        assert_eq!(lines, [Some(1), Some(3), Some(4), Some(7), Some(11)]);
        // What the text does not give stands in its table, or nowhere.
        assert_eq!([source.line("noise.wild_day_share"), source.line("season.x")], [Some(3), None]);
        assert_eq!(source.line("mix[0]"), Some(6));
    }
}
