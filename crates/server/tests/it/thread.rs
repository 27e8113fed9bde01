//! The red thread: a submission leads to an event, the event to a job, the job to a run, and every
//! place on the way names the next.

use crate::harness::{Answer, Server, assert_holds, both};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The workflow source of the conventional trees.
const SOURCE: &str = "Kinetic Request CE";
/// The workflow engine's routes.
pub const TASK: &str = "/app/components/task/app/api/v2";

/// Creates a tree of a start and an echo of the whole source data's event action.
pub async fn create_tree(server: &Server, group: &str, name: &str) {
    let tree = json!({
        "sourceName": SOURCE,
        "sourceGroup": group,
        "name": name,
        "type": "Tree",
        "status": "Active",
        "treeJson": {
            "builderVersion": "",
            "schemaVersion": "1.0",
            "version": "",
            "lastId": 1,
            "name": name,
            "notes": "",
            "connectors": [
                { "from": "start", "to": "utilities_echo_v1_1", "type": "Complete",
                  "label": "", "value": "" },
            ],
            "nodes": [
                node("start", "Start", "system_start_v1", &json!([])),
                node("utilities_echo_v1_1", "Say", "utilities_echo_v1", &json!([
                    { "id": "input", "value": "<%= @event['Action'] %>", "label": "Input",
                      "menu": "", "required": true },
                ])),
            ],
        },
    });
    server.post(&format!("{TASK}/trees"), &tree).await.ok();
}

fn node(id: &str, name: &str, definition: &str, parameters: &Value) -> Value {
    json!({
        "id": id,
        "name": name,
        "definitionId": definition,
        "version": 1,
        "configured": true,
        "defers": false,
        "deferrable": false,
        "visible": true,
        "position": { "x": 0, "y": 0 },
        "messages": [],
        "parameters": parameters,
        "dependents": "",
    })
}

/// The run whose number a job's response holds, once it has finished.
pub async fn run_of(server: &Server, job: &Value) -> Value {
    let response: Value = serde_json::from_str(job["responseContent"].as_str().unwrap()).unwrap();
    let message = response["message"].as_str().unwrap();
    assert!(message.starts_with("Initiated run #"), "{response}");
    let id = response["run"]["id"].as_i64().unwrap();
    let path = format!("{TASK}/runs/{id}?include=details,tasks,sourceData,tree");
    eventually("the end of the run", async || {
        let run = server.get(&path).await.ok();
        let tasks = run["tasks"].as_array().unwrap();
        let done = tasks.len() == 2 && tasks.iter().all(|task| task["status"] == "Closed");
        done.then_some(run)
    })
    .await
}

/// Asks until there is an answer; a server in the same process needs no more than moments.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen within ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_leads_to_an_event_a_job_and_a_run() {
    for server in both().await {
        server.laptop_form().await;
        server.post("/kapps/services/webhooks-conventional", &json!({})).await.ok();
        create_tree(&server, "Submissions > services > laptop", "Submitted").await;
        let body = json!({ "values": { "Model": "Light 13" } });
        let path = "/kapps/services/forms/laptop/submissions?completed=true";
        let made = server.post(path, &body).await.ok();
        let id = made["submission"]["id"].as_str().unwrap();

        let query = format!("/kapps/services/webhookJobs?parentType=Submission&parentKey={id}");
        let jobs = server.get(&query).await.ok();
        let submitted = jobs["webhookJobs"].as_array().unwrap().iter();
        let mut submitted = submitted.filter(|job| job["status"] == "Complete");
        let job = submitted.next().expect("a job that is done");
        let sent: Value = serde_json::from_str(job["requestContent"].as_str().unwrap()).unwrap();
        assert_holds(
            &sent,
            &json!({
                "event": { "type": "Submission", "action": "Submitted" },
                "kapp": { "slug": "services" },
                "form": { "slug": "laptop", "attributes": { "Owner": ["IT"] } },
                "submission": { "id": id, "coreState": "Submitted", "label": "Light 13 please" },
                "values": { "Model": "Light 13" },
            }),
        );
        let run = run_of(&server, job).await;
        assert_eq!(run["sourceId"], id);
        let said = &run["tasks"][1]["results"]["output"];
        assert_eq!(said, "Submitted", "{run}");

        let path =
            format!("/webhookJobs/{}?include=details,event,run", job["id"].as_str().unwrap());
        let detail = server.get(&path).await.ok();
        let event = detail["webhookJob"]["eventId"].as_str().expect("the job names its event");
        let event = server.get(&format!("/events/{event}")).await.ok();
        let verdicts = event["event"]["verdicts"].as_array().unwrap();
        assert!(verdicts.iter().any(|verdict| verdict["jobId"] == job["id"]), "{event}");
        assert_eq!(event["event"]["runs"][0]["id"], run["id"], "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_throws_is_told_on_the_event() {
    for server in both().await {
        server.laptop_form().await;
        let webhook = json!({
            "name": "Wrong",
            "type": "Submission",
            "event": "Submitted",
            "filter": "values('Model').nothing.there",
            "url": "/app/api/v1/run-tree/S/G/N",
        });
        server.post("/kapps/services/webhooks", &webhook).await.ok();
        let body = json!({ "values": { "Model": "Light 13" } });
        let path = "/kapps/services/forms/laptop/submissions?completed=true";
        server.post(path, &body).await.ok();
        let events = server.get("/events?type=Submission&event=Submitted").await.ok();
        let event = events["events"][0]["id"].as_str().unwrap();
        let event = server.get(&format!("/events/{event}")).await.ok();
        let verdict = &event["event"]["verdicts"][0];
        assert_eq!(verdict["verdict"], "filter_error", "{event}");
        assert!(verdict["message"].as_str().is_some_and(|text| !text.is_empty()), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tree_is_told_in_the_documented_words() {
    for server in both().await {
        server.laptop_form().await;
        server.post("/webhooks-conventional", &json!({})).await.ok();
        server.post("/users", &json!({ "username": "grace" })).await.ok();
        let jobs = server.get("/webhookJobs?status=failed").await.ok();
        let job = &jobs["webhookJobs"][0];
        let expected = format!("The \"{SOURCE} :: Users :: Created\" tree does not exist.");
        let response: Value =
            serde_json::from_str(job["responseContent"].as_str().unwrap()).unwrap();
        assert_eq!(response, json!({ "message": expected }));
        assert_holds(job, &json!({ "status": "Failed", "summary": "404 Not Found" }));
        let path = "/app/api/v1/run-tree/Kinetic%20Request%20CE/Users/Created";
        let direct = server.ask(crate::harness::ADMIN, Method::POST, path, Some(&json!({}))).await;
        let Answer { status, body, .. } = direct;
        assert_eq!((status.as_u16(), body), (404, json!({ "message": expected })));
    }
}
