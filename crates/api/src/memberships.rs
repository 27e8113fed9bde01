//! `/app/api/v1/memberships`: users in teams.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::teams::{self, TeamDocument};
use crate::users::{self, UserDocument};
use axum::extract::State;
use platform::memberships::{Membership, MembershipInput};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A user in a team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Membership)]
pub(crate) struct MembershipDocument {
    team: TeamDocument,
    user: UserDocument,
}

/// `{"membership":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembershipAnswer {
    membership: MembershipDocument,
}

fn answer(membership: &Membership, include: &Include) -> axum::Json<MembershipAnswer> {
    let below = |name: &str| include.below(name).cloned().unwrap_or_default();
    let team = teams::document(&membership.team, &below("team"));
    let user = users::document(&membership.user, &below("user"));
    axum::Json(MembershipAnswer { membership: MembershipDocument { team, user } })
}

/// Puts a user into a team.
#[utoipa::path(post, path = "/app/api/v1/memberships", tag = "Teams", params(IncludeQuery),
    request_body(content = inline(Object),
        description = "`{team: {slug | name}, user: {username}}`"),
    responses((status = 200, description = "`{membership: {team, user}}`",
        body = MembershipAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<MembershipAnswer>> {
    let input = MembershipInput::from_json(&body)?;
    let membership = app.platform.add_membership(&caller, input).await?;
    Ok(answer(&membership, &query.read()))
}

/// Takes a user out of a team.
#[utoipa::path(delete, path = "/app/api/v1/memberships/{key}", tag = "Teams",
    params(("key" = String, Path, description = "`{team slug}_{username}`"), IncludeQuery),
    responses((status = 200, description = "`{membership: {team, user}}` as it was",
        body = MembershipAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<MembershipAnswer>> {
    let membership = app.platform.remove_membership(&caller, &key).await?;
    Ok(answer(&membership, &query.read()))
}
