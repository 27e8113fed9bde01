//! Which items a loop goes through: a JSONPath into JSON, or an XPath into XML.
//!
//! Both are the part of their languages that trees use. What is beyond is an error that names the
//! place, never an empty result.

mod json;
mod xml;

use serde_json::Value;

/// Selects the items that a path names in a document, in the document's order. A blank document
/// has none.
pub(crate) fn select(document: &str, path: &str) -> Result<Vec<Value>, String> {
    if document.trim().is_empty() {
        return Ok(Vec::new());
    }
    if path.starts_with('$') {
        let document: Value = serde_json::from_str(document)
            .map_err(|e| format!("The document is not JSON, as the path {path} needs it: {e}"))?;
        return json::select(&document, path);
    }
    xml::select(document, path)
}

/// What is wrong with a path, and where.
fn wrong(path: &str, at: usize, what: &str) -> String {
    let column = path.get(..at).map_or(0, |before| before.chars().count()) + 1;
    format!("The path \"{path}\" cannot be read at column {column}: {what}.")
}

#[cfg(test)]
mod tests {
    use super::select;
    use serde_json::{Value, json};

    fn found(document: &str, path: &str) -> Value {
        select(document, path).map_or_else(Value::from, Value::from)
    }

    #[test]
    fn json_paths_select_in_order() {
        let text = r#"{"a": [1, {"n": "x", "on": true}, {"n": "y"}], "b c": {"n": "z"}}"#;
        for (path, expect) in [
            ("$.a", json!([[1, {"n": "x", "on": true}, {"n": "y"}]])),
            ("$.a[*]", json!([1, {"n": "x", "on": true}, {"n": "y"}])),
            ("$['a'][0]", json!([1])),
            ("$.a[-1].n", json!(["y"])),
            ("$.a[1:].n", json!(["x", "y"])),
            ("$.a[0:3:2]", json!([1, {"n": "y"}])),
            ("$..n", json!(["x", "y", "z"])),
            ("$[\"b c\"].n", json!(["z"])),
            ("$.a[?(@.n == 'y')].n", json!(["y"])),
            ("$.a[?(@.on)].n", json!(["x"])),
            ("$.a[?@.n != 'x'].n", json!(["y"])),
            ("$.a[0,2]", json!([1, {"n": "y"}])),
            ("$.missing[*]", json!([])),
            ("$.*", json!([[1, {"n": "x", "on": true}, {"n": "y"}], {"n": "z"}])),
        ] {
            assert_eq!(found(text, path), expect, "{path}");
        }
        assert_eq!(found("[\"a\", \"b\"]", "$[*]"), json!(["a", "b"]));
        assert_eq!(found("null", "$[*]"), json!([]));
        assert_eq!(found(" ", "$[*]"), json!([]));
    }

    #[test]
    fn xml_paths_select_in_order() {
        let text = "<list><item id='1'><n>a</n></item><item id='2'>b</item><x><item>c</item></x>\
                    </list>";
        for (path, expect) in [
            ("/list/item", json!(["<item id=\"1\"><n>a</n></item>", "b"])),
            ("//item/n", json!(["a"])),
            ("//item", json!(["<item id=\"1\"><n>a</n></item>", "b", "c"])),
            ("/list/item/@id", json!(["1", "2"])),
            ("/list/item[2]/text()", json!(["b"])),
            ("//item[@id='2']", json!(["b"])),
            ("/list/*[last()]/item", json!(["c"])),
            ("/list/item[n='a']/@id", json!(["1"])),
            ("/other/item", json!([])),
            ("item", json!(["<item id=\"1\"><n>a</n></item>", "b"])),
        ] {
            assert_eq!(found(text, path), expect, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_its_place() {
        for (text, path, says) in [
            ("{}", "$.a[", "column 5"),
            ("{}", "$.a[?(x)]", "column 7"),
            ("{}", "$a", "column 2"),
            ("<a/>", "//a[position()<3]", "column 5"),
            ("<a>", "/a", "not XML"),
            ("nope", "$[*]", "not JSON"),
        ] {
            let said = select(text, path).unwrap_err();
            assert!(said.contains(says), "{path}: {said}");
        }
    }
}
