//! An account that delegates with the tickets that clients show it.

use super::super::*;
use super::codes;
use crate::roll::plan::evidence::warnings;
use crate::roll::policy::DelegationGap;

const LIFE: Duration = Duration::from_secs(7 * 3600);

/// The codes against a roll of an account that delegates, under this policy and for this cause.
fn codes_of(gap: DelegationGap, cause: Cause) -> Vec<String> {
    codes(|desk, account| {
        account.delegates_to = vec!["MSSQLSvc/db.corp.example".to_owned()];
        frame(desk, gap, cause);
    })
}

fn frame(desk: &mut Desk, gap: DelegationGap, cause: Cause) {
    let mut plan = desk.roll.frame().clone();
    plan.policy.delegation_gap = gap;
    plan.policy.ticket_life = LIFE;
    plan.cause = cause;
    desk.roll = Roll::planned(plan);
}

#[test]
fn it_is_rolled_at_somebodys_word_or_in_an_emergency() {
    use DelegationGap::{Accept, InWindow, Refuse};
    for (gap, cause, refused) in [
        (Refuse, Cause::Operator, true),
        (Refuse, Cause::Schedule, true),
        (InWindow, Cause::Schedule, true),
        (Accept, Cause::Schedule, false),
        (Accept, Cause::Operator, false),
        (Refuse, Cause::Emergency, false),
    ] {
        let expected: &[&str] = if refused { &["delegation-gap"] } else { &[] };
        assert_eq!(codes_of(gap, cause), expected, "{gap:?} {cause:?}");
    }
    let unconstrained = codes(|_, account| account.delegates = true);
    assert!(
        unconstrained.is_empty(),
        "a forwarded ticket is the user's own: {unconstrained:?}"
    );
}

#[test]
fn the_warning_names_a_service_and_the_time() {
    let mut desk = Desk::at([], 1);
    frame(&mut desk, DelegationGap::Accept, Cause::Operator);
    let mut account = account();
    assert!(warnings(desk.roll.frame(), &desk.seen).is_empty());
    account.delegates_to = vec![
        "HTTP/a".to_owned(),
        "HTTP/b".to_owned(),
        "HTTP/c".to_owned(),
    ];
    desk.seen.account = Some(Ok(account));
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.sees(0, WhichKey::Base, BASE.0);
    let said = warnings(desk.roll.frame(), &desk.seen).concat();
    assert!(
        said.contains("to HTTP/a and 2 more") && said.contains("for 7 h at most"),
        "{said}"
    );
    // A ticket that lives longer than the policy says is evidence as long.
    if let Some(DcView::Issues(issued)) = desk.seen.dcs.get_mut(&dc(0)) {
        issued.ticket_life = LIFE * 2;
    }
    let said = warnings(desk.roll.frame(), &desk.seen).concat();
    assert!(said.contains("for 14 h at most"), "{said}");
    let step = plan(&desk.roll, &desk.seen, &desk.around);
    assert_eq!(step.step, Step::Do(vec![Action::Generate]));
}
