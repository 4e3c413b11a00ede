//! Faults of the service.

use super::places::look;
use super::*;
use crate::doctor::Grade::{Broken, Unknown, Warning};
use crate::doctor::service::schemes;

pub(super) fn web(facts: &mut Facts) -> &mut WebFacts {
    facts.services[1].web.as_mut().unwrap()
}

pub(super) fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn what_a_page_asks_for_and_takes() {
    let ntlm = || texts(&["NTLM", "Negotiate"]);
    names(
        |f| web(f).challenges = ntlm(),
        &[("service-offers", Warning)],
    );
    names(
        |f| web(f).challenges = texts(&["Basic realm=\"a, Negotiate\""]),
        &[("service-offers", Broken)],
    );
    let lost = || Some(Err("the connection was closed".to_owned()));
    names(|f| web(f).login = lost(), &[("service-login", Broken)]);
    // A page that needs no login is none of Kerberos' faults.
    names(
        |f| {
            *web(f) = WebFacts {
                status: 200,
                challenges: Vec::new(),
                server: String::new(),
                login: None,
            };
        },
        &[],
    );
}

/// Authorization may say 401, too: whoever has opened the ticket proves it.
#[test]
fn what_a_page_makes_of_a_ticket() {
    let answers = |status, proven| {
        move |f: &mut Facts| web(f).login = Some(Ok(LoginFacts { status, proven }))
    };
    let login = |grade| vec![("service-login", grade)];
    for (status, unproven, proven) in [
        (200, vec![], vec![]),
        (302, vec![], vec![]),
        (403, vec![], vec![]),
        (404, vec![], vec![]),
        (401, login(Broken), vec![]),
        (400, login(Broken), vec![]),
        (431, login(Broken), vec![]),
        (405, login(Unknown), vec![]),
        (500, login(Broken), login(Warning)),
        (503, login(Broken), login(Warning)),
    ] {
        names(answers(status, false), &unproven);
        names(answers(status, true), &proven);
    }
}

#[test]
fn a_page_that_is_nowhere_is_no_fault_unless_it_was_asked_for() {
    let gone = |f: &mut Facts, at: usize| f.services[at].web = Err(silent("n1:443"));
    names(|f| gone(f, 0), &[("service-answers", Broken)]);
    names(|f| (0..3).for_each(|at| gone(f, at)), &[]);
    let named = |f: &mut Facts| {
        (0..3).for_each(|at| gone(f, at));
        f.service_asked_for = true;
    };
    names(named, &[("service-answers", Broken); 3]);
    // Nodes at another port than the balancer's.
    let nodes = |f: &mut Facts| (0..2).for_each(|at| gone(f, at));
    names(nodes, &[("service-answers", Unknown); 2]);
    // The balancer.
    names(|f| gone(f, 2), &[("service-answers", Broken)]);
    let down = |f: &mut Facts| {
        *web(f) = WebFacts {
            status: 503,
            challenges: Vec::new(),
            server: String::new(),
            login: None,
        };
    };
    names(down, &[("service-answers", Warning)]);
}

#[test]
fn schemes_stand_at_the_beginning_of_a_header_or_after_a_comma() {
    for (headers, expected) in [
        (&["Negotiate", "NTLM"][..], &["negotiate", "ntlm"][..]),
        (&["Negotiate, NTLM"], &["negotiate", "ntlm"]),
        (&["Basic realm=\"x\", Negotiate"], &["basic", "negotiate"]),
        (&["Basic realm=\"a, Negotiate, b\""], &["basic"]),
        (&["Basic realm=\"a\\\", Negotiate\""], &["basic"]),
        (&["Basic realm=\"open, Negotiate"], &["basic"]),
        // Outside of a string nothing is escaped.
        (&["Basic \\, Negotiate"], &["basic", "negotiate"]),
        (
            &["Digest realm = \"x\", nonce = \"y\", qop=auth, NTLM"],
            &["digest", "ntlm"],
        ),
        (&["NTLM TlRMTVNTUAACAAAA"], &["ntlm"]),
        (&["Negotiate oYG1MIG=, NTLM"], &["negotiate", "ntlm"]),
        (&["", ",", "\"", "="], &[]),
    ] {
        assert_eq!(schemes(&texts(headers)), expected, "{headers:?}");
    }
}

/// Two checks look at IIS, one by its settings and one by its answer.
#[test]
fn what_iis_is_to_be_set_to_is_the_same_by_its_settings_and_by_its_answer() {
    for kinds in [
        &[TargetKind::LogonSession][..],
        &[TargetKind::IisPool],
        &[TargetKind::IisPool, TargetKind::LogonSession],
        &[TargetKind::Owned, TargetKind::LogonSession],
    ] {
        let mut facts = healthy();
        let keytab = look(&mut facts, 1).keytabs[0].clone();
        let of_kind = |&kind| KeytabFacts {
            kind,
            ..keytab.clone()
        };
        look(&mut facts, 1).keytabs = kinds.iter().map(of_kind).collect();
        facts.nodes[1].around.iis = Some(Ok(IisFacts {
            sites: vec![IisSite {
                enabled: Some(true),
                use_app_pool_credentials: Some(true),
                ..IisSite::default()
            }],
            ..IisFacts::default()
        }));
        facts.services[1].place = facts.nodes[1].name.to_string();
        let web = web(&mut facts);
        "Microsoft-IIS/10.0".clone_into(&mut web.server);
        web.login = Some(Ok(LoginFacts {
            status: 401,
            proven: false,
        }));
        let found = examine(&facts);
        let mend = |check: &str| {
            let mut found = found.iter().filter(|one| one.finding.grade != Grade::Ok);
            let one = found.find(|one| one.check == check);
            one.expect("nothing is told").finding.mend.clone()
        };
        let by_answer = mend("service-login");
        let by_answer = by_answer.strip_suffix(", then keyroll doctor web").unwrap();
        assert_eq!(by_answer, mend("node-iis"), "{kinds:?}");
    }
}

/// The commands for the web server that answers there, or for the one at the other places.
#[test]
fn each_web_server_has_its_own_commands() {
    let header = |facts: &mut Facts, server: &str| {
        for place in &mut facts.services {
            server.clone_into(&mut place.web.as_mut().unwrap().server);
        }
    };
    let refuses = |server: &'static str, at: usize, status| {
        move |facts: &mut Facts| {
            header(facts, server);
            let login = LoginFacts {
                status,
                proven: false,
            };
            // The names of nodes, as the controller dials them.
            for (place, node) in facts.services.iter_mut().zip(&facts.nodes) {
                place.place = node.name.to_string();
            }
            facts.services[at].web.as_mut().unwrap().login = Some(Ok(login));
        }
    };
    let apache = "Apache/2.4.62 (Debian)";
    for (server, status, words) in [
        (
            apache,
            401,
            [
                "GssapiCredStore keytab:/etc/keyroll/web.keytab (",
                "systemctl reload apache2 (on n2.corp.example)",
            ],
        ),
        (
            "nginx",
            401,
            [
                "auth_gss_keytab /etc/keyroll/web.keytab; (",
                "systemctl reload nginx (on n2.corp.example)",
            ],
        ),
        (
            "Microsoft-IIS/10.0",
            401,
            ["kind = \"logon-session\"", "node password web n2.corp"],
        ),
        (
            apache,
            431,
            ["LimitRequestFieldSize 65536 (", "reload apache2 (on n2"],
        ),
        (
            "nginx/1.22.1",
            400,
            [
                "large_client_header_buffers 4 64k; (",
                "reload nginx (on n2",
            ],
        ),
        ("", 413, ["(Apache), large_client", "(http.sys)"]),
    ] {
        says("service-login", refuses(server, 1, status), &words);
    }
    // Under the array's name nobody knows which node it was.
    let words = ["web: refuses", "service-login tells which node"];
    says("service-login", refuses(apache, 2, 401), &words);
    // A keytab of those who log in is no service's.
    let initiators = |facts: &mut Facts| {
        refuses(apache, 1, 401)(facts);
        look(facts, 1).keytabs[0].kind = TargetKind::Client;
    };
    let words = ["a [[array.target]]", "keyroll-agent check (on n2.corp"];
    says("service-login", initiators, &words);
    let unseen = |facts: &mut Facts| {
        refuses("", 1, 401)(facts);
        facts.nodes[1].look = Err(silent("n2"));
    };
    says("service-login", unseen, &["service-login tells which"]);
    says(
        "service-login",
        refuses("", 1, 401),
        &["read /etc/keyroll/web.keytab (on n2"],
    );
    let failed = |facts: &mut Facts| refuses(apache, 1, 500)(facts);
    let curl = "curl -sv --negotiate -u : https://web.corp.example/ --connect-to ::n2.corp.";
    says("service-login", failed, &[curl]);
    for (server, words) in [
        (apache, "systemctl start apache2 (on n1"),
        ("nginx", "systemctl start nginx (on n1"),
        ("Microsoft-IIS/10.0", "iisreset /start (on n1"),
        ("", "start the web server (on n1"),
    ] {
        let spoil = |facts: &mut Facts| {
            header(facts, server);
            facts.services[0].web = Err(silent("n1"));
        };
        says(
            "service-answers",
            spoil,
            &[words, ", then keyroll doctor web"],
        );
    }
}

#[test]
fn basic_before_negotiate_is_told_and_nothing_that_no_browser_takes() {
    let offers =
        |schemes: &'static [&'static str]| move |f: &mut Facts| web(f).challenges = texts(schemes);
    for schemes in [
        &["Basic realm=\"x\"", "Negotiate"][..],
        &["Digest realm=\"x\"", "Negotiate"],
        &["Basic realm=\"x\"", "Negotiate", "NTLM"],
    ] {
        names(offers(schemes), &[("service-offers", Warning)]);
        let words = ["ask their user for a password", "Negotiate first, or alone"];
        says("service-offers", offers(schemes), &words);
    }
    names(offers(&["Bearer", "Negotiate", "NTLM"]), &[]);
    names(offers(&[]), &[("service-offers", Broken)]);
    let words = ["answers 401 and offers nothing", "let the web server offer"];
    says("service-offers", offers(&[]), &words);
}
