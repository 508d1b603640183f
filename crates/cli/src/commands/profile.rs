//! `fleetcast profile`.

use super::{answer, shown};
use crate::args::{FileKind, Global, ProfileCommand};
use fleetcast::fit::{FitRequest, fit_profile};
use fleetcast::sim::{Fit, Profile, RepairedCell, Scenario};
use fleetcast::{Context, Error, pictures, profiles};
use std::path::Path;

pub fn profile(command: &ProfileCommand, global: &Global, context: &Context) -> anyhow::Result<()> {
    match command {
        ProfileCommand::List => list(global),
        ProfileCommand::Show { name, plot: Some(file) } => plot(name, file, global),
        ProfileCommand::Show { name, plot: None } => {
            let text = profiles::profile(name)?.to_toml();
            answer(global, &text, &serde_json::json!({ "toml": text }))
        }
        ProfileCommand::Check { file, repair, out } => match repair {
            Some(_) => repaired(file, out.as_deref(), global),
            None => check(file, global),
        },
        ProfileCommand::Schema { of } => {
            let text = match of {
                FileKind::Profile => Profile::json_schema(),
                FileKind::Scenario => Scenario::json_schema(),
            };
            answer(global, &text, &serde_json::from_str(&text)?)
        }
        ProfileCommand::Fit { input, out, scenario_out, name, timezone } => {
            let request = FitRequest {
                input: input.clone(),
                name: name.clone(),
                out: out.clone(),
                scenario_out: scenario_out.clone(),
                timezone: timezone.clone(),
            };
            fitted(&request, global, context)
        }
    }
}

fn list(global: &Global) -> anyhow::Result<()> {
    let profiles: Vec<Profile> =
        Profile::NAMES.iter().map(|name| Profile::named(name)).collect::<Result<_, _>>().map_err(Error::from)?;
    let lines = profiles.iter().map(|p| format!("{:<14}{}\n", p.name(), p.description()));
    let values: Vec<_> =
        profiles.iter().map(|p| serde_json::json!({ "name": p.name(), "description": p.description() })).collect();
    answer(global, &lines.collect::<String>(), &serde_json::Value::Array(values))
}

fn plot(name: &str, file: &Path, global: &Global) -> anyhow::Result<()> {
    let n_figures = pictures::write_profile_pictures(&profiles::profile(name)?, file)?;
    let value = serde_json::json!({ "file": shown(file), "figures": n_figures });
    answer(global, &format!("{}: {n_figures} figures", shown(file)), &value)
}

fn check(file: &Path, global: &Global) -> anyhow::Result<()> {
    let profile = Profile::from_toml(&profiles::read(file)?, &shown(file)).map_err(Error::from)?;
    let value = serde_json::json!({ "name": profile.name(), "valid": true });
    answer(global, &format!("{}: profile `{}` is valid", shown(file), profile.name()), &value)
}

/// The profile with the nearest correlation matrix: to `out`, and what changed to standard output; without
/// `out` both to standard output, what changed as comments.
fn repaired(file: &Path, out: Option<&Path>, global: &Global) -> anyhow::Result<()> {
    let (profile, cells) = Profile::repaired(&profiles::read(file)?, &shown(file)).map_err(Error::from)?;
    let changes: Vec<String> = match cells.is_empty() {
        true => vec![format!("{}: nothing to repair", shown(file))],
        false => cells.iter().map(|cell| change(file, cell)).collect(),
    };
    let toml = profile.to_toml();
    let text = match out {
        Some(out) => {
            std::fs::write(out, &toml).map_err(|source| Error::Io { file: shown(out), source })?;
            changes.join("\n")
        }
        None => changes.iter().map(|line| format!("# {line}\n")).chain([toml.clone()]).collect(),
    };
    let cells =
        cells.iter().map(|cell| serde_json::json!({ "metrics": cell.metrics, "from": cell.from, "to": cell.to }));
    let value = serde_json::json!({ "name": profile.name(), "changed": cells.collect::<Vec<_>>(), "toml": toml });
    answer(global, &text, &value)
}

fn change(file: &Path, cell: &RepairedCell) -> String {
    let [one, other] = cell.metrics;
    format!("{}: `correlation.matrix`: {one} and {other} from {} to {:.4}", shown(file), cell.from, cell.to)
}

fn fitted(request: &FitRequest, global: &Global, context: &Context) -> anyhow::Result<()> {
    let fit = fit_profile(request, context)?;
    let refused = fit.refused.iter().map(|(key, why)| serde_json::json!({ "key": key, "reason": why }));
    let value = serde_json::json!({
        "profile": shown(&request.out),
        "scenario": request.scenario_out.as_deref().map(shown),
        "servers": fit.n_servers,
        "days": fit.n_days,
        "not_fitted": refused.collect::<Vec<_>>(),
    });
    answer(global, &told(&fit, &shown(&request.out)), &value)
}

/// What was learned, and what was not.
fn told(fit: &Fit, place: &str) -> String {
    let mut text = format!("{place}: fitted to {} servers over {} days\n", fit.n_servers, fit.n_days);
    fit.refused.iter().for_each(|(key, why)| text.push_str(&format!("{key} keeps its default: {why}\n")));
    text
}
