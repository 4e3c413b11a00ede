//! Bytes that only this machine can read again (DPAPI).

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData,
    CryptUnprotectData,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::text::{Local, done};

/// The join is made by an administrator, and read by the service: the key is the machine's, and
/// the file's access control list says who may ask for it.
const FLAGS: u32 = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;

/// Seals `content`; `purpose` must be told again to open it.
///
/// # Errors
/// The system's.
pub fn seal(content: &[u8], purpose: &[u8]) -> io::Result<Vec<u8>> {
    let (content, purpose) = (blob(content)?, blob(purpose)?);
    let mut sealed = CRYPT_INTEGER_BLOB::default();
    // SAFETY: both blobs are slices of the caller's, which are only read; the result is ours.
    let outcome = unsafe {
        CryptProtectData(
            &raw const content,
            null(),
            &raw const purpose,
            null(),
            null(),
            FLAGS,
            &raw mut sealed,
        )
    };
    done(outcome)?;
    Ok(taken(&sealed).to_vec())
}

/// Opens what was sealed on this machine for the same purpose.
///
/// # Errors
/// The system's, if it was not, or has been changed.
pub fn open(sealed: &[u8], purpose: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (sealed, purpose) = (blob(sealed)?, blob(purpose)?);
    let mut content = CRYPT_INTEGER_BLOB::default();
    // SAFETY: as in `seal`.
    let outcome = unsafe {
        CryptUnprotectData(
            &raw const sealed,
            null_mut(),
            &raw const purpose,
            null(),
            null(),
            FLAGS,
            &raw mut content,
        )
    };
    done(outcome)?;
    Ok(taken(&content))
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let size = u32::try_from(bytes.len());
    Ok(CRYPT_INTEGER_BLOB {
        cbData: size.map_err(|_| io::ErrorKind::InvalidInput)?,
        pbData: bytes.as_ptr().cast_mut(),
    })
}

/// The bytes of a result, which is wiped and freed.
fn taken(result: &CRYPT_INTEGER_BLOB) -> Zeroizing<Vec<u8>> {
    let memory = Local(result.pbData);
    if memory.0.is_null() {
        return Zeroizing::new(Vec::new());
    }
    // SAFETY: Windows gave so many bytes at this place, and nobody else has the pointer.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.0, result.cbData as usize) };
    let copy = Zeroizing::new(bytes.to_vec());
    bytes.zeroize();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let secret = b"a secret of this machine";
        let sealed = seal(secret, b"node key").unwrap();
        assert!(!sealed.windows(secret.len()).any(|part| part == secret));
        assert_eq!(**open(&sealed, b"node key").unwrap(), *secret);
        assert!(open(&sealed, b"another").is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&changed, b"node key").is_err());
        assert!(open(&sealed[..sealed.len() / 2], b"node key").is_err());
        assert!(open(b"", b"node key").is_err());
    }
}
