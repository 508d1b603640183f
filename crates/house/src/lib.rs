//! The rules of the house: what the tests of this crate need to know about the workspace around it.
//!
//! ARCHITECTURE.md states the invariants in words; the tests here hold them. Nothing depends on this
//! crate, and it depends on no other of ours, so the rules are checked in seconds.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// A package of the workspace and what it declares to need.
#[derive(Clone, Debug)]
pub struct Package {
    /// Name in its `Cargo.toml`, for example `fleetcast-sim`.
    pub name: String,
    /// Folder of the package, relative to the root of the workspace.
    pub folder: String,
    /// Names of the packages it depends on: normal, build and development dependencies alike.
    pub needs: BTreeSet<String>,
}

/// A text file of the workspace.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Path relative to the root of the workspace, with `/` between folders.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl TextFile {
    /// The part of a Rust source that ships: everything before the file's own unit tests.
    pub fn shipped(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or("")
    }

    /// Lines (numbered from 1) of `text` in which one of `words` stands outside a comment, as `path:line: word`.
    pub fn lines_with(&self, text: &str, words: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            found.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", self.path, number + 1)),
            );
        }
        found
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this package lies in `crates/house`, two folders below the root")
}

/// The packages of the workspace as `cargo metadata` sees them, in alphabetical order.
///
/// # Errors
/// When cargo cannot be run or prints something that is not its metadata.
pub fn packages() -> io::Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let mut packages: Vec<Package> = metadata["packages"].as_array().into_iter().flatten().map(package).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn package(metadata: &serde_json::Value) -> Package {
    let manifest = PathBuf::from(metadata["manifest_path"].as_str().unwrap_or_default());
    let folder = manifest.parent().unwrap_or(&manifest);
    let needs = metadata["dependencies"].as_array().into_iter().flatten();
    Package {
        name: metadata["name"].as_str().unwrap_or_default().to_owned(),
        folder: relative(folder),
        needs: needs.filter_map(|need| need["name"].as_str()).map(str::to_owned).collect(),
    }
}

/// The text files below `folder` (relative to the root) with one of the `endings`, in alphabetical order.
///
/// Folders that hold what was built or fetched (`target`, `node_modules`, virtual environments, demo output, whatever
/// begins with a dot except `.ci`) are not looked into.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn text_files(folder: &str, endings: &[&str]) -> io::Result<Vec<TextFile>> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !is_made(name, &path) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push(TextFile { path: relative(&path), text: fs::read_to_string(&path)? });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_made(name: &str, path: &Path) -> bool {
    (name.starts_with('.') && name != ".ci")
        || ["target", "node_modules", "fleetcast-demo", "__pycache__"].contains(&name)
        || path.join("pyvenv.cfg").exists()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
