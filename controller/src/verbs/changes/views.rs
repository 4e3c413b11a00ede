//! Changes as operators see them.

use keyroll::kerberos::Realm;
use keyroll_proto::operator as said;

use crate::store::ChangeRecord;

/// The change alone, as it is handed out.
pub(super) fn change(record: &ChangeRecord, realm: &Realm) -> said::DirectoryChange {
    let change = &record.change;
    let modification = |one: &keyroll::directory_change::Modification| said::Modification {
        attribute: one.attribute.clone(),
        action: one.action.word().to_owned(),
        value: one.value.clone(),
    };
    said::DirectoryChange {
        number: record.number,
        dc: change.dc.to_string(),
        realm: realm.to_string(),
        guid: change.target.guid.to_vec(),
        account: change.target.account.clone(),
        distinguished_name: change.target.distinguished_name.clone(),
        modifications: change.modifications.iter().map(modification).collect(),
        sentences: change.sentences(),
        ldif: change.ldif(),
        commands: change.commands(),
    }
}

/// The change with what became of it.
pub(super) fn record(record: &ChangeRecord, realm: &Realm) -> said::ChangeView {
    said::ChangeView {
        change: Some(change(record, realm)),
        array: super::array_of(record).to_owned(),
        verb: record.verb.clone(),
        actor: record.actor.clone(),
        at_unix: record.at_unix,
        state: record.state.word().to_owned(),
        said: record.said.clone(),
        bound_as: record.bound_as.clone(),
        undoes: record.undoes.unwrap_or_default(),
        undone_by: record.undone_by.unwrap_or_default(),
    }
}
