//! Checks of texts that clients give.

use crate::error::{Error, Result};
use model::limits;

/// A name: not blank, not too long, without control characters.
pub(crate) fn name(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::Invalid(format!("The {what} must not be blank.")));
    }
    if text.chars().count() > limits::NAME_CHARS_MAX {
        let most = limits::NAME_CHARS_MAX;
        return Err(Error::Invalid(format!("The {what} is longer than {most} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("The {what} holds a control character.")));
    }
    Ok(text.to_owned())
}

/// A text of some length, such as a description.
pub(crate) fn long(what: &str, text: String) -> Result<String> {
    let most = limits::TEXT_CHARS_MAX;
    if text.chars().count() > most {
        return Err(Error::Invalid(format!("The {what} is longer than {most} characters.")));
    }
    Ok(text)
}
