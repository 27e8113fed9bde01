//! Events to webhook jobs, and jobs to their targets: filters, delivery, the outbound guard.
//!
//! [`outbox`] takes events into the transaction of their change: verdicts, jobs, internal runs.
//! [`dispatch`] delivers what goes out, through [`send`], which obeys the [`guard`]. The rest are
//! the use cases around webhooks, jobs and events; each takes the [`Actor`] first.
//!
//! What it is not: it knows neither requests nor documents of the API, and of the workflow engine
//! only the trait [`Workflows`].

mod answer;
mod attempt;
mod cloudevents;
pub mod connections;
pub mod conventional;
pub mod definitions;
pub mod delivery;
mod dispatch;
mod error;
pub mod guard;
pub mod history;
mod holds;
pub mod inspectors;
mod isolate;
pub mod jobs;
mod judge;
pub mod lanes;
pub mod notices;
mod oauth;
mod observe;
pub mod outbox;
pub mod overview;
mod queue;
mod record;
pub mod recovery;
pub mod restored;
pub mod retention;
pub mod retry_after;
mod schedule;
pub mod send;
pub mod sign;
mod snapshot;
pub mod target;
pub mod timeline;
pub mod trial;
mod verdict;
pub mod workflows;

pub use error::Error;
pub use workflows::{PreparedStart, StartOutcome, StartRequest, Workflows};

use model::id::SpaceId;
use runtime::Runtime;
use runtime::changes::Changes;
use runtime::mail::Mailer;
use runtime::node::Node;
use runtime::vault::Vault;
use send::Sender;
use std::sync::Arc;
use store::Store;
use url::Url;

/// Who asks: a user of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The space; records of other spaces do not exist for the actor.
    pub space_id: SpaceId,
    /// The username kept on records.
    pub username: String,
    /// Whether the actor administers the space.
    pub is_space_admin: bool,
}

impl Actor {
    fn must_administer(&self, act: &'static str) -> Result<(), Error> {
        if self.is_space_admin { Ok(()) } else { Err(Error::Forbidden { act }) }
    }
}

/// What webhooks are built from.
pub struct Options {
    /// The store.
    pub store: Store,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// Where to report what changed.
    pub changes: Changes,
    /// What sends requests out.
    pub sender: Sender,
    /// What seals secrets.
    pub vault: Vault,
    /// The workflow engine.
    pub workflows: Arc<dyn Workflows>,
    /// What sends the mail of notices.
    pub mailer: Arc<dyn Mailer>,
    /// This server's own address; webhooks that name it are internal.
    pub public_url: Option<Url>,
    /// This process among those that share the database. Its name is new at every start, so that
    /// leases of an earlier life are known as such.
    pub node: Node,
}

/// The use cases and the delivery of one node; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    runtime: Runtime,
    changes: Changes,
    sender: Sender,
    vault: Vault,
    tokens: oauth::Tokens,
    places: connections::Places,
    workflows: Arc<dyn Workflows>,
    mailer: Arc<dyn Mailer>,
    snapshots: snapshot::Snapshots,
    queue: queue::Queue,
    /// Wakes the loop that carries out recoveries.
    recovery: tokio::sync::Notify,
    /// Wakes the loop that purges history.
    purge: tokio::sync::Notify,
    settings: Settings,
    pace: inspectors::Pace,
    watch: notices::Watch,
    signs: notices::Signs,
}

struct Settings {
    public_url: Option<Url>,
    node: Node,
}

impl Webhooks {
    /// Builds the use cases; [`Webhooks::deliver`] starts the delivery.
    pub fn new(options: Options) -> Self {
        let Options { store, runtime, changes, sender, vault, public_url, node, .. } = options;
        let inner = Inner {
            store,
            runtime,
            changes,
            snapshots: snapshot::Snapshots::new(vault.clone(), sender.clone()),
            sender,
            workflows: options.workflows,
            mailer: options.mailer,
            tokens: oauth::Tokens::default(),
            places: connections::Places::default(),
            vault,
            queue: queue::Queue::new(schedule::Bounds::default()),
            recovery: tokio::sync::Notify::new(),
            purge: tokio::sync::Notify::new(),
            settings: Settings { public_url, node },
            pace: inspectors::Pace::default(),
            watch: notices::Watch::default(),
            signs: notices::Signs::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}
