//! `system_loop_head_v1`: opens a loop, one iteration for each item of a document.

use super::{Effect, Handler, Inputs, Output, Parameter, Work, optional, required};
use crate::paths;
use serde_json::Value;

pub(super) const HANDLER: Handler = Handler {
    id: "system_loop_head_v1",
    name: "Loop Head",
    description: "Carries out the nodes up to its loop tail once for each item. Connect it to the \
                  first node of the body and to the tail.",
    parameters: &[
        required("data_source", "The document that holds the items: JSON or XML."),
        required("loop_path", "Where its items are: a JSONPath such as $[*], or an XPath."),
        optional("var_name", "A further name under which an iteration finds its item."),
        Parameter {
            id: "mode",
            description: "Parallel begins all iterations at once, Sequential one after the other, \
                          Limited as many as the limit says.",
            required: false,
            options: &["Parallel", "Sequential", "Limited"],
        },
        optional("limit", "How many iterations are under way at once, for the mode Limited."),
    ],
    open: false,
    results: &[
        Output { name: "Index", description: "Inside the loop: the item's number, from 0." },
        Output { name: "Value", description: "Inside the loop: the item." },
    ],
    effect: Effect::Pure,
    deferrable: false,
    work: Work::LoopHead,
};

/// What a loop is to go through, and how.
#[derive(Debug)]
pub(crate) struct Round {
    /// The items, in order.
    pub(crate) items: Vec<Value>,
    /// A further name of the item.
    pub(crate) var_name: String,
    /// Iterations under way at once; `None`: all.
    pub(crate) limit: Option<usize>,
}

/// Reads a head's evaluated parameters.
pub(crate) fn round(inputs: &Inputs<'_>) -> Result<Round, String> {
    let limit = match inputs.text("mode").trim().to_ascii_lowercase().as_str() {
        "" | "parallel" => None,
        "sequential" => Some(1),
        "limited" => {
            let text = inputs.text("limit").trim();
            let limit = text.parse().ok().filter(|n: &usize| *n > 0);
            Some(limit.ok_or_else(|| {
                format!("\"limit\" must be a whole number from 1 on, not \"{text}\".")
            })?)
        }
        other => {
            return Err(format!(
                "\"mode\" must be Parallel, Sequential or Limited, not \"{other}\"."
            ));
        }
    };
    let path = inputs.required("loop_path")?.trim();
    let items = paths::select(inputs.text("data_source"), path)?;
    Ok(Round { items, var_name: inputs.text("var_name").trim().to_owned(), limit })
}
