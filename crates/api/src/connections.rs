//! `/app/integrator/api`: connections to other systems and their operations, in the documented
//! shapes: lists are bare arrays, errors `{error, errorKey}`.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path, Query, Raw, parse};
use crate::version::SERVER_VERSION;
use crate::webhooks::actor;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use model::connection::{Connection, Operation};
use model::id::{ConnectionId, OperationId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use webhooks::connections::{Answered, Execution, Failed, ImportError, Sent};
use webhooks::connections::{shown_config, shown_secrets, unready};

/// A JSON object as it was sent; the engine checks its members.
type Document = Map<String, Value>;

/// Which connection.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectionPath {
    /// The connection's id.
    #[param(value_type = String)]
    id: ConnectionId,
}

/// Which operation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OperationPath {
    /// The connection's id.
    #[param(value_type = String)]
    id: ConnectionId,
    /// The operation's id.
    #[param(value_type = String)]
    operation: OperationId,
}

/// A connection as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
pub(crate) struct ConnectionDocument {
    id: String,
    /// `http` or `postgres`.
    #[serde(rename = "type")]
    kind: String,
    /// Unique in its space.
    name: String,
    description: String,
    documentation_link: String,
    /// Of `http`: `{configType, baseUrl, testPath, caCert, auth}`; of `postgres`: `{configType,
    /// host, port, username, password, database, caCert, poolSize}`. Secrets in it read as null.
    #[schema(value_type = Object)]
    config: Value,
    /// Named secrets, for `{{secrets.Name}}` in operations; values read as null.
    #[schema(value_type = Object)]
    secrets: Document,
    /// `{healthy, events}`: whether everything it needs is there.
    #[schema(value_type = Object)]
    status: Value,
    lock_version: i64,
    inserted_at: String,
    updated_at: String,
}

/// An exported connection: as clients read it, without its status and with its operations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionExport {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    description: String,
    documentation_link: String,
    #[schema(value_type = Object)]
    config: Value,
    #[schema(value_type = Object)]
    secrets: Document,
    lock_version: i64,
    inserted_at: String,
    updated_at: String,
    operations: Vec<OperationDocument>,
}

/// An operation as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Operation)]
pub(crate) struct OperationDocument {
    id: String,
    connection_id: String,
    /// Unique in its connection.
    name: String,
    notes: String,
    documentation_link: String,
    /// Of `http`: `{configType, method, path, params, headers, body, includeEmptyParams,
    /// followRedirect, streamResponse}`; of `postgres`: `{configType, statement, parameters}`.
    /// Texts, save for the statement, may hold `{{Name}}` for inputs.
    #[schema(value_type = Object)]
    config: Value,
    /// `{"Name": {"value": "body.id", "children": {"Name": "current.id"}}}`: JavaScript over
    /// `body`, `headers` and `statusCode`; of `postgres` the body is `{command, numRows, rows}`.
    #[schema(value_type = Object)]
    outputs: Value,
    lock_version: i64,
    inserted_at: String,
    updated_at: String,
}

/// What came of testing a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionTest {
    /// `ok` or `error`.
    status: &'static str,
    /// What happened.
    message: String,
}

/// What to execute.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExecuteBody {
    /// The connection's id.
    #[serde(alias = "connection")]
    connection_id: Option<String>,
    /// The operation's id.
    operation_id: Option<String>,
    /// An operation that is not stored: `{config, outputs}`; or the id of one that is.
    #[schema(value_type = Option<Object>)]
    operation: Option<Value>,
    /// Values of the inputs by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Document,
}

/// How to answer an execution.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecuteParams {
    /// Present and not `false`: answer with `{duration, outputs, raw}`.
    debug: Option<String>,
    /// `request`: a debug answer holds the request too, secrets hidden, and tells a failed call
    /// with status 200 as `error`.
    include: Option<String>,
}

/// An operation to look at: given, or stored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InspectBody {
    /// `{config}` of an operation.
    #[schema(value_type = Option<Object>)]
    operation: Option<Value>,
    /// The id of a stored operation.
    operation_id: Option<String>,
}

/// The inputs that an operation names.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetectedInputs {
    detected_inputs: Vec<String>,
    /// Those of them that the request cannot be made without.
    required_inputs: Vec<String>,
}

/// Which operations to find.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBody {
    #[serde(default)]
    ids: Vec<String>,
}

/// Outputs to evaluate, and an answer to take them from.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransformBody {
    #[serde(default)]
    #[schema(value_type = Object)]
    outputs: Document,
    /// `{body, headers, statusCode}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    raw: Document,
}

/// Whether an import may replace.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForceParams {
    /// Whether what has the same id is replaced.
    force: Option<bool>,
}

/// A tree that calls operations of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsingTree {
    id: String,
    title: String,
    /// The nodes that call it.
    nodes: Vec<UsingNode>,
}

/// A node that calls an operation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsingNode {
    name: String,
    /// The id or name of the operation, as the node says it.
    operation: String,
}

/// `{"trees":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionUsage {
    trees: Vec<UsingTree>,
}

fn document(connection: &Connection) -> ConnectionDocument {
    let missing = unready(connection);
    let event = json!({
        "message": missing.clone().unwrap_or_else(|| "Ready".to_owned()),
        "kind": if missing.is_none() { "normal" } else { "warning" },
        "timestamp": connection.audit.updated_at.iso(),
    });
    ConnectionDocument {
        id: connection.id.0.clone(),
        kind: connection.kind.clone(),
        name: connection.name.clone(),
        description: connection.description.clone(),
        documentation_link: connection.documentation_link.clone(),
        config: shown_config(connection),
        secrets: shown_secrets(connection),
        status: json!({ "healthy": missing.is_none(), "events": [event] }),
        lock_version: connection.lock_version,
        inserted_at: connection.audit.created_at.iso(),
        updated_at: connection.audit.updated_at.iso(),
    }
}

fn operation_document(operation: &Operation) -> OperationDocument {
    OperationDocument {
        id: operation.id.0.clone(),
        connection_id: operation.connection_id.0.clone(),
        name: operation.name.clone(),
        notes: operation.notes.clone(),
        documentation_link: operation.documentation_link.clone(),
        config: operation.config.clone(),
        outputs: operation.outputs.clone(),
        lock_version: operation.lock_version,
        inserted_at: operation.audit.created_at.iso(),
        updated_at: operation.audit.updated_at.iso(),
    }
}

fn operation_documents(operations: &[Operation]) -> axum::Json<Vec<OperationDocument>> {
    axum::Json(operations.iter().map(operation_document).collect())
}

/// Lists the connections, by name.
#[utoipa::path(get, path = "/app/integrator/api/connections", tag = "Connections",
    responses((status = 200, description = "The connections.", body = Vec<ConnectionDocument>)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<Vec<ConnectionDocument>>> {
    let found = app.webhooks.connections(&actor(&caller)).await?;
    Ok(axum::Json(found.iter().map(document).collect()))
}

/// Creates a connection.
#[utoipa::path(post, path = "/app/integrator/api/connections", tag = "Connections",
    request_body = inline(Object),
    responses((status = 200, description = "The connection.", body = ConnectionDocument)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Document>,
) -> Result<axum::Json<ConnectionDocument>> {
    let made = app.webhooks.create_connection(&actor(&caller), &body).await?;
    Ok(axum::Json(document(&made)))
}

/// Reads a connection.
#[utoipa::path(get, path = "/app/integrator/api/connections/{id}", tag = "Connections",
    params(ConnectionPath),
    responses((status = 200, description = "The connection.", body = ConnectionDocument)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<ConnectionDocument>> {
    let found = app.webhooks.connection(&actor(&caller), &at.id).await?;
    Ok(axum::Json(document(&found)))
}

async fn change(
    app: &App,
    caller: &Caller,
    at: &ConnectionPath,
    body: &Document,
) -> Result<axum::Json<ConnectionDocument>> {
    let changed = app.webhooks.update_connection(&actor(caller), &at.id, body).await?;
    Ok(axum::Json(document(&changed)))
}

/// Changes a connection: only the members that are given; secrets that are null stay.
#[utoipa::path(put, path = "/app/integrator/api/connections/{id}", tag = "Connections",
    params(ConnectionPath),
    request_body = inline(Object),
    responses((status = 200, description = "The connection.", body = ConnectionDocument)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
    Json(body): Json<Document>,
) -> Result<axum::Json<ConnectionDocument>> {
    change(&app, &caller, &at, &body).await
}

/// Changes a connection; the same as PUT.
#[utoipa::path(patch, path = "/app/integrator/api/connections/{id}", tag = "Connections",
    params(ConnectionPath),
    request_body = inline(Object),
    responses((status = 200, description = "The connection.", body = ConnectionDocument)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
    Json(body): Json<Document>,
) -> Result<axum::Json<ConnectionDocument>> {
    change(&app, &caller, &at, &body).await
}

/// Deletes a connection with its operations.
#[utoipa::path(delete, path = "/app/integrator/api/connections/{id}", tag = "Connections",
    params(ConnectionPath),
    responses((status = 200, description = "As it was.", body = ConnectionDocument)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<ConnectionDocument>> {
    let gone = app.webhooks.delete_connection(&actor(&caller), &at.id).await?;
    Ok(axum::Json(document(&gone)))
}

/// Lists the trees that call operations of a connection.
#[utoipa::path(get, path = "/app/integrator/api/connections/{id}/usage", tag = "Connections",
    params(ConnectionPath),
    responses((status = 200, description = "`{trees}`", body = ConnectionUsage)))]
pub(crate) async fn usage(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<ConnectionUsage>> {
    let found = app.webhooks.connection(&actor(&caller), &at.id).await?;
    let trees = app.workflows.trees_calling(&found.space_id, &found.id, &found.name).await?;
    let tree = |tree: workflows::connections::Using| UsingTree {
        id: tree.id.0,
        title: tree.title,
        nodes: tree
            .nodes
            .into_iter()
            .map(|(name, operation)| UsingNode { name, operation })
            .collect(),
    };
    Ok(axum::Json(ConnectionUsage { trees: trees.into_iter().map(tree).collect() }))
}

/// Forgets what is kept of a connection between calls, such as a fetched token.
#[utoipa::path(post, path = "/app/integrator/api/connections/{id}/restart", tag = "Connections",
    params(ConnectionPath),
    responses((status = 200, description = "`{message, name}`", body = inline(Object))))]
pub(crate) async fn restart(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<Value>> {
    let found = app.webhooks.restart_connection(&actor(&caller), &at.id).await?;
    Ok(axum::Json(json!({ "message": "Connection restarted", "name": found.name })))
}

fn tested(tested: webhooks::connections::Tested) -> axum::Json<ConnectionTest> {
    let status = if tested.ok { "ok" } else { "error" };
    axum::Json(ConnectionTest { status, message: tested.message })
}

/// Asks a stored connection's test path or its database, with what the body changes of it.
#[utoipa::path(post, path = "/app/integrator/api/connections/{id}/test", tag = "Connections",
    params(ConnectionPath),
    request_body = inline(Object),
    responses((status = 200, description = "`{status, message}`", body = ConnectionTest)))]
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
    Raw(body): Raw,
) -> Result<axum::Json<ConnectionTest>> {
    let given = if body.is_empty() { Document::new() } else { parse(&body)? };
    Ok(tested(app.webhooks.test_connection(&actor(&caller), &at.id, &given).await?))
}

/// Asks the test path or the database of a connection that is not stored.
#[utoipa::path(post, path = "/app/integrator/api/test", tag = "Connections",
    request_body = inline(Object),
    responses((status = 200, description = "`{status, message}`", body = ConnectionTest)))]
pub(crate) async fn test_document(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Document>,
) -> Result<axum::Json<ConnectionTest>> {
    Ok(tested(app.webhooks.test_document(&actor(&caller), &body).await?))
}

/// Lists the operations of a connection, by name.
#[utoipa::path(get, path = "/app/integrator/api/connections/{id}/operations",
    tag = "Connections", params(ConnectionPath),
    responses((status = 200, description = "The operations.", body = Vec<OperationDocument>)))]
pub(crate) async fn operations(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<Vec<OperationDocument>>> {
    let found = app.webhooks.operations(&actor(&caller), &at.id).await?;
    Ok(operation_documents(&found))
}

/// Creates an operation.
#[utoipa::path(post, path = "/app/integrator/api/connections/{id}/operations",
    tag = "Connections", params(ConnectionPath),
    request_body = inline(Object),
    responses((status = 200, description = "The operation.", body = OperationDocument)))]
pub(crate) async fn create_operation(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
    Json(body): Json<Document>,
) -> Result<axum::Json<OperationDocument>> {
    let made = app.webhooks.create_operation(&actor(&caller), &at.id, &body).await?;
    Ok(axum::Json(operation_document(&made)))
}

/// Reads an operation.
#[utoipa::path(get, path = "/app/integrator/api/connections/{id}/operations/{operation}",
    tag = "Connections", params(OperationPath),
    responses((status = 200, description = "The operation.", body = OperationDocument)))]
pub(crate) async fn read_operation(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<OperationPath>,
) -> Result<axum::Json<OperationDocument>> {
    let found = app.webhooks.operation(&actor(&caller), &at.id, &at.operation).await?;
    Ok(axum::Json(operation_document(&found)))
}

async fn change_operation(
    app: &App,
    caller: &Caller,
    at: &OperationPath,
    body: &Document,
) -> Result<axum::Json<OperationDocument>> {
    let changed =
        app.webhooks.update_operation(&actor(caller), &at.id, &at.operation, body).await?;
    Ok(axum::Json(operation_document(&changed)))
}

/// Changes an operation: only the members that are given.
#[utoipa::path(put, path = "/app/integrator/api/connections/{id}/operations/{operation}",
    tag = "Connections", params(OperationPath),
    request_body = inline(Object),
    responses((status = 200, description = "The operation.", body = OperationDocument)))]
pub(crate) async fn update_operation(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<OperationPath>,
    Json(body): Json<Document>,
) -> Result<axum::Json<OperationDocument>> {
    change_operation(&app, &caller, &at, &body).await
}

/// Changes an operation; the same as PUT.
#[utoipa::path(patch, path = "/app/integrator/api/connections/{id}/operations/{operation}",
    tag = "Connections", params(OperationPath),
    request_body = inline(Object),
    responses((status = 200, description = "The operation.", body = OperationDocument)))]
pub(crate) async fn patch_operation(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<OperationPath>,
    Json(body): Json<Document>,
) -> Result<axum::Json<OperationDocument>> {
    change_operation(&app, &caller, &at, &body).await
}

/// Deletes an operation.
#[utoipa::path(delete, path = "/app/integrator/api/connections/{id}/operations/{operation}",
    tag = "Connections", params(OperationPath),
    responses((status = 200, description = "As it was.", body = OperationDocument)))]
pub(crate) async fn delete_operation(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<OperationPath>,
) -> Result<axum::Json<OperationDocument>> {
    let gone = app.webhooks.delete_operation(&actor(&caller), &at.id, &at.operation).await?;
    Ok(axum::Json(operation_document(&gone)))
}

/// Finds operations by their ids.
#[utoipa::path(post, path = "/app/integrator/api/operations-search", tag = "Connections",
    request_body = SearchBody,
    responses((status = 200, description = "Those that exist.", body = Vec<OperationDocument>)))]
pub(crate) async fn search(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SearchBody>,
) -> Result<axum::Json<Vec<OperationDocument>>> {
    let found = app.webhooks.operations_by_ids(&actor(&caller), body.ids).await?;
    Ok(operation_documents(&found))
}

/// Says which inputs an operation names.
#[utoipa::path(post, path = "/app/integrator/api/inspect", tag = "Connections",
    request_body = InspectBody,
    responses((status = 200, description = "`{detectedInputs}`", body = DetectedInputs)))]
pub(crate) async fn inspect(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<InspectBody>,
) -> Result<axum::Json<DetectedInputs>> {
    let actor = actor(&caller);
    let config =
        body.operation.and_then(|mut operation| operation.get_mut("config").map(Value::take));
    let config = match (config, body.operation_id) {
        (Some(config), _) => config,
        (None, Some(id)) => {
            let mut found = app.webhooks.operations_by_ids(&actor, vec![id.clone()]).await?;
            let found = found.pop().ok_or_else(|| Error::unable_to_locate("Operation", &id))?;
            found.config
        }
        (None, None) => {
            return Err(Error::bad_request("The operation or its operationId must be given"));
        }
    };
    let inputs = app.webhooks.detect_inputs(&actor, &config)?;
    let required = inputs.iter().filter(|input| input.required).map(|input| input.name.clone());
    Ok(axum::Json(DetectedInputs {
        required_inputs: required.collect(),
        detected_inputs: inputs.iter().map(|input| input.name.clone()).collect(),
    }))
}

/// Evaluates outputs on a given answer.
#[utoipa::path(post, path = "/app/integrator/api/transform", tag = "Connections",
    request_body = TransformBody,
    responses((status = 200, description = "The outputs by name.", body = inline(Object))))]
pub(crate) async fn transform(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TransformBody>,
) -> Result<axum::Json<Document>> {
    let (outputs, raw) = (Value::Object(body.outputs), Value::Object(body.raw));
    Ok(axum::Json(app.webhooks.transform(&actor(&caller), &outputs, &raw)?))
}

fn raw(answer: &Answered) -> Value {
    json!({ "statusCode": answer.status, "headers": answer.headers, "body": answer.body })
}

fn sent(sent: &Sent) -> Value {
    json!({ "method": sent.method, "url": sent.url, "body": sent.body,
        "headers": sent.headers.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() })
}

/// Executes an operation, stored or given, and answers with its outputs.
#[utoipa::path(post, path = "/app/integrator/api/execute", tag = "Connections",
    params(ExecuteParams), request_body = ExecuteBody,
    responses((status = 200, description = "The outputs by name, or `{duration, outputs, raw}`.",
        body = inline(Object))))]
pub(crate) async fn execute(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ExecuteParams>,
    Json(body): Json<ExecuteBody>,
) -> Result<axum::Json<Value>> {
    let connection = body.connection_id.filter(|id| !id.is_empty());
    let connection =
        connection.ok_or_else(|| Error::bad_request("The connectionId must be given"))?;
    let (named, document) = match body.operation {
        Some(Value::String(id)) => (Some(id), None),
        Some(document @ Value::Object(_)) => (None, Some(document)),
        _ => (None, None),
    };
    let operation = body.operation_id.or(named);
    let execution =
        Execution { connection, operation, document, inputs: body.parameters, key: None };
    let debug = params.debug.is_some_and(|debug| debug != "false");
    let with_request = params.include.as_deref() == Some("request");
    match app.webhooks.execute(&actor(&caller), &execution).await? {
        Ok(called) if debug || with_request => {
            let mut answer = json!({
                "duration": called.answer.duration.as_secs_f64() * 1_000.0,
                "outputs": called.outputs,
                "raw": raw(&called.answer),
            });
            if with_request {
                answer["request"] = sent(&called.sent);
            }
            Ok(axum::Json(answer))
        }
        Ok(called) => Ok(axum::Json(Value::Object(called.outputs))),
        Err(failed) if with_request => Ok(axum::Json(json!({
            "error": failed.message,
            "errorKey": failed.class,
            "duration": failed.answer.as_ref().map(|a| a.duration.as_secs_f64() * 1_000.0),
            "raw": failed.answer.as_deref().map(raw),
            "request": failed.sent.as_deref().map(sent),
        }))),
        Err(Failed { class, message, .. }) => Err(Error::bad_request(message).with_key(class)),
    }
}

/// Exports a connection with its operations; secrets read as null.
#[utoipa::path(get, path = "/app/integrator/api/export/connections/{id}", tag = "Connections",
    params(ConnectionPath),
    responses((status = 200, description = "The export.", body = ConnectionExport)))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
) -> Result<axum::Json<ConnectionExport>> {
    let actor = actor(&caller);
    let connection = app.webhooks.connection(&actor, &at.id).await?;
    let operations = app.webhooks.operations(&actor, &at.id).await?;
    let c = document(&connection);
    Ok(axum::Json(ConnectionExport {
        id: c.id,
        kind: c.kind,
        name: c.name,
        description: c.description,
        documentation_link: c.documentation_link,
        config: c.config,
        secrets: c.secrets,
        lock_version: c.lock_version,
        inserted_at: c.inserted_at,
        updated_at: c.updated_at,
        operations: operations.iter().map(operation_document).collect(),
    }))
}

/// Takes in an exported connection with its operations; their ids stay.
#[utoipa::path(post, path = "/app/integrator/api/import/connections", tag = "Connections",
    params(ForceParams), request_body = inline(Object),
    responses((status = 200, description = "The connection.", body = ConnectionDocument)))]
pub(crate) async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ForceParams>,
    Json(body): Json<Document>,
) -> Result<axum::Json<ConnectionDocument>> {
    let force = params.force.unwrap_or(false);
    let made = app.webhooks.import_connection(&actor(&caller), &body, force).await?;
    Ok(axum::Json(document(&made)))
}

/// Takes operations into a connection: all of them, or none.
#[utoipa::path(post, path = "/app/integrator/api/import/connections/{id}/operations",
    tag = "Connections",
    params(ConnectionPath, ForceParams),
    request_body = inline(Object),
    responses((status = 200, description = "The operations.", body = Vec<OperationDocument>)))]
pub(crate) async fn import_operations(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<ConnectionPath>,
    Query(params): Query<ForceParams>,
    Json(body): Json<Vec<Value>>,
) -> Result<Response> {
    let actor = actor(&caller);
    let force = params.force.unwrap_or(false);
    match app.webhooks.import_operations(&actor, &at.id, &body, force).await {
        Ok(made) => Ok(operation_documents(&made).into_response()),
        Err(ImportError::Operations(wrong)) => {
            let errors: Map<String, Value> =
                wrong.into_iter().map(|(name, problems)| (name, json!(problems))).collect();
            let body = json!({ "errorKey": "invalid_operations", "errors": errors });
            Ok((StatusCode::BAD_REQUEST, axum::Json(body)).into_response())
        }
        Err(ImportError::Other(error)) => Err(error.into()),
    }
}

/// Seals every stored secret with the present master key.
#[utoipa::path(post, path = "/app/integrator/api/rotate-encryption-key", tag = "Connections",
    responses((status = 200, description = "`{resealed}`: how many records.",
        body = inline(Object))))]
pub(crate) async fn reseal(State(app): State<App>, _: Caller) -> Result<axum::Json<Value>> {
    Ok(axum::Json(json!({ "resealed": app.webhooks.reseal().await? })))
}

/// Says that this part of the server is up.
#[utoipa::path(get, path = "/app/integrator/api/healthz", tag = "Connections", security(()),
    responses((status = 200, description = "Up.", body = inline(Object))))]
pub(crate) async fn health() -> axum::Json<Value> {
    let up = json!({ "status": true, "message": "ok" });
    // The documented names are misspelt; clients may read either.
    axum::Json(json!({ "meassagingHealth": up, "nodePocessHealth": up, "nodeProcessHealth": up }))
}

/// Returns the version of this server.
#[utoipa::path(get, path = "/app/integrator/api/version", tag = "Connections", security(()),
    responses((status = 200, description = "`{version}`", body = inline(Object))))]
pub(crate) async fn version() -> axum::Json<Value> {
    let version = json!({ "version": SERVER_VERSION, "buildNumber": SERVER_VERSION,
        "buildDate": "" });
    axum::Json(json!({ "version": version }))
}
