//! The fourteen rows of the conventional set: each action, performed through the API, starts a run
//! of the tree at its conventional path, and its job names the run's number.

use crate::harness::{Server, both, laptop, locations};
use crate::thread::{create_tree, run_of};
use serde_json::{Value, json};

/// One row: where its webhook lives and which tree it starts.
struct Row {
    kapp: Option<&'static str>,
    type_name: &'static str,
    event: &'static str,
    group: &'static str,
}

impl Row {
    /// Performs the action on both databases and finds its run.
    async fn check(self, action: impl AsyncFn(&Server)) {
        for server in both().await {
            server.laptop_form().await;
            server.post("/webhooks-conventional", &json!({})).await.ok();
            server.post("/kapps/services/webhooks-conventional", &json!({})).await.ok();
            create_tree(&server, self.group, self.event).await;
            action(&server).await;
            let job = self.job(&server).await;
            assert_eq!(job["status"], "Complete", "{job}");
            let run = run_of(&server, &job).await;
            assert_eq!(run["tree"]["sourceGroup"], self.group, "{run}");
            assert_eq!(run["tree"]["name"], self.event, "{run}");
        }
    }

    /// The one job of the action.
    async fn job(&self, server: &Server) -> Value {
        let scope = self.kapp.map(|kapp| format!("/kapps/{kapp}")).unwrap_or_default();
        let listed = server.get(&format!("{scope}/webhookJobs?limit=1000")).await.ok();
        let jobs = listed["webhookJobs"].as_array().unwrap().iter();
        let mut jobs: Vec<&Value> = jobs
            .filter(|job| {
                let event = job["event"].as_str().unwrap();
                job["type"] == self.type_name && event.ends_with(self.event)
            })
            .filter(|job| job["status"] == "Complete")
            .collect();
        assert_eq!(jobs.len(), 1, "{listed}");
        jobs.remove(0).clone()
    }
}

fn space(type_name: &'static str, event: &'static str, group: &'static str) -> Row {
    Row { kapp: None, type_name, event, group }
}

fn kapp(type_name: &'static str, event: &'static str, group: &'static str) -> Row {
    Row { kapp: Some("services"), type_name, event, group }
}

async fn create_user(server: &Server) {
    server.post("/users", &json!({ "username": "grace" })).await.ok();
}

async fn create_team(server: &Server) -> String {
    let made = server.post("/teams", &json!({ "name": "Managers" })).await.ok();
    format!("/teams/{}", made["team"]["slug"].as_str().unwrap())
}

async fn submit(server: &Server, path: &str, values: Value) {
    let body = json!({ "values": values, "coreState": "Draft" });
    let made = server.post(path, &body).await.ok();
    let id = made["submission"]["id"].as_str().unwrap().to_owned();
    server.put(&format!("/submissions/{id}"), &json!({ "coreState": "Submitted" })).await.ok();
}

fn renamed(mut form: Value, slug: &str) -> Value {
    form["slug"] = json!(slug);
    form["name"] = json!(slug);
    form
}

const LAPTOP: &str = "/kapps/services/forms/laptop/submissions";
const LOCATIONS: &str = "/datastore/forms/locations/submissions";

#[tokio::test(flavor = "multi_thread")]
async fn users_created() {
    space("User", "Created", "Users").check(async |server| create_user(server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_updated() {
    let row = space("User", "Updated", "Users");
    row.check(async |server| {
        create_user(server).await;
        server.put("/users/grace", &json!({ "displayName": "Grace" })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_deleted() {
    let row = space("User", "Deleted", "Users");
    row.check(async |server| {
        create_user(server).await;
        server.delete("/users/grace").await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn team_created() {
    let row = space("Team", "Created", "Teams");
    row.check(async |server| {
        create_team(server).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn team_updated() {
    let row = space("Team", "Updated", "Teams");
    row.check(async |server| {
        let path = create_team(server).await;
        server.put(&path, &json!({ "description": "They approve." })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn team_deleted() {
    let row = space("Team", "Deleted", "Teams");
    row.check(async |server| {
        let path = create_team(server).await;
        server.delete(&path).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_form_created() {
    let row = space("Datastore Form", "Created", "Datastore Forms > cities");
    row.check(async |server| {
        server.post("/datastore/forms", &renamed(locations(), "cities")).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_form_updated() {
    let row = space("Datastore Form", "Updated", "Datastore Forms > locations");
    row.check(async |server| {
        server.put("/datastore/forms/locations", &json!({ "notes": "Keep it short." })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_submission_created() {
    let row = space("Datastore Submission", "Created", "Datastore Submissions > locations");
    row.check(async |server| submit(server, LOCATIONS, json!({ "Name": "Osaka" })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datastore_submission_submitted() {
    let row = space("Datastore Submission", "Submitted", "Datastore Submissions > locations");
    row.check(async |server| submit(server, LOCATIONS, json!({ "Name": "Osaka" })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_created() {
    let row = kapp("Form", "Created", "services > desk");
    row.check(async |server| {
        server.post("/kapps/services/forms", &renamed(laptop(), "desk")).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_updated() {
    let row = kapp("Form", "Updated", "services > laptop");
    row.check(async |server| {
        server.put("/kapps/services/forms/laptop", &json!({ "description": "New" })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_created() {
    let row = kapp("Submission", "Created", "Submissions > services > laptop");
    row.check(async |server| submit(server, LAPTOP, json!({ "Model": "Light 13" })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_submitted() {
    let row = kapp("Submission", "Submitted", "Submissions > services > laptop");
    row.check(async |server| submit(server, LAPTOP, json!({ "Model": "Light 13" })).await).await;
}
