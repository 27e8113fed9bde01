//! Random small trees under random orders of effects, crashes and late answers, from a seed.
//!
//! The model of the database is the state as text and the tasks as they were last written; a
//! crash forgets everything else. Whatever the order, each node is carried out as often as a
//! small reference interpreter says, and a finished task never changes.

use model::id::ErrorId;
use model::limits::STEPS_PER_COMMIT_MAX;
use model::run::{RunState, TaskStatus};
use model::time::Micros;
use runtime::Runtime;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use workflows::context::{About, Base, SourceData};
use workflows::definition::{Format, read};
use workflows::plan::Plan;
use workflows::step::state::{Phase, Record, Resolution, State};
use workflows::step::{Ctx, Input, Outcome, call_again, step};

/// Trees tried in one run of the tests; `KAPOK_SIMULATIONS=1000000` is the nightly run.
const CASES: u64 = 2_000;

struct Dice<'a>(&'a Runtime);

impl Dice<'_> {
    fn below(&self, n: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small numbers"
        )]
        let drawn = (self.0.fraction() * n as f64) as usize;
        drawn
    }

    fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct Edge {
    from: usize,
    to: usize,
    holds: bool,
}

struct Node {
    kind: &'static str,
    /// For a loop head: its items and its mode.
    items: usize,
    mode: &'static str,
    /// How often it is carried out in one pass of what is around it: the reference.
    times: usize,
    /// The loop heads around it.
    around: Vec<usize>,
}

struct Tree {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

const KINDS: [&str; 9] =
    ["noop", "echo", "defer", "wait", "http", "join-all", "join-any", "junction", "loop"];
/// Loops inside each other at most.
const LOOPS_DEEP: usize = 2;

impl Tree {
    /// A tree without circles: edges lead to later nodes, and loops are left through their tails.
    fn random(dice: &Dice<'_>) -> Self {
        let mut tree = Self { nodes: Vec::new(), edges: Vec::new() };
        tree.add("start", Vec::new());
        tree.nodes[0].times = 1;
        tree.region(dice, 0, 1 + dice.below(7), &[]);
        tree
    }

    fn add(&mut self, kind: &'static str, around: Vec<usize>) -> usize {
        self.nodes.push(Node { kind, items: 0, mode: "Parallel", times: 0, around });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, holds: bool) {
        self.edges.push(Edge { from, to, holds });
    }

    /// Nodes behind an entry, in the loops around them; all of them may follow each other.
    fn region(
        &mut self,
        dice: &Dice<'_>,
        entry: usize,
        count: usize,
        around: &[usize],
    ) -> Vec<usize> {
        let mut sources = vec![entry];
        for _ in 0..count {
            let kind = KINDS[dice.below(KINDS.len())];
            if kind == "loop" {
                // What a head that is entered twice at once does depends on the order.
                let once = |n: &&usize| self.nodes[**n].times <= 1;
                let from: Vec<usize> = sources.iter().filter(once).copied().collect();
                if around.len() < LOOPS_DEEP && !from.is_empty() {
                    let tail = self.whole_loop(dice, from[dice.below(from.len())], around);
                    sources.push(tail);
                }
                continue;
            }
            let to = self.add(kind, around.to_vec());
            let mut from = BTreeSet::new();
            for _ in 0..=dice.below(2) {
                from.insert(sources[dice.below(sources.len())]);
            }
            for from in from {
                self.edge(from, to, !dice.one_in(4));
            }
            self.nodes[to].times = self.times(to);
            sources.push(to);
        }
        sources
    }

    /// A head, a body and a tail; the tail.
    fn whole_loop(&mut self, dice: &Dice<'_>, from: usize, around: &[usize]) -> usize {
        let head = self.add("loop", around.to_vec());
        self.edge(from, head, !dice.one_in(6));
        let entered = self.times(head);
        self.nodes[head].items = dice.below(4);
        self.nodes[head].mode = ["Parallel", "Sequential", "Limited"][dice.below(3)];
        let mut inside = around.to_vec();
        inside.push(head);
        // Within one iteration the head counts as carried out once.
        self.nodes[head].times = 1;
        let count = 1 + dice.below(3);
        let body = self.region(dice, head, count, &inside);
        self.nodes[head].times = entered;
        let any = self.nodes[head].mode == "Parallel" && dice.one_in(3);
        let tail = self.add(if any { "tail-any" } else { "tail-all" }, around.to_vec());
        let mut arrives = false;
        for from in body.into_iter().filter(|n| *n != head) {
            if dice.one_in(2) {
                let holds = !dice.one_in(5);
                self.edge(from, tail, holds);
                arrives |= holds && self.nodes[from].times > 0;
            }
        }
        self.edge(head, tail, true);
        let passes = self.nodes[head].items == 0 || arrives || !self.has_body(head, tail);
        self.nodes[tail].times = usize::from(entered > 0 && passes);
        tail
    }

    fn has_body(&self, head: usize, tail: usize) -> bool {
        self.edges.iter().any(|e| e.from == head && e.to != tail)
    }

    /// How often a node is carried out in one pass, after those that lead to it.
    fn times(&self, to: usize) -> usize {
        let incoming: Vec<&Edge> = self.edges.iter().filter(|e| e.to == to).collect();
        let fired = |e: &&&Edge| e.holds && self.nodes[e.from].times > 0;
        let distinct = incoming.iter().filter(fired).count();
        match self.nodes[to].kind {
            "join-all" => usize::from(distinct == incoming.len()),
            "join-any" | "junction" => usize::from(distinct > 0),
            _ => incoming.iter().filter(fired).map(|e| self.nodes[e.from].times).sum(),
        }
    }

    /// How often each node is carried out in the whole run.
    fn reference(&self) -> Vec<usize> {
        let runs = |head: &usize| {
            let head = &self.nodes[*head];
            head.times * head.items
        };
        self.nodes.iter().map(|n| n.times * n.around.iter().map(runs).product::<usize>()).collect()
    }

    fn json(&self) -> Value {
        let id = |at: usize| if at == 0 { "start".to_owned() } else { format!("n_{at}") };
        let node = |(at, node): (usize, &Node)| {
            let (definition, parameters) = match node.kind {
                "start" => ("system_start_v1", json!([])),
                "noop" => ("system_noop_v1", json!([])),
                "echo" => ("utilities_echo_v1", json!([{ "id": "input", "value": "x" }])),
                "defer" => ("utilities_defer_v1", json!([])),
                "wait" => (
                    "system_wait_v1",
                    json!([{ "id": "Time to wait", "value": (at * 7 % 5).to_string() },
                           { "id": "Time unit", "value": "Hour" }]),
                ),
                "http" => ("kapok_http_request_v1", json!([{ "id": "url", "value": "https://x" }])),
                "join-all" => ("system_join_v1", json!([{ "id": "type", "value": "All" }])),
                "join-any" => ("system_join_v1", json!([{ "id": "type", "value": "Any" }])),
                "loop" => {
                    let items: Vec<usize> = (0..node.items).collect();
                    let parameters = json!([
                        { "id": "data_source", "value": json!(items).to_string() },
                        { "id": "loop_path", "value": "$[*]" },
                        { "id": "mode", "value": node.mode },
                        { "id": "limit", "value": "2" },
                    ]);
                    ("system_loop_head_v1", parameters)
                }
                "tail-all" => ("system_loop_tail_v1", json!([{ "id": "type", "value": "All" }])),
                "tail-any" => ("system_loop_tail_v1", json!([{ "id": "type", "value": "Any" }])),
                _ => ("system_junction_v1", json!([])),
            };
            json!({ "id": id(at), "name": id(at), "definitionId": definition,
                    "parameters": parameters })
        };
        let edges = self.edges.iter().map(|e| {
            json!({ "from": id(e.from), "to": id(e.to), "type": "Complete",
                    "value": if e.holds { "" } else { "1 == 2" } })
        });
        json!({ "nodes": self.nodes.iter().enumerate().map(node).collect::<Vec<_>>(),
                "connectors": edges.collect::<Vec<_>>() })
    }
}

/// The world around one run.
struct World<'a> {
    dice: Dice<'a>,
    plan: Plan,
    base: Base,
    now: Micros,
    /// What the database holds.
    stored: String,
    tasks: BTreeMap<i64, Record>,
    errors: Vec<ErrorId>,
    numbered: i64,
    /// Memory: what the living process knows.
    state: State,
    calls: Vec<i64>,
    /// How often the outside saw each key while its outcome was not written.
    hits: HashMap<i64, usize>,
    crashes: usize,
}

impl World<'_> {
    fn give(&mut self, inputs: Vec<Input>) {
        let mut state = self.state.clone();
        let runtime = self.dice.0;
        let mut token = || runtime.token(20);
        // Now and then a step stops early, as it does when it is done ahead of a start.
        let steps = if self.dice.one_in(4) { 1 } else { STEPS_PER_COMMIT_MAX };
        let mut ctx = Ctx { now: self.now, base: &self.base, token: &mut token, steps };
        let outcome: Outcome = step(&self.plan, &mut state, inputs, &mut ctx);
        if self.dice.one_in(12) {
            // The process dies before the commit: nothing of this happened.
            return self.crash();
        }
        for error in state.errors.iter_mut().filter(|e| e.id.is_none()) {
            self.numbered += 1;
            error.id = Some(ErrorId(self.numbered));
            self.errors.push(ErrorId(self.numbered));
        }
        for (seq, record) in outcome.tasks {
            let before = self.tasks.insert(seq, record.clone());
            if let Some(before) = before.filter(|b| b.status == TaskStatus::Closed) {
                assert_eq!(before, record, "a finished task changed");
            }
        }
        self.stored = serde_json::to_string(&state).unwrap();
        self.state = state;
        if self.dice.one_in(12) {
            // It dies after the commit, before the calls.
            return self.crash();
        }
        for call in outcome.calls {
            *self.hits.entry(call.seq).or_default() += 1;
            self.calls.push(call.seq);
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        self.state = serde_json::from_str(&self.stored).unwrap();
        self.calls.clear();
        let now = self.now;
        let again: Vec<i64> = self
            .state
            .calling()
            .map(|open| call_again(&self.plan, open, now).expect("a call").seq)
            .collect();
        for seq in again {
            *self.hits.entry(seq).or_default() += 1;
            self.calls.push(seq);
        }
    }

    /// One random event of the world; false when nothing is left to happen.
    fn happen(&mut self) -> bool {
        if !self.state.started {
            self.give(vec![Input::Start { originator: "simulation".into() }]);
            return true;
        }
        let mut options = Vec::new();
        for seq in self.calls.clone() {
            options.push(if self.dice.one_in(4) {
                Input::Failed { seq, message: "no".into() }
            } else {
                Input::Done { seq, results: Map::new() }
            });
        }
        for open in self.state.open.values().filter(|o| o.phase == Phase::Deferred) {
            let token = open.record.token.clone();
            options.push(Input::Completed { token, results: Map::new(), message: None });
        }
        for error in self.state.errors.iter().filter_map(|e| e.id) {
            let retry = !self.dice.one_in(3);
            let action = if retry { Resolution::RetryTask } else { Resolution::SkipTask };
            options.push(Input::Resolved { error, action });
        }
        if self.state.wake_at().is_some() {
            options.push(Input::Tick);
        }
        if !self.state.queue.is_empty() {
            self.give(Vec::new());
            return true;
        }
        if options.is_empty() {
            return false;
        }
        let input = options.swap_remove(self.dice.below(options.len()));
        match &input {
            Input::Tick => self.now = self.state.wake_at().unwrap_or(self.now),
            Input::Done { seq, .. } | Input::Failed { seq, .. } => {
                let seq = *seq;
                self.calls.retain(|other| *other != seq);
            }
            _ => {}
        }
        let repeat = self.dice.one_in(5).then(|| input.clone());
        self.give(vec![input]);
        // What was late or delivered twice changes nothing.
        if let Some(again) = repeat
            && !matches!(again, Input::Tick)
        {
            self.give(vec![again]);
        }
        true
    }
}

fn play(seed: u64) {
    let runtime = Runtime::fake(Micros(0), seed);
    let dice = Dice(&runtime);
    let tree = Tree::random(&dice);
    let document = read(Format::Json, &tree.json().to_string()).unwrap();
    let (plan, _) = Plan::compile(&document.definition);
    let mut world = World {
        dice,
        plan,
        base: Base::new(About::default(), SourceData::Text("{}".into())),
        now: Micros(0),
        stored: serde_json::to_string(&State::default()).unwrap(),
        tasks: BTreeMap::new(),
        errors: Vec::new(),
        numbered: 0,
        state: State::default(),
        calls: Vec::new(),
        hits: HashMap::new(),
        crashes: 0,
    };
    let mut events = 0;
    while world.happen() {
        events += 1;
        assert!(events < 100_000, "the run does not end");
    }
    assert_eq!(world.state.run_state(), RunState::Complete);
    let mut times = vec![0; tree.nodes.len()];
    for record in world.tasks.values() {
        assert_eq!(record.status, TaskStatus::Closed, "{record:?}");
        let at = record.node.strip_prefix("n_").map_or(0, |n| n.parse::<usize>().unwrap());
        times[at] += 1;
    }
    assert_eq!(times, tree.reference(), "{}", tree.json());
    let retries = world.numbered.unsigned_abs();
    for (seq, hits) in &world.hits {
        let most = 1 + world.crashes + usize::try_from(retries).unwrap();
        assert!(*hits <= most, "task {seq} was called {hits} times");
    }
}

#[test]
fn every_order_and_crash_leads_to_the_same_run() {
    let asked = std::env::var("KAPOK_SIMULATIONS").ok().and_then(|n| n.parse().ok());
    let first = std::env::var("KAPOK_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for seed in first..first + asked.unwrap_or(CASES) {
        let played = std::panic::catch_unwind(|| play(seed));
        assert!(played.is_ok(), "the seed is {seed}: KAPOK_SEED={seed} KAPOK_SIMULATIONS=1");
    }
}
