//! The note that lets a killed change of several tables be taken back.

use crate::store::Store;
use crate::{Error, Result, Table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folder of the lake's own files: the marker, the lock and the journal.
pub(crate) const OWN_FOLDER: &str = "_fleetcast";

/// The versions of the tables before a change that is being committed.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    versions: BTreeMap<Table, u64>,
}

fn path_in(root: &Path) -> PathBuf {
    root.join(OWN_FOLDER).join("pending.json")
}

impl Journal {
    /// Notes the versions before the first commit of a change.
    pub(crate) fn write(store: &Store, versions: BTreeMap<Table, u64>) -> Result<Self> {
        let path = path_in(&store.root);
        // A change of one table is atomic by itself.
        if versions.len() > 1 {
            let named: BTreeMap<&str, u64> = versions.iter().map(|(table, version)| (table.name(), *version)).collect();
            let text = serde_json::json!({ "versions_before": named }).to_string();
            // Written aside and renamed, so that a journal is never half there.
            let aside = path.with_extension("json.new");
            let written = std::fs::File::create(&aside).and_then(|mut file| {
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(Error::io("write", &aside))?;
            std::fs::rename(&aside, &path).map_err(Error::io("write", &path))?;
        }
        Ok(Self { path, versions })
    }

    /// The journal a killed change has left; `None` when there is none.
    pub(crate) fn left_in(root: &Path) -> Result<Option<Self>> {
        let path = path_in(root);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let unreadable = |reason: String| Error::Unreadable { file: path.clone(), kind: "journal", reason };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
        let named =
            value["versions_before"].as_object().ok_or_else(|| unreadable("it names no versions".to_owned()))?;
        let mut versions = BTreeMap::new();
        for (name, version) in named {
            let version =
                version.as_u64().ok_or_else(|| unreadable(format!("the version of `{name}` is no number")))?;
            versions.insert(Table::named(name)?, version);
        }
        Ok(Some(Self { path, versions }))
    }

    /// Takes every table back to where it was.
    pub(crate) fn roll_back(self, store: &Store) -> Result<()> {
        for (table, version) in &self.versions {
            store.wait(store.restore(*table, *version))?;
        }
        self.done()
    }

    /// Forgets the journal, because all tables have been committed or taken back.
    pub(crate) fn done(self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &self.path)(error)),
            _ => Ok(()),
        }
    }
}
