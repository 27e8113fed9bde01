//! Every wait has an end: places in the queue, reads, writes.

use std::time::{Duration, Instant};

use store::{Error, Limits, Sql, Store};

use crate::{create_items, ids, insert};

/// Takes seconds to count.
const SLOW: Sql = Sql::per(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) \
     SELECT COUNT(*) FROM n",
    "SELECT COUNT(*) FROM generate_series(1, 1000000000)",
);

fn strict() -> Limits {
    Limits {
        queue_places: 8,
        queue_patience: Duration::from_millis(40),
        batch_max: 1,
        postgres_writers: 1,
        postgres_readers: 1,
        sqlite_readers: 1,
        read_time: Duration::from_millis(150),
        write_time: Duration::from_millis(150),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_long_read_is_stopped() {
    for test in testkit::both().await {
        let store = Store::open_with(test.options(), strict()).await.unwrap();
        let start = Instant::now();
        let slow = store.read(|tx| tx.query_one(&SLOW, &[], |row| row.i64(0))).await;
        assert!(matches!(slow, Err(Error::Timeout)), "{slow:?}");
        assert!(start.elapsed() < Duration::from_secs(3));
        create_items(&store).await;
        assert!(ids(&store).await.is_empty());
    }
}

#[tokio::test]
async fn a_long_write_is_stopped_and_leaves_nothing() {
    for test in testkit::both().await {
        let store = Store::open_with(test.options(), strict()).await.unwrap();
        create_items(&store).await;
        let slow = store.write(|tx| {
            tx.push(&crate::INSERT, &[1.into(), "a".into(), 1.into()])?;
            tx.query_one(&SLOW, &[], |row| row.i64(0))
        });
        assert!(matches!(slow.await, Err(Error::Timeout)));
        insert(&store, 2).await.unwrap();
        assert_eq!(ids(&store).await, [2]);
    }
}

#[tokio::test]
async fn callers_beyond_the_places_are_refused() {
    for test in testkit::both().await {
        let store = Store::open_with(test.options(), strict()).await.unwrap();
        create_items(&store).await;
        let writers: Vec<_> = (0..100)
            .map(|id| {
                let store = store.clone();
                tokio::spawn(async move {
                    let slow = move |tx: &mut store::Tx| {
                        std::thread::sleep(Duration::from_millis(10));
                        tx.push(&crate::INSERT, &[id.into(), "a".into(), 1.into()])
                    };
                    (id, store.write(slow).await)
                })
            })
            .collect();
        let mut stored = Vec::new();
        let mut refused = 0;
        for writer in writers {
            match writer.await.unwrap() {
                (id, Ok(())) => stored.push(id),
                (_, Err(Error::Overloaded)) => refused += 1,
                (_, Err(error)) => panic!("{error:?}"),
            }
        }
        assert!(!stored.is_empty());
        // 8 places: nearly everyone is turned away at once, and most of the 8 wait too long.
        assert!(refused >= 90 - 8, "{refused}");
        assert_eq!(store.stats().overloaded, refused);
        stored.sort_unstable();
        assert_eq!(ids(&store).await, stored);
    }
}
