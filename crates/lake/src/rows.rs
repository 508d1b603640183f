//! Tables of other programs, row by row as text: CSV, plain or gzip, and Parquet.

use crate::ingest::source::Source;
use crate::{Error, Result};
use datafusion::arrow::array::Array;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";
/// Endings of files that hold rows; a folder has others beside them, such as manifests.
const ENDINGS: [&str; 4] = [".csv", ".csv.gz", ".gz", ".parquet"];

/// Some columns of a file, row by row.
pub struct Rows {
    source: Source,
    /// Where the wanted columns stand.
    columns: Vec<Option<usize>>,
}

impl Rows {
    /// Opens a file of CSV, plain or gzip, or of Parquet; which of them its first bytes say. Names of columns are
    /// found in upper and lower case.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, or is empty.
    pub fn open(file: &Path, wanted: &[&str]) -> Result<Self> {
        let mut first = [0; PARQUET.len()];
        let n = File::open(file).and_then(|mut file| file.read(&mut first)).map_err(Error::io("read", file))?;
        let source = Source::open(file, first[..n] == *PARQUET)?;
        let place = |name: &&str| source.names.iter().position(|found| found.eq_ignore_ascii_case(name));
        let columns = wanted.iter().map(place).collect();
        Ok(Self { source, columns })
    }

    /// Whether each of the wanted columns is there.
    pub fn has(&self) -> Vec<bool> {
        self.columns.iter().map(Option::is_some).collect()
    }

    /// Hands the rows over in the order of the file: the line of a CSV file, or the number of a Parquet file's row,
    /// and the wanted values, empty where there is none.
    ///
    /// # Errors
    /// [`Error`] for a file that breaks off; and whatever `take` says.
    pub fn read<E: From<Error>>(
        &self,
        mut take: impl FnMut(u64, &[&str]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let wanted: Vec<usize> = self.columns.iter().copied().flatten().collect();
        let mut refused = None;
        let read = self.source.read(&wanted, |batch| {
            if refused.is_some() {
                return Ok(());
            }
            let texts: Vec<_> = (0..wanted.len()).map(|at| batch.text(at)).collect::<Result<_>>()?;
            let mut row = vec![""; self.columns.len()];
            for at in 0..batch.n_rows() {
                let mut found = texts.iter().map(|text| if text.is_valid(at) { text.value(at).trim() } else { "" });
                for (value, _) in row.iter_mut().zip(&self.columns).filter(|(_, column)| column.is_some()) {
                    *value = found.next().unwrap_or("");
                }
                if let Err(error) = take(batch.row_number(at), &row) {
                    refused = Some(error);
                    break;
                }
            }
            Ok(())
        });
        refused.map_or(Ok(()), Err).and(read.map_err(E::from))
    }
}

/// The files that a path stands for: itself, or all files of rows in a folder and its folders, in order of their names.
///
/// # Errors
/// [`Error`] when it is not there.
pub fn files_of_rows(path: &Path) -> Result<Vec<PathBuf>> {
    if !std::fs::metadata(path).map_err(Error::io("read", path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut inside: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io("read", path))? {
        inside.push(entry.map_err(Error::io("read", path))?.path());
    }
    inside.sort();
    let mut files = Vec::new();
    for file in inside {
        let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if file.is_dir() {
            files.extend(files_of_rows(&file)?);
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(file);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, PlainFormat, write_frame};
    use std::io::Write;

    fn rows(file: &Path) -> Vec<(u64, Vec<String>)> {
        let rows = Rows::open(file, &["Cost", "none", "id"]).unwrap();
        assert_eq!(rows.has(), [true, false, true]);
        let mut found = Vec::new();
        rows.read(|line, row| {
            found.push((line, row.iter().map(|&value| value.to_owned()).collect()));
            Ok::<_, Error>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn every_form_gives_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = "\u{feff}Id,other,COST\na,1, 1.5\n\"b,c\",2,\n";
        std::fs::write(at("a.csv"), text).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(File::create(at("b.csv.gz")).unwrap(), Default::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap();
        let frame = Frame::new()
            .with("Id", vec!["a", "b,c"])
            .and_then(|frame| frame.with("Cost", vec![Some(1.5), None]))
            .unwrap();
        std::fs::create_dir(at("more")).unwrap();
        write_frame(&at("more/c.snappy.parquet"), &frame, PlainFormat::Parquet).unwrap();
        std::fs::write(at("manifest.json"), "{}").unwrap();
        let files = files_of_rows(folder.path()).unwrap();
        assert_eq!(files, [at("a.csv"), at("b.csv.gz"), at("more/c.snappy.parquet")]);
        let expected = |first: u64| {
            vec![
                (first, ["1.5", "", "a"].map(str::to_owned).to_vec()),
                (first + 1, ["", "", "b,c"].map(str::to_owned).to_vec()),
            ]
        };
        assert_eq!(rows(&files[0]), expected(2));
        assert_eq!(rows(&files[1]), expected(2));
        assert_eq!(rows(&files[2]), expected(1));
        assert_eq!(files_of_rows(&files[1]).unwrap(), [files[1].clone()]);
        assert!(files_of_rows(&at("nowhere")).unwrap_err().to_string().contains("nowhere"));
    }

    #[test]
    fn what_a_reader_refuses_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        std::fs::write(&file, "id\na\nb\n").unwrap();
        let mut seen = 0;
        let refused = Rows::open(&file, &["id"]).unwrap().read(|_, _| {
            seen += 1;
            Err(Error::EmptyFile { file: file.clone() })
        });
        assert!(matches!(refused, Err(Error::EmptyFile { .. })) && seen == 1);
    }
}
