//! The tickets of whoever binds: logged in at each domain controller with what the settings name,
//! and the services' tickets that follow from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::{
    Credential, KdcCode, KdcError, KeyHint, TgsRequest, TicketFlags, TicketTimes,
};
use keyroll::kerberos::string_to_key::{default_iterations, string_to_key};
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::name::DcName;
use keyroll::secret::{Password, SecretBytes};
use keyroll::shell::powershell_word;
use tokio::sync::Mutex;

use super::config::DirectorySettings;
use super::credential::{ENCTYPES, Generation, OwnCredential};
use super::exchange::Answered;
use super::login::{Login, Trouble, log_in};
use super::refusals::{self, Refusals};
use super::trade::{LIFETIME, Traded, nonce, service_refused, trade, unsayable};
use crate::ports::PortError;
use crate::random;

/// A first ticket is replaced this long before it ends.
const SPARE: TimeDelta = TimeDelta::minutes(10);

/// A first ticket, if there is one; locked while it is fetched, so that it is fetched once.
type Held = Arc<Mutex<Option<Arc<Login>>>>;

/// The tickets, by the domain controller that issued them.
#[derive(Debug)]
pub(super) struct Tickets {
    settings: DirectorySettings,
    refusals: Refusals,
    first: Mutex<HashMap<DcName, Held>>,
}

/// A service ticket, and what it tells of the domain controller.
pub(super) struct Got {
    pub(super) credential: Credential,
    /// How far the domain controller's clock is ahead of ours.
    pub(super) ahead: TimeDelta,
    /// How long the ticket lives, or the ticket-granting one, whichever is longer: a client may
    /// have asked for its service ticket at the login, and it lives as long as that one then.
    pub(super) ticket_life: Duration,
}

impl Tickets {
    /// Opens nothing yet.
    pub(super) fn new(settings: DirectorySettings) -> Self {
        Self {
            settings,
            refusals: Refusals::default(),
            first: Mutex::default(),
        }
    }

    /// A service ticket under the domain controller's present keys. `enctypes` are offered for the
    /// session key; `account` has the service, where that is known. A first ticket that the KDC
    /// does not take (any more) is fetched anew, once.
    pub(super) async fn of(
        &self,
        dc: &DcName,
        service: &Principal,
        account: Option<&Principal>,
        enctypes: &[Enctype],
    ) -> Result<Got, PortError> {
        let login = self.first_ticket(dc, false).await?;
        let error = match self.service_ticket(dc, &login, service, enctypes).await? {
            Ok(got) => return Ok(got),
            Err(error) => error,
        };
        let about_first_ticket = matches!(
            error.code,
            KdcCode::BadIntegrity
                | KdcCode::TicketExpired
                | KdcCode::Skew
                | KdcCode::Modified
                | KdcCode::ClientRevoked
                | KdcCode::ClientUnknown
                // What Samba says to the first ticket of an account that was disabled since.
                | KdcCode::Policy
        );
        let error = if about_first_ticket {
            let login = self.first_ticket(dc, true).await?;
            match self.service_ticket(dc, &login, service, enctypes).await? {
                Ok(got) => return Ok(got),
                Err(error) => error,
            }
        } else {
            error
        };
        Err(service_refused(dc, service, account, &error))
    }

    /// Our own ticket-granting ticket from this domain controller.
    async fn first_ticket(&self, dc: &DcName, fresh: bool) -> Result<Arc<Login>, PortError> {
        let slot = self
            .first
            .lock()
            .await
            .entry(dc.clone())
            .or_default()
            .clone();
        let mut held = slot.lock().await;
        let good = |login: &Login| login.credential.times.end - (Utc::now() + login.ahead) > SPARE;
        if let Some(login) = held.as_ref().filter(|login| !fresh && good(login)) {
            return Ok(Arc::clone(login));
        }
        let login = Arc::new(self.log_in(dc).await?);
        *held = Some(Arc::clone(&login));
        Ok(login)
    }

    /// The next ticket from `dc` follows from a new login: what this one knows, such as how far
    /// the clocks are apart, is no longer so.
    pub(super) async fn forget(&self, dc: &DcName) {
        self.first.lock().await.remove(dc);
    }

    fn object(&self, dc: &DcName) -> String {
        format!("{} at the KDC of {dc}", self.settings.principal)
    }

    fn refused(&self, dc: &DcName, why: String) -> PortError {
        PortError::Refused {
            object: self.object(dc),
            why,
            next: self.settings.check_bind.to_owned(),
        }
    }

    async fn log_in(&self, dc: &DcName) -> Result<Login, PortError> {
        let own = &self.settings.principal;
        let credential = self.settings.credential.read(own);
        match credential.map_err(|error| self.refused(dc, error.to_string()))? {
            OwnCredential::Password(password) => self.log_in_by_password(dc, &password).await,
            OwnCredential::Keys(generations) => self.log_in_by_keys(dc, &generations).await,
            OwnCredential::Ticket(credential) => self.logged_in_before(dc, *credential),
        }
    }

    /// A ticket that is there already. How far the clocks are apart is not known from it; the next
    /// ticket tells.
    fn logged_in_before(&self, dc: &DcName, credential: Credential) -> Result<Login, PortError> {
        let end = credential.times.end;
        if end <= Utc::now() {
            let cache = &self.settings.credential;
            return Err(self.refused(dc, format!("the ticket in the {cache} ended at {end}")));
        }
        let ahead = TimeDelta::zero();
        Ok(Login { credential, ahead })
    }

    async fn log_in_by_password(
        &self,
        dc: &DcName,
        password: &Password,
    ) -> Result<Login, PortError> {
        let secret = refusals::of_password(password);
        if let Some(pause) = self.refusals.pause(dc, &secret) {
            return Err(self.refused(dc, refusals::in_words("this password", pause)));
        }
        let (own, patience) = (&self.settings.principal, self.settings.connect_timeout);
        let login = log_in(dc, own, &ENCTYPES, patience, |hints| {
            let fitting = hints.iter().find_map(|hint| {
                let mut known = ENCTYPES.into_iter();
                let enctype = known.find(|one| one.number() == hint.enctype)?;
                Some((enctype, hint.salt.clone()?, hint.iterations))
            });
            let Some((enctype, salt, iterations)) = fitting else {
                return Err(self.refused(dc, "the KDC offers it no AES key".to_owned()));
            };
            let iterations = iterations.unwrap_or(default_iterations(enctype));
            string_to_key(enctype, password, &salt, iterations)
                .map_err(|error| self.refused(dc, error.to_string()))
        });
        login.await.map_err(|trouble| {
            if trouble.is_wrong_key() {
                self.refusals.note(dc, &secret);
            }
            self.not_logged_in(dc, trouble)
        })
    }

    /// Where a KDC says no it may be the account's fault, or that of what the settings name.
    fn not_logged_in(&self, dc: &DcName, trouble: Trouble) -> PortError {
        let was_answered = !matches!(trouble, Trouble::Port(_));
        match trouble.in_words(dc, &self.settings.principal) {
            PortError::Refused { object, why, next } if was_answered => PortError::Refused {
                object,
                why,
                next: format!("{next}; or {}", self.settings.check_bind),
            },
            other => other,
        }
    }

    async fn log_in_by_keys(
        &self,
        dc: &DcName,
        generations: &[Generation],
    ) -> Result<Login, PortError> {
        let pause = |one: &Generation| self.refusals.pause(dc, &mark(one));
        let order = order(generations, |one| pause(one).is_some());
        if order.is_empty() {
            let pause = generations.first().and_then(pause).unwrap_or_default();
            return Err(self.refused(dc, refusals::in_words("this keytab", pause)));
        }
        for generation in order {
            match self.log_in_by_generation(dc, generation).await {
                Err(trouble) if trouble.is_wrong_key() => {
                    self.refusals.note(dc, &mark(generation));
                }
                login => return login.map_err(|trouble| self.not_logged_in(dc, trouble)),
            }
        }
        let kvnos: Vec<_> = generations.iter().map(|one| one.kvno.to_string()).collect();
        Err(PortError::Refused {
            object: self.object(dc),
            why: format!(
                "no key of its {} is its key there (kvno {}); failed logins were counted",
                self.settings.credential,
                kvnos.join(" and ")
            ),
            next: "export its keytab anew; klist -ket KEYTAB shows what is there".to_owned(),
        })
    }

    async fn log_in_by_generation(
        &self,
        dc: &DcName,
        generation: &Generation,
    ) -> Result<Login, Trouble> {
        let keys = &generation.keys;
        let of_keytab = |enctype: &Enctype| keys.iter().any(|key| key.enctype() == *enctype);
        let enctypes: Vec<Enctype> = ENCTYPES.into_iter().filter(of_keytab).collect();
        let (own, patience) = (&self.settings.principal, self.settings.connect_timeout);
        log_in(dc, own, &enctypes, patience, |hints| {
            let names: Vec<_> = enctypes.iter().map(|enctype| enctype.name()).collect();
            let why = || format!("the KDC has no key of {} for it", names.join(" or "));
            fitting(keys, hints).ok_or_else(|| self.refused(dc, why()))
        })
        .await
    }

    /// A service ticket of our own that may be evidence, if we may be acted for; `Ok(Err)` if the
    /// KDC refused.
    pub(super) async fn evidence(
        &self,
        dc: &DcName,
        service: &Principal,
    ) -> Result<Result<Credential, KdcError>, PortError> {
        let login = self.first_ticket(dc, false).await?;
        let forwardable = login.credential.flags.contains(TicketFlags::FORWARDABLE);
        let wish = Wish {
            service,
            enctypes: &ENCTYPES,
            forwardable,
        };
        let traded = self.trade_for(dc, &login, &wish).await?;
        Ok(traded.map(|bought| bought.credential))
    }

    /// A service ticket for the one of the login; `Ok(Err)` if the KDC refused. One whose only
    /// complaint is our clock is asked once more, by its own: a ticket of `kinit`'s does not tell
    /// how far the clocks are apart.
    async fn trade_for(
        &self,
        dc: &DcName,
        login: &Login,
        wish: &Wish<'_>,
    ) -> Result<Result<Bought, KdcError>, PortError> {
        let tgt = &login.credential;
        match self.trade_by(dc, tgt, login.ahead, wish).await? {
            Err((error, answered)) if error.code == KdcCode::Skew => {
                let ahead = answered.clock_ahead(error.server_time);
                let again = self.trade_by(dc, tgt, ahead, wish).await?;
                Ok(again.map_err(|(error, _)| error))
            }
            traded => Ok(traded.map_err(|(error, _)| error)),
        }
    }

    /// The same with the KDC's clock `ahead` of ours, and once.
    async fn trade_by(
        &self,
        dc: &DcName,
        tgt: &Credential,
        ahead: TimeDelta,
        wish: &Wish<'_>,
    ) -> Result<Result<Bought, (KdcError, Answered)>, PortError> {
        let service = wish.service;
        let object = format!("{service} at the KDC of {dc}");
        let nonce = nonce();
        let request = TgsRequest {
            tgt,
            service,
            enctypes: wish.enctypes,
            now: Utc::now() + ahead,
            lifetime: LIFETIME,
            nonce,
            confounder: &random::bytes(),
        };
        let message = if wish.forwardable {
            request.to_evidence_bytes()
        } else {
            request.to_bytes()
        };
        let message = message.map_err(|error| unsayable(&object, &error))?;
        let patience = self.settings.connect_timeout;
        match trade(dc, &object, &message, tgt, nonce, patience).await? {
            Traded::Got(credential, answered) => Ok(Ok(Bought {
                credential: *credential,
                answered,
                ahead,
            })),
            Traded::Refused(error, answered) => Ok(Err((error, answered))),
            Traded::Referred(other) => Err(PortError::Refused {
                object,
                why: format!("no account of this domain has it; it points to {other}"),
                next: format!("setspn -Q {}", powershell_word(&service.name())),
            }),
        }
    }

    /// The same, with what it tells of the domain controller.
    async fn service_ticket(
        &self,
        dc: &DcName,
        login: &Login,
        service: &Principal,
        enctypes: &[Enctype],
    ) -> Result<Result<Got, KdcError>, PortError> {
        let wish = Wish {
            service,
            enctypes,
            forwardable: false,
        };
        let bought = match self.trade_for(dc, login, &wish).await? {
            Ok(bought) => bought,
            Err(error) => return Ok(Err(error)),
        };
        let times = &bought.credential.times;
        // A KDC that names no start leaves the time of the login there, which says nothing of now.
        let ahead = if times.start == times.authenticated {
            bought.ahead
        } else {
            bought.answered.clock_ahead(times.start)
        };
        let life = |times: &TicketTimes| (times.end - times.start).to_std().unwrap_or_default();
        let ticket_life = life(times).max(life(&login.credential.times));
        Ok(Ok(Got {
            credential: bought.credential,
            ahead,
            ticket_life,
        }))
    }
}

/// What is asked for.
struct Wish<'a> {
    service: &'a Principal,
    enctypes: &'a [Enctype],
    forwardable: bool,
}

/// A service ticket, when it was answered, and how far ahead the KDC's clock was taken to be.
struct Bought {
    credential: Credential,
    answered: Answered,
    ahead: TimeDelta,
}

/// In which order generations are tried: those that were called wrong lately come last, and are
/// not tried at all if there is no other. If all others are wrong now, too, then the password was
/// changed since, and one that was ahead of the directory may be right.
fn order(generations: &[Generation], wrong: impl Fn(&Generation) -> bool) -> Vec<&Generation> {
    let (wrong, mut open): (Vec<_>, Vec<_>) = generations.iter().partition(|one| wrong(one));
    if !open.is_empty() {
        open.extend(wrong);
    }
    open
}

/// The key of the enctype that the KDC names first.
fn fitting(keys: &[Key], hints: &[KeyHint]) -> Option<Key> {
    let named = |hint: &KeyHint| {
        let mut keys = keys.iter();
        keys.find(|key| key.enctype().number() == hint.enctype)
    };
    hints.iter().find_map(named).map(Key::duplicate)
}

/// What tells one generation from another, for the list of those that were called wrong.
fn mark(generation: &Generation) -> SecretBytes {
    let keys = generation.keys.iter().flat_map(Key::expose);
    SecretBytes::new(keys.copied().collect())
}

#[cfg(test)]
mod tests {
    use keyroll::kerberos::Kvno;

    use super::*;

    #[test]
    fn a_wrong_generation_is_tried_again_only_after_another_that_was_right() {
        let generations = [8, 7].map(|kvno| Generation {
            kvno: Kvno(kvno),
            keys: Vec::new(),
        });
        let order = |wrong: &[u32]| -> Vec<u32> {
            let order = order(&generations, |one| wrong.contains(&one.kvno.0));
            order.iter().map(|one| one.kvno.0).collect()
        };
        assert_eq!(order(&[]), [8, 7]);
        assert_eq!(order(&[8]), [7, 8]);
        assert_eq!(order(&[7]), [8, 7]);
        assert_eq!(order(&[8, 7]), [0; 0]);
    }
}
