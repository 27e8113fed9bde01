//! The jobs a node holds in memory, leased to it: shared by whoever hands jobs in and the loop
//! that delivers them.

use crate::schedule::{Bounds, End, Job as Entry, Name, Scheduler, Shape, Ticket};
use model::id::JobId;
use model::job::Job;
use model::lane::{self, LaneId};
use model::time::Micros;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

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
    scheduler: Mutex<Scheduler<Waiting>>,
    /// Wakes the loop that starts attempts.
    wake: Notify,
    /// Wakes the loop that looks into the table.
    poke: Notify,
    /// Whether that loop should ask the table again.
    look: AtomicBool,
    /// Whether it should look for attempts that a node which is gone left behind.
    look_closely: AtomicBool,
    /// Whether that loop found no room for what is due.
    is_starved: AtomicBool,
    /// Whether a delivery loop runs on this node.
    is_open: AtomicBool,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            scheduler: Mutex::new(Scheduler::new(bounds)),
            wake: Notify::new(),
            poke: Notify::new(),
            look: AtomicBool::new(false),
            look_closely: AtomicBool::new(false),
            is_starved: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
        }
    }

    /// Opens or closes the way into memory.
    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::SeqCst);
    }

    /// Whether a new job of a lane may be born leased to this node.
    pub(crate) fn has_room(&self, lane: LaneId, now: Duration) -> bool {
        self.is_open.load(Ordering::SeqCst) && self.lock().room_of(lane, now) > 0
    }

    /// Takes a job that is leased to this node.
    pub(crate) fn push(&self, waiting: Waiting, shape: Shape, now: Duration) {
        self.push_all(vec![(waiting, shape)], now);
    }

    pub(crate) fn push_all(&self, jobs: Vec<(Waiting, Shape)>, now: Duration) {
        let mut scheduler = self.lock();
        for (waiting, shape) in jobs {
            let job = waiting.job.clone();
            let bytes = waiting.body.as_ref().map_or(0, |body| body.len());
            let entry = Entry {
                is_late: job.started_at.is_some(),
                bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
                since: now,
                job: waiting,
            };
            scheduler.push(lane_of(&job), || name(&job), shape, entry);
        }
        drop(scheduler);
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

    /// Has the table looked into once half of the room is free again.
    pub(crate) fn starve(&self) {
        self.is_starved.store(true, Ordering::SeqCst);
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

    /// The next job to start, when `nodes` share the limits of lanes.
    pub(crate) fn next(&self, now: Duration, nodes: usize) -> Option<(Ticket, Waiting)> {
        let mut scheduler = self.lock();
        scheduler.share(nodes, now);
        let next = scheduler.next(now);
        let is_half_empty = scheduler.is_half_empty();
        drop(scheduler);
        if is_half_empty && self.is_starved.swap(false, Ordering::SeqCst) {
            self.poke();
        }
        next
    }

    /// An attempt takes longer than most.
    pub(crate) fn linger(&self, ticket: &mut Ticket) {
        self.lock().linger(ticket);
    }

    pub(crate) fn done(&self, ticket: &Ticket, end: &End, now: Duration) {
        let mut scheduler = self.lock();
        scheduler.done(ticket, end, now);
        let has_news = scheduler.has_news();
        drop(scheduler);
        self.wake.notify_one();
        if has_news {
            self.poke.notify_one();
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Scheduler<Waiting>> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane of a job.
pub(crate) fn lane_of(job: &Job) -> LaneId {
    LaneId::of(&job.url, &job.space_id, job.webhook_id.as_ref())
}

fn name(job: &Job) -> Name {
    Name {
        endpoint: lane::endpoint(&job.url).into(),
        webhook: job.webhook_id.clone(),
        space: job.space_id.clone(),
    }
}
