//! The local security authority, asked as a logon process.

use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_NO_SUCH_LOGON_SESSION, ERROR_NOT_FOUND, HANDLE};
use windows_sys::Win32::Security::Authentication::Identity::{
    LSA_STRING, LsaCallAuthenticationPackage, LsaDeregisterLogonProcess, LsaFreeReturnBuffer,
    LsaLookupAuthenticationPackage, LsaNtStatusToWinError, LsaRegisterLogonProcess,
};

/// Has the Kerberos package do what `message` says. `pointers` are the places in it of addresses
/// that it has of its own bytes, as distances from its first one.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if a pointer leads out of the message; else the system's, which
/// needs the privilege `SeTcbPrivilege`: SYSTEM has it.
pub fn ask_kerberos(message: &mut [u8], pointers: &[usize]) -> io::Result<()> {
    let size = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let base = message.as_ptr().addr();
    for place in pointers {
        let field = place
            .checked_add(8)
            .and_then(|end| message.get(*place..end));
        let field = field.and_then(|field| <[u8; 8]>::try_from(field).ok());
        let distance = field.map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let distance = usize::try_from(distance).unwrap_or(usize::MAX);
        if distance > message.len() {
            let why = "a pointer leads out of the message";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        message[*place..*place + 8].copy_from_slice(&((base + distance) as u64).to_le_bytes());
    }
    let process = LogonProcess::register()?;
    let package = process.package(b"Kerberos\0")?;
    let (mut reply, mut reply_size, mut status) = (null_mut::<c_void>(), 0, 0);
    // SAFETY: the message is a slice of the caller's that lives until the call is over, and every
    // address in it is one of its own bytes; what comes back is freed below.
    let outcome = unsafe {
        LsaCallAuthenticationPackage(
            process.0,
            package,
            message.as_ptr().cast(),
            size,
            &raw mut reply,
            &raw mut reply_size,
            &raw mut status,
        )
    };
    if !reply.is_null() {
        // SAFETY: the call gave it to us to free so, and nobody else has the pointer.
        unsafe { LsaFreeReturnBuffer(reply) };
    }
    done(outcome)?;
    done(status)
}

/// A connection to the authority.
struct LogonProcess(HANDLE);

impl LogonProcess {
    fn register() -> io::Result<Self> {
        let mut name = *b"keyroll-agent\0";
        let name = text(&mut name);
        let (mut handle, mut mode) = (null_mut(), 0);
        // SAFETY: the name outlives the call, which only reads it; the rest is ours to be filled.
        let outcome =
            unsafe { LsaRegisterLogonProcess(&raw const name, &raw mut handle, &raw mut mode) };
        done(outcome)?;
        Ok(Self(handle))
    }

    fn package(&self, name: &[u8; 9]) -> io::Result<u32> {
        let mut name = *name;
        let name = text(&mut name);
        let mut package = 0;
        // SAFETY: as in `register`; the handle is open.
        let outcome =
            unsafe { LsaLookupAuthenticationPackage(self.0, &raw const name, &raw mut package) };
        done(outcome)?;
        Ok(package)
    }
}

impl Drop for LogonProcess {
    fn drop(&mut self) {
        // SAFETY: the handle is open and nobody else's.
        unsafe { LsaDeregisterLogonProcess(self.0) };
    }
}

/// A text of the caller's with a zero at its end, as the authority takes it. It must outlive what
/// this returns.
fn text<const SIZE: usize>(bytes: &mut [u8; SIZE]) -> LSA_STRING {
    LSA_STRING {
        Length: u16::try_from(SIZE - 1).unwrap_or_default(),
        MaximumLength: u16::try_from(SIZE).unwrap_or_default(),
        Buffer: bytes.as_mut_ptr(),
    }
}

/// What an `NTSTATUS` says.
fn done(status: i32) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: it takes a number and gives a number.
    let error = unsafe { LsaNtStatusToWinError(status) };
    let why = io::Error::from_raw_os_error(error.cast_signed());
    let said = format!("the local security authority answered {status:#010x}: {why}");
    // Not there, or in a session that is not: the standard library knows of files alone.
    let kind = match error {
        ERROR_NOT_FOUND | ERROR_NO_SUCH_LOGON_SESSION => io::ErrorKind::NotFound,
        _ => why.kind(),
    };
    Err(io::Error::new(kind, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_whose_pointers_lead_elsewhere_is_not_sent() {
        let mut message = [0; 72];
        message[16..24].copy_from_slice(&73_u64.to_le_bytes());
        for pointers in [&[16][..], &[65], &[usize::MAX]] {
            let refused = ask_kerberos(&mut message, pointers).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn what_is_not_there_is_told_apart() {
        // STATUS_NOT_FOUND, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_NO_SUCH_LOGON_SESSION,
        // STATUS_ACCESS_DENIED (MS-ERREF 2.3.1).
        for (status, is_absent) in [
            (0xc000_0225_u32, true),
            (0xc000_0034, true),
            (0xc000_005f, true),
            (0xc000_0022, false),
        ] {
            let kind = done(status.cast_signed()).unwrap_err().kind();
            assert_eq!(kind == io::ErrorKind::NotFound, is_absent, "{status:#x}");
        }
    }

    /// What the authority does with a credential shows at a login on a real Windows. Here it shows
    /// that the call comes as far as the package of this name, whose answer is handed on.
    #[test]
    fn the_kerberos_package_is_asked_and_its_answer_handed_on() {
        let process = LogonProcess::register().unwrap();
        assert!(process.package(b"Kerberos\0").is_ok());
        assert!(process.package(b"Kerberus\0").is_err());
        // A request to remove nobody's credential.
        let mut message = [0; 72];
        (message[0], message[64]) = (17, 4);
        let refused = ask_kerberos(&mut message, &[16, 32, 48])
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("authority answered 0xc0000022"),
            "{refused}"
        );
    }
}
