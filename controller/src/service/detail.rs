//! What the audit keeps of a call besides its verb and its objects: what was chosen, and why.

use keyroll_proto::operator as said;
use keyroll_proto::operator::adopt_array_request::Credential;
use sha2::{Digest as _, Sha256};

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

/// Several of these, apart.
fn several(parts: impl IntoIterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.into_iter().collect();
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// `word` and what was given for it, if anything was.
fn given(word: &str, value: &str) -> String {
    told(&[flag(!value.is_empty(), word), value], "")
}

/// `word` and a number, if one was given.
fn number(word: &str, value: u64) -> String {
    if value == 0 {
        return String::new();
    }
    format!("{word} {value}")
}

/// `word` and a digest that tells one request for a certificate from another.
fn request(word: &str, csr: &[u8]) -> String {
    if csr.is_empty() {
        return String::new();
    }
    format!("{word} {}", hex::encode(Sha256::digest(csr)))
}

/// `take-existing account svc-web$, spn HTTP/web.corp.example`
pub(super) fn create_array(request: &said::CreateArrayRequest) -> String {
    let take = flag(request.take_existing, "take-existing");
    several([
        told(&[take, &given("account", &request.account)], ""),
        given("kind", &request.account_kind),
        given("container", &request.container),
        given("spn", &request.spns.join(" ")),
        given("enctypes", &request.enctypes.join(" ")),
        policy(request.policy.as_ref()),
    ])
}

/// `account svc-web$, by its keytab`
pub(super) fn adopt_array(request: &said::AdoptArrayRequest) -> String {
    let by = match &request.credential {
        Some(Credential::Password(_)) => "by its password",
        Some(Credential::Keytab(_)) => "by its keytab",
        None => "without a credential",
    };
    several([
        given("account", &request.account),
        by.to_owned(),
        given("enctypes", &request.enctypes.join(" ")),
        policy(request.policy.as_ref()),
    ])
}

/// `gate at-least 2, ticket-life 36000`
pub(super) fn policy(policy: Option<&said::Policy>) -> String {
    let Some(policy) = policy else {
        return String::new();
    };
    let set = |word: &str, value: Option<u64>| {
        value.map_or_else(String::new, |value| format!("{word} {value}"))
    };
    several([
        given("gate", &policy.gate),
        number("stage-deadline", policy.stage_deadline),
        given("on-deadline", &policy.on_deadline),
        set("ticket-life", policy.ticket_life),
        set("clock-skew", policy.clock_skew),
        set("margin", policy.margin),
        given("method", &policy.method),
        number("password-length", policy.password_length.into()),
        given("heal", &policy.heal),
        given("delegation-gap", &policy.delegation_gap),
    ])
}

/// `address n1:8088, token-lifetime 600`
pub(super) fn add_node(request: &said::AddNodeRequest) -> String {
    several([
        given("address", &request.address),
        number("token-lifetime", request.token_lifetime),
        self::request("csr", &request.csr),
    ])
}

/// `emergency kill now: keytab of node3 leaked`
pub(super) fn start_roll(request: &said::StartRollRequest) -> String {
    let emergency = flag(request.emergency, "emergency");
    let kill = flag(!request.kill.is_empty(), "kill");
    let all = flag(request.all, "all arrays");
    let gap = flag(request.accept_delegation_gap, "accept-delegation-gap");
    told(&[all, emergency, kill, &request.kill, gap], &request.reason)
}

/// `forbid logon-session`
pub(super) fn allow_password(request: &said::AllowPasswordRequest) -> String {
    let verb = if request.forbid { "forbid" } else { "allow" };
    told(&[verb, &request.purpose], "")
}

/// `waive-dc dc2.corp.example: dc2 is switched off for good`
pub(super) fn resolve_roll(request: &said::ResolveRollRequest) -> String {
    told(&[&request.choice, &request.dc], &request.reason)
}

/// `all arrays`
pub(super) fn recover(request: &said::RecoverRequest) -> String {
    flag(request.all, "all arrays").to_owned()
}

/// `to be moved here HTTP/web.corp.example`
pub(super) fn prepare_spns(request: &said::PrepareSpnsRequest) -> String {
    let moves = flag(request.moves, "to be moved here");
    told(&[moves, &request.spns.join(" ")], "")
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
    several([
        flag(request.replace, "replace").to_owned(),
        told(&[&request.role, of, &request.arrays.join(" ")], ""),
        number("lifetime", request.lifetime),
        self::request("csr", &request.csr),
    ])
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
    let lists = lists.map(|(word, names)| given(word, &names.join(" ")));
    let switches = [
        ("way", &request.way),
        ("protocol-transition", &request.protocol_transition),
        ("sensitive", &request.sensitive),
    ];
    let switches = switches.map(|(word, set)| given(word, set));
    let bare = flag(request.no_unconstrained, "no-unconstrained").to_owned();
    several(lists.into_iter().chain(switches).chain([bare]))
}
