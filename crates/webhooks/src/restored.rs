//! What waits because the database was restored from a copy, and the decision about its jobs. The
//! decision about runs is the workflow engine's.

use crate::delivery::Pause;
use crate::{Actor, Error, Webhooks};
use model::id::RunId;
use model::limits::PURGE_ROWS;
use store::Tx;
use store::restorations::{self, Restoration};

const ADMINISTER: &str = "decide about a restored backup";

/// What becomes of the jobs of a restored copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobsDecision {
    /// They are sent, although they may have been sent before.
    Send,
    /// They are cancelled; each can be sent again by hand.
    Cancel,
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The restoration.
    pub held: Restoration,
    /// Jobs, counted up to [`restorations::COUNT_MAX`].
    pub jobs: i64,
    /// Runs that would go on by themselves, counted likewise.
    pub runs: i64,
}

impl Webhooks {
    /// What waits in the actor's space since its database was restored; none when nothing does.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn restoration(&self, actor: &Actor) -> Result<Option<Waiting>, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| {
            let Some(held) = restorations::of_space(tx, &space)? else { return Ok(None) };
            let jobs = if held.are_jobs_held { restorations::waiting_jobs(tx, &held)? } else { 0 };
            let most = restorations::COUNT_MAX;
            let runs = restorations::due_runs(tx, &held, RunId(0), most);
            let runs = if held.are_runs_held { runs?.len() } else { 0 };
            let runs = i64::try_from(runs).unwrap_or(i64::MAX);
            Ok(Some(Waiting { held, jobs, runs }))
        })
        .await
    }

    /// Decides about the jobs that wait since the restoration. Deliveries go on after it, if
    /// nobody else paused them.
    ///
    /// # Errors
    /// `Refused` when nothing waits, `Forbidden`, `Stale`, `Store`.
    pub async fn decide_restored_jobs(
        &self,
        actor: &Actor,
        decision: JobsDecision,
    ) -> Result<(), Error> {
        let waiting = self.restoration(actor).await?.filter(|found| found.held.are_jobs_held);
        let Some(Waiting { held, .. }) = waiting else {
            return Err(Error::refused("No jobs wait for a decision about a restored backup"));
        };
        if decision == JobsDecision::Cancel {
            let now = self.inner.runtime.now();
            loop {
                let (held, by) = (held.clone(), actor.username.clone());
                let cancel =
                    move |tx: &mut Tx| restorations::cancel_jobs(tx, &held, now, &by, PURGE_ROWS);
                if self.inner.store.write(cancel).await? == 0 {
                    break;
                }
            }
            self.jobs_moved(actor);
        }
        let space = actor.space_id.clone();
        let decide = move |tx: &mut Tx| restorations::decide_jobs(tx, &space);
        self.inner.store.write(decide).await?;
        let settings = self.delivery(actor).await?;
        if settings.paused_by.as_deref() == Some(restorations::PAUSED_BY) {
            self.pause_deliveries(actor, Pause::Resume).await?;
        }
        Ok(())
    }
}
