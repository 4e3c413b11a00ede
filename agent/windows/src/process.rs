//! Processes: this one, and in which logon session one runs.

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::{
    GetTokenInformation, TOKEN_QUERY, TOKEN_STATISTICS, TokenStatistics,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};
use windows_sys::Win32::System::Threading::{
    OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

use crate::text::done;

/// A handle, closed when it goes.
struct Handle(HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open or null, and nothing else closes it.
        unsafe { CloseHandle(self.0) };
    }
}

/// The number of the logon session in which the process of this number runs: the low part of the
/// `LUID` first.
///
/// # Errors
/// The system's.
pub fn session(process: u32) -> io::Result<u64> {
    // SAFETY: numbers go in; the handle that comes out is closed below.
    let opened = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    if opened.is_null() {
        return Err(io::Error::last_os_error());
    }
    let (process, mut token) = (Handle(opened), Handle(null_mut()));
    // SAFETY: the process is open; the result is a place of our own.
    done(unsafe { OpenProcessToken(process.0, TOKEN_QUERY, &raw mut token.0) })?;
    let mut found = TOKEN_STATISTICS::default();
    let mut size = u32::try_from(size_of_val(&found)).unwrap_or(0);
    // SAFETY: the token is open; the structure is ours, and has this size.
    let outcome = unsafe {
        GetTokenInformation(
            token.0,
            TokenStatistics,
            (&raw mut found).cast(),
            size,
            &raw mut size,
        )
    };
    done(outcome)?;
    let id = found.AuthenticationId;
    match u64::from(id.HighPart.cast_unsigned()) << 32 | u64::from(id.LowPart) {
        // To the local security authority this is whoever asks.
        0 => Err(io::Error::other("its token tells no logon session")),
        id => Ok(id),
    }
}

/// Should this process die of a fault, no dialogue waits for anybody, and no report holds the
/// memory in which keys may stand.
pub fn leave_no_dump() {
    // SAFETY: a number goes in, a number comes out.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
    // SAFETY: as above.
    unsafe { WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP) };
}
