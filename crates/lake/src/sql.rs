//! SQL over the lake's tables, for reading only.

use crate::lake::Lake;
use crate::store::write_parquet;
use crate::{Error, Result, Table};
use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

/// First words of statements that only read.
const READING: [&str; 8] = ["select", "with", "explain", "show", "describe", "desc", "values", "("];

/// What a query gave.
#[derive(Clone, Debug)]
pub struct Answer {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Lake {
    /// Runs a query that reads; every table of the lake is there under its name.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] for a statement that would change something, [`Error::Query`] for one the
    /// engine does not understand.
    pub fn sql(&self, query: &str) -> Result<Answer> {
        let first = first_word(query);
        if first.is_empty() {
            return Err(Error::Query { reason: "it is empty; try `SELECT * FROM servers`".to_owned() });
        }
        if !READING.contains(&first.to_lowercase().as_str()) {
            return Err(Error::ReadOnly { found: first });
        }
        self.store().wait(self.run(query))
    }

    async fn run(&self, query: &str) -> Result<Answer> {
        let config = SessionConfig::new().with_information_schema(true);
        let context = SessionContext::new_with_config(config);
        for table in Table::ALL.into_iter().filter(|table| may_mean(query, *table)) {
            let snapshot = self.store().load(table, None).await?;
            let provider = snapshot.delta.table_provider().await.map_err(Error::storage("open", table.name()))?;
            context.register_table(table.name(), provider).map_err(Error::storage("open", table.name()))?;
        }
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = context.sql_with_options(query, options).await.map_err(said)?;
        let schema = frame.schema().inner().clone();
        let batches = frame.collect().await.map_err(said)?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        Ok(Answer { schema, batches })
    }
}

/// The engine's words without the names of its layers; where a table was not found, with the tables there are.
fn said(error: datafusion::error::DataFusionError) -> Error {
    let mut reason = error.strip_backtrace().replace("Error during planning: ", "").replace("datafusion.public.", "");
    if reason.contains("table '") && reason.contains("not found") {
        let tables: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
        reason.push_str(&format!("; the lake has: {}", tables.join(", ")));
    }
    Error::Query { reason }
}

/// Whether a query can need a table: opening all of them would take longer than most queries.
fn may_mean(query: &str, table: Table) -> bool {
    let query = query.to_lowercase();
    query.contains(table.name()) || query.contains("information_schema") || first_word(&query) == "show"
}

/// The first word of a query, comments left out.
fn first_word(query: &str) -> String {
    let mut rest = query.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else if rest.starts_with('(') {
            return "(".to_owned();
        } else {
            return rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        }
    }
}

impl Answer {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of the columns.
    pub fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Values as text, row by row; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Query`] when a column's type cannot be shown.
    pub fn rows(&self) -> Result<Vec<Vec<Option<String>>>> {
        let options = FormatOptions::default();
        let mut rows = Vec::with_capacity(self.n_rows());
        for batch in &self.batches {
            let columns = batch.columns().iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options));
            let columns: Vec<ArrayFormatter<'_>> = columns.collect::<std::result::Result<_, _>>().map_err(shown)?;
            for row in 0..batch.num_rows() {
                let value = |(at, shown): (usize, &ArrayFormatter<'_>)| {
                    (!batch.column(at).is_null(row)).then(|| shown.value(row).to_string())
                };
                rows.push(columns.iter().enumerate().map(value).collect());
            }
        }
        Ok(rows)
    }

    /// A table for a terminal: names, a rule, the rows, numbers to the right, and their count.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn to_table(&self) -> Result<String> {
        let (names, rows) = (self.columns(), self.rows()?);
        let right: Vec<bool> = self.schema.fields().iter().map(|f| f.data_type().is_numeric()).collect();
        let width = |text: &str| text.chars().count();
        let mut widths: Vec<usize> = names.iter().map(|name| width(name)).collect();
        for row in &rows {
            for (w, value) in widths.iter_mut().zip(row) {
                *w = (*w).max(value.as_deref().map_or(0, width));
            }
        }
        let mut out = line(&names.iter().map(String::as_str).collect::<Vec<_>>(), &widths, &right);
        let rule: Vec<String> = widths.iter().map(|w| "-".repeat(w + 2)).collect();
        let _ = writeln!(out, "{}", rule.join("+"));
        for row in &rows {
            let values: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("")).collect();
            out.push_str(&line(&values, &widths, &right));
        }
        let _ = writeln!(out, "({} row{})", rows.len(), if rows.len() == 1 { "" } else { "s" });
        Ok(out)
    }

    /// CSV with one header line; lists are written as in `[a, b]`.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn to_csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let unwritable = |error: csv::Error| Error::Query { reason: format!("the answer is no CSV: {error}") };
        writer.write_record(self.columns()).map_err(unwritable)?;
        for row in self.rows()? {
            writer.write_record(row.iter().map(|value| value.as_deref().unwrap_or(""))).map_err(unwritable)?;
        }
        let bytes = writer.into_inner().map_err(|error| Error::Query { reason: error.to_string() })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// JSON: an array with an object for each row, nulls written out.
    ///
    /// # Errors
    /// [`Error::Query`] when a column's type has no JSON form.
    pub fn to_json(&self) -> Result<String> {
        let mut bytes = Vec::new();
        let mut writer =
            json::WriterBuilder::new().with_explicit_nulls(true).build::<_, json::writer::JsonArray>(&mut bytes);
        self.batches.iter().try_for_each(|batch| writer.write(batch)).map_err(shown)?;
        writer.finish().map_err(shown)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(if text.is_empty() { "[]".to_owned() } else { text })
    }

    /// Writes a Parquet file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn write_parquet(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let whole = concat_batches(&self.schema, &self.batches).map_err(shown)?;
        let file = File::create(path).map_err(Error::io("write", path))?;
        write_parquet(&file, &whole, path)
    }
}

fn line(values: &[&str], widths: &[usize], right: &[bool]) -> String {
    let cells = values.iter().zip(widths).zip(right).map(|((value, width), right)| {
        let space = " ".repeat(width - value.chars().count());
        if *right { format!(" {space}{value} ") } else { format!(" {value}{space} ") }
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("|").trim_end())
}

fn shown(error: datafusion::arrow::error::ArrowError) -> Error {
    Error::Query { reason: format!("the answer cannot be shown: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for (query, word) in
            [("  select 1", "select"), ("-- why\n/* and */ DROP table x", "DROP"), ("(select 1)", "("), ("--", "")]
        {
            assert_eq!(first_word(query), word);
        }
    }
}
