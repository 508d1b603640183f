//! `fleetcast scenario`.

use super::{answer, shown};
use crate::args::{Global, ScenarioCommand};
use fleetcast::sim::Scenario;
use fleetcast::{Error, profiles};

pub fn scenario(command: &ScenarioCommand, global: &Global) -> anyhow::Result<()> {
    match command {
        ScenarioCommand::List => {
            let scenarios: Vec<Scenario> = Scenario::NAMES
                .iter()
                .map(|name| Scenario::named(name))
                .collect::<Result<_, _>>()
                .map_err(Error::from)?;
            let lines = scenarios.iter().map(|s| format!("{:<14}{}\n", s.name(), s.description()));
            let values: Vec<_> = scenarios
                .iter()
                .map(|s| serde_json::json!({ "name": s.name(), "description": s.description() }))
                .collect();
            answer(global, &lines.collect::<String>(), &serde_json::Value::Array(values))
        }
        ScenarioCommand::Show { name } => {
            let text = Scenario::built_in_toml(name).map_err(Error::from)?;
            answer(global, text, &serde_json::json!({ "toml": text }))
        }
        ScenarioCommand::Check { file } => {
            let scenario = Scenario::from_toml(&profiles::read(file)?, &shown(file)).map_err(Error::from)?;
            let value = serde_json::json!({ "name": scenario.name(), "valid": true });
            answer(global, &format!("{}: scenario `{}` is valid", shown(file), scenario.name()), &value)
        }
    }
}
