//! Webhooks, their jobs and the events behind them, over the whole way: a change through the API,
//! its event, the verdicts, the job, the request on the wire.

use crate::harness::{PLAIN, Server, assert_holds, both, one};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SUBMISSIONS: &str = "/kapps/services/forms/laptop/submissions";

/// Answers every connection's one request with a status and passes its text on.
async fn receiver(status: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut text = Vec::new();
            let mut chunk = [0; 65_536];
            while !is_whole(&text) {
                let n = stream.read(&mut chunk).await.unwrap();
                assert!(n > 0, "the request arrives whole");
                text.extend_from_slice(&chunk[..n]);
            }
            let answer =
                format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await.unwrap();
            sender.send(String::from_utf8(text).unwrap()).unwrap();
        }
    });
    (address, received)
}

fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
    body.len() >= length.unwrap().parse::<usize>().unwrap()
}

/// Waits, on the server's own live stream, until the first listed job is in this status.
async fn job_in(server: &Server, query: &str, status: &str) -> Value {
    let request = server.bare(Method::GET, "/app/api/v1/stream");
    let (name, password) = crate::harness::ADMIN;
    let mut stream = request.basic_auth(name, Some(password)).send().await.unwrap();
    loop {
        let mut listed = server.get(&format!("/webhookJobs?all&{query}")).await.ok();
        let job = listed["webhookJobs"][0].take();
        if job["status"] == status {
            return job;
        }
        stream.chunk().await.unwrap().expect("the stream goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_created_read_changed_listed_and_deleted() {
    for server in both().await {
        server.laptop_form().await;
        for base in ["/webhooks", "/kapps/services/webhooks"] {
            let webhook = json!({
                "name": "On form / created",
                "type": "Form Created",
                "event": "Form Created",
                "filter": "form('slug') == 'laptop'",
                "url": "https://example.com/hook?form=${form('slug')}",
                "authStrategy": {"type": "Signature", "properties": [
                    {"name": "Key", "value": "k"}, {"name": "Secret", "value": "hush"},
                ]},
            });
            let made = server.post(&format!("{base}?include=details"), &webhook).await.ok();
            let made = &made["webhook"];
            assert_holds(made, &json!({"type": "Form", "event": "Created", "enabled": true}));
            assert_eq!(made["createdBy"], "admin");
            assert!(!made.to_string().contains("hush"), "the secret is never given out");

            let one = format!("{base}/On%20form%20%2F%20created");
            let change = json!({"name": "Renamed", "filter": ""});
            let changed = server.put(&one, &change).await.ok();
            assert_holds(&changed["webhook"], &change);
            assert_eq!(changed["webhook"]["url"], webhook["url"], "PUT is partial");
            server.get(&one).await.refused(404);
            let read = server.get(&format!("{base}/Renamed")).await.ok();
            assert_eq!(read["webhook"]["filter"], "");
            let listed = server.get(base).await.ok();
            assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);
            let again = json!({"name": "Renamed", "type": "Form", "event": "Updated", "url": "/x"});
            let taken = server.post(base, &again).await;
            assert_eq!(taken.body["errorKey"], "uniqueness_violation");
            taken.refused(400);
            let gone = server.delete(&format!("{base}/Renamed")).await.ok();
            assert_eq!(gone["webhook"]["name"], "Renamed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_work_is_refused_with_every_reason() {
    let server = one().await;
    server.laptop_form().await;
    let message = server.post("/kapps/services/webhooks", &json!({"name": "x"})).await.refused(400);
    let expect = "Invalid Webhook.\n    Type must not be blank\n    Event must not be blank\n    \
        Url must not be blank";
    assert_eq!(message, expect);
    let wrong = json!({
        "name": "x", "type": "Submission", "event": "Approved",
        "filter": "values('A' ==", "url": "http://10.0.0.1/",
    });
    let message = server.post("/kapps/services/webhooks", &wrong).await.refused(400);
    for reason in [
        "Event \"Approved\" does not exist for the type Submission; there are Created, Updated, ",
        "Filter is not a valid expression: ",
        "(line 1, column ",
        "Url cannot be called: The address 10.0.0.1 is private",
    ] {
        assert!(message.contains(reason), "{reason}\n{message}");
    }
    let misspelt = json!({"name": "x", "fliter": "1"});
    let message = server.post("/webhooks", &misspelt).await.refused(400);
    assert_eq!(message, "Unknown property \"fliter\"; did you mean \"filter\"?");
    let message = server.get("/kapps/nothing/webhooks").await.refused(404);
    assert_eq!(message, "Unable to locate the nothing Kapp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_reaches_an_outside_url_and_its_job_tells_all() {
    for server in both().await {
        server.laptop_form().await;
        let (address, mut received) = receiver("200 OK").await;
        let webhook = json!({
            "name": "out", "type": "Submission", "event": "Submitted",
            "filter": "values('Model') == 'Light 13'",
            "url": format!("http://{address}/hook/${{form('slug')}}"),
        });
        server.post("/kapps/services/webhooks", &webhook).await.ok();
        let submit = json!({"values": {"Model": "Light 13"}});
        let submission = server.post(&format!("{SUBMISSIONS}?completed=true"), &submit).await.ok();
        let id = submission["submission"]["id"].as_str().unwrap();
        let request = received.recv().await.unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook/laptop HTTP/1.1"), "{head}");
        let sent: Value = serde_json::from_str(body).unwrap();
        let expect = json!({
            "event": {"type": "Submission", "action": "Submitted"},
            "space": {"slug": "kapok"}, "kapp": {"slug": "services"}, "form": {"slug": "laptop"},
            "submission": {"id": id, "coreState": "Submitted"}, "values": {"Model": "Light 13"},
        });
        assert_holds(&sent, &expect);

        let job = job_in(&server, "webhook=out", "Complete").await;
        let expect = json!({
            "name": "out", "type": "Submission", "event": "Submission Submitted",
            "summary": "200 OK", "responseContent": "ok", "requestContent": body,
            "url": format!("http://{address}/hook/laptop"), "retryCount": 0,
            "scopeType": "Kapp", "kappSlug": "services", "parentId": id,
        });
        assert_holds(&job, &expect);
        let one = format!("/webhookJobs/{}", job["id"].as_str().unwrap());
        let include = "include=details,attempts,event,run,request";
        let single = server.get(&format!("{one}?{include}")).await.ok();
        let attempt = &single["webhookJob"]["attempts"][0];
        assert_holds(attempt, &json!({"number": 1, "responseStatus": 200, "requestBody": body}));
        assert_eq!(attempt["address"], address.to_string());
        server.get(&format!("/kapps/services{one}")).await.ok();

        // The filter did not hold for Created, which has no webhook, and the event says so.
        let events = server.get("/events?type=Submission&event=Submitted").await.ok();
        let event = &events["events"][0];
        let counts = json!({"fired": 1, "notMatched": 0, "errors": 0});
        assert_holds(event, &json!({"kappSlug": "services", "jobs": 1, "verdicts": counts}));
        let whole = server.get(&format!("/events/{}", event["id"].as_str().unwrap())).await.ok();
        let verdicts = json!([{"webhook": "out", "scope": "Kapp", "verdict": "fired",
            "kappSlug": "services", "jobId": job["id"]}]);
        assert_holds(&whole["event"], &json!({"verdicts": verdicts, "payload": sent}));
        assert_eq!(whole["event"]["jobs"][0]["id"], job["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_by_everything_that_is_documented() {
    for server in both().await {
        server.laptop_form().await;
        let failing = |name: &str, event: &str| {
            json!({"name": name, "type": "Submission", "event": event,
                "url": "/app/api/v1/run-tree/A/B/C"})
        };
        server.post("/kapps/services/webhooks", &failing("of kapp", "Created")).await.ok();
        server.post("/webhooks", &failing("of space", "Created")).await.ok();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let submit = json!({"values": {"Model": "m"}, "coreState": "Draft"});
            let made = server.post(SUBMISSIONS, &submit).await.ok();
            ids.push(made["submission"]["id"].as_str().unwrap().to_owned());
        }
        let count =
            async |path: &str| server.get(path).await.ok()["webhookJobs"].as_array().unwrap().len();
        assert_eq!(count("/webhookJobs").await, 3, "the space's own");
        assert_eq!(count("/webhookJobs?all=true").await, 6);
        assert_eq!(count("/kapps/services/webhookJobs").await, 3);
        for (query, expect) in [
            ("status=failed", 6),
            ("status=FAILED,queued", 6),
            ("status=Queued", 0),
            ("webhook=of%20kapp", 3),
            ("type=Form", 0),
            ("start=2026-01-01T00:00:00Z", 6),
            ("end=2026-01-01T00:00:00Z", 0),
            ("q=run-tree", 6),
            ("q=100%25", 0),
        ] {
            assert_eq!(count(&format!("/webhookJobs?all&{query}")).await, expect, "{query}");
        }
        let of_record = format!("/webhookJobs?all&parentType=Submission&parentKey={}", ids[0]);
        assert_eq!(count(&of_record).await, 2);

        let mut seen = Vec::new();
        let mut path = "/webhookJobs?all&limit=4".to_owned();
        loop {
            let page = server.get(&path).await.ok();
            for job in page["webhookJobs"].as_array().unwrap() {
                seen.push((job["scheduledAt"].to_string(), job["id"].to_string()));
            }
            let Some(token) = page["nextPageToken"].as_str() else { break };
            path = format!("/webhookJobs?all&limit=4&pageToken={token}");
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.windows(2).all(|w| w[0] > w[1]), "newest first, none twice: {seen:?}");

        let counts = server.get("/webhookJobs/counts?all").await.ok();
        assert_holds(&counts["counts"], &json!({"all": 6, "failed": 6, "queued": 0}));
        for (query, says) in [
            ("status=INVALID", "There is no status \"INVALID\""),
            ("webhook=", "The webhook parameter must not be blank"),
            ("parentType=Form", "must be given together"),
            ("start=yesterday", "The start parameter must be a time"),
            ("limit=0", "must be between 1 and 1000"),
            ("pageToken=x", "pageToken"),
        ] {
            let message = server.get(&format!("/webhookJobs?{query}")).await.refused(400);
            assert!(message.contains(says), "{query}: {message}");
        }
        server.plain_user().await;
        let plain = server.ask(PLAIN, Method::GET, "/webhookJobs", None).await;
        plain.refused(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_mended_retried_and_cancelled() {
    for server in both().await {
        server.laptop_form().await;
        let webhook = json!({"name": "w", "type": "Submission", "event": "Created",
            "url": "/app/api/v1/run-tree/Nothing/Here/Yet"});
        server.post("/kapps/services/webhooks", &webhook).await.ok();
        let draft = json!({"values": {"Model": "m"}, "coreState": "Draft"});
        server.post(SUBMISSIONS, &draft).await.ok();
        let job = job_in(&server, "webhook=w", "Failed").await;
        assert_eq!(job["summary"], "404 Not Found");
        let answer = json!({"message": "The \"Nothing :: Here :: Yet\" tree does not exist."});
        assert_eq!(job["responseContent"], answer.to_string());

        let (address, mut received) = receiver("200 OK").await;
        let mended = json!({"url": format!("http://{address}/")});
        server.put("/kapps/services/webhooks/w", &mended).await.ok();
        let one = format!("/webhookJobs/{}", job["id"].as_str().unwrap());
        server.put(&one, &json!({"status": "Queued"})).await.ok();
        let body = received.recv().await.unwrap();
        assert!(body.contains("\"coreState\":\"Draft\""), "what is sent stays as it was");
        let job = job_in(&server, "webhook=w", "Complete").await;
        assert_eq!(job["url"], format!("http://{address}/"));

        let refused = server.put(&one, &json!({"status": "Cancelled"})).await.refused(400);
        assert!(refused.starts_with("Unable to put a webhook job in the status 'Complete' into"));
        let refused = server.put(&one, &json!({"status": "Done"})).await.refused(400);
        assert!(refused.starts_with("There is no status 'Done'"), "{refused}");
        server.delete(&one).await.ok();
        server.get(&one).await.refused(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_conventional_set_fires_for_its_action() {
    for server in both().await {
        let attributes = json!({"attributesMap": {"Task Source Name": ["Kinetic Request CE"]}});
        server.put("/space", &attributes).await.ok();
        server.post("/kapps", &json!({"slug": "services", "name": "Services"})).await.ok();
        let kapp = "/kapps/services/webhooks-conventional";
        let space = server.post("/webhooks-conventional", &json!({})).await.ok();
        assert_eq!(space["created"].as_array().unwrap().len(), 10);
        let made = server.post(kapp, &json!({})).await.ok();
        assert_eq!(made["created"].as_array().unwrap().len(), 4);
        let again = server.post(kapp, &json!({})).await.ok();
        assert_holds(&again, &json!({"created": []}));
        assert_eq!(again["skipped"].as_array().unwrap().len(), 4);

        act(&server).await;
        let listed = server.get("/webhookJobs?all&limit=100").await.ok();
        let mut paths: Vec<_> = listed["webhookJobs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| {
                let url = job["url"].as_str().unwrap();
                let path = url.strip_prefix("/app/api/v1/run-tree/Kinetic%20Request%20CE/");
                path.unwrap_or(url).replace("%20", " ").replace("%3E", ">")
            })
            .collect();
        paths.sort();
        paths.dedup();
        let expect = [
            "Datastore Forms > locations/Created",
            "Datastore Forms > locations/Updated",
            "Datastore Submissions > locations/Created",
            "Datastore Submissions > locations/Submitted",
            "Submissions > services > laptop/Created",
            "Submissions > services > laptop/Submitted",
            "Teams/Created",
            "Teams/Deleted",
            "Teams/Updated",
            "Users/Created",
            "Users/Deleted",
            "Users/Updated",
            "services > laptop/Created",
            "services > laptop/Updated",
        ];
        assert_eq!(paths, expect);
    }
}

/// Does everything the conventional set is about.
async fn act(server: &Server) {
    use crate::harness::{laptop, locations};
    server.post("/users", &json!({"username": "ann", "enabled": true})).await.ok();
    server.put("/users/ann", &json!({"displayName": "Ann"})).await.ok();
    server.delete("/users/ann").await.ok();
    let team = server.post("/teams", &json!({"name": "IT"})).await.ok();
    let team = format!("/teams/{}", team["team"]["slug"].as_str().unwrap());
    server.put(&team, &json!({"description": "Information"})).await.ok();
    server.delete(&team).await.ok();
    server.post("/datastore/forms", &locations()).await.ok();
    server.put("/datastore/forms/locations", &json!({"name": "Places"})).await.ok();
    let values = json!({"values": {"Name": "Osaka"}});
    server.post("/datastore/forms/locations/submissions?completed=true", &values).await.ok();
    server.post("/kapps/services/forms", &laptop()).await.ok();
    server.put("/kapps/services/forms/laptop", &json!({"name": "Laptops"})).await.ok();
    let values = json!({"values": {"Model": "m"}});
    server.post(&format!("{SUBMISSIONS}?completed=true"), &values).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_against_what_happened() {
    let server = one().await;
    server.laptop_form().await;
    let draft = |filter: &str, url: &str| {
        json!({"kappSlug": "services", "type": "Submission", "event": "Created",
            "filter": filter, "url": url})
    };
    let early = server.post("/webhook-test", &draft("", "/x")).await.refused(404);
    assert!(early.contains("make it happen once"), "{early}");
    let made = json!({"values": {"Model": "Light 13"}, "coreState": "Draft"});
    server.post(SUBMISSIONS, &made).await.ok();
    for (filter, url, expect) in [
        (
            "values('Model')",
            "https://example.com/${values('Model')}",
            json!({"verdict": "fired", "value": "Light 13", "message": null,
                "url": "https://example.com/Light%2013"}),
        ),
        (
            "values('Model') == 'x'",
            "/x",
            json!({"verdict": "not_matched", "value": false, "url": null}),
        ),
        ("nothing()", "/x", json!({"verdict": "filter_error"})),
        ("values(", "/x", json!({"verdict": "filter_error"})),
        ("", "/${values('Nothing')}", json!({"verdict": "url_error"})),
        ("while (true) {}", "/x", json!({"verdict": "filter_error"})),
        (
            "",
            "http://169.254.169.254/",
            json!({"verdict": "fired", "message": "The address 169.254.169.254 is \
                a cloud metadata service; only public addresses are called, and those that the \
                operator allows (KAPOK_ALLOW_CIDRS)"}),
        ),
    ] {
        let tried = server.post("/webhook-test", &draft(filter, url)).await.ok();
        assert_holds(&tried["test"], &expect);
        assert_eq!(tried["test"]["payload"]["values"]["Model"], "Light 13");
    }
    let saved = json!({"name": "saved", "type": "Submission", "event": "Created",
        "filter": "form('slug') == 'laptop'", "url": "/x"});
    server.post("/kapps/services/webhooks", &saved).await.ok();
    let tried = server.post("/kapps/services/webhooks/saved/test", &json!({})).await.ok();
    assert_eq!(tried["test"]["verdict"], "fired");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_and_the_dashboard_answer() {
    let server = one().await;
    let types = server.get("/meta/webhooks/types/kapp").await.ok();
    assert_eq!(types, json!(["Form", "Submission"]));
    let events = server.get("/meta/webhooks/events/space").await.ok();
    assert_eq!(events["Space"], json!(["Login Failure"]));
    let of = server.get("/meta/webhooks/events/space/Datastore%20Submission").await.ok();
    assert_eq!(of, json!(["Created", "Updated", "Deleted", "Saved", "Submitted"]));
    server.get("/meta/webhooks/events/form").await.refused(404);

    server.laptop_form().await;
    let webhook = json!({"name": "w", "type": "Submission", "event": "Created", "url": "/no"});
    server.post("/webhooks", &webhook).await.ok();
    let draft = json!({"values": {"Model": "m"}, "coreState": "Draft"});
    server.post(SUBMISSIONS, &draft).await.ok();
    let board = server.get("/dashboard?minutes=5").await.ok()["dashboard"].take();
    assert_holds(
        &board,
        &json!({
            "status": {"level": "attention", "sentence": "1 webhook job has failed."},
            "jobs": {"queued": 0, "inProgress": 0, "failed": 1, "complete": 0},
            "runs": {"running": 0, "waiting": 0, "error": 0, "complete": 0},
            "openErrors": 0, "oldestQueuedAt": null,
            "failingWebhooks": [
                {"webhook": "w", "kappSlug": null, "failed": 1, "lastError": "404 Not Found"},
            ],
        }),
    );
    assert_eq!(board["series"].as_array().unwrap().len(), 5);
    assert!(board["events24h"].as_i64().unwrap() >= 3);
    server.get("/dashboard?minutes=0").await.refused(400);
}
