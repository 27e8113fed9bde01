//! A workbench: an engine on a store, with scripted submissions and HTTP.

use futures_util::future::{BoxFuture, FutureExt};
use model::event::Cause;
use model::id::{RunId, SpaceId, TraceId};
use model::run::RunState;
use model::time::Micros;
use runtime::Runtime;
use runtime::changes::{Changes, Heard};
use runtime::mail::{Mail, Mailer, Sending, Unsent};
use runtime::node::Node;
use runtime::vault::{Secret, Vault};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use store::Store;
use tokio::sync::Semaphore;
use workflows::engine::{Api, Behalf, Delivery, Failure, Http, HttpResponse, Operations, Records};
use workflows::engine::{Setback, Submission, Submissions, TreeRef};
use workflows::handlers::{ApiRequest, HttpRequest, OperationCall, RecordChange};
use workflows::handlers::{SubmissionCreate, SubmissionUpdate};
use workflows::runs::{Detail, StartByHand};
use workflows::trees::TreeInput;
use workflows::{Actor, Error, Options, Workflows};

/// The outside world as a test scripts it.
#[derive(Default)]
pub(crate) struct World {
    /// Keys by which work was asked for, in order.
    pub keys: Mutex<Vec<String>>,
    /// Answers of the HTTP port by URL; absent: 200.
    pub refusals: Mutex<HashMap<String, String>>,
    /// Answers of the HTTP port and of the API by URL or path.
    pub answers: Mutex<HashMap<String, HttpResponse>>,
    /// Bodies that were sent signed, in order.
    pub signed: Mutex<Vec<Value>>,
    /// What the mail server makes of the next mail; empty: it takes it.
    pub mail: Mutex<Vec<Unsent>>,
    /// When set, calls wait for a permit.
    pub gate: Option<Semaphore>,
    /// Runs walked at once; absent: as many as usual.
    pub walkers: Option<usize>,
    /// Told at each call.
    pub called: tokio::sync::Notify,
}

impl World {
    async fn pass(&self, key: &str) {
        self.keys.lock().unwrap().push(key.to_owned());
        self.called.notify_one();
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
    }

    fn answer(&self, url: &str) -> Result<HttpResponse, Failure> {
        if let Some(reason) = self.refusals.lock().unwrap().get(url) {
            return Err(Failure(reason.clone()));
        }
        let pong = || HttpResponse { status: 200, headers: vec![], body: "pong".into() };
        Ok(self.answers.lock().unwrap().get(url).cloned().unwrap_or_else(pong))
    }

    /// Has a URL or path answer so.
    pub(crate) fn answers(&self, url: &str, status: u16, body: &str) {
        let answer = HttpResponse { status, headers: vec![], body: body.into() };
        self.answers.lock().unwrap().insert(url.into(), answer);
    }
}

impl Submissions for World {
    fn create<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        new: &'a SubmissionCreate,
    ) -> BoxFuture<'a, Result<Submission, Failure>> {
        async move {
            self.pass(key).await;
            Ok(Submission { id: format!("new-{}", new.form_slug), handle: "ABCDEF".into() })
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        change: &'a SubmissionUpdate,
    ) -> BoxFuture<'a, Result<Submission, Failure>> {
        async move {
            self.pass(key).await;
            Ok(Submission { id: change.id.clone(), handle: "ABCDEF".into() })
        }
        .boxed()
    }
}

impl Http for World {
    fn send<'a>(
        &'a self,
        _: &'a Behalf,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        async move {
            let (name, key) = request.headers.last().unwrap();
            assert_eq!(name, "Idempotency-Key");
            self.pass(key).await;
            self.answer(&request.url)
        }
        .boxed()
    }

    fn send_signed<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        secret: &'a Secret,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        async move {
            assert_eq!(secret.expose(), SECRET);
            self.signed.lock().unwrap().push(serde_json::from_str(&request.body).unwrap());
            self.pass(key).await;
            self.answer(&request.url)
        }
        .boxed()
    }

    fn is_signed(&self, _: &Secret, _: (&str, &str, &str), _: &[u8]) -> bool {
        true
    }

    fn retry_after_ms(&self, response: &HttpResponse) -> Option<i64> {
        Some(response.header("retry-after")?.parse::<i64>().unwrap() * 1_000)
    }

    fn is_secret(&self, secret: &str) -> bool {
        secret.starts_with("whsec_")
    }

    fn draw_secret(&self) -> Secret {
        Secret::new(SECRET)
    }

    fn refuses(&self, url: &str) -> Option<String> {
        (!url.starts_with("https://")).then(|| "it is none".to_owned())
    }
}

/// The secret that the HTTP port draws.
const SECRET: &str = "whsec_dGVzdHMgaGF2ZSBubyBzZWNyZXRz";

impl Api for World {
    fn call<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        request: &'a ApiRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        async move {
            self.pass(key).await;
            self.answer(&request.path)
        }
        .boxed()
    }
}

impl Records for World {
    fn change<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        change: &'a RecordChange,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Failure>> {
        async move {
            self.pass(key).await;
            Ok(Map::from_iter([("Change".to_owned(), format!("{change:?}").into())]))
        }
        .boxed()
    }
}

impl Mailer for World {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a> {
        async move {
            self.pass(&mail.key).await;
            match self.mail.lock().unwrap().pop() {
                Some(unsent) => Err(unsent),
                None => Ok(format!("<{}@test>", mail.key)),
            }
        }
        .boxed()
    }
}

impl Operations for World {
    fn call<'a>(
        &'a self,
        _: &'a Behalf,
        key: &'a str,
        call: &'a OperationCall,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Setback>> {
        async move {
            self.pass(key).await;
            Ok(call.inputs.clone())
        }
        .boxed()
    }
}

pub(crate) struct Bench {
    pub engine: Workflows,
    pub runtime: Runtime,
    pub changes: Changes,
    pub world: Arc<World>,
    pub actor: Actor,
    pub node: Node,
    pub store: Store,
}

pub(crate) fn actor() -> Actor {
    Actor {
        space_id: SpaceId("space".into()),
        username: "ann".into(),
        cause: Cause::outside(TraceId("trace".into())),
    }
}

impl Bench {
    /// An engine that is running.
    pub(crate) async fn new(store: &Store) -> Self {
        let bench = Self::resting(store, World::default()).await;
        bench.engine.run();
        bench
    }

    /// An engine that does not move yet.
    pub(crate) async fn resting(store: &Store, world: World) -> Self {
        let seed = store.read(count_runs).await.unwrap();
        let runtime = Runtime::fake(Micros(1_800_000_000_000_000), 7 + seed);
        let (changes, world) = (Changes::default(), Arc::new(world));
        let actor = actor();
        let space = model::space::Space {
            id: actor.space_id.clone(),
            slug: "space".into(),
            name: "Space".into(),
            attributes: serde_json::Map::new(),
            properties: serde_json::Map::new(),
            version: 0,
            audit: model::Audit::created(runtime.now(), "ann"),
        };
        let id = actor.space_id.clone();
        store
            .write(move |tx| {
                if store::spaces::by_id(tx, &id)?.is_none() {
                    store::spaces::insert(tx, &space)?;
                }
                Ok::<_, store::Error>(())
            })
            .await
            .unwrap();
        let node = Node::alone(format!("node-{seed}"));
        let options = Options {
            store: store.clone(),
            runtime: runtime.clone(),
            changes: changes.clone(),
            node: node.clone(),
            submissions: Arc::clone(&world) as Arc<dyn Submissions>,
            records: Arc::clone(&world) as Arc<dyn Records>,
            http: Arc::clone(&world) as Arc<dyn Http>,
            operations: Arc::clone(&world) as Arc<dyn Operations>,
            api: Arc::clone(&world) as Arc<dyn Api>,
            mailer: Arc::clone(&world) as Arc<dyn Mailer>,
            // The same for every life of a test, as a key file is.
            vault: Vault::ephemeral(&Runtime::fake(Micros(0), 1)),
            public_url: "https://kapok.example.com".into(),
            time_zone: "Europe/Berlin".into(),
        };
        let engine = match world.walkers {
            Some(walkers) => Workflows::with_walkers(options, walkers),
            None => Workflows::new(options),
        };
        Self { engine, runtime, changes, world, actor, node, store: store.clone() }
    }

    /// Stores a tree at `Test :: Group :: name` of lines: `id handler param=value`, `a -> b`.
    pub(crate) async fn tree(&self, name: &str, lines: &[&str]) {
        let input = TreeInput {
            source: Some("Kinetic Task".into()),
            group: Some("Group".into()),
            name: Some(name.into()),
            definition: Some((workflows::definition::Format::Json, tree_json(lines).to_string())),
            ..TreeInput::default()
        };
        self.engine.create_tree(&self.actor, input, true).await.unwrap();
    }

    pub(crate) async fn start(&self, name: &str) -> RunId {
        self.start_with(name, "{}").await
    }

    pub(crate) async fn start_with(&self, name: &str, data: &str) -> RunId {
        self.try_start(name, data).await.unwrap()
    }

    pub(crate) async fn try_start(&self, name: &str, data: &str) -> Result<RunId, Error> {
        let start = StartByHand {
            tree: tree_ref(name),
            data: data.into(),
            inputs: None,
            key: None,
            originator: "test".into(),
        };
        Ok(self.engine.start_by_hand(&self.actor, start).await?.0)
    }

    pub(crate) async fn detail(&self, run: RunId) -> Detail {
        self.engine.run_detail(&self.actor, run).await.unwrap()
    }

    /// A completion of the deferral with this token.
    pub(crate) fn completion(&self, token: &str) -> Delivery {
        Delivery {
            space_id: self.actor.space_id.clone(),
            token: token.into(),
            complete: true,
            results: Map::new(),
            message: String::new(),
            originator: "test".into(),
        }
    }

    /// Waits until the run is in one of these states and nothing moves.
    pub(crate) async fn until(&self, run: RunId, states: &[RunState]) -> Detail {
        let mut listener = self.changes.subscribe();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let detail = self.detail(run).await;
            if states.contains(&detail.run.state) {
                return detail;
            }
            let heard = tokio::time::timeout_at(deadline, listener.next()).await;
            let heard = heard.unwrap_or_else(|_| {
                panic!("run {run} stays {:?}: {:#?}", detail.run.state, detail.errors)
            });
            assert_ne!(heard, None::<Heard>);
        }
    }

    /// Stops the engine as a crash would: what is in memory is gone.
    pub(crate) async fn crash(&self) {
        self.runtime.stop().await;
    }
}

fn count_runs(tx: &mut store::Tx) -> Result<u64, store::Error> {
    let space = actor().space_id;
    let count = store::runs::count(tx, &space, &store::runs::Filter::default())?;
    Ok(count.unsigned_abs())
}

pub(crate) fn tree_ref(name: &str) -> TreeRef {
    TreeRef::Title { source: "Kinetic Task".into(), group: "Group".into(), name: name.into() }
}

/// Nodes in the order of their tasks; open ones in brackets.
pub(crate) fn trail(detail: &Detail) -> String {
    let names: Vec<String> = detail
        .tasks
        .iter()
        .map(|t| match t.status {
            model::run::TaskStatus::Closed => t.node_id.clone(),
            _ => format!("[{}]", t.node_id),
        })
        .collect();
    names.join(" ")
}

/// treeJson from lines.
pub(crate) fn tree_json(lines: &[&str]) -> Value {
    let mut nodes =
        vec![json!({ "id": "start", "name": "start", "definitionId": "system_start_v1" })];
    let mut connectors = Vec::new();
    for line in lines {
        if let Some((from, rest)) = line.split_once(" -")
            && let Some((kind, to)) = rest.split_once("> ")
        {
            let (to, condition) = to.split_once(" if ").unwrap_or((to, ""));
            let kind = if kind.is_empty() { "Complete" } else { kind };
            connectors.push(json!({ "from": from, "to": to, "type": kind, "value": condition }));
            continue;
        }
        let mut words = line.split(' ');
        let (id, definition) = (words.next().unwrap(), words.next().unwrap());
        let parameters: Vec<Value> = words
            .map(|w| w.split_once('=').unwrap())
            .map(|(id, value)| (id.replace('~', " "), value.replace('~', " ")))
            .map(|(id, value)| json!({ "id": id, "value": value }))
            .collect();
        let defers = definition.ends_with('!');
        nodes.push(json!({ "id": id, "name": id, "definitionId": definition.trim_end_matches('!'),
            "defers": defers, "deferrable": defers, "parameters": parameters }));
    }
    json!({ "nodes": nodes, "connectors": connectors })
}
