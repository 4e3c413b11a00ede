//! What services log on with, as the service control manager keeps it.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows_sys::Win32::System::Services::{
    ChangeServiceConfigW, CloseServiceHandle, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW,
    QueryServiceConfigW, SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_CHANGE_CONFIG, SERVICE_NO_CHANGE,
    SERVICE_QUERY_CONFIG,
};
use zeroize::Zeroizing;

use crate::text::{done, until_zero, wide};

/// A handle of the service control manager, closed when it goes.
struct Handle(SC_HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open, and nothing else closes it.
        unsafe { CloseServiceHandle(self.0) };
    }
}

impl Handle {
    fn of(raw: SC_HANDLE) -> io::Result<Self> {
        if raw.is_null() {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self(raw))
        }
    }
}

/// A service that may be asked and changed, and what keeps it so.
fn open(service: &str) -> io::Result<(Handle, Handle)> {
    let name = wide(service)?;
    // SAFETY: no machine and no database are named: this machine's own.
    let control = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_CONNECT) };
    let control = Handle::of(control)?;
    let rights = SERVICE_QUERY_CONFIG | SERVICE_CHANGE_CONFIG;
    // SAFETY: the handle is open; the name ends with a zero.
    let opened = unsafe { OpenServiceW(control.0, name.as_ptr(), rights) };
    Ok((control, Handle::of(opened)?))
}

/// The account that a service logs on as, as the service control manager writes it; it may be
/// changed by us.
///
/// # Errors
/// The system's, if there is none of this name, or it may not be changed.
pub fn account(service: &str) -> io::Result<String> {
    let (_control, service) = open(service)?;
    let mut needed = 0;
    // SAFETY: the handle is open, and no byte is asked for.
    let outcome = unsafe { QueryServiceConfigW(service.0, null_mut(), 0, &raw mut needed) };
    match done(outcome) {
        Err(error) if error.raw_os_error() == Some(ERROR_INSUFFICIENT_BUFFER.cast_signed()) => {}
        outcome => outcome?,
    }
    let mut room = vec![0_u64; (needed as usize).div_ceil(size_of::<u64>())];
    let found = room.as_mut_ptr().cast::<QUERY_SERVICE_CONFIGW>();
    // SAFETY: the handle is open; the buffer is aligned, and has at least this size.
    let outcome = unsafe { QueryServiceConfigW(service.0, found, needed, &raw mut needed) };
    done(outcome)?;
    // SAFETY: Windows wrote the structure at the front of the buffer.
    let name = unsafe { (*found).lpServiceStartName };
    if name.is_null() {
        return Ok(String::new());
    }
    // SAFETY: Windows ended the text with a zero, within the buffer.
    Ok(unsafe { until_zero(name) })
}

/// Has a service that logs on as `account` do so with this password from its next start on.
/// Nothing checks it before that.
///
/// # Errors
/// The system's.
pub fn set_password(service: &str, account: &str, password: &str) -> io::Result<()> {
    let (_control, service) = open(service)?;
    let account = wide(account)?;
    // Of its last size at once: what outgrows its place leaves a copy there.
    let mut secret = Zeroizing::new(Vec::with_capacity(password.len() + 1));
    secret.extend(password.encode_utf16());
    if secret.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    secret.push(0);
    // SAFETY: the handle is open; both texts end with a zero and outlive the call; all else is
    // left as it is.
    let outcome = unsafe {
        ChangeServiceConfigW(
            service.0,
            SERVICE_NO_CHANGE,
            SERVICE_NO_CHANGE,
            SERVICE_NO_CHANGE,
            null(),
            null(),
            null_mut(),
            null(),
            account.as_ptr(),
            secret.as_ptr(),
            null(),
        )
    };
    done(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_says_as_what_it_logs_on_and_one_that_is_not_there_is_an_error() {
        // It is there on every Windows, and in wine.
        assert_eq!(account("PlugPlay").unwrap(), "LocalSystem");
        let absent = account("keyroll-no-such-service").unwrap_err();
        assert_eq!(absent.raw_os_error(), Some(1060));
        let absent = set_password("keyroll-no-such-service", r"CORP\x", "canary").unwrap_err();
        assert_eq!(absent.raw_os_error(), Some(1060));
        assert!(!absent.to_string().contains("canary"));
        let zero = set_password("PlugPlay", r"CORP\x", "a\0b").unwrap_err();
        assert_eq!(zero.kind(), io::ErrorKind::InvalidInput);
    }
}
