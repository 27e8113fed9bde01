//! The least that must hold.

use store::{Error, Sql, Store};

const INSERT: Sql = Sql::both("INSERT INTO items (id, name) VALUES ($1, $2)");
const COUNT: Sql = Sql::both("SELECT COUNT(*) FROM items");

#[tokio::test]
async fn a_write_is_read_back() {
    for test in testkit::both().await {
        let store: &Store = &test;
        let create = Sql::both("CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT)");
        store.write(move |tx| tx.push(&create, &[])).await.unwrap();
        for id in 0..3 {
            store.write(move |tx| tx.push(&INSERT, &[id.into(), "x".into()])).await.unwrap();
        }
        let twice = store.write(|tx| tx.push(&INSERT, &[1.into(), "y".into()])).await;
        assert!(matches!(twice, Err(Error::Unique { constraint }) if constraint == "items(id)"));
        let count: i64 =
            store.read(|tx| tx.query_one(&COUNT, &[], |row| row.i64(0))).await.unwrap();
        assert_eq!(count, 3);
        store.close().await;
        assert!(store.read(|tx| tx.query_one(&COUNT, &[], |row| row.i64(0))).await.is_err());
    }
}
