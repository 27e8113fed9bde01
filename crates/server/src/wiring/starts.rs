//! The webhooks' workflow engine is ours.

use store::Tx;
use webhooks::target::Tree;
use webhooks::workflows::Told;
use workflows::engine::{StartOutcome, StartRequest, TreeRef};

/// Starts the runs of webhooks.
pub(super) struct Starts {
    workflows: workflows::Workflows,
}

impl Starts {
    pub(super) fn new(workflows: workflows::Workflows) -> Self {
        Self { workflows }
    }
}

impl webhooks::Workflows for Starts {
    fn start(
        &self,
        tx: &mut Tx,
        request: &webhooks::StartRequest,
    ) -> Result<webhooks::StartOutcome, store::Error> {
        Ok(outcome(self.workflows.start(tx, &ours(request))?))
    }

    fn prepare(
        &self,
        request: &webhooks::StartRequest,
    ) -> Option<Box<dyn webhooks::PreparedStart>> {
        Some(Box::new(Prepared(self.workflows.prepare(ours(request)))))
    }

    fn started(&self, run: model::id::RunId) {
        self.workflows.started(run);
    }

    fn connections_moved<'a>(&'a self, space: &'a model::id::SpaceId) -> Told<'a> {
        Box::pin(async move {
            // The change itself is stored: what is listed about trees is only out of date.
            if let Err(error) = self.workflows.recheck_connections(space).await {
                tracing::warn!(%space, %error, "the trees that call connections were not checked");
            }
        })
    }
}

struct Prepared(workflows::engine::PreparedStart);

impl webhooks::PreparedStart for Prepared {
    fn apply(&self, tx: &mut Tx) -> Result<webhooks::StartOutcome, store::Error> {
        Ok(outcome(self.0.apply(tx)?))
    }
}

fn ours(request: &webhooks::StartRequest) -> StartRequest {
    let r = request.clone();
    let tree = match r.tree {
        Tree::Title { source, group, name } => TreeRef::Title { source, group, name },
        Tree::Guid(guid) => TreeRef::Guid(guid),
    };
    StartRequest {
        space_id: r.space_id,
        tree,
        job_id: r.job_id,
        key: None,
        parent: None,
        root_id: None,
        inputs: None,
        event_id: r.event_id,
        trace_id: r.trace_id,
        depth: r.depth,
        record_id: r.record_id,
        data: r.data,
        payload: r.payload,
        at: r.at,
        actor: r.actor,
        originator: r.originator,
    }
}

fn outcome(outcome: StartOutcome) -> webhooks::StartOutcome {
    match outcome {
        StartOutcome::Started { run, title } => webhooks::StartOutcome::Started { run, title },
        StartOutcome::Refused { status, message } => {
            webhooks::StartOutcome::Refused { status, message }
        }
    }
}
