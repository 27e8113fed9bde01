//! The configuration: flags over environment over `kapok.toml`, each value checked where it is
//! read, each error naming the value and where it came from.

mod observe;
mod smtp;

pub use crate::telemetry::otlp::Options as Otlp;
pub use smtp::{Smtp, Tls};

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use runtime::vault::Secret;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;
use webhooks::send::Proxy;

/// The file that is read when none is named and it is there.
const FILE: &str = "kapok.toml";
const LISTEN: &str = "127.0.0.1:8080";
const DATA_DIR: &str = "./kapok-data";
/// Time without a sign of life: longer than a database takes to restart, short enough to wait for.
const NODE_TIMEOUT_SECONDS: u64 = 10;
const ADMIN_USERNAME: &str = "admin";
/// Slow connections are slow, not hostile: half a minute is long for a head or a body.
const REQUEST_SECONDS: u64 = 30;

/// What flags and environment give; clap lets the flag win.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Given {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "KAPOK_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Where the embedded database lives; created when missing [default: ./kapok-data]
    #[arg(long, env = "KAPOK_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL 15 or newer; without it SQLite in the data folder
    #[arg(long, env = "KAPOK_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Seals stored secrets: 64 hex digits, older keys after it separated by commas; without it
    /// the file secret.key in the data folder, made at the first start
    #[arg(long, env = "KAPOK_SECRET_KEY", value_name = "KEYS", hide_env_values = true)]
    pub secret_key: Option<String>,
    /// Gives up stored secrets whose key is lost; they have to be set anew
    #[arg(long)]
    pub forget_secrets: bool,
    /// Has everything wait that the database remembers as unfinished, for it was restored
    #[arg(long)]
    pub hold_restored: bool,
    /// The administrator that the first start creates [default: admin]
    #[arg(long, env = "KAPOK_ADMIN_USERNAME", value_name = "NAME")]
    pub admin_username: Option<String>,
    /// Their password; made up and printed once when absent
    #[arg(long, env = "KAPOK_ADMIN_PASSWORD", value_name = "TEXT", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The address people use; webhooks that name it are internal
    #[arg(long, env = "KAPOK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Private ranges that may be called, separated by commas
    #[arg(long, env = "KAPOK_ALLOW_CIDRS", value_name = "CIDRS")]
    pub allow_cidrs: Option<String>,
    /// Proxies in front, separated by commas, that are believed about who is asking
    #[arg(long, env = "KAPOK_TRUSTED_PROXIES", value_name = "CIDRS")]
    pub trusted_proxies: Option<String>,
    /// Seconds a client gets for a request's head, and again for its body [default: 30]
    #[arg(long, env = "KAPOK_REQUEST_SECONDS", value_name = "SECONDS")]
    pub request_seconds: Option<u64>,
    /// A loopback address that answers /metrics without signing in
    #[arg(long, env = "KAPOK_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<String>,
    /// An OpenTelemetry collector that metrics and traces are sent to
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector: name=value, separated by commas
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", value_name = "PAIRS", hide_env_values = true)]
    pub otlp_headers: Option<String>,
    /// The name under which the collector knows this service [default: kapok]
    #[arg(long, env = "OTEL_SERVICE_NAME", value_name = "NAME")]
    pub otlp_service: Option<String>,
    /// Milliseconds between two exports of the metrics [default: 60000]
    #[arg(long, env = "OTEL_METRIC_EXPORT_INTERVAL", value_name = "MILLISECONDS")]
    pub otlp_interval: Option<i64>,
    /// The IANA time zone of trees' expressions, and of schedules that name none [default: UTC]
    #[arg(long, env = "KAPOK_TIME_ZONE", value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// The name of this node among several; stays the same over restarts [default: host:port]
    #[arg(long, env = "KAPOK_NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,
    /// Seconds without a sign of life until other nodes take its work over [default: 10]
    #[arg(long, env = "KAPOK_NODE_TIMEOUT", value_name = "SECONDS")]
    pub node_timeout: Option<u64>,
    /// A proxy that all outgoing requests go through, such as http://proxy:3128
    #[arg(long, env = "KAPOK_EGRESS_PROXY", value_name = "URL", hide_env_values = true)]
    pub egress_proxy: Option<String>,
    /// Lets the proxy resolve names; it then has to keep private addresses out itself
    #[arg(long, env = "KAPOK_EGRESS_PROXY_RESOLVES")]
    pub egress_proxy_resolves: bool,
    /// A file of PEM certificates that outgoing requests trust besides the public authorities
    #[arg(long, env = "KAPOK_EXTRA_CA", value_name = "FILE")]
    pub extra_ca: Option<PathBuf>,
    /// The mail server, such as smtps://user:password@mail.example.com
    #[arg(long, env = "KAPOK_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The sender of mail that names none, such as Kapok <kapok@example.com>
    #[arg(long, env = "KAPOK_SMTP_FROM", value_name = "ADDRESS")]
    pub smtp_from: Option<String>,
    /// How logs are written: text or json [default: text]
    #[arg(long, env = "KAPOK_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged, such as info or info,webhooks=debug [default: info]
    #[arg(long, env = "KAPOK_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// The configuration file [default: kapok.toml, when it is there]
    #[arg(long, env = "KAPOK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Fills an empty database with a small company to try things on
    #[arg(long)]
    pub demo: bool,
}

/// What the file may say; the keys are the flags with underscores.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    secret_key: Option<String>,
    admin_username: Option<String>,
    admin_password: Option<String>,
    public_url: Option<String>,
    allow_cidrs: Option<Vec<String>>,
    egress_proxy: Option<String>,
    egress_proxy_resolves: Option<bool>,
    extra_ca: Option<PathBuf>,
    smtp_url: Option<String>,
    smtp_from: Option<String>,
    trusted_proxies: Option<Vec<String>>,
    request_seconds: Option<u64>,
    metrics_listen: Option<String>,
    otlp_endpoint: Option<String>,
    otlp_headers: Option<String>,
    otlp_service: Option<String>,
    otlp_interval: Option<i64>,
    time_zone: Option<String>,
    node_name: Option<String>,
    node_timeout: Option<u64>,
    log_format: Option<String>,
    log: Option<String>,
}

/// The configuration in force.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The database.
    pub database: store::Options,
    /// The master keys of stored secrets, first the one that seals; in the key file when `None`.
    pub secret_key: Option<Secret>,
    /// Whether to start although stored secrets cannot be opened.
    pub forget_secrets: bool,
    /// Whether the operator says that the database was restored.
    pub hold_restored: bool,
    /// The first administrator.
    pub admin_username: String,
    /// Their password; made up when `None`.
    pub admin_password: Option<String>,
    /// The address people use.
    pub public_url: Option<Url>,
    /// Private ranges that may be called.
    pub allow_cidrs: Vec<IpNet>,
    /// Single private addresses that may be called, each at one port.
    pub allow_endpoints: Vec<SocketAddr>,
    /// The proxy that outgoing requests go through.
    pub egress_proxy: Option<Proxy>,
    /// Certificates (DER) that outgoing requests trust besides the public authorities.
    pub extra_roots: Vec<Vec<u8>>,
    /// Where mail is handed over; without it none is sent.
    pub smtp: Option<Smtp>,
    /// Proxies that are believed about who is asking.
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds a client gets for a request's head, and again for its body.
    pub request_seconds: u64,
    /// Where `/metrics` answers without signing in.
    pub metrics_listen: Option<SocketAddr>,
    /// Where metrics and traces are sent.
    pub otlp: Option<Otlp>,
    /// The time zone of trees' expressions, and of schedules that name none.
    pub time_zone: String,
    /// The name of this node among several; host and port when `None`.
    pub node_name: Option<String>,
    /// Time without a sign of life until other nodes take its work over.
    pub node_timeout: Duration,
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log: String,
    /// Whether to fill an empty database with the demo company.
    pub demo: bool,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON document a line.
    Json,
}

impl Config {
    /// Reads the file, lays environment and flags over it, and checks every value.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value that is none; each named.
    pub fn read(given: Given) -> Result<Self> {
        let file = read_file(given.config.as_deref())?;
        let listen = given.listen.or(file.listen).unwrap_or_else(|| LISTEN.to_owned());
        let data_dir = given.data_dir.or(file.data_dir).unwrap_or_else(|| DATA_DIR.into());
        let database_url = not_blank(given.database_url.or(file.database_url));
        let cidrs = listed(given.allow_cidrs, file.allow_cidrs);
        let proxies = listed(given.trusted_proxies, file.trusted_proxies);
        let metrics_listen = not_blank(given.metrics_listen.or(file.metrics_listen));
        let otlp = observe::Given {
            endpoint: not_blank(given.otlp_endpoint.or(file.otlp_endpoint)),
            headers: not_blank(given.otlp_headers.or(file.otlp_headers)),
            service: not_blank(given.otlp_service.or(file.otlp_service)),
            interval: given.otlp_interval.or(file.otlp_interval),
        };
        let (allow_cidrs, allow_endpoints) = ranges(&cidrs)?;
        let proxy = not_blank(given.egress_proxy.or(file.egress_proxy));
        let proxy_resolves =
            given.egress_proxy_resolves || file.egress_proxy_resolves.unwrap_or(false);
        let format = given.log_format.or(file.log_format);
        let username = not_blank(given.admin_username.or(file.admin_username));
        let public_url = not_blank(given.public_url.or(file.public_url));
        Ok(Self {
            listen: address(&listen)?,
            database: database(database_url, &data_dir)?,
            data_dir,
            secret_key: not_blank(given.secret_key.or(file.secret_key)).map(Secret::new),
            forget_secrets: given.forget_secrets,
            hold_restored: given.hold_restored,
            admin_username: username.unwrap_or_else(|| ADMIN_USERNAME.to_owned()),
            admin_password: not_blank(given.admin_password.or(file.admin_password)),
            public_url: public_url.map(|text| web_address(&text)).transpose()?,
            allow_cidrs,
            allow_endpoints,
            egress_proxy: egress_proxy(proxy, proxy_resolves)?,
            extra_roots: extra_roots(given.extra_ca.or(file.extra_ca).as_deref())?,
            smtp: smtp::read(
                not_blank(given.smtp_url.or(file.smtp_url)),
                not_blank(given.smtp_from.or(file.smtp_from)),
            )?,
            trusted_proxies: observe::ranges(&proxies)?,
            request_seconds: request_seconds(given.request_seconds.or(file.request_seconds))?,
            metrics_listen: metrics_listen.map(|text| observe::loopback(&text)).transpose()?,
            otlp: otlp.read()?,
            time_zone: time_zone(not_blank(given.time_zone.or(file.time_zone)))?,
            node_name: not_blank(given.node_name.or(file.node_name)),
            node_timeout: node_timeout(given.node_timeout.or(file.node_timeout))?,
            log_format: log_format(format.as_deref().unwrap_or("text"))?,
            log: given.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            demo: given.demo,
        })
    }
}

fn not_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn read_file(named: Option<&Path>) -> Result<File> {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(File::default());
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read the configuration {}", path.display()));
        }
    };
    toml::from_str(&text).with_context(|| format!("the configuration {}", path.display()))
}

fn address(text: &str) -> Result<SocketAddr> {
    text.trim().parse().map_err(|_| {
        anyhow::anyhow!(
            "listen (KAPOK_LISTEN) must be an address and a port such as {LISTEN}, not \"{text}\""
        )
    })
}

fn database(url: Option<String>, data_dir: &Path) -> Result<store::Options> {
    let Some(url) = url else {
        return Ok(store::Options::Sqlite { path: data_dir.join("kapok.db") });
    };
    // The URL holds a password, so the message shows its beginning only.
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        let scheme = url.split(':').next().unwrap_or_default();
        bail!(
            "database_url (KAPOK_DATABASE_URL) must begin with postgres://, not \"{scheme}:\". \
             Leave it out for SQLite in the data folder"
        );
    }
    Ok(store::Options::Postgres { url })
}

fn web_address(text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    url.with_context(|| {
        format!(
            "public_url (KAPOK_PUBLIC_URL) must be an address such as https://kapok.example.com, \
             not \"{text}\""
        )
    })
}

/// A list from the command line or the environment, or the file's.
fn listed(given: Option<String>, file: Option<Vec<String>>) -> Vec<String> {
    match given {
        Some(text) => text.split(',').map(str::to_owned).collect(),
        None => file.unwrap_or_default(),
    }
}

fn request_seconds(seconds: Option<u64>) -> Result<u64> {
    let seconds = seconds.unwrap_or(REQUEST_SECONDS);
    if !(1..=300).contains(&seconds) {
        bail!("request_seconds (KAPOK_REQUEST_SECONDS) must be 1 to 300, not {seconds}");
    }
    Ok(seconds)
}

/// Ranges, and addresses with a port.
fn ranges(texts: &[String]) -> Result<(Vec<IpNet>, Vec<SocketAddr>)> {
    let (mut nets, mut endpoints) = (Vec::new(), Vec::new());
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if let Ok(net) = text.parse::<IpNet>() {
            nets.push(net);
        } else if let Ok(address) = text.parse::<IpAddr>() {
            nets.push(IpNet::from(address));
        } else if let Ok(endpoint) = text.parse::<SocketAddr>() {
            endpoints.push(endpoint);
        } else {
            bail!(
                "allow_cidrs (KAPOK_ALLOW_CIDRS) must be ranges such as 10.20.30.0/24 or addresses \
                 with a port such as 10.20.30.4:8080, not \"{text}\""
            );
        }
    }
    Ok((nets, endpoints))
}

fn egress_proxy(url: Option<String>, resolves: bool) -> Result<Option<Proxy>> {
    let Some(url) = url else { return Ok(None) };
    // The URL may hold a password, so the message does not show it.
    let proxy = Proxy::parse(&url, resolves);
    proxy.map(Some).map_err(|why| anyhow::anyhow!("egress_proxy (KAPOK_EGRESS_PROXY) {why}"))
}

fn extra_roots(path: Option<&Path>) -> Result<Vec<Vec<u8>>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let context = || format!("extra_ca (KAPOK_EXTRA_CA), {}", path.display());
    let pem = std::fs::read_to_string(path).with_context(context)?;
    webhooks::send::certificates(&pem).map_err(anyhow::Error::msg).with_context(context)
}

fn node_timeout(seconds: Option<u64>) -> Result<Duration> {
    let seconds = seconds.unwrap_or(NODE_TIMEOUT_SECONDS);
    if !(2..=60).contains(&seconds) {
        bail!("node_timeout (KAPOK_NODE_TIMEOUT) must be 2 to 60 seconds, not {seconds}");
    }
    Ok(Duration::from_secs(seconds))
}

fn log_format(text: &str) -> Result<LogFormat> {
    match text.trim().to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => bail!("log_format (KAPOK_LOG_FORMAT) must be text or json, not \"{text}\""),
    }
}

fn time_zone(name: Option<String>) -> Result<String> {
    let name = name.unwrap_or_else(|| "UTC".to_owned());
    if workflows::schedules::is_zone(&name) {
        return Ok(name);
    }
    bail!("time_zone (KAPOK_TIME_ZONE) must be a name such as Europe/Berlin, not \"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str, given: Given) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kapok.toml");
        std::fs::write(&path, toml).unwrap();
        Config::read(Given { config: Some(path), ..given })
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = "listen = \"0.0.0.0:1\"\nallow_cidrs = [\"10.0.0.0/8\"]\ndata_dir = \"/d\"\n";
        let given = Given { listen: Some("127.0.0.1:2".to_owned()), ..Given::default() };
        let config = read(file, given).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.allow_cidrs, ["10.0.0.0/8".parse::<IpNet>().unwrap()]);
        assert_eq!(config.admin_username, "admin");
        let store::Options::Sqlite { path } = config.database else { panic!("SQLite") };
        assert_eq!(path, Path::new("/d/kapok.db"));
    }

    #[test]
    fn errors_name_the_value() {
        let check = |toml: &str, expect: &str| {
            let error = format!("{:#}", read(toml, Given::default()).err().unwrap());
            assert!(error.contains(expect), "{error}");
        };
        check("listen = \"8080\"", "not \"8080\"");
        check("allow_cidrs = [\"10.0.0.0/8\", \"x/9\"]", "not \"x/9\"");
        check("database_url = \"mysql://u:secret@h/d\"", "must begin with postgres://");
        check("public_url = \"kapok\"", "not \"kapok\"");
        check("node_timeout = 1", "2 to 60 seconds, not 1");
        check("log_format = \"xml\"", "not \"xml\"");
        check("trusted_proxies = [\"x\"]", "trusted_proxies (KAPOK_TRUSTED_PROXIES)");
        check("request_seconds = 0", "must be 1 to 300");
        check("metrics_listen = \"0.0.0.0:9464\"", "must be a loopback address");
        check("otlp_endpoint = \"collector\"", "OTEL_EXPORTER_OTLP_ENDPOINT");
        check("lisen = \"x\"", "lisen");
        let error = read("database_url = \"mysql://u:secret@h/d\"", Given::default());
        assert!(!format!("{:#}", error.err().unwrap()).contains("secret"));
    }

    #[test]
    fn the_annotated_file_names_every_key_and_can_be_used() {
        let text = include_str!("../../../docs/operations/kapok.toml");
        let is_key = |line: &str| {
            let name = line.split(" = ").next().unwrap_or_default();
            line.contains(" = ") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if is_key(key) => key,
            _ => line,
        });
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let named: toml::Table = toml::from_str(&text).unwrap();
        // The file of that example is not there.
        read(&text.replace("extra_ca", "# extra_ca"), Given::default()).unwrap();
        let command = <Given as clap::Args>::augment_args(clap::Command::new("serve"));
        let flags = command.get_arguments().map(|one| one.get_id().as_str().to_owned());
        let not_kept = ["config", "demo", "forget_secrets", "hold_restored"];
        for flag in flags.filter(|flag| !not_kept.contains(&flag.as_str())) {
            assert!(named.contains_key(&flag), "{flag} is not in docs/operations/kapok.toml");
        }
    }
}
