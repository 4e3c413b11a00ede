//! Which role each call needs. A call without a row is refused, and a test finds it.

use crate::operators::Role;

/// What one call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The call's name in the .proto file.
    pub rpc: &'static str,
    /// What an operator types for it, as in the audit.
    pub verb: &'static str,
    /// The least role.
    pub role: Role,
    /// Whether it changes anything: then it is audited.
    pub changes: bool,
}

const fn reads(rpc: &'static str, verb: &'static str) -> Needs {
    Needs {
        rpc,
        verb,
        role: Role::Viewer,
        changes: false,
    }
}

const fn operates(rpc: &'static str, verb: &'static str) -> Needs {
    Needs {
        rpc,
        verb,
        role: Role::Operator,
        changes: true,
    }
}

const fn administers(rpc: &'static str, verb: &'static str) -> Needs {
    Needs {
        rpc,
        verb,
        role: Role::Admin,
        changes: true,
    }
}

/// Every call with what it needs.
pub const NEEDS: [Needs; 52] = [
    administers("CreateArray", "array create"),
    administers("AdoptArray", "array adopt"),
    reads("ListArrays", "array list"),
    reads("ShowArray", "array show"),
    administers("SetPolicy", "array set"),
    administers("DeleteArray", "array delete"),
    reads("PrintAcl", "array create --print-acl"),
    administers("AddNode", "node add"),
    reads("ListNodes", "node list"),
    reads("ShowNode", "node show"),
    administers("RemoveNode", "node remove"),
    operates("QuarantineNode", "node quarantine"),
    operates("ResumeNode", "node resume"),
    administers("AllowPassword", "node password"),
    operates("StartRoll", "roll"),
    reads("RollStatus", "roll status"),
    reads("WatchRoll", "roll watch"),
    operates("AbortRoll", "roll abort"),
    operates("ResolveRoll", "roll resolve"),
    reads("RollHistory", "roll history"),
    reads("ExplainRoll", "roll explain"),
    administers("SetSchedule", "schedule set"),
    reads("ShowSchedule", "schedule show"),
    operates("PauseSchedule", "schedule pause"),
    operates("ResumeSchedule", "schedule resume"),
    // It sends tickets to the nodes and asks the domain controllers: more than reading.
    Needs {
        rpc: "Verify",
        verb: "verify",
        role: Role::Operator,
        changes: false,
    },
    Needs {
        rpc: "Doctor",
        verb: "doctor",
        role: Role::Operator,
        changes: false,
    },
    reads("Status", "status"),
    reads("ShowAudit", "audit show"),
    reads("VerifyAudit", "audit verify"),
    administers("AcknowledgeAudit", "audit acknowledge"),
    administers("AddOperator", "operator add"),
    Needs {
        rpc: "ListOperators",
        verb: "operator list",
        role: Role::Admin,
        changes: false,
    },
    administers("RevokeOperator", "operator revoke"),
    administers("ReplaceAuthority", "authority"),
    reads("ListApprovals", "approval list"),
    // Whether this one may is seen when it is known what is to be agreed to.
    operates("GiveApproval", "approval give"),
    // Whoever has it and the sealing key has everything: it is written down who took one.
    administers("Backup", "backup"),
    administers("Recover", "recover"),
    reads("ListChanges", "change list"),
    administers("ReportChange", "change settle"),
    administers("UndoChange", "change undo"),
    administers("MakeChange", "change make"),
    reads("ListSpns", "spn list"),
    reads("SuggestSpns", "spn plan"),
    // It sends tickets to the nodes, as `verify` does.
    Needs {
        rpc: "CheckSpns",
        verb: "spn check",
        role: Role::Operator,
        changes: false,
    },
    reads("FindDuplicateSpns", "spn duplicates"),
    administers("PrepareSpns", "spn prepare"),
    administers("PlanSpns", "spn"),
    reads("ShowDelegation", "delegation show"),
    // It uses the array's key in a user's name: written down, though nothing is changed.
    administers("TestDelegation", "delegation test"),
    administers("PlanDelegation", "delegation apply"),
];

/// What a call needs; an unlisted one needs more than anybody has listed for it.
#[must_use]
pub fn needs(rpc: &'static str) -> Needs {
    let listed = NEEDS.iter().find(|needs| needs.rpc == rpc);
    listed.copied().unwrap_or(Needs {
        rpc,
        verb: rpc,
        role: Role::Admin,
        changes: true,
    })
}

/// The row of a call by its name in a record; nobody may do what has none any more.
#[must_use]
pub fn named(rpc: &str) -> Needs {
    let listed = NEEDS.iter().find(|needs| needs.rpc == rpc);
    listed.copied().unwrap_or_else(|| needs("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_every_call_of_the_protocol_has_a_row() {
        let proto = include_str!("../../../proto/keyroll/operator/v1/operator.proto");
        let rpcs: Vec<&str> = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc "))
            .filter_map(|rest| rest.split('(').next())
            .collect();
        let listed: Vec<&str> = NEEDS.iter().map(|needs| needs.rpc).collect();
        assert_eq!(rpcs, listed);
    }
}
