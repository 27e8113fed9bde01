//! Migrations are applied once, wait for each other, and are compared with what was applied.

use store::{Dialect, Error, Options, Sql, Store, migrations};

const APPLIED: Sql = Sql::both("SELECT stem FROM schema_migrations ORDER BY stem");
const CHANGE: Sql = Sql::both("UPDATE schema_migrations SET text = text || ' -- changed'");
const ADD: Sql = Sql::both("INSERT INTO schema_migrations (stem, text) VALUES ($1, $2)");

async fn applied(store: &Store) -> Vec<String> {
    store.read(|tx| tx.query(&APPLIED, &[], |row| row.text(0))).await.unwrap()
}

#[tokio::test]
async fn several_processes_may_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = testkit::postgres().await;
    let both = [
        Options::Sqlite { path: folder.path().join("deep/er/kapok.db") },
        Options::Postgres { url: database.url().to_owned() },
    ];
    for options in both {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let options = options.clone();
                tokio::spawn(async move { Store::open(&options).await })
            })
            .collect();
        for start in starts {
            let store = start.await.unwrap().unwrap();
            let known: Vec<_> =
                migrations(Dialect::Sqlite).into_iter().map(|(stem, _)| stem).collect();
            assert_eq!(applied(&store).await, known);
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    for test in testkit::both().await {
        test.write(|tx| tx.push(&CHANGE, &[])).await.unwrap();
        let again = Store::open(test.options()).await;
        assert!(matches!(again, Err(Error::Migration(why)) if why.contains("has been changed")));
    }
}

#[tokio::test]
async fn a_newer_schema_is_used_unless_it_says_that_it_cannot_be() {
    for test in testkit::both().await {
        let add = |stem: &'static str, text: &'static str| {
            test.write(move |tx| tx.push(&ADD, &[stem.into(), text.into()]))
        };
        add("9998_later", "CREATE TABLE later (id TEXT)").await.unwrap();
        let store = Store::open(test.options()).await.unwrap();
        assert_eq!(applied(&store).await.last().unwrap(), "9998_later");
        store.close().await;
        add("9999_last", "-- incompatible: jobs moved\nDROP TABLE jobs").await.unwrap();
        let Err(Error::Migration(why)) = Store::open(test.options()).await else {
            panic!("an incompatible schema was opened");
        };
        assert!(why.contains("9999_last") && why.contains("(jobs moved)"), "{why}");
        assert!(why.contains("start a newer version"), "{why}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_says_so() {
    let nowhere = [
        Options::Sqlite { path: "/proc/nowhere/kapok.db".into() },
        Options::Postgres { url: "postgres://nobody@127.0.0.1:1/nothing".to_owned() },
        Options::Postgres { url: "postgres://host/db?sslmode=nonsense".to_owned() },
    ];
    for options in nowhere {
        let limits = store::Limits {
            reconnect_time: std::time::Duration::from_millis(100),
            ..store::Limits::default()
        };
        let refused = Store::open_with(&options, limits).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    }
}
