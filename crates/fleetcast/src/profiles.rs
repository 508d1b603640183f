//! Profiles and scenarios by name or from a file.

use crate::{Error, Result};
use fleetcast_sim::{Profile, Scenario};
use std::path::Path;

/// The built-in profile of this name, or the one in this file.
///
/// # Errors
/// When there is neither, or what the file holds makes no profile.
pub fn profile(name_or_file: &str) -> Result<Profile> {
    if is_file(name_or_file) {
        return Ok(Profile::from_toml(&read(Path::new(name_or_file))?, name_or_file)?);
    }
    Ok(Profile::named(name_or_file)?)
}

/// The built-in scenario of this name, or the one in this file.
///
/// # Errors
/// When there is neither, or what the file holds makes no scenario.
pub fn scenario(name_or_file: &str) -> Result<Scenario> {
    if is_file(name_or_file) {
        return Ok(Scenario::from_toml(&read(Path::new(name_or_file))?, name_or_file)?);
    }
    Ok(Scenario::named(name_or_file)?)
}

/// Names have no dots and no slashes.
fn is_file(name_or_file: &str) -> bool {
    name_or_file.contains(['.', '/'])
}

/// The text of a file.
///
/// # Errors
/// [`Error::Io`] with the file's name.
pub fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|source| Error::Io { file: file.display().to_string(), source })
}
