//! A real server in this process, and a client that reads what it answers.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use runtime::vault::Secret;
use serde_json::{Value, json};
use server::config::{Config, LogFormat};
use server::serve::{self, Running};
use std::net::{Ipv4Addr, SocketAddr};
use testkit::TestStore;

/// The first administrator of every test's server.
pub const ADMIN: (&str, &str) = ("admin", "a password for tests");
/// What a plain user of a test signs in with.
pub const PLAIN: (&str, &str) = ("plain", "another password");

/// A server on a fresh database.
pub struct Server {
    running: Option<Running>,
    client: Client,
    pub address: SocketAddr,
    _store: TestStore,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// A fresh server on each database.
pub async fn both() -> Vec<Server> {
    let mut servers = Vec::new();
    for store in testkit::both().await {
        servers.push(Server::on(store).await);
    }
    servers
}

/// A fresh server, where the database does not matter.
pub async fn one() -> Server {
    Server::on(testkit::sqlite().await).await
}

/// The configuration of a test's server.
pub fn config(options: &store::Options) -> Config {
    Config {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        data_dir: std::env::temp_dir().join("kapok-tests-make-no-key-here"),
        database: options.clone(),
        secret_key: Some(Secret::new("5e".repeat(32))),
        forget_secrets: false,
        hold_restored: false,
        admin_username: ADMIN.0.to_owned(),
        admin_password: Some(ADMIN.1.to_owned()),
        public_url: None,
        allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()],
        allow_endpoints: Vec::new(),
        egress_proxy: None,
        extra_roots: Vec::new(),
        smtp: None,
        trusted_proxies: Vec::new(),
        request_seconds: 30,
        metrics_listen: None,
        otlp: None,
        time_zone: "UTC".into(),
        node_name: None,
        node_timeout: std::time::Duration::from_secs(10),
        log_format: LogFormat::Text,
        log: "warn".to_owned(),
        demo: false,
    }
}

impl Server {
    async fn on(store: TestStore) -> Self {
        Self::with(store, |_| {}).await
    }

    /// A server on a fresh database, configured otherwise.
    pub async fn with(store: TestStore, change: impl FnOnce(&mut Config)) -> Self {
        let database = match store.options() {
            store::Options::Sqlite { .. } => "SQLite",
            store::Options::Postgres { .. } => "PostgreSQL",
        };
        let mut config = config(store.options());
        change(&mut config);
        let started = serve::start_on(config, (*store).clone()).await;
        let running = started.unwrap_or_else(|error| panic!("{database}: {error:#}"));
        let address = running.address;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build().unwrap();
        Self { running: Some(running), client, address, _store: store }
    }

    /// The engines behind the server.
    pub fn app(&self) -> &api::App {
        &self.running.as_ref().expect("it runs").app
    }

    /// The server's database.
    pub fn store(&self) -> &store::Store {
        &self._store
    }

    /// Where metrics are told without signing in.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.running.as_ref().expect("it runs").metrics_address
    }

    /// Has the server tidy now.
    pub async fn tidy(&self) {
        self.running.as_ref().expect("it runs").tidy().await;
    }

    /// The running server, for tests that stop it.
    pub fn take(&mut self) -> Running {
        self.running.take().expect("stopped once")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without credentials.
    pub fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A request as somebody; `path` is under `/app/api/v1` unless it begins with `/app`.
    pub async fn ask(
        &self,
        who: (&str, &str),
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let whole = if path.starts_with("/app/") || path.starts_with("/kapok") {
            path.to_owned()
        } else {
            format!("/app/api/v1{path}")
        };
        let mut request = self.bare(method, &whole).basic_auth(who.0, Some(who.1));
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request).await
    }

    /// The administrator's live stream.
    pub async fn stream(&self) -> reqwest::Response {
        let request = self.bare(Method::GET, "/app/api/v1/stream");
        request.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.expect("the server answers")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(ADMIN, Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(ADMIN, Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(ADMIN, Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(ADMIN, Method::DELETE, path, None).await
    }

    /// Creates the plain user.
    pub async fn plain_user(&self) {
        let user = json!({ "username": PLAIN.0, "password": PLAIN.1, "enabled": true });
        self.post("/users", &user).await.ok();
    }

    /// Creates the kapp `services` with the form `laptop`, whose fields are `Model` (required)
    /// and `Reason`, and the datastore form `locations` with the field `Name`.
    pub async fn laptop_form(&self) {
        self.post("/kapps", &json!({ "slug": "services", "name": "Services" })).await.ok();
        self.post("/kapps/services/forms", &laptop()).await.ok();
        self.post("/datastore/forms", &locations()).await.ok();
    }
}

/// The form of a laptop request.
pub fn laptop() -> Value {
    json!({
        "slug": "laptop",
        "name": "Laptop request",
        "status": "Active",
        "type": "Service",
        "submissionLabelExpression": "${values('Model')} please",
        "attributes": [{ "name": "Owner", "values": ["IT"] }],
        "pages": [{
            "name": "Page 1",
            "type": "page",
            "renderType": "submittable",
            "elements": [
                field("f1", "Model", true),
                { "type": "section", "name": "More", "elements": [field("f2", "Reason", false)] },
            ],
        }],
    })
}

/// A datastore form.
pub fn locations() -> Value {
    json!({
        "slug": "locations",
        "name": "Locations",
        "status": "Active",
        "pages": [{
            "name": "Page 1",
            "type": "page",
            "renderType": "submittable",
            "elements": [field("f1", "Name", true)],
        }],
    })
}

fn field(key: &str, name: &str, required: bool) -> Value {
    json!({
        "type": "field",
        "key": key,
        "name": name,
        "label": name,
        "dataType": "string",
        "renderType": "text",
        "required": required,
    })
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer arrives");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// The message of a refusal with this status, in the platform's layout.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.body["statusCode"], status, "{}", self.body);
        let id = self.body["correlationId"].as_str().expect("a correlation id").to_owned();
        assert_eq!(self.headers["x-request-id"], id.as_str());
        self.body["error"].as_str().expect("a message").to_owned()
    }

    pub fn header(&self, name: &'static str) -> Option<&HeaderValue> {
        self.headers.get(HeaderName::from_static(name))
    }
}

/// Asserts that `actual` holds everything `expected` holds; it may hold more.
#[track_caller]
pub fn assert_holds(actual: &Value, expected: &Value) {
    if let Some(place) = missing(actual, expected, "") {
        panic!("{place} differs\n  expected {expected}\n  in {actual}");
    }
}

fn missing(actual: &Value, expected: &Value, place: &str) -> Option<String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().find_map(|(name, value)| match actual.get(name) {
                Some(found) => missing(found, value, &format!("{place}/{name}")),
                None => Some(format!("{place}/{name}")),
            })
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            let mut pairs = actual.iter().zip(expected).enumerate();
            pairs.find_map(|(i, (actual, expected))| {
                missing(actual, expected, &format!("{place}/{i}"))
            })
        }
        _ if actual == expected => None,
        _ => Some(place.to_owned()),
    }
}
