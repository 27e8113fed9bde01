//! The demo company: what a first look finds is there, did happen, and can be repaired.

use crate::harness::{ADMIN, Answer, Server, assert_holds, config};
use crate::thread::{TASK, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use server::config::Config;
use server::serve::{self, Running};

/// The company's own handler.
const PAGER: &str = "/app/api/v2/handlers/acme_page_send_v1";

/// The demo on each database.
async fn demos() -> Vec<Server> {
    let mut servers = Vec::new();
    for store in testkit::both().await {
        servers.push(Server::with(store, |config| config.demo = true).await);
    }
    servers
}

/// The runs of a tree, once there are so many, oldest first.
async fn runs(server: &Server, group: &str, count: usize) -> Vec<i64> {
    let path = format!("{TASK}/runs?group={}&orderBy=id&direction=ASC", group.replace(' ', "%20"));
    eventually(&format!("{count} runs of {group}"), async || {
        let list = server.get(&path).await.ok();
        let ids: Vec<i64> =
            list["runs"].as_array()?.iter().filter_map(|run| run["id"].as_i64()).collect();
        (ids.len() == count).then_some(ids)
    })
    .await
}

/// A run, once it is in a state.
async fn until(server: &Server, run: i64, state: &str) -> Value {
    let path = format!("{TASK}/runs/{run}?include=tasks,children,outputs,inputs,errors");
    eventually(&format!("run {run} being {state}"), async || {
        let run = server.get(&path).await.ok();
        (run["state"] == state).then_some(run)
    })
    .await
}

fn tasks<'a>(run: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = run["tasks"].as_array().expect("tasks");
    all.iter().filter(|task| task["nodeName"] == name).collect()
}

#[track_caller]
fn only<'a>(run: &'a Value, name: &str) -> &'a Value {
    let found = tasks(run, name);
    assert_eq!(found.len(), 1, "{name}: {run:#}");
    found[0]
}

/// The body that a node's call was answered with.
#[track_caller]
fn answered(run: &Value, name: &str) -> Value {
    let body = only(run, name)["results"]["Response Body"].as_str().expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// Sends a form.
async fn submit(server: &Server, kapp: &str, form: &str, values: Value) {
    let path = format!("/kapps/{kapp}/forms/{form}/submissions?completed=true");
    let body = json!({ "values": values, "coreState": "Submitted" });
    server.post(&path, &body).await.ok();
}

/// The one open error, once it is there.
async fn open_error(server: &Server) -> Value {
    let path = format!("{TASK}/errors?status=Active&include=run");
    eventually("an open error", async || {
        let errors = server.get(&path).await.ok();
        (errors["count"] == 1).then(|| errors["errors"][0].clone())
    })
    .await
}

/// Opens the approval of somebody's laptop and decides about it.
async fn decide(server: &Server, who: &str, decision: &str) {
    let open = server.get("/approvals?scope=all&include=values").await.ok();
    let open = open["submissions"].as_array().expect("approvals");
    let ours = |row: &&Value| row["values"]["Request"].as_str().is_some_and(|r| r.contains(who));
    let id = open.iter().find(ours).unwrap_or_else(|| panic!("{open:?}"))["id"].as_str().unwrap();
    let body = json!({ "coreState": "Submitted", "values": { "Decision": decision } });
    server.put(&format!("/submissions/{id}"), &body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_goes_from_its_approval_over_parallel_branches_to_the_end() {
    for server in demos().await {
        // The first request is approved by the demo itself; the supplier was busy twice.
        let group = "Submissions > services > laptop";
        let first = runs(&server, group, 2).await[0];
        let first = until(&server, first, "Complete").await;
        let order = only(&first, "Order the laptop");
        assert_eq!(order["results"]["Response Code"], "200", "{order:#}");
        let told = order["messages"].to_string();
        assert_eq!(told.matches("503").count(), 2, "{told}");

        // A request of our own waits for its approval, with a reminder planned for tomorrow.
        let values = json!({ "Requested For": "Ines Duarte", "Location": "Lisbon",
            "Model": "Light 13", "Accessories": ["Dock", "Monitor", "Headset"], "Reason": "New." });
        submit(&server, "services", "laptop", values).await;
        let run = runs(&server, group, 3).await[2];
        let waiting = until(&server, run, "Waiting").await;
        let reminder = only(&waiting, "Plan a reminder")["results"]["run_id"].to_string();
        let reminder = reminder.trim_matches('"').parse().unwrap();
        let reminder = until(&server, reminder, "Waiting").await;
        assert_eq!(tasks(&reminder, "Wait a day").len(), 1, "{reminder:#}");
        assert!(tasks(&waiting, "Order the laptop").is_empty(), "{waiting:#}");

        // An update of what it waits for is noted, and it waits on.
        let token = only(&waiting, "Wait for approval")["token"].as_str().unwrap();
        let path = format!("{TASK}/runs/task/{token}");
        server.put(&path, &json!({ "message": "Nobody has decided." })).await.ok();
        eventually("the note of the reminder", async || {
            let run = until(&server, run, "Waiting").await;
            (tasks(&run, "Note the reminder").len() == 1).then_some(())
        })
        .await;

        decide(&server, "Ines Duarte", "Approve").await;
        let done = until(&server, run, "Complete").await;
        for branch in ["Open a ticket for IT", "Order the laptop", "Book a desk"] {
            only(&done, branch);
        }
        assert_eq!(only(&done, "Book a desk")["results"]["Desk"], "Lisbon 2.14");
        assert!(tasks(&done, "Close as denied").is_empty());
        // The loop has as many iterations as there are accessories, each a run of the routine.
        let items = tasks(&done, "Order the accessory");
        let mut places: Vec<&str> = items.iter().filter_map(|t| t["loopIndex"].as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, ["/10#0", "/10#1", "/10#2"], "{done:#}");
        let children = done["children"].as_array().unwrap();
        let routines = children.iter().filter(|child| child["tree"]["name"] == "Order item");
        let mut ordered = Vec::new();
        for child in routines {
            let child = until(&server, child["id"].as_i64().unwrap(), "Complete").await;
            assert!(child["outputs"]["Order Number"].as_str().unwrap().starts_with("PO-"));
            ordered.push(child["inputs"]["Item"].as_str().unwrap().to_owned());
        }
        ordered.sort_unstable();
        assert_eq!(ordered, ["Dock", "Headset", "Monitor"]);
        // Only then purchasing is told, of all of them.
        let told = only(&done, "Tell purchasing")["inputs"]["body"].as_str().unwrap();
        let told: Value = serde_json::from_str(told).unwrap();
        assert_eq!(told["accessories"].as_array().unwrap().len(), 3, "{told}");
        assert_eq!(told["desk"], "Lisbon 2.14");
        assert_eq!(answered(&done, "Tell purchasing")["received"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broken_badge_printer_is_repaired_and_its_error_retried() {
    for server in demos().await {
        let error = open_error(&server).await;
        assert_holds(
            &error,
            &json!({ "type": "Handler Error", "nodeId": "kapok_http_request_v1_1" }),
        );
        assert!(error["text"].to_string().contains("500"), "{error:#}");
        let run = error["runId"].as_i64().unwrap();
        let retry = async || {
            let error = open_error(&server).await["id"].clone();
            let retry = json!({ "ids": [error], "action": "Retry Task", "resolution": "again" });
            server.post(&format!("{TASK}/errors/resolve"), &retry).await.ok();
            error
        };

        // A retry before the repair ends in a new error.
        let before = retry().await;
        eventually("another error", async || {
            (open_error(&server).await["id"] != before).then_some(())
        })
        .await;

        submit(&server, "queue", "refill", json!({ "Cards": "100" })).await;
        let refill = runs(&server, "Submissions > queue > refill", 1).await[0];
        until(&server, refill, "Complete").await;
        retry().await;
        let done = until(&server, run, "Complete").await;
        assert_eq!(answered(&done, "Print the badge")["printed"], true);
        let errors = server.get(&format!("{TASK}/errors?status=Active")).await.ok();
        assert_eq!(errors["count"], 0, "{errors:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_and_callers_start_trees() {
    for server in demos().await {
        let schedules = server.get(&format!("{TASK}/schedules")).await.ok();
        let digest = &schedules["schedules"][0];
        assert_holds(
            digest,
            &json!({ "name": "Daily digest", "timeZone": "Europe/Lisbon", "enabled": true }),
        );
        assert!(digest["nextAt"].as_str().is_some_and(|at| !at.is_empty()), "{digest:#}");
        // What it will start works today.
        let path = format!(
            "{TASK}/runs?sourceName=Kinetic%20Request%20CE&sourceGroup=Reports&name=Daily%20digest"
        );
        let data = json!({ "schedule": { "scheduledAt": "2026-01-01T07:00:00Z" } });
        let started = server.post(&path, &data).await.ok();
        let run = started["runId"].as_str().unwrap().parse().unwrap();
        let done = until(&server, run, "Complete").await;
        let ticket = only(&done, "Leave the digest")["inputs"]["values.Summary"].to_string();
        assert!(ticket.contains("approvals are open"), "{ticket}");

        let stock = server.get("/app/webApis/laptops?timeout=20").await.ok();
        let expected = json!([
            { "model": "Light 13", "inStock": 4 },
            { "model": "Standard 14", "inStock": 11 },
            { "model": "Workstation 16", "inStock": 2 },
        ]);
        assert_eq!(stock, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_pages_through_a_handler_of_the_company() {
    for server in demos().await {
        // The other ticket is that of the laptop which the demo approves.
        let run = runs(&server, "Submissions > queue > help-desk-ticket", 2).await[0];
        let done = until(&server, run, "Complete").await;
        let page = only(&done, "Page the person on call");
        assert_holds(
            page,
            &json!({ "definitionId": "acme_page_send_v1", "results": { "Paged": "Aiko Mori" } }),
        );
        let handler = server.get(&format!("{TASK}/handlers/acme_page_send_v1")).await.ok();
        assert_holds(&handler, &json!({ "external": true, "needsUrl": false }));
        let connections =
            server.ask(ADMIN, Method::GET, "/app/integrator/api/connections", None).await.ok();
        assert!(connections.to_string().contains("\"Facilities\""), "{connections}");
        let usage = server.get(&format!("{TASK}/handlers/acme_page_send_v1/usage")).await.ok();
        assert_eq!(usage["totalNodes"], 1, "{usage}");
        let trees = server.get(&format!("{TASK}/trees?limit=1000")).await.ok();
        for tree in trees["trees"].as_array().unwrap() {
            assert_eq!(tree["problems"], json!([]), "{tree}");
        }
    }
}

/// A document of a server that a test starts and stops itself.
async fn read(running: &Running, path: &str) -> Value {
    let url = format!("http://{}{path}", running.address);
    let request = reqwest::Client::new().request(Method::GET, url);
    Answer::of(request.basic_auth(ADMIN.0, Some(ADMIN.1))).await.ok()
}

/// Where the receiver is called, as connection and handler have it.
async fn addresses(running: &Running) -> Vec<String> {
    let mut addresses = Vec::new();
    for path in ["/app/integrator/api/connections", PAGER] {
        let text = read(running, path).await.to_string();
        let found = text.split('"').filter(|part| part.starts_with("http://127.0.0.1:"));
        addresses.extend(found.map(str::to_owned));
    }
    addresses
}

/// The next start may have another port; what calls the receiver has to follow it, but for what
/// somebody has pointed elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn connection_and_handler_find_the_receiver_after_a_restart() {
    for store in testkit::both().await {
        let demo = || Config { demo: true, ..config(store.options()) };
        let first = serve::start(demo()).await.unwrap();
        let before = addresses(&first).await;
        first.stop().await;
        let second = serve::start(demo()).await.unwrap();
        let after = addresses(&second).await;
        assert_eq!((before.len(), after.len()), (2, 2), "{before:?} {after:?}");
        let port = |url: &String| url::Url::parse(url).unwrap().port();
        assert_eq!(port(&after[0]), port(&after[1]), "{after:?}");
        let receiver = reqwest::Client::new().post(&after[1]).send().await.unwrap();
        assert_eq!(receiver.status(), 200, "{after:?}");
        let url = format!("http://{}{PAGER}", second.address);
        let own = json!({ "url": "http://127.0.0.2:8999/mine" });
        let put = reqwest::Client::new().put(&url).basic_auth(ADMIN.0, Some(ADMIN.1)).json(&own);
        Answer::of(put).await.ok();
        second.stop().await;
        let third = serve::start(demo()).await.unwrap();
        assert_eq!(read(&third, PAGER).await["url"], own["url"]);
        third.stop().await;
    }
}

/// What the demo brought in, counted.
async fn counted(running: &Running) -> Vec<usize> {
    let mut counts = Vec::new();
    for (path, list) in [
        ("/app/api/v2/trees?limit=1000", "trees"),
        ("/app/api/v2/schedules", "schedules"),
        ("/app/api/v1/webApis", "webApis"),
        ("/app/api/v2/handlers?limit=1000", "handlers"),
        ("/app/api/v1/users", "users"),
        ("/app/api/v1/webhooks", "webhooks"),
        ("/app/api/v1/kapps/services/forms", "forms"),
        ("/app/api/v1/datastore/forms/stock/submissions", "submissions"),
        ("/app/api/v1/kapps/services/forms/laptop/submissions", "submissions"),
        ("/app/api/v2/runs?groupFragment=laptop&limit=1000", "runs"),
        ("/app/api/v2/runs?groupFragment=badge&limit=1000", "runs"),
    ] {
        let answer = read(running, path).await;
        let rows = answer[list].as_array().unwrap_or_else(|| panic!("{path}: {answer}"));
        assert!(!rows.is_empty(), "{path}");
        counts.push(rows.len());
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_adds_nothing() {
    for store in testkit::both().await {
        let demo = || Config { demo: true, ..config(store.options()) };
        let first = serve::start(demo()).await.unwrap();
        let before = counted(&first).await;
        first.stop().await;
        let second = serve::start(demo()).await.unwrap();
        assert_eq!(counted(&second).await, before);
        second.stop().await;
    }
}
