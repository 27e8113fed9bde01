//! How every change is made: decide outside, apply inside, again when something moved.

use crate::{Error, Platform, Prepared};
use model::event::Event;
use std::future::Future;
use std::sync::Arc;
use store::Tx;

/// How often a change is decided before it is given up as stale.
const ATTEMPTS: usize = 4;

/// What a closure does inside the transaction. May run again after a rollback.
pub(crate) type Apply = Box<dyn Fn(&mut Tx) -> Result<(), store::Error> + Send + Sync>;

/// A decided change: what to write, which events it is, what the caller gets.
pub(crate) struct Change<T> {
    /// The result of the use case.
    pub value: T,
    /// The events, in the order they happened.
    pub events: Vec<Event>,
    /// Writes the rows; `Stale` when a guarded update found another version.
    pub apply: Apply,
    /// What to answer when a unique index refuses the row; `None` decides again.
    pub unique: Option<Error>,
}

impl<T> Change<T> {
    /// A change that cannot meet a unique index.
    pub(crate) fn new(
        value: T,
        events: Vec<Event>,
        apply: impl Fn(&mut Tx) -> Result<(), store::Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            value,
            events,
            apply: Box::new(apply),
            unique: None,
        }
    }

    /// Names the property that a unique index guards.
    pub(crate) fn unique(
        mut self,
        noun: &'static str,
        property: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.unique = Some(Error::Unique {
            noun,
            property,
            value: value.into(),
        });
        self
    }
}

/// A decision: a change to make, or nothing to do because all is as it should be.
pub(crate) enum Decision<T> {
    /// Write this.
    Change(Change<T>),
    /// Answer this.
    Done(T),
}

impl<T> From<Change<T>> for Decision<T> {
    fn from(change: Change<T>) -> Self {
        Self::Change(change)
    }
}

/// Fails as stale when a guarded update changed nothing.
pub(crate) fn guarded(changed: bool) -> Result<(), store::Error> {
    if changed {
        Ok(())
    } else {
        Err(store::Error::Stale)
    }
}

impl Platform {
    /// Decides, prepares and writes a change; decides anew when what it relied on has moved.
    pub(crate) async fn change<T, D, F>(&self, noun: &'static str, decide: D) -> Result<T, Error>
    where
        D: Fn() -> F,
        F: Future<Output = Result<Decision<T>, Error>>,
    {
        for _ in 0..ATTEMPTS {
            let Change {
                value,
                events,
                apply,
                unique,
            } = match decide().await? {
                Decision::Change(change) => change,
                Decision::Done(value) => return Ok(value),
            };
            let prepared = match events.is_empty() {
                true => None,
                false => Some(self.inner.outbox.prepare(events).await?),
            };
            match self.write(apply, prepared).await {
                Ok(()) => return Ok(value),
                Err(store::Error::Stale) => {}
                Err(store::Error::Unique { .. }) if unique.is_none() => {}
                Err(store::Error::Unique { .. }) => return Err(unique.expect("checked above")),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Stale { noun })
    }

    /// Writes in a task of its own, so that a caller who goes away does not keep a committed
    /// change from being handed on.
    async fn write(
        &self,
        apply: Apply,
        prepared: Option<Box<dyn Prepared>>,
    ) -> Result<(), store::Error> {
        let store = self.inner.store.clone();
        let prepared: Option<Arc<dyn Prepared>> = prepared.map(Arc::from);
        let task = self.inner.runtime.spawn(async move {
            let recorded = prepared.clone();
            let written = store.write(move |tx| {
                apply(tx)?;
                recorded
                    .as_ref()
                    .map_or(Ok(()), |prepared| prepared.apply(tx))
            });
            written.await?;
            if let Some(prepared) = prepared {
                prepared.committed();
            }
            Ok(())
        });
        task.await
            .unwrap_or_else(|error| Err(store::Error::db(error.to_string())))
    }
}
