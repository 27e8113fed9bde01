//! Triggers as people look at them.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use model::id::TriggerId;
use model::run::Trigger;
use store::triggers::{self, Filter};

impl Workflows {
    /// Lists triggers, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn triggers(
        &self,
        actor: &Actor,
        filter: Filter,
        limit: i64,
    ) -> Result<Vec<Trigger>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(triggers::list(tx, &space, &filter, limit)?)).await
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
}
