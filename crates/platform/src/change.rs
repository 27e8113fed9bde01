//! How every change is made: decide outside, apply inside, again when something moved.

use crate::{Error, Platform, Prepared, payload};
use model::event::Event;
use std::sync::Arc;
use store::Tx;

/// How often a change is decided before it is given up as stale. Each attempt says whether it must
/// read fresh rows, because what it took from a cache may have moved.
///
/// ```text
/// for fresh in ATTEMPTS {
///     let change = …;                                         // read, decide
///     if let Some(value) = self.commit(change).await? {
///         return Ok(value);
///     }
/// }
/// Err(Error::Stale { noun: "Form" })
/// ```
pub(crate) const ATTEMPTS: [bool; 4] = [false, true, true, true];

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
        Self { value, events, apply: Box::new(apply), unique: None }
    }

    /// Names the property that a unique index guards.
    pub(crate) fn unique(
        mut self,
        noun: &'static str,
        property: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.unique = Some(Error::Unique { noun, property, value: value.into() });
        self
    }
}

/// Fails as stale when a guarded update changed nothing.
pub(crate) fn guarded(changed: bool) -> Result<(), store::Error> {
    if changed { Ok(()) } else { Err(store::Error::Stale) }
}

impl Platform {
    /// Prepares a change's events and writes all of it. `None`: something it relied on has moved,
    /// and it has to be decided again.
    pub(crate) async fn commit<T>(&self, change: Change<T>) -> Result<Option<T>, Error> {
        let Change { value, events, apply, unique } = change;
        payload::check_size(&events)?;
        let prepared = match events.is_empty() {
            true => None,
            false => Some(self.inner.outbox.prepare(events).await?),
        };
        match (self.write(apply, prepared).await, unique) {
            (Ok(()), _) => Ok(Some(value)),
            (Err(store::Error::Stale), _) => Ok(None),
            (Err(store::Error::Unique { .. }), None) => Ok(None),
            (Err(store::Error::Unique { .. }), Some(taken)) => Err(taken),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Writes; what is committed is handed on even when the caller has gone away meanwhile.
    async fn write(
        &self,
        apply: Apply,
        prepared: Option<Box<dyn Prepared>>,
    ) -> Result<(), store::Error> {
        let Some(prepared) = prepared else { return self.inner.store.write(apply).await };
        let prepared: Arc<dyn Prepared> = Arc::from(prepared);
        let (recorded, committed) = (prepared.clone(), prepared.clone());
        let write = move |tx: &mut Tx| {
            apply(tx)?;
            recorded.apply(tx)
        };
        let written = self.inner.store.write_then(write, move || committed.committed()).await;
        if matches!(written, Err(store::Error::Stale)) {
            prepared.stale();
        }
        written
    }
}
