//! Whether what a node says it holds is what it shall hold: every entry by fingerprint.

use std::collections::BTreeSet;
use std::fmt;

use super::{TargetFilter, Wanted, wanted};
use crate::kerberos::{Enctype, Kvno, Principal};
use crate::keyset::{HeldEntry, Keyset, Unlisted, fingerprint};

/// What the controller believes of one entry that a node reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The key is the right one, and it belongs there.
    Right,
    /// The principal, kvno and enctype are known, but the key is another.
    WrongKey,
    /// The keyset does not list it.
    Unlisted,
}

/// What is wrong with a keytab, by its first fault: each names the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// An entry is not there.
    Lacks(String),
    /// An entry is there with another key.
    WrongKey(String),
    /// An entry is there that should be gone.
    StillHolds(String),
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks(entry) => write!(f, "it lacks {entry}"),
            Self::WrongKey(entry) => write!(f, "it holds a wrong key as {entry}"),
            Self::StillHolds(entry) => write!(f, "it still holds {entry}"),
        }
    }
}

/// What is wrong with a keytab's `entries`, taken by a node under `nonce`; `None` if it holds
/// exactly what `keyset` says (or more, where unlisted entries are kept).
#[must_use]
pub fn shortfall(
    keyset: &Keyset,
    filter: &TargetFilter,
    entries: &[HeldEntry],
    nonce: &[u8; 32],
) -> Option<Shortfall> {
    let listed = wanted(keyset, filter);
    let held: BTreeSet<_> = entries.iter().map(identity).collect();
    for one in &listed {
        let id = (one.principal, one.kvno, one.key.enctype());
        let name = || format!("{} kvno {} {}", id.0, id.1, id.2);
        if !held.contains(&id) {
            return Some(Shortfall::Lacks(name()));
        }
        let print = fingerprint(nonce, one.principal, one.kvno, one.key);
        // Every entry under this identity must be right: some acceptors take the first, some the
        // last of two.
        if entries
            .iter()
            .any(|entry| identity(entry) == id && entry.fingerprint != print)
        {
            return Some(Shortfall::WrongKey(name()));
        }
    }
    let extra = entries.iter().find(|entry| !is_listed(&listed, entry));
    match (extra, keyset.unlisted) {
        (Some(entry), Unlisted::Remove) => {
            let (principal, kvno, enctype) = identity(entry);
            let name = format!("{principal} kvno {kvno} {enctype}");
            Some(Shortfall::StillHolds(name))
        }
        (Some(_), Unlisted::Keep) | (None, _) => None,
    }
}

/// What to think of one entry.
#[must_use]
pub fn judge(
    keyset: &Keyset,
    filter: &TargetFilter,
    entry: &HeldEntry,
    nonce: &[u8; 32],
) -> Verdict {
    let listed = wanted(keyset, filter);
    let same = listed
        .iter()
        .find(|one| identity(entry) == (one.principal, one.kvno, one.key.enctype()));
    match same {
        None => Verdict::Unlisted,
        Some(one) if fingerprint(nonce, one.principal, one.kvno, one.key) == entry.fingerprint => {
            Verdict::Right
        }
        Some(_) => Verdict::WrongKey,
    }
}

fn identity(entry: &HeldEntry) -> (&Principal, Kvno, Enctype) {
    (&entry.principal, entry.kvno, entry.enctype)
}

fn is_listed(listed: &[Wanted<'_>], entry: &HeldEntry) -> bool {
    listed
        .iter()
        .any(|one| identity(entry) == (one.principal, one.kvno, one.key.enctype()))
}

#[cfg(test)]
mod tests {
    use super::super::TargetKind;
    use super::*;
    use crate::fence::{Epoch, Version};
    use crate::kerberos::Key;
    use crate::keyset::{GenerationKeys, Role};
    use crate::secret::SecretBytes;

    const NONCE: [u8; 32] = [3; 32];

    fn key(byte: u8) -> Key {
        Key::new(Enctype::Aes128CtsHmacSha1, SecretBytes::new(vec![byte; 16])).unwrap()
    }

    fn keyset(unlisted: Unlisted) -> Keyset {
        let generation = |role, kvno, byte| GenerationKeys {
            role,
            kvno: Kvno(kvno),
            keys: vec![key(byte)],
            origin: None,
        };
        Keyset {
            array: "web".parse().unwrap(),
            epoch: Epoch(1),
            version: Version(1),
            principals: vec!["HTTP/web@R".parse().unwrap()],
            generations: vec![
                generation(Role::Current, 4, 4),
                generation(Role::Pending, 5, 5),
            ],
            unlisted,
        }
    }

    fn held(kvno: u32, byte: u8) -> HeldEntry {
        let principal: Principal = "HTTP/web@R".parse().unwrap();
        let fingerprint = fingerprint(&NONCE, &principal, Kvno(kvno), &key(byte));
        HeldEntry {
            principal,
            kvno: Kvno(kvno),
            enctype: Enctype::Aes128CtsHmacSha1,
            fingerprint,
        }
    }

    #[test]
    fn a_keytab_is_believed_only_whole() {
        let all = |kind| TargetFilter {
            kind,
            principals: None,
            enctypes: None,
        };
        let (owned, client) = (all(TargetKind::Owned), all(TargetKind::Client));
        let wrong = |unlisted, filter: &TargetFilter, entries: &[HeldEntry]| {
            shortfall(&keyset(unlisted), filter, entries, &NONCE).is_some()
        };
        use Unlisted::{Keep, Remove};
        assert!(!wrong(Remove, &owned, &[held(4, 4), held(5, 5)]));
        assert!(!wrong(Remove, &client, &[held(4, 4)]));
        assert!(wrong(Remove, &client, &[held(4, 4), held(5, 5)]));
        assert!(wrong(Remove, &owned, &[held(4, 4)]), "an entry is missing");
        assert!(
            wrong(Remove, &owned, &[held(4, 4), held(5, 9)]),
            "a wrong key"
        );
        assert!(
            wrong(Remove, &owned, &[held(4, 4), held(5, 5), held(5, 9)]),
            "a second key"
        );
        assert!(
            wrong(Remove, &owned, &[held(4, 4), held(5, 5), held(3, 3)]),
            "one too many"
        );
        assert!(!wrong(Keep, &owned, &[held(4, 4), held(5, 5), held(3, 3)]));
    }

    #[test]
    fn each_entry_has_a_verdict_of_its_own() {
        let filter = TargetFilter {
            kind: TargetKind::Owned,
            principals: None,
            enctypes: None,
        };
        let keyset = keyset(Unlisted::Keep);
        for (entry, verdict) in [
            (held(4, 4), Verdict::Right),
            (held(5, 5), Verdict::Right),
            (held(5, 4), Verdict::WrongKey),
            (held(3, 3), Verdict::Unlisted),
        ] {
            assert_eq!(
                judge(&keyset, &filter, &entry, &NONCE),
                verdict,
                "{entry:?}"
            );
        }
        // The same key under another nonce is no proof.
        assert_eq!(
            judge(&keyset, &filter, &held(4, 4), &[4; 32]),
            Verdict::WrongKey
        );
    }
}
