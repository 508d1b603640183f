//! The identity of a run: a hash of what was asked, of the data it was asked of, and of the program.

use crate::config::Config;
use fleetcast_core::Panel;
use fleetcast_numeric::stream::stable_hash;

/// Key of a run: equal for equal settings, equal telemetry and the same version, and for nothing else.
pub(crate) fn run_id(command: &str, config: &Config, panel: &Panel) -> String {
    // Where the lake and the report lie does not change what is in them.
    let settings = Config { lake: None, report: None, ..config.clone() };
    let mut bytes = format!("{command}\n{}\n{settings:?}\n", env!("CARGO_PKG_VERSION")).into_bytes();
    bytes.extend_from_slice(&telemetry_hash(panel).to_le_bytes());
    format!("{:016x}", stable_hash(&bytes))
}

/// A hash of every server and every value of a panel.
fn telemetry_hash(panel: &Panel) -> u64 {
    let mut bytes = Vec::new();
    let mut hash = 0_u64;
    for server in panel.servers() {
        hash ^= stable_hash(format!("{server:?}").as_bytes()).rotate_left(1);
    }
    for history in panel.histories() {
        bytes.clear();
        bytes.extend_from_slice(history.id().to_string().as_bytes());
        bytes.extend_from_slice(format!("{:?} {:?}", history.metric(), history.timeline()).as_bytes());
        bytes.extend(history.values().iter().flat_map(|v| v.to_bits().to_le_bytes()));
        hash = hash.rotate_left(5) ^ stable_hash(&bytes);
    }
    hash
}
