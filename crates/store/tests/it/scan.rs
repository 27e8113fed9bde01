//! Finds every statement in this crate's sources, so that none can be forgotten.
//!
//! A statement is the text in `Sql::both("…")` or `Sql::per("…", "…")`: a literal or a `concat!` of
//! literals, also when a small macro of the crate makes it from literals.

use std::path::{Path, PathBuf};

/// A statement and where it stands.
pub(crate) struct Found {
    pub(crate) place: String,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
}

/// A `macro_rules!` over literals: one arm, `($a:literal, …) => { body }`.
#[derive(Clone)]
struct Macro {
    name: String,
    parameters: Vec<String>,
    body: String,
}

/// Every statement of the crate. Panics at one whose text cannot be read.
pub(crate) fn statements() -> Vec<Found> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    // These put texts together instead of holding them; what they make runs in other tests.
    files.retain(|file| !file.ends_with("db/sql.rs") && !file.ends_with("src/rows.rs"));
    let sources: Vec<String> = files.iter().map(|file| code(file)).collect();
    let shared: Vec<Macro> =
        files.iter().zip(&sources).flat_map(|(file, source)| qualified(file, source)).collect();
    let mut found = Vec::new();
    for (file, source) in files.iter().zip(&sources) {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        let (own, rest) = macros(source);
        // `users::columns!` first, for `columns!` is a part of it.
        let known = [&shared[..], &own[..]].concat();
        in_source(&name, &expand(&rest, &known), &mut found);
    }
    found
}

/// The macros of a file as other files call them: `users::columns`.
fn qualified(file: &Path, source: &str) -> Vec<Macro> {
    let module = file.file_stem().unwrap().to_string_lossy();
    let mut found = macros(source).0;
    for one in &mut found {
        one.name = format!("{module}::{}", one.name);
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// The file without its comments and its unit tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The macros of a source, and the source without them.
fn macros(source: &str) -> (Vec<Macro>, String) {
    let (mut found, mut rest, mut from) = (Vec::new(), String::new(), 0);
    for (start, opening) in source.match_indices("macro_rules!") {
        if start < from {
            continue;
        }
        let head = &source[start + opening.len()..];
        let open = start + opening.len() + head.find('{').unwrap();
        let end = closing(source, open);
        rest.push_str(&source[from..start]);
        from = end + 1;
        let name = head[..head.find('{').unwrap()].trim().to_owned();
        let Some((parameters, body)) = source[open + 1..end].split_once("=>") else { continue };
        let parameters = parameters
            .split('$')
            .skip(1)
            .map(|p| format!("${}", p.split(':').next().unwrap().trim()))
            .collect();
        let body_open = body.find('{').unwrap();
        let body = body[body_open + 1..closing(body, body_open)].to_owned();
        found.push(Macro { name, parameters, body });
    }
    rest.push_str(&source[from..]);
    (found, rest)
}

/// Where the bracket at `open` is closed, string literals apart.
fn closing(source: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    let mut rest = &source[open..];
    loop {
        let c = rest.chars().next().expect("brackets are closed");
        if c == '"' && literal(&mut rest).is_some() {
            continue;
        }
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return source.len() - rest.len();
        }
        rest = &rest[c.len_utf8()..];
    }
}

/// Replaces calls of the macros by their bodies, again in the result.
fn expand(source: &str, known: &[Macro]) -> String {
    let mut out = source.to_owned();
    for _round in 0..2 {
        for one in known {
            let call = format!("{}!(", one.name);
            let mut from = 0;
            while let Some(at) = out[from..].find(&call).map(|at| at + from) {
                let open = at + call.len() - 1;
                let end = closing(&out, open);
                let arguments = arguments(&out[open + 1..end]);
                if arguments.len() != one.parameters.len() {
                    from = end;
                    continue;
                }
                let mut body = one.body.clone();
                for (parameter, argument) in one.parameters.iter().zip(&arguments) {
                    body = body.replace(parameter.as_str(), argument);
                }
                out.replace_range(at..=end, &body);
                from = at + body.len();
            }
        }
    }
    out
}

/// Splits at the commas between literals.
fn arguments(list: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), list.trim());
    while !rest.is_empty() {
        let before = rest;
        while !rest.is_empty() && !rest.starts_with(',') {
            if !rest.starts_with('"') || literal(&mut rest).is_none() {
                rest = &rest[rest.chars().next().unwrap().len_utf8()..];
            }
        }
        found.push(before[..before.len() - rest.len()].trim().to_owned());
        rest = rest.trim_start_matches(',').trim();
    }
    found
}

fn in_source(name: &str, source: &str, found: &mut Vec<Found>) {
    for (start, opening) in source.match_indices("Sql::both(") {
        let place = format!("{name}, statement {}", found.len());
        let mut rest = &source[start + opening.len()..];
        let text = text(&mut rest).unwrap_or_else(|| panic!("{place}: not a literal"));
        found.push(Found { place, sqlite: text.clone(), postgres: text });
    }
    for (start, opening) in source.match_indices("Sql::per(") {
        let place = format!("{name}, statement {}", found.len());
        let mut rest = &source[start + opening.len()..];
        let mut next = || {
            let text = text(&mut rest).unwrap_or_else(|| panic!("{place}: not a literal"));
            rest = rest.trim_start().trim_start_matches(',');
            text
        };
        let (sqlite, postgres) = (next(), next());
        found.push(Found { place, sqlite, postgres });
    }
}

/// Reads a literal or a `concat!`, and moves behind it.
fn text(rest: &mut &str) -> Option<String> {
    *rest = rest.trim_start();
    let Some(inside) = rest.strip_prefix("concat!(") else { return literal(rest) };
    *rest = inside;
    let mut whole = String::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            *rest = after;
            return Some(whole);
        }
        whole.push_str(&text(rest)?);
        *rest = rest.trim_start().trim_start_matches(',');
    }
}

fn literal(rest: &mut &str) -> Option<String> {
    if let Some(after) = rest.strip_prefix("r#\"") {
        let (text, after) = after.split_once("\"#")?;
        *rest = after;
        return Some(text.to_owned());
    }
    let mut out = String::new();
    let mut chars = rest.strip_prefix('"')?.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &rest[i + 2..];
                return Some(out);
            }
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                '\n' => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                other => out.push(other),
            },
            c => out.push(c),
        }
    }
    None
}
