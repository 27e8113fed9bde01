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

const SPACE: Sql = Sql::both(
    "INSERT INTO spaces (id, slug, name, attributes, properties, version, created_at, created_by, \
     updated_at, updated_by) VALUES ('s', 's', 'S', '{}', '{}', 1, 1, 'a', 1, 'a')",
);
const FORM: Sql = Sql::both(
    "INSERT INTO forms (id, space_id, slug, name, status, anonymous, attributes, pages, \
     properties, version, created_at, created_by, updated_at, updated_by) \
     VALUES ('f', 's', 'f', 'F', 'Active', FALSE, '{}', '[]', '{}', 1, 1, 'a', 1, 'a')",
);
const SUBMISSION: Sql = Sql::both(
    "INSERT INTO submissions (id, space_id, kapp_id, form_id, handle, core_state, label, kind, \
     field_values, version, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, 's', $2, 'f', 'H', 'Draft', 'L', $3, $4, 1, 1, 'a', 1, 'a')",
);
const ASSIGNED: Sql = Sql::both(
    "SELECT id, assigned_user, assigned_team FROM submissions \
     WHERE assigned_user IS NOT NULL OR assigned_team IS NOT NULL ORDER BY id",
);

#[tokio::test]
async fn approvals_of_before_are_assigned() {
    for test in testkit::both().await {
        let all = migrations(test.dialect());
        let (_, text) = all.into_iter().find(|(stem, _)| *stem == "0020_approvals").unwrap();
        let from = text.find("UPDATE submissions").unwrap();
        let update = &text[from..][..text[from..].find(';').unwrap()];
        let rows: [(&str, Option<&str>, &str, &str); 4] = [
            ("1", Some("k"), "Approval", r#"{"Assigned Individual": " ann "}"#),
            ("2", Some("k"), "Approval", r#"{"Assigned Team": "IT", "Assigned Individual": ""}"#),
            ("3", Some("k"), "Service", r#"{"Assigned Individual": "ann"}"#),
            ("4", None, "Approval", r#"{"Assigned Individual": "ann"}"#),
        ];
        let found = test
            .write(move |tx| {
                tx.push(&SPACE, &[])?;
                tx.push(&FORM, &[])?;
                for (id, kapp, kind, values) in rows {
                    let row = [id.into(), kapp.into(), kind.into(), values.into()];
                    tx.push(&SUBMISSION, &row)?;
                }
                tx.push(&Sql::both(update), &[])?;
                tx.query(&ASSIGNED, &[], |row| {
                    Ok((row.text(0)?, row.opt_text(1)?, row.opt_text(2)?))
                })
            })
            .await
            .unwrap();
        let own = |text: &str| Some(text.to_owned());
        assert_eq!(found, [("1".into(), own("ann"), None), ("2".into(), None, own("IT"))]);
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

const CONDITIONS: Sql = Sql::both(
    "SELECT name, substr(sql, instr(sql, 'WHERE')) FROM sqlite_master \
     WHERE type = 'index' AND sql LIKE '%WHERE%' ORDER BY name",
);

/// SQLite makes a table of such a list in every statement that writes a row.
#[tokio::test]
async fn no_condition_of_an_index_lists_three() {
    let store = testkit::sqlite().await;
    let read = |row: &store::Row| Ok((row.text(0)?, row.text(1)?));
    let found = store.read(move |tx| tx.query(&CONDITIONS, &[], read)).await.unwrap();
    assert!(found.iter().any(|(name, _)| name == "runs_open"), "{found:?}");
    for (name, condition) in found {
        assert!(condition.matches(',').count() < 2, "{name}: {condition}");
    }
}
