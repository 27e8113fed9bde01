//! What every handler has at hand.

use crate::metrics::Scrape;
use platform::Platform;
use runtime::Runtime;
use runtime::changes::Changes;
use std::ops::Deref;
use std::sync::Arc;
use store::Store;
use webhooks::Webhooks;
use workflows::Workflows;

/// What handlers work with. One pointer: routing and every layer clone it for each request.
#[derive(Clone)]
pub struct App(Arc<Engines>);

impl Deref for App {
    type Target = Engines;

    fn deref(&self) -> &Engines {
        &self.0
    }
}

impl From<Engines> for App {
    fn from(engines: Engines) -> Self {
        Self(Arc::new(engines))
    }
}

/// The engines behind the API.
pub struct Engines {
    /// The database, for those who ask whether it stores.
    pub store: Store,
    /// Spaces, kapps, forms, submissions, people.
    pub platform: Arc<Platform>,
    /// Webhooks, their jobs, events.
    pub webhooks: Webhooks,
    /// Sources, trees, runs.
    pub workflows: Workflows,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// What moved, for live views.
    pub changes: Changes,
    /// What collects the server's numbers.
    pub metrics: Arc<dyn Scrape>,
    /// What the operator configured.
    pub settings: Arc<Settings>,
}

/// What the operator configured, as far as the API is concerned.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The slug of the space that addresses without a prefix mean.
    pub space: String,
    /// Whether people reach the server by https, so that cookies are marked `Secure`.
    pub is_https: bool,
    /// Seconds a client may take to send a body.
    pub body_seconds: u64,
    /// Whether there is a mail server to send with.
    pub has_mail_server: bool,
}
