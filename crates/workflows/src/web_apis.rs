//! Web APIs: trees that answer requests, in the group `WebApis` or `WebApis > {kapp}`.
//!
//! A request starts a run. Without a timeout it is answered with the run's number; with one, with
//! what the run's Return node says. A run that takes longer goes on and is found by its number.

use crate::Workflows;
use crate::actor::Actor;
use crate::engine::TreeRef;
use crate::error::{Error, Result};
use crate::runs::StartByHand;
use crate::step::state::State;
use model::Audit;
use model::id::RunId;
use model::limits;
use model::run::RunState;
use runtime::changes::Heard;
use serde_json::{Map, Value, json};
use store::runs;
use store::web_apis::{self, WebApi};

/// Web APIs that a list shows, and that a kapp should have.
const LIST_ROWS: i64 = 1_000;
/// Milliseconds between looks at a run that another node may move.
const LOOK_MS: i64 = 250;
/// Milliseconds that a request may wait for its run (the documented limit).
pub const TIMEOUT_MS_MAX: i64 = 30_000;
/// The methods a web API may have.
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
/// The policies that say who may call a web API.
const POLICIES: [&str; 3] = ["Everyone", "Authenticated Users", "Space Admins"];

/// What a client says about a web API; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct WebApiInput {
    /// Its slug.
    pub slug: Option<String>,
    /// Its method.
    pub method: Option<String>,
    /// Who may call it.
    pub security_policies: Option<Value>,
}

/// A request to a web API.
#[derive(Clone, Debug)]
pub struct WebApiCall {
    /// Its kapp; blank: the space's.
    pub kapp: String,
    /// Its slug.
    pub slug: String,
    /// The document of the request, as expressions see it.
    pub data: Value,
    /// A key of the caller's.
    pub key: Option<String>,
    /// The source of its tree.
    pub source: String,
    /// Whether the caller administers the space.
    pub is_admin: bool,
    /// The request's method.
    pub method: String,
}

/// How a run ended that a request waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Its Return node named these.
    Returned(Map<String, Value>),
    /// It ended without a Return node, stands in error, or was cancelled: in words.
    Failed(String),
    /// It goes on.
    Late,
}

impl Workflows {
    /// Lists the web APIs of a kapp, or with a blank kapp of the space.
    ///
    /// # Errors
    /// The store's.
    pub async fn web_apis(&self, actor: &Actor, kapp: &str) -> Result<Vec<WebApi>> {
        let (space, kapp) = (actor.space_id.clone(), kapp.to_owned());
        self.inner.store.read(move |tx| Ok(web_apis::list(tx, &space, &kapp, LIST_ROWS)?)).await
    }

    /// A web API.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn web_api(&self, actor: &Actor, kapp: &str, slug: &str) -> Result<WebApi> {
        let (space, kapp, wanted) = (actor.space_id.clone(), kapp.to_owned(), slug.to_owned());
        let found: Option<WebApi> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(web_apis::by_slug(tx, &space, &kapp, &wanted)?))
            .await?;
        found.ok_or_else(|| Error::NotFound(format!("Unable to locate the {slug} WebAPI")))
    }

    /// Creates a web API; its tree is made apart from it.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_web_api(
        &self,
        actor: &Actor,
        kapp: &str,
        input: WebApiInput,
    ) -> Result<WebApi> {
        let blank = WebApi {
            id: self.inner.runtime.uuid().to_string(),
            space_id: actor.space_id.clone(),
            kapp_slug: kapp.to_owned(),
            slug: String::new(),
            method: "GET".into(),
            security_policies: json!([]),
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        let api = changed(blank, input)?;
        let made = api.clone();
        let written = self.inner.store.write(move |tx| web_apis::insert(tx, &made)).await;
        written.map_err(|error| taken(error, &api.slug))?;
        Ok(api)
    }

    /// Changes a web API.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn update_web_api(
        &self,
        actor: &Actor,
        kapp: &str,
        slug: &str,
        input: WebApiInput,
    ) -> Result<WebApi> {
        let mut api = changed(self.web_api(actor, kapp, slug).await?, input)?;
        api.audit.touch(self.inner.runtime.now(), &actor.username);
        let made = api.clone();
        let written = self.inner.store.write(move |tx| web_apis::update(tx, &made)).await;
        written.map_err(|error| taken(error, &api.slug))?;
        Ok(api)
    }

    /// Deletes a web API; its tree stays.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_web_api(&self, actor: &Actor, kapp: &str, slug: &str) -> Result<WebApi> {
        let api = self.web_api(actor, kapp, slug).await?;
        let id = api.id.clone();
        let deleted = self.inner.store.write(move |tx| web_apis::delete(tx, &id)).await;
        deleted.map_err(Error::Store)?;
        Ok(api)
    }

    /// Starts the run of a request; its number.
    ///
    /// # Errors
    /// `NotFound` for a web API or a tree that does not exist, `Late` with 403 when its
    /// policies do not let the caller pass, with 405 for another method.
    pub async fn call_web_api(&self, actor: &Actor, call: WebApiCall) -> Result<RunId> {
        let api = self.web_api(actor, &call.kapp, &call.slug).await?;
        if !api.method.eq_ignore_ascii_case(&call.method) {
            let message = format!("The {} WebAPI answers {} only.", api.slug, api.method);
            return Err(Error::Late { status: 405, message });
        }
        let admins_only = policies(&api.security_policies).any(|name| name == "Space Admins");
        if admins_only && !call.is_admin {
            let message = format!("You are not allowed to execute the {} WebAPI.", api.slug);
            return Err(Error::Late { status: 403, message });
        }
        let group = match call.kapp.as_str() {
            "" => "WebApis".to_owned(),
            kapp => format!("WebApis > {kapp}"),
        };
        let start = StartByHand {
            tree: TreeRef::Title { source: call.source, group, name: api.slug.clone() },
            data: call.data.to_string(),
            inputs: None,
            key: call.key,
            originator: format!("WebAPI {} by {}", api.slug, actor.username),
        };
        Ok(self.start_by_hand(actor, start).await?.0)
    }

    /// Waits until a run has returned something, has ended, or cannot go on by itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn answer_of(&self, actor: &Actor, run: RunId, timeout_ms: i64) -> Result<Answer> {
        let mut listener = self.inner.changes.subscribe();
        let until = self.inner.runtime.now().plus_ms(timeout_ms.min(TIMEOUT_MS_MAX));
        loop {
            if let Some(answer) = self.answer_now(actor, run).await? {
                return Ok(answer);
            }
            let now = self.inner.runtime.now();
            if now >= until {
                return Ok(Answer::Late);
            }
            let look = now.plus_ms(LOOK_MS).min(until);
            let sleep = self.inner.runtime.sleep_until(look);
            tokio::pin!(sleep);
            loop {
                let heard = tokio::select! {
                    () = &mut sleep => break,
                    heard = listener.next() => heard,
                };
                match heard {
                    Some(Heard::Change(change)) if change.run_id != Some(run) => {}
                    _ => break,
                }
            }
        }
    }

    async fn answer_now(&self, actor: &Actor, id: RunId) -> Result<Option<Answer>> {
        let space = actor.space_id.clone();
        let run: Option<model::run::Run> =
            self.inner.store.read(move |tx| Ok::<_, Error>(runs::by_id(tx, &space, id)?)).await?;
        let Some(run) = run else {
            return Ok(Some(Answer::Failed(format!("The run #{id} was deleted."))));
        };
        let state: State = serde_json::from_str(&run.engine_state).unwrap_or_default();
        if let Some(outputs) = state.outputs {
            return Ok(Some(Answer::Returned(outputs)));
        }
        Ok(match run.state {
            RunState::Complete => {
                Some(Answer::Failed(format!("The run #{id} ended without a Return node.")))
            }
            RunState::Error => Some(Answer::Failed(format!("The run #{id} stands in error."))),
            RunState::Cancelled => Some(Answer::Failed(format!("The run #{id} was cancelled."))),
            RunState::Running | RunState::Waiting => None,
        })
    }
}

fn changed(mut api: WebApi, input: WebApiInput) -> Result<WebApi> {
    api.slug = input.slug.unwrap_or(api.slug);
    let is_slug = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let length = api.slug.chars().count();
    if length == 0 || length > limits::SLUG_CHARS_MAX || !api.slug.chars().all(is_slug) {
        return Err(Error::Invalid("The slug consists of letters, digits, - and _.".into()));
    }
    let method = input.method.unwrap_or(api.method).to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        return Err(Error::Invalid(format!("The method is one of {}.", METHODS.join(", "))));
    }
    api.method = method;
    api.security_policies = input.security_policies.unwrap_or(api.security_policies);
    if !api.security_policies.is_array() {
        return Err(Error::Invalid("securityPolicies is a list of {endpoint, name}.".into()));
    }
    for name in policies(&api.security_policies) {
        if !POLICIES.contains(&name) {
            let message = format!("The policy \"{name}\" is none of {}.", POLICIES.join(", "));
            return Err(Error::Invalid(message));
        }
    }
    Ok(api)
}

/// The names of the policies that are asked when it is called.
fn policies(list: &Value) -> impl Iterator<Item = &str> {
    let list = list.as_array().into_iter().flatten();
    list.filter(|p| p["endpoint"] == "Execution").map(|p| p["name"].as_str().unwrap_or_default())
}

fn taken(error: store::Error, slug: &str) -> Error {
    match error {
        store::Error::Unique { .. } => {
            Error::Taken(format!("A WebAPI with the slug \"{slug}\" exists already."))
        }
        other => Error::Store(other),
    }
}
