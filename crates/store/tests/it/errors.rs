//! Errors are told apart, alike on both databases.

use store::{Error, Sql, Store, Value};

use crate::{INSERT, create_items, insert};

async fn refusal(store: &Store, sql: Sql, values: Vec<Value<'static>>) -> String {
    let error = store.write(move |tx| tx.execute(&sql, &values)).await.unwrap_err();
    match error {
        Error::Unique { constraint } => format!("unique {constraint}"),
        Error::Constraint { kind, name } => format!("{kind} {name}"),
        Error::Db { .. } => "db".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn constraints_have_the_same_names() {
    const CHILDREN: Sql = Sql::both(
        "CREATE TABLE children (parent BIGINT NOT NULL REFERENCES items (id), a TEXT, b TEXT, \
         CONSTRAINT children_a_length CHECK (length(a) < 5), UNIQUE (a, b))",
    );
    const INDEX: Sql = Sql::both("CREATE UNIQUE INDEX items_lower ON items (lower(name))");
    const CHILD: Sql = Sql::both("INSERT INTO children (parent, a, b) VALUES ($1, $2, $3)");
    for store in testkit::both().await {
        create_items(&store).await;
        store.write(|tx| tx.push(&CHILDREN, &[])).await.unwrap();
        store.write(|tx| tx.push(&INDEX, &[])).await.unwrap();
        insert(&store, 1).await.unwrap();
        let child = |parent: i64, a: &'static str| vec![parent.into(), a.into(), "b".into()];
        let values = child(1, "a");
        store.write(move |tx| tx.execute(&CHILD, &values)).await.unwrap();
        let item = |id: i64, name: Option<&'static str>| vec![id.into(), name.into(), 1.into()];
        let check = async |sql, values, expect: &str| {
            assert_eq!(refusal(&store, sql, values).await, expect, "{:?}", store.dialect());
        };
        check(INSERT, item(1, Some("b")), "unique items(id)").await;
        check(INSERT, item(2, Some("NAME")), "unique items_lower").await;
        check(INSERT, item(2, None), "not null name").await;
        check(CHILD, child(1, "a"), "unique children(a, b)").await;
        check(CHILD, child(1, "longer"), "check children_a_length").await;
        check(Sql::both("SELECT nonsense"), vec![], "db").await;
        let orphan = refusal(&store, CHILD, child(9, "c")).await;
        assert!(orphan.starts_with("foreign key"), "{orphan}");
    }
}

#[tokio::test]
async fn lookups_by_key_expect_one_row() {
    const ALL: Sql = Sql::both("SELECT id FROM items WHERE id >= $1");
    for store in testkit::both().await {
        create_items(&store).await;
        for id in 1..=2 {
            insert(&store, id).await.unwrap();
        }
        let opt = async |from: i64| {
            store.read(move |tx| tx.query_opt(&ALL, &[from.into()], |row| row.i64(0))).await
        };
        assert_eq!(opt(2).await.unwrap(), Some(2));
        assert_eq!(opt(3).await.unwrap(), None);
        assert!(matches!(opt(1).await, Err(Error::Db { .. })));
        let one = store.read(|tx| tx.query_one(&ALL, &[3.into()], |row| row.i64(0)));
        assert!(matches!(one.await, Err(Error::Db { .. })));
    }
}

#[tokio::test]
async fn the_wrong_number_of_values_is_an_error() {
    for store in testkit::both().await {
        create_items(&store).await;
        assert_eq!(refusal(&store, INSERT, vec![1.into()]).await, "db");
        insert(&store, 1).await.unwrap();
    }
}
