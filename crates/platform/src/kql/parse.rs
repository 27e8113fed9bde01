//! Reads the query language; mistakes name their place.

use super::{Operator, Property, Query, Text};
use crate::Error;
use model::limits::{QUERY_CHARS_MAX, QUERY_DEPTH_MAX};

/// Reads a query.
///
/// # Errors
/// `Refused`, with what was expected and the character it was expected at, from 1.
pub fn parse(text: &str) -> Result<Query, Error> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > QUERY_CHARS_MAX {
        return Err(Error::TooLarge {
            what: "query",
            size: chars.len(),
            max: QUERY_CHARS_MAX,
            unit: "characters",
        });
    }
    let mut parser = Parser { chars: &chars, at: 0, depth: 0 };
    let query = parser.any()?;
    parser.space();
    if parser.at < chars.len() {
        return Err(parser.expected("AND, OR or the end of the query"));
    }
    Ok(query)
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Query, Error> {
        let mut parts = vec![self.all()?];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Query::Or))
    }

    fn all(&mut self) -> Result<Query, Error> {
        let mut parts = vec![self.part()?];
        while self.word("AND") {
            parts.push(self.part()?);
        }
        Ok(single(parts, Query::And))
    }

    fn part(&mut self) -> Result<Query, Error> {
        if !self.sign("(") {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > QUERY_DEPTH_MAX {
            return Err(
                self.expected(&format!("no more than {QUERY_DEPTH_MAX} nested parentheses"))
            );
        }
        let query = self.any()?;
        self.must(")")?;
        self.depth -= 1;
        Ok(query)
    }

    fn comparison(&mut self) -> Result<Query, Error> {
        let property = self.property()?;
        if self.word("IN") {
            self.must("(")?;
            let mut texts = vec![self.text()?];
            while self.sign(",") {
                texts.push(self.text()?);
            }
            self.must(")")?;
            return Ok(Query::In(property, texts));
        }
        if self.word("BETWEEN") {
            self.must("(")?;
            let from = self.text()?;
            self.must(",")?;
            let to = self.text()?;
            self.must(")")?;
            return Ok(Query::Between(property, from, to));
        }
        let operator = self.operator()?;
        Ok(Query::Compare(property, operator, self.text()?))
    }

    fn property(&mut self) -> Result<Property, Error> {
        self.space();
        let name = self.take(|c| c.is_alphanumeric() || c == '_' || c == '.');
        if name.is_empty() {
            return Err(self.expected("a property, such as coreState or values[Field]"));
        }
        if !self.sign("[") {
            return Ok(Property { name, element: None });
        }
        let element = self.take(|c| c != ']').trim().to_owned();
        self.must("]")?;
        Ok(Property { name, element: Some(element) })
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        // Longer signs come before those they begin with.
        const SIGNS: &[(&str, Operator)] = &[
            ("*=*", Operator::Contains),
            ("=*", Operator::StartsWith),
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        for (sign, operator) in SIGNS {
            if self.sign(sign) {
                return Ok(*operator);
            }
        }
        Err(self.expected("an operator: =, !=, =*, *=*, >, >=, <, <=, IN or BETWEEN"))
    }

    fn text(&mut self) -> Result<Text, Error> {
        self.space();
        if self.sign("\"") {
            return self.quoted().map(Some);
        }
        if self.word("null") {
            return Ok(None);
        }
        let bare = self.take(|c| c.is_alphanumeric() || "-_.:@+".contains(c));
        if bare.is_empty() {
            return Err(self.expected("a text in double quotes, or null"));
        }
        Ok(Some(bare))
    }

    fn quoted(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '"' => return Ok(text),
                '\\' => text.extend(self.next()),
                c => text.push(c),
            }
        }
        Err(self.expected("a closing double quote"))
    }

    /// Takes a sign, after white space.
    fn sign(&mut self, sign: &str) -> bool {
        self.space();
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let found = sign.chars().eq(rest.iter().copied().take(sign.chars().count()));
        if found {
            self.at += sign.chars().count();
        }
        found
    }

    /// Takes a word in any case, after white space; a longer word is another one.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let start = self.at;
        let taken = self.take(char::is_alphanumeric);
        let found = taken.eq_ignore_ascii_case(word);
        if !found {
            self.at = start;
        }
        found
    }

    fn must(&mut self, sign: &str) -> Result<(), Error> {
        if self.sign(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let taken: String = rest.iter().copied().take_while(|c| wanted(*c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn space(&mut self) {
        self.take(char::is_whitespace);
    }

    fn expected(&self, what: &str) -> Error {
        let place = match self.chars.get(self.at) {
            Some(c) => format!("at character {}, before \"{c}\"", self.at + 1),
            None => "at its end".to_owned(),
        };
        Error::refused(format!("The query cannot be read {place}: expected {what}"))
    }
}

fn single(mut parts: Vec<Query>, several: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => several(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_and_quotes() {
        let query = parse(r#"a = "x \"y\" \\" OR b[c d] != null AND e =* 2019-01"#).unwrap();
        let name = |name: &str, element: Option<&str>| Property {
            name: name.to_owned(),
            element: element.map(str::to_owned),
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            query,
            Query::Or(vec![
                Query::Compare(name("a", None), Operator::Equal, text(r#"x "y" \"#)),
                Query::And(vec![
                    Query::Compare(name("b", Some("c d")), Operator::NotEqual, None),
                    Query::Compare(name("e", None), Operator::StartsWith, text("2019-01")),
                ]),
            ])
        );
    }

    #[test]
    fn mistakes_name_their_place() {
        let check = |text: &str, expect: &str| {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("", "at its end: expected a property");
        check("a", "at its end: expected an operator");
        check("a ~ \"b\"", "at character 3, before \"~\": expected an operator");
        check("a = \"b", "at its end: expected a closing double quote");
        check("a = ", "at its end: expected a text in double quotes, or null");
        check("a = \"b\" c", "at character 9, before \"c\": expected AND, OR or the end");
        check("(a = 1", "at its end: expected )");
        check("a IN (1, 2", "at its end: expected )");
        check("a BETWEEN (1)", "at character 13, before \")\": expected ,");
        check("values[x = 1", "at its end: expected ]");
        check(&"(".repeat(60), "expected no more than 50 nested parentheses");
        check(&"x".repeat(10_001), "10001 characters long, more than the limit of 10000");
    }
}
