//! What is between users and nodes.

use super::web::{texts, web};
use super::*;
use crate::doctor::Grade::{Broken, Warning};

/// Three requests through a balancer before the two nodes.
fn balanced(facts: &mut Facts) -> &mut [ServiceFacts] {
    let name = facts.services.pop().unwrap();
    let way = Way::Balancer("10.99.0.40".parse().unwrap());
    let name = ServiceFacts { way, ..name };
    facts.services.extend([name.clone(), name.clone(), name]);
    &mut facts.services[2..]
}

fn refused(place: &mut ServiceFacts, status: u16) {
    let login = LoginFacts {
        status,
        proven: false,
    };
    place.web.as_mut().unwrap().login = Some(Ok(login));
}

#[test]
fn what_is_well_says_by_which_way_and_once_for_each_place() {
    let mut facts = healthy();
    balanced(&mut facts);
    assert_eq!(complaints(&facts), []);
    let found = examine(&facts);
    let logins = found.iter().filter(|one| one.check == "service-login");
    let said: Vec<_> = logins.map(|one| one.finding.evidence.as_str()).collect();
    let taken = "takes a fresh ticket: Kerberos, 200";
    let directly = format!("{taken}, directly");
    let through = format!("{taken}, through the balancer at 10.99.0.40");
    assert_eq!(said, [&directly, &directly, &through]);
}

#[test]
fn a_balancer_is_to_blame_for_what_no_node_does() {
    names(
        |f| refused(&mut balanced(f)[1], 401),
        &[("service-login", Broken)],
    );
    says(
        "service-login",
        |f| refused(&mut balanced(f)[1], 401),
        &[
            "refuses a fresh ticket (401), through the balancer at 10.99.0.40, 1 of 3 times",
            "another machine too",
            "keyroll node list web, then grep -rn server",
            "systemctl reload haproxy (on web",
        ],
    );
    says(
        "service-login",
        |f| balanced(f).iter_mut().for_each(|one| refused(one, 400)),
        &["the balancer takes no header", "tune.bufsize 65536"],
    );
    // What else a login came to is told as ever.
    says(
        "service-login",
        |f| refused(&mut balanced(f)[0], 500),
        &["1 of 3 times", "its own log tells", "curl -sv"],
    );
    let offers = |schemes: &'static [&'static str]| {
        move |f: &mut Facts| {
            for place in balanced(f) {
                place.web.as_mut().unwrap().challenges = texts(schemes);
            }
        }
    };
    names(
        offers(&["NTLM", "Negotiate"]),
        &[("service-offers", Warning)],
    );
    for (schemes, words) in [
        (&["NTLM", "Negotiate"][..], "logins are NTLM"),
        (
            &["Basic realm=\"x\"", "Negotiate"],
            "ask their user for a password",
        ),
        (&["Basic realm=\"x\""], "no client can log in by Kerberos"),
        (&[], "no client can log in by Kerberos"),
    ] {
        let rule = "a rule of the balancer changes the header";
        let mend = "grep -rni www-authenticate /etc/haproxy (on web";
        says("service-offers", offers(schemes), &[rule, words, mend]);
    }
    let down = |status: u16| {
        move |f: &mut Facts| {
            for place in balanced(f) {
                let web = place.web.as_mut().unwrap();
                (web.status, web.login) = (status, None);
                web.challenges.clear();
            }
        }
    };
    for status in [502, 503, 504] {
        names(down(status), &[("service-answers", Broken)]);
        let words = ["takes them for down", "curl -sv http://n1.corp.example"];
        says("service-answers", down(status), &words);
    }
    // An error of what is behind is not the balancer's own.
    names(down(500), &[("service-answers", Warning)]);
    // Nor is a node well that answers with one.
    let both = |f: &mut Facts| {
        down(502)(f);
        web(f).status = 500;
    };
    let found = told("service-answers", both);
    assert!(
        !found
            .iter()
            .any(|one| one.cause.contains("takes them for down")),
        "{found:?}"
    );
    let gone = |f: &mut Facts| {
        for place in balanced(f) {
            place.web = Err(silent("the balancer"));
        }
    };
    let words = ["the balancer does not", "systemctl start haproxy (on web"];
    says("service-answers", gone, &words);
}

#[test]
fn a_balancer_is_not_to_blame_for_what_a_node_does_too_or_nobody_looked_at() {
    let tells_which = |f: &mut Facts| {
        refused(&mut balanced(f)[1], 401);
        refused(&mut f.services[0], 401);
    };
    let found = told("service-login", tells_which);
    assert_eq!(found.len(), 2);
    assert!(found[1].mend.contains("service-login tells which node"));
    let alone = |f: &mut Facts| {
        refused(&mut balanced(f)[1], 401);
        f.one_node_alone = true;
    };
    says("service-login", alone, &["service-login tells which node"]);
    let unasked = |f: &mut Facts| {
        refused(&mut balanced(f)[1], 401);
        f.services.drain(..2);
    };
    says(
        "service-login",
        unasked,
        &["service-login tells which node"],
    );
    // The array's name may lead to a node itself.
    says(
        "service-login",
        |f| refused(&mut f.services[2], 401),
        &["(401), under the name", "service-login tells which node"],
    );
    let both = |f: &mut Facts| {
        for place in balanced(f).iter_mut() {
            place.web.as_mut().unwrap().challenges = texts(&["NTLM", "Negotiate"]);
        }
        web(f).challenges = texts(&["NTLM", "Negotiate"]);
    };
    says("service-offers", both, &["directly", "appcmd"]);
    let found = told("service-offers", both);
    assert!(!found[1].mend.contains("haproxy"), "{found:?}");
    // What it offers rightly, or asks no login for, is none of its rules' doing.
    for (status, challenges) in [(401, texts(&["Negotiate"])), (200, Vec::new())] {
        let mut facts = healthy();
        for place in balanced(&mut facts) {
            let web = place.web.as_mut().unwrap();
            (web.status, web.challenges) = (status, challenges.clone());
        }
        let found = examine(&facts).into_iter();
        for one in found.filter(|one| one.check == "service-offers") {
            let (grade, cause) = (one.finding.grade, &one.finding.cause);
            assert_eq!((grade, cause.as_str()), (Grade::Ok, ""), "{one:?}");
        }
    }
}

#[test]
fn a_node_takes_a_login_by_its_answer_or_by_its_proof() {
    // An answer that only what is behind the login gives; and a proof, whatever was asked for.
    for (status, proven, taken) in [
        (200, false, true),
        (404, false, true),
        (405, true, true),
        (405, false, false),
        (500, true, false),
    ] {
        let blamed = |f: &mut Facts| {
            refused(&mut balanced(f)[1], 401);
            for node in &mut f.services[..2] {
                let login = LoginFacts { status, proven };
                node.web.as_mut().unwrap().login = Some(Ok(login));
            }
        };
        let found = told("service-login", blamed);
        let balancer = found.last().unwrap();
        let is_blamed = balancer.cause.contains("the balancer sends users");
        assert_eq!(is_blamed, taken, "{status}, {proven}: {balancer:?}");
    }
}
