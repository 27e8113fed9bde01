//! Jobs made by hand: a document sent to a URL without an event.

use super::ADMINISTER;
use crate::target::{self, Target};
use crate::workflows::StartOutcome;
use crate::{Actor, Error, Webhooks, answer, definitions, outbox};
use model::Audit;
use model::id::JobId;
use model::job::{Job, State};
use model::limits;

/// A job to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewJob {
    /// The kapp it belongs to; `None`: the space.
    pub kapp: Option<String>,
    /// Its name.
    pub name: String,
    /// The type it is listed under.
    pub type_name: String,
    /// The event it is listed under.
    pub event: String,
    /// Where it goes.
    pub url: String,
    /// The body it sends.
    pub request_content: String,
    /// The record it is about: kind, id, key.
    pub parent: (String, String, String),
}

impl Webhooks {
    /// Creates a job and queues it, or starts its run when it points inside.
    ///
    /// # Errors
    /// `Invalid` when something is missing or too large, `Refused` for a URL that cannot be
    /// called, `NotFound` for the kapp, `Forbidden`, `Store`.
    pub async fn create_job(&self, actor: &Actor, new: NewJob) -> Result<Job, Error> {
        actor.must_administer(ADMINISTER)?;
        let mut problems = Vec::new();
        if new.url.trim().is_empty() {
            problems.push("Url must not be blank".to_owned());
        }
        if new.request_content.len() > limits::PAYLOAD_BYTES_MAX {
            let max = limits::PAYLOAD_BYTES_MAX;
            problems.push(format!("Request Content must not exceed {max} bytes"));
        }
        if !problems.is_empty() {
            return Err(Error::Invalid { noun: super::NOUN, problems });
        }
        self.check_url(&new.url)?;
        let job = self.job_of(actor, &new);
        self.enqueue(actor, job, new.kapp).await
    }

    /// Stores a job of a kapp, or of the space, and queues it, or starts its run.
    pub(super) async fn enqueue(
        &self,
        actor: &Actor,
        job: Job,
        kapp: Option<String>,
    ) -> Result<Job, Error> {
        let target = target::read(&job.url, self.inner.settings.public_url.as_ref());
        let workflows = self.inner.workflows.clone();
        let by = actor.username.clone();
        let written = self.inner.store.write(move |tx| {
            let mut job = job.clone();
            job.kapp_id = definitions::kapp_id(tx, &job.space_id, kapp.as_deref())?;
            match &target {
                Target::Outside => {}
                Target::Nowhere => {
                    let answer = answer::nowhere(&job.url);
                    answer::settle_inside(&mut job, &answer, None);
                }
                Target::Inside(tree, version) => {
                    let request = outbox::start_request(&job, tree.clone(), &by);
                    let outcome: StartOutcome = workflows.start(tx, &request)?;
                    answer::started(&mut job, &outcome, *version);
                }
            }
            store::jobs::insert(tx, std::slice::from_ref(&job))?;
            Ok::<_, Error>(job)
        });
        let job = written.await?;
        self.inner.queue.poke();
        self.jobs_moved(actor);
        if let Some(run) = job.run_id {
            self.inner.workflows.started(run);
            self.inner.changes.publish_run(&actor.space_id, run);
        }
        Ok(job)
    }

    pub(super) fn job_of(&self, actor: &Actor, new: &NewJob) -> Job {
        let now = self.inner.runtime.now();
        let or = |text: &str, default: &str| {
            if text.trim().is_empty() { default.to_owned() } else { text.trim().to_owned() }
        };
        let (parent_type, parent_id, parent_key) = new.parent.clone();
        Job {
            id: JobId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            kapp_id: None,
            event_id: None,
            webhook_id: None,
            trace_id: self.fresh_cause().trace_id,
            depth: 0,
            name: or(&new.name, "Manual Webhook Job"),
            type_name: or(&new.type_name, "Manual"),
            event: or(&new.event, "Manual"),
            parent_type,
            parent_id,
            parent_key,
            url: new.url.trim().to_owned(),
            state: State::Queued,
            summary: None,
            request_content: Some(new.request_content.clone()),
            response_content: None,
            retry_count: 0,
            scheduled_at: now,
            started_at: None,
            finished_at: None,
            run_id: None,
            leased_by: None,
            leased_until: None,
            epoch: 0,
            error_class: None,
            audit: Audit::created(now, &actor.username),
        }
    }
}
