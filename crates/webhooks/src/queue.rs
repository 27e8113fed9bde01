//! The jobs a node holds in memory, leased to it: shared by whoever hands jobs in and the loop
//! that delivers them.

use crate::lanes::{Bounds, Key, Lanes, Went};
use model::id::JobId;
use model::job::Job;
use model::time::Micros;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use url::Url;

/// A job in memory.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) job: Arc<Job>,
    /// The body, when it was at hand; otherwise it is read before the attempt.
    pub(crate) body: Option<Arc<str>>,
    pub(crate) lease: Lease,
}

impl Waiting {
    pub(crate) fn new(job: impl Into<Arc<Job>>, body: Option<Arc<str>>) -> Self {
        let job = job.into();
        let until = job.leased_until.map_or(i64::MAX, |until| until.0);
        Self { job, body, lease: Lease(Arc::new(AtomicI64::new(until))) }
    }
}

/// When the lease of a job in memory ends, as far as this node knows.
#[derive(Clone, Debug)]
pub(crate) struct Lease(Arc<AtomicI64>);

impl Lease {
    pub(crate) fn extend(&self, until: Micros) {
        self.0.fetch_max(until.0, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self, now: Micros) -> bool {
        now.0 >= self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Queue {
    lanes: Mutex<Lanes<Waiting>>,
    /// Wakes the loop that starts attempts.
    wake: Notify,
    /// Wakes the loop that looks into the table.
    poke: Notify,
    /// Whether that loop should ask the table again.
    look: AtomicBool,
    /// Whether it should look for attempts that a node which is gone left behind.
    look_closely: AtomicBool,
    /// Whether a delivery loop runs on this node.
    is_open: AtomicBool,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            lanes: Mutex::new(Lanes::new(bounds)),
            wake: Notify::new(),
            poke: Notify::new(),
            look: AtomicBool::new(false),
            look_closely: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
        }
    }

    /// Opens or closes the way into memory.
    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::SeqCst);
    }

    /// Whether a new job may be born leased to this node.
    pub(crate) fn has_room(&self) -> bool {
        self.is_open.load(Ordering::SeqCst) && self.lock().room() > 0
    }

    /// Takes a job that is leased to this node.
    pub(crate) fn push(&self, job: Arc<Job>, body: Option<Arc<str>>) {
        self.push_all(vec![Waiting::new(job, body)]);
    }

    pub(crate) fn push_all(&self, jobs: Vec<Waiting>) {
        let mut lanes = self.lock();
        for waiting in jobs {
            let key = key(&waiting.job);
            let is_retry = waiting.job.started_at.is_some();
            lanes.push(&key, waiting, is_retry);
        }
        drop(lanes);
        self.wake.notify_one();
    }

    /// Has the table looked into: something there is due, or due sooner than was known.
    pub(crate) fn poke(&self) {
        self.look.store(true, Ordering::SeqCst);
        self.poke.notify_one();
    }

    /// As [`Queue::poke`], when a node is gone: attempts that it had under way are looked for too.
    pub(crate) fn poke_closely(&self) {
        self.look_closely.store(true, Ordering::SeqCst);
        self.poke();
    }

    /// Waits until somebody pokes.
    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
    }

    /// Drops a waiting job that a person took away.
    pub(crate) fn forget(&self, id: &JobId) {
        self.lock().remove(|waiting| waiting.job.id == *id);
    }

    /// Waits until a job was handed in or a slot given back.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether somebody poked since the last call.
    pub(crate) fn must_look(&self) -> bool {
        self.look.swap(false, Ordering::SeqCst)
    }

    /// Whether a node was found gone since the last call.
    pub(crate) fn must_look_closely(&self) -> bool {
        self.look_closely.swap(false, Ordering::SeqCst)
    }

    /// Drops every waiting job: others have them now.
    pub(crate) fn let_go(&self) {
        drop(self.lock().remove(|_| true));
    }

    /// Wakes the loop that starts attempts.
    pub(crate) fn go_on(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn next(&self, now: Micros) -> Option<(Key, Waiting)> {
        self.lock().next(now)
    }

    pub(crate) fn done(&self, key: &Key, went: Went) {
        self.lock().done(key, went);
        self.wake.notify_one();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Lanes<Waiting>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane of a job: its endpoint and webhook.
pub(crate) fn key(job: &Job) -> Key {
    let endpoint = match Url::parse(&job.url) {
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let port = url.port_or_known_default().unwrap_or_default();
            format!("{}://{host}:{port}", url.scheme())
        }
        Err(_) => String::from("-"),
    };
    let webhook = job.webhook_id.as_ref().map_or("none", |id| id.as_str());
    Key { endpoint: endpoint.into(), webhook: webhook.into() }
}
