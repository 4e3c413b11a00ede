//! What the agent obeys: its settings, what it keeps, and the programs of hooks.
//!
//! Whoever can change one of these can do whatever the agent may. So nobody but the system's own
//! accounts and the agent's may change them, or put others in their place, before anything of them
//! is believed.

use std::path::Path;

use crate::config::Config;
use crate::exit::Exit;
use crate::platform;
use crate::trouble::Trouble;

/// Refuses to go on if somebody else could have written what the agent obeys.
///
/// # Errors
/// [`Trouble`], which names the first such file or folder, who may change it, and what to do.
pub fn demand(settings: &Path, config: &Config) -> Result<(), Trouble> {
    demand_given(settings, config)?;
    platform::demand_kept_ours(&config.state)
}

/// The same, before somebody joins, who may be another than the agent's user.
///
/// # Errors
/// [`Trouble`].
pub fn demand_to_join(settings: &Path, config: &Config) -> Result<(), Trouble> {
    demand_given(settings, config)?;
    platform::demand_kept_to_join(&config.state)
}

/// The same, of what others than the agent make: settings and hooks.
///
/// # Errors
/// [`Trouble`].
pub fn demand_given(settings: &Path, config: &Config) -> Result<(), Trouble> {
    let settings = std::path::absolute(settings).map_err(|error| {
        let what = format!("cannot look at {}: {error}", settings.display());
        Trouble::new(Exit::System, what)
    })?;
    platform::demand_ours(&settings)?;
    let hooks = config.arrays.iter().flat_map(|array| &array.hooks);
    let mut programs = hooks.map(|hook| &hook.program);
    programs.try_for_each(|program| platform::demand_ours(program))
}
