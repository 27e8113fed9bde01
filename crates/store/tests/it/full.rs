//! A full disk refuses whole batches, keeps its word, and recovers by itself.

use store::{Error, Sql, Store};

use crate::{create_items, ids};

/// The pragma belongs to the connection, and its value cannot be bound.
async fn allow_pages(store: &Store, pages: Sql) {
    store.write(move |tx| tx.query(&pages, &[], |row| row.i64(0))).await.unwrap();
}

#[tokio::test]
async fn a_full_file_acknowledges_nothing_it_did_not_store() {
    let test = testkit::sqlite().await;
    let store: &Store = &test;
    create_items(store).await;
    allow_pages(store, Sql::both("PRAGMA max_page_count = 200")).await;
    let writers: Vec<_> = (0..400)
        .map(|id: i64| {
            let store = store.clone();
            tokio::spawn(async move {
                let bulky = move |tx: &mut store::Tx| {
                    let name = "x".repeat(3_000);
                    tx.push(&crate::INSERT, &[id.into(), name.into(), 1.into()])
                };
                (id, store.write(bulky).await)
            })
        })
        .collect();
    let mut stored = Vec::new();
    let mut full = 0;
    for writer in writers {
        match writer.await.unwrap() {
            (id, Ok(())) => stored.push(id),
            (_, Err(Error::Full)) => full += 1,
            (_, Err(error)) => panic!("{error:?}"),
        }
    }
    assert!(full > 300, "{full}");
    stored.sort_unstable();
    assert_eq!(ids(store).await, stored);
    allow_pages(store, Sql::both("PRAGMA max_page_count = 100000")).await;
    crate::insert(store, 1_000).await.unwrap();
    assert_eq!(ids(store).await.len(), stored.len() + 1);
}
