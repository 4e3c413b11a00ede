//! What a domain controller has called wrong is not shown to it again for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyroll::name::DcName;
use keyroll::secret::{Password, SecretBytes};

/// Passwords and keys that a domain controller has called wrong. Each try counts as a failed
/// login, so a wrong one in a file must not lock the controller's account out.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<DcName, Vec<(SecretBytes, Instant)>>>);

/// How long a secret that was called wrong is not tried again. The usual window in which failed
/// logins are added up is half an hour.
const PAUSE: Duration = Duration::from_secs(40 * 60);

impl Refusals {
    /// For how long the secret is not to be shown to `dc`; `None` if it may be.
    #[must_use]
    pub fn pause(&self, dc: &DcName, secret: &SecretBytes) -> Option<Duration> {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = refused.get(dc)?.iter();
        let (_, since) = known.find(|(wrong, _)| wrong.same_as(secret))?;
        PAUSE.checked_sub(since.elapsed())
    }

    /// Notes that `dc` called the secret wrong.
    pub fn note(&self, dc: &DcName, secret: &SecretBytes) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = refused.entry(dc.clone()).or_default();
        known.retain(|(wrong, since)| since.elapsed() < PAUSE && !wrong.same_as(secret));
        known.push((secret.duplicate(), Instant::now()));
    }
}

/// A password, for the list.
#[must_use]
pub fn of_password(password: &Password) -> SecretBytes {
    SecretBytes::new(password.expose().as_bytes().to_vec())
}

/// Why a secret is not shown, in words.
#[must_use]
pub fn in_words(what: &str, pause: Duration) -> String {
    format!(
        "{what} was wrong before; so as not to lock the account out it is not tried again for {} \
         min unless it changes",
        pause.as_secs() / 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_secret_is_shown_to_a_domain_controller_once() {
        let (refusals, dc) = (Refusals::default(), "dc1.corp.example".parse().unwrap());
        let secret = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
        assert_eq!(refusals.pause(&dc, &secret("one")), None);
        refusals.note(&dc, &secret("one"));
        refusals.note(&dc, &secret("two"));
        for wrong in ["one", "two"] {
            assert!(refusals.pause(&dc, &secret(wrong)).unwrap() > Duration::from_secs(39 * 60));
        }
        assert_eq!(refusals.pause(&dc, &secret("another")), None);
        let other = "dc2.corp.example".parse().unwrap();
        assert_eq!(refusals.pause(&other, &secret("one")), None);
    }
}
