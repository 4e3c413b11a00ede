//! A user's credential cache: the ticket-granting ticket that `kinit` left in a file.
//!
//! Format 4 of MIT krb5 (`doc/formats/ccache_file_format`), which Heimdal writes too: the bytes 5
//! and 4, a header, the owner's name, then credentials; every number is big-endian. The reader is
//! strict: a file that does not end where a credential ends is refused as a whole.

use chrono::{DateTime, Utc};

use super::message::{Credential, Ticket, TicketFlags, TicketTimes, krbtgt};
use super::{Enctype, Key, Principal};
use crate::secret::SecretBytes;

/// The largest file that is looked at; a cache of a hundred tickets with large PACs is smaller.
pub const MAX_FILE: usize = 4 << 20;

const FORMAT: u16 = 0x0504;

/// Why a file gives no ticket-granting ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCache {
    /// It is no credential cache of this format, or not a whole one.
    #[error("it is no whole credential cache: at byte {offset}, {wrong}")]
    Damaged {
        /// The offset in the file.
        offset: usize,
        /// What is wrong there.
        wrong: &'static str,
    },
    /// Whose it is cannot be said in a message.
    #[error("its owner's name cannot be used: {0}")]
    Owner(String),
    /// It holds tickets, but none that others are got with.
    #[error("it holds no ticket-granting ticket of {owner}")]
    NoTicket {
        /// Whose cache it is.
        owner: Principal,
    },
    /// The session key is of an enctype that nothing here works with.
    #[error("the session key of its ticket is of enctype {0}, which is not used here")]
    Enctype(u16),
}

/// The ticket-granting ticket of the cache's owner for the owner's realm; of several the one that
/// ends last. Whether it has ended is the caller's to see.
///
/// # Errors
/// [`BadCache`].
pub fn first_ticket(file: &[u8]) -> Result<Credential, BadCache> {
    let mut reader = Reader { file, offset: 0 };
    if file.len() > MAX_FILE {
        return Err(reader.damaged("it is too large"));
    }
    if reader.u16()? != FORMAT {
        return Err(BadCache::Damaged {
            offset: 0,
            wrong: "the format is not 0x0504",
        });
    }
    let header = reader.u16()?;
    reader.take(usize::from(header))?;
    let owner = reader.name()?;
    let owner = owner.principal()?;
    let service = krbtgt(owner.realm());
    let mut found: Option<Credential> = None;
    let mut unusable = None;
    while !reader.is_at_end() {
        let entry = reader.entry()?;
        // Settings of the cache stand among its tickets, under a realm that is none.
        if !entry.server.is(&service) {
            continue;
        }
        match entry.credential(&owner)? {
            Ok(read)
                if found
                    .as_ref()
                    .is_none_or(|old| old.times.end < read.times.end) =>
            {
                found = Some(read);
            }
            Ok(_) => {}
            Err(enctype) => unusable = Some(enctype),
        }
    }
    match (found, unusable) {
        (Some(found), _) => Ok(found),
        (None, Some(enctype)) => Err(BadCache::Enctype(enctype)),
        (None, None) => Err(BadCache::NoTicket { owner }),
    }
}

/// A principal as the file has it.
struct Name<'a> {
    realm: &'a [u8],
    components: Vec<&'a [u8]>,
}

/// One credential as the file has it.
struct Entry<'a> {
    offset: usize,
    client: Name<'a>,
    server: Name<'a>,
    enctype: u16,
    key: &'a [u8],
    /// authtime, starttime, endtime, renew_till.
    times: [u32; 4],
    flags: u32,
    ticket: &'a [u8],
}

impl Name<'_> {
    fn principal(&self) -> Result<Principal, BadCache> {
        let bad = |why: String| BadCache::Owner(why);
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8".to_owned()));
            text.map(str::to_owned)
        };
        let components = self.components.iter().map(|part| text(part));
        let components = components.collect::<Result<Vec<_>, _>>()?;
        let realm = text(self.realm)?.parse();
        let realm =
            realm.map_err(|error: super::principal::BadPrincipal| bad(error.to_string()))?;
        Principal::new(components, realm).map_err(|error| bad(error.to_string()))
    }

    fn is(&self, principal: &Principal) -> bool {
        let components = principal.components().iter().map(String::as_bytes);
        self.realm == principal.realm().as_str().as_bytes()
            && self.components.iter().copied().eq(components)
    }
}

impl Entry<'_> {
    /// The ticket with its key; `Ok(Err)` with the number of an enctype that is not used here.
    fn credential(&self, owner: &Principal) -> Result<Result<Credential, u16>, BadCache> {
        let damaged = |wrong| BadCache::Damaged {
            offset: self.offset,
            wrong,
        };
        if !self.client.is(owner) {
            return Err(damaged("the ticket is not its owner's"));
        }
        let Some(enctype) = Enctype::from_number(i32::from(self.enctype)) else {
            return Ok(Err(self.enctype));
        };
        let session_key = Key::new(enctype, SecretBytes::new(self.key.to_vec()))
            .map_err(|_| damaged("the session key has a wrong length"))?;
        let ticket =
            Ticket::from_bytes(self.ticket).map_err(|_| damaged("the ticket is no ticket"))?;
        let at = |seconds: u32| DateTime::<Utc>::from_timestamp(i64::from(seconds), 0);
        let [authenticated, start, end, _] = self.times;
        let start = if start == 0 { authenticated } else { start };
        let (Some(authenticated), Some(start), Some(end)) = (at(authenticated), at(start), at(end))
        else {
            return Err(damaged("a time cannot be"));
        };
        let times = TicketTimes {
            authenticated,
            start,
            end,
        };
        Ok(Ok(Credential {
            ticket,
            session_key,
            client: owner.clone(),
            times,
            flags: TicketFlags(self.flags),
        }))
    }
}

struct Reader<'a> {
    file: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    const fn damaged(&self, wrong: &'static str) -> BadCache {
        BadCache::Damaged {
            offset: self.offset,
            wrong,
        }
    }

    const fn is_at_end(&self) -> bool {
        self.offset >= self.file.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BadCache> {
        let end = self.offset.checked_add(count);
        let taken = end.and_then(|end| self.file.get(self.offset..end));
        let taken = taken.ok_or_else(|| self.damaged("it is cut short"))?;
        self.offset += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadCache> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16, BadCache> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, BadCache> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Bytes behind their length.
    fn counted(&mut self) -> Result<&'a [u8], BadCache> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn name(&mut self) -> Result<Name<'a>, BadCache> {
        self.u32()?;
        let count = self.u32()?;
        let realm = self.counted()?;
        // A count is no promise: each component takes four bytes at least, or the file ends.
        let mut components = Vec::new();
        for _ in 0..count {
            components.push(self.counted()?);
        }
        Ok(Name { realm, components })
    }

    /// A list of numbered bytes: addresses, or authorization data.
    fn skip_list(&mut self) -> Result<(), BadCache> {
        for _ in 0..self.u32()? {
            self.u16()?;
            self.counted()?;
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<Entry<'a>, BadCache> {
        let offset = self.offset;
        let client = self.name()?;
        let server = self.name()?;
        let enctype = self.u16()?;
        let key = self.counted()?;
        let times = [self.u32()?, self.u32()?, self.u32()?, self.u32()?];
        // Whether it is for user-to-user authentication.
        self.take(1)?;
        let flags = self.u32()?;
        self.skip_list()?;
        self.skip_list()?;
        let ticket = self.counted()?;
        self.counted()?;
        Ok(Entry {
            offset,
            client,
            server,
            enctype,
            key,
            times,
            flags,
            ticket,
        })
    }
}

#[cfg(test)]
mod tests;
