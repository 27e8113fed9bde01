//! Routines and trees that runs start, and what becomes of each when the other ends.

use crate::bench::{Bench, trail, tree_json};
use model::id::RunId;
use model::run::{Run, RunState};
use serde_json::{Value, json};
use workflows::errors::Decision;
use workflows::runs::{Detail, StartByHand};
use workflows::step::state::Resolution;
use workflows::trees::TreeInput;

/// Stores a routine with an input `Name` (required), `Greeting` (Hello) and an output `Text`.
async fn routine(bench: &Bench, kind: &str, name: &str, lines: &[&str]) {
    let mut json = tree_json(lines);
    json["inputs"] = json!([{ "name": "Name", "required": true },
                            { "name": "Greeting", "defaultValue": "Hello" }]);
    json["outputs"] = json!([{ "name": "Text" }, { "name": "Unnamed" }]);
    let input = TreeInput {
        source: (kind == "Local Routine").then(|| "Kinetic Task".into()),
        name: Some(name.into()),
        kind: Some(kind.into()),
        definition: Some((workflows::definition::Format::Json, json.to_string())),
        ..TreeInput::default()
    };
    bench.engine.create_tree(&bench.actor, input, true).await.unwrap();
}

const CALLS: [&str; 4] = [
    "r routine_greet_v1! Name=<%=@values['Name']%>",
    "e utilities_echo_v1 input=<%=@results['r']['Text']+@results['r']['Unnamed']%>",
    "start -> r",
    "r -> e",
];

async fn child_of(bench: &Bench, run: RunId) -> Run {
    bench.engine.children(&bench.actor, run).await.unwrap().remove(0).run
}

/// Waits until the run waits for a child.
async fn until_child(bench: &Bench, run: RunId) -> Detail {
    let mut listener = bench.changes.subscribe();
    loop {
        let detail = bench.until(run, &[RunState::Waiting]).await;
        if detail.view()["waitingFor"][0]["kind"] == "child" {
            return detail;
        }
        listener.next().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_takes_inputs_and_gives_outputs_to_the_task_that_waits() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines =
            ["x system_tree_return_v1 Text=<%=@inputs['Greeting']+@inputs['Name']%>", "start -> x"];
        routine(&bench, "Global Routine", "Greet", &lines).await;
        bench.tree("call", &CALLS).await;
        let run = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start r e");
        assert_eq!(done.tasks[2].results["output"], "HelloAnn");
        let child = child_of(&bench, run).await;
        let child = bench.detail(child.id).await;
        assert_eq!(child.run.inputs, Some(json!({ "Name": "Ann", "Greeting": "Hello" })));
        assert_eq!(child.run.root_id, Some(run));
        assert_eq!(child.run.depth, 1);
        assert_eq!(done.tasks[1].results["Run Id"], child.run.id.to_string());

        // A blank input is the calling node's error, and goes away when it is put right.
        let run = bench.start_with("call", r#"{"values":{"Name":""}}"#).await;
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].kind, "Node Parameter Error");
        assert_eq!(failed.errors[0].text, "The input \"Name\" is required and blank.");
        let data = Some(r#"{"values":{"Name":"Bob"}}"#.to_owned());
        bench.engine.edit_run(&bench.actor, run, data, None).await.unwrap();
        resolve(&bench, &failed, Resolution::RetryTask).await;
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[2].results["output"], "HelloBob");
        bench.crash().await;
    }
}

async fn resolve(bench: &Bench, detail: &Detail, action: Resolution) {
    let ids = vec![detail.errors.iter().find(|e| e.active).unwrap().id];
    let decision = Decision { ids, action, note: String::new(), inputs: serde_json::Map::new() };
    let resolved = bench.engine.resolve(&bench.actor, decision).await.unwrap();
    assert!(resolved.refused.is_empty(), "{resolved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_routine_is_an_error_until_it_arrives() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("call", &CALLS).await;
        let run = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].kind, "Missing Routine Error");
        let lines = ["x system_tree_return_v1 Text=<%=@values['Name']%>", "start -> x"];
        // A source's own routine knows what its trees know.
        routine(&bench, "Local Routine", "Greet", &lines).await;
        resolve(&bench, &failed, Resolution::RetryTask).await;
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[2].results["output"], "Ann");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_error_keeps_its_parent_waiting_and_a_cancelled_child_is_its_error() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["h gone_v1", "x system_tree_return_v1 Text=ok", "start -> h", "h -> x"];
        routine(&bench, "Global Routine", "Greet", &lines).await;
        bench.tree("call", &CALLS).await;
        let run = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        until_child(&bench, run).await;
        let child = child_of(&bench, run).await.id;
        bench.until(child, &[RunState::Error]).await;
        assert_eq!(bench.detail(run).await.run.state, RunState::Waiting);

        assert!(bench.engine.cancel_or_delete_run(&bench.actor, child).await.unwrap());
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].text, format!("The routine's run #{child} was cancelled."));
        resolve(&bench, &failed, Resolution::RetryTask).await;
        until_child(&bench, run).await;
        let children = bench.engine.children(&bench.actor, run).await.unwrap();
        let second = bench.until(children[1].run.id, &[RunState::Error]).await;
        resolve(&bench, &second, Resolution::SkipTask).await;
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[2].results["output"], "ok");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_off_a_run_calls_off_the_children_it_waits_for() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        routine(&bench, "Global Routine", "Greet", &["d utilities_defer_v1!", "start -> d"]).await;
        bench.tree("call", &CALLS).await;
        let run = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        until_child(&bench, run).await;
        let child = child_of(&bench, run).await.id;
        let waiting = bench.until(child, &[RunState::Waiting]).await;
        bench.engine.cancel_or_delete_run(&bench.actor, run).await.unwrap();
        let cancelled = bench.detail(child).await;
        assert_eq!(cancelled.run.state, RunState::Cancelled);
        let delivery = bench.completion(&waiting.tasks[1].token);
        let late = bench.engine.deliver(delivery).await.unwrap();
        let workflows::engine::Delivered::Refused { status, .. } = late else { panic!("{late:?}") };
        assert_eq!(status, 410);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_outlives_a_crash_of_the_engine_reaches_its_parent() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let wait = "w system_wait_v1 Time~to~wait=1 Time~unit=Hour";
        let lines = [wait, "x system_tree_return_v1 Text=late", "start -> w", "w -> x"];
        routine(&bench, "Global Routine", "Greet", &lines).await;
        bench.tree("call", &CALLS).await;
        let run = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        until_child(&bench, run).await;
        let child = child_of(&bench, run).await.id;
        bench.until(child, &[RunState::Waiting]).await;
        bench.crash().await;
        let next = Bench::new(&store).await;
        next.runtime.advance_ms(3 * 3_600_000);
        let done = next.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[2].results["output"], "late");
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_that_calls_itself_ends_in_a_tree_error() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["r routine_greet_v1! Name=<%=@inputs['Name']%>", "start -> r"];
        routine(&bench, "Global Routine", "Greet", &lines).await;
        bench.tree("call", &CALLS).await;
        let first = bench.start_with("call", r#"{"values":{"Name":"Ann"}}"#).await;
        let mut run = first;
        let deepest = loop {
            let detail = bench.until(run, &[RunState::Waiting, RunState::Error]).await;
            if detail.run.state == RunState::Error {
                break detail;
            }
            run = match bench.engine.children(&bench.actor, run).await.unwrap().first() {
                Some(child) => child.run.id,
                None => run,
            };
        };
        assert_eq!(deepest.errors[0].kind, "Tree Error");
        assert_eq!(deepest.run.depth, model::limits::CAUSE_DEPTH_MAX);
        resolve(&bench, &deepest, Resolution::DoNothing).await;
        bench.until(first, &[RunState::Complete]).await;
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_tree_goes_its_own_way() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("other", &["e utilities_echo_v1 input=<%=@values['X']%>", "start -> e"]).await;
        let run_tree = "k kinetic_task_tree_run_v1 source=Kinetic~Task group=Group \
                        tree_name=other body={\"values\":{\"X\":\"y\"}}";
        bench.tree("call", &[run_tree, "start -> k"]).await;
        let run = bench.start("call").await;
        let done = bench.until(run, &[RunState::Complete]).await;
        let other: i64 = done.tasks[1].results["run_id"].as_str().unwrap().parse().unwrap();
        let other = bench.until(RunId(other), &[RunState::Complete]).await;
        assert_eq!(other.tasks[1].results["output"], "y");
        assert_eq!(other.run.parent.unwrap().run_id, run);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_key_starts_a_tree_once_and_inputs_are_checked() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("one", &["e system_noop_v1", "start -> e"]).await;
        let start = |key: &str| StartByHand {
            tree: crate::bench::tree_ref("one"),
            data: "{}".into(),
            inputs: None,
            key: Some(key.into()),
            originator: "test".into(),
        };
        let many = (0..100).map(|_| bench.engine.start_by_hand(&bench.actor, start("k")));
        let runs = futures_util::future::join_all(many).await;
        let mut runs: Vec<RunId> = runs.into_iter().map(|run| run.unwrap().0).collect();
        runs.dedup();
        assert_eq!(runs.len(), 1);
        let other = bench.engine.start_by_hand(&bench.actor, start("l")).await.unwrap().0;
        assert_ne!(other, runs[0]);

        routine(&bench, "Global Routine", "Greet", &["start -> start"]).await;
        let by_hand = |data: Value| StartByHand {
            tree: workflows::engine::TreeRef::Title {
                source: "-".into(),
                group: "-".into(),
                name: "Greet".into(),
            },
            data: data.to_string(),
            inputs: None,
            key: None,
            originator: "test".into(),
        };
        for (data, says) in [
            (json!({}), "The input \"Name\" is required and blank."),
            (json!({ "Name": "a", "Greting": "b" }), "did you mean \"Greeting\"?"),
        ] {
            let refused = bench.engine.start_by_hand(&bench.actor, by_hand(data)).await;
            assert!(refused.unwrap_err().to_string().contains(says), "{says}");
        }
        bench.crash().await;
    }
}
