//! Deferrals: the first completion wins, by API or by another run.

use crate::bench::{Bench, trail};
use model::run::RunState;
use serde_json::{Map, json};
use workflows::engine::{Delivered, Delivery};

const TREE: &[&str] = &[
    "d utilities_defer_v1",
    "c system_noop_v1",
    "u system_noop_v1",
    "e utilities_echo_v1 input=done",
    "start -> d",
    "d -Create> c",
    "d -Update> u",
    "d -> e",
];

fn delivery(bench: &Bench, token: &str, complete: bool) -> Delivery {
    let mut results = Map::new();
    results.insert("Decision".into(), json!("Approved"));
    Delivery {
        space_id: bench.actor.space_id.clone(),
        token: token.into(),
        complete,
        results,
        message: "well done".into(),
        originator: "test".into(),
    }
}

fn status(delivered: &Delivered) -> u16 {
    match delivered {
        Delivered::Taken { .. } => 200,
        Delivered::Refused { status, .. } => *status,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_then_one_completion_of_many() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("approval", TREE).await;
        let run = bench.start("approval").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        assert_eq!(trail(&waiting), "start [d] c");
        let token = waiting.tasks[1].token.clone();
        assert_eq!(token.len(), 40);
        assert_eq!(waiting.view()["waitingFor"][0]["token"], json!(token));

        bench.engine.deliver(delivery(&bench, &token, false)).await.unwrap();
        let all = (0..20).map(|_| bench.engine.deliver(delivery(&bench, &token, true)));
        let all = futures_util::future::join_all(all).await;
        let mut codes: Vec<u16> = all.iter().map(|d| status(d.as_ref().unwrap())).collect();
        codes.sort_unstable();
        assert_eq!(codes[0], 200);
        assert!(codes[1..].iter().all(|c| *c == 409), "{codes:?}");

        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start d c u e");
        assert_eq!(done.tasks[1].deferred_results["Decision"], "Approved");
        assert_eq!(done.tasks[1].messages[1]["text"], "well done");
        let late = bench.engine.deliver(delivery(&bench, &token, false)).await.unwrap();
        assert_eq!(status(&late), 409);
        let wrong = bench.engine.deliver(delivery(&bench, "nonsense", true)).await.unwrap();
        assert_eq!(status(&wrong), 404);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_completes_a_deferral_in_its_own_transaction() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("approval", TREE).await;
        let waiting = bench.start("approval").await;
        let detail = bench.until(waiting, &[RunState::Waiting]).await;
        let token = detail.tasks[1].token.clone();
        let decide = format!(
            "t utilities_create_trigger_v1 action_type=Complete deferral_token={token} \
             deferred_variables=<results><result~name=\"Decision\">No</result></results>"
        );
        bench.tree("decide", &[&decide, "start -> t", "n system_noop_v1", "t -> n"]).await;
        let decider = bench.start("decide").await;
        let decided = bench.until(decider, &[RunState::Complete]).await;
        assert_eq!(trail(&decided), "start t n");
        assert_eq!(decided.tasks[1].results["run_id"], json!(waiting.0.to_string()));
        let done = bench.until(waiting, &[RunState::Complete]).await;
        assert_eq!(done.tasks[1].deferred_results["Decision"], "No");
        // A second decision is refused and raises the documented error.
        let again = bench.start("decide").await;
        let failed = bench.until(again, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].kind, "Handler Error");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_completes_its_own_deferral() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench
            .tree(
                "self",
                &[
                    "d utilities_defer_v1",
                    "t utilities_create_trigger_v1 action_type=Complete \
                     deferral_token=<%=~@results['d']['deferral_token']~%>",
                    "e system_noop_v1",
                    "start -> d",
                    "d -Create> t",
                    "d -> e",
                ],
            )
            .await;
        let run = bench.start("self").await;
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start d t e");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_answers_its_tokens_with_gone() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("approval", TREE).await;
        let run = bench.start("approval").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        assert!(bench.engine.cancel_or_delete_run(&bench.actor, run).await.unwrap());
        let cancelled = bench.detail(run).await;
        assert_eq!(cancelled.run.state, RunState::Cancelled);
        assert_eq!(trail(&cancelled), "start d c");
        let late = delivery(&bench, &waiting.tasks[1].token, true);
        assert_eq!(status(&bench.engine.deliver(late).await.unwrap()), 410);
        assert!(!bench.engine.cancel_or_delete_run(&bench.actor, run).await.unwrap());
        assert!(bench.engine.run_detail(&bench.actor, run).await.is_err());
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_before_the_task_defers_is_kept_and_the_first_wins() {
    for store in testkit::both().await {
        let gate = Some(tokio::sync::Semaphore::new(0));
        let world = crate::bench::World { gate, ..crate::bench::World::default() };
        let bench = Bench::resting(&store, world).await;
        bench.engine.run();
        let lines = [
            "h kapok_http_request_v1! url=https://example.com",
            "u utilities_echo_v1 input=x",
            "e utilities_echo_v1 input=<%=@results['h']['Decision']%>",
            "start -> h",
            "h -Update> u",
            "h -> e",
        ];
        bench.tree("call", &lines).await;
        let run = bench.start("call").await;
        bench.world.called.notified().await;
        let token = bench.detail(run).await.tasks[1].token.clone();
        let bring = |complete, decision: &str| {
            let mut results = serde_json::Map::new();
            results.insert("Decision".into(), decision.into());
            let delivery = workflows::engine::Delivery {
                space_id: bench.actor.space_id.clone(),
                token: token.clone(),
                complete,
                results,
                message: String::new(),
                originator: "test".into(),
            };
            bench.engine.deliver(delivery)
        };
        let taken = |d: &workflows::engine::Delivered| {
            matches!(d, workflows::engine::Delivered::Taken { .. })
        };
        assert!(taken(&bring(false, "soon").await.unwrap()));
        assert!(taken(&bring(true, "first").await.unwrap()));
        let second = bring(true, "second").await.unwrap();
        let workflows::engine::Delivered::Refused { status, .. } = second else { panic!() };
        assert_eq!(status, 409);
        bench.world.gate.as_ref().unwrap().add_permits(1);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start h u e");
        assert_eq!(done.tasks[3].results["output"], "first");
        assert!(!taken(&bring(false, "late").await.unwrap()));
        bench.crash().await;
    }
}

/// Brings something, again when the store has no room for it at the moment, as a caller would.
async fn bring(bench: &Bench, token: &str, number: usize, complete: bool) -> Delivered {
    let message = number.to_string();
    let delivery = Delivery { message, ..delivery(bench, token, complete) };
    loop {
        match bench.engine.deliver(delivery.clone()).await {
            Ok(delivered) => return delivered,
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_updates_and_a_completion_at_once() {
    const UPDATES: usize = 1_000;
    const COMPLETION: usize = 600;
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["d utilities_defer_v1", "u system_noop_v1", "start -> d", "d -Update> u"];
        bench.tree("many", &lines).await;
        let run = bench.start("many").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        let token = waiting.tasks[1].token.as_str();
        let all = (0..=UPDATES).map(|number| bring(&bench, token, number, number == COMPLETION));
        let all = futures_util::future::join_all(all).await;
        let is_taken = |d: &&Delivered| matches!(d, Delivered::Taken { .. });
        let taken = all.iter().filter(is_taken).count();
        assert!(matches!(all[COMPLETION], Delivered::Taken { .. }));
        assert!(all.iter().all(|d| matches!(status(d), 200 | 409)));

        let done = bench.until(run, &[RunState::Complete]).await;
        // An Update connector fired for each that was taken, in the order of their numbers, and
        // none after the completion, which is the last of all.
        assert_eq!(done.tasks.len(), 2 + taken - 1);
        let brought = done.triggers.iter().filter(|t| t.kind == "Deferred");
        let brought: Vec<&str> = brought.map(|t| t.message.as_deref().unwrap()).collect();
        let messages = done.tasks[1].messages.as_array().unwrap();
        let said: Vec<&str> = messages.iter().map(|m| m["text"].as_str().unwrap()).collect();
        assert_eq!(said, brought);
        assert_eq!(said.len(), taken);
        assert_eq!(said.last(), Some(&COMPLETION.to_string().as_str()));
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_branches_that_end_together_pass_their_join_once() {
    const BRANCHES: usize = 50;
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let mut lines = vec!["j system_join_v1 type=All".to_owned(), "e system_noop_v1".into()];
        for number in 0..BRANCHES {
            lines.push(format!("d{number} utilities_defer_v1"));
            lines.push(format!("start -> d{number}"));
            lines.push(format!("d{number} -> j"));
        }
        lines.push("j -> e".into());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        bench.tree("fifty", &lines).await;
        let run = bench.start("fifty").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        let open = waiting.tasks.iter().filter(|t| t.deferred);
        let all = open.map(|task| bring(&bench, &task.token, 0, true));
        let all = futures_util::future::join_all(all).await;
        assert_eq!(all.len(), BRANCHES);
        assert!(all.iter().all(|d| status(d) == 200));
        let done = bench.until(run, &[RunState::Complete]).await;
        let times = |node: &str| done.tasks.iter().filter(|t| t.node_id == node).count();
        assert_eq!((times("j"), times("e")), (1, 1));
        assert_eq!(done.tasks.len(), 1 + BRANCHES + 2);
        bench.crash().await;
    }
}
