//! Loop indices, and what is known where: results inside an iteration, and outside of its loop.
//!
//! `/` is outside of all loops, `/2#0` the first iteration of the loop whose head has the number
//! 2, `/2#0/5#1` the second one of a loop inside it. Inside an iteration a node's results are
//! found as anywhere; outside they are a hash by index once the loop's tail was passed.

use super::state::{Loop, State, Todo};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The iteration of a loop: `/2#0` below `/`.
pub(crate) fn below(outer: &str, number: i64, index: usize) -> String {
    let outer = outer.trim_end_matches('/');
    format!("{outer}/{number}#{index}")
}

/// Where a loop index stands: the place around it, the loop's number and the iteration.
pub(crate) fn parts(loop_index: &str) -> Option<(&str, i64, usize)> {
    let (outer, last) = loop_index.rsplit_once('/')?;
    let (number, index) = last.split_once('#')?;
    let outer = if outer.is_empty() { "/" } else { outer };
    Some((outer, number.parse().ok()?, index.parse().ok()?))
}

/// Whether a place is this iteration or lies inside it.
pub(crate) fn is_inside(place: &str, outer: &str) -> bool {
    outer == "/"
        || place.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The key of a loop in [`State::loops`].
pub(crate) fn key(outer: &str, number: i64) -> String {
    format!("{}/{number}", outer.trim_end_matches('/'))
}

/// Which iteration of a loop a place is, or lies in.
fn iteration(place: &str, key: &str) -> Option<usize> {
    let rest = place.strip_prefix(key)?.strip_prefix('#')?;
    rest.split('/').next().unwrap_or(rest).parse().ok()
}

impl State {
    /// Makes results known under a node's name at a place.
    pub(crate) fn put(&mut self, loop_index: &str, name: &str, results: Value) {
        let Some((outer, number, index)) = parts(loop_index) else {
            if let Value::Object(all) = &mut self.results {
                all.insert(name.to_owned(), results);
            }
            return;
        };
        let around = self.loops.get_mut(&key(outer, number));
        if let Some(passed) = around.filter(|l| l.passed) {
            passed.names.insert(name.to_owned());
            let mut all = match self.found(outer, name) {
                Some(Value::Object(all)) => all.clone(),
                _ => Map::new(),
            };
            all.insert(index.to_string(), results.clone());
            self.put(outer, name, Value::Object(all));
        }
        let known = self.scopes.entry(loop_index.to_owned()).or_default();
        known.insert(name.to_owned(), results);
    }

    /// What a name stands for at exactly this place.
    fn found(&self, loop_index: &str, name: &str) -> Option<&Value> {
        if loop_index == "/" {
            return self.results.get(name);
        }
        self.scopes.get(loop_index)?.get(name)
    }

    /// Everything that is known at a place: what the places around it know, and its own.
    pub(crate) fn known_at(&self, loop_index: &str) -> Map<String, Value> {
        let Some((outer, number, index)) = parts(loop_index) else {
            return self.results.as_object().cloned().unwrap_or_default();
        };
        let mut known = self.known_at(outer);
        // What an iteration left behind when its loop was passed stands outside, by its index.
        let names = self.loops.get(&key(outer, number)).filter(|l| l.passed).map(|l| &l.names);
        for name in names.into_iter().flatten() {
            let own = known.get(name).and_then(|all| all.get(index.to_string())).cloned();
            known.extend(own.map(|own| (name.clone(), own)));
        }
        let own = self.scopes.get(loop_index).into_iter().flatten();
        known.extend(own.map(|(name, results)| (name.clone(), results.clone())));
        known
    }

    /// Notes that a loop's tail is passed: its iterations' results are hashes by index outside.
    pub(crate) fn fold(&mut self, outer: &str, number: i64) {
        let Some(around) = self.loops.get_mut(&key(outer, number)) else { return };
        around.passed = true;
        let mut found: Map<String, Value> = Map::new();
        for index in 0..around.total {
            let Some(known) = self.scopes.get(&below(outer, number, index)) else { continue };
            for (name, results) in known {
                around.names.insert(name.clone());
                let all = found.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(all) = all {
                    all.insert(index.to_string(), results.clone());
                }
            }
        }
        for (name, all) in found {
            self.put(outer, &name, all);
        }
        let busy = self.busy_iterations(outer, number);
        let key = key(outer, number);
        self.scopes.retain(|place, _| iteration(place, &key).is_none_or(|i| busy.contains(&i)));
    }

    /// Iterations of a loop in which something is open, queued or in error.
    pub(crate) fn busy_iterations(&self, outer: &str, number: i64) -> BTreeSet<usize> {
        let key = key(outer, number);
        let open = self.open.values().map(|open| &open.record.place);
        let queued = self.queue.iter().filter_map(|todo| match todo {
            Todo::Enter { place, .. } => Some(place),
            Todo::Again { .. } | Todo::Leave { .. } => None,
        });
        let errors = self.errors.iter().filter_map(|e| e.connector.as_ref()).map(|(_, at)| at);
        let places = open.chain(queued).chain(errors);
        places.filter_map(|place| iteration(&place.loop_index, &key)).collect()
    }

    /// Forgets an earlier pass of a loop that is entered again.
    pub(crate) fn forget_loop(&mut self, outer: &str, number: i64) {
        let prefix = format!("{}#", key(outer, number));
        self.loops.remove(&key(outer, number));
        self.scopes.retain(|place, _| !place.starts_with(&prefix));
        self.gates.retain(|place, _| !place.starts_with(&prefix));
        self.loops.retain(|place, _| !place.starts_with(&prefix));
    }
}

impl Loop {
    /// Whether every item has its iteration.
    pub(crate) fn is_begun(&self) -> bool {
        self.items.is_empty()
    }
}
