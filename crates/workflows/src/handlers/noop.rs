//! `system_noop_v1`: does nothing; a gate or a place where branches meet.

use super::{Action, Effect, Handler, Work};
use serde_json::Map;

pub(super) const HANDLER: Handler = Handler {
    id: "system_noop_v1",
    name: "No Operation",
    description: "Does nothing; a gate, or a place where branches meet.",
    parameters: &[],
    open: false,
    results: &[],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::Act(|_| Ok(Action::Done(Map::new()))),
};
