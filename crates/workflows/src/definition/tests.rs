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
        extra: Extra::default(),
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
        extra: Extra::default(),
    });
    definition.outputs.push(Field { name: "Out".into(), ..Field::default() });
    let xml = to_xml(&definition);
    assert_eq!(read(Format::Xml, &xml).unwrap().definition, definition);
}

/// treeXml with what no version of this program knows.
const STRANGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<tree schema_version="1.0" exported="2020">
  <sourceName>S</sourceName>
  <sourceGroup>G &gt; H</sourceGroup>
  <type>Tree</type>
  <status>Active</status>
  <origin id="7"><!-- kept --> mixed <b>text</b> &amp; more</origin>
  <taskTree builder_version="9" schema_version="1.0" version="" mood="calm">
    <name>N</name><author/><notes/><lastID>1</lastID>
    <colour>blue</colour>
    <taskDefinition kind="x">
      <parameters>
        <parameter id="In" label="Shown" required="true" tooltip="t">7</parameter>
      </parameters>
      <results><result name="Out" tooltip="t" required="false" order="2"/></results>
      <sample><![CDATA[a < b]]></sample>
    </taskDefinition>
    <request>
      <task definition_id="system_start_v1" id="start" name="Start" x="1" y="2.5" z="3">
        <version>1</version><configured>true</configured><defers>false</defers>
        <deferrable>false</deferrable><visible>true</visible>
        <icon src="a.png"/>
        <parameters><parameter id="p" label="" menu="" required="false" tooltip=""
          dependsOnId="" dependsOnValue="" hint="h&#10;i">one&#13;
two</parameter></parameters>
        <messages><message type="Complete" locale="de">fertig</message></messages>
        <dependents>
          <task label="" type="Complete" value="a &lt; 1" colour="red">b_1</task>
        </dependents>
      </task>
    </request>
  </taskTree>
</tree>"#;

#[test]
fn what_is_not_known_survives_every_conversion() {
    let first = read(Format::Xml, STRANGE).unwrap();
    assert_eq!(first.header.extra.attributes, [("exported".to_owned(), "2020".to_owned())]);
    assert!(first.header.extra.elements[0].contains("<!-- kept --> mixed <b>text</b> &amp; more"));
    let node = &first.definition.nodes[0];
    assert_eq!(node.extra.elements, ["<icon src=\"a.png\"/>"]);
    assert_eq!(node.parameters[0].value, "one\r\ntwo");
    assert_eq!(node.parameters[0].extra.attributes[0].1, "h\ni");
    assert_eq!(first.definition.inputs[0].extra.attributes[0].0, "label");
    assert!(first.definition.interface_extra.elements[0].contains("CDATA"));
    assert_eq!(read(Format::Xml, &to_export(&first)).unwrap(), first);
    let json = to_json(&first.definition).to_string();
    let second = read(Format::Json, &json).unwrap().definition;
    assert_eq!(second, first.definition);
    assert_eq!(read(Format::Xml, &to_xml(&second)).unwrap().definition, first.definition);
}

#[test]
fn unknown_properties_survive_every_conversion() {
    let mut value: serde_json::Value = serde_json::from_str(JSON).unwrap();
    value["theme"] = serde_json::json!({ "dark": [true, null, 1.5, "<&>"] });
    value["nodes"][1]["note"] = "a\r\n]]>".into();
    value["nodes"][1]["parameters"][0]["lines"] = 3.into();
    value["nodes"][1]["messages"][0]["when"] = "now".into();
    value["connectors"][0]["bend"] = serde_json::json!([1, 2]);
    value["inputs"] = serde_json::json!([{ "name": "I", "choices": ["a"] }]);
    let first = read(Format::Json, &value.to_string()).unwrap().definition;
    let second = read(Format::Xml, &to_xml(&first)).unwrap().definition;
    assert_eq!(second, first);
    let back = to_json(&second);
    assert_eq!(back["theme"], value["theme"]);
    assert_eq!(back["nodes"][1]["note"], value["nodes"][1]["note"]);
    assert_eq!(back["connectors"][0]["bend"], value["connectors"][0]["bend"]);
    assert_eq!(back["inputs"][0]["choices"], value["inputs"][0]["choices"]);
}

/// Draws definitions from a seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % below
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 14] = [
            "a",
            "Ünï ☃",
            "<b>",
            "&amp;",
            "\"q'",
            "\n",
            "\t",
            "\r\n",
            "]]>",
            "<%= @x['y'] %>",
            "&#10;",
            "  ",
            "{\"k\":1}",
            "-->",
        ];
        (0..self.next(5)).map(|_| PARTS[usize::try_from(self.next(14)).unwrap()]).collect()
    }

    /// A text that is not padded, since names and notes are trimmed.
    fn name(&mut self) -> String {
        format!("n{}", self.text()).trim().to_owned()
    }

    fn extra(&mut self) -> Extra {
        let mut extra = Extra::default();
        if self.next(3) == 0 {
            extra.properties.insert(format!("p{}", self.next(9)), self.text().into());
            extra.properties.insert("deep".into(), serde_json::json!([{ "x": self.text() }, null]));
        }
        if self.next(3) == 0 {
            extra.attributes.push((format!("a{}", self.next(9)), self.text()));
            extra.elements.push(format!("<e>{}<f/></e>", xml::in_text(&self.text())));
        }
        extra
    }

    fn flag(&mut self) -> bool {
        self.next(2) == 0
    }

    fn field(&mut self) -> Field {
        Field {
            name: self.name(),
            description: self.text(),
            default_value: self.text(),
            required: self.flag(),
            kind: if self.flag() { "Number".into() } else { String::new() },
            extra: self.extra(),
        }
    }

    fn node(&mut self, id: String) -> Node {
        let count = |draw: &mut Self| 0..draw.next(3);
        Node {
            id,
            name: self.text(),
            definition_id: self.name(),
            version: self.name(),
            configured: self.flag(),
            defers: self.flag(),
            deferrable: self.flag(),
            visible: self.flag(),
            x: f64::from(u16::try_from(self.next(2_000)).unwrap()) / 4.0,
            y: -1.0,
            messages: count(self)
                .map(|_| Message { kind: self.text(), value: self.text(), extra: self.extra() })
                .collect(),
            parameters: count(self)
                .map(|_| Parameter {
                    id: self.text(),
                    value: self.text(),
                    label: self.text(),
                    menu: self.text(),
                    required: self.flag(),
                    description: self.text(),
                    depends_on_id: self.text(),
                    depends_on_value: self.text(),
                    extra: self.extra(),
                })
                .collect(),
            retry: self.flag().then(|| Retry { factor: 1.5, ..Retry::default() }),
            extra: self.extra(),
        }
    }

    fn definition(&mut self) -> Definition {
        let nodes: Vec<Node> = (0..self.next(5)).map(|n| self.node(format!("x_{n}"))).collect();
        let mut connectors = Vec::new();
        for from in &nodes {
            for to in 0..self.next(3) {
                connectors.push(Connector {
                    from: from.id.clone(),
                    to: format!("x_{to}"),
                    kind: [ConnectorKind::Complete, ConnectorKind::Create, ConnectorKind::Update]
                        [usize::try_from(self.next(3)).unwrap()],
                    label: self.text(),
                    value: self.text(),
                    extra: self.extra(),
                });
            }
        }
        unite(&mut connectors);
        Definition {
            name: self.name(),
            notes: self.name(),
            owner_email: self.name(),
            builder_version: self.text(),
            schema_version: self.text(),
            version: self.text(),
            last_id: self.flag().then_some(7),
            nodes,
            connectors,
            inputs: (0..self.next(3)).map(|_| self.field()).collect(),
            outputs: (0..self.next(3)).map(|_| self.field()).collect(),
            extra: self.extra(),
            interface_extra: self.extra(),
        }
    }
}

#[test]
fn drawn_definitions_survive_every_conversion() {
    for seed in 0..3_000 {
        let definition = Draw(seed).definition();
        let json = to_json(&definition).to_string();
        let from_json = read(Format::Json, &json).unwrap().definition;
        assert_eq!(from_json, definition, "seed {seed}: {json}");
        let xml = to_xml(&definition);
        let from_xml =
            read(Format::Xml, &xml).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{xml}"));
        assert_eq!(from_xml.definition, definition, "seed {seed}: {xml}");
        assert_eq!(to_json(&from_xml.definition).to_string(), json, "seed {seed}");
    }
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
    check(Format::Xml, "", "the XML holds no element (line 1, column 1)");
    assert!(read(Format::Xml, "<taskTree>&bomb;</taskTree>").is_err());
}
