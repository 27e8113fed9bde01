//! Bytes from the outside as text that can be stored and shown: valid UTF-8 without NUL.

use super::MASKED;

/// Headers of one answer that are recorded at most; hyper refuses more than this anyway.
const HEADERS_MAX: usize = 100;

/// A body as text. Bytes that are not UTF-8, and NUL (which PostgreSQL cannot store), become
/// U+FFFD; a body of which only a part was kept says so at its end.
pub fn body_text(kept: &[u8], total_bytes: usize) -> String {
    let mut text = String::from_utf8_lossy(kept).replace('\0', "\u{fffd}");
    if total_bytes > kept.len() {
        // A character cut in two would read as damage that was not there.
        while text.ends_with('\u{fffd}') {
            text.pop();
        }
        text.push_str(&format!("\n… cut: {} of {total_bytes} bytes kept", kept.len()));
    }
    text
}

/// Headers as text, sensitive values masked.
pub(crate) fn headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .take(HEADERS_MAX)
        .map(|(name, value)| {
            let value = if value.is_sensitive() {
                MASKED.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_become_storable_text() {
        assert_eq!(body_text("grün".as_bytes(), 5), "grün");
        assert_eq!(body_text(b"a\0b\xff", 4), "a\u{fffd}b\u{fffd}");
        assert_eq!(body_text(&"grü".as_bytes()[..3], 100), "gr\n… cut: 3 of 100 bytes kept");
    }
}
