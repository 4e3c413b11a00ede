//! What a change gives again that takes another one back: refused as if it were planned.

use super::Refused;
use crate::delegation::party::is_crowd;
use crate::delegation::{ACTORS, Control};
use crate::descriptor::Descriptor;
use crate::directory_change::{Action, DirectoryChange, Modification};

/// Refuses what no plan gives, whoever had it before. Services that come back to a list are
/// planned anew by whoever asks, since their owners have to be looked up.
///
/// # Errors
/// [`Refused::Unconstrained`], [`Refused::Crowd`], [`Refused::Everybody`],
/// [`Refused::BadDescriptor`].
pub fn demand_sound(back: &DirectoryChange) -> Result<(), Refused> {
    if back.sets(Control::UNCONSTRAINED) {
        return Err(Refused::Unconstrained(back.target.account.clone()));
    }
    let of_actors = |action| {
        let mut all = back.modifications.iter();
        all.find(move |one| one.action == action && one.attribute.eq_ignore_ascii_case(ACTORS))
    };
    let Some(comes) = of_actors(Action::Add) else {
        return Ok(());
    };
    let descriptor = Descriptor::from_bytes(&comes.value)
        .map_err(|_| Refused::BadDescriptor(comes.value.len()))?;
    if descriptor.dacl().is_none() {
        return Err(Refused::Everybody);
    }
    // A crowd that is in now stays as it is: it is not this change that lets it in.
    let now = of_actors(Action::Delete).map(actors).unwrap_or_default();
    let mut actors = descriptor.actors().into_iter();
    match actors.find(|sid| is_crowd(sid) && !now.contains(sid)) {
        Some(crowd) => Err(Refused::Crowd(crowd.to_string())),
        None => Ok(()),
    }
}

fn actors(one: &Modification) -> Vec<crate::descriptor::Sid> {
    let found = Descriptor::from_bytes(&one.value);
    found.map(|found| found.actors()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delegation::{CONTROL, TARGETS};
    use crate::directory_change::Target;

    #[test]
    fn what_no_plan_gives_is_not_given_back() {
        let flags = |old: &str, new: &str| {
            vec![
                Modification::delete(CONTROL, old),
                Modification::add(CONTROL, new),
            ]
        };
        let descriptor = |sid: &str| Descriptor::of_actors([&sid.parse().unwrap()]).to_bytes();
        let crowd = || descriptor("S-1-5-11");
        let one = || descriptor("S-1-5-21-1-2-3-1103");
        for (modifications, code) in [
            (flags("4096", "528384"), Some("unconstrained")),
            (flags("528384", "4096"), None),
            (flags("528384", "528386"), None),
            (flags("4096", "16781312"), None),
            (
                vec![Modification::add(ACTORS, crowd())],
                Some("crowd-may-act"),
            ),
            (
                vec![
                    Modification::delete(ACTORS, one()),
                    Modification::add(ACTORS, crowd()),
                ],
                Some("crowd-may-act"),
            ),
            (
                vec![
                    Modification::delete(ACTORS, crowd()),
                    Modification::add(ACTORS, crowd()),
                ],
                None,
            ),
            (vec![Modification::add(ACTORS, one())], None),
            (vec![Modification::delete(ACTORS, crowd())], None),
            (
                vec![Modification::add(ACTORS, "no descriptor")],
                Some("descriptor-unreadable"),
            ),
            (vec![Modification::delete(TARGETS, "HTTP/a")], None),
        ] {
            let back = DirectoryChange {
                dc: "dc1.corp.example".parse().unwrap(),
                target: Target {
                    guid: [1; 16],
                    account: "svc-web$".to_owned(),
                    distinguished_name: "CN=svc-web,DC=corp,DC=example".to_owned(),
                },
                modifications,
            };
            let refused = demand_sound(&back).err().map(|refused| refused.code());
            assert_eq!(refused, code, "{back:?}");
        }
    }
}
