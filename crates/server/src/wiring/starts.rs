//! The webhooks' workflow engine is ours.

use store::Tx;
use webhooks::target::Tree;
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
        let r = request.clone();
        let tree = match r.tree {
            Tree::Title { source, group, name } => TreeRef::Title { source, group, name },
            Tree::Guid(guid) => TreeRef::Guid(guid),
        };
        let request = StartRequest {
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
        };
        Ok(match self.workflows.start(tx, &request)? {
            StartOutcome::Started { run, title } => webhooks::StartOutcome::Started { run, title },
            StartOutcome::Refused { status, message } => {
                webhooks::StartOutcome::Refused { status, message }
            }
        })
    }

    fn started(&self, run: model::id::RunId) {
        self.workflows.started(run);
    }
}
