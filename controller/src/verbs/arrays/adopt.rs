//! `keyroll array adopt`: an account that is in service, without a reset if its credential is
//! given.

use futures_util::future::join_all;
use keyroll::account::{AccountState, OtherOwner, set_enctypes};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keytab::held;
use keyroll::name::{ArrayName, DcName};
use keyroll::roll::{Sealed, WhichKey};
use keyroll::secret::{Password, SecretBytes};
use keyroll::shell::{powershell_word, quoted};
use keyroll_proto::operator as said;
use keyroll_proto::operator::adopt_array_request::Credential;

use super::super::no::No;
use super::super::{Controller, changed};
use super::words::{enctypes, short_life};
use super::{FIRST, demand_within_bounds};
use crate::keys::{seal_keys, seal_password};
use crate::ports::{KnownKeys, PortError};
use crate::store::{ArrayRecord, GenerationRecord};

impl Controller {
    /// Takes over an account that is in service, without a reset if its credential is given.
    ///
    /// # Errors
    /// [`No`].
    pub async fn adopt_array(&self, request: said::AdoptArrayRequest) -> Result<said::Changed, No> {
        let name: ArrayName = request.array.parse()?;
        let enctypes = enctypes(&request.enctypes)?;
        let rules = self.rules(request.policy.as_ref())?;
        let dc = self.writer().await?;
        let found = self.ports.directory.find(&dc, &request.account).await;
        let account = found.map_err(|error| not_found(error, &name, &request.account))?;
        let state = self.ports.directory.read(&dc, &account).await?;
        let sam = state.salt_source.sam_account_name.clone();
        self.is_free(&name, &sam)?;
        self.is_taken_by_none(&account, &sam)?;
        self.are_of_no_array(&state.spns)?;
        demand_within_bounds(&state, &sam)?;
        if let Some(OtherOwner { spn, name, .. }) = state.other_owners.found.first() {
            let what = format!("{spn} of account {sam} belongs to {name} too");
            return Err(No::refused("spn-duplicate", what)
                .next(format!("setspn -Q {}", powershell_word(spn))));
        }
        let kind = state.salt_source.kind;
        let note = short_life(&rules.policy);
        let mut array = ArrayRecord {
            spns: state.spns.clone(),
            ..self.blank(name.clone(), &sam, kind, enctypes, rules)?
        };
        array.account.guid = account.guid;
        array
            .account
            .distinguished_name
            .clone_from(&state.distinguished_name);
        let mut done = vec![format!(
            "account {sam} ({}) taken over",
            state.distinguished_name
        )];
        done.extend(note);
        let mut next = vec![format!("keyroll node add {name} NODE")];
        match request.credential {
            Some(credential) => {
                let (current, silent) = self.credential(&array, &state, credential).await?;
                array.current = Some(current);
                done.extend(silent);
                done.push(
                    "its credential opens the domain controllers' tickets: no reset".to_owned(),
                );
            }
            None => {
                let what = "its password is not known here: the first roll resets it, with the new \
                            key on every node first";
                done.push(what.to_owned());
                next.push(format!("keyroll roll {name}"));
            }
        }
        if !request.dry_run {
            self.put(&array)?;
            // Its password is known elsewhere; a failure is told by an alarm.
            drop(self.ports.backups.make().await);
            self.wake.notify_one();
        }
        Ok(changed(done, next, request.dry_run))
    }

    /// The generation that a given credential is, proven by a ticket of every domain controller;
    /// with what there is to say of those that are silent.
    async fn credential(
        &self,
        array: &ArrayRecord,
        state: &AccountState,
        credential: Credential,
    ) -> Result<(GenerationRecord, Vec<String>), No> {
        let salt = state.salt_source.next_salt();
        let (seal, name) = (&self.ports.seal, &array.name);
        let (keys, secret, password_known): (Vec<Key>, Sealed, bool) = match credential {
            Credential::Password(bytes) => {
                let text = SecretBytes::new(bytes);
                let text = std::str::from_utf8(text.expose())
                    .map_err(|_| No::bad_input("bad-password", "the password is not UTF-8"))?;
                let password = Password::new(text.trim_end_matches(['\r', '\n']).to_owned());
                let keys = derive_all(&array.enctypes, &password, &salt);
                (keys, seal_password(seal, name, FIRST, &password), true)
            }
            Credential::Keytab(bytes) => {
                let bytes = SecretBytes::new(bytes);
                let keys = keys_in(&bytes, &array.principals(), &array.enctypes)?;
                let secret = seal_keys(seal, name, FIRST, &keys);
                (keys, secret, false)
            }
        };
        let no_spn = || No::refused("spn-missing", "the account has no SPN to prove its key by");
        let service = array.registered_services().next().ok_or_else(no_spn)?;
        let known = KnownKeys {
            keys: keys.iter().map(|key| (WhichKey::Base, key)).collect(),
            new_password: None,
            account: Some(&array.account.principal),
        };
        let of_others = |enctype| other_enctype(array, state, enctype);
        let (kvno, silent) = self.kvno_everywhere(&service, &known, of_others).await?;
        let current = GenerationRecord {
            number: FIRST,
            kvno,
            salt: password_known.then_some(salt),
            secret,
            password_known,
        };
        Ok((current, silent))
    }

    /// The one kvno under which every domain controller issues tickets with the known key. The
    /// nodes would refuse those of one that has not heard of it yet, or names it otherwise.
    async fn kvno_everywhere(
        &self,
        service: &Principal,
        known: &KnownKeys<'_>,
        of_others: impl Fn(i32) -> Option<No>,
    ) -> Result<(Kvno, Vec<String>), No> {
        let dcs = self.ports.directory.domain_controllers().await?;
        let sights = dcs
            .iter()
            .map(|dc| self.ports.kdc.sight(dc, service, known));
        let mut seen: Option<(&DcName, Kvno)> = None;
        let (mut silent, mut error) = (Vec::new(), None);
        for (dc, sighted) in dcs.iter().zip(join_all(sights).await) {
            let sighting = match sighted {
                Ok(sighting) => sighting,
                Err(why) => {
                    silent.push(format!("note: {dc} was not looked at: {why}"));
                    error = error.or(Some(why));
                    continue;
                }
            };
            if sighting.key != WhichKey::Base {
                let wrong = || wrong_credential(dc, service, sighting.kvno);
                return Err(of_others(sighting.enctype).unwrap_or_else(wrong));
            }
            let (first, kvno) = *seen.get_or_insert((dc, sighting.kvno));
            if kvno != sighting.kvno {
                let what = format!(
                    "{first} issues tickets for {service} under kvno {kvno}, and {dc} under {}; \
                     nothing was changed",
                    sighting.kvno
                );
                return Err(No::busy("kvno-differs", what)
                    .next("samba-tool drs showrepl (or repadmin /showrepl), then the same again"));
            }
        }
        match (seen, error) {
            (Some((_, kvno)), _) => Ok((kvno, silent)),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(No::busy("without-dcs", "no domain controller is known")),
        }
    }
}

/// Why no credential would open a ticket of this enctype, if the array has no keys of it.
fn other_enctype(array: &ArrayRecord, state: &AccountState, issued: i32) -> Option<No> {
    let ours = &array.enctypes;
    if ours.iter().any(|enctype| enctype.number() == issued) {
        return None;
    }
    let sam = &state.salt_source.sam_account_name;
    let names: Vec<&str> = ours.iter().map(|enctype| enctype.name()).collect();
    let what = format!(
        "tickets for account {sam} are encrypted with {}, and array {} has keys of {} alone; \
         nothing was changed. What its nodes hold today needs such keys before the account is told \
         to use them",
        Enctype::name_of(issued),
        array.name,
        names.join(", ")
    );
    let next = set_enctypes(sam, state.supported_enctypes, ours);
    Some(No::refused("enctype-foreign", what).next(next))
}

fn wrong_credential(dc: &DcName, service: &Principal, kvno: Kvno) -> No {
    let what = format!(
        "the given credential does not open the tickets that {dc} issues for {service} (kvno \
         {kvno}); nothing was changed"
    );
    No::bad_input("wrong-credential", what).next(
        "klist -ket KEYTAB; or wait until every domain controller has its password; or adopt \
         without a credential: the first roll resets it safely",
    )
}

/// An account that is not there may be another domain's, or still to be made.
fn not_found(error: PortError, array: &ArrayName, account: &str) -> No {
    match error {
        PortError::Missing { .. } => No::from(error).next(format!(
            "samba-tool user list (or computer list; or Get-ADObject -LDAPFilter \
             '(sAMAccountName=*)'); or keyroll array create {array} --account {}, which makes it",
            quoted(account)
        )),
        PortError::Refused { .. } | PortError::Unreachable { .. } => error.into(),
    }
}

/// The newest key of each enctype that a keytab holds for one of these principals.
fn keys_in(
    bytes: &SecretBytes,
    principals: &[Principal],
    enctypes: &[Enctype],
) -> Result<Vec<Key>, No> {
    let entries = held::entries(bytes.expose()).map_err(|error| {
        No::bad_input(
            "bad-keytab",
            format!("the given keytab is damaged: {error}"),
        )
        .next("klist -ket KEYTAB")
    })?;
    let mut ours: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(|entry| principals.contains(&entry.principal))
        .collect();
    ours.sort_by_key(|entry| std::cmp::Reverse(entry.kvno));
    let newest = ours.first().map(|entry| entry.kvno);
    let keys: Vec<Key> = enctypes
        .iter()
        .filter_map(|enctype| {
            let of = ours.iter().filter(|entry| Some(entry.kvno) == newest);
            of.filter_map(|entry| entry.known_key())
                .find(|key| key.enctype() == *enctype)
        })
        .collect();
    if keys.is_empty() {
        let names = principals
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        return Err(No::bad_input(
            "bad-keytab",
            format!("the given keytab has no key of a wanted enctype for any of {names}"),
        )
        .next("klist -ket KEYTAB"));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::domain::{Scene, password};

    async fn adopt(scene: &Scene) -> Result<said::Changed, No> {
        let request = said::AdoptArrayRequest {
            array: "other".to_owned(),
            account: "WEB$".to_owned(),
            credential: Some(Credential::Password(password(1).as_bytes().to_vec())),
            dry_run: true,
            ..Default::default()
        };
        scene.site.controller.adopt_array(request).await
    }

    #[tokio::test]
    async fn a_credential_is_that_of_every_domain_controller() {
        let scene = Scene::new(&["dc1", "dc2"]);
        scene.disband();
        let done = adopt(&scene).await.unwrap().done;
        assert!(
            done.iter().any(|line| line.contains("no reset")),
            "{done:?}"
        );
        scene.issues("dc2", password(1), 5);
        let no = adopt(&scene).await.unwrap_err();
        assert_eq!((no.code, no.exit), ("kvno-differs", 75), "{}", no.what);
        scene.issues("dc2", password(2), 4);
        let no = adopt(&scene).await.unwrap_err();
        assert_eq!(no.code, "wrong-credential");
        assert!(no.what.contains("dc2"), "{}", no.what);
        scene.issues_rc4("dc2");
        let no = adopt(&scene).await.unwrap_err();
        assert_eq!(no.code, "enctype-foreign");
        assert!(no.what.contains("with rc4-hmac"), "{}", no.what);
        assert!(no.next.contains("enctypes set 'WEB$'"), "{}", no.next);
    }

    #[tokio::test]
    async fn an_account_that_was_renamed_just_now_is_its_arrays_still() {
        let scene = Scene::new(&["dc1"]);
        scene.edit(|array| {
            array.account.guid = [7; 16];
            array.account.sam_account_name = "BEFORE$".to_owned();
            array.spns.clear();
        });
        let no = adopt(&scene).await.unwrap_err();
        assert_eq!(no.code, "exists", "{}", no.what);
        let take = said::CreateArrayRequest {
            array: "other".to_owned(),
            account: "WEB$".to_owned(),
            take_existing: true,
            ..Default::default()
        };
        let no = scene.site.controller.create_array(&take).await.unwrap_err();
        assert_eq!(no.code, "exists", "{}", no.what);
    }
}
