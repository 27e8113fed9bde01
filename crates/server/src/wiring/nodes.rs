//! This process among the nodes of a PostgreSQL database: signals of the presence become what the
//! engines do about them.

use anyhow::{Context, Result};
use runtime::Runtime;
use runtime::node::Node;
use std::sync::{Arc, OnceLock};
use store::presence::{Keeper, Signal, Who};

use crate::config::Config;

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
        let sink = Box::new(move |signal| act(&own, &clock, &engines, signal));
        let keeper = Keeper::start(&config.database, who, sink).await;
        let keeper = keeper.context("cannot join the nodes of the database")?;
        Ok(Self { node, later, keeper })
    }

    /// From now on signals reach the engines.
    pub(crate) fn connect(&self, app: &api::App) {
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

/// Runs on the presence's own thread.
fn act(node: &Node, runtime: &Runtime, engines: &Later, signal: Signal) {
    let app = engines.get();
    match signal {
        Signal::Present { since, certain, now, live, generations: _ } => {
            // In this order: should the process be stopped in between, the node is taken for
            // less certain than it is.
            let at = runtime.elapsed().saturating_sub(since.elapsed());
            let was_present = node.is_present(runtime);
            node.sign(runtime, at + certain, model::time::Micros(now), live);
            if let Some(app) = app.filter(|_| !was_present) {
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
        Signal::Heard(_) => {}
    }
}
