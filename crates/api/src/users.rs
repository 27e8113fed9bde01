//! `/app/api/v1/users` and `/app/api/v1/me`.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Attribute, Details, Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::list::{self, ListParams};
use crate::teams::{self, TeamDocument};
use axum::extract::State;
use model::Attributes;
use model::people::User;
use platform::users::UserInput;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A user as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserDocument {
    id: String,
    username: String,
    display_name: Option<String>,
    email: Option<String>,
    enabled: bool,
    space_admin: bool,
    invited_by: Option<String>,
    timezone: Option<Value>,
    preferred_locale: Option<Value>,
    allowed_ips: Option<Value>,
    /// With `include=attributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<Attribute>>,
    /// With `include=attributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes_map: Option<Attributes>,
    /// With `include=profileAttributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_attributes: Option<Vec<Attribute>>,
    /// With `include=profileAttributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    profile_attributes_map: Option<Attributes>,
    /// With `include=memberships`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    memberships: Option<Vec<InTeam>>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// Other documented properties, as they were given.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

/// A team that a user is in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InTeam {
    team: TeamDocument,
}

list::answers!(UserDocument, UserAnswer { user }, UserList { users });

/// The document of a user; never with anything of the password.
pub(crate) fn document(user: &User, include: &Include) -> UserDocument {
    let mut properties = user.properties.clone();
    UserDocument {
        id: user.id.to_string(),
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        email: user.email.clone(),
        enabled: user.enabled,
        space_admin: user.space_admin,
        invited_by: user.invited_by.clone(),
        timezone: properties.remove("timezone"),
        preferred_locale: properties.remove("preferredLocale"),
        allowed_ips: properties.remove("allowedIps"),
        attributes: include.attributes("attributes", &user.attributes),
        attributes_map: include.attributes_map("attributes", &user.attributes),
        profile_attributes: include.attributes("profileAttributes", &user.profile_attributes),
        profile_attributes_map: include
            .attributes_map("profileAttributes", &user.profile_attributes),
        memberships: None,
        details: include.details(&user.audit),
        properties,
    }
}

/// The document of a user with their teams, when `include=memberships` asks for them.
async fn single(
    app: &App,
    caller: &Caller,
    user: &User,
    include: &Include,
) -> Result<UserDocument> {
    let mut document = document(user, include);
    if let Some(below) = include.below("memberships") {
        let below = below.below("team").cloned().unwrap_or_default();
        let teams = app.platform.teams_of(caller, &user.username).await?;
        let teams = teams.iter().map(|team| InTeam { team: teams::document(team, &below) });
        document.memberships = Some(teams.collect());
    }
    Ok(document)
}

/// Lists the users of the space.
#[utoipa::path(get, path = "/app/api/v1/users", tag = "Users", params(ListParams),
    responses((status = 200, description = "`{users, nextPageToken, messages}`",
        body = UserList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<axum::Json<UserList>> {
    let include = params.include();
    let page = app.platform.users(&caller, &params.query()?).await?;
    Ok(UserList::of(&page, |user| document(user, &include)))
}

/// Reads a user.
#[utoipa::path(get, path = "/app/api/v1/users/{username}", tag = "Users",
    params(("username" = String, Path, description = "The username."), IncludeQuery),
    responses((status = 200, description = "`{user}`", body = UserAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(username): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<UserAnswer>> {
    let user = app.platform.user(&caller, &username).await?;
    Ok(UserAnswer::of(single(&app, &caller, &user, &query.read()).await?))
}

/// Creates a user.
#[utoipa::path(post, path = "/app/api/v1/users", tag = "Users", params(IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{user}`", body = UserAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<UserAnswer>> {
    let user = app.platform.create_user(&caller, UserInput::from_json(&body)?).await?;
    Ok(UserAnswer::of(single(&app, &caller, &user, &query.read()).await?))
}

/// Changes a user: properties that are given replace their former values.
#[utoipa::path(put, path = "/app/api/v1/users/{username}", tag = "Users",
    params(("username" = String, Path, description = "The username."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{user}`", body = UserAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(username): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<UserAnswer>> {
    let input = UserInput::from_json(&body)?;
    let user = app.platform.update_user(&caller, &username, input).await?;
    Ok(UserAnswer::of(single(&app, &caller, &user, &query.read()).await?))
}

/// Deletes a user with their memberships and sessions.
#[utoipa::path(delete, path = "/app/api/v1/users/{username}", tag = "Users",
    params(("username" = String, Path, description = "The username."), IncludeQuery),
    responses((status = 200, description = "`{user}` as they were", body = UserAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(username): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<UserAnswer>> {
    let user = app.platform.delete_user(&caller, &username).await?;
    Ok(UserAnswer::of(document(&user, &query.read())))
}

/// Reads the signed-in user; the answer is not wrapped.
#[utoipa::path(get, path = "/app/api/v1/me", tag = "Users", params(IncludeQuery),
    responses((status = 200, description = "The user.", body = UserDocument)))]
pub(crate) async fn read_me(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<UserDocument>> {
    let user = app.platform.user(&caller, &caller.username).await?;
    Ok(axum::Json(single(&app, &caller, &user, &query.read()).await?))
}

/// Changes the signed-in user.
#[utoipa::path(put, path = "/app/api/v1/me", tag = "Users", params(IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{user}`", body = UserAnswer)))]
pub(crate) async fn update_me(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<UserAnswer>> {
    let input = UserInput::from_json(&body)?;
    let user = app.platform.update_user(&caller, &caller.username, input).await?;
    Ok(UserAnswer::of(single(&app, &caller, &user, &query.read()).await?))
}
