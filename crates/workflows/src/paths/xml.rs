//! XPath: steps by name, wildcard, attribute and text, at any depth, with simple predicates.

use super::wrong;
use crate::definition::{Element, parse_xml, write_element};
use serde_json::Value;

/// One step of a path.
struct Step {
    descends: bool,
    test: Test,
    predicates: Vec<Predicate>,
}

enum Test {
    Name(String),
    Any,
    Attribute(String),
    Text,
    Itself,
}

enum Predicate {
    Number(usize),
    Last,
    /// `@name` or `name`, and the text it must have.
    Has(Test, Option<String>),
}

pub(super) fn select(document: &str, path: &str) -> Result<Vec<Value>, String> {
    let steps = read(path)?;
    let root = parse_xml(document)
        .map_err(|e| format!("The document is not XML, as the path {path} needs it: {e}"))?;
    // A path that begins with a name is taken from the root element, others from above it.
    let is_absolute = path.starts_with('/');
    let above = Element { children: vec![root], ..Element::default() };
    let mut found =
        vec![if is_absolute { &above } else { above.children.first().unwrap_or(&above) }];
    let mut values = None;
    for step in &steps {
        if step.descends {
            let mut all = Vec::new();
            found.into_iter().for_each(|element| descend(element, &mut all));
            found = all;
        }
        match &step.test {
            Test::Attribute(name) => {
                let texts = found.iter().filter_map(|e| e.find_attribute(name));
                values = Some(texts.map(Value::from).collect());
            }
            Test::Text => {
                let texts = found.iter().map(|e| e.text.trim()).filter(|text| !text.is_empty());
                values = Some(texts.map(Value::from).collect());
            }
            Test::Itself => {}
            Test::Name(_) | Test::Any => {
                found = found.into_iter().flat_map(|element| children(element, step)).collect();
            }
        }
    }
    Ok(values.unwrap_or_else(|| found.into_iter().map(value).collect()))
}

/// A leaf's text, or the element as XML.
fn value(element: &Element) -> Value {
    if element.children.is_empty() {
        return element.text.trim().into();
    }
    write_element(element).into()
}

fn descend<'e>(element: &'e Element, all: &mut Vec<&'e Element>) {
    all.push(element);
    element.children.iter().for_each(|child| descend(child, all));
}

fn children<'e>(element: &'e Element, step: &Step) -> Vec<&'e Element> {
    let is_named = |e: &&Element| match &step.test {
        Test::Name(name) => e.name == *name,
        _ => true,
    };
    let mut found: Vec<&Element> = element.children.iter().filter(is_named).collect();
    for predicate in &step.predicates {
        let len = found.len();
        let kept = found.into_iter().enumerate().filter(|(at, e)| match predicate {
            Predicate::Number(number) => at + 1 == *number,
            Predicate::Last => at + 1 == len,
            Predicate::Has(test, text) => has(e, test, text.as_deref()),
        });
        found = kept.map(|(_, e)| e).collect();
    }
    found
}

fn has(element: &Element, test: &Test, wanted: Option<&str>) -> bool {
    let is_wanted = |text: &str| wanted.is_none_or(|wanted| wanted == text.trim());
    match test {
        Test::Attribute(name) => element.find_attribute(name).is_some_and(is_wanted),
        Test::Name(name) => {
            element.children.iter().filter(|c| c.name == *name).any(|c| is_wanted(&c.text))
        }
        Test::Text | Test::Itself | Test::Any => is_wanted(&element.text),
    }
}

fn read(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path;
    let mut is_first = true;
    while !rest.is_empty() {
        let descends = rest.starts_with("//");
        let slashes = if descends { 2 } else { usize::from(rest.starts_with('/')) };
        if slashes == 0 && !is_first {
            return Err(wrong(path, path.len() - rest.len(), "\"/\" is missing"));
        }
        is_first = false;
        rest = rest.get(slashes..).unwrap_or_default();
        let (test, after) = test(path, rest)?;
        rest = after;
        let mut predicates = Vec::new();
        while let Some(inside) = rest.strip_prefix('[') {
            let at = path.len() - inside.len();
            let end = inside.find(']').ok_or_else(|| wrong(path, at, "\"]\" is missing"))?;
            let (text, after) = inside.split_at(end);
            predicates.push(predicate(path, at, text.trim())?);
            rest = after.get(1..).unwrap_or_default();
        }
        steps.push(Step { descends, test, predicates });
    }
    if steps.is_empty() {
        return Err(wrong(path, 0, "a name is missing"));
    }
    Ok(steps)
}

fn test<'p>(path: &str, rest: &'p str) -> Result<(Test, &'p str), String> {
    if let Some(after) = rest.strip_prefix("text()") {
        return Ok((Test::Text, after));
    }
    if let Some(after) = rest.strip_prefix('*') {
        return Ok((Test::Any, after));
    }
    if let Some(after) = rest.strip_prefix('.') {
        return Ok((Test::Itself, after));
    }
    let named = rest.strip_prefix('@').unwrap_or(rest);
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.'));
    let (name, after) = named.split_at(named.find(ends).unwrap_or(named.len()));
    if name.is_empty() {
        return Err(wrong(path, path.len() - named.len(), "a name is missing"));
    }
    // Names are compared without their prefix, as they are read.
    let name = name.rsplit(':').next().unwrap_or(name).to_owned();
    let is_attribute = named.len() != rest.len();
    Ok((if is_attribute { Test::Attribute(name) } else { Test::Name(name) }, after))
}

fn predicate(path: &str, at: usize, text: &str) -> Result<Predicate, String> {
    if let Ok(number) = text.parse() {
        return Ok(Predicate::Number(number));
    }
    if text == "last()" {
        return Ok(Predicate::Last);
    }
    let (left, right) = match text.split_once('=') {
        Some((left, right)) => (left.trim(), Some(right.trim())),
        None => (text, None),
    };
    let beyond = || wrong(path, at, "only numbers, last(), name and name='text' are understood");
    let (test, after) = test(path, left).map_err(|_| beyond())?;
    if !after.is_empty() {
        return Err(beyond());
    }
    let quoted = |text: &str| {
        ['\'', '"'].into_iter().find_map(|quote| {
            let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
            Some(inside.to_owned())
        })
    };
    let text = right.map(|right| quoted(right).ok_or_else(beyond)).transpose()?;
    Ok(Predicate::Has(test, text))
}
