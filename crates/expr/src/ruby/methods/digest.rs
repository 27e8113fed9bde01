//! Digests, Base64 and random values.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::super::interp::{Args, Eval, Found, Interp};
use super::super::value::Value;
use super::{int, text};

pub(super) fn module<'a>(
    interp: &mut Interp<'a>,
    module: &str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    match module {
        "Base64" => base64(interp, name, args),
        "SecureRandom" => random(interp, name, args),
        _ => digest(interp, module, name, args),
    }
}

fn digest<'a>(interp: &mut Interp<'a>, module: &str, name: &str, args: &Args<'a>) -> Found<'a> {
    if !matches!(name, "hexdigest" | "base64digest") {
        return Ok(None);
    }
    let data = text(interp, args, 0)?;
    interp.charge(1 + data.len() / 16)?;
    let bytes = match module {
        "Digest::MD5" => Md5::digest(data.as_bytes()).to_vec(),
        "Digest::SHA1" => sha1_smol::Sha1::from(data.as_bytes()).digest().bytes().to_vec(),
        _ => Sha256::digest(data.as_bytes()).to_vec(),
    };
    match name {
        "hexdigest" => interp.text(hex(&bytes)).map(Some),
        _ => interp.text(STANDARD.encode(&bytes)).map(Some),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    if !matches!(
        name,
        "encode64"
            | "strict_encode64"
            | "urlsafe_encode64"
            | "decode64"
            | "strict_decode64"
            | "urlsafe_decode64"
    ) {
        return Ok(None);
    }
    let data = text(interp, args, 0)?;
    interp.charge(1 + data.len() / 16)?;
    let made = match name {
        "encode64" => {
            // One line for every 60 characters, each ended.
            let encoded = STANDARD.encode(data.as_bytes());
            let lines = encoded.as_bytes().chunks(60);
            lines.map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect()
        }
        "strict_encode64" => STANDARD.encode(data.as_bytes()),
        "urlsafe_encode64" => {
            let padded = args.keyword("padding").is_none_or(|value| value.truthy());
            let encoded = URL_SAFE.encode(data.as_bytes());
            if padded { encoded } else { encoded.trim_end_matches('=').to_owned() }
        }
        _ => {
            let mut plain: String =
                data.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
            plain = plain.replace('-', "+").replace('_', "/");
            let missing = plain.len().next_multiple_of(4) - plain.len();
            plain.push_str(&"=".repeat(missing));
            match STANDARD.decode(plain) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(_) if name == "decode64" => String::new(),
                Err(_) => return Err(interp.argument_error("invalid base64")),
            }
        }
    };
    interp.text(made).map(Some)
}

/// Returns bytes that depend on the context's seed and on how many were drawn before.
fn draw(interp: &mut Interp<'_>, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        interp.draws += 1;
        let mut hasher = Sha256::new();
        hasher.update(interp.context.seed.to_le_bytes());
        hasher.update(interp.draws.to_le_bytes());
        bytes.extend_from_slice(&hasher.finalize());
    }
    bytes.truncate(count);
    bytes
}

fn number(interp: &mut Interp<'_>) -> u64 {
    draw(interp, 8).iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn random<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    /// More random bytes than anyone wants in a text.
    const BYTES_MAX: usize = 4096;
    let count = match args.get(0) {
        Some(Value::Int(count)) => usize::try_from(*count).unwrap_or(0).min(BYTES_MAX),
        _ => 16,
    };
    let made = match name {
        "uuid" => {
            let mut bytes = draw(interp, 16);
            if let Some(byte) = bytes.get_mut(6) {
                *byte = (*byte & 0x0f) | 0x40;
            }
            if let Some(byte) = bytes.get_mut(8) {
                *byte = (*byte & 0x3f) | 0x80;
            }
            let digits = hex(&bytes);
            let part = |range| digits.get(range).unwrap_or_default();
            format!(
                "{}-{}-{}-{}-{}",
                part(0..8),
                part(8..12),
                part(12..16),
                part(16..20),
                part(20..32)
            )
        }
        "hex" => hex(&draw(interp, count)),
        "base64" => STANDARD.encode(draw(interp, count)),
        "urlsafe_base64" => URL_SAFE.encode(draw(interp, count)).trim_end_matches('=').to_owned(),
        "alphanumeric" => {
            const LETTERS: &[u8] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
            let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied();
            draw(interp, count).iter().filter_map(letter).map(char::from).collect()
        }
        "random_number" | "rand" => return random_number(interp, args).map(Some),
        _ => return Ok(None),
    };
    interp.text(made).map(Some)
}

/// `rand` and `SecureRandom.random_number`.
pub(super) fn random_number<'a>(interp: &mut Interp<'a>, args: &Args<'a>) -> Eval<'a> {
    let drawn = number(interp);
    Ok(match args.get(0) {
        Some(Value::Range(_)) => {
            let range = args.get(0).cloned().unwrap_or(Value::Nil);
            let (low, high) = (interp.ask(&range, "min")?, interp.ask(&range, "max")?);
            match (low, high) {
                (Value::Int(low), Value::Int(high)) if low <= high => {
                    let width = high.wrapping_sub(low) as u64;
                    let width = width.saturating_add(1);
                    Value::Int(low.wrapping_add((drawn % width.max(1)) as i64))
                }
                _ => Value::Nil,
            }
        }
        Some(Value::Int(_)) => {
            let most = int(interp, args, 0)?.max(1) as u64;
            Value::Int((drawn % most) as i64)
        }
        _ => Value::Float((drawn >> 11) as f64 / (1_u64 << 53) as f64),
    })
}
