//! Single values, read and changed: whatever a [`DirectoryChange`] says, whoever binds.

use std::collections::BTreeMap;

use keyroll::delegation::{CONTROL, TARGETS};
use keyroll::directory_change::{Action, DirectoryChange, Modification};
use keyroll::name::DcName;
use keyroll::roll::Answer;

use super::ActiveDirectory;
use super::connection::Connection;
use super::result::{self, INSUFFICIENT_RIGHTS};
use super::text::Dn;
use super::write::{Change, add, delete, not_sent};
use crate::ports::{PortError, Values};

/// What the caller may write of an object (MS-ADTS 3.1.1.4.5.20).
const ALLOWED: &str = "allowedAttributesEffective";

/// What beside the right to write them flags and lists of delegation take (MS-SAMR 3.1.1.8.10,
/// MS-ADTS 3.1.1.5.3.2).
const ENABLE_DELEGATION: &str =
    ": for delegation it takes the user right SeEnableDelegationPrivilege, too";

fn modify(one: &Modification) -> Change {
    match one.action {
        Action::Add => add(&one.attribute, &one.value),
        Action::Delete => delete(&one.attribute, &one.value),
    }
}

impl ActiveDirectory {
    /// Sends the one modify of a change, once.
    pub(super) async fn send_change(&self, change: &DirectoryChange) -> Answer {
        let mut connection = match self.connections.live(&change.dc).await {
            Ok((connection, _)) => connection,
            Err(error) => return not_sent(&error),
        };
        let object = Dn::of_guid(&change.target.guid);
        let modifications = change.modifications.iter().map(modify).collect();
        match result::answer(connection.modify(&object, modifications).await) {
            Answer::Refused { code, win32, text } if code == INSUFFICIENT_RIGHTS => {
                let missing = self.missing_rights(&mut connection, change).await;
                let text = format!("{text}; {missing}");
                Answer::Refused { code, win32, text }
            }
            answer => answer,
        }
    }

    /// Which attributes the caller may not write, in words.
    async fn missing_rights(
        &self,
        connection: &mut Connection,
        change: &DirectoryChange,
    ) -> String {
        let object = Dn::of_guid(&change.target.guid);
        let who = self.settings.principal.name();
        let of = &change.target.account;
        let Ok(entry) = connection.look(&object, &[ALLOWED], None).await else {
            return format!("which right {who} lacks on {of} is hidden");
        };
        let may = |attribute: &&str| {
            let mut allowed = entry.texts(ALLOWED);
            allowed.any(|allowed| allowed.eq_ignore_ascii_case(attribute))
        };
        let touched = change.attributes();
        let lacking: Vec<&str> = touched.iter().copied().filter(|one| !may(one)).collect();
        if lacking.is_empty() {
            let delegates = touched.iter().any(|one| [CONTROL, TARGETS].contains(one));
            let also = if delegates { ENABLE_DELEGATION } else { "" };
            let touched = touched.join(", ");
            return format!("{who} may write {touched} of {of}, but not this value{also}");
        }
        format!("{who} may not write {} of {of}", lacking.join(", "))
    }

    /// Every value of some attributes; one that is absent has none.
    pub(super) async fn read_values(
        &self,
        dc: &DcName,
        guid: &[u8; 16],
        attributes: &[&str],
    ) -> Result<Values, PortError> {
        let (mut connection, _) = self.connections.live(dc).await?;
        let object = Dn::of_guid(guid);
        let entry = connection.look(&object, attributes, None).await?;
        let values = attributes
            .iter()
            .map(|name| ((*name).to_owned(), entry.values(name).to_vec()));
        Ok(values.collect::<BTreeMap<_, _>>())
    }
}
