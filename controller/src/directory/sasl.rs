//! The bind by Kerberos: SASL's mechanism GSSAPI (RFC 4752), with the layer that the transport
//! needs and no other.

use chrono::{TimeDelta, Utc};
use keyroll::kerberos::Key;
use keyroll::kerberos::message::gss::{
    BadWrap, ChannelBinding, Context, Initiation, OVERHEAD_MAX, Protection, Unestablished,
};
use keyroll::kerberos::message::{Credential, Unsayable, UnsupportedEnctype};
use keyroll::secret::SecretBytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::ber::bind::{self, BindAnswer};
use super::ber::{NotLdap, message_length};
use super::line::SEALED_MAX;
use crate::random;

const MECHANISM: &str = "GSSAPI";
/// LDAP's results: done, and go on.
const SUCCESS: u32 = 0;
const IN_PROGRESS: u32 = 14;
/// The layers that a server offers and a client chooses from (RFC 4752 section 3.3).
const NO_LAYER: u8 = 1;
const SEALING: u8 = 4;

/// What a bind is made with.
#[derive(Debug)]
pub(super) struct Shown {
    /// A ticket for the domain controller's LDAP service.
    pub(super) credential: Credential,
    /// How far its clock is ahead of ours.
    pub(super) ahead: TimeDelta,
    /// What protects the connection afterwards.
    pub(super) protection: Protection,
    /// The TLS connection that it holds on.
    pub(super) binding: Option<ChannelBinding>,
}

/// A connection that was bound.
#[derive(Debug)]
pub(super) struct Bound {
    /// The keys for what follows, if that is to be sealed.
    pub(super) context: Context,
    /// The longest sealed message that the domain controller takes, in bytes.
    pub(super) longest: usize,
}

/// Why nobody was bound.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBound {
    /// No answer came.
    #[error("the connection was lost during the bind: {0}")]
    Lost(#[from] std::io::Error),
    /// What came is no LDAP.
    #[error(transparent)]
    NotLdap(#[from] NotLdap),
    /// The domain controller said no.
    #[error("{}", .0.text)]
    Refused(BindAnswer),
    /// There is no context with it.
    #[error(transparent)]
    Unestablished(#[from] Unestablished),
    /// It does not offer the layer that is needed.
    #[error("it does not offer {0}")]
    NoLayer(&'static str),
    /// What it offers cannot be read.
    #[error(transparent)]
    BadWrap(#[from] BadWrap),
    /// The ticket cannot be shown.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
}

impl From<UnsupportedEnctype> for NotBound {
    fn from(error: UnsupportedEnctype) -> Self {
        Self::Unsayable(Unsayable::Unsupported(error))
    }
}

/// Binds the connection; nothing was said over it before.
pub(super) async fn bind<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    shown: &Shown,
) -> Result<Bound, NotBound> {
    let enctype = shown.credential.session_key.enctype();
    let subkey = SecretBytes::new(random::vector(enctype.key_length()));
    let subkey = Key::new(enctype, subkey).expect("the length is that of the enctype");
    let confounder = random::bytes();
    let initiation = Initiation {
        credential: &shown.credential,
        subkey: &subkey,
        sequence: u32::from_be_bytes(random::bytes()) & 0x3fff_ffff,
        now: Utc::now() + shown.ahead,
        confounder: &confounder,
        protection: shown.protection,
        binding: shown.binding.as_ref(),
    };
    let answer = ask(stream, 1, &initiation.to_bytes()?).await?;
    if answer.code != IN_PROGRESS {
        // With a refusal may come Kerberos' own reason.
        return match initiation.establish(&answer.credentials) {
            Err(error @ Unestablished::Refused(_)) => Err(error.into()),
            _ => Err(NotBound::Refused(answer)),
        };
    }
    let mut context = initiation.establish(&answer.credentials)?;
    let answer = ask(stream, 2, b"").await?;
    if answer.code != IN_PROGRESS {
        return Err(NotBound::Refused(answer));
    }
    let offered = context.receiving.verify(&answer.credentials)?;
    let (chosen, longest) = choose(&offered, shown.protection)?;
    let answer = ask(stream, 3, &context.sending.sign(&chosen)?).await?;
    if answer.code != SUCCESS {
        return Err(NotBound::Refused(answer));
    }
    Ok(Bound { context, longest })
}

/// The answer to an offer of layers: the one that is needed, and the longest sealed message that
/// is taken here. Beside it, the longest that is taken there.
fn choose(offered: &[u8], protection: Protection) -> Result<([u8; 4], usize), NotBound> {
    let [layers, size @ ..] = offered else {
        return Err(NotBound::NoLayer("any protection"));
    };
    let longest = size
        .iter()
        .fold(0_usize, |size, digit| size << 8 | usize::from(*digit));
    match protection {
        _ if size.len() != 3 => Err(NotBound::NoLayer("any protection that can be read")),
        Protection::Proof if layers & NO_LAYER == 0 => {
            Err(NotBound::NoLayer("a bind that leaves protection to TLS"))
        }
        Protection::Proof => Ok(([NO_LAYER, 0, 0, 0], 0)),
        Protection::Sealing if layers & SEALING == 0 || longest <= OVERHEAD_MAX => {
            Err(NotBound::NoLayer("sealing"))
        }
        Protection::Sealing => {
            let [_, size @ ..] = u32::try_from(SEALED_MAX).unwrap_or(u32::MAX).to_be_bytes();
            Ok(([SEALING, size[0], size[1], size[2]], longest))
        }
    }
}

/// One step of the bind.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    id: u8,
    credentials: &[u8],
) -> Result<BindAnswer, NotBound> {
    stream
        .write_all(&bind::request(id, MECHANISM, credentials))
        .await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    loop {
        let length = message_length(&answer)?;
        if let Some(length) = length
            && length <= answer.len()
        {
            if length < answer.len() {
                return Err(NotLdap("something follows the answer to the bind").into());
            }
            return Ok(bind::read_answer(&answer, id)?);
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_layer_that_is_needed_is_chosen() {
        let all = [7, 0, 0xff, 0xff];
        let chosen = |offered, protection| choose(offered, protection).ok();
        assert_eq!(
            chosen(&all, Protection::Proof),
            Some(([1, 0, 0, 0], 0xffff)).map(|(chosen, _)| (chosen, 0))
        );
        assert_eq!(
            chosen(&all, Protection::Sealing),
            Some(([4, 0x10, 0, 0], 0xffff))
        );
        // Over TLS no second layer, without TLS none but sealing, whatever is offered.
        for (offered, protection) in [
            (&[6, 0, 0xff, 0xff][..], Protection::Proof),
            (&[3, 0, 0xff, 0xff], Protection::Sealing),
            (&[7, 0, 0, 10], Protection::Sealing),
            (&[7, 0, 0], Protection::Proof),
            (&[7, 0, 0, 0, 0], Protection::Proof),
            (&[], Protection::Proof),
        ] {
            assert_eq!(chosen(offered, protection), None, "{offered:?}");
        }
    }
}
