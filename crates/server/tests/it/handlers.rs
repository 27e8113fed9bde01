//! Handlers through the whole server: the API in process, people and attributes, handlers at URLs
//! of one's own.

use crate::harness::{ADMIN, Answer, PLAIN, Server, assert_holds, both, one};
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use testkit::TestStore;

const TASK: &str = "/app/components/task/app/api/v2";

/// Stores a tree of nodes in a row: `(id, handler, parameters)`.
pub async fn tree(server: &Server, name: &str, nodes: &[(&str, &str, Value)]) -> Value {
    let mut list = vec![json!({ "id": "start", "name": "start", "definitionId": "system_start_v1",
        "parameters": [] })];
    let mut connectors = Vec::new();
    let mut before = "start".to_owned();
    for (id, definition, parameters) in nodes {
        let parameters: Vec<Value> = parameters
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, value)| json!({ "id": id, "value": value }))
            .collect();
        list.push(json!({ "id": id, "name": id, "definitionId": definition,
            "parameters": parameters }));
        connectors.push(json!({ "from": before, "to": id, "type": "Complete" }));
        before = (*id).to_owned();
    }
    let tree = json!({ "sourceName": "Kinetic Task", "sourceGroup": "Group", "name": name,
        "treeJson": { "nodes": list, "connectors": connectors } });
    server.post(&format!("{TASK}/trees?force=true"), &tree).await.ok()
}

pub async fn start(server: &Server, name: &str) -> String {
    let path = format!("/app/api/v1/run-tree/Kinetic%20Task/Group/{name}");
    server.post(&path, &json!({})).await.ok()["run"]["id"].to_string()
}

/// Waits until the run is in that state.
pub async fn until(server: &Server, run: &str, state: &str) -> Value {
    let mut listener = server.app().changes.subscribe();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let path = format!("{TASK}/runs/{run}?include=details,tasks,exceptions,view");
        let found = server.get(&path).await.ok();
        if found["state"] == state {
            return found;
        }
        let heard = tokio::time::timeout_at(deadline, listener.next()).await;
        heard.unwrap_or_else(|_| panic!("{found:#}"));
    }
}

fn call(method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    json!({ "error_handling": "Error Message", "method": method, "path": path, "body": body })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_calls_the_api_of_its_space() {
    for server in both().await {
        server.laptop_form().await;
        let new = json!({ "values": { "Model": "X1" } });
        let nodes = [
            (
                "read",
                "kinetic_core_api_v1",
                call("GET", "/kapps/services/forms/laptop", &json!(null)),
            ),
            (
                "make",
                "kinetic_core_api_v1",
                call("POST", "/kapps/services/forms/laptop/submissions?completed=false", &new),
            ),
            ("gone", "kinetic_core_api_v1", call("GET", "/kapps/nothing", &json!(null))),
            ("away", "kinetic_core_api_v1", call("GET", "/../../healthz", &json!(null))),
            ("other", "kinetic_core_api_v1", call("GET", "/app/api/v1/me", &json!(null))),
        ];
        tree(&server, "call", &nodes).await;
        let run = start(&server, "call").await;
        let done = until(&server, &run, "Complete").await;
        let results = |at: usize| done["tasks"][at]["results"].clone();
        assert_eq!(results(1)["Response Code"], "200");
        assert_eq!(results(1)["Handler Error Message"], "");
        let form: Value =
            serde_json::from_str(results(1)["Response Body"].as_str().unwrap()).unwrap();
        assert_eq!(form["form"]["slug"], "laptop");
        let made: Value =
            serde_json::from_str(results(2)["Response Body"].as_str().unwrap()).unwrap();
        let id = made["submission"]["id"].as_str().unwrap().to_owned();
        assert_eq!(results(3)["Response Code"], "404");
        assert_eq!(results(3)["Handler Error Message"], "Unable to locate the nothing Kapp");
        assert_eq!(results(4)["Response Code"], "404");
        // Nobody else's rights: the system is no user of the space.
        assert_ne!(results(5)["Response Code"], "200");

        // The event of the change knows the run that caused it.
        let path = format!("/events?parentType=Submission&parentKey={id}");
        let events = server.get(&path).await.ok();
        let event = &events["events"][0];
        assert_eq!(event["depth"], 1, "{events:#}");
        assert_eq!(event["traceId"], done["view"]["traceId"], "{events:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_starts_itself_through_the_api_stops_at_the_limit() {
    let server = one().await;
    let node = call("POST", "/run-tree/Kinetic%20Task/Group/again", &json!({ "again": true }));
    tree(&server, "again", &[("h", "kinetic_core_api_v1", node)]).await;
    start(&server, "again").await;
    let mut listener = server.app().changes.subscribe();
    let most = model::limits::CAUSE_DEPTH_MAX;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let all = loop {
        let path = format!("{TASK}/runs?include=details,tasks&limit=100");
        let runs = server.get(&path).await.ok();
        let rows = runs["runs"].as_array().unwrap().clone();
        let ended = rows.iter().filter(|run| run["state"] == "Complete").count();
        if ended as i64 == most + 1 {
            break rows;
        }
        tokio::time::timeout_at(deadline, listener.next()).await.expect("it goes on").unwrap();
    };
    assert_eq!(all.len() as i64, most + 1);
    let last = server.get(&format!("{TASK}/runs/{}?include=tasks", all[0]["id"])).await.ok();
    let said = last["tasks"][1]["results"]["Handler Error Message"].as_str().unwrap();
    assert!(said.contains("likely to start itself"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_attributes_are_changed_by_runs() {
    for server in both().await {
        server.laptop_form().await;
        let user = json!({ "username": "ann", "displayName": "Ann", "enabled": "true",
            "attributes": "{\"Office\":[\"Berlin\"]}" });
        let set = |target: Value, attributes: &str| {
            let mut parameters = target;
            parameters["attributes"] = attributes.into();
            parameters
        };
        let nodes = [
            ("u", "kapok_user_create_v1", user),
            (
                "u2",
                "kapok_user_update_v1",
                json!({ "username": "ann", "email": "ann@example.com" }),
            ),
            ("t", "kapok_team_create_v1", json!({ "name": "IT::Desk", "members": "admin" })),
            ("t2", "kapok_team_update_v1", json!({ "team": "IT::Desk", "description": "Helps" })),
            ("m", "kapok_membership_add_v1", json!({ "team": "IT::Desk", "username": "ann" })),
            (
                "m2",
                "kapok_membership_remove_v1",
                json!({ "team": "IT::Desk", "username": "admin" }),
            ),
            (
                "m3",
                "kapok_membership_remove_v1",
                json!({ "team": "IT::Desk", "username": "admin" }),
            ),
            (
                "a",
                "kapok_attributes_set_v1",
                set(json!({ "type": "User", "username": "ann" }), "{\"Desk\":\"7\"}"),
            ),
            (
                "b",
                "kapok_attributes_set_v1",
                set(
                    json!({ "type": "Form", "kapp": "services", "form": "laptop" }),
                    "{\"Owner\":[],\"Group\":[\"A\",\"B\"]}",
                ),
            ),
            (
                "c",
                "kapok_attributes_set_v1",
                set(json!({ "type": "Space" }), "{\"Color\":\"red\"}"),
            ),
        ];
        tree(&server, "people", &nodes).await;
        until(&server, &start(&server, "people").await, "Complete").await;
        let ann = server.get("/users/ann?include=attributesMap,memberships").await.ok();
        assert_holds(
            &ann["user"],
            &json!({ "displayName": "Ann", "email": "ann@example.com",
            "attributesMap": { "Office": ["Berlin"], "Desk": ["7"] } }),
        );
        assert_eq!(ann["user"]["memberships"][0]["team"]["name"], "IT::Desk");
        let form = server.get("/kapps/services/forms/laptop?include=attributesMap").await.ok();
        assert_eq!(form["form"]["attributesMap"], json!({ "Group": ["A", "B"] }));
        let space = server.get("/space?include=attributesMap").await.ok();
        assert_eq!(space["space"]["attributesMap"]["Color"], json!(["red"]));

        // A user of that name who was not made by this task is in the way.
        let again = start(&server, "people").await;
        let failed = until(&server, &again, "Error").await;
        let said = failed["view"]["errors"].to_string();
        assert!(said.contains("already taken"), "{said}");
    }
}

/// An external handler as a test scripts it: what it answers, and what it was sent.
#[derive(Clone, Default)]
struct Labels {
    answer: Arc<Mutex<Value>>,
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Labels {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let print = |State(labels): State<Labels>, headers: HeaderMap, body: String| async move {
            labels.seen.lock().unwrap().push((headers, body));
            axum::Json(labels.answer.lock().unwrap().clone())
        };
        let routes = axum::Router::new().route("/print", post(print)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}/print")
    }

    fn answers(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_handler_is_defined_tried_called_and_completed() {
    for server in both().await {
        let labels = Labels::default();
        let url = labels.listen().await;
        let path = format!("{TASK}/handlers");
        let definition = json!({ "definitionId": "acme_print_v1", "name": "Print a label",
            "url": url, "parameters": [{ "id": "text", "required": true }],
            "results": [{ "name": "Pages" }] });
        let made = server.post(&path, &definition).await.ok();
        let secret = made["secret"].as_str().unwrap().to_owned();
        let listed =
            server.get(&format!("{path}?limit=1000&include=parameters,results")).await.ok();
        let listed = listed["handlers"].as_array().unwrap().clone();
        let found = listed.iter().find(|h| h["definitionId"] == "acme_print_v1").unwrap();
        assert_holds(
            found,
            &json!({ "external": true, "effect": "keyed", "status": "Active",
            "parameters": [{ "id": "text", "required": true }], "categories": ["External"] }),
        );
        assert!(found.get("secret").is_none() && !found.to_string().contains("whsec_"));

        labels.answers(json!({ "results": { "Pages": 2 } }));
        let act = format!("{path}/acme_print_v1/actions");
        let trial = json!({ "action": "Try", "parameters": { "text": "Hi" } });
        let trial = server.post(&act, &trial).await.ok();
        assert_holds(&trial, &json!({ "status": 200, "results": { "Pages": "2" }, "error": null }));

        let nodes = [("h", "acme_print_v1", json!({ "text": "Hello" }))];
        assert_eq!(tree(&server, "print", &nodes).await["problems"], json!([]));
        let usage = server.get(&format!("{TASK}/trees/acme_print_v1/usage")).await.ok();
        assert!(usage.to_string().contains("Group :: print"), "{usage}");
        let done = until(&server, &start(&server, "print").await, "Complete").await;
        assert_eq!(done["tasks"][1]["results"]["Pages"], "2");
        let (headers, body) = labels.seen.lock().unwrap()[1].clone();
        let webhook = standardwebhooks::Webhook::new(&secret).unwrap();
        webhook.verify(body.as_bytes(), &headers).expect("the signature holds");

        labels.answers(json!({ "deferred": true }));
        let run = start(&server, "print").await;
        until(&server, &run, "Waiting").await;
        let (_, body) = labels.seen.lock().unwrap().last().unwrap().clone();
        let sent: Value = serde_json::from_str(&body).unwrap();
        let whole = sent["completion"]["url"].as_str().unwrap();
        let complete = whole.strip_prefix(&server.url("")).expect(whole).to_owned();
        let body = json!({ "results": { "Pages": "9" } }).to_string();
        let send = |signature: String, at: i64| {
            let request = server.bare(Method::POST, &complete).header("webhook-id", "c1");
            let request = request.header("webhook-timestamp", at.to_string());
            Answer::of(request.header("webhook-signature", signature).body(body.clone()))
        };
        let now = server.app().runtime.now().0 / 1_000_000;
        let sign = |at: i64| webhook.sign("c1", at, body.as_bytes()).unwrap();
        assert_eq!(send("v1,AAAA".to_owned(), now).await.status, 401);
        assert_eq!(send(sign(now - 3_600), now - 3_600).await.status, 401);
        send(sign(now), now).await.ok();
        let done = until(&server, &run, "Complete").await;
        assert_eq!(done["tasks"][1]["deferredResults"]["Pages"], "9");
        assert_eq!(send(sign(now), now).await.status, 409);

        let renewed = server.post(&act, &json!({ "action": "New Secret" })).await.ok();
        assert_ne!(renewed["secret"], secret.as_str());
        let inactive = json!({ "status": "Inactive" });
        server.put(&format!("{path}/acme_print_v1"), &inactive).await.ok();
        until(&server, &start(&server, "print").await, "Error").await;
        server.delete(&format!("{path}/acme_print_v1")).await.ok();
        assert_eq!(server.get(&format!("{path}/acme_print_v1")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_handlers_are_checked() {
    let server = Server::with(testkit::sqlite().await, |config| config.allow_cidrs.clear()).await;
    let path = format!("{TASK}/handlers");
    let check = async |change: Value, expect: &str| {
        let mut body = json!({ "definitionId": "acme_v1", "url": "https://example.com/x" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = server.post(&path, &body).await;
        assert_eq!(answer.status, 400, "{expect}");
        let said = answer.body["message"].as_str().unwrap();
        assert!(said.contains(expect), "{said}");
    };
    check(json!({ "definitionId": "Acme" }), "small letters").await;
    check(json!({ "definitionId": "utilities_echo_v1" }), "comes with the server").await;
    check(json!({ "definitionId": "routine_x_v1" }), "routine_").await;
    check(json!({ "url": "ftp://example.com" }), "url cannot be used").await;
    check(json!({ "url": "http://10.0.0.1/" }), "url cannot be used").await;
    check(json!({ "effect": "pure" }), "repeatable, keyed or once").await;
    check(json!({ "timeoutSeconds": 0 }), "1 to 120").await;
    check(json!({ "secret": "x" }), "whsec_").await;
    check(json!({ "parameters": [{ "id": "a" }, { "id": "a" }] }), "two parameters").await;
    check(json!({ "parametres": [] }), "parametres").await;
    let fine = json!({ "definitionId": "acme_v1", "url": "https://example.com/x" });
    server.post(&path, &fine).await.ok();
    check(json!({}), "exists already").await;
    let ours = server.put(&format!("{path}/utilities_echo_v1"), &json!({ "name": "x" })).await;
    assert_eq!(ours.status, 400);
    server.plain_user().await;
    assert_eq!(server.ask(PLAIN, Method::GET, &path, None).await.status, 403);
    assert_eq!(server.ask(ADMIN, Method::GET, &path, None).await.status, 200);
}

/// Another space's handlers are not found, and its API is not reached.
#[tokio::test(flavor = "multi_thread")]
async fn handlers_stay_in_their_space() {
    let store: TestStore = testkit::sqlite().await;
    let server = Server::with(store, |_| {}).await;
    let node = call("GET", "/space", &json!(null));
    tree(&server, "space", &[("h", "kinetic_core_api_v1", node)]).await;
    let done = until(&server, &start(&server, "space").await, "Complete").await;
    let body = done["tasks"][1]["results"]["Response Body"].as_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["space"]["slug"], "kapok");
    // An address of another space in the path is below this one's API, where nothing is.
    let node = call("GET", "/other/app/api/v1/space", &json!(null));
    tree(&server, "other", &[("h", "kinetic_core_api_v1", node)]).await;
    let done = until(&server, &start(&server, "other").await, "Complete").await;
    assert_eq!(done["tasks"][1]["results"]["Response Code"], "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn durations_of_a_handler_are_told() {
    for server in both().await {
        let nodes = [
            ("a", "utilities_echo_v1", json!({ "input": "1" })),
            ("b", "utilities_echo_v1", json!({ "input": "2" })),
            ("wait", "utilities_defer_v1", json!({})),
        ];
        tree(&server, "timed", &nodes).await;
        let run = start(&server, "timed").await;
        let held = until(&server, &run, "Waiting").await;
        let at = |id: &str| format!("{TASK}/handlers/{id}/durations");
        let told = server.get(&at("utilities_echo_v1")).await.ok();
        let of_tasks = |run: &Value| -> Vec<i64> {
            let tasks = run["tasks"].as_array().unwrap().iter().rev();
            let echoes = tasks.filter(|task| task["definitionId"] == "utilities_echo_v1");
            echoes.map(|task| task["duration"].as_i64().unwrap()).collect()
        };
        let expect = of_tasks(&held);
        assert_eq!(told["taskDurations"], json!(expect), "{held:#}");
        assert_eq!(expect.len(), 2);
        assert_holds(
            &told,
            &json!({ "handler": { "definitionId": "utilities_echo_v1" },
                "taskMinDuration": expect.iter().min(), "taskMaxDuration": expect.iter().max(),
                "taskAverageDuration": expect.iter().sum::<i64>() / 2, "pausedTriggerCount": 0 }),
        );
        // What is not finished has no duration yet, and a trigger that is held is counted.
        assert_eq!(server.get(&at("utilities_defer_v1")).await.ok()["taskDurations"], json!([]));
        let later = json!({ "nodeId": "a", "scheduledAt": "2099-01-01T00:00:00Z" });
        server.post(&format!("{TASK}/runs/{run}/triggers"), &later).await.ok();
        let triggers = server.get(&format!("{TASK}/triggers/scheduled")).await.ok();
        let trigger = triggers["triggers"][0]["id"].clone();
        let pause = json!({ "status": "Paused" });
        server.put(&format!("{TASK}/triggers/{trigger}"), &pause).await.ok();
        assert_eq!(server.get(&at("utilities_echo_v1")).await.ok()["pausedTriggerCount"], 1);
        assert_eq!(server.get(&at("utilities_noop_v1")).await.status, 404);
        let none = server.get(&at("system_noop_v1")).await.ok();
        assert_holds(
            &none,
            &json!({ "taskDurations": [], "taskMinDuration": 0, "taskAverageDuration": 0,
                "pausedTriggerCount": 0 }),
        );
        server.plain_user().await;
        let refused = server.ask(PLAIN, Method::GET, &at("system_noop_v1"), None).await;
        assert_eq!(refused.status, 403);
    }
}
