//! A small world around the engine: a space with a kapp, a workflow engine that only counts, a
//! clock that stands still.

use model::catalogue::{self, Level};
use model::event::{Cause, Event};
use model::id::{EventId, JobId, KappId, RunId, SpaceId, TraceId};
use model::job::{Attempt, Job, State};
use model::kapp::Kapp;
use model::space::Space;
use model::time::Micros;
use model::{Attributes, Audit};
use runtime::Runtime;
use runtime::changes::{Changes, Heard, Topic};
use runtime::mail::{Mail, Mailer, Sending, Unsent};
use runtime::node::Node;
use runtime::vault::{MasterKey, Vault};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use store::{Store, Tx};
use webhooks::definitions::WebhookInput;
use webhooks::guard::Guard;
use webhooks::jobs::JobQuery;
use webhooks::outbox::Prepared;
use webhooks::send::{Resolve, Sender};
use webhooks::target::Tree;
use webhooks::{Actor, Options, StartOutcome, StartRequest, Webhooks, Workflows};

pub(crate) const NOW: Micros = Micros(1_800_000_000_000_000);

/// A workflow engine that knows titles and counts.
#[derive(Default)]
pub(crate) struct Engine {
    trees: Mutex<BTreeSet<String>>,
    number: AtomicI64,
    /// Every start asked for, committed or not.
    pub(crate) asked: Mutex<Vec<StartRequest>>,
    /// Runs it was told to take up.
    pub(crate) started: Mutex<Vec<RunId>>,
}

impl Engine {
    pub(crate) fn add(&self, title: &str) {
        self.trees.lock().unwrap().insert(title.to_owned());
    }
}

impl Workflows for Engine {
    fn start(&self, _: &mut Tx, request: &StartRequest) -> Result<StartOutcome, store::Error> {
        self.asked.lock().unwrap().push(request.clone());
        let title = match &request.tree {
            Tree::Title { source, group, name } => format!("{source} :: {group} :: {name}"),
            Tree::Guid(guid) => guid.clone(),
        };
        if !self.trees.lock().unwrap().contains(&title) {
            let message = format!("The \"{title}\" tree does not exist.");
            return Ok(StartOutcome::Refused { status: 404, message });
        }
        let run = RunId(self.number.fetch_add(1, Ordering::SeqCst) + 1);
        Ok(StartOutcome::Started { run, title })
    }

    fn started(&self, run: RunId) {
        self.started.lock().unwrap().push(run);
    }
}

/// A mail server that says what it is told to, and takes the rest.
#[derive(Default)]
pub(crate) struct Post {
    /// What it says to the next mails.
    pub(crate) refusals: Mutex<Vec<Unsent>>,
    /// What it took.
    pub(crate) taken: Mutex<Vec<Mail>>,
}

impl Mailer for Post {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a> {
        let said = match self.refusals.lock().unwrap().pop() {
            Some(refusal) => Err(refusal),
            None => {
                self.taken.lock().unwrap().push(mail.clone());
                Ok(format!("{}@test", mail.key))
            }
        };
        Box::pin(std::future::ready(said))
    }
}

/// One node over a store.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    pub(crate) changes: Changes,
    pub(crate) engine: Arc<Engine>,
    pub(crate) post: Arc<Post>,
    pub(crate) webhooks: Webhooks,
    pub(crate) actor: Actor,
    pub(crate) node: Node,
}

pub(crate) fn space_id() -> SpaceId {
    SpaceId("space-1".to_owned())
}

pub(crate) fn kapp_id() -> KappId {
    KappId("kapp-1".to_owned())
}

impl World {
    /// A first node over a fresh store.
    pub(crate) async fn new(store: &Store) -> Self {
        let audit = Audit::created(NOW, "admin");
        let mut attributes = Attributes::new();
        attributes.insert("Task Source Name".to_owned(), json!(["Kinetic Request CE"]));
        let space = Space {
            id: space_id(),
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            attributes,
            properties: serde_json::Map::new(),
            version: 0,
            audit: audit.clone(),
        };
        let kapp = Kapp {
            id: kapp_id(),
            space_id: space_id(),
            slug: "services".to_owned(),
            name: "Services".to_owned(),
            status: "Active".to_owned(),
            attributes: Attributes::new(),
            properties: serde_json::Map::new(),
            version: 0,
            audit,
        };
        let write = move |tx: &mut Tx| {
            store::spaces::insert(tx, &space)?;
            store::kapps::insert(tx, &kapp)
        };
        store.write(write).await.unwrap();
        Self::node(store, "node-1", NOW)
    }

    /// Another node over the same store, or the same one after a restart.
    pub(crate) fn node(store: &Store, node: &str, now: Micros) -> Self {
        Self::sending(store, node, now, None)
    }

    /// As [`World::node`], with a resolver of names.
    pub(crate) fn sending(
        store: &Store,
        node: &str,
        now: Micros,
        resolve: Option<Resolve>,
    ) -> Self {
        // Nodes draw ids of their own.
        let seed = node.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte));
        let runtime = Runtime::fake(now, seed);
        let changes = Changes::default();
        let engine = Arc::new(Engine::default());
        let post = Arc::new(Post::default());
        // Nodes of one store share the key.
        let vault = Vault::new(&runtime, vec![MasterKey::new(&[7; 32])]).unwrap();
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let own = Node::alone(node);
        let options = webhooks::send::Options { guard, resolve, ..Default::default() };
        let webhooks = Webhooks::new(Options {
            store: store.clone(),
            runtime: runtime.clone(),
            changes: changes.clone(),
            sender: Sender::new(runtime.clone(), options).unwrap(),
            vault,
            workflows: engine.clone(),
            mailer: post.clone(),
            public_url: None,
            node: own.clone(),
        });
        let actor =
            Actor { space_id: space_id(), username: "admin".to_owned(), is_space_admin: true };
        Self { store: store.clone(), runtime, changes, engine, post, webhooks, actor, node: own }
    }

    /// Creates a webhook of the kapp for submitted submissions.
    pub(crate) async fn webhook(&self, name: &str, filter: &str, url: &str) {
        let input = WebhookInput {
            name: Some(name.to_owned()),
            type_name: Some("Submission".to_owned()),
            event: Some("Submitted".to_owned()),
            filter: Some(filter.to_owned()),
            url: Some(url.to_owned()),
            ..WebhookInput::default()
        };
        self.webhooks.create_webhook(&self.actor, Some("services"), &input).await.unwrap();
    }

    /// A submission of the laptop form that was submitted.
    pub(crate) fn submitted(&self, number: usize, values: &Value) -> Event {
        let id = format!("submission-{number}");
        let (type_name, event) = catalogue::find(Level::Kapp, "Submission", "Submitted").unwrap();
        let payload = json!({
            "event": {"type": type_name, "action": event, "timestamp": self.runtime.now().iso()},
            "space": {"slug": "acme", "name": "Acme",
                "attributes": {"Task Source Name": ["Kinetic Request CE"]}},
            "kapp": {"slug": "services", "name": "Services", "attributes": {}},
            "form": {"slug": "laptop", "name": "Laptop", "attributes": {}},
            "submission": {"id": id, "coreState": "Submitted"},
            "values": values,
        });
        Event {
            id: EventId::new(self.runtime.uuid()),
            space_id: space_id(),
            kapp_id: Some(kapp_id()),
            level: Level::Kapp,
            type_name,
            event,
            entity_type: "Submission",
            entity_id: id.clone(),
            entity_key: id,
            label: "A laptop".to_owned(),
            actor: "ann".to_owned(),
            at: self.runtime.now(),
            cause: Cause::outside(TraceId::new(self.runtime.uuid())),
            payload: payload.into(),
        }
    }

    /// Commits events the way a change does, prepared again when a webhook moved.
    pub(crate) async fn commit(&self, events: Vec<Event>) {
        loop {
            let prepared = Arc::new(self.webhooks.prepare(events.clone()).await.unwrap());
            match self.write(&prepared).await {
                Ok(()) => return prepared.committed(),
                Err(store::Error::Stale) => prepared.stale(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) async fn write(&self, prepared: &Arc<Prepared>) -> Result<(), store::Error> {
        let prepared = prepared.clone();
        self.store.write(move |tx| prepared.apply(tx)).await
    }

    /// Commits one submitted submission.
    pub(crate) async fn submit(&self, values: &Value) -> Event {
        let event = self.submitted(1, values);
        self.commit(vec![event.clone()]).await;
        event
    }

    /// Every job, newest first.
    pub(crate) async fn jobs(&self) -> Vec<Job> {
        let query = JobQuery { all: true, limit: Some(1_000), ..JobQuery::default() };
        let page = self.webhooks.jobs(&self.actor, query).await.unwrap();
        page.items.into_iter().map(|found| found.job).collect()
    }

    pub(crate) async fn job(&self, id: &JobId) -> Job {
        self.webhooks.job(&self.actor, None, id).await.unwrap().found.job
    }

    pub(crate) async fn attempts(&self, id: &JobId) -> Vec<Attempt> {
        self.webhooks.job(&self.actor, None, id).await.unwrap().attempts
    }

    /// Waits, told by the changes, until every job satisfies `done`.
    pub(crate) async fn until(&self, done: impl Fn(&[Job]) -> bool) -> Vec<Job> {
        let mut listener = self.changes.subscribe();
        loop {
            let jobs = self.jobs().await;
            if done(&jobs) {
                return jobs;
            }
            loop {
                match listener.next().await.unwrap() {
                    Heard::Change(change) if change.topic != Topic::Jobs => {}
                    _ => break,
                }
            }
        }
    }

    /// Waits until every job is in this state.
    pub(crate) async fn until_all(&self, state: State) -> Vec<Job> {
        self.until(|jobs| !jobs.is_empty() && jobs.iter().all(|job| job.state == state)).await
    }
}
