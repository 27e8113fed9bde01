//! What the program says on its own streams. A closed pipe is no reason to panic.

use std::io::Write;

/// Writes a line to the standard output.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes text as it is to the standard output.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes an error with its causes to the standard error.
pub fn error(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "kapok: {error:#}");
}
