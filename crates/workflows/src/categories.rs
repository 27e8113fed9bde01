//! Categories: what handlers and routines are sorted into, by definition id. A member need not
//! exist when it is sorted in; it is there as soon as it arrives.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::text;
use model::Audit;
use model::category::{Category, MemberKind};
use model::id::CategoryId;
use store::Tx;
use store::categories::{self, Member};

/// Categories that a list shows, and that a space should have.
const CATEGORIES_MAX: i64 = 1_000;
/// Members of all categories of a space that are read.
const MEMBERS_MAX: i64 = 100_000;

/// What a client says about a category; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct CategoryInput {
    /// The name.
    pub name: Option<String>,
    /// What belongs into it.
    pub description: Option<String>,
    /// Definition ids of its handlers; replaces all.
    pub handlers: Option<Vec<String>>,
    /// Definition ids of its routines; replaces all.
    pub routines: Option<Vec<String>>,
    /// Names of the Category Access rules that guard it; replaces all.
    pub policy_rules: Option<Vec<String>>,
}

/// A category with its members.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// The category.
    pub category: Category,
    /// What is sorted into it.
    pub members: Vec<Member>,
}

impl Sorted {
    /// Its members of a kind, in order.
    pub fn of(&self, kind: MemberKind) -> Vec<&str> {
        self.members.iter().filter(|m| m.kind == kind).map(|m| m.member.as_str()).collect()
    }
}

impl Workflows {
    /// All categories with their members, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn categories(&self, actor: &Actor) -> Result<Vec<Sorted>> {
        let space = actor.space_id.clone();
        let found = self.inner.store.read(move |tx| {
            let all = categories::list(tx, &space, CATEGORIES_MAX)?;
            Ok::<_, Error>((all, categories::members(tx, &space, MEMBERS_MAX)?))
        });
        let (all, members) = found.await?;
        let sorted = all.into_iter().map(|category| Sorted {
            members: members.iter().filter(|m| m.category == category.name).cloned().collect(),
            category,
        });
        Ok(sorted.collect())
    }

    /// A category with its members.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn category(&self, actor: &Actor, name: &str) -> Result<Sorted> {
        let found = self.categories(actor).await?.into_iter().find(|s| s.category.name == name);
        found.ok_or_else(|| Error::not_found("category", name))
    }

    /// Creates a category.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_category(&self, actor: &Actor, input: CategoryInput) -> Result<Sorted> {
        let name = text::name("name", input.name.as_deref().unwrap_or_default())?;
        let category = Category {
            id: CategoryId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            name: name.clone(),
            description: input.description.clone().unwrap_or_default(),
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        let written = self.inner.store.write(move |tx| {
            categories::insert(tx, &category)?;
            replace(tx, &category.id, &input)
        });
        written.await.map_err(|e| taken(e, &name))?;
        self.category(actor, &name).await
    }

    /// Changes a category.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn update_category(
        &self,
        actor: &Actor,
        name: &str,
        input: CategoryInput,
    ) -> Result<Sorted> {
        let mut category = self.category(actor, name).await?.category;
        if let Some(name) = &input.name {
            category.name = text::name("name", name)?;
        }
        category.description = input.description.clone().unwrap_or(category.description);
        category.audit.touch(self.inner.runtime.now(), &actor.username);
        let name = category.name.clone();
        let written = self.inner.store.write(move |tx| {
            categories::update(tx, &category)?;
            replace(tx, &category.id, &input)
        });
        written.await.map_err(|e| taken(e, &name))?;
        self.category(actor, &name).await
    }

    /// Deletes a category; what was in it stays.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_category(&self, actor: &Actor, name: &str) -> Result<Sorted> {
        let sorted = self.category(actor, name).await?;
        let id = sorted.category.id.clone();
        self.inner.store.write(move |tx| categories::delete(tx, &id)).await?;
        Ok(sorted)
    }

    /// Sorts something into a category.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a blank member.
    pub async fn sort_in(
        &self,
        actor: &Actor,
        name: &str,
        kind: MemberKind,
        member: &str,
    ) -> Result<()> {
        let id = self.category(actor, name).await?.category.id;
        let member = text::name("member", member)?;
        Ok(self.inner.store.write(move |tx| categories::add(tx, &id, kind, &member)).await?)
    }

    /// Takes something out of a category.
    ///
    /// # Errors
    /// `NotFound` when it was not in it.
    pub async fn sort_out(
        &self,
        actor: &Actor,
        name: &str,
        kind: MemberKind,
        member: &str,
    ) -> Result<()> {
        let id = self.category(actor, name).await?.category.id;
        let wanted = member.to_owned();
        let removed = self.inner.store.write(move |tx| categories::remove(tx, &id, kind, &wanted));
        if removed.await? {
            return Ok(());
        }
        Err(Error::NotFound(format!("\"{member}\" is not in the category \"{name}\".")))
    }
}

fn replace(
    tx: &mut Tx,
    id: &CategoryId,
    input: &CategoryInput,
) -> std::result::Result<(), store::Error> {
    let kinds = [
        (MemberKind::Handler, &input.handlers),
        (MemberKind::Routine, &input.routines),
        (MemberKind::PolicyRule, &input.policy_rules),
    ];
    for (kind, members) in kinds {
        let Some(members) = members else { continue };
        categories::clear(tx, id, kind)?;
        for member in members.iter().map(|m| m.trim()).filter(|m| !m.is_empty()) {
            categories::add(tx, id, kind, member)?;
        }
    }
    Ok(())
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Unique { .. } => {
            Error::Taken(format!("A category with the name \"{name}\" exists already."))
        }
        other => Error::Store(other),
    }
}
