//! `/app/integrator/api`: connections and operations as documented, calls through the guard, and
//! runs that call them.
#![expect(clippy::needless_pass_by_value, reason = "documents are made where they are used")]

use crate::harness::{ADMIN, Answer, PLAIN, Server, assert_holds, both, one};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

pub(crate) const API: &str = "/app/integrator/api";
const TASK: &str = "/app/components/task/app/api/v2";

/// What the peer got: method, path with query, headers, body.
#[derive(Clone, Debug)]
struct Got {
    method: String,
    path: String,
    headers: http::HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Another system, on loopback.
#[derive(Clone, Default)]
struct Peer {
    got: Arc<Mutex<Vec<Got>>>,
    /// Tokens given out; only the latest is taken.
    tokens: Arc<Mutex<usize>>,
}

impl Peer {
    async fn start() -> (Self, String) {
        let peer = Self::default();
        let routes = axum::Router::new().fallback(answer).with_state(peer.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (peer, base)
    }

    fn last(&self) -> Got {
        self.got.lock().unwrap().last().expect("something arrived").clone()
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

async fn answer(State(peer): State<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let got = Got {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let bearer = got.header("authorization").to_owned();
    peer.got.lock().unwrap().push(got.clone());
    match parts.uri.path() {
        "/token" => {
            let mut tokens = peer.tokens.lock().unwrap();
            *tokens += 1;
            let token = format!("token-{tokens}");
            Json(json!({ "access_token": token, "expires_in": 3_600 })).into_response()
        }
        // The token of the first fetch was revoked.
        "/guarded" if bearer != "Bearer token-2" => http::StatusCode::UNAUTHORIZED.into_response(),
        "/moved" => (http::StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        "/broken" => {
            let body = json!({ "error": "no such thing" });
            (http::StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        "/huge" => "x".repeat(2 * 1024 * 1024).into_response(),
        _ => Json(json!({ "id": 7, "name": "Ann", "path": got.path, "body": got.body,
            "items": [{ "n": 1 }, { "n": 2 }] }))
        .into_response(),
    }
}

pub(crate) async fn ask(server: &Server, method: Method, path: &str, body: &Value) -> Answer {
    let body = (!body.is_null()).then_some(body);
    server.ask(ADMIN, method, &format!("{API}{path}"), body).await
}

pub(crate) async fn post(server: &Server, path: &str, body: Value) -> Answer {
    ask(server, Method::POST, path, &body).await
}

/// The refusal's words in the documented layout.
pub(crate) fn refused(answer: Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body["errorKey"].is_string(), "{}", answer.body);
    assert!(answer.body.get("statusCode").is_none(), "{}", answer.body);
    answer.body["error"].as_str().expect("an error").to_owned()
}

/// Creates a connection with the credentials and returns its id.
async fn connection(server: &Server, base: &str, auth: Value) -> String {
    let body = json!({ "name": "Peer", "type": "http", "secrets": { "Key": "k-3cret" },
        "config": { "configType": "http", "baseUrl": base, "auth": auth } });
    let made = post(server, "/connections", body).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

/// Creates an operation and returns its id.
pub(crate) async fn operation(
    server: &Server,
    connection: &str,
    name: &str,
    more: Value,
) -> String {
    let mut body = more;
    body["name"] = json!(name);
    let made = post(server, &format!("/connections/{connection}/operations"), body).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

fn get(path: &str) -> Value {
    json!({ "config": { "method": "GET", "path": path },
        "outputs": { "Id": { "value": "body.id" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_operations_have_their_documented_shapes() {
    for server in both().await {
        assert_eq!(ask(&server, Method::GET, "/connections", &Value::Null).await.ok(), json!([]));
        let auth = json!({ "authType": "basic", "username": "ann", "password": "p-3cret" });
        let id = connection(&server, "http://127.0.0.1:8000/v1", auth).await;
        let at = format!("/connections/{id}");
        let read = ask(&server, Method::GET, &at, &Value::Null).await.ok();
        assert_eq!(
            read["config"],
            json!({ "configType": "http", "baseUrl": "http://127.0.0.1:8000/v1",
                "testPath": null, "caCert": null,
                "auth": { "authType": "basic", "username": "ann", "password": null } })
        );
        assert_holds(
            &read,
            &json!({ "id": id, "type": "http", "name": "Peer", "description": "",
                "documentationLink": "", "secrets": { "Key": null }, "lockVersion": 1,
                "status": { "healthy": true } }),
        );
        assert!(read["insertedAt"].is_string() && read["updatedAt"].is_string());
        let listed = ask(&server, Method::GET, "/connections", &Value::Null).await.ok();
        assert_eq!(listed, json!([read]));

        // What was read is sent back: the secrets stay.
        let changed = ask(&server, Method::PUT, &at, &read).await.ok();
        assert_holds(&changed, &json!({ "lockVersion": 2, "status": { "healthy": true } }));
        let stale = ask(&server, Method::PATCH, &at, &read).await;
        assert!(refused(stale, 400).contains("changed by somebody else"));
        let emptied = json!({ "secrets": {}, "description": "Tickets" });
        let emptied = ask(&server, Method::PATCH, &at, &emptied).await.ok();
        assert_holds(&emptied, &json!({ "secrets": {}, "description": "Tickets" }));

        let made = json!({ "name": "Read", "config": { "method": "GET",
            "path": "/items/{{Item Id}}", "body": null, "params": { "q": "{{Query}}" } } });
        let made = post(&server, &format!("{at}/operations"), made).await.ok();
        assert_holds(
            &made,
            &json!({ "name": "Read", "connectionId": id, "notes": "", "documentationLink": "",
                "outputs": {}, "lockVersion": 1,
                "config": { "configType": "http", "method": "GET", "path": "/items/{{Item Id}}",
                    "params": { "q": "{{Query}}" }, "headers": {},
                    "body": { "bodyType": "raw", "raw": "" }, "includeEmptyParams": false,
                    "followRedirect": false, "streamResponse": false } }),
        );
        let of = format!("{at}/operations/{}", made["id"].as_str().unwrap());
        assert_eq!(ask(&server, Method::GET, &of, &Value::Null).await.ok(), made);
        let renamed = ask(&server, Method::PUT, &of, &json!({ "name": "Look" })).await.ok();
        assert_holds(&renamed, &json!({ "name": "Look", "lockVersion": 2 }));
        let found = json!({ "ids": [made["id"], "f865d438-0000-0000-0000-000000000000"] });
        let found = post(&server, "/operations-search", found).await.ok();
        assert_eq!(found, json!([renamed]));
        let inspected = post(&server, "/inspect", json!({ "operation": made })).await.ok();
        assert_eq!(inspected["detectedInputs"], json!(["Item Id", "Query"]));
        assert_eq!(inspected["requiredInputs"], json!(["Item Id"]));

        assert_eq!(
            post(&server, &format!("{at}/restart"), Value::Null).await.ok(),
            json!({ "message": "Connection restarted", "name": "Peer" })
        );
        ask(&server, Method::DELETE, &of, &Value::Null).await.ok();
        let gone = ask(&server, Method::GET, &of, &Value::Null).await;
        assert_eq!(gone.body["errorKey"], ":not_found");
        refused(gone, 404);
        ask(&server, Method::DELETE, &at, &Value::Null).await.ok();
        refused(ask(&server, Method::GET, &at, &Value::Null).await, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let server = one().await;
    let wrong = async |body: Value, expect: &str| {
        let answer = post(&server, "/connections", body).await;
        let first = answer.body["validationErrors"][0]["error"].clone();
        let message = refused(answer, 400);
        assert!(message.contains(expect), "{message}");
        assert!(first.is_string());
    };
    let with = |config: Value| json!({ "name": "x", "config": config });
    let base = "https://api.test";
    wrong(json!({ "name": "x" }), "The config must be given").await;
    wrong(json!({ "nmae": "x" }), "Unexpected field: nmae").await;
    let mssql = json!({ "configType": "mssql", "host": "h" });
    wrong(json!({ "name": "x", "type": "mssql", "config": mssql }), "mssql are not supported")
        .await;
    wrong(with(json!({ "baseUrl": "ftp://x" })), "The baseUrl cannot be called").await;
    wrong(with(json!({ "baseUrl": "http://10.0.0.1" })), "The baseUrl cannot be called").await;
    wrong(with(json!({ "baseUrl": "https://u:p@api.test" })), "user name or password").await;
    wrong(with(json!({ "baseUrl": "https://api.test?q" })), "must end before its query").await;
    wrong(with(json!({ "baseUrl": base, "caCert": "no" })), "The caCert cannot be used").await;
    let auth = |auth: Value| with(json!({ "baseUrl": base, "auth": auth }));
    wrong(auth(json!({ "authType": "magic" })), "The authType must be one of").await;
    wrong(auth(json!({ "authType": "http_bearer_token" })), "use client_credentials").await;
    let oauth = json!({ "authType": "client_credentials", "tokenUrl": "http://10.0.0.1/t" });
    wrong(auth(oauth), "The tokenUrl cannot be called").await;
    let bearer = json!({ "authType": "raw_bearer_token", "header": "Host", "token": "t" });
    wrong(auth(bearer), "is set by the sender").await;
    let bearer = json!({ "authType": "raw_bearer_token", "token": "a\r\nb" });
    wrong(auth(bearer), "must not hold control characters").await;
    wrong(
        json!({ "name": "x", "config": { "baseUrl": base }, "secrets": { "a}": "b" } }),
        "secret",
    )
    .await;

    let id = connection(&server, base, Value::Null).await;
    let again = json!({ "name": "Peer", "config": { "baseUrl": base } });
    wrong(again, "The name \"Peer\" is that of another one").await;
    let wrong = async |body: Value, expect: &str| {
        let message =
            refused(post(&server, &format!("/connections/{id}/operations"), body).await, 400);
        assert!(message.contains(expect), "{message}");
    };
    let config = |config: Value| json!({ "name": "x", "config": config });
    wrong(config(json!({ "path": "/" })), "The method must be one of").await;
    wrong(config(json!({ "method": "GET", "path": "/{{a" })), "a {{ is never closed").await;
    let secret = json!({ "method": "GET", "path": "/{{secrets.No}}" });
    wrong(config(secret), "has no secret \"No\"").await;
    let outputs = |outputs: Value| {
        let config = json!({ "method": "GET", "path": "/" });
        json!({ "name": "x", "config": config, "outputs": outputs })
    };
    wrong(outputs(json!({ "A": { "value": "body." } })), "The output \"A\" is not an").await;
    wrong(outputs(json!({ " A": { "value": "1" } })), "must be named with letters").await;
    wrong(outputs(json!({ "A": "body" })), "must be {\"value\": \"expression\"}").await;
    wrong(outputs(json!({ "A": { "value": "1", "children": { "B": {} } } })), "The child").await;
    let unknown = json!({ "connectionId": id, "inputs": {} });
    assert!(refused(post(&server, "/execute", unknown).await, 400).contains("inputs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_fills_in_its_inputs_and_takes_its_outputs() {
    for server in both().await {
        let (peer, base) = Peer::start().await;
        let auth = json!({ "authType": "raw_bearer_token", "token": "t-3cret" });
        let id = connection(&server, &format!("{base}/v1/"), auth).await;
        let nasty = "a/../b?c=\"d\"\r\nX: y\u{2028}{{Key}}";
        let document = json!({
            "config": { "method": "POST", "path": "/items/{{Id}}", "params": { "q": "{{Q}}" },
                "headers": { "X-Api-Key": "{{secrets.Key}}" },
                "body": { "bodyType": "raw", "raw": "{\"text\":\"{{Q}}\",\"n\":{{N}}}" } },
            "outputs": { "Id": { "value": "body.id" }, "Code": { "value": "statusCode" },
                "Items": { "value": "body.items", "children": { "N": "current.n" } },
                "Type": { "value": "headers['content-type']" } } });
        let operation = operation(&server, &id, "Create", document).await;
        let execute = json!({ "connectionId": id, "operationId": operation,
            "parameters": { "Id": nasty, "Q": nasty, "N": "5" } });
        let outputs = post(&server, "/execute", execute.clone()).await.ok();
        assert_eq!(
            outputs,
            json!({ "Id": 7, "Code": 200, "Type": "application/json",
                "Items": [{ "N": 1 }, { "N": 2 }] })
        );
        let got = peer.last();
        let encoded = "a%2F..%2Fb%3Fc%3D%22d%22%0D%0AX%3A%20y%E2%80%A8%7B%7BKey%7D%7D";
        assert!(got.path.starts_with(&format!("/v1/items/{encoded}?q=")), "{}", got.path);
        assert_eq!(
            serde_json::from_str::<Value>(&got.body).unwrap(),
            json!({ "text": nasty, "n": 5 })
        );
        assert_eq!(
            (got.header("x-api-key"), got.header("authorization")),
            ("k-3cret", "Bearer t-3cret")
        );
        assert_eq!(got.header("content-type"), "application/json");
        assert_eq!((got.method.as_str(), got.header("x")), ("POST", ""));

        let debug = post(&server, "/execute?debug=true", execute.clone()).await.ok();
        assert_holds(&debug, &json!({ "outputs": outputs, "raw": { "statusCode": 200 } }));
        assert!(debug["duration"].is_number() && debug.get("request").is_none());
        let shown = post(&server, "/execute?include=request", execute.clone()).await.ok();
        assert_eq!(shown["request"]["headers"]["x-api-key"], "••••••");
        assert!(!shown["request"].to_string().contains("3cret"), "{shown}");

        let before = peer.count();
        let mut blank = execute.clone();
        blank["parameters"] = json!({ "Q": "x" });
        let answer = post(&server, "/execute", blank).await;
        assert_eq!(answer.body["errorKey"], "inputs");
        assert_eq!(refused(answer, 400), "The input \"Id\" is required and blank");
        assert_eq!(peer.count(), before, "nothing is sent without what is required");

        let inline = json!({ "connectionId": id, "operation": get("/x"), "parameters": {} });
        assert_eq!(post(&server, "/execute", inline).await.ok(), json!({ "Id": 7 }));
        let tested = post(&server, &format!("/connections/{id}/test"), json!({})).await.ok();
        assert_holds(&tested, &json!({ "status": "ok" }));
        let raw = json!({ "outputs": { "A": { "value": "body.b ?? statusCode" } },
            "raw": { "body": {}, "statusCode": 404 } });
        assert_eq!(post(&server, "/transform", raw).await.ok(), json!({ "A": 404 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_fail_say_why() {
    let server = one().await;
    let (_, base) = Peer::start().await;
    let id = connection(&server, &base, Value::Null).await;
    let fails = async |document: Value, class: &str, expect: &str| {
        let execute = json!({ "connectionId": id, "operation": document });
        let answer = post(&server, "/execute", execute.clone()).await;
        assert_eq!(answer.body["errorKey"], class, "{}", answer.body);
        let message = refused(answer, 400);
        assert!(message.contains(expect), "{message}");
        let shown = post(&server, "/execute?include=request", execute).await.ok();
        assert_eq!(shown["error"].as_str(), Some(message.as_str()));
        assert_eq!(shown["request"]["method"], "GET");
    };
    let thrown = json!({ "config": { "method": "GET", "path": "/broken" },
        "outputs": { "Id": { "value": "body.items[0].id" } } });
    let words = "The answer was 404 Not Found, and the output \"Id\": TypeError";
    fails(thrown, "outputs", words).await;
    let moved = json!({ "config": { "method": "GET", "path": "/moved", "followRedirect": true } });
    fails(moved, "redirect", "redirects are not followed").await;
    fails(get("/huge"), "too_large", "reads at most 1048576 bytes").await;
    // A status is an answer like any other, and so is a redirect that nobody asked to follow.
    let code = |path: &str| {
        json!({ "connectionId": id, "operation": { "config": { "method": "GET", "path": path },
            "outputs": { "Code": { "value": "statusCode" } } } })
    };
    for (path, status) in [("/broken", 404), ("/moved", 302)] {
        let answered = post(&server, "/execute", code(path)).await.ok();
        assert_eq!(answered, json!({ "Code": status }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_holds() {
    let (peer, base) = Peer::start().await;
    let server = Server::with(testkit::sqlite().await, |config| config.allow_cidrs.clear()).await;
    let body = json!({ "name": "x", "config": { "baseUrl": base } });
    assert!(refused(post(&server, "/connections", body).await, 400).contains("loopback"));
    // A name is judged when it is connected to.
    let named = base.replace("127.0.0.1", "localhost");
    let body = json!({ "name": "x", "config": { "baseUrl": "https://api.test" } });
    let made = post(&server, "/connections", body).await.ok();
    let (connection, named) = (made["id"].clone(), named);
    let at = format!("/connections/{}", connection.as_str().unwrap());
    let moved = json!({ "config": { "baseUrl": named } });
    let moved = ask(&server, Method::PUT, &at, &moved).await;
    if moved.status == 200 {
        let execute = json!({ "connectionId": connection, "operation": get("/") });
        let answer = post(&server, "/execute", execute).await;
        assert_eq!(answer.body["errorKey"], "blocked", "{}", answer.body);
    } else {
        refused(moved, 400);
    }
    assert_eq!(peer.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_fetched_again_once() {
    let server = one().await;
    let (peer, base) = Peer::start().await;
    let auth = json!({ "authType": "client_credentials", "tokenUrl": format!("{base}/token"),
        "clientId": "me", "clientSecret": "s-3cret", "scope": "read" });
    let id = connection(&server, &base, auth).await;
    let execute = json!({ "connectionId": id, "operation": json!({
        "config": { "method": "GET", "path": "/guarded" },
        "outputs": { "Code": { "value": "statusCode" } } }) });
    let answered = post(&server, "/execute", execute.clone()).await.ok();
    assert_eq!(answered, json!({ "Code": 200 }));
    let paths: Vec<_> = peer.got.lock().unwrap().iter().map(|got| got.path.clone()).collect();
    assert_eq!(paths, ["/token", "/guarded", "/token", "/guarded"]);
    let form = peer.got.lock().unwrap()[0].body.clone();
    assert!(form.contains("client_secret=s-3cret") && form.contains("scope=read"), "{form}");
    post(&server, "/execute", execute.clone()).await.ok();
    assert_eq!(peer.count(), 5, "the token is kept");
    post(&server, &format!("/connections/{id}/restart"), Value::Null).await.ok();
    let answered = post(&server, "/execute", execute).await.ok();
    assert_eq!(answered, json!({ "Code": 401 }), "the third token is none that the peer takes");
    assert_eq!(*peer.tokens.lock().unwrap(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_leave_by_no_door() {
    for server in both().await {
        let auth = json!({ "authType": "basic", "username": "ann", "password": "p-3cret" });
        let id = connection(&server, "https://api.test", auth).await;
        operation(&server, &id, "Read", get("/{{secrets.Key}}")).await;
        let at = format!("/connections/{id}");
        let export = format!("/export{at}");
        for path in ["/connections", &at, &export, &format!("{at}/operations")] {
            let text = ask(&server, Method::GET, path, &Value::Null).await.ok().to_string();
            assert!(!text.contains("3cret") && !text.contains("sealed"), "{path}: {text}");
        }
        // An administrator of this space only.
        server.plain_user().await;
        let asked = server.ask(PLAIN, Method::GET, &format!("{API}{at}"), None).await;
        assert_eq!(asked.status, 403);
        let rows = server.store().read(|tx| {
            let all = store::connections::all(tx)?;
            Ok::<_, store::Error>(format!("{all:?}"))
        });
        assert!(!rows.await.unwrap().contains("3cret"));

        let exported = ask(&server, Method::GET, &export, &Value::Null).await.ok();
        assert_eq!(exported["operations"][0]["name"], "Read");
        let again = post(&server, "/import/connections", exported.clone()).await;
        assert!(refused(again, 400).contains("force=true"));
        let forced = post(&server, "/import/connections?force=true", exported.clone()).await.ok();
        assert_holds(&forced, &json!({ "id": id, "status": { "healthy": true } }));
        // Somewhere else the ids stay and the secrets are asked for.
        ask(&server, Method::DELETE, &at, &Value::Null).await.ok();
        let imported = post(&server, "/import/connections", exported.clone()).await.ok();
        assert_holds(&imported, &json!({ "id": id, "status": { "healthy": false } }));
        let operations =
            ask(&server, Method::GET, &format!("{at}/operations"), &Value::Null).await.ok();
        assert_eq!(operations[0]["id"], exported["operations"][0]["id"]);
        let execute = json!({ "connectionId": id, "operationId": operations[0]["id"] });
        let missing = refused(post(&server, "/execute", execute).await, 400);
        assert!(missing.contains("lack their password; enter it"), "{missing}");
        let path = format!("/import{at}/operations");
        let bad = json!([{ "name": "Bad", "config": { "method": "HEAD" } }]);
        let answer = post(&server, &path, bad).await;
        assert_eq!(answer.status, 400);
        let why = answer.body["errors"]["Bad"][0].as_str().unwrap();
        assert!(why.contains("one of GET"), "{why}");
        let good = json!([{ "name": "Good", "config": { "method": "GET", "path": "/" } }]);
        assert_eq!(post(&server, &path, good).await.ok()[0]["name"], "Good");
    }
}

/// A tree whose one node calls an operation.
pub(crate) fn tree(
    name: &str,
    connection: &str,
    operation: &str,
    inputs: &[(&str, &str)],
) -> Value {
    let parameter = |id: &str, value: &str| json!({ "id": id, "value": value });
    let mut parameters =
        vec![parameter("connection", connection), parameter("operation", operation)];
    let inputs = inputs.iter().map(|(id, value)| parameter(&format!("parameters.{id}"), value));
    parameters.extend(inputs);
    let node = |id: &str, definition: &str, parameters: Value| {
        json!({ "id": id, "name": id, "definitionId": definition, "version": 1, "defers": false,
            "deferrable": false, "position": { "x": 1, "y": 2 }, "parameters": parameters,
            "messages": [], "dependents": { "task": [] } })
    };
    json!({ "sourceName": "Kinetic Request CE", "sourceGroup": "Group", "name": name,
        "type": "Tree", "status": "Active", "treeJson": { "lastId": 2, "name": name,
        "connectors": [
            { "from": "start", "to": "system_integration_v1_1", "type": "Complete" },
            { "from": "system_integration_v1_1", "to": "utilities_echo_v1_2",
                "type": "Complete",
                "value": "@results['system_integration_v1_1']['Code'].to_i == 200" } ],
        "nodes": [
            node("start", "system_start_v1", json!([])),
            node("system_integration_v1_1", "system_integration_v1", json!(parameters)),
            node("utilities_echo_v1_2", "utilities_echo_v1", json!([parameter("input",
                "<%= @results['system_integration_v1_1']['Items'] %>")])) ] } })
}

pub(crate) async fn save(server: &Server, tree: &Value) -> Vec<String> {
    let made = server.ask(ADMIN, Method::POST, &format!("{TASK}/trees"), Some(tree)).await.ok();
    let said = |problem: &Value| {
        let (place, message) = (&problem["place"], &problem["message"]);
        format!("{}: {}", place.as_str().unwrap_or_default(), message.as_str().unwrap())
    };
    made["problems"].as_array().unwrap().iter().map(said).collect()
}

/// Starts a run and reads it once it is over.
pub(crate) async fn run(server: &Server, name: &str, data: &Value) -> Value {
    let started =
        server.post(&format!("/run-tree/Kinetic%20Request%20CE/Group/{name}"), data).await.ok();
    let path = format!("{TASK}/runs/{}?include=details,tasks", started["run"]["id"]);
    let mut stream = server.stream().await;
    loop {
        let run = server.ask(ADMIN, Method::GET, &path, None).await.ok();
        if ["Complete", "Error"].contains(&run["state"].as_str().unwrap_or_default()) {
            return run;
        }
        stream.chunk().await.unwrap().expect("the stream goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_calls_an_operation_and_uses_its_outputs() {
    for server in both().await {
        let (peer, base) = Peer::start().await;
        let auth = json!({ "authType": "raw_bearer_token", "token": "t-3cret" });
        let id = connection(&server, &base, auth).await;
        let operation = operation(
            &server,
            &id,
            "Create",
            json!({ "config": { "method": "POST", "path": "/items/{{Item Id*}}",
                    "body": { "bodyType": "raw", "raw": "{\"text\":\"{{Text}}\"}" } },
                "outputs": { "Code": { "value": "statusCode" },
                    "None": { "value": "body.none" },
                    "Items": { "value": "body.items", "children": { "N": "current.n" } } } }),
        )
        .await;
        let text = "<%= @values['Text'] %>";
        let by_id = tree("ById", &id, &operation, &[("Item Id*", "7"), ("Text", text)]);
        assert_eq!(save(&server, &by_id).await, [""; 0]);
        let data = json!({ "values": { "Text": "say \"hi\"" } });
        let ran = run(&server, "ById", &data).await;
        assert_eq!(ran["state"], "Complete", "{ran:#}");
        let results = &ran["tasks"][1]["results"];
        assert_holds(
            results,
            &json!({ "Code": "200", "None": "", "Items": "[{\"N\":1},{\"N\":2}]" }),
        );
        assert_eq!(ran["tasks"][2]["results"]["output"], "[{\"N\":1},{\"N\":2}]");
        let got = peer.last();
        assert_eq!(
            (got.path.as_str(), got.body.as_str()),
            ("/items/7", "{\"text\":\"say \\\"hi\\\"\"}")
        );
        assert!(!got.header("idempotency-key").is_empty());
        assert!(!ran.to_string().contains("3cret"));

        // By name, and with the input named without its mark.
        let by_name = tree("ByName", "Peer", "Create", &[("Item Id", "8")]);
        assert_eq!(save(&server, &by_name).await, [""; 0]);
        assert_eq!(run(&server, "ByName", &json!({})).await["state"], "Complete");
        assert_eq!(peer.last().path, "/items/8");

        let usage =
            ask(&server, Method::GET, &format!("/connections/{id}/usage"), &Value::Null).await.ok();
        let title = "Kinetic Request CE :: Group :: ";
        let titles: Vec<_> =
            usage["trees"].as_array().unwrap().iter().map(|tree| tree["title"].clone()).collect();
        assert_eq!(titles, [format!("{title}ById"), format!("{title}ByName")]);
        assert_eq!(usage["trees"][1]["nodes"][0]["operation"], "Create");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_cannot_work_are_named_at_save_and_at_the_run() {
    let server = one().await;
    let (_, base) = Peer::start().await;
    let id = connection(&server, &base, Value::Null).await;
    operation(&server, &id, "Read", get("/items/{{Item Id}}")).await;
    let problem = async |name: &str, connection: &str, operation: &str, inputs: &[(&str, &str)]| {
        save(&server, &tree(name, connection, operation, inputs)).await.join("\n")
    };
    assert_eq!(
        problem("A", "Peeer", "Read", &[]).await,
        "parameter \"connection\": There is no connection \"Peeer\"; did you mean \"Peer\"?"
    );
    assert_eq!(
        problem("B", "Peer", "Reed", &[]).await,
        "parameter \"operation\": There is no operation \"Reed\"; did you mean \"Read\"? \
         The connection is \"Peer\"."
    );
    assert_eq!(
        problem("C", "Peer", "Read", &[("Item ID", "7")]).await,
        "parameter \"parameters.Item Id\": The operation \"Read\" requires the input \"Item Id\", \
         which is blank.\nparameter \"parameters.Item ID\": The operation \"Read\" has no such \
         input; did you mean \"Item Id\"?"
    );
    assert_eq!(problem("D", "<%= @values['C'] %>", "x", &[]).await, "");
    for (name, expect) in [
        ("A", "Unable to locate the Peeer Connection"),
        ("B", "Unable to locate the Reed Operation"),
        ("C", "The input \"Item Id\" is required and blank"),
    ] {
        let ran = run(&server, name, &json!({})).await;
        assert_eq!(ran["state"], "Error", "{ran:#}");
        let path = format!("{TASK}/errors?status=Active&tree={name}");
        let errors = server.ask(ADMIN, Method::GET, &path, None).await.ok();
        let text = errors["errors"][0]["text"].as_str().unwrap();
        assert!(text.contains(expect), "{text}");
    }
}

/// What is listed about a tree now.
async fn listed(server: &Server, name: &str) -> Vec<String> {
    let path = format!("{TASK}/trees?name={name}");
    let trees = server.get(&path).await.ok();
    let problems = trees["trees"][0]["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_about_connections_and_handlers_come_and_go_with_them() {
    for server in both().await {
        let mut document = tree("late", "Peer", "Read", &[("Id", "7")]);
        let print = json!({ "id": "print", "name": "Print", "definitionId": "acme_print_v1",
            "parameters": [{ "id": "text", "value": "Hi" }] });
        document["treeJson"]["nodes"].as_array_mut().unwrap().push(print);
        let link = json!({ "from": "start", "to": "print", "type": "Complete" });
        document["treeJson"]["connectors"].as_array_mut().unwrap().push(link);
        let at_save = save(&server, &document).await;
        assert_eq!(at_save.len(), 2, "{at_save:?}");

        let path = format!("{TASK}/handlers");
        let handler = json!({ "definitionId": "acme_print_v1", "url": "http://127.0.0.1:8999/",
            "parameters": [{ "id": "text" }] });
        server.post(&path, &handler).await.ok();
        assert_eq!(listed(&server, "late").await, ["There is no connection \"Peer\"."]);
        let id = connection(&server, "http://127.0.0.1:8999", json!(null)).await;
        let said = listed(&server, "late").await;
        assert!(said.len() == 1 && said[0].starts_with("There is no operation"), "{said:?}");
        let made = operation(&server, &id, "Read", get("/things/{{Id}}")).await;
        assert_eq!(listed(&server, "late").await, [""; 0]);

        let other = json!({ "parameters": [{ "id": "Text", "required": true }] });
        server.put(&format!("{path}/acme_print_v1"), &other).await.ok();
        assert_eq!(listed(&server, "late").await.len(), 2, "blank, and unknown");
        server.delete(&format!("{path}/acme_print_v1")).await.ok();
        let said = listed(&server, "late").await;
        assert_eq!(said, ["The handler acme_print_v1 does not exist."]);
        server.post(&path, &handler).await.ok();
        let operations = format!("/connections/{id}/operations/{made}");
        ask(&server, Method::DELETE, &operations, &json!(null)).await.ok();
        let said = listed(&server, "late").await;
        assert!(said.len() == 1 && said[0].starts_with("There is no operation"), "{said:?}");
        ask(&server, Method::DELETE, &format!("/connections/{id}"), &json!(null)).await.ok();
        assert_eq!(listed(&server, "late").await, ["There is no connection \"Peer\"."]);
        // Nobody has to save the tree for it, so it is still its first version.
        let tree = server.get(&format!("{TASK}/trees?name=late")).await.ok();
        assert_eq!(tree["trees"][0]["versionId"], "0");
    }
}
