//! The timeline of a job: its creation, its attempts, what happened to it in between, and why it
//! waits now.

use crate::holds::{clock, words};
use crate::jobs::find;
use crate::{Actor, Error, Webhooks};
use model::id::JobId;
use model::job::{Attempt, Job, JobChange, State};
use model::time::Micros;
use store::job_changes::{self, Hold};

const ADMINISTER: &str = "see webhook jobs";

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When; for the last line of a waiting job, now.
    pub at: Micros,
    /// The state of the job from then on.
    pub state: State,
    /// What happened, in words.
    pub reason: String,
    /// Who did it.
    pub actor: Option<String>,
    /// The attempt it is about.
    pub attempt: Option<i64>,
}

/// What a timeline is made of.
struct Read {
    job: Job,
    attempts: Vec<Attempt>,
    changes: Vec<JobChange>,
    holds: Vec<Hold>,
    waits_for: Option<JobId>,
}

impl Webhooks {
    /// The timeline of a job, first to last. `kapp` must be its scope when given.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn timeline(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        id: &JobId,
    ) -> Result<Vec<Entry>, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp, id) = (actor.space_id.clone(), kapp.map(str::to_owned), id.clone());
        let now = self.inner.runtime.now();
        let read = self
            .read(move |tx| {
                let job = find(tx, &space, kapp.as_deref(), &id)?.job;
                let mut scopes = vec![
                    job_changes::space_scope(&job.space_id),
                    job_changes::lane_scope(crate::queue::lane_of(&job).0),
                ];
                scopes.extend(job.webhook_id.as_ref().map(job_changes::webhook_scope));
                let to = job.finished_at.unwrap_or(now);
                Ok(Read {
                    attempts: store::attempts::of_job(tx, &id)?,
                    changes: job_changes::of_job(tx, &id)?,
                    holds: job_changes::holds(tx, &scopes, job.audit.created_at, to)?,
                    waits_for: store::order::held_by(tx, &id)?,
                    job,
                })
            })
            .await?;
        let mut entries = told(&read);
        if read.job.state == State::Queued {
            let snapshot = self.inner.snapshots.of(&self.inner.store, &read.job.space_id).await?;
            let hold = snapshot.hold(read.job.webhook_id.as_ref());
            let reason = self.waits(&read, hold, now);
            entries.push(Entry {
                at: now,
                state: State::Queued,
                reason,
                actor: None,
                attempt: None,
            });
        }
        Ok(entries)
    }

    /// Why a queued job is not under way, in words.
    fn waits(&self, read: &Read, hold: Option<String>, now: Micros) -> String {
        let job = &read.job;
        if let Some(before) = &read.waits_for {
            return format!("held: job {before}, which comes before it in its order, is not done");
        }
        if let Some(hold) = hold {
            return hold;
        }
        if job.scheduled_at > now {
            let what = if job.started_at.is_some() { "the next attempt" } else { "it" };
            return format!("waits: {what} is due at {}", clock(job.scheduled_at, now));
        }
        let ticks = self.inner.runtime.elapsed();
        let lane = self.inner.queue.lock().view(crate::queue::lane_of(job), ticks);
        let words = lane.map(|view| words(&view, ticks, now));
        if let Some(words) = words.filter(|w| w.starts_with("held") || w.starts_with("waits")) {
            return words;
        }
        match &job.leased_by {
            Some(node) => format!("waits for its turn on the node {node}"),
            None => "waits until a node has room for it".to_owned(),
        }
    }
}

/// What is recorded of a job, in order.
fn told(read: &Read) -> Vec<Entry> {
    let job = &read.job;
    let entry = |at, state, reason: String| Entry { at, state, reason, actor: None, attempt: None };
    let why = match job.event_id {
        Some(_) => format!("created by the event {} {}", job.type_name, job.event),
        None => "created by hand".to_owned(),
    };
    let mut entries = vec![Entry {
        actor: Some(job.audit.created_by.clone()),
        ..entry(job.audit.created_at, State::Queued, why)
    }];
    let last = read.attempts.len();
    for (n, attempt) in read.attempts.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "an attempt takes seconds")]
        let ended = attempt.started_at.plus_ms(attempt.duration_ms as i64);
        let detail = &attempt.detail;
        let state = match detail.error_class {
            None => State::Complete,
            Some(_) if n + 1 == last && job.state == State::Failed => State::Failed,
            Some(_) => State::Queued,
        };
        let answer = detail.response_status.map(|status| format!("answered {status}"));
        let reason = detail.error.clone().or(answer).unwrap_or_else(|| "ended".to_owned());
        entries.push(Entry { attempt: Some(attempt.number), ..entry(ended, state, reason) });
    }
    entries.extend(read.changes.iter().map(|change| Entry {
        actor: Some(change.actor.clone()),
        attempt: change.attempt,
        ..entry(change.at, change.state, change.reason.clone())
    }));
    entries.extend(read.holds.iter().map(|hold| Entry {
        actor: Some(hold.actor.clone()),
        ..entry(hold.at, State::Queued, hold.reason.clone())
    }));
    if entries.len() == 1 && job.state.is_final() {
        let at = job.finished_at.unwrap_or(job.audit.updated_at);
        let reason = job.summary.clone().unwrap_or_else(|| job.state.as_str().to_owned());
        entries.push(entry(at, job.state, reason));
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}
