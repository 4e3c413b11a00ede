//! Who may do what with a file: security descriptors (MS-DTYP 2.4.6), SIDs, accounts.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INSUFFICIENT_BUFFER, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
    ConvertStringSidToSidW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, CheckTokenMembership, DACL_SECURITY_INFORMATION, GetAce,
    GetKernelObjectSecurity, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    GetTokenInformation, LookupAccountNameW, LookupAccountSidW, OWNER_SECURITY_INFORMATION, PSID,
    SetKernelObjectSecurity, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, ReOpenFile, WRITE_DAC,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::text::{Local, done, until_zero, wide};

/// What is read.
const OWNER_AND_LIST: u32 = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
/// `ACCESS_ALLOWED_ACE_TYPE` and `ACCESS_DENIED_ACE_TYPE` (MS-DTYP 2.4.4.1).
const ALLOWED: u8 = 0;
const DENIED: u8 = 1;
/// Whoever opens a file for its list alone keeps nobody from anything.
const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
/// `INHERIT_ONLY_ACE`.
const FOR_CHILDREN: u8 = 8;

/// A security descriptor in its self-relative form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// In words, so that it is aligned as Windows wants it.
    words: Vec<u64>,
}

/// One entry of an access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says of the account.
    pub verdict: Verdict,
    /// The account's SID, as `S-1-5-18`; empty for a kind of entry that is not known.
    pub sid: String,
    /// The rights, as `ACCESS_MASK` has them.
    pub mask: u32,
    /// It counts only for what is made in the folder later (`INHERIT_ONLY_ACE`).
    pub for_children: bool,
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// These rights are given.
    Allowed,
    /// These rights are refused.
    Denied,
    /// Something else, such as a condition.
    Other,
}

impl Descriptor {
    /// What a text of the security descriptor definition language says (MS-DTYP 2.5.1).
    ///
    /// # Errors
    /// The system's, if it is no such text.
    pub fn parse(text: &str) -> io::Result<Self> {
        let text = wide(text)?;
        let (mut made, mut size) = (null_mut(), 0);
        // SAFETY: the text ends with a zero, and both results are places of our own.
        let outcome = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made,
                &raw mut size,
            )
        };
        done(outcome)?;
        let made = Local(made.cast::<u8>());
        let mut descriptor = Self::room(size as usize);
        let to = descriptor.words.as_mut_ptr().cast::<u8>();
        // SAFETY: Windows gave `size` bytes, we have room for as many, and the two do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(made.0, to, size as usize) };
        Ok(descriptor)
    }

    /// Owner and list of a file or folder that is open with `READ_CONTROL`.
    ///
    /// # Errors
    /// The system's.
    pub fn of(file: &File) -> io::Result<Self> {
        let handle: HANDLE = file.as_raw_handle();
        let mut size = 0;
        // SAFETY: the handle is open as long as `file`, and no byte is asked for.
        let outcome = unsafe {
            GetKernelObjectSecurity(handle, OWNER_AND_LIST, null_mut(), 0, &raw mut size)
        };
        more_is_needed(outcome)?;
        let mut descriptor = Self::room(size as usize);
        // SAFETY: as above, with room for `size` bytes.
        let outcome = unsafe {
            GetKernelObjectSecurity(
                handle,
                OWNER_AND_LIST,
                descriptor.words.as_mut_ptr().cast(),
                size,
                &raw mut size,
            )
        };
        done(outcome)?;
        Ok(descriptor)
    }

    /// Gives this list to a file that is open with `WRITE_DAC`.
    ///
    /// # Errors
    /// The system's.
    pub fn give(&self, file: &File) -> io::Result<()> {
        // SAFETY: the handle is open as long as `file`; the descriptor is one that Windows made.
        let outcome = unsafe {
            SetKernelObjectSecurity(
                file.as_raw_handle(),
                DACL_SECURITY_INFORMATION,
                self.pointer(),
            )
        };
        done(outcome)
    }

    /// The same to a file that is open to be read and written alone, by another handle to it.
    ///
    /// # Errors
    /// The system's.
    pub fn give_anew(&self, file: &File) -> io::Result<()> {
        // SAFETY: the handle is open as long as `file`; the rest are numbers.
        let opened = unsafe { ReOpenFile(file.as_raw_handle(), WRITE_DAC, SHARE_ALL, 0) };
        if opened == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was opened just now, and nobody else has it.
        let opened = unsafe { File::from_raw_handle(opened) };
        self.give(&opened)
    }

    /// Gives the owner that this names to a file that is open with `WRITE_OWNER`.
    ///
    /// # Errors
    /// The system's.
    pub fn give_owner(&self, file: &File) -> io::Result<()> {
        // SAFETY: as in `give`.
        let outcome = unsafe {
            SetKernelObjectSecurity(
                file.as_raw_handle(),
                OWNER_SECURITY_INFORMATION,
                self.pointer(),
            )
        };
        done(outcome)
    }

    /// The entries of the list; `None` if there is no list, which lets everybody do everything.
    ///
    /// # Errors
    /// The system's.
    pub fn entries(&self) -> io::Result<Option<Vec<Entry>>> {
        let (mut present, mut defaulted, mut list) = (0, 0, null_mut::<ACL>());
        // SAFETY: the descriptor is one that Windows made; the results are places of our own.
        let outcome = unsafe {
            GetSecurityDescriptorDacl(
                self.pointer(),
                &raw mut present,
                &raw mut list,
                &raw mut defaulted,
            )
        };
        done(outcome)?;
        if present == 0 || list.is_null() {
            return Ok(None);
        }
        // SAFETY: the list lies within the descriptor, which lives as long as `self`.
        let count = unsafe { (*list).AceCount };
        let entries = (0..u32::from(count)).map(|index| entry(list, index));
        entries.collect::<io::Result<Vec<_>>>().map(Some)
    }

    /// The owner's SID.
    ///
    /// # Errors
    /// The system's, if there is none.
    pub fn owner(&self) -> io::Result<String> {
        let (mut owner, mut defaulted) = (null_mut(), 0);
        // SAFETY: the descriptor is one that Windows made; the results are places of our own.
        let outcome = unsafe {
            GetSecurityDescriptorOwner(self.pointer(), &raw mut owner, &raw mut defaulted)
        };
        done(outcome)?;
        written(owner)
    }

    fn room(bytes: usize) -> Self {
        let words = vec![0; bytes.div_ceil(size_of::<u64>())];
        Self { words }
    }

    /// For calls that read it.
    pub(crate) fn pointer(&self) -> *mut core::ffi::c_void {
        self.words.as_ptr().cast_mut().cast()
    }
}

fn entry(list: *const ACL, index: u32) -> io::Result<Entry> {
    let mut found = null_mut();
    // SAFETY: the list is one that Windows made; the result is a place of our own.
    let outcome = unsafe { GetAce(list, index, &raw mut found) };
    done(outcome)?;
    // SAFETY: every entry begins with a header.
    let header = unsafe { *found.cast::<ACE_HEADER>() };
    let for_children = header.AceFlags & FOR_CHILDREN != 0;
    let verdict = match header.AceType {
        ALLOWED => Verdict::Allowed,
        DENIED => Verdict::Denied,
        _ => {
            return Ok(Entry {
                verdict: Verdict::Other,
                sid: String::new(),
                mask: 0,
                for_children,
            });
        }
    };
    let ace = found.cast::<ACCESS_ALLOWED_ACE>();
    // SAFETY: an entry of either kind has this shape.
    let mask = unsafe { (*ace).Mask };
    // SAFETY: as above; the SID begins where this field stands. No reference is made.
    let sid = unsafe { &raw mut (*ace).SidStart };
    let sid = written(sid.cast())?;
    Ok(Entry {
        verdict,
        sid,
        mask,
        for_children,
    })
}

/// The SID of an account, such as `CORP\svc-web`, `NT SERVICE\Tomcat9` or a SID itself.
///
/// # Errors
/// The system's, if nobody has this name.
pub fn sid_of(account: &str) -> io::Result<String> {
    if account.starts_with("S-1-") {
        return canonical(account);
    }
    let name = wide(account)?;
    // A SID has at most 68 bytes, a domain's name at most 255 characters.
    let (mut sid, mut domain) = ([0_u64; 9], [0_u16; 256]);
    let (mut sid_size, mut domain_size) = (u32::try_from(size_of_val(&sid)).unwrap_or(0), 256);
    let mut kind = 0;
    // SAFETY: the name ends with a zero; both sizes are those of the buffers.
    let outcome = unsafe {
        LookupAccountNameW(
            null(),
            name.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    done(outcome)?;
    written(sid.as_mut_ptr().cast())
}

/// A SID as Windows writes it. Whatever else could stand in its place in a list is refused, and so
/// is another spelling, which would be taken for another account.
fn canonical(sid: &str) -> io::Result<String> {
    // Windows refuses the rest; its other makers read on.
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !sid.split('-').skip(1).all(is_number) {
        let why = "a SID is S-1- and numbers with hyphens between them";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let wide = wide(sid)?;
    let mut found = null_mut();
    // SAFETY: the text ends with a zero; the result is a place of our own.
    done(unsafe { ConvertStringSidToSidW(wide.as_ptr(), &raw mut found) })?;
    let found = Local(found);
    written(found.0)
}

/// The account of a SID, as `CORP\svc-web`; the SID itself where nobody knows it.
#[must_use]
pub fn name_of(sid: &str) -> String {
    looked_up(sid).unwrap_or_else(|_| sid.to_owned())
}

fn looked_up(sid: &str) -> io::Result<String> {
    let descriptor = Descriptor::parse(&format!("O:{sid}"))?;
    let (mut owner, mut defaulted) = (null_mut(), 0);
    // SAFETY: as in `owner`; what is found lies in the descriptor, which outlives its use.
    let outcome = unsafe {
        GetSecurityDescriptorOwner(descriptor.pointer(), &raw mut owner, &raw mut defaulted)
    };
    done(outcome)?;
    let (mut name, mut domain) = ([0_u16; 257], [0_u16; 257]);
    let (mut name_size, mut domain_size) = (257, 257);
    let mut kind = 0;
    // SAFETY: the SID is one that Windows made; both sizes are those of the buffers.
    let outcome = unsafe {
        LookupAccountSidW(
            null(),
            owner,
            name.as_mut_ptr(),
            &raw mut name_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    done(outcome)?;
    let text = |units: &[u16], size: u32| {
        String::from_utf16_lossy(units.get(..size as usize).unwrap_or_default())
    };
    Ok(match text(&domain, domain_size) {
        domain if domain.is_empty() => text(&name, name_size),
        domain => format!(r"{domain}\{}", text(&name, name_size)),
    })
}

/// The SID of the account that this process runs under.
///
/// # Errors
/// The system's.
pub fn own_sid() -> io::Result<String> {
    struct Token(HANDLE);
    impl Drop for Token {
        fn drop(&mut self) {
            // SAFETY: it was opened below, and nothing else closes it.
            unsafe { CloseHandle(self.0) };
        }
    }
    let mut token = Token(INVALID_HANDLE_VALUE);
    // SAFETY: it takes no argument and gives a constant.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: this process's own handle is always open; the result is a place of our own.
    done(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token.0) })?;
    let mut user = [0_u64; 16];
    let mut size = u32::try_from(size_of_val(&user)).unwrap_or(0);
    // SAFETY: the token is open; the buffer is aligned, and has this size.
    let outcome = unsafe {
        GetTokenInformation(
            token.0,
            TokenUser,
            user.as_mut_ptr().cast(),
            size,
            &raw mut size,
        )
    };
    done(outcome)?;
    // SAFETY: Windows wrote a TOKEN_USER at the front of the buffer.
    let sid = unsafe { (*user.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    written(sid)
}

/// Whether this process acts as one of the group, by its SID: an administrator does once elevated.
///
/// # Errors
/// The system's.
pub fn is_member(group: &str) -> io::Result<bool> {
    let wide = wide(group)?;
    let mut sid = null_mut();
    // SAFETY: the text ends with a zero; the result is a place of our own.
    done(unsafe { ConvertStringSidToSidW(wide.as_ptr(), &raw mut sid) })?;
    let sid = Local(sid);
    let mut is = 0;
    // SAFETY: no token stands for this thread's; the SID is valid, the result a place of our own.
    done(unsafe { CheckTokenMembership(null_mut(), sid.0, &raw mut is) })?;
    Ok(is != 0)
}

/// A SID as text. The pointer must be to one that Windows made.
fn written(sid: PSID) -> io::Result<String> {
    let mut text = null_mut();
    // SAFETY: every caller has the SID from Windows; the result is a place of our own.
    done(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let text = Local(text);
    // SAFETY: Windows ended the text with a zero.
    Ok(unsafe { until_zero(text.0) })
}

fn more_is_needed(outcome: i32) -> io::Result<()> {
    match done(outcome) {
        Err(error) if error.raw_os_error() != Some(ERROR_INSUFFICIENT_BUFFER.cast_signed()) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
