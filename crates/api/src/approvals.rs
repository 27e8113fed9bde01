//! `/app/api/v1/approvals`: submissions that wait for somebody's decision, over all kapps.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::Include;
use crate::input::Query;
use crate::submissions::{SubmissionList, document};
use axum::extract::State;
use model::submission::CoreState;
use platform::ListQuery;
use platform::submissions::ApprovalQuery;
use serde::Deserialize;
use utoipa::IntoParams;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Params {
    /// What to add to each submission, such as `details,values,form.kapp`.
    include: Option<String>,
    /// `mine` (absent as well): those assigned to the caller or a team of theirs; `all`:
    /// everybody's, for space administrators.
    scope: Option<String>,
    /// `Draft` (absent as well): those that wait; `Submitted,Closed`: those that are decided.
    core_state: Option<String>,
    /// Rows of a page, at most 1,000.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
    /// Whether to count all of them, up to 1,000.
    count: Option<bool>,
}

impl Params {
    fn query(self) -> Result<ApprovalQuery> {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let everybodys = match given(self.scope).as_deref() {
            None | Some("mine") => false,
            Some("all") => true,
            Some(other) => {
                let message = format!("The scope is mine or all, not \"{other}\".");
                return Err(Error::bad_request(message));
            }
        };
        let mut states = Vec::new();
        for name in given(self.core_state).as_deref().unwrap_or("Draft").split(',') {
            let state = CoreState::parse(name.trim()).ok_or_else(|| {
                Error::bad_request("The coreState is Draft, Submitted or Closed.")
            })?;
            if !states.contains(&state) {
                states.push(state);
            }
        }
        let list = ListQuery {
            limit: self.limit,
            page_token: given(self.page_token),
            count: self.count.unwrap_or(false),
            ..ListQuery::default()
        };
        Ok(ApprovalQuery { everybodys, states, list })
    }
}

/// Lists approvals, newest first: submissions of kapps' forms of type Approval whose Assigned
/// Individual is the caller or whose Assigned Team is one of theirs.
#[utoipa::path(get, path = "/app/api/v1/approvals", tag = "Submissions",
    operation_id = "listApprovals", params(Params),
    responses((status = 200, description = "`{submissions, nextPageToken, messages}`",
        body = SubmissionList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<axum::Json<SubmissionList>> {
    let include = Include::parse(params.include.as_deref());
    let page = app.platform.approvals(&caller, &params.query()?).await?;
    Ok(SubmissionList::of(&page, |record| document(record, &include)))
}
