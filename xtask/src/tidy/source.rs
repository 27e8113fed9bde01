//! A Rust file taken apart just far enough for the rules: which bytes are code, which are comment
//! and which are text of a literal, and where functions and modules stand. It knows the lexical
//! rules (nested comments, raw strings, lifetimes) and counts brackets; it does not parse.

use std::ops::Range;

/// The parts of a Rust file.
pub(crate) struct Source {
    code: String,
    comments: Vec<Piece>,
    strings: Vec<Piece>,
}

/// A comment or the text of a string literal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The line it starts on, from one.
    pub(crate) line: usize,
    /// Its text as written.
    pub(crate) text: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// From the line of `fn` to the line of its closing brace, from one, both included.
    pub(crate) lines: Range<usize>,
}

/// A module declared as `mod name;`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// The modules with a body in this file that it stands in, outermost first.
    pub(crate) within: Vec<String>,
    /// Its name.
    pub(crate) name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

impl Source {
    /// Takes a file apart.
    pub(crate) fn new(text: &str) -> Source {
        let kinds = classify(text.as_bytes());
        let code = text
            .bytes()
            .zip(&kinds)
            .map(|(byte, kind)| match kind {
                Kind::Code if byte.is_ascii() => byte as char,
                _ if byte == b'\n' => '\n',
                _ => ' ',
            })
            .collect();
        Source {
            code,
            comments: pieces(text, &kinds, Kind::Comment),
            strings: pieces(text, &kinds, Kind::Text),
        }
    }

    /// The code with every comment and literal text blanked out; lines stay where they are.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The comments in order; one that spans lines is one piece.
    pub(crate) fn comments(&self) -> &[Piece] {
        &self.comments
    }

    /// The texts of string literals in order, without their quotes.
    pub(crate) fn strings(&self) -> &[Piece] {
        &self.strings
    }

    /// The functions that have a body, in order, nested ones included.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let tokens = tokens(&self.code);
        let mut functions = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let Some(name) = tokens.get(at + 1).filter(|next| token.is("fn") && next.is_word())
            else {
                continue;
            };
            if let Some(end) = body_end(&tokens[at..]) {
                let lines = token.line..end + 1;
                functions.push(Function { name: name.text.to_owned(), lines });
            }
        }
        functions
    }

    /// The modules that stand in files of their own.
    pub(crate) fn modules(&self) -> Vec<Module> {
        let tokens = tokens(&self.code);
        let mut modules = Vec::new();
        let mut depth = 0;
        let mut within: Vec<(usize, String)> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match token.text {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    within.retain(|(opened, _)| *opened < depth + 1);
                }
                "mod" => {
                    let name = tokens.get(at + 1).map_or("", |next| next.text).to_owned();
                    match tokens.get(at + 2).map(|next| next.text) {
                        Some("{") => within.push((depth + 1, name)),
                        Some(";") => {
                            let within = within.iter().map(|(_, name)| name.clone()).collect();
                            modules.push(Module { within, name });
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        modules
    }
}

/// The line of the brace that closes a function's body, or `None` for one without a body.
/// `tokens` starts at `fn`.
fn body_end(tokens: &[Token<'_>]) -> Option<usize> {
    let mut brackets = 0usize;
    let mut braces = 0usize;
    for token in tokens {
        match token.text {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            ";" if brackets == 0 && braces == 0 => return None,
            "{" => braces += 1,
            "}" => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && brackets == 0 {
                    return Some(token.line);
                }
            }
            _ => {}
        }
    }
    None
}

struct Token<'a> {
    text: &'a str,
    line: usize,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn is_word(&self) -> bool {
        self.text.starts_with(is_word)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Words and single signs of blanked code.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, text) in code.split('\n').enumerate() {
        let line = index + 1;
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match rest.find(|c| !is_word(c)) {
                Some(0) => first.len_utf8(),
                Some(end) => end,
                None => rest.len(),
            };
            let (text, after) = rest.split_at(length);
            tokens.push(Token { text, line });
            rest = after.trim_start();
        }
    }
    tokens
}

/// The stretches of one kind as pieces.
fn pieces(text: &str, kinds: &[Kind], wanted: Kind) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = None;
    let mut line = 1;
    let mut start_line = 1;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        let inside = kinds.get(at) == Some(&wanted);
        match (inside, start) {
            (true, None) => (start, start_line) = (Some(at), line),
            (false, Some(from)) => {
                let piece = text.get(from..at).unwrap_or_default();
                pieces.push(Piece { line: start_line, text: piece.to_owned() });
                start = None;
            }
            _ => {}
        }
        line += usize::from(byte == b'\n');
    }
    pieces
}

/// The kind of every byte.
fn classify(bytes: &[u8]) -> Vec<Kind> {
    let mut kinds = vec![Kind::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let word_before = at > 0 && is_word(bytes[at - 1] as char);
        let (skip, length, kind) = if rest.starts_with(b"//") {
            (0, find(rest, b"\n").unwrap_or(rest.len()), Kind::Comment)
        } else if rest.starts_with(b"/*") {
            (0, block_comment(rest), Kind::Comment)
        } else if let Some((skip, length)) = raw_string(rest).filter(|_| !word_before) {
            (skip, length, Kind::Text)
        } else if rest[0] == b'"' {
            (1, string(&rest[1..]), Kind::Text)
        } else if let Some(length) = character(rest) {
            (1, length, Kind::Text)
        } else {
            (1, 0, Kind::Code)
        };
        kinds[at + skip..at + skip + length].fill(kind);
        // A string's closing quote is code; it must not open another string.
        let quote = usize::from(kind == Kind::Text);
        at += skip + length + quote;
    }
    kinds
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The length of a block comment, nested ones counted.
fn block_comment(bytes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// For `r"…"`, `r#"…"#` and their byte and C forms: the length before the text, and the text's.
fn raw_string(bytes: &[u8]) -> Option<(usize, usize)> {
    let prefix = [&b"r"[..], b"br", b"cr"].into_iter().find(|prefix| bytes.starts_with(prefix))?;
    let after = &bytes[prefix.len()..];
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    if after.get(hashes) != Some(&b'"') {
        return None;
    }
    let skip = prefix.len() + hashes + 1;
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let text = &bytes[skip..];
    Some((skip, find(text, &close).unwrap_or(text.len().saturating_sub(1))))
}

/// The length of a string's text up to its closing quote.
fn string(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len().saturating_sub(1)
}

/// The length of a character literal's text; `None` for a lifetime.
fn character(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'\'') {
        return None;
    }
    let text = &bytes[1..];
    if text.first() == Some(&b'\\') {
        return Some(2 + text.get(2..)?.iter().position(|byte| *byte == b'\'')?);
    }
    // A lifetime has no closing quote after its first character.
    let length = match text.first()? {
        0x00..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    };
    (text.get(length) == Some(&b'\'')).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize)> {
        let functions = Source::new(text).functions();
        functions.into_iter().map(|f| (f.name, f.lines.len())).collect()
    }

    #[test]
    fn literals_and_comments_are_blanked() {
        let source =
            Source::new("let a = \"fn x() {\"; // fn y() {\nlet b = r#\"\"{\"#; /* { /* */ { */");
        assert_eq!(source.code().lines().next().unwrap().trim_end(), "let a = \"        \";");
        assert!(!source.code().contains('{'));
        let text = |pieces: &[Piece]| -> Vec<String> {
            pieces.iter().map(|piece| piece.text.clone()).collect()
        };
        assert_eq!(text(source.strings()), ["fn x() {", "\"{"]);
        assert_eq!(text(source.comments()), ["// fn y() {", "/* { /* */ { */"]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        let source =
            Source::new("fn f<'a>(x: &'a str) { let c = '{'; let q = '\\''; let u = 'é'; }");
        assert_eq!(source.functions().len(), 1);
        assert_eq!(source.strings().len(), 3);
        assert_eq!(Source::new("b'\"' + \"x\"").strings().len(), 2);
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = concat!(
            "fn one() {}\n",
            "\n",
            "impl A {\n",
            "    fn two(\n",
            "        x: [u8; 4],\n",
            "    ) -> B\n",
            "    where\n",
            "        B: C,\n",
            "    {\n",
            "        if x { y }\n",
            "    }\n",
            "}\n",
            "trait T {\n",
            "    fn none(&self);\n",
            "}\n",
        );
        assert_eq!(names(text), [("one".to_owned(), 1), ("two".to_owned(), 8)]);
    }

    #[test]
    fn function_pointers_are_no_functions() {
        assert_eq!(names("type F = fn(u8) -> u8;\nfn real() {}\n"), [("real".to_owned(), 1)]);
    }

    #[test]
    fn modules_know_what_they_stand_in() {
        let text = "mod a;\nmod b {\n    pub mod c;\n    fn f() {}\n}\nmod d;\n// mod e;\n";
        let modules = Source::new(text).modules();
        let found: Vec<String> = modules
            .iter()
            .map(|module| [module.within.join("/"), module.name.clone()].join("/"))
            .collect();
        assert_eq!(found, ["/a", "b/c", "/d"]);
    }

    #[test]
    fn unfinished_text_does_not_panic() {
        for text in ["\"", "r#\"", "/*", "'", "'\\", "b'", "fn", "fn f(", "\"\\", "r\"x", "é'é"] {
            let source = Source::new(text);
            source.functions();
            source.modules();
        }
    }
}
