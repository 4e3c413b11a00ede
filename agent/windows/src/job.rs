//! A process and everything that it starts, to be ended together.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::null;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject,
};

use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SET_QUOTA, PROCESS_TERMINATE};

use crate::text::done;

/// The exit code of what is ended: as a shell has it of a killed process.
const ENDED: u32 = 137;

/// Some processes.
#[derive(Debug)]
pub struct Job(OwnedHandle);

impl Job {
    /// A job of the process with this number, and of what it starts from now on. They outlive the
    /// job's drop.
    ///
    /// # Errors
    /// The system's.
    pub fn of(process: u32) -> io::Result<Self> {
        // SAFETY: numbers go in; a handle or nothing comes out.
        let process =
            owned(unsafe { OpenProcess(PROCESS_SET_QUOTA | PROCESS_TERMINATE, 0, process) })?;
        // SAFETY: without attributes and without a name.
        let job = Self(owned(unsafe { CreateJobObjectW(null(), null()) })?);
        // SAFETY: both handles are open.
        let outcome =
            unsafe { AssignProcessToJobObject(job.0.as_raw_handle(), process.as_raw_handle()) };
        done(outcome)?;
        Ok(job)
    }

    /// Ends all of them.
    ///
    /// # Errors
    /// The system's.
    pub fn end(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        done(unsafe { TerminateJobObject(self.0.as_raw_handle(), ENDED) })
    }
}

fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: every caller has it from Windows just now, open and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}
