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
    calls: HashSet<i64>,
    is_queued: bool,
    is_walking: bool,
}

/// What a walker takes along.
pub(crate) struct Taken {
    pub(crate) loaded: Option<Loaded>,
    pub(crate) inbox: Vec<Input>,
    /// Tasks whose outside work is under way on this node.
    pub(crate) calls: HashSet<i64>,
}

impl Actors {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a run for a walker, with something that came in.
    pub(crate) fn push(&self, run: RunId, inputs: Vec<Input>, finished_call: Option<i64>) {
        let mut inner = self.lock();
        let actor = inner.actors.entry(run).or_default();
        actor.inbox.extend(inputs);
        if let Some(seq) = finished_call {
            actor.calls.remove(&seq);
        }
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
        Taken {
            loaded: actor.loaded.take(),
            inbox: std::mem::take(&mut actor.inbox),
            calls: actor.calls.clone(),
        }
    }

    /// Notes that outside work of a task has begun here; false when it was under way already.
    pub(crate) fn call_begins(&self, run: RunId, seq: i64) -> bool {
        self.lock().actors.entry(run).or_default().calls.insert(seq)
    }

    /// Takes a run back from its walker.
    pub(crate) fn give_back(&self, run: RunId, loaded: Option<Loaded>) {
        let mut inner = self.lock();
        let Some(actor) = inner.actors.get_mut(&run) else { return };
        actor.is_walking = false;
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
