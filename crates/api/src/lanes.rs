//! `/app/api/v1/lanes`: how every endpoint of a webhook is doing, and letting it go on.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path, Query};
use crate::webhooks::actor;
use axum::extract::State;
use model::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use webhooks::lanes::{Lane, LaneAction, LaneQuery, LaneState};

/// Which lanes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct LaneParams {
    /// The name of a webhook.
    webhook: Option<String>,
    /// `flowing`, `idle`, `paused`, `retry_after`, `breaker_open`, `ramping` or `rate_limited`.
    state: Option<String>,
    /// Text in the endpoint or the webhook's name, in any case.
    q: Option<String>,
    /// Rows of a page: 25 unless given, 1,000 at most.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

/// Latencies of a lane's latest attempts, in milliseconds, to within some 40 %.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LaneLatency)]
pub(crate) struct LatencyDocument {
    p50: f64,
    p99: f64,
}

/// A lane: what one webhook sends to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Lane)]
pub(crate) struct LaneDocument {
    id: String,
    /// Scheme, host and port.
    endpoint: String,
    /// The webhook's name; null for jobs made by hand.
    webhook: Option<String>,
    webhook_id: Option<String>,
    kapp_slug: Option<String>,
    /// `flowing`, `idle`, `paused`, `retry_after`, `breaker_open`, `ramping` or `rate_limited`.
    state: &'static str,
    /// The state in words.
    reason: String,
    /// Until when it is held.
    until: Option<String>,
    /// Jobs that wait in the node's memory.
    waiting: usize,
    /// Deliveries under way.
    running: usize,
    /// Deliveries it may have under way at present on that node: its share.
    concurrency: usize,
    /// Attempts it starts in a second at most on that node; null: as many as it takes.
    rate_per_second: Option<f64>,
    latency_ms: Option<LatencyDocument>,
    oldest_waiting_at: Option<String>,
    /// Deliveries since the node knows the lane.
    delivered: u64,
    /// Failed attempts since then.
    failed: u64,
    /// The class of the last failure.
    last_error: Option<&'static str>,
    last_error_at: Option<String>,
    /// The node that tells this; every node has lanes of its own.
    node: String,
    /// Nodes that share the limits of lanes, this one included.
    nodes: usize,
}

fn document(lane: Lane) -> LaneDocument {
    LaneDocument {
        id: lane.id.to_string(),
        endpoint: lane.endpoint,
        webhook: lane.webhook,
        webhook_id: lane.webhook_id.map(|id| id.0),
        kapp_slug: lane.kapp_slug,
        state: lane.state.as_str(),
        reason: lane.reason,
        until: lane.until.map(Micros::iso),
        waiting: lane.waiting,
        running: lane.running,
        concurrency: lane.concurrency,
        rate_per_second: lane.rate_per_second,
        latency_ms: lane.latency_ms.map(|(p50, p99)| LatencyDocument { p50, p99 }),
        oldest_waiting_at: lane.oldest_waiting_at.map(Micros::iso),
        delivered: lane.delivered,
        failed: lane.failed,
        last_error: lane.last_error.map(|(class, _)| class.as_str()),
        last_error_at: lane.last_error.map(|(_, at)| at.iso()),
        node: lane.node,
        nodes: lane.nodes,
    }
}

/// `{"lanes":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LaneList {
    lanes: Vec<LaneDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
}

/// `{"lane":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LaneAnswer {
    lane: LaneDocument,
}

/// What to do with a lane.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaneActionDocument {
    /// `resume` ends a pause that the endpoint asked for and closes the breaker; `probe` lets one
    /// job go, which shows whether the endpoint is back.
    action: String,
}

/// Lists the lanes of the node that answers, by endpoint.
#[utoipa::path(get, path = "/app/api/v1/lanes", tag = "Delivery", params(LaneParams),
    responses((status = 200, description = "`{lanes, nextPageToken}`", body = LaneList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<LaneParams>,
) -> Result<axum::Json<LaneList>> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let read = |name: String| {
        LaneState::parse(&name).ok_or_else(|| {
            let known = LaneState::ALL.map(LaneState::as_str).join(", ");
            Error::bad_request(format!("There is no state \"{name}\"; there are {known}"))
        })
    };
    let query = LaneQuery {
        webhook: given(params.webhook),
        state: given(params.state).map(read).transpose()?,
        text: given(params.q),
        limit: params.limit,
        page_token: given(params.page_token),
    };
    let page = app.webhooks.lanes(&actor(&caller), query).await?;
    let lanes = page.items.into_iter().map(document).collect();
    Ok(axum::Json(LaneList { lanes, next_page_token: page.next_page_token }))
}

/// Lets a lane of the node that answers go on.
#[utoipa::path(post, path = "/app/api/v1/lanes/{id}/actions", tag = "Delivery",
    params(("id" = String, Path, description = "The lane's id.")),
    request_body = LaneActionDocument,
    responses((status = 200, description = "`{lane}`", body = LaneAnswer)))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<LaneActionDocument>,
) -> Result<axum::Json<LaneAnswer>> {
    let action = LaneAction::parse(&body.action)?;
    let lane = app.webhooks.lane_action(&actor(&caller), &id, action).await?;
    Ok(axum::Json(LaneAnswer { lane: document(lane) }))
}
