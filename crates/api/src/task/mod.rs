//! The workflow engine's routes: version 2, and the few of version 1 that webhooks, the SDK and
//! handlers use. Single records are flat and errors are `{message}`, as clients read them.

mod categories;
mod definitions;
mod engine;
mod errors;
mod handlers;
mod imports;
mod legacy;
mod paging;
mod policy_rules;
mod resolutions;
mod runs;
mod schedules;
mod sources;
mod tasks;
mod trees;
mod triggers;
mod versions;

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, STALE_RECORD, UNIQUENESS_VIOLATION};
use http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use workflows::Actor;

/// Routes that know who asks by a signature.
pub(crate) fn signed() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(handlers::complete))
}

/// Routes of signed-in users: what other systems call.
pub(crate) fn signed_in() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(legacy::run_tree))
        .routes(routes!(legacy::complete_deferred_task))
        .routes(routes!(legacy::update_deferred_task))
        .routes(routes!(tasks::complete, tasks::update, tasks::find))
        .routes(routes!(engine::version))
        .routes(routes!(errors::available_actions))
}

/// Routes of space administrators.
pub(crate) fn administrators() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::read, sources::update, sources::delete))
        .routes(routes!(sources::adapters))
        .routes(routes!(sources::validate, sources::validate_by_put))
        .routes(routes!(trees::list, trees::create))
        .routes(routes!(trees::read, trees::update, trees::delete))
        .routes(routes!(trees::read_by_guid))
        .routes(routes!(trees::clone))
        .routes(routes!(versions::missing))
        .routes(routes!(versions::validate))
        .routes(routes!(versions::list))
        .routes(routes!(versions::read))
        .routes(routes!(versions::compare))
        .routes(routes!(versions::restore))
        .routes(routes!(versions::counts))
        .routes(routes!(versions::usage))
        .routes(routes!(trees::export))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::read, runs::update, runs::delete))
        .routes(routes!(runs::trigger))
        .routes(routes!(runs::act))
        .routes(routes!(schedules::list, schedules::create))
        .routes(routes!(schedules::preview))
        .routes(routes!(schedules::read, schedules::update, schedules::delete))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::read, tasks::edit))
        .routes(routes!(triggers::list))
        .routes(routes!(triggers::scheduled))
        .routes(routes!(triggers::backlog))
        .routes(routes!(triggers::paused))
        .routes(routes!(triggers::read, triggers::update, triggers::delete))
        .routes(routes!(errors::list))
        .routes(routes!(errors::resolve))
        .routes(routes!(errors::groups))
        .routes(routes!(resolutions::list, resolutions::create))
        .routes(routes!(resolutions::preview))
        .routes(routes!(resolutions::read))
        .routes(routes!(resolutions::act))
        .routes(routes!(errors::read, errors::delete))
        .routes(routes!(handlers::list, handlers::create))
        .routes(routes!(versions::missing_handlers))
        .routes(routes!(versions::handler_usage))
        .routes(routes!(handlers::read, handlers::update, handlers::delete))
        .routes(routes!(handlers::act))
        .routes(routes!(handlers::durations))
        .routes(routes!(categories::list, categories::create))
        .routes(routes!(categories::read, categories::update, categories::delete))
        .routes(routes!(categories::add_handler))
        .routes(routes!(categories::remove_handler))
        .routes(routes!(categories::add_routine))
        .routes(routes!(categories::remove_routine))
        .routes(routes!(categories::add_rule))
        .routes(routes!(categories::remove_rule))
        .routes(routes!(policy_rules::list))
        .routes(routes!(policy_rules::list_of, policy_rules::create))
        .routes(routes!(policy_rules::read, policy_rules::update, policy_rules::delete))
        .routes(routes!(policy_rules::guard))
        .routes(routes!(policy_rules::release))
        .routes(routes!(imports::import))
        .routes(routes!(engine::read, engine::command))
        .routes(routes!(engine::read_settings, engine::update_settings))
        .routes(routes!(engine::environment))
        .routes(routes!(engine::notices))
        .routes(routes!(engine::system_errors))
        .routes(routes!(engine::system_error))
        .routes(routes!(legacy::list_runs))
        .routes(routes!(legacy::read_run))
        .routes(routes!(legacy::import_tree))
}

pub(crate) use definitions::{read as read_tree, workflow as tree_document};
pub(crate) use runs::key;

/// The engine's idea of who asks.
pub(crate) fn actor(caller: &Caller) -> Actor {
    Actor {
        space_id: caller.space_id.clone(),
        username: caller.username.clone(),
        cause: caller.cause.clone(),
    }
}

/// `{"messageType":"success","message":…}`.
fn success(message: &str) -> axum::Json<Value> {
    axum::Json(json!({ "messageType": "success", "message": message }))
}

/// What is said of a multipart body that cannot be read.
fn unreadable(error: &axum::extract::multipart::MultipartError) -> Error {
    let message = format!("The multipart body cannot be read: {}", error.body_text());
    Error::new(error.status(), message)
}

/// Whether a request brings a multipart form.
fn is_multipart(request: &axum::extract::Request) -> bool {
    let kind = request.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/"))
}

/// A record flat, and under its name as well: clients of a route read it in one of the two places.
fn twice(name: &str, document: Value) -> axum::Json<Value> {
    let mut answer = document.clone();
    answer[name] = document;
    axum::Json(answer)
}

impl From<workflows::Error> for Error {
    fn from(error: workflows::Error) -> Self {
        use workflows::Error as E;
        let message = error.to_string();
        match error {
            E::NotFound(_) => Self::not_found(message),
            E::Invalid(_) => Self::bad_request(message),
            E::Taken(_) => Self::bad_request(message).with_key(UNIQUENESS_VIOLATION),
            E::Stale(_) => Self::bad_request(message).with_key(STALE_RECORD),
            E::Late { status, .. } => {
                Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT), message)
            }
            E::Store(error) if error.is_temporary() => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server has more work than it can take; try again in a moment.",
            ),
            E::Store(error) => Self::internal(&error),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        workflows::Error::Store(error).into()
    }
}
