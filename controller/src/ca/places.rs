//! Places that are given out: so many in all, and so many to each.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Places for whoever is told apart by `K`.
#[derive(Debug)]
pub(crate) struct Places<K> {
    all: usize,
    each: usize,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    sum: usize,
    by: HashMap<K, usize>,
}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Hash + Eq> {
    places: Arc<Places<K>>,
    who: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// None of them taken yet.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            taken: Mutex::new(Taken {
                sum: 0,
                by: HashMap::new(),
            }),
        })
    }

    /// One place more; none if they are all taken, or `who` has enough.
    pub(crate) fn enter(self: &Arc<Self>, who: K) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by.get(&who).copied().unwrap_or(0);
        if own >= self.each || taken.sum >= self.all {
            return None;
        }
        taken.sum += 1;
        taken.by.insert(who.clone(), own + 1);
        drop(taken);
        let places = Arc::clone(self);
        Some(Place { places, who })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let taken = self.places.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.sum = taken.sum.saturating_sub(1);
        if let Some(own) = taken.by.get_mut(&self.who) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r30_nobody_takes_more_places_than_his_own_and_each_comes_back() {
        let places = Places::new(5, 2);
        let taken: Vec<_> = (0..4).filter_map(|_| places.enter("one")).collect();
        assert_eq!(taken.len(), 2);
        let others: Vec<_> = ["two", "two", "three", "four"]
            .into_iter()
            .filter_map(|who| places.enter(who))
            .collect();
        assert_eq!(others.len(), 3, "five in all");
        drop(taken);
        assert!(places.enter("one").is_some());
        drop(others);
        let left = places.taken.lock().unwrap();
        assert_eq!((left.sum, left.by.len()), (0, 0), "nothing is remembered");
    }
}
