//! Rows of `samples` or `daily` server by server, as columns: what is read, merged and written.

use crate::batch::{base_schema, float_array, floats, metric_field};
use crate::change::Change;
use crate::store::{DataFile, Snapshot};
use crate::{Error, Result, Table};
use datafusion::arrow::array::{
    Array, ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Schema;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows of one server, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Track {
    /// Milliseconds since 1970-01-01 UTC in `samples`, local days since then in `daily`.
    pub(crate) times: Vec<i64>,
    /// Samples of each day; empty in `samples`.
    pub(crate) n_samples: Vec<i64>,
    /// Values of each metric's column, NaN where there is none.
    pub(crate) columns: BTreeMap<Arc<str>, Vec<f64>>,
}

/// Rows of many servers.
pub(crate) type Tracks = BTreeMap<Arc<str>, Track>;

/// What became of rows that were merged into others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) inserted: usize,
    pub(crate) replaced: usize,
    pub(crate) unchanged: usize,
}

impl std::ops::AddAssign for Merged {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
    }
}

impl Track {
    fn is_in_order(&self) -> bool {
        self.times.is_sorted_by(|a, b| a < b)
    }

    /// Puts rows in order of time; of rows at the same time the later one stays.
    fn put_in_order(&mut self) {
        if self.is_in_order() {
            return;
        }
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|&row| self.times[row]);
        let last_of_its_time =
            |at: usize| order.get(at + 1).is_none_or(|&next| self.times[next] != self.times[order[at]]);
        let kept: Vec<usize> = (0..order.len()).filter(|&at| last_of_its_time(at)).map(|at| order[at]).collect();
        self.times = kept.iter().map(|&row| self.times[row]).collect();
        if !self.n_samples.is_empty() {
            self.n_samples = kept.iter().map(|&row| self.n_samples[row]).collect();
        }
        for values in self.columns.values_mut() {
            *values = kept.iter().map(|&row| values[row]).collect();
        }
    }

    /// Adds rows below those it has, with gaps where one side lacks a column.
    pub(crate) fn extend(&mut self, other: &Self) {
        let (rows, added) = (self.times.len(), other.times.len());
        self.times.extend_from_slice(&other.times);
        self.n_samples.extend_from_slice(&other.n_samples);
        for name in other.columns.keys() {
            self.columns.entry(name.clone()).or_insert_with(|| vec![f64::NAN; rows]);
        }
        for (name, values) in &mut self.columns {
            match other.columns.get(name) {
                Some(more) => values.extend_from_slice(more),
                None => values.resize(rows + added, f64::NAN),
            }
        }
    }

    /// The rows of both; where both have a value at a time, the newer one stays. A day of which the
    /// newer side saw no sample takes nothing away.
    pub(crate) fn merged_with(&self, newer: &Self) -> (Self, Merged) {
        let times = together(&self.times, &newer.times);
        let (old_rows, new_rows) = (places(&times, &self.times), places(&times, &newer.times));
        let names: BTreeSet<&Arc<str>> = self.columns.keys().chain(newer.columns.keys()).collect();
        let mut columns = BTreeMap::new();
        let mut changed = vec![false; times.len()];
        for name in names {
            let (old, new) = (self.columns.get(name), newer.columns.get(name));
            let value = |column: Option<&Vec<f64>>, row: Option<usize>| column.zip(row).map_or(f64::NAN, |(c, r)| c[r]);
            let values: Vec<f64> = (0..times.len())
                .map(|at| {
                    let (before, after) = (value(old, old_rows[at]), value(new, new_rows[at]));
                    // Compared by bits, so that a value that stands already counts as unchanged.
                    changed[at] |= !after.is_nan() && after.to_bits() != before.to_bits();
                    if after.is_nan() { before } else { after }
                })
                .collect();
            columns.insert(name.clone(), values);
        }
        let daily = !self.n_samples.is_empty() || !newer.n_samples.is_empty();
        let counts = |at: usize| {
            let old = old_rows[at].and_then(|row| self.n_samples.get(row)).copied();
            let new =
                new_rows[at].and_then(|row| newer.n_samples.get(row)).copied().filter(|n| *n > 0 || old.is_none());
            (old, new)
        };
        let mut n_samples = Vec::new();
        for at in (0..times.len()).filter(|_| daily) {
            let (old, new) = counts(at);
            changed[at] |= new.is_some() && new != old;
            n_samples.push(new.or(old).unwrap_or(0));
        }
        let mut merged = Merged::default();
        for at in (0..times.len()).filter(|at| new_rows[*at].is_some()) {
            match (old_rows[at], changed[at]) {
                (None, _) => merged.inserted += 1,
                (Some(_), true) => merged.replaced += 1,
                (Some(_), false) => merged.unchanged += 1,
            }
        }
        (Self { times, n_samples, columns }, merged)
    }
}

/// Both lists, each in ascending order, as one.
fn together(old: &[i64], new: &[i64]) -> Vec<i64> {
    let mut times = Vec::with_capacity(old.len().max(new.len()));
    let (mut a, mut b) = (0, 0);
    while let Some(time) = old.get(a).into_iter().chain(new.get(b)).min() {
        times.push(*time);
        a += usize::from(old.get(a) == Some(time));
        b += usize::from(new.get(b) == Some(time));
    }
    times
}

/// Row of each time in a sorted list that may lack some of them.
fn places(times: &[i64], own: &[i64]) -> Vec<Option<usize>> {
    let mut next = 0;
    times
        .iter()
        .map(|time| {
            let here = own.get(next) == Some(time);
            next += usize::from(here);
            here.then(|| next - 1)
        })
        .collect()
}

/// Rows of some files, with the metric columns that `wanted` accepts.
pub(crate) fn read(snapshot: &Snapshot, files: &[DataFile], wanted: impl Fn(&str) -> bool + Sync) -> Result<Tracks> {
    let own = snapshot.table.columns();
    let names: Vec<String> = snapshot
        .schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .filter(|name| own.iter().any(|c| c.name == name) || wanted(name))
        .collect();
    let batches = snapshot.read(files, Some(&names))?;
    let parts: Vec<Vec<(Arc<str>, Track)>> =
        batches.par_iter().map(|batch| split(snapshot.table, batch)).collect::<Result<_>>()?;
    let mut tracks = Tracks::new();
    for (server, part) in parts.into_iter().flatten() {
        match tracks.entry(server) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(part)),
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().extend(&part),
        }
    }
    tracks.values_mut().for_each(Track::put_in_order);
    Ok(tracks)
}

fn wrong_shape(table: Table) -> Error {
    Error::Storage {
        action: "read",
        table: table.name().to_owned(),
        reason: "its key columns are not of the types they should be".to_owned(),
    }
}

/// Neighbouring rows of the same server, as tracks.
pub(crate) fn split(table: Table, batch: &RecordBatch) -> Result<Vec<(Arc<str>, Track)>> {
    let typed = |name: &str| batch.column_by_name(name).map(|array| array.as_any());
    let servers = typed("server_id").and_then(|a| a.downcast_ref::<StringArray>()).ok_or_else(|| wrong_shape(table))?;
    let times: Vec<i64> = match table {
        Table::Daily => {
            let days = typed("date").and_then(|a| a.downcast_ref::<Date32Array>()).ok_or_else(|| wrong_shape(table))?;
            days.values().iter().map(|day| i64::from(*day)).collect()
        }
        _ => {
            let micros = typed("ts").and_then(|a| a.downcast_ref::<TimestampMicrosecondArray>());
            micros.ok_or_else(|| wrong_shape(table))?.values().iter().map(|at| at.div_euclid(1000)).collect()
        }
    };
    let counts = typed("n_samples").and_then(|a| a.downcast_ref::<Int64Array>());
    let schema = batch.schema();
    let metrics: Vec<(Arc<str>, Vec<f64>)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| !table.columns().iter().any(|c| c.name == field.name()))
        .filter_map(|(field, array)| {
            Some((field.name().as_str().into(), floats(array.as_any().downcast_ref::<Float64Array>()?)))
        })
        .collect();
    let mut tracks = Vec::new();
    let mut start = 0;
    for row in 1..=servers.len() {
        if row < servers.len() && servers.value(row) == servers.value(start) {
            continue;
        }
        let rows = start..row;
        if rows.is_empty() || servers.is_empty() {
            break;
        }
        let columns = metrics.iter().map(|(name, values)| (name.clone(), values[rows.clone()].to_vec()));
        let track = Track {
            times: times[rows.clone()].to_vec(),
            n_samples: counts.map(|c| c.values()[rows.clone()].to_vec()).unwrap_or_default(),
            columns: columns.collect(),
        };
        tracks.push((servers.value(start).into(), track));
        start = row;
    }
    Ok(tracks)
}

/// Tracks as a batch in the shape of their table, servers in order of their ids.
pub(crate) fn to_batch(table: Table, tracks: &[(&Arc<str>, &Track)]) -> Result<RecordBatch> {
    let rows: usize = tracks.iter().map(|(_, track)| track.times.len()).sum();
    let names: BTreeSet<&Arc<str>> = tracks.iter().flat_map(|(_, track)| track.columns.keys()).collect();
    let servers: StringArray =
        tracks.iter().flat_map(|(id, track)| std::iter::repeat_n(Some(id.as_ref()), track.times.len())).collect();
    let times = || tracks.iter().flat_map(|(_, track)| track.times.iter());
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(servers)];
    match table {
        Table::Daily => {
            arrays.push(Arc::new(times().map(|day| Some(*day as i32)).collect::<Date32Array>()));
            let counts = tracks.iter().flat_map(|(_, track)| track.n_samples.iter().copied().map(Some));
            arrays.push(Arc::new(counts.collect::<Int64Array>()));
        }
        _ => {
            let micros: TimestampMicrosecondArray = times().map(|at| Some(at.saturating_mul(1000))).collect();
            arrays.push(Arc::new(micros.with_timezone("UTC")));
        }
    }
    let mut fields: Vec<_> = base_schema(table).fields().iter().cloned().collect();
    for name in names {
        let mut values = Vec::with_capacity(rows);
        for (_, track) in tracks {
            match track.columns.get(name) {
                Some(column) => values.extend_from_slice(column),
                None => values.resize(values.len() + track.times.len(), f64::NAN),
            }
        }
        arrays.push(float_array(&values));
        fields.push(Arc::new(metric_field(name, None)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::storage("write", table.name()))
}

/// Rows of a file of a table with that many rows.
///
/// Many small files are slow to open, few large ones slow to change; the number of files follows from
/// the rows alone, so that it is the same on every machine.
pub(crate) fn rows_per_file(rows: usize) -> usize {
    (rows / 64).clamp(crate::store::FILE_ROWS / 2, 8 * crate::store::FILE_ROWS)
}

/// Writes tracks in files of whole servers, so that a later change of some servers touches few files.
pub(crate) fn write(change: &Change, table: Table, tracks: &Tracks, first_part: usize) -> Result<usize> {
    let all: Vec<(&Arc<str>, &Track)> = tracks.iter().filter(|(_, track)| !track.times.is_empty()).collect();
    let rows: usize = all.iter().map(|(_, track)| track.times.len()).sum();
    let target = rows_per_file(rows);
    let mut parts: Vec<&[(&Arc<str>, &Track)]> = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (at, (_, track)) in all.iter().enumerate() {
        held += track.times.len();
        if held >= target || at + 1 == all.len() {
            parts.push(&all[start..=at]);
            (start, held) = (at + 1, 0);
        }
    }
    parts
        .par_iter()
        .enumerate()
        .try_for_each(|(at, part)| change.write_batch(table, to_batch(table, part)?, first_part + at))?;
    Ok(first_part + parts.len())
}

/// Files in groups that share no server with another group, each group in order of its servers.
pub(crate) fn groups_of_servers(files: &[DataFile]) -> Vec<Vec<DataFile>> {
    let mut sorted: Vec<DataFile> = files.to_vec();
    sorted.sort_by(|a, b| a.range.cmp(&b.range).then_with(|| a.path.cmp(&b.path)));
    let mut groups: Vec<(String, Vec<DataFile>)> = Vec::new();
    for file in sorted {
        match (&file.range, groups.last_mut()) {
            (Some((low, high)), Some((end, group))) if low <= end => {
                if *high > *end {
                    end.clone_from(high);
                }
                group.push(file);
            }
            // A file that does not say which servers it holds may hold any: all files go together.
            (None, _) => return vec![files.to_vec()],
            (Some((_, high)), _) => groups.push((high.clone(), vec![file])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn track(times: &[i64], cpu: &[f64]) -> Track {
        Track { times: times.to_vec(), n_samples: vec![], columns: [("cpu".into(), cpu.to_vec())].into() }
    }

    #[test]
    fn newer_values_replace_and_the_rest_stays() {
        let (old, mut new) = (track(&[1, 2, 3], &[10.0, 20.0, 30.0]), track(&[2, 3, 4], &[20.0, 31.0, 40.0]));
        new.columns.insert("memory".into(), vec![f64::NAN, 5.0, f64::NAN]);
        let (both, merged) = old.merged_with(&new);
        assert_eq!(both.times, [1, 2, 3, 4]);
        assert_eq!(both.columns["cpu"], [10.0, 20.0, 31.0, 40.0]);
        assert_eq!(both.columns["memory"][2], 5.0);
        assert_eq!(merged, Merged { inserted: 1, replaced: 1, unchanged: 1 });
        assert_eq!(both.merged_with(&new).1, Merged { inserted: 0, replaced: 0, unchanged: 3 });
    }

    #[test]
    fn a_day_without_samples_takes_nothing_away() {
        let mut old = track(&[1, 2], &[10.0, 20.0]);
        old.n_samples = vec![24, 24];
        let mut new = track(&[1, 2, 3], &[f64::NAN, 21.0, f64::NAN]);
        new.n_samples = vec![0, 12, 0];
        let (both, merged) = old.merged_with(&new);
        assert_eq!((both.n_samples, merged.unchanged), (vec![24, 12, 0], 1));
        assert_eq!(both.columns["cpu"][..2], [10.0, 21.0]);
    }

    #[test]
    fn rows_out_of_order_are_sorted_and_the_later_twin_stays() {
        let mut mixed = track(&[3, 1, 3, 2], &[30.0, 10.0, 33.0, 20.0]);
        mixed.put_in_order();
        assert_eq!(mixed, track(&[1, 2, 3], &[10.0, 20.0, 33.0]));
    }

    #[test]
    fn batches_and_tracks_are_inverse() {
        let (a, b) = (track(&[0, 60_000], &[1.0, 2.0]), track(&[60_000], &[3.0]));
        let ids: [Arc<str>; 2] = ["a".into(), "b".into()];
        let batch = to_batch(Table::Samples, &[(&ids[0], &a), (&ids[1], &b)]).unwrap();
        let back = split(Table::Samples, &batch).unwrap();
        assert_eq!(back, vec![(ids[0].clone(), a), (ids[1].clone(), b)]);
    }

    /// Rows as they come from two files, with gaps: a time, and a value or none.
    fn any_rows() -> impl Strategy<Value = Vec<(i64, Option<u8>)>> {
        proptest::collection::btree_map(0i64..30, proptest::option::of(0u8..5), 0..20)
            .prop_map(|rows| rows.into_iter().collect())
    }

    proptest! {
        #[test]
        fn merging_is_taking_the_newest_value_of_each_time(first in any_rows(), second in any_rows()) {
            let build = |rows: &[(i64, Option<u8>)]| {
                let (times, values): (Vec<i64>, Vec<f64>) =
                    rows.iter().map(|(time, value)| (*time, value.map_or(f64::NAN, f64::from))).unzip();
                track(&times, &values)
            };
            let (both, merged) = build(&first).merged_with(&build(&second));
            let mut expected: BTreeMap<i64, Option<u8>> = BTreeMap::new();
            for (time, value) in first.iter().chain(&second) {
                let entry = expected.entry(*time).or_default();
                *entry = value.or(*entry);
            }
            let expected: Vec<(i64, Option<u8>)> = expected.into_iter().collect();
            prop_assert_eq!(format!("{:?}", &both), format!("{:?}", build(&expected)));
            prop_assert_eq!(merged.inserted + merged.replaced + merged.unchanged, second.len());
            // The same rows once more are all there already.
            prop_assert_eq!(both.merged_with(&build(&second)).1.unchanged, second.len());
        }
    }
}
