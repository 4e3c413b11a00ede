//! Files and folders that are made with an access control list from the first moment on, and the
//! replacement of one file by another.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _};
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateDirectoryW, CreateFileW, DELETE,
    FILE_ATTRIBUTE_NORMAL, FILE_FLAG_OPEN_REPARSE_POINT, FILE_GENERIC_READ, FILE_GENERIC_WRITE,
    FILE_SHARE_DELETE, GetFileInformationByHandle, MOVEFILE_REPLACE_EXISTING,
    MOVEFILE_WRITE_THROUGH, MoveFileExW, READ_CONTROL, ReplaceFileW, WRITE_DAC,
};

use crate::access::Descriptor;
use crate::text::{done, wide};

/// `ERROR_UNABLE_TO_MOVE_REPLACEMENT_2`: the old file has its new name, and the new one not yet its
/// own.
const HALFWAY: i32 = 1177;

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
/// if he lets it be deleted. What was there is then at `aside`, a name in the same folder that is
/// free; without such a name a failure can leave nothing at `to`.
///
/// # Errors
/// The system's; what was at `to` is there.
pub fn replace_content(from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
    let wides = (wide(from)?, wide(to)?, wide(aside)?);
    // SAFETY: all paths end with a zero; the rest is reserved.
    let replaced = done(unsafe {
        ReplaceFileW(
            wides.1.as_ptr(),
            wides.0.as_ptr(),
            wides.2.as_ptr(),
            0,
            null(),
            null(),
        )
    });
    let is_halfway = |error: &io::Error| error.raw_os_error() == Some(HALFWAY);
    if replaced.as_ref().is_err_and(is_halfway) {
        replace(aside, to)?;
    }
    replaced
}

/// How many names an open file has (hard links).
///
/// # Errors
/// The system's.
pub fn names(file: &File) -> io::Result<u64> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file`; the result is a place of our own.
    done(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) })?;
    Ok(u64::from(found.nNumberOfLinks))
}

fn attributes(access: &Descriptor) -> SECURITY_ATTRIBUTES {
    SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: access.pointer(),
        bInheritHandle: 0,
    }
}
