//! A connection that is closed while its client still sends, without losing the answer.
//!
//! Whoever sends too large a body is answered before all of it was read. Closing a socket that
//! holds unread bytes makes the system reset the connection, and the client loses the answer it
//! has not read yet. So the end of what is sent is told first, and what still comes is read and
//! dropped for a while: until the client closes, or a limit is met.

use runtime::Runtime;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a client may take to read its answer and to close.
const TIME: Duration = Duration::from_secs(5);
/// Bytes that are read and dropped: some bodies of the largest size that is accepted.
const BYTES_MAX: usize = 8 * model::limits::BODY_BYTES_MAX;

/// A stream whose shutdown lets the client finish.
pub(crate) struct Lingering<S> {
    stream: S,
    runtime: Runtime,
    /// Since the end was told: when to give up, and bytes dropped so far.
    closing: Option<(Patience, usize)>,
}

/// Ends when nobody waits any longer.
type Patience = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<S> Lingering<S> {
    pub(crate) fn new(stream: S, runtime: Runtime) -> Self {
        Self { stream, runtime, closing: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let own = &mut *self;
        if own.closing.is_none() {
            ready!(Pin::new(&mut own.stream).poll_shutdown(context))?;
        }
        let runtime = own.runtime.clone();
        let patience = || -> Patience { Box::pin(async move { runtime.pause(TIME).await }) };
        let (until, dropped) = own.closing.get_or_insert_with(|| (patience(), 0));
        let mut scratch = [0; 16 * 1024];
        while *dropped < BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut own.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    *dropped += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                // A stop waits for nobody who has been answered.
                Poll::Pending if own.runtime.is_stopping() => return Poll::Ready(Ok(())),
                Poll::Pending => return until.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
