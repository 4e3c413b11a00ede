//! Delegation tried with an array's own key: logged in as its account, a user's ticket asked for or
//! shown, and one for another service on the strength of it (MS-SFU). Every ticket and session key
//! of it is dropped here, and wiped.

use chrono::{TimeDelta, Utc};
use keyroll::delegation::trial::{Got, Onward, Tried};
use keyroll::kerberos::Principal;
use keyroll::kerberos::message::{
    Credential, ForUserRequest, KdcCode, KdcError, ProxyRequest, TgsRequest, TicketFlags,
};
use keyroll::name::DcName;

use super::kdc::{Kdcs, OFFERED};
use super::login::{Login, Trouble, log_in};
use super::trade::{LIFETIME, Traded, nonce, trade, unsayable};
use crate::ports::{PortError, Trial};
use crate::random;

/// A step's ticket, or the KDC's no.
type Outcome = Result<Credential, KdcError>;

impl Kdcs {
    pub(super) async fn try_delegation(
        &self,
        dc: &DcName,
        trial: &Trial<'_>,
    ) -> Result<Tried, PortError> {
        let login = match self.log_in_as(dc, trial).await {
            Ok(login) => login,
            Err(Trouble::Kdc(error)) => {
                return Ok(Tried {
                    log_in: Err(error),
                    evidence: None,
                    onward: None,
                });
            }
            Err(trouble) => {
                return Err(trouble.in_words(dc, trial.own));
            }
        };
        let mut tried = Tried {
            log_in: Ok(got(&login.credential)),
            evidence: None,
            onward: None,
        };
        let evidence = match trial.user {
            Some(user) => self.ask_for(dc, &login, trial.own, user).await?,
            None => self.tickets.evidence(dc, trial.service).await?,
        };
        tried.evidence = Some(evidence.as_ref().map(got).map_err(Clone::clone));
        if let Ok(evidence) = evidence {
            let onward = self.go_on(dc, &login, trial.to, &evidence).await?;
            tried.onward = Some(onward);
        }
        Ok(tried)
    }

    async fn log_in_as(&self, dc: &DcName, trial: &Trial<'_>) -> Result<Login, Trouble> {
        let enctypes = [trial.key.enctype()];
        let key = |_: &[_]| Ok(trial.key.duplicate());
        log_in(dc, trial.own, &enctypes, self.patience, key).await
    }

    /// S4U2Self.
    async fn ask_for(
        &self,
        dc: &DcName,
        login: &Login,
        own: &Principal,
        user: &Principal,
    ) -> Result<Outcome, PortError> {
        let (nonce, confounder) = (nonce(), random::bytes());
        let request = ForUserRequest {
            request: request(login, own, nonce, &confounder),
            user,
            forwardable: got(&login.credential).forwardable,
        };
        let object = format!("{own} for {user} at the KDC of {dc}");
        let message = request
            .to_bytes()
            .map_err(|error| unsayable(&object, &error))?;
        self.outcome(dc, &object, &message, login, nonce).await
    }

    /// S4U2Proxy.
    async fn go_on(
        &self,
        dc: &DcName,
        login: &Login,
        to: &Principal,
        evidence: &Credential,
    ) -> Result<Onward, PortError> {
        let (nonce, confounder) = (nonce(), random::bytes());
        let request = ProxyRequest {
            request: request(login, to, nonce, &confounder),
            evidence: &evidence.ticket,
        };
        let object = format!("{to} at the KDC of {dc}");
        let message = request
            .to_bytes()
            .map_err(|error| unsayable(&object, &error))?;
        let tgt = &login.credential;
        let traded = trade(dc, &object, &message, tgt, nonce, self.patience).await?;
        Ok(match traded {
            Traded::Got(credential, _) => Onward::Got(got(&credential)),
            Traded::Refused(error, _) => Onward::Refused(error),
            // Whose tickets the one that was given is for: krbtgt/REALM (RFC 4120 3.3.1).
            Traded::Referred(other) => {
                let realm = other.components().last().cloned().unwrap_or_default();
                Onward::Referred(realm)
            }
        })
    }

    async fn outcome(
        &self,
        dc: &DcName,
        object: &str,
        message: &[u8],
        login: &Login,
        nonce: u32,
    ) -> Result<Outcome, PortError> {
        let tgt = &login.credential;
        Ok(
            match trade(dc, object, message, tgt, nonce, self.patience).await? {
                Traded::Got(credential, _) => Ok(*credential),
                Traded::Refused(error, _) => Err(error),
                Traded::Referred(other) => Err(KdcError {
                    code: KdcCode::WrongRealm,
                    text: Some(format!("it points to {other}")),
                    server_time: Utc::now(),
                }),
            },
        )
    }
}

fn got(credential: &Credential) -> Got {
    Got {
        forwardable: credential.flags.contains(TicketFlags::FORWARDABLE),
    }
}

fn request<'a>(
    login: &'a Login,
    service: &'a Principal,
    nonce: u32,
    confounder: &'a [u8; 16],
) -> TgsRequest<'a> {
    TgsRequest {
        tgt: &login.credential,
        service,
        enctypes: &OFFERED,
        now: Utc::now() + login.ahead,
        // Long enough for the two steps.
        lifetime: LIFETIME.min(TimeDelta::minutes(5)),
        nonce,
        confounder,
    }
}
