//! A text of settings held against the tree of its keys.

use super::{Key, Kind};
use crate::settings::Source;
use crate::{Error, Result};
use fleetcast_core::{Zone, nearest};
use toml::Value;

/// Refuses a table with a key that is not in `keys`, or with a value its key may not hold.
pub(crate) fn check(source: &Source, table: &toml::Table, keys: &[Key]) -> Result<()> {
    check_table(source, "", table, keys)
}

fn check_table(source: &Source, path: &str, table: &toml::Table, keys: &[Key]) -> Result<()> {
    for (name, value) in table {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match keys.iter().find(|key| key.name == name) {
            Some(key) => check_value(source, &here, value, &key.kind)?,
            None => return Err(unknown(source, &here, name, value, keys)),
        }
    }
    Ok(())
}

fn check_value(source: &Source, path: &str, value: &Value, kind: &Kind) -> Result<()> {
    match (kind, value) {
        (Kind::Number(low, high), Value::Float(_) | Value::Integer(_)) => {
            let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
            let is_inside = number.is_some_and(|number| (*low..=*high).contains(&number));
            if is_inside { Ok(()) } else { Err(outside(source, path, value, kind)) }
        }
        (Kind::Whole(low, high), Value::Integer(whole)) => {
            if (*low..=*high).contains(whole) {
                Ok(())
            } else {
                Err(outside(source, path, value, kind))
            }
        }
        (Kind::Text, Value::String(_)) => Ok(()),
        (Kind::Id, Value::String(text)) => {
            let is_id = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if is_id { Ok(()) } else { Err(outside(source, path, value, kind)) }
        }
        (Kind::Zone, Value::String(text)) => Zone::named(text).map(|_| ()).map_err(|error| match error {
            fleetcast_core::Error::UnknownName { nearest, known, .. } => source.name_error(path, text, nearest, known),
            other => other.into(),
        }),
        (Kind::Choice(names), Value::String(text)) if names.contains(&text.as_str()) => Ok(()),
        (Kind::Choice(names), Value::String(text)) => {
            Err(source.name_error(path, text, nearest(text, names.iter().copied()).to_owned(), names.join(", ")))
        }
        (Kind::List(of, least, most), Value::Array(entries)) => {
            if !(*least..=*most).contains(&entries.len()) {
                return Err(outside(source, path, value, kind));
            }
            each(entries, |at, entry| check_value(source, &format!("{path}[{at}]"), entry, of))
        }
        (Kind::Table(keys), Value::Table(table)) => check_table(source, path, table, keys),
        (Kind::Tables(_), Value::Array(entries)) if entries.is_empty() => Err(outside(source, path, value, kind)),
        (Kind::Tables(keys), Value::Array(entries)) => {
            each(entries, |at, entry| check_entry(source, &format!("{path}[{at}]"), entry, keys))
        }
        _ => Err(wrong_type(source, path, value, kind)),
    }
}

fn each(entries: &[Value], mut check: impl FnMut(usize, &Value) -> Result<()>) -> Result<()> {
    entries.iter().enumerate().try_for_each(|(at, entry)| check(at, entry))
}

/// An entry of a list of tables: nothing stands in for a key it does not give.
fn check_entry(source: &Source, path: &str, entry: &Value, keys: &'static [Key]) -> Result<()> {
    let Value::Table(table) = entry else { return Err(wrong_type(source, path, entry, &Kind::Table(keys))) };
    check_table(source, path, table, keys)?;
    match keys.iter().find(|key| !key.is_optional && !table.contains_key(key.name)) {
        Some(key) => Err(Error::Missing {
            place: source.place(path),
            key: format!("{path}.{}", key.name),
            allowed: key.kind.allowed(),
        }),
        None => Ok(()),
    }
}

fn unknown(source: &Source, path: &str, name: &str, value: &Value, keys: &[Key]) -> Error {
    let near = nearest(name, keys.iter().map(|key| key.name));
    let allowed = keys.iter().find(|key| key.name == near).map_or(String::new(), |key| key.kind.allowed());
    Error::UnknownKey {
        place: source.place(path),
        key: path.to_owned(),
        found: shown(value),
        nearest: near.into(),
        allowed: allowed.into(),
    }
}

fn outside(source: &Source, path: &str, value: &Value, kind: &Kind) -> Error {
    source.range(path, shown(value), kind.allowed())
}

fn wrong_type(source: &Source, path: &str, value: &Value, kind: &Kind) -> Error {
    let found = match value {
        Value::String(_) => format!("the text {}", shown(value)),
        Value::Integer(_) | Value::Float(_) => format!("the number {}", shown(value)),
        Value::Boolean(_) => format!("the truth value {}", shown(value)),
        Value::Datetime(_) => format!("the date {}", shown(value)),
        Value::Array(_) | Value::Table(_) => shown(value),
    };
    Error::WrongType { place: source.place(path), key: path.to_owned(), found, allowed: kind.allowed() }
}

/// A value as it is written, or what kind of collection it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(number) if number.is_nan() => "not a number (nan)".to_owned(),
        Value::Float(number) => number.to_string(),
        Value::Array(entries) if entries.is_empty() => "an empty list".to_owned(),
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Table(_) => "a table".to_owned(),
        Value::String(_) | Value::Integer(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
    }
}
