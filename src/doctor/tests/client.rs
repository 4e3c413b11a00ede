//! A client's machine.

use super::*;
use crate::doctor::{CLIENT_CHECKS, ClientFacts, ClientTicket, examine_client};
use crate::name::DcName;

fn ticket() -> ClientTicket {
    ClientTicket {
        kvno: Kvno(5),
        enctype: 18,
        clock_offset: TimeDelta::milliseconds(40),
    }
}

fn dc(number: u32) -> DcName {
    format!("dc{number}.corp.example").parse().unwrap()
}

fn healthy_client() -> ClientFacts {
    let facts = healthy();
    ClientFacts {
        array: facts.array.name,
        spn: "HTTP/web.corp.example".parse().unwrap(),
        spns: facts.array.spns,
        enctypes: facts.array.enctypes,
        kvnos: vec![Kvno(5), Kvno(4)],
        records: facts.hosts[0].records.clone(),
        tickets: Ok(vec![(dc(1), Ok(ticket())), (dc(2), Ok(ticket()))]),
        page: Some(service("web")),
    }
}

#[track_caller]
fn complains(spoil: impl FnOnce(&mut ClientFacts), expected: &[(&str, Grade, &str)]) {
    let mut facts = healthy_client();
    spoil(&mut facts);
    let found = examine_client(&facts);
    let bad: Vec<_> = found
        .iter()
        .filter(|one| one.finding.grade != Grade::Ok)
        .collect();
    let short: Vec<_> = bad
        .iter()
        .map(|one| (one.check, one.finding.grade))
        .collect();
    let wanted: Vec<_> = expected
        .iter()
        .map(|(check, grade, _)| (*check, *grade))
        .collect();
    assert_eq!(short, wanted);
    for (one, (.., words)) in bad.iter().zip(expected) {
        let finding = &one.finding;
        let text = format!("{} {} {}", finding.evidence, finding.cause, finding.mend);
        assert!(text.contains(words), "{words:?} is not in {text:?}");
        let told = !finding.cause.is_empty() && !finding.mend.is_empty();
        assert!(told || finding.grade == Grade::Unknown, "{finding:?}");
    }
}

#[test]
fn a_healthy_machine_logs_in_by_kerberos() {
    complains(|_| (), &[]);
    let found = examine_client(&healthy_client());
    for check in CLIENT_CHECKS {
        assert!(
            found.iter().any(|one| one.check == check.id),
            "{}",
            check.id
        );
    }
    let login = found.last().unwrap();
    assert!(
        login.finding.evidence.contains("Kerberos, 200"),
        "{login:?}"
    );
    assert!(
        login.finding.evidence.contains("sha1-96, kvno 5"),
        "{login:?}"
    );
}

#[test]
fn a_name_a_clock_and_a_ticket_can_be_wrong_here_alone() {
    use Grade::{Broken, Unknown, Warning};
    let nowhere = |facts: &mut ClientFacts| facts.records = Ok(HostRecords::default());
    complains(nowhere, &[("client-name", Broken, "no address")]);
    complains(
        |facts| {
            for (_, ticket) in facts.tickets.as_mut().unwrap() {
                ticket.as_mut().unwrap().clock_offset = TimeDelta::seconds(-600);
            }
        },
        // The KDC is behind, so this machine is ahead.
        &[
            ("client-clock", Broken, "+600 s"),
            ("client-clock", Broken, "dc2"),
        ],
    );
    let slow = |facts: &mut ClientFacts| {
        let one = &mut facts.tickets.as_mut().unwrap()[0].1;
        one.as_mut().unwrap().clock_offset = TimeDelta::seconds(90);
    };
    complains(slow, &[("client-clock", Warning, "at five minutes")]);
    let old = |facts: &mut ClientFacts| facts.kvnos = vec![Kvno(6)];
    let lacks = ("client-ticket", Broken, "no keytab has such a key");
    complains(old, &[lacks, lacks]);
    let weak = |facts: &mut ClientFacts| {
        facts.tickets.as_mut().unwrap()[1]
            .1
            .as_mut()
            .unwrap()
            .enctype = 23;
    };
    complains(weak, &[("client-ticket", Broken, "rc4-hmac")]);
    let away = |facts: &mut ClientFacts| {
        facts.tickets.as_mut().unwrap()[0].1 = Err(silent("the KDC"));
    };
    complains(
        away,
        &[(
            "client-ticket",
            Warning,
            "systemctl start samba-ad-dc (on dc1.corp.example;",
        )],
    );
    let refused = |facts: &mut ClientFacts| {
        facts.tickets.as_mut().unwrap()[0].1 = Err(Unseen {
            why: "KDC_ERR_S_PRINCIPAL_UNKNOWN".to_owned(),
            next: String::new(),
            kind: UnseenKind::Refused,
        });
    };
    complains(refused, &[("client-ticket", Broken, "keyroll doctor web")]);
    let none = |facts: &mut ClientFacts| {
        facts.tickets = Err(Unseen {
            why: "no ticket of yours".to_owned(),
            next: "kinit".to_owned(),
            kind: UnseenKind::Missing,
        });
        facts.page.as_mut().unwrap().web.as_mut().unwrap().login = None;
    };
    complains(
        none,
        &[
            ("client-ticket", Unknown, "kinit"),
            (
                "client-login",
                Warning,
                "by NTLM, or is asked for a password kinit",
            ),
        ],
    );
    let unsaid = |facts: &mut ClientFacts| {
        none(facts);
        facts.tickets.as_mut().unwrap_err().next.clear();
    };
    complains(
        unsaid,
        &[
            ("client-ticket", Unknown, "keyroll status"),
            ("client-login", Warning, "a password curl -sv --negotiate"),
        ],
    );
    let unshown = |facts: &mut ClientFacts| {
        facts.page.as_mut().unwrap().web.as_mut().unwrap().login = None;
    };
    complains(unshown, &[("client-login", Warning, "a password curl -sv")]);
}

#[test]
fn whoever_gets_in_by_ntlm_is_told_so() {
    use Grade::{Broken, Unknown};
    let page = |spoil: fn(&mut WebFacts)| {
        move |facts: &mut ClientFacts| spoil(facts.page.as_mut().unwrap().web.as_mut().unwrap())
    };
    complains(
        page(|web| web.challenges = vec!["NTLM".to_owned()]),
        &[("client-login", Broken, "by NTLM, not by Kerberos")],
    );
    complains(
        page(|web| web.challenges = vec!["Basic realm=\"x\"".to_owned()]),
        &[("client-login", Broken, "asks users for a password")],
    );
    complains(
        page(|web| {
            web.login = Some(Ok(LoginFacts {
                status: 401,
                proven: false,
            }));
        }),
        &[("client-login", Broken, "kvno 5")],
    );
    complains(
        page(|web| web.status = 200),
        &[("client-login", Unknown, "asks for no login (200)")],
    );
    complains(
        page(|web| web.status = 503),
        &[(
            "client-login",
            Broken,
            "get an error under the array's name",
        )],
    );
    complains(
        page(|web| web.challenges.clear()),
        &[("client-login", Broken, "offers nothing")],
    );
    complains(
        |facts| facts.page.as_mut().unwrap().web = Err(silent("the page")),
        &[("client-login", Broken, "did not answer")],
    );
    complains(|facts| facts.page = None, &[]);
}
