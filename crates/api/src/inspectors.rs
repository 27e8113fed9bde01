//! `/app/api/v1/inspectors`: addresses of this server that record what is sent to them.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::{Json, Path, Query};
use crate::list;
use crate::webhooks::actor;
use axum::extract::State;
use base64::Engine;
use model::id::{InspectionId, InspectorId};
use model::inspector::{Inspection, Inspector, SignatureCheck};
use model::limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use webhooks::inspectors::InspectorInput;

/// A header.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Header)]
pub(crate) struct HeaderDocument {
    name: String,
    value: String,
}

fn headers(pairs: &[(String, String)]) -> Vec<HeaderDocument> {
    let one = |(name, value): &(String, String)| HeaderDocument {
        name: name.clone(),
        value: value.clone(),
    };
    pairs.iter().map(one).collect()
}

/// A request inspector as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Inspector)]
pub(crate) struct InspectorDocument {
    id: String,
    /// Unique in its space.
    name: String,
    /// The address to send to; whoever knows it may.
    url: String,
    /// The status it answers with.
    status: u16,
    /// The headers it answers with.
    headers: Vec<HeaderDocument>,
    /// The body it answers with.
    body: String,
    /// Milliseconds it waits before it answers.
    delay_ms: i64,
    created_at: String,
    last_request_at: Option<String>,
}

/// What is given of an inspector; the rest stays, or is the default.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InspectorBody {
    name: Option<String>,
    /// 200 to 599.
    status: Option<i64>,
    headers: Option<Vec<HeaderDocument>>,
    body: Option<String>,
    /// 0 to 30,000.
    delay_ms: Option<i64>,
}

/// `{"inspector":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InspectorAnswer {
    inspector: InspectorDocument,
}

/// `{"inspectors":[…]}`; the list has no pages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InspectorList {
    inspectors: Vec<InspectorDocument>,
}

/// A recorded request as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InspectedRequest)]
pub(crate) struct RequestDocument {
    id: String,
    at: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<HeaderDocument>,
    /// The body as text; null when it is none.
    body: Option<String>,
    /// The body in base64, when it is not text.
    body_base64: Option<String>,
    /// Whether `body` or `bodyBase64` holds its beginning only. Lists show 64 KiB.
    body_cut: bool,
    /// Bytes of the whole body.
    size: i64,
    /// Where it came from.
    address: String,
    /// The webhook job that sent it.
    job_id: Option<String>,
    /// Whether its Standard Webhooks signature is one of this space.
    signature: SignatureDocument,
}

/// What became of checking a signature.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignatureCheck)]
pub(crate) struct SignatureDocument {
    ok: bool,
    /// What was found, as a sentence.
    reason: String,
}

/// `{"requests":[…]}`, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestList {
    requests: Vec<RequestDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
}

/// `{"request":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestAnswer {
    request: RequestDocument,
}

/// Which page to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Rows of a page: 25 unless given, 500 at most.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

fn document(app: &App, inspector: &Inspector) -> InspectorDocument {
    InspectorDocument {
        id: inspector.id.0.clone(),
        name: inspector.name.clone(),
        url: app.webhooks.inspector_url(inspector),
        status: inspector.status,
        headers: headers(&inspector.headers),
        body: inspector.body.clone(),
        delay_ms: inspector.delay_ms,
        created_at: inspector.audit.created_at.iso(),
        last_request_at: inspector.last_request_at.map(model::time::Micros::iso),
    }
}

fn answer(app: &App, inspector: &Inspector) -> axum::Json<InspectorAnswer> {
    axum::Json(InspectorAnswer { inspector: document(app, inspector) })
}

/// A request with at most `shown_max` bytes of its body.
fn recorded(found: &Inspection, shown_max: usize) -> RequestDocument {
    let shown = found.body.get(..shown_max).unwrap_or(&found.body);
    let is_cut = i64::try_from(shown.len()).is_ok_and(|shown| shown < found.size);
    // A cut through a character leaves up to three bytes that are no text by themselves.
    let text = match std::str::from_utf8(shown) {
        Ok(text) => Some(text),
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(shown.get(..error.valid_up_to()).unwrap_or_default()).ok()
        }
        Err(_) => None,
    };
    let base64 = || base64::engine::general_purpose::STANDARD.encode(shown);
    let SignatureCheck { ok, reason } = found.signature.clone();
    RequestDocument {
        id: found.id.0.clone(),
        at: found.at.iso(),
        method: found.method.clone(),
        path: found.path.clone(),
        query: found.query.clone(),
        headers: headers(&found.headers),
        body: text.map(str::to_owned),
        body_base64: text.is_none().then(base64),
        body_cut: is_cut,
        size: found.size,
        address: found.address.clone(),
        job_id: found.job_id.as_ref().map(|id| id.0.clone()),
        signature: SignatureDocument { ok, reason },
    }
}

impl InspectorBody {
    fn input(self) -> InspectorInput {
        let pair = |header: HeaderDocument| (header.name, header.value);
        InspectorInput {
            name: self.name,
            status: self.status,
            headers: self.headers.map(|headers| headers.into_iter().map(pair).collect()),
            body: self.body,
            delay_ms: self.delay_ms,
        }
    }
}

/// Lists the request inspectors, by name.
#[utoipa::path(get, path = "/app/api/v1/inspectors", tag = "Inspectors",
    responses((status = 200, description = "`{inspectors}`", body = InspectorList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<InspectorList>> {
    let found = app.webhooks.inspectors(&actor(&caller)).await?;
    let inspectors = found.iter().map(|inspector| document(&app, inspector)).collect();
    Ok(axum::Json(InspectorList { inspectors }))
}

/// Creates a request inspector.
#[utoipa::path(post, path = "/app/api/v1/inspectors", tag = "Inspectors",
    request_body = InspectorBody,
    responses((status = 200, description = "`{inspector}`", body = InspectorAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<InspectorBody>,
) -> Result<axum::Json<InspectorAnswer>> {
    let made = app.webhooks.create_inspector(&actor(&caller), &body.input()).await?;
    Ok(answer(&app, &made))
}

/// Reads a request inspector.
#[utoipa::path(get, path = "/app/api/v1/inspectors/{id}", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id.")),
    responses((status = 200, description = "`{inspector}`", body = InspectorAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<InspectorAnswer>> {
    Ok(answer(&app, &app.webhooks.inspector(&actor(&caller), &InspectorId(id)).await?))
}

/// Changes a request inspector: only the properties that are given.
#[utoipa::path(put, path = "/app/api/v1/inspectors/{id}", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id.")),
    request_body = InspectorBody,
    responses((status = 200, description = "`{inspector}`", body = InspectorAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<InspectorBody>,
) -> Result<axum::Json<InspectorAnswer>> {
    let id = InspectorId(id);
    let changed = app.webhooks.update_inspector(&actor(&caller), &id, &body.input()).await?;
    Ok(answer(&app, &changed))
}

/// Deletes a request inspector with everything it recorded.
#[utoipa::path(delete, path = "/app/api/v1/inspectors/{id}", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id.")),
    responses((status = 200, description = "`{inspector}` as it was", body = InspectorAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<InspectorAnswer>> {
    Ok(answer(&app, &app.webhooks.delete_inspector(&actor(&caller), &InspectorId(id)).await?))
}

/// Lists what an inspector recorded, newest first.
#[utoipa::path(get, path = "/app/api/v1/inspectors/{id}/requests", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id."), PageParams),
    responses((status = 200, description = "`{requests, nextPageToken}`", body = RequestList)))]
pub(crate) async fn requests(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<PageParams>,
) -> Result<axum::Json<RequestList>> {
    let (actor, id) = (actor(&caller), InspectorId(id));
    let page_token = params.page_token.filter(|token| !token.is_empty());
    let page = app.webhooks.inspections(&actor, &id, params.limit, page_token.as_deref()).await?;
    let shown = |found: &Inspection| recorded(found, limits::INSPECTION_LISTED_BYTES_MAX);
    Ok(axum::Json(RequestList {
        requests: page.items.iter().map(shown).collect(),
        next_page_token: page.next_page_token,
    }))
}

/// Reads one recorded request with its whole body.
#[utoipa::path(get, path = "/app/api/v1/inspectors/{id}/requests/{request}", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id."),
        ("request" = String, Path, description = "The request's id.")),
    responses((status = 200, description = "`{request}`", body = RequestAnswer)))]
pub(crate) async fn request(
    State(app): State<App>,
    caller: Caller,
    Path((id, request)): Path<(String, String)>,
) -> Result<axum::Json<RequestAnswer>> {
    let (id, request) = (InspectorId(id), InspectionId(request));
    let found = app.webhooks.inspection(&actor(&caller), &id, &request).await?;
    Ok(axum::Json(RequestAnswer { request: recorded(&found, usize::MAX) }))
}

/// Deletes everything an inspector recorded.
#[utoipa::path(delete, path = "/app/api/v1/inspectors/{id}/requests", tag = "Inspectors",
    params(("id" = String, Path, description = "The inspector's id.")),
    responses((status = 200, description = "`{deleted}`: how many there were.",
        body = inline(Object))))]
pub(crate) async fn clear(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    let deleted = app.webhooks.clear_inspector(&actor(&caller), &InspectorId(id)).await?;
    Ok(list::wrapped("deleted", json!(deleted)))
}
