//! Every key of a profile and of a scenario: misspelt, of the wrong type, out of range, missing.

use super::{Key, Kind, PROFILE, SCENARIO};
use crate::settings::Source;
use crate::{Profile, Scenario};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// A file of one of the two kinds.
struct Sort {
    keys: &'static [Key],
    read: fn(&str) -> Result<(), String>,
}

const SORTS: [Sort; 2] = [
    Sort { keys: PROFILE, read: |text| Profile::from_toml(text, "f.toml").map(|_| ()).map_err(|e| e.to_string()) },
    Sort { keys: SCENARIO, read: |text| Scenario::from_toml(text, "f.toml").map(|_| ()).map_err(|e| e.to_string()) },
];

/// A value that the kind allows.
fn allowed(kind: &Kind) -> Value {
    match *kind {
        Kind::Number(low, high) => Value::Float(0.5 * (low + high)),
        Kind::Whole(low, _) => Value::Integer(low),
        Kind::Text | Kind::Id => Value::String("x".to_owned()),
        Kind::Zone => Value::String("Europe/London".to_owned()),
        Kind::Choice(names) => Value::String(names[0].to_owned()),
        Kind::List(of, least, _) => Value::Array(vec![allowed(of); least.max(1)]),
        Kind::Table(keys) => Value::Table(full(keys)),
        Kind::Tables(keys) => Value::Array(vec![Value::Table(full(keys))]),
    }
}

fn full(keys: &[Key]) -> Table {
    keys.iter().map(|key| (key.name.to_owned(), allowed(&key.kind))).collect()
}

/// Values of another type, and how the error says them.
fn of_another_type(kind: &Kind) -> Vec<(Value, &'static str)> {
    let text = (Value::String("much".to_owned()), "the text \"much\"");
    let number = (Value::Integer(3), "the number 3");
    let flag = (Value::Boolean(true), "the truth value true");
    let list = (Value::Array(vec![]), "an empty list");
    let table = (Value::Table(Table::new()), "a table");
    match kind {
        Kind::Number(..) => vec![text, flag, list, table],
        Kind::Whole(..) => vec![text, (Value::Float(1.5), "the number 1.5"), flag],
        Kind::Text | Kind::Id | Kind::Zone | Kind::Choice(_) => vec![number, flag, list, table],
        Kind::List(..) => vec![text, number, table],
        Kind::Table(_) => vec![text, number, list],
        Kind::Tables(_) => vec![text, number, table],
    }
}

/// Values of the right type that the kind does not allow, and how the error says them.
fn outside(kind: &Kind) -> Vec<(Value, String)> {
    let number = |value: f64| (Value::Float(value), value.to_string());
    let text = |value: &str| (Value::String(value.to_owned()), format!("\"{value}\""));
    match *kind {
        Kind::Number(low, high) => vec![
            number(low - 0.25 - low.abs()),
            number(high + 0.25 + high.abs()),
            number(f64::INFINITY),
            (Value::Float(f64::NAN), "not a number".to_owned()),
        ],
        Kind::Whole(low, high) => {
            [low - 1, high + 1, i64::MAX].map(|value| (Value::Integer(value), value.to_string())).to_vec()
        }
        Kind::Id => vec![text(""), text("two words"), text("é")],
        Kind::Zone => vec![(Value::String("Mars/Olympus".to_owned()), "`Mars/Olympus`".to_owned())],
        Kind::Choice(names) => vec![(Value::String(format!("{}x", names[0])), format!("did you mean `{}`", names[0]))],
        Kind::List(of, least, most) => {
            let lengths = [least.checked_sub(1), Some(most + 1)].into_iter().flatten();
            let list = |n: usize| {
                let said = if n == 0 { "an empty list".to_owned() } else { format!("a list of {n}") };
                (Value::Array(vec![allowed(of); n]), said)
            };
            lengths.map(list).collect()
        }
        Kind::Tables(_) => vec![(Value::Array(vec![]), "an empty list".to_owned())],
        Kind::Text | Kind::Table(_) => vec![],
    }
}

/// Every key with the path to its table. Lists lead to their first entry.
fn every_key(keys: &'static [Key], path: &str, found: &mut Vec<(String, &'static Key)>) {
    for key in keys {
        let here = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        found.push((path.to_owned(), key));
        match key.kind {
            Kind::Table(inner) => every_key(inner, &here, found),
            Kind::Tables(inner) => every_key(inner, &format!("{here}[0]"), found),
            _ => {}
        }
    }
}

/// A file that is right but for one value: `name = value` in the table at `path`; `None` leaves the key out.
fn file(keys: &[Key], path: &str, key: &Key, name: &str, value: Option<&Value>) -> String {
    let mut root = Table::new();
    let mut table = &mut root;
    let mut keys = keys;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let part = part.trim_end_matches("[0]");
        let step = keys.iter().find(|key| key.name == part).expect("the path is one of keys");
        let inner = match step.kind {
            Kind::Table(inner) => {
                keys = inner;
                table.entry(part).or_insert_with(|| Value::Table(Table::new()))
            }
            Kind::Tables(inner) => {
                keys = inner;
                table.insert(part.to_owned(), allowed(&step.kind));
                &mut table[part][0]
            }
            _ => panic!("{part} leads nowhere"),
        };
        table = inner.as_table_mut().expect("it was made a table");
    }
    table.remove(key.name);
    if let Some(value) = value {
        table.insert(name.to_owned(), value.clone());
    }
    toml::to_string(&root).expect("a table is TOML")
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Expects an error with the file, the line of the key, the key, what was found and what would do.
fn expect(sort: &Sort, text: &str, key: &str, says: &[&str]) {
    let error = (sort.read)(text).expect_err(&format!("{key} is wrong in\n{text}"));
    let name = key.rsplit('.').next().unwrap_or(key);
    let line = |line: &str| line.trim_start().starts_with(name) || line.trim_matches(['[', ']']).ends_with(name);
    let line = text.lines().position(line).map_or(String::new(), |at| format!("f.toml, line {}: ", at + 1));
    for part in [line.as_str(), key].iter().chain(says) {
        assert!(error.contains(part), "`{part}` is missing in\n{error}\nfor\n{text}");
    }
}

#[test]
fn every_key_misspelt_finds_itself() {
    for sort in &SORTS {
        let mut keys = Vec::new();
        every_key(sort.keys, "", &mut keys);
        assert!(keys.len() > 30);
        for (path, key) in keys {
            // The first letter twice: no other key is nearer.
            let name = format!("{}{}", &key.name[..1], key.name);
            let text = file(sort.keys, &path, key, &name, Some(&allowed(&key.kind)));
            let nearest = format!("did you mean `{}`, {}?", key.name, key.kind.allowed());
            expect(sort, &text, &joined(&path, &name), &["unknown key", &nearest]);
        }
    }
}

#[test]
fn every_key_of_another_type_is_refused() {
    for sort in &SORTS {
        let mut keys = Vec::new();
        every_key(sort.keys, "", &mut keys);
        for (path, key) in keys {
            for (value, said) in of_another_type(&key.kind) {
                let text = file(sort.keys, &path, key, key.name, Some(&value));
                let must = format!("is {said}, it must be {}", key.kind.allowed());
                expect(sort, &text, &joined(&path, key.name), &[&must]);
            }
        }
    }
}

#[test]
fn every_key_out_of_range_is_refused() {
    for sort in &SORTS {
        let mut keys = Vec::new();
        every_key(sort.keys, "", &mut keys);
        for (path, key) in keys {
            for (value, said) in outside(&key.kind) {
                let text = file(sort.keys, &path, key, key.name, Some(&value));
                let must = format!("it must be {}", key.kind.allowed());
                let is_name = matches!(key.kind, Kind::Zone | Kind::Choice(_));
                expect(sort, &text, &joined(&path, key.name), &[&said, if is_name { &said } else { &must }]);
            }
            // A value at fault within a list is named with its place.
            if let Kind::List(of @ (Kind::Number(..) | Kind::Choice(_)), least, _) = key.kind {
                for (value, said) in outside(of) {
                    let mut list = vec![allowed(of); least.max(1)];
                    list[0] = value;
                    let text = file(sort.keys, &path, key, key.name, Some(&Value::Array(list)));
                    expect(sort, &text, &format!("{}[0]", joined(&path, key.name)), &[&said]);
                }
            }
        }
    }
}

#[test]
fn every_key_an_entry_lacks_is_named() {
    let mut keys = Vec::new();
    every_key(SCENARIO, "", &mut keys);
    let mut n_missing = 0;
    for (path, key) in keys.iter().filter(|(path, key)| path.ends_with(']') && !key.is_optional) {
        let text = file(SCENARIO, path, key, key.name, None);
        let error = (SORTS[1].read)(&text).expect_err("a key is missing");
        let says = format!("`{path}.{}` is missing, it must be {}", key.name, key.kind.allowed());
        assert!(error.starts_with("f.toml, line ") && error.contains(&says), "{error}");
        n_missing += 1;
    }
    assert!(n_missing > 10);
}

/// What is read knows no key that the tree does not: serde names the keys it expects when it meets another.
fn reads_nothing_else<T: serde::de::DeserializeOwned>(keys: &'static [Key]) {
    let mut all = Vec::new();
    every_key(keys, "", &mut all);
    for (path, key) in &all {
        let siblings = all.iter().filter(|(other, _)| other == path).map(|(_, key)| key.name);
        let mut root = full(keys);
        let mut table = &mut root;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let inner = &mut table[part.trim_end_matches("[0]")];
            let inner = if part.ends_with(']') { &mut inner[0] } else { inner };
            table = inner.as_table_mut().expect("the path leads through tables");
        }
        table.insert("bogus".to_owned(), Value::Integer(0));
        let error = root.try_into::<T>().err().expect("a bogus key is refused").to_string();
        let expected: BTreeSet<&str> =
            error.split('`').skip(3).step_by(2).take_while(|name| !name.contains('.')).collect();
        let known: BTreeSet<&str> = siblings.collect();
        assert!(known.is_subset(&expected) && expected.len() <= known.len() + 1, "beside {}: {error}", key.name);
    }
}

#[test]
fn the_trees_hold_exactly_the_keys_that_are_read() {
    let source = Source::default();
    source.fill::<crate::profile::Raw>(full(PROFILE)).expect("every key of the tree is a key of a profile");
    source.fill::<crate::scenario::Raw>(full(SCENARIO)).expect("every key of the tree is a key of a scenario");
    reads_nothing_else::<crate::profile::Raw>(PROFILE);
    reads_nothing_else::<crate::scenario::Raw>(SCENARIO);
    // The built-in files are refused when they hold a key that the tree has not; and they show every one
    // that has a default.
    let text = include_str!("../../scenarios/enterprise.toml");
    let enterprise: Value = toml::from_str::<Table>(text).unwrap().into();
    let mut keys = Vec::new();
    every_key(SCENARIO, "", &mut keys);
    let names: BTreeSet<String> = keys
        .iter()
        .filter(|(path, key)| {
            let table = path.split('.').filter(|part| !part.is_empty()).try_fold(&enterprise, |table, part| {
                let inner = table.get(part.trim_end_matches("[0]"))?;
                if part.ends_with(']') { inner.get(0) } else { Some(inner) }
            });
            !key.is_optional && table.and_then(|table| table.get(key.name)).is_none()
        })
        .map(|(path, key)| joined(path, key.name))
        .collect();
    assert!(names.is_empty(), "enterprise.toml does not give {names:?}");
}
