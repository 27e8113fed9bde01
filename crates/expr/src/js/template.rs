//! Texts with `${…}` parts: webhook URLs and submission labels.

use std::sync::Arc;

use super::{Bindings, Error, Kind, Program, engine};

/// A text whose `${…}` parts are JavaScript expressions.
#[derive(Debug, Clone)]
pub struct Template {
    parts: Arc<[Part]>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Script { program: Program, line: u32, column: u32 },
}

impl Template {
    /// Checks a template. Everything outside `${…}` is literal; a `}` inside strings, nested
    /// braces, comments and template literals does not end a part.
    ///
    /// # Errors
    /// [`Kind::Syntax`] when a part has no end, is blank or is not JavaScript; the place counts
    /// in the whole template.
    pub fn compile(text: &str) -> Result<Template, Error> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let offset = text.len() - rest.len() + start + 2;
            let (literal, script) = (&rest[..start], &rest[start + 2..]);
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (line, column) = position(text, offset);
            let place = |error| shift(error, line, column);
            let length = script_length(script)
                .ok_or_else(|| place(Error::new(Kind::Syntax, "a ${ has no matching }")))?;
            let script_text = &script[..length];
            if script_text.trim().is_empty() {
                return Err(place(Error::new(Kind::Syntax, "a ${} has no expression")));
            }
            let program = Program::compile(script_text).map_err(place)?;
            parts.push(Part::Script { program, line, column });
            rest = &script[length + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Template { parts: parts.into() })
    }

    /// Tells whether the template has no `${…}` part.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// Renders a label: values as text, arrays joined with commas, null and undefined as nothing.
    ///
    /// # Errors
    /// What an expression throws, and [`Kind::Limit`].
    pub fn render(&self, bindings: &Bindings) -> Result<String, Error> {
        self.fill(bindings, |_, _, text| Ok(text.unwrap_or_default()))
    }

    /// Renders a URL. Literal parts stay as they are; inserted text is percent-encoded for a path
    /// segment or a query value (all but letters, digits and `-._~`), so `" > "` becomes
    /// `%20%3E%20`. Only a part that opens the URL may bring `scheme://host/path` with it: there,
    /// what a URL may contain is kept.
    ///
    /// # Errors
    /// What an expression throws, [`Kind::Limit`], and [`Kind::Empty`], which names the
    /// expression, when a part gives null, undefined or an empty array.
    pub fn render_url(&self, bindings: &Bindings) -> Result<String, Error> {
        self.fill(bindings, |program, opens, text| match text {
            Some(text) if opens => Ok(encode(&text, b"-._~:/?#[]@!$&'()*+,;=%")),
            Some(text) => Ok(encode(&text, b"-._~")),
            None => {
                let message = format!("${{{}}} gave nothing to insert", program.text);
                Err(Error::new(Kind::Empty, message))
            }
        })
    }

    fn fill(
        &self,
        bindings: &Bindings,
        insert: impl Fn(&Program, bool, Option<String>) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let mut rendered = String::new();
        for part in self.parts.iter() {
            match part {
                Part::Literal(text) => rendered.push_str(text),
                Part::Script { program, line, column } => {
                    let text = engine::text(program, bindings)
                        .and_then(|text| insert(program, rendered.is_empty(), text));
                    rendered.push_str(&text.map_err(|error| shift(error, *line, *column))?);
                }
            }
        }
        Ok(rendered)
    }
}

/// Moves the place of an error from a part to the whole template.
fn shift(mut error: Error, line: u32, column: u32) -> Error {
    if error.line == 1 {
        error.column += column - 1;
    }
    error.line += line - 1;
    error
}

/// Returns line and column, both from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line as u32, column as u32)
}

/// Percent-encodes all but ASCII letters, digits and the bytes in `kept`.
pub fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Braces,
    Quote(u8),
    Backquote,
}

/// Returns the length of the script before the `}` that ends it.
fn script_length(script: &str) -> Option<usize> {
    let bytes = script.as_bytes();
    let mut stack = vec![Inside::Braces];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        match (*stack.last()?, byte) {
            (Inside::Quote(_) | Inside::Backquote, b'\\') => at += 1,
            (Inside::Quote(quote), _) => {
                if byte == quote {
                    stack.pop();
                }
            }
            (Inside::Backquote, b'`') => {
                stack.pop();
            }
            (Inside::Backquote, b'$') if next == Some(b'{') => {
                stack.push(Inside::Braces);
                at += 1;
            }
            (Inside::Backquote, _) => {}
            (Inside::Braces, b'\'' | b'"') => stack.push(Inside::Quote(byte)),
            (Inside::Braces, b'`') => stack.push(Inside::Backquote),
            (Inside::Braces, b'{') => stack.push(Inside::Braces),
            (Inside::Braces, b'}') => {
                stack.pop();
                if stack.is_empty() {
                    return Some(at);
                }
            }
            (Inside::Braces, b'/') if next == Some(b'/') => at = skip(script, at, "\n")?,
            (Inside::Braces, b'/') if next == Some(b'*') => at = skip(script, at + 2, "*/")? + 1,
            (Inside::Braces, b'/') if opens_regex(&script[..at]) => at = regex_end(bytes, at)?,
            (Inside::Braces, _) => {}
        }
        at += 1;
    }
    None
}

fn skip(script: &str, from: usize, end: &str) -> Option<usize> {
    Some(from + script.get(from..)?.find(end)?)
}

/// Tells whether a slash after `before` starts a regular expression rather than divides.
fn opens_regex(before: &str) -> bool {
    match before.trim_end().bytes().last() {
        None => true,
        Some(last) => b"(,=:[!&|?{};+-*%<>~^".contains(&last),
    }
}

fn regex_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    let mut class = false;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Some(at),
            b'\n' => return None,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_end_at_their_own_brace() {
        let check = |script: &str, expect: Option<usize>| {
            assert_eq!(script_length(script), expect, "{script}");
        };
        check("a}", Some(1));
        check("'}'}", Some(3));
        check("\"\\\"}\"}", Some(5));
        check("{a: {}}.a}", Some(9));
        check("`${'}'}}`}", Some(9));
        check("/[/}]/.test(a)}", Some(14));
        check("a / b}", Some(5));
        check("a /* } */}", Some(9));
        check("a // }\n}", Some(7));
        check("a", None);
        check("'a}", None);
    }
}
