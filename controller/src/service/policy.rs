//! Which role each call needs. A call without a row is refused, and a test finds it.

use crate::operators::Role;

/// What one call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The call's name in the .proto file.
    pub rpc: &'static str,
    /// The least role.
    pub role: Role,
    /// Whether it changes anything: then it is audited.
    pub changes: bool,
}

const fn reads(rpc: &'static str) -> Needs {
    Needs {
        rpc,
        role: Role::Viewer,
        changes: false,
    }
}

const fn operates(rpc: &'static str) -> Needs {
    Needs {
        rpc,
        role: Role::Operator,
        changes: true,
    }
}

const fn administers(rpc: &'static str) -> Needs {
    Needs {
        rpc,
        role: Role::Admin,
        changes: true,
    }
}

/// Every call with what it needs.
pub const NEEDS: [Needs; 32] = [
    administers("CreateArray"),
    administers("AdoptArray"),
    reads("ListArrays"),
    reads("ShowArray"),
    administers("DeleteArray"),
    reads("PrintAcl"),
    administers("AddNode"),
    reads("ListNodes"),
    reads("ShowNode"),
    administers("RemoveNode"),
    operates("QuarantineNode"),
    operates("ResumeNode"),
    operates("StartRoll"),
    reads("RollStatus"),
    reads("WatchRoll"),
    operates("AbortRoll"),
    operates("ResolveRoll"),
    reads("RollHistory"),
    reads("ExplainRoll"),
    administers("SetSchedule"),
    reads("ShowSchedule"),
    operates("PauseSchedule"),
    operates("ResumeSchedule"),
    // It sends tickets to the nodes and asks the domain controllers: more than reading.
    Needs {
        rpc: "Verify",
        role: Role::Operator,
        changes: false,
    },
    reads("Status"),
    reads("ShowAudit"),
    reads("VerifyAudit"),
    administers("AddOperator"),
    Needs {
        rpc: "ListOperators",
        role: Role::Admin,
        changes: false,
    },
    administers("RevokeOperator"),
    // Whoever has it and the sealing key has everything: it is written down who took one.
    administers("Backup"),
    administers("Recover"),
];

/// What a call needs; an unlisted one needs more than anybody has listed for it.
#[must_use]
pub fn needs(rpc: &'static str) -> Needs {
    let listed = NEEDS.iter().find(|needs| needs.rpc == rpc);
    listed.copied().unwrap_or(Needs {
        rpc,
        role: Role::Admin,
        changes: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_protocol_has_a_row() {
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
