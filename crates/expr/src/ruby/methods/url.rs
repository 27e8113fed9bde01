//! Encoding for URLs and HTML: `ERB::Util`, `CGI`, `URI`.

use super::super::inspect;
use super::super::interp::{Args, Found, Interp};
use super::super::value::Value;

/// Percent-encodes all bytes but ASCII letters, digits and the given ones.
pub(super) fn percent(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Decodes percent-encoding; what is not UTF-8 becomes a replacement character.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, digits) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 2;
            }
            (b'+', _) if plus => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn unescape_html(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// `application/x-www-form-urlencoded`: blanks become plus signs.
fn form(text: &str, kept: &[u8]) -> String {
    percent(text, kept).replace("%20", "+")
}

pub(super) fn module<'a>(
    interp: &mut Interp<'a>,
    module: &str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if module == "URI" && name == "encode_www_form" {
        let value = interp.arg(args, 0)?.clone();
        let mut parts = Vec::new();
        for pair in interp.items(&value)? {
            let (key, value) = super::enumerable::pair(interp, &pair)?;
            let (key, value) = (inspect::to_s(interp, &key)?, inspect::to_s(interp, &value)?);
            parts.push(format!("{}={}", form(&key, b"*-._"), form(&value, b"*-._")));
        }
        return interp.text(parts.join("&")).map(Some);
    }
    let known = matches!(
        name,
        "url_encode"
            | "u"
            | "html_escape"
            | "h"
            | "escape"
            | "unescape"
            | "escapeHTML"
            | "escape_html"
            | "unescapeHTML"
            | "unescape_html"
            | "encode_www_form_component"
            | "decode_www_form_component"
            | "encode_uri_component"
            | "escapeURIComponent"
            | "decode_uri_component"
            | "encode"
            | "decode"
    );
    if !known {
        return Ok(None);
    }
    let text = match interp.arg(args, 0)? {
        // CGI and URI take strings only; ERB::Util takes anything.
        Value::Nil if module == "CGI" => {
            let message = "undefined method `encoding' for nil:NilClass";
            return Err(interp.raise("NoMethodError", message));
        }
        value => {
            let value = value.clone();
            inspect::to_s(interp, &value)?
        }
    };
    interp.charge(1 + text.len() / 16)?;
    let made = match name {
        "url_encode" | "u" | "encode_uri_component" | "escapeURIComponent" => {
            percent(&text, b"-._~")
        }
        "html_escape" | "h" | "escapeHTML" | "escape_html" => escape_html(&text),
        "unescapeHTML" | "unescape_html" => unescape_html(&text),
        "unescape" | "decode_www_form_component" => decode(&text, true),
        "decode" | "decode_uri_component" => decode(&text, false),
        "encode_www_form_component" => form(&text, b"*-._"),
        "encode" => percent(&text, b"-_.!~*'();/?:@&=+$,[]"),
        _ => form(&text, b"*-._~").replace('*', "%2A"),
    };
    interp.text(made).map(Some)
}
