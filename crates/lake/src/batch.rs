//! Frames as Arrow batches and back, in the shape of their tables.

use crate::{Column, ColumnSpec, Error, Frame, Kind, Result, Table};
use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Float64Builder, Int64Array, ListArray, ListBuilder,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::array::{Date32Builder, UInt32Array, new_null_array};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{SortColumn, cast, lexsort_to_indices, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days since 1970-01-01.
pub(crate) fn days_of(date: Date) -> i32 {
    date.duration_since(EPOCH).as_hours().div_euclid(24) as i32
}

/// The date some days after 1970-01-01; the nearest one the calendar has when it ends before that.
pub(crate) fn date_of(days: i32) -> Date {
    use jiff::ToSpan as _;
    EPOCH.checked_add(i64::from(days).days()).unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// The Arrow type of a kind. Delta Lake counts time in microseconds; the lake's are whole milliseconds.
pub(crate) fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Float => DataType::Float64,
        Kind::Int => DataType::Int64,
        Kind::Bool => DataType::Boolean,
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Dates => DataType::List(Arc::new(Field::new("element", DataType::Date32, true))),
        Kind::Floats => DataType::List(Arc::new(Field::new("element", DataType::Float64, true))),
    }
}

fn field(table: Table, spec: &ColumnSpec) -> Field {
    let field = Field::new(spec.name, arrow_type(spec.kind), !table.key().contains(&spec.name));
    if spec.unit.is_empty() {
        return field;
    }
    field.with_metadata(HashMap::from([("unit".to_owned(), spec.unit.to_owned())]))
}

/// The schema of a table before any metric has come.
pub(crate) fn base_schema(table: Table) -> SchemaRef {
    Arc::new(Schema::new(table.columns().iter().map(|spec| field(table, spec)).collect::<Vec<_>>()))
}

/// The column of a metric, with its unit where it is known.
pub(crate) fn metric_field(name: &str, unit: Option<&str>) -> Field {
    let metadata = unit.filter(|unit| !unit.is_empty()).map(|unit| ("unit".to_owned(), unit.to_owned()));
    Field::new(name, DataType::Float64, true).with_metadata(metadata.into_iter().collect())
}

/// A frame in the shape of its table: columns in the table's order, absent ones empty, those of
/// metrics after them in order of their names, rows in order of the key.
///
/// `run_id` fills that column where the frame has none.
pub(crate) fn to_batch(table: Table, frame: &Frame, run_id: Option<&str>) -> Result<RecordBatch> {
    check_names(table, frame)?;
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for spec in table.columns() {
        let array = match frame.column(spec.name) {
            Ok(column) => to_array(table, spec, column)?,
            Err(_) if spec.name == "run_id" && run_id.is_some() => {
                to_array(table, spec, &Column::repeated(run_id.unwrap_or_default(), frame.rows()))?
            }
            Err(_) if table.key().contains(&spec.name) => {
                return Err(Error::MissingColumn {
                    place: format!("what is written to table `{table}`"),
                    column: spec.name.to_owned(),
                    found: frame.names().join(", "),
                });
            }
            Err(_) => new_null_array(&arrow_type(spec.kind), frame.rows()),
        };
        fields.push(field(table, spec));
        arrays.push(array);
    }
    let mut metrics: Vec<(&str, &Column)> =
        frame.columns().filter(|(name, _)| !table.columns().iter().any(|spec| spec.name == *name)).collect();
    metrics.sort_by_key(|(name, _)| *name);
    for (name, column) in metrics {
        let unit = "";
        arrays.push(
            to_array(table, &ColumnSpec { name: "", kind: Kind::Float, unit }, column).map_err(|e| named(e, name))?,
        );
        fields.push(metric_field(name, None));
    }
    let batch =
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::storage("write", table.name()))?;
    in_key_order(table, batch)
}

fn named(error: Error, name: &str) -> Error {
    match error {
        Error::ColumnType { place, found, needed, .. } => {
            Error::ColumnType { place, column: name.to_owned(), found, needed }
        }
        other => other,
    }
}

fn check_names(table: Table, frame: &Frame) -> Result<()> {
    for (at, name) in frame.names().iter().enumerate() {
        if frame.names()[..at].contains(name) {
            return Err(Error::DuplicateKey { table: table.name().to_owned(), key: format!("(column {name})") });
        }
        let known = table.columns().iter().any(|spec| spec.name == name);
        if !known && !table.has_metrics() {
            let known: Vec<&str> = table.columns().iter().map(|spec| spec.name).collect();
            return Err(Error::unknown("column", name, &format!("table `{table}`"), &known));
        }
    }
    Ok(())
}

fn to_array(table: Table, spec: &ColumnSpec, column: &Column) -> Result<ArrayRef> {
    if column.kind() != spec.kind {
        return Err(Error::ColumnType {
            place: format!("what is written to table `{table}`"),
            column: spec.name.to_owned(),
            found: column.kind().name(),
            needed: spec.kind.name(),
        });
    }
    let array = array_of(column);
    if table.key().contains(&spec.name) && array.null_count() > 0 {
        let row = (0..array.len()).find(|row| array.is_null(*row)).map_or(0, |row| row + 1);
        return Err(Error::NullKey { place: format!("table `{table}`"), column: spec.name.to_owned(), row });
    }
    Ok(array)
}

/// The values of a column, with nulls where there are none.
fn array_of(column: &Column) -> ArrayRef {
    match column {
        Column::Text(values) => Arc::new(text_array(values)),
        Column::Float(values) => float_array(values),
        Column::Int(values) => Arc::new(Int64Array::from(values.clone())),
        Column::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
        Column::Date(values) => Arc::new(values.iter().map(|date| date.map(days_of)).collect::<Date32Array>()),
        Column::Time(values) => {
            let mut micros = Vec::with_capacity(values.len());
            let mut n_missing = 0;
            for ms in values {
                let Some(ms) = ms else {
                    n_missing += 1;
                    micros.push(0);
                    continue;
                };
                micros.push(ms.saturating_mul(1000));
            }
            let nulls = (n_missing > 0).then(|| nulls_of(values));
            Arc::new(TimestampMicrosecondArray::new(micros.into(), nulls).with_timezone("UTC"))
        }
        Column::Dates(lists) => {
            let mut builder =
                ListBuilder::new(Date32Builder::new()).with_field(Field::new("element", DataType::Date32, true));
            for list in lists {
                list.iter().for_each(|date| builder.values().append_value(days_of(*date)));
                builder.append(true);
            }
            Arc::new(builder.finish())
        }
        Column::Floats(lists) => {
            let mut builder =
                ListBuilder::new(Float64Builder::new()).with_field(Field::new("element", DataType::Float64, true));
            for list in lists {
                builder.values().append_slice(list);
                builder.append(true);
            }
            Arc::new(builder.finish())
        }
    }
}

// These loops are plain ones because this crate is compiled for size of the build, not for speed: closures and
// iterators of other crates would be calls here, one for each row.

/// Texts one after the other. A column of more than 2 GiB of text is more than Arrow can hold.
fn text_array(values: &[Option<Arc<str>>]) -> StringArray {
    let mut bytes: Vec<u8> = Vec::with_capacity(values.len() * 12);
    let mut offsets: Vec<i32> = Vec::with_capacity(values.len() + 1);
    let mut n_missing = 0;
    offsets.push(0);
    for value in values {
        match value {
            Some(text) => bytes.extend_from_slice(text.as_bytes()),
            None => n_missing += 1,
        }
        offsets.push(bytes.len() as i32);
    }
    assert!(i32::try_from(bytes.len()).is_ok(), "a column of text has less than 2 GiB");
    let nulls = (n_missing > 0).then(|| nulls_of(values));
    StringArray::new(OffsetBuffer::new(offsets.into()), bytes.into(), nulls)
}

fn nulls_of<T>(values: &[Option<T>]) -> NullBuffer {
    values.iter().map(Option::is_some).collect::<Vec<bool>>().into()
}

/// A frame as it is, of no table.
pub(crate) fn plain_batch(frame: &Frame) -> Result<RecordBatch> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = frame
        .columns()
        .map(|(name, column)| (Field::new(name, arrow_type(column.kind()), true), array_of(column)))
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::storage("write", "file"))
}

/// NaN and infinite values become nulls: a table holds what was observed.
pub(crate) fn float_array(values: &[f64]) -> ArrayRef {
    if values.iter().all(|v| v.is_finite()) {
        return Arc::new(Float64Array::from(values.to_vec()));
    }
    let nulls: NullBuffer = values.iter().map(|v| v.is_finite()).collect::<Vec<bool>>().into();
    // The value under a null reaches the file of no reader, and one value for all compresses best.
    let clean: Vec<f64> = values.iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect();
    Arc::new(Float64Array::new(clean.into(), Some(nulls)))
}

/// The rows in order of the table's key, which must not stand twice.
pub(crate) fn in_key_order(table: Table, batch: RecordBatch) -> Result<RecordBatch> {
    let key = key_columns(table, &batch)?;
    let rows = Rows::new(table, &key)?;
    let mut order = std::cmp::Ordering::Less;
    for row in 1..batch.num_rows() {
        order = rows.compare(row - 1, row);
        if order != std::cmp::Ordering::Less {
            break;
        }
    }
    if order == std::cmp::Ordering::Less {
        return Ok(batch);
    }
    let columns: Vec<SortColumn> =
        key.iter().map(|values| SortColumn { values: values.clone(), options: None }).collect();
    let indices: UInt32Array = lexsort_to_indices(&columns, None).map_err(Error::storage("sort", table.name()))?;
    let sorted = take_record_batch(&batch, &indices).map_err(Error::storage("sort", table.name()))?;
    let key = key_columns(table, &sorted)?;
    let rows = Rows::new(table, &key)?;
    match (1..sorted.num_rows()).find(|row| rows.compare(row - 1, *row).is_eq()) {
        Some(row) => Err(Error::DuplicateKey { table: table.name().to_owned(), key: rows.show(row) }),
        None => Ok(sorted),
    }
}

fn key_columns(table: Table, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let columns = table.key().iter().map(|name| {
        batch.column_by_name(name).cloned().ok_or_else(|| Error::MissingColumn {
            place: format!("table `{table}`"),
            column: (*name).to_owned(),
            found: batch.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", "),
        })
    });
    columns.collect()
}

/// Keys of rows, compared column by column.
struct Rows<'a> {
    columns: Vec<KeyColumn<'a>>,
}

enum KeyColumn<'a> {
    /// Where each text begins, and the bytes of all.
    Text(&'a [i32], &'a [u8]),
    Whole(Vec<i64>),
    Float(&'a Float64Array),
}

impl<'a> Rows<'a> {
    fn new(table: Table, columns: &'a [ArrayRef]) -> Result<Self> {
        let columns = columns.iter().map(|array| {
            let any = array.as_any();
            if let Some(text) = any.downcast_ref::<StringArray>() {
                return Ok(KeyColumn::Text(text.value_offsets(), text.value_data()));
            }
            if let Some(float) = any.downcast_ref() {
                return Ok(KeyColumn::Float(float));
            }
            let whole = cast(array, &DataType::Int64).map_err(Error::storage("read", table.name()))?;
            let whole = whole.as_any().downcast_ref::<Int64Array>().map(|a| a.values().to_vec());
            Ok(KeyColumn::Whole(whole.unwrap_or_default()))
        });
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        for column in &self.columns {
            let order = match column {
                KeyColumn::Text(starts, bytes) => text_at(starts, bytes, a).cmp(text_at(starts, bytes, b)),
                KeyColumn::Whole(v) => v[a].cmp(&v[b]),
                KeyColumn::Float(v) => v.value(a).total_cmp(&v.value(b)),
            };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    }

    fn show(&self, row: usize) -> String {
        let parts = self.columns.iter().map(|column| match column {
            KeyColumn::Text(starts, bytes) => String::from_utf8_lossy(text_at(starts, bytes, row)).into_owned(),
            KeyColumn::Whole(v) => v[row].to_string(),
            KeyColumn::Float(v) => v.value(row).to_string(),
        });
        format!("({})", parts.collect::<Vec<_>>().join(", "))
    }
}

/// The bytes of one text: they have the order of the texts.
fn text_at<'a>(starts: &[i32], bytes: &'a [u8], row: usize) -> &'a [u8] {
    &bytes[starts[row] as usize..starts[row + 1] as usize]
}

/// The least and the greatest of texts; `None` when there are none, or one of them is missing.
pub(crate) fn text_range(texts: &StringArray) -> Option<(&str, &str)> {
    if texts.is_empty() || texts.null_count() > 0 {
        return None;
    }
    let (starts, bytes) = (texts.value_offsets(), texts.value_data());
    let (mut least, mut most) = (0, 0);
    for row in 1..texts.len() {
        let text = text_at(starts, bytes, row);
        if text < text_at(starts, bytes, least) {
            least = row;
        }
        if text > text_at(starts, bytes, most) {
            most = row;
        }
    }
    Some((texts.value(least), texts.value(most)))
}

/// A column of a batch in the type wanted, empty when the batch is older than the column.
pub(crate) fn column_as(table: Table, batch: &RecordBatch, name: &str, wanted: &DataType) -> Result<ArrayRef> {
    match batch.column_by_name(name) {
        None => Ok(new_null_array(wanted, batch.num_rows())),
        Some(array) if array.data_type() == wanted => Ok(array.clone()),
        Some(array) => cast(array, wanted).map_err(Error::storage("read", table.name())),
    }
}

/// The batch in the shape of `schema`.
pub(crate) fn conform(table: Table, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let arrays = schema.fields().iter().map(|f| column_as(table, batch, f.name(), f.data_type()));
    RecordBatch::try_new(schema.clone(), arrays.collect::<Result<_>>()?).map_err(Error::storage("read", table.name()))
}

/// A batch as a frame.
pub(crate) fn to_frame(table: Table, batch: &RecordBatch) -> Result<Frame> {
    let mut frame = Frame::new();
    for (at, field) in batch.schema().fields().iter().enumerate() {
        let kind = table.columns().iter().find(|c| c.name == field.name()).map_or(Kind::Float, |c| c.kind);
        let array = cast(batch.column(at), &arrow_type(kind)).map_err(Error::storage("read", table.name()))?;
        frame = frame.with(field.name(), from_array(kind, &array))?;
    }
    Ok(frame)
}

fn from_array(kind: Kind, array: &ArrayRef) -> Column {
    const TYPED: &str = "the array was cast to this type";
    let any = array.as_any();
    match kind {
        Kind::Text => texts(any.downcast_ref().expect(TYPED)),
        Kind::Float => Column::Float(floats(any.downcast_ref().expect(TYPED))),
        Kind::Int => Column::Int(any.downcast_ref::<Int64Array>().expect(TYPED).iter().collect()),
        Kind::Bool => Column::Bool(any.downcast_ref::<BooleanArray>().expect(TYPED).iter().collect()),
        Kind::Date => {
            let days = any.downcast_ref::<Date32Array>().expect(TYPED);
            Column::Date(days.iter().map(|d| d.map(date_of)).collect())
        }
        Kind::Time => {
            let micros = any.downcast_ref::<TimestampMicrosecondArray>().expect(TYPED);
            Column::Time(micros.iter().map(|t| t.map(|t| t.div_euclid(1000))).collect())
        }
        Kind::Dates => Column::Dates(lists(any.downcast_ref().expect(TYPED), |values| {
            let days = values.as_any().downcast_ref::<Date32Array>().expect(TYPED);
            days.iter().flatten().map(date_of).collect()
        })),
        Kind::Floats => Column::Floats(lists(any.downcast_ref().expect(TYPED), |values| {
            floats(values.as_any().downcast_ref().expect(TYPED))
        })),
    }
}

/// Equal neighbours share their text: a table has few servers and many rows.
fn texts(array: &StringArray) -> Column {
    let mut last: Option<Arc<str>> = None;
    let values = array.iter().map(|text| {
        let text = text?;
        if last.as_deref() != Some(text) {
            last = Some(text.into());
        }
        last.clone()
    });
    Column::Text(values.collect())
}

/// Values of a float array, NaN where there is none.
pub(crate) fn floats(array: &Float64Array) -> Vec<f64> {
    if array.null_count() == 0 {
        return array.values().to_vec();
    }
    array.iter().map(|v| v.unwrap_or(f64::NAN)).collect()
}

fn lists<T>(array: &ListArray, convert: impl Fn(&ArrayRef) -> Vec<T>) -> Vec<Vec<T>> {
    array.iter().map(|list| list.as_ref().map(&convert).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_count_from_the_epoch_in_both_directions() {
        for (day, expected) in [(date(1970, 1, 1), 0), (date(1969, 12, 31), -1), (date(2024, 2, 29), 19_782)] {
            assert_eq!((days_of(day), date_of(expected)), (expected, day));
        }
    }

    #[test]
    fn rows_are_put_in_order_of_the_key_and_twins_are_refused() {
        let frame = |ids: Vec<&str>| Frame::new().with("metric", ids).unwrap();
        let batch = to_batch(Table::Metrics, &frame(vec!["memory", "cpu"]), None).unwrap();
        let back = to_frame(Table::Metrics, &batch).unwrap();
        assert_eq!(back.text("metric").unwrap()[0].as_deref(), Some("cpu"));
        assert_eq!(back.names(), ["metric", "unit", "capacity"]);
        let twins = to_batch(Table::Metrics, &frame(vec!["cpu", "disk", "cpu"]), None).unwrap_err();
        assert_eq!(twins.to_string(), "the key (cpu) stands twice in what is written to table `metrics`");
    }

    #[test]
    fn wrong_columns_are_named() {
        let wrong = Frame::new().with("metrik", vec!["cpu"]).unwrap();
        let error = to_batch(Table::Metrics, &wrong, None).unwrap_err().to_string();
        assert!(error.starts_with("unknown column `metrik` in table `metrics`, did you mean `metric`?"), "{error}");
        let wrong = Frame::new().with("metric", vec![1.0]).unwrap();
        let error = to_batch(Table::Metrics, &wrong, None).unwrap_err().to_string();
        assert_eq!(error, "column `metric` of what is written to table `metrics` holds floats, it must hold text");
        let empty = Frame::new().with("metric", vec![Some("cpu"), None]).unwrap();
        let error = to_batch(Table::Metrics, &empty, None).unwrap_err().to_string();
        assert_eq!(error, "row 2 of table `metrics` has no `metric`, and keys are never empty");
    }
}
