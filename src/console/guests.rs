//! Places for connections: each guest has one, and whoever says nothing loses it to the next.
//!
//! Knows nothing of what a guest says, nor how.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::{AbortHandle, JoinSet};

/// Who is connected, oldest first. Guests of the same `K` share a bound of their own.
pub(super) struct Guests<K> {
    places: usize,
    places_each: usize,
    count: u64,
    here: BTreeMap<u64, Guest<K>>,
    tasks: JoinSet<u64>,
}

struct Guest<K> {
    who: K,
    spoken: Spoken,
    task: AbortHandle,
}

/// Whether a whole request has come over a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken(Arc<AtomicBool>);

impl Spoken {
    /// One has.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_silent(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

impl<K: PartialEq> Guests<K> {
    /// Room for `places` connections, and for `places_each` of the same `K`.
    pub(super) fn new(places: usize, places_each: usize) -> Self {
        let (here, tasks) = (BTreeMap::new(), JoinSet::new());
        Self { places, places_each, count: 0, here, tasks }
    }

    /// Serves one more connection if there is room, or a silent guest can be sent away for it.
    pub(super) fn let_in<F>(&mut self, who: K, serve: impl FnOnce(Spoken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !self.has_room(&who) {
            return;
        }
        self.count += 1;
        let (number, spoken) = (self.count, Spoken::default());
        let serving = serve(spoken.clone());
        let task = self.tasks.spawn(async move {
            serving.await;
            number
        });
        self.here.insert(number, Guest { who, spoken, task });
    }

    /// Waits until a connection has ended; never returns while there is none. Cancel-safe.
    pub(super) async fn one_goes(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(number)) => drop(self.here.remove(&number)),
            // One that was cut short is found by its task.
            Some(Err(_)) => self.here.retain(|_, guest| !guest.task.is_finished()),
            None => std::future::pending().await,
        }
    }

    /// Makes room where a silent guest can be sent away.
    fn has_room(&mut self, who: &K) -> bool {
        let of_them = self.here.values().filter(|guest| guest.who == *who).count();
        let are_crowded = of_them >= self.places_each;
        if !are_crowded && self.here.len() < self.places {
            return true;
        }
        let goes =
            |guest: &Guest<K>| guest.spoken.is_silent() && (!are_crowded || guest.who == *who);
        let Some(number) = self.here.iter().find(|(_, guest)| goes(guest)).map(|(n, _)| *n) else {
            return false;
        };
        if let Some(guest) = self.here.remove(&number) {
            guest.task.abort();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of those who are here.
    fn here(guests: &Guests<char>) -> Vec<u64> {
        guests.here.keys().copied().collect()
    }

    #[tokio::test]
    async fn who_says_nothing_goes_first() {
        let mut guests = Guests::new(3, 2);
        let silent = |_: Spoken| std::future::pending();
        let speaks = |spoken: Spoken| {
            spoken.note();
            std::future::pending()
        };
        guests.let_in('a', speaks);
        guests.let_in('a', silent);
        guests.let_in('a', silent);
        assert_eq!(here(&guests), [1, 3], "two of each at most");
        guests.let_in('b', speaks);
        guests.let_in('c', speaks);
        assert_eq!(here(&guests), [1, 4, 5], "the silent one has gone");
        guests.let_in('d', silent);
        assert_eq!(here(&guests), [1, 4, 5], "nobody is sent away who has spoken");
    }

    #[tokio::test]
    async fn who_goes_leaves_a_place() {
        let mut guests = Guests::new(1, 1);
        guests.let_in('a', |spoken| async move { spoken.note() });
        guests.one_goes().await;
        guests.let_in('b', |_| async {});
        assert_eq!(here(&guests), [2]);
    }
}
