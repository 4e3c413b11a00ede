//! Whether a file or folder is the system's own, and how the agent's folder becomes so.
//!
//! Anybody may make folders below `C:\ProgramData`, and is their owner for ever: whoever was there
//! first could plant settings, whose hooks SYSTEM runs.

use std::fs::{self, File};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keyroll_windows::access::{Descriptor, own_sid};

use super::files::{
    FOLDER, NO_LINK, READ_LIST, SEVERAL_NAMES, WRITE_LIST, make_private_folder, names, options,
};
use super::rights::{
    ADMINISTRATORS, CHANGE, Carried, DISPLACE, SYSTEM, carried, complaint, own_name,
    private_folder_list,
};
use crate::exit::Exit;
use crate::trouble::Trouble;

/// `FILE_ATTRIBUTE_REPARSE_POINT`: a junction, a link, or a file that lies elsewhere.
const LEADS_ELSEWHERE: u32 = 0x400;

/// Refuses a file that others than SYSTEM, Administrators, TrustedInstaller and the agent's account
/// may change, or put another in its place, or one beside it. One that is not there is told of by
/// whoever needs it.
///
/// # Errors
/// [`Trouble`], with what to do.
pub fn demand_ours(path: &Path) -> Result<(), Trouble> {
    let mut places = path.ancestors();
    for place in [places.next(), places.next()].into_iter().flatten() {
        demand(place, CHANGE)?;
    }
    places.try_for_each(|place| demand(place, DISPLACE))
}

/// Which program this is, as SYSTEM runs it: nobody else may change it, or put a library beside it,
/// which would be loaded as a part of it.
///
/// # Errors
/// [`Trouble`].
pub fn program_of_ours() -> Result<PathBuf, Trouble> {
    let program = std::env::current_exe()
        .map_err(|error| Trouble::new(Exit::System, format!("which program is this: {error}")))?;
    demand_ours(&program)?;
    Ok(program)
}

/// The agent's folder, the one of its state, and all that is in them.
///
/// # Errors
/// [`Trouble`].
pub fn demand_kept_ours(state: &Path) -> Result<(), Trouble> {
    for folder in [&super::home(), state] {
        demand_ours(folder)?;
        below(folder, &mut |place| demand(place, CHANGE))?;
    }
    Ok(())
}

/// The same: an administrator who joins, and SYSTEM, own what is there as Administrators.
///
/// # Errors
/// [`Trouble`].
pub fn demand_kept_to_join(state: &Path) -> Result<(), Trouble> {
    demand_kept_ours(state)
}

/// Makes the folder of everything that is keyroll's, or takes it over, and all that is in it: no
/// list comes from above, and the owner is Administrators.
///
/// # Errors
/// [`Trouble`], if something there is or may be somebody else's work: it is left as it is.
pub fn take_home(home: &Path) -> Result<(), Trouble> {
    make_private_folder(home).map_err(|error| failed("make", home, &error))?;
    home.ancestors()
        .skip(1)
        .try_for_each(|place| demand(place, DISPLACE))?;
    // Nothing can be added once it is closed, so what is below is found after that.
    take(home)?;
    below(home, &mut take)
}

fn take(place: &Path) -> Result<(), Trouble> {
    let failed = |error: io::Error| failed("take over", place, &error);
    let opened = open(place, READ_LIST | WRITE_LIST).map_err(failed)?;
    let is_folder = opened.metadata().map_err(failed)?.is_dir();
    // Its other name may be any file of the system: whoever may add to the folder has linked it.
    if !is_folder && names(&opened).map_err(failed)? > 1 {
        let name = place.display();
        let what = format!("cannot take over {name}: it is {SEVERAL_NAMES}");
        return Err(Trouble::new(Exit::Settings, what));
    }
    // Whoever could add to a folder is told by what he has added.
    judge(place, &opened, if is_folder { DISPLACE } else { CHANGE })?;
    let own = own_sid().map_err(failed)?;
    let found = Descriptor::of(&opened).map_err(failed)?;
    let list = if is_folder {
        private_folder_list()
    } else {
        let named = own_name().map_err(failed)?;
        carried(&found, &own, named.as_deref()).map(|Carried { list, .. }| list)
    };
    list.and_then(|list| list.give(&opened)).map_err(failed)?;
    let owner = found.owner().map_err(failed)?;
    if owner == own && ![SYSTEM, ADMINISTRATORS].contains(&owner.as_str()) {
        // An administrator who makes it in an ordinary window is its owner by name.
        let owner = Descriptor::parse(&format!("O:{ADMINISTRATORS}"));
        owner
            .and_then(|owner| owner.give_owner(&opened))
            .map_err(failed)?;
    }
    Ok(())
}

/// Does `act` with everything below `folder`, a folder before what is in it.
fn below(folder: &Path, act: &mut impl FnMut(&Path) -> Result<(), Trouble>) -> Result<(), Trouble> {
    let failed = |error: io::Error| failed("list", folder, &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        outcome => outcome.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let place = entry.path();
        act(&place)?;
        // What leads elsewhere was refused.
        if entry.file_type().map_err(failed)?.is_dir() {
            below(&place, act)?;
        }
    }
    Ok(())
}

fn open(place: &Path, rights: u32) -> io::Result<File> {
    let mut options = options();
    let options = options.access_mode(rights).custom_flags(NO_LINK | FOLDER);
    options.open(place)
}

fn demand(place: &Path, rights: u32) -> Result<(), Trouble> {
    match open(place, READ_LIST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at", place, &error)),
        Ok(opened) => judge(place, &opened, rights),
    }
}

fn judge(place: &Path, opened: &File, rights: u32) -> Result<(), Trouble> {
    let failed = |error: io::Error| failed("look at", place, &error);
    let found = opened.metadata().map_err(failed)?;
    let name = place.display();
    if found.file_attributes() & LEADS_ELSEWHERE != 0 {
        let what = format!("{name} leads elsewhere, and the agent obeys it");
        let next = "name the place where it leads, or put the thing itself there";
        return Err(Trouble::new(Exit::Settings, what).next(next));
    }
    let is_root = place.parent().is_none();
    let why = Descriptor::of(opened)
        .and_then(|list| complaint(&list, &own_sid()?, rights, is_root))
        .map_err(failed)?;
    let Some(why) = why else { return Ok(()) };
    let what = format!("{name} {why}, and the agent obeys it");
    Err(Trouble::new(Exit::Settings, what).next(closing(place, found.is_dir())))
}

/// What an administrator types, in PowerShell or `cmd.exe`, once he has looked. `/inheritance:r`
/// leaves entries of its own: `/reset` takes those.
fn closing(place: &Path, is_folder: bool) -> String {
    let (name, inherited) = (place.display(), if is_folder { "(OI)(CI)" } else { "" });
    format!(
        "look at what is in it; if it is as it should be, these three, one after the other:\n\
         icacls \"{name}\" /setowner \"*{ADMINISTRATORS}\"\n\
         icacls \"{name}\" /reset\n\
         icacls \"{name}\" /inheritance:r /grant:r \"*{SYSTEM}:{inherited}F\" \
         \"*{ADMINISTRATORS}:{inherited}F\""
    )
}

fn failed(doing: &str, place: &Path, error: &io::Error) -> Trouble {
    let what = format!("cannot {doing} {}: {error}", place.display());
    Trouble::new(Exit::System, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::windows::Access;
    use crate::platform::windows::files::is_open_to_others;

    fn give(path: &Path, list: &str) {
        let opened = open(path, WRITE_LIST).unwrap();
        Descriptor::parse(list).unwrap().give(&opened).unwrap();
    }

    const EVERYBODY: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)";
    const READING: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;WD)";

    #[expect(
        clippy::disallowed_methods,
        reason = "a test gives a file another name, and takes it away"
    )]
    #[test]
    fn a_home_that_was_there_is_taken_over_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let inner = home.join("web");
        let file = inner.join("krb5.keytab");
        fs::create_dir_all(&inner).unwrap();
        fs::write(&file, "").unwrap();
        for place in [&home, &inner, &file] {
            assert!(is_open_to_others(place, &Access::PRIVATE));
        }
        for _ in 0..2 {
            take_home(&home).unwrap();
            for place in [&home, &inner, &file] {
                assert!(!is_open_to_others(place, &Access::PRIVATE));
            }
        }
        demand_ours(&file).unwrap();
        // What has another name elsewhere is perhaps another's.
        let elsewhere = folder.path().join("elsewhere");
        fs::hard_link(&file, &elsewhere).unwrap();
        let said = take_home(&home).unwrap_err().to_string();
        assert!(said.contains("fsutil hardlink list"), "{said}");
        fs::remove_file(&elsewhere).unwrap();
        take_home(&home).unwrap();
        let plain = folder.path().join("file");
        fs::write(&plain, "").unwrap();
        assert!(take_home(&plain.join("home")).is_err());
        take_home(&folder.path().join("new").join("home")).unwrap();
    }

    #[test]
    fn what_others_may_write_is_not_taken_over_and_not_obeyed() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let file = home.join("keyroll-agent.toml");
        fs::create_dir(&home).unwrap();
        fs::write(&file, "").unwrap();
        demand_ours(&file).unwrap();
        give(&file, EVERYBODY);
        for said in [
            take_home(&home),
            demand_ours(&file),
            demand_kept_ours(&home),
        ] {
            let said = said.unwrap_err().to_string();
            assert!(
                said.contains("keyroll-agent.toml may be changed by Everyone"),
                "{said}"
            );
            assert!(said.contains("/reset\nicacls"), "{said}");
        }
        give(&file, "D:P(A;;FA;;;SY)(A;;FA;;;BA)");
        take_home(&home).unwrap();
        for place in [&home, folder.path()] {
            for (list, refused) in [(EVERYBODY, true), (READING, false)] {
                give(place, list);
                assert_eq!(demand_ours(&file).is_err(), refused, "{list}");
            }
        }
    }
}
