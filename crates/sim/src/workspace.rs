//! Memory that is used again from one server to the next.

use crate::{Layer, ServerTelemetry, TruthSeries};
use std::collections::BTreeMap;

/// Most bytes that are kept for later servers.
const MOST_BYTES: usize = 128 << 20;
/// Room comes in multiples of this, so that series of nearly the same length share it.
const GRAIN: usize = 512;

/// Memory for the series of servers that are generated one after another: what [`Workspace::take_back`]
/// gets is used for the next, and no page is asked for twice. A thread has one of its own.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Columns nobody uses, by how many values they have room for.
    free: BTreeMap<usize, Vec<Vec<f64>>>,
    bytes: usize,
}

impl Workspace {
    /// Takes the memory of a server that is no longer needed.
    pub fn take_back(&mut self, telemetry: ServerTelemetry) {
        let ServerTelemetry { observed, daily, truth, .. } = telemetry;
        observed.into_iter().for_each(|column| self.give(column));
        for TruthSeries { growth, week, season, day, noise, event, demand, observed, .. } in truth {
            [growth, week, season, day, event].into_iter().for_each(|layer| self.give_layer(layer));
            [noise, demand, observed].into_iter().for_each(|column| self.give(column));
        }
        if let Some(daily) = daily {
            [daily.p95, daily.mean, daily.max].into_iter().flatten().for_each(|column| self.give(column));
        }
    }

    /// An empty column with room for `n` values.
    pub(crate) fn room(&mut self, n: usize) -> Vec<f64> {
        let mut column = self.taken(n);
        column.clear();
        column
    }

    /// A column of `n` values that are still to be written: they are those of its last use.
    pub(crate) fn stale(&mut self, n: usize) -> Vec<f64> {
        let mut column = self.taken(n);
        column.resize(n, 0.0);
        column
    }

    /// A column of `n` times the same value.
    pub(crate) fn filled(&mut self, n: usize, value: f64) -> Vec<f64> {
        let mut column = self.stale(n);
        column.fill(value);
        column
    }

    /// A column with these values.
    pub(crate) fn copy(&mut self, values: &[f64]) -> Vec<f64> {
        let mut column = self.room(values.len());
        column.extend_from_slice(values);
        column
    }

    fn taken(&mut self, n: usize) -> Vec<f64> {
        let room = n.next_multiple_of(GRAIN);
        match self.free.get_mut(&room).and_then(Vec::pop) {
            Some(column) => {
                self.bytes -= 8 * room;
                column
            }
            None => Vec::with_capacity(room),
        }
    }

    /// Keeps the memory of a column for later.
    pub(crate) fn give(&mut self, column: Vec<f64>) {
        let room = column.capacity();
        // Memory that did not come from here has another size, which nobody would ask for.
        if room > 0 && room.is_multiple_of(GRAIN) && self.bytes + 8 * room <= MOST_BYTES {
            self.bytes += 8 * room;
            self.free.entry(room).or_default().push(column);
        }
    }

    pub(crate) fn give_layer(&mut self, layer: Layer) {
        layer.into_memory().into_iter().for_each(|column| self.give(column));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_empty_and_has_a_bound() {
        let mut workspace = Workspace::default();
        let column = workspace.filled(700, 3.0);
        let place = column.as_ptr();
        workspace.give(column);
        let again = workspace.room(900);
        assert!(again.is_empty() && again.as_ptr() == place && again.capacity() == 1024);
        workspace.give(again);
        assert_eq!(workspace.stale(600).len(), 600);
        assert_eq!(workspace.filled(600, 2.0), [2.0; 600]);
        workspace.give(Vec::with_capacity(7));
        assert_eq!(workspace.bytes, 0);
        for _ in 0..40 {
            workspace.give(Vec::with_capacity(1 << 20));
        }
        assert!(workspace.bytes <= MOST_BYTES && workspace.bytes > MOST_BYTES / 2);
    }
}
