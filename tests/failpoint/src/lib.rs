//! Places where a test ends or stops a process: before and after whatever it does to the world.
//!
//! Who does something holds the guard of [`at`] meanwhile. The file that `KEYROLL_FAILPOINTS`
//! names says what a test wants, one wish in a line: `kill before record planned` ends the process
//! there as `kill -9` would, `stop after port stage` halts it until SIGCONT. The file is read at
//! every place, so a test changes its mind while the process runs. The place that was reached is
//! added to a file beside it, `….reached`, first.
//!
//! Debug builds only: in a release build a guard is nothing, and the variable is not read.

#[cfg(debug_assertions)]
mod armed;

/// The variable that names the file of wishes.
pub const VARIABLE: &str = "KEYROLL_FAILPOINTS";

/// Something is being done; dropped when it is done, or has failed.
#[derive(Debug)]
#[must_use = "the place ends where this is dropped"]
pub struct Here {
    #[cfg(debug_assertions)]
    place: String,
}

/// Reaches the place `before KIND NAME` now, and `after KIND NAME` when the guard is dropped.
pub fn at(kind: &str, name: &str) -> Here {
    #[cfg(debug_assertions)]
    {
        let place = format!("{kind} {name}");
        armed::reach("before", &place);
        Here { place }
    }
    #[cfg(not(debug_assertions))]
    {
        let _ = (kind, name);
        Here {}
    }
}

#[cfg(debug_assertions)]
impl Drop for Here {
    fn drop(&mut self) {
        armed::reach("after", &self.place);
    }
}
