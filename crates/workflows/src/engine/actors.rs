//! Runs in memory: which are waiting for a walker, which are being walked, what came in meanwhile.
//!
//! ```text
//! push ─▶ queued ─▶ walking ─┬─▶ gone (nothing is under way here; the database knows the rest)
//!           ▲                ├─▶ resting (a call is under way; its state stays in memory)
//!           └── push ◀───────┴─▶ queued again (something came in meanwhile)
//! ```

use super::walk::Loaded;
use crate::step::Input;
use model::id::RunId;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Runs that may wait for a walker on this node; beyond, new ones stay in the database.
pub(crate) const READY_MAX: usize = 20_000;

/// All runs this node has at hand.
#[derive(Default)]
pub(crate) struct Actors {
    inner: Mutex<Inner>,
    ready: Notify,
}

#[derive(Default)]
struct Inner {
    actors: HashMap<RunId, Actor>,
    queue: VecDeque<RunId>,
}

#[derive(Default)]
struct Actor {
    loaded: Option<Loaded>,
    inbox: Vec<Input>,
    /// Tasks whose outside work is under way here, or whose outcome is not yet written.
    calls: HashSet<i64>,
    is_queued: bool,
    is_walking: bool,
    /// Whether the database knows something that `loaded` does not.
    is_stale: bool,
}

/// What a walker takes along.
pub(crate) struct Taken {
    pub(crate) loaded: Option<Loaded>,
    pub(crate) inbox: Vec<Input>,
}

impl Actors {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a run for a walker, because the database has something new for it.
    pub(crate) fn wake(&self, run: RunId) {
        self.queue(run, |actor| actor.is_stale = true);
    }

    /// Queues a run for a walker, with the outcome of its outside work.
    pub(crate) fn bring(&self, run: RunId, input: Input) {
        self.queue(run, |actor| actor.inbox.push(input));
    }

    fn queue(&self, run: RunId, change: impl FnOnce(&mut Actor)) {
        let mut inner = self.lock();
        let actor = inner.actors.entry(run).or_default();
        change(actor);
        if !actor.is_queued {
            actor.is_queued = true;
            if !actor.is_walking {
                inner.queue.push_back(run);
                drop(inner);
                self.ready.notify_one();
            }
        }
    }

    /// The next run that waits for a walker.
    pub(crate) async fn next(&self) -> RunId {
        loop {
            if let Some(run) = self.lock().queue.pop_front() {
                return run;
            }
            self.ready.notified().await;
        }
    }

    /// Hands a run to a walker.
    pub(crate) fn take(&self, run: RunId) -> Taken {
        let mut inner = self.lock();
        let actor = inner.actors.entry(run).or_default();
        actor.is_queued = false;
        actor.is_walking = true;
        let loaded = actor.loaded.take().filter(|_| !actor.is_stale);
        actor.is_stale = false;
        Taken { loaded, inbox: std::mem::take(&mut actor.inbox) }
    }

    /// Notes that outside work of a task begins here; false when it is under way already.
    pub(crate) fn call_begins(&self, run: RunId, seq: i64) -> bool {
        self.lock().actors.entry(run).or_default().calls.insert(seq)
    }

    /// Whether outside work of a task is under way here, or its outcome is not yet written.
    pub(crate) fn is_calling(&self, run: RunId, seq: i64) -> bool {
        self.lock().actors.get(&run).is_some_and(|actor| actor.calls.contains(&seq))
    }

    /// Whether outside work of any task of a run is under way here.
    pub(crate) fn is_calling_any(&self, run: RunId) -> bool {
        self.lock().actors.get(&run).is_some_and(|actor| !actor.calls.is_empty())
    }

    /// Notes that the outcomes of outside work are written.
    pub(crate) fn calls_end(&self, run: RunId, seqs: impl Iterator<Item = i64>) {
        if let Some(actor) = self.lock().actors.get_mut(&run) {
            seqs.for_each(|seq| {
                actor.calls.remove(&seq);
            });
        }
    }

    /// Forgets the outside work of a run that this node no longer has: what comes of it is late.
    pub(crate) fn forget_calls(&self, run: RunId) {
        if let Some(actor) = self.lock().actors.get_mut(&run) {
            actor.calls.clear();
        }
    }

    /// Takes a run back from its walker; one that is not done queues behind the others.
    pub(crate) fn give_back(&self, run: RunId, loaded: Option<Loaded>, is_done: bool) {
        let mut inner = self.lock();
        let Some(actor) = inner.actors.get_mut(&run) else { return };
        actor.is_walking = false;
        actor.is_queued |= !is_done;
        actor.loaded = loaded;
        if actor.is_queued {
            inner.queue.push_back(run);
            drop(inner);
            self.ready.notify_one();
        } else if actor.calls.is_empty() {
            inner.actors.remove(&run);
        }
    }

    /// Runs whose outside work is under way here.
    pub(crate) fn resting(&self) -> Vec<RunId> {
        self.lock().actors.iter().filter(|(_, a)| !a.calls.is_empty()).map(|(id, _)| *id).collect()
    }

    /// How many runs wait for a walker.
    pub(crate) fn backlog(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether nothing is queued, walked or called on this node.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().actors.is_empty()
    }
}
