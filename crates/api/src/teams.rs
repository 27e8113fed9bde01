//! `/app/api/v1/teams`: teams, whose names nest with `::`.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Attribute, Details, Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::list::{self, ListParams};
use crate::users::{self, UserDocument};
use axum::extract::State;
use model::Attributes;
use model::people::Team;
use platform::Page;
use platform::teams::TeamInput;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A team as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Team)]
pub(crate) struct TeamDocument {
    id: String,
    slug: String,
    /// The whole name, such as `IT::Support`.
    name: String,
    /// The last part of the name.
    local_name: String,
    /// What stands before it; null for a team without a parent.
    parent_name: Option<String>,
    description: Option<String>,
    /// Set on a deleted team: give it to `POST` to restore the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    restoration_token: Option<String>,
    /// With `include=attributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<Attribute>>,
    /// With `include=attributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes_map: Option<Attributes>,
    /// With `include=memberships`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    memberships: Option<Vec<Member>>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// Other documented properties, as they were given.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

/// A user who is in a team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    user: UserDocument,
}

list::answers!(TeamDocument, TeamAnswer { team }, TeamList { teams });

/// The document of a team.
pub(crate) fn document(team: &Team, include: &Include) -> TeamDocument {
    let (parent, local) = match team.name.rsplit_once("::") {
        Some((parent, local)) => (Some(parent.to_owned()), local),
        None => (None, team.name.as_str()),
    };
    TeamDocument {
        id: team.id.to_string(),
        slug: team.slug.clone(),
        name: team.name.clone(),
        local_name: local.to_owned(),
        parent_name: parent,
        description: team.description.clone(),
        restoration_token: team.restoration_token.clone(),
        attributes: include.attributes("attributes", &team.attributes),
        attributes_map: include.attributes_map("attributes", &team.attributes),
        memberships: None,
        details: include.details(&team.audit),
        properties: team.properties.clone(),
    }
}

/// The document of a team with its members, when `include=memberships` asks for them.
async fn single(
    app: &App,
    caller: &Caller,
    team: &Team,
    include: &Include,
) -> Result<axum::Json<TeamAnswer>> {
    let mut document = document(team, include);
    if let Some(below) = include.below("memberships") {
        let below = below.below("user").cloned().unwrap_or_default();
        let members = app.platform.members_of(caller, &team.slug).await?;
        let members = members.iter().map(|user| Member { user: users::document(user, &below) });
        document.memberships = Some(members.collect());
    }
    Ok(TeamAnswer::of(document))
}

/// Lists the teams of the space.
#[utoipa::path(get, path = "/app/api/v1/teams", tag = "Teams",
    params(ListParams, ArchivedParams),
    responses((status = 200, description = "`{teams, nextPageToken, messages}`",
        body = TeamList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
    Query(archived): Query<ArchivedParams>,
) -> Result<axum::Json<TeamList>> {
    let include = params.include();
    let page = if archived.archived.as_deref().is_some_and(|text| text != "false") {
        let items = app.platform.archived_teams(&caller).await?;
        Page { items, next_page_token: None, count: None }
    } else {
        app.platform.teams(&caller, &params.query()?).await?
    };
    Ok(TeamList::of(&page, |team| document(team, &include)))
}

/// What asks for deleted teams instead of living ones.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArchivedParams {
    /// Whether to list the deleted teams; present without a value counts as yes.
    archived: Option<String>,
}

/// Reads a team.
#[utoipa::path(get, path = "/app/api/v1/teams/{team}", tag = "Teams",
    params(("team" = String, Path, description = "The team's slug."), IncludeQuery),
    responses((status = 200, description = "`{team}`", body = TeamAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<TeamAnswer>> {
    let team = app.platform.team(&caller, &slug).await?;
    single(&app, &caller, &team, &query.read()).await
}

/// What restores a deleted team.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct RestoreParams {
    /// The token of a deleted team: restores it instead of creating one.
    restoration_token: Option<String>,
}

/// Creates a team, or restores the one of a restoration token.
#[utoipa::path(post, path = "/app/api/v1/teams", tag = "Teams",
    params(RestoreParams, IncludeQuery), request_body = inline(Object),
    responses((status = 200, description = "`{team}`", body = TeamAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(restore): Query<RestoreParams>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<TeamAnswer>> {
    let input = TeamInput::from_json(&body)?;
    let team = match restore.restoration_token.filter(|token| !token.is_empty()) {
        Some(token) => app.platform.restore_team(&caller, &token, input).await?,
        None => app.platform.create_team(&caller, input).await?,
    };
    single(&app, &caller, &team, &query.read()).await
}

/// Changes a team; a new name changes its slug.
#[utoipa::path(put, path = "/app/api/v1/teams/{team}", tag = "Teams",
    params(("team" = String, Path, description = "The team's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{team}`", body = TeamAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<TeamAnswer>> {
    let team = app.platform.update_team(&caller, &slug, TeamInput::from_json(&body)?).await?;
    single(&app, &caller, &team, &query.read()).await
}

/// Deletes a team softly; the team returned holds its restoration token.
#[utoipa::path(delete, path = "/app/api/v1/teams/{team}", tag = "Teams",
    params(("team" = String, Path, description = "The team's slug."), IncludeQuery),
    responses((status = 200, description = "`{team}`", body = TeamAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<TeamAnswer>> {
    let team = app.platform.delete_team(&caller, &slug).await?;
    Ok(TeamAnswer::of(document(&team, &query.read())))
}
