//! Lists of submissions, by query string or, for long queries, by body.

use super::{SubmissionList, document};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::forms::instant;
use crate::include::Include;
use crate::input::{self, Json, Path, Query};
use axum::extract::State;
use model::submission::CoreState;
use platform::submissions::SubmissionQuery;
use platform::{Direction, ListQuery, Scope};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// The kapp slug by which clients without datastore routes ask for the datastore.
const DATASTORE: &str = "datastore";
/// The instants that `timeline` may name.
const TIMELINES: [&str; 4] = ["createdAt", "updatedAt", "submittedAt", "closedAt"];

/// What to look for, the same in a query string and in a body.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
#[schema(as = SubmissionSearch)]
pub(crate) struct Search {
    /// What to add to each submission, such as `details,values,form`.
    #[serde(default, deserialize_with = "joined")]
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    include: Option<String>,
    /// A qualification such as `values[Status] = "Open" AND createdBy = "ann"`.
    q: Option<String>,
    /// Only those in this core state.
    core_state: Option<String>,
    /// Only those this username created.
    created_by: Option<String>,
    /// Only those this username submitted.
    submitted_by: Option<String>,
    /// Only those of this form type.
    r#type: Option<String>,
    /// Which instant `start`, `end` and the order mean; `createdAt` by default.
    timeline: Option<String>,
    /// From this instant on.
    start: Option<String>,
    /// Before this instant.
    end: Option<String>,
    /// The property to order by.
    order_by: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    /// Rows of a page, at most 1,000.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
    /// Whether to count what matches.
    count: Option<bool>,
}

/// What a body may hold: the parameters above, and what clients send that means nothing here.
const KNOWN: [&str; 17] = [
    "include",
    "q",
    "coreState",
    "createdBy",
    "submittedBy",
    "type",
    "timeline",
    "start",
    "end",
    "orderBy",
    "direction",
    "limit",
    "pageToken",
    "count",
    "index",
    "manage",
    "days",
];

/// Reads a body; unlike a query string it may not hold what is unknown.
fn from_body(body: Map<String, Value>) -> Result<Search> {
    input::require_known(&body, &KNOWN)?;
    serde_json::from_value(Value::Object(body))
        .map_err(|error| Error::bad_request(format!("Invalid value: {error}.")))
}

/// Reads a list of texts or one text; clients send both.
fn joined<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    Ok(Option::<Given>::deserialize(deserializer)?.map(|given| match given {
        Given::Text(text) => text,
        Given::List(list) => list.join(","),
    }))
}

impl Search {
    fn query<'a>(&self, scope: Scope<'a>, form: Option<&'a str>) -> Result<SubmissionQuery<'a>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let state = given(&self.core_state).map(|text| {
            CoreState::parse(&text).ok_or_else(|| {
                Error::bad_request(format!(
                    "The coreState parameter must be Draft, Submitted or Closed, not \"{text}\"."
                ))
            })
        });
        let timeline = given(&self.timeline);
        if let Some(name) = timeline.as_deref().filter(|name| !TIMELINES.contains(name)) {
            return Err(Error::bad_request(format!(
                "The timeline parameter must be one of {}, not \"{name}\".",
                TIMELINES.join(", ")
            )));
        }
        let list = ListQuery {
            q: self.qualification(timeline.as_deref().unwrap_or("createdAt"))?,
            order_by: given(&self.order_by).or_else(|| timeline.clone()),
            direction: given(&self.direction).map(|d| Direction::parse(&d)).transpose()?,
            limit: self.limit,
            page_token: given(&self.page_token),
            count: self.count.unwrap_or(false),
        };
        Ok(SubmissionQuery {
            scope,
            form,
            list,
            core_state: state.transpose()?,
            created_by: given(&self.created_by),
            submitted_by: given(&self.submitted_by),
            kind: given(&self.r#type),
        })
    }

    /// The given qualification, narrowed to the time span.
    fn qualification(&self, timeline: &str) -> Result<Option<String>> {
        let mut parts = Vec::new();
        if let Some(q) = self.q.as_deref().filter(|q| !q.trim().is_empty()) {
            parts.push(format!("({q})"));
        }
        if let Some(start) = instant("start", self.start.as_deref())? {
            parts.push(format!("{timeline} >= \"{}\"", start.iso()));
        }
        if let Some(end) = instant("end", self.end.as_deref())? {
            parts.push(format!("{timeline} < \"{}\"", end.iso()));
        }
        Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
    }
}

async fn found(
    app: &App,
    caller: &Caller,
    search: &Search,
    scope: Scope<'_>,
    form: Option<&str>,
) -> Result<axum::Json<SubmissionList>> {
    let include = Include::parse(search.include.as_deref());
    let page = app.platform.submissions(caller, &search.query(scope, form)?).await?;
    Ok(SubmissionList::of(&page, |record| document(record, &include)))
}

fn scope_of(kapp: &str) -> Scope<'_> {
    if kapp == DATASTORE { Scope::Datastore } else { Scope::Kapp(kapp) }
}

/// Lists the submissions of a form.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/forms/{form}/submissions",
    tag = "Submissions",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), Search),
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(search): Query<Search>,
) -> Result<axum::Json<SubmissionList>> {
    found(&app, &caller, &search, scope_of(&kapp), Some(&form)).await
}

/// Lists the submissions of a form, with the query in the body.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/forms/{form}/submissions-search",
    tag = "Submissions", request_body = Search,
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug.")),
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn search(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<SubmissionList>> {
    found(&app, &caller, &from_body(body)?, scope_of(&kapp), Some(&form)).await
}

/// Lists the submissions of all forms of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/submissions", tag = "Submissions",
    params(("kapp" = String, Path, description = "The kapp's slug."), Search),
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn list_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(search): Query<Search>,
) -> Result<axum::Json<SubmissionList>> {
    found(&app, &caller, &search, scope_of(&kapp), None).await
}

/// Lists the submissions of all forms of a kapp, with the query in the body.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/submissions-search", tag = "Submissions",
    params(("kapp" = String, Path, description = "The kapp's slug.")), request_body = Search,
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn search_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<SubmissionList>> {
    found(&app, &caller, &from_body(body)?, scope_of(&kapp), None).await
}

/// Lists the submissions of a datastore form.
#[utoipa::path(get, path = "/app/api/v1/datastore/forms/{form}/submissions", tag = "Datastore",
    params(("form" = String, Path, description = "The form's slug."), Search),
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn list_datastore(
    State(app): State<App>,
    caller: Caller,
    Path(form): Path<String>,
    Query(search): Query<Search>,
) -> Result<axum::Json<SubmissionList>> {
    found(&app, &caller, &search, Scope::Datastore, Some(&form)).await
}
