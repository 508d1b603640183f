//! Factors that hold for many times, or for many servers, kept once.

use std::fmt;
use std::ops::{Index, Range};
use std::sync::Arc;

/// A series of which many values are the same: each is kept once for all times, and all servers, that
/// have it. It reads like a slice.
#[derive(Clone, Default)]
pub struct Layer {
    values: Arc<Vec<f64>>,
    /// Which of the values stands at each time; the values themselves in order when there is none.
    rows: Option<Arc<Vec<u32>>>,
}

impl Layer {
    /// The series whose i-th entry is the `rows[i]`-th of `values`.
    pub(crate) fn repeated(values: Arc<Vec<f64>>, rows: Arc<Vec<u32>>) -> Self {
        debug_assert!(rows.iter().all(|row| (*row as usize) < values.len()));
        Self { values, rows: Some(rows) }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.values.len(), |rows| rows.len())
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { values: &self.values, rows: self.rows.as_ref().map(|rows| &rows[..]), next: 0, end: self.len() }
    }

    /// Appends the entries to a column.
    pub(crate) fn lay_out(&self, into: &mut Vec<f64>) {
        match &self.rows {
            None => into.extend_from_slice(&self.values),
            Some(rows) => into.extend(rows.iter().map(|&row| self.values[row as usize])),
        }
    }

    /// The entries as a slice where each has a place of its own.
    pub(crate) fn as_slice(&self) -> Option<&[f64]> {
        self.rows.is_none().then(|| &self.values[..])
    }

    /// The values that are kept, which others may share.
    pub(crate) fn values(&self) -> &Arc<Vec<f64>> {
        &self.values
    }

    /// The entries in `range` alone.
    pub(crate) fn cut(&self, range: Range<usize>) -> Self {
        match &self.rows {
            None => self.values[range].to_vec().into(),
            Some(rows) => Self { values: Arc::clone(&self.values), rows: Some(Arc::new(rows[range].to_vec())) },
        }
    }

    /// The memory of the values, when nobody else has them.
    pub(crate) fn into_memory(self) -> Option<Vec<f64>> {
        Arc::try_unwrap(self.values).ok()
    }
}

impl From<Vec<f64>> for Layer {
    fn from(values: Vec<f64>) -> Self {
        Self { values: Arc::new(values), rows: None }
    }
}

impl Index<usize> for Layer {
    type Output = f64;

    #[inline]
    fn index(&self, at: usize) -> &f64 {
        match &self.rows {
            None => &self.values[at],
            Some(rows) => &self.values[rows[at] as usize],
        }
    }
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Layer {
    type Item = &'a f64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The entries of a [`Layer`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    values: &'a [f64],
    rows: Option<&'a [u32]>,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a f64;

    #[inline]
    fn next(&mut self) -> Option<&'a f64> {
        if self.next == self.end {
            return None;
        }
        let at = self.rows.map_or(self.next, |rows| rows[self.next] as usize);
        self.next += 1;
        Some(&self.values[at])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_layer_reads_like_the_series_it_stands_for() {
        let whole = Layer::from(vec![2.0, 2.0, 3.0]);
        let repeated = Layer::repeated(Arc::new(vec![3.0, 2.0]), Arc::new(vec![1, 1, 0]));
        assert_eq!(whole, repeated);
        assert_eq!((repeated.len(), repeated[2], repeated.iter().len()), (3, 3.0, 3));
        assert_eq!(repeated.iter().sum::<f64>(), 7.0);
        assert_eq!((repeated.cut(1..3), whole.cut(0..1)), (whole.cut(1..3), Layer::from(vec![2.0])));
        assert_eq!(format!("{repeated:?}"), "[2.0, 2.0, 3.0]");
        assert_ne!(whole, Layer::from(vec![2.0, 2.0]));
        assert!(repeated.as_slice().is_none() && Layer::default().is_empty());
        assert_eq!(whole.into_memory(), Some(vec![2.0, 2.0, 3.0]));
    }
}
