//! `kapok serve`: opens the database, connects the engines, listens, and stops gracefully.

use crate::config::Config;
use crate::connections::Edge;
use crate::life::Life;
use crate::telemetry::collect::Collector;
use crate::telemetry::{otlp, prometheus};
use crate::wiring::nodes::Nodes;
use crate::wiring::{self, Ground};
use crate::{connections, console, demo, housekeeping, output, secrets, telemetry};
use anyhow::{Context, Result};
use http::header::CONTENT_TYPE;
use platform::spaces::Bootstrap;
use runtime::Runtime;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// The slug of the space that a first start creates.
const SPACE_SLUG: &str = "kapok";
/// Its name until an administrator gives it another.
const SPACE_NAME: &str = "Kapok";
/// Seconds that requests under way get when the server stops.
const DRAIN_SECONDS_MAX: u64 = 20;

/// A server that listens.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where `/metrics` answers without signing in.
    pub metrics_address: Option<SocketAddr>,
    /// The password that was made up for the first administrator.
    pub password: Option<String>,
    /// What the handlers work with.
    pub app: api::App,
    runtime: Runtime,
    store: Store,
    serving: JoinHandle<()>,
    nodes: Nodes,
    life: Life,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// What keeps it from starting.
pub fn run(config: Config) -> Result<()> {
    telemetry::start(&config)?;
    let workers = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    workers.context("cannot start worker threads")?.block_on(async {
        // Before anything listens, so that no signal finds its default action, which is to kill.
        let mut signals = Signals::listen()?;
        let running = tokio::select! {
            running = start(config) => running?,
            // Whatever was not committed yet is done by the next start.
            () = signals.next() => return Ok(()),
        };
        tracing::info!(address = %running.address, version = api::SERVER_VERSION, "listening");
        signals.next().await;
        tracing::info!("stopping; a second signal ends the process at once");
        tokio::select! {
            () = running.stop() => tracing::info!("stopped"),
            () = signals.next() => {
                tracing::warn!("ended before everything was finished; the next start goes on");
            }
        }
        Ok(())
    })
}

/// Starts a server and returns once it accepts work.
///
/// # Errors
/// What keeps it from starting.
pub async fn start(config: Config) -> Result<Running> {
    let store = open(&config).await?;
    start_on(config, store).await
}

/// Starts a server on a database that is open already.
///
/// # Errors
/// What keeps it from starting.
pub async fn start_on(config: Config, store: Store) -> Result<Running> {
    let runtime = Runtime::system();
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr().context("the listening address is unknown")?;
    let receiver = match config.demo {
        true => Some(demo::receiver::start(&runtime, address).await?),
        false => None,
    };
    let nodes = Nodes::join(&config, &runtime, address.port()).await?;
    let node = &nodes.node;
    let vault = secrets::open(&config, &store, &runtime).await?;
    let life = Life::begin(&config, &store, &runtime).await?;
    let ground = Ground {
        store: &store,
        runtime: &runtime,
        config: &config,
        vault,
        node,
        address,
        receiver,
    };
    let (app, collector) = wiring::connect(&ground, SPACE_SLUG)?;
    nodes.connect(&app);
    let first = Bootstrap {
        slug: SPACE_SLUG.to_owned(),
        name: SPACE_NAME.to_owned(),
        username: config.admin_username.clone(),
        password: config.admin_password.clone(),
    };
    let made = app.platform.bootstrap(first).await.context("cannot set up the first space")?;
    if let Some(password) = &made.password {
        print_password(&config.admin_username, password);
    }
    let sealed = app.webhooks.reseal().await.context("cannot seal stored secrets")?
        + app.workflows.reseal().await.context("cannot seal stored secrets")?;
    if sealed > 0 {
        tracing::info!(records = sealed, "sealed stored secrets with the present key");
    }
    wiring::run(&app);
    if let Some(receiver) = receiver {
        let loaded = match &made.administrator {
            Some(administrator) => demo::load(&app, administrator, receiver).await,
            None => demo::reconnect(&app, receiver).await,
        };
        loaded.context("cannot load the demo")?;
    }
    housekeeping::run(&app, &store, life.clone());
    let edge = Edge {
        trusted: config.trusted_proxies.clone().into(),
        head: Duration::from_secs(config.request_seconds),
    };
    let metrics_address = watched(&config, &runtime, collector, &edge).await?;
    let routes = api::router::router(app.clone(), console::pages());
    let serving = runtime.spawn(connections::serve(listener, routes, runtime.clone(), edge));
    let password = made.password;
    Ok(Running { address, metrics_address, password, app, runtime, store, serving, nodes, life })
}

/// Opens the listener for metrics and starts their export, as far as either is configured.
async fn watched(
    config: &Config,
    runtime: &Runtime,
    collector: Arc<Collector>,
    edge: &Edge,
) -> Result<Option<SocketAddr>> {
    if let Some(options) = config.otlp.clone() {
        otlp::start(runtime, collector.clone(), options)?;
    }
    let Some(wanted) = config.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(wanted).await;
    let listener = listener.with_context(|| format!("cannot listen on {wanted} for metrics"))?;
    let address = listener.local_addr().context("the listening address is unknown")?;
    let scrape = move || {
        let collector = collector.clone();
        async move { ([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], collector.text().await) }
    };
    let routes = axum::Router::new().route("/metrics", axum::routing::get(scrape));
    runtime.spawn(connections::serve(listener, routes, runtime.clone(), edge.clone()));
    Ok(Some(address))
}

/// Prints a password that was made up, as soon as it counts: it is kept nowhere.
fn print_password(username: &str, password: &str) {
    output::line("The first start created an administrator. Note the password, it is");
    output::line("printed only now:");
    output::line(&format!("  username  {username}"));
    output::line(&format!("  password  {password}"));
}

async fn open(config: &Config) -> Result<Store> {
    if let store::Options::Sqlite { path } = &config.database
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    }
    Store::open(&config.database).await.context("cannot open the database")
}

impl Running {
    /// Tidies now what is otherwise tidied every few minutes.
    pub async fn tidy(&self) {
        housekeeping::round(&self.app, &self.store).await;
        if let Err(error) = self.app.webhooks.purge_now().await {
            tracing::warn!(%error, "history could not be purged");
        }
    }

    /// Stops accepting, finishes what is under way, closes the database.
    pub async fn stop(self) {
        let drained = async {
            self.runtime.stop().await;
            let _ = self.serving.await;
        };
        let limit = Duration::from_secs(DRAIN_SECONDS_MAX);
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!("requests were still under way after {DRAIN_SECONDS_MAX} seconds");
        }
        self.life.beat().await;
        // Last, for whatever is still leased to this node is free for others from here on.
        self.nodes.leave().await;
        self.store.close().await;
    }
}

/// The signals that ask the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    /// Resolves when the process is asked to stop, once more.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
