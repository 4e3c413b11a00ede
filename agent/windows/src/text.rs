//! Text as Windows takes and gives it: UTF-16 with a zero at its end.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt as _;

use windows_sys::Win32::Foundation::LocalFree;

/// `text` with the zero.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if a zero stands within it.
pub fn wide(text: impl AsRef<OsStr>) -> io::Result<Vec<u16>> {
    let mut units: Vec<u16> = text.as_ref().encode_wide().collect();
    if units.contains(&0) {
        let why = "it has a zero character in it";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    units.push(0);
    Ok(units)
}

/// The text up to its zero.
///
/// # Safety
/// The pointer is to a text that ends with a zero.
pub unsafe fn until_zero(text: *const u16) -> String {
    let mut units = Vec::new();
    for index in 0.. {
        // SAFETY: the text goes on to its zero, at which this stops.
        let place = unsafe { text.add(index) };
        // SAFETY: as above.
        match unsafe { *place } {
            0 => break,
            unit => units.push(unit),
        }
    }
    String::from_utf16_lossy(&units)
}

/// What a call of Windows that gives a `BOOL` said.
///
/// # Errors
/// The system's last error, if it said no.
pub fn done(outcome: i32) -> io::Result<()> {
    if outcome == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Memory that Windows gave us to free with `LocalFree`.
#[derive(Debug)]
pub struct Local<T>(pub *mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a call that has its caller free it so, or is null, and
        // nothing else frees it.
        unsafe { LocalFree(self.0.cast()) };
    }
}
