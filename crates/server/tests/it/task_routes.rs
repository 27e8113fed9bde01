//! The documented routes of the workflow engine, each with its shape, on both databases.

use crate::harness::{ADMIN, Answer, PLAIN, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};

const TASK: &str = "/app/components/task/app/api/v2";
/// The table of documented routes, as people read it.
const GUIDE: &str = include_str!("../../../../docs/guide/task-api.md");

async fn ask(server: &Server, method: Method, path: &str, body: Option<&Value>) -> Answer {
    server.ask(ADMIN, method, &format!("{TASK}{path}"), body).await
}

async fn get(server: &Server, path: &str) -> Value {
    ask(server, Method::GET, path, None).await.ok()
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    ask(server, Method::POST, path, Some(&body)).await.ok()
}

async fn put(server: &Server, path: &str, body: Value) -> Value {
    ask(server, Method::PUT, path, Some(&body)).await.ok()
}

async fn delete(server: &Server, path: &str) -> Value {
    ask(server, Method::DELETE, path, None).await.ok()
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is judged once")]
fn refused(answer: Answer, status: u16, fragment: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    let message = answer.body["message"].as_str().unwrap_or_default();
    assert!(message.contains(fragment), "{message}");
}

/// A tree of an echo and whatever stands in `more`, in the group `Group`.
fn tree(name: &str, input: &str, more: &[(&str, &str)]) -> Value {
    let node = |id: &str, definition: &str, parameters: Value| {
        json!({ "id": id, "name": id, "definitionId": definition, "deferrable": true,
                "parameters": parameters })
    };
    let mut nodes = vec![
        json!({ "id": "start", "name": "start", "definitionId": "system_start_v1" }),
        node("echo_1", "utilities_echo_v1", json!([{ "id": "input", "value": input }])),
    ];
    let mut connectors = vec![json!({ "from": "start", "to": "echo_1" })];
    for (id, definition) in more {
        connectors.push(json!({ "from": nodes.last().unwrap()["id"], "to": id }));
        nodes.push(node(id, definition, json!([])));
    }
    json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "Group", "name": name,
            "type": "Tree", "status": "Active", "treeJson": { "nodes": nodes,
            "connectors": connectors } })
}

async fn start(server: &Server, name: &str) -> String {
    let path = format!("/runs?sourceName=Kinetic%20Request%20CE&sourceGroup=Group&name={name}");
    let started = post(server, &path, json!({ "values": {} })).await;
    started["runId"].as_str().unwrap().to_owned()
}

async fn until(server: &Server, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let run = get(server, &format!("/runs/{run}?include=details,tasks,triggers")).await;
        if wanted(&run) {
            return run;
        }
        assert!(tokio::time::Instant::now() < deadline, "{run:#}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn until_state(server: &Server, run: &str, state: &str) -> Value {
    until(server, run, |run| run["state"] == state).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_tells_which_documented_routes_there_are() {
    let server = one().await;
    let described = Answer::of(server.bare(Method::GET, "/app/api/openapi.json")).await.body;
    let mut rows = 0;
    for line in GUIDE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (route, state) = (cells[0].trim_matches('`'), cells[1]);
        let (method, path) = route.split_once(' ').unwrap();
        let prefix = if path.starts_with("/app/") { "" } else { "/app/api/v2" };
        // Names of path parameters differ; their places do not.
        let shape = |path: &str| -> String {
            let part = |s: &str| if s.starts_with('{') { "{}".into() } else { s.to_owned() };
            path.split('/').map(part).collect::<Vec<String>>().join("/")
        };
        let wanted = shape(&format!("{prefix}{path}"));
        let paths = described["paths"].as_object().unwrap();
        let is_there = paths.iter().any(|(known, item)| {
            shape(known) == wanted && item.get(method.to_lowercase()).is_some()
        });
        assert_eq!(is_there, state == "yes", "{route}");
        assert!(!cells[2].is_empty(), "{route} says nothing");
        rows += 1;
    }
    assert!(rows > 110, "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_hold_handlers_routines_and_rules() {
    for server in both().await {
        let made = json!({ "name": "Mail", "description": "d", "type": "Stored",
            "handlers": ["smtp_email_send_v1"], "trees": ["routine_later_v1"] });
        let made = post(&server, "/categories", made).await;
        assert_eq!(made["category"]["name"], "Mail");
        assert_holds(
            &get(&server, "/categories/Mail?include=details").await,
            &json!({ "name": "Mail", "type": "Stored",
                "handlers": [{ "definitionId": "smtp_email_send_v1" }],
                "trees": [{ "definitionId": "routine_later_v1" }], "createdBy": "admin" }),
        );
        let echo = json!({ "definitionId": "utilities_echo_v1" });
        let added = post(&server, "/categories/Mail/handlers", echo).await;
        assert_eq!(added["messageType"], "success");
        delete(&server, "/categories/Mail/handlers/smtp_email_send_v1").await;
        post(&server, "/categories/Mail/routines", json!({ "definitionId": "routine_x_v1" })).await;
        delete(&server, "/categories/Mail/routines/routine_later_v1").await;
        let rule = json!({ "name": "Nobody", "rule": "false", "message": "No." });
        post(&server, "/policyRules/Category%20Access", rule).await;
        let rule = json!({ "name": "Nobody", "type": "Category Access" });
        post(&server, "/categories/Mail/policyRules", rule).await;
        let read = get(&server, "/categories/Mail").await;
        assert_eq!(read["handlers"], json!([{ "definitionId": "utilities_echo_v1" }]));
        assert_eq!(read["trees"], json!([{ "definitionId": "routine_x_v1" }]));
        assert_eq!(read["policyRules"][0]["name"], "Nobody");
        delete(&server, "/categories/Mail/policyRules/Category%20Access/Nobody").await;
        let again = ask(&server, Method::DELETE, "/categories/Mail/routines/routine_y_v1", None);
        refused(again.await, 404, "is not in the category");

        let taken = json!({ "name": "Mail" });
        refused(
            ask(&server, Method::POST, "/categories", Some(&taken)).await,
            400,
            "exists already",
        );
        let integrated = json!({ "description": "x" });
        let integrated = ask(&server, Method::PUT, "/categories/System", Some(&integrated)).await;
        refused(integrated, 400, "cannot be changed");
        put(&server, "/categories/Mail", json!({ "name": "Post", "trees": [] })).await;
        let list = get(&server, "/categories").await;
        assert_eq!(list["count"], 2);
        assert_holds(&list["categories"][0], &json!({ "name": "System", "type": "Integrated" }));
        assert_eq!(list["categories"][1]["trees"], json!([]));
        let gone = delete(&server, "/categories/Post").await;
        assert_eq!(gone["category"]["name"], "Post");
        refused(ask(&server, Method::GET, "/categories/Post", None).await, 404, "does not exist");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_rules_guard_sources() {
    for server in both().await {
        server.plain_user().await;
        post(&server, "/trees", tree("T", "x", &[])).await;
        let path = "/app/api/v1/run-tree/Kinetic%20Request%20CE/Group/T";
        server.ask(PLAIN, Method::POST, path, Some(&json!({}))).await.ok();
        let unreadable = json!({ "name": "Bad", "rule": "1 +", "message": "" });
        let answer =
            ask(&server, Method::POST, "/policyRules/API%20Access", Some(&unreadable)).await;
        refused(answer, 400, "cannot be read");
        let rule = json!({ "name": "Ann", "rule": "@user['Username'] == 'ann'",
            "message": "Ann only.", "type": "API Access" });
        let made = post(&server, "/policyRules/API%20Access", rule).await;
        assert_eq!(made["policyRule"]["name"], "Ann");
        let guard = json!({ "name": "Ann", "type": "API Access" });
        post(&server, "/sources/Kinetic%20Request%20CE/policyRules", guard).await;
        let source = get(&server, "/sources/Kinetic%20Request%20CE?include=policyRules").await;
        assert_eq!(source["policyRules"][0]["name"], "Ann");

        let answer = server.ask(PLAIN, Method::POST, path, Some(&json!({}))).await;
        refused(answer, 403, "Ann only.");
        server.ask(ADMIN, Method::POST, path, Some(&json!({}))).await.ok();
        let name = PLAIN.0;
        let rule = json!({ "rule": format!("@user['Username'] == '{name}'") });
        put(&server, "/policyRules/API%20Access/Ann", rule).await;
        server.ask(PLAIN, Method::POST, path, Some(&json!({}))).await.ok();
        let listed = get(&server, "/policyRules?type=api%20access&orderBy=name").await;
        assert_holds(&listed, &json!({ "count": 1, "limit": 100, "offset": 0 }));
        assert_eq!(get(&server, "/policyRules/Console%20Access").await["count"], 0);
        let wrong = ask(&server, Method::GET, "/policyRules/API%20Access/Bob", None).await;
        refused(wrong, 404, "does not exist");
        let wrong = ask(&server, Method::GET, "/policyRules/Sorcery/Bob", None).await;
        refused(wrong, 400, "no type of a policy rule");
        let release = "/sources/Kinetic%20Request%20CE/policyRules/API%20Access/Ann";
        delete(&server, release).await;
        refused(ask(&server, Method::DELETE, release, None).await, 404, "does not guard");
        let gone = delete(&server, "/policyRules/API%20Access/Ann").await;
        assert_eq!(gone["policyRule"]["type"], "API Access");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_stops_and_tells_what_it_stands_on() {
    for server in both().await {
        post(&server, "/trees", tree("T", "x", &[])).await;
        let stopped = post(&server, "/engine", json!({ "action": "stop" })).await;
        assert_holds(&stopped, &json!({ "status": "Stopped", "engine": { "stoppedBy": "admin" } }));
        let run = start(&server, "T").await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while get(&server, "/engine").await["waiting"] != 1 {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(get(&server, &format!("/runs/{run}/tasks")).await["tasks"], json!([]));
        let started =
            post(&server, "/engine", json!({ "action": "start", "asynchronous": "false" })).await;
        assert_eq!(started["status"], "Running");
        until_state(&server, &run, "Complete").await;
        let wrong = json!({ "action": "jump" });
        refused(ask(&server, Method::POST, "/engine", Some(&wrong)).await, 400, "start or stop");

        let settings = get(&server, "/config/engine").await;
        assert_eq!(settings["properties"]["Sleep Delay"], "1");
        put(&server, "/config/engine", settings["properties"].clone()).await;
        let other = json!({ "Sleep Delay": 7 });
        let answer = ask(&server, Method::PUT, "/config/engine", Some(&other)).await;
        refused(answer, 400, "cannot be changed");
        let environment = get(&server, "/environment").await;
        assert!(environment["Adapter Information"]["Database"].is_string());
        assert_eq!(get(&server, "/notices").await["notices"], json!([]));
        assert_eq!(get(&server, "/systemErrors").await["errors"], json!([]));
        refused(ask(&server, Method::GET, "/systemErrors/1", None).await, 404, "no system error");
        for method in [Method::POST, Method::PUT] {
            let path = "/sources/Kinetic%20Request%20CE/validate";
            assert_eq!(ask(&server, method, path, None).await.ok()["messageType"], "success");
        }
        let adapters = get(&server, "/meta/sourceAdapters").await;
        assert!(adapters["sourceAdapters"].as_array().unwrap().len() > 1);
        let actions = get(&server, "/meta/availableErrorActions").await;
        assert_eq!(actions["availableErrorActions"]["Node Message Error"], json!(["Do Nothing"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_are_ordered_narrowed_and_counted() {
    for server in both().await {
        let mut second = tree("B", "x", &[]);
        second["sourceGroup"] = "Other".into();
        second["ownerEmail"] = "ann@example.com".into();
        post(&server, "/trees", second).await;
        post(&server, "/trees", tree("C", "x", &[])).await;
        post(&server, "/trees", tree("A", "x", &[("r_2", "routine_gone_v1")])).await;
        let names = |list: &Value| -> Vec<String> {
            let rows = list["trees"].as_array().unwrap();
            rows.iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
        };
        let check = async |query: &str, expect: &[&str]| {
            let list = get(&server, &format!("/trees?{query}")).await;
            assert_eq!(names(&list), expect, "{query}");
        };
        check("", &["A", "C", "B"]).await;
        check("orderBy=name", &["A", "B", "C"]).await;
        check("orderBy=name&direction=DESC&limit=2", &["C", "B"]).await;
        check("orderBy=sourceGroup&direction=desc", &["B", "C", "A"]).await;
        check("group=Other", &["B"]).await;
        check("group%5B%5D=Other&group%5B%5D=Group", &["A", "C", "B"]).await;
        check("ownerEmail=ann@example.com", &["B"]).await;
        check("nameFragment=a&status=active&type=tree", &["A"]).await;
        check("limit=1&offset=2", &["B"]).await;
        let wrong = ask(&server, Method::GET, "/trees?orderBy=mood", None).await;
        refused(wrong, 400, "cannot be ordered");

        let missing = get(&server, "/trees/missing").await;
        assert_holds(
            &missing["missingRoutines"],
            &json!([{ "definitionId": "routine_gone_v1", "treeCount": 1, "routineCount": 0,
                "totalNodeCount": 1 }]),
        );
        let usage = get(&server, "/trees/routine_gone_v1/usage").await;
        assert_holds(&usage, &json!({ "totalTrees": 1, "totalRoutines": 0, "totalNodes": 1 }));
        assert_eq!(usage["routineUsage"][0]["nodeCount"], 1);
        let usage = get(&server, "/handlers/utilities_echo_v1/usage").await;
        assert_holds(&usage, &json!({ "totalTrees": 3, "totalNodes": 3 }));
        assert_eq!(usage["handlerUsage"][0]["title"], "Kinetic Request CE :: Group :: A");
        let missing = get(&server, "/handlers/missing").await;
        assert_eq!(missing["missingHandlers"], json!([]));

        let title = "Kinetic%20Request%20CE%20%3A%3A%20Group%20%3A%3A%20C";
        let run = start(&server, "C").await;
        until_state(&server, &run, "Complete").await;
        let counts = get(&server, &format!("/trees/{title}/counts")).await;
        assert_holds(
            &counts,
            &json!({ "total": 1, "states": { "Complete": 1 },
            "activeErrorCount": 0 }),
        );
        let series = counts["runsSeries"][0]["data"].as_array().unwrap();
        assert_eq!((series.len(), series[29]["y"].clone()), (30, 1.into()));
        assert_eq!(counts["days"].as_array().unwrap().len(), 30);
        assert!(counts["endDay"].as_str().unwrap().contains(", 20"), "{counts}");

        let copy = json!({ "name": "D", "sourceGroup": "Copies" });
        let copy = post(&server, &format!("/trees/{title}/clone"), copy).await;
        assert_eq!(copy["tree"]["title"], "Kinetic Request CE :: Copies :: D");
        delete(&server, &format!("/trees/{title}")).await;
        let back = post(&server, &format!("/trees/{title}/restore"), json!({})).await;
        assert_eq!(back["name"], "C");
        let path = format!("/trees/{title}?include=details,bindings,categories");
        assert_holds(
            &get(&server, &path).await,
            &json!({ "categories": [], "event": null, "platformItemType": null,
                "bindings": { "Event": { "Type": "<%= @event['Type'] %>" } } }),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_fetched_from_an_address() {
    let server = one().await;
    let blocked = json!({ "contentUrl": "http://127.0.0.1:1/tree.xml" });
    let answer = ask(&server, Method::POST, "/trees", Some(&blocked)).await;
    refused(answer, 400, "cannot be fetched");
    let made = server.post("/inspectors", &json!({ "name": "x" })).await.ok();
    let url = made["inspector"]["url"].as_str().unwrap().to_owned();
    let path = format!("/inspectors/{}", made["inspector"]["id"].as_str().unwrap());
    let xml = "<tree><sourceName>Kinetic Task</sourceName><sourceGroup>G</sourceGroup><taskTree>\
               <name>Fetched</name><request><task definition_id=\"system_start_v1\" id=\"start\" \
               name=\"Start\"/></request></taskTree></tree>";
    let answer = json!({ "status": 200, "body": xml });
    server.ask(ADMIN, Method::PUT, &format!("/app/api/v1{path}"), Some(&answer)).await.ok();
    let made = post(&server, "/trees?force=true", json!({ "contentUrl": url })).await;
    assert_eq!(made["title"], "Kinetic Task :: G :: Fetched");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_triggers_and_errors_are_narrowed_ordered_and_deleted() {
    for server in both().await {
        let mut failing = tree("Fail", "<%= @values['None'] %>", &[]);
        failing["ownerEmail"] = "ann@example.com".into();
        post(&server, "/trees", failing).await;
        post(&server, "/trees", tree("Good", "x", &[])).await;
        let bad = start(&server, "Fail").await;
        until_state(&server, &bad, "Error").await;
        let good = start(&server, "Good").await;
        until_state(&server, &good, "Complete").await;
        let check = async |query: &str, expect: &[&str]| {
            let list = get(&server, &format!("/runs?{query}")).await;
            let rows = list["runs"].as_array().unwrap();
            let ids: Vec<String> = rows.iter().map(|run| run["id"].to_string()).collect();
            assert_eq!(ids, expect, "{query}");
        };
        let (bad, good) = (bad.as_str(), good.as_str());
        check("", &[good, bad]).await;
        check("orderBy=tree.name", &[good, bad]).await;
        check("orderBy=tree.name&direction=ASC", &[bad, good]).await;
        check("orderBy=status&direction=ASC", &[good, bad]).await;
        check("direction=ASC&limit=1", &[bad]).await;
        check("ownerEmail=ann@example.com&includeSystem=false", &[bad]).await;
        check(&format!("afterId={bad}"), &[good]).await;
        check(&format!("beforeId={good}&treeType=Tree"), &[bad]).await;
        check("treeFragment=goo&groupFragment=rou&source=Kinetic%20Request%20CE", &[good]).await;
        check("start=2020-01-01&end=2021-01-01", &[]).await;
        check(&format!("originatingId={good}"), &[good]).await;
        let wrong = ask(&server, Method::GET, "/runs?orderBy=mood", None).await;
        refused(wrong, 400, "cannot be ordered");

        let count = |query: &'static str| {
            let server = &server;
            async move { get(server, query).await["count"].clone() }
        };
        assert_eq!(count("/errors?handlerId=utilities_echo_v1").await, 1);
        assert_eq!(count("/errors?handlerId=system_noop_v1").await, 0);
        assert_eq!(count("/errors?relatedItem2Id=echo_1&relatedItem2Type=Node").await, 1);
        assert_eq!(count("/errors?relatedItem1Id=7").await, 0);
        assert_eq!(count("/errors?timeline=updatedAt&start=2020-01-01&direction=ASC").await, 1);
        let only = get(&server, "/errors?count=true").await;
        assert_eq!(only, json!({ "count": 1 }));
        let errors = get(&server, "/errors").await;
        let error = errors["errors"][0]["id"].clone();
        let open = ask(&server, Method::DELETE, &format!("/errors/{error}"), None).await;
        refused(open, 400, "resolve it first");
        let resolve = json!({ "ids": [error], "action": "Do Nothing", "resolution": "n" });
        post(&server, "/errors/resolve", resolve).await;
        delete(&server, &format!("/errors/{error}")).await;
        assert_eq!(count("/errors").await, 0);

        assert_eq!(count("/triggers?treeType=Tree&action=root&branchId=1").await, 2);
        assert_eq!(count("/triggers?managementAction=Do%20Nothing").await, 1);
        assert_eq!(count("/triggers?timeline=updatedAt&start=2020-01-01&direction=ASC").await, 3);
        let wrong = ask(&server, Method::GET, "/triggers?timeline=mood", None).await;
        refused(wrong, 400, "timeline must be");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_scheduled_held_let_go_and_removed() {
    for server in both().await {
        post(&server, "/trees", tree("T", "x", &[])).await;
        let run = start(&server, "T").await;
        until_state(&server, &run, "Complete").await;
        let manual = json!({ "nodeId": "echo_1", "branchId": 1, "loopIndex": "/",
            "scheduledAt": "2040-01-01T00:00:00Z", "selectionCriterion": "night" });
        let made = post(&server, &format!("/runs/{run}/triggers"), manual.clone()).await;
        assert_eq!(made["messageType"], "success");
        let path = format!("/triggers/{}", made["id"]);
        assert_holds(
            &get(&server, &path).await,
            &json!({ "status": "New", "action": "Root", "type": "Manual", "results": {},
                "selectionCriterion": "night", "scheduledAt": "2040-01-01T00:00:00.000Z" }),
        );
        assert_eq!(get(&server, "/triggers/scheduled").await["count"], 1);
        assert_eq!(get(&server, "/triggers?selectionCriterion=night").await["count"], 1);
        put(&server, &path, json!({ "status": "Paused" })).await;
        assert_eq!(get(&server, "/triggers/paused").await["count"], 1);
        let let_go = put(&server, &path, json!({ "status": "Unpaused" })).await;
        assert_eq!(let_go["trigger"]["status"], "New");
        let wrong = json!({ "status": "Closed" });
        refused(ask(&server, Method::PUT, &path, Some(&wrong)).await, 400, "status must be");
        delete(&server, &path).await;
        refused(ask(&server, Method::GET, &path, None).await, 404, "does not exist");
        // A time that has passed means at once.
        let mut at_once = manual;
        at_once["scheduledAt"] = "2020-01-01T00:00:00Z".into();
        post(&server, &format!("/runs/{run}/triggers"), at_once).await;
        until(&server, &run, |run| run["tasks"].as_array().unwrap().len() == 3).await;
        let stranger = json!({ "nodeId": "none" });
        let path = format!("/runs/{run}/triggers");
        refused(ask(&server, Method::POST, &path, Some(&stranger)).await, 400, "no node");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_completes_updates_and_imports() {
    for server in both().await {
        post(&server, "/trees", tree("T", "x", &[("defer_2", "utilities_defer_v1")])).await;
        let run = start(&server, "T").await;
        let waiting = until_state(&server, &run, "Waiting").await;
        let token = waiting["tasks"][2]["token"].clone();
        let source = "Kinetic%20Request%20CE";
        let note = json!({ "token": token, "message": "soon" });
        server.post(&format!("/update-deferred-task/{source}"), &note).await.ok();
        let done = json!({ "token": token, "results": { "Decision": "Yes" } });
        server.post(&format!("/complete-deferred-task/{source}"), &done).await.ok();
        let finished = until_state(&server, &run, "Complete").await;
        assert_eq!(finished["tasks"][2]["deferredResults"]["Decision"], "Yes");
        let late = server.post(&format!("/complete-deferred-task/{source}"), &done).await;
        assert_eq!(late.status.as_u16(), 409);
        let none = server.post(&format!("/complete-deferred-task/{source}"), &json!({})).await;
        refused(none, 400, "token");
        let listed = server.get(&format!("/sources/{source}/runs?include=tasks")).await.ok();
        assert_eq!(listed["runs"][0]["tasks"].as_array().unwrap().len(), 3);
        let read = server.get(&format!("/sources/{source}/runs/{run}")).await.ok();
        assert_eq!(read["run"]["id"].to_string(), run);
        assert_eq!(server.get("/sources/None/runs").await.status.as_u16(), 404);

        let title = "Kinetic%20Request%20CE%20%3A%3A%20Group%20%3A%3A%20T";
        let xml = get(&server, &format!("/trees/{title}/export")).await["tree"].clone();
        delete(&server, &format!("/trees/{title}")).await;
        let imported = server.post("/import-tree", &json!({ "structure": xml })).await.ok();
        assert!(imported["message"].as_str().unwrap().contains("Group :: T"), "{imported}");
        assert_eq!(get(&server, &format!("/trees/{title}/export")).await["tree"], xml);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_imported_with_a_report() {
    for server in both().await {
        let file = |path: &str, content: Value| {
            json!({ "path": path,
            "content": content.to_string() })
        };
        let body = json!({ "dryRun": true, "files": [
            file("t.json", tree("T", "x", &[("r_2", "routine_greet_v1")])),
            file("r.json", json!({ "name": "Greet", "type": "Global Routine", "treeJson":
                { "nodes": [{ "id": "start", "definitionId": "system_start_v1" }] } })),
            { "path": "x.xml", "content": "<tree>" },
        ] });
        let dry = post(&server, "/imports", body.clone()).await;
        assert_eq!(dry["counts"], json!({ "created": 2, "refused": 1 }));
        assert_eq!(get(&server, "/trees").await["count"], 0);
        let mut real = body;
        real["dryRun"] = false.into();
        let done = post(&server, "/imports", real).await;
        assert_eq!(done["counts"], json!({ "created": 2, "refused": 1 }));
        assert_eq!(done["imported"][0]["problems"], json!([]));
        assert_eq!(get(&server, "/trees").await["count"], 2);
    }
}

fn workflow(event: &str, name: &str, filter: &str) -> Value {
    let tree = tree(name, "<%= @values['Model'] %>", &[]);
    json!({ "event": event, "name": name, "filter": filter, "treeJson": tree["treeJson"] })
}

async fn submit(server: &Server, model: &str) {
    let laptop = json!({ "coreState": "Submitted", "values": { "Model": model } });
    server.post("/kapps/services/forms/laptop/submissions", &laptop).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_workflows_start_at_all_levels_through_implicit_jobs() {
    for server in both().await {
        server.laptop_form().await;
        let (space, kapp) = ("/workflows", "/kapps/services/workflows");
        let form = "/kapps/services/forms/laptop/workflows";
        let mut ids = Vec::new();
        for (path, kind) in [(space, "Space"), (kapp, "Kapp"), (form, "Form")] {
            let made = server.post(path, &workflow("Submission Submitted", kind, "")).await.ok();
            assert_holds(
                &made,
                &json!({ "name": kind, "event": "Submission Submitted", "filter": "",
                    "platformItemType": kind, "type": "Tree", "status": "Active",
                    "versionId": "0" }),
            );
            assert_eq!(made["id"], made["sourceGroup"]);
            assert!(made["treeJson"].is_object() && made["bindings"].is_object(), "{made}");
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        let never = workflow("Submission Submitted", "Never", "values('Model') == 'none'");
        server.post(form, &never).await.ok();
        let wrong = workflow("Submission Submitted", "Bad", "values(");
        let answer = server.post(form, &wrong).await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.body);
        let wrong = workflow("Team Exploded", "Bad", "");
        assert_eq!(server.post(space, &wrong).await.status.as_u16(), 400);

        submit(&server, "X").await;
        let jobs = server.get("/webhookJobs?all=true").await.ok();
        let rows = jobs["webhookJobs"].as_array().unwrap();
        assert_eq!(rows.len(), 3, "{jobs:#}");
        for job in rows {
            assert_holds(
                job,
                &json!({ "name": "Implicit Webhook Job", "webhookId": null,
                    "status": "Complete", "type": "Submission" }),
            );
            let url = job["url"].as_str().unwrap();
            assert!(ids.iter().any(|id| url == format!("/app/api/v2/runs?guid={id}")), "{url}");
            assert!(job["responseContent"].as_str().unwrap().contains("Initiated run #"));
        }
        assert_eq!(get(&server, "/runs?tree=Form").await["count"], 1);
        assert_eq!(get(&server, "/runs?tree=Never").await["count"], 0);
        let of_space = get(&server, &format!("/trees/guid/{}?include=details", ids[0])).await;
        assert_eq!(of_space["event"], "Submission Submitted");

        // An inactive workflow does not fire, a filter is changed at the flat route.
        let form_workflow = format!("{form}/{}", ids[2]);
        let off = json!({ "status": "Inactive" });
        server.put(&form_workflow, &off).await.ok();
        let flat = json!({ "filter": "false" });
        let changed = server.put(&format!("{space}/{}", ids[1]), &flat).await.ok();
        assert_eq!(
            (&changed["filter"], &changed["event"]),
            (&json!("false"), &json!("Submission Submitted"))
        );
        submit(&server, "Y").await;
        assert_eq!(get(&server, "/runs?tree=Form").await["count"], 1);
        assert_eq!(get(&server, "/runs?tree=Kapp").await["count"], 1);
        assert_eq!(get(&server, "/runs?tree=Space").await["count"], 2);

        let listed = server.get(form).await.ok();
        assert_eq!(listed["workflows"].as_array().unwrap().len(), 2);
        assert_eq!((&listed["missing"], &listed["migratable"]), (&json!([]), &json!([])));
        let elsewhere = server.get(&format!("{kapp}/{}", ids[2])).await;
        assert_eq!(elsewhere.status.as_u16(), 404);
        let forced = workflow("Submission Submitted", "Never", "true");
        let forced = server.post(&format!("{form}?force=true"), &forced).await.ok();
        assert_eq!((&forced["versionId"], &forced["filter"]), (&json!("1"), &json!("true")));

        let path =
            format!("/trees/{}%20%3A%3A%20{}%20%3A%3A%20Form", "Kinetic%20Request%20CE", ids[2]);
        delete(&server, &path).await;
        assert_eq!(server.get(form).await.ok()["missing"], json!([ids[2]]));
        let repaired = server.post(&format!("{form}/repair"), &json!({})).await.ok();
        assert_eq!(repaired["message"], "1 missing workflows and 0 orphaned workflows repaired.");
        let gone = server
            .ask(ADMIN, Method::DELETE, &format!("/app/api/v1{space}/{}", ids[0]), None)
            .await
            .ok();
        assert_eq!(gone["workflow"]["name"], "Space");
        assert_eq!(server.get(space).await.ok()["workflows"], json!([]));
        server
            .ask(ADMIN, Method::DELETE, "/app/api/v1/kapps/services/forms/laptop", None)
            .await
            .ok();
        let orphaned = server.get(space).await.ok()["orphaned"].clone();
        assert_eq!(orphaned.as_array().unwrap().len(), 1, "{orphaned}");
        let repaired = server.post(&format!("{space}/repair"), &json!({})).await.ok();
        assert!(repaired["message"].as_str().unwrap().contains("1 orphaned"), "{repaired}");
    }
}
