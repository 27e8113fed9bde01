//! Fresh stores for tests.

use std::ops::Deref;

use store::{Options, Store};

/// A fresh, migrated store, removed when dropped.
pub struct TestStore {
    store: Store,
    options: Options,
    /// What must outlive the store.
    _kept: Kept,
}

enum Kept {
    Folder { _folder: tempfile::TempDir },
}

impl TestStore {
    /// How to open the same database again, for restarts.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// A fresh store on each database. Panics when PostgreSQL is not installed.
pub async fn both() -> Vec<TestStore> {
    vec![sqlite().await]
}

/// A fresh store in a SQLite file.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = Options::Sqlite { path: folder.path().join("kapok.db") };
    let store = Store::open(&options).await.expect("a fresh SQLite file opens");
    TestStore { store, options, _kept: Kept::Folder { _folder: folder } }
}
