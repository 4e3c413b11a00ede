//! Whether a file is root's own, or the agent's: nobody else may write it or put another in its
//! place.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::trouble::Trouble;

/// The group's and everybody's right to reach what is in a folder.
const OTHERS_ENTER: u32 = 0o011;
/// Nobody removes from the folder what is another's.
const STICKY: u32 = 0o1000;

/// Who may own what the agent obeys.
struct Own {
    user: u32,
    /// Whoever is outside of our user namespace, if we are in one: the machine's root appears so,
    /// and nobody in here can become him.
    outside: Option<u32>,
}

impl Own {
    fn now() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let map = read("self/uid_map");
        let mapped = map.split_whitespace().nth(2);
        let is_whole = mapped.is_none_or(|count| count == u32::MAX.to_string());
        let outside = read("sys/kernel/overflowuid").trim().parse().ok();
        Self {
            user: rustix::process::geteuid().as_raw(),
            outside: outside.filter(|_| !is_whole),
        }
    }

    /// Why others than root and we may change what is there, if they may; in a folder that is
    /// passed on the way, things of theirs may lie.
    fn complaint(&self, found: &Metadata, on_the_way: bool) -> Option<String> {
        let (owner, mode) = (found.uid(), found.mode() & 0o7777);
        if ![0, self.user].contains(&owner) && self.outside != Some(owner) {
            return Some(format!("belongs to user {owner}"));
        }
        let group_is_roots = found.gid() == 0 || mode & 0o020 == 0;
        let is_closed = mode & 0o002 == 0 && group_is_roots;
        let is_kept_apart = on_the_way && mode & STICKY != 0;
        (!is_closed && !is_kept_apart)
            .then(|| format!("has mode {mode:04o}, so others may write to it"))
    }
}

/// Refuses a file, or a folder, that others than root and the agent's user may change, or put
/// another in its place. One that is not there is told of by whoever needs it.
///
/// # Errors
/// [`Trouble`], with what to do.
pub fn demand_ours(path: &Path) -> Result<(), Trouble> {
    let own = Own::now();
    // Where the name stands, and where links lead.
    let named = path.parent().map(|folder| (folder, true));
    for (name, on_the_way) in named.into_iter().chain([(path, false)]) {
        let judged = |place: PathBuf| demand_way(&place, on_the_way, &own);
        match fs::canonicalize(name).and_then(judged) {
            Ok(outcome) => outcome?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let what = format!("cannot look at {}: {error}", path.display());
                return Err(Trouble::new(Exit::System, what));
            }
        }
    }
    Ok(())
}

/// The folders down to `place`, which has no link in it, and `place` itself.
fn demand_way(place: &Path, leads_on: bool, own: &Own) -> io::Result<Result<(), Trouble>> {
    let mut way: Vec<&Path> = place.ancestors().collect();
    way.reverse();
    for part in way {
        let found = fs::symlink_metadata(part)?;
        let on_the_way = leads_on || part != place;
        if let Some(why) = own.complaint(&found, on_the_way) {
            let what = format!("{} {why}, and the agent obeys it", part.display());
            let next = format!(
                "look at what is in it, then: chown root {0} && chmod go-w {0}",
                part.display()
            );
            return Ok(Err(Trouble::new(Exit::Settings, what).next(next)));
        }
        if on_the_way && found.is_dir() && found.mode() & OTHERS_ENTER == 0 {
            // What lies below is out of their reach, whatever it allows.
            return Ok(Ok(()));
        }
    }
    Ok(Ok(()))
}

/// What is kept: the folder lets in nobody else, so nothing in it is anybody else's.
///
/// # Errors
/// [`Trouble`].
pub fn demand_kept_ours(state: &Path) -> Result<(), Trouble> {
    demand_ours(state)
}

/// Not asked: root may join for the service, whose user owns the folder.
///
/// # Errors
/// None.
pub const fn demand_kept_to_join(_: &Path) -> Result<(), Trouble> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_others_may_write_or_replace_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [outer, inner] = ["outer", "outer/inner"].map(|name| folder.path().join(name));
        let file = inner.join("hook");
        fs::create_dir_all(&inner).unwrap();
        fs::write(&file, "").unwrap();
        chmod(folder.path(), 0o755);
        // A group that is not root's.
        std::os::unix::fs::chown(&file, None, Some(if is_root() { 4242 } else { gid() })).unwrap();
        for (modes, refused) in [
            ([0o755, 0o755, 0o755], None),
            ([0o755, 0o755, 0o757], Some("hook has mode 0757")),
            ([0o755, 0o755, 0o775], Some("hook has mode 0775")),
            ([0o755, 0o757, 0o755], Some("inner has mode 0757")),
            ([0o757, 0o755, 0o755], Some("outer has mode 0757")),
            // Nobody else removes there what is ours.
            ([0o1777, 0o755, 0o755], None),
            ([0o755, 0o1777, 0o755], None),
            // Nobody else gets there.
            ([0o700, 0o777, 0o777], None),
        ] {
            for (path, mode) in [&outer, &inner, &file].into_iter().zip(modes) {
                chmod(path, mode);
            }
            let said = demand_ours(&file).err().map(|trouble| trouble.to_string());
            match refused {
                None => assert_eq!(said, None, "{modes:?}"),
                Some(why) => {
                    let said = said.unwrap_or_else(|| panic!("{modes:?} is taken"));
                    assert!(said.contains(why) && said.contains("chmod go-w"), "{said}");
                }
            }
        }
        demand_ours(&folder.path().join("none")).unwrap();
        // A link is as good as where it stands and where it leads.
        for (path, mode) in [(&outer, 0o755), (&inner, 0o755), (&file, 0o757)] {
            chmod(path, mode);
        }
        let link = folder.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(demand_ours(&link).is_err());
        chmod(&file, 0o755);
        demand_ours(&link).unwrap();
    }

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let found = fs::metadata(folder.path()).unwrap();
        let own = |user, outside| Own { user, outside };
        let owner = found.uid();
        assert_eq!(own(owner, None).complaint(&found, false), None);
        assert_eq!(own(owner + 1, Some(owner)).complaint(&found, false), None);
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(4242), None).unwrap();
            let said = demand_ours(folder.path()).unwrap_err().to_string();
            assert!(said.contains("belongs to user 4242"), "{said}");
            assert_eq!(said.matches("Next: ").count(), 1);
        }
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    fn gid() -> u32 {
        rustix::process::getegid().as_raw()
    }
}
