//! Lists cut to the arrays of whoever asks.

use std::collections::BTreeSet;

use keyroll::name::ArrayName;
use keyroll_proto::operator as said;

/// The arrays that a caller may hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// These.
    Some(BTreeSet<ArrayName>),
}

impl Scope {
    pub(super) fn has(&self, array: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(own) => own.iter().any(|one| one.as_str() == array),
        }
    }

    pub(super) fn arrays(&self, mut reply: said::ListArraysReply) -> said::ListArraysReply {
        reply.arrays.retain(|view| self.has(&view.array));
        reply
    }

    pub(super) fn nodes(&self, mut reply: said::ListNodesReply) -> said::ListNodesReply {
        reply.nodes.retain(|view| self.has(&view.array));
        reply
    }

    pub(super) fn rolls(&self, mut reply: said::RollStatusReply) -> said::RollStatusReply {
        reply.rolls.retain(|view| self.has(&view.array));
        reply
    }

    pub(super) fn changes(&self, mut reply: said::ListChangesReply) -> said::ListChangesReply {
        reply.changes.retain(|view| self.has(&view.array));
        reply
    }

    /// What is about no array is for those who have all of them.
    pub(super) fn approvals(
        &self,
        mut reply: said::ListApprovalsReply,
    ) -> said::ListApprovalsReply {
        let own = |view: &said::ApprovalView| {
            let none = view.arrays.is_empty() && *self != Self::All;
            !none && view.arrays.iter().all(|array| self.has(array))
        };
        reply.approvals.retain(own);
        reply
    }

    /// The alarms are those of the arrays.
    pub(super) fn status(&self, mut reply: said::StatusReply) -> said::StatusReply {
        if *self != Self::All {
            reply.arrays.retain(|view| self.has(&view.array));
            let alarms = reply.arrays.iter().flat_map(|view| view.alarms.clone());
            reply.alarms = alarms.collect();
        }
        reply
    }
}
