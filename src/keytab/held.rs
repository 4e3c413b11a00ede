//! What a keytab holds, in a form that may leave the node.

use super::entry::Entry;
use super::framing::{Damaged, Framing};
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
