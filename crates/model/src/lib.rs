//! The nouns of Kapok: ids, entities, the event catalogue, state machines, limits.
//!
//! Pure: no I/O, no clock, no randomness. Everything here is the same word in the code, the API,
//! the database and the console.
//!
//! Glossary:
//! - **space**: one organisation's platform; everything belongs to exactly one.
//! - **kapp**: a collection of forms, such as a service catalogue or a queue.
//! - **form**: pages of elements; its fields are known by name. A *datastore form* has no kapp.
//! - **submission**: one filled-in form: Draft, then Submitted, then Closed.
//! - **event**: a committed change, with its payload, previous state and each webhook's verdict.
//! - **webhook**: a type and event, a filter and a URL: what to call when something happens.
//! - **webhook job**: one firing of a webhook; **attempt**: one try to deliver it.
//! - **notice**: what a space is told when a webhook starts failing, recovers or is disabled.
//! - **source, tree, node, connector, handler, routine**: what a workflow is made of.
//! - **run**: one execution of a tree; **task**: one execution of a node in it; **trigger**: what
//!   makes a run move; **error**: a place where a run needs a person; **deferral**: a node that
//!   waits for somebody to complete it by its token.
//! - **cause, trace, depth**: the chain from an event to what it led to.

pub mod catalogue;
pub mod category;
pub mod connection;
pub mod delivery;
pub mod event;
pub mod external_handler;
pub mod form;
pub mod id;
pub mod inspector;
pub mod job;
pub mod kapp;
pub mod lane;
pub mod limits;
pub mod notice;
pub mod payload;
pub mod people;
pub mod recovery;
pub mod retention;
pub mod run;
pub mod signing;
pub mod space;
pub mod submission;
pub mod time;
pub mod tree;
pub mod webhook;

use serde::{Deserialize, Serialize};

/// Attributes of a record: each name holds a list of strings, in the order they were given.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

/// Who created and who last changed a record, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// When the record was created.
    pub created_at: time::Micros,
    /// The username that created it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: time::Micros,
    /// The username that last changed it.
    pub updated_by: String,
}

impl Audit {
    /// The audit of a record created `now` by `username`.
    pub fn created(now: time::Micros, username: &str) -> Self {
        Self {
            created_at: now,
            created_by: username.to_owned(),
            updated_at: now,
            updated_by: username.to_owned(),
        }
    }

    /// Notes a change `now` by `username`.
    pub fn touch(&mut self, now: time::Micros, username: &str) {
        self.updated_at = now;
        username.clone_into(&mut self.updated_by);
    }
}
