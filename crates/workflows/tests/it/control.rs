//! Stopping the engine, nodes that a person schedules, imports, and what refers to what.

use crate::bench::{Bench, trail, tree_json};
use model::run::{RunState, TriggerStatus};
use serde_json::json;
use workflows::definition::Format;
use workflows::imports::{Action, ImportFile};
use workflows::runs::ManualTrigger;
use workflows::step::state::Place;
use workflows::trees::{TreeInput, TreeKey};

const TWO: [&str; 4] =
    ["a utilities_echo_v1 input=x", "b utilities_echo_v1 input=y", "start -> a", "a -> b"];

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_engine_claims_nothing_until_it_is_started() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", &TWO).await;
        bench.tree("wait", &["d utilities_defer_v1", "start -> d"]).await;
        let waiting = bench.start("wait").await;
        let token = bench.until(waiting, &[RunState::Waiting]).await.tasks[1].token.clone();
        let stopped = bench.engine.stop_engine(&bench.actor).await.unwrap();
        assert_eq!(stopped.stopped.unwrap().by, "ann");
        let run = bench.start("two").await;
        let delivery = workflows::engine::Delivery {
            space_id: bench.actor.space_id.clone(),
            token,
            complete: true,
            results: serde_json::Map::new(),
            message: String::new(),
            originator: "test".into(),
        };
        bench.engine.deliver(delivery).await.unwrap();
        // Both are put back for later, and the poller passes them by.
        while bench.engine.engine_status(&bench.actor).await.unwrap().waiting < 2 {
            tokio::task::yield_now().await;
        }
        bench.runtime.advance_ms(5_000);
        bench.crash().await;

        let next = Bench::new(&store).await;
        next.engine.take_over();
        next.runtime.advance_ms(5_000);
        assert_eq!(next.engine.engine_status(&next.actor).await.unwrap().waiting, 2);
        assert!(next.detail(run).await.tasks.is_empty());
        assert_eq!(next.detail(waiting).await.run.state, RunState::Waiting);
        let started = next.engine.start_engine(&next.actor).await.unwrap();
        assert_eq!(started.stopped, None);
        assert_eq!(trail(&next.until(run, &[RunState::Complete]).await), "start a b");
        next.until(waiting, &[RunState::Complete]).await;
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_scheduled_by_hand_held_and_let_go() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", &TWO).await;
        let run = bench.start("two").await;
        bench.until(run, &[RunState::Complete]).await;
        let now = bench.runtime.now();
        let manual = |at| ManualTrigger {
            node: "b".into(),
            place: Place { branch: 0, loop_index: "/".into() },
            at: Some(at),
            criterion: Some("nightly".into()),
        };
        let engine = &bench.engine;
        let first = engine.trigger_by_hand(&bench.actor, run, manual(now.plus_ms(60_000)));
        let first = first.await.unwrap();
        let second = engine.trigger_by_hand(&bench.actor, run, manual(now.plus_ms(60_000)));
        let second = second.await.unwrap();
        let held = engine.pause_trigger(&bench.actor, second, true).await.unwrap();
        assert_eq!(held.status, TriggerStatus::Paused);
        assert!(engine.pause_trigger(&bench.actor, second, true).await.is_err());
        assert_eq!(held.results, json!({ "selectionCriterion": "nightly" }));
        assert_eq!(bench.detail(run).await.tasks.len(), 3);
        let mut listener = bench.changes.subscribe();
        bench.runtime.advance_ms(60_000);
        while bench.detail(run).await.tasks.len() < 4 {
            listener.next().await;
        }
        bench.until(run, &[RunState::Complete]).await;
        let taken = engine.trigger(&bench.actor, first).await.unwrap();
        assert_eq!(taken.status, TriggerStatus::Closed);
        assert!(engine.pause_trigger(&bench.actor, first, true).await.is_err());
        // The held one waited, and is due as soon as it is let go.
        engine.pause_trigger(&bench.actor, second, false).await.unwrap();
        while bench.detail(run).await.tasks.len() < 5 {
            listener.next().await;
        }
        bench.until(run, &[RunState::Complete]).await;
        engine.delete_trigger(&bench.actor, second).await.unwrap();
        assert!(engine.trigger(&bench.actor, second).await.is_err());
        bench.crash().await;
    }
}

fn tree(name: &str, lines: &[&str]) -> TreeInput {
    TreeInput {
        source: Some("Kinetic Task".into()),
        group: Some("Group".into()),
        name: Some(name.into()),
        definition: Some((Format::Json, tree_json(lines).to_string())),
        ..TreeInput::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_about_routines_come_and_go_with_them() {
    for store in testkit::both().await {
        let bench = Bench::resting(&store, crate::bench::World::default()).await;
        let (engine, who) = (&bench.engine, &bench.actor);
        let lines = [
            "r routine_greet_v1! Nme=Ann",
            "e utilities_echo_v1 input=<%=@results['r']['Txt']%>",
            "start -> r",
            "r -> e",
        ];
        let made = engine.create_tree(who, tree("call", &lines), false).await.unwrap();
        let key = TreeKey::Guid(made.tree.id.0.clone());
        let messages = |problems: &[model::tree::Problem]| -> Vec<String> {
            problems.iter().map(|p| p.message.clone()).collect()
        };
        let unknown = ["The routine routine_greet_v1 does not exist (yet)."];
        assert_eq!(messages(&made.tree.problems), unknown);

        let mut json = tree_json(&["x system_tree_return_v1 Text=Hi", "start -> x"]);
        json["inputs"] = json!([{ "name": "Name", "required": true }]);
        json["outputs"] = json!([{ "name": "Text" }]);
        let routine = TreeInput {
            name: Some("Greet".into()),
            kind: Some("Global Routine".into()),
            definition: Some((Format::Json, json.to_string())),
            ..TreeInput::default()
        };
        let routine = engine.create_tree(who, routine, false).await.unwrap();
        let now = engine.tree(who, &key).await.unwrap().tree;
        let listed = messages(&now.problems);
        let expect = [
            "It is a required input of the routine, and blank.",
            "routine_greet_v1 has no such input; did you mean \"Name\"?",
            "routine_greet_v1 has no output \"Txt\"; did you mean \"Text\"?",
        ];
        assert_eq!(listed, expect);
        assert_eq!(engine.tree_versions(who, &key).await.unwrap()[0].problems, now.problems);
        assert_eq!(now.version, 0, "no version of its own");

        engine.delete_tree(who, &TreeKey::Guid(routine.tree.id.0)).await.unwrap();
        let now = engine.tree(who, &key).await.unwrap().tree;
        assert_eq!(messages(&now.problems), unknown);
        bench.crash().await;
    }
}

fn file(path: &str, content: impl Into<String>) -> ImportFile {
    ImportFile { path: path.into(), content: content.into() }
}

/// A folder whose tree calls a routine that comes after it.
fn folder() -> Vec<ImportFile> {
    let call = tree_json(&[
        "r routine_greet_v1! Name=Ann",
        "e utilities_echo_v1 input=<%=@results['r']['Text']%>",
        "start -> r",
        "r -> e",
    ]);
    let mut greet =
        tree_json(&["x system_tree_return_v1 Text=Hi~<%=@inputs['Name']%>", "start -> x"]);
    greet["inputs"] = json!([{ "name": "Name", "required": true }]);
    greet["outputs"] = json!([{ "name": "Text" }]);
    let call = json!({ "sourceName": "Imported", "sourceGroup": "Group", "name": "call",
        "treeJson": call });
    let greet = json!({ "name": "Greet", "type": "Global Routine", "treeJson": greet });
    vec![
        file("a/trees/call.json", call.to_string()),
        file(
            "b/categories.json",
            json!([{ "name": "Greetings", "description": "d",
            "routines": ["routine_greet_v1"] }])
            .to_string(),
        ),
        file("c/routines/greet.json", greet.to_string()),
        file("d/broken.xml", "<tree><taskTree>"),
        file("e/notes.txt", "no tree"),
        file(
            "f/policyRules.json",
            json!({ "policyRules": [{ "type": "API Access",
            "name": "Ann", "rule": "@user['Username'] == 'ann'", "message": "Ann only." }] })
            .to_string(),
        ),
        file(
            "z/sources.json",
            json!([{ "name": "Imported", "type": "Adhoc", "properties": {},
            "policyRules": [{ "type": "API Access", "name": "Ann" }] }])
            .to_string(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_imported_in_any_order_and_works_at_once() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let (engine, who) = (&bench.engine, &bench.actor);
        let short = |report: &[workflows::imports::Imported]| -> Vec<(String, Action)> {
            report.iter().map(|i| (format!("{} {}", i.kind, i.title), i.action)).collect()
        };
        let expect = |done: Action| {
            [
                ("Source Imported", done),
                ("Policy Rule Ann", done),
                ("Tree Imported :: Group :: call", done),
                ("Routine Greet", done),
                ("Unknown ", Action::Refused),
                ("Category Greetings", done),
                ("Unknown ", Action::Skipped),
            ]
            .map(|(what, action)| (what.to_owned(), action))
        };
        let dry = engine.import(who, folder(), true).await.unwrap();
        assert_eq!(short(&dry), expect(Action::Created));
        assert!(dry.iter().all(|i| i.problems.is_empty()), "{dry:#?}");
        assert!(engine.trees(who, Default::default(), 10).await.unwrap().is_empty());
        assert!(dry[4].message.as_ref().unwrap().contains("line 1"), "{:?}", dry[4]);

        let done = engine.import(who, folder(), false).await.unwrap();
        assert_eq!(short(&done), expect(Action::Created));
        assert!(done.iter().all(|i| i.problems.is_empty()), "{done:#?}");
        let again = engine.import(who, folder(), false).await.unwrap();
        assert_eq!(short(&again), expect(Action::Unchanged));

        let start = workflows::runs::StartByHand {
            tree: workflows::engine::TreeRef::Title {
                source: "Imported".into(),
                group: "Group".into(),
                name: "call".into(),
            },
            data: "{}".into(),
            inputs: None,
            key: None,
            originator: "test".into(),
        };
        let (run, _) = engine.start_by_hand(who, start).await.unwrap();
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[2].results["output"], "Hi Ann");
        let rules = engine.source_rules(who, "Imported").await.unwrap();
        assert_eq!(rules[0].name, "Ann");
        let sorted = engine.category(who, "Greetings").await.unwrap();
        assert_eq!(sorted.of(model::category::MemberKind::Routine), ["routine_greet_v1"]);
        bench.crash().await;
    }
}
