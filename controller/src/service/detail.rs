//! What the audit keeps of a call besides its verb and its objects: what was chosen, and why.

use keyroll_proto::operator as said;

/// The words that are not empty, and then the reason given.
fn told(words: &[&str], reason: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !word.is_empty())
        .collect();
    if !words.is_empty() {
        parts.push(words.join(" "));
    }
    if !reason.is_empty() {
        parts.push(reason.to_owned());
    }
    parts.join(": ")
}

const fn flag(set: bool, word: &str) -> &str {
    if set { word } else { "" }
}

/// `emergency kill now: keytab of node3 leaked`
pub(super) fn start_roll(request: &said::StartRollRequest) -> String {
    let emergency = flag(request.emergency, "emergency");
    let kill = flag(!request.kill.is_empty(), "kill");
    let all = flag(request.all, "all arrays");
    let gap = flag(request.accept_delegation_gap, "accept-delegation-gap");
    told(&[all, emergency, kill, &request.kill, gap], &request.reason)
}

/// `waive-dc dc2.corp.example: dc2 is switched off for good`
pub(super) fn resolve_roll(request: &said::ResolveRollRequest) -> String {
    told(&[&request.choice, &request.dc], &request.reason)
}

/// The schedule in one line.
pub(super) fn schedule(request: &said::SetScheduleRequest) -> String {
    request.schedule_toml.trim().replace('\n', ", ")
}

/// `wipe-nodes`
pub(super) fn delete_array(request: &said::DeleteArrayRequest) -> String {
    told(&[flag(request.wipe_nodes, "wipe-nodes")], "")
}

/// `unreachable`
pub(super) fn remove_node(request: &said::RemoveNodeRequest) -> String {
    told(&[flag(request.unreachable, "unreachable")], "")
}

/// `operator of web crm`
pub(super) fn add_operator(request: &said::AddOperatorRequest) -> String {
    let of = flag(!request.arrays.is_empty(), "of");
    told(&[&request.role, of, &request.arrays.join(" ")], "")
}

/// `refused as alice@CORP.EXAMPLE: insufficientAccessRights (50)`
pub(super) fn report_change(request: &said::ReportChangeRequest) -> String {
    let by = flag(!request.bound_as.is_empty(), "as");
    told(&[&request.outcome, by, &request.bound_as], &request.said)
}

/// `refuse`
pub(super) fn give_approval(request: &said::GiveApprovalRequest) -> String {
    told(&[flag(request.refuse, "refuse")], "")
}

/// `add HTTP/web.corp.example`
pub(super) fn plan_spns(request: &said::PlanSpnsRequest) -> String {
    told(&[&request.action, &request.spns.join(" ")], "")
}

/// `for alice`
pub(super) fn test_delegation(request: &said::TestDelegationRequest) -> String {
    told(&[flag(!request.user.is_empty(), "for"), &request.user], "")
}

/// `to MSSQLSvc/db.corp.example, way constrained, no-unconstrained`
pub(super) fn plan_delegation(request: &said::PlanDelegationRequest) -> String {
    let lists = [
        ("to", &request.to),
        ("not-to", &request.not_to),
        ("from", &request.from),
        ("not-from", &request.not_from),
    ];
    let lists =
        lists.map(|(word, names)| told(&[flag(!names.is_empty(), word), &names.join(" ")], ""));
    let switches = [
        ("way", &request.way),
        ("protocol-transition", &request.protocol_transition),
        ("sensitive", &request.sensitive),
    ];
    let switches = switches.map(|(word, set)| told(&[flag(!set.is_empty(), word), set], ""));
    let bare = flag(request.no_unconstrained, "no-unconstrained").to_owned();
    let mut parts: Vec<String> = lists.into_iter().chain(switches).chain([bare]).collect();
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}
