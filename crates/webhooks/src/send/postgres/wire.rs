//! Messages of PostgreSQL's protocol, version 3: out as they are, in one by one under a cap.

use super::super::{Failure, connect::io_words, tls};
use super::{QueryError, said};
use bytes::BytesMut;
use model::job::ErrorClass;
use postgres_protocol::message::frontend;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Bytes that a server may send besides its answer: settings, notices, names of columns.
const OVERHEAD_BYTES_MAX: usize = 64 * 1024;

/// What the messages go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn is_encrypted(&self) -> bool;
}

impl Stream for TcpStream {
    fn is_encrypted(&self) -> bool {
        false
    }
}

impl Stream for TlsStream<TcpStream> {
    fn is_encrypted(&self) -> bool {
        true
    }
}

/// A conversation with a server.
pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    /// What is to be sent next.
    pub(super) out: BytesMut,
    /// Bytes of an answer, once one is expected.
    answer_max: Option<usize>,
    /// Bytes that the server may still send.
    left: usize,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        let (stream, out) = (BufReader::new(stream), BytesMut::new());
        Self { stream, out, answer_max: None, left: OVERHEAD_BYTES_MAX }
    }

    /// From here on an answer of so many bytes is expected.
    pub(super) fn expect(&mut self, answer_max: usize) {
        self.answer_max = Some(answer_max);
        self.left = self.left.saturating_add(answer_max);
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.get_ref().is_encrypted()
    }

    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        let out = self.out.split();
        let stream = self.stream.get_mut();
        stream.write_all(&out).await.map_err(|error| lost(&error))?;
        stream.flush().await.map_err(|error| lost(&error))
    }

    pub(super) async fn password(&mut self, password: &[u8]) -> Result<(), Failure> {
        frontend::password_message(password, &mut self.out).map_err(|e| unsendable(&e))?;
        self.flush().await
    }

    /// The next message that matters: settings and notices do not.
    pub(super) async fn read(&mut self) -> Result<(u8, Vec<u8>), QueryError> {
        loop {
            let tag = self.stream.read_u8().await.map_err(|error| lost(&error))?;
            let length = self.stream.read_u32().await.map_err(|error| lost(&error))?;
            let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
            let length = length.ok_or_else(malformed)?;
            // What is too large is not even read.
            let left = self.left.checked_sub(length.saturating_add(5));
            self.left = left.ok_or_else(|| self.answer_max.map_or_else(malformed, too_large))?;
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.map_err(|error| lost(&error))?;
            match tag {
                b'E' => return Err(said(&body)),
                b'S' | b'N' | b'A' | b'v' => {}
                tag => return Ok((tag, body)),
            }
        }
    }
}

/// The rest of a message, read field by field.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        self.bytes(N)?.try_into().map_err(|_| malformed())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Failure> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Failure> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Failure> {
        self.array().map(u32::from_be_bytes)
    }

    /// A text up to its final zero.
    pub(super) fn text(&mut self) -> Result<&'a str, Failure> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
        let text = std::str::from_utf8(self.bytes(end)?).map_err(|_| malformed())?;
        self.bytes(1)?;
        Ok(text)
    }
}

pub(super) fn malformed() -> Failure {
    let message = "What answers does not speak PostgreSQL's protocol as it should; \
                   look at host and port";
    Failure::new(ErrorClass::Protocol, message)
}

pub(super) fn too_large(bytes_max: usize) -> Failure {
    Failure::new(ErrorClass::TooLarge, format!("The answer exceeds {bytes_max} bytes"))
}

pub(super) fn unsendable(error: &io::Error) -> Failure {
    Failure::new(ErrorClass::Protocol, format!("The statement cannot be sent: {error}"))
}

/// A connection that broke.
pub(super) fn lost(error: &io::Error) -> Failure {
    // A peer may refuse us after the handshake, when only it has finished.
    if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
        return tls::failure(error);
    }
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => "The connection was closed before the answer".to_owned(),
        _ => format!("The connection failed before the answer: {}", io_words(error)),
    };
    Failure::new(ErrorClass::Reset, message)
}
