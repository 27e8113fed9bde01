//! Migrations: embedded, append-only, applied once, compared with what was applied.
//!
//! Both trees hold the same `NNNN_stem`. Their text is kept in the database, so a changed file is
//! noticed and the difference can be shown. All that are missing are applied in one transaction
//! under a lock; a second process that starts meanwhile waits for it. Those of a newer version are
//! tolerated unless they say `-- incompatible: why`: docs/operations/upgrade.md.

use rusqlite::Connection;
use rusqlite::TransactionBehavior::Exclusive;

use super::error::Error;
use super::postgres;
use super::sql::{Dialect, Sql};

/// One step of the schema, in the text of each database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    pub(super) stem: &'static str,
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

macro_rules! migrations {
    ($($stem:literal),* $(,)?) => {
        &[$(Migration {
            stem: $stem,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $stem, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $stem, ".sql")),
        }),*]
    };
}

/// Every migration, in order. A test compares the list with the folders.
pub(super) const ALL: &[Migration] = migrations![
    "0001_initial",
    "0002_job_lists",
    "0003_job_classes",
    "0004_delivery",
    "0005_nodes",
    "0006_secrets",
    "0007_payload_parts",
    "0008_inspectors",
    "0009_child_runs",
    "0010_resolutions",
    "0011_recoveries",
    "0012_schedules",
    "0013_leaner_writes",
    "0014_inboxes",
    "0015_retention",
    "0016_lane_claims",
    "0017_external_handlers",
    "0018_connections",
    "0019_categories",
    "0020_approvals",
    "0021_notices",
    "0022_leaner_runs",
    "0024_inboxes_by_hand",
];

/// How a line begins that tells older versions that they cannot work with what follows.
const INCOMPATIBLE: &str = "-- incompatible:";

/// The stem and text of every migration of this version, in order.
pub fn migrations(dialect: Dialect) -> Vec<(&'static str, &'static str)> {
    let text = |m: &Migration| match dialect {
        Dialect::Sqlite => m.sqlite,
        Dialect::Postgres => m.postgres,
    };
    ALL.iter().map(|m| (m.stem, text(m))).collect()
}

/// The table of what was applied.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     stem TEXT PRIMARY KEY, text TEXT NOT NULL)";

/// Which migrations are missing, or why the database cannot be used.
pub(super) fn missing<'a>(
    all: &'a [Migration],
    applied: &[(String, String)],
    text: impl Fn(&Migration) -> &'static str,
) -> Result<&'a [Migration], Error> {
    for (i, (stem, applied_text)) in applied.iter().enumerate() {
        let Some(known) = all.get(i) else {
            tolerate(stem, applied_text)?;
            continue;
        };
        if known.stem != stem {
            let expected = known.stem;
            return Err(Error::Migration(format!(
                "the database has migration {stem} where this version has {expected}"
            )));
        }
        if text(known) != applied_text {
            return Err(Error::Migration(format!(
                "migration {stem} has been changed since it was applied"
            )));
        }
    }
    Ok(all.get(applied.len()..).unwrap_or_default())
}

/// A migration of a newer version only adds what this one does not use, so both run side by side
/// while nodes are upgraded; unless a line of it says that, and why, they cannot.
fn tolerate(stem: &str, text: &str) -> Result<(), Error> {
    let Some(why) = text.lines().find_map(|line| line.strip_prefix(INCOMPATIBLE)) else {
        tracing::info!(migration = stem, "the database has a migration of a newer version");
        return Ok(());
    };
    let why = why.trim();
    Err(Error::Migration(format!(
        "the database has migration {stem}, with which this version cannot work ({why}): \
         start a newer version"
    )))
}

/// Applies what is missing to a SQLite file.
pub(super) fn sqlite(connection: &mut Connection) -> Result<(), Error> {
    sqlite_with(connection, ALL)
}

fn sqlite_with(connection: &mut Connection, all: &[Migration]) -> Result<(), Error> {
    apply_sqlite(connection, all).map_err(|failure| match failure {
        Failure::Own(error) => error,
        Failure::Driver(step, error) => Error::Migration(format!("{step}: {error}")),
    })
}

/// One number for all versions: whoever migrates holds this advisory lock. SQLite has none and
/// needs none: its exclusive transaction is the lock.
const LOCK: Sql = Sql::per("SELECT ''", "SELECT CAST(pg_advisory_xact_lock(461178470251) AS TEXT)");
const APPLIED: Sql = Sql::both("SELECT stem, text FROM schema_migrations ORDER BY stem");
const RECORD: Sql = Sql::both("INSERT INTO schema_migrations (stem, text) VALUES ($1, $2)");

/// Applies what is missing to a PostgreSQL database.
pub(super) fn postgres(session: &mut postgres::Session) -> Result<(), Error> {
    postgres_with(session, ALL)
}

fn postgres_with(session: &mut postgres::Session, all: &[Migration]) -> Result<(), Error> {
    session.batch("BEGIN; SET LOCAL statement_timeout = 0")?;
    let migrated = apply_postgres(session, all);
    session.batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}

fn apply_postgres(session: &mut postgres::Session, all: &[Migration]) -> Result<(), Error> {
    session.query(&LOCK, &[], &mut |_| Ok(()))?;
    session.batch(TABLE)?;
    let mut applied = Vec::new();
    session.query(&APPLIED, &[], &mut |row| {
        applied.push((row.text(0)?, row.text(1)?));
        Ok(())
    })?;
    for migration in missing(all, &applied, |m| m.postgres)? {
        let stem = migration.stem;
        tracing::info!(migration = stem, "migrating");
        let failed = |error| Error::Migration(format!("{stem}: {error}"));
        session.batch(migration.postgres).map_err(failed)?;
        session.execute(&RECORD, &[stem.into(), migration.postgres.into()])?;
    }
    Ok(())
}

enum Failure {
    Own(Error),
    Driver(&'static str, rusqlite::Error),
}

fn apply_sqlite(connection: &mut Connection, all: &[Migration]) -> Result<(), Failure> {
    let at = |step: &'static str| move |error| Failure::Driver(step, error);
    let tx = connection.transaction_with_behavior(Exclusive).map_err(at("lock"))?;
    tx.execute_batch(TABLE).map_err(at("schema_migrations"))?;
    let applied = {
        let mut select = tx
            .prepare("SELECT stem, text FROM schema_migrations ORDER BY stem")
            .map_err(at("schema_migrations"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.and_then(Iterator::collect::<Result<Vec<(String, String)>, _>>)
            .map_err(at("schema_migrations"))?
    };
    for migration in missing(all, &applied, |m| m.sqlite).map_err(Failure::Own)? {
        tracing::info!(migration = migration.stem, "migrating");
        tx.execute_batch(migration.sqlite).map_err(at(migration.stem))?;
        tx.execute(
            "INSERT INTO schema_migrations (stem, text) VALUES (?1, ?2)",
            [migration.stem, migration.sqlite],
        )
        .map_err(at(migration.stem))?;
    }
    tx.commit().map_err(at("commit"))
}

#[cfg(test)]
mod tests {
    use super::{ALL, Migration, missing, sqlite_with};

    const ONE: Migration = Migration {
        stem: "0001_one",
        sqlite: "CREATE TABLE one (a TEXT)",
        postgres: "CREATE TABLE one (a TEXT)",
    };
    const TWO: Migration =
        Migration { stem: "0002_two", sqlite: "CREATE TABLE two (a TEXT)", postgres: "" };

    #[test]
    fn what_is_missing_is_applied_once() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        sqlite_with(&mut connection, &[ONE]).unwrap();
        sqlite_with(&mut connection, &[ONE, TWO]).unwrap();
        sqlite_with(&mut connection, &[ONE, TWO]).unwrap();
        connection.execute_batch("INSERT INTO two VALUES ('x')").unwrap();
    }

    #[test]
    fn a_changed_or_incompatible_migration_is_refused() {
        let applied = |stem: &str, text: &str| vec![(stem.to_owned(), text.to_owned())];
        let check = |applied: &[(String, String)], expect: &str| {
            let error = missing(&[ONE], applied, |m| m.sqlite).unwrap_err();
            assert!(error.to_string().contains(expect), "{error}");
        };
        check(&applied("0001_one", "CREATE TABLE one (b TEXT)"), "has been changed");
        check(&applied("0001_uno", ONE.sqlite), "where this version has 0001_one");
        let mut newer = applied("0001_one", ONE.sqlite);
        newer.push(("0002_two".to_owned(), "CREATE TABLE two (a TEXT)".to_owned()));
        assert_eq!(missing(&[ONE], &newer, |m| m.sqlite).unwrap().len(), 0);
        let text = "-- Ids become numbers.\n-- incompatible: ids are numbers\nDROP TABLE one";
        newer.push(("0003_three".to_owned(), text.to_owned()));
        check(&newer, "migration 0003_three");
        check(&newer, "cannot work (ids are numbers): start a newer version");
    }

    #[test]
    fn the_list_is_the_folders() {
        for dialect in ["sqlite", "postgres"] {
            let folder = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
            let mut found: Vec<String> = std::fs::read_dir(&folder)
                .unwrap_or_else(|error| panic!("{folder}: {error}"))
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let listed: Vec<String> = ALL.iter().map(|m| format!("{}.sql", m.stem)).collect();
            assert_eq!(found, listed, "{folder}");
        }
    }
}
