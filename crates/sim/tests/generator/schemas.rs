//! The JSON Schemas of profiles and scenarios: current, and of one mind with the checks.

use fleetcast_sim::{Profile, Scenario};

/// `FLEETCAST_REWRITE=1` writes the committed schemas anew.
#[test]
fn the_committed_schemas_are_those_of_the_checks() {
    for (name, schema) in [("profile", Profile::json_schema()), ("scenario", Scenario::json_schema())] {
        let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("FLEETCAST_REWRITE").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == schema, "{path} is out of date; FLEETCAST_REWRITE=1 writes it anew");
    }
}
