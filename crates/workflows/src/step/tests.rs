//! Step tables: small trees, their tasks and what the run waits for.

use super::*;
use crate::context::{About, SourceData};
use crate::definition::{Format, read};
use model::run::RunState;

mod loops;

/// A tree from lines: `a echo_text`, `a -> b`, `a -Create> b`, `a -> b if condition`.
pub(crate) fn tree(lines: &[&str]) -> Plan {
    Plan::compile(&read(Format::Json, &json(lines).to_string()).unwrap().definition).0
}

/// treeJson from such lines.
pub(crate) fn json(lines: &[&str]) -> Value {
    let mut nodes = vec![json!({ "id": "start", "name": "start",
                                 "definitionId": "system_start_v1" })];
    let mut connectors = Vec::new();
    for line in lines {
        let (edge, condition) = line.split_once(" if ").unwrap_or((line, ""));
        if let Some((from, rest)) = edge.split_once(" -")
            && let Some((kind, to)) = rest.split_once("> ")
        {
            connectors.push(json!({ "from": from, "to": to, "value": condition,
                                    "type": if kind.is_empty() { "Complete" } else { kind } }));
            continue;
        }
        let mut words = line.split(' ');
        let (id, definition) = (words.next().unwrap(), words.next().unwrap());
        let defers = definition.ends_with('!');
        let parameters: Vec<Value> = words
            .map(|w| w.split_once('=').unwrap())
            .map(|(id, value)| json!({ "id": id.replace('_', " "), "value": value }))
            .map(|mut p| {
                let id = p["id"].as_str().unwrap().to_owned();
                if !id.starts_with("Time") {
                    p["id"] = id.replace(' ', "_").into();
                }
                p
            })
            .collect();
        nodes.push(json!({ "id": id, "name": id, "definitionId": definition.trim_end_matches('!'),
            "defers": defers, "deferrable": defers, "parameters": parameters }));
    }
    json!({ "nodes": nodes, "connectors": connectors })
}

/// A run in memory.
pub(crate) struct Sim {
    pub(crate) plan: Plan,
    pub(crate) state: State,
    pub(crate) base: Base,
    pub(crate) now: Micros,
    pub(crate) tasks: BTreeMap<i64, Record>,
    pub(crate) tokens: i64,
    pub(crate) errors: i64,
    pub(crate) calls: Vec<Call>,
}

impl Sim {
    pub(crate) fn new(lines: &[&str]) -> Self {
        Self {
            plan: tree(lines),
            state: State::default(),
            base: Base::new(About::default(), SourceData::Text("{}".into())),
            now: Micros(0),
            tasks: BTreeMap::new(),
            tokens: 0,
            errors: 0,
            calls: Vec::new(),
        }
    }

    pub(crate) fn started(lines: &[&str]) -> Self {
        let mut sim = Self::new(lines);
        sim.give(Input::Start { originator: "test".into() });
        sim
    }

    pub(crate) fn give(&mut self, input: Input) -> Outcome {
        let Self { plan, state, base, now, tokens, .. } = self;
        let mut token = || {
            *tokens += 1;
            format!("t{tokens}")
        };
        let steps = limits::STEPS_PER_COMMIT_MAX;
        let mut ctx = Ctx { now: *now, base, token: &mut token, steps };
        let outcome = step(plan, state, vec![input], &mut ctx);
        for (seq, record) in &outcome.tasks {
            self.tasks.insert(*seq, record.clone());
        }
        for error in self.state.errors.iter_mut().filter(|e| e.id.is_none()) {
            self.errors += 1;
            error.id = Some(ErrorId(self.errors));
        }
        self.calls.extend(outcome.calls.iter().cloned());
        // Every state survives being written and read.
        let text = serde_json::to_string(&self.state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), self.state);
        outcome
    }

    /// Nodes in the order they closed, or their place in brackets when they are open.
    pub(crate) fn trail(&self) -> String {
        let names: Vec<String> = self
            .tasks
            .values()
            .map(|t| match t.status {
                TaskStatus::Closed => t.node.clone(),
                _ => format!("[{}]", t.node),
            })
            .collect();
        format!("{} {}", names.join(" "), self.state.run_state().as_str())
    }

    fn token_of(&self, node: &str) -> String {
        self.tasks.values().rfind(|t| t.node == node).unwrap().token.clone()
    }

    fn complete(&mut self, node: &str) {
        let token = self.token_of(node);
        let mut results = Map::new();
        results.insert("Decision".into(), "Approved".into());
        self.give(Input::Completed { token, results, message: Some("done".into()) });
    }
}

#[test]
fn a_chain_runs_to_its_end_in_one_step() {
    let sim =
        Sim::started(&["a utilities_echo_v1 input=x", "b system_noop_v1", "start -> a", "a -> b"]);
    assert_eq!(sim.trail(), "start a b Complete");
    assert_eq!(sim.state.results["a"]["output"], "x");
    assert_eq!(sim.tasks[&2].inputs["input"], "x");
    assert_eq!(sim.tasks[&1].connectors[0]["taken"], true);
    assert_eq!(sim.tasks[&3].place.branch, 1);
}

#[test]
fn branches_get_numbers_of_their_own() {
    let sim = Sim::started(&["a system_noop_v1", "b system_noop_v1", "start -> a", "start -> b"]);
    assert_eq!(sim.tasks[&2].place.branch, 1);
    assert_eq!(sim.tasks[&3].place.branch, 2);
}

#[test]
fn a_deferral_waits_updates_and_completes_once() {
    let mut sim = Sim::started(&[
        "d utilities_defer_v1",
        "c system_noop_v1",
        "u system_noop_v1",
        "e system_noop_v1",
        "start -> d",
        "d -Create> c",
        "d -Update> u",
        "d -> e",
    ]);
    assert_eq!(sim.trail(), "start [d] c Waiting");
    let token = sim.token_of("d");
    assert_eq!(sim.state.results["d"]["deferral_token"], token);
    sim.give(Input::Updated { token: token.clone(), results: Map::new(), message: None });
    assert_eq!(sim.trail(), "start [d] c u Waiting");
    sim.complete("d");
    assert_eq!(sim.trail(), "start d c u e Complete");
    assert_eq!(sim.state.results["d"]["Decision"], "Approved");
    sim.complete("d");
    sim.give(Input::Updated { token, results: Map::new(), message: None });
    assert_eq!(sim.trail(), "start d c u e Complete");
}

#[test]
fn a_wait_goes_on_when_it_is_due() {
    let mut sim = Sim::started(&[
        "w system_wait_v1 Time_to_wait=2 Time_unit=Minute",
        "e system_noop_v1",
        "start -> w",
        "w -> e",
    ]);
    assert_eq!(sim.trail(), "start [w] Waiting");
    assert_eq!(sim.state.wake_at(), Some(Micros(120_000_000)));
    sim.now = Micros(119_999_999);
    sim.give(Input::Tick);
    assert_eq!(sim.trail(), "start [w] Waiting");
    sim.now = Micros(120_000_000);
    let outcome = sim.give(Input::Tick);
    assert_eq!(outcome.due.len(), 1);
    assert_eq!(sim.trail(), "start w e Complete");
}

#[test]
fn outside_work_is_called_and_settled_once() {
    let mut sim = Sim::started(&[
        "h kapok_http_request_v1 url=https://example.com",
        "e system_noop_v1",
        "start -> h",
        "h -> e",
    ]);
    assert_eq!(sim.trail(), "start [h] Running");
    assert_eq!(sim.calls.len(), 1);
    assert_eq!(call_again(&sim.plan, &sim.state.open[&2], sim.now).as_ref(), sim.calls.first());
    sim.give(Input::Done { seq: 2, results: Map::new() });
    assert_eq!(sim.trail(), "start h e Complete");
    sim.give(Input::Done { seq: 2, results: Map::new() });
    sim.give(Input::Failed { seq: 2, message: "late".into() });
    assert_eq!(sim.trail(), "start h e Complete");
}

#[test]
fn errors_are_retried_skipped_or_left() {
    let lines =
        ["h kapok_http_request_v1 url=https://x", "e system_noop_v1", "start -> h", "h -> e"];
    let failed = || {
        let mut sim = Sim::started(&lines);
        sim.give(Input::Failed { seq: 2, message: "no route".into() });
        assert_eq!(sim.trail(), "start [h] Error");
        sim
    };
    let resolve = |mut sim: Sim, action| {
        sim.give(Input::Resolved { error: ErrorId(1), action });
        sim
    };
    let sim = resolve(failed(), Resolution::RetryTask);
    assert_eq!(sim.trail(), "start [h] Running");
    assert_eq!(sim.calls[0].key, sim.calls[1].key);
    assert_eq!(resolve(failed(), Resolution::SkipTask).trail(), "start h e Complete");
    assert_eq!(resolve(failed(), Resolution::DoNothing).trail(), "start h Complete");
}

#[test]
fn unknown_handlers_and_missing_nodes_are_errors_of_their_type() {
    let mut sim = Sim::started(&["x nothing_v1", "start -> x", "start -> gone"]);
    // Whether the space has defined a handler is known when it is called.
    let kind = ErrorKind::MissingHandler;
    sim.give(Input::Refused { seq: sim.calls[0].seq, kind, message: "gone".into() });
    let kinds: Vec<_> = sim.state.errors.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["Tree Error", "Missing Handler Error"]);
    // Whether a routine exists is known in the write that would start it.
    let mut sim = Sim::started(&["x routine_x_v1", "start -> x"]);
    let kind = ErrorKind::MissingRoutine;
    sim.give(Input::Refused { seq: sim.calls[0].seq, kind, message: "gone".into() });
    assert_eq!(sim.state.errors[0].kind, kind);
    assert_eq!(sim.trail(), "start [x] Error");
}

#[test]
fn joins_let_through_once() {
    let join = |kind: &str| {
        Sim::started(&[
            "a system_noop_v1",
            "b system_noop_v1",
            "c utilities_defer_v1",
            &format!("j system_join_v1 type={kind} number=2"),
            "e system_noop_v1",
            "start -> a",
            "start -> b",
            "start -> c",
            "a -> j",
            "b -> j",
            "c -> j",
            "j -> e",
        ])
    };
    assert_eq!(join("Any").trail(), "start a b [c] j e Waiting");
    assert_eq!(join("Some").trail(), "start a b [c] j e Waiting");
    let mut all = join("All");
    assert_eq!(all.trail(), "start a b [c] Waiting");
    all.complete("c");
    assert_eq!(all.trail(), "start a b c j e Complete");
    let mut any = join("Any");
    any.complete("c");
    assert_eq!(any.trail(), "start a b c j e Complete");
}

#[test]
fn a_junction_waits_for_what_can_still_arrive() {
    let mut sim = Sim::started(&[
        "a system_noop_v1",
        "b utilities_defer_v1",
        "c system_noop_v1",
        "j system_junction_v1",
        "e system_noop_v1",
        "start -> a",
        "start -> b",
        "b -> c",
        "a -> j",
        "c -> j",
        "j -> e",
    ]);
    assert_eq!(sim.trail(), "start a [b] Waiting");
    sim.complete("b");
    assert_eq!(sim.trail(), "start a b c j e Complete");
}

#[test]
fn a_tree_that_runs_in_circles_is_stopped() {
    let mut sim = Sim::new(&["a system_noop_v1", "start -> a", "a -> a"]);
    sim.state.seq = limits::TASKS_PER_RUN_MAX - 3_000;
    sim.give(Input::Start { originator: "test".into() });
    let mut rounds = 0;
    while sim.state.run_state() == RunState::Running && rounds < 1_000 {
        sim.give(Input::Tick);
        rounds += 1;
    }
    assert_eq!(sim.state.errors[0].kind, ErrorKind::Tree);
    assert_eq!(sim.state.seq, limits::TASKS_PER_RUN_MAX);
}

#[test]
fn a_node_is_started_by_hand() {
    let mut sim = Sim::started(&["a system_noop_v1", "b system_noop_v1", "start -> a"]);
    let place = Place { branch: 0, loop_index: "/".into() };
    sim.give(Input::Manual { node: "b".into(), place });
    assert_eq!(sim.trail(), "start a b Complete");
    assert_eq!(sim.tasks[&3].place.branch, 2);
}

#[test]
fn a_return_names_the_outputs() {
    let sim = Sim::started(&["r system_tree_return_v1 content=x", "start -> r"]);
    assert_eq!(sim.state.outputs.as_ref().unwrap()["content"], "x");
    assert_eq!(sim.trail(), "start r Complete");
}

#[test]
fn messages_are_evaluated_and_kept_with_the_task() {
    let mut json =
        json(&["a utilities_echo_v1 input=x", "d utilities_defer_v1", "start -> a", "a -> d"]);
    json["nodes"][1]["messages"] = json!([
        { "type": "Complete", "value": "said <%= @results['a']['output'] %>" },
        { "type": "Create", "value": "never" }, { "type": "Update", "value": " " }]);
    json["nodes"][2]["messages"] = json!([
        { "type": "Create", "value": "waits" },
        { "type": "Update", "value": "so far <%= @results['d']['n'] %>" },
        { "type": "Complete", "value": "<%= @results['d']['gone'] %>" }]);
    let plan = Plan::compile(&read(Format::Json, &json.to_string()).unwrap().definition).0;
    let mut sim = Sim { plan, ..Sim::new(&[]) };
    sim.give(Input::Start { originator: "test".into() });
    let texts = |sim: &Sim, node: &str| -> Vec<String> {
        let task = sim.tasks.values().rfind(|t| t.node == node).unwrap();
        task.messages.iter().map(|m| format!("{} {}", m["type"], m["text"])).collect()
    };
    assert_eq!(texts(&sim, "a"), ["\"Complete\" \"said x\""]);
    assert_eq!(texts(&sim, "d"), ["\"Create\" \"waits\""]);
    let token = sim.token_of("d");
    let results = |n: &str| [("n".to_owned(), Value::from(n))].into_iter().collect();
    sim.give(Input::Updated { token: token.clone(), results: results("1"), message: None });
    assert_eq!(texts(&sim, "d")[1], "\"Update\" \"so far 1\"");
    let done = sim.give(Input::Completed { token, results: results("2"), message: None });
    // A message that fails is an error; its task is done all the same.
    assert_eq!(done.errors[0].kind, ErrorKind::NodeMessage);
    assert!(done.errors[0].text.contains("IndexError"), "{}", done.errors[0].text);
    assert_eq!(sim.state.run_state(), RunState::Error);
    let error = sim.state.errors[0].id.unwrap();
    sim.give(Input::Resolved { error, action: Resolution::DoNothing });
    assert_eq!(sim.trail(), "start a d Complete");
}
