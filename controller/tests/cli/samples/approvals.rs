//! What waits for a second person.

use keyroll_proto::operator::{ApprovalView, ListApprovalsReply};

use super::NOON;

pub fn approvals() -> ListApprovalsReply {
    ListApprovalsReply {
        approvals: vec![ApprovalView {
            number: 7,
            verb: "roll".into(),
            arrays: vec!["web".into()],
            asked_by: "olaf".into(),
            asked_unix: NOON,
            ends_unix: NOON,
            detail: "emergency: stolen".into(),
            answered_by: String::new(),
            state: "waiting".into(),
            object: String::new(),
            plan: Vec::new(),
        }],
    }
}
