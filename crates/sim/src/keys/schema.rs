//! The trees of keys as JSON Schemas, so that an editor knows what the program checks.

use super::{Key, Kind};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use toml::Value;

/// What a JSON Schema is made of. Members keep their order, so that the text is the same everywhere.
enum Json {
    Text(String),
    Number(f64),
    Whole(i64),
    Flag(bool),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                serializer.serialize_i64(*number as i64)
            }
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(entries) => serializer.collect_seq(entries),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// The JSON Schema (draft 2020-12) of a file with these keys, as text. `defaults` holds what a key is when
/// the file does not give it.
pub(crate) fn json_schema(title: &str, keys: &'static [Key], defaults: &toml::Table) -> String {
    let mut members = vec![("$schema", text("https://json-schema.org/draft/2020-12/schema")), ("title", text(title))];
    members.extend(object(keys, Some(defaults), false));
    let mut text = serde_json::to_string_pretty(&Json::Object(members)).expect("texts, numbers and lists are JSON");
    text.push('\n');
    text
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

fn object(keys: &'static [Key], defaults: Option<&toml::Table>, is_entry: bool) -> Vec<(&'static str, Json)> {
    let property = |key: &Key| (key.name, Json::Object(property(key, defaults.and_then(|table| table.get(key.name)))));
    let mut members = vec![
        ("type", text("object")),
        ("additionalProperties", Json::Flag(false)),
        ("properties", Json::Object(keys.iter().map(property).collect())),
    ];
    if is_entry {
        let required = keys.iter().filter(|key| !key.is_optional).map(|key| text(key.name));
        members.push(("required", Json::List(required.collect())));
    }
    members
}

fn property(key: &Key, default: Option<&Value>) -> Vec<(&'static str, Json)> {
    let mut members = Vec::new();
    if !key.meaning.is_empty() {
        members.push(("description", text(key.meaning)));
    }
    members.extend(constraint(&key.kind, default));
    let plain = default.filter(|value| !value.is_table() && !value.is_array()).and_then(json);
    members.extend(plain.map(|value| ("default", value)));
    members
}

fn constraint(kind: &Kind, default: Option<&Value>) -> Vec<(&'static str, Json)> {
    let any_text = || ("type", text("string"));
    match *kind {
        Kind::Number(low, high) => {
            vec![("type", text("number")), ("minimum", Json::Number(low)), ("maximum", Json::Number(high))]
        }
        Kind::Whole(low, high) => {
            vec![("type", text("integer")), ("minimum", Json::Whole(low)), ("maximum", Json::Whole(high))]
        }
        Kind::Text => vec![any_text()],
        Kind::Id => vec![any_text(), ("pattern", text("^[A-Za-z0-9_-]+$"))],
        Kind::Zone => vec![any_text(), ("pattern", text("^[A-Za-z0-9_+/-]+$"))],
        Kind::Choice(names) => vec![("enum", Json::List(names.iter().map(|name| text(name)).collect()))],
        Kind::List(of, least, most) => vec![
            ("type", text("array")),
            ("minItems", Json::Whole(least as i64)),
            ("maxItems", Json::Whole(most as i64)),
            ("items", Json::Object(constraint(of, None))),
        ],
        Kind::Table(keys) => object(keys, default.and_then(Value::as_table), false),
        Kind::Tables(keys) => vec![
            ("type", text("array")),
            ("minItems", Json::Whole(1)),
            ("items", Json::Object(object(keys, None, true))),
        ],
    }
}

fn json(value: &Value) -> Option<Json> {
    match value {
        Value::String(text) => Some(Json::Text(text.clone())),
        Value::Integer(number) => Some(Json::Whole(*number)),
        Value::Float(number) => Some(Json::Number(*number)),
        Value::Boolean(flag) => Some(Json::Flag(*flag)),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
