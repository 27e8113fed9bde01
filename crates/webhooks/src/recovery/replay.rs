//! A batch of jobs to be sent again, or called off.

use super::{job_query, run};
use crate::jobs::{Decided, JobChange, Written};
use crate::{Error, Webhooks};
use model::id::{JobId, RunId};
use model::job::{self, State};
use model::limits;
use model::recovery::{Mode, Recovery};
use model::time::Micros;
use runtime::changes::Topic;
use store::jobs::Found;
use store::recoveries::Progress;

/// The jobs of a batch, and where it ends.
struct Batch {
    found: Vec<Found>,
    /// Ids that name no job any more.
    gone: i64,
    cursor: Option<(Micros, String)>,
    is_last: bool,
}

/// What is to be done with one job.
enum Plan {
    Change(Box<Decided>),
    /// Others have changed it already.
    Skip,
    /// It cannot be done, for this reason.
    Fail(JobId, State, String),
}

/// Deals with the next jobs of a recovery and moves it on.
///
/// # Errors
/// `Store`; `Stale` when the recovery was paused, called off or moved by another node.
pub(super) async fn batch(webhooks: &Webhooks, recovery: &Recovery) -> Result<(), Error> {
    let batch = read(webhooks, recovery).await?;
    let mut plans = Vec::new();
    for found in batch.found {
        plans.push(plan(webhooks, recovery, found).await?);
    }
    let mut progress = webhooks.progress(recovery, i64::try_from(plans.len()).unwrap_or(i64::MAX));
    progress.cursor = batch.cursor;
    progress.is_last = batch.is_last;
    progress.skipped = batch.gone;
    let changed: Vec<JobId> = plans
        .iter()
        .filter_map(|plan| match plan {
            Plan::Change(decided) => Some(decided.found.job.id.clone()),
            Plan::Skip | Plan::Fail(..) => None,
        })
        .collect();
    let (inner, r) = (webhooks.inner.clone(), recovery.clone());
    let written = webhooks.inner.store.write(move |tx| write(tx, &inner, &r, &plans, &progress));
    let runs = written.await?;
    for id in &changed {
        webhooks.inner.queue.forget(id);
    }
    webhooks.inner.queue.poke();
    webhooks.inner.changes.publish(&recovery.space_id, Topic::Jobs);
    for run in runs {
        webhooks.inner.workflows.started(run);
        webhooks.inner.changes.publish_run(&recovery.space_id, run);
    }
    Ok(())
}

async fn read(webhooks: &Webhooks, recovery: &Recovery) -> Result<Batch, Error> {
    let (r, size) = (recovery.clone(), run::size(recovery));
    if let Some(ids) = &recovery.ids {
        let at = recovery.cursor.as_ref().map_or(0, |(at, _)| at.0);
        let from = usize::try_from(at).unwrap_or(0);
        let count = usize::try_from(size).unwrap_or(1);
        let some: Vec<JobId> = ids.iter().skip(from).take(count).cloned().collect();
        let (named, is_last) = (some.len(), from + some.len() >= ids.len());
        let found = webhooks
            .read(move |tx| {
                let by_id = |id: &JobId| store::jobs::by_id(tx, &r.space_id, id).transpose();
                Ok(some.iter().filter_map(by_id).collect::<Result<Vec<_>, _>>()?)
            })
            .await?;
        let gone = i64::try_from(named - found.len()).unwrap_or(0);
        let cursor = i64::try_from(from + named).unwrap_or(i64::MAX);
        let cursor = Some((Micros(cursor), String::new()));
        return Ok(Batch { found, gone, cursor, is_last });
    }
    webhooks
        .read(move |tx| {
            let mut wanted = crate::jobs::wanted(tx, &r.space_id, &job_query(&r))?;
            wanted.oldest_first = true;
            wanted.after = r.cursor.clone().map(|(at, id)| (at, JobId(id)));
            wanted.limit = size;
            let step = store::jobs::step(tx, &r.space_id, &wanted, limits::SEARCH_STEP_ROWS)?;
            let is_full = step.found.len() == usize::try_from(size).unwrap_or(usize::MAX);
            let last = step.found.last().map(|f| (f.job.scheduled_at, f.job.id.0.clone()));
            let resume = step.resume.map(|(at, id)| (at, id.0));
            let is_last = !is_full && resume.is_none();
            let cursor = if is_full { last } else { resume };
            Ok(Batch { found: step.found, gone: 0, cursor, is_last })
        })
        .await
}

async fn plan(webhooks: &Webhooks, recovery: &Recovery, found: Found) -> Result<Plan, Error> {
    let to = match recovery.mode {
        Mode::Cancel => State::Cancelled,
        Mode::Replay | Mode::Missing => State::Queued,
    };
    let (id, state) = (found.job.id.clone(), found.job.state);
    if !state.may_be_set_to(to) || (to == State::Cancelled && state != State::Queued) {
        return Ok(Plan::Skip);
    }
    let change = JobChange { status: Some(to.as_str().to_owned()), url: None };
    match webhooks.decide(found, &change).await {
        Ok(decided) => Ok(Plan::Change(Box::new(decided))),
        // The database is to blame, not the job: the batch is tried again.
        Err(Error::Store(error)) if error.is_temporary() => Err(Error::Store(error)),
        Err(error) => Ok(Plan::Fail(id, state, error.to_string())),
    }
}

fn write(
    tx: &mut store::Tx,
    inner: &crate::Inner,
    recovery: &Recovery,
    plans: &[Plan],
    progress: &Progress,
) -> Result<Vec<RunId>, Error> {
    let mut progress = progress.clone();
    let mut runs = Vec::new();
    let by = &recovery.created_by;
    let now = progress.now;
    let tell = |tx: &mut store::Tx, job_id: &JobId, state: State, reason: String| {
        let (job_id, actor) = (job_id.clone(), by.clone());
        let change = job::JobChange { job_id, at: now, state, reason, actor, attempt: None };
        store::job_changes::insert(tx, &[change])
    };
    for plan in plans {
        match plan {
            Plan::Skip => progress.skipped += 1,
            Plan::Fail(id, state, message) => {
                progress.failed += 1;
                progress.message = Some(format!("Job {id}: {message}"));
                let reason = format!("Recovery {} left it as it is: {message}", recovery.id);
                tell(tx, id, *state, reason)?;
            }
            Plan::Change(decided) => match decided.write(tx, inner, now, by)? {
                Written::Moved => progress.skipped += 1,
                Written::Changed(run) => {
                    progress.done += 1;
                    runs.extend(run);
                    let did = match recovery.mode {
                        Mode::Cancel => "called it off",
                        Mode::Replay | Mode::Missing => "sends it again",
                    };
                    let id = &decided.found.job.id;
                    tell(tx, id, decided.state, format!("Recovery {} {did}", recovery.id))?;
                    store::recoveries::mark(tx, id, &recovery.id)?;
                }
            },
        }
    }
    if !store::recoveries::advance(tx, recovery, &progress)? {
        return Err(Error::Store(store::Error::Stale));
    }
    Ok(runs)
}
