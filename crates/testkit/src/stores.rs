//! Fresh stores for tests.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use store::{Dialect, Limits, Options, Store};
use tokio_postgres::{Client, NoTls};

use crate::cluster;
use crate::proxy::Proxy;

/// A fresh, migrated store, removed when dropped.
pub struct TestStore {
    store: Store,
    options: Options,
    /// What must outlive the store.
    _kept: Kept,
}

enum Kept {
    Folder { _folder: tempfile::TempDir },
    Database { _database: Database },
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
    vec![sqlite().await, postgres_store().await]
}

/// A fresh store in a SQLite file.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = Options::Sqlite { path: folder.path().join("kapok.db") };
    let store = Store::open_with(&options, limits()).await.expect("a fresh SQLite file opens");
    TestStore { store, options, _kept: Kept::Folder { _folder: folder } }
}

/// A fresh store in a PostgreSQL database. Panics when PostgreSQL is not installed.
pub async fn postgres_store() -> TestStore {
    let database = migrated().await;
    let url = database.url.clone();
    opened(database, url).await
}

/// As [`postgres_store`], with a network between the store and its database.
pub async fn postgres_behind() -> (TestStore, Proxy) {
    let database = migrated().await;
    let network = Proxy::before(&database.url).await;
    (opened(database, network.url()).await, network)
}

async fn migrated() -> Database {
    create(&format!("TEMPLATE {}", template().await)).await
}

async fn opened(database: Database, url: String) -> TestStore {
    let options = Options::Postgres { url };
    let store = Store::open_with(&options, limits()).await.expect("a fresh database opens");
    TestStore { store, options, _kept: Kept::Database { _database: database } }
}

/// Connections that write to PostgreSQL, of each store of a test.
pub const POSTGRES_WRITERS: usize = 4;

/// Tests run side by side: a few connections each are plenty, and a machine that is busy with other
/// tests is no reason to refuse.
fn limits() -> Limits {
    Limits {
        queue_patience: Duration::from_secs(20),
        postgres_writers: POSTGRES_WRITERS,
        postgres_readers: 2,
        ..Limits::default()
    }
}

/// An empty PostgreSQL database, dropped with this value.
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// Where it is: `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                run(&maintenance().await, &format!("DROP DATABASE {name} WITH (FORCE)")).await
            })
        });
        // A database left behind is no reason to fail a test; the cluster goes away as a whole.
        if let Ok(Err(error)) = removed.join() {
            eprintln!("a test database stays: {error}");
        }
    }
}

/// An empty PostgreSQL database. Panics when PostgreSQL is not installed.
pub async fn postgres() -> Database {
    create("").await
}

async fn create(how: &str) -> Database {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let name = format!("t{}_{number}_{age}", std::process::id());
    run(&maintenance().await, &format!("CREATE DATABASE {name} {how}"))
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let url = cluster::url(&name).await;
    Database { name, url }
}

/// The name of a database with all migrations applied, made once for each state of them.
async fn template() -> String {
    let mut hasher = DefaultHasher::new();
    store::migrations(Dialect::Postgres).hash(&mut hasher);
    let name = format!("template_{:016x}", hasher.finish());
    let client = maintenance().await;
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    let found = async || client.query_opt(&exists, &[]).await.expect("a query").is_some();
    if found().await {
        return name;
    }
    // Held until this connection ends.
    run(&client, "SELECT pg_advisory_lock(1)").await.expect("the lock can be taken");
    if found().await {
        return name;
    }
    let raw = create("").await;
    let options = Options::Postgres { url: raw.url.clone() };
    let store = Store::open(&options).await.expect("the migrations apply");
    store.close().await;
    let rename = format!("ALTER DATABASE {} RENAME TO {name}", raw.name);
    // The server notices a little later that the connections are closed.
    for attempt in 0.. {
        match run(&client, &rename).await {
            Ok(()) => break,
            Err(error) => assert!(attempt < 200, "{rename}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    std::mem::forget(raw);
    name
}

/// Ends every connection to a database, as an administrator or a failover does.
pub async fn end_connections(url: &str) {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|e| panic!("{url}: {e}"));
    tokio::spawn(connection);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    run(&client, end).await.expect("connections can be ended");
}

async fn maintenance() -> Client {
    let url = cluster::url("postgres").await;
    let (client, connection) =
        tokio_postgres::connect(&url, NoTls).await.unwrap_or_else(|e| panic!("{url}: {e}"));
    tokio::spawn(connection);
    client
}

async fn run(client: &Client, command: &str) -> Result<(), String> {
    client.batch_execute(command).await.map_err(|error| {
        error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
    })
}
