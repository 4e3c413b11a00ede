//! Alarms that follow from the journal alone, whatever reconciliation last saw.

use keyroll::name::ArrayName;
use keyroll::roll::Trouble;
use keyroll_proto::operator::Alarm;

use super::Controller;
use super::no::No;
use crate::store::ArrayRecord;

impl Controller {
    /// A halted roll waits for an operator, for days if nobody is told.
    pub(super) fn halted(&self, array: &ArrayRecord) -> Result<Option<Alarm>, No> {
        let Some(open) = self.ports.store.open_roll(&array.name)? else {
            return Ok(None);
        };
        Ok(open.roll.trouble().map(|trouble| Alarm {
            grade: "critical".to_owned(),
            object: array.name.to_string(),
            what: format!("roll {} is halted: {}", open.number, trouble.sentence()),
            next: way_out(&array.name, trouble),
            code: "roll-halted".to_owned(),
            ..Alarm::default()
        }))
    }
}

/// What an operator types first, by what was seen.
fn way_out(array: &ArrayName, trouble: &Trouble) -> String {
    match trouble {
        // The roll's own key is not in force anywhere, so it cannot go on.
        Trouble::ForeignKey { .. } => {
            format!("keyroll roll resolve {array} give-up, then keyroll roll {array} --emergency")
        }
        Trouble::WithoutEffect { .. } => format!(
            "keyroll verify {array}; once it is mended: keyroll roll resolve {array} continue"
        ),
        Trouble::NodeRefuses { node, .. } => format!(
            "keyroll node show {array} {node}; once it is mended: keyroll roll resolve {array} \
             continue"
        ),
    }
}
