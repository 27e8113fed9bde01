//! `kapok listen`: a relay from an address of the server to one on this machine. A request
//! inspector records what comes, the server's live stream says when, and each request is sent on
//! with its method, path, headers and body.

use super::show::text;
use super::{Client, Connection, run, segment, sse};
use crate::output;
use anyhow::{Context, Result, bail};
use base64::Engine;
use bytes::Bytes;
use clap::Args;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use url::Url;
use webhooks::send::{Limits, Request};

/// Requests taken at once when many came.
const PAGE_ROWS: usize = 25;
/// How often a request is sent on while the local address does not answer.
const TRIES_MAX: u32 = 6;
/// Milliseconds before the second try, doubled with each.
const WAIT_MS: i64 = 250;
/// Milliseconds of the longest wait for the server.
const WAIT_MS_MAX: i64 = 15_000;
/// Headers of the way a request came, which the next way sets anew.
const HOP_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Relays what is sent to an address of the server to an address on this machine.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Where requests are sent on to, such as http://localhost:3000/hooks
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// A webhook that is pointed here for as long as this command runs
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
    /// The kapp of that webhook
    #[arg(long, value_name = "SLUG", requires = "webhook")]
    kapp: Option<String>,
    /// The inspector that is used; created when there is none of that name
    #[arg(long, default_value = "kapok listen")]
    name: String,
    /// Keeps a created inspector with what it recorded
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Listen {
    /// Relays until the process is asked to stop, then cleans up.
    ///
    /// # Errors
    /// Whatever stopped it, worded for the person at the terminal.
    pub(crate) fn run(self) -> Result<()> {
        run(&self.connection.clone(), |client| async move { self.relay(&client).await })
    }

    async fn relay(&self, client: &Client) -> Result<()> {
        let to = Url::parse(&self.forward_to).ok().filter(Url::has_host);
        let Some(to) = to else {
            bail!("--forward-to must be an address such as http://localhost:3000/hooks");
        };
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (inspector, is_ours) = self.inspector(client).await?;
        let pointed = match self.point(client, text(&inspector, "url")).await {
            Ok(pointed) => pointed,
            Err(error) => {
                self.clean_up(client, &inspector, is_ours, None).await;
                return Err(error);
            }
        };
        client.print(&json!({ "listening": inspector["url"], "forwardTo": to.as_str() }), |_| {
            format!("Listening at {}\nForwarding to {to}; Ctrl-C ends.", text(&inspector, "url"))
        });
        let mut relay = Relay { client, to, id: text(&inspector, "id").to_owned(), last: None };
        let ended = tokio::select! {
            ended = relay.run() => ended,
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        };
        self.clean_up(client, &inspector, is_ours, pointed).await;
        ended
    }

    /// The inspector of this name, and whether it was created for this.
    async fn inspector(&self, client: &Client) -> Result<(Value, bool)> {
        let listed = client.get("/inspectors").await?;
        let known = listed["inspectors"].as_array().into_iter().flatten();
        if let Some(found) = known.into_iter().find(|one| text(one, "name") == self.name) {
            return Ok((found.clone(), false));
        }
        let mut made = client.post("/inspectors", &json!({ "name": self.name })).await?;
        Ok((made["inspector"].take(), true))
    }

    fn webhook_path(&self) -> Option<String> {
        let name = segment(self.webhook.as_deref()?);
        Some(match &self.kapp {
            Some(kapp) => format!("/kapps/{}/webhooks/{name}", segment(kapp)),
            None => format!("/webhooks/{name}"),
        })
    }

    /// Points the webhook at the inspector; gives back where it pointed before.
    async fn point(&self, client: &Client, url: &str) -> Result<Option<String>> {
        let Some(path) = self.webhook_path() else { return Ok(None) };
        let found = client.get(&path).await?;
        let before = text(&found["webhook"], "url").to_owned();
        if before == url {
            bail!("The webhook points here already; is another `kapok listen` running?");
        }
        client.put(&path, &json!({ "url": url })).await?;
        client.note(&format!("The webhook pointed at {before}; it will again when this ends."));
        Ok(Some(before))
    }

    /// Undoes what was set up. What fails is told, with what to do.
    async fn clean_up(
        &self,
        client: &Client,
        inspector: &Value,
        is_ours: bool,
        pointed: Option<String>,
    ) {
        if let (Some(before), Some(path)) = (pointed, self.webhook_path())
            && let Err(error) = client.put(&path, &json!({ "url": before })).await
        {
            client.note(&format!("The webhook must be pointed back to {before}: {error:#}"));
        }
        if is_ours && !self.keep {
            let path = format!("/inspectors/{}", segment(text(inspector, "id")));
            if let Err(error) = client.delete(&path).await {
                let name = &self.name;
                client.note(&format!("The inspector \"{name}\" could not be deleted: {error:#}"));
            }
        }
    }
}

/// The relay of one inspector.
struct Relay<'a> {
    client: &'a Client,
    to: Url,
    id: String,
    /// The newest request that was taken.
    last: Option<String>,
}

impl Relay<'_> {
    /// Relays for as long as the server can be reached now and then.
    async fn run(&mut self) -> Result<()> {
        let newest = self.page(None, 1).await?;
        self.last = newest["requests"][0]["id"].as_str().map(str::to_owned);
        let mut wait_ms = WAIT_MS;
        loop {
            let before = self.client.runtime.now();
            let ended = self.follow().await;
            if self.client.runtime.now().ms_since(before) > WAIT_MS_MAX {
                wait_ms = WAIT_MS;
            }
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |e| format!("{e:#}"));
            self.client.note(&format!("The stream is lost: {why}. Again in {wait_ms} ms."));
            self.client.runtime.sleep_ms(wait_ms).await;
            wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
        }
    }

    async fn follow(&mut self) -> Result<()> {
        let mut stream = self.client.stream().await?;
        let mut reader = sse::Reader::default();
        // What came while no stream was open.
        self.take_new().await?;
        while let Some(piece) = stream.next().await? {
            if reader.push(&piece).iter().any(|data| data.contains("\"inspectors\"")) {
                self.take_new().await?;
            }
        }
        Ok(())
    }

    async fn page(&self, token: Option<&str>, rows: usize) -> Result<Value> {
        let token = token.map(|token| format!("&pageToken={}", segment(token)));
        let path = format!("/inspectors/{}/requests?limit={rows}", segment(&self.id));
        self.client.get(&format!("{path}{}", token.unwrap_or_default())).await
    }

    /// Sends on what came since the last time, oldest first.
    async fn take_new(&mut self) -> Result<()> {
        let mut new = Vec::new();
        let mut token: Option<String> = None;
        'pages: loop {
            let page = self.page(token.as_deref(), PAGE_ROWS).await?;
            for request in page["requests"].as_array().into_iter().flatten() {
                if request["id"].as_str() == self.last.as_deref() {
                    break 'pages;
                }
                new.push(request.clone());
            }
            token = page["nextPageToken"].as_str().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        for request in new.into_iter().rev() {
            let request = self.whole(request).await?;
            self.forward(&request).await?;
            self.last = request["id"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// The request with its whole body.
    async fn whole(&self, request: Value) -> Result<Value> {
        if request["bodyCut"] != json!(true) {
            return Ok(request);
        }
        let id = segment(text(&request, "id"));
        let path = format!("/inspectors/{}/requests/{id}", segment(&self.id));
        Ok(self.client.get(&path).await?["request"].take())
    }

    /// Sends a request on, again while the local address does not answer, and tells what came.
    async fn forward(&self, recorded: &Value) -> Result<()> {
        let request = self.request(recorded)?;
        let (mut tried, mut wait_ms) = (1, WAIT_MS);
        let outcome = loop {
            let outcome = self.client.sender.send(&request).await;
            if outcome.response.is_some() || tried >= TRIES_MAX {
                break outcome;
            }
            let why = outcome.summary();
            self.client.note(&format!("{}: {why}. Again in {wait_ms} ms.", request.url));
            self.client.runtime.sleep_ms(wait_ms).await;
            (tried, wait_ms) = (tried + 1, (wait_ms * 2).min(WAIT_MS_MAX));
        };
        let ms = outcome.duration.as_secs_f64() * 1_000.0;
        let answer = outcome.response.as_ref();
        let told = json!({
            "id": recorded["id"], "at": recorded["at"], "jobId": recorded["jobId"],
            "method": recorded["method"], "url": request.url, "tries": tried, "ms": ms,
            "status": answer.map(|answer| answer.status.as_u16()),
            "error": outcome.failure.as_ref().map(ToString::to_string),
            "answer": answer.map(webhooks::send::Response::text),
        });
        self.client.print(&told, |told| {
            format!(
                "{}  {} {}  →  {}  {ms:.1} ms{}",
                text(told, "at"),
                text(told, "method"),
                text(recorded, "path"),
                outcome.summary(),
                told["jobId"].as_str().map(|id| format!("  job {id}")).unwrap_or_default(),
            )
        });
        if recorded["bodyCut"] == json!(true) {
            output::line("  its body was longer than an inspector keeps, and was sent on cut");
        }
        Ok(())
    }

    fn request(&self, recorded: &Value) -> Result<Request> {
        let method = Method::from_bytes(text(recorded, "method").as_bytes());
        let mut url = self.to.clone();
        // `/inspect/{token}/rest`: what follows the token follows the local address.
        let rest = text(recorded, "path").splitn(4, '/').nth(3).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest {
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}/{rest}"));
        }
        if let Some(query) = recorded["query"].as_str().filter(|query| !query.is_empty()) {
            let both = url.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&both));
        }
        let mut headers = Vec::new();
        for header in recorded["headers"].as_array().into_iter().flatten() {
            let name = HeaderName::try_from(text(header, "name"));
            let value = HeaderValue::try_from(text(header, "value"));
            if let (Ok(name), Ok(value)) = (name, value)
                && !HOP_HEADERS.contains(&name.as_str())
            {
                headers.push((name, value));
            }
        }
        let body = match (recorded["body"].as_str(), recorded["bodyBase64"].as_str()) {
            (Some(text), _) => Bytes::from(text.to_owned()),
            (None, Some(encoded)) => {
                base64::engine::general_purpose::STANDARD.decode(encoded)?.into()
            }
            (None, None) => Bytes::new(),
        };
        Ok(Request {
            method: method.context("the recorded method")?,
            url: url.into(),
            headers,
            body,
            limits: Limits::default(),
            identity: None,
        })
    }
}
