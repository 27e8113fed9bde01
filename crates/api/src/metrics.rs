//! `/metrics`: the server's numbers, as Prometheus reads them.

use crate::App;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, HeaderValue};
use std::future::Future;
use std::pin::Pin;

/// Text that is still being collected.
pub type Scraped<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// What collects the numbers.
pub trait Scrape: Send + Sync {
    /// All metrics in the text format of Prometheus.
    fn scrape(&self) -> Scraped<'_>;
}

/// The `content-type` of that format.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the server's metrics in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Server",
    responses((status = 200, description = "Metrics.", content_type = "text/plain")))]
pub(crate) async fn read(State(app): State<App>) -> impl IntoResponse {
    let kind = HeaderValue::from_static(METRICS_TYPE);
    ([(CONTENT_TYPE, kind)], app.metrics.scrape().await)
}
