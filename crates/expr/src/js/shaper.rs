//! Payload templates: a JavaScript expression whose value becomes the body of a request.

use super::{Bindings, Error, Kind, Program, engine};

/// A payload template.
#[derive(Debug, Clone)]
pub struct Shaper {
    program: Program,
}

/// What a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shaped {
    /// A text, to be sent as it is.
    Text(String),
    /// Anything else, as JSON.
    Json(String),
}

impl Shaped {
    /// The body as text.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}

impl Shaper {
    /// Checks a template.
    ///
    /// # Errors
    /// [`Kind::Syntax`] with the place when the text is blank or not JavaScript.
    pub fn compile(text: &str) -> Result<Shaper, Error> {
        if text.trim().is_empty() {
            return Err(Error::new(Kind::Syntax, "the template is blank"));
        }
        Ok(Shaper { program: Program::compile(text)? })
    }

    /// Evaluates the template for one event, within the limits of every evaluation.
    ///
    /// # Errors
    /// What the expression throws, [`Kind::Limit`], and [`Kind::Empty`] when its value has no
    /// JSON: undefined, a function, a symbol.
    pub fn shape(&self, bindings: &Bindings) -> Result<Shaped, Error> {
        engine::shape(&self.program, bindings)?
            .ok_or_else(|| Error::new(Kind::Empty, "the template gave nothing that can be sent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_bodies() {
        let event = Bindings::new(json!({"values": {"A": "grün", "N": [1, 2]}}));
        let shape = |text: &str| Shaper::compile(text).and_then(|shaper| shaper.shape(&event));
        let json = |text: &str| Ok(Shaped::Json(text.to_owned()));
        assert_eq!(shape("({a: values('A')})"), json("{\"a\":\"grün\"}"));
        assert_eq!(shape("{a: values('N')}"), json("{\"a\":[1,2]}"));
        assert_eq!(shape("({...values})"), json("{\"A\":\"grün\",\"N\":[1,2]}"));
        assert_eq!(shape("null"), json("null"));
        assert_eq!(shape("`a=${values('A')}`"), Ok(Shaped::Text("a=grün".to_owned())));
        let kind = |text: &str| shape(text).unwrap_err().kind;
        assert_eq!(kind("undefined"), Kind::Empty);
        assert_eq!(kind("(() => 1)"), Kind::Empty);
        assert_eq!(kind("missing.member"), Kind::Thrown);
        assert_eq!(kind("(() => { const a = {}; a.a = a; return a; })()"), Kind::Thrown);
        assert_eq!(kind("(() => { for (;;) {} })()"), Kind::Limit);
        assert_eq!(kind("'x'.repeat(1e6)"), Kind::Thrown);
        assert_eq!(kind("({a: 1"), Kind::Syntax);
        assert_eq!(kind(" "), Kind::Syntax);
    }
}
