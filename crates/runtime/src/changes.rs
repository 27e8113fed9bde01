//! Changes: a broadcast of what moved, for whoever shows it live. Not a queue: nothing may rely on
//! it for correctness, a listener that is too slow is told that it missed something, and nobody
//! ever waits for a listener.

use model::id::{JobId, RunId, SpaceId};
use std::sync::{Arc, OnceLock};
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
    /// Recoveries of many jobs.
    Recoveries,
    /// Workflow sources and trees.
    Trees,
    /// Runs, their tasks and triggers.
    Runs,
    /// Errors of runs.
    Errors,
    /// Request inspectors and what they recorded.
    Inspectors,
    /// Connections and their operations.
    Connections,
}

impl Topic {
    /// All topics, in order.
    pub const ALL: [Self; 16] = [
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
        Self::Recoveries,
        Self::Trees,
        Self::Runs,
        Self::Errors,
        Self::Inspectors,
        Self::Connections,
    ];

    /// The topic of a name on the wire; `None` for one that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

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
            Self::Recoveries => "recoveries",
            Self::Trees => "trees",
            Self::Runs => "runs",
            Self::Errors => "errors",
            Self::Inspectors => "inspectors",
            Self::Connections => "connections",
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

/// What other nodes on the same database may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Something moved.
    Change(Change),
    /// A person took a job out of the queue: whoever holds it drops it.
    Taken(JobId),
}

impl Hint {
    /// The hint on the wire: words between spaces.
    pub fn text(&self) -> String {
        match self {
            Self::Change(Change { space_id, topic, run_id: Some(run) }) => {
                format!("{} {space_id} {run}", topic.as_str())
            }
            Self::Change(Change { space_id, topic, run_id: None }) => {
                format!("{} {space_id}", topic.as_str())
            }
            Self::Taken(job) => format!("taken {job}"),
        }
    }

    /// Reads a hint; `None` for one that this version does not know.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (what, about) = (words.next()?, words.next()?);
        if what == "taken" {
            return Some(Self::Taken(JobId(about.to_owned())));
        }
        let run_id = words.next().and_then(|run| run.parse().ok()).map(RunId);
        let (topic, space_id) = (Topic::parse(what)?, SpaceId(about.to_owned()));
        Some(Self::Change(Change { space_id, topic, run_id }))
    }
}

/// Tells other nodes; it must not block.
type Teller = Box<dyn Fn(&Hint) + Send + Sync>;

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
    others: Arc<OnceLock<Teller>>,
}

/// One subscription.
pub struct Listener {
    receiver: broadcast::Receiver<Change>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG_MAX), others: Arc::default() }
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

    /// Tells other nodes that a person took a job out of the queue; never blocks.
    pub fn taken(&self, job: &JobId) {
        if let Some(tell) = self.others.get() {
            tell(&Hint::Taken(job.clone()));
        }
    }

    fn send(&self, change: Change) {
        if let Some(tell) = self.others.get() {
            tell(&Hint::Change(change.clone()));
        }
        self.relay(change);
    }

    /// Tells those who listen here of a change on another node.
    pub fn relay(&self, change: Change) {
        // An error only says that nobody listens.
        let _ = self.sender.send(change);
    }

    /// Has `tell` called with whatever other nodes may want to know; once for each process.
    pub fn tell_others(&self, tell: impl Fn(&Hint) + Send + Sync + 'static) {
        let _ = self.others.set(Box::new(tell));
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

    #[test]
    fn hints_are_read_as_they_are_written() {
        let space_id = SpaceId("s".to_owned());
        let jobs = Change { space_id: space_id.clone(), topic: Topic::Jobs, run_id: None };
        let run = Change { space_id, topic: Topic::Runs, run_id: Some(RunId(7)) };
        let taken = Hint::Taken(JobId("j".to_owned()));
        for hint in [Hint::Change(jobs), Hint::Change(run), taken] {
            assert_eq!(Hint::parse(&hint.text()), Some(hint));
        }
        for unknown in ["", "jobs", "later s"] {
            assert_eq!(Hint::parse(unknown), None);
        }
    }

    #[test]
    fn what_others_tell_is_not_told_again() {
        let changes = Changes::default();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        changes.tell_others(move |hint| heard.lock().unwrap().push(hint.text()));
        let space_id = SpaceId("s".to_owned());
        changes.publish(&space_id, Topic::Jobs);
        changes.relay(Change { space_id, topic: Topic::Runs, run_id: None });
        changes.taken(&JobId("j".to_owned()));
        assert_eq!(*told.lock().unwrap(), ["jobs s", "taken j"]);
    }
}
