//! What a keytab holds, in a form that may leave the node.

use super::entry::Entry;
use super::framing::{Damaged, Framing, Record};
use crate::kerberos::Principal;
use crate::keyset::{HeldEntry, fingerprint};

/// The entries of a file, in its order, each with its fingerprint under `nonce`.
///
/// Records that cannot be read and enctypes that keyroll does not know are left out;
/// [`entries`] has them.
///
/// # Errors
/// [`Damaged`] if the file is no whole keytab.
pub fn inventory(bytes: &[u8], nonce: &[u8; 32]) -> Result<Vec<HeldEntry>, Damaged> {
    let held = |entry: Option<Entry>| {
        let entry = entry?;
        let key = entry.known_key()?;
        Some(HeldEntry {
            fingerprint: fingerprint(nonce, &entry.principal, entry.kvno, &key),
            principal: entry.principal,
            kvno: entry.kvno,
            enctype: key.enctype(),
        })
    };
    Ok(entries(bytes)?.into_iter().filter_map(held).collect())
}

/// Every entry of a file in its order, `None` for one that cannot be read.
///
/// # Errors
/// [`Damaged`] if the file is no whole keytab.
pub fn entries(bytes: &[u8]) -> Result<Vec<Option<Entry>>, Damaged> {
    let framing = Framing::parse(bytes)?;
    let parsed = framing.entries().map(|record| Entry::parse(record.body));
    Ok(parsed.collect())
}

/// A digest of a file under `salt`: of every byte, or, for a file that others write too, of the
/// records of the principals in `scope` and their order.
///
/// # Errors
/// [`Damaged`] if the file is no whole keytab.
pub fn digest(
    bytes: &[u8],
    scope: Option<&[Principal]>,
    salt: &[u8; 32],
) -> Result<[u8; 32], Damaged> {
    use hmac::Mac as _;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(salt).expect("any length will do");
    let framing = Framing::parse(bytes)?;
    match scope {
        None => mac.update(bytes),
        Some(scope) => {
            let ours = |record: &&Record<'_>| {
                Entry::parse(record.body).is_some_and(|entry| scope.contains(&entry.principal))
            };
            for record in framing.entries().filter(ours) {
                mac.update(&record.length_word());
                mac.update(record.body);
            }
        }
    }
    Ok(mac.finalize().into_bytes().into())
}
