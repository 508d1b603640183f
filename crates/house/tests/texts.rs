//! What no file of the project may contain, and what the project may not be without.

use fleetcast_house::{TextFile, packages, root, text_files};

/// Longest file of code, in lines. One file has one subject; a longer one has two.
const MOST_LINES: usize = 700;

const CODE: [&str; 5] = [".rs", ".py", ".sh", ".mjs", ".js"];

/// Crates whose results are functions of their arguments: no clock may reach them.
const TIMELESS: [&str; 7] = ["core", "numeric", "sim", "models", "plan", "report", "realism"];

const CLOCKS: [&str; 5] = ["SystemTime", "Instant::now", "Zoned::now", "Timestamp::now", "TimeZone::system"];

/// Elementary functions of the platform, whose last bit differs between machines. `sqrt`, `abs`, `floor` and
/// `mul_add` are exact by IEEE 754 and stay allowed.
const PLATFORM_MATHS: [&str; 25] = [
    "f64::exp",
    "f64::ln",
    "f64::log",
    "f64::pow",
    "f64::sin",
    "f64::cos",
    "f64::tan",
    ".exp()",
    ".exp2()",
    ".exp_m1()",
    ".ln()",
    ".ln_1p()",
    ".log10()",
    ".log2()",
    ".powf(",
    ".sin()",
    ".cos()",
    ".tan()",
    ".sin_cos()",
    ".atan(",
    ".atan2(",
    ".tanh()",
    ".sinh()",
    ".cbrt()",
    ".hypot(",
];

fn files(endings: &[&str]) -> Vec<TextFile> {
    text_files("", endings).expect("the files of the workspace can be read")
}

/// The sources a crate ships: not its tests, benches or examples.
fn sources(of: &str) -> Vec<TextFile> {
    text_files(&format!("crates/{of}/src"), &[".rs"]).expect("every crate has sources")
}

#[test]
fn no_file_of_code_is_too_long() {
    let long: Vec<String> = files(&CODE)
        .iter()
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "over {MOST_LINES} lines: {long:#?}");
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    let folders = ["work", "tmp", "home", "root", "Users", "farm"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for file in files(&[".rs", ".py", ".sh", ".mjs", ".md", ".toml", ".json", ".html", ".css", ".slt"]) {
        for (number, line) in file.text.lines().enumerate() {
            for folder in &folders {
                // `a/tmp/b` and `https://host/work/` are other things; a path of a machine begins at the root.
                let begins = line.match_indices(folder.as_str()).any(|(at, _)| {
                    !line[..at]
                        .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*' | '/'))
                });
                if begins {
                    found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_silenced_or_left_for_later() {
    let words = [
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("#[", "ignore"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    let found: Vec<String> = files(&[".rs"]).iter().flat_map(|file| file.lines_with(&file.text, &words)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_clock_reaches_the_crates_that_are_functions_of_their_arguments() {
    let found: Vec<String> =
        TIMELESS.iter().flat_map(|of| sources(of)).flat_map(|file| file.lines_with(file.shipped(), &CLOCKS)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_function_of_the_platform_reaches_a_number() {
    let crates = packages().expect("cargo describes this workspace");
    let found: Vec<String> = crates
        .iter()
        .filter_map(|package| package.folder.strip_prefix("crates/"))
        .flat_map(sources)
        .flat_map(|file| file.lines_with(file.shipped(), &PLATFORM_MATHS))
        .collect();
    assert!(found.is_empty(), "use `numeric::math` instead: {found:#?}");
}

#[test]
fn the_papers_of_the_house_are_there() {
    let papers = [
        ("LICENSE-APACHE", "Apache License"),
        ("LICENSE-MIT", "MIT License"),
        ("README.md", "# Fleetcast"),
        ("ARCHITECTURE.md", "# Architecture"),
        ("CONTRIBUTING.md", "# Contributing"),
        ("CHANGELOG.md", "## [Unreleased]"),
        ("deny.toml", "[licenses]"),
        ("Cargo.lock", "[[package]]"),
    ];
    for (name, words) in papers {
        let text = std::fs::read_to_string(root().join(name)).unwrap_or_default();
        assert!(text.contains(words), "`{name}` is missing or does not say `{words}`");
    }
}

#[test]
fn the_code_map_names_every_crate() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    for package in packages().expect("cargo describes this workspace") {
        assert!(map.contains(&format!("`{}`", package.folder)), "ARCHITECTURE.md does not name `{}`", package.folder);
    }
}
