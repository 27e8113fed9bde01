//! A batch of events whose missing jobs are made: a webhook that matches now and never had a job.

use super::run;
use crate::outbox;
use crate::snapshot::Snapshot;
use crate::target::{self, Target};
use crate::workflows::StartOutcome;
use crate::{Error, Inner, Webhooks, answer};
use expr::js::Bindings;
use model::catalogue::{self, Level};
use model::event::{Cause, Event, Verdict};
use model::id::RunId;
use model::job::{self, Job};
use model::recovery::{Filter, Recovery};
use model::time::Micros;
use runtime::changes::Topic;
use std::sync::Arc;
use store::recoveries::Progress;

/// Events, and the jobs they lack.
pub(super) struct Gaps {
    pub(super) snapshot: Arc<Snapshot>,
    /// The jobs that are missing, not stored yet.
    pub(super) gaps: Vec<Job>,
    /// Events that lack nothing.
    pub(super) whole: i64,
    /// Webhooks whose filter or URL failed, and the latest reason.
    pub(super) failed: i64,
    pub(super) message: Option<String>,
    /// Events looked at, and the last of them.
    pub(super) events: i64,
    pub(super) last: Option<(Micros, String)>,
}

/// Makes the missing jobs of the next events of a recovery and moves it on.
///
/// # Errors
/// `Store`; `Stale` when the recovery was paused, called off or moved, or when a webhook changed.
pub(super) async fn batch(webhooks: &Webhooks, recovery: &Recovery) -> Result<(), Error> {
    let size = run::size(recovery);
    let filter = &recovery.filter;
    let found = look(webhooks, &recovery.space_id, filter, recovery.cursor.as_ref(), size).await?;
    let made = i64::try_from(found.gaps.len()).unwrap_or(i64::MAX);
    // What was looked at costs little; what is made counts against the rate.
    let mut progress = webhooks.progress(recovery, made);
    progress.cursor.clone_from(&found.last);
    progress.is_last = found.events < size;
    progress.skipped = found.whole;
    progress.failed = found.failed;
    progress.message.clone_from(&found.message);
    let (inner, r) = (webhooks.inner.clone(), recovery.clone());
    let (generation, gaps) = (found.snapshot.generation, found.gaps);
    let written =
        webhooks.inner.store.write(move |tx| write(tx, &inner, &r, generation, &gaps, &progress));
    let runs = match written.await {
        Err(store::Error::Stale) => {
            webhooks.inner.snapshots.forget(&recovery.space_id, generation);
            return Err(Error::Store(store::Error::Stale));
        }
        other => other?,
    };
    webhooks.inner.queue.poke();
    webhooks.inner.changes.publish(&recovery.space_id, Topic::Jobs);
    for run in runs {
        webhooks.inner.workflows.started(run);
        webhooks.inner.changes.publish_run(&recovery.space_id, run);
    }
    Ok(())
}

/// Finds what is missing for the next events behind a place.
pub(super) async fn look(
    webhooks: &Webhooks,
    space: &model::id::SpaceId,
    filter: &Filter,
    after: Option<&(Micros, String)>,
    size: i64,
) -> Result<Gaps, Error> {
    let snapshot = webhooks.inner.snapshots.of(&webhooks.inner.store, space).await?;
    let (space, wanted, after) = (space.clone(), filter.clone(), after.cloned());
    let read = webhooks.read(move |tx| {
        let kapp = crate::definitions::kapp_id(tx, &space, wanted.kapp_slug.as_deref())?;
        let (from, to) = (wanted.from, wanted.to);
        let places = store::recoveries::events(tx, &space, from, to, after.as_ref(), size)?;
        let mut events = Vec::new();
        for (_, id) in &places {
            let had = store::recoveries::webhooks_of(tx, id)?;
            events.extend(store::events::by_id(tx, &space, id)?.map(|found| (found, had)));
        }
        Ok((kapp, places, events))
    });
    let (kapp, places, events) = read.await?;
    let last = places.last().map(|(at, id)| (*at, id.0.clone()));
    let (inner, filter) = (webhooks.inner.clone(), filter.clone());
    let work = move || {
        let mut gaps = Gaps {
            snapshot: snapshot.clone(),
            gaps: Vec::new(),
            whole: 0,
            failed: 0,
            message: None,
            events: i64::try_from(places.len()).unwrap_or(i64::MAX),
            last,
        };
        for ((summary, payload), had) in events {
            let lacked = gaps.gaps.len();
            let Some(event) = event_of(&summary, &payload) else {
                gaps.whole += 1;
                continue;
            };
            let bindings = Bindings::of(event.payload.clone());
            for compiled in &snapshot.webhooks {
                let webhook = &compiled.webhook;
                let is_wanted = webhook.enabled
                    && outbox::is_offered(compiled, &event)
                    && filter.webhook.as_ref().is_none_or(|name| *name == webhook.name)
                    && (kapp.is_none() || webhook.kapp_id == kapp);
                // A job that was deleted since is not missing: the event remembers that it fired.
                let has_fired = had.contains(&webhook.id)
                    || summary.verdicts.iter().any(|verdict| {
                        verdict.webhook_id == webhook.id && verdict.verdict == Verdict::Fired
                    });
                if !is_wanted || has_fired {
                    continue;
                }
                let decision = inner.decide(compiled, &event, &bindings);
                match (decision.url, decision.verdict) {
                    (Some(url), _) => {
                        let mut job = inner.job(compiled, &event, url);
                        job.request_content = decision.body;
                        gaps.gaps.push(job);
                    }
                    (None, Verdict::FilterError | Verdict::UrlError | Verdict::TemplateError) => {
                        gaps.failed += 1;
                        let why = decision.message.unwrap_or_default();
                        gaps.message = Some(format!("Webhook \"{}\": {why}", webhook.name));
                    }
                    (None, _) => {}
                }
            }
            gaps.whole += i64::from(gaps.gaps.len() == lacked);
        }
        gaps
    };
    let looked = webhooks.inner.runtime.spawn_blocking(work).await;
    looked.map_err(|error| {
        Error::Store(store::Error::db(format!("looking for missing jobs: {error}")))
    })
}

/// The event as it was, for filters and new jobs; `None` when the catalogue no longer has it.
fn event_of(summary: &store::events::Summary, payload: &str) -> Option<Event> {
    let level = [Level::Space, Level::Kapp].into_iter().find(|l| l.as_str() == summary.level)?;
    let (type_name, event) = catalogue::find(level, &summary.type_name, &summary.event)?;
    const KINDS: [&str; 5] = ["Submission", "Form", "User", "Team", "Space"];
    let kind = KINDS.into_iter().find(|kind| *kind == summary.entity_type)?;
    Some(Event {
        id: summary.id.clone(),
        space_id: summary.space_id.clone(),
        kapp_id: summary.kapp_id.clone(),
        level,
        type_name,
        event,
        entity_type: kind,
        entity_id: summary.entity_id.clone(),
        entity_key: summary.entity_key.clone(),
        label: summary.label.clone(),
        actor: summary.actor.clone(),
        at: summary.created_at,
        cause: Cause {
            trace_id: summary.trace_id.clone(),
            depth: summary.depth,
            event_id: summary.cause_event_id.clone(),
            run_id: summary.cause_run_id,
            task_id: summary.cause_task_id,
        },
        payload: serde_json::from_str::<serde_json::Value>(payload).ok()?.into(),
    })
}

fn write(
    tx: &mut store::Tx,
    inner: &Inner,
    recovery: &Recovery,
    generation: i64,
    gaps: &[Job],
    progress: &Progress,
) -> Result<Vec<RunId>, store::Error> {
    let mut progress = progress.clone();
    if store::webhooks::generation(tx, &recovery.space_id)? != generation {
        return Err(store::Error::Stale);
    }
    let (mut jobs, mut runs) = (Vec::new(), Vec::new());
    for gap in gaps {
        let mut job = gap.clone();
        (job.scheduled_at, job.audit.created_at, job.audit.updated_at) =
            (progress.now, progress.now, progress.now);
        match target::read(&job.url, inner.settings.public_url.as_ref()) {
            Target::Outside => {}
            Target::Nowhere => {
                let answer = answer::nowhere(&job.url);
                answer::settle_inside(&mut job, &answer, None);
            }
            Target::Inside(tree, version) => {
                let request = outbox::start_request(&job, tree, &recovery.created_by);
                let outcome = inner.workflows.start(tx, &request)?;
                if let StartOutcome::Started { run, .. } = &outcome {
                    runs.push(*run);
                }
                answer::started(&mut job, &outcome, version);
            }
        }
        jobs.push(job);
    }
    store::jobs::insert(tx, &jobs)?;
    for job in &jobs {
        let change = job::JobChange {
            job_id: job.id.clone(),
            at: progress.now,
            state: job.state,
            reason: format!("Recovery {} made it: it was missing", recovery.id),
            actor: recovery.created_by.clone(),
            attempt: None,
        };
        store::job_changes::insert(tx, &[change])?;
        store::recoveries::mark(tx, &job.id, &recovery.id)?;
    }
    progress.done = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    if !store::recoveries::advance(tx, recovery, &progress)? {
        return Err(store::Error::Stale);
    }
    Ok(runs)
}
