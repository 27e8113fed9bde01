//! `/app/components/task/app/api`: from a tree to a finished run, over HTTP.

use crate::harness::{ADMIN, Answer, PLAIN, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};

const TASK: &str = "/app/components/task/app/api/v2";
const TITLE: &str = "Kinetic%20Request%20CE%20%3A%3A%20Group%20%3A%3A%20Approve";

/// A tree that echoes a value and waits for a decision.
fn approve() -> Value {
    let node = |id: &str, definition: &str, defers: bool, parameters: Value| {
        json!({ "id": id, "name": id, "definitionId": definition, "version": 1,
                "defers": defers, "deferrable": defers, "position": { "x": 1, "y": 2 },
                "parameters": parameters, "messages": [], "dependents": { "task": [] } })
    };
    json!({
        "lastId": 3,
        "name": "Approve",
        "connectors": [
            { "from": "start", "to": "utilities_echo_v1_1", "type": "Complete" },
            { "from": "utilities_echo_v1_1", "to": "utilities_defer_v1_2", "type": "Complete",
              "value": "@results['utilities_echo_v1_1']['output'] == 'Ann'" },
            { "from": "utilities_defer_v1_2", "to": "system_tree_return_v1_3",
              "type": "Complete" },
        ],
        "nodes": [
            node("start", "system_start_v1", false, json!([])),
            node("utilities_echo_v1_1", "utilities_echo_v1", false,
                json!([{ "id": "input", "value": "<%= @values['Name'] %>" }])),
            node("utilities_defer_v1_2", "utilities_defer_v1", true, json!([])),
            node("system_tree_return_v1_3", "system_tree_return_v1", false,
                json!([{ "id": "Decision",
                    "value": "<%= @results['utilities_defer_v1_2']['Decision'] %>" }])),
        ],
    })
}

async fn task(server: &Server, method: Method, path: &str, body: Option<&Value>) -> Answer {
    server.ask(ADMIN, method, &format!("{TASK}{path}"), body).await
}

/// The refusal's message in the engine's layout.
#[expect(clippy::needless_pass_by_value, reason = "an answer is judged once")]
fn message(answer: Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    answer.body["message"].as_str().expect("a message").to_owned()
}

async fn make(server: &Server) -> Value {
    let tree = json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "Group",
        "name": "Approve", "type": "Tree", "status": "Active", "treeJson": approve() });
    task(server, Method::POST, "/trees", Some(&tree)).await.ok()
}

/// Reads the run until it is in that state.
async fn until(server: &Server, run: &str, state: &str) -> Value {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let path = format!("/runs/{run}?include=details,tasks,triggers,sourceData,outputs,view");
        let run = task(server, Method::GET, &path, None).await.ok();
        if run["state"] == state {
            return run;
        }
        assert!(tokio::time::Instant::now() < deadline, "{run:#}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_kept_as_it_was_sent() {
    for server in both().await {
        let made = make(&server).await;
        assert_holds(
            &made,
            &json!({ "messageType": "success", "versionId": "0",
            "title": "Kinetic Request CE :: Group :: Approve", "problems": [] }),
        );
        let path = format!("/trees/{TITLE}?include=details,treeJson,treeXml");
        let read = task(&server, Method::GET, &path, None).await.ok();
        assert_eq!(read["treeJson"], approve());
        assert!(read["treeXml"].as_str().unwrap().starts_with("<taskTree"));
        let guid = read["guid"].as_str().unwrap();
        let by_guid = task(&server, Method::GET, &format!("/trees/guid/{guid}"), None).await.ok();
        assert_eq!(by_guid["name"], "Approve");

        let export = task(&server, Method::GET, &format!("/trees/{TITLE}/export"), None).await.ok();
        let xml = export["tree"].as_str().unwrap().to_owned();
        let part = "--edge\r\nContent-Disposition: form-data; name=\"content\"; \
                    filename=\"tree.xml\"\r\nContent-Type: text/xml\r\n\r\n";
        let import = server
            .bare(Method::POST, &format!("{TASK}/trees?force=true"))
            .basic_auth(ADMIN.0, Some(ADMIN.1))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(format!("{part}{xml}\r\n--edge--\r\n"));
        assert_eq!(Answer::of(import).await.ok()["versionId"], "1");
        let path = format!("/trees/{TITLE}?include=treeXml");
        let read = task(&server, Method::GET, &path, None).await.ok();
        assert_eq!(read["treeXml"], xml.as_str());

        let stale = json!({ "versionId": "0", "notes": "late" });
        let refused = task(&server, Method::PUT, &format!("/trees/{TITLE}"), Some(&stale)).await;
        message(refused, 400);
        let unknown = json!({ "nmae": "x" });
        let refused = task(&server, Method::PUT, &format!("/trees/{TITLE}"), Some(&unknown)).await;
        assert!(message(refused, 400).contains("did you mean \"name\""));
        let list = task(&server, Method::GET, "/trees?groupFragment=gro", None).await.ok();
        assert_holds(&list, &json!({ "count": 1, "limit": 100, "offset": 0 }));
        task(&server, Method::DELETE, &format!("/trees/{TITLE}"), None).await.ok();
        message(task(&server, Method::GET, &format!("/trees/{TITLE}"), None).await, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_its_decision_and_finishes() {
    for server in both().await {
        make(&server).await;
        let path = "/run-tree/Kinetic%20Request%20CE/Group/Approve";
        let data = json!({ "values": { "Name": "Ann" }, "submission": { "id": "s1" } });
        let started = server.post(path, &data).await.ok();
        let title = "Kinetic Request CE :: Group :: Approve";
        let text = started["message"].as_str().unwrap();
        assert!(text.starts_with("Initiated run #") && text.contains(title), "{text}");
        let id = started["run"]["id"].to_string();
        let waiting = until(&server, &id, "Waiting").await;
        assert_holds(
            &waiting,
            &json!({ "status": "Started", "sourceId": "s1",
            "tree": { "title": title }, "source": { "name": "Kinetic Request CE" } }),
        );
        assert_eq!(waiting["tasks"][1]["results"]["output"], "Ann");
        assert_eq!(waiting["view"]["connectors"][1]["taken"], true);
        assert_eq!(waiting["view"]["nodes"][3]["state"], "none");
        let token = waiting["view"]["waitingFor"][0]["token"].as_str().unwrap().to_owned();

        let done = format!("/runs/task/{token}");
        let found = task(&server, Method::GET, &done, None).await.ok();
        assert_eq!(found["id"].to_string(), id);
        let note = json!({ "message": "thinking" });
        task(&server, Method::PUT, &done, Some(&note)).await.ok();
        let decision = json!({ "message": "fine", "results":
            "<results><result name=\"Decision\">Yes &amp; no</result></results>" });
        task(&server, Method::POST, &done, Some(&decision)).await.ok();
        message(task(&server, Method::POST, &done, Some(&decision)).await, 409);
        message(task(&server, Method::POST, "/runs/task/none", Some(&decision)).await, 404);

        let finished = until(&server, &id, "Complete").await;
        assert_eq!(finished["outputs"]["Decision"], "Yes & no");
        assert_eq!(finished["status"], "Complete");
        let list = task(&server, Method::GET, "/runs?status=complete&count=false", None).await.ok();
        assert_holds(&list, &json!({ "more": false, "runs": [{ "status": "Complete" }] }));
        let count = task(&server, Method::GET, "/runs?count=true", None).await.ok();
        assert_eq!(count, json!({ "count": 1 }));
        let triggers =
            task(&server, Method::GET, &format!("/triggers?runId={id}"), None).await.ok();
        assert_eq!(triggers["count"], 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_listed_and_resolved() {
    for server in both().await {
        make(&server).await;
        let path =
            format!("{TASK}/runs?sourceName=Kinetic%20Request%20CE&sourceGroup=Group&name=Approve");
        let started = server.post(&path, &json!({ "values": {} })).await.ok();
        let id = started["runId"].as_str().unwrap().to_owned();
        let failed = until(&server, &id, "Error").await;
        assert_eq!(failed["view"]["nodes"][1]["state"], "error");
        let errors =
            task(&server, Method::GET, "/errors?status=Active&include=run", None).await.ok();
        assert_holds(
            &errors,
            &json!({ "count": 1, "errors": [{
            "type": "Node Parameter Error", "status": "Active",
            "actions": ["Do Nothing", "Retry Task", "Skip Task"] }] }),
        );
        assert!(errors["errors"][0]["text"].as_str().unwrap().contains("IndexError"));
        let error = errors["errors"][0]["id"].clone();
        let narrow = "/errors?groupFragment=rou&treeFragment=app&tree=Approve&sourceId=none";
        assert_eq!(task(&server, Method::GET, narrow, None).await.ok()["count"], 0);
        let summary = errors["errors"][0]["summary"].as_str().unwrap();
        for (summary, count) in [(summary, 1), ("another", 0)] {
            let url = reqwest::Url::parse_with_params("http://x/errors", [("summary", summary)]);
            let narrow = format!("/errors?{}", url.unwrap().query().unwrap());
            assert_eq!(task(&server, Method::GET, &narrow, None).await.ok()["count"], count);
        }
        let narrow = "/triggers?source=Kinetic%20Request%20CE&tree=Approve&start=2020-01-01";
        assert_eq!(task(&server, Method::GET, narrow, None).await.ok()["count"], 1);
        let wrong = json!({ "ids": [error], "action": "Continue Branch", "resolution": "" });
        message(task(&server, Method::POST, "/errors/resolve", Some(&wrong)).await, 400);
        let data = json!({ "sourceData": { "values": { "Name": "Ann" } } });
        task(&server, Method::PUT, &format!("/runs/{id}"), Some(&data)).await.ok();
        let retry = json!({ "ids": [error], "action": "Retry Task", "resolution": "repaired" });
        let resolved = task(&server, Method::POST, "/errors/resolve", Some(&retry)).await.ok();
        assert!(resolved["message"].as_str().unwrap().starts_with("Resolved task errors"));
        until(&server, &id, "Waiting").await;
        let cancelled = task(&server, Method::DELETE, &format!("/runs/{id}"), None).await.ok();
        assert_eq!(cancelled["message"], format!("Cancelled run #{id}."));
        until(&server, &id, "Cancelled").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_meets_the_guard_that_webhooks_meet() {
    let server = one().await;
    let mut tree = approve();
    tree["nodes"][1]["definitionId"] = json!("kapok_http_request_v1");
    for url in ["http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]/"] {
        tree["nodes"][1]["parameters"] = json!([{ "id": "url", "value": url }]);
        let name = format!("Reach {}", url.len());
        let body = json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "Group",
            "name": name, "type": "Tree", "status": "Active", "treeJson": tree });
        task(&server, Method::POST, "/trees", Some(&body)).await.ok();
        let query = format!("sourceName=Kinetic%20Request%20CE&sourceGroup=Group&name={name}");
        let path = format!("{TASK}/runs?{}", query.replace(' ', "%20"));
        let started = server.post(&path, &json!({ "values": {} })).await.ok();
        until(&server, started["runId"].as_str().unwrap(), "Error").await;
        let errors = task(&server, Method::GET, "/errors?status=Active", None).await.ok();
        let text = errors["errors"][0]["text"].as_str().unwrap();
        assert!(text.contains("is private") || text.contains("metadata"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_and_what_is_refused() {
    let server = one().await;
    server.plain_user().await;
    make(&server).await;
    let trees = format!("{TASK}/trees");
    assert_eq!(server.ask(PLAIN, Method::GET, &trees, None).await.status.as_u16(), 403);
    let path = "/run-tree/Kinetic%20Request%20CE/Group/Approve";
    server.ask(PLAIN, Method::POST, path, Some(&json!({}))).await.ok();
    assert_eq!(
        Answer::of(server.bare(Method::POST, "/app/api/v1/run-tree/a/b/c")).await.status,
        401
    );
    let missing = server.post("/run-tree/S/G/N", &json!({})).await;
    assert_eq!(message(missing, 404), "The \"S :: G :: N\" tree does not exist.");
    let unreadable = json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "G", "name": "N",
        "treeXml": "<tree>" });
    let refused = task(&server, Method::POST, "/trees", Some(&unreadable)).await;
    assert!(message(refused, 400).contains("line 1"));
    let troubled = json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "G", "name": "N",
        "treeJson": { "nodes": [{ "id": "start", "definitionId": "system_start_v1" },
            { "id": "a_1", "definitionId": "utilities_ecko_v1",
              "parameters": [{ "id": "input", "value": "<%= 1 + %>" }] }] } });
    let made = task(&server, Method::POST, "/trees", Some(&troubled)).await.ok();
    assert!(made["problems"].as_array().unwrap().len() >= 3, "{}", made["problems"]);
    let handlers = task(&server, Method::GET, "/handlers", None).await.ok();
    assert_eq!(handlers["handlers"][0]["definitionId"], "system_start_v1");
    for path in [
        "/sources",
        "/categories",
        "/engine",
        "/version",
        "/meta/availableErrorActions",
        "/meta/sourceAdapters",
        "/triggers/scheduled",
        "/triggers/backlog",
        "/triggers/paused",
    ] {
        task(&server, Method::GET, path, None).await.ok();
    }
}

/// A tree whose Return node answers a request; it waits first when asked to.
fn answering(waits: bool) -> Value {
    let node = |id: &str, definition: &str, parameters: Value| {
        let name = id;
        json!({ "id": id, "name": name, "definitionId": definition, "parameters": parameters })
    };
    let first = if waits {
        node("w_1", "utilities_defer_v1", json!([]))
    } else {
        node("w_1", "system_noop_v1", json!([]))
    };
    json!({
        "nodes": [
            node("start", "system_start_v1", json!([])),
            first,
            node("r_2", "system_tree_return_v1", json!([
                { "id": "content", "value": "{\"who\": \"<%= @requested_by['Username'] %>\", \
                    \"what\": \"<%= @request_query_params['id'] %>\"}" },
                { "id": "content_type", "value": "application/json" },
                { "id": "response_code", "value": "202" },
                { "id": "headers_json", "value": "{\"X-Answer\": \"yes\"}" },
            ])),
        ],
        "connectors": [{ "from": "start", "to": "w_1" }, { "from": "w_1", "to": "r_2" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_answers_requests() {
    for server in both().await {
        for (slug, waits) in [("order", false), ("slow", true)] {
            let api = json!({ "slug": slug, "method": "GET" });
            server.ask(ADMIN, Method::POST, "/app/api/v1/webApis", Some(&api)).await.ok();
            let tree = json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "WebApis",
                "name": slug, "treeJson": answering(waits) });
            task(&server, Method::POST, "/trees", Some(&tree)).await.ok();
        }
        let call = |path: &'static str| server.ask(ADMIN, Method::GET, path, None);
        let started = call("/app/webApis/order?id=7").await.ok();
        assert_eq!(started["messageType"], "success");
        let answer = call("/app/webApis/order?id=7&timeout=20").await;
        assert_eq!(answer.status.as_u16(), 202, "{}", answer.body);
        assert_eq!(answer.header("x-answer").unwrap(), "yes");
        assert_eq!(answer.body["what"], "7");
        let late = call("/app/webApis/slow?id=7&timeout=0").await;
        assert_eq!(late.status.as_u16(), 504, "{}", late.body);
        assert_eq!(late.body["errorKey"], "run_results_timeout");
        // No orphan: the run is there, and waits.
        let run = late.body["runId"].as_str().unwrap().to_owned();
        until(&server, &run, "Waiting").await;
        for (path, status) in [
            ("/app/webApis/none", 404),
            ("/app/webApis/order?timeout=31", 400),
            ("/app/kapps/services/webApis/order", 404),
        ] {
            assert_eq!(call(path).await.status.as_u16(), status, "{path}");
        }
        let wrong = server.ask(ADMIN, Method::POST, "/app/webApis/order", None).await;
        assert_eq!(wrong.status.as_u16(), 405);
        let policy = json!({ "securityPolicies":
            [{ "endpoint": "Execution", "name": "Space Admins" }] });
        let path = "/app/api/v1/webApis/order";
        server.ask(ADMIN, Method::PUT, path, Some(&policy)).await.ok();
        server.plain_user().await;
        let refused = server.ask(PLAIN, Method::GET, "/app/webApis/order", None).await;
        assert_eq!(refused.status.as_u16(), 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_versions_and_resolutions_answer() {
    let server = one().await;
    make(&server).await;
    let schedule = json!({ "name": "nightly", "sourceName": "Kinetic Request CE",
        "sourceGroup": "Group", "treeName": "Approve", "cron": "30 2 * * *",
        "timeZone": "Europe/Berlin" });
    let made = task(&server, Method::POST, "/schedules", Some(&schedule)).await.ok();
    assert_eq!(made["nextTimes"].as_array().unwrap().len(), 5);
    let off = json!({ "enabled": false });
    let off = task(&server, Method::PUT, "/schedules/nightly", Some(&off)).await.ok();
    assert_eq!((off["nextAt"].clone(), off["treeName"].clone()), (Value::Null, "Approve".into()));
    let listed = task(&server, Method::GET, "/schedules", None).await.ok();
    assert_eq!(listed["schedules"].as_array().unwrap().len(), 1);
    task(&server, Method::DELETE, "/schedules/nightly", None).await.ok();

    let path = format!("/trees/{TITLE}/versions");
    let versions = task(&server, Method::GET, &path, None).await.ok();
    assert_eq!(versions["versions"][0]["isInForce"], true);
    let path = format!("/trees/{TITLE}/counts");
    assert_eq!(task(&server, Method::GET, &path, None).await.ok()["total"], 0);
    let missing = task(&server, Method::GET, "/trees/missing", None).await.ok();
    assert_eq!(missing["missing"], json!([]));
    let bad = json!({ "treeJson": { "nodes": [], "connectors": [] } });
    let found = task(&server, Method::POST, "/trees/validate", Some(&bad)).await.ok();
    assert!(found["problems"][0]["message"].as_str().unwrap().contains("no start node"));

    let all = json!({ "filter": { "tree": "Approve" }, "action": "Retry Task" });
    let preview = task(&server, Method::POST, "/resolutions/preview", Some(&all)).await.ok();
    assert_eq!(preview["count"], 0);
    let made = task(&server, Method::POST, "/resolutions", Some(&all)).await.ok();
    let path = format!("/resolutions/{}", made["id"].as_str().unwrap());
    assert_eq!(task(&server, Method::GET, &path, None).await.ok()["total"], 0);
    let none = json!({ "action": "Retry Task" });
    let refused = task(&server, Method::POST, "/resolutions", Some(&none)).await;
    assert!(message(refused, 400).contains("Say which errors"));
    assert_eq!(task(&server, Method::GET, "/errors/groups", None).await.ok()["groups"], json!([]));
}
