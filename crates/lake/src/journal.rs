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

#[cfg(test)]
mod tests {
    use crate::{Error, Lake, Mode, Table, metrics_frame, servers_frame};
    use fleetcast_core::{Metric, Server};

    /// Begins a change of two tables whose first commit is followed by `after`.
    fn change(lake: &Lake, after: impl Fn(Table) -> crate::Result<()>) -> crate::Result<()> {
        let change = lake.begin()?;
        change.write(Table::Metrics, &metrics_frame(&[Metric::named("memory")])?, &Mode::Append)?;
        change.write(Table::Servers, &servers_frame(&[Server::new("web-2")?])?, &Mode::Append)?;
        change.commit_then(after)
    }

    fn filled_lake(path: &std::path::Path) -> Lake {
        let lake = Lake::create(path).unwrap();
        let change = lake.begin().unwrap();
        change.write(Table::Metrics, &metrics_frame(&[Metric::named("cpu")]).unwrap(), &Mode::Replace).unwrap();
        change
            .write(Table::Servers, &servers_frame(&[Server::new("web-1").unwrap()]).unwrap(), &Mode::Replace)
            .unwrap();
        change.commit().unwrap();
        lake
    }

    fn contents(lake: &Lake) -> (usize, usize) {
        (lake.servers().unwrap().len(), lake.metrics().unwrap().len())
    }

    #[test]
    fn a_commit_that_fails_takes_the_others_back() {
        let folder = tempfile::tempdir().unwrap();
        let lake = filled_lake(folder.path());
        let error = change(&lake, |table| match table {
            Table::Metrics => Err(Error::Query { reason: "no space left".to_owned() }),
            _ => Ok(()),
        });
        assert!(error.is_err());
        assert_eq!(contents(&lake), (1, 1));
        assert!(super::Journal::left_in(lake.path()).unwrap().is_none());
        change(&lake, |_| Ok(())).unwrap();
        assert_eq!(contents(&lake), (2, 2));
    }

    /// The child of the test below: it dies between two commits.
    #[test]
    fn dies_between_two_commits() {
        let Ok(path) = std::env::var("FLEETCAST_TEST_DYING_LAKE") else { return };
        let lake = Lake::open(path).unwrap();
        let _ = change(&lake, |_| std::process::abort());
    }

    #[test]
    fn a_killed_change_is_taken_back_by_the_next_command() {
        let folder = tempfile::tempdir().unwrap();
        let lake = filled_lake(folder.path());
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "journal::tests::dies_between_two_commits", "--test-threads=1"]);
        child.env("FLEETCAST_TEST_DYING_LAKE", folder.path());
        let output = child.output().unwrap();
        assert!(!output.status.success(), "the child must die");
        assert!(super::Journal::left_in(lake.path()).unwrap().is_some(), "it must die after its first commit");
        assert_eq!(contents(&lake), (2, 1), "half of the change is there until the lake is opened again");
        let lake = Lake::open(folder.path()).unwrap();
        assert_eq!(contents(&lake), (1, 1));
        change(&lake, |_| Ok(())).unwrap();
        assert_eq!(contents(&lake), (2, 2));
    }
}
