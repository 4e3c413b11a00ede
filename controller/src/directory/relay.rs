//! Carries LDAP messages between a domain controller's protected connection and the LDAP library,
//! whole and checked.

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;

use keyroll::kerberos::message::UnsupportedEnctype;
use keyroll::kerberos::message::gss::BadWrap;
use zeroize::Zeroizing;

use super::ber::{self, NotLdap};
use super::line::{Incoming, Outgoing};

/// The requests that wait for an answer, by number, and whether they are searches.
type Waiting = Mutex<HashMap<u32, bool>>;

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// One end closed it.
    #[error("the connection was closed")]
    Closed,
    /// It was lost.
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    /// The domain controller sent what nobody asked for or nobody can read.
    #[error(transparent)]
    NotLdap(#[from] NotLdap),
    /// A sealed message that is not of this connection, or not as it was sent.
    #[error(transparent)]
    Unsealed(#[from] BadWrap),
    /// A sealed message of so many bytes was announced, or would have to be sent.
    #[error("a sealed message of {0} bytes is too long")]
    TooLong(usize),
    /// Nothing can be sealed under the connection's key.
    #[error(transparent)]
    Unsealable(#[from] UnsupportedEnctype),
    /// The domain controller said that it is ending the connection (RFC 4511 section 4.4.1).
    #[error("the domain controller is ending the connection")]
    Notice,
}

/// Carries messages both ways until one end is done; both are closed then.
pub async fn relay(
    mut dc: (impl Incoming, impl Outgoing),
    mut library: (impl Incoming, impl Outgoing),
) -> Broken {
    let waiting = Waiting::default();
    let requests = carry(&mut library.0, &mut dc.1, |message| {
        let request = ber::request(message)?;
        let search = request.operation == ber::SEARCH_REQUEST;
        lock(&waiting).insert(request.id, search);
        Ok(())
    });
    let answers = carry(&mut dc.0, &mut library.1, |message| {
        let answer = ber::answer(message)?;
        if answer.id == 0 {
            return Err(Broken::Notice);
        }
        let mut waiting = lock(&waiting);
        // A late answer to a request that was given up is not in the way: the library drops it.
        match waiting.get(&answer.id) {
            Some(search) if answer.answers(*search) => {}
            _ => return Err(NotLdap("it answers nothing that was asked").into()),
        }
        if !answer.answers(true) || answer.operation == ber::SEARCH_DONE {
            waiting.remove(&answer.id);
        }
        Ok(())
    });
    // Either way alone is no LDAP connection.
    tokio::select! {
        broken = requests => broken,
        broken = answers => broken,
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u32, bool>> {
    // Nothing panics while it is held, and a poisoned map would still be a good one.
    waiting
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Carries whole messages one way; each is looked at before any byte of it is passed on.
async fn carry(
    from: &mut impl Incoming,
    to: &mut impl Outgoing,
    look: impl Fn(&[u8]) -> Result<(), Broken>,
) -> Broken {
    // What we send has passwords in it.
    let mut pending = Zeroizing::new(Vec::new());
    loop {
        match from.receive().await {
            Ok(bytes) => grow(&mut pending, bytes),
            Err(broken) => return broken,
        }
        loop {
            let length = match ber::message_length(&pending) {
                Ok(Some(length)) if length <= pending.len() => length,
                Ok(_) => break,
                Err(error) => return error.into(),
            };
            if let Err(broken) = look(&pending[..length]) {
                return broken;
            }
            if let Err(broken) = to.send(&pending[..length]).await {
                return broken;
            }
            pending.drain(..length);
        }
    }
}

/// Appends by hand, since a vector that grows by itself leaves its old bytes behind unwiped.
fn grow(pending: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let wanted = pending.len() + bytes.len();
    if wanted > pending.capacity() {
        let mut wider = Zeroizing::new(Vec::with_capacity(wanted.next_power_of_two()));
        wider.extend_from_slice(pending);
        *pending = wider;
    }
    pending.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::line::plain;
    use super::*;

    /// An unbind request and a search with number 1, and answers to number 1.
    const SEARCH: &[u8] = &[0x30, 5, 2, 1, 1, 0x63, 0];
    const DONE: &[u8] = &[0x30, 12, 2, 1, 1, 0x65, 7, 10, 1, 0, 4, 0, 4, 0];
    const MODIFIED: &[u8] = &[0x30, 12, 2, 1, 1, 0x67, 7, 10, 1, 0, 4, 0, 4, 0];

    async fn exchange(request: &[u8], answer: &[u8]) -> (Vec<u8>, Broken) {
        let (mut dc, near_dc) = tokio::io::duplex(64);
        let (mut library, near_library) = tokio::io::duplex(64);
        let ends = async {
            library.write_all(request).await.unwrap();
            let mut seen = vec![0; request.len()];
            dc.read_exact(&mut seen).await.unwrap();
            assert_eq!(seen, request);
            // In pieces, as TCP may deliver it.
            for piece in answer.chunks(3) {
                let _ = dc.write_all(piece).await;
            }
            drop(dc);
            let mut got = Vec::new();
            library.read_to_end(&mut got).await.unwrap();
            got
        };
        let (got, broken) = tokio::join!(ends, async {
            relay(plain(near_dc), plain(near_library)).await
        });
        (got, broken)
    }

    #[tokio::test]
    async fn an_answer_reaches_the_library_whole() {
        let (got, broken) = exchange(SEARCH, DONE).await;
        assert_eq!(got, DONE);
        assert!(matches!(broken, Broken::Closed), "{broken}");
    }

    #[tokio::test]
    async fn what_answers_no_request_ends_the_connection() {
        for (request, answer) in [(SEARCH, MODIFIED), (SEARCH, b"HTTP/1.1 400 Bad".as_slice())] {
            let (got, broken) = exchange(request, answer).await;
            assert!(got.is_empty());
            assert!(matches!(broken, Broken::NotLdap(_)), "{broken}");
        }
    }
}
