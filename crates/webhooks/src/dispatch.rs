//! The delivery loop of a node: from the table and from commits into lanes, from lanes out.
//!
//! ```text
//! commit ──▶ queue (memory, leased) ──▶ attempt ──▶ record (batched commit)
//!               ▲                                        │ failed: due later
//!  poller ──────┘◀──────────── jobs table ◀──────────────┘
//! ```
//!
//! The table is the truth. What memory holds is leased to this node; a job that does not fit stays
//! in the table until there is room. A node that dies leaves leases that become void: at once on
//! SQLite, whose one process has restarted, and on PostgreSQL once another node has found it gone,
//! at the latest after their time. A node that the others may find gone starts nothing.

use crate::queue::{self, Waiting};
use crate::record::{Recorder, Report};
use crate::schedule::{End, Shape, Ticket, Went};
use crate::send::Outcome;
use crate::snapshot::Snapshot;
use crate::target::{self, Target};
use crate::workflows::StartOutcome;
use crate::{Inner, Webhooks, answer, isolate, judge, outbox};
use model::delivery::Policy;
use model::id::{JobId, SpaceId};
use model::job::{Attempt, AttemptDetail, ErrorClass, Job, JobChange, State};
use model::lane::LaneId;
use model::limits;
use model::time::Micros;
use runtime::changes::Topic;
use runtime::panics;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::Tx;
use store::jobs::{Claim, Settled};

/// Time between looks into the table when nothing is known to be due sooner.
const LOOK: Duration = Duration::from_secs(1);
/// Time between searches for attempts that a vanished node left behind.
const INTERRUPTED: Duration = Duration::from_millis(limits::LEASE_MS.unsigned_abs() / 2);
/// Time between searches for keys whose head is done without having said so.
const ORDER: Duration = Duration::from_secs(5);
/// Time between renewals of leases.
const RENEW: Duration = Duration::from_millis(limits::LEASE_MS.unsigned_abs() / 3);
/// Jobs claimed in one look.
const CLAIM_MAX: usize = 200;
/// Lanes looked at in one look; the next one goes on where it ended.
const LANES_MAX: usize = 2_000;
/// An attempt that takes longer is shown as In Progress; most are over before.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
/// How long attempts under way may take after the stop before they are given up.
const GRACE: Duration = Duration::from_secs(15);

impl Webhooks {
    /// Called when a node was found gone, or hints that it left something: its jobs are looked for.
    pub fn take_over(&self) {
        self.inner.queue.poke_closely();
    }

    /// Called when another node says that jobs moved: some may be due that nobody holds.
    pub fn look(&self) {
        self.inner.queue.poke();
    }

    /// Called when another node says that a person took a job out of the queue.
    pub fn drop_taken(&self, id: &JobId) {
        self.inner.queue.forget(id);
    }

    /// Called when the generation of a space's webhooks is known: an older snapshot is dropped.
    pub fn definitions_at(&self, space: &SpaceId, generation: i64) {
        self.inner.snapshots.forget(space, generation - 1);
    }

    /// Called when others have taken over what this node holds: it drops that.
    pub fn let_go(&self) {
        self.inner.queue.let_go();
    }

    /// Called when the node is sure again that the others count it in.
    pub fn go_on(&self) {
        self.inner.queue.go_on();
    }

    /// Starts delivering on this node. Ends when the runtime stops: attempts under way get a grace
    /// time, everything else is given back.
    pub fn deliver(&self) {
        let inner = self.inner.clone();
        self.inner.queue.set_open(true);
        // Two loops, so that an attempt never waits for a look into the table.
        let poller = Poller { inner: inner.clone(), after: LaneId(i64::MIN) };
        let polling = self.inner.runtime.spawn(async move { poller.run().await });
        self.inner.runtime.spawn(async move {
            let recorder = Recorder::start(&inner);
            start_attempts(&inner, &recorder).await;
            // What the last look claimed is given back as well.
            let _ = polling.await;
            drain(&inner).await;
        });
    }
}

/// Starts attempts as lanes have jobs and slots, until the stop.
async fn start_attempts(inner: &Arc<Inner>, recorder: &Recorder) {
    while !inner.runtime.is_stopping() {
        let now = inner.runtime.elapsed();
        // A node that the others may count out starts nothing; it goes on once it is sure again.
        while inner.is_present()
            && let Some((ticket, waiting)) = inner.queue.next(now, inner.settings.node.live_nodes())
        {
            let slot = Slot::new(inner.clone(), ticket);
            inner.runtime.spawn(deliver(slot, waiting, recorder.clone()));
        }
        let wake = inner.queue.lock().next_wake();
        let resume = wake.map_or(LOOK, |at| at.saturating_sub(now));
        tokio::select! {
            () = inner.queue.woken() => (),
            () = inner.runtime.pause(resume.min(LOOK)) => (),
            () = inner.runtime.stopping() => (),
        }
    }
}

/// Gives waiting jobs back and lets attempts end.
async fn drain(inner: &Arc<Inner>) {
    inner.queue.set_open(false);
    let waiting = inner.queue.lock().remove(|_| true);
    let waiting = waiting.iter().map(|w| (w.job.id.clone(), w.job.epoch)).collect();
    inner.give_back(waiting).await;
    let ended = async {
        while !inner.queue.lock().is_idle() {
            inner.queue.woken().await;
        }
    };
    tokio::select! {
        () = ended => (),
        () = inner.runtime.pause(GRACE) => (),
    }
}

/// Brings jobs from the table into memory and keeps their leases. Its timers run on the clock that
/// never goes back: a clock that is set must not keep it from looking. What is due is a matter of
/// the time of day.
struct Poller {
    inner: Arc<Inner>,
    /// The lane at which the last look ended.
    after: LaneId,
}

/// What a look found.
#[derive(Default)]
struct Look {
    /// Lanes with due jobs that may be claimed, by how many of each.
    lanes: BTreeMap<usize, Vec<LaneId>>,
    /// Whether it saw all lanes, and took all that are due.
    is_whole: bool,
    /// Whether there are jobs whose lane is not known.
    is_unnamed: bool,
    /// When the next job is due, of those that are not yet.
    next: Option<Micros>,
}

impl Poller {
    async fn run(mut self) {
        self.free_former().await;
        let start = self.inner.runtime.elapsed();
        let (mut look_at, mut interrupted_at, mut renew_at) = (start, start, start + RENEW);
        let mut order_at = start + ORDER;
        while !self.inner.runtime.is_stopping() {
            let ticks = self.inner.runtime.elapsed();
            let now = self.inner.runtime.now();
            if !self.inner.is_present() {
                // Nothing is claimed that would not be sent; the next sign of life ends the wait.
                tokio::select! {
                    () = self.inner.settings.node.present(&self.inner.runtime) => (),
                    () = self.inner.runtime.stopping() => (),
                }
                continue;
            }
            self.inner.tell_news().await;
            if ticks >= order_at {
                order_at = ticks + ORDER;
                self.inner.keep_order(now).await;
            }
            if self.inner.queue.must_look_closely() || ticks >= interrupted_at {
                interrupted_at = ticks + INTERRUPTED;
                self.free_interrupted(now).await;
            }
            if self.inner.queue.must_look() || ticks >= look_at {
                self.free_unheard().await;
                look_at = ticks + self.look(now).await;
            }
            if ticks >= renew_at {
                renew_at = ticks + RENEW;
                self.renew().await;
            }
            let timer = look_at.min(interrupted_at).min(renew_at).min(order_at);
            let wait = timer.saturating_sub(self.inner.runtime.elapsed());
            tokio::select! {
                () = self.inner.queue.poked() => (),
                () = self.inner.runtime.pause(wait) => (),
                () = self.inner.runtime.stopping() => (),
            }
        }
    }

    /// Claims what is due, as far as there is room; returns how long to wait before the next look.
    async fn look(&mut self, now: Micros) -> Duration {
        let room = self.inner.queue.lock().room().min(CLAIM_MAX);
        if room == 0 {
            self.inner.queue.starve();
            return LOOK;
        }
        let after = self.after;
        let lease_now = self.inner.settings.node.lease_now(&self.inner.runtime);
        let looked = self.inner.store.read(move |tx| {
            let lanes = store::jobs::waiting(tx, after, LANES_MAX)?;
            Ok::<_, store::Error>((lanes, store::jobs::any_void(tx, lease_now)?))
        });
        let (lanes, is_void) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                warn(&error, "looking for due jobs");
                return LOOK;
            }
        };
        let look = self.judge(&lanes, now, room);
        let mut is_more = false;
        for (limit, lanes) in look.lanes {
            is_more |= self.claim(now, limit, lanes).await;
        }
        if is_void {
            let freed = self.tend("freeing jobs", move |tx| store::jobs::free_void(tx, lease_now));
            is_more |= freed.await.is_some();
        }
        if look.is_unnamed {
            is_more |= self.tend("naming lanes", store::jobs::adopt).await.is_some();
        }
        if is_more {
            return Duration::ZERO;
        }
        let soon = if look.is_whole { LOOK } else { LOOK / 8 };
        look.next.map_or(soon, |at| until(now, at).min(soon))
    }

    /// Which lanes to claim from, and how many jobs of each: all due lanes get their share of the
    /// room, none more than it has room for itself.
    fn judge(&mut self, lanes: &[store::jobs::Waiting], now: Micros, room: usize) -> Look {
        let mut look = Look { is_whole: lanes.len() < LANES_MAX, ..Look::default() };
        let ticks = self.inner.runtime.elapsed();
        let scheduler = self.inner.queue.lock();
        let mut due = Vec::new();
        for seen in lanes {
            let own = scheduler.room_of(seen.lane, ticks);
            if seen.lane.0 == 0 {
                look.is_unnamed = true;
            } else if seen.due_at > now && !seen.is_held {
                look.next = Some(look.next.map_or(seen.due_at, |next| next.min(seen.due_at)));
            } else if own > 0 && !seen.is_held {
                due.push((seen.lane, own));
            }
        }
        drop(scheduler);
        let mut last = lanes.last().map(|seen| seen.lane);
        if due.len() > room {
            due.truncate(room);
            look.is_whole = false;
            look.next = Some(now);
            last = due.last().map(|(lane, _)| *lane);
        }
        self.after = last.filter(|_| !look.is_whole).unwrap_or(LaneId(i64::MIN));
        let share = (room / due.len().max(1)).max(1);
        for (lane, own) in due {
            // Powers of two, so that a few statements serve all.
            let limit = 1 << own.min(share).ilog2();
            look.lanes.entry(limit).or_default().push(lane);
        }
        look
    }

    /// Puts attempts back that a vanished node left behind.
    async fn free_interrupted(&self, now: Micros) {
        let node = self.inner.settings.node.clone();
        let lease_now = node.lease_now(&self.inner.runtime);
        let freed = self.tend("freeing interrupted jobs", move |tx| {
            let jobs = store::jobs::free_interrupted(tx, &node.id(), lease_now)?;
            for job in &jobs {
                store::attempts::insert(tx, &interrupted_attempt(job, now))?;
            }
            Ok(!jobs.is_empty())
        });
        if freed.await == Some(true) {
            // There may be more than one batch.
            self.inner.queue.poke_closely();
        }
    }

    /// Frees what was leased to this node by a commit whose answer was lost: nobody holds it.
    async fn free_unheard(&self) {
        let leases = self.inner.store.unheard().jobs();
        if leases.is_empty() {
            return;
        }
        let node = self.inner.settings.node.id();
        let freed = self.tend("freeing jobs it was not told of", move |tx| {
            store::jobs::free_unheard(tx, &node, &leases)
        });
        if let Some(freed) = freed.await {
            self.inner.store.unheard().heard_of_jobs(&freed);
        }
    }

    /// What an earlier life of this process held is free at once, where no other can hold it.
    async fn free_former(&self) {
        let node = self.inner.settings.node.id();
        self.tend("freeing jobs", move |tx| store::jobs::free_former(tx, &node)).await;
    }

    async fn tend<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl Fn(&mut Tx) -> Result<T, store::Error> + Send + 'static,
    ) -> Option<T> {
        self.inner.store.write(work).await.inspect_err(|error| warn(error, doing)).ok()
    }

    /// Claims so many jobs of each lane; `true` when one of them gave that many, so that it may
    /// have more.
    async fn claim(&self, now: Micros, limit: usize, lanes: Vec<LaneId>) -> bool {
        let inner = self.inner.clone();
        let claimed = self.tend("claiming jobs", move |tx| {
            let own = &inner.settings.node;
            let (node, until) = (own.id(), own.lease_end(&inner.runtime));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            store::jobs::claim(tx, &Claim { node: &node, now, until, limit }, &lanes)
        });
        let Some(jobs) = claimed.await else { return false };
        let mut counts = HashMap::<LaneId, usize>::new();
        let mut waiting = Vec::with_capacity(jobs.len());
        for job in jobs {
            *counts.entry(queue::lane_of(&job)).or_default() += 1;
            let shape = self.inner.shape_of(&job).await;
            waiting.push((Waiting::new(job, None), shape));
        }
        self.inner.queue.push_all(waiting, self.inner.runtime.elapsed());
        counts.values().any(|count| *count >= limit)
    }

    /// Extends the leases of waiting jobs; those that were taken away are dropped.
    async fn renew(&self) {
        let waiting: Vec<Waiting> = {
            let mut lanes = self.inner.queue.lock();
            lanes.sweep(self.inner.runtime.elapsed());
            lanes.waiting().cloned().collect()
        };
        let until = self.inner.settings.node.lease_end(&self.inner.runtime);
        for chunk in waiting.chunks(500) {
            let chunk: Arc<[Waiting]> = chunk.into();
            let jobs = chunk.clone();
            let renewed = self.inner.store.write(move |tx| {
                let renew = |w: &Waiting| store::jobs::renew(tx, &w.job.id, w.job.epoch, until);
                jobs.iter().map(renew).collect::<Result<Vec<bool>, _>>()
            });
            match renewed.await {
                Ok(renewed) => {
                    for (waiting, is_ours) in chunk.iter().zip(renewed) {
                        if is_ours {
                            waiting.lease.extend(until);
                        } else {
                            self.inner.queue.forget(&waiting.job.id);
                        }
                    }
                }
                Err(error) => return warn(&error, "renewing leases"),
            }
        }
    }
}

/// How long it is from `now` to `at`.
fn until(now: Micros, at: Micros) -> Duration {
    Duration::from_micros(at.0.saturating_sub(now.0).max(0).unsigned_abs())
}

fn warn(error: &store::Error, doing: &str) {
    tracing::warn!(%error, "{doing} failed; it is tried again");
}

/// The record of an attempt whose node vanished.
fn interrupted_attempt(job: &Job, now: Micros) -> Attempt {
    let started_at = job.started_at.unwrap_or(now);
    let error = "The server stopped while the attempt was under way; its outcome is not known";
    Attempt {
        job_id: job.id.clone(),
        number: 0,
        started_at,
        duration_ms: 0.0,
        url: job.url.clone(),
        detail: AttemptDetail {
            error_class: Some(ErrorClass::Interrupted),
            error: Some(error.to_owned()),
            ..AttemptDetail::default()
        },
    }
}

/// A place in a lane, given back however the attempt ends.
struct Slot {
    inner: Arc<Inner>,
    ticket: Ticket,
    end: End,
}

impl Slot {
    fn new(inner: Arc<Inner>, ticket: Ticket) -> Self {
        let end = End { went: Went::Unknown, latency: Duration::ZERO, error: None };
        Self { inner, ticket, end }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.inner.queue.done(&self.ticket, &self.end, self.inner.runtime.elapsed());
    }
}

/// Carries out one attempt. A fault of our own ends that attempt, not its worker: it is recorded,
/// and the place in the lane is free at once.
async fn deliver(slot: Slot, waiting: Waiting, recorder: Recorder) {
    let (inner, job) = (slot.inner.clone(), waiting.job.clone());
    let attempted = panics::caught(attempt(slot, waiting, recorder.clone())).await;
    let Err(message) = attempted else { return };
    // What panics say may hold what people sent: it is for the log.
    tracing::error!(job = %job.id, %message, "an attempt failed by a fault of Kapok");
    let snapshot = inner.snapshot_of(&job).await;
    let outcome = Outcome::unsent(inner.runtime.now(), isolate::fault());
    inner.report(&job, &outcome, snapshot.as_deref(), None, &recorder).await;
}

/// Carries out one attempt and reports it. What few attempts need stands in boxes: the rest is
/// moved three times before it runs.
async fn attempt(mut slot: Slot, waiting: Waiting, recorder: Recorder) {
    let inner = slot.inner.clone();
    let job = &*waiting.job;
    if !inner.may_start(&waiting).await {
        return inner.queue.poke();
    }
    let read = target::read(&job.url, inner.settings.public_url.as_ref());
    if read != Target::Outside {
        return Box::pin(inner.start_late(&waiting, read)).await;
    }
    let snapshot = inner.snapshot_of(job).await;
    if !inner.may_go_out(&waiting, snapshot.as_deref()).await {
        return;
    }
    let Some(body) = inner.body(&waiting).await else { return };
    let Some(made) = inner.made(job, &body).await else { return };
    // Reading may have taken long, from a database that is out of reach.
    if !inner.is_present() && !inner.may_start(&waiting).await {
        return inner.queue.poke();
    }
    let sending = inner.carry_out(job, &body, made);
    tokio::pin!(sending);
    let outcome = tokio::select! {
        biased;
        outcome = &mut sending => outcome,
        () = inner.runtime.pause(SHOWN_AFTER) => {
            inner.queue.linger(&mut slot.ticket);
            let at = inner.runtime.now();
            let (id, epoch) = (job.id.clone(), job.epoch);
            let space_id = job.space_id.clone();
            recorder.report(Report::Started { space_id, id, epoch, at }).await;
            sending.await
        }
    };
    inner.report(&waiting.job, &outcome, snapshot.as_deref(), Some(slot), &recorder).await;
}

impl Inner {
    /// Judges how an attempt ended, gives its place back and has it recorded.
    async fn report(
        &self,
        job: &Arc<Job>,
        outcome: &Outcome,
        snapshot: Option<&Snapshot>,
        slot: Option<Slot>,
        recorder: &Recorder,
    ) {
        let policy = snapshot.map(|known| known.policy(job.webhook_id.as_ref()));
        let policy = policy.map_or_else(Cow::default, Cow::Borrowed);
        let judged = judge::judge(job, outcome, &policy, &self.runtime);
        // The place is free for the next one; recording goes on beside.
        if let Some(mut slot) = slot {
            slot.end = judged.end;
        }
        let space_id = job.space_id.clone();
        let (settled, attempt) = (judged.settled, Box::new(judged.attempt));
        self.trace(job.trace_id.as_str(), &attempt);
        let disable = judged.disable.and_then(|why| Some(Box::new((job.webhook_id.clone()?, why))));
        let own = snapshot.and_then(|known| known.by_id(job.webhook_id.as_ref()?));
        let is_ordered = own.is_some_and(|compiled| compiled.order_by.is_some());
        let most = snapshot.map_or(u32::MAX, |known| known.settings.notices.failures);
        let disabled = disable.as_deref().map(|(_, why): &(_, String)| why.as_str());
        let sign = self.sign(job, &attempt, settled.retry_count, disabled, most);
        let report = Report::Ended { space_id, settled, attempt, disable, is_ordered, sign };
        recorder.report(report).await;
    }

    /// Whether the others count this node in, so that it may send.
    fn is_present(&self) -> bool {
        self.settings.node.is_present(&self.runtime)
    }

    /// Whether a job may be sent now: one that must wait goes back to the table, one that is too
    /// old to be of use is cancelled.
    async fn may_go_out(&self, waiting: &Waiting, snapshot: Option<&Snapshot>) -> bool {
        let job = &waiting.job;
        let Some(snapshot) = snapshot else { return true };
        if snapshot.hold(job.webhook_id.as_ref()).is_some() {
            Box::pin(self.give_back(vec![(job.id.clone(), job.epoch)])).await;
            return false;
        }
        let own = job.webhook_id.as_ref().and_then(|id| snapshot.by_id(id));
        let ttl = own.and_then(|compiled| compiled.webhook.delivery.ttl_ms);
        let age = self.runtime.now().ms_since(job.audit.created_at);
        match ttl {
            Some(ttl) if age > ttl => Box::pin(self.expire(job, ttl)).await,
            _ => return true,
        }
        false
    }

    /// Cancels a job that its webhook's time to live has overtaken.
    async fn expire(&self, job: &Arc<Job>, ttl_ms: i64) {
        let (job, now, node) = (job.clone(), self.runtime.now(), self.settings.node.id());
        let space = job.space_id.clone();
        let reason = format!("expired: older than the {} s it is worth sending", ttl_ms / 1_000);
        let written = self.store.write(move |tx| {
            let settled = Settled {
                id: job.id.clone(),
                epoch: job.epoch,
                state: State::Cancelled,
                summary: format!("Cancelled: {reason}"),
                response_content: job.response_content.clone(),
                error_class: job.error_class,
                retry_count: job.retry_count,
                run_id: None,
                scheduled_at: job.scheduled_at,
                started_at: job.started_at.unwrap_or(now),
                finished_at: Some(now),
                at: now,
            };
            if store::jobs::settle(tx, &settled)? {
                let change = JobChange {
                    job_id: job.id.clone(),
                    at: now,
                    state: State::Cancelled,
                    reason: reason.clone(),
                    actor: node.to_string(),
                    attempt: None,
                };
                store::job_changes::insert(tx, &[change])?;
                store::order::leave(tx, &job.id, now, &node)?;
            }
            Ok::<_, store::Error>(())
        });
        if let Err(error) = written.await {
            warn(&error, "cancelling an expired job");
        }
        self.changes.publish(&space, Topic::Jobs);
    }

    /// Whether an attempt may start: this node is present, and the job is still its own.
    async fn may_start(&self, waiting: &Waiting) -> bool {
        let node = &self.settings.node;
        let was_present = self.is_present();
        if !was_present {
            tokio::select! {
                () = node.present(&self.runtime) => (),
                () = self.runtime.stopping() => return false,
            }
        }
        if waiting.job.leased_by.as_deref() != Some(&*node.id()) {
            // Others have taken over what was leased under the old name.
            return false;
        }
        let is_sure = was_present && !waiting.lease.is_over(node.lease_now(&self.runtime));
        is_sure || Box::pin(self.is_still_ours(waiting)).await
    }

    /// Asks the table whose a job is: a node that was stopped, or cut off from the database, for
    /// longer than the lease does not know.
    async fn is_still_ours(&self, waiting: &Waiting) -> bool {
        let job = waiting.job.clone();
        let until = self.settings.node.lease_end(&self.runtime);
        let renewed = self.store.write(move |tx| store::jobs::renew(tx, &job.id, job.epoch, until));
        renewed.await.unwrap_or_else(|error| {
            warn(&error, "renewing a lease");
            false
        })
    }

    /// The body of a job: at hand, its own, or its event's payload.
    async fn body(&self, waiting: &Waiting) -> Option<Arc<str>> {
        if let Some(body) = &waiting.body {
            return Some(body.clone());
        }
        if let Some(body) = &waiting.job.request_content {
            return Some(body.as_str().into());
        }
        let Some(event) = waiting.job.event_id.clone() else { return Some("".into()) };
        match self.store.read(move |tx| store::events::payload(tx, &event)).await {
            Ok(payload) => Some(payload.unwrap_or_default().into()),
            Err(error) => {
                // The lease runs out and the job is taken up again.
                warn(&error, "reading a job's body");
                None
            }
        }
    }

    /// The webhooks of the job's space; `None` while they cannot be read.
    async fn snapshot_of(&self, job: &Job) -> Option<Arc<Snapshot>> {
        self.snapshots.of(&self.store, &job.space_id).await.ok()
    }

    /// What the policy of a job says about its lane.
    async fn shape_of(&self, job: &Job) -> Shape {
        let snapshot = self.snapshot_of(job).await;
        let policy = snapshot.as_deref().map(|known| known.policy(job.webhook_id.as_ref()));
        policy.map_or_else(|| Shape::from(&Policy::default()), Shape::from)
    }

    /// Starts the run of a job that points inside but was not settled with its event, such as one
    /// whose URL only now names this server.
    async fn start_late(&self, waiting: &Waiting, target: Target) {
        let job = waiting.job.clone();
        let now = self.runtime.now();
        let workflows = self.workflows.clone();
        let written = self.store.write(move |tx| {
            let mut run = None;
            let answer = match &target {
                Target::Inside(tree, version) => {
                    let mut request =
                        outbox::start_request(&job, tree.clone(), &job.audit.created_by);
                    request.at = now;
                    let outcome = workflows.start(tx, &request)?;
                    if let StartOutcome::Started { run: number, .. } = &outcome {
                        run = Some(*number);
                    }
                    answer::to_start(&outcome, *version)
                }
                _ => answer::nowhere(&job.url),
            };
            let state = if run.is_some() { State::Complete } else { State::Failed };
            let settled = Settled {
                id: job.id.clone(),
                epoch: job.epoch,
                state,
                summary: answer.summary(),
                error_class: answer.error_class(),
                response_content: Some(answer.body),
                retry_count: job.retry_count,
                run_id: run,
                scheduled_at: job.scheduled_at,
                started_at: now,
                finished_at: Some(now),
                at: now,
            };
            match store::jobs::settle(tx, &settled)? {
                true => Ok(run),
                // The job moved; so must the run not be.
                false => Err(store::Error::Stale),
            }
        });
        match written.await {
            Ok(run) => {
                self.changes.publish(&waiting.job.space_id, Topic::Jobs);
                if let Some(run) = run {
                    self.workflows.started(run);
                    self.changes.publish_run(&waiting.job.space_id, run);
                }
            }
            Err(store::Error::Stale) => {}
            Err(error) => warn(&error, "starting a job's run"),
        }
    }
}
