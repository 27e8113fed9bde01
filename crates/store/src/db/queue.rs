//! The bounded queue between callers and the threads that own connections.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::wall::now;
use super::work::Work;

/// Work that waits, and since when.
pub(super) struct Waiting {
    pub(super) work: Box<dyn Work>,
    pub(super) since: Instant,
}

/// A queue that refuses when it is full or closed.
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    places: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    closed: bool,
    /// Threads that wait for work: while all are busy nobody needs to be woken, which is a call of
    /// the system each time.
    idle: usize,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self { state: Mutex::default(), ready: Condvar::new(), places }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two of its operations, so a panic elsewhere is no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds work, unless the queue is full or closed.
    pub(super) fn add(&self, work: Box<dyn Work>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Unavailable { message: "the store is closed".to_owned() });
        }
        if state.waiting.len() >= self.places {
            return Err(Error::Overloaded);
        }
        state.waiting.push_back(Waiting { work, since: now() });
        let is_awaited = state.idle > 0;
        drop(state);
        if is_awaited {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Waits for work; `None` when the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Waiting> {
        let mut state = self.lock();
        loop {
            if let Some(waiting) = state.waiting.pop_front() {
                return Some(waiting);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Takes up to `max` more without waiting.
    pub(super) fn drain(&self, max: usize) -> Vec<Waiting> {
        let mut state = self.lock();
        let count = state.waiting.len().min(max);
        state.waiting.drain(..count).collect()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Removes those that have waited longer than `patience`.
    pub(super) fn expire(&self, patience: Duration) -> Vec<Waiting> {
        let mut state = self.lock();
        let now = now();
        let late = state
            .waiting
            .iter()
            .take_while(|waiting| now.duration_since(waiting.since) > patience)
            .count();
        state.waiting.drain(..late).collect()
    }

    /// Refuses new work and wakes everyone, so that the threads end once the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }
}
