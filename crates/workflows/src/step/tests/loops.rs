//! Loops, step by step.

use super::*;
use model::id::TaskId;
use model::run::Task;

const LINES: [&str; 9] = [
    "h_2 system_loop_head_v1 data_source=[\"a\",\"b\",\"c\"] loop_path=$[*] var_name=Item",
    "e utilities_echo_v1 input=<%=@results['h_2']['Index']+@results['h_2']['Item']%>",
    "t system_loop_tail_v1 type=All",
    "z utilities_echo_v1 input=<%=@results['e']['1']['output']+@results['h_2']['2']['Value']%>",
    "start -> h_2",
    "h_2 -> e",
    "h_2 -> t",
    "e -> t",
    "t -> z",
];

fn with(lines: &[&'static str], head: &'static str) -> Vec<&'static str> {
    let mut lines = lines.to_vec();
    lines[0] = head;
    lines
}

/// What a reader of the task's row finds.
fn row(record: &Record) -> Task {
    let written = record.clone().written();
    let json = |text: &str| serde_json::from_str(text).unwrap();
    Task {
        id: TaskId(0),
        run_id: RunId(1),
        seq: written.seq,
        token: written.token,
        branch_id: written.branch_id,
        node_id: written.node_id,
        node_name: written.node_name,
        definition_id: written.definition_id,
        loop_index: written.loop_index,
        status: written.status,
        deferred: written.deferred,
        inputs: json(&written.inputs),
        results: json(&written.results),
        deferred_results: json(&written.deferred_results),
        connectors: json(&written.connectors),
        messages: json(&written.messages),
        started_at: written.started_at,
        finished_at: written.finished_at,
    }
}

#[test]
fn iterations_have_places_of_their_own_and_are_known_by_index_outside() {
    let sim = Sim::started(&LINES);
    assert_eq!(sim.trail(), "start h_2 e e e t z Complete");
    assert_eq!(sim.tasks[&3].place, Place { branch: 2, loop_index: "/2#0".into() });
    assert_eq!(sim.tasks[&5].place.loop_index, "/2#2");
    assert_eq!(sim.tasks[&4].results["output"], "1b");
    assert_eq!(sim.tasks[&6].place, Place { branch: 1, loop_index: "/".into() });
    assert_eq!(sim.tasks[&7].results["output"], "1bc");
    assert_eq!(sim.tasks[&2].connectors.len(), 1);
    // What a finished run keeps is enough to be entered again.
    let mut kept: State = serde_json::from_str(&sim.state.text()).unwrap();
    let rows: Vec<_> = sim.tasks.values().map(row).collect();
    kept.restore(&rows);
    assert_eq!(kept.results, sim.state.results);
    assert_eq!(kept.known_at("/2#1")["e"]["output"], "1b");
    assert_eq!(kept.known_at("/2#1")["h_2"]["Value"], "b");
}

#[test]
fn a_loop_without_items_goes_to_its_tail() {
    let head = "h_2 system_loop_head_v1 data_source=[] loop_path=$[*]";
    let sim = Sim::started(&with(&LINES[..8], head));
    assert_eq!(sim.trail(), "start h_2 t Complete");
}

#[test]
fn a_limited_loop_begins_an_iteration_when_another_ends() {
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2,3] loop_path=$[*] mode=Limited limit=2",
        "d utilities_defer_v1",
        "t system_loop_tail_v1 type=All",
        "start -> h_2",
        "h_2 -> d",
        "h_2 -> t",
        "d -> t",
    ];
    let mut sim = Sim::started(&lines);
    assert_eq!(sim.trail(), "start [h_2] [d] [d] Waiting");
    let first = sim.tasks[&3].token.clone();
    sim.give(Input::Completed { token: first, results: Map::new(), message: None });
    assert_eq!(sim.trail(), "start h_2 d [d] [d] Waiting");
    assert_eq!(sim.tasks[&5].place.loop_index, "/2#2");
    for seq in [5, 4] {
        let token = sim.tasks[&seq].token.clone();
        sim.give(Input::Completed { token, results: Map::new(), message: None });
    }
    assert_eq!(sim.trail(), "start h_2 d d d t Complete");
}

#[test]
fn a_tail_of_any_goes_on_once_and_the_others_may_finish() {
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2] loop_path=$[*]",
        "d utilities_defer_v1",
        "t system_loop_tail_v1 type=Any",
        "z system_noop_v1",
        "start -> h_2",
        "h_2 -> d",
        "h_2 -> t",
        "d -> t",
        "t -> z",
    ];
    let mut sim = Sim::started(&lines);
    for seq in [4, 3] {
        let token = sim.tasks[&seq].token.clone();
        let mut results = Map::new();
        results.insert("Decision".into(), seq.into());
        sim.give(Input::Completed { token, results, message: None });
    }
    assert_eq!(sim.trail(), "start h_2 d d t z Complete");
    assert_eq!(sim.state.results["d"]["0"]["Decision"], 3);
    assert_eq!(sim.state.results["d"]["1"]["Decision"], 4);
}

#[test]
fn a_sequential_loop_that_is_left_early_begins_nothing_more() {
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2,3] loop_path=$[*] mode=Sequential",
        "e system_noop_v1",
        "t system_loop_tail_v1 type=Some number=2",
        "start -> h_2",
        "h_2 -> e",
        "h_2 -> t",
        "e -> t",
    ];
    assert_eq!(Sim::started(&lines).trail(), "start h_2 e e t Complete");
}

#[test]
fn loops_nest_and_joins_and_junctions_count_by_iteration() {
    let lines = [
        "h_1 system_loop_head_v1 data_source=[[1,2],[3]] loop_path=$[*]",
        "h_2 system_loop_head_v1 data_source=<%=@results['h_1']['Value']%> loop_path=$[*]",
        "a utilities_echo_v1 input=<%=@results['h_1']['Index']+@results['h_2']['Value']%>",
        "b system_noop_v1",
        "j system_join_v1 type=All",
        "t_2 system_loop_tail_v1 type=All",
        "k system_junction_v1",
        "t_1 system_loop_tail_v1 type=All",
        "start -> h_1",
        "h_1 -> h_2",
        "h_1 -> t_1",
        "h_2 -> a",
        "h_2 -> b",
        "h_2 -> t_2",
        "a -> j",
        "b -> j",
        "j -> t_2",
        "t_2 -> k",
        "h_1 -> k",
        "k -> t_1",
    ];
    let sim = Sim::started(&lines);
    let count = |node: &str| sim.tasks.values().filter(|t| t.node == node).count();
    assert_eq!(sim.state.run_state(), RunState::Complete);
    let counts = ["h_1", "h_2", "a", "b", "j", "t_2", "k", "t_1"].map(count);
    assert_eq!(counts, [1, 2, 3, 3, 3, 2, 2, 1]);
    assert_eq!(sim.state.results["a"]["1"]["0"]["output"], "13");
    assert_eq!(sim.state.results["a"]["0"]["1"]["output"], "02");
}

#[test]
fn a_bad_path_and_too_many_items_are_errors_of_the_head() {
    let head = "h_2 system_loop_head_v1 data_source={ loop_path=$[*]";
    let sim = Sim::started(&with(&LINES[..8], head));
    assert_eq!(sim.trail(), "start [h_2] Error");
    let many = format!(
        "h_2 system_loop_head_v1 data_source=<%=(1..{}).to_a.to_json%> loop_path=$[*]",
        limits::LOOP_ITEMS_MAX + 1
    );
    let mut lines: Vec<&str> = LINES[..8].to_vec();
    lines[0] = &many;
    let mut sim = Sim::started(&lines);
    assert_eq!(sim.state.errors[0].kind, ErrorKind::Tree);
    let error = sim.state.errors[0].id.unwrap();
    sim.give(Input::Resolved { error, action: Resolution::DoNothing });
    assert_eq!(sim.trail(), "start h_2 Complete");
}

#[test]
fn an_error_in_one_iteration_holds_the_tail_until_it_is_dealt_with() {
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2] loop_path=$[*]",
        "h kapok_http_request_v1 url=x",
        "t system_loop_tail_v1 type=All",
        "start -> h_2",
        "h_2 -> h",
        "h_2 -> t",
        "h -> t",
    ];
    let mut sim = Sim::started(&lines);
    let seqs: Vec<i64> = sim.calls.iter().map(|c| c.seq).collect();
    sim.give(Input::Failed { seq: seqs[0], message: "no".into() });
    sim.give(Input::Done { seq: seqs[1], results: Map::new() });
    assert_eq!(sim.trail(), "start h_2 [h] h Error");
    let error = sim.state.errors[0].id.unwrap();
    sim.give(Input::Resolved { error, action: Resolution::SkipTask });
    assert_eq!(sim.trail(), "start h_2 h h t Complete");
}

#[test]
fn a_loop_entered_again_starts_over() {
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2] loop_path=$[*]",
        "e utilities_echo_v1 input=x",
        "t system_loop_tail_v1 type=All",
        "d utilities_defer_v1",
        "start -> h_2",
        "h_2 -> e",
        "h_2 -> t",
        "e -> t",
        "t -> d",
        "d -> h_2",
    ];
    let mut sim = Sim::started(&lines);
    sim.complete("d");
    assert_eq!(sim.trail(), "start h_2 e e t d h_2 e e t [d] Waiting");
    assert_eq!(sim.tasks[&8].place.loop_index, "/2#0");
}

#[test]
fn mistakes_about_loops_are_named() {
    let said = |lines: &[&str]| {
        let document = read(Format::Json, &json(lines).to_string()).unwrap();
        let problems = Plan::compile(&document.definition).1;
        problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("\n")
    };
    let head = "h_2 system_loop_head_v1 data_source=[] loop_path=$[*]";
    let (echo, tail) = ("e system_noop_v1", "t system_loop_tail_v1 type=All");
    assert_eq!(said(&[head, echo, tail, "start -> h_2", "h_2 -> e", "h_2 -> t", "e -> t"]), "");
    for (lines, expect) in [
        (vec![head, echo, "start -> h_2", "h_2 -> e"], "no connector to its loop tail"),
        (vec![head, echo, "start -> h_2", "h_2 -> e"], "No path through the loop leads"),
        (vec![head, tail, "start -> h_2", "h_2 -> t"], "no connector into the loop"),
        (vec![tail, "start -> t"], "has passed no loop head"),
        (
            vec![head, echo, tail, "start -> h_2", "h_2 -> e", "h_2 -> t", "e -> t", "start -> e"],
            "a loop is left through its tail only",
        ),
        (
            vec![
                head,
                "h_3 system_loop_head_v1 data_source=[] loop_path=$[*]",
                echo,
                tail,
                "u system_loop_tail_v1 type=All",
                "start -> h_2",
                "h_2 -> h_3",
                "h_2 -> t",
                "h_3 -> e",
                "h_3 -> u",
                "u -> t",
                "e -> t",
            ],
            "out of the loop of h_3, whose tail is another",
        ),
        (
            vec![head, echo, tail, "start -> h_2", "h_2 -> e", "h_2 -> t if 1 == 2", "e -> t"],
            "must have no condition",
        ),
    ] {
        let problems = said(&lines);
        assert!(problems.contains(expect), "{expect}\n{problems}");
    }
}
