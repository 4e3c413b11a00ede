//! What services log on with, as the service control manager keeps it.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_SERVICE_DOES_NOT_EXIST};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfigW, CloseServiceHandle, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW,
    QueryServiceConfigW, QueryServiceStatusEx, SC_HANDLE, SC_MANAGER_CONNECT,
    SC_STATUS_PROCESS_INFO, SERVICE_CHANGE_CONFIG, SERVICE_NO_CHANGE, SERVICE_QUERY_CONFIG,
    SERVICE_QUERY_STATUS, SERVICE_STATUS_PROCESS,
};
use zeroize::Zeroizing;

use crate::process;
use crate::text::{done, until_zero, wide};

/// What is asked for where a service is to be changed, and may be.
const CONFIGURE: u32 = SERVICE_QUERY_CONFIG | SERVICE_CHANGE_CONFIG;

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

/// A service, open with these rights, and what keeps it so.
fn open(service: &str, rights: u32) -> io::Result<(Handle, Handle)> {
    let name = wide(service)?;
    // SAFETY: no machine and no database are named: this machine's own.
    let control = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_CONNECT) };
    let control = Handle::of(control)?;
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
    let (_control, service) = open(service, CONFIGURE)?;
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
    let (_control, service) = open(service, CONFIGURE)?;
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

/// The number of the logon session in which a service runs; none if it does not run, or is on its
/// way up or down while it is asked for.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] if there is no such service; else the system's.
pub fn session(service: &str) -> io::Result<Option<u64>> {
    let opened = open(service, SERVICE_QUERY_STATUS).map_err(|error| {
        if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) {
            io::Error::new(io::ErrorKind::NotFound, error)
        } else {
            error
        }
    });
    let (_control, service) = opened?;
    let Some(number) = process_of(&service)? else {
        return Ok(None);
    };
    let found = process::session(number);
    // The number may have become another's between the two calls.
    if process_of(&service)? == Some(number) {
        found.map(Some)
    } else {
        Ok(None)
    }
}

/// The number of the process in which a service runs.
fn process_of(service: &Handle) -> io::Result<Option<u32>> {
    let mut status = SERVICE_STATUS_PROCESS::default();
    let size = u32::try_from(size_of_val(&status)).unwrap_or(0);
    let mut needed = 0;
    // SAFETY: the handle is open; the structure is ours, and has this size.
    let outcome = unsafe {
        QueryServiceStatusEx(
            service.0,
            SC_STATUS_PROCESS_INFO,
            (&raw mut status).cast(),
            size,
            &raw mut needed,
        )
    };
    done(outcome)?;
    Ok((status.dwProcessId != 0).then_some(status.dwProcessId))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_runs_has_a_session_and_one_that_is_not_there_is_told_apart() {
        // It runs on every Windows, and in wine, where tokens tell no session: there the way ends.
        match session("PlugPlay") {
            Ok(session) => assert!(session.is_some()),
            Err(error) => assert!(error.to_string().contains("no logon session"), "{error}"),
        }
        let absent = session("keyroll-no-such-service").unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }

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

    fn service_control(words: &[&str]) -> bool {
        let ended = std::process::Command::new("sc.exe").args(words).status();
        ended.unwrap().success()
    }

    /// A service for one test, which nobody starts.
    struct Trial(&'static str);

    impl Drop for Trial {
        fn drop(&mut self) {
            service_control(&["delete", self.0]);
        }
    }

    #[test]
    fn a_service_is_given_an_account_and_a_password_and_keeps_the_rest() {
        let trial = Trial("keyroll-trial");
        let program = r"C:\windows\system32\svchost.exe";
        let made = service_control(&["create", trial.0, "binPath=", program, "start=", "demand"]);
        assert!(made, "it was not made");
        assert_eq!(account(trial.0).unwrap(), "LocalSystem");
        set_password(trial.0, r"CORP\svc-web$", "canary").unwrap();
        assert_eq!(account(trial.0).unwrap(), r"CORP\svc-web$");
        // The same once more, as each keyset does.
        set_password(trial.0, r"CORP\svc-web$", "another").unwrap();
        assert_eq!(account(trial.0).unwrap(), r"CORP\svc-web$");
    }
}
