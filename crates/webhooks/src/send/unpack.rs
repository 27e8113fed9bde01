//! Packed answers: gzip, deflate, brotli and zstd, unpacked under a cap of their own, so that a
//! small bomb ends where a large answer does.

use super::{Failure, Limits};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use model::job::ErrorClass;
use std::io::{self, Read};

/// What is said to be accepted.
pub(crate) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// Window of a zstd frame at most, as a power of two: the 8 MiB that RFC 9659 allows on the web.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Bytes unpacked at a time.
const CHUNK: usize = 16 * 1024;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// A body as far as it was unpacked.
#[derive(Debug, Default)]
pub(crate) struct Unpacked {
    /// The first bytes, up to what is kept.
    pub(crate) kept: Vec<u8>,
    /// Bytes in all.
    pub(crate) bytes: usize,
}

impl Packing {
    /// Reads `content-encoding`; `None` for a body to be taken as it is.
    pub(crate) fn of(headers: &http::HeaderMap) -> Option<Self> {
        let value = headers.get(http::header::CONTENT_ENCODING)?.to_str().ok()?;
        match value.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Unpacks a whole body. What was unpacked before a failure is in the first part.
    pub(crate) fn unpack(self, packed: &[u8], limits: Limits) -> (Unpacked, Result<(), Failure>) {
        let mut out = Unpacked::default();
        if packed.is_empty() {
            return (out, Ok(()));
        }
        let done = match self {
            Self::Gzip => copy(MultiGzDecoder::new(packed), limits, &mut out),
            // Most servers mean zlib by it, some the bare format.
            Self::Deflate if is_zlib(packed) => copy(ZlibDecoder::new(packed), limits, &mut out),
            Self::Deflate => copy(DeflateDecoder::new(packed), limits, &mut out),
            Self::Brotli => {
                let reader = brotli_decompressor::Decompressor::new(packed, CHUNK);
                copy(reader, limits, &mut out)
            }
            Self::Zstd => match zstd(packed) {
                Ok(reader) => copy(reader, limits, &mut out),
                Err(error) => Err(damaged(&error)),
            },
        };
        (out, done)
    }
}

fn zstd(packed: &[u8]) -> io::Result<impl Read + '_> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(packed)?;
    reader.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(reader)
}

fn is_zlib(packed: &[u8]) -> bool {
    matches!(packed, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) * 256 + u16::from(*second)) % 31 == 0)
}

fn copy(mut reader: impl Read, limits: Limits, out: &mut Unpacked) -> Result<(), Failure> {
    let mut chunk = [0_u8; CHUNK];
    loop {
        let n = match reader.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(&error)),
        };
        let room = limits.kept_bytes_max.saturating_sub(out.kept.len()).min(n);
        out.kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
        out.bytes += n;
        if out.bytes > limits.read_bytes_max {
            let message = format!("The unpacked answer exceeds {} bytes", limits.read_bytes_max);
            return Err(Failure::new(ErrorClass::TooLarge, message));
        }
    }
}

fn damaged(error: &io::Error) -> Failure {
    Failure::new(ErrorClass::Protocol, format!("The answer cannot be unpacked: {error}"))
}
