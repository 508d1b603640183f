//! `fleetcast profile`.

use super::{answer, shown};
use crate::args::{Global, ProfileCommand};
use anyhow::Context as _;
use fleetcast::Error;
use fleetcast::sim::Profile;

pub fn profile(command: &ProfileCommand, global: &Global) -> anyhow::Result<()> {
    match command {
        ProfileCommand::List => {
            let profiles: Vec<Profile> = Profile::NAMES
                .iter()
                .map(|name| Profile::named(name))
                .collect::<Result<_, _>>()
                .map_err(Error::from)?;
            let lines = profiles.iter().map(|p| format!("{:<14}{}\n", p.name(), p.description()));
            let values: Vec<_> = profiles
                .iter()
                .map(|p| serde_json::json!({ "name": p.name(), "description": p.description() }))
                .collect();
            answer(global, &lines.collect::<String>(), &serde_json::Value::Array(values))
        }
        ProfileCommand::Show { name } => {
            let text = Profile::named(name).map_err(Error::from)?.to_toml();
            answer(global, &text, &serde_json::json!({ "toml": text }))
        }
        ProfileCommand::Check { file } => {
            let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", shown(file)))?;
            let profile = Profile::from_toml(&text, &shown(file)).map_err(Error::from)?;
            let value = serde_json::json!({ "name": profile.name(), "valid": true });
            answer(global, &format!("{}: profile `{}` is valid", shown(file), profile.name()), &value)
        }
    }
}
