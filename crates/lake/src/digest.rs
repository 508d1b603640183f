//! A digest of what a table says.

use datafusion::arrow::array::{Array, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// FNV-1a over 128 bits: short, and the same in every release of everything.
struct Fnv(u128);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}

/// Digest of names and values, column by column.
pub(crate) fn of(batch: &RecordBatch) -> String {
    let mut hash = Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    let schema = batch.schema();
    // Columns of metrics stand in the order in which they came to the table, which is no content.
    let mut columns: Vec<usize> = (0..batch.num_columns()).collect();
    columns.sort_by_key(|at| schema.field(*at).name().as_str());
    for at in columns {
        hash.add(schema.field(at).name().as_bytes());
        add_column(&mut hash, batch.column(at).as_ref());
    }
    format!("{:032x}", hash.0)
}

fn add_column(hash: &mut Fnv, array: &dyn Array) {
    if let Some(floats) = array.as_any().downcast_ref::<Float64Array>() {
        // Nulls as one NaN, which no value can be.
        floats.iter().for_each(|v| hash.add(&v.map_or(u64::MAX, f64::to_bits).to_le_bytes()));
        return;
    }
    if let Some(text) = array.as_any().downcast_ref::<StringArray>() {
        text.iter().for_each(|v| {
            hash.add(v.unwrap_or("\u{0}").as_bytes());
            hash.add(b"\n");
        });
        return;
    }
    let options = FormatOptions::default().with_null("\u{0}");
    match ArrayFormatter::try_new(array, &options) {
        Ok(formatter) => (0..array.len()).for_each(|row| {
            hash.add(formatter.value(row).to_string().as_bytes());
            hash.add(b"\n");
        }),
        // Only types that the lake's tables have not cannot be shown.
        Err(error) => hash.add(error.to_string().as_bytes()),
    }
}
