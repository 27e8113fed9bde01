//! Triggers as people look at them.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use model::id::TriggerId;
use model::run::{Trigger, TriggerStatus};
use store::runs;
use store::triggers::{self, Filter};

impl Workflows {
    /// Lists triggers, newest first, and counts them all.
    ///
    /// # Errors
    /// The store's.
    pub async fn triggers(
        &self,
        actor: &Actor,
        filter: Filter,
        limit: i64,
    ) -> Result<(Vec<Trigger>, i64)> {
        let space = actor.space_id.clone();
        let both = move |tx: &mut store::Tx| {
            let count = triggers::count(tx, &space, &filter)?;
            Ok((triggers::list(tx, &space, &filter, limit)?, count))
        };
        self.inner.store.read(both).await
    }

    /// A trigger.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn trigger(&self, actor: &Actor, id: TriggerId) -> Result<Trigger> {
        let space = actor.space_id.clone();
        let found: Option<Trigger> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(triggers::by_id(tx, &space, id)?))
            .await?;
        found.ok_or_else(|| Error::not_found("trigger", id))
    }

    /// Holds a manual trigger that was not taken, or lets go of one that is held.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for other triggers.
    pub async fn pause_trigger(
        &self,
        actor: &Actor,
        id: TriggerId,
        paused: bool,
    ) -> Result<Trigger> {
        let before = self.trigger(actor, id).await?;
        let (from, to) = match paused {
            true => (TriggerStatus::New, TriggerStatus::Paused),
            false => (TriggerStatus::Paused, TriggerStatus::New),
        };
        let now = self.inner.runtime.now();
        let claim = self.inner.claim_at(now);
        let wakes = !paused && before.scheduled_at.is_none_or(|at| at <= now);
        let run = before.run_id;
        let moved = self.inner.store.write(move |tx| {
            let moved = triggers::hold(tx, id, from, to, now)?;
            if moved && wakes {
                runs::wake(tx, run, &claim)?;
            }
            Ok::<_, store::Error>(moved)
        });
        if !moved.await? {
            let state = before.status.as_str().to_lowercase();
            let word = if paused {
                "Only manual triggers that were not taken"
            } else {
                "Only paused triggers"
            };
            let done = if paused { "paused" } else { "let go" };
            let message = format!("{word} can be {done}; the trigger {id} is {state}.");
            return Err(Error::Invalid(message));
        }
        if wakes {
            self.started(run);
        } else if let (false, Some(at)) = (paused, before.scheduled_at) {
            self.inner.wake_by(at);
        }
        self.trigger(actor, id).await
    }

    /// Removes a manual trigger that was not taken, or any of a run that is finished.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for others.
    pub async fn delete_trigger(&self, actor: &Actor, id: TriggerId) -> Result<Trigger> {
        let trigger = self.trigger(actor, id).await?;
        if !self.inner.store.write(move |tx| triggers::delete(tx, id)).await? {
            let message = format!(
                "The trigger {id} belongs to a run that is not finished; only manual triggers \
                 that were not taken can be deleted there."
            );
            return Err(Error::Invalid(message));
        }
        Ok(trigger)
    }
}
