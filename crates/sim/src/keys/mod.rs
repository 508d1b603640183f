//! Every key a profile and a scenario may have: its type, its range and its meaning.
//!
//! The trees here are the one source of the checks ([`crate::settings`]), of the JSON Schemas
//! ([`schema`]) and of the tests that try each key with wrong values. A key that is not in them is
//! refused, so a new setting begins here.

mod check;
mod profile;
mod scenario;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use check::check;
pub(crate) use profile::PROFILE;
pub(crate) use scenario::SCENARIO;
pub(crate) use schema::json_schema;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What it means, in a phrase; empty where the name says all.
    pub(crate) meaning: &'static str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// Whether there is nothing in its place when it is not given: it has no default, and an entry of a
    /// list may do without it.
    pub(crate) is_optional: bool,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A number, ends included.
    Number(f64, f64),
    /// A whole number, ends included.
    Whole(i64, i64),
    /// Any text.
    Text,
    /// A text that names something in ids: letters, digits, `-` and `_`.
    Id,
    /// The name of a time zone.
    Zone,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of such values, from so many to so many.
    List(&'static Kind, usize, usize),
    /// A table of these keys, each with a default.
    Table(&'static [Key]),
    /// A list of tables, at least one; each must have every key that is not optional.
    Tables(&'static [Key]),
}

impl Kind {
    /// What would do, as a phrase: "a number between 0 and 1".
    pub(crate) fn allowed(&self) -> String {
        match self {
            Self::Number(low, high) => format!("a number between {low} and {high}"),
            Self::Whole(low, high) => format!("a whole number between {low} and {high}"),
            Self::Text => "a text".to_owned(),
            Self::Id => "a text of letters, digits, `-` and `_`, because ids are made of it".to_owned(),
            Self::Zone => "the name of a time zone, such as UTC or America/New_York".to_owned(),
            Self::Choice(names) => format!("one of {}", quoted(names)),
            Self::List(of, least, most) if least == most => format!("a list of {least}, each {}", of.allowed()),
            Self::List(of, least, most) => format!("a list of {least} to {most}, each {}", of.allowed()),
            Self::Table(keys) => format!("a table with keys among {}", names(keys)),
            Self::Tables(keys) => format!("a list of at least one table with the keys {}", names(keys)),
        }
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn names(keys: &[Key]) -> String {
    keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

/// A key of any kind.
pub(crate) const fn key(name: &'static str, meaning: &'static str, kind: Kind) -> Key {
    Key { name, meaning, kind, is_optional: false }
}

/// A key without a default that may be absent.
pub(crate) const fn optional(name: &'static str, meaning: &'static str, kind: Kind) -> Key {
    Key { name, meaning, kind, is_optional: true }
}

/// A number from `low` to `high`.
pub(crate) const fn number(name: &'static str, meaning: &'static str, low: f64, high: f64) -> Key {
    key(name, meaning, Kind::Number(low, high))
}

/// Keys of a table with one number from `$low` to `$high` per metric.
macro_rules! per_metric {
    ($low:expr, $high:expr) => {{
        const KEYS: &[$crate::keys::Key] = &[
            $crate::keys::number("cpu", "", $low, $high),
            $crate::keys::number("memory", "", $low, $high),
            $crate::keys::number("disk_io", "", $low, $high),
            $crate::keys::number("network", "", $low, $high),
        ];
        $crate::keys::Kind::Table(KEYS)
    }};
}
pub(crate) use per_metric;
