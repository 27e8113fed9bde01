//! The bounded queue between callers and the threads that own connections.
//!
//! Threads that commit in groups do best when few of them work: what waits meanwhile is the next
//! group. So only the first few take work at once; a further one takes a full batch, or what has
//! waited for [`PATIENCE`], which is how a slow closure is passed by.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::wall::now;
use super::work::Work;

/// How long work waits for a busy thread before an idle one beyond the eager takes it: some
/// commits' time.
const PATIENCE: Duration = Duration::from_millis(5);

/// Work that waits, and since when.
pub(super) struct Waiting {
    pub(super) work: Box<dyn Work>,
    pub(super) since: Instant,
}

/// How the threads of a queue share its work.
#[derive(Clone, Copy)]
pub(super) struct Sharing {
    /// Threads that take work as soon as there is any.
    pub(super) eager: usize,
    /// Work taken at once.
    pub(super) batch: usize,
}

/// A queue that refuses when it is full or closed.
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    places: usize,
    sharing: Sharing,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    closed: bool,
    /// Threads that wait for work: while all are busy nobody needs to be woken, which is a call of
    /// the system each time.
    idle: usize,
    /// Threads that have taken work and not come back.
    busy: usize,
    /// Whether one of the idle looks again once what waits has waited long enough.
    is_watched: bool,
}

/// One thread's place at the queue.
pub(super) struct Worker<'q> {
    queue: &'q Queue,
    is_busy: bool,
}

impl Queue {
    pub(super) fn new(places: usize, sharing: Sharing) -> Self {
        Self { state: Mutex::default(), ready: Condvar::new(), places, sharing }
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
        let is_awaited =
            state.idle > 0 && (self.is_for_anybody(&state, Duration::ZERO) || !state.is_watched);
        drop(state);
        if is_awaited {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Whether an idle thread may take what has waited for `waited`.
    fn is_for_anybody(&self, state: &State, waited: Duration) -> bool {
        state.busy < self.sharing.eager
            || state.waiting.len() >= self.sharing.batch
            || waited >= PATIENCE
            || state.closed
    }

    /// A place for one thread.
    pub(super) fn worker(&self) -> Worker<'_> {
        Worker { queue: self, is_busy: false }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Drops all that waits; the callers are told that there is no answer.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().waiting);
        drop(all);
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

impl Worker<'_> {
    /// Comes back from what was taken before and waits for more, at most a batch; `None` when the
    /// queue is closed and empty.
    pub(super) fn next(&mut self) -> Option<Vec<Waiting>> {
        let queue = self.queue;
        let mut state = queue.lock();
        self.come_back(&mut state);
        loop {
            let waited = state.waiting.front().map(|first| now().duration_since(first.since));
            match waited {
                Some(waited) if queue.is_for_anybody(&state, waited) => break,
                Some(waited) if !state.is_watched => {
                    let left = PATIENCE.saturating_sub(waited);
                    state.idle += 1;
                    state.is_watched = true;
                    let woken = queue.ready.wait_timeout(state, left);
                    (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
                    state.is_watched = false;
                    state.idle -= 1;
                }
                None if state.closed => return None,
                _ => {
                    state.idle += 1;
                    state = queue.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
        let count = state.waiting.len().min(queue.sharing.batch);
        let batch = state.waiting.drain(..count).collect();
        state.busy += 1;
        self.is_busy = true;
        if !state.waiting.is_empty() && state.idle > 0 && !state.is_watched {
            queue.ready.notify_one();
        }
        Some(batch)
    }

    fn come_back(&mut self, state: &mut State) {
        if std::mem::take(&mut self.is_busy) {
            state.busy -= 1;
        }
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let queue = self.queue;
        self.come_back(&mut queue.lock());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::db::work;

    fn add(queue: &Queue, count: usize) {
        for _ in 0..count {
            let (work, _answer) = work::pack::<(), Error, _>(|_| Ok(()), None);
            queue.add(work).expect("there is room");
        }
    }

    fn taken(worker: &mut Worker) -> usize {
        worker.next().map_or(0, |batch| batch.len())
    }

    #[test]
    fn a_thread_beyond_the_eager_takes_a_full_batch_or_what_has_waited() {
        let queue = Queue::new(100, Sharing { eager: 1, batch: 8 });
        let (mut first, mut second) = (queue.worker(), queue.worker());
        add(&queue, 1);
        assert_eq!(taken(&mut first), 1, "an eager one takes the first at once");
        add(&queue, 10);
        assert_eq!(taken(&mut second), 8, "a full batch is for anybody");
        // The second one has come back when it asks again; the first one is busy all the time, so
        // what is left is taken because it has waited.
        assert_eq!(taken(&mut second), 2);
        let front = queue.lock().waiting.len();
        assert_eq!(front, 0);
    }

    #[test]
    fn whoever_comes_back_takes_what_waited_meanwhile() {
        let queue = Queue::new(100, Sharing { eager: 1, batch: 8 });
        let mut only = queue.worker();
        add(&queue, 1);
        assert_eq!(taken(&mut only), 1);
        add(&queue, 3);
        assert_eq!(taken(&mut only), 3);
    }

    #[test]
    fn an_idle_thread_is_woken_while_the_eager_are_stuck() {
        let queue = Queue::new(100, Sharing { eager: 1, batch: 8 });
        let mut stuck = queue.worker();
        add(&queue, 1);
        assert_eq!(taken(&mut stuck), 1);
        std::thread::scope(|scope| {
            let (told, heard) = mpsc::channel();
            let queue = &queue;
            scope.spawn(move || {
                let mut idle = queue.worker();
                while let Some(batch) = idle.next() {
                    told.send(batch.len()).expect("the test listens");
                }
            });
            for _ in 0..3 {
                add(queue, 1);
                assert_eq!(heard.recv(), Ok(1));
            }
            queue.close();
        });
        assert!(stuck.next().is_none());
    }
}
