//! One entry of a keytab: a principal's key.
//!
//! The crate `kerberos_keytab` reads and writes single records and nothing else here: its reader
//! of whole files loses entries. What it copies is wiped, and what it misreads is caught: names
//! are checked before they are cut to 16 bits, and a record it cannot read stays opaque.

use kerberos_keytab::{CountedOctetString, KeyBlock, KeytabEntry};
use zeroize::{Zeroize as _, Zeroizing};

use super::framing::{LENGTH_WORD, RecordKind, length_word};
use crate::kerberos::key::BadKeyLength;
use crate::kerberos::{Enctype, Key, Kvno, Principal};
use crate::secret::SecretBytes;

/// `KRB5_NT_PRINCIPAL` (RFC 4120 6.2). Readers ignore the name type in keytabs.
pub const NAME_TYPE_PRINCIPAL: u32 = 1;

/// What one record holds.
#[derive(Debug)]
pub struct Entry {
    /// Whose key it is.
    pub principal: Principal,
    /// The kind of name (RFC 4120 6.2).
    pub name_type: u32,
    /// When it was written, seconds since 1970.
    pub timestamp: u32,
    /// The key version number.
    pub kvno: Kvno,
    /// The enctype's assigned number; it may be one that keyroll does not know.
    pub enctype: i32,
    /// The key's bytes.
    pub key: SecretBytes,
}

/// An entry that cannot stand in a keytab.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// Readers take kvno 0 for "any", which strict ones refuse.
    #[error("the entry of {principal} has kvno 0, which readers take for any kvno")]
    WildcardKvno {
        /// Whose entry.
        principal: Principal,
    },
    /// A component, the realm or the key is longer than a 16-bit length can say.
    #[error("the entry of {principal} has a part longer than 65535 bytes")]
    TooLong {
        /// Whose entry.
        principal: Principal,
    },
}

impl Entry {
    /// Reads a record's body (without its length word).
    ///
    /// `None` for a record that keyroll cannot understand: it is somebody else's and stays as it
    /// is. Bytes after the 32-bit kvno are the fill of a reused hole, and a kvno of zero there is
    /// fill too (MIT `krb5_ktfileint_internal_read_entry`).
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut record = Zeroizing::new(Vec::with_capacity(LENGTH_WORD + body.len()));
        record.extend_from_slice(&length_word(body.len(), RecordKind::Entry));
        record.extend_from_slice(whole(body)?);
        let size = record.len() - LENGTH_WORD;
        record
            .first_chunk_mut::<LENGTH_WORD>()?
            .copy_from_slice(&length_word(size, RecordKind::Entry));
        let (_, mut entry) = KeytabEntry::parse(&record).ok()?;
        let key = SecretBytes::new(std::mem::take(&mut entry.key.keyvalue));
        let text = |part: &CountedOctetString| String::from_utf8(part.data.clone()).ok();
        let components = entry.components.iter().map(text).collect::<Option<_>>()?;
        let realm = text(&entry.realm)?.parse().ok()?;
        let kvno = match entry.vno {
            Some(kvno) if kvno != 0 => kvno,
            _ => u32::from(entry.vno8),
        };
        Some(Self {
            principal: Principal::new(components, realm).ok()?,
            name_type: entry.name_type,
            timestamp: entry.timestamp,
            kvno: Kvno(kvno),
            // The field is signed in MIT's and Heimdal's code: there are negative enctypes.
            enctype: i32::from(entry.key.keytype.cast_signed()),
            key,
        })
    }

    /// The key, if its enctype is one that keyroll knows and its length is right.
    #[must_use]
    pub fn known_key(&self) -> Option<Key> {
        let enctype = Enctype::from_number(self.enctype)?;
        let made: Result<Key, BadKeyLength> = Key::new(enctype, self.key.duplicate());
        made.ok()
    }

    /// Whether this is the entry of `principal` and `kvno` with exactly this key.
    #[must_use]
    pub fn holds(&self, principal: &Principal, kvno: Kvno, key: &Key) -> bool {
        self.principal == *principal
            && self.kvno == kvno
            && self.known_key().is_some_and(|held| held.same_as(key))
    }
}

/// The part of a body that the crate reads faithfully: without one to three bytes of fill after
/// the key or anything after the 32-bit kvno. `None` if the body ends before its key does.
fn whole(body: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16_at(body, 0)?);
    let mut offset = 2;
    for _ in 0..=count {
        offset += 2 + usize::from(u16_at(body, offset)?);
    }
    // Name type, timestamp, 8-bit kvno, enctype.
    offset += 4 + 4 + 1 + 2;
    let end = offset + 2 + usize::from(u16_at(body, offset)?);
    body.get(..end + 4).or_else(|| body.get(..end))
}

fn u16_at(body: &[u8], offset: usize) -> Option<u16> {
    let bytes = body.get(offset..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

/// The body of the record for this key: 8-bit kvno and 32-bit kvno both, so that old and new
/// readers find it.
///
/// # Errors
/// [`Unwritable`] if the format has no room for it, or readers would misunderstand it.
pub fn render(
    principal: &Principal,
    kvno: Kvno,
    key: &Key,
    timestamp: u32,
) -> Result<SecretBytes, Unwritable> {
    let name = || principal.clone();
    if kvno.0 == 0 {
        return Err(Unwritable::WildcardKvno { principal: name() });
    }
    let part = |text: &str| {
        u16::try_from(text.len())
            .map(|_| CountedOctetString::new(text.as_bytes().to_vec()))
            .map_err(|_| Unwritable::TooLong { principal: name() })
    };
    let realm = part(principal.realm().as_str())?;
    let components: Vec<_> = principal
        .components()
        .iter()
        .map(|component| part(component))
        .collect::<Result<_, _>>()?;
    let keytype = u16::try_from(key.enctype().number());
    let (Ok(_), Ok(keytype)) = (u16::try_from(components.len()), keytype) else {
        return Err(Unwritable::TooLong { principal: name() });
    };
    let block = KeyBlock::new(keytype, key.expose().to_vec());
    let low = u8::try_from(kvno.0 & 0xff).unwrap_or_default();
    let entry = KeytabEntry::new(
        realm,
        components,
        NAME_TYPE_PRINCIPAL,
        timestamp,
        low,
        block,
        Some(kvno.0),
    );
    let mut record = entry.build();
    let body = SecretBytes::new(record.split_off(LENGTH_WORD));
    record.zeroize();
    Ok(body)
}

#[cfg(test)]
mod tests;
