//! Connects the engines: each names what it needs as a small trait, and here it gets it.
//!
//! ```text
//! platform ── Outbox ──▶ webhooks ── Workflows ──▶ workflows
//!     ▲                                               │
//!     ├──────── Submissions, Records ─────────────────┤
//!     └── api ◀────────── Api ────────────────────────┤
//!     webhooks::send ◀──────── Http ──────────────────┤
//!     webhooks::connections ◀─ Operations ────────────┤
//!     smtp ◀─────────────── Mailer ───────────────────┘
//! ```
//!
//! The circles are closed by [`PlatformLater`], [`WebhooksLater`] and [`ApiLater`], which are
//! filled before anything moves.

pub(crate) mod nodes;
mod outbox;
mod outside;
pub(crate) mod own_api;
mod records;
mod starts;

use crate::config::Config;
use crate::smtp::SmtpMailer;
use crate::telemetry::collect::Collector;
use anyhow::{Context, Result};
use outside::{ConnectionOperations, GuardedHttp, PlatformSubmissions};
use own_api::{ApiLater, InProcess};
use platform::Platform;
use records::PlatformRecords;
use runtime::Runtime;
use runtime::changes::Changes;
use runtime::mail::{Mailer, NoMailer};
use runtime::node::Node;
use runtime::vault::Vault;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use store::Store;
use url::Url;
use webhooks::guard::Guard;
use webhooks::send::{self, Sender};

/// What the engines stand on.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Store,
    pub(crate) runtime: &'a Runtime,
    pub(crate) config: &'a Config,
    /// This process among those that share the database.
    pub(crate) node: &'a Node,
    pub(crate) vault: Vault,
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// Where the demo's receiver listens; the guard lets exactly this address pass.
    pub(crate) receiver: Option<SocketAddr>,
}

/// The platform, once it is built: the engine that it leads to needs it.
pub(crate) type PlatformLater = Arc<OnceLock<Platform>>;
/// The same for the webhooks, which keep the connections that runs call through.
pub(crate) type WebhooksLater = Arc<OnceLock<webhooks::Webhooks>>;

/// Builds the engines and what the handlers work with. Nothing moves before [`run`].
///
/// # Errors
/// When the sender cannot be built.
pub(crate) fn connect(ground: &Ground<'_>, space: &str) -> Result<(api::App, Arc<Collector>)> {
    let changes = Changes::default();
    let node = ground.node.clone();
    let later = PlatformLater::default();
    let webhooks_later = WebhooksLater::default();
    let api_later = ApiLater::default();
    let config = ground.config;
    let endpoints = config.allow_endpoints.iter().copied().chain(ground.receiver);
    let guard = Guard::new(config.allow_cidrs.clone()).with_endpoints(endpoints.collect());
    let guard = guard.with_inspectors_at(own(ground.address));
    let options = send::Options {
        guard,
        extra_roots: config.extra_roots.clone(),
        proxy: config.egress_proxy.clone(),
        ..send::Options::default()
    };
    let sender = Sender::new(ground.runtime.clone(), options).context("cannot build the sender")?;
    let mailer = mailer(ground)?;
    let workflows = workflows::Workflows::new(workflows::Options {
        store: ground.store.clone(),
        runtime: ground.runtime.clone(),
        changes: changes.clone(),
        node: node.clone(),
        submissions: Arc::new(PlatformSubmissions::new(later.clone(), ground.runtime.clone())),
        operations: Arc::new(ConnectionOperations::new(webhooks_later.clone())),
        records: Arc::new(PlatformRecords::new(later.clone(), ground.runtime.clone())),
        http: Arc::new(GuardedHttp::new(sender.clone(), ground.runtime.clone())),
        api: Arc::new(InProcess::new(api_later.clone(), ground.runtime.clone())),
        mailer: mailer.clone(),
        vault: ground.vault.clone(),
        public_url: public_url(ground)?.as_str().trim_end_matches('/').to_owned(),
        time_zone: ground.config.time_zone.clone(),
    });
    let webhooks = webhooks::Webhooks::new(webhooks::Options {
        store: ground.store.clone(),
        runtime: ground.runtime.clone(),
        changes: changes.clone(),
        sender,
        vault: ground.vault.clone(),
        mailer,
        workflows: Arc::new(starts::Starts::new(workflows.clone())),
        public_url: Some(public_url(ground)?),
        node,
    });
    webhooks_later.set(webhooks.clone()).ok().context("the engines were connected twice")?;
    let outbox = Arc::new(outbox::Events::new(webhooks.clone(), changes.clone()));
    let platform = Platform::new(ground.store.clone(), ground.runtime.clone(), outbox);
    later.set(platform.clone()).ok().context("the engines were connected twice")?;
    let is_https = ground.config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let (store, runtime) = (ground.store.clone(), ground.runtime.clone());
    let collector = Arc::new(Collector::new(store, runtime, webhooks.clone()));
    let app = api::App::from(api::Engines {
        store: ground.store.clone(),
        platform: Arc::new(platform),
        webhooks,
        workflows,
        runtime: ground.runtime.clone(),
        changes,
        metrics: collector.clone(),
        settings: Arc::new(api::Settings {
            space: space.to_owned(),
            is_https,
            body_seconds: ground.config.request_seconds,
            has_mail_server: ground.config.smtp.is_some(),
        }),
    });
    let own = api::inside::OwnApi::new(app.clone());
    api_later.set(own).ok().context("the engines were connected twice")?;
    Ok((app, collector))
}

/// What sends mail: the server that is configured, or something that says there is none.
fn mailer(ground: &Ground<'_>) -> Result<Arc<dyn Mailer>> {
    Ok(match &ground.config.smtp {
        Some(smtp) => {
            let runtime = ground.runtime.clone();
            Arc::new(SmtpMailer::new(smtp.clone(), &ground.config.extra_roots, runtime)?)
        }
        None => Arc::new(NoMailer),
    })
}

/// Starts the loops of the engines: deliveries and runs that an earlier life left are taken up.
pub(crate) fn run(app: &api::App) {
    app.workflows.run();
    app.webhooks.deliver();
    app.webhooks.recover();
    app.webhooks.purge();
    app.webhooks.notice();
}

/// The addresses at which this machine reaches the server itself.
fn own(address: SocketAddr) -> Vec<SocketAddr> {
    if !address.ip().is_unspecified() {
        return vec![address];
    }
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback.map(|ip: IpAddr| SocketAddr::new(ip, address.port())).to_vec()
}

/// The address that webhooks may name for the server itself.
fn public_url(ground: &Ground<'_>) -> Result<Url> {
    match &ground.config.public_url {
        Some(url) => Ok(url.clone()),
        None => {
            // Nobody can call 0.0.0.0; loopback is what works on this machine.
            let address = own(ground.address).first().copied().unwrap_or(ground.address);
            Url::parse(&format!("http://{address}")).context("the own address")
        }
    }
}
