//! The document the run page is drawn from: the tree's picture with what happened at each node,
//! which connectors were taken, and what the run waits for and since when.

use crate::runs::Detail;
use model::run::{RunError, Task, TaskStatus, Trigger, TriggerStatus};
use serde_json::{Value, json};

/// Draws a run.
pub(crate) fn document(detail: &Detail) -> Value {
    let definition = detail.definition.clone().unwrap_or_default();
    let nodes: Vec<Value> = definition
        .nodes
        .iter()
        .map(|node| {
            let tasks: Vec<&Task> = detail.tasks.iter().filter(|t| t.node_id == node.id).collect();
            json!({
                "id": node.id,
                "name": node.name,
                "definitionId": node.definition_id,
                "x": node.x,
                "y": node.y,
                "state": node_state(&tasks, detail),
                "parameters": node.parameters.iter()
                    .map(|p| json!({ "id": p.id, "label": p.label, "value": p.value }))
                    .collect::<Vec<_>>(),
                "tasks": tasks.iter().map(|t| task(t)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let connectors: Vec<Value> = definition
        .connectors
        .iter()
        .map(|c| {
            let verdict = verdict(detail, &c.from, &c.to, c.kind.as_str(), &c.value);
            json!({
                "from": c.from,
                "to": c.to,
                "type": c.kind.as_str(),
                "label": c.label,
                "value": c.value,
                "taken": match &verdict {
                    Some(verdict) => verdict["taken"].clone(),
                    None if is_loop_over(detail, &c.from, &c.to) => Value::Bool(true),
                    None => Value::Null,
                },
                "evaluated": verdict.as_ref().map_or(Value::Null, |v| v["value"].clone()),
                "error": verdict.as_ref().map_or(Value::Null, |v| v["error"].clone()),
            })
        })
        .collect();
    json!({
        "tree": detail.tree.title(),
        "treeId": detail.tree.id,
        "state": detail.run.state.as_str(),
        "nodes": nodes,
        "connectors": connectors,
        "waitingFor": waiting_for(detail),
        "errors": detail.errors.iter().map(error).collect::<Vec<_>>(),
        "outputs": detail.outputs(),
        "jobId": detail.run.job_id,
        "eventId": detail.run.event_id,
        "traceId": detail.run.trace_id,
        "depth": detail.run.depth,
        "parentId": detail.run.parent.map(|p| p.run_id),
        "originatingId": detail.run.root_id.unwrap_or(detail.run.id),
        "inputs": detail.run.inputs,
        "startedAt": detail.run.created_at.iso(),
        "updatedAt": detail.run.updated_at.iso(),
        "finishedAt": detail.run.finished_at.map(model::time::Micros::iso),
    })
}

/// The latest verdict on a connector.
fn verdict(detail: &Detail, from: &str, to: &str, kind: &str, condition: &str) -> Option<Value> {
    let tasks = detail.tasks.iter().rev().filter(|t| t.node_id == from);
    let mut verdicts = tasks.filter_map(|t| t.connectors.as_array()).flat_map(|v| v.iter().rev());
    let same = |v: &&Value| v["to"] == to && v["type"] == kind && v["condition"] == condition;
    verdicts.find(same).cloned()
}

/// Whether these are head and tail of a loop that is over. The engine looks at the connector
/// between them only when there is nothing to go through; it stands for the loop all the same.
fn is_loop_over(detail: &Detail, from: &str, to: &str) -> bool {
    let reached = |id: &str, definition: &str| {
        detail.tasks.iter().any(|t| t.node_id == id && t.definition_id == definition)
    };
    reached(from, "system_loop_head_v1") && reached(to, "system_loop_tail_v1")
}

fn node_state(tasks: &[&Task], detail: &Detail) -> &'static str {
    let Some(last) = tasks.last() else {
        // A node that was not reached in a finished run was skipped.
        return if detail.run.finished_at.is_some() { "skipped" } else { "none" };
    };
    let failed = |e: &RunError| e.active && tasks.iter().any(|t| e.task_seq == Some(t.seq));
    if detail.errors.iter().any(failed) {
        return "error";
    }
    match tasks.iter().rev().find(|t| t.status != TaskStatus::Closed) {
        None if detail.errors.iter().any(|e| ended_badly(e, last)) => "error",
        None => "complete",
        Some(open) if is_waiting(open, detail) => "waiting",
        Some(_) => "running",
    }
}

/// Whether an error of a task was put aside, so that its branch ended there.
fn ended_badly(error: &RunError, task: &Task) -> bool {
    error.task_seq == Some(task.seq) && error.resolution["action"] == "Do Nothing"
}

/// The timer of an open task.
fn timer<'a>(task: &Task, triggers: &'a [Trigger]) -> Option<&'a Trigger> {
    triggers.iter().find(|t| {
        t.status == TriggerStatus::New
            && t.scheduled_at.is_some()
            && t.token.as_deref() == Some(task.token.as_str())
    })
}

/// The run that an open task of a routine call waits for.
fn child(task: &Task) -> Option<i64> {
    let calls = crate::plan::is_routine(&task.definition_id);
    calls.then(|| task.results[crate::step::RUN_ID].as_str()?.parse().ok()).flatten()
}

fn is_waiting(open: &Task, detail: &Detail) -> bool {
    open.deferred || child(open).is_some() || timer(open, &detail.triggers).is_some()
}

fn task(task: &Task) -> Value {
    json!({
        "id": task.id,
        "seq": task.seq,
        "branchId": task.branch_id,
        "loopIndex": task.loop_index,
        "status": task.status.as_str(),
        "deferred": task.deferred,
        "token": task.token,
        "inputs": task.inputs,
        "results": task.results,
        "deferredResults": task.deferred_results,
        "connectors": task.connectors,
        "messages": task.messages,
        "startedAt": task.started_at.iso(),
        "finishedAt": task.finished_at.map(model::time::Micros::iso),
        "duration": task.finished_at.map(|at| at.ms_since(task.started_at)),
    })
}

fn error(error: &RunError) -> Value {
    json!({
        "id": error.id,
        "type": error.kind,
        "status": if error.active { "Active" } else { "Handled" },
        "nodeId": error.node_id,
        "taskSeq": error.task_seq,
        "summary": error.summary,
        "text": error.text,
        "resolution": error.resolution,
        "createdAt": error.created_at.iso(),
    })
}

/// What holds the run: open deferrals, timers and errors, oldest first.
fn waiting_for(detail: &Detail) -> Vec<Value> {
    let mut waits = Vec::new();
    for open in detail.tasks.iter().filter(|t| t.status != TaskStatus::Closed) {
        let entry = |kind: &str| {
            json!({ "kind": kind, "node": open.node_id, "name": open.node_name,
                    "since": open.started_at.iso() })
        };
        if let Some(timer) = timer(open, &detail.triggers) {
            let retries = timer.originator == "ENGINE Retry";
            let mut entry = entry(if retries { "retry" } else { "timer" });
            entry["until"] = timer.scheduled_at.map(model::time::Micros::iso).into();
            waits.push(entry);
        } else if let Some(run) = child(open) {
            let mut entry = entry("child");
            entry["runId"] = run.into();
            waits.push(entry);
        } else if open.deferred {
            let mut entry = entry("deferral");
            entry["token"] = open.token.clone().into();
            entry["message"] = open
                .messages
                .as_array()
                .and_then(|m| m.last())
                .map_or(Value::Null, |m| m["text"].clone());
            waits.push(entry);
        }
    }
    for error in detail.errors.iter().filter(|e| e.active) {
        waits.push(json!({ "kind": "error", "node": error.node_id, "errorId": error.id,
                           "since": error.created_at.iso(), "message": error.summary }));
    }
    waits
}
