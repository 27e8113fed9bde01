//! The template compiler: from ERB text to one Ruby program, so that statements may span tags.
//!
//! Trim mode is `-`: `-%>` swallows the line end after it, `<%-` the blanks before it. Every
//! stretch of Ruby is copied, and its place remembered, so that a mistake is reported where it
//! stands in the template.

use super::place::{Places, position};
use super::{Problem, Problems};

/// The call that a literal text becomes; its argument is the text's number.
pub(crate) const TEXT: &str = "kapok_erb_text__";
/// The call that a `<%= %>` tag becomes.
pub(crate) const OUTPUT: &str = "kapok_erb_output__";

/// A template as a Ruby program.
pub(crate) struct Translated {
    pub(crate) source: String,
    pub(crate) places: Places,
    pub(crate) texts: Vec<String>,
}

/// Translates a template.
///
/// # Errors
/// A tag without its end.
pub(crate) fn translate(template: &str) -> Result<Translated, Problems> {
    let mut translated =
        Translated { source: String::new(), places: Places::of(template), texts: Vec::new() };
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = template[at..].find("<%") {
        let tag = at + found;
        literal.push_str(&template[at..tag]);
        let inside = tag + 2;
        if template[inside..].starts_with('%') {
            literal.push_str("<%");
            at = inside + 1;
            continue;
        }
        let Some((code_end, after)) = tag_end(template, inside) else {
            let (line, column) = position(template, tag);
            let message = "the tag <% has no %>".to_owned();
            return Err(Problems(vec![Problem { message, line, column }]));
        };
        at = after;
        let code = &template[inside..code_end];
        let (kind, code, shift) = match code.as_bytes().first() {
            Some(b'=') => ('=', &code[1..], 1),
            Some(b'#') => ('#', "", 0),
            Some(b'-') => {
                trim_blanks(&mut literal);
                ('-', &code[1..], 1)
            }
            _ => (' ', code, 0),
        };
        let code = match code.strip_suffix('-') {
            Some(code) => {
                at += line_end(&template[at..]);
                code
            }
            None => code,
        };
        translated.text(&mut literal);
        match kind {
            '=' => translated.output(code, inside + shift),
            '#' => {}
            _ => translated.code(code, inside + shift),
        }
        // A comment's trim mark stands in the part that was dropped above.
        if kind == '#' && template[inside..code_end].ends_with('-') {
            at += line_end(&template[at..]);
        }
    }
    literal.push_str(&template[at..]);
    translated.text(&mut literal);
    Ok(translated)
}

/// Finds where a tag's code ends and where the text goes on. `%%>` does not end a tag.
fn tag_end(template: &str, from: usize) -> Option<(usize, usize)> {
    let mut search = from;
    loop {
        let end = search + template.get(search..)?.find("%>")?;
        if end > from && template.as_bytes().get(end - 1) == Some(&b'%') {
            search = end + 2;
            continue;
        }
        return Some((end, end + 2));
    }
}

fn line_end(text: &str) -> usize {
    match text {
        _ if text.starts_with("\r\n") => 2,
        _ if text.starts_with('\n') => 1,
        _ => 0,
    }
}

/// Drops the blanks since the last line end, when there is nothing else on the line.
fn trim_blanks(literal: &mut String) {
    let kept = literal.trim_end_matches([' ', '\t']).len();
    if kept == 0 || literal[..kept].ends_with('\n') {
        literal.truncate(kept);
    }
}

impl Translated {
    fn text(&mut self, literal: &mut String) {
        if !literal.is_empty() {
            let number = self.texts.len();
            self.source.push_str(&format!("{TEXT} {number};"));
            self.texts.push(std::mem::take(literal));
        }
    }

    fn output(&mut self, code: &str, original: usize) {
        if code.trim().is_empty() {
            return;
        }
        self.source.push_str(&format!("{OUTPUT}(("));
        self.copy(code, original);
        self.source.push_str("\n));");
    }

    fn code(&mut self, code: &str, original: usize) {
        self.copy(code, original);
        self.source.push('\n');
    }

    fn copy(&mut self, code: &str, original: usize) {
        let mut done = 0;
        for (escape, _) in code.match_indices("%%>") {
            let part = &code[done..escape];
            self.places.add(self.source.len(), original + done, part.len());
            self.source.push_str(part);
            self.source.push_str("%>");
            done = escape + 3;
        }
        self.places.add(self.source.len(), original + done, code.len() - done);
        self.source.push_str(&code[done..]);
    }
}
