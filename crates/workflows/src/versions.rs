//! Versions of trees: listed, compared, brought back; and who uses what.

use crate::Workflows;
use crate::actor::Actor;
use crate::definition::{self, Connector, Definition, Format, Node};
use crate::error::{Error, Result};
use crate::handlers;
use crate::trees::{Detail, TreeInput, TreeKey, parts};
use model::time::Micros;
use model::tree::Tree;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::trees::{self, Filter, Version, VersionRow};

/// Versions that a list shows.
const VERSIONS_MAX: i64 = 1_000;
/// Trees that are looked through for what they use.
const TREES_MAX: i64 = 10_000;

/// Days that the counts of a tree go back.
const DAYS: i64 = 30;
/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Counts of a tree's runs and errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All runs.
    pub total: i64,
    /// Runs by state.
    pub states: BTreeMap<String, i64>,
    /// Errors that are open.
    pub active_errors: i64,
    /// Runs that were started on each of the last thirty days (UTC), today last.
    pub runs: Vec<(Micros, i64)>,
    /// Errors that happened on each of them.
    pub errors: Vec<(Micros, i64)>,
}

impl Workflows {
    /// Lists the versions of a tree, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tree_versions(&self, actor: &Actor, key: &TreeKey) -> Result<Vec<VersionRow>> {
        let id = self.tree(actor, key).await?.tree.id;
        self.inner.store.read(move |tx| Ok(trees::versions(tx, &id, VERSIONS_MAX)?)).await
    }

    /// A tree as it was in a version.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tree_version(&self, actor: &Actor, key: &TreeKey, number: i64) -> Result<Detail> {
        let tree = self.tree(actor, key).await?.tree;
        let id = tree.id.clone();
        let found: Option<Version> = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(trees::version_of(tx, &id, number)?))
            .await?;
        let version = found.ok_or_else(|| Error::not_found("version", number))?;
        Ok(Detail { tree: Tree { version: number, ..tree }, version })
    }

    /// What differs between two versions of a tree.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn compare_versions(
        &self,
        actor: &Actor,
        key: &TreeKey,
        from: i64,
        to: i64,
    ) -> Result<Value> {
        let before = self.tree_version(actor, key, from).await?.definition();
        let after = self.tree_version(actor, key, to).await?.definition();
        Ok(compare(&before, &after))
    }

    /// Makes an earlier version of a tree the one in force, as a new version; runs under way keep
    /// theirs.
    ///
    /// # Errors
    /// `NotFound`, `Stale`.
    pub async fn restore_version(
        &self,
        actor: &Actor,
        key: &TreeKey,
        number: i64,
    ) -> Result<Detail> {
        let earlier = self.tree_version(actor, key, number).await?.version;
        let definition = Some((Format::parse(&earlier.format), earlier.definition));
        self.update_tree(actor, key, TreeInput { definition, ..TreeInput::default() }).await
    }

    /// Takes the tree of a title that was deleted last into use again.
    ///
    /// # Errors
    /// `NotFound`, `Taken` when another has taken the title.
    pub async fn restore_tree(&self, actor: &Actor, title: &str) -> Result<Detail> {
        let [source, group, name] = parts(title).unwrap_or(["-", "-", title.trim()]);
        let names = [source.to_owned(), group.to_owned(), name.to_owned()];
        let (who, now) = (actor.clone(), self.inner.runtime.now());
        let shown = title.to_owned();
        let restored = self.inner.store.write(move |tx| {
            let [source, group, name] = &names;
            let tree = trees::deleted(tx, &who.space_id, source, group, name)?;
            let tree = tree.ok_or_else(|| Error::not_found("deleted tree", &shown))?;
            trees::undelete(tx, &tree.id, now, &who.username)?;
            store::linked_workflows::tree_changed(tx, &who.space_id, &tree.id)?;
            Ok::<_, Error>(tree)
        });
        let tree = restored.await.map_err(|error| match error {
            Error::Store(store::Error::Unique { .. }) => {
                Error::Taken(format!("A tree with the title \"{title}\" exists already."))
            }
            other => other,
        })?;
        self.recheck_callers(actor, &tree).await?;
        self.tree(actor, &TreeKey::Guid(tree.id.0)).await
    }

    /// Counts the runs of a tree by state, and its runs and errors on each of the last days.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tree_counts(&self, actor: &Actor, key: &TreeKey) -> Result<Counts> {
        let id = self.tree(actor, key).await?.tree.id;
        let today = self.inner.runtime.now().0 / DAY_US;
        let first = today + 1 - DAYS;
        let counted = self.inner.store.read(move |tx| {
            let states = trees::counts(tx, &id)?.into_iter().collect();
            Ok::<_, Error>((states, trees::days(tx, &id, Micros(first * DAY_US))?))
        });
        let (states, found): (BTreeMap<String, i64>, trees::Days) = counted.await?;
        let each = |counts: &[(i64, i64)]| -> Vec<(Micros, i64)> {
            let counts: BTreeMap<i64, i64> = counts.iter().copied().collect();
            let count = |day| counts.get(&day).copied().unwrap_or_default();
            (first..=today).map(|day| (Micros(day * DAY_US), count(day))).collect()
        };
        Ok(Counts {
            total: states.values().sum(),
            states,
            active_errors: found.active_errors,
            runs: each(&found.runs),
            errors: each(&found.errors),
        })
    }

    /// Trees that call a handler or routine, by title, with the nodes that do.
    ///
    /// # Errors
    /// The store's.
    pub async fn tree_usage(
        &self,
        actor: &Actor,
        definition: &str,
    ) -> Result<Vec<(Tree, Vec<String>)>> {
        let mut users = Vec::new();
        for (tree, found) in self.definitions(actor).await? {
            let nodes = found.nodes.iter().filter(|n| n.definition_id == definition);
            let nodes: Vec<String> = nodes.map(|n| n.id.clone()).collect();
            if !nodes.is_empty() {
                users.push((tree, nodes));
            }
        }
        Ok(users)
    }

    /// Handlers and routines that trees call and that do not exist, with those trees and how many
    /// of their nodes do.
    ///
    /// # Errors
    /// The store's.
    pub async fn missing(&self, actor: &Actor) -> Result<BTreeMap<String, Vec<(Tree, usize)>>> {
        let all = self.definitions(actor).await?;
        let externals = self.external_handlers(actor).await?;
        let routines = all.iter().filter_map(|(tree, _)| tree.definition_id.as_deref());
        let externals = externals.iter().map(|handler| handler.definition_id.as_str());
        let known: BTreeSet<&str> = routines.chain(externals).collect();
        let mut missing: BTreeMap<String, Vec<(Tree, usize)>> = BTreeMap::new();
        for (tree, definition) in &all {
            let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
            for node in &definition.nodes {
                let id = node.definition_id.as_str();
                let exists = known.contains(id) || handlers::find(id).is_some();
                if !exists {
                    *nodes.entry(id).or_default() += 1;
                }
            }
            for (id, count) in nodes {
                missing.entry(id.to_owned()).or_default().push((tree.clone(), count));
            }
        }
        Ok(missing)
    }

    /// All trees in use with their definitions, read.
    async fn definitions(&self, actor: &Actor) -> Result<Vec<(Tree, Definition)>> {
        let space = actor.space_id.clone();
        let all: Vec<(Tree, Option<Version>)> = self
            .inner
            .store
            .read(move |tx| {
                let found = trees::list(tx, &space, &Filter::default(), TREES_MAX)?;
                let with = found.into_iter().map(|tree| {
                    let version = trees::version(tx, tree.version_id)?;
                    Ok((tree, version))
                });
                with.collect::<Result<Vec<_>>>()
            })
            .await?;
        let read = |version: Option<Version>| {
            let version = version?;
            definition::read(Format::parse(&version.format), &version.definition).ok()
        };
        Ok(all.into_iter().filter_map(|(t, v)| Some((t, read(v)?.definition))).collect())
    }
}

/// What differs between two definitions, by node and connector.
fn compare(before: &Definition, after: &Definition) -> Value {
    let by_id = |d: &Definition| -> BTreeMap<String, Node> {
        d.nodes.iter().map(|n| (n.id.clone(), n.clone())).collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let named = |node: &Node| json!({ "id": node.id, "name": node.name });
    let added: Vec<Value> = new.values().filter(|n| !old.contains_key(&n.id)).map(named).collect();
    let removed: Vec<Value> =
        old.values().filter(|n| !new.contains_key(&n.id)).map(named).collect();
    let changed: Vec<Value> = new
        .values()
        .filter_map(|now| {
            let changes = changes(old.get(&now.id)?, now);
            (!changes.is_empty())
                .then(|| json!({ "id": now.id, "name": now.name, "changes": changes }))
        })
        .collect();
    let edge = |c: &Connector| {
        json!({ "from": c.from, "to": c.to, "type": c.kind.as_str(), "value": c.value,
                "label": c.label })
    };
    let without = |some: &Definition, others: &Definition| -> Vec<Value> {
        some.connectors.iter().filter(|c| !others.connectors.contains(c)).map(edge).collect()
    };
    json!({
        "nodes": { "added": added, "removed": removed, "changed": changed },
        "connectors": { "added": without(after, before), "removed": without(before, after) },
        "isSame": before == after,
    })
}

/// The parts in which a node differs, as `{what, from, to}`; its place in the picture is none.
fn changes(before: &Node, after: &Node) -> Vec<Value> {
    let change = |what: &str, from: Value, to: Value| {
        (from != to).then(|| json!({ "what": what, "from": from, "to": to }))
    };
    let mut changes: Vec<Value> = [
        change("name", json!(before.name), json!(after.name)),
        change("definitionId", json!(before.definition_id), json!(after.definition_id)),
        change("defers", json!(before.defers), json!(after.defers)),
        change("deferrable", json!(before.deferrable), json!(after.deferrable)),
        change("retry", json!(before.retry), json!(after.retry)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let values = |node: &Node| -> BTreeMap<String, String> {
        node.parameters.iter().map(|p| (p.id.clone(), p.value.clone())).collect()
    };
    let (old, new) = (values(before), values(after));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for id in ids {
        changes.extend(change(&format!("parameter {id}"), json!(old.get(id)), json!(new.get(id))));
    }
    changes
}
