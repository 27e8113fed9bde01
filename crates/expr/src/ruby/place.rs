//! Maps offsets in the source that Prism parsed back to line and column of the text as written.

/// A stretch of the parsed source that was copied from the text.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    parsed: usize,
    original: usize,
    length: usize,
}

/// The places of a text.
#[derive(Debug, Default)]
pub(crate) struct Places {
    text: String,
    stretches: Vec<Stretch>,
}

impl Places {
    /// Returns places for a text that is parsed as it stands.
    pub(crate) fn same(text: &str) -> Places {
        let stretches = vec![Stretch { parsed: 0, original: 0, length: text.len() }];
        Places { text: text.to_owned(), stretches }
    }

    /// Returns places for a text of which stretches will be added.
    pub(crate) fn of(text: &str) -> Places {
        Places { text: text.to_owned(), stretches: Vec::new() }
    }

    /// Notes that `length` bytes at `parsed` came from `original`. Calls go from left to right.
    pub(crate) fn add(&mut self, parsed: usize, original: usize, length: usize) {
        self.stretches.push(Stretch { parsed, original, length });
    }

    /// Returns line and column, both from 1, of an offset in the parsed source. An offset between
    /// stretches belongs to the end of the one before.
    pub(crate) fn find(&self, parsed: u32) -> (u32, u32) {
        let parsed = parsed as usize;
        let after = self.stretches.partition_point(|stretch| stretch.parsed <= parsed);
        let original = match after.checked_sub(1).and_then(|index| self.stretches.get(index)) {
            Some(stretch) => stretch.original + (parsed - stretch.parsed).min(stretch.length),
            None => self.stretches.first().map_or(0, |stretch| stretch.original),
        };
        position(&self.text, original)
    }
}

/// Returns line and column, both from 1, of a byte offset.
pub(crate) fn position(text: &str, offset: usize) -> (u32, u32) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line as u32, column as u32)
}
