//! What webhooks need from the workflow engine: to start a run within the transaction at hand.

use crate::target::Tree;
use model::id::{EventId, JobId, RunId, SpaceId, TraceId};
use model::payload::Payload;
use model::time::Micros;
use std::pin::Pin;

/// The workflow engine, as far as webhooks are concerned; the server connects it.
pub trait Workflows: Send + Sync {
    /// Starts a run inside a transaction; nothing of it may take effect before the commit, since
    /// the transaction may be rolled back and repeated.
    ///
    /// # Errors
    /// The store's; a tree that cannot be started is an answer, not an error.
    fn start(
        &self,
        tx: &mut store::Tx,
        request: &StartRequest,
    ) -> Result<StartOutcome, store::Error>;

    /// Decides ahead, outside of any transaction, what a start will write; `None`: nothing can be
    /// decided before [`Workflows::start`].
    fn prepare(&self, _request: &StartRequest) -> Option<Box<dyn PreparedStart>> {
        None
    }

    /// Called after the commit of a started run: the engine may take it up.
    fn started(&self, run: RunId);

    /// Called after connections or operations of a space changed: trees that call them may be
    /// right or wrong in other ways now.
    fn connections_moved<'a>(&'a self, _space: &'a SpaceId) -> Told<'a> {
        Box::pin(std::future::ready(()))
    }
}

/// Done when the engine has taken in what it was told.
pub type Told<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A start that was decided ahead.
pub trait PreparedStart: Send + Sync {
    /// Starts the run inside a transaction, as [`Workflows::start`] does. May be called again
    /// after a rollback.
    ///
    /// # Errors
    /// As [`Workflows::start`].
    fn apply(&self, tx: &mut store::Tx) -> Result<StartOutcome, store::Error>;
}

/// What to start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRequest {
    /// The space whose trees are meant.
    pub space_id: SpaceId,
    /// The tree.
    pub tree: Tree,
    /// The job that starts it; no two runs have the same. `None`: a job that started one before.
    pub job_id: Option<JobId>,
    /// The event it is about.
    pub event_id: Option<EventId>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// How deep in the trace the event stands; changes that the run makes are one deeper.
    pub depth: i64,
    /// The record it is about, such as a submission's id.
    pub record_id: Option<String>,
    /// The data to start with; `None`: the event's payload, which is stored once.
    pub data: Option<String>,
    /// The event's payload, when it is at hand: it saves the engine a read.
    pub payload: Option<Payload>,
    /// When.
    pub at: Micros,
    /// The username whose action led here.
    pub actor: String,
    /// What starts it, in words.
    pub originator: String,
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// The run exists once the transaction is committed.
    Started {
        /// Its number.
        run: RunId,
        /// The tree's title, `Source :: Group :: Name`.
        title: String,
    },
    /// There is no such tree, or it is not active.
    Refused {
        /// The status an HTTP caller would get, such as 404.
        status: u16,
        /// The message an HTTP caller would get.
        message: String,
    },
}
