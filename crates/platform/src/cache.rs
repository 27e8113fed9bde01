//! Forms with their kapp and space, kept between requests.
//!
//! A context may be out of date: another node may have changed the form. Every write that relied
//! on one checks the three versions inside its transaction ([`FormContext::hold`]) and is decided
//! again from fresh rows when one has moved, so the cache saves reads and never decides anything.

use crate::context::FormContext;
use crate::payload;
use crate::sign_in::FRESH_MS;
use model::id::{FormId, KappId, SpaceId};
use model::limits::FORMS_KEPT_MAX;
use model::payload::Part;
use model::space::Space;
use model::time::Micros;
use serde_json::Map;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What a request names a form by: the space, the kapp's slug or none, the form's slug.
type Path = (SpaceId, Option<String>, String);

/// The contexts kept; when full, all are dropped.
#[derive(Default)]
pub(crate) struct Contexts {
    kept: RwLock<Kept>,
}

/// A space as events show it.
#[derive(Clone)]
pub(crate) struct KeptSpace {
    /// The space.
    pub space: Arc<Space>,
    /// The part of payloads that shows it.
    pub part: Arc<Part>,
    /// When it was read.
    at: Micros,
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<FormId, Arc<FormContext>>,
    by_path: HashMap<Path, FormId>,
    spaces: HashMap<String, SpaceId>,
    shown: HashMap<SpaceId, KeptSpace>,
}

impl Contexts {
    /// The context of a form, by id.
    pub(crate) fn by_id(&self, form: &FormId) -> Option<Arc<FormContext>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).by_id.get(form).cloned()
    }

    /// The context of a form, by what requests name it by.
    pub(crate) fn by_path(
        &self,
        space: &SpaceId,
        kapp: Option<&str>,
        form: &str,
    ) -> Option<Arc<FormContext>> {
        let path = (space.clone(), kapp.map(str::to_owned), form.to_owned());
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.by_path.get(&path).and_then(|id| kept.by_id.get(id)).cloned()
    }

    /// The id of a space, by slug. A space keeps both for ever.
    pub(crate) fn space(&self, slug: &str) -> Option<SpaceId> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.spaces.get(slug).cloned()
    }

    /// Keeps the id of a space.
    pub(crate) fn keep_space(&self, slug: &str, space: &SpaceId) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.spaces.insert(slug.to_owned(), space.clone());
    }

    /// A space as it was read a short while ago: for what events show of it, which is no more exact
    /// than the moment at which they are decided.
    pub(crate) fn shown(&self, space: &SpaceId, now: Micros) -> Option<KeptSpace> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let shown = kept.shown.get(space)?;
        (now.ms_since(shown.at) < FRESH_MS).then(|| shown.clone())
    }

    /// Keeps a space that was just read.
    pub(crate) fn keep_shown(&self, space: Arc<Space>, at: Micros) -> KeptSpace {
        let body: Map<_, _> = [("space".to_owned(), payload::space(&space))].into_iter().collect();
        let shown = KeptSpace { space, part: Arc::new(Part::new(body)), at };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.shown.insert(shown.space.id.clone(), shown.clone());
        shown
    }

    /// Keeps a context. An archived form is kept by id only: its slug is free.
    pub(crate) fn keep(&self, context: &Arc<FormContext>) {
        let form = &context.form;
        let kapp = context.kapp.as_ref().map(|kapp| kapp.slug.clone());
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.by_id.len() >= FORMS_KEPT_MAX {
            kept.by_id.clear();
            kept.by_path.clear();
        }
        kept.by_id.insert(form.id.clone(), context.clone());
        if form.restoration_token.is_none() {
            let path = (form.space_id.clone(), kapp, form.slug.clone());
            kept.by_path.insert(path, form.id.clone());
        }
    }

    /// Drops the context of a form.
    pub(crate) fn drop_form(&self, form: &FormId) {
        self.drop_where(|context| context.form.id == *form);
    }

    /// Drops the contexts of a kapp's forms.
    pub(crate) fn drop_kapp(&self, kapp: &KappId) {
        self.drop_where(|context| context.form.kapp_id.as_ref() == Some(kapp));
    }

    /// Drops the contexts of a space's forms.
    pub(crate) fn drop_space(&self, space: &SpaceId) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).shown.remove(space);
        self.drop_where(|context| context.space.id == *space);
    }

    fn drop_where(&self, gone: impl Fn(&FormContext) -> bool) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let Kept { by_id, by_path, .. } = &mut *kept;
        by_id.retain(|_, context| !gone(context));
        by_path.retain(|_, id| by_id.contains_key(id));
    }
}
