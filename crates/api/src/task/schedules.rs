//! `/app/api/v2/schedules`: trees that start by the clock.

use super::{actor, success};
use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::{Json, Path};
use axum::extract::State;
use model::time::Micros;
use serde::Deserialize;
use serde_json::{Value, json};
use store::schedules::Schedule;
use utoipa::ToSchema;
use workflows::schedules::ScheduleInput;

/// Next times that are shown when nobody asks for a number.
const NEXT_USUAL: usize = 5;

/// A schedule; absent properties stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScheduleBody {
    name: Option<String>,
    source_name: Option<String>,
    source_group: Option<String>,
    tree_name: Option<String>,
    /// Minute, hour, day, month and weekday, or `@daily` and its kin.
    cron: Option<String>,
    /// An IANA name such as `Europe/Berlin`; the server's own when absent.
    time_zone: Option<String>,
    /// The source data of its runs; blank: a document about the schedule.
    data: Option<String>,
    enabled: Option<bool>,
}

/// Times to tell beforehand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PreviewBody {
    cron: String,
    time_zone: Option<String>,
    /// At most a hundred; five when absent.
    count: Option<usize>,
}

impl ScheduleBody {
    /// The tree is changed as a whole: parts that are absent stay as they are.
    fn input(self, before: Option<&Schedule>) -> ScheduleInput {
        let names = [self.source_name, self.source_group, self.tree_name];
        let known = before.map(|b| [b.source.clone(), b.group.clone(), b.tree.clone()]);
        let known = known.unwrap_or_default();
        let mut tree = names.into_iter().zip(known).map(|(given, known)| given.unwrap_or(known));
        let mut next = || tree.next().unwrap_or_default();
        ScheduleInput {
            name: self.name,
            tree: Some([next(), next(), next()]),
            cron: self.cron,
            time_zone: self.time_zone,
            data: self.data,
            enabled: self.enabled,
        }
    }
}

fn document(app: &App, s: &Schedule) -> Value {
    let times = app.workflows.preview_schedule(&s.cron, Some(&s.time_zone), NEXT_USUAL);
    let times = if s.enabled { times.unwrap_or_default() } else { Vec::new() };
    json!({
        "id": s.id,
        "name": s.name,
        "sourceName": s.source,
        "sourceGroup": s.group,
        "treeName": s.tree,
        "cron": s.cron,
        "timeZone": s.time_zone,
        "data": s.data,
        "enabled": s.enabled,
        "nextAt": s.next_at.map(Micros::iso),
        "nextTimes": times.into_iter().map(Micros::iso).collect::<Vec<_>>(),
        "lastAt": s.last_at.map(Micros::iso),
        "lastRunId": s.last_run_id,
        "lastMessage": s.last_message,
        "createdAt": s.audit.created_at.iso(),
        "createdBy": s.audit.created_by,
        "updatedAt": s.audit.updated_at.iso(),
        "updatedBy": s.audit.updated_by,
    })
}

/// Lists schedules by name.
#[utoipa::path(get, path = "/app/api/v2/schedules", tag = "Schedules",
    operation_id = "listSchedules",
    responses((status = 200, description = "`{schedules}`", body = inline(Object))))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    let rows = app.workflows.schedules(&actor(&caller)).await?;
    let rows: Vec<Value> = rows.iter().map(|row| document(&app, row)).collect();
    Ok(axum::Json(json!({ "schedules": rows })))
}

/// Creates a schedule.
#[utoipa::path(post, path = "/app/api/v2/schedules", tag = "Schedules",
    operation_id = "createSchedule", request_body = ScheduleBody,
    responses((status = 200, description = "The schedule.", body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ScheduleBody>,
) -> Result<axum::Json<Value>> {
    let made = app.workflows.create_schedule(&actor(&caller), body.input(None)).await?;
    Ok(axum::Json(document(&app, &made)))
}

/// Tells the next times of a schedule that need not exist.
#[utoipa::path(post, path = "/app/api/v2/schedules/preview", tag = "Schedules",
    operation_id = "previewSchedule", request_body = PreviewBody,
    responses((status = 200, description = "`{times}`", body = inline(Object))))]
pub(crate) async fn preview(
    State(app): State<App>,
    _caller: Caller,
    Json(body): Json<PreviewBody>,
) -> Result<axum::Json<Value>> {
    let count = body.count.unwrap_or(NEXT_USUAL);
    let zone = body.time_zone.as_deref();
    let times = app.workflows.preview_schedule(&body.cron, zone, count)?;
    let times: Vec<String> = times.into_iter().map(Micros::iso).collect();
    Ok(axum::Json(json!({ "times": times })))
}

/// Reads a schedule with its next times.
#[utoipa::path(get, path = "/app/api/v2/schedules/{name}", tag = "Schedules",
    operation_id = "readSchedule", params(("name" = String, Path)),
    responses((status = 200, description = "The schedule.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(document(&app, &app.workflows.schedule(&actor(&caller), &name).await?)))
}

/// Changes a schedule; its next time is counted from now.
#[utoipa::path(put, path = "/app/api/v2/schedules/{name}", tag = "Schedules",
    operation_id = "updateSchedule", params(("name" = String, Path)), request_body = ScheduleBody,
    responses((status = 200, description = "The schedule.", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<ScheduleBody>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let before = app.workflows.schedule(&who, &name).await?;
    let made = app.workflows.update_schedule(&who, &name, body.input(Some(&before))).await?;
    Ok(axum::Json(document(&app, &made)))
}

/// Deletes a schedule; its runs stay.
#[utoipa::path(delete, path = "/app/api/v2/schedules/{name}", tag = "Schedules",
    operation_id = "deleteSchedule", params(("name" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>> {
    let gone = app.workflows.delete_schedule(&actor(&caller), &name).await?;
    Ok(success(&format!("Deleted the schedule \"{}\".", gone.name)))
}
