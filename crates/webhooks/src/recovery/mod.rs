//! Recoveries: sending again, making what is missing, and calling off, many jobs at once.
//!
//! A recovery is a row. Whoever carries it out takes a batch, deals with it and moves the row's
//! cursor in one transaction, guarded by the row's version: pausing, dying and another node in
//! between cost nothing and repeat nothing. A replay is the retry of a person, many times: the
//! same job id, the URL as its webhook is defined now, what is sent as it was.
//!
//! [`run`] is the loop, [`replay`] and [`missing`] are its two kinds of batches.

mod missing;
mod preview;
mod replay;
mod run;

pub use preview::Preview;

use crate::jobs::{JobQuery, Page, rows, token};
use crate::{Actor, Error, Webhooks};
use model::id::{JobId, RecoveryId};
use model::job::State;
use model::limits;
use model::recovery::{Filter, Mode, Recovery, Status};
use model::time::Micros;
use runtime::changes::Topic;

const NOUN: &str = "Recovery";
const ADMINISTER: &str = "recover webhook jobs";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct NewRecovery {
    /// What to do.
    pub mode: Mode,
    /// To which jobs or events.
    pub filter: Filter,
    /// To these jobs and no others.
    pub ids: Vec<JobId>,
    /// Jobs in a second.
    pub rate_per_second: Option<f64>,
    /// Why.
    pub note: Option<String>,
}

impl Webhooks {
    /// Begins a recovery. What is due after this moment is not part of it.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong with it, `Refused` for an endpoint that is none or
    /// too many recoveries at once, `NotFound` for the kapp, `Forbidden`, `Store`.
    pub async fn create_recovery(
        &self,
        actor: &Actor,
        new: NewRecovery,
    ) -> Result<Recovery, Error> {
        actor.must_administer(ADMINISTER)?;
        let now = self.inner.runtime.now();
        let recovery = self.recovery_of(actor, new, now)?;
        let query = job_query(&recovery);
        let space = actor.space_id.clone();
        let written = self.inner.store.write(move |tx| {
            let mut recovery = recovery.clone();
            let running = store::recoveries::running_of(tx, &space, recovery.mode)?;
            // Two that look for the same gaps would fill them twice.
            if recovery.mode == Mode::Missing && running > 0 {
                return Err(Error::refused("A recovery of missing jobs is running already"));
            }
            if running >= limits::RECOVERIES_RUNNING_MAX {
                return Err(Error::refused(format!("{running} recoveries are running already")));
            }
            let max = limits::RECOVERY_COUNT_MAX;
            (recovery.total, recovery.is_total_exact) = match (&recovery.ids, recovery.mode) {
                (Some(ids), _) => (i64::try_from(ids.len()).unwrap_or(i64::MAX), true),
                (None, Mode::Missing) => {
                    let (from, to) = (recovery.filter.from, recovery.filter.to);
                    let (from, to) = (from.unwrap_or(Micros(0)), to.unwrap_or(now));
                    let total = store::recoveries::count_events(tx, &space, from, to, max)?;
                    (total, total < max)
                }
                (None, _) => {
                    let mut wanted = crate::jobs::wanted(tx, &space, &query)?;
                    wanted.limit = max;
                    store::jobs::count(tx, &space, &wanted, limits::COUNT_ROWS_MAX)?
                }
            };
            store::recoveries::insert(tx, &recovery)?;
            Ok(recovery)
        });
        let recovery = written.await?;
        self.recovery_moved(&recovery);
        Ok(recovery)
    }

    fn recovery_of(&self, actor: &Actor, new: NewRecovery, now: Micros) -> Result<Recovery, Error> {
        let problems = problems(&new);
        if !problems.is_empty() {
            return Err(Error::Invalid { noun: NOUN, problems });
        }
        let mut filter = new.filter;
        filter.to = Some(filter.to.map_or(now, |to| to.min(now)));
        if filter.statuses.is_empty() {
            filter.statuses = match new.mode {
                Mode::Replay => vec![State::Failed],
                Mode::Cancel => vec![State::Queued],
                Mode::Missing => Vec::new(),
            };
        }
        let mut ids = new.ids;
        ids.sort();
        ids.dedup();
        Ok(Recovery {
            id: RecoveryId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            mode: new.mode,
            filter,
            ids: (!ids.is_empty()).then_some(ids),
            note: new.note.filter(|note| !note.trim().is_empty()),
            status: Status::Running,
            total: 0,
            is_total_exact: false,
            done: 0,
            skipped: 0,
            failed: 0,
            rate_per_second: new.rate_per_second.unwrap_or(limits::RECOVERY_RATE),
            cursor: None,
            next_at: now,
            version: 0,
            message: None,
            created_at: now,
            created_by: actor.username.clone(),
            finished_at: None,
        })
    }

    /// Lists the recoveries of a space, newest first.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `Forbidden`, `Store`.
    pub async fn recoveries(
        &self,
        actor: &Actor,
        limit: Option<i64>,
        page_token: Option<&str>,
    ) -> Result<Page<Recovery>, Error> {
        actor.must_administer(ADMINISTER)?;
        let rows = rows(limit)?;
        let after = page_token.map(token::read).transpose()?;
        let space = actor.space_id.clone();
        let items = self
            .read(move |tx| Ok(store::recoveries::list(tx, &space, after.as_ref(), rows + 1)?))
            .await?;
        Ok(crate::jobs::page(items, rows, |recovery| (recovery.created_at, &recovery.id.0)))
    }

    /// Reads a recovery.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn recovery(&self, actor: &Actor, id: &RecoveryId) -> Result<Recovery, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        self.read(move |tx| {
            let found = store::recoveries::by_id(tx, &space, &id)?;
            found.ok_or_else(|| Error::not_found(NOUN, id.as_str()))
        })
        .await
    }

    /// Pauses, resumes or calls off a recovery. What it did stays done.
    ///
    /// # Errors
    /// `Refused` when its status does not allow that, `NotFound`, `Forbidden`, `Stale`, `Store`.
    pub async fn set_recovery(
        &self,
        actor: &Actor,
        id: &RecoveryId,
        status: Status,
    ) -> Result<Recovery, Error> {
        actor.must_administer(ADMINISTER)?;
        // A running one moves with every batch; one of a few tries meets it between two.
        for _ in 0..20 {
            let recovery = self.recovery(actor, id).await?;
            if !recovery.status.may_be_set_to(status) {
                return Err(Error::refused(format!(
                    "A recovery that is {} cannot become {}",
                    recovery.status.as_str(),
                    status.as_str()
                )));
            }
            let now = self.inner.runtime.now();
            let finished = (status == Status::Cancelled).then_some(now);
            let written = self.inner.store.write(move |tx| {
                if status == Status::Running
                    && recovery.mode == Mode::Missing
                    && store::recoveries::running_of(tx, &recovery.space_id, Mode::Missing)? > 0
                {
                    return Err(Error::refused("A recovery of missing jobs is running already"));
                }
                Ok(store::recoveries::set_status(tx, &recovery, status, finished, now)?)
            });
            if written.await? {
                let recovery = self.recovery(actor, id).await?;
                self.recovery_moved(&recovery);
                return Ok(recovery);
            }
        }
        Err(Error::Stale { noun: NOUN })
    }

    fn recovery_moved(&self, recovery: &Recovery) {
        self.inner.changes.publish(&recovery.space_id, Topic::Recoveries);
        self.inner.recovery.notify_one();
    }
}

/// The jobs that a recovery is about.
fn job_query(recovery: &Recovery) -> JobQuery {
    let filter = &recovery.filter;
    JobQuery {
        kapp: filter.kapp_slug.clone(),
        all: true,
        states: filter.statuses.clone(),
        classes: filter.error_class.clone(),
        webhook: filter.webhook.clone(),
        endpoint: filter.endpoint.clone(),
        content: filter.text.clone(),
        start: filter.from,
        end: filter.to,
        ..JobQuery::default()
    }
}

/// Everything that is wrong with what is asked for.
fn problems(new: &NewRecovery) -> Vec<String> {
    let mut problems = Vec::new();
    let filter = &new.filter;
    let rate = new.rate_per_second.unwrap_or(limits::RECOVERY_RATE);
    if !(0.01..=limits::RECOVERY_RATE_MAX).contains(&rate) {
        let max = limits::RECOVERY_RATE_MAX;
        problems.push(format!("Rate Per Second must be between 0.01 and {max}"));
    }
    if new.ids.len() > limits::RECOVERY_IDS_MAX {
        let max = limits::RECOVERY_IDS_MAX;
        problems.push(format!("Ids must not be more than {max}; name the jobs by a filter"));
    }
    if new.note.as_ref().is_some_and(|note| note.chars().count() > limits::NAME_CHARS_MAX) {
        let max = limits::NAME_CHARS_MAX;
        problems.push(format!("Note must not be longer than {max} characters"));
    }
    if filter.text.as_ref().is_some_and(|text| text.chars().count() > limits::NAME_CHARS_MAX) {
        let max = limits::NAME_CHARS_MAX;
        problems.push(format!("Text must not be longer than {max} characters"));
    }
    if filter.from.zip(filter.to).is_some_and(|(from, to)| from >= to) {
        problems.push("From must be before To".to_owned());
    }
    match new.mode {
        Mode::Replay => {
            if filter.statuses.contains(&State::InProgress) {
                problems.push("Jobs In Progress cannot be sent again before they end".to_owned());
            }
        }
        Mode::Cancel => {
            if filter.statuses.iter().any(|state| *state != State::Queued) {
                problems.push("Only Queued jobs can be called off".to_owned());
            }
        }
        Mode::Missing => {
            if !new.ids.is_empty() {
                problems.push("Missing jobs are found by time, not by Ids".to_owned());
            }
            if filter.from.is_none() {
                problems.push("From must be given to look for missing jobs".to_owned());
            }
            let of_jobs = !filter.statuses.is_empty()
                || !filter.error_class.is_empty()
                || filter.endpoint.is_some()
                || filter.text.is_some();
            if of_jobs {
                problems.push(
                    "Missing jobs have neither status, error class, endpoint nor text yet"
                        .to_owned(),
                );
            }
        }
    }
    problems
}
