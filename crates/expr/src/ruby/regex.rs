//! Ruby's regular expressions on `fancy-regex`: the dialect is translated, backtracking bounded.

use std::fmt::Write as _;

use crate::limits::RUBY_BACKTRACK_MAX;

/// A compiled regular expression.
#[derive(Debug)]
pub(crate) struct Regex {
    /// The source as Ruby shows it.
    pub(crate) source: String,
    /// Ruby's options, a subset of `mix` in that order.
    pub(crate) flags: &'static str,
    pub(crate) compiled: fancy_regex::Regex,
}

/// Names a set of options as Ruby prints it.
pub(crate) fn flags(ignore_case: bool, extended: bool, multi_line: bool) -> &'static str {
    match (multi_line, ignore_case, extended) {
        (false, false, false) => "",
        (true, false, false) => "m",
        (false, true, false) => "i",
        (false, false, true) => "x",
        (true, true, false) => "mi",
        (true, false, true) => "mx",
        (false, true, true) => "ix",
        (true, true, true) => "mix",
    }
}

impl Regex {
    /// Compiles a source with options.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub(crate) fn new(source: &str, flags: &'static str) -> Result<Regex, String> {
        let mut translated = String::from("(?m");
        if flags.contains('m') {
            translated.push('s');
        }
        translated.extend(flags.chars().filter(|flag| matches!(flag, 'i' | 'x')));
        translated.push(')');
        translate(source, &mut translated);
        let compiled = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(RUBY_BACKTRACK_MAX)
            .delegate_size_limit(1 << 20)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Regex { source: source.to_owned(), flags, compiled })
    }

    /// Returns the source of this expression as part of another, as `Regexp#to_s` does.
    pub(crate) fn embedded(&self) -> String {
        let off: String = "mix".chars().filter(|flag| !self.flags.contains(*flag)).collect();
        let dash = if off.is_empty() { "" } else { "-" };
        format!("(?{}{dash}{off}:{})", self.flags, self.source)
    }
}

/// Escapes what has a meaning in a regular expression, as `Regexp.escape` does.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{c}' => escaped.push_str("\\f"),
            '\u{b}' => escaped.push_str("\\v"),
            ' ' | '#' | '$' | '(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^'
            | '{' | '|' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

fn translate(source: &str, out: &mut String) {
    let chars: Vec<char> = source.chars().collect();
    let mut at = 0;
    let mut class_depth = 0_usize;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        match (c, next) {
            ('\\', Some(escaped)) => {
                translate_escape(escaped, class_depth > 0, out);
                at += 1;
            }
            ('[', Some(':')) if class_depth > 0 => match posix_class(&chars[at..]) {
                Some((class, length)) => {
                    out.push_str(&class);
                    at += length - 1;
                }
                None => out.push('['),
            },
            ('[', _) => {
                class_depth += 1;
                out.push('[');
                if next == Some('^') {
                    out.push('^');
                    at += 1;
                }
                // A bracket right after the opening one is a literal.
                if chars.get(at + 1) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            (']', _) if class_depth > 0 => {
                class_depth -= 1;
                out.push(']');
            }
            ('(', Some('?')) if class_depth == 0 => at += translate_group(&chars[at..], out) - 1,
            ('{', _) if class_depth == 0 => translate_brace(&chars[at..], out),
            _ => out.push(c),
        }
        at += 1;
    }
}

fn translate_escape(escaped: char, in_class: bool, out: &mut String) {
    match escaped {
        'h' => out.push_str("[0-9a-fA-F]"),
        'H' => out.push_str("[^0-9a-fA-F]"),
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[a-zA-Z0-9_]"),
        'W' => out.push_str("[^a-zA-Z0-9_]"),
        's' => out.push_str("[ \\t\\r\\n\\f\\x0b]"),
        'S' => out.push_str("[^ \\t\\r\\n\\f\\x0b]"),
        'Z' => out.push_str("(?=\\n?\\z)"),
        'R' => out.push_str("(?:\\r\\n|[\\n\\r\\f\\x0b\\x{85}\\x{2028}\\x{2029}])"),
        'e' => out.push_str("\\x1b"),
        'b' if in_class => out.push_str("\\x08"),
        '/' | '"' | '\'' | ',' | ':' | ';' | '=' | '@' | '%' | '!' | '`' | '<' | '>' | '_' => {
            out.push(escaped);
        }
        c if c.is_ascii() => {
            out.push('\\');
            out.push(c);
        }
        c => out.push(c),
    }
}

/// Translates `[:name:]` inside a class; returns it with the length of its source.
fn posix_class(chars: &[char]) -> Option<(String, usize)> {
    let text: String = chars.iter().take(14).collect();
    let end = text.find(":]")?;
    let (negated, name) = match text.get(2..end)?.strip_prefix('^') {
        Some(name) => ("^", name),
        None => ("", text.get(2..end)?),
    };
    let members = match name {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "\\p{Nd}",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\s",
        "blank" => " \\t",
        "punct" => "\\p{P}$+<=>^`|~",
        "word" => "\\w",
        "xdigit" => "0-9a-fA-F",
        "cntrl" => "\\p{Cc}",
        "print" => "\\P{C}",
        "graph" => "\\P{C}&&\\S",
        _ => return None,
    };
    Some((format!("[{negated}{members}]"), end + 2))
}

/// Translates what follows `(?`; returns how many characters were used.
fn translate_group(chars: &[char], out: &mut String) -> usize {
    if chars.get(2) == Some(&'#') {
        return chars.iter().position(|&c| c == ')').map_or(chars.len(), |end| end + 1);
    }
    let length = chars.iter().skip(2).take_while(|c| matches!(c, 'm' | 'i' | 'x' | '-')).count();
    let flags: String = chars.iter().skip(2).take(length).collect();
    // Ruby's m lets the dot match line ends, which is s elsewhere.
    let _ = write!(out, "(?{}", flags.replace('m', "s").trim_end_matches('-'));
    2 + length
}

/// Writes a brace, escaped when it begins no repetition.
fn translate_brace(chars: &[char], out: &mut String) {
    let body: String = chars.iter().skip(1).take_while(|&&c| c != '}').collect();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let closed = chars.len() > body.chars().count() + 1;
    match body.split_once(',') {
        Some(("", most)) if closed && !most.is_empty() && digits(most) => out.push_str("{0"),
        Some((least, most)) if closed && !least.is_empty() && digits(least) && digits(most) => {
            out.push('{');
        }
        None if closed && !body.is_empty() && digits(&body) => out.push('{'),
        _ => out.push_str("\\{"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialect_is_translated() {
        let check = |source: &str, text: &str, expect: Option<&str>| {
            let regex = Regex::new(source, "").unwrap_or_else(|error| panic!("{source}: {error}"));
            let found = regex.compiled.find(text).unwrap();
            assert_eq!(found.map(|found| found.as_str()), expect, "{source}");
        };
        check(r"\h+", "xyz0fg", Some("0f"));
        check(r"[\w-.]+", "a-b.c d", Some("a-b.c"));
        check(r"^b$", "a\nb\nc", Some("b"));
        check(r"b\Z", "a\nb\n", Some("b"));
        check(r"\Ab", "a\nb", None);
        check(r"[[:alpha:]]+", "1äb2", Some("äb"));
        check(r"[^[:space:]]+", " ab ", Some("ab"));
        check(r"(?<y>\d{4})-\k<y>", "2024-2024", Some("2024-2024"));
        check(r"a{,2}b", "aaab", Some("aab"));
        check(r"{x}", "a{x}", Some("{x}"));
        check(r"[]a]+", "b]a", Some("]a"));
        check(r"(?m:a.b)", "a\nb", Some("a\nb"));
        check(r"\/a\_b", "/a_b", Some("/a_b"));
        check(r"(?#note)a", "a", Some("a"));
    }
}
