//! Triggers as people look at them.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use model::id::TriggerId;
use model::run::Trigger;
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
}
