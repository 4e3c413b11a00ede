//! The writes: passwords by compare-and-swap, new accounts, enctypes.

use std::collections::HashSet;

use keyroll::account::protection::is_outside;
use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::AccountKind;
use keyroll::name::DcName;
use keyroll::roll::Answer;
use keyroll::roll::policy::Method;
use ldap3::Mod;

use super::ActiveDirectory;
use super::account::{Root, named};
use super::connection::Connection;
use super::entry::Entry;
use super::result::{self, NO_SUCH_ATTRIBUTE, UNWILLING, VALUE_EXISTS};
use super::text::Dn;
use crate::ports::{AccountRef, NewAccount, PasswordWrite, PortError};

/// LDAP's `unavailable`, for what was refused before it was sent.
const UNAVAILABLE: u32 = 52;

/// NORMAL_ACCOUNT with DONT_EXPIRE_PASSWORD, and WORKSTATION_TRUST_ACCOUNT (MS-ADTS 2.2.16): the
/// password of a service is changed by a roll, never by a policy that locks the service out.
const USER: u32 = 0x200 | 0x1_0000;
const COMPUTER: u32 = 0x1000;
/// The default containers (MS-ADTS 6.1.1.4).
const USERS: &str = "A9D1CA15768811D1ADED00C04FD8D5CD";
const COMPUTERS: &str = "AA312825768811D1ADED00C04FD8D5CD";

/// The bits of `msDS-SupportedEncryptionTypes` that name kinds of keys; the others stay.
const KINDS: u32 = 0x1f;

pub(super) type Change = Mod<Vec<u8>>;

pub(super) fn delete(attribute: &str, value: &[u8]) -> Change {
    Mod::Delete(attribute.into(), HashSet::from([value.to_vec()]))
}

pub(super) fn add(attribute: &str, value: &[u8]) -> Change {
    Mod::Add(attribute.into(), HashSet::from([value.to_vec()]))
}

fn replace(attribute: &str, value: &[u8]) -> Change {
    Mod::Replace(attribute.into(), HashSet::from([value.to_vec()]))
}

/// The one modify of a password write, which holds only if the directory is still as it was:
/// a change names the old password, a reset the old value of the fence.
fn password_changes(write: &PasswordWrite<'_>, fence: &str) -> Result<Vec<Change>, &'static str> {
    let new = write.new.to_unicode_pwd();
    match write.method {
        Method::Change => {
            let old = write.old.ok_or("a change needs the password in force")?;
            Ok(vec![
                delete("unicodePwd", old.to_unicode_pwd().expose()),
                add("unicodePwd", new.expose()),
            ])
        }
        Method::FencedReset => {
            let (before, after) = write.fence;
            // The attribute holds one value, so adding to it fails if it is not absent.
            let mut changes: Vec<Change> = before
                .map(|before| delete(fence, before.as_bytes()))
                .into_iter()
                .collect();
            changes.push(add(fence, after.as_bytes()));
            changes.push(replace("unicodePwd", new.expose()));
            Ok(changes)
        }
    }
}

/// What became of a write that was not sent at all. Who could not be reached is asked again after
/// a look; who refuses before the write would refuse it too.
pub(super) fn not_sent(error: &PortError) -> Answer {
    let text = match error {
        PortError::Refused { next, .. } if !next.is_empty() => {
            format!("{error}; nothing was sent; next: {next}")
        }
        _ => format!("{error}; nothing was sent"),
    };
    match error {
        PortError::Unreachable { .. } => Answer::Unanswered { text },
        PortError::Refused { .. } | PortError::Missing { .. } => Answer::Refused {
            code: UNAVAILABLE,
            win32: None,
            text,
        },
    }
}

impl ActiveDirectory {
    pub(super) async fn send_password(&self, dc: &DcName, write: &PasswordWrite<'_>) -> Answer {
        let changes = match password_changes(write, &self.settings.fence_attribute) {
            Ok(changes) => changes,
            Err(why) => {
                let text = format!("{why}; nothing was sent");
                return Answer::Refused {
                    code: UNWILLING,
                    win32: None,
                    text,
                };
            }
        };
        let (mut connection, root) = match self.connections.live(dc).await {
            Ok(live) => live,
            Err(error) => return not_sent(&error),
        };
        let bounds = self.demand_within_bounds(&mut connection, &root, dc, write.account);
        if let Err(error) = bounds.await {
            return not_sent(&error);
        }
        let object = Dn::of_guid(&write.account.guid);
        let answer = connection.modify(&object, changes).await;
        connection.close().await;
        result::answer(answer)
    }

    pub(super) async fn send_account(&self, dc: &DcName, account: &NewAccount<'_>) -> Answer {
        let container = self.container(dc, account.kind, account.container).await;
        let (mut connection, parent) = match container {
            Ok(found) => found,
            Err(error) => return not_sent(&error),
        };
        let name = account.sam_account_name;
        let (class, control) = match account.kind {
            AccountKind::User => ("user", USER),
            AccountKind::Computer => ("computer", COMPUTER),
        };
        let common_name = name.strip_suffix('$').unwrap_or(name);
        let password = account.password.to_unicode_pwd();
        let attribute = |attribute: &str, value: &[u8]| {
            (
                attribute.as_bytes().to_vec(),
                HashSet::from([value.to_vec()]),
            )
        };
        let attributes = vec![
            attribute("objectClass", class.as_bytes()),
            attribute("sAMAccountName", name.as_bytes()),
            attribute("userAccountControl", control.to_string().as_bytes()),
            attribute("unicodePwd", password.expose()),
            attribute(
                "msDS-SupportedEncryptionTypes",
                bits(account.enctypes).to_string().as_bytes(),
            ),
            attribute(&self.settings.fence_attribute, account.fence.as_bytes()),
        ];
        let object = Dn::child(common_name, &parent);
        if let Err(error) = self.demand_below(&object, dc) {
            return not_sent(&error);
        }
        let answer = connection.add(&object, attributes).await;
        connection.close().await;
        result::answer(answer)
    }

    /// Where a new account goes: as asked, as configured, or where the domain puts its kind.
    pub(super) async fn container(
        &self,
        dc: &DcName,
        kind: AccountKind,
        written: Option<&str>,
    ) -> Result<(Connection, Dn), PortError> {
        let (mut connection, root) = self.connections.live(dc).await?;
        if let Some(written) = written {
            let parent = written.parse::<Dn>().map_err(|error| PortError::Refused {
                object: "the container of new accounts".to_owned(),
                why: error.to_string(),
                next: "keyroll array create --help".to_owned(),
            })?;
            return Ok((connection, parent));
        }
        if let Some(configured) = &self.settings.account_container {
            return Ok((connection, configured.clone()));
        }
        let root = Root::of(&root, dc)?;
        let kind = match kind {
            AccountKind::User => USERS,
            AccountKind::Computer => COMPUTERS,
        };
        let known = Dn::well_known(kind, &root.domain);
        let found = connection
            .look(&known, &["distinguishedName"], None)
            .await?;
        Ok((connection, Dn::of_directory(found.name())))
    }

    /// A new account is where the settings let accounts be.
    fn demand_below(&self, object: &Dn, dc: &DcName) -> Result<(), PortError> {
        let below = self.settings.accounts_below.iter().map(Dn::as_str);
        if !is_outside(object.as_str(), below) {
            return Ok(());
        }
        Err(PortError::Refused {
            object: format!("{object} on {dc}"),
            why: "it would be below no container of directory.accounts-below".to_owned(),
            next: "the same with --container and one of directory.accounts-below".to_owned(),
        })
    }

    /// Whether there is such a container, and the caller may make an account of this kind in it
    /// (`allowedChildClassesEffective`, MS-ADTS 3.1.1.4.5.22).
    pub(super) async fn look_at_container(
        &self,
        dc: &DcName,
        kind: AccountKind,
        container: Option<&str>,
    ) -> Result<(), PortError> {
        const ATTRIBUTE: &str = "allowedChildClassesEffective";
        let (mut connection, parent) = self.container(dc, kind, container).await?;
        self.demand_below(&Dn::child("NAME", &parent), dc)?;
        let object = || format!("container {} on {dc}", parent.as_str());
        let entry = match connection.look(&parent, &[ATTRIBUTE], None).await {
            Ok(entry) => entry,
            Err(PortError::Missing { .. }) => return Err(PortError::Missing { object: object() }),
            Err(error) => return Err(error),
        };
        let class = match kind {
            AccountKind::User => "user",
            AccountKind::Computer => "computer",
        };
        if entry
            .texts(ATTRIBUTE)
            .any(|one| one.eq_ignore_ascii_case(class))
        {
            return Ok(());
        }
        Err(PortError::Refused {
            object: object(),
            why: format!("the controller's account has no right to make a {class} there"),
            // Whoever asked knows for which account, and prints the rights for that one.
            next: String::new(),
        })
    }

    pub(super) async fn put_enctypes(
        &self,
        dc: &DcName,
        account: &AccountRef,
        enctypes: &[Enctype],
    ) -> Result<(), PortError> {
        const ATTRIBUTE: &str = "msDS-SupportedEncryptionTypes";
        let (mut connection, root) = self.connections.live(dc).await?;
        let object = Dn::of_guid(&account.guid);
        let entry = connection.look(&object, &[ATTRIBUTE], None).await;
        let present = entry
            .map_err(|error| named(error, account, dc))?
            .bits(ATTRIBUTE);
        let wanted = present.unwrap_or(0) & !KINDS | bits(enctypes);
        if present == Some(wanted) {
            return Ok(());
        }
        // The directory holds the 32 bits with a sign.
        let value = wanted.cast_signed().to_string();
        let change = vec![replace(ATTRIBUTE, value.as_bytes())];
        self.apply(&mut connection, &root, dc, account, change)
            .await
            .map(|_| ())
    }

    /// Sends a change; what is there already, or gone already, is as good as done.
    pub(super) async fn apply(
        &self,
        connection: &mut Connection,
        root: &Entry,
        dc: &DcName,
        account: &AccountRef,
        change: Vec<Change>,
    ) -> Result<(), PortError> {
        self.demand_within_bounds(connection, root, dc, account)
            .await?;
        let sent = connection.modify(&Dn::of_guid(&account.guid), change).await;
        let answer = sent.map_err(|lost| connection.unreachable(lost))?;
        match answer.rc {
            VALUE_EXISTS | NO_SUCH_ATTRIBUTE => Ok(()),
            _ => result::success(dc, &account.principal.to_string(), &answer),
        }
    }
}

/// The attribute's value for these enctypes. Those that it cannot name need no bit: a KDC that
/// knows them takes the strongest key that the account has.
fn bits(enctypes: &[Enctype]) -> u32 {
    let bits = enctypes
        .iter()
        .filter_map(|enctype| enctype.directory_bit());
    bits.fold(0, |sum, bit| sum | bit)
}

#[cfg(test)]
mod tests {
    use keyroll::kerberos::Principal;
    use keyroll::secret::Password;

    use super::*;

    fn account() -> AccountRef {
        let principal: Principal = "web@CORP.EXAMPLE".parse().unwrap();
        AccountRef {
            guid: [1; 16],
            principal,
        }
    }

    fn wide(text: &str) -> Vec<u8> {
        let quoted = format!("\"{text}\"");
        quoted.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[track_caller]
    fn check(method: Method, fence: (Option<&str>, &str), wanted: &[Change]) {
        let (account, old, new) = (
            account(),
            Password::new("old".to_owned()),
            Password::new("new".to_owned()),
        );
        let old = Some(&old);
        let write = PasswordWrite {
            account: &account,
            old,
            new: &new,
            method,
            fence,
        };
        assert_eq!(password_changes(&write, "info").unwrap(), wanted);
    }

    #[test]
    fn every_write_names_what_it_builds_on() {
        let (old, new) = (wide("old"), wide("new"));
        check(
            Method::Change,
            (Some("a"), "b"),
            &[delete("unicodePwd", &old), add("unicodePwd", &new)],
        );
        check(
            Method::FencedReset,
            (Some("a"), "b"),
            &[
                delete("info", b"a"),
                add("info", b"b"),
                replace("unicodePwd", &new),
            ],
        );
        check(
            Method::FencedReset,
            (None, "b"),
            &[add("info", b"b"), replace("unicodePwd", &new)],
        );
    }

    #[test]
    fn a_change_without_the_old_password_is_not_sent() {
        let (account, new) = (account(), Password::new("new".to_owned()));
        let method = Method::Change;
        let write = PasswordWrite {
            account: &account,
            old: None,
            new: &new,
            method,
            fence: (None, "b"),
        };
        assert!(password_changes(&write, "info").is_err());
    }

    #[test]
    fn an_unreachable_domain_controller_has_not_refused() {
        let object = "dc1".to_owned();
        let silent = PortError::Unreachable {
            object: object.clone(),
            why: "reset".to_owned(),
        };
        assert!(matches!(not_sent(&silent), Answer::Unanswered { .. }));
        let refused = PortError::Refused {
            object,
            why: "no".to_owned(),
            next: String::new(),
        };
        assert!(matches!(not_sent(&refused), Answer::Refused { .. }));
    }
}
