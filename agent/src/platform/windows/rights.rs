//! What access control lists say: who may read a keytab, and who may change what the agent obeys.

use std::io;

use keyroll_windows::access::{Descriptor, Entry, Verdict, is_member, name_of, own_sid};

use super::files::Access;

pub(super) const SYSTEM: &str = "S-1-5-18";
pub(super) const ADMINISTRATORS: &str = "S-1-5-32-544";
/// `NT SERVICE\TrustedInstaller`, whose most of Windows is.
const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
/// Whoever makes a thing, and whoever owns it: in a list they stand for nobody else.
const MAKER: &str = "S-1-3-0";
const OWNER: &str = "S-1-3-4";

/// Whoever comes along: Everyone, LOCAL, CONSOLE LOGON, DIALUP, NETWORK, BATCH, INTERACTIVE,
/// SERVICE (whatever runs as one), ANONYMOUS LOGON, Authenticated Users, TERMINAL SERVER USER,
/// REMOTE INTERACTIVE LOGON, This Organization, Other Organization, local accounts, BUILTIN\Users,
/// BUILTIN\Guests, Pre-Windows 2000 Compatible Access, all app packages, whoever's identity the
/// authority or a service has asserted, ALL SERVICES (MS-DTYP 2.4.2.4). A keytab must be open to
/// none of them.
const ANYBODY: [&str; 24] = [
    "S-1-1-0",
    "S-1-2-0",
    "S-1-2-1",
    "S-1-5-1",
    "S-1-5-2",
    "S-1-5-3",
    "S-1-5-4",
    "S-1-5-6",
    "S-1-5-7",
    "S-1-5-11",
    "S-1-5-13",
    "S-1-5-14",
    "S-1-5-15",
    "S-1-5-113",
    "S-1-5-114",
    "S-1-5-32-545",
    "S-1-5-32-546",
    "S-1-5-32-554",
    "S-1-15-2-1",
    "S-1-15-2-2",
    "S-1-18-1",
    "S-1-18-2",
    "S-1-5-80-0",
    "S-1-5-1000",
];
/// `IIS_IUSRS`: every application pool of the machine, whatever it runs as. Who names it in the
/// settings means that; where it merely is in a list, it came with a folder of the web server's.
const ALL_POOLS: &str = "S-1-5-32-568";
/// Domain Users, Domain Guests, Domain Computers: the last part of their SIDs.
const ANYBODY_OF_A_DOMAIN: [&str; 3] = ["513", "514", "515"];

/// `FILE_READ_DATA`, `GENERIC_READ`, `GENERIC_ALL`: what lets somebody read.
const READ: u32 = 0x9000_0001;
/// `FILE_GENERIC_READ` and `FILE_EXECUTE`: what a reader may have.
const READING: u32 = 0x0012_00a9;
/// `FILE_DELETE_CHILD`, `DELETE`, `WRITE_DAC`, `WRITE_OWNER`, `GENERIC_ALL`: with one of these a
/// thing in a folder, or the folder, is put aside for another.
pub(super) const DISPLACE: u32 = 0x100d_0040;
/// The same, and `FILE_ADD_FILE`, `FILE_ADD_SUBDIRECTORY`: a name that is free is taken.
pub(super) const PLANT: u32 = DISPLACE | 0x6;
/// [`DISPLACE`], and `FILE_WRITE_DATA`, `FILE_APPEND_DATA`, `FILE_WRITE_EA`,
/// `FILE_WRITE_ATTRIBUTES` (which makes a junction of an empty folder), `GENERIC_WRITE`.
pub(super) const CHANGE: u32 = DISPLACE | 0x4000_0116;
/// `DELETE`: nobody can delete the root of a drive, whatever its list says.
const DELETE: u32 = 0x0001_0000;

/// Whether this is whoever comes along.
pub(super) fn is_anybody(sid: &str) -> bool {
    let of_domain = |rid: &&str| sid.starts_with("S-1-5-21-") && sid.ends_with(&format!("-{rid}"));
    ANYBODY.contains(&sid) || ANYBODY_OF_A_DOMAIN.iter().any(of_domain)
}

/// Whether this is too many to be let in because an older list did.
fn is_many(sid: &str) -> bool {
    is_anybody(sid) || sid == ALL_POOLS
}

/// Whether this is the system itself, its administrators, or the agent.
fn is_ours(sid: &str, own: &str) -> bool {
    [SYSTEM, ADMINISTRATORS, INSTALLER, own].contains(&sid)
}

fn gives(entry: &Entry, rights: u32) -> bool {
    entry.verdict == Verdict::Allowed && !entry.for_children && entry.mask & rights != 0
}

/// A list for SYSTEM, Administrators and this process's account, and `more` entries as text;
/// nothing comes from the folder above.
pub(super) fn private_list(more: &str) -> io::Result<Descriptor> {
    Descriptor::parse(&format!("{}{more}", private(own_name()?.as_deref(), "")))
}

/// The same for a folder: what is made in it has the same list.
pub(super) fn private_folder_list() -> io::Result<Descriptor> {
    Descriptor::parse(&private(own_name()?.as_deref(), "OICI"))
}

/// The account by whose name this process is let in, if it needs to be. An administrator at a
/// command line is let in as one: by his own name he would be a stranger to the service, and what
/// he runs unelevated could change what SYSTEM obeys.
pub(super) fn own_name() -> io::Result<Option<String>> {
    let own = own_sid()?;
    let is_let_in = own == SYSTEM || is_member(ADMINISTRATORS)?;
    Ok(Some(own).filter(|_| !is_let_in))
}

/// A list for ours alone. Who is let in as an administrator makes what is the Administrators', as
/// he may not be by his own account's settings.
fn private(own: Option<&str>, flags: &str) -> String {
    let owner = own.map_or_else(|| format!("O:{ADMINISTRATORS}"), |_| String::new());
    format!("{owner}D:P{}", ours(own, flags))
}

/// The entries of those who may do everything.
fn ours(own: Option<&str>, flags: &str) -> String {
    let all = [SYSTEM, ADMINISTRATORS].into_iter().chain(own);
    all.map(|sid| format!("(A;{flags};FA;;;{sid})")).collect()
}

/// The list of a file that takes another's place.
#[derive(Debug)]
pub(super) struct Carried {
    /// The list.
    pub(super) list: Descriptor,
    /// Whom the old one let in, or let write, and this one does not.
    pub(super) cut: Vec<String>,
}

/// The old file's list with reading alone: whoever comes along is left out, and so is all writing.
/// Of ours, those of [`own_name`] `named` are let in.
///
/// # Errors
/// The old file is somebody else's, who may have made its list; or the system's.
pub(super) fn carried(old: &Descriptor, own: &str, named: Option<&str>) -> io::Result<Carried> {
    let owner = old.owner()?;
    if !is_ours(&owner, own) {
        let owner = name_of(&owner);
        let why = format!(
            "it belongs to {owner}, who may have chosen its readers; next: name them in the \
             target's readers"
        );
        return Err(io::Error::other(why));
    }
    let Some(entries) = old.entries()? else {
        let list = Descriptor::parse(&format!("D:P{}", ours(named, "")))?;
        let cut = vec!["everybody".to_owned()];
        return Ok(Carried { list, cut });
    };
    let (mut denied, mut allowed, mut cut) = (String::new(), String::new(), Vec::new());
    for entry in entries.iter().filter(|entry| !entry.for_children) {
        let (sid, kept) = (&entry.sid, entry.mask & READING);
        match entry.verdict {
            Verdict::Denied => denied.push_str(&format!("(D;;{:#x};;;{sid})", entry.mask)),
            Verdict::Allowed if is_ours(sid, own) => {}
            Verdict::Allowed => {
                let is_many = is_many(sid);
                if is_many || entry.mask & CHANGE != 0 {
                    cut.push(name_of(sid));
                }
                if !is_many && entry.mask & READ != 0 {
                    allowed.push_str(&format!("(A;;{:#x};;;{sid})", kept | 1));
                }
            }
            // Conditions only ever give less to fewer: without them nobody gets more.
            Verdict::Other => {}
        }
    }
    // What is refused comes first (MS-DTYP 2.4.5.1).
    let list = Descriptor::parse(&format!("D:P{denied}{}{allowed}", ours(named, "")))?;
    Ok(Carried { list, cut })
}

/// Whether this lets a single account read that is not ours.
pub(super) fn is_reader(entry: &Entry, own: &str) -> bool {
    gives(entry, READ) && !is_ours(&entry.sid, own) && !is_many(&entry.sid)
}

/// Whether `entries` let those read that `access` says, and nobody else do anything.
pub(super) fn fits(entries: &[Entry], access: &Access, own: &str) -> bool {
    let others = || {
        let others = entries.iter().filter(|entry| !is_ours(&entry.sid, own));
        others.filter(|entry| gives(entry, u32::MAX))
    };
    let Some(readers) = &access.readers else {
        return others().all(|entry| !is_many(&entry.sid) && entry.mask & CHANGE == 0);
    };
    let is_kept_out = |reader: &String| {
        let refused = |one: &&Entry| one.verdict == Verdict::Denied && one.sid == *reader;
        let refused = entries.iter().filter(refused);
        refused.fold(0, |mask, one| mask | one.mask) & READ != 0
    };
    let reads = |reader: &String| {
        is_ours(reader, own)
            || (others().any(|entry| entry.sid == *reader && entry.mask & READ != 0)
                && !is_kept_out(reader))
    };
    others().all(|entry| readers.contains(&entry.sid) && entry.mask & CHANGE == 0)
        && readers.iter().all(reads)
}

/// Who else has one of `rights` to a thing, as words that follow its name: its owner may give
/// himself any. The root of a drive is on the way of everything on it.
pub(super) fn complaint(
    list: &Descriptor,
    own: &str,
    rights: u32,
    is_root: bool,
) -> io::Result<Option<String>> {
    let owner = list.owner()?;
    if !is_ours(&owner, own) {
        return Ok(Some(format!("belongs to {}", name_of(&owner))));
    }
    let Some(entries) = list.entries()? else {
        return Ok(Some(
            "has no access list, so anybody may change it".to_owned(),
        ));
    };
    let rights = if is_root { rights & !DELETE } else { rights };
    let is_other = |sid: &str| !is_ours(sid, own) && ![MAKER, OWNER].contains(&sid);
    let may = |entry: &&Entry| gives(entry, rights) && is_other(&entry.sid);
    if let Some(entry) = entries.iter().find(may) {
        return Ok(Some(format!("may be changed by {}", name_of(&entry.sid))));
    }
    let unknown = |entry: &Entry| entry.verdict == Verdict::Other && !entry.for_children;
    let why = || "has an entry in its access list whose kind is not known".to_owned();
    Ok(entries.iter().any(unknown).then(why))
}

#[cfg(test)]
mod tests;
