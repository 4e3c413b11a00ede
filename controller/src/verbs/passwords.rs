//! `keyroll node password`: whether an array's password itself is sent to a node.

use keyroll::letter::PasswordUse;
use keyroll_proto::operator as said;
use strum::VariantNames as _;

use super::no::No;
use super::{Controller, changed};
use crate::store::{NodeState, PasswordLeave};

impl Controller {
    /// Gives leave to send the password of an array to one node for one use, or takes it back. The
    /// node shows the key that it is sealed to from then on.
    ///
    /// # Errors
    /// [`No`]; a node without a target for it refuses.
    pub async fn allow_password(
        &self,
        request: &said::AllowPasswordRequest,
    ) -> Result<said::Changed, No> {
        let (array, node) = self.member(&request.array, &request.node)?;
        let (array, name) = (array.name, node.name);
        let purpose: PasswordUse = request.purpose.parse().map_err(|_| {
            let what = format!(
                "{:?} is no use of a password; these are: {}",
                request.purpose,
                PasswordUse::VARIANTS.join(", ")
            );
            No::bad_input("unknown-use", what)
        })?;
        let show = format!("keyroll node show {array} {name}");
        if request.forbid {
            let leave = node.passwords.get(&array);
            if !leave.is_some_and(|leave| leave.uses.contains(&purpose)) {
                let what = format!("the password of {array} is not sent to {name} for {purpose}");
                return Err(No::bad_state("not-allowed", what).next(show));
            }
            if !request.dry_run {
                self.edit(&name, |node| {
                    if let Some(leave) = node.passwords.get_mut(&array) {
                        leave.uses.remove(&purpose);
                    }
                    node.passwords.retain(|_, leave| !leave.uses.is_empty());
                })?;
                self.wake.notify_one();
            }
            // It knew the password in force: only a roll makes it forget that.
            let done = vec![
                format!("the password of {array} is not sent to {name} for {purpose} any more"),
                format!("what {name} keeps of it is wiped as soon as it can be reached"),
            ];
            return Ok(changed(
                done,
                vec![format!("keyroll roll {array}")],
                request.dry_run,
            ));
        }
        if node.state != NodeState::Joined {
            let what = format!("{name} has not joined yet, so it has no key to seal to");
            return Err(No::bad_state("not-joined", what).next(show));
        }
        let mut sealed = "sealed to its key".to_owned();
        if !request.dry_run {
            let key = self.pool.letter_key(&name, &array).await?;
            sealed = format!("{sealed}, SHA-256 {}", key.fingerprint());
            self.edit(&name, |node| {
                let uses = node.passwords.remove(&array).map(|leave| leave.uses);
                let mut uses = uses.unwrap_or_default();
                uses.insert(purpose);
                node.passwords
                    .insert(array.clone(), PasswordLeave { uses, key });
            })?;
            self.wake.notify_one();
        }
        let mut done = vec![format!(
            "the password of {array} is sent to {name} for {purpose}, {sealed}"
        )];
        done.extend(gap(purpose).map(str::to_owned));
        Ok(changed(done, vec![show], request.dry_run))
    }
}

/// What whoever gives leave has to know: where logins are lost in a roll all the same.
const fn gap(purpose: PasswordUse) -> Option<&'static str> {
    match purpose {
        PasswordUse::LogonSession => None,
        PasswordUse::ServiceLogon => Some(
            "a service that accepts logins under this account by SSPI refuses new tickets from \
             the write of a roll until it is restarted, and from then on those of before the roll \
             until they die (up to a ticket's life, 10 hours by default); one that accepts in \
             the session of SYSTEM or NetworkService, with a target of kind logon-session, loses \
             none",
        ),
        PasswordUse::IisPool => Some(
            "an application pool that opens tickets with its own account \
             (useAppPoolCredentials=true) refuses new tickets from the write of a roll until it \
             is recycled, and from then on those of before the roll until they die (up to a \
             ticket's life, 10 hours by default); with false, and a target of kind \
             logon-session, none is lost",
        ),
    }
}

#[cfg(test)]
mod tests;
