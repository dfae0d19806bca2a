//! Resources by id, in the order in which they came, and never more than a bound: the oldest make
//! room.
//!
//! It does not know what it keeps.

use std::collections::{HashMap, VecDeque};

/// Resources of one kind kept at most; a few KB each.
const SHELF_MAX: usize = 100_000;

/// A bounded map that remembers the order of arrival.
pub(super) struct Shelf<T> {
    items: HashMap<String, T>,
    oldest_first: VecDeque<String>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf { items: HashMap::new(), oldest_first: VecDeque::new() }
    }
}

impl<T> Shelf<T> {
    pub(super) fn insert(&mut self, id: String, item: T) {
        if self.items.insert(id.clone(), item).is_none() {
            self.oldest_first.push_back(id);
        }
        if self.oldest_first.len() > SHELF_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.items.remove(&oldest);
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.items.get(id)
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut T> {
        self.items.get_mut(id)
    }

    pub(super) fn newest(&self) -> Option<&str> {
        self.oldest_first.back().map(String::as_str)
    }

    /// All items, oldest first, each after `look` has had a turn.
    pub(super) fn collect<V>(&mut self, mut look: impl FnMut(&mut T) -> V) -> Vec<V> {
        let Shelf { items, oldest_first } = self;
        oldest_first.iter().filter_map(|id| items.get_mut(id).map(&mut look)).collect()
    }
}
