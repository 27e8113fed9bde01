//! Test helpers: databases, receivers, fake time (development only).
//!
//! A test of anything that stores is written once and runs on both databases:
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_job_is_claimed_once() {
//!     for store in testkit::both().await {
//!         let store = &*store;                    // a `store::Store`; clone it as you like
//!         …
//!     }
//! }
//! ```
//!
//! Each [`TestStore`] is a fresh, migrated database, removed when it is dropped: keep it until the
//! test ends. [`sqlite`] gives one of them when the database does not matter, [`postgres`] an
//! empty database by its URL, for tests that start the server.
//!
//! PostgreSQL is a private cluster on a loopback port, shared by all test processes of this user
//! and stopped a minute after the last of them ended; `KAPOK_TEST_POSTGRES_URL` names another
//! server instead, whose user may create databases.

#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]

mod cluster;
mod history;
mod own;
mod proxy;
mod stores;

pub use cluster::certificate;
pub use history::age;
pub use own::Cluster;
pub use proxy::{Proxy, Weather};
pub use stores::{
    Database, POSTGRES_WRITERS, TestStore, both, end_connections, postgres, postgres_behind,
    postgres_store, sqlite,
};
