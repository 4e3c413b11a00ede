//! Lines in the event log of Windows.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

use crate::text::{done, wide};

/// The most characters of a line: Windows takes 31839 in all.
const LONGEST: usize = 30_000;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As it should be.
    Information,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

/// Whoever speaks in the log.
#[derive(Debug)]
pub struct Source(HANDLE);

// SAFETY: Windows lets every thread report through one handle.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

impl Source {
    /// The source of this name; one that was never registered speaks in the application log.
    ///
    /// # Errors
    /// The system's.
    pub fn open(name: &str) -> io::Result<Self> {
        let name = wide(name)?;
        // SAFETY: the name ends with a zero.
        let handle = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(handle))
    }

    /// Writes a line under a number.
    ///
    /// # Errors
    /// The system's.
    pub fn report(&self, weight: Weight, number: u32, line: &str) -> io::Result<()> {
        let line: String = line.chars().filter(|c| *c != '\0').take(LONGEST).collect();
        let line = wide(line)?;
        let lines = [line.as_ptr()];
        let kind = match weight {
            Weight::Information => EVENTLOG_INFORMATION_TYPE,
            Weight::Warning => EVENTLOG_WARNING_TYPE,
            Weight::Error => EVENTLOG_ERROR_TYPE,
        };
        // SAFETY: the source is open; there is one line, and it ends with a zero.
        let outcome = unsafe {
            ReportEventW(
                self.0,
                kind,
                0,
                number,
                null_mut(),
                1,
                0,
                lines.as_ptr(),
                null(),
            )
        };
        done(outcome)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: it was opened by `open`, and nothing else closes it.
        unsafe { DeregisterEventSource(self.0) };
    }
}
