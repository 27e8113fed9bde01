//! The presence of a node among those that share a PostgreSQL database.
//!
//! A thread of its own keeps one connection of its own, so that neither a full queue nor a slow
//! statement delays a sign of life:
//!
//! * a row in `nodes`, whose `seen_at` (the database's time) it renews: the **sign of life**;
//! * a session-level advisory lock: the database itself frees it when the process dies, within
//!   moments of a `kill -9`;
//! * `LISTEN`, for hints of other nodes ([`Keeper::tell`]). A hint may be lost; nothing relies on
//!   one.
//!
//! A node is **gone** when its lock has been free for a tenth of the timeout and it did not come
//! back, or when it gave no sign for the whole timeout. Whoever finds that ends its leases in one
//! transaction with the mark, so its work is taken up at once. The node itself stops starting
//! anything when the line breaks, or when its last sign that got through is 7/10 of the timeout
//! old, so before any other may take over. It learns of the mark from its next sign, and goes on
//! under a new name with empty hands. Until then it may have leased something under the old one,
//! or the database may come late to what a dead node has sent: for as long as a lease may last,
//! every look ends leases of names that are gone.

mod line;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::db::Options;
use crate::db::error::Error;
use crate::db::wall::now;
use line::{Line, Neighbour};

/// Hints that wait to be sent; when there are more, the rest is left to polling.
const HINTS_MAX: usize = 2_000;
/// Time in which hints are gathered before they are sent together.
const GATHER: Duration = Duration::from_millis(25);
/// Waits between attempts to reach the database, the first and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// Microseconds after which a node that is gone commits no lease any more that is not over: those
/// of a lease.
const LATE: i64 = model::limits::LEASE_MS * 1_000;
/// Time between warnings of a line that breaks again and again.
const WARN: Duration = Duration::from_secs(30);
/// How long leaving in good order may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Who {
    /// Its name in leases, a UUID that is new at each start.
    pub id: String,
    /// What stays the same when it is started again, such as host and port.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// How long it counts as present after a sign of life.
    pub timeout: Duration,
}

/// What the keeper tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A sign of life got through.
    Present {
        /// Before it was given.
        since: Instant,
        /// How long from then on others are certain to count the node in.
        certain: Duration,
        /// The database's time, in microseconds since 1970.
        now: i64,
        /// Nodes that share the database, this one included.
        live: usize,
        /// The generation of every space's webhooks.
        generations: Vec<(String, i64)>,
    },
    /// The line is broken, so others may count the node out before long.
    Doubt,
    /// Others have taken the node's work over: it goes on under this name, with empty hands.
    Renamed(String),
    /// The leases of a node that is gone have ended: its work can be taken up.
    TookOver,
    /// A hint of another node.
    Heard(String),
}

/// Takes signals; called on the keeper's thread, so it must not block.
pub type Sink = Box<dyn Fn(Signal) + Send>;

/// Keeps a node present until it leaves; cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
    left: Notify,
}

#[derive(Default)]
struct State {
    hints: BTreeSet<String>,
    is_leaving: bool,
    has_left: bool,
}

impl Keeper {
    /// Makes the node present and returns once it is: what an earlier life of the same name left,
    /// if that is dead, is free by then. `None` on SQLite, which serves one process.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub async fn start(options: &Options, who: Who, sink: Sink) -> Result<Option<Self>, Error> {
        let Options::Postgres { url } = options else { return Ok(None) };
        let shared = Arc::new(Shared::default());
        let keeper = Self { shared: Arc::clone(&shared) };
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let presence = Presence { url: url.clone(), who, sink, shared, suspects: HashMap::new() };
        std::thread::Builder::new()
            .name("store-presence".to_owned())
            .spawn(move || presence.run(ready))
            .map_err(|error| Error::Unavailable { message: error.to_string() })?;
        is_ready.await.map_err(|_| Error::db("the presence ended at its start"))??;
        Ok(Some(keeper))
    }

    /// Sends a hint to the other nodes, soon and together with others. Equal ones are sent once.
    pub fn tell(&self, hint: String) {
        let mut state = self.lock();
        if state.hints.len() < HINTS_MAX {
            state.hints.insert(hint);
            drop(state);
            self.shared.wake.notify_one();
        }
    }

    /// Leaves in good order: what is still leased to the node is free for the others.
    pub async fn leave(&self) {
        self.lock().is_leaving = true;
        self.shared.wake.notify_one();
        let left = self.shared.left.notified();
        tokio::pin!(left);
        left.as_mut().enable();
        if !self.lock().has_left {
            // A database that is gone must not keep the process from ending.
            let _ = tokio::time::timeout(LEAVE, left).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread owns.
struct Presence {
    url: String,
    who: Who,
    sink: Sink,
    shared: Arc<Shared>,
    /// Nodes whose lock is free, and since when this node has seen it so.
    suspects: HashMap<String, Instant>,
}

/// Why a line ended.
enum End {
    /// The node leaves.
    Left,
    /// Others have taken over.
    Gone,
    /// The line broke.
    Lost(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

type Ready = tokio::sync::oneshot::Sender<Result<(), Error>>;

impl Presence {
    fn run(mut self, ready: Ready) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let message = error.to_string();
                drop(ready.send(Err(Error::Unavailable { message })));
                return;
            }
        };
        runtime.block_on(self.lives(ready));
        self.shared.lock().has_left = true;
        self.shared.left.notify_waiters();
    }

    /// One line after the other, until the node leaves.
    async fn lives(&mut self, ready: Ready) {
        let mut ready = Some(ready);
        let mut wait = AGAIN.0;
        let mut warned: Option<Instant> = None;
        loop {
            let began = now();
            let ended = match self.open().await {
                Ok(mut line) => self.keep(&mut line, &mut ready).await,
                Err(error) => End::Lost(error),
            };
            (self.sink)(Signal::Doubt);
            match ended {
                End::Left => return,
                End::Gone => {
                    tracing::warn!("other nodes have taken this node's work over; it starts anew");
                    self.who.id = uuid::Uuid::from_u128(mix(&self.who.id)).to_string();
                    (self.sink)(Signal::Renamed(self.who.id.clone()));
                    continue;
                }
                End::Lost(error) => {
                    if let Some(ready) = ready.take() {
                        drop(ready.send(Err(error)));
                        return;
                    }
                    // A database that is away for hours must not fill the log.
                    if warned.is_none_or(|at| at.elapsed() > WARN) {
                        warned = Some(now());
                        tracing::warn!(%error, "the line that keeps this node present broke");
                    }
                }
            }
            if began.elapsed() > AGAIN.1 * 4 {
                wait = AGAIN.0;
            }
            if self.rest(wait).await {
                return;
            }
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    async fn open(&mut self) -> Result<Line, Error> {
        self.suspects.clear();
        let opening = Line::open(&self.url, &self.who);
        tokio::time::timeout(self.patience(), opening).await.map_err(|_| no_answer())?
    }

    /// Waits, unless the node is told to leave; true when it is.
    async fn rest(&self, wait: Duration) -> bool {
        let left = async {
            while !self.shared.lock().is_leaving {
                self.shared.wake.notified().await;
            }
        };
        tokio::time::timeout(wait, left).await.is_ok()
    }

    /// How long the database may take over one request.
    fn patience(&self) -> Duration {
        self.who.timeout / 2
    }

    async fn keep(&mut self, line: &mut Line, ready: &mut Option<Ready>) -> End {
        match self.keep_on(line, ready).await {
            Ok(()) => End::Left,
            Err(end) => end,
        }
    }

    async fn keep_on(&mut self, line: &mut Line, ready: &mut Option<Ready>) -> Result<(), End> {
        let opened = now();
        let every = self.who.timeout / 10;
        loop {
            let beat = now();
            let looked = async {
                let told = line.sign(&self.who).await?;
                let neighbours = line.neighbours(&self.who).await?;
                Ok::<_, Error>((told, neighbours, line.generations().await?))
            };
            let looked = tokio::time::timeout(self.patience(), looked).await;
            let (told, neighbours, generations) = looked.map_err(|_| End::Lost(no_answer()))??;
            let Some(told) = told else { return Err(End::Gone) };
            let live = 1 + neighbours.iter().filter(|n| self.is_heard(n, told)).count();
            self.judge(line, &neighbours, told, opened).await?;
            let certain = self.who.timeout * 7 / 10;
            (self.sink)(Signal::Present { since: beat, certain, now: told, live, generations });
            if let Some(ready) = ready.take() {
                drop(ready.send(Ok(())));
            }
            self.pass(line, beat + every).await?;
            if self.shared.lock().is_leaving {
                let leaving = line.leave(&self.who.id);
                if let Ok(Err(error)) = tokio::time::timeout(LEAVE, leaving).await {
                    tracing::warn!(%error, "the node could not sign off; others will notice");
                }
                return Ok(());
            }
        }
    }

    /// Passes the time until the next sign with hints.
    async fn pass(&mut self, line: &mut Line, until: Instant) -> Result<(), End> {
        loop {
            let left = until.saturating_duration_since(now());
            if left.is_zero() || self.shared.lock().is_leaving {
                return Ok(());
            }
            let woken = tokio::select! {
                heard = line.heard() => {
                    let heard = heard?;
                    (self.sink)(Signal::Heard(heard));
                    false
                }
                () = self.shared.wake.notified() => true,
                () = elapse(left) => return Ok(()),
            };
            if woken {
                elapse(GATHER.min(left)).await;
                let hints = std::mem::take(&mut self.shared.lock().hints);
                if !hints.is_empty() {
                    let telling = line.tell(&hints);
                    let told = tokio::time::timeout(self.patience(), telling).await;
                    told.map_err(|_| End::Lost(no_answer()))??;
                }
            }
        }
    }

    fn is_heard(&self, neighbour: &Neighbour, told: i64) -> bool {
        let silent = u64::try_from(told.saturating_sub(neighbour.seen_at)).unwrap_or(0);
        (neighbour.is_locked || !neighbour.has_lock)
            && Duration::from_micros(silent) < self.who.timeout
    }

    /// Ends the leases of those who are gone.
    async fn judge(
        &mut self,
        line: &mut Line,
        neighbours: &[Neighbour],
        told: i64,
        opened: Instant,
    ) -> Result<(), Error> {
        self.suspects.retain(|id, _| neighbours.iter().any(|n| n.id == *id && !n.is_locked));
        for neighbour in neighbours {
            let is_free = neighbour.has_lock && !neighbour.is_locked;
            // An earlier life of this very node has no chance to come back.
            let is_self = neighbour.name == self.who.name;
            let grace = self.who.timeout / 10;
            let since =
                is_free.then(|| *self.suspects.entry(neighbour.id.clone()).or_insert_with(now));
            // After a restart of the database everybody comes back, some later than others.
            let is_dead = since.is_some_and(|at| {
                is_self || (at.elapsed() >= grace && opened.elapsed() > grace * 3)
            });
            let silent = u64::try_from(told.saturating_sub(neighbour.seen_at)).unwrap_or(0);
            let is_silent = Duration::from_micros(silent) > self.who.timeout;
            if (is_dead || is_silent) && line.bury(neighbour, is_dead).await? {
                tracing::warn!(node = %neighbour.name, "a node is gone; its work is taken over");
                self.suspects.remove(&neighbour.id);
                (self.sink)(Signal::TookOver);
            }
        }
        // What was on its way when a node was found gone, or when this one was and has not heard of
        // it, may be committed later.
        if line.end_late_leases(told.saturating_sub(LATE)).await? {
            (self.sink)(Signal::TookOver);
        }
        Ok(())
    }
}

/// Lets time pass on this thread, which has no other task.
async fn elapse(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

fn no_answer() -> Error {
    Error::Unavailable { message: "no answer in time".to_owned() }
}

/// Another 128 bits for another UUID: distinct from the old one's, and as unlikely to meet others.
fn mix(id: &str) -> u128 {
    let old = uuid::Uuid::parse_str(id).map_or(0, |id| id.as_u128());
    old.rotate_left(61).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) ^ 0x5851_f42d
}
