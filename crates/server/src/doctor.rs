//! `kapok doctor`: looks at the configuration and at what it stands on, and says what to do.
//! It changes nothing, unless it is asked to open the database as `serve` would.

use crate::config::{Config, Given};
use crate::output;
use crate::smtp::SmtpMailer;
use anyhow::{Context, Result, bail};
use http::Method;
use http::header::DATE;
use runtime::Runtime;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use store::Store;
use url::Url;
use webhooks::guard::Guard;
use webhooks::send::{self, Limits, Outcome, Request, Sender};

/// Bytes of free disk below which it is time to act.
const FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;
/// Seconds the clock may be off: signatures of webhooks are refused beyond five minutes.
const CLOCK_SECONDS_MAX: i64 = 30;
/// Open files below which a busy server runs out of them.
const FILES_MIN: u64 = 4_096;
/// Milliseconds for a look at an address.
const LOOK_MS: u64 = 5_000;

/// Looks at the configuration and at what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    given: Given,
    /// Opens the database as well, which creates and migrates it as `serve` would
    #[arg(long)]
    open_database: bool,
    /// Prints a JSON document for each finding
    #[arg(long)]
    json: bool,
}

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fine,
    Doubtful,
    Broken,
}

/// What was looked at, how it was found, and what to do.
struct Finding {
    name: &'static str,
    state: State,
    said: String,
    advice: &'static str,
}

impl Finding {
    fn fine(name: &'static str, said: impl Into<String>) -> Self {
        Self { name, state: State::Fine, said: said.into(), advice: "" }
    }

    fn doubtful(name: &'static str, said: impl Into<String>, advice: &'static str) -> Self {
        Self { name, state: State::Doubtful, said: said.into(), advice }
    }

    fn broken(name: &'static str, said: impl Into<String>, advice: &'static str) -> Self {
        Self { name, state: State::Broken, said: said.into(), advice }
    }

    fn print(&self, as_json: bool) {
        let state = match self.state {
            State::Fine => "ok",
            State::Doubtful => "look",
            State::Broken => "FAIL",
        };
        if as_json {
            let document = json!({ "name": self.name, "state": state.to_lowercase(),
                "message": self.said, "advice": self.advice });
            return output::line(&document.to_string());
        }
        output::line(&format!("{state:<5} {:<14} {}", self.name, self.said));
        if !self.advice.is_empty() {
            output::line(&format!("{:<20} → {}", "", self.advice));
        }
    }
}

impl Doctor {
    /// Looks at everything.
    ///
    /// # Errors
    /// When something is broken, after everything was said.
    pub(crate) fn run(self) -> Result<()> {
        let config = match Config::read(self.given) {
            Ok(config) => config,
            Err(error) => {
                let advice = "docs/operations/configuration.md lists what there is";
                let finding = Finding::broken("configuration", format!("{error:#}"), advice);
                finding.print(self.json);
                bail!("the configuration cannot be used");
            }
        };
        let workers = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let findings = workers.context("cannot start")?.block_on(async {
            let eyes = Eyes::new()?;
            Ok::<_, anyhow::Error>(eyes.look(&config, self.open_database).await)
        })?;
        let mut broken = 0;
        for finding in &findings {
            finding.print(self.json);
            broken += usize::from(finding.state == State::Broken);
        }
        if broken > 0 {
            bail!("{broken} of {} findings must be dealt with", findings.len());
        }
        Ok(())
    }
}

/// Clock and sender.
struct Eyes {
    runtime: Runtime,
    sender: Sender,
}

impl Eyes {
    fn new() -> Result<Self> {
        let runtime = Runtime::system();
        // The addresses are the operator's own.
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok());
        let options =
            send::Options { guard: Guard::new(everywhere.collect()), ..send::Options::default() };
        let sender = Sender::new(runtime.clone(), options).context("cannot set up TLS")?;
        Ok(Self { runtime, sender })
    }

    async fn look(&self, config: &Config, open_database: bool) -> Vec<Finding> {
        let mut findings = vec![Finding::fine("configuration", "every value can be used")];
        findings.push(self.listening(config.listen).await);
        if let store::Options::Sqlite { path } = &config.database {
            let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
            findings.push(folder_finding(&folder));
            findings.push(disk(&folder));
        }
        findings.push(key(config));
        findings.push(database(&config.database, open_database).await);
        findings.push(files());
        findings.extend(self.mail(config).await);
        findings.extend(self.public(config).await);
        findings
    }

    async fn get(&self, url: String) -> Outcome {
        let limits = Limits { total_ms: LOOK_MS, ..Limits::default() };
        let (headers, body) = (Vec::new(), bytes::Bytes::new());
        self.sender
            .send(&Request { method: Method::GET, url, headers, body, identity: None, limits })
            .await
    }

    /// Whether the address is free, or answers as a server of ours.
    async fn listening(&self, address: SocketAddr) -> Finding {
        const NAME: &str = "address";
        let Err(error) = std::net::TcpListener::bind(address) else {
            return Finding::fine(NAME, format!("{address} is free"));
        };
        if error.kind() != std::io::ErrorKind::AddrInUse {
            let advice = "choose another KAPOK_LISTEN";
            return Finding::broken(NAME, format!("{address} cannot be used: {error}"), advice);
        }
        let answer = self.get(format!("http://{address}/readyz")).await.response;
        match answer {
            Some(answer) if answer.status == 200 => {
                Finding::fine(NAME, format!("a server is ready at {address}"))
            }
            Some(answer) if answer.headers.contains_key("x-request-id") => {
                let said = format!("the server at {address} answers {}", answer.status);
                Finding::doubtful(NAME, said, "it is starting or stopping: look at its log")
            }
            _ => {
                let advice = "stop what listens there, or choose another KAPOK_LISTEN";
                Finding::broken(NAME, format!("another program listens at {address}"), advice)
            }
        }
    }

    /// Whether the mail server takes this one's mail, as far as one can see without sending any.
    async fn mail(&self, config: &Config) -> Option<Finding> {
        const NAME: &str = "mail";
        let smtp = config.smtp.clone()?;
        let said = format!("{}:{} takes mail from {}", smtp.host, smtp.port, smtp.from);
        let mailer = SmtpMailer::new(smtp, &config.extra_roots, self.runtime.clone());
        let checked = match &mailer {
            Ok(mailer) => mailer.check().await.map_err(|error| error.to_string()),
            Err(error) => Err(format!("{error:#}")),
        };
        Some(match checked {
            Ok(()) => Finding::fine(NAME, said),
            Err(why) => {
                let advice = "look at KAPOK_SMTP_URL: host, port, TLS, user and password";
                Finding::doubtful(NAME, why, advice)
            }
        })
    }

    /// Whether people reach the server where it says, and whether the clocks agree.
    async fn public(&self, config: &Config) -> Vec<Finding> {
        const NAME: &str = "public URL";
        let Some(url) = &config.public_url else {
            let is_local = config.listen.ip().is_loopback();
            return vec![if is_local {
                Finding::fine(NAME, "not set; the server is for this machine only")
            } else {
                let advice = "set KAPOK_PUBLIC_URL to the address people use";
                Finding::doubtful(NAME, "not set, though others can reach the server", advice)
            }];
        };
        let mut findings = vec![self.answers(url).await];
        if url.scheme() == "https" && config.trusted_proxies.is_empty() {
            let advice = "list the proxy that ends TLS in KAPOK_TRUSTED_PROXIES";
            let said = "none is trusted: every request seems to come from the proxy itself";
            findings.push(Finding::doubtful("proxies", said, advice));
        }
        findings.extend(self.clock(url).await);
        findings
    }

    async fn answers(&self, url: &Url) -> Finding {
        let base = url.as_str().trim_end_matches('/');
        let outcome = self.get(format!("{base}/readyz")).await;
        if let Some(failure) = outcome.failure {
            let advice = "start the server, or look at the proxy and at the name";
            return Finding::doubtful("public URL", format!("{url}: {failure}"), advice);
        }
        match outcome.response {
            Some(answer) if answer.headers.contains_key("x-request-id") => {
                Finding::fine("public URL", format!("{url} leads here"))
            }
            _ => {
                let advice = "let the proxy pass requests on to KAPOK_LISTEN";
                let said = format!("{url} answers, but not as a Kapok server does");
                Finding::broken("public URL", said, advice)
            }
        }
    }

    /// Compares this clock with that of whoever answers at the public URL.
    async fn clock(&self, url: &Url) -> Option<Finding> {
        let answer = self.get(url.to_string()).await.response?;
        let date = answer.headers.get(DATE)?.to_str().ok()?.to_owned();
        let theirs = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp().as_microsecond();
        let off = (self.runtime.now().0 - theirs) / 1_000_000;
        Some(if off.abs() <= CLOCK_SECONDS_MAX {
            Finding::fine("clock", "agrees with the public URL's")
        } else {
            let said = format!("differs from the public URL's by {off} seconds");
            Finding::doubtful("clock", said, "keep it with NTP: signatures carry the time")
        })
    }
}

fn folder_finding(folder: &Path) -> Finding {
    const NAME: &str = "data folder";
    let shown = folder.display();
    if !folder.exists() {
        return Finding::fine(NAME, format!("{shown} is created at the first start"));
    }
    let probe = folder.join(".kapok-doctor");
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::fine(NAME, format!("{shown} can be written")),
        Err(error) => {
            let advice = "let the user that runs the server own the folder";
            Finding::broken(NAME, format!("{shown} cannot be written: {error}"), advice)
        }
    }
}

/// The key of stored secrets: given, or in a file that only its owner may read.
fn key(config: &Config) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    const NAME: &str = "secret key";
    if config.secret_key.is_some() {
        return Finding::fine(NAME, "given; keep a copy of it apart from the database");
    }
    let path = config.data_dir.join(crate::secrets::FILE);
    let shown = path.display();
    match std::fs::metadata(&path) {
        Err(_) => Finding::fine(NAME, format!("{shown} is made at the first start; back it up")),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            let advice = "chmod 600 the file";
            Finding::doubtful(NAME, format!("{shown} can be read by others"), advice)
        }
        Ok(_) => Finding::fine(NAME, format!("{shown}; back it up apart from the database")),
    }
}

fn disk(folder: &Path) -> Finding {
    const NAME: &str = "disk";
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let told = std::process::Command::new("df").arg("-Pk").arg(existing).output();
    let text = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
    match text.ok().as_deref().and_then(free_bytes) {
        None => Finding::doubtful(NAME, "its free space is unknown here", "look yourself"),
        Some(free) => {
            let said = format!("{} MiB are free", free / 1024 / 1024);
            if free < FREE_BYTES_MIN {
                let advice = "make room: a full disk stops intake until there is some";
                Finding::doubtful(NAME, said, advice)
            } else {
                Finding::fine(NAME, said)
            }
        }
    }
}

/// The fourth column of the last line of `df -Pk`, in bytes.
fn free_bytes(text: &str) -> Option<u64> {
    let kilobytes: u64 = text.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

async fn database(options: &store::Options, open: bool) -> Finding {
    const NAME: &str = "database";
    if open {
        return match Store::open(options).await {
            Ok(store) => {
                store.close().await;
                Finding::fine(NAME, "opens, and its schema is this version's")
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let said = format!("does not open: {error}{}", cause.unwrap_or_default());
                Finding::broken(NAME, said, "look at the address, the user and the password")
            }
        };
    }
    match options {
        store::Options::Postgres { .. } => {
            Finding::fine(NAME, "PostgreSQL, not opened; --open-database does, and migrates it")
        }
        store::Options::Sqlite { path } => match std::fs::metadata(path) {
            Err(_) => Finding::fine(NAME, format!("{} is created at the start", path.display())),
            Ok(found) => {
                let size = found.len() / 1024 / 1024;
                Finding::fine(NAME, format!("{}, {size} MiB", path.display()))
            }
        },
    }
}

fn files() -> Finding {
    const NAME: &str = "open files";
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    match most {
        None => Finding::fine(NAME, "no limit is known"),
        Some(most) if most < FILES_MIN => {
            let said = format!("at most {most}");
            Finding::doubtful(NAME, said, "raise it (ulimit -n, LimitNOFILE=) to 65536")
        }
        Some(most) => Finding::fine(NAME, format!("at most {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::free_bytes;

    #[test]
    fn the_free_space_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/x 100 40 60 40% /\n";
        assert_eq!(free_bytes(text), Some(60 * 1024));
        assert_eq!(free_bytes(""), None);
    }
}
