//! Linked workflows: trees that belong to an event of a space, a kapp or a form. Whoever fires
//! events reads what is bound here; the tree is a tree like any other, in a group of its own.

use crate::Workflows;
use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::trees::{Detail, TreeInput, TreeKey};
use model::catalogue::{self, Level};
use model::id::{FormId, KappId, TreeId};
use store::linked_workflows::{self as rows, Found, LinkedWorkflow};

/// The source that linked workflows belong to.
pub const SOURCE: &str = "Kinetic Request CE";

/// Whose events start a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The kapp; `None`: the whole space.
    pub kapp_id: Option<KappId>,
    /// The form; `None`: the whole kapp.
    pub form_id: Option<FormId>,
}

/// What a client says about a workflow; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct LinkedInput {
    /// Type and event, such as `Submission Submitted`.
    pub event: Option<String>,
    /// JavaScript; blank fires always.
    pub filter: Option<String>,
    /// The tree.
    pub tree: TreeInput,
}

/// A workflow with its tree.
#[derive(Clone, Debug)]
pub struct Linked {
    /// What starts it.
    pub found: Found,
    /// The tree.
    pub detail: Detail,
}

impl Linked {
    /// Type and event in one text.
    pub fn event(&self) -> String {
        format!("{} {}", self.found.workflow.type_name, self.found.workflow.event)
    }
}

impl Workflows {
    /// All workflows of the space, those whose kapp or form is gone included.
    ///
    /// # Errors
    /// The store's.
    pub async fn linked_workflows(&self, actor: &Actor) -> Result<Vec<Linked>> {
        let mut linked = Vec::new();
        for found in self.bindings(actor).await? {
            let key = TreeKey::Guid(found.workflow.id.0.clone());
            let detail = self.tree(actor, &key).await?;
            linked.push(Linked { found, detail });
        }
        Ok(linked)
    }

    /// What starts the workflows of the space, without their trees.
    ///
    /// # Errors
    /// The store's.
    pub async fn bindings(&self, actor: &Actor) -> Result<Vec<Found>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(rows::of_space(tx, &space)?)).await
    }

    /// A workflow.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn linked_workflow(&self, actor: &Actor, id: &str) -> Result<Linked> {
        let (space, wanted) = (actor.space_id.clone(), TreeId(id.to_owned()));
        let found: Option<Found> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(rows::by_id(tx, &space, &wanted)?))
            .await?;
        let found = found.ok_or_else(|| Error::not_found("workflow", id))?;
        let detail = self.tree(actor, &TreeKey::Guid(id.to_owned())).await?;
        Ok(Linked { found, detail })
    }

    /// Creates a workflow and its tree.
    ///
    /// # Errors
    /// `Invalid` for an event that the place does not know.
    pub async fn create_linked_workflow(
        &self,
        actor: &Actor,
        place: Place,
        input: LinkedInput,
    ) -> Result<Linked> {
        let (type_name, event) = read_event(&place, input.event.as_deref().unwrap_or_default())?;
        // The group is the tree's own id, as clients expect; it is known once there is one.
        let id = TreeId::new(self.inner.runtime.uuid());
        let tree = TreeInput {
            source: Some(SOURCE.into()),
            group: Some(id.0.clone()),
            kind: Some("Tree".into()),
            ..input.tree
        };
        let binding = LinkedWorkflow {
            id: id.clone(),
            space_id: actor.space_id.clone(),
            kapp_id: place.kapp_id,
            form_id: place.form_id,
            type_name,
            event,
            filter: input.filter.unwrap_or_default(),
        };
        self.create_tree_as(actor, tree, Some(id.clone())).await?;
        self.inner.store.write(move |tx| rows::insert(tx, &binding)).await?;
        self.linked_workflow(actor, &id.0).await
    }

    /// Changes a workflow, and its tree where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Stale`.
    pub async fn update_linked_workflow(
        &self,
        actor: &Actor,
        id: &str,
        place: Option<Place>,
        input: LinkedInput,
    ) -> Result<Linked> {
        let mut binding = self.linked_workflow(actor, id).await?.found.workflow;
        if let Some(place) = place {
            (binding.kapp_id, binding.form_id) = (place.kapp_id, place.form_id);
        }
        if let Some(event) = &input.event {
            let at = Place { kapp_id: binding.kapp_id.clone(), form_id: binding.form_id.clone() };
            (binding.type_name, binding.event) = read_event(&at, event)?;
        }
        binding.filter = input.filter.unwrap_or(binding.filter);
        // Title and source are the workflow's own.
        let tree = TreeInput { source: None, group: None, kind: None, ..input.tree };
        self.update_tree(actor, &TreeKey::Guid(id.to_owned()), tree).await?;
        self.inner.store.write(move |tx| rows::update(tx, &binding)).await?;
        self.linked_workflow(actor, id).await
    }

    /// Deletes a workflow and its tree.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_linked_workflow(&self, actor: &Actor, id: &str) -> Result<Linked> {
        let linked = self.linked_workflow(actor, id).await?;
        self.delete_tree(actor, &TreeKey::Guid(id.to_owned())).await?;
        let (space, id) = (actor.space_id.clone(), linked.found.workflow.id.clone());
        self.inner.store.write(move |tx| rows::delete(tx, &space, &id)).await?;
        Ok(linked)
    }
}

impl Workflows {
    /// Ids of the workflows of a place whose trees were deleted.
    ///
    /// # Errors
    /// The store's.
    pub async fn missing_workflows(&self, actor: &Actor, place: &Place) -> Result<Vec<TreeId>> {
        let space = actor.space_id.clone();
        let kapp = place.kapp_id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
        let form = place.form_id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
        self.inner.store.read(move |tx| Ok(rows::missing(tx, &space, &kapp, &form)?)).await
    }

    /// Clears up a place: bindings whose tree was deleted, and for the whole space the trees whose
    /// kapp or form is gone. Returns how many of each there were.
    ///
    /// # Errors
    /// The store's.
    pub async fn repair_workflows(&self, actor: &Actor, place: &Place) -> Result<(usize, usize)> {
        let missing = self.missing_workflows(actor, place).await?;
        let (space, gone) = (actor.space_id.clone(), missing.clone());
        let cleared = self.inner.store.write(move |tx| {
            gone.iter().try_for_each(|id| rows::delete(tx, &space, id).map(|_| ()))
        });
        cleared.await?;
        let mut orphaned = 0;
        if *place == Place::default() {
            for found in self.bindings(actor).await?.iter().filter(|found| found.is_orphan) {
                self.delete_linked_workflow(actor, &found.workflow.id.0).await?;
                orphaned += 1;
            }
        }
        Ok((missing.len(), orphaned))
    }
}

/// Type and event of the catalogue that a text such as `Submission Submitted` means at a place.
fn read_event(place: &Place, text: &str) -> Result<(String, String)> {
    let text = text.trim();
    let space = || catalogue::normalise(Level::Space, text, text);
    let kapp = || catalogue::normalise(Level::Kapp, text, text);
    // A space hears what happens in its kapps as well.
    let found = if place.kapp_id.is_some() { kapp() } else { space().or_else(kapp) };
    let (type_name, event) =
        found.ok_or_else(|| Error::Invalid(format!("\"{text}\" is no event of this place.")))?;
    Ok((type_name.into(), event.into()))
}
