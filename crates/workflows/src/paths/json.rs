//! JSONPath: names, indices, slices, unions, wildcards, descent and simple filters.

use super::wrong;
use serde_json::Value;

/// One part of a path.
enum Part {
    Names(Vec<String>),
    Indices(Vec<i64>),
    Slice(Option<i64>, Option<i64>, i64),
    All,
    Filter(Filter),
}

/// `@.a.b op literal`, or whether `@.a.b` is there.
struct Filter {
    names: Vec<String>,
    test: Option<(Test, Value)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Test {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

pub(super) fn select(document: &Value, path: &str) -> Result<Vec<Value>, String> {
    let mut reader = Reader { path, at: 1 };
    let mut found = vec![document];
    while let Some((descends, part)) = reader.part()? {
        if descends {
            let mut all = Vec::new();
            found.into_iter().for_each(|value| descend(value, &mut all));
            found = all;
        }
        found = found.into_iter().flat_map(|value| children(value, &part)).collect();
    }
    Ok(found.into_iter().cloned().collect())
}

/// A value and everything in it.
fn descend<'v>(value: &'v Value, all: &mut Vec<&'v Value>) {
    all.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(item, all)),
        Value::Object(members) => members.values().for_each(|member| descend(member, all)),
        _ => {}
    }
}

fn children<'v>(value: &'v Value, part: &Part) -> Vec<&'v Value> {
    match part {
        Part::Names(names) => names.iter().filter_map(|name| value.get(name)).collect(),
        Part::Indices(indices) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            indices.iter().filter_map(|index| items.get(place(*index, items.len())?)).collect()
        }
        Part::Slice(from, to, by) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let bound = |index: i64| place(index, items.len()).unwrap_or_default();
            let from = from.map_or(0, bound);
            let to = to.map_or(items.len(), bound).min(items.len());
            let by = usize::try_from(*by).unwrap_or(1).max(1);
            items.get(from..to).unwrap_or_default().iter().step_by(by).collect()
        }
        Part::All => all(value).collect(),
        Part::Filter(filter) => all(value).filter(|item| filter.holds(item)).collect(),
    }
}

fn all(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// An index from the start; negative ones count from the end.
fn place(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

impl Filter {
    fn holds(&self, item: &Value) -> bool {
        let found = self.names.iter().try_fold(item, |value, name| value.get(name));
        let Some((test, wanted)) = &self.test else {
            return found.is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
        };
        let found = found.unwrap_or(&Value::Null);
        let order = match (found, wanted) {
            (Value::Number(a), Value::Number(b)) => {
                a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b))
            }
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (a, b) if a == b => Some(std::cmp::Ordering::Equal),
            _ => None,
        };
        match test {
            Test::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
            Test::Unequal => !order.is_some_and(std::cmp::Ordering::is_eq),
            Test::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Test::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
            Test::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
            Test::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

struct Reader<'p> {
    path: &'p str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.path.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &str) -> bool {
        let eats = self.rest().starts_with(token);
        if eats {
            self.at += token.len();
        }
        eats
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn wrong(&self, what: &str) -> String {
        wrong(self.path, self.at, what)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        self.spaces();
        if self.eat(token) { Ok(()) } else { Err(self.wrong(&format!("\"{token}\" is missing"))) }
    }

    /// The next part, and whether it is looked for at any depth.
    fn part(&mut self) -> Result<Option<(bool, Part)>, String> {
        if self.rest().trim().is_empty() {
            return Ok(None);
        }
        let descends = self.eat("..");
        let part = if self.eat("[") {
            self.bracket()?
        } else {
            if !descends && !self.eat(".") {
                return Err(self.wrong("\".\" or \"[\" is missing"));
            }
            if self.eat("*") { Part::All } else { Part::Names(vec![self.name()?]) }
        };
        Ok(Some((descends, part)))
    }

    fn name(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '$');
        let name = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(self.wrong("a name is missing"));
        }
        self.at += name.len();
        Ok(name)
    }

    fn bracket(&mut self) -> Result<Part, String> {
        self.spaces();
        let part = if self.eat("*") {
            Part::All
        } else if self.eat("?") {
            Part::Filter(self.filter()?)
        } else if self.rest().starts_with(['\'', '"']) {
            let mut names = vec![self.quoted()?];
            self.spaces();
            while self.eat(",") {
                self.spaces();
                names.push(self.quoted()?);
                self.spaces();
            }
            Part::Names(names)
        } else {
            self.numbers()?
        };
        self.expect("]")?;
        Ok(part)
    }

    fn quoted(&mut self) -> Result<String, String> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Err(self.wrong("a quoted text is missing"));
        };
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(self.wrong("the quoted text does not end"))
    }

    fn number(&mut self) -> Option<i64> {
        self.spaces();
        let rest = self.rest();
        let ends = |(at, c): (usize, char)| !(c.is_ascii_digit() || at == 0 && c == '-');
        let end = rest.char_indices().find(|found| ends(*found)).map_or(rest.len(), |(at, _)| at);
        let number = rest.get(..end)?.parse().ok()?;
        self.at += end;
        Some(number)
    }

    /// `0`, `0,2`, `1:`, `:3`, `::2`.
    fn numbers(&mut self) -> Result<Part, String> {
        let first = self.number();
        self.spaces();
        if self.eat(":") {
            let to = self.number();
            self.spaces();
            let by = if self.eat(":") { self.number().unwrap_or(1) } else { 1 };
            if by < 1 {
                return Err(self.wrong("the step of a slice is at least 1"));
            }
            return Ok(Part::Slice(first, to, by));
        }
        let missing = "an index, a quoted name, * or a filter is missing";
        let mut indices = vec![first.ok_or_else(|| self.wrong(missing))?];
        while self.eat(",") {
            indices.push(self.number().ok_or_else(|| self.wrong(missing))?);
            self.spaces();
        }
        Ok(Part::Indices(indices))
    }

    fn filter(&mut self) -> Result<Filter, String> {
        self.spaces();
        let in_parentheses = self.eat("(");
        self.spaces();
        if !self.eat("@") {
            return Err(self.wrong("a filter compares @.name with a value"));
        }
        let mut names = Vec::new();
        loop {
            if self.eat(".") {
                names.push(self.name()?);
            } else if self.eat("[") {
                names.push(self.quoted()?);
                self.expect("]")?;
            } else {
                break;
            }
        }
        self.spaces();
        const TESTS: [(&str, Test); 6] = [
            ("==", Test::Equal),
            ("!=", Test::Unequal),
            ("<=", Test::LessOrEqual),
            (">=", Test::GreaterOrEqual),
            ("<", Test::Less),
            (">", Test::Greater),
        ];
        let test = TESTS.into_iter().find(|(token, _)| self.eat(token));
        let test = match test {
            Some((_, test)) => Some((test, self.literal()?)),
            None => None,
        };
        if in_parentheses {
            self.expect(")")?;
        }
        Ok(Filter { names, test })
    }

    fn literal(&mut self) -> Result<Value, String> {
        self.spaces();
        if self.rest().starts_with(['\'', '"']) {
            return self.quoted().map(Value::from);
        }
        let rest = self.rest();
        let end = rest.find([')', ']', ' ']).unwrap_or(rest.len());
        let value = rest.get(..end).and_then(|text| serde_json::from_str(text).ok());
        let value = value.ok_or_else(|| self.wrong("a text in quotes or a number is missing"))?;
        self.at += end;
        Ok(value)
    }
}
