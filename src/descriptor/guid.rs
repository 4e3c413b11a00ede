//! GUIDs as people write them.

use std::fmt::{self, Write as _};

/// A GUID in its text form; the first three fields are little-endian in the directory's bytes
/// (MS-DTYP 2.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        for (place, index) in ORDER.into_iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_char('-')?;
            }
            write!(f, "{:02x}", self.0[index])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_their_first_fields_turned() {
        let guid = Guid([
            0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11, 0xa7, 0x68, 0, 0xaa, 0, 0x6e, 5, 0x29,
        ]);
        assert_eq!(guid.to_string(), "00299570-246d-11d0-a768-00aa006e0529");
    }
}
