//! What the fake controller answers.

mod approvals;
mod delegation;
mod names;

use keyroll_proto::operator::*;

pub use approvals::approvals;
pub use delegation::{delegation, planned_delegation, tested};
pub use names::{duplicate_spns, hidden_spns, prepared, spns};

/// 2026-08-01 12:00:00 UTC.
pub const NOON: i64 = 1_785_585_600;

pub fn changed(dry_run: bool) -> Changed {
    Changed {
        done: vec!["change the sample".into()],
        dry_run,
        next: vec!["keyroll status".into()],
    }
}

pub fn array() -> ArrayView {
    ArrayView {
        array: "web".into(),
        account: "svc-web$".into(),
        account_kind: "computer".into(),
        distinguished_name: "CN=svc-web,DC=corp,DC=example".into(),
        realm: "CORP.EXAMPLE".into(),
        spns: vec!["HTTP/web.corp.example".into()],
        enctypes: vec!["aes256-cts-hmac-sha1-96".into()],
        kvno: 300,
        keyset_version: 9,
        rolled_at_unix: NOON,
        policy: Some(Policy {
            gate: "all".into(),
            ticket_life: Some(36_000),
            ..Policy::default()
        }),
        nodes: vec![node("node1")],
        schedule: Some(schedule()),
        alarms: vec![alarm()],
        ..ArrayView::default()
    }
}

fn alarm() -> Alarm {
    Alarm {
        grade: "warning".into(),
        object: "node2".into(),
        what: "not seen for 10 min\x1b[2J".into(),
        next: "keyroll node show web node2".into(),
        ..Alarm::default()
    }
}

pub fn node(name: &str) -> NodeView {
    NodeView {
        array: "web".into(),
        node: name.into(),
        address: format!("{name}:7300"),
        state: "in-service".into(),
        version: 9,
        last_seen_unix: NOON,
        certificate_ends_unix: NOON,
        clock_offset_seconds: -0.25,
        targets: vec![TargetView {
            path: "/etc/keyroll/web/krb5.keytab".into(),
            kind: "owned".into(),
            entries: vec![EntryView {
                principal: "HTTP/web.corp.example@CORP.EXAMPLE".into(),
                kvno: 300,
                enctype: "aes256-cts-hmac-sha1-96".into(),
                right: true,
            }],
            ..TargetView::default()
        }],
        ..NodeView::default()
    }
}

pub fn acl() -> PrintAclReply {
    PrintAclReply {
        distinguished_name: "CN=svc-web,DC=corp,DC=example".into(),
        dsacls: vec!["dsacls X /G Y".into()],
        samba_tool: vec!["samba-tool dsacl set X".into()],
        why: vec!["to reset the password".into()],
        container: "OU=Arrays,DC=corp,DC=example".into(),
        container_dsacls: vec!["dsacls C /G Y".into()],
        container_samba_tool: vec!["samba-tool dsacl set C".into()],
        container_why: vec!["makes accounts".into()],
        account_kind: "computer".into(),
    }
}

pub fn added_node(request: &AddNodeRequest) -> AddNodeReply {
    let by_file = !request.csr.is_empty();
    let when = |condition: bool, text: &str| {
        if condition {
            text.to_owned()
        } else {
            String::new()
        }
    };
    AddNodeReply {
        changed: Some(changed(request.dry_run)),
        already_enrolled: false,
        join_line: when(!by_file && !request.dry_run, "keyroll-agent join TOKEN"),
        token_expires_unix: NOON,
        certificate_pem: when(by_file, "CERTIFICATE"),
        authorities_pem: when(by_file, "AUTHORITIES"),
    }
}

pub fn roll(state: &str) -> RollView {
    RollView {
        array: "web".into(),
        roll: 12,
        state: state.into(),
        ended: matches!(state, "done" | "aborted" | "refused" | "given-up"),
        reason: format!("the reason of {state}"),
        kvno_before: 300,
        kvno_after: 301,
        writer: "dc1.corp.example".into(),
        nodes: vec![RollNodeView {
            node: "node1".into(),
            state: "staged".into(),
            reason: String::new(),
        }],
        dcs: vec![RollDcView {
            dc: "dc1.corp.example".into(),
            issues: "new".into(),
            kvno: 301,
            reason: String::new(),
        }],
        drain_left_seconds: 37_800,
        started_unix_millis: NOON * 1_000,
        times: vec![
            StateTime {
                state: "planned".into(),
                millis: 120,
            },
            StateTime {
                state: "draining".into(),
                millis: 37_800_000,
            },
        ],
        actor: "anna".into(),
        ..RollView::default()
    }
}

pub fn started(request: &StartRollRequest) -> Vec<RollView> {
    let mut roll = roll("planned");
    if request.dry_run {
        roll.would = vec!["stage a new key on node1".into()];
    }
    vec![roll]
}

pub fn refused() -> RollView {
    RollView {
        refusals: vec![Refusal {
            code: "clock-off".into(),
            object: "node3".into(),
            why: "its clock is 600 s off".into(),
            next: "chronyc makestep".into(),
        }],
        ..roll("refused")
    }
}

pub fn explained() -> ExplainRollReply {
    ExplainRollReply {
        sentences: vec![Sentence {
            at_unix_millis: NOON * 1_000,
            state: "staging".into(),
            text: "node1 proved keyset 10.".into(),
        }],
    }
}

pub fn schedule() -> ScheduleView {
    ScheduleView {
        array: "web".into(),
        schedule_toml: "every = \"30d\"\n".into(),
        next_unix: NOON,
        upcoming_unix: vec![NOON, NOON + 86_400],
        ..ScheduleView::default()
    }
}

pub fn verified(grade: &str) -> VerifyReply {
    VerifyReply {
        ok: grade == "ok",
        checks: vec![Check {
            grade: grade.into(),
            object: "node1".into(),
            what: "accepts a fresh ticket".into(),
            evidence: "kvno 300".into(),
            next: String::new(),
        }],
    }
}

pub fn examined(grade: &str) -> DoctorReply {
    let finding = |check: &str, grade: &str, cause: &str, mend: &str| Finding {
        check: check.into(),
        object: "node1".into(),
        grade: grade.into(),
        evidence: "kvno 300".into(),
        cause: cause.into(),
        mend: mend.into(),
    };
    let spoiled = finding(
        "key-keytabs",
        grade,
        "it was restored",
        "keyroll node show web node1",
    );
    let fine = finding("node-contact", "ok", "", "");
    DoctorReply {
        grade: grade.into(),
        findings: if grade == "ok" {
            vec![fine]
        } else {
            vec![fine, spoiled]
        },
        client: None,
    }
}

pub fn status() -> StatusReply {
    StatusReply {
        version: "0.1.0".into(),
        epoch: 3,
        started_unix: NOON,
        realm: "CORP.EXAMPLE".into(),
        dcs: roll("done").dcs,
        arrays: vec![array()],
        alarms: vec![alarm()],
    }
}

pub fn audit() -> ShowAuditReply {
    ShowAuditReply {
        entries: vec![AuditEntry {
            number: 7,
            at_unix_millis: NOON * 1_000,
            actor: "anna".into(),
            verb: "roll".into(),
            object: "web".into(),
            outcome: "done".into(),
            detail: String::new(),
            hash: "c0ffee".into(),
        }],
    }
}

pub fn added_operator(request: &AddOperatorRequest) -> AddOperatorReply {
    AddOperatorReply {
        changed: Some(changed(request.dry_run)),
        certificate_pem: "CERTIFICATE".into(),
        authorities_pem: "AUTHORITIES".into(),
        controller: "controller.corp.example:8087".into(),
    }
}

pub fn operators() -> ListOperatorsReply {
    ListOperatorsReply {
        operators: vec![OperatorView {
            operator: "anna".into(),
            role: "admin".into(),
            serial: "0a".into(),
            expires_unix: NOON,
            ..OperatorView::default()
        }],
    }
}

/// `hello`, in two pieces.
pub fn backup() -> Vec<BackupPart> {
    let part = |bytes: &[u8], whole| BackupPart {
        bytes: bytes.to_vec(),
        whole,
    };
    let whole = BackupSummary {
        bytes: 5,
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".into(),
        made_unix: NOON,
        epoch: 3,
    };
    vec![part(b"hel", None), part(b"lo", Some(whole))]
}

/// One array that is brought up to date, and one that no domain controller speaks for.
pub fn recovered(request: &RecoverRequest) -> RecoverReply {
    let web = Recovery {
        array: "web".into(),
        stale: "node1 was given keyset 9, and the newest known here is 4".into(),
        seen: vec!["dc1 issues with the key of roll 3 (kvno 7)".into()],
        verdict: "roll".into(),
        done: vec!["the key of the roll that was under way is in force".into()],
        next: vec!["keyroll verify web".into()],
        refusal: None,
    };
    let crm = Recovery {
        array: "crm".into(),
        refusal: Some(Refusal {
            code: "unreachable".into(),
            object: "crm".into(),
            why: "no domain controller gave a ticket".into(),
            next: "keyroll status".into(),
        }),
        ..Recovery::default()
    };
    RecoverReply {
        recoveries: if request.all {
            vec![web, crm]
        } else {
            vec![web]
        },
        dry_run: request.dry_run,
    }
}

/// A change of the directory, numbered unless it is a dry run.
fn directory_change(number: u64) -> DirectoryChange {
    DirectoryChange {
        number,
        dc: "dc1.corp.example".into(),
        realm: "CORP.EXAMPLE".into(),
        guid: vec![7; 16],
        account: "svc-web$".into(),
        distinguished_name: "CN=svc-web,DC=corp,DC=example".into(),
        modifications: vec![Modification {
            attribute: "servicePrincipalName".into(),
            action: "add".into(),
            value: b"HTTP/new.corp.example".to_vec(),
        }],
        sentences: vec!["svc-web$: add servicePrincipalName HTTP/new.corp.example".into()],
        ldif: "dn: CN=svc-web,DC=corp,DC=example\nchangetype: modify\n".into(),
        commands: vec!["setspn -S HTTP/new.corp.example svc-web$".into()],
    }
}

/// A plan of one change.
pub fn planned(dry_run: bool) -> PlannedChanges {
    PlannedChanges {
        changes: vec![directory_change(if dry_run { 0 } else { 8 })],
        dry_run,
        array: "web".into(),
        ..Default::default()
    }
}

/// A change and how it stands.
pub fn change(state: &str) -> ChangeView {
    ChangeView {
        change: Some(directory_change(7)),
        array: "web".into(),
        verb: "spn add".into(),
        actor: "anna".into(),
        at_unix: 1_795_238_563,
        state: state.into(),
        said: String::new(),
        bound_as: "anna@CORP.EXAMPLE".into(),
        undoes: 0,
        undone_by: 0,
    }
}

/// What became of a change, as it was reported.
pub fn reported(request: &ReportChangeRequest) -> ChangeView {
    let state = if request.outcome.is_empty() {
        "applied"
    } else {
        &request.outcome
    };
    change(state)
}
