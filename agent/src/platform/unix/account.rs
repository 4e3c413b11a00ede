//! Users and groups by name, from the local files.
//!
//! Names that only a directory knows are given by number: the agent's files must not depend on
//! a name service that may itself need a keytab.

use std::fs;

/// A user's number.
///
/// # Errors
/// A sentence, if there is no such user.
pub fn user(name: &str) -> Result<u32, String> {
    number("user", "/etc/passwd", name)
}

/// A group's number.
///
/// # Errors
/// A sentence, if there is no such group.
pub fn group(name: &str) -> Result<u32, String> {
    number("group", "/etc/group", name)
}

fn number(kind: &str, file: &str, name: &str) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&name))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| format!("{file} names no {kind} {name:?}; a number is allowed too"))
}
