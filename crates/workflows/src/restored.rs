//! The decision about runs and schedules that wait because the database was restored from a copy.

use crate::actor::Actor;
use crate::cron::Cron;
use crate::engine::Workflows;
use crate::error::{Error, Result};
use crate::schedules::zone;
use model::id::{RunId, SpaceId};
use model::time::Micros;
use runtime::changes::Topic;
use store::restorations;
use store::{Tx, schedules};

/// Runs that are looked for at once.
const RUNS: i64 = 100;

/// What becomes of the runs of a restored copy that would go on by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsDecision {
    /// They go on; schedules that are overdue start once.
    Continue,
    /// They are cancelled; schedules go on with their next time. Runs that wait for a person, or
    /// for a later time, stay as they are.
    Cancel,
}

impl Workflows {
    /// Decides about the runs and schedules that wait since the restoration.
    ///
    /// # Errors
    /// `Late` when none wait; those of the store.
    pub async fn decide_restored_runs(&self, actor: &Actor, decision: RunsDecision) -> Result<()> {
        let space = actor.space_id.clone();
        let found = self.inner.store.read(move |tx| restorations::of_space(tx, &space)).await;
        let found = found.map_err(Error::Store)?.filter(|held| held.are_runs_held);
        let Some(held) = found else {
            let message = "No runs wait for a decision about a restored backup.".to_owned();
            return Err(Error::Late { status: 409, message });
        };
        if decision == RunsDecision::Cancel {
            let mut after = RunId(0);
            loop {
                let held = held.clone();
                let due = move |tx: &mut Tx| restorations::due_runs(tx, &held, after, RUNS);
                let due = self.inner.store.read(due).await.map_err(Error::Store)?;
                let Some(last) = due.last() else { break };
                after = *last;
                for run in due {
                    match self.cancel_run(actor, run).await {
                        // It went with its parent.
                        Ok(()) | Err(Error::Late { .. } | Error::NotFound(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            self.skip_missed(&actor.space_id).await?;
        }
        let space = actor.space_id.clone();
        let decide = move |tx: &mut Tx| restorations::decide_runs(tx, &space);
        self.inner.store.write(decide).await.map_err(Error::Store)?;
        self.take_over();
        self.inner.background.notify_one();
        for topic in [Topic::Runs, Topic::Trees] {
            self.inner.changes.publish(&actor.space_id, topic);
        }
        Ok(())
    }

    /// Has overdue schedules of a space wait for their next time.
    async fn skip_missed(&self, space: &SpaceId) -> Result<()> {
        let (space, now) = (space.clone(), self.inner.runtime.now());
        let skip = move |tx: &mut Tx| {
            for schedule in schedules::missed(tx, &space, now)? {
                let Some(due) = schedule.next_at else { continue };
                let next = next(&schedule, now);
                if schedules::take(tx, &schedule.id, due, next, due)? {
                    let message = "Skipped: the database was restored from a copy.";
                    schedules::tell(tx, &schedule.id, None, message)?;
                }
            }
            Ok::<_, store::Error>(())
        };
        self.inner.store.write(skip).await.map_err(Error::Store)
    }
}

fn next(schedule: &schedules::Schedule, now: Micros) -> Option<Micros> {
    let (cron, zone) = (Cron::read(&schedule.cron).ok()?, zone(&schedule.time_zone).ok()?);
    cron.next(now, &zone)
}
