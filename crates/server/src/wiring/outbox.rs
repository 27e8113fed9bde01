//! The platform's outbox is the webhooks engine; live views are told of the records beside.

use model::event::Event;
use model::id::SpaceId;
use platform::{BoxFuture, Outbox, Prepared};
use runtime::changes::{Changes, Topic};
use std::collections::BTreeSet;
use store::Tx;
use webhooks::Webhooks;

/// Hands events to the webhooks.
pub(super) struct Events {
    webhooks: Webhooks,
    changes: Changes,
}

impl Events {
    pub(super) fn new(webhooks: Webhooks, changes: Changes) -> Self {
        Self { webhooks, changes }
    }
}

impl Outbox for Events {
    fn prepare(
        &self,
        events: Vec<Event>,
    ) -> BoxFuture<'_, Result<Box<dyn Prepared>, platform::Error>> {
        let touched = events.iter().filter_map(|e| Some((e.space_id.clone(), topic(e)?))).collect();
        Box::pin(async move {
            let inner = self.webhooks.prepare(events).await.map_err(platform::Error::Store)?;
            let changes = self.changes.clone();
            Ok(Box::new(PreparedEvents { inner, changes, touched }) as Box<dyn Prepared>)
        })
    }
}

struct PreparedEvents {
    inner: webhooks::outbox::Prepared,
    changes: Changes,
    touched: BTreeSet<(SpaceId, Topic)>,
}

impl Prepared for PreparedEvents {
    fn apply(&self, tx: &mut Tx) -> Result<(), store::Error> {
        self.inner.apply(tx)
    }

    fn stale(&self) {
        self.inner.stale();
    }

    fn committed(&self) {
        self.inner.committed();
        for (space_id, topic) in &self.touched {
            self.changes.publish(space_id, *topic);
        }
    }
}

/// The lists that an event of a record leaves out of date.
fn topic(event: &Event) -> Option<Topic> {
    Some(match event.entity_type {
        "Submission" => Topic::Submissions,
        "Form" => Topic::Forms,
        "User" => Topic::Users,
        "Team" => Topic::Teams,
        "Space" => Topic::Spaces,
        _ => return None,
    })
}
