//! Connects the engines: each names what it needs as a small trait, and here it gets it.

use crate::config::Config;
use anyhow::Result;
use model::event::Event;
use platform::{BoxFuture, Outbox, Platform, Prepared};
use runtime::Runtime;
use runtime::changes::Changes;
use std::net::SocketAddr;
use std::sync::Arc;
use store::{Store, Tx};

/// What the engines stand on.
pub(crate) struct Engines<'a> {
    pub(crate) store: &'a Store,
    pub(crate) runtime: &'a Runtime,
    pub(crate) config: &'a Config,
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// Where the demo's receiver listens.
    pub(crate) receiver: Option<SocketAddr>,
}

/// Builds the engines and what the handlers work with.
pub(crate) async fn connect(engines: &Engines<'_>, space: &str) -> Result<api::App> {
    let _ = (engines.address, engines.receiver);
    let changes = Changes::default();
    let outbox = Arc::new(Told { changes: changes.clone() });
    let platform = Platform::new(engines.store.clone(), engines.runtime.clone(), outbox);
    let public_url = engines.config.public_url.as_ref();
    let settings = api::Settings {
        space: space.to_owned(),
        is_https: public_url.is_some_and(|url| url.scheme() == "https"),
    };
    Ok(api::App {
        platform: Arc::new(platform),
        runtime: engines.runtime.clone(),
        changes,
        settings: Arc::new(settings),
    })
}

/// Tells live views of changes.
struct Told {
    changes: Changes,
}

impl Outbox for Told {
    fn prepare(
        &self,
        events: Vec<Event>,
    ) -> BoxFuture<'_, Result<Box<dyn Prepared>, platform::Error>> {
        let changes = self.changes.clone();
        Box::pin(async move { Ok(Box::new(ToldEvents { changes, events }) as Box<dyn Prepared>) })
    }
}

struct ToldEvents {
    changes: Changes,
    events: Vec<Event>,
}

impl Prepared for ToldEvents {
    fn apply(&self, _: &mut Tx) -> Result<(), store::Error> {
        Ok(())
    }

    fn committed(&self) {
        for event in &self.events {
            self.changes.publish(&event.space_id, runtime::changes::Topic::Events);
        }
    }
}
