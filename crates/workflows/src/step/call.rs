//! What a task does outside of its run, as the step asks for it.

use super::state::{Open, Record};
use crate::handlers::{Action, Inputs, Outside, Work};
use crate::plan::{Awaited, Node, Plan};
use model::time::Micros;

/// Outside work of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The task.
    pub seq: i64,
    /// Its token: the idempotency key of the work.
    pub key: String,
    /// The work.
    pub work: Outside,
}

/// The outside work of a task that was under way when its process died; `None` when the node or
/// its inputs no longer lead to any.
pub fn call_again(plan: &Plan, open: &Open, now: Micros) -> Option<Call> {
    let record = &open.record;
    let node = plan.node(&record.node)?;
    if let Some(awaited) = node.routine {
        return Some(routine_call(node, record, awaited));
    }
    if node.external {
        return Some(external_call(node, record));
    }
    let Work::Act(act) = node.handler?.work else { return None };
    let inputs = Inputs { parameters: &record.inputs, token: &record.token, now };
    match act(&inputs) {
        Ok(Action::Outside(work)) => {
            Some(Call { seq: record.seq, key: record.token.clone(), work })
        }
        _ => None,
    }
}

/// The call of a routine by a task whose parameters are evaluated.
pub(super) fn routine_call(node: &Node, record: &Record, awaited: Awaited) -> Call {
    let work = Outside::Routine {
        definition: node.definition_id.clone(),
        inputs: record.inputs.clone(),
        awaited: awaited.0,
    };
    Call { seq: record.seq, key: record.token.clone(), work }
}

/// The call of a handler that is not among ours by a task whose parameters are evaluated.
pub(super) fn external_call(node: &Node, record: &Record) -> Call {
    let work = Outside::External {
        definition: node.definition_id.clone(),
        node: [node.id.clone(), node.name.clone()],
        inputs: record.inputs.clone(),
    };
    Call { seq: record.seq, key: record.token.clone(), work }
}
