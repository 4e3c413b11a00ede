//! Breadth first through every reachable state: the shortest way to a broken promise, and whether
//! every state has a way to an end (AG EF end).
//!
//! Whole states stand in the frontier alone; of the others there is a 128-bit hash, the number of
//! the state it was first reached from and the numbers of those that follow it: 60 bytes or so.

use std::collections::VecDeque;
use std::hash::Hash;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::digest::digest;

/// A world that can be explored.
pub trait Space {
    /// Everything that bears on what can happen next.
    type State: Copy + Eq + Hash;
    /// One thing that can happen.
    type Event: Copy;

    /// Where it begins.
    fn initial(&self) -> Self::State;
    /// Everything that can happen in `state`, with what comes of it.
    fn next(&self, state: &Self::State, into: &mut Vec<(Self::Event, Self::State)>);
    /// The promise that is broken in `state`, if one is.
    fn broken(&self, state: &Self::State) -> Option<&'static str>;
    /// Whether the story is over in `state`.
    fn is_end(&self, state: &Self::State) -> bool;
}

/// What came of an exploration.
pub struct Explored<E, S> {
    /// The states found.
    pub states: usize,
    /// The steps from one to another.
    pub steps: usize,
    /// The length of the longest of all shortest ways.
    pub depth: usize,
    /// What is wrong, if something is: the search ends at the first.
    pub wrong: Option<Wrong<E, S>>,
}

/// A promise that does not hold, and the shortest way there.
pub struct Wrong<E, S> {
    /// Which promise.
    pub promise: &'static str,
    /// The way: what happened, and the state that it led to.
    pub path: Vec<(E, S)>,
}

/// The promise that is broken in a state from which no end can be reached.
pub const STUCK: &str = "L2 an end is reachable";

/// Explores `space`; `most` bounds the states, against a space that turns out not to be small.
pub fn explore<W: Space>(space: &W, most: usize) -> Explored<W::Event, W::State> {
    let mut found = Found::default();
    let first = space.initial();
    found.note(&first, 0);
    let mut frontier = Frontier::default();
    frontier.push(first, 0);
    let (mut events, mut depth) = (Vec::new(), 0);
    let mut ends = Vec::new();
    let wrong = |found: &Found, promise, number| {
        let path = path(space, found, number);
        Some(Wrong { promise, path })
    };
    while let Some((state, away)) = frontier.pop() {
        depth = away;
        ends.push(space.is_end(&state));
        space.next(&state, &mut events);
        let number = found.begun();
        for (_, after) in events.drain(..) {
            let (known, new) = found.note(&after, number);
            found.followers.push(known);
            if !new {
                continue;
            }
            if let Some(promise) = space.broken(&after) {
                let wrong = wrong(&found, promise, known);
                return found.told(away + 1, wrong);
            }
            frontier.push(after, away + 1);
        }
        assert!(found.parents.len() <= most, "more than {most} states");
    }
    found.starts.push(found.followers.len());
    let wrong = found
        .stuck(ends)
        .and_then(|number| wrong(&found, STUCK, number));
    found.told(depth, wrong)
}

/// States whose followers are not known yet, in pieces that go when they are empty: a row of all of
/// them would have to be copied whenever it grows.
struct Frontier<S> {
    pieces: VecDeque<VecDeque<(S, usize)>>,
}

/// States in a piece.
const PIECE: usize = 4096;

impl<S> Default for Frontier<S> {
    fn default() -> Self {
        Self {
            pieces: VecDeque::new(),
        }
    }
}

impl<S> Frontier<S> {
    fn push(&mut self, state: S, away: usize) {
        match self.pieces.back_mut() {
            Some(last) if last.len() < PIECE => last.push_back((state, away)),
            _ => {
                let mut piece = VecDeque::with_capacity(PIECE);
                piece.push_back((state, away));
                self.pieces.push_back(piece);
            }
        }
    }

    /// The first, and how many steps it is away.
    fn pop(&mut self) -> Option<(S, usize)> {
        loop {
            let first = self.pieces.front_mut()?;
            if let Some(state) = first.pop_front() {
                return Some(state);
            }
            self.pieces.pop_front();
        }
    }
}

#[derive(Default)]
struct Found {
    /// The digest of each state, in the order in which they were found, and where to find it there.
    digests: Vec<u128>,
    numbers: HashTable<u32>,
    parents: Vec<u32>,
    /// Where the followers of each state begin, in the order of the states.
    starts: Vec<usize>,
    followers: Vec<u32>,
}

impl Found {
    /// The state's number, and whether it is a new one.
    fn note<S: Hash>(&mut self, state: &S, parent: u32) -> (u32, bool) {
        let number = u32::try_from(self.parents.len()).expect("as many states fit no memory");
        let (digest, digests) = (digest(state), &self.digests);
        let same = |known: &u32| digests[*known as usize] == digest;
        let row = |known: &u32| low(digests[*known as usize]);
        match self.numbers.entry(low(digest), same, row) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(free) => {
                free.insert(number);
                self.digests.push(digest);
                self.parents.push(parent);
                (number, true)
            }
        }
    }

    /// The number of the state whose followers come now.
    fn begun(&mut self) -> u32 {
        self.starts.push(self.followers.len());
        u32::try_from(self.starts.len() - 1).expect("as many states fit no memory")
    }

    /// The first state from which there is no way to an end.
    fn stuck(&self, mut ends: Vec<bool>) -> Option<u32> {
        let followers = |state: usize| &self.followers[self.starts[state]..self.starts[state + 1]];
        loop {
            let mut changed = false;
            // Followers mostly have higher numbers, so few rounds do.
            for state in (0..ends.len()).rev() {
                if !ends[state] && followers(state).iter().any(|after| ends[*after as usize]) {
                    ends[state] = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let stuck = ends.iter().position(|end| !end)?;
        u32::try_from(stuck).ok()
    }

    fn told<E, S>(self, depth: usize, wrong: Option<Wrong<E, S>>) -> Explored<E, S> {
        Explored {
            states: self.parents.len(),
            steps: self.followers.len(),
            depth,
            wrong,
        }
    }
}

/// A digest is as good a hash as any.
fn low(digest: u128) -> u64 {
    digest as u64
}

/// The way to a state, walked again from the beginning.
fn path<W: Space>(space: &W, found: &Found, number: u32) -> Vec<(W::Event, W::State)> {
    let mut numbers = vec![number];
    while let Some(last) = numbers.last().filter(|last| **last != 0) {
        numbers.push(found.parents[*last as usize]);
    }
    let mut state = space.initial();
    let (mut path, mut events) = (Vec::new(), Vec::new());
    for number in numbers.into_iter().rev().skip(1) {
        space.next(&state, &mut events);
        let leads = |after: &W::State| found.digests[number as usize] == digest(after);
        let step = events.drain(..).find(|(_, after)| leads(after));
        let (event, after) = step.expect("the same world goes the same way");
        path.push((event, after));
        state = after;
    }
    path
}
