//! Messages of nodes: templates that are evaluated when connectors of their kind are looked at, and
//! kept with the task for people to read.

use super::Stepper;
use super::state::{ErrorKind, Record};
use crate::definition::ConnectorKind;
use crate::handlers::Work;
use crate::plan::Node;

impl Stepper<'_, '_> {
    /// Leaves a node's messages of one kind with its task, as they evaluate now. One that cannot
    /// be evaluated is an error; the task goes on without it.
    pub(super) fn leave_messages(&mut self, node: &Node, record: &mut Record, kind: ConnectorKind) {
        // The Complete connectors of a loop head are looked at once for each iteration.
        let is_repeated = node.is(Work::LoopHead)
            && record.messages.iter().any(|message| message["type"] == kind.as_str());
        if is_repeated {
            return;
        }
        for message in node.messages.iter().filter(|m| m.kind == kind) {
            let rendered = message.template.as_ref().map_err(Clone::clone).and_then(|template| {
                let scope = self.scope(record);
                let context = scope.at(self.ctx.now);
                let context = context.with_seed(&[&record.token, "message", kind.as_str()]);
                template.render(&context).map_err(|e| e.to_string())
            });
            match rendered {
                Ok(text) => self.note(record, kind.as_str(), Some(text)),
                Err(message) => {
                    let text = format!("Message \"{}\": {message}", kind.as_str());
                    self.error(record, ErrorKind::NodeMessage, &text, None);
                }
            }
        }
    }
}
