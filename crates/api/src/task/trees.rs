//! `/app/api/v2/trees`: workflows, stored as they were sent, with their mistakes listed.

use super::definitions::Around;
use super::paging::{Page, given};
use super::{actor, definitions, is_multipart, success, twice, unreadable};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw, parse};
use axum::extract::{FromRequest, Multipart, RawQuery, Request, State};
use model::tree::Tree;
use serde::Deserialize;
use serde_json::{Value, json};
use store::trees::Filter;
use utoipa::IntoParams;
use workflows::definition::Format;
use workflows::trees::{TreeInput, TreeKey};

/// Trees that a list looks at; a space has hundreds.
const TREES_MAX: i64 = 10_000;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    /// The source's name.
    source: Option<String>,
    /// The group, exactly.
    group: Option<String>,
    /// Part of the group.
    group_fragment: Option<String>,
    name: Option<String>,
    /// Part of the name.
    name_fragment: Option<String>,
    owner_email: Option<String>,
    status: Option<String>,
    /// `Tree`, `Global Routine` or `Local Routine`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `name`, `sourceGroup`, `sourceRoot.name`, `type`, `status`, `ownerEmail`, `definitionId`,
    /// `createdAt`, `createdBy`, `updatedAt`, `updatedBy` or `id`; by title otherwise.
    order_by: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// The parameter of an import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    include: Option<String>,
    /// Whether a tree of the same title is replaced.
    force: Option<bool>,
}

/// Lists trees by title.
#[utoipa::path(get, path = "/app/api/v2/trees", tag = "Trees", operation_id = "listTrees",
    params(ListQuery), responses((status = 200, description = "`{trees, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(raw): RawQuery,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let pairs = url::form_urlencoded::parse(raw.as_deref().unwrap_or_default().as_bytes());
    let groups = pairs.filter(|(name, _)| name == "group[]").map(|(_, group)| group.into_owned());
    let groups = groups.chain(given(query.group)).collect();
    let filter = Filter {
        source: given(query.source),
        groups,
        group_fragment: given(query.group_fragment),
        name: given(query.name),
        name_fragment: given(query.name_fragment),
        owner_email: given(query.owner_email),
        status: given(query.status),
        kind: given(query.kind),
    };
    let who = actor(&caller);
    let mut trees = app.workflows.trees(&who, filter, TREES_MAX).await?;
    if let Some(order) = given(query.order_by) {
        sort(&mut trees, &order)?;
    }
    if query.direction.is_some_and(|d| d.eq_ignore_ascii_case("DESC")) {
        trees.reverse();
    }
    let count = trees.len();
    let (trees, _) = page.cut(trees);
    let whole = ["treeJson", "treeXml", "export", "inputs", "outputs"];
    let around = Around::read(&app, &caller, &include).await?;
    let mut rows = Vec::with_capacity(trees.len());
    for tree in trees {
        let mut row = if whole.iter().any(|name| include.has(name)) {
            let detail = app.workflows.tree(&who, &TreeKey::Guid(tree.id.0.clone())).await?;
            definitions::single(&detail, &include)
        } else {
            definitions::summary(&tree, &include)
        };
        around.add(&tree, &include, &mut row);
        rows.push(row);
    }
    Ok(page.document("trees", rows, count))
}

/// Sorts by a documented property; trees that share it stay in the order of their titles.
fn sort(trees: &mut [Tree], order: &str) -> Result<()> {
    type Key = fn(&Tree) -> String;
    let key: Key = match order {
        "name" => |t| t.name.clone(),
        "sourceGroup" => |t| t.group.clone(),
        "sourceRoot.name" | "sourceName" => |t| t.source.clone(),
        "type" => |t| t.kind.clone(),
        "status" => |t| t.status.clone(),
        "ownerEmail" => |t| t.owner_email.clone().unwrap_or_default(),
        "definitionId" => |t| t.definition_id.clone().unwrap_or_default(),
        "id" => |t| t.id.0.clone(),
        "createdAt" => |t| t.audit.created_at.iso(),
        "createdBy" => |t| t.audit.created_by.clone(),
        "updatedAt" => |t| t.audit.updated_at.iso(),
        "updatedBy" => |t| t.audit.updated_by.clone(),
        _ => return Err(Error::bad_request(format!("Trees cannot be ordered by \"{order}\"."))),
    };
    trees.sort_by_cached_key(key);
    Ok(())
}

/// Creates a tree from JSON, or imports an exported one from the multipart field `content`.
#[utoipa::path(post, path = "/app/api/v2/trees", tag = "Trees", operation_id = "createTree",
    params(CreateQuery), request_body = inline(Object),
    responses((status = 200, description = "The tree, with `messageType` and `message`.",
    body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CreateQuery>,
    request: Request,
) -> Result<axum::Json<Value>> {
    let input = read_body(&app, &caller, request).await?;
    let force = query.force.unwrap_or(false);
    let detail = app.workflows.create_tree(&actor(&caller), input, force).await?;
    let include = Include::parse(query.include.as_deref().or(Some("details,treeJson")));
    let mut document = definitions::whole(&app, &caller, &detail, &include).await?;
    document["messageType"] = "success".into();
    document["message"] = format!("Saved the tree \"{}\".", detail.tree.title()).into();
    Ok(axum::Json(document))
}

async fn read_body(app: &App, caller: &Caller, request: Request) -> Result<TreeInput> {
    if is_multipart(&request) {
        return read_file(request).await;
    }
    let Raw(bytes) = Raw::from_request(request, &()).await?;
    definitions::read(app, caller, parse(&bytes)?).await
}

/// An exported tree in the field `content`; other fields name it.
async fn read_file(request: Request) -> Result<TreeInput> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| Error::bad_request(e.body_text()))?;
    let mut input = TreeInput::default();
    while let Some(field) = form.next_field().await.map_err(|e| unreadable(&e))? {
        let name = field.name().unwrap_or_default().to_owned();
        let text = field.text().await.map_err(|e| unreadable(&e))?;
        match name.as_str() {
            "content" => {
                input.definition = Some((Format::of(&text), text));
            }
            "sourceName" => input.source = given(Some(text)),
            "sourceGroup" => input.group = given(Some(text)),
            "name" => input.name = given(Some(text)),
            _ => {}
        }
    }
    if input.definition.is_none() {
        return Err(Error::bad_request("The multipart field \"content\" is missing."));
    }
    Ok(input)
}

/// Reads a tree by its title, or a routine by its name or definition id.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}", tag = "Trees", operation_id = "readTree",
    params(("title" = String, Path, description = "`Source :: Group :: Name`"), IncludeQuery),
    responses((status = 200, description = "The tree.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.tree(&actor(&caller), &TreeKey::Title(title)).await?;
    Ok(axum::Json(definitions::whole(&app, &caller, &detail, &query.read()).await?))
}

/// Reads a tree by its guid.
#[utoipa::path(get, path = "/app/api/v2/trees/guid/{guid}", tag = "Trees",
    operation_id = "readTreeByGuid", params(("guid" = String, Path), IncludeQuery),
    responses((status = 200, description = "The tree.", body = inline(Object))))]
pub(crate) async fn read_by_guid(
    State(app): State<App>,
    caller: Caller,
    Path(guid): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.tree(&actor(&caller), &TreeKey::Guid(guid)).await?;
    Ok(axum::Json(definitions::whole(&app, &caller, &detail, &query.read()).await?))
}

/// Changes a tree; with `versionId`, only when it is still that version.
#[utoipa::path(put, path = "/app/api/v2/trees/{title}", tag = "Trees", operation_id = "updateTree",
    params(("title" = String, Path, description = "`Source :: Group :: Name`"), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "The tree.", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    let input = definitions::read(&app, &caller, body).await?;
    let detail = app.workflows.update_tree(&actor(&caller), &TreeKey::Title(title), input).await?;
    let document = definitions::whole(&app, &caller, &detail, &query.read()).await?;
    Ok(twice("tree", document))
}

/// Deletes a tree; runs under way keep their version.
#[utoipa::path(delete, path = "/app/api/v2/trees/{title}", tag = "Trees",
    operation_id = "deleteTree", params(("title" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.delete_tree(&actor(&caller), &TreeKey::Title(title)).await?;
    Ok(success(&format!("Deleted the tree \"{}\".", detail.tree.title())))
}

/// Copies a tree under another title.
#[utoipa::path(post, path = "/app/api/v2/trees/{title}/clone", tag = "Trees",
    operation_id = "cloneTree", params(("title" = String, Path)), request_body = inline(Object),
    responses((status = 200, description = "The copy.", body = inline(Object))))]
pub(crate) async fn clone(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    let input = definitions::read(&app, &caller, body).await?;
    let detail = app.workflows.clone_tree(&actor(&caller), &TreeKey::Title(title), input).await?;
    let include = Include::parse(Some("details"));
    Ok(twice("tree", definitions::single(&detail, &include)))
}

/// Exports a tree as XML.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/export", tag = "Trees",
    operation_id = "exportTree", params(("title" = String, Path)),
    responses((status = 200, description = "`{tree}`: the XML text.", body = inline(Object))))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.tree(&actor(&caller), &TreeKey::Title(title)).await?;
    Ok(axum::Json(json!({ "tree": detail.export() })))
}
