//! Logging in: the AS exchange with one domain controller, in as few tries as can be.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::{
    AsReply, AsRequest, Credential, Granted, KdcCode, KdcError, KeyHint, OpenError, Preauth, krbtgt,
};
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::name::DcName;
use keyroll::shell::quoted;

use super::exchange::{Answered, ask};
use super::said_no;
use super::trade::{LIFETIME, garbled, nonce, unsayable};
use crate::ports::{NotLoggedIn, PortError};
use crate::random;

/// A first ticket, and how far the KDC's clock was ahead of ours.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) credential: Credential,
    pub(super) ahead: TimeDelta,
}

/// Why nobody is logged in.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The KDC said no.
    Kdc(KdcError),
    /// The KDC said yes under another key.
    Reply(OpenError),
    /// Anything before that.
    Port(PortError),
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Trouble {
    /// Whether the key is not the account's; the directory counts that as a failed login.
    pub(super) const fn is_wrong_key(&self) -> bool {
        matches!(
            self,
            Self::Reply(OpenError::WrongKey)
                | Self::Kdc(KdcError {
                    code: KdcCode::PreauthFailed,
                    ..
                })
        )
    }

    /// What it tells of a key of this enctype that was shown.
    pub(super) fn of_key(self, dc: &DcName, client: &Principal, enctype: Enctype) -> NotLoggedIn {
        let code = match &self {
            Self::Kdc(error) => Some(error.code),
            Self::Reply(_) | Self::Port(_) => None,
        };
        let object = format!("{client} ({enctype}) at the KDC of {dc}");
        let error = self.about(object, dc, client);
        match code {
            Some(KdcCode::KeyExpired) => NotLoggedIn::Expired(error),
            Some(KdcCode::ClientRevoked | KdcCode::Policy) => NotLoggedIn::Barred(error),
            _ => NotLoggedIn::Unproven(error),
        }
    }

    pub(super) fn in_words(self, dc: &DcName, client: &Principal) -> PortError {
        let object = format!("{client} at the KDC of {dc}");
        self.about(object, dc, client)
    }

    fn about(self, object: String, dc: &DcName, client: &Principal) -> PortError {
        let error = match self {
            Self::Port(error) => return error,
            Self::Reply(error) => {
                let why = format!("the KDC's answer is not under this key: {error}");
                return PortError::Refused {
                    object,
                    why,
                    next: said_no::other_key(dc),
                };
            }
            Self::Kdc(error) if error.code == KdcCode::Unavailable => {
                return PortError::Unreachable {
                    object,
                    why: error.to_string(),
                };
            }
            Self::Kdc(error) => error,
        };
        let words = match error.code {
            KdcCode::ClientUnknown => "there is no such account here yet",
            KdcCode::ClientRevoked => "it is locked, disabled or expired",
            KdcCode::KeyExpired => "its password has expired",
            KdcCode::PreauthFailed => "this is not its key; a failed login was counted",
            KdcCode::EnctypeUnsupported => "it has no key of this enctype",
            KdcCode::Skew => "the clocks differ too much",
            _ => "it may not log in",
        };
        PortError::Refused {
            object,
            why: format!("{words} ({error})"),
            next: said_no::to_client(error.code, dc, client),
        }
    }
}

/// An AS request on its way.
struct Asking<'a> {
    dc: &'a DcName,
    client: &'a Principal,
    enctypes: &'a [Enctype],
    patience: Duration,
}

impl Asking<'_> {
    async fn ask(
        &self,
        key: Option<&Key>,
        ahead: TimeDelta,
    ) -> Result<(AsReply, Answered, u32), Trouble> {
        let object = format!("{} at the KDC of {}", self.client, self.dc);
        let nonce = nonce();
        let confounder = random::bytes();
        let request = AsRequest {
            client: self.client,
            service: &krbtgt(self.client.realm()),
            enctypes: self.enctypes,
            now: Utc::now() + ahead,
            lifetime: LIFETIME,
            nonce,
            preauth: key.map(|key| Preauth {
                key,
                confounder: &confounder,
            }),
        };
        let message = request
            .to_bytes()
            .map_err(|error| unsayable(&object, &error))?;
        let answered = ask(self.dc, &message, self.patience).await?;
        let reply = AsReply::parse(&answered.bytes).map_err(|error| garbled(&object, error))?;
        Ok((reply, answered, nonce))
    }
}

/// How the KDC derives the account's key of these enctypes. Proves nothing and counts nothing.
pub(super) async fn hints(
    dc: &DcName,
    client: &Principal,
    enctypes: &[Enctype],
    patience: Duration,
) -> Result<Vec<KeyHint>, Trouble> {
    let asking = Asking {
        dc,
        client,
        enctypes,
        patience,
    };
    match asking.ask(None, TimeDelta::zero()).await?.0 {
        AsReply::PreauthRequired(hints) => Ok(hints),
        AsReply::Granted(granted) => hints_of(&granted, &asking),
        AsReply::Refused(error) => Err(Trouble::Kdc(error)),
    }
}

fn hints_of(granted: &Granted, asking: &Asking<'_>) -> Result<Vec<KeyHint>, Trouble> {
    let object = || format!("{} at the KDC of {}", asking.client, asking.dc);
    let hints = granted.key_hints();
    hints.map_err(|error| garbled(&object(), error).into())
}

/// Logs in with the key that `key_of` makes of the KDC's hints. The key is shown once; a second
/// time only if the KDC refused the clock and so never looked at it.
pub(super) async fn log_in(
    dc: &DcName,
    client: &Principal,
    enctypes: &[Enctype],
    patience: Duration,
    key_of: impl FnOnce(&[KeyHint]) -> Result<Key, PortError>,
) -> Result<Login, Trouble> {
    let asking = Asking {
        dc,
        client,
        enctypes,
        patience,
    };
    let (reply, answered, nonce) = asking.ask(None, TimeDelta::zero()).await?;
    let hints = match reply {
        AsReply::PreauthRequired(hints) => hints,
        // The account need not prove its key (DONT_REQ_PREAUTH): the reply proves it.
        AsReply::Granted(granted) => {
            let key = key_of(&hints_of(&granted, &asking)?)?;
            return opened(&granted, &key, &answered, nonce);
        }
        AsReply::Refused(error) => return Err(Trouble::Kdc(error)),
    };
    let key = key_of(&hints)?;
    let asking = Asking {
        enctypes: &[key.enctype()],
        ..asking
    };
    let (mut reply, mut answered, mut nonce) = asking.ask(Some(&key), TimeDelta::zero()).await?;
    if let AsReply::Refused(error) = &reply
        && error.code == KdcCode::Skew
    {
        let ahead = answered.clock_ahead(error.server_time);
        (reply, answered, nonce) = asking.ask(Some(&key), ahead).await?;
    }
    match reply {
        AsReply::Granted(granted) => opened(&granted, &key, &answered, nonce),
        AsReply::Refused(error) => Err(Trouble::Kdc(error)),
        AsReply::PreauthRequired(_) => Err(Trouble::Port(PortError::Refused {
            object: format!("{client} at the KDC of {dc}"),
            why: "it wants another proof than an encrypted time".to_owned(),
            next: format!(
                "Set-ADUser {} -SmartcardLogonRequired $false, if it has that flag",
                quoted(&client.name())
            ),
        })),
    }
}

fn opened(granted: &Granted, key: &Key, answered: &Answered, nonce: u32) -> Result<Login, Trouble> {
    let credential = granted.open(key, nonce).map_err(Trouble::Reply)?;
    let ahead = answered.clock_ahead(credential.times.authenticated);
    Ok(Login { credential, ahead })
}
