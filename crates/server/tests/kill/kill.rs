//! Kills at random instants: the same story on SQLite and on PostgreSQL.

mod chaos;
mod faults;

use std::time::Duration;

use crate::client::Client;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::process::Processes;
use crate::receiver::Receiver;
use crate::seed::Random;
use crate::setup;

/// Kills for each database.
const KILLS: usize = 30;
/// Clients that create submissions at the same time.
const CLIENTS: usize = 6;
/// A life lasts from the first request it could answer to well into its work.
const LIFE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(900));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let database = testkit::postgres().await;
    run(Some(database.url().to_owned())).await;
}

async fn run(database_url: Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new();
    let kills = std::env::var("KAPOK_KILLS").ok().and_then(|text| text.parse().ok());
    let kills: usize = kills.unwrap_or(KILLS);
    let processes = Processes::new(folder.path(), database_url);
    let (receiver, hook) = Receiver::start().await;
    let client = Client::new(processes.url());
    let mut server = processes.start().await;
    setup::prepare(&client, &hook).await;
    let mut ledger = Ledger::default();
    let (load, clients) = Load::start(&client, CLIENTS);
    for _kill in 0..kills {
        tokio::time::sleep(random.between(LIFE.0, LIFE.1)).await;
        server.kill();
        // What the dead server had sent is read by the receiver within moments.
        tokio::time::sleep(Duration::from_millis(50)).await;
        receiver.next_life();
        ledger.end_of_life();
        server = processes.start().await;
        ledger.note_finished(&client).await;
    }
    load.stop();
    for client in clients {
        client.await.unwrap();
    }
    let acknowledged = load.acknowledged();
    assert!(acknowledged.len() > kills, "only {} submissions", acknowledged.len());
    let settled = ledger.settle(&client).await;
    assert!(settled, "work is still under way\n{}", processes.log_tail());
    ledger.check(&client, &acknowledged, &receiver.hits()).await;
    assert!(server.stop().await, "the server did not end well\n{}", processes.log_tail());
}
