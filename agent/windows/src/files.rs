//! Files and folders that are made with an access control list from the first moment on, and the
//! replacement of one file by another.

use std::fs::File;
use std::io;
use std::os::windows::io::FromRawHandle as _;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, DELETE, FILE_ATTRIBUTE_NORMAL,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_SHARE_DELETE,
    MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW, READ_CONTROL,
    REPLACEFILE_WRITE_THROUGH, ReplaceFileW, WRITE_DAC,
};

use crate::access::Descriptor;
use crate::text::{done, wide};

/// Makes a file that was not there before, with this list, for nobody else while it is open; it
/// may be read, written, removed, and given another list.
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] if it is there.
pub fn create(path: &Path, access: &Descriptor) -> io::Result<File> {
    let path = wide(path)?;
    let attributes = attributes(access);
    // SAFETY: the path ends with a zero; attributes and descriptor outlive the call.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE | READ_CONTROL | WRITE_DAC,
            FILE_SHARE_DELETE,
            &raw const attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is open and nobody else's.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Makes a folder with this list.
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] if it is there.
pub fn make_folder(path: &Path, access: &Descriptor) -> io::Result<()> {
    let path = wide(path)?;
    let attributes = attributes(access);
    // SAFETY: the path ends with a zero; attributes and descriptor outlive the call.
    done(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) })
}

/// Puts the file `from` in the place of `to`, and returns once that is on the disk.
///
/// # Errors
/// The system's; among them a sharing violation while others have `to` open.
pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from)?, wide(to)?);
    let how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    // SAFETY: both paths end with a zero.
    done(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), how) })
}

/// The same where `to` is there: its list and attributes stay, and who has it open is no hindrance
/// if he lets it be deleted.
///
/// # Errors
/// The system's.
pub fn replace_content(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from)?, wide(to)?);
    // SAFETY: both paths end with a zero; no backup is asked for, and the rest is reserved.
    done(unsafe {
        ReplaceFileW(
            to.as_ptr(),
            from.as_ptr(),
            null(),
            REPLACEFILE_WRITE_THROUGH,
            null(),
            null(),
        )
    })
}

fn attributes(access: &Descriptor) -> SECURITY_ATTRIBUTES {
    SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: access.pointer(),
        bInheritHandle: 0,
    }
}
