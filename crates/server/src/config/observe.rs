//! The part of the configuration that is about being watched, and about who is watching.

use super::Otlp;
use anyhow::{Result, bail};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// Milliseconds between two exports, as OpenTelemetry's own default.
const INTERVAL_MS: i64 = 60_000;

/// What was given about the export.
pub(super) struct Given {
    pub(super) endpoint: Option<String>,
    pub(super) headers: Option<String>,
    pub(super) service: Option<String>,
    pub(super) interval: Option<i64>,
}

impl Given {
    /// The options; `None` without an endpoint.
    pub(super) fn read(self) -> Result<Option<Otlp>> {
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let url = Url::parse(&endpoint).ok();
        let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let Some(url) = url else {
            bail!(
                "otlp_endpoint (OTEL_EXPORTER_OTLP_ENDPOINT) must be an address such as \
                 http://localhost:4318, not \"{endpoint}\""
            );
        };
        let metrics_ms = self.interval.unwrap_or(INTERVAL_MS);
        if metrics_ms < 1_000 {
            bail!("otlp_interval (OTEL_METRIC_EXPORT_INTERVAL) must be at least 1000 milliseconds");
        }
        Ok(Some(Otlp {
            endpoint: url,
            headers: headers(self.headers.as_deref().unwrap_or_default())?,
            service: self.service.unwrap_or_else(|| "kapok".to_owned()),
            metrics_ms,
        }))
    }
}

fn headers(text: &str) -> Result<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        // The pair may hold a secret, so it is not repeated.
        None => bail!("otlp_headers (OTEL_EXPORTER_OTLP_HEADERS) must be name=value pairs"),
    };
    pairs.map(pair).collect()
}

/// Ranges of proxies, and single addresses.
pub(super) fn ranges(texts: &[String]) -> Result<Vec<IpNet>> {
    let given = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let range = |text: &str| {
        let single = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| single()).map_err(|_| {
            anyhow::anyhow!(
                "trusted_proxies (KAPOK_TRUSTED_PROXIES) must be ranges such as 10.20.30.0/24, \
                 not \"{text}\""
            )
        })
    };
    given.map(range).collect()
}

/// An address that only this machine reaches.
pub(super) fn loopback(text: &str) -> Result<SocketAddr> {
    match text.trim().parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        _ => bail!(
            "metrics_listen (KAPOK_METRICS_LISTEN) must be a loopback address and a port such as \
             127.0.0.1:9464, not \"{text}\""
        ),
    }
}
