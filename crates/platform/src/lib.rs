//! Spaces, kapps, forms, submissions, users and teams: decides changes and records their events.
//!
//! Every change goes the same way ([`change`]): the present state is read, a pure function decides
//! the new rows and the events, the [`Outbox`] prepares the events, and one closure writes all of
//! it, guarded by the versions the decision relied on. When one of them moved, the change is
//! decided again. What a request may do is decided here, deny-by-default, from the [`Actor`].
//!
//! What it is not: it knows neither requests nor documents (`api` does), nor what becomes of an
//! event (`webhooks` does).

pub mod actor;
mod addresses;
mod authorise;
mod cache;
mod change;
mod context;
pub mod error;
pub mod forms;
mod input;
pub mod kapps;
pub mod kql;
pub mod list;
pub mod memberships;
pub mod outbox;
mod passwords;
mod payload;
pub mod sign_in;
pub mod spaces;
pub mod submissions;
pub mod teams;
mod throttle;
mod turns;
pub mod users;
mod verified;

pub use actor::Actor;
pub use context::FormContext;
pub use error::{Error, Problem};
pub use forms::Scope;
pub use list::{Direction, ListQuery, Page};
pub use outbox::{BoxFuture, Outbox, Prepared};

use model::event::Cause;
use model::id::TraceId;
use model::time::Micros;
use runtime::Runtime;
use std::sync::Arc;
use store::Store;

/// The use cases. Cheap to clone; every clone shares the caches.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    runtime: Runtime,
    outbox: Arc<dyn Outbox>,
    contexts: cache::Contexts,
    verified: verified::Verified,
    throttle: throttle::Throttle,
    argon: tokio::sync::Semaphore,
    turns: turns::Turns,
}

impl Platform {
    /// Builds the use cases over a store, with `outbox` recording the events.
    pub fn new(store: Store, runtime: Runtime, outbox: Arc<dyn Outbox>) -> Self {
        let verified = verified::Verified::new(&runtime);
        let inner = Inner {
            store,
            runtime,
            outbox,
            contexts: cache::Contexts::default(),
            verified,
            throttle: throttle::Throttle::default(),
            argon: tokio::sync::Semaphore::new(model::limits::PASSWORDS_AT_ONCE),
            turns: turns::Turns::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store the use cases work on.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The clock and randomness the use cases work with.
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// The cause of a change that comes from outside: a new trace at depth 0.
    pub fn outside(&self) -> Cause {
        Cause::outside(TraceId::new(self.inner.runtime.uuid()))
    }

    fn now(&self) -> Micros {
        self.inner.runtime.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handlers of the API are spawned: what they await must be able to change threads.
    fn is_send<T: Send>(future: T) -> T {
        future
    }

    #[expect(dead_code, reason = "compiling it is the test")]
    fn use_cases_can_change_threads(platform: &Platform, actor: &Actor) {
        let options = submissions::SaveOptions::default();
        let input = submissions::SubmissionInput::default();
        let scope = Scope::Datastore;
        drop(is_send(platform.create_submission(actor, scope, "", input.clone(), &options)));
        drop(is_send(platform.update_submission(actor, "", input)));
        drop(is_send(platform.create_form(actor, scope, forms::FormInput::default())));
        drop(is_send(platform.update_form(actor, scope, "", forms::FormInput::default())));
        drop(is_send(platform.create_user(actor, users::UserInput::default())));
        drop(is_send(platform.create_team(actor, teams::TeamInput::default())));
        drop(is_send(platform.remove_membership(actor, "")));
        drop(is_send(platform.logout(&actor.space_id, "")));
    }
}
