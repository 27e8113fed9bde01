//! Counts what an HTTP/1.1 peer sends before the head of its answer is there, so that interim
//! answers (1xx) without end stop at a size instead of at the deadline.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes before an answer's head is complete: a few interim answers and the largest head.
const BYTES_MAX: usize = 256 * 1024;

/// What a connection may still send before the head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowance {
    left: Arc<AtomicUsize>,
}

impl Allowance {
    /// A request goes out: the count begins.
    pub(crate) fn begin(&self) {
        self.left.store(BYTES_MAX, Ordering::Relaxed);
    }

    /// The head is there: what follows is the body, which has a cap of its own.
    pub(crate) fn end(&self) {
        self.left.store(usize::MAX, Ordering::Relaxed);
    }
}

/// A stream under an allowance.
pub(crate) struct Metered<S> {
    pub(crate) inner: S,
    pub(crate) allowance: Allowance,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        let left = self.allowance.left.load(Ordering::Relaxed);
        if left != usize::MAX && read > 0 {
            if read > left {
                let message = "too much was sent before the head of the answer ended";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
            }
            self.allowance.left.store(left - read, Ordering::Relaxed);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
