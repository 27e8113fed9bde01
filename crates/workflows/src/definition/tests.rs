//! Definitions read, written and converted both ways.

use super::*;

const JSON: &str = r#"{"builderVersion":"","schemaVersion":"1.0","version":"","lastId":2,
 "processOwnerEmail":"owner@example.com","name":"Created","notes":"a < b & c",
 "connectors":[{"from":"start","to":"utilities_echo_v1_1","type":"Complete","label":"L",
   "value":""}],
 "nodes":[
  {"id":"start","name":"Start","definitionId":"system_start_v1","version":1,"configured":true,
   "defers":false,"deferrable":false,"visible":false,"position":{"x":10,"y":20.5},
   "messages":[],"parameters":[],
   "dependents":{"task":[{"label":"L","type":"Complete","value":"","content":"utilities_echo_v1_1"},
     {"label":"","type":"Complete","value":"@values['A'] == \"<b>\"\n && true","content":"x_2"}]}},
  {"id":"utilities_echo_v1_1","name":"Echo \"1\"","definitionId":"utilities_echo_v1",
   "version":"1","configured":"true","defers":"false","deferrable":false,"visible":true,
   "position":{"x":"100","y":200},"messages":[{"type":"Create","value":"hi"}],
   "parameters":[{"id":"input","value":"  <%= @values['X'] %>\n&amp; ","label":"Input","menu":"",
     "required":true,"description":"tip","dependsOnId":"","dependsOnValue":""}],"dependents":""},
  {"id":"x_2","name":"X","definitionId":"x"}]}"#;

#[test]
fn edges_of_connectors_and_dependents_are_united() {
    let definition = read(Format::Json, JSON).unwrap().definition;
    let edges: Vec<_> =
        definition.connectors.iter().map(|c| (c.from.as_str(), c.to.as_str())).collect();
    assert_eq!(edges, [("start", "utilities_echo_v1_1"), ("start", "x_2")]);
    assert!(definition.nodes[1].configured);
    assert_eq!(definition.nodes[1].x, 100.0);
}

#[test]
fn json_to_xml_and_back_loses_nothing() {
    let first = read(Format::Json, JSON).unwrap();
    let xml = to_xml(&first.definition);
    let second = read(Format::Xml, &xml).unwrap();
    assert_eq!(first.definition, second.definition);
    let json = to_json(&second.definition).to_string();
    assert_eq!(read(Format::Json, &json).unwrap().definition, first.definition);
}

#[test]
fn an_export_carries_its_header() {
    let mut document = read(Format::Json, JSON).unwrap();
    document.header = Header {
        source: Some("Kinetic Request CE".into()),
        group: Some("Submissions > services".into()),
        definition_id: None,
        kind: Some("Tree".into()),
        status: Some("Active".into()),
    };
    assert_eq!(read(Format::Xml, &to_export(&document)).unwrap(), document);
}

#[test]
fn routine_interfaces_survive() {
    let mut definition = Definition { name: "R".into(), ..Definition::default() };
    definition.inputs.push(Field {
        name: "Id".into(),
        description: "which".into(),
        default_value: "7".into(),
        required: true,
        kind: "Number".into(),
    });
    definition.outputs.push(Field { name: "Out".into(), ..Field::default() });
    let xml = to_xml(&definition);
    assert_eq!(read(Format::Xml, &xml).unwrap().definition, definition);
}

#[test]
fn what_cannot_be_read_names_its_place() {
    let check = |format, text: &str, expect: &str| {
        assert_eq!(read(format, text).unwrap_err().to_string(), expect);
    };
    check(Format::Json, "[]", "treeJson must be an object (line 1, column 1)");
    check(
        Format::Json,
        "{\n \"nodes\": 5}",
        "\"nodes\" of treeJson must be a list (line 1, column 1)",
    );
    let error = read(Format::Json, "{\n \"nodes\": [}").unwrap_err();
    assert_eq!((error.line, error.column), (2, 12));
    let error = read(Format::Xml, "<tree>\n<taskTree>\n</tree>").unwrap_err();
    assert_eq!(error.line, 3);
    check(
        Format::Xml,
        "<html/>",
        "treeXml must be a <tree> or a <taskTree>, not a <html> (line 1, column 1)",
    );
    check(Format::Xml, "", "treeXml holds no element (line 1, column 1)");
    assert!(read(Format::Xml, "<taskTree>&bomb;</taskTree>").is_err());
}
