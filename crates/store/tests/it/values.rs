//! Values come back as they went in.

use serde_json::json;
use store::{Error, Select, Sql, Value};

use crate::create_items;

const CREATE: Sql = Sql::both(
    "CREATE TABLE kinds (id BIGINT, flag BOOLEAN, number DOUBLE PRECISION, words TEXT, \
     small INTEGER)",
);
const BODIES: Sql = Sql::per("CREATE TABLE bodies (body BLOB)", "CREATE TABLE bodies (body BYTEA)");

#[tokio::test]
async fn every_kind_of_value_round_trips() {
    const INSERT: Sql =
        Sql::both("INSERT INTO kinds (id, flag, number, words, small) VALUES ($1, $2, $3, $4, $5)");
    const READ: Sql = Sql::both("SELECT id, flag, number, words, small FROM kinds");
    const NULLS: Sql = Sql::both("DELETE FROM kinds WHERE id = $1");
    for store in testkit::both().await {
        store.write(|tx| tx.push(&CREATE, &[])).await.unwrap();
        let insert = store.write(|tx| {
            let words = "Zoë ✓ '\"\\";
            tx.execute(&INSERT, &[i64::MIN.into(), true.into(), 1.5.into(), words.into(), 7.into()])
        });
        assert_eq!(insert.await.unwrap(), 1);
        let read = store.read(|tx| {
            tx.query_one(&READ, &[], |row| {
                Ok((row.i64(0)?, row.bool(1)?, row.f64(2)?, row.text(3)?, row.i64(4)?))
            })
        });
        let read: Result<_, Error> = read.await;
        assert_eq!(read.unwrap(), (i64::MIN, true, 1.5, "Zoë ✓ '\"\\".to_owned(), 7));
        let nulls = store.write(|tx| {
            tx.push(&NULLS, &[i64::MIN.into()])?;
            let null = Value::Null;
            let row = [null.clone(), None::<bool>.into(), null.clone(), null.clone(), null];
            tx.push(&INSERT, &row)?;
            tx.query_one(&READ, &[], |row| {
                let number = row.opt_f64(2)?;
                let flags = (row.opt_i64(0)?, row.opt_bool(1)?, number, row.opt_text(3)?);
                assert!(row.i64(0).is_err(), "NULL is not an integer");
                Ok(flags)
            })
        });
        let nulls: Result<_, Error> = nulls.await;
        assert_eq!(nulls.unwrap(), (None, None, None, None));
    }
}

#[tokio::test]
async fn bytes_and_json_round_trip() {
    const INSERT: Sql = Sql::both("INSERT INTO bodies (body) VALUES ($1)");
    const READ: Sql = Sql::both("SELECT body FROM bodies");
    const DOCUMENT: Sql = Sql::both("SELECT CAST($1 AS TEXT)");
    for store in testkit::both().await {
        store.write(|tx| tx.push(&BODIES, &[])).await.unwrap();
        let body = vec![0_u8, 159, 146, 150];
        let stored = body.clone();
        store.write(move |tx| tx.push(&INSERT, &[stored.as_slice().into()])).await.unwrap();
        let read: Result<Vec<u8>, Error> =
            store.read(|tx| tx.query_one(&READ, &[], |row| row.bytes(0))).await;
        assert_eq!(read.unwrap(), body);
        let document = json!({ "b": 1, "a": [null, "x"] });
        let sent = document.clone();
        let back: Result<serde_json::Value, Error> = store
            .read(move |tx| tx.query_one(&DOCUMENT, &[(&sent).into()], |row| row.json(0)))
            .await;
        assert_eq!(back.unwrap(), document);
        let broken: Result<serde_json::Value, Error> =
            store.read(|tx| tx.query_one(&DOCUMENT, &["{".into()], |row| row.json(0))).await;
        assert!(matches!(broken, Err(Error::Db { .. })));
    }
}

#[tokio::test]
async fn placeholders_may_come_in_any_order() {
    const SWAPPED: Sql = Sql::both("SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), '$1'");
    for store in testkit::both().await {
        let read: Result<_, Error> = store
            .read(|tx| {
                tx.query_one(&SWAPPED, &["one".into(), "two".into()], |row| {
                    Ok((row.text(0)?, row.text(1)?, row.text(2)?))
                })
            })
            .await;
        assert_eq!(read.unwrap(), ("two".to_owned(), "one".to_owned(), "$1".to_owned()));
    }
}

#[tokio::test]
async fn a_select_grows_by_fragments() {
    const LIST: Sql = Sql::both("SELECT id FROM items WHERE id > $1");
    for store in testkit::both().await {
        create_items(&store).await;
        for id in 1..=9 {
            crate::insert(&store, id).await.unwrap();
        }
        let found: Result<Vec<i64>, Error> = store
            .read(|tx| {
                let mut select = Select::new(&LIST, &[2.into()]);
                select.and("name = $?", "name");
                select.and_in("id", vec![1.into(), 4.into(), 5.into(), 8.into()]);
                select.and_all("(id < $? OR id > $?)", vec![5.into(), 7.into()]);
                select.and_plain("size IS NOT NULL");
                select.end("ORDER BY id DESC LIMIT $?", 5);
                select.query(tx, |row| row.i64(0))
            })
            .await;
        assert_eq!(found.unwrap(), [8, 4]);
    }
}
