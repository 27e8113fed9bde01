//! Runs that a commit leased to this node whose answer was lost are taken up at the next look, long
//! before their lease ends. On PostgreSQL only: SQLite answers in this very process.

use crate::bench::{Bench, trail};
use model::id::RunId;
use model::run::RunState;

/// The poller's next look.
const LOOK_MS: i64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_walked_whose_claim_got_no_answer() {
    let (store, network) = testkit::postgres_behind().await;
    let bench = Bench::new(&store).await;
    let lines = ["w system_wait_v1 Time~to~wait=1 Time~unit=Hour", "e system_noop_v1"];
    bench.tree("wait", &[lines[0], lines[1], "start -> w", "w -> e"]).await;
    let run = bench.start("wait").await;
    bench.until(run, &[RunState::Waiting]).await;
    network.lose_commit("UPDATE 1");
    bench.runtime.advance_ms(3_600_000);
    network.lost().await;
    bench.runtime.advance_ms(LOOK_MS);
    let done = bench.until(run, &[RunState::Complete]).await;
    assert_eq!(trail(&done), "start w e");
    assert_eq!(store.unheard().runs(), []);
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_walked_whose_start_got_no_answer() {
    let (store, network) = testkit::postgres_behind().await;
    let bench = Bench::new(&store).await;
    bench.tree("call", &["h kapok_http_request_v1 url=https://example.com", "start -> h"]).await;
    network.lose_commit("INSERT 0 1");
    bench.try_start("call", "{}").await.unwrap_err();
    bench.runtime.advance_ms(LOOK_MS);
    bench.until(RunId(1), &[RunState::Complete]).await;
    assert_eq!(bench.world.keys.lock().unwrap().len(), 1, "it calls once");
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_walked_whose_completion_got_no_answer() {
    let (store, network) = testkit::postgres_behind().await;
    let bench = Bench::new(&store).await;
    let lines = ["d utilities_defer_v1! deferral~message=m", "e system_noop_v1"];
    bench.tree("defer", &[lines[0], lines[1], "start -> d", "d -> e"]).await;
    let run = bench.start("defer").await;
    let waiting = bench.until(run, &[RunState::Waiting]).await;
    let completion = bench.completion(&waiting.tasks[1].token);
    network.lose_commit("UPDATE 1");
    bench.engine.deliver(completion).await.unwrap_err();
    bench.runtime.advance_ms(LOOK_MS);
    let done = bench.until(run, &[RunState::Complete]).await;
    assert_eq!(trail(&done), "start d e");
    bench.crash().await;
}
