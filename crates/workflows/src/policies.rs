//! Policy rules: Ruby conditions that say who may do something.
//!
//! Rules of the type API Access guard the sources they are added to: a caller who is no
//! administrator starts trees of such a source only when one of its rules holds. A source without
//! such rules lets everybody in who has signed in. The other types are kept for their clients.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::text;
use expr::ruby::{Condition, Context};
use model::Audit;
use model::category::PolicyRule;
use model::id::PolicyRuleId;
use serde_json::json;
use store::policy_rules;

/// The types of rules there are.
pub const KINDS: [&str; 4] = ["API Access", "Category Access", "Console Access", "System Default"];
/// The type that guards sources.
const API_ACCESS: &str = "API Access";
/// Rules that a list shows, and that a space should have.
const RULES_MAX: i64 = 1_000;

/// What a client says about a rule; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct PolicyRuleInput {
    /// The name.
    pub name: Option<String>,
    /// The condition.
    pub rule: Option<String>,
    /// What those hear whom it refuses.
    pub message: Option<String>,
}

impl Workflows {
    /// All rules, by type and name.
    ///
    /// # Errors
    /// The store's.
    pub async fn policy_rules(&self, actor: &Actor) -> Result<Vec<PolicyRule>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(policy_rules::list(tx, &space, RULES_MAX)?)).await
    }

    /// A rule by its type and name.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn policy_rule(&self, actor: &Actor, kind: &str, name: &str) -> Result<PolicyRule> {
        let (space, kind) = (actor.space_id.clone(), known(kind)?);
        let wanted = name.to_owned();
        let found: Option<PolicyRule> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(policy_rules::by_name(tx, &space, kind, &wanted)?))
            .await?;
        found.ok_or_else(|| Error::not_found("policy rule", name))
    }

    /// Creates a rule.
    ///
    /// # Errors
    /// `Invalid` for a condition that cannot be read, `Taken`.
    pub async fn create_policy_rule(
        &self,
        actor: &Actor,
        kind: &str,
        input: PolicyRuleInput,
    ) -> Result<PolicyRule> {
        let rule = PolicyRule {
            id: PolicyRuleId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            kind: known(kind)?.into(),
            name: text::name("name", input.name.as_deref().unwrap_or_default())?,
            rule: readable(input.rule.unwrap_or_default())?,
            message: input.message.unwrap_or_default(),
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        let made = rule.clone();
        let inserted = self.inner.store.write(move |tx| policy_rules::insert(tx, &made)).await;
        inserted.map_err(|e| taken(e, &rule.name))?;
        Ok(rule)
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn update_policy_rule(
        &self,
        actor: &Actor,
        kind: &str,
        name: &str,
        input: PolicyRuleInput,
    ) -> Result<PolicyRule> {
        let mut rule = self.policy_rule(actor, kind, name).await?;
        if let Some(name) = &input.name {
            rule.name = text::name("name", name)?;
        }
        if let Some(condition) = input.rule {
            rule.rule = readable(condition)?;
        }
        rule.message = input.message.unwrap_or(rule.message);
        rule.audit.touch(self.inner.runtime.now(), &actor.username);
        let made = rule.clone();
        let updated = self.inner.store.write(move |tx| policy_rules::update(tx, &made)).await;
        updated.map_err(|e| taken(e, &rule.name))?;
        Ok(rule)
    }

    /// Deletes a rule. Sources that no other guards let everybody in again.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_policy_rule(
        &self,
        actor: &Actor,
        kind: &str,
        name: &str,
    ) -> Result<PolicyRule> {
        let rule = self.policy_rule(actor, kind, name).await?;
        let id = rule.id.clone();
        self.inner.store.write(move |tx| policy_rules::delete(tx, &id)).await?;
        Ok(rule)
    }

    /// The rules that guard a source.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn source_rules(&self, actor: &Actor, source: &str) -> Result<Vec<PolicyRule>> {
        let id = self.source(actor, source).await?.id;
        self.inner.store.read(move |tx| Ok(policy_rules::of_source(tx, &id)?)).await
    }

    /// Lets a rule guard a source, or ends that.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn guard_source(
        &self,
        actor: &Actor,
        source: &str,
        [kind, name]: [&str; 2],
        guards: bool,
    ) -> Result<()> {
        let source = self.source(actor, source).await?;
        let rule = self.policy_rule(actor, kind, name).await?;
        let shown = source.name.clone();
        let changed = self.inner.store.write(move |tx| {
            if guards {
                policy_rules::guard(tx, &source.id, &rule.id)?;
                return Ok::<_, store::Error>(true);
            }
            policy_rules::release(tx, &source.id, &rule.id)
        });
        if changed.await? {
            return Ok(());
        }
        let message = format!("The policy rule \"{name}\" does not guard the source \"{shown}\".");
        Err(Error::NotFound(message))
    }

    /// Why a caller may not start trees of a source; `None`: they may.
    ///
    /// # Errors
    /// The store's.
    pub async fn refusal_of_source(
        &self,
        actor: &Actor,
        is_admin: bool,
        source: &str,
    ) -> Result<Option<String>> {
        if is_admin {
            return Ok(None);
        }
        // A tree of a source that does not exist does not exist either: starting it says so.
        let rules = match self.source_rules(actor, source).await {
            Err(Error::NotFound(_)) => return Ok(None),
            rules => rules?,
        };
        let rules: Vec<_> = rules.into_iter().filter(|rule| rule.kind == API_ACCESS).collect();
        let Some(last) = rules.last() else { return Ok(None) };
        let user = json!({ "Username": actor.username, "Space Admin": is_admin });
        let variables = json!({ "user": user, "identity": user, "source": { "Name": source } });
        let context = Context::new(&variables, self.inner.runtime.now());
        let holds = |rule: &PolicyRule| {
            let condition = Condition::compile(&rule.rule).ok();
            condition.and_then(|c| c.evaluate(&context).ok()).is_some_and(|verdict| verdict.fires)
        };
        if rules.iter().any(holds) {
            return Ok(None);
        }
        let message = last.message.trim();
        Ok(Some(if message.is_empty() {
            format!("A policy rule of the source \"{source}\" does not let you start its trees.")
        } else {
            message.to_owned()
        }))
    }
}

fn known(kind: &str) -> Result<&'static str> {
    let found = KINDS.into_iter().find(|k| k.eq_ignore_ascii_case(kind.trim()));
    found.ok_or_else(|| {
        Error::Invalid(format!(
            "\"{kind}\" is no type of a policy rule; there are {}.",
            KINDS.join(", ")
        ))
    })
}

fn readable(rule: String) -> Result<String> {
    match Condition::compile(&rule) {
        Ok(_) => Ok(rule),
        Err(problems) => Err(Error::Invalid(format!("The rule cannot be read: {problems}"))),
    }
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Unique { .. } => {
            Error::Taken(format!("A policy rule with the name \"{name}\" exists already."))
        }
        other => Error::Store(other),
    }
}
