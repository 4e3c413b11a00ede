//! A page looked at, and logged in at with a ticket.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use hyper::Uri;
use keyroll::doctor::{LoginFacts, WebFacts};
use keyroll::kerberos::Key;
use keyroll::kerberos::message::Credential;
use keyroll::kerberos::message::gss::{ChannelBinding, Initiation, Protection, answered, propose};
use keyroll::secret::SecretBytes;

use super::ask;
use crate::ports::PortError;
use crate::random;

/// What the first of `urls` that answers at `host` says without a login, and, if it asks for one,
/// with this ticket, each so many `times`. Where none answers, what the last one said; none if
/// there is no URL.
///
/// First all without a login, then all with one: a balancer that sends every request to the next
/// of two nodes would have one of them asked, and log all in at the other.
pub async fn look<'a>(
    host: &str,
    urls: &'a [Uri],
    credential: Option<&Credential>,
    times: usize,
) -> Option<(&'a Uri, Vec<Result<WebFacts, PortError>>)> {
    let asks = urls.iter().map(|url| ask(host, url, |_| None));
    let mut answers: Vec<_> = urls.iter().zip(join_all(asks).await).collect();
    let best = answers.iter().position(|(_, answer)| answer.is_ok());
    let best = best.or_else(|| answers.len().checked_sub(1))?;
    let (url, first) = answers.swap_remove(best);
    let more = (1..times).map(|_| ask(host, url, |_| None));
    let more = join_all(more).await;
    let answers = [first].into_iter().chain(more);
    let logins = join_all(answers.map(async |answer| {
        let answer = answer?;
        let login = match credential.filter(|_| answer.status == 401) {
            Some(credential) => Some(log_in(host, url, credential).await),
            None => None,
        };
        Ok(WebFacts {
            status: answer.status,
            challenges: answer.challenges,
            server: answer.server,
            login,
        })
    }));
    Some((url, logins.await))
}

/// Shows the ticket as a browser does (RFC 4559), and judges the service's own proof.
async fn log_in(host: &str, url: &Uri, credential: &Credential) -> Result<LoginFacts, String> {
    let login = Login::new(credential).ok_or("no key could be made for a login")?;
    let shown = |binding: Option<&ChannelBinding>| {
        let token = login.initiation(binding).to_bytes();
        Some(propose(&token.ok()?))
    };
    let answer = ask(host, url, shown).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let proves = |token: Vec<u8>| match answered(&token) {
        Ok(Some(token)) => login.initiation(None).establish(&token).is_ok(),
        Ok(None) | Err(_) => false,
    };
    Ok(LoginFacts {
        status: answer.status,
        proven: answer.token().is_some_and(proves),
    })
}

/// One login: what it shows and what its proof is compared with.
struct Login<'a> {
    credential: &'a Credential,
    subkey: Key,
    sequence: u32,
    now: DateTime<Utc>,
    confounder: [u8; 16],
}

impl<'a> Login<'a> {
    fn new(credential: &'a Credential) -> Option<Self> {
        let enctype = credential.session_key.enctype();
        let subkey = SecretBytes::new(random::vector(enctype.key_length()));
        Some(Self {
            credential,
            subkey: Key::new(enctype, subkey).ok()?,
            sequence: u32::from_be_bytes(random::bytes()) & 0x3fff_ffff,
            now: Utc::now(),
            confounder: random::bytes(),
        })
    }

    fn initiation<'b>(&'b self, binding: Option<&'b ChannelBinding>) -> Initiation<'b> {
        Initiation {
            credential: self.credential,
            subkey: &self.subkey,
            sequence: self.sequence,
            now: self.now,
            confounder: &self.confounder,
            protection: Protection::Proof,
            binding,
        }
    }
}
