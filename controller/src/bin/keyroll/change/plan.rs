//! A plan as this program understands it. What an operator agrees to is said from the very values
//! that are sent with the operator's rights, never in the words of the controller: those rights
//! are not for whoever has taken a controller over.

use keyroll::directory_change::{Action, DirectoryChange, Modification, Target};
use keyroll::kerberos::Realm;
use keyroll_proto::operator as said;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// What a plan comes to, and its texts put in this program's own words.
///
/// # Errors
/// Something in it cannot be read, is no change that keyroll makes, or is to be sent elsewhere
/// than to the realm's own domain controllers.
pub fn understood(
    mut planned: said::PlannedChanges,
) -> Result<(said::PlannedChanges, Vec<(Realm, DirectoryChange)>), Trouble> {
    let mut changes = Vec::new();
    for told in &mut planned.changes {
        let (realm, change) = read(told)?;
        told.sentences = change.sentences();
        told.ldif = change.ldif();
        told.commands = change.commands();
        changes.push((realm, change));
    }
    Ok((planned, changes))
}

/// One change, with its realm.
fn read(told: &said::DirectoryChange) -> Result<(Realm, DirectoryChange), Trouble> {
    let realm: Realm = told.realm.parse().map_err(|_| garbled("a realm"))?;
    let dc = told
        .dc
        .parse()
        .map_err(|_| garbled("a domain controller"))?;
    let guid = told.guid.as_slice().try_into();
    let modification = |one: &said::Modification| {
        let action = Action::of_word(&one.action).ok_or_else(|| garbled("an action"))?;
        Ok(Modification {
            attribute: one.attribute.clone(),
            action,
            value: one.value.clone(),
        })
    };
    let modifications = told.modifications.iter().map(modification);
    let change = DirectoryChange {
        dc,
        target: Target {
            guid: guid.map_err(|_| garbled("an object"))?,
            account: told.account.clone(),
            distinguished_name: told.distinguished_name.clone(),
        },
        modifications: modifications.collect::<Result<_, Trouble>>()?,
    };
    if let Some(other) = change.foreign_attribute() {
        return Err(not_ours(format!(
            "asks to write {other} of {}",
            told.account
        )));
    }
    let domain = format!(".{}", realm.dns_domain());
    if !told.dc.to_ascii_lowercase().ends_with(&domain) {
        return Err(not_ours(format!(
            "asks to log in at {}, which is not of {realm}",
            told.dc
        )));
    }
    Ok((realm, change))
}

fn garbled(what: &str) -> Trouble {
    let what = format!("the controller names {what} that this keyroll cannot read");
    Trouble::new(Exit::Internal, "garbled", what).next("keyroll --version")
}

fn not_ours(what: String) -> Trouble {
    let what = format!("the controller {what}: nothing was sent");
    Trouble::new(Exit::Denied, "foreign-change", what)
        .next("find out who has changed the controller: keyroll audit verify")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> said::DirectoryChange {
        said::DirectoryChange {
            realm: "CORP.EXAMPLE".to_owned(),
            dc: "dc1.corp.example".to_owned(),
            guid: vec![7; 16],
            account: "svc-web$".to_owned(),
            distinguished_name: "CN=svc-web,DC=corp,DC=example".to_owned(),
            modifications: vec![said::Modification {
                attribute: "servicePrincipalName".to_owned(),
                action: "add".to_owned(),
                value: b"HTTP/new".to_vec(),
            }],
            sentences: vec!["svc-web$: nothing much".to_owned()],
            ..Default::default()
        }
    }

    fn plan(change: said::DirectoryChange) -> said::PlannedChanges {
        said::PlannedChanges {
            changes: vec![change],
            ..Default::default()
        }
    }

    #[test]
    fn what_is_sent_is_what_is_shown() {
        let (shown, changes) = understood(plan(told())).unwrap();
        let sentence = "svc-web$: add servicePrincipalName HTTP/new";
        assert_eq!(shown.changes[0].sentences, [sentence]);
        assert!(shown.changes[0].ldif.contains("add: servicePrincipalName"));
        assert_eq!(changes[0].1.sentences(), [sentence]);
    }

    #[test]
    fn a_controller_gets_no_other_use_of_an_operators_rights() {
        type Twist = fn(&mut said::DirectoryChange);
        let twists: [(Twist, &str); 5] = [
            (
                |told| told.modifications[0].attribute = "member".to_owned(),
                "foreign-change",
            ),
            (
                |told| told.dc = "dc1.elsewhere.example".to_owned(),
                "foreign-change",
            ),
            (
                |told| told.dc = "dc1.evilcorp.example".to_owned(),
                "foreign-change",
            ),
            (|told| told.guid.truncate(8), "garbled"),
            (
                |told| told.modifications[0].action = "replace".to_owned(),
                "garbled",
            ),
        ];
        for (twist, code) in twists {
            let mut told = told();
            twist(&mut told);
            let refused = understood(plan(told)).unwrap_err();
            assert_eq!(refused.code, code, "{}", refused.what);
        }
    }
}
