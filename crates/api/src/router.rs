//! The route table: every route of the API, once, by who may ask. The OpenAPI document comes from
//! the same rows. What happens around all of them stands in [`crate::front`].

use crate::App;
use crate::{
    approvals, auth, connections, dashboard, delivery, events, forms, front, health, inspect,
    inspectors, kapps, lanes, memberships, meta, metrics, notices, openapi, recoveries, retention,
    send_tests, sign_in, signing_keys, spaces, stream, submissions, task, teams, users, version,
    web_apis, webhook_jobs, webhooks, workflows,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes that anyone may ask; a test holds this list against the whole table.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(version::read))
        .routes(routes!(openapi::read))
        .routes(routes!(sign_in::login))
        .routes(routes!(sign_in::logout))
        .routes(routes!(signing_keys::public))
        .routes(routes!(connections::health))
        .routes(routes!(connections::version))
        .merge(task::signed())
}

/// Routes of signed-in users; the platform decides what each may see.
fn signed_in() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(stream::open))
        .routes(routes!(spaces::read))
        .routes(routes!(kapps::list))
        .routes(routes!(kapps::read))
        .routes(routes!(forms::list))
        .routes(routes!(forms::read))
        .routes(routes!(forms::list_datastore))
        .routes(routes!(forms::read_datastore))
        .routes(routes!(submissions::list, submissions::create))
        .routes(routes!(submissions::search))
        .routes(routes!(submissions::list_kapp))
        .routes(routes!(submissions::search_kapp))
        .routes(routes!(submissions::list_datastore, submissions::create_datastore))
        .routes(routes!(submissions::read, submissions::update, submissions::submit_page))
        .routes(routes!(approvals::list))
        .routes(routes!(users::read_me, users::update_me))
        .routes(routes!(users::read, users::update))
        .routes(routes!(teams::list))
        .routes(routes!(teams::read))
        .routes(routes!(meta::types))
        .routes(routes!(meta::events))
        .routes(routes!(meta::events_of))
        .routes(routes!(web_apis::call))
        .routes(routes!(web_apis::call_kapp))
        .merge(task::signed_in())
}

/// Routes of space administrators.
fn administrators() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(spaces::update))
        .routes(routes!(kapps::create))
        .routes(routes!(kapps::update, kapps::delete))
        .routes(routes!(forms::create))
        .routes(routes!(forms::update, forms::delete))
        .routes(routes!(forms::create_datastore))
        .routes(routes!(forms::update_datastore, forms::delete_datastore))
        .routes(routes!(submissions::patch_new))
        .routes(routes!(submissions::patch, submissions::delete))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::delete))
        .routes(routes!(teams::create))
        .routes(routes!(teams::update, teams::delete))
        .routes(routes!(memberships::create))
        .routes(routes!(memberships::delete))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::read, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::try_out))
        .routes(routes!(webhooks::try_draft))
        .routes(routes!(send_tests::send))
        .routes(routes!(send_tests::send_kapp))
        .routes(routes!(webhooks::create_conventional))
        .routes(routes!(webhooks::list_kapp, webhooks::create_kapp))
        .routes(routes!(webhooks::read_kapp, webhooks::update_kapp, webhooks::delete_kapp))
        .routes(routes!(webhooks::try_out_kapp))
        .routes(routes!(webhooks::create_conventional_kapp))
        .routes(routes!(signing_keys::list, signing_keys::create))
        .routes(routes!(signing_keys::act))
        .routes(routes!(delivery::read, delivery::update))
        .routes(routes!(delivery::act))
        .routes(routes!(delivery::act_webhook))
        .routes(routes!(delivery::act_webhook_kapp))
        .routes(routes!(retention::read, retention::update))
        .routes(routes!(retention::preview))
        .routes(routes!(retention::read_restoration))
        .routes(routes!(retention::decide))
        .routes(routes!(lanes::list))
        .routes(routes!(notices::list))
        .routes(routes!(notices::troubles))
        .routes(routes!(lanes::act))
        .routes(routes!(webhook_jobs::list, webhook_jobs::create))
        .routes(routes!(webhook_jobs::counts))
        .routes(routes!(webhook_jobs::read, webhook_jobs::update, webhook_jobs::delete))
        .routes(routes!(webhook_jobs::list_kapp, webhook_jobs::create_kapp))
        .routes(routes!(
            webhook_jobs::read_kapp,
            webhook_jobs::update_kapp,
            webhook_jobs::delete_kapp
        ))
        .routes(routes!(inspectors::list, inspectors::create))
        .routes(routes!(inspectors::read, inspectors::update, inspectors::delete))
        .routes(routes!(inspectors::requests, inspectors::clear))
        .routes(routes!(inspectors::request))
        .routes(routes!(connections::list, connections::create))
        .routes(routes!(
            connections::read,
            connections::update,
            connections::patch,
            connections::delete
        ))
        .routes(routes!(connections::usage))
        .routes(routes!(connections::restart))
        .routes(routes!(connections::test))
        .routes(routes!(connections::test_document))
        .routes(routes!(connections::operations, connections::create_operation))
        .routes(routes!(
            connections::read_operation,
            connections::update_operation,
            connections::patch_operation,
            connections::delete_operation
        ))
        .routes(routes!(connections::search))
        .routes(routes!(connections::inspect))
        .routes(routes!(connections::transform))
        .routes(routes!(connections::execute))
        .routes(routes!(connections::export))
        .routes(routes!(connections::import))
        .routes(routes!(connections::import_operations))
        .routes(routes!(connections::reseal))
        .routes(routes!(recoveries::preview))
        .routes(routes!(recoveries::list, recoveries::create))
        .routes(routes!(recoveries::read))
        .routes(routes!(recoveries::act))
        .routes(routes!(events::list))
        .routes(routes!(events::read))
        .routes(routes!(dashboard::read))
        .routes(routes!(metrics::read))
        .routes(routes!(web_apis::list, web_apis::create))
        .routes(routes!(web_apis::read, web_apis::update, web_apis::delete))
        .routes(routes!(web_apis::list_kapp, web_apis::create_kapp))
        .routes(routes!(web_apis::read_kapp, web_apis::update_kapp, web_apis::delete_kapp))
        .merge(linked_workflows())
        .merge(task::administrators())
}

/// Routes of workflows that belong to an event, for administrators.
fn linked_workflows() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(workflows::list, workflows::create))
        .routes(routes!(workflows::repair))
        .routes(routes!(workflows::read, workflows::update, workflows::delete))
        .routes(routes!(workflows::list_kapp, workflows::create_kapp))
        .routes(routes!(workflows::repair_kapp))
        .routes(routes!(workflows::read_kapp, workflows::update_kapp, workflows::delete_kapp))
        .routes(routes!(workflows::list_form, workflows::create_form))
        .routes(routes!(workflows::repair_form))
        .routes(routes!(workflows::read_form, workflows::update_form, workflows::delete_form))
}

/// The table behind its guards.
fn table(app: &App) -> Router<App> {
    let signed_in = signed_in().route_layer(from_fn_with_state(app.clone(), auth::signed_in));
    let administrators =
        administrators().route_layer(from_fn_with_state(app.clone(), auth::administrator));
    let (table, _) = open().merge(signed_in).merge(administrators).split_for_parts();
    table
}

/// The description of every route, without a running server.
pub fn description() -> OpenApi {
    let mut administrators = administrators();
    openapi::for_administrators(administrators.get_openapi_mut());
    let all = OpenApiRouter::with_openapi(openapi::base()).merge(open()).merge(signed_in());
    openapi::finished(all.merge(administrators).into_openapi())
}

/// The whole API, and `pages` beside it, such as the console.
pub fn router(app: App, pages: Router) -> Router {
    let routes = table(&app)
        .merge(inspect::addresses())
        .merge(pages.with_state(()))
        .fallback(front::no_route);
    let routed = routes
        .layer(CatchPanicLayer::custom(front::panicked))
        .layer(DefaultBodyLimit::max(model::limits::BODY_BYTES_MAX))
        .with_state(app.clone());
    // A layer of a router runs after routing; addresses are normalised before, hence the nesting.
    Router::new()
        .fallback_service(routed)
        .layer(from_fn_with_state(app, front::pass))
        .layer(CompressionLayer::new())
}
