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

#[cfg(test)]
mod tests {
    use super::super::entry::render;
    use super::super::framing::{MAGIC, RecordKind, length_word};
    use super::*;
    use crate::kerberos::{Enctype, Key, Kvno, Principal};
    use crate::secret::SecretBytes;

    #[test]
    fn an_inventory_lists_what_can_be_used_and_no_key() {
        let principal: Principal = "HTTP/web@R".parse().unwrap();
        let key = Key::new(Enctype::Aes128CtsHmacSha1, SecretBytes::new(vec![0x5a; 16])).unwrap();
        let known = render(&principal, Kvno(7), &key, 1)
            .unwrap()
            .expose()
            .to_vec();
        // The same with an enctype that keyroll does not know, and one that is no entry at all.
        let mut unknown = known.clone();
        let place = unknown.len() - 4 - 16 - 4;
        unknown[place..place + 2].copy_from_slice(&3_u16.to_be_bytes());
        let mut file = MAGIC.to_vec();
        for body in [&known[..], &unknown, b"opaque"] {
            file.extend(length_word(body.len(), RecordKind::Entry));
            file.extend(body);
        }
        let listed = entries(&file).unwrap();
        let enctypes: Vec<_> = listed
            .iter()
            .map(|one| one.as_ref().map(|one| one.enctype))
            .collect();
        assert_eq!(enctypes, [Some(17), Some(3), None]);
        let held = HeldEntry {
            fingerprint: fingerprint(&[1; 32], &principal, Kvno(7), &key),
            principal,
            kvno: Kvno(7),
            enctype: Enctype::Aes128CtsHmacSha1,
        };
        assert_eq!(inventory(&file, &[1; 32]).unwrap(), [held]);
        assert!(inventory(b"", &[1; 32]).is_err() && entries(b"").is_err());
    }
}
