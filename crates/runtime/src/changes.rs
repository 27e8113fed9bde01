//! Changes: a broadcast of what moved, for whoever shows it live. Not a queue: nothing may rely on
//! it for correctness, a listener that is too slow is told that it missed something, and nobody
//! ever waits for a listener.

use model::id::{RunId, SpaceId};
use tokio::sync::broadcast;

/// Changes kept for a listener that is behind; some 100 bytes each.
const BACKLOG_MAX: usize = 4_096;

/// What kind of record moved; the names are the plural resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// The space itself.
    Spaces,
    /// Kapps.
    Kapps,
    /// Forms, datastore forms included.
    Forms,
    /// Submissions, datastore submissions included.
    Submissions,
    /// Users.
    Users,
    /// Teams and memberships.
    Teams,
    /// Events.
    Events,
    /// Webhooks.
    Webhooks,
    /// Webhook jobs and their attempts.
    Jobs,
    /// Lanes that stopped or went on, and pauses.
    Lanes,
    /// Workflow sources and trees.
    Trees,
    /// Runs, their tasks and triggers.
    Runs,
    /// Errors of runs.
    Errors,
    /// Request inspectors and what they recorded.
    Inspectors,
}

impl Topic {
    /// All topics, in order.
    pub const ALL: [Self; 14] = [
        Self::Spaces,
        Self::Kapps,
        Self::Forms,
        Self::Submissions,
        Self::Users,
        Self::Teams,
        Self::Events,
        Self::Webhooks,
        Self::Jobs,
        Self::Lanes,
        Self::Trees,
        Self::Runs,
        Self::Errors,
        Self::Inspectors,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spaces => "spaces",
            Self::Kapps => "kapps",
            Self::Forms => "forms",
            Self::Submissions => "submissions",
            Self::Users => "users",
            Self::Teams => "teams",
            Self::Events => "events",
            Self::Webhooks => "webhooks",
            Self::Jobs => "jobs",
            Self::Lanes => "lanes",
            Self::Trees => "trees",
            Self::Runs => "runs",
            Self::Errors => "errors",
            Self::Inspectors => "inspectors",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The space it happened in.
    pub space_id: SpaceId,
    /// What moved.
    pub topic: Topic,
    /// Which run, when a run moved.
    pub run_id: Option<RunId>,
}

/// What a listener receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A change.
    Change(Change),
    /// The listener was too slow; anything may have changed.
    Missed,
}

/// The broadcaster; cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Changes {
    sender: broadcast::Sender<Change>,
}

/// One subscription.
pub struct Listener {
    receiver: broadcast::Receiver<Change>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG_MAX) }
    }
}

impl Changes {
    /// Tells whoever listens; never blocks.
    pub fn publish(&self, space_id: &SpaceId, topic: Topic) {
        self.send(Change { space_id: space_id.clone(), topic, run_id: None });
    }

    /// Tells whoever listens that a run moved; never blocks.
    pub fn publish_run(&self, space_id: &SpaceId, run_id: RunId) {
        let space_id = space_id.clone();
        self.send(Change { space_id, topic: Topic::Runs, run_id: Some(run_id) });
    }

    fn send(&self, change: Change) {
        // An error only says that nobody listens.
        let _ = self.sender.send(change);
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> Listener {
        Listener { receiver: self.sender.subscribe() }
    }
}

impl Listener {
    /// The next change; `None` once every broadcaster is gone.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.receiver.recv().await {
            Ok(change) => Some(Heard::Change(change)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_and_goes_on() {
        let changes = Changes::default();
        let space = SpaceId("s".to_owned());
        let mut listener = changes.subscribe();
        for _ in 0..=BACKLOG_MAX {
            changes.publish(&space, Topic::Jobs);
        }
        changes.publish_run(&space, RunId(7));
        assert_eq!(listener.next().await, Some(Heard::Missed));
        let mut last = None;
        for _ in 0..BACKLOG_MAX {
            last = listener.next().await;
        }
        let run = Change { space_id: space, topic: Topic::Runs, run_id: Some(RunId(7)) };
        assert_eq!(last, Some(Heard::Change(run)));
    }
}
