//! Metrics and traces for an OpenTelemetry collector: OTLP over HTTP with JSON, sent through the
//! one sender, to the address that the operator configured.

use super::collect::Collector;
use anyhow::{Context, Result, bail};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use runtime::Runtime;
use runtime::metrics::{Family, Kind, Value};
use runtime::spans::Span;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use url::Url;
use webhooks::guard::Guard;
use webhooks::send::{self, Limits, Request, Sender};

/// Milliseconds between two exports of spans.
const SPANS_MS: i64 = 5_000;
/// Milliseconds of one export.
const EXPORT_MS_MAX: u64 = 10_000;
/// Cumulative, as the protocol numbers it.
const CUMULATIVE: u8 = 2;

/// Where and how to export.
#[derive(Clone, Debug)]
pub struct Options {
    /// The collector's address, such as `http://localhost:4318`.
    pub endpoint: Url,
    /// Headers sent with each export, such as credentials.
    pub headers: Vec<(String, String)>,
    /// The name under which the collector knows this service.
    pub service: String,
    /// Milliseconds between two exports of the metrics.
    pub metrics_ms: i64,
}

/// Starts exporting; it ends with the runtime.
///
/// # Errors
/// Headers that cannot be sent, TLS that cannot be set up.
pub(crate) fn start(runtime: &Runtime, collector: Arc<Collector>, options: Options) -> Result<()> {
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    for (name, value) in &options.headers {
        let read = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        let Some((name, mut value)) = read else {
            bail!("OTEL_EXPORTER_OTLP_HEADERS holds \"{name}\", which cannot be sent");
        };
        value.set_sensitive(true);
        headers.push((name, value));
    }
    // The operator's own collector may be anywhere, this machine included.
    let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok());
    let guard = Guard::new(everywhere.collect());
    let sender = Sender::new(runtime.clone(), send::Options { guard, ..send::Options::default() });
    let sender = sender.context("cannot set up the exporter")?;
    runtime.spans().turn_on();
    let exporter = Exporter { runtime: runtime.clone(), sender, collector, options, headers };
    runtime.spawn(async move { exporter.run().await });
    Ok(())
}

struct Exporter {
    runtime: Runtime,
    sender: Sender,
    collector: Arc<Collector>,
    options: Options,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Exporter {
    async fn run(&self) {
        let mut metrics_at = self.runtime.now();
        let pause_ms = SPANS_MS.min(self.options.metrics_ms);
        while !self.runtime.is_stopping() {
            tokio::select! {
                () = self.runtime.sleep_ms(pause_ms) => {}
                // What is there goes out once more before the end.
                () = self.runtime.stopping() => metrics_at = self.runtime.now(),
            }
            let (spans, dropped) = self.runtime.spans().take();
            if dropped > 0 {
                tracing::warn!(dropped, "spans came faster than they were exported");
            }
            if !spans.is_empty() {
                self.export("v1/traces", &traces(&self.options.service, &spans)).await;
            }
            let now = self.runtime.now();
            if now >= metrics_at {
                metrics_at = now.plus_ms(self.options.metrics_ms);
                let families = self.collector.families().await;
                let times = (self.collector.started_at().0, now.0);
                self.export("v1/metrics", &metrics(&self.options.service, &families, times)).await;
            }
        }
    }

    async fn export(&self, path: &str, document: &Json) {
        let base = self.options.endpoint.as_str().trim_end_matches('/');
        let request = Request {
            method: Method::POST,
            url: format!("{base}/{path}"),
            headers: self.headers.clone(),
            body: document.to_string().into(),
            identity: None,
            limits: Limits { total_ms: EXPORT_MS_MAX, ..Limits::default() },
        };
        let outcome = self.sender.send(&request).await;
        if let Some(failure) = outcome.delivery_failure() {
            tracing::warn!(%failure, url = %request.url, "an export failed; the next one follows");
        }
    }
}

fn resource(service: &str) -> Json {
    json!({ "attributes": [
        attribute("service.name", service),
        attribute("service.version", api::SERVER_VERSION),
    ] })
}

fn attribute(name: &str, value: &str) -> Json {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn scope() -> Json {
    json!({ "name": "kapok", "version": api::SERVER_VERSION })
}

fn nanos(micros: i64) -> String {
    (i128::from(micros) * 1_000).to_string()
}

/// The document of all metrics; `times` are when counting began and now, in microseconds.
fn metrics(service: &str, families: &[Family], times: (i64, i64)) -> Json {
    let metrics: Vec<Json> = families.iter().map(|family| metric(family, times)).collect();
    json!({ "resourceMetrics": [{
        "resource": resource(service),
        "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
    }] })
}

fn metric(family: &Family, (began, now): (i64, i64)) -> Json {
    let points: Vec<Json> = family
        .samples
        .iter()
        .map(|sample| {
            let labels = sample.labels.iter().map(|(name, value)| attribute(name, value));
            let mut point = json!({
                "attributes": labels.collect::<Vec<_>>(),
                "startTimeUnixNano": nanos(began),
                "timeUnixNano": nanos(now),
            });
            match &sample.value {
                Value::Number(number) => point["asDouble"] = json!(number),
                Value::Histogram { bounds, counts, sum } => {
                    point["count"] = json!(counts.iter().sum::<u64>().to_string());
                    point["sum"] = json!(sum);
                    let counts = counts.iter().map(ToString::to_string).collect::<Vec<_>>();
                    point["bucketCounts"] = json!(counts);
                    point["explicitBounds"] = json!(bounds);
                }
            }
            point
        })
        .collect();
    let mut metric = json!({ "name": family.name, "description": family.help });
    match family.kind {
        Kind::Gauge => metric["gauge"] = json!({ "dataPoints": points }),
        Kind::Counter => {
            metric["sum"] = json!({ "dataPoints": points, "isMonotonic": true,
                "aggregationTemporality": CUMULATIVE });
        }
        Kind::Histogram => {
            metric["histogram"] =
                json!({ "dataPoints": points, "aggregationTemporality": CUMULATIVE });
        }
    }
    metric
}

/// The document of spans. Ids follow from Kapok's own trace ids.
fn traces(service: &str, spans: &[Span]) -> Json {
    let spans: Vec<Json> =
        (1_u32..).zip(spans).map(|(number, found)| span(number, found)).collect();
    json!({ "resourceSpans": [{
        "resource": resource(service),
        "scopeSpans": [{ "scope": scope(), "spans": spans }],
    }] })
}

fn span(number: u32, found: &Span) -> Json {
    let trace_id = found.trace_id.replace('-', "");
    // The request that begins a trace has the id's second half; whatever comes later hangs below
    // it and is told apart by its time and place.
    let root = trace_id.get(16..).unwrap_or_default().to_owned();
    let time = found.at.0.unsigned_abs() & 0xffff_ffff_ffff;
    let own = format!("{:016x}", (time << 16) | u64::from(number & 0xffff));
    let end = found.at.0.saturating_add(i64::try_from(found.time.as_micros()).unwrap_or(i64::MAX));
    let attributes: Vec<Json> =
        found.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let mut span = json!({
        "traceId": trace_id,
        "spanId": if found.is_root { &root } else { &own },
        "name": found.name,
        // Server for what came in, client for what goes out.
        "kind": if found.is_root { 2 } else { 3 },
        "startTimeUnixNano": nanos(found.at.0),
        "endTimeUnixNano": nanos(end),
        "attributes": attributes,
        "status": match &found.error {
            Some(error) => json!({ "code": 2, "message": error }),
            None => json!({}),
        },
    });
    if !found.is_root {
        span["parentSpanId"] = json!(root);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Micros;
    use std::time::Duration;

    #[test]
    fn metrics_are_written_as_the_protocol_says() {
        let value = Value::Histogram { bounds: &[0.5], counts: vec![1, 2], sum: 3.0 };
        let by = Family::by("h", "A test.", Kind::Histogram, "of", [("a".to_owned(), value)]);
        let document = metrics("kapok", &[by], (1, 2));
        let metric = &document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
        let point = &metric["histogram"]["dataPoints"][0];
        assert_eq!(point["bucketCounts"], json!(["1", "2"]));
        assert_eq!(point["count"], "3");
        assert_eq!(point["timeUnixNano"], "2000");
        assert_eq!(metric["histogram"]["aggregationTemporality"], 2);
    }

    #[test]
    fn what_follows_hangs_below_the_request() {
        let found = |is_root| Span {
            trace_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            is_root,
            name: "x".to_owned(),
            at: Micros(5),
            time: Duration::from_micros(7),
            attributes: Vec::new(),
            error: None,
        };
        let (root, below) = (span(1, &found(true)), span(2, &found(false)));
        assert_eq!(root["traceId"], "01890a5dac96774bbcceb302099a8057");
        assert_eq!(root["spanId"], "bcceb302099a8057");
        assert_eq!(below["parentSpanId"], root["spanId"]);
        assert_eq!(below["spanId"].as_str().unwrap().len(), 16);
        assert_eq!(root["endTimeUnixNano"], "12000");
    }
}
