//! PostgreSQL: repeats after serialization failures and deadlocks, lost connections.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use store::{Error, Options, Sql, Store, Tx};
use tokio_postgres::NoTls;

use crate::{INSERT, create_items, ids, insert};

const FAIL: Sql = Sql::both(
    "CREATE FUNCTION fail(code TEXT) RETURNS BIGINT LANGUAGE plpgsql AS \
     'BEGIN RAISE EXCEPTION USING ERRCODE = code; END'",
);

async fn admin(options: &Options) -> tokio_postgres::Client {
    let Options::Postgres { url } = options else { panic!("PostgreSQL only") };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_serialization_failure_is_repeated_wherever_it_surfaces() {
    let store = testkit::postgres_store().await;
    create_items(&store).await;
    store.write(|tx| tx.push(&FAIL, &[])).await.unwrap();
    for (id, pushed) in [(1_i64, true), (2, false)] {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let insert = move |tx: &mut Tx| {
            tx.push(&INSERT, &[id.into(), "a".into(), 1.into()])?;
            if counted.fetch_add(1, Ordering::Relaxed) < 2 {
                let fail = Sql::both("SELECT fail('40001')");
                if pushed {
                    tx.push(&fail, &[])?;
                } else {
                    tx.query(&fail, &[], |row| row.i64(0))?;
                }
            }
            Ok::<_, Error>(())
        };
        store.write(insert).await.unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 3);
    }
    assert_eq!(ids(&store).await, [1, 2]);
    assert_eq!(store.stats().retries, 4);
    let hopeless = store.write(|tx| tx.push(&Sql::both("SELECT fail('40001')"), &[])).await;
    assert!(matches!(hopeless, Err(Error::Retry)));
    let full = store.write(|tx| tx.push(&Sql::both("SELECT fail('53100')"), &[])).await;
    assert!(matches!(full, Err(Error::Full)));
}

#[tokio::test]
async fn a_deadlock_is_untied() {
    const TOUCH: Sql = Sql::both("UPDATE items SET size = size + 1 WHERE id = $1");
    let store = testkit::postgres_store().await;
    create_items(&store).await;
    insert(&store, 1).await.unwrap();
    insert(&store, 2).await.unwrap();
    let met = Arc::new(Barrier::new(2));
    let touch = |first: i64, second: i64, began: tokio::sync::oneshot::Sender<()>| {
        let (store, met, runs) = (store.clone(), Arc::clone(&met), AtomicU32::new(0));
        let began = Mutex::new(Some(began));
        tokio::spawn(async move {
            let both = move |tx: &mut Tx| {
                tx.execute(&TOUCH, &[first.into()])?;
                drop(began.lock().unwrap().take());
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    met.wait();
                }
                tx.execute(&TOUCH, &[second.into()])
            };
            store.write(both).await
        })
    };
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let one = touch(1, 2, began);
    // Had it not begun, both might share a transaction.
    drop(has_begun.await);
    let two = touch(2, 1, tokio::sync::oneshot::channel().0);
    assert_eq!(one.await.unwrap().unwrap(), 1);
    assert_eq!(two.await.unwrap().unwrap(), 1);
    assert!(store.stats().retries >= 1);
}

#[tokio::test]
async fn a_connection_lost_in_a_transaction_is_made_again() {
    let store = testkit::postgres_store().await;
    create_items(&store).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let die_once = move |tx: &mut Tx| {
        tx.push(&INSERT, &[1.into(), "a".into(), 1.into()])?;
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            let die = Sql::both("SELECT pg_terminate_backend(pg_backend_pid())");
            tx.query(&die, &[], |_| Ok(()))?;
        }
        Ok::<_, Error>(())
    };
    store.write(die_once).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(ids(&store).await, [1]);
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_backends_are_killed() {
    let test = testkit::postgres_store().await;
    let store: &Store = &test;
    create_items(store).await;
    let writers: Vec<_> = (0..6)
        .map(|writer: i64| {
            let store = store.clone();
            tokio::spawn(async move {
                let (mut stored, mut unknown) = (Vec::new(), Vec::new());
                for id in writer * 1_000..writer * 1_000 + 250 {
                    match insert(&store, id).await {
                        Ok(()) => stored.push(id),
                        Err(Error::BatchLost) => unknown.push(id),
                        // Killed again and again: refused, and nothing stored.
                        Err(Error::Unavailable { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                (stored, unknown)
            })
        })
        .collect();
    let admin = admin(test.options()).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'kapok'";
    let mut killed = 0;
    for _round in 0..40 {
        killed += admin.query(kill, &[]).await.unwrap().len();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let (mut stored, mut unknown) = (Vec::new(), Vec::new());
    for writer in writers {
        let (some, others) = writer.await.unwrap();
        stored.extend(some);
        unknown.extend(others);
    }
    let present = ids(store).await;
    assert!(killed > 5, "{killed}");
    for id in &stored {
        assert!(present.contains(id), "{id} was acknowledged and is lost");
    }
    for id in &present {
        assert!(stored.contains(id) || unknown.contains(id), "{id} was refused and is there");
    }
}
