//! Nodes that share a PostgreSQL database: found gone, taken over, coming back.

use std::time::Duration;

use store::presence::{Keeper, Signal, Who};
use store::{Options, Sql};
use testkit::TestStore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{Client, NoTls};

/// Gone after half a second without a sign, or 50 ms without a lock.
const TIMEOUT: Duration = Duration::from_millis(500);
const RUN: &str = "INSERT INTO runs (space_id, tree_id, tree_version_id, trace_id, depth, state, \
     token, engine_state, originator, leased_by, leased_until, version, created_at, created_by, \
     updated_at) VALUES ('s', 't', 1, 'x', 0, 'Running', 'k', '{}', 'o', $1, 9999999999999999, \
     0, 0, 'u', 0)";

struct Node {
    keeper: Keeper,
    signals: UnboundedReceiver<Signal>,
    id: String,
}

impl Node {
    async fn start(store: &TestStore, number: u8) -> Self {
        Self::patient(store, number, TIMEOUT).await
    }

    async fn patient(store: &TestStore, number: u8, timeout: Duration) -> Self {
        let (sender, signals) = unbounded_channel();
        let id = uuid::Uuid::from_bytes([number; 16]).to_string();
        let name = format!("node-{number}");
        let who = Who { id: id.clone(), name, version: "1".to_owned(), timeout };
        let sink = Box::new(move |signal| drop(sender.send(signal)));
        let keeper = Keeper::start(store.options(), who, sink).await.unwrap().unwrap();
        Self { keeper, signals, id }
    }

    /// Waits for the first signal that `wanted` takes.
    async fn until<T>(&mut self, wanted: impl Fn(&Signal) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(&self.signals.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), found).await.expect("the signal comes")
    }

    async fn until_live(&mut self, count: usize) {
        let is = |signal: &Signal| matches!(signal, Signal::Present { live, .. } if *live == count);
        self.until(|signal| is(signal).then_some(())).await;
    }

    async fn until_took_over(&mut self) {
        self.until(|signal| (*signal == Signal::TookOver).then_some(())).await;
    }
}

async fn admin(store: &TestStore) -> Client {
    let Options::Postgres { url } = store.options() else { panic!("PostgreSQL only") };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Registers a node that nobody keeps, with a run leased to it.
async fn stranger(client: &Client, has_lock: bool) -> String {
    let id = uuid::Uuid::from_bytes([77; 16]).to_string();
    let insert = "INSERT INTO nodes (id, name, version, lock_key, has_lock, started_at, seen_at) \
         VALUES ($1, 'stranger', '1', 4242, $2, 0, \
         CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT))";
    client.execute(insert, &[&id, &has_lock]).await.unwrap();
    client.execute("SET session_replication_role = replica", &[]).await.unwrap();
    client.execute(RUN, &[&id]).await.unwrap();
    id
}

async fn leases(store: &TestStore, id: &str) -> Vec<i64> {
    const LEASES: Sql = Sql::both("SELECT leased_until FROM runs WHERE leased_by = $1 ORDER BY id");
    let id = id.to_owned();
    store.read(move |tx| tx.query(&LEASES, &[(&id).into()], |row| row.i64(0))).await.unwrap()
}

#[tokio::test]
async fn a_node_whose_lock_is_free_is_gone_at_once() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let mut node = Node::start(&store, 1).await;
    let id = stranger(&client, true).await;
    node.until_took_over().await;
    assert_eq!(leases(&store, &id).await, [0]);
    node.until_live(1).await;
    // Commits that were under way when the node died come late: their leases end as well.
    for _ in 0..2 {
        client.execute("UPDATE runs SET leased_until = 9999", &[]).await.unwrap();
        node.until_took_over().await;
        assert_eq!(leases(&store, &id).await, [0]);
    }
}

#[tokio::test]
async fn what_a_frozen_transaction_holds_delays_no_other_work() {
    let store = testkit::postgres_store().await;
    let (client, frozen) = (admin(&store).await, admin(&store).await);
    let mut node = Node::start(&store, 1).await;
    let id = stranger(&client, false).await;
    client.execute(RUN, &[&id]).await.unwrap();
    frozen.batch_execute("BEGIN; SELECT 1 FROM runs WHERE id = 1 FOR UPDATE").await.unwrap();
    node.until_took_over().await;
    assert_eq!(leases(&store, &id).await, [9_999_999_999_999_999, 0]);
    frozen.batch_execute("COMMIT").await.unwrap();
    node.until_took_over().await;
    assert_eq!(leases(&store, &id).await, [0, 0]);
}

#[tokio::test]
async fn a_node_that_is_silent_is_gone_after_the_timeout() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let mut node = Node::start(&store, 1).await;
    client.execute("SELECT pg_advisory_lock(4242)", &[]).await.unwrap();
    let id = stranger(&client, true).await;
    node.until_live(2).await;
    assert_ne!(leases(&store, &id).await, [0]);
    node.until_took_over().await;
    assert_eq!(leases(&store, &id).await, [0]);
    node.until_live(1).await;
}

#[tokio::test]
async fn a_broken_line_is_mended_and_nobody_is_buried_in_a_hurry() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let mut first = Node::patient(&store, 1, TIMEOUT * 10).await;
    let mut second = Node::patient(&store, 2, TIMEOUT * 10).await;
    first.until_live(2).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = 'kapok presence' AND datname = current_database()";
    client.query(kill, &[]).await.unwrap();
    for node in [&mut first, &mut second] {
        node.until(|signal| (*signal == Signal::Doubt).then_some(())).await;
        let renamed = node.until(|signal| match signal {
            Signal::Present { .. } => Some(false),
            Signal::Renamed(_) => Some(true),
            _ => None,
        });
        assert!(!renamed.await, "it came back in time");
        node.until_live(2).await;
    }
}

#[tokio::test]
async fn a_node_that_was_taken_over_goes_on_under_another_name() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let mut node = Node::start(&store, 1).await;
    let bury = "UPDATE nodes SET gone_at = seen_at WHERE id = $1";
    client.execute(bury, &[&node.id]).await.unwrap();
    let name = node.until(|signal| match signal {
        Signal::Renamed(name) => Some(name.clone()),
        _ => None,
    });
    let name = name.await;
    assert_ne!(name, node.id);
    node.until_live(1).await;
    let rows = client.query("SELECT id FROM nodes WHERE gone_at IS NULL", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), [name]);
    // It was about to lease something under its old name.
    client.execute("SET session_replication_role = replica", &[]).await.unwrap();
    client.execute(RUN, &[&node.id]).await.unwrap();
    node.until_took_over().await;
    assert_eq!(leases(&store, &node.id).await, [0]);
}

#[tokio::test]
async fn an_earlier_life_of_the_same_name_is_over_before_the_next_begins() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let id = stranger(&client, true).await;
    client.execute("UPDATE nodes SET name = 'node-1'", &[]).await.unwrap();
    let _node = Node::start(&store, 1).await;
    assert_eq!(leases(&store, &id).await, [0]);
}

#[tokio::test]
async fn hints_are_heard_by_the_others_and_leaving_frees_what_is_left() {
    let store = testkit::postgres_store().await;
    let client = admin(&store).await;
    let first = Node::start(&store, 1).await;
    let mut second = Node::start(&store, 2).await;
    second.until_live(2).await;
    first.keeper.tell("jobs s".to_owned());
    first.keeper.tell("jobs s".to_owned());
    first.keeper.tell("runs s 7".to_owned());
    let heard = second.until(|signal| match signal {
        Signal::Heard(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(heard.await, format!("{}\njobs s\nruns s 7", first.id));
    client.execute("SET session_replication_role = replica", &[]).await.unwrap();
    client.execute(RUN, &[&first.id]).await.unwrap();
    client.execute(RUN, &[&first.id]).await.unwrap();
    let frozen = admin(&store).await;
    frozen.batch_execute("BEGIN; SELECT 1 FROM runs WHERE id = 1 FOR UPDATE").await.unwrap();
    first.keeper.leave().await;
    assert_eq!(leases(&store, &first.id).await, [9_999_999_999_999_999, 0]);
    second.until_live(1).await;
    frozen.batch_execute("COMMIT").await.unwrap();
    second.until_took_over().await;
    assert_eq!(leases(&store, &first.id).await, [0, 0]);
}

#[tokio::test]
async fn sqlite_serves_one_process() {
    let store = testkit::sqlite().await;
    let who =
        Who { id: String::new(), name: String::new(), version: String::new(), timeout: TIMEOUT };
    let keeper = Keeper::start(store.options(), who, Box::new(|_| ())).await.unwrap();
    assert!(keeper.is_none());
}
