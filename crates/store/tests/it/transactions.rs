//! Commit, rollback, isolation of neighbours, poison, statements sent ahead, group commit.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use store::{Error, Limits, Sql, Store, Tx};
use tokio::task::JoinHandle;

use crate::{INSERT, create_items, ids, insert, is_sqlite};

/// What a use case's own error looks like.
#[derive(Debug)]
enum Own {
    Refused,
    Store(Error),
}

impl From<Error> for Own {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Holds a thread of the store until the returned sender is dropped.
async fn hold(store: &Store) -> (std::sync::mpsc::Sender<()>, JoinHandle<Result<(), Error>>) {
    let (release, held) = channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel::<()>();
    let (held, started) = (Mutex::new(held), Mutex::new(Some(started)));
    let own = store.clone();
    let task = tokio::spawn(async move {
        let wait = move |_: &mut Tx| {
            drop(started.lock().unwrap().take());
            let _released = held.lock().unwrap().recv();
            Ok(())
        };
        own.write(wait).await
    });
    drop(has_started.await);
    (release, task)
}

/// A store whose writes all go through one thread, so that those that wait share a batch.
async fn narrow(test: &testkit::TestStore) -> Store {
    let patience = std::time::Duration::from_secs(20);
    let limits = Limits { queue_patience: patience, postgres_writers: 1, ..Limits::default() };
    Store::open_with(test.options(), limits).await.unwrap()
}

/// Gives spawned writers their turn on this single-threaded runtime, until they are queued.
async fn let_them_queue() {
    for _turn in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

fn spawn<F>(store: &Store, closure: F) -> JoinHandle<Result<(), Own>>
where
    F: Fn(&mut Tx) -> Result<(), Own> + Send + 'static,
{
    let store = store.clone();
    tokio::spawn(async move { store.write(closure).await })
}

#[tokio::test]
async fn an_error_rolls_back_and_is_the_answer() {
    for store in testkit::both().await {
        create_items(&store).await;
        let refused = store.write(|tx| {
            tx.push(&INSERT, &[1.into(), "a".into(), 1.into()])?;
            Err::<(), Own>(Own::Refused)
        });
        assert!(matches!(refused.await, Err(Own::Refused)));
        insert(&store, 2).await.unwrap();
        assert_eq!(ids(&store).await, [2]);
    }
}

#[tokio::test]
async fn a_bad_neighbour_hurts_only_itself() {
    for test in testkit::both().await {
        let store = narrow(&test).await;
        create_items(&store).await;
        insert(&store, 7).await.unwrap();
        let (release, held) = hold(&store).await;
        let insert = |tx: &mut Tx, id: i64| tx.push(&INSERT, &[id.into(), "a".into(), 1.into()]);
        let good = spawn(&store, move |tx| Ok(insert(tx, 1)?));
        let twice = spawn(&store, move |tx| {
            insert(tx, 2)?;
            Ok(insert(tx, 7)?)
        });
        let panics = spawn(&store, move |tx| {
            insert(tx, 3)?;
            panic!("a bug")
        });
        let refuses = spawn(&store, move |tx| {
            insert(tx, 4)?;
            Err(Own::Refused)
        });
        let swallows = spawn(&store, move |tx| {
            insert(tx, 5)?;
            let _swallowed = tx.execute(&INSERT, &[7.into(), "a".into(), 1.into()]);
            Ok(())
        });
        let last = spawn(&store, move |tx| Ok(insert(tx, 6)?));
        let_them_queue().await;
        drop(release);
        held.await.unwrap().unwrap();
        good.await.unwrap().unwrap();
        last.await.unwrap().unwrap();
        let unique = |error: &Own| matches!(error, Own::Store(Error::Unique { .. }));
        assert!(unique(&twice.await.unwrap().unwrap_err()));
        assert!(unique(&swallows.await.unwrap().unwrap_err()));
        assert!(matches!(refuses.await.unwrap(), Err(Own::Refused)));
        let panicked = panics.await.unwrap().unwrap_err();
        assert!(matches!(panicked, Own::Store(Error::Panic { message }) if message == "a bug"));
        assert_eq!(ids(&store).await, [1, 6, 7]);
    }
}

#[tokio::test]
async fn the_first_error_answers_every_later_call() {
    for store in testkit::both().await {
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let result = store.write(move |tx| {
            let twice = tx.execute(&INSERT, &[1.into(), "a".into(), 1.into()]);
            let next = tx.execute(&INSERT, &[2.into(), "a".into(), 1.into()]);
            let read = tx.query(&crate::IDS, &[], |row| row.i64(0));
            let texts = [twice.is_err(), next.is_err(), read.is_err()];
            notes.lock().unwrap().extend(texts);
            next.map(|_| ())
        });
        assert!(matches!(result.await, Err(Error::Unique { .. })));
        assert_eq!(*seen.lock().unwrap(), [true, true, true]);
        assert_eq!(ids(&store).await, [1]);
    }
}

#[tokio::test]
async fn a_pushed_error_surfaces_at_the_next_answer_or_the_commit() {
    for store in testkit::both().await {
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let at_commit = store.write(|tx| {
            tx.push(&INSERT, &[2.into(), "a".into(), 1.into()])?;
            let _sent = tx.push(&INSERT, &[1.into(), "a".into(), 1.into()]);
            Ok::<(), Error>(())
        });
        assert!(matches!(at_commit.await, Err(Error::Unique { .. })));
        let at_query = store.write(|tx| {
            let _sent = tx.push(&INSERT, &[1.into(), "a".into(), 1.into()]);
            tx.query(&crate::IDS, &[], |row| row.i64(0))
        });
        assert!(matches!(at_query.await, Err(Error::Unique { .. })));
        let panics = store.write(|tx| -> Result<(), Error> {
            tx.push(&INSERT, &[3.into(), "a".into(), 1.into()])?;
            panic!("after a push")
        });
        assert!(matches!(panics.await, Err(Error::Panic { .. })));
        // Nothing of the three is left, and the connections are clean.
        for id in 10..40 {
            insert(&store, id).await.unwrap();
        }
        assert_eq!(ids(&store).await, [&[1][..], &(10..40).collect::<Vec<i64>>()].concat());
    }
}

#[tokio::test]
async fn many_pushes_arrive_in_order() {
    const APPEND: Sql = Sql::both("UPDATE items SET name = name || $2 WHERE id = $1");
    const NAME: Sql = Sql::both("SELECT name FROM items WHERE id = $1");
    for store in testkit::both().await {
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let name = store.write(|tx| {
            for i in 0..1_000 {
                tx.push(&APPEND, &[1.into(), format!(" {i}").into()])?;
            }
            tx.query_one(&NAME, &[1.into()], |row| row.text(0))
        });
        let expect: String = (0..1_000).map(|i| format!(" {i}")).collect();
        let name: Result<String, Error> = name.await;
        assert_eq!(name.unwrap(), format!("name{expect}"));
    }
}

#[tokio::test]
async fn a_guarded_update_tells_who_won() {
    const TAKE: Sql = Sql::both("UPDATE items SET name = $2 WHERE id = $1 AND name = 'name'");
    for store in testkit::both().await {
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let takers: Vec<_> = (0..20)
            .map(|i| {
                let store = store.clone();
                tokio::spawn(async move {
                    let name = format!("taker {i}");
                    let take = move |tx: &mut Tx| tx.execute(&TAKE, &[1.into(), (&name).into()]);
                    store.write(take).await.unwrap()
                })
            })
            .collect();
        let mut winners = 0;
        for taker in takers {
            winners += taker.await.unwrap();
        }
        assert_eq!(winners, 1);
    }
}

#[tokio::test]
async fn waiting_writers_share_a_commit() {
    for test in testkit::both().await {
        let store = narrow(&test).await;
        create_items(&store).await;
        // Statements are prepared once for each connection.
        insert(&store, 1_000).await.unwrap();
        let (release, held) = hold(&store).await;
        let writers: Vec<_> = (0..300)
            .map(|id| {
                let store = store.clone();
                tokio::spawn(async move { insert(&store, id).await })
            })
            .collect();
        let_them_queue().await;
        let before = store.stats();
        drop(release);
        held.await.unwrap().unwrap();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        let after = store.stats();
        // The one that was held, so many at once, and the rest.
        let (batch, commits) = if is_sqlite(&store) { (256, 4) } else { (32, 12) };
        assert!(after.commits - before.commits <= commits, "{after:?}");
        assert_eq!(after.batch_max, batch);
        assert_eq!(after.statements - before.statements, 300);
        assert_eq!(ids(&store).await.len(), 301);
    }
}

#[tokio::test]
async fn who_refuses_before_writing_undoes_nobody() {
    for test in testkit::both().await {
        let store = narrow(&test).await;
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let (release, held) = hold(&store).await;
        let insert = |tx: &mut Tx, id: i64| tx.push(&INSERT, &[id.into(), "a".into(), 1.into()]);
        let first = spawn(&store, move |tx| Ok(insert(tx, 2)?));
        let refuses = spawn(&store, |tx| {
            let all = tx.query(&crate::IDS, &[], |row| row.i64(0))?;
            // It sees its neighbours, which are committed before it is answered.
            if all.len() == 2 { Err(Own::Refused) } else { Ok(()) }
        });
        let last = spawn(&store, move |tx| Ok(insert(tx, 3)?));
        let_them_queue().await;
        let before = store.stats();
        drop(release);
        held.await.unwrap().unwrap();
        first.await.unwrap().unwrap();
        assert!(matches!(refuses.await.unwrap(), Err(Own::Refused)));
        last.await.unwrap().unwrap();
        // The held one, and the three together.
        assert_eq!(store.stats().commits - before.commits, 2);
        assert_eq!(ids(&store).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_snapshot_does_not_move() {
    for store in testkit::both().await {
        create_items(&store).await;
        insert(&store, 1).await.unwrap();
        let (go_on, may_go_on) = channel::<()>();
        let (looked, has_looked) = tokio::sync::oneshot::channel::<()>();
        let (may_go_on, looked) = (Mutex::new(may_go_on), Mutex::new(Some(looked)));
        let own = store.clone();
        let reader = tokio::spawn(async move {
            let look_twice = move |tx: &mut Tx| {
                let first = tx.query(&crate::IDS, &[], |row| row.i64(0))?;
                drop(looked.lock().unwrap().take());
                let _go = may_go_on.lock().unwrap().recv();
                let second = tx.query(&crate::IDS, &[], |row| row.i64(0))?;
                Ok::<_, Error>((first, second))
            };
            own.read(look_twice).await.unwrap()
        });
        drop(has_looked.await);
        insert(&store, 2).await.unwrap();
        drop(go_on);
        assert_eq!(reader.await.unwrap(), (vec![1], vec![1]));
        assert_eq!(ids(&store).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_read_does_not_write() {
    for store in testkit::both().await {
        create_items(&store).await;
        let sly = store.read(|tx| tx.execute(&INSERT, &[1.into(), "a".into(), 1.into()]));
        assert!(matches!(sly.await, Err(Error::Db { .. })));
        assert!(ids(&store).await.is_empty());
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    for test in testkit::both().await {
        create_items(&test).await;
        for id in 0..10 {
            insert(&test, id).await.unwrap();
        }
        // One way to leave is close, another is to go without a word.
        if is_sqlite(&test) {
            test.close().await;
        }
        let again = Store::open(test.options()).await.unwrap();
        assert_eq!(ids(&again).await, (0..10).collect::<Vec<_>>());
        again.close().await;
        let late = insert(&again, 11).await;
        assert!(matches!(late, Err(Error::Unavailable { .. })));
    }
}
