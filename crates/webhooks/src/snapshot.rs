//! The webhooks of a space, compiled, as of one generation.
//!
//! A snapshot is read once and kept until a write here, or a transaction that finds the generation
//! moved, drops it. Deciding from an old snapshot is harmless: the transaction that would record
//! the decision checks the generation and asks for another one.

use crate::attempt::Outgoing;
use crate::send::Sender;
use crate::sign::Signer;
use expr::js::{Filter, Template};
use model::Audit;
use model::delivery::{Policy, Settings};
use model::id::{SpaceId, WebhookId};
use model::time::Micros;
use model::webhook::Webhook;
use runtime::Runtime;
use runtime::vault::Vault;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;
use store::linked_workflows::Found;

/// The documented name of a job that no webhook, but a workflow made.
const IMPLICIT: &str = "Implicit Webhook Job";
/// Spaces whose webhooks are kept in memory.
const SPACES_MAX: usize = 1_000;
/// An evaluation that takes longer is a slow one.
const SLOW: Duration = Duration::from_millis(5);
/// After so many slow evaluations in a row the next is done elsewhere.
const SLOW_IN_A_ROW: u32 = 3;
/// How long deliveries go on with a snapshot before the generation is looked up again: a key that
/// was revoked on another node signs no longer than this.
const FRESH: Duration = Duration::from_secs(2);

pub(crate) struct Snapshot {
    pub(crate) generation: i64,
    pub(crate) webhooks: Vec<Compiled>,
    /// The keys of the space.
    pub(crate) signer: Signer,
    /// Milliseconds of the runtime at which the generation was last seen to hold.
    seen_ms: AtomicU64,
    /// How the space delivers.
    pub(crate) settings: Settings,
}

/// A webhook with its expressions compiled.
pub(crate) struct Compiled {
    pub(crate) webhook: Webhook,
    /// The mistake's words when it does not compile: a text that an older version let pass.
    pub(crate) filter: Result<Filter, String>,
    pub(crate) url: Result<Template, String>,
    /// How its requests are made.
    pub(crate) outgoing: Outgoing,
    /// What jobs are ordered by, and what makes an older one obsolete.
    pub(crate) order_by: Option<Template>,
    pub(crate) coalesce_by: Option<Template>,
    /// The space's policy with the webhook's overrides.
    pub(crate) policy: Policy,
    /// Whether an expression mentions `identity`, which is not part of the payload.
    pub(crate) wants_identity: bool,
    /// How many evaluations in a row were slow.
    slow: AtomicU32,
    /// The workflow that it belongs to, when nobody defined it as a webhook.
    pub(crate) linked: Option<Linked>,
}

/// A workflow that an event starts by itself.
pub(crate) struct Linked {
    /// Its name.
    pub(crate) name: String,
    /// The form it belongs to.
    pub(crate) form_slug: Option<String>,
}

impl Compiled {
    pub(crate) fn new(vault: &Vault, sender: &Sender, webhook: Webhook, policy: &Policy) -> Self {
        let filter = Filter::compile(&webhook.filter).map_err(|e| e.to_string());
        let url = Template::compile(&webhook.url).map_err(|e| e.to_string());
        let outgoing = Outgoing::new(vault, sender, &webhook);
        let wants_identity = webhook.filter.contains("identity")
            || webhook.url.contains("identity")
            || outgoing.template_mentions("identity");
        let policy = policy.with(&webhook.delivery);
        let template = |text: &Option<String>| Template::compile(text.as_deref()?).ok();
        let order_by = template(&webhook.delivery.order_by);
        let coalesce_by = template(&webhook.delivery.coalesce_by);
        let slow = AtomicU32::new(0);
        let linked = None;
        Self {
            webhook,
            filter,
            url,
            outgoing,
            order_by,
            coalesce_by,
            policy,
            wants_identity,
            slow,
            linked,
        }
    }

    /// The implicit webhook of a workflow.
    fn implicit(vault: &Vault, sender: &Sender, found: Found, policy: &Policy) -> Self {
        let bound = found.workflow;
        let webhook = Webhook {
            id: WebhookId(bound.id.0.clone()),
            space_id: bound.space_id,
            kapp_id: bound.kapp_id,
            name: IMPLICIT.into(),
            type_name: bound.type_name,
            event: bound.event,
            filter: bound.filter,
            url: format!("/app/api/v2/runs?guid={}", bound.id),
            ..Webhook::blank(Audit::created(Micros(0), ""))
        };
        let linked = Some(Linked { name: found.name, form_slug: found.form_slug });
        Self { linked, ..Self::new(vault, sender, webhook, policy) }
    }
}

impl Compiled {
    /// Notes how long an evaluation took. One alone says nothing: on a busy machine any may be
    /// interrupted for a while.
    pub(crate) fn took(&self, time: Duration) {
        if time > SLOW {
            self.slow.fetch_add(1, Ordering::Relaxed);
        } else if self.slow.load(Ordering::Relaxed) > 0 {
            self.slow.store(0, Ordering::Relaxed);
        }
    }

    /// Whether its expressions should run where blocking does no harm.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) >= SLOW_IN_A_ROW
    }
}

impl Snapshot {
    /// Finds a webhook by its id.
    pub(crate) fn by_id(&self, id: &WebhookId) -> Option<&Compiled> {
        self.webhooks.iter().find(|c| c.webhook.id == *id)
    }

    /// The policy of a job's webhook; the space's when there is none.
    pub(crate) fn policy(&self, webhook: Option<&WebhookId>) -> &Policy {
        let own = webhook.and_then(|id| self.by_id(id));
        own.map_or(&self.settings.policy, |compiled| &compiled.policy)
    }

    /// Why jobs of a webhook must not be delivered at present, in words.
    pub(crate) fn hold(&self, webhook: Option<&WebhookId>) -> Option<String> {
        let own = webhook.and_then(|id| self.by_id(id)).map(|compiled| &compiled.webhook);
        if let Some(off) = own.filter(|webhook| !webhook.enabled) {
            return Some(match &off.disabled_reason {
                Some(reason) => format!("held: the webhook is disabled. {reason}"),
                None => "held: the webhook is disabled".to_owned(),
            });
        }
        if own.is_some_and(|webhook| webhook.paused) {
            return Some("held: the webhook is paused".to_owned());
        }
        let by = self.settings.paused_by.as_deref().unwrap_or("somebody");
        self.settings.paused.then(|| format!("held: all deliveries were paused by {by}"))
    }
}

pub(crate) struct Snapshots {
    vault: Vault,
    sender: Sender,
    kept: Mutex<HashMap<SpaceId, Arc<Snapshot>>>,
}

impl Snapshots {
    pub(crate) fn new(vault: Vault, sender: Sender) -> Self {
        Self { vault, sender, kept: Mutex::default() }
    }

    /// A snapshot whose generation held within the last [`FRESH`]: for deliveries, which no
    /// transaction checks. One attempt asks the table, the others go on meanwhile.
    pub(crate) async fn fresh(
        &self,
        store: &Store,
        space: &SpaceId,
        runtime: &Runtime,
    ) -> Result<Arc<Snapshot>, store::Error> {
        let known = self.of(store, space).await?;
        let now = u64::try_from(runtime.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seen = known.seen_ms.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(seen) > u64::try_from(FRESH.as_millis()).unwrap_or(0);
        let mine =
            || known.seen_ms.compare_exchange(seen, now, Ordering::Relaxed, Ordering::Relaxed);
        if !is_due || mine().is_err() {
            return Ok(known);
        }
        let id = space.clone();
        let asking = store.read(move |tx| store::webhooks::generation(tx, &id));
        let generation = Box::pin(asking).await?;
        if generation == known.generation {
            return Ok(known);
        }
        self.forget(space, known.generation);
        let newer = Box::pin(self.of(store, space)).await?;
        newer.seen_ms.store(now, Ordering::Relaxed);
        Ok(newer)
    }

    /// The kept snapshot of a space, or a new one.
    pub(crate) async fn of(
        &self,
        store: &Store,
        space: &SpaceId,
    ) -> Result<Arc<Snapshot>, store::Error> {
        if let Some(known) = self.lock().get(space) {
            return Ok(known.clone());
        }
        let id = space.clone();
        // The generation is read first: should a webhook change in between, the snapshot is taken
        // for older than it is and refused in time, never the other way round.
        let (generation, settings, webhooks, linked, keys) = store
            .read(move |tx| {
                let generation = store::webhooks::generation(tx, &id)?;
                let settings = store::delivery::of_space(tx, &id)?;
                let keys = store::signing_keys::of_space(tx, &id)?;
                let webhooks = store::webhooks::of_space(tx, &id)?;
                let linked = store::linked_workflows::of_space(tx, &id)?;
                Ok::<_, store::Error>((generation, settings, webhooks, linked, keys))
            })
            .await?;
        let compile = |webhook| Compiled::new(&self.vault, &self.sender, webhook, &settings.policy);
        let active = |found: &Found| !found.is_orphan && found.status == "Active";
        let implicit =
            |found| Compiled::implicit(&self.vault, &self.sender, found, &settings.policy);
        let implicit = linked.into_iter().filter(active).map(implicit);
        let webhooks = webhooks.into_iter().map(compile).chain(implicit).collect();
        let signer = Signer::new(&self.vault, keys);
        let seen_ms = AtomicU64::new(0);
        let snapshot = Arc::new(Snapshot { generation, webhooks, settings, signer, seen_ms });
        let mut kept = self.lock();
        if kept.len() >= SPACES_MAX {
            kept.clear();
        }
        let newer = kept.get(space).is_some_and(|known| known.generation > generation);
        if !newer {
            kept.insert(space.clone(), snapshot.clone());
        }
        Ok(snapshot)
    }

    /// Drops what is kept of a space, up to and including a generation.
    pub(crate) fn forget(&self, space: &SpaceId, generation: i64) {
        let mut kept = self.lock();
        if kept.get(space).is_some_and(|known| known.generation <= generation) {
            kept.remove(space);
        }
    }

    /// Drops what is kept of a space.
    pub(crate) fn forget_all(&self, space: &SpaceId) {
        self.lock().remove(space);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpaceId, Arc<Snapshot>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
