//! The frame of a keytab: magic, length words, holes, tail. Strict, and lossless.
//!
//! Format (MIT krb5, `doc/formats/keytab_file_format`): the bytes 5 and 2, then records. Each is
//! a signed 32-bit big-endian length and that many bytes; a negative length is a hole of the
//! absolute size, a zero length is where readers stop.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// The first two bytes of every keytab that keyroll reads or writes.
pub const MAGIC: [u8; 2] = [5, 2];

/// The largest file that is looked at. A keytab of a thousand entries has about 100 KiB.
pub const MAX_FILE: usize = 1 << 20;

/// The bytes of a length word.
pub const LENGTH_WORD: usize = 4;

/// A keytab taken apart, borrowing its bytes.
pub struct Framing<'a> {
    /// The records, in the order of the file.
    pub records: Vec<Record<'a>>,
    /// Where readers stop: the offset of a zero length word, or the end of the file.
    pub end: usize,
    /// What follows there: nothing, or a zero length word and whatever an interrupted append left.
    pub tail: &'a [u8],
}

/// One record.
pub struct Record<'a> {
    /// The offset of its length word.
    pub offset: usize,
    /// Whether it holds an entry.
    pub kind: RecordKind,
    /// Its bytes, without the length word.
    pub body: &'a [u8],
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A positive length: an entry.
    Entry,
    /// A negative length: free room, which readers skip.
    Hole,
}

/// A file that is no whole keytab: where, and what is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a whole keytab: at byte {offset}, {wrong}")]
pub struct Damaged {
    /// The offset in the file.
    pub offset: usize,
    /// What is wrong there.
    pub wrong: Wrong,
}

/// What can be wrong with the frame of a keytab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// There is not one byte.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_FILE`] bytes.
    #[error("the file is larger than {MAX_FILE} bytes")]
    TooLarge,
    /// The first two bytes are not those of format 0x0502.
    #[error("the format is {0:#06x}, not 0x0502")]
    Format(u16),
    /// One to three bytes that are not zero stand where a length word should.
    #[error("a length word is cut short")]
    CutWord,
    /// A length that reaches past the end of the file.
    #[error("a record of {declared} bytes is declared where {left} are left")]
    CutRecord {
        /// The size declared.
        declared: u32,
        /// The bytes that follow the length word.
        left: usize,
    },
}

impl<'a> Framing<'a> {
    /// Takes a keytab apart; every byte ends up in a record or in the tail.
    ///
    /// # Errors
    /// [`Damaged`], with the offset, if a reader could lose an entry of this file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let damaged = |offset, wrong| Damaged { offset, wrong };
        if bytes.len() > MAX_FILE {
            return Err(damaged(MAX_FILE, Wrong::TooLarge));
        }
        match bytes {
            [] => return Err(damaged(0, Wrong::Empty)),
            [5, 2, ..] => {}
            [one] => return Err(damaged(0, Wrong::Format(u16::from(*one) << 8))),
            [one, two, ..] => {
                let format = u16::from_be_bytes([*one, *two]);
                return Err(damaged(0, Wrong::Format(format)));
            }
        }
        let mut records = Vec::new();
        let mut offset = MAGIC.len();
        loop {
            let rest = bytes.get(offset..).unwrap_or_default();
            let Some((word, rest)) = rest.split_first_chunk::<LENGTH_WORD>() else {
                // Zeros are what a file extended by an interrupted append may end in.
                if rest.iter().any(|byte| *byte != 0) {
                    return Err(damaged(offset, Wrong::CutWord));
                }
                break;
            };
            let length = i32::from_be_bytes(*word);
            if length == 0 {
                break;
            }
            // `unsigned_abs` is right for i32::MIN too, which has no positive counterpart.
            let declared = length.unsigned_abs();
            let size = usize::try_from(declared).unwrap_or(usize::MAX);
            let left = rest.len();
            let Some(body) = rest.get(..size) else {
                return Err(damaged(offset, Wrong::CutRecord { declared, left }));
            };
            let kind = if length.is_positive() {
                RecordKind::Entry
            } else {
                RecordKind::Hole
            };
            records.push(Record { offset, kind, body });
            offset += LENGTH_WORD + size;
        }
        let tail = bytes.get(offset..).unwrap_or_default();
        let end = offset;
        Ok(Self { records, end, tail })
    }

    /// The records that hold an entry.
    pub fn entries(&self) -> impl Iterator<Item = &Record<'a>> {
        let is_entry = |record: &&Record<'a>| record.kind == RecordKind::Entry;
        self.records.iter().filter(is_entry)
    }

    /// The file again, byte for byte.
    #[must_use]
    pub fn render(&self) -> SecretBytes {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.end + self.tail.len()));
        bytes.extend_from_slice(&MAGIC);
        for record in &self.records {
            bytes.extend_from_slice(&record.length_word());
            bytes.extend_from_slice(record.body);
        }
        bytes.extend_from_slice(self.tail);
        SecretBytes::new(std::mem::take(&mut *bytes))
    }
}

impl Record<'_> {
    /// The length word as it stands in the file: negative for a hole.
    #[must_use]
    pub fn length_word(&self) -> [u8; LENGTH_WORD] {
        length_word(self.body.len(), self.kind)
    }
}

/// The length word of a record with a body of `size` bytes, which must be below [`MAX_FILE`].
#[must_use]
pub fn length_word(size: usize, kind: RecordKind) -> [u8; LENGTH_WORD] {
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    match kind {
        RecordKind::Entry => size.to_be_bytes(),
        RecordKind::Hole => (-size).to_be_bytes(),
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, offset, size) = (self.kind, self.offset, self.body.len());
        write!(f, "{kind:?} of {size} bytes at {offset}")
    }
}

impl fmt::Debug for Framing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framing")
            .field("records", &self.records)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrong(bytes: &[u8]) -> (usize, Wrong) {
        let damaged = Framing::parse(bytes).expect_err("a damaged file was taken for whole");
        (damaged.offset, damaged.wrong)
    }

    #[test]
    fn damage_is_named_by_its_offset() {
        assert_eq!(wrong(b""), (0, Wrong::Empty));
        assert_eq!(wrong(b"\x05"), (0, Wrong::Format(0x0500)));
        assert_eq!(wrong(b"\x05\x01\0\0"), (0, Wrong::Format(0x0501)));
        assert_eq!(wrong(b"\x05\x02\0\x01"), (2, Wrong::CutWord));
        let (declared, left) = (8, 3);
        let cut = b"\x05\x02\0\0\0\x01a\0\0\0\x08bbb";
        assert_eq!(wrong(cut), (7, Wrong::CutRecord { declared, left }));
        let (declared, left) = (1 << 31, 1);
        let lowest = b"\x05\x02\x80\0\0\0a";
        assert_eq!(wrong(lowest), (2, Wrong::CutRecord { declared, left }));
        let large = vec![5; MAX_FILE + 1];
        assert_eq!(wrong(&large), (MAX_FILE, Wrong::TooLarge));
    }

    #[test]
    fn a_zero_length_ends_the_file_for_readers() {
        let bytes = b"\x05\x02\xff\xff\xff\xfe..\0\0\0\x01a\0\0\0\0\0\0\0\x01b";
        let framing = Framing::parse(bytes).unwrap();
        assert_eq!(framing.entries().count(), 1);
        assert_eq!((framing.end, framing.tail.len()), (13, 9));
        assert_eq!(Framing::parse(b"\x05\x02\0\0").unwrap().end, 2);
    }

    #[test]
    fn the_largest_file_is_taken() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(length_word(MAX_FILE - 6, RecordKind::Hole));
        bytes.resize(MAX_FILE, 0);
        let framing = Framing::parse(&bytes).unwrap();
        assert_eq!((framing.records.len(), framing.end), (1, MAX_FILE));
        assert_eq!(framing.records[0].kind, RecordKind::Hole);
        assert_eq!(framing.records[0].length_word(), [0xff, 0xf0, 0, 6]);
        assert_eq!(length_word(6, RecordKind::Entry), [0, 0, 0, 6]);
    }

    #[test]
    fn debug_shows_the_frame_and_no_byte_of_an_entry() {
        let framing = Framing::parse(b"\x05\x02\0\0\0\x03key\xff\xff\xff\xffx").unwrap();
        let shown =
            "Framing { records: [Entry of 3 bytes at 2, Hole of 1 bytes at 9], end: 14, .. }";
        assert_eq!(format!("{framing:?}"), shown);
    }

    proptest! {
        #[test]
        fn every_byte_is_accounted_for(mut bytes in prop::collection::vec(0u8..8, 0..64)) {
            for prefix in [&[][..], &MAGIC[..]] {
                bytes.splice(..0, prefix.iter().copied());
                if let Ok(framing) = Framing::parse(&bytes) {
                    let rendered = framing.render();
                    prop_assert_eq!(rendered.expose(), &bytes[..]);
                }
            }
        }
    }
}
