//! What handlers do outside, and what is known about repeating it.

use crate::bench::{Bench, World, trail};
use model::Audit;
use model::connection::{Connection, Operation};
use model::external_handler::{Outcome, Parameter};
use model::id::{ConnectionId, OperationId, SpaceId};
use model::run::RunState;
use model::time::Micros;
use runtime::mail::Unsent;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use workflows::engine::{Delivered, Delivery};
use workflows::errors::Decision;
use workflows::externals::ExternalInput;
use workflows::step::state::Resolution;

/// Starts a run of one node, lets the process die while its work is under way, and returns the
/// bench of the next process, which has taken the run up, with what the first had asked for.
async fn interrupted(store: &store::Store, node: &str) -> (Bench, model::id::RunId, Vec<String>) {
    let gate = Some(Semaphore::new(0));
    let bench = Bench::resting(store, World { gate, ..World::default() }).await;
    bench.engine.run();
    bench.tree("once", &[node, "e system_noop_v1", "start -> h", "h -> e"]).await;
    let run = bench.start("once").await;
    bench.world.called.notified().await;
    // The process dies between the effect and its record; its lease runs out.
    let keys = bench.world.keys.lock().unwrap().clone();
    let next = Bench::resting(store, World::default()).await;
    next.runtime.advance_ms(model::limits::LEASE_MS + 1);
    next.engine.run();
    (next, run, keys)
}

fn decide(error: model::id::ErrorId, action: Resolution) -> Decision {
    Decision { ids: vec![error], action, note: String::new(), inputs: Map::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_must_not_happen_twice_is_left_to_a_person() {
    for node in [
        "h smtp_email_send_v1 error_handling=Error~Message to=ann@example.com",
        "h kinetic_core_api_v1 error_handling=Error~Message method=DELETE path=/kapps/x",
        "h kinetic_core_api_v1 error_handling=Error~Message method=POST path=/kapps",
    ] {
        for store in testkit::both().await {
            let (next, run, keys) = interrupted(&store, node).await;
            let stuck = next.until(run, &[RunState::Error]).await;
            assert_eq!(trail(&stuck), "start [h]", "{node}");
            assert_eq!(stuck.errors[0].kind, "Handler Error");
            assert!(stuck.errors[0].text.starts_with("The outcome is unknown:"), "{node}");
            assert!(next.world.keys.lock().unwrap().is_empty(), "{node} was repeated");

            let retry = decide(stuck.errors[0].id, Resolution::RetryTask);
            assert_eq!(next.engine.resolve(&next.actor, retry).await.unwrap().done.len(), 1);
            let done = next.until(run, &[RunState::Complete]).await;
            assert_eq!(trail(&done), "start h e");
            assert_eq!(*next.world.keys.lock().unwrap(), keys, "it keeps its key");
            next.crash().await;
        }
    }
}

/// A request of a connection is told to be a repeat by its key, and a statement is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_writes_is_left_to_a_person_and_other_operations_are_repeated() {
    for (config, once) in [
        (json!({ "configType": "postgres", "statement": "insert into a values (1)" }), true),
        (json!({ "configType": "postgres", "statement": "WITH b AS (SELECT 1) SELECT 1" }), true),
        (json!({ "configType": "postgres", "statement": "-- All\nSELECT * FROM a" }), false),
        (json!({ "configType": "http", "method": "POST", "path": "/" }), false),
    ] {
        for store in testkit::both().await {
            let first = Bench::resting(&store, World::default()).await;
            let (connection, operation) = add_to(&first.actor.space_id, &config);
            let added = store.write(move |tx| {
                store::connections::insert(tx, &connection)?;
                store::operations::insert(tx, &operation)
            });
            added.await.unwrap();
            first.crash().await;
            let node = "h system_integration_v1 connection=Stores operation=Add";
            let (next, run, keys) = interrupted(&store, node).await;
            if once {
                let stuck = next.until(run, &[RunState::Error]).await;
                assert!(stuck.errors[0].text.starts_with("The outcome is unknown:"), "{config}");
                assert!(next.world.keys.lock().unwrap().is_empty(), "{config} was repeated");
            } else {
                let done = next.until(run, &[RunState::Complete]).await;
                assert_eq!(trail(&done), "start h e", "{config}");
                assert_eq!(*next.world.keys.lock().unwrap(), keys, "{config}");
            }
            next.crash().await;
        }
    }
}

/// A connection with one operation.
fn add_to(space: &SpaceId, config: &Value) -> (Connection, Operation) {
    let id = ConnectionId("6f9619ff-8b86-d011-b42d-00cf4fc964ff".into());
    let audit = Audit::created(Micros(0), "ann");
    let operation = Operation {
        id: OperationId("7f9619ff-8b86-d011-b42d-00cf4fc964ff".into()),
        connection_id: id.clone(),
        space_id: space.clone(),
        name: "Add".into(),
        notes: String::new(),
        documentation_link: String::new(),
        config: config.clone(),
        outputs: json!({}),
        inputs: Vec::new(),
        lock_version: 1,
        audit: audit.clone(),
    };
    let connection = Connection {
        id,
        space_id: space.clone(),
        kind: config["configType"].as_str().unwrap().into(),
        name: "Stores".into(),
        description: String::new(),
        documentation_link: String::new(),
        config: json!({}),
        secrets: Map::new(),
        lock_version: 1,
        audit,
    };
    (connection, operation)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_skipped_or_left_alone() {
    let node = "h smtp_email_send_v1 error_handling=Raise~Error to=ann@example.com";
    for (action, expect) in
        [(Resolution::SkipTask, "start h e"), (Resolution::DoNothing, "start h")]
    {
        let store = testkit::sqlite().await;
        let (next, run, _) = interrupted(&store, node).await;
        let stuck = next.until(run, &[RunState::Error]).await;
        next.engine.resolve(&next.actor, decide(stuck.errors[0].id, action)).await.unwrap();
        let done = next.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), expect);
        assert!(next.world.keys.lock().unwrap().is_empty());
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeatable_and_keyed_calls_of_the_api_are_repeated_with_their_key() {
    for node in [
        "h kinetic_core_api_v1 error_handling=Raise~Error method=GET path=/kapps",
        "h kinetic_core_api_v1 error_handling=Raise~Error method=PUT path=/submissions/1",
        "h kinetic_core_api_v1 error_handling=Raise~Error method=POST \
             path=/kapps/a/forms/b/submissions",
        "h kapok_membership_add_v1 team=IT username=ann",
    ] {
        for store in testkit::both().await {
            let (next, run, keys) = interrupted(&store, node).await;
            let done = next.until(run, &[RunState::Complete]).await;
            assert_eq!(trail(&done), "start h e", "{node}");
            assert_eq!(*next.world.keys.lock().unwrap(), keys, "{node}");
            next.crash().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_api_is_a_result_or_an_error() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    bench.world.answers("/app/api/v1/kapps/x", 404, r#"{"error":"Unable to locate the x Kapp"}"#);
    for (handling, state) in
        [("Error~Message", RunState::Complete), ("Raise~Error", RunState::Error)]
    {
        let node =
            format!("h kinetic_core_api_v1 error_handling={handling} method=GET path=/kapps/x");
        bench.tree(handling, &[node.as_str(), "start -> h"]).await;
        let run = bench.start(handling).await;
        let ended = bench.until(run, &[state]).await;
        if state == RunState::Error {
            assert_eq!(ended.errors[0].text, "Unable to locate the x Kapp");
        } else {
            let results = &ended.tasks[1].results;
            assert_eq!(results["Handler Error Message"], "Unable to locate the x Kapp");
            assert_eq!(results["Response Code"], "404");
        }
    }
    bench.crash().await;
}

/// A tree of one node that tries its work again by itself.
async fn patient(bench: &Bench, name: &str, node: &str) -> model::id::RunId {
    let mut json = crate::bench::tree_json(&[node, "start -> h"]);
    json["nodes"][1]["retry"] =
        json!({ "attempts": 3, "firstWaitSeconds": 10, "factor": 1, "maxWaitSeconds": 10 });
    let input = workflows::trees::TreeInput {
        source: Some("Kinetic Task".into()),
        group: Some("Group".into()),
        name: Some(name.into()),
        definition: Some((workflows::definition::Format::Json, json.to_string())),
        ..Default::default()
    };
    bench.engine.create_tree(&bench.actor, input, true).await.unwrap();
    bench.start(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_was_not_sent_is_tried_again_and_mail_in_doubt_is_not() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let node = "h smtp_email_send_v1 error_handling=Raise~Error to=ann@example.com";
        bench.world.mail.lock().unwrap().push(Unsent::Delayed("451 later".into()));
        let run = patient(&bench, "delayed", node).await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        assert_eq!(waiting.tasks[1].messages[0]["text"], "451 later");
        bench.runtime.advance_ms(12_000);
        let done = bench.until(run, &[RunState::Complete]).await;
        let token = done.tasks[1].token.clone();
        assert_eq!(done.tasks[1].results["Message Id"], format!("<{token}@test>"));

        for (unsent, text) in [
            (Unsent::Refused("550 no".into()), "550 no"),
            (Unsent::Unknown("no answer".into()), "The outcome is unknown: no answer"),
        ] {
            bench.world.mail.lock().unwrap().push(unsent);
            let run = patient(&bench, text, node).await;
            let failed = bench.until(run, &[RunState::Error]).await;
            assert_eq!(failed.errors[0].text, text);
        }
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_count_as_failures_obey_retry_after() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let url = "https://busy.example.com";
    bench.world.answers(url, 429, "slow down");
    let after = ("retry-after".to_owned(), "600".to_owned());
    bench.world.answers.lock().unwrap().get_mut(url).unwrap().headers.push(after);
    let node = format!("h kapok_http_request_v1 url={url} retry_statuses=429,5xx");
    let run = patient(&bench, "busy", &node).await;
    let waiting = bench.until(run, &[RunState::Waiting]).await;
    let due = waiting.run.wake_at.unwrap().ms_since(bench.runtime.now());
    assert_eq!(due, 600_000);
    bench.world.answers(url, 404, "gone");
    bench.runtime.advance_ms(600_000);
    // A status that is not listed is an answer.
    let done = bench.until(run, &[RunState::Complete]).await;
    assert_eq!(done.tasks[1].results["Response Code"], "404");
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_computes_results_and_says_where_it_fails() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let code = "const~n=inputs.list.length;~return{n,who:inputs.who,all:inputs.list}";
    let node = format!("h kapok_javascript_v1 code={code} inputs={{\"list\":[1,2]}} who=ann");
    bench.tree("js", &[node.as_str(), "start -> h"]).await;
    let done = bench.until(bench.start("js").await, &[RunState::Complete]).await;
    assert_eq!(done.tasks[1].results, json!({ "n": "2", "who": "ann", "all": "[1,2]" }));

    let check = async |name: &str, code: &str, expect: &str| {
        let node = format!("h kapok_javascript_v1 code={code}");
        bench.tree(name, &[node.as_str(), "start -> h"]).await;
        let failed = bench.until(bench.start(name).await, &[RunState::Error]).await;
        assert!(failed.errors[0].text.contains(expect), "{}", failed.errors[0].text);
    };
    check("throws", "\n~~nothing()", "(line 2, column 3)").await;
    check("endless", "for(;;);", "ran over").await;
    check("wrong", "return~{", "(line 1, ").await;
    let title = workflows::trees::TreeKey::Title("Kinetic Task :: Group :: wrong".into());
    let wrong = bench.engine.tree(&bench.actor, &title).await.unwrap();
    let problem = &wrong.tree.problems[0];
    assert_eq!((problem.line, problem.place.as_deref()), (Some(1), Some("parameter \"code\"")));
    bench.crash().await;
}

const URL: &str = "https://labels.example.com/print";

async fn define(bench: &Bench, effect: &str) {
    let input = ExternalInput {
        url: Some(URL.into()),
        effect: Some(effect.into()),
        parameters: Some(vec![Parameter {
            id: "text".into(),
            required: true,
            ..Parameter::default()
        }]),
        results: Some(vec![Outcome { name: "Pages".into(), description: String::new() }]),
        ..ExternalInput::default()
    };
    let made = bench.engine.create_external_handler(&bench.actor, "acme_print_v1", input).await;
    assert!(made.unwrap().secret.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_handler_answers_fails_or_defers() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["h acme_print_v1 text=Hello", "e system_noop_v1", "start -> h", "h -> e"];
        // What names a handler that is missing works as soon as it is defined.
        bench.tree("print", &lines).await;
        let run = bench.start("print").await;
        let missing = bench.until(run, &[RunState::Error]).await;
        assert_eq!(missing.errors[0].kind, "Missing Handler Error");
        define(&bench, "keyed").await;
        bench.world.answers(URL, 200, r#"{"results":{"Pages":3}}"#);
        let retry = decide(missing.errors[0].id, Resolution::RetryTask);
        bench.engine.resolve(&bench.actor, retry).await.unwrap();
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[1].results["Pages"], "3");
        let sent = bench.world.signed.lock().unwrap()[0].clone();
        assert_eq!(sent["parameters"]["text"], "Hello");
        assert_eq!(sent["run"], run.0);
        assert_eq!(sent["node"]["id"], "h");
        let token = done.tasks[1].token.clone();
        assert_eq!(sent["key"], token.as_str());
        let path = "/app/components/task/app/api/v2/handlers/completions/";
        let url = format!("https://kapok.example.com{path}{token}");
        assert_eq!(sent["completion"]["url"], url.as_str());

        bench.world.answers(URL, 422, r#"{"error":{"message":"no paper","retryable":false}}"#);
        let failed = bench.until(bench.start("print").await, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].text, "no paper");

        bench.world.answers(URL, 202, r#"{"deferred":true,"results":{"Ticket":"T1"}}"#);
        let run = bench.start("print").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        assert_eq!(trail(&waiting), "start [h]");
        let results = Map::from_iter([("Pages".to_owned(), json!("4"))]);
        let delivery = Delivery {
            space_id: bench.actor.space_id.clone(),
            token: waiting.tasks[1].token.clone(),
            complete: true,
            results,
            message: String::new(),
            originator: "test".into(),
        };
        let taken = bench.engine.deliver(delivery).await.unwrap();
        assert!(matches!(taken, Delivered::Taken { .. }), "{taken:?}");
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[1].deferred_results["Pages"], "4");
        assert_eq!(done.tasks[1].results["Ticket"], "T1");

        bench.world.answers(URL, 200, "hello");
        let failed = bench.until(bench.start("print").await, &[RunState::Error]).await;
        assert!(failed.errors[0].text.contains("no answer of a handler"));
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_call_is_repeated_as_its_definition_says() {
    for (effect, repeats) in [("once", 0), ("keyed", 1)] {
        for store in testkit::both().await {
            let bench = Bench::resting(&store, World::default()).await;
            define(&bench, effect).await;
            let (next, run, keys) = interrupted(&store, "h acme_print_v1 text=Hello").await;
            // What it answers when it is asked again is no answer of a handler.
            let stuck = next.until(run, &[RunState::Error]).await;
            let is_unknown = stuck.errors[0].text.starts_with("The outcome is unknown:");
            assert_eq!(is_unknown, repeats == 0, "{}", stuck.errors[0].text);
            assert_eq!(*next.world.keys.lock().unwrap(), keys[..repeats]);
            next.crash().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_external_handlers_are_judged_at_save() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    define(&bench, "keyed").await;
    let problems = async |node: &str| {
        let lines = [node, "start -> h"];
        let text = crate::bench::tree_json(&lines).to_string();
        let format = workflows::definition::Format::Json;
        let found = bench.engine.validate(&bench.actor, format, &text).await.unwrap();
        found.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert!(problems("h acme_print_v1 text=x").await.is_empty());
    assert_eq!(problems("h acme_print_v1").await, ["It is required and blank."]);
    let unknown = problems("h acme_print_v1 text=x txet=y").await;
    assert_eq!(unknown, ["acme_print_v1 has no such parameter; did you mean \"text\"?"]);
    let near = problems("h acme_pirnt_v1 text=x").await;
    assert_eq!(near, ["The handler acme_pirnt_v1 does not exist; did you mean acme_print_v1?"]);
    bench.crash().await;
}
