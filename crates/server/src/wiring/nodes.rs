//! This process among the nodes of a PostgreSQL database: signals of the presence become what the
//! engines do about them.

use anyhow::{Context, Result};
use model::id::SpaceId;
use model::time::Micros;
use runtime::Runtime;
use runtime::changes::{Hint, Topic};
use runtime::node::Node;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use store::presence::{Keeper, Signal, Who};

use crate::config::Config;

/// Time between looks into the tables for hints' sake: a busy neighbour sends many.
const LOOK: Duration = Duration::from_millis(250);

/// The engines, once they are built; signals that come before find nothing to do.
type Later = Arc<OnceLock<api::App>>;

/// The node and what keeps it present.
pub(crate) struct Nodes {
    pub(crate) node: Node,
    later: Later,
    keeper: Option<Keeper>,
}

impl Nodes {
    /// Makes this process present. What an earlier life of it left is free by then.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn join(config: &Config, runtime: &Runtime, port: u16) -> Result<Self> {
        let id = runtime.uuid().to_string();
        let node = Node::alone(id.as_str());
        let later = Later::default();
        let who = Who {
            id,
            name: name(config, port),
            version: api::SERVER_VERSION.to_owned(),
            timeout: config.node_timeout,
        };
        let (own, clock, engines) = (node.clone(), runtime.clone(), later.clone());
        let looked = Mutex::new(Duration::ZERO);
        let sink = Box::new(move |signal| act(&own, &clock, &engines, &looked, signal));
        let keeper = Keeper::start(&config.database, who, sink).await;
        let keeper = keeper.context("cannot join the nodes of the database")?;
        Ok(Self { node, later, keeper })
    }

    /// From now on signals reach the engines.
    pub(crate) fn connect(&self, app: &api::App) {
        if let Some(keeper) = self.keeper.clone() {
            let node = self.node.clone();
            app.changes.tell_others(move |hint| {
                if node.live_nodes() > 1 {
                    keeper.tell(hint.text());
                }
            });
        }
        // Once for each process; a second one would be the same.
        let _ = self.later.set(app.clone());
    }

    /// Signs off, so that the others need not find out.
    pub(crate) async fn leave(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.leave().await;
        }
    }
}

/// What stays the same when the process is started again.
fn name(config: &Config, port: u16) -> String {
    match &config.node_name {
        Some(name) => name.clone(),
        None => {
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let host = if host.trim().is_empty() { "node" } else { host.trim() };
            format!("{host}:{port}")
        }
    }
}

/// Runs on the presence's own thread. `looked` is when hints last had the tables looked into.
fn act(node: &Node, runtime: &Runtime, engines: &Later, looked: &Mutex<Duration>, signal: Signal) {
    let app = engines.get();
    match signal {
        Signal::Present { since, certain, now, live, generations } => {
            // In this order: should the process be stopped in between, the node is taken for
            // less certain than it is.
            let at = runtime.elapsed().saturating_sub(since.elapsed());
            let was_present = node.is_present(runtime);
            node.sign(runtime, at + certain, Micros(now), live);
            let Some(app) = app else { return };
            for (space, generation) in generations {
                app.webhooks.definitions_at(&SpaceId(space), generation);
            }
            if !was_present {
                app.webhooks.go_on();
            }
        }
        Signal::Doubt => node.doubt(),
        Signal::Renamed(id) => {
            node.rename(id);
            if let Some(app) = app {
                app.webhooks.let_go();
            }
        }
        Signal::TookOver => {
            if let Some(app) = app {
                app.webhooks.take_over();
                app.workflows.take_over();
            }
        }
        Signal::Heard(text) => {
            let Some(app) = app else { return };
            let hints: Vec<Hint> = text.lines().skip(1).filter_map(Hint::parse).collect();
            follow(app, &hints);
            let now = runtime.elapsed();
            let mut looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
            if now.saturating_sub(*looked) >= LOOK {
                *looked = now;
                look(app, &hints);
            }
        }
    }
}

/// Does what hints say.
fn follow(app: &api::App, hints: &[Hint]) {
    for hint in hints {
        match hint {
            Hint::Taken(job) => app.webhooks.drop_taken(job),
            Hint::Change(change) => {
                app.changes.relay(change.clone());
                if change.topic == Topic::Webhooks {
                    app.webhooks.definitions_at(&change.space_id, i64::MAX);
                }
            }
        }
    }
}

/// Has the tables looked into for what the other node may have left.
fn look(app: &api::App, hints: &[Hint]) {
    let moved = |wanted: Topic| {
        hints.iter().any(|hint| matches!(hint, Hint::Change(change) if change.topic == wanted))
    };
    if moved(Topic::Jobs) {
        app.webhooks.look();
    }
    if moved(Topic::Runs) {
        app.workflows.take_over();
    }
}
