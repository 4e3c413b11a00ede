//! From what is to what is wanted, as single values that come and go.

use super::plan::Refused;
use super::{ACTORS, CONTROL, Control, Holding, TARGETS};
use crate::descriptor::{Descriptor, Sid};
use crate::directory_change::Modification;

#[cfg(test)]
mod tests;

/// Something that is wanted of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// That it may delegate to this SPN.
    Target(String),
    /// That it may not any more.
    NoTarget(String),
    /// That this flag of [`Control`] is set, or is not.
    Flag(u32, bool),
    /// That the owner of this SID may delegate to it.
    Actor(Sid),
    /// That they may not any more.
    NoActor(Sid),
}

/// What must come and go for all wishes to hold; empty if they do. All of it is one modify.
///
/// A number of flags goes with the very value that it was read with, and so does a descriptor: what
/// somebody else changes in them at the same time is not undone, since the directory refuses the
/// whole then.
///
/// # Errors
/// [`Refused`], naming the first wish that cannot be had.
pub(super) fn change(present: &Holding, wishes: &[Wish]) -> Result<Vec<Modification>, Refused> {
    let mut wanted = present.clone();
    for wish in wishes {
        grant(&mut wanted, wish)?;
    }
    Ok(difference(present, &wanted))
}

fn grant(holding: &mut Holding, wish: &Wish) -> Result<(), Refused> {
    match wish {
        Wish::Flag(bit, set) => holding.control = holding.control.with(*bit, *set),
        Wish::Target(spn) => {
            if !holding.names(spn) {
                holding.targets.push(spn.clone());
            }
        }
        Wish::NoTarget(spn) => holding.targets.retain(|one| !one.eq_ignore_ascii_case(spn)),
        Wish::Actor(sid) => let_act(holding, sid)?,
        Wish::NoActor(sid) => let_act_no_more(holding, sid)?,
    }
    Ok(())
}

fn descriptor(bytes: &[u8]) -> Result<Descriptor, Refused> {
    Descriptor::from_bytes(bytes).map_err(|_| Refused::BadDescriptor(bytes.len()))
}

fn let_act(holding: &mut Holding, sid: &Sid) -> Result<(), Refused> {
    let Some(bytes) = &holding.descriptor else {
        holding.descriptor = Some(Descriptor::of_actors([sid]).to_bytes());
        return Ok(());
    };
    let mut found = descriptor(bytes)?;
    if found.dacl().is_none() {
        return Err(Refused::Everybody);
    }
    found.allow(sid);
    if !found.actors().contains(sid) {
        return Err(Refused::Denied(sid.clone()));
    }
    holding.descriptor = Some(found.to_bytes());
    Ok(())
}

fn let_act_no_more(holding: &mut Holding, sid: &Sid) -> Result<(), Refused> {
    let Some(bytes) = &holding.descriptor else {
        return Ok(());
    };
    let mut found = descriptor(bytes)?;
    if !found.disallow(sid) {
        return Ok(());
    }
    // With the last entry the whole attribute goes, as Microsoft's own tools have it.
    let empty = found.dacl().is_some_and(|dacl| dacl.aces.is_empty());
    holding.descriptor = (!empty).then(|| found.to_bytes());
    Ok(())
}

fn difference(present: &Holding, wanted: &Holding) -> Vec<Modification> {
    let mut modifications = Vec::new();
    let mut swap = |attribute: &str, old: Option<Vec<u8>>, new: Option<Vec<u8>>| {
        if old != new {
            modifications.extend(old.map(|old| Modification::delete(attribute, old)));
            modifications.extend(new.map(|new| Modification::add(attribute, new)));
        }
    };
    let text = |control: Control| Some(control.text().into_bytes());
    swap(CONTROL, text(present.control), text(wanted.control));
    for spn in &present.targets {
        if !wanted.targets.contains(spn) {
            swap(TARGETS, Some(spn.clone().into_bytes()), None);
        }
    }
    for spn in &wanted.targets {
        if !present.targets.contains(spn) {
            swap(TARGETS, None, Some(spn.clone().into_bytes()));
        }
    }
    swap(
        ACTORS,
        present.descriptor.clone(),
        wanted.descriptor.clone(),
    );
    modifications
}
