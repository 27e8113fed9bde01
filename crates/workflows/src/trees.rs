//! Trees: stored as they were sent, compiled at save, every version kept.

use crate::actor::Actor;
use crate::definition::{self, Definition, Document, Format, Header};
use crate::engine::Behalf;
use crate::error::{Error, Result};
use crate::handlers::HttpRequest;
use crate::{Workflows, connections, text};
use model::Audit;
use model::id::{TreeId, TreeVersionId};
use model::tree::Tree;
use serde_json::Value;
use store::linked_workflows;
use store::trees::{self, Filter, Version};

/// Title of a tree: parts in between belong to the group.
const SEPARATOR: &str = " :: ";

/// How a client names a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeKey {
    /// `Source :: Group :: Name`, or a routine's name or definition id.
    Title(String),
    /// Its id.
    Guid(String),
}

/// What a client says about a tree; absent properties stay as they are.
#[derive(Clone, Debug, Default)]
pub struct TreeInput {
    /// The source's name.
    pub source: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// `Tree`, `Global Routine` or `Local Routine`.
    pub kind: Option<String>,
    /// `Active`, `Inactive` or `Paused`.
    pub status: Option<String>,
    /// The id by which nodes call a routine.
    pub definition_id: Option<String>,
    /// The owner's address.
    pub owner_email: Option<String>,
    /// Notes.
    pub notes: Option<String>,
    /// The definition as it was sent.
    pub definition: Option<(Format, String)>,
    /// The version the caller read; a change of another one is refused.
    pub version: Option<i64>,
}

/// A tree with its definition.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The tree.
    pub tree: Tree,
    /// Its definition as it was sent.
    pub version: Version,
}

impl Detail {
    /// The definition, read.
    pub fn definition(&self) -> Definition {
        self.document().definition
    }

    fn document(&self) -> Document {
        // What was stored was readable.
        definition::read(Format::parse(&self.version.format), &self.version.definition)
            .unwrap_or_default()
    }

    /// The definition as treeJson: as it was sent, or converted.
    pub fn tree_json(&self) -> Value {
        if self.version.format == Format::Json.as_str()
            && let Ok(value) = serde_json::from_str(&self.version.definition)
        {
            return value;
        }
        definition::to_json(&self.definition())
    }

    /// The definition as treeXml: as it was sent, or converted.
    pub fn tree_xml(&self) -> String {
        if self.version.format == Format::Xml.as_str() {
            return self.version.definition.clone();
        }
        definition::to_xml(&self.definition())
    }

    /// The whole tree as an export.
    pub fn export(&self) -> String {
        let tree = &self.tree;
        let Document { header, mut definition } = self.document();
        let header = Header {
            source: Some(tree.source.clone()),
            group: Some(tree.group.clone()),
            definition_id: tree.definition_id.clone(),
            kind: Some(tree.kind.clone()),
            status: Some(tree.status.clone()),
            extra: header.extra,
        };
        definition.name.clone_from(&tree.name);
        definition::to_export(&Document { header, definition })
    }
}

impl Workflows {
    /// Lists trees by title, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn trees(&self, actor: &Actor, filter: Filter, limit: i64) -> Result<Vec<Tree>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(trees::list(tx, &space, &filter, limit)?)).await
    }

    /// A tree with its definition.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tree(&self, actor: &Actor, key: &TreeKey) -> Result<Detail> {
        let (space, wanted) = (actor.space_id.clone(), key.clone());
        let found = self
            .inner
            .store
            .read(move |tx| {
                let tree = match &wanted {
                    TreeKey::Guid(guid) => trees::by_id(tx, &space, &TreeId(guid.clone()))?,
                    TreeKey::Title(title) => match parts(title) {
                        Some([source, group, name]) => {
                            trees::by_title(tx, &space, source, group, name)?
                        }
                        None => trees::routine(tx, &space, title)?,
                    },
                };
                let Some(tree) = tree else { return Ok(None) };
                let version = trees::version(tx, tree.version_id)?;
                Ok::<_, Error>(version.map(|version| Detail { tree, version }))
            })
            .await?;
        found.ok_or_else(|| {
            let (TreeKey::Title(key) | TreeKey::Guid(key)) = key;
            Error::NotFound(format!("The \"{key}\" tree does not exist."))
        })
    }

    /// Creates a tree. With `force`, one of the same title is replaced.
    ///
    /// # Errors
    /// `Invalid`, `Taken`.
    pub async fn create_tree(
        &self,
        actor: &Actor,
        input: TreeInput,
        force: bool,
    ) -> Result<Detail> {
        let input = with_header(input)?;
        if force {
            let (source, group) = (input.source.as_deref(), input.group.as_deref());
            let name = input.name.as_deref().unwrap_or_default();
            let names = [source.unwrap_or("-"), group.unwrap_or("-"), name].map(str::trim);
            let key = TreeKey::Title(names.join(SEPARATOR));
            if self.tree(actor, &key).await.is_ok() {
                return self.update_tree(actor, &key, input).await;
            }
        }
        self.create_tree_as(actor, input, None).await
    }

    /// Creates a tree, under an id of the caller's if it has one.
    pub(crate) async fn create_tree_as(
        &self,
        actor: &Actor,
        input: TreeInput,
        id: Option<TreeId>,
    ) -> Result<Detail> {
        let input = with_header(input)?;
        let kind = kind(input.kind.as_deref().unwrap_or("Tree"))?;
        let is_tree = kind == "Tree";
        let source = match input.source.as_deref() {
            Some(source) => text::name("source name", source)?,
            None if is_tree => return Err(Error::Invalid("The source name must be given.".into())),
            None => "-".into(),
        };
        let group = match input.group.as_deref() {
            Some(group) => text::name("source group", group)?,
            None if is_tree => {
                return Err(Error::Invalid("The source group must be given.".into()));
            }
            None => "-".into(),
        };
        let name = text::name("name", input.name.as_deref().unwrap_or_default())?;
        let input_name = name.clone();
        let (format, text) =
            input.definition.clone().unwrap_or_else(|| (Format::Json, empty(&name)));
        let problems = self.check(actor, format, &text, &source).await?;
        let tree = Tree {
            id: id.unwrap_or_else(|| TreeId::new(self.inner.runtime.uuid())),
            space_id: actor.space_id.clone(),
            source,
            group,
            name,
            kind,
            status: status(input.status.as_deref().unwrap_or("Active"))?,
            definition_id: input
                .definition_id
                .filter(|id| !id.trim().is_empty())
                .or_else(|| (!is_tree).then(|| routine_id(&input_name))),
            owner_email: input.owner_email,
            notes: input.notes,
            version_id: TreeVersionId(0),
            version: 0,
            problems,
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        };
        let (engine, who, made) = (self.clone(), actor.clone(), tree.clone());
        let calls = connections::calls(format, &text);
        let written = self.inner.store.write(move |tx| {
            if made.source != "-" {
                engine.require_source(tx, &who, &made.source)?;
            }
            trees::insert(tx, &made)?;
            let mut made = made.clone();
            made.problems.extend(connections::problems(tx, &who.space_id, &calls)?);
            made.version_id = trees::insert_version(tx, &made, format.as_str(), &text)?;
            trees::update(tx, &made, 0)?;
            Ok::<_, Error>(made)
        });
        let tree = written.await.map_err(|e| taken(e, &tree.title()))?;
        self.recheck_callers(actor, &tree).await?;
        self.tell_trees(actor);
        let title = tree.title();
        self.tree(actor, &TreeKey::Guid(tree.id.0)).await.map_err(|e| match e {
            Error::NotFound(_) => Error::Stale(format!("The tree \"{title}\" was just deleted.")),
            other => other,
        })
    }

    /// Changes a tree; a new definition becomes a new version.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`, `Stale`.
    pub async fn update_tree(
        &self,
        actor: &Actor,
        key: &TreeKey,
        input: TreeInput,
    ) -> Result<Detail> {
        let before = self.tree(actor, key).await?.tree;
        let title = before.title();
        let stale = || Error::Stale(format!("The tree \"{title}\" was changed meanwhile."));
        if input.version.is_some_and(|version| version != before.version) {
            return Err(stale());
        }
        let mut tree = before.clone();
        if let Some(source) = &input.source {
            tree.source = text::name("source name", source)?;
        }
        if let Some(group) = &input.group {
            tree.group = text::name("source group", group)?;
        }
        if let Some(name) = &input.name {
            tree.name = text::name("name", name)?;
        }
        if let Some(given) = &input.kind {
            tree.kind = kind(given)?;
        }
        if let Some(given) = &input.status {
            tree.status = status(given)?;
        }
        tree.definition_id = input.definition_id.or(tree.definition_id);
        tree.owner_email = input.owner_email.or(tree.owner_email);
        tree.notes = input.notes.or(tree.notes);
        tree.version += 1;
        if let Some((format, text)) = &input.definition {
            tree.problems = self.check(actor, *format, text, &tree.source).await?;
        }
        tree.audit.touch(self.inner.runtime.now(), &actor.username);
        let (engine, who) = (self.clone(), actor.clone());
        let (definition, from) = (input.definition, before.version);
        let calls = definition.as_ref().map(|(format, text)| connections::calls(*format, text));
        let written = self.inner.store.write(move |tx| {
            let mut made = tree.clone();
            if made.source != "-" {
                engine.require_source(tx, &who, &made.source)?;
            }
            if let Some((format, text)) = &definition {
                let calls = calls.as_deref().unwrap_or_default();
                made.problems.extend(connections::problems(tx, &who.space_id, calls)?);
                made.version_id = trees::insert_version(tx, &made, format.as_str(), text)?;
            }
            let moved = trees::update(tx, &made, from)?;
            linked_workflows::tree_changed(tx, &made.space_id, &made.id)?;
            if moved { Ok(made) } else { Err(Error::Store(store::Error::Stale)) }
        });
        let made = written.await.map_err(|e| match e {
            Error::Store(store::Error::Stale) => stale(),
            other => taken(other, &title),
        })?;
        self.inner.plans.forget(made.version_id);
        if before.definition_id != made.definition_id || before.kind != made.kind {
            self.recheck_callers(actor, &before).await?;
        }
        self.recheck_callers(actor, &made).await?;
        self.tell_trees(actor);
        self.tree(actor, &TreeKey::Guid(made.id.0)).await
    }

    /// Deletes a tree: it starts no more runs; those under way keep their version.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_tree(&self, actor: &Actor, key: &TreeKey) -> Result<Detail> {
        let detail = self.tree(actor, key).await?;
        let (id, by) = (detail.tree.id.clone(), actor.username.clone());
        let now = self.inner.runtime.now();
        let space = actor.space_id.clone();
        let deleted = self.inner.store.write(move |tx| {
            linked_workflows::tree_changed(tx, &space, &id)?;
            trees::delete(tx, &id, now, &by)
        });
        deleted.await?;
        self.recheck_callers(actor, &detail.tree).await?;
        self.tell_trees(actor);
        Ok(detail)
    }

    /// Copies a tree under another title.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Taken`.
    pub async fn clone_tree(
        &self,
        actor: &Actor,
        key: &TreeKey,
        mut input: TreeInput,
    ) -> Result<Detail> {
        let detail = self.tree(actor, key).await?;
        let (tree, format) = (detail.tree, Format::parse(&detail.version.format));
        input.source = input.source.or(Some(tree.source));
        input.group = input.group.or(Some(tree.group));
        input.name = input.name.or(Some(tree.name));
        input.kind = input.kind.or(Some(tree.kind));
        input.notes = input.notes.or(tree.notes);
        input.owner_email = input.owner_email.or(tree.owner_email);
        input.definition = Some((format, detail.version.definition));
        self.create_tree(actor, input, false).await
    }

    /// The definition at an address, fetched as whatever calls out.
    ///
    /// # Errors
    /// `Invalid` when it cannot be fetched.
    pub async fn fetch_definition(&self, actor: &Actor, url: &str) -> Result<(Format, String)> {
        let behalf = Behalf { space_id: actor.space_id.clone(), cause: actor.cause.clone() };
        let request = HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: vec![("Accept".into(), "application/xml, application/json".into())],
            ..HttpRequest::default()
        };
        let failed = |why: &str| Error::Invalid(format!("{url} cannot be fetched: {why}"));
        let answer = self.inner.http.send(&behalf, &request).await.map_err(|e| failed(&e.0))?;
        if !(200..300).contains(&answer.status) {
            return Err(failed(&format!("it answered {}.", answer.status)));
        }
        Ok((Format::of(&answer.body), answer.body))
    }

    pub(crate) fn tell_trees(&self, actor: &Actor) {
        self.inner.changes.publish(&actor.space_id, runtime::changes::Topic::Trees);
    }
}

/// Fills in what the definition says about its tree.
pub(crate) fn with_header(mut input: TreeInput) -> Result<TreeInput> {
    let Some((format, text)) = &input.definition else { return Ok(input) };
    let document = definition::read(*format, text)
        .map_err(|e| Error::Invalid(format!("The tree cannot be read: {e}")))?;
    let filled = |text: &String| !text.trim().is_empty();
    let Document { header, definition } = document;
    input.source = input.source.or(header.source);
    input.group = input.group.or(header.group);
    input.kind = input.kind.or(header.kind);
    input.status = input.status.or(header.status);
    input.definition_id = input.definition_id.or(header.definition_id);
    input.name = input.name.or(Some(definition.name).filter(filled));
    input.notes = input.notes.or(Some(definition.notes).filter(filled));
    input.owner_email = input.owner_email.or(Some(definition.owner_email).filter(filled));
    Ok(input)
}

/// The definition of a tree that was created without one.
fn empty(name: &str) -> String {
    let start = definition::Node {
        id: "start".into(),
        name: "Start".into(),
        definition_id: "system_start_v1".into(),
        version: "1".into(),
        configured: true,
        x: 10.0,
        y: 10.0,
        ..definition::Node::default()
    };
    let definition = Definition {
        name: name.into(),
        schema_version: "1.0".into(),
        last_id: Some(0),
        nodes: vec![start],
        ..Definition::default()
    };
    definition::to_json(&definition).to_string()
}

/// The id by which nodes call a routine that was given none: `routine_` and its name.
pub(crate) fn routine_id(name: &str) -> String {
    let words = name.to_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    format!("routine_{}_v1", words.collect::<Vec<_>>().join("_"))
}

/// Source, group and name of a title.
pub(crate) fn parts(title: &str) -> Option<[&str; 3]> {
    let (source, rest) = title.split_once(SEPARATOR)?;
    let (group, name) = rest.rsplit_once(SEPARATOR)?;
    Some([source.trim(), group.trim(), name.trim()])
}

fn kind(text: &str) -> Result<String> {
    ["Tree", "Global Routine", "Local Routine"]
        .into_iter()
        .find(|k| k.eq_ignore_ascii_case(text.trim()))
        .map(str::to_owned)
        .ok_or_else(|| {
            Error::Invalid("The type of a tree is Tree, Global Routine or Local Routine.".into())
        })
}

fn status(text: &str) -> Result<String> {
    ["Active", "Inactive", "Paused"]
        .into_iter()
        .find(|s| s.eq_ignore_ascii_case(text.trim()))
        .map(str::to_owned)
        .ok_or_else(|| Error::Invalid("The status of a tree is Active, Inactive or Paused.".into()))
}

fn taken(error: Error, title: &str) -> Error {
    match error {
        Error::Store(store::Error::Unique { .. }) => {
            Error::Taken(format!("A tree with the title \"{title}\" exists already."))
        }
        other => other,
    }
}
