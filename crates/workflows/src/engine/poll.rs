//! The poller: timers that are due, leases that have expired, runs that nothing would ever move.

use super::Inner;
use super::actors::READY_MAX;
use crate::step::state::{ErrorKind, OpenError, State};
use model::id::{ErrorId, RunId, SpaceId};
use model::run::{RunError, RunState};
use model::time::Micros;
use runtime::changes::Topic;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use store::runs::Advance;
use store::{Dialect, errors, runs, stopped_engines, triggers};

/// Milliseconds between looks at the database when nothing is known to be due.
const POLL_MS: i64 = 1_000;
/// Runs claimed at once.
const CLAIM_ROWS: i64 = 200;
/// Milliseconds between renewals of leases: a third of their length.
const RENEW_MS: i64 = model::limits::LEASE_MS / 3;
/// Milliseconds between sweeps for runs that are stuck.
const SWEEP_MS: i64 = 60_000;
/// Unfinished runs that a sweep looks at in one read: some 10 ms of a reader.
const SWEEP_ROWS: usize = 1_000;
/// Reads of one sweep; the next one goes on from there, so that a million waiting runs cost a
/// little each minute, and not all of it in one.
const SWEEP_READS: usize = 20;
/// The states of unfinished runs, in the order in which sweeps go through them.
const UNFINISHED: [RunState; 3] = [RunState::Running, RunState::Waiting, RunState::Error];

impl Inner {
    pub(super) async fn poll_loop(self: Arc<Self>) {
        // SQLite belongs to one process: whatever is leased was left by one that is gone.
        if self.store.dialect() == Dialect::Sqlite {
            let now = self.node.lease_now(&self.runtime);
            let expired = self.store.write(move |tx| runs::expire_all(tx, now)).await;
            report("end leases", expired);
        }
        let (mut renewed, mut swept) = (self.runtime.now(), self.runtime.now());
        let mut place = SweepPlace::default();
        while !self.runtime.is_stopping() {
            let now = self.runtime.now();
            self.see_stopped().await;
            self.take_up_unheard().await;
            let claims = self.may_claim();
            if claims {
                self.wake_scheduled(now).await;
            }
            let more = claims && self.claim_due(now).await;
            if now.ms_since(renewed) >= RENEW_MS {
                renewed = now;
                self.renew(now).await;
            }
            if now.ms_since(swept) >= SWEEP_MS {
                swept = now;
                self.sweep(now, &mut place).await;
            }
            if more {
                continue;
            }
            // What is due and may not be claimed must not turn this loop into a spin.
            let known = if claims { self.wake_at.load(Ordering::Relaxed) } else { i64::MAX };
            let until = Micros(known).min(now.plus_ms(POLL_MS));
            tokio::select! {
                () = self.runtime.stopping() => {}
                () = self.poll.notified() => {}
                () = self.runtime.sleep_until(until) => {}
            }
        }
    }

    /// Whether there is room for more runs, and the others count this node in: what is claimed by
    /// one that they may find gone would wait.
    fn may_claim(&self) -> bool {
        self.actors.backlog() <= READY_MAX / 2 && self.node.is_present(&self.runtime)
    }

    /// Takes due and orphaned runs; true when there may be more.
    async fn claim_due(&self, now: Micros) -> bool {
        self.wake_at.store(i64::MAX, Ordering::Relaxed);
        let claim = self.claim_at(now);
        let claimed = self
            .store
            .write(move |tx| {
                let claimed = runs::claim(tx, &claim, CLAIM_ROWS)?;
                Ok((claimed, runs::next_wake(tx)?))
            })
            .await;
        let Some((claimed, next)) = report("claim runs", claimed) else { return false };
        if let Some(next) = next {
            self.wake_at.fetch_min(next.0, Ordering::Relaxed);
        }
        let more = i64::try_from(claimed.len()).is_ok_and(|n| n >= CLAIM_ROWS);
        for run in claimed {
            self.actors.wake(run);
        }
        more
    }

    /// Takes up runs that were leased to this node by a commit whose answer was lost.
    async fn take_up_unheard(&self) {
        let runs = self.store.unheard().runs();
        if runs.is_empty() {
            return;
        }
        let node = self.node.id();
        let leased = self.store.read(move |tx| runs::leased(tx, &node, &runs)).await;
        let Some(leased) = report("look for runs it was not told of", leased) else { return };
        self.store.unheard().heard_of_runs(&leased);
        for run in leased {
            self.actors.wake(run);
        }
    }

    /// Learns which engines were stopped or started, perhaps on another node.
    async fn see_stopped(&self) {
        let all = self.store.read(stopped_engines::all).await;
        if let Some(all) = report("see which engines are stopped", all) {
            let stopped = all.into_iter().collect();
            *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = stopped;
        }
    }

    /// Wakes runs with a node that a person has scheduled and whose time has come.
    async fn wake_scheduled(&self, now: Micros) {
        let due = self.store.read(move |tx| triggers::due_by_hand(tx, now, CLAIM_ROWS)).await;
        let due = report("look for scheduled nodes", due).unwrap_or_default();
        if due.is_empty() {
            return;
        }
        let claim = self.claim_at(now);
        let woken = self.store.write(move |tx| {
            for run in &due {
                runs::wake(tx, *run, &claim)?;
            }
            Ok::<_, store::Error>(due.clone())
        });
        for run in report("wake scheduled nodes", woken.await).unwrap_or_default() {
            self.actors.wake(run);
        }
    }

    async fn renew(&self, now: Micros) {
        let resting = self.actors.resting();
        if resting.is_empty() {
            return;
        }
        let claim = self.claim_at(now);
        let renewed = self
            .store
            .write(move |tx| resting.iter().try_for_each(|run| runs::renew(tx, *run, &claim)));
        report("renew leases", renewed.await);
    }

    /// Gives runs that nothing would ever move an error that says so. Goes through all unfinished
    /// runs, from where the last sweep ended.
    async fn sweep(&self, now: Micros, place: &mut SweepPlace) {
        let before = now.plus_ms(-SWEEP_MS);
        for _ in 0..SWEEP_READS {
            let Some(state) = UNFINISHED.get(place.state).copied() else { break };
            let after = place.after;
            let looked =
                self.store.read(move |tx| runs::look(tx, state, after, before, SWEEP_ROWS)).await;
            let Some(looked) = report("look for stuck runs", looked) else { return };
            for run in looked.stuck {
                self.end_stuck(run, now).await;
            }
            match looked.last {
                Some(last) => place.after = last,
                None => *place = SweepPlace { state: place.state + 1, after: RunId(0) },
            }
        }
        if place.state >= UNFINISHED.len() {
            *place = SweepPlace::default();
        }
    }

    async fn end_stuck(&self, run: RunId, now: Micros) {
        tracing::error!(%run, "a run has nothing left that would move it");
        let marked = self.store.write(move |tx| mark_stuck(tx, run, now)).await;
        if let Some(Some(space)) = report("mark a stuck run", marked) {
            self.changes.publish_run(&space, run);
            self.changes.publish(&space, Topic::Errors);
        }
    }
}

/// Where the next sweep goes on.
struct SweepPlace {
    /// The position of the state in [`UNFINISHED`].
    state: usize,
    /// The last run that was looked at.
    after: RunId,
}

impl Default for SweepPlace {
    fn default() -> Self {
        Self { state: 0, after: RunId(0) }
    }
}

/// Gives a run its error; the run's space, unless it is gone.
fn mark_stuck(tx: &mut store::Tx, id: RunId, now: Micros) -> Result<Option<SpaceId>, store::Error> {
    let Some(run) = runs::load(tx, id)? else { return Ok(None) };
    let mut state: State = serde_json::from_str(&run.engine_state).unwrap_or_default();
    let text = "The run is not finished, and nothing is left that would move it: no lease, timer, \
                deferral or open error.";
    let error = errors::insert(
        tx,
        &RunError {
            id: ErrorId(0),
            run_id: id,
            trigger_id: None,
            task_seq: None,
            node_id: None,
            active: true,
            kind: ErrorKind::Tree.as_str().into(),
            summary: text.into(),
            text: text.into(),
            resolution: json!({}),
            created_at: now,
            updated_at: now,
        },
    )?;
    let kind = ErrorKind::Tree;
    state.errors.push(OpenError { id: Some(error), seq: 0, kind, connector: None });
    let text = state.text();
    let advance = Advance {
        id,
        from_version: run.version,
        state: RunState::Error,
        engine_state: &text,
        lease: None,
        wake_at: None,
        now,
    };
    // A run that moved meanwhile was not stuck: the error goes with the transaction.
    if runs::advance(tx, &advance)? { Ok(Some(run.space_id)) } else { Err(store::Error::Stale) }
}

/// Logs what the store refused; the next round tries again.
fn report<T>(what: &str, result: Result<T, store::Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(store::Error::Unavailable { .. }) | Err(store::Error::Stale) => None,
        Err(error) => {
            tracing::warn!(%error, "the workflow engine could not {what}");
            None
        }
    }
}
