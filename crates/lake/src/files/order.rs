//! Parts that are made on many threads and must go into a file in the order of their numbers.

use std::collections::BTreeMap;

/// What arrived before its turn.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    next: usize,
    early: BTreeMap<usize, T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { next: 0, early: BTreeMap::new() }
    }
}

impl<T> Queue<T> {
    /// Takes the part of this number, counted from 0 without holes; gives those whose turn has come.
    pub(crate) fn put(&mut self, number: usize, part: T) -> Vec<T> {
        self.early.insert(number, part);
        let mut ready = Vec::new();
        while let Some(part) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(part);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_leave_in_the_order_of_their_numbers() {
        let mut queue = Queue::default();
        assert!(queue.put(2, 'c').is_empty());
        assert_eq!(queue.put(0, 'a'), ['a']);
        assert_eq!(queue.put(1, 'b'), ['b', 'c']);
    }
}
