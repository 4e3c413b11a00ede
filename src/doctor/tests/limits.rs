//! Where a fault begins, and what it takes to end it.

use super::places::look;
use super::*;
use crate::account::hidden;
use crate::doctor::Grade::{Broken, Unknown, Warning};
use crate::roll::policy::Method;

#[test]
fn the_end_of_a_password_is_told_from_what_can_be_read() {
    let ends = |left: i64, life: i64| {
        move |facts: &mut Facts| {
            for dc in dcs(facts) {
                let account = dc.account.as_mut().unwrap();
                account.password_expires_unix = Some(NOW + left);
                account.password_set_unix = NOW + left - life;
            }
        }
    };
    let hour = 3600;
    let words = ["it expires in 9 h", "keyroll roll web"];
    says("password-expiry", ends(9 * hour + 1, 40 * hour), &words);
    names(ends(10 * hour, 40 * hour), &[]);
    // It was set in 1601, as far as can be read.
    let hidden = |facts: &mut Facts| {
        ends(hour, 40 * hour)(facts);
        for dc in dcs(facts) {
            dc.account.as_mut().unwrap().hidden = vec![hidden::PASSWORD_SET];
        }
    };
    names(hidden, &[("password-expiry", Unknown)]);
}

/// What is still well: one second, or one right, before it is not.
#[test]
fn limits_are_where_they_are_said_to_be() {
    let minute = TimeDelta::seconds(60);
    let offset = |facts: &mut Facts, offset| look(facts, 0).clock_offset = offset;
    names(|facts| offset(facts, minute), &[]);
    names(|facts| offset(facts, -minute), &[]);
    names(
        |facts| offset(facts, minute * 5),
        &[("clock-node", Warning)],
    );
    names(
        |facts| offset(facts, -(minute * 5 + TimeDelta::seconds(1))),
        &[("clock-node", Broken)],
    );
    for way in [1, -1] {
        let all = |facts: &mut Facts, by: TimeDelta| {
            for node in &mut facts.nodes {
                node.look.as_mut().unwrap().clock_offset = by * way;
            }
            facts.dcs = Ok(Vec::new());
        };
        let clock = |by: TimeDelta| {
            let mut facts = healthy();
            all(&mut facts, by);
            let found = examine(&facts).into_iter();
            let mut found = found.filter(|one| one.check == "clock-controller");
            found.next().unwrap().finding.grade
        };
        assert_eq!(clock(minute), Grade::Ok);
        assert_eq!(clock(minute + TimeDelta::milliseconds(1)), Broken);
    }
    // A quarter of thirty days.
    let quarter = 30 * 86_400 / 4;
    let ends = |facts: &mut Facts, left| look(facts, 0).certificate_ends_unix = NOW + left;
    names(|facts| ends(facts, quarter), &[]);
    names(
        |facts| ends(facts, quarter - 1),
        &[("deadline-certificate", Warning)],
    );
    // A node may say any number.
    for (told, grade) in [(i64::MIN, Some(Broken)), (i64::MAX, None)] {
        let faults: Vec<_> = grade
            .map(|grade| ("deadline-certificate", grade))
            .into_iter()
            .collect();
        names(|facts| look(facts, 0).certificate_ends_unix = told, &faults);
    }
    let year = 365 * 86_400;
    names(|facts| facts.array.authority_ends_unix = NOW + year, &[]);
    let rights = |count: usize| {
        move |facts: &mut Facts| {
            let may = (0..count).map(|n| May::Write(format!("a{n}"))).collect();
            facts.surplus.as_mut().unwrap()[0].may = may;
        }
    };
    let five = &told("rights-surplus", rights(5))[0].evidence;
    assert_eq!(
        five,
        "it may write a0, write a1, write a2, write a3, write a4"
    );
    says("rights-surplus", rights(6), &["a4, and 1 more"]);
}

#[test]
fn rights_are_granted_and_taken_away_by_commands() {
    let missing = |facts: &mut Facts| {
        facts.array.method = Some(Method::FencedReset);
        for dc in dcs(facts) {
            dc.account.as_mut().unwrap().may_reset = false;
        }
    };
    let reset = "00299570-246d-11d0-a768-00aa006e0529";
    let words = ["samba-tool dsacl set", reset, ", then keyroll doctor web"];
    says("rights-password", missing, &words);
    let sid = "S-1-5-21-1-2-3-1104";
    for (may, words) in [
        (May::BeOfIt, ["DC=corp,DC=example", ", then keyroll doctor"]),
        (
            May::TakeRights,
            ["(D;;WPWDWO;;;S-1", ", then keyroll array"],
        ),
        (
            May::Write("a".to_owned()),
            ["(D;;WP;;;S-1", ", then keyroll array"],
        ),
        (May::Make("user".to_owned()), ["/R", ", then keyroll array"]),
    ] {
        let making = matches!(may, May::Make(_));
        let spoil = |facts: &mut Facts| facts.surplus.as_mut().unwrap()[0].may = vec![may];
        says("rights-surplus", spoil, &words);
        let mend = &told("rights-surplus", |facts| {
            facts.surplus.as_mut().unwrap()[0].may = vec![May::Make("user".to_owned())];
        })[0]
            .mend;
        // A denial would be of all classes.
        assert!(!making || !mend.contains(sid), "{mend}");
    }
    let unknown = |facts: &mut Facts| {
        facts.surplus.as_mut().unwrap()[0].may = vec![May::TakeRights];
        facts.rights = Err(silent("dc1"));
    };
    says("rights-surplus", unknown, &["--print-acl", "dsacls /R"]);
}
