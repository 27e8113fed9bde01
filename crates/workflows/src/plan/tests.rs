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
