//! What TLS says when a connection breaks. HTTP/2 keeps of an error its text alone, so it is noted
//! on the way.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the peer has said of the connection itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Word(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    alert: OnceLock<AlertDescription>,
    anything: AtomicBool,
}

impl Word {
    /// Why the peer does not want us, if it does not: by its alert; or it hung up without a word,
    /// where a server's first one is its settings (RFC 9113 section 3.4).
    pub(super) fn refusal(&self) -> Option<String> {
        match self.0.alert.get() {
            Some(alert) => Some(format!("TLS alert {alert:?}")),
            None if self.0.anything.load(Ordering::Relaxed) => None,
            None => Some("it hung up without a word".to_owned()),
        }
    }

    fn note(&self, error: &io::Error) {
        let inner = error.get_ref();
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            self.0.alert.get_or_init(|| *alert);
        }
    }
}

/// A stream on which that is noted.
pub(super) struct Heard<S> {
    stream: S,
    word: Word,
}

impl<S> Heard<S> {
    pub(super) const fn on(stream: S, word: Word) -> Self {
        Self { stream, word }
    }
}

impl<S: AsyncRead + Unpin> Heard<S> {
    /// Whoever hangs up on us in the middle of a word may have said why before.
    fn listen_once_more(&mut self, cx: &mut Context<'_>) {
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Err(error)) => return self.word.note(&error),
                Poll::Ready(Ok(())) | Poll::Pending => return,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                self.word.0.anything.store(true, Ordering::Relaxed);
            }
            Poll::Ready(Err(error)) => self.word.note(error),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(written, Poll::Ready(Err(_))) {
            self.listen_once_more(cx);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        if matches!(written, Poll::Ready(Err(_))) {
            self.listen_once_more(cx);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Err(_))) {
            self.listen_once_more(cx);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
