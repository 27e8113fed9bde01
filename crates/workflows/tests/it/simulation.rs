//! Random small trees under random orders of effects, crashes and late answers, from a seed.
//!
//! The model of the database is the state as text and the tasks as they were last written; a
//! crash forgets everything else. Whatever the order, each node is carried out as often as a
//! small reference interpreter says, and a finished task never changes.

use model::id::ErrorId;
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

/// Trees tried in one run of the tests; `KAPOK_SIMULATIONS` asks for more.
const CASES: u64 = 1_500;

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

struct Tree {
    kinds: Vec<&'static str>,
    edges: Vec<Edge>,
}

const KINDS: [&str; 8] =
    ["noop", "echo", "defer", "wait", "http", "join-all", "join-any", "junction"];

impl Tree {
    /// A tree without circles: edges lead to later nodes.
    fn random(dice: &Dice<'_>) -> Self {
        let count = 2 + dice.below(7);
        let mut kinds = vec!["start"];
        kinds.extend((1..count).map(|_| KINDS[dice.below(KINDS.len())]));
        let mut edges = Vec::new();
        for to in 1..count {
            let mut sources = BTreeSet::new();
            for _ in 0..=dice.below(2) {
                sources.insert(dice.below(to));
            }
            for from in sources {
                edges.push(Edge { from, to, holds: !dice.one_in(4) });
            }
        }
        Self { kinds, edges }
    }

    fn json(&self) -> Value {
        let node = |(at, kind): (usize, &&str)| {
            let (definition, parameters) = match *kind {
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
                _ => ("system_junction_v1", json!([])),
            };
            let id = if at == 0 { "start".to_owned() } else { format!("n_{at}") };
            json!({ "id": id, "name": id, "definitionId": definition, "parameters": parameters })
        };
        let id = |at: usize| if at == 0 { "start".to_owned() } else { format!("n_{at}") };
        let edges = self.edges.iter().map(|e| {
            json!({ "from": id(e.from), "to": id(e.to), "type": "Complete",
                    "value": if e.holds { "" } else { "1 == 2" } })
        });
        json!({ "nodes": self.kinds.iter().enumerate().map(node).collect::<Vec<_>>(),
                "connectors": edges.collect::<Vec<_>>() })
    }

    /// How often each node is carried out: the reference.
    fn reference(&self) -> Vec<usize> {
        let mut times = vec![0; self.kinds.len()];
        times[0] = 1;
        for to in 1..self.kinds.len() {
            let incoming: Vec<&Edge> = self.edges.iter().filter(|e| e.to == to).collect();
            let fired = |e: &&&Edge| e.holds && times[e.from] > 0;
            let distinct = incoming.iter().filter(fired).count();
            times[to] = match self.kinds[to] {
                "join-all" => usize::from(distinct == incoming.len()),
                "join-any" | "junction" => usize::from(distinct > 0),
                _ => incoming.iter().filter(fired).map(|e| times[e.from]).sum(),
            };
        }
        times
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
        let mut ctx = Ctx { now: self.now, base: &self.base, token: &mut token };
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
    let mut times = vec![0; tree.kinds.len()];
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
