//! What the program prints, word for word: standard output, standard error and exit code.
//!
//! Each case is a file in `tests/golden`; `FLEETCAST_REWRITE=1 cargo test -p fleetcast-cli` writes them anew.

use std::path::{Path, PathBuf};
use std::process::Command;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Runs the program in `folder`; the text of a golden file.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fleetcast"))
        .args(arguments)
        .current_dir(folder)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .replace(&here().join("data").display().to_string(), "DATA")
            .replace(&folder.display().to_string(), "FOLDER")
    };
    let code = output.status.code().map_or("killed".to_owned(), |code| code.to_string());
    format!(
        "$ fleetcast {}\n{}--- standard error\n{}--- exit code {code}\n",
        arguments.join(" "),
        text(&output.stdout),
        text(&output.stderr)
    )
    .replace(&here().join("data").display().to_string(), "DATA")
}

/// Compares runs, one after the other in one empty folder, with a golden file.
fn check(name: &str, runs: &[&[&str]]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path().canonicalize().expect("the folder is there");
    let got: String = runs.iter().map(|arguments| run(&folder, arguments)).collect();
    let file = here().join("golden").join(format!("{name}.txt"));
    if std::env::var_os("FLEETCAST_REWRITE").is_some() {
        std::fs::write(&file, &got).expect("golden files can be written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(got == expected, "{name} differs from {}:\n{got}", file.display());
}

fn data(file: &str) -> String {
    here().join("data").join(file).display().to_string()
}

#[test]
fn help_of_every_command() {
    let commands = [
        "demo",
        "run",
        "generate",
        "profile",
        "realism",
        "scenario",
        "ingest",
        "sql",
        "backtest",
        "forecast",
        "plan",
        "explain",
        "what-if",
        "consolidate",
        "review",
        "export",
        "report",
        "lake",
        "completions",
    ];
    let helps: Vec<Vec<&str>> = commands.iter().map(|command| vec![*command, "--help"]).collect();
    let runs: Vec<&[&str]> = std::iter::once(["--help"].as_slice()).chain(helps.iter().map(Vec::as_slice)).collect();
    check("help", &runs);
}

#[test]
fn wrong_use_is_told_from_failure() {
    check(
        "wrong-use",
        &[
            &["forcast"],
            &["backtest"],
            &["demo", "--threads", "0"],
            &["generate", "--format", "csv", "--lake", "l"],
            &["generate", "--format", "influx"],
            &["generate", "--format", "influx", "--out", "o", "--partition", "month"],
            &["generate", "--format", "csv", "--out", "o", "--tables", "samples,truths"],
            &["generate", "--lake", "l", "--partition", "month"],
            &["sql", "--lake", "nowhere", "select 1"],
            &["generate", "--lake", "l", "--step", "minute"],
            &["generate", "--lake", "l", "--servers", "0"],
            &["run", "--lake", "l", "--threshold", "120"],
            &["run", "--config", &data("misspelt.toml")],
            &["profile", "show", "databse"],
            &["backtest", "--series", "missing.csv"],
            &["backtest", "--series", &data("two-servers.csv")],
        ],
    );
}

#[test]
fn series_are_told_by_what_they_are_like() {
    check("diagnose", &[&["--quiet", "backtest", "--series", &data("four-series.csv"), "--diagnose"]]);
}

#[test]
fn a_folder_that_no_demo_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let out = folder.path().display().to_string();
    let got = run(folder.path(), &["demo", "--out", &out]);
    assert!(got.contains("exists and was not made by `fleetcast demo`") && got.ends_with("--- exit code 1\n"), "{got}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is added");
}

#[test]
fn a_failed_ingest_leaves_no_new_lake_behind() {
    let folder = tempfile::tempdir().unwrap();
    let got = run(folder.path(), &["--quiet", "ingest", "--lake", "new", "csv", &data("bad-row.csv")]);
    assert!(got.ends_with("--- exit code 1\n"), "{got}");
    assert!(!folder.path().join("new").exists());
}

#[test]
fn from_a_csv_file_to_answers() {
    let file = data("two-servers.csv");
    check(
        "own-telemetry",
        &[
            &["--quiet", "ingest", "--lake", "l", "csv", &file, "--timezone", "Europe/London"],
            &["--quiet", "ingest", "--lake", "l", "csv", &file, "--timezone", "Europe/London"],
            &["--quiet", "ingest", "--lake", "l", "csv", &data("bad-row.csv")],
            &[
                "sql",
                "--lake",
                "l",
                "select server_id, date, n_samples, round(cpu_p95, 6) p95 from daily where date between '2024-03-30' and '2024-04-01' order by 1, 2",
            ],
            &["--quiet", "run", "--lake", "l"],
            &[
                "sql",
                "--lake",
                "l",
                "--format",
                "csv",
                "select server_id, metric, threshold, state, class from risks where min_days = 1 order by 1, 2, 3",
            ],
            &["sql", "--lake", "l", "drop table daily"],
            &["sql", "--lake", "l", "select * from dayly"],
            &["generate", "--lake", "l", "--servers", "2", "--days", "10"],
        ],
    );
}

#[test]
fn what_was_said_is_held_against_what_came() {
    let generate = |days: &'static str| ["--quiet", "generate", "--lake", "l", "--servers", "8", "--days", days];
    let scores = "select slice, score, round(value, 4) v from scores where slice like '%metric cpu' order by 1, 2";
    check(
        "review",
        &[
            &generate("500"),
            &["--quiet", "review", "--lake", "l"],
            &["--quiet", "plan", "--lake", "l"],
            &["--quiet", "review", "--lake", "l"],
            &generate("540"),
            &["--quiet", "review", "--lake", "l"],
            &["sql", "--lake", "l", scores],
        ],
    );
}

#[test]
fn what_is_decided_stays_in_the_plans_until_it_is_revoked() {
    let (growth, undated) = (data("growth.toml"), data("undated.toml"));
    let risk = "select count(*) n, round(sum(p_90), 2) p from risks r join (select run_id from runs where command = \
                'plan' order by finished desc limit 1) using (run_id) where threshold = 80 and min_days = 1 and metric = 'cpu'";
    let ask = ["sql", "--lake", "l", "--format", "csv", risk];
    let plan = ["--quiet", "plan", "--lake", "l"];
    check(
        "committed",
        &[
            &["--quiet", "generate", "--lake", "l", "--servers", "10", "--days", "500"],
            &plan,
            &ask,
            &["--quiet", "what-if", "--lake", "l", &undated, "--commit"],
            &["--quiet", "what-if", "--lake", "l", &growth, "--commit"],
            &["what-if", "--lake", "l", "--committed"],
            &plan,
            &ask,
            &["what-if", "--lake", "l", "--revoke", "web"],
            &["what-if", "--lake", "l", "--revoke", "web grows by half"],
            &["what-if", "--lake", "l", "--committed"],
            &plan,
            &ask,
            &["what-if", "--lake", "l"],
            &["--quiet", "consolidate", "--lake", "l"],
            &["--quiet", "explain", "--lake", "l", "--server", "web-0001"],
            &["--quiet", "explain", "--lake", "l", "--server", "batch-001"],
            &["--quiet", "export", "--lake", "l", "recommendations", "--out", "sizes.xlsx"],
            &["--quiet", "export", "--lake", "l", "compute-optimizer", "--out", "ours.csv"],
        ],
    );
}

#[test]
fn profile_and_scenario_files_are_checked_and_repaired() {
    let (mine, calm, misspelt) = (data("mine.toml"), data("calm.toml"), data("misspelt.toml"));
    check(
        "profile-files",
        &[
            &["profile", "list"],
            &["profile", "check", &mine],
            &["profile", "check", &mine, "--repair", "nearest", "--out", "sound.toml"],
            &["profile", "check", "sound.toml"],
            &["profile", "check", &mine, "--repair", "nearest"],
            &["profile", "check", &mine, "--out", "sound.toml"],
            &["profile", "check", &misspelt],
            &["profile", "show", "sound.toml", "--plot", "sound.svg"],
            &["profile", "show", "web", "--plot", "web.pdf"],
            &["scenario", "list"],
            &["scenario", "check", &calm],
            &["scenario", "check", "nowhere.toml"],
            &["scenario", "show", "enterprize"],
        ],
    );
}

#[test]
fn a_profile_is_learned_and_two_servers_are_too_few_to_compare() {
    let file = data("two-servers.csv");
    check(
        "learn",
        &[
            &["--quiet", "profile", "fit", "--input", &file, "--out", "vm.toml", "--scenario-out", "vms.toml"],
            &["profile", "check", "vm.toml"],
            &["scenario", "check", "vms.toml"],
            &["--quiet", "profile", "fit", "--input", "nowhere.csv", "--out", "no.toml"],
            &["--quiet", "realism", "--real", &file, "--synthetic", &file],
        ],
    );
}
