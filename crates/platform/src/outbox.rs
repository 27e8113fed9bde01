//! What the platform needs from whoever records events: webhooks, in production.
//!
//! A change is decided, its events are prepared outside of any transaction, and both are written
//! by one closure. The trait speaks of model and store only, so that the webhook engine need not
//! know the platform; the server connects them.

use crate::Error;
use std::future::Future;
use std::pin::Pin;

/// A boxed future, as object-safe asynchronous traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns events into what has to be written with them.
pub trait Outbox: Send + Sync {
    /// Decides outside the transaction: matches webhooks, evaluates filters and URLs.
    fn prepare(
        &self,
        events: Vec<model::event::Event>,
    ) -> BoxFuture<'_, Result<Box<dyn Prepared>, Error>>;
}

/// Events that were prepared and wait for their change to be written.
pub trait Prepared: Send + Sync {
    /// Writes events, jobs and internal runs inside the change's transaction. May be called again
    /// after a rollback.
    ///
    /// # Errors
    /// `store::Error::Stale` when a webhook moved since the events were prepared: the change is
    /// then decided and prepared again.
    fn apply(&self, tx: &mut store::Tx) -> Result<(), store::Error>;

    /// Called when the write was refused as stale, before the change is decided again.
    fn stale(&self) {}

    /// Called once after the commit: hands over jobs and runs, wakes streams.
    fn committed(&self);
}
