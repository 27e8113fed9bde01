//! Compiled plans by tree version, kept in memory: a version never changes.

use super::start::TreeRef;
use crate::definition::{self, Format};
use crate::plan::Plan;
use model::id::{SpaceId, TreeVersionId};
use model::tree::Tree;
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Error, Store, trees};

/// Plans kept at most; a tree of forty nodes takes some 100 KiB.
const PLANS_MAX: usize = 1_000;

/// A plan and the names of its tree.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) source: String,
    pub(crate) group: String,
    pub(crate) name: String,
    /// How often walking ahead took too long, or could not be used.
    pub(super) ahead_in_vain: AtomicU32,
}

/// The cache.
#[derive(Default)]
pub(crate) struct Plans {
    kept: Mutex<HashMap<TreeVersionId, Arc<Planned>>>,
    /// Trees as they were found last. Any of them may have moved since: whoever uses one has the
    /// statement that writes check it.
    heads: Mutex<HashMap<SpaceId, HashMap<TreeRef, Arc<Tree>>>>,
}

impl Plans {
    /// The plan of a version; `None` when the version does not exist.
    pub(crate) async fn get(
        &self,
        store: &Store,
        id: TreeVersionId,
    ) -> Result<Option<Arc<Planned>>, Error> {
        if let Some(planned) = self.lock().get(&id) {
            return Ok(Some(Arc::clone(planned)));
        }
        let found = store
            .read(move |tx| {
                let Some(version) = trees::version(tx, id)? else { return Ok::<_, Error>(None) };
                let tree = trees::any_by_id(tx, &version.tree_id)?;
                Ok(tree.map(|tree| (version, tree)))
            })
            .await?;
        let Some((version, tree)) = found else { return Ok(None) };
        let text = &version.definition;
        // What was stored was readable; an empty plan says "no start node" should that change.
        let definition =
            definition::read(Format::parse(&version.format), text).unwrap_or_default().definition;
        let (plan, _) = Plan::compile(&definition);
        let planned = Arc::new(Planned {
            plan,
            source: tree.source,
            group: tree.group,
            name: tree.name,
            ahead_in_vain: AtomicU32::new(0),
        });
        let mut kept = self.lock();
        if kept.len() >= PLANS_MAX {
            kept.clear();
        }
        kept.insert(id, Arc::clone(&planned));
        Ok(Some(planned))
    }

    /// The plan of a version, when it is in memory.
    pub(crate) fn peek(&self, id: TreeVersionId) -> Option<Arc<Planned>> {
        self.lock().get(&id).cloned()
    }

    /// The tree as it was found last.
    pub(super) fn head(&self, space: &SpaceId, tree: &TreeRef) -> Option<Arc<Tree>> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(space)?.get(tree).cloned()
    }

    /// Remembers a tree as it was found.
    pub(crate) fn found(&self, space: &SpaceId, by: &TreeRef, tree: &Tree) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let of_space = match heads.get_mut(space) {
            Some(of_space) => of_space,
            None => heads.entry(space.clone()).or_default(),
        };
        if of_space.get(by).is_some_and(|kept| kept.version == tree.version) {
            return;
        }
        if of_space.len() >= PLANS_MAX {
            of_space.clear();
        }
        of_space.insert(by.clone(), Arc::new(tree.clone()));
    }

    /// Forgets a version whose tree was renamed.
    pub(crate) fn forget(&self, id: TreeVersionId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TreeVersionId, Arc<Planned>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
