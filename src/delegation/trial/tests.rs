use chrono::DateTime;

use super::*;

const SPN: &str = "MSSQLSvc/sql.corp.example:1433";

fn party(account: &str, control: u32) -> Party {
    Party {
        guid: [0; 16],
        account: account.to_owned(),
        distinguished_name: format!("CN={account},DC=corp,DC=example"),
        sid: None,
        control: Some(Control(control)),
        protections: Vec::new(),
        found_by: None,
        hidden: false,
    }
}

/// An account that may delegate to one service by its list, with protocol transition.
fn facts() -> Facts {
    Facts {
        own: party("svc-web$", 0x1000),
        holding: Holding {
            control: Control(0x1000 | Control::PROTOCOL_TRANSITION),
            targets: vec![SPN.to_uppercase()],
            descriptor: None,
        },
        user: Some(party("alice", 0x200)),
        protected: Some(false),
        target: Target {
            spn: SPN.to_owned(),
            owners: vec![party("svc-sql$", 0x1000)],
        },
        let_in: Some(false),
    }
}

fn no(number: i32) -> KdcError {
    KdcError {
        code: KdcCode::from_number(number),
        text: None,
        server_time: DateTime::UNIX_EPOCH,
    }
}

const GOOD: Result<Got, KdcError> = Ok(Got { forwardable: true });
const POOR: Result<Got, KdcError> = Ok(Got { forwardable: false });

fn tried(evidence: Option<Result<Got, KdcError>>, onward: Option<Result<Got, KdcError>>) -> Tried {
    Tried {
        log_in: GOOD,
        evidence,
        onward: onward.map(|outcome| outcome.map_or_else(Onward::Refused, Onward::Got)),
    }
}

#[test]
fn a_try_that_comes_through_is_told_step_by_step() {
    let whole = tried(Some(GOOD), Some(POOR));
    let asked = steps("web", &facts(), Evidence::Asked, &whole);
    let told: Vec<_> = asked
        .iter()
        .map(|step| {
            (
                step.what.as_str(),
                step.ok,
                step.why.as_str(),
                step.next.as_str(),
            )
        })
        .collect();
    let onward = format!("svc-web$ asks for a ticket to {SPN} for alice (S4U2Proxy)");
    let handed_on = "a ticket that may be handed on";
    assert_eq!(
        told,
        [
            ("svc-web$ logs in with the array's key", true, handed_on, ""),
            (
                "svc-web$ asks for a ticket to itself for alice (S4U2Self)",
                true,
                handed_on,
                ""
            ),
            (onward.as_str(), true, "a ticket", ""),
        ]
    );
    let shown = steps("web", &facts(), Evidence::Shown, &whole);
    assert_eq!(shown[1].what, "alice fetches a ticket to svc-web$");
}

#[test]
fn a_try_ends_with_the_step_that_fails() {
    let refused = Tried {
        log_in: Err(no(24)),
        evidence: None,
        onward: None,
    };
    let told = steps("web", &facts(), Evidence::Asked, &refused);
    assert_eq!((told.len(), told[0].ok), (1, false));
    assert_eq!(told[0].next, "keyroll verify web");
    let told = steps(
        "web",
        &facts(),
        Evidence::Asked,
        &tried(Some(Err(no(6))), None),
    );
    assert_eq!((told.len(), told[1].ok), (2, false));
}

/// What is told of the last step: words of the reason, and of what to do.
#[track_caller]
fn is_told(facts: &Facts, evidence: Evidence, tried: &Tried, why: &str, next: &str) {
    let told = steps("web", facts, evidence, tried);
    let last = told.last().unwrap();
    assert!(!last.ok, "{last:?}");
    assert!(last.why.contains(why), "{why:?}: {last:?}");
    assert!(last.next.contains(next), "{next:?}: {last:?}");
}

#[test]
fn why_there_is_no_ticket_in_a_users_name() {
    type Twist = fn(&mut Facts);
    let cases: [(Twist, i32, &str, &str); 4] = [
        (|facts| facts.user = None, 6, "no such user", "give --user"),
        (
            |facts| facts.user = Some(party("bob", Control::DISABLED)),
            18,
            "bob is disabled (",
            "samba-tool user enable 'bob'",
        ),
        (
            |_| {},
            18,
            "alice is disabled, locked or expired",
            "user unlock 'alice'",
        ),
        (
            |_| {},
            60,
            "the KDC gives none",
            "keyroll explain KRB_ERR_GENERIC",
        ),
    ];
    for (twist, number, why, next) in cases {
        let mut facts = facts();
        twist(&mut facts);
        let tried = tried(Some(Err(no(number))), None);
        is_told(&facts, Evidence::Asked, &tried, why, next);
    }
}

#[test]
fn why_a_ticket_is_no_evidence() {
    type Twist = fn(&mut Facts, &mut Tried);
    let sensitive = "alice is sensitive and cannot be delegated";
    let own_way = "may not name users who have not logged in";
    let nothing: Twist = |_, _| {};
    let cases: [(Twist, Evidence, &str, &str); 7] = [
        (
            |facts, _| facts.user = Some(party("alice", Control::NOT_DELEGATED)),
            Evidence::Asked,
            sensitive,
            "another --user",
        ),
        (
            |facts, _| facts.protected = Some(true),
            Evidence::Shown,
            "in the group Protected Users",
            "another --user",
        ),
        (
            |facts, _| facts.holding.control.0 |= Control::NOT_DELEGATED,
            Evidence::Asked,
            "svc-web$ is sensitive itself",
            "delegation apply web --sensitive off",
        ),
        (
            |facts, _| facts.holding.control = Control(0x1000),
            Evidence::Asked,
            own_way,
            "delegation apply web --protocol-transition on",
        ),
        (
            |_, tried| tried.log_in = POOR,
            Evidence::Asked,
            "got no ticket itself that may be handed on",
            "keyroll delegation show web",
        ),
        (
            nothing,
            Evidence::Asked,
            "does not say why",
            "keyroll delegation show web",
        ),
        (
            |facts, _| facts.holding.control = Control(0x1000),
            Evidence::Shown,
            "does not say why",
            "keyroll delegation show web",
        ),
    ];
    for (twist, evidence, why, next) in cases {
        let (mut facts, mut tried) = (facts(), tried(Some(POOR), None));
        twist(&mut facts, &mut tried);
        is_told(&facts, evidence, &tried, why, next);
        // The KDC's refusal of the last step is told by the same reason.
        tried.onward = Some(Onward::Refused(no(13)));
        is_told(&facts, evidence, &tried, why, next);
    }
}

#[test]
fn a_target_that_lets_the_account_in_may_take_what_is_no_evidence() {
    let told = steps(
        "web",
        &facts(),
        Evidence::Asked,
        &tried(Some(POOR), Some(GOOD)),
    );
    assert!(told.iter().all(|step| step.ok), "{told:?}");
    let told = steps(
        "web",
        &facts(),
        Evidence::Asked,
        &tried(Some(POOR), Some(Err(no(13)))),
    );
    assert!(!told[1].ok && !told[2].ok, "{told:?}");
}

/// Where a descriptor is the only permission, no evidence has to be one that may be handed on: it
/// is the KDC that does not go by the descriptor.
#[test]
fn a_descriptor_that_a_kdc_ignores_asks_for_no_protocol_transition() {
    let mut facts = facts();
    facts.holding = Holding::default();
    facts.let_in = Some(true);
    for evidence in [Evidence::Asked, Evidence::Shown] {
        let refused = tried(Some(POOR), Some(Err(no(13))));
        let told = steps("web", &facts, evidence, &refused);
        assert!(
            told[1].ok && !told[1].next.contains("transition"),
            "{told:?}"
        );
        is_told(
            &facts,
            evidence,
            &refused,
            "does not go by it",
            "--way constrained",
        );
    }
    facts.protected = Some(true);
    let refused = tried(Some(POOR), Some(Err(no(13))));
    let told = steps("web", &facts, Evidence::Asked, &refused);
    assert!(
        !told[1].ok && told[1].why.contains("Protected Users"),
        "{told:?}"
    );
}

/// Where its list names the target as well, the list is what a KDC may go by.
#[test]
fn a_descriptor_beside_a_list_makes_no_poor_evidence_good() {
    let mut facts = facts();
    facts.let_in = Some(true);
    let refused = tried(Some(POOR), Some(Err(no(13))));
    let told = steps("web", &facts, Evidence::Asked, &refused);
    assert!(!told[1].ok, "{told:?}");
    is_told(
        &facts,
        Evidence::Asked,
        &refused,
        "does not say why",
        "keyroll delegation show web",
    );
}

#[test]
fn another_realms_service_is_not_decided_here() {
    let mut facts = facts();
    facts.holding.targets.clear();
    facts.let_in = None;
    let mut referred = tried(Some(POOR), None);
    referred.onward = Some(Onward::Referred("OTHER.EXAMPLE".to_owned()));
    let told = steps("web", &facts, Evidence::Shown, &referred);
    assert!(told[1].ok, "{told:?}");
    is_told(
        &facts,
        Evidence::Shown,
        &referred,
        "not decided here: MSSQLSvc/sql.corp.example:1433 is in OTHER.EXAMPLE",
        "in OTHER.EXAMPLE",
    );
}

#[test]
fn what_is_hidden_of_a_user_is_no_no() {
    let mut facts = facts();
    facts.holding.control = Control(0x1000);
    facts.protected = None;
    let poor = tried(Some(POOR), Some(Err(no(13))));
    let said = "or alice is sensitive or in Protected Users, which is not shown";
    is_told(
        &facts,
        Evidence::Asked,
        &poor,
        said,
        "--protocol-transition on",
    );
    facts.protected = Some(false);
    facts.user.as_mut().unwrap().control = None;
    is_told(
        &facts,
        Evidence::Asked,
        &poor,
        said,
        "--protocol-transition on",
    );
}

#[test]
fn why_there_is_no_ticket_to_the_target() {
    type Twist = fn(&mut Facts);
    let nothing: Twist = |_| {};
    let resource_based: Twist = |facts| {
        facts.holding.targets.clear();
        facts.let_in = Some(true);
    };
    let cases: [(Twist, i32, &str, &str); 10] = [
        (
            |facts| facts.target.owners.clear(),
            7,
            "no account has",
            "samba-tool spn add",
        ),
        (
            |facts| facts.target.owners.push(party("other$", 0x1000)),
            7,
            "svc-sql$ (CN=svc-sql$,DC=corp,DC=example) and other$ (",
            "if svc-sql$ is to keep it; svc-sql$ loses it by samba-tool spn delete",
        ),
        (
            |facts| facts.protected = Some(true),
            13,
            "Protected Users",
            "another --user",
        ),
        (
            |facts| facts.holding.targets.clear(),
            13,
            "its list does not name it",
            "delegation apply web --to",
        ),
        (
            |facts| {
                facts.holding.targets.clear();
                facts.let_in = None;
            },
            13,
            "in another domain, or hidden",
            "delegation apply web --to",
        ),
        (
            nothing,
            31,
            "cannot open the evidence",
            "fetch a new ticket",
        ),
        (
            nothing,
            41,
            "cannot open the evidence",
            "fetch a new ticket",
        ),
        (
            nothing,
            7,
            "this KDC does not know",
            "keyroll delegation show web",
        ),
        (resource_based, 13, "does not go by it", "--way constrained"),
        (
            nothing,
            13,
            "the KDC gives none",
            "keyroll explain KDC_ERR_BADOPTION",
        ),
    ];
    for (twist, number, why, next) in cases {
        let mut facts = facts();
        twist(&mut facts);
        let tried = tried(Some(GOOD), Some(Err(no(number))));
        is_told(&facts, Evidence::Asked, &tried, why, next);
    }
}
