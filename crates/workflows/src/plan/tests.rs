//! Mistakes are found at save, with node and place.

use super::*;
use crate::definition::{Format, read};

fn problems(json: &str) -> Vec<String> {
    let definition = read(Format::Json, json).unwrap().definition;
    let (_, problems) = Plan::compile(&definition);
    problems
        .into_iter()
        .map(|p| {
            let place = [p.node_id, p.place].into_iter().flatten().collect::<Vec<_>>().join(", ");
            format!("{place}: {}", p.message)
        })
        .collect()
}

#[test]
fn a_sound_tree_has_no_problems() {
    let json = r#"{"lastId":1,"connectors":[{"from":"start","to":"utilities_echo_v1_1"}],"nodes":[
        {"id":"start","name":"Start","definitionId":"system_start_v1"},
        {"id":"utilities_echo_v1_1","name":"Echo","definitionId":"utilities_echo_v1",
         "parameters":[{"id":"input","value":"x"}]}]}"#;
    assert_eq!(problems(json), Vec::<String>::new());
}

#[test]
fn silent_mistakes_are_listed() {
    let json = r#"{"lastId":1,"connectors":[
        {"from":"start","to":"utilities_echo_v1_1"},{"from":"start","to":"gone_9"},
        {"from":"utilities_echo_v1_1","to":"utilities_ecko_v1_2","type":"Create"}],"nodes":[
        {"id":"start","name":"Start","definitionId":"system_start_v1","defers":true},
        {"id":"utilities_echo_v1_1","name":"A","definitionId":"utilities_echo_v1",
         "parameters":[{"id":"Input","value":"x"}]},
        {"id":"utilities_ecko_v1_2","name":"A","definitionId":"utilities_ecko_v1"},
        {"id":"utilities_echo_v1_1","name":"B","definitionId":"utilities_echo_v1"},
        {"id":"system_wait_v1_2","name":"W","definitionId":"system_wait_v1","parameters":[
          {"id":"Time to wait","value":"1"},{"id":"Time unit","value":"Fortnight"}]}]}"#;
    let found = problems(json);
    let expect = [
        "utilities_echo_v1_1: Another node has the same id; it is ignored.",
        "start, connector to \"gone_9\": It leads to a node that does not exist: gone_9",
        "start: The start node cannot defer.",
        "system_wait_v1_2: Its id ends in the same number as that of utilities_ecko_v1_2.",
        ": lastId is 1, but a node's number is 2.",
        "utilities_ecko_v1_2: Another node is named \"A\" too; @results keeps only the later \
         one's.",
        "utilities_echo_v1_1, parameter \"input\": It is required and blank.",
        "utilities_echo_v1_1, parameter \"Input\": utilities_echo_v1 has no such parameter; \
         did you mean \"input\"?",
        "utilities_ecko_v1_2: The handler utilities_ecko_v1 does not exist; did you mean \
         utilities_echo_v1?",
        "system_wait_v1_2: No path leads here from the start node.",
        "system_wait_v1_2, parameter \"Time unit\": It must be one of Second, Minute, Hour, Day, \
         Week.",
    ];
    for line in expect {
        assert!(found.iter().any(|f| f == line), "missing {line:?} in {found:#?}");
    }
}

#[test]
fn a_missing_start_is_a_problem_of_the_tree() {
    assert_eq!(
        problems(r#"{"nodes":[]}"#),
        [": The tree has no start node (its id must be \"start\")."]
    );
}

/// Problems of the tree that `step::tests` writes as lines.
fn of(lines: &[&str]) -> Vec<String> {
    problems(&crate::step::tests::json(lines).to_string())
}

fn says(lines: &[&str], expect: &str) {
    let found = of(lines);
    assert!(found.iter().any(|f| f == expect), "missing {expect:?} in {found:#?}");
}

fn is_silent(lines: &[&str], about: &str) {
    let found = of(lines);
    assert!(!found.iter().any(|f| f.contains(about)), "{about:?} in {found:#?}");
}

#[test]
fn a_deferral_on_a_way_to_a_junction_is_told() {
    let lines = [
        "a utilities_defer_v1",
        "b system_noop_v1",
        "j system_junction_v1",
        "start -> a",
        "start -> b",
        "a -> j",
        "b -> j",
    ];
    says(
        &lines,
        "j: a defers on a way to this junction, which stays closed until that is completed.",
    );
    // What is completed before the ways part blocks nothing.
    let before = [
        "a utilities_defer_v1",
        "b system_noop_v1",
        "c system_noop_v1",
        "j system_junction_v1",
        "start -> a",
        "a -> b",
        "a -> c",
        "b -> j",
        "c -> j",
    ];
    is_silent(&before, "defers on a way");
    let created = [
        "a utilities_defer_v1",
        "b system_noop_v1",
        "j system_junction_v1",
        "start -> a",
        "a -Create> b",
        "b -> j",
    ];
    says(
        &created,
        "j: a defers on a way to this junction, which stays closed until that is completed.",
    );
}

#[test]
fn look_ups_that_find_nothing_are_told() {
    let tree = |text: &str| {
        of(&[
            "a utilities_echo_v1 input=x",
            "d utilities_defer_v1",
            "b utilities_noop_v1",
            "start -> a",
            "a -> d",
            &format!("d -> b if {text}"),
        ])
    };
    let says = |text: &str, expect: &str| {
        let found = tree(text);
        let expect = format!("d, connector to \"b\": {expect}");
        assert!(found.contains(&expect), "missing {expect:?} in {found:#?}");
    };
    let is_silent = |text: &str| {
        let found = tree(text);
        assert!(!found.iter().any(|f| f.contains("connector to")), "{text}: {found:#?}");
    };
    says("@results['Zzzz']['output'] == 1", "No node is named \"Zzzz\".");
    says("@results['stat'].nil?", "No node is named \"stat\"; did you mean \"start\"?");
    says(
        "@results['a']['Output'] == 1",
        "\"a\" (utilities_echo_v1) has no result \"Output\"; did you mean \"output\"?",
    );
    is_silent("@results['a']['output'] == 1");
    // A completion may bring whatever it likes.
    is_silent("@results['d']['Decision'] == 'Yes'");
    is_silent("@results['a']['nope'] rescue true");
    is_silent("@results['a'].has_key?('nope')");
    is_silent("@values['a']['nope'] == 1");
}

#[test]
fn results_of_loops_and_unknown_inputs_are_judged_with_care() {
    let json = r#"{"inputs":[{"name":"Item"}],"nodes":[
        {"id":"start","name":"Start","definitionId":"system_start_v1"},
        {"id":"system_loop_head_v1_1","name":"Head","definitionId":"system_loop_head_v1",
         "parameters":[{"id":"data_source","value":"[1]"},{"id":"loop_path","value":"$[*]"}]},
        {"id":"utilities_echo_v1_2","name":"Echo","definitionId":"utilities_echo_v1","parameters":
          [{"id":"input","value":"<%= @results['Head']['anything'] + @inputs['Itme'] %>"}]},
        {"id":"system_loop_tail_v1_3","name":"Tail","definitionId":"system_loop_tail_v1",
         "parameters":[{"id":"type","value":"All"}]},
        {"id":"utilities_echo_v1_4","name":"Last","definitionId":"utilities_echo_v1","parameters":
          [{"id":"input","value":"<%= @results['Echo']['0']['output'] %>"}]}],"connectors":[
        {"from":"start","to":"system_loop_head_v1_1"},
        {"from":"system_loop_head_v1_1","to":"utilities_echo_v1_2"},
        {"from":"system_loop_head_v1_1","to":"system_loop_tail_v1_3"},
        {"from":"utilities_echo_v1_2","to":"system_loop_tail_v1_3"},
        {"from":"system_loop_tail_v1_3","to":"utilities_echo_v1_4"}]}"#;
    assert_eq!(
        problems(json),
        ["utilities_echo_v1_2, parameter \"input\": The tree declares no input \"Itme\"; did you \
          mean \"Item\"?"]
    );
}

#[test]
fn routine_calls_that_lose_their_outputs_are_told() {
    let call = |deferrable: &str| {
        ["r routine_greet_v1", "start -> r"]
            .map(|l| if l.starts_with('r') { format!("{l}{deferrable}") } else { l.to_owned() })
    };
    let lines = call("");
    let found = of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(found[0].starts_with("r: The node calls a routine and is not deferrable"), "{found:?}");
    let lines = call("!");
    assert_eq!(of(&lines.iter().map(String::as_str).collect::<Vec<_>>()), Vec::<String>::new());
}

#[test]
fn misused_return_nodes_are_told() {
    says(
        &["r system_tree_return_v1 content=x", "n system_noop_v1", "start -> r", "r -> n"],
        "r: Connectors leave the Return node; what follows it can no longer change the outputs.",
    );
    says(
        &["r system_tree_return_v1 content=x", "start -> r"],
        "r, parameter \"headers_json\": The answer of a web API needs it, and it is missing.",
    );
    is_silent(&["r system_tree_return_v1 Result=x", "start -> r"], "web API");
    let routine = |parameters: &str| {
        problems(&format!(
            r#"{{"outputs":[{{"name":"Name"}},{{"name":"Age"}}],"nodes":[
            {{"id":"start","name":"Start","definitionId":"system_start_v1"}}{parameters}],
            "connectors":[{{"from":"start","to":"r"}}]}}"#
        ))
    };
    let found = routine("");
    assert!(found.iter().any(|f| f.contains("has no Return node that names them")), "{found:?}");
    let found = routine(
        r#",{"id":"r","name":"R","definitionId":"system_tree_return_v1",
        "parameters":[{"id":"Nme","value":"x"},{"id":"Age","value":"1"}]}"#,
    );
    assert_eq!(
        found,
        [
            "r: The declared output \"Name\" is not named here.",
            "r, parameter \"Nme\": The routine declares no output \"Nme\"; did you mean \"Name\"?",
        ]
    );
    let in_loop = [
        "h system_loop_head_v1 data_source=[1] loop_path=$[*]",
        "r system_tree_return_v1 Result=x",
        "t system_loop_tail_v1 type=All",
        "start -> h",
        "h -> r",
        "h -> t",
        "r -> t",
    ];
    let found = of(&in_loop);
    assert!(found.iter().any(|f| f.contains("inside a loop")), "{found:?}");
}

#[test]
fn messages_that_cannot_be_read_are_told() {
    let json = r#"{"nodes":[{"id":"start","name":"Start","definitionId":"system_start_v1",
        "messages":[{"type":"Create","value":""},{"type":"Complete","value":"<%= nope %>"}]}]}"#;
    let found = problems(json);
    assert!(found[0].starts_with("start, message \"Complete\": "), "{found:?}");
    assert_eq!(found.len(), 1, "{found:?}");
}
