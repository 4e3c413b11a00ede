//! `keyroll array …`: accounts made or taken over, shown and given up.

use std::collections::BTreeSet;
use std::time::Duration;

use keyroll::account::AccountState;
use keyroll::fence::Version;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::keytab::held;
use keyroll::name::{ArrayName, DcName};
use keyroll::password::{Length, generate};
use keyroll::roll::policy::{Gate, Method, OnDeadline, Policy};
use keyroll::roll::{Answer, GenerationNumber, Refusal, RollNumber, Sealed};
use keyroll::secret::{Password, SecretBytes};
use keyroll_proto::convert::parsed;
use keyroll_proto::operator as said;
use keyroll_proto::operator::adopt_array_request::Credential;

use super::no::No;
use super::{Controller, changed};
use crate::founding;
use crate::keys::{seal_keys, seal_password};
use crate::ports::{AccountRef, KnownKeys, NewAccount, PasswordWrite, PortError};
use crate::random;
use crate::store::{Account, ArrayRecord, GenerationRecord, Read as _};

/// The first generation of an array.
const FIRST: GenerationNumber = GenerationNumber(1);

impl Controller {
    /// Makes (or takes) the account, and the array around it. SPNs are registered by
    /// reconciliation once a node holds the key.
    ///
    /// # Errors
    /// [`No`].
    pub async fn create_array(
        &self,
        request: &said::CreateArrayRequest,
    ) -> Result<said::Changed, No> {
        let name: ArrayName = request.array.parse()?;
        let kind = account_kind(&request.account, &request.account_kind)?;
        let sam = sam_account_name(&request.account, kind)?;
        let enctypes = enctypes(&request.enctypes)?;
        let (policy, method, password_length) = self.policy(request.policy.as_ref())?;
        self.is_free(&name, &sam)?;
        let realm = self.ports.directory.realm().clone();
        for spn in &request.spns {
            Principal::of_spn(spn, &realm)?;
        }
        let dc = self.writer().await?;
        let existing = match self.ports.directory.find(&dc, &sam).await {
            Ok(account) => Some(account),
            Err(PortError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if existing.is_some() && !request.take_existing {
            return Err(No::exists(format!(
                "account {sam} exists in the directory already; a new array makes its own"
            ))
            .next(format!("keyroll array adopt {name} --account '{sam}' (in service), or array create --take-existing (not yet in service)")));
        }
        let mut done = vec![match &existing {
            None => format!("account {sam} made on {dc}, enctypes {}", list(&enctypes)),
            Some(_) => format!(
                "account {sam} taken: password reset on {dc}, enctypes {}",
                list(&enctypes)
            ),
        }];
        done.push(format!("array {name} set up"));
        if !request.spns.is_empty() {
            let spns = request.spns.join(", ");
            done.push(format!(
                "to be registered once a node holds the key: {spns}"
            ));
        }
        let next = vec![format!("keyroll node add {name} NODE")];
        if request.dry_run {
            return Ok(changed(done, next, true));
        }
        let length = Length::new(password_length as usize)
            .map_err(|error| No::bad_input("bad-length", error.to_string()))?;
        let password = generate(length, &sam, &mut random::fill)
            .map_err(|_| No::internal("the operating system gives no random bytes"))?;
        let fence = format!("keyroll {name}.{}", random::token());
        let mut array = ArrayRecord {
            spns: request.spns.clone(),
            spns_pending: request.spns.iter().cloned().collect(),
            current: Some(GenerationRecord {
                number: FIRST,
                kvno: keyroll::kerberos::Kvno(0),
                salt: None,
                secret: seal_password(&self.ports.seal, &name, FIRST, &password),
                password_known: true,
            }),
            founding: Some(fence.clone()),
            ..self.blank(
                name.clone(),
                &sam,
                kind,
                enctypes,
                policy,
                method,
                password_length,
            )?
        };
        // The intent first: whatever happens next, the password is not lost.
        self.put(&array)?;
        let wanted = Founding {
            dc: &dc,
            sam: &sam,
            kind,
            password: &password,
            fence: &fence,
        };
        match self
            .found(&mut array, &wanted, existing, &request.container)
            .await
        {
            Ok(()) => Ok(changed(done, next, false)),
            Err(Founded::No(no)) => {
                self.forget(&name)?;
                Err(no)
            }
            Err(Founded::Unknown(no)) => Err(no),
        }
    }

    async fn found(
        &self,
        array: &mut ArrayRecord,
        wanted: &Founding<'_>,
        existing: Option<AccountRef>,
        container: &str,
    ) -> Result<(), Founded> {
        let (dc, enctypes) = (wanted.dc, array.enctypes.clone());
        let answer = match &existing {
            None => {
                let account = NewAccount {
                    sam_account_name: wanted.sam,
                    kind: wanted.kind,
                    container: (!container.is_empty()).then_some(container),
                    password: wanted.password,
                    enctypes: &enctypes,
                    fence: wanted.fence,
                };
                self.ports.directory.create(dc, &account).await
            }
            Some(account) => self.take(dc, account, wanted, &enctypes).await?,
        };
        if let Answer::Refused { text, .. } = answer {
            let what = format!("{dc} refused to make account {}: {text}", wanted.sam);
            let next = format!(
                "keyroll array create --print-acl --account '{}'",
                wanted.sam
            );
            return Err(Founded::No(No::refused("refused", what).next(next)));
        }
        let text = match &answer {
            Answer::Unanswered { text } => text.as_str(),
            _ => "it said success",
        };
        let settled = founding::settle(&self.ports, dc, array).await;
        self.wake.notify_one();
        settled.map_err(|error| {
            let what = format!(
                "it is not known whether {dc} made account {} ({text}; then: {error}); the array is \
                 kept and looked after until it is known",
                wanted.sam
            );
            Founded::Unknown(
                No::unreachable(what).next(format!("keyroll array show {}", array.name)),
            )
        })
    }

    async fn take(
        &self,
        dc: &DcName,
        account: &AccountRef,
        wanted: &Founding<'_>,
        enctypes: &[Enctype],
    ) -> Result<Answer, Founded> {
        let directory = &self.ports.directory;
        let refused = |error: PortError| Founded::No(error.into());
        let state = directory.read(dc, account).await.map_err(refused)?;
        if !state.spns.is_empty() {
            return Err(Founded::No(
                No::refused(
                    "in-service",
                    format!(
                        "account {} has SPNs, so clients may hold tickets for it",
                        wanted.sam
                    ),
                )
                .next(format!(
                    "keyroll array adopt ARRAY --account '{}'",
                    wanted.sam
                )),
            ));
        }
        // Only where it differs: the right to write it is needed at set-up alone.
        let bits: u32 = enctypes.iter().filter_map(|one| one.directory_bit()).sum();
        if state.supported_enctypes != Some(bits) {
            directory
                .set_enctypes(dc, account, enctypes)
                .await
                .map_err(refused)?;
        }
        let write = PasswordWrite {
            account,
            old: None,
            new: wanted.password,
            method: Method::FencedReset,
            fence: (state.fence.as_deref(), wanted.fence),
        };
        Ok(self.ports.directory.write_password(dc, &write).await)
    }

    /// Takes over an account that is in service, without a reset if its credential is given.
    ///
    /// # Errors
    /// [`No`].
    pub async fn adopt_array(&self, request: said::AdoptArrayRequest) -> Result<said::Changed, No> {
        let name: ArrayName = request.array.parse()?;
        let enctypes = enctypes(&request.enctypes)?;
        let (policy, method, password_length) = self.policy(request.policy.as_ref())?;
        let dc = self.writer().await?;
        let account = self.ports.directory.find(&dc, &request.account).await?;
        let state = self.ports.directory.read(&dc, &account).await?;
        let sam = state.salt_source.sam_account_name.clone();
        self.is_free(&name, &sam)?;
        if state.protected {
            return Err(No::refused(
                "account-protected",
                format!(
                    "account {sam} is protected (adminCount is 1); an array gets an account of its own"
                ),
            ));
        }
        let kind = state.salt_source.kind;
        let mut array = ArrayRecord {
            spns: state.spns.clone(),
            ..self.blank(
                name.clone(),
                &sam,
                kind,
                enctypes,
                policy,
                method,
                password_length,
            )?
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
        let mut next = vec![format!("keyroll node add {name} NODE")];
        match request.credential {
            Some(credential) => {
                array.current = Some(self.credential(&dc, &array, &state, credential).await?);
                done.push(
                    "its credential opens the domain controller's tickets: no reset".to_owned(),
                );
            }
            None => {
                done.push("its password is not known here: the first roll resets it, with the new key on every node first".to_owned());
                next.push(format!("keyroll roll {name}"));
            }
        }
        if !request.dry_run {
            self.put(&array)?;
            self.wake.notify_one();
        }
        Ok(changed(done, next, request.dry_run))
    }

    /// The generation that a given credential is, proven by a ticket.
    async fn credential(
        &self,
        dc: &DcName,
        array: &ArrayRecord,
        state: &AccountState,
        credential: Credential,
    ) -> Result<GenerationRecord, No> {
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
            keys: keys
                .iter()
                .map(|key| (keyroll::roll::WhichKey::Base, key))
                .collect(),
            new_password: None,
        };
        let sighting = self.ports.kdc.sight(dc, &service, &known).await?;
        if sighting.key != keyroll::roll::WhichKey::Base {
            return Err(No::bad_input(
                "wrong-credential",
                format!(
                    "the given credential does not open the tickets that {dc} issues for {service} \
                     (kvno {}); nothing was changed",
                    sighting.kvno
                ),
            )
            .next(
                "klist -ket KEYTAB, or adopt without a credential: the first roll resets it safely",
            ));
        }
        Ok(GenerationRecord {
            number: FIRST,
            kvno: sighting.kvno,
            salt: password_known.then_some(salt),
            secret,
            password_known,
        })
    }

    /// Forgets an array; the account stays in the directory.
    ///
    /// # Errors
    /// [`No`].
    pub async fn delete_array(
        &self,
        request: &said::DeleteArrayRequest,
    ) -> Result<said::Changed, No> {
        let array = self.array(&request.array)?;
        if let Some(open) = self.ports.store.open_roll(&array.name)? {
            let roll = open.number;
            return Err(No::busy(
                "roll-under-way",
                format!("roll {roll} of {} is under way", array.name),
            )
            .next(format!("keyroll roll abort {}", array.name)));
        }
        let nodes = self.ports.store.members(&array.name)?;
        let mut done = Vec::new();
        for node in nodes.iter().map(|node| &node.name) {
            if request.wipe_nodes {
                if !request.dry_run {
                    self.ports.agents.wipe(node, &array.name).await?;
                }
                done.push(format!("keys of {} wiped on {node}", array.name));
            } else {
                done.push(format!("{node} keeps its keytab as it is"));
            }
        }
        done.push(format!(
            "array {} forgotten; account {} stays",
            array.name, array.account.sam_account_name
        ));
        if !request.dry_run {
            self.forget(&array.name)?;
        }
        let next = format!(
            "samba-tool user delete '{}' (or Remove-ADObject)",
            array.account.sam_account_name
        );
        Ok(changed(done, vec![next], request.dry_run))
    }

    fn is_free(&self, name: &ArrayName, sam: &str) -> Result<(), No> {
        if self.ports.store.array(name)?.is_some() {
            return Err(No::exists(format!("array {name} exists already"))
                .next(format!("keyroll array show {name}")));
        }
        let arrays = self.ports.store.arrays()?;
        let same = arrays
            .iter()
            .find(|array| array.account.sam_account_name.eq_ignore_ascii_case(sam));
        match same {
            None => Ok(()),
            Some(other) => Err(No::exists(format!(
                "account {sam} belongs to array {}",
                other.name
            ))
            .next(format!("keyroll array show {}", other.name))),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a record of as many parts")]
    fn blank(
        &self,
        name: ArrayName,
        sam: &str,
        kind: AccountKind,
        enctypes: Vec<Enctype>,
        policy: Policy,
        method: Option<Method>,
        password_length: u32,
    ) -> Result<ArrayRecord, No> {
        let realm = self.ports.directory.realm().clone();
        let principal = Principal::new(vec![sam.to_owned()], realm.clone())?;
        // The journals of a deleted array stay, and so do its nodes' fences: its numbers go on.
        let last = self.ports.store.history(&name, 1)?.pop();
        let (keyset_version, next_roll) = last.map_or((Version(1), RollNumber(1)), |past| {
            let version = past.roll.recipe().version.next();
            (version, RollNumber(past.number.0 + 1))
        });
        Ok(ArrayRecord {
            name,
            realm,
            account: Account {
                principal,
                guid: [0; 16],
                sam_account_name: sam.to_owned(),
                kind,
                distinguished_name: String::new(),
            },
            spns: Vec::new(),
            spns_pending: BTreeSet::new(),
            enctypes,
            policy,
            method,
            password_length,
            current: None,
            previous: None,
            founding: None,
            keyset_version,
            next_roll,
            next_generation: GenerationNumber(2),
            rolled_at_unix: None,
            schedule: None,
            schedule_set_unix: None,
            paused: None,
        })
    }

    fn put(&self, array: &ArrayRecord) -> Result<(), No> {
        Ok(self.ports.store.write(|change| change.put_array(array))?)
    }

    /// The array's row goes, and its nodes no longer belong to it.
    fn forget(&self, name: &ArrayName) -> Result<(), No> {
        self.ports.store.write(|change| {
            for mut node in change.members(name)? {
                node.arrays.remove(name);
                node.quarantined.remove(name);
                change.put_node(&node)?;
            }
            change.remove_array(name)
        })?;
        Ok(())
    }

    /// The policy that a request describes, with the configured defaults filled in.
    fn policy(&self, given: Option<&said::Policy>) -> Result<(Policy, Option<Method>, u32), No> {
        let mut policy = self.defaults.policy();
        let mut length = self.defaults.password_length;
        let Some(given) = given else {
            return Ok((policy, None, length));
        };
        let set = |time: &mut Duration, seconds: u64| {
            if seconds != 0 || given.exact {
                *time = Duration::from_secs(seconds);
            }
        };
        if !given.gate.is_empty() {
            policy.gate = parsed::<Gate>("policy.gate", &given.gate)?;
        }
        if given.stage_deadline != 0 {
            policy.stage_deadline = Duration::from_secs(given.stage_deadline);
        }
        set(&mut policy.ticket_life, given.ticket_life);
        set(&mut policy.clock_skew, given.clock_skew);
        set(&mut policy.margin, given.margin);
        policy.on_deadline = match given.on_deadline.as_str() {
            "" => policy.on_deadline,
            "abort" => OnDeadline::Abort,
            "quarantine" => OnDeadline::Quarantine,
            other => return Err(bad_word("on-deadline", other, "abort or quarantine")),
        };
        let method = match given.method.as_str() {
            "" | "auto" => None,
            "change" => Some(Method::Change),
            "reset" => Some(Method::FencedReset),
            other => return Err(bad_word("method", other, "auto, change or reset")),
        };
        if given.password_length != 0 {
            length = given.password_length;
        }
        Length::new(length as usize)
            .map_err(|error| No::bad_input("bad-length", error.to_string()))?;
        Ok((policy, method, length))
    }
}

struct Founding<'a> {
    dc: &'a DcName,
    sam: &'a str,
    kind: AccountKind,
    password: &'a Password,
    fence: &'a str,
}

enum Founded {
    No(No),
    Unknown(No),
}

fn bad_word(what: &str, word: &str, allowed: &str) -> No {
    No::bad_input(
        "bad-value",
        format!("{what} {word:?} is not known; it is {allowed}"),
    )
}

fn list(enctypes: &[Enctype]) -> String {
    enctypes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn account_kind(account: &str, kind: &str) -> Result<AccountKind, No> {
    match kind {
        "" | "computer" => Ok(AccountKind::Computer),
        "user" if account.ends_with('$') => Err(No::bad_input(
            "bad-name",
            format!("{account:?} ends in '$', which names a computer account"),
        )),
        "user" => Ok(AccountKind::User),
        other => Err(bad_word("account kind", other, "computer or user")),
    }
}

/// AD allows 20 characters for a user's name and 15 (and a '$') for a computer's.
fn sam_account_name(account: &str, kind: AccountKind) -> Result<String, No> {
    let (stem, most) = match kind {
        AccountKind::Computer => (account.trim_end_matches('$'), 15),
        AccountKind::User => (account, 20),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if stem.is_empty() || stem.len() > most || !stem.chars().all(allowed) {
        return Err(No::bad_input(
            "bad-name",
            format!(
                "{account:?} is not a name for an account: 1 to {most} letters, digits, '-', '_', '.'"
            ),
        ));
    }
    Ok(match kind {
        AccountKind::Computer => format!("{stem}$"),
        AccountKind::User => stem.to_owned(),
    })
}

fn enctypes(names: &[String]) -> Result<Vec<Enctype>, No> {
    if names.is_empty() {
        return Ok(vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]);
    }
    Ok(names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?)
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
        ));
    }
    Ok(keys)
}

/// A core refusal in the protocol's form.
pub(super) fn refusal(reason: &Refusal) -> said::Refusal {
    said::Refusal {
        code: reason.code.clone(),
        object: reason.object.clone(),
        why: reason.why.clone(),
        next: reason.next.clone(),
    }
}
