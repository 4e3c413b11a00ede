//! The two ends of a line that LDAP messages go over: as they are, or sealed one by one.

use std::io;

use keyroll::kerberos::message::gss::{OVERHEAD_MAX, Receiving, Sending};
use keyroll::secret::SecretBytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::relay::Broken;
use crate::random;

/// The longest sealed message that is taken, in bytes; domain controllers are told so.
pub const SEALED_MAX: usize = 1 << 20;

/// Where bytes come from.
pub trait Incoming: Send {
    /// The next bytes, at least one.
    ///
    /// # Errors
    /// [`Broken`] if there will be none.
    fn receive(&mut self) -> impl Future<Output = Result<&[u8], Broken>> + Send;
}

/// Where whole messages go.
pub trait Outgoing: Send {
    /// Sends one message.
    ///
    /// # Errors
    /// [`Broken`] if it did not go out as a whole.
    fn send(&mut self, message: &[u8]) -> impl Future<Output = Result<(), Broken>> + Send;
}

/// Bytes as they are; what is around them protects them.
#[derive(Debug)]
pub struct PlainIncoming<R> {
    from: R,
    room: Zeroizing<Vec<u8>>,
}

/// Messages as they are.
#[derive(Debug)]
pub struct PlainOutgoing<W>(W);

/// The two ends of a line that needs no sealing.
pub fn plain<S: AsyncRead + AsyncWrite + Send>(
    stream: S,
) -> (
    PlainIncoming<tokio::io::ReadHalf<S>>,
    PlainOutgoing<tokio::io::WriteHalf<S>>,
) {
    let (from, to) = tokio::io::split(stream);
    let room = Zeroizing::new(vec![0; 16 * 1024]);
    (PlainIncoming { from, room }, PlainOutgoing(to))
}

impl<R: AsyncRead + Unpin + Send> Incoming for PlainIncoming<R> {
    async fn receive(&mut self) -> Result<&[u8], Broken> {
        match self.from.read(&mut self.room).await? {
            0 => Err(Broken::Closed),
            count => Ok(&self.room[..count]),
        }
    }
}

impl<W: AsyncWrite + Unpin + Send> Outgoing for PlainOutgoing<W> {
    async fn send(&mut self, message: &[u8]) -> Result<(), Broken> {
        self.0.write_all(message).await?;
        Ok(self.0.flush().await?)
    }
}

/// Messages that come sealed, each behind its length in four bytes (RFC 4422 section 3.7).
#[derive(Debug)]
pub struct SealedIncoming<R> {
    from: R,
    context: Receiving,
    opened: SecretBytes,
}

/// Messages that are sealed as they go.
#[derive(Debug)]
pub struct SealedOutgoing<W> {
    to: W,
    context: Sending,
    /// The longest text that makes a sealed message which the other end takes.
    longest: usize,
}

/// The two ends of a sealed line; the other end takes sealed messages of at most `longest` bytes.
pub fn sealed<S: AsyncRead + AsyncWrite + Send>(
    stream: S,
    context: (Sending, Receiving),
    longest: usize,
) -> (
    SealedIncoming<tokio::io::ReadHalf<S>>,
    SealedOutgoing<tokio::io::WriteHalf<S>>,
) {
    let (from, to) = tokio::io::split(stream);
    let incoming = SealedIncoming {
        from,
        context: context.1,
        opened: SecretBytes::new(Vec::new()),
    };
    let outgoing = SealedOutgoing {
        to,
        context: context.0,
        longest: longest.saturating_sub(OVERHEAD_MAX).max(1),
    };
    (incoming, outgoing)
}

impl<R: AsyncRead + Unpin + Send> Incoming for SealedIncoming<R> {
    async fn receive(&mut self) -> Result<&[u8], Broken> {
        loop {
            let mut length = [0; 4];
            self.from.read_exact(&mut length).await.map_err(ended)?;
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > SEALED_MAX {
                return Err(Broken::TooLong(length));
            }
            let mut token = vec![0; length];
            self.from.read_exact(&mut token).await.map_err(ended)?;
            self.opened = self.context.open(&token)?;
            if !self.opened.expose().is_empty() {
                return Ok(self.opened.expose());
            }
        }
    }
}

fn ended(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Broken::Closed,
        _ => Broken::Lost(error),
    }
}

impl<W: AsyncWrite + Unpin + Send> Outgoing for SealedOutgoing<W> {
    async fn send(&mut self, message: &[u8]) -> Result<(), Broken> {
        for part in message.chunks(self.longest) {
            let token = self.context.seal(part, &random::bytes())?;
            let length = u32::try_from(token.len()).map_err(|_| Broken::TooLong(token.len()))?;
            self.to.write_all(&length.to_be_bytes()).await?;
            self.to.write_all(&token).await?;
        }
        Ok(self.to.flush().await?)
    }
}
