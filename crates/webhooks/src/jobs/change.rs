//! What people do to a job: retry, cancel, edit its URL.

use super::{ADMINISTER, NOUN, find};
use crate::target::{self, Target};
use crate::workflows::StartOutcome;
use crate::{Actor, Error, Inner, Webhooks, answer, outbox, verdict};
use expr::js::{Bindings, Template};
use model::id::{JobId, RunId};
use model::job::{self, Job, State};
use model::limits;
use model::time::Micros;
use store::Tx;
use store::jobs::{Change, Found};

/// How often a change is decided before it is given up as stale.
const TRIES: usize = 4;

/// What is asked of a job; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobChange {
    /// `Queued` to try (again), `Cancelled` to give up.
    pub status: Option<String>,
    /// The URL to use instead.
    pub url: Option<String>,
}

/// A change as it was decided, to be applied if the job has not moved.
pub(crate) struct Decided {
    pub(crate) found: Found,
    pub(crate) state: State,
    pub(crate) url: String,
}

impl Webhooks {
    /// Retries, cancels or edits a job and returns it as it then is.
    ///
    /// # Errors
    /// `Refused` for a state that does not exist or cannot be reached, or a URL that cannot be
    /// called; `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn update_job(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        id: &JobId,
        change: &JobChange,
    ) -> Result<Found, Error> {
        actor.must_administer(ADMINISTER)?;
        for _ in 0..TRIES {
            let (space, slug, wanted) =
                (actor.space_id.clone(), kapp.map(str::to_owned), id.clone());
            let found = self.read(move |tx| find(tx, &space, slug.as_deref(), &wanted)).await?;
            let decided = self.decide(found, change).await?;
            if let Some(run) = self.apply(actor, decided).await? {
                self.inner.queue.forget(id);
                self.inner.changes.taken(id);
                self.inner.queue.poke();
                self.jobs_moved(actor);
                if let Some(run) = run {
                    self.inner.workflows.started(run);
                    self.inner.changes.publish_run(&actor.space_id, run);
                }
                let (space, wanted) = (actor.space_id.clone(), id.clone());
                return self.read(move |tx| find(tx, &space, None, &wanted)).await;
            }
        }
        Err(Error::Stale { noun: NOUN })
    }

    /// Decides what a change makes of a job.
    ///
    /// # Errors
    /// As [`Webhooks::update_job`].
    pub(crate) async fn decide(&self, found: Found, change: &JobChange) -> Result<Decided, Error> {
        let job = &found.job;
        let state = match &change.status {
            None => job.state,
            Some(text) => {
                let state = State::parse(text).ok_or_else(|| unknown_status(text))?;
                if let (State::Queued, Some(at)) = (state, found.payload_removed_at)
                    && found.request_content().is_none()
                {
                    return Err(Error::refused(format!(
                        "What the webhook job sent was removed by retention on {}: it cannot be \
                         sent again",
                        at.iso()
                    )));
                }
                // A job that already is what it is asked to be needs no change of state, and a
                // job in the queue may be asked for again: it is then due at once.
                if state != job.state && !job.state.may_be_set_to(state) {
                    return Err(Error::refused(format!(
                        "Unable to put a webhook job in the status '{}' into '{}'; {}",
                        job.state.as_str(),
                        state.as_str(),
                        advice(job.state)
                    )));
                }
                state
            }
        };
        let url = match &change.url {
            Some(url) => {
                self.check_url(url)?;
                url.clone()
            }
            None if state == State::Queued && change.status.is_some() => {
                self.rendered(&found).await?
            }
            None => job.url.clone(),
        };
        if change.url.is_some() && change.status.is_none() && job.state == State::InProgress {
            return Err(Error::refused(
                "The URL of a webhook job cannot change while an attempt is under way",
            ));
        }
        Ok(Decided { state, url, found })
    }

    /// Whether a URL may be called, or leads inside.
    pub(super) fn check_url(&self, url: &str) -> Result<(), Error> {
        let problem = match target::read(url, self.inner.settings.public_url.as_ref()) {
            _ if url.chars().count() > limits::URL_CHARS_MAX => {
                Some(format!("The URL is longer than {} characters", limits::URL_CHARS_MAX))
            }
            Target::Inside(..) | Target::Nowhere => None,
            Target::Outside => {
                self.inner.sender.guard().judge_url(url).err().map(|refusal| refusal.to_string())
            }
        };
        problem.map_or(Ok(()), |problem| Err(Error::Refused(problem)))
    }

    /// The URL of the job's webhook as it is now defined, for the job's event; the job's own when
    /// the webhook or the event is gone.
    async fn rendered(&self, found: &Found) -> Result<String, Error> {
        let job = &found.job;
        let snapshot = self.inner.snapshots.of(&self.inner.store, &job.space_id).await?;
        let webhook = job.webhook_id.as_ref().and_then(|id| snapshot.by_id(id));
        let (Some(compiled), Some(payload)) = (webhook, found.payload.as_deref()) else {
            return Ok(job.url.clone());
        };
        let payload: serde_json::Value = serde_json::from_str(payload)
            .map_err(|error| store::Error::db(format!("an event's payload: {error}")))?;
        let document = verdict::with_identity(&payload, &job.audit.created_by);
        let template = compiled.webhook.url.clone();
        let name = compiled.webhook.name.clone();
        let render = move || {
            let template = Template::compile(&template)?;
            template.render_url(&Bindings::new(document))
        };
        let rendered = self.inner.runtime.spawn_blocking(render).await;
        let rendered =
            rendered.map_err(|error| store::Error::db(format!("rendering a URL: {error}")))?;
        rendered.map_err(|error| {
            Error::refused(format!("The URL of the webhook \"{name}\" cannot be made: {error}"))
        })
    }

    /// Writes what was decided; the inner option is the run that was started, the outer one is
    /// `None` when the job moved.
    async fn apply(&self, actor: &Actor, d: Decided) -> Result<Option<Option<RunId>>, Error> {
        let now = self.inner.runtime.now();
        let (by, inner) = (actor.username.clone(), self.inner.clone());
        let written =
            self.inner.store.write(move |tx: &mut Tx| match d.write(tx, &inner, now, &by) {
                Ok(Written::Moved) => Ok(None),
                Ok(Written::Changed(run)) => {
                    d.tell(tx, now, &by)?;
                    Ok(Some(run))
                }
                Err(error) => Err(Error::Store(error)),
            });
        match written.await {
            Err(Error::Store(store::Error::Stale)) => Ok(None),
            other => other,
        }
    }
}

/// What became of a change.
pub(crate) enum Written {
    /// It was made; the run that was started, if any.
    Changed(Option<RunId>),
    /// The job had moved since it was read; nothing was written.
    Moved,
}

impl Decided {
    /// Writes what was decided.
    ///
    /// # Errors
    /// `Stale` when a run was started for a job that had moved: the transaction must be undone.
    pub(crate) fn write(
        &self,
        tx: &mut Tx,
        inner: &Inner,
        now: Micros,
        by: &str,
    ) -> Result<Written, store::Error> {
        let job = &self.found.job;
        let target = target::read(&self.url, inner.settings.public_url.as_ref());
        let mut change = Change {
            job,
            state: self.state,
            url: &self.url,
            scheduled_at: job.scheduled_at,
            finished_at: job.finished_at,
            summary: job.summary.as_deref(),
            response_content: job.response_content.as_deref(),
            run_id: job.run_id,
            retry_count: job.retry_count,
            error_class: job.error_class,
            at: now,
            by,
        };
        let mut run = None;
        let mut after: Job;
        match (self.state, &target) {
            (State::Queued, Target::Outside) => {
                change.scheduled_at = now;
                change.finished_at = None;
            }
            (State::Queued, inside) => {
                after = job.clone();
                after.url.clone_from(&self.url);
                after.scheduled_at = now;
                after.retry_count += i64::from(job.started_at.is_some());
                run = again(tx, inner.workflows.as_ref(), &mut after, inside, by)?;
                change.state = after.state;
                change.scheduled_at = now;
                change.finished_at = after.finished_at;
                change.summary = after.summary.as_deref();
                change.response_content = after.response_content.as_deref();
                change.run_id = after.run_id.or(job.run_id);
                change.retry_count = after.retry_count;
                change.error_class = after.error_class;
            }
            (State::Cancelled, _) if job.state != State::Cancelled => {
                change.finished_at = Some(now);
                change.summary = Some("Cancelled");
            }
            _ => {}
        }
        match store::jobs::change(tx, &change)? {
            true => Ok(Written::Changed(run)),
            // The run must not outlive the refused change.
            false if run.is_some() => Err(store::Error::Stale),
            false => Ok(Written::Moved),
        }
    }
}

impl Decided {
    /// Tells the job's timeline what a person did.
    fn tell(&self, tx: &mut Tx, now: Micros, by: &str) -> Result<(), store::Error> {
        let job = &self.found.job;
        let mut did = match self.state {
            State::Queued if job.state == State::Queued => "is due at once".to_owned(),
            State::Queued => format!("is sent again, having been {}", job.state.as_str()),
            state if state == job.state => "stays as it is".to_owned(),
            State::Cancelled => "is cancelled".to_owned(),
            state => format!("is set to {}", state.as_str()),
        };
        if self.url != job.url {
            did.push_str(", with another URL");
        }
        let change = job::JobChange {
            job_id: job.id.clone(),
            at: now,
            state: self.state,
            reason: format!("{did}: by hand"),
            actor: by.to_owned(),
            attempt: None,
        };
        store::job_changes::insert(tx, &[change])
    }
}

/// Starts the run of a job that points inside, as if an HTTP caller had asked.
fn again(
    tx: &mut Tx,
    workflows: &dyn crate::Workflows,
    job: &mut Job,
    target: &Target,
    actor: &str,
) -> Result<Option<RunId>, store::Error> {
    let Target::Inside(tree, version) = target else {
        let answer = answer::nowhere(&job.url);
        answer::settle_inside(job, &answer, None);
        return Ok(None);
    };
    let mut request = outbox::start_request(job, tree.clone(), actor);
    // A run carries the job that started it first; a job that did so before starts another one.
    if job.run_id.is_some() {
        request.job_id = None;
    }
    let outcome = workflows.start(tx, &request)?;
    answer::started(job, &outcome, *version);
    Ok(match outcome {
        StartOutcome::Started { run, .. } => Some(run),
        StartOutcome::Refused { .. } => None,
    })
}

fn unknown_status(text: &str) -> Error {
    let known: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
    Error::refused(format!("There is no status '{text}'; there are {}", known.join(", ")))
}

/// What may be done to a job in a state.
fn advice(state: State) -> &'static str {
    match state {
        State::Queued => "set it to Cancelled to give it up, or to Queued to try it now",
        State::InProgress => "set it to Cancelled to give it up, or wait for its outcome",
        State::Failed => "set it to Queued to try again, or to Cancelled to set it aside",
        State::Complete | State::Cancelled => "set it to Queued to send it again",
    }
}
