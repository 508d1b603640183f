//! Where the files of a table go, and how text gets there: complete or not at all.

use super::months::Month;
use super::order::Queue;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One file, or one folder with a folder per month, under another name until it is complete.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    temporary: PathBuf,
    /// Name of the files in the folders of the months; `None` for a single file.
    leaf: Option<String>,
}

impl Place {
    /// A single file.
    pub(crate) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), temporary: with_suffix(path, ".new"), leaf: None }
    }

    /// A folder with a folder per month, and in each of these one file of this ending.
    pub(crate) fn months(path: &Path, ending: &str) -> Self {
        let mut place = Self::file(path);
        place.leaf = Some(format!("part-0.{ending}"));
        place
    }

    /// Whether it is a folder of months.
    pub(crate) fn is_spread(&self) -> bool {
        self.leaf.is_some()
    }

    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file to write the rows of a month to; the folders above it are made.
    pub(crate) fn begin(&self, month: Option<Month>) -> Result<PathBuf> {
        let path = self.of(month);
        if let (Some(_), Some(parent)) = (month, path.parent()) {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        File::create(&path).map_err(Error::io("write", self.shown(&path)))?;
        Ok(path)
    }

    /// The file of a month that was begun.
    pub(crate) fn of(&self, month: Option<Month>) -> PathBuf {
        match (month, &self.leaf) {
            (Some(month), Some(leaf)) => self.temporary.join(month.to_string()).join(leaf),
            _ => self.temporary.clone(),
        }
    }

    /// What a message calls a file: by the name it will have, where that is known.
    pub(crate) fn shown<'a>(&'a self, path: &'a Path) -> &'a Path {
        if path == self.temporary { &self.path } else { path }
    }

    /// Gives everything written its name; what had the name before is gone.
    pub(crate) fn settle(&self) -> Result<()> {
        if self.leaf.is_none() {
            return fs::rename(&self.temporary, &self.path).map_err(Error::io("write", &self.path));
        }
        // A folder cannot be renamed onto one that holds something.
        let before = with_suffix(&self.path, ".old");
        if self.path.exists() {
            fs::rename(&self.path, &before).map_err(Error::io("replace", &self.path))?;
        }
        if self.temporary.exists() {
            fs::rename(&self.temporary, &self.path).map_err(Error::io("write", &self.path))?;
        }
        if before.exists() {
            fs::remove_dir_all(&before).map_err(Error::io("remove", &before))?;
        }
        Ok(())
    }

    /// Removes what an earlier command left when it was killed, sections that were not joined too.
    pub(crate) fn clear(&self) -> Result<()> {
        for section in 0.. {
            let path = section_path(&self.temporary, section);
            let removed = match fs::symlink_metadata(&path) {
                Err(_) if section > 0 => break,
                Err(_) => Ok(()),
                Ok(meta) if meta.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
            };
            removed.map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }
}

impl Drop for Place {
    /// Removes what was not given its name.
    fn drop(&mut self) {
        // Afterwards there is nothing left under this name, and nobody can be told of a failure here.
        let _ = self.clear();
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A part of a table as text, by month and by section of the file.
///
/// Formats in which what belongs together must stand together, though it is made piece by piece, have
/// several sections: each grows for itself, and they are joined at the end.
#[derive(Debug)]
pub(crate) struct Pieces {
    headers: Vec<Vec<u8>>,
    months: BTreeMap<Option<Month>, Vec<Vec<u8>>>,
}

impl Pieces {
    /// Nothing yet; every file's sections begin with these.
    pub(crate) fn new(headers: Vec<Vec<u8>>) -> Self {
        Self { headers, months: BTreeMap::new() }
    }

    /// The text of a section of a month's file, to append to.
    pub(crate) fn section(&mut self, month: Option<Month>, section: usize) -> &mut Vec<u8> {
        let n = self.headers.len();
        &mut self.months.entry(month).or_insert_with(|| vec![Vec::new(); n])[section]
    }

    /// All of it as the file of one part has it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let sections = self.headers.iter().enumerate().map(|(at, header)| {
            let bodies = self.months.values().flat_map(|sections| sections[at].clone());
            header.iter().copied().chain(bodies).collect::<Vec<u8>>()
        });
        String::from_utf8(sections.collect::<Vec<_>>().concat()).expect("the text is UTF-8")
    }
}

/// A table of text on its way to its place.
#[derive(Debug)]
pub(crate) struct TextFiles {
    place: Place,
    /// What the last line of every file is.
    trailer: &'static [u8],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue<Pieces>,
    /// Files begun, with the number of their sections.
    begun: BTreeMap<Option<Month>, usize>,
}

impl TextFiles {
    /// Begins; a single file at once, so that a folder that cannot be written to is found out now.
    pub(crate) fn create(place: Place, trailer: &'static [u8]) -> Result<Self> {
        place.clear()?;
        if !place.is_spread() {
            place.begin(None)?;
        }
        Ok(Self { place, trailer, state: Mutex::default() })
    }

    /// Takes the part of this number, counted from 0 without holes; parts may come in any order.
    pub(crate) fn put(&self, number: usize, pieces: Pieces) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for Pieces { headers, months } in state.queue.put(number, pieces) {
            for (month, sections) in months {
                if let Entry::Vacant(new) = state.begun.entry(month) {
                    self.place.begin(month)?;
                    for (section, header) in headers.iter().enumerate() {
                        // A section that a killed command left has another beginning.
                        self.append(month, section, header, true)?;
                    }
                    new.insert(headers.len());
                }
                for (section, text) in sections.iter().enumerate() {
                    self.append(month, section, text, false)?;
                }
            }
        }
        Ok(())
    }

    /// Joins the sections; gives the place, whose files have yet to get their names.
    pub(crate) fn complete(self) -> Result<Place> {
        let Self { place, trailer, state } = self;
        for (month, sections) in state.into_inner().unwrap_or_else(PoisonError::into_inner).begun {
            let path = place.of(month);
            let fail = |error| Error::io("write", place.shown(&path))(error);
            // Not in append mode, in which the system cannot copy from file to file by itself.
            let mut file = OpenOptions::new().write(true).open(&path).map_err(fail)?;
            file.seek(SeekFrom::End(0)).map_err(fail)?;
            for section in 1..sections {
                let part = section_path(&path, section);
                let mut from = File::open(&part).map_err(fail)?;
                std::io::copy(&mut from, &mut file).map_err(fail)?;
                // At once, so that the disk never holds everything twice.
                fs::remove_file(&part).map_err(fail)?;
            }
            file.write_all(trailer).map_err(fail)?;
        }
        Ok(place)
    }

    fn append(&self, month: Option<Month>, section: usize, text: &[u8], anew: bool) -> Result<()> {
        let path = self.place.of(month);
        let fail = |error| Error::io("write", self.place.shown(&path))(error);
        // Opened for each part: a file per month of a long span would be more than a process may keep open.
        let part = section_path(&path, section);
        let file = if anew { File::create(part) } else { OpenOptions::new().append(true).open(part) };
        file.and_then(|mut file| file.write_all(text)).map_err(fail)
    }
}

fn section_path(path: &Path, section: usize) -> PathBuf {
    if section == 0 { path.to_owned() } else { with_suffix(path, &format!(".{section}")) }
}
