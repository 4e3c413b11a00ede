//! Faults of the service.

use super::*;
use crate::doctor::Grade::{Broken, Warning};
use crate::doctor::service::schemes;

fn web(facts: &mut Facts) -> &mut WebFacts {
    facts.services[1].web.as_mut().unwrap()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn what_a_page_asks_for_and_takes() {
    let ntlm = || texts(&["NTLM", "Negotiate"]);
    names(
        |f| web(f).challenges = ntlm(),
        &[("service-offers", Warning)],
    );
    let basic = || texts(&["Basic realm=\"a, Negotiate\""]);
    names(
        |f| web(f).challenges = texts(&["Basic"]),
        &[("service-offers", Broken)],
    );
    assert_eq!(schemes(&basic())[0], "basic");
    names(
        |f| web(f).login = Some(Ok(401)),
        &[("service-login", Broken)],
    );
    let lost = || Some(Err("the connection was closed".to_owned()));
    names(|f| web(f).login = lost(), &[("service-login", Broken)]);
    // A page that needs no login, or one that the user may not see, is none of Kerberos' faults.
    names(|f| web(f).login = Some(Ok(403)), &[]);
    names(
        |f| {
            *web(f) = WebFacts {
                status: 200,
                challenges: Vec::new(),
                login: None,
            };
        },
        &[],
    );
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
}

#[test]
fn schemes_stand_at_the_beginning_of_a_header_or_after_a_comma() {
    for (headers, expected) in [
        (&["Negotiate", "NTLM"][..], &["negotiate", "ntlm"][..]),
        (&["Negotiate, NTLM"], &["negotiate", "ntlm"]),
        (&["Basic realm=\"x\", Negotiate"], &["basic", "negotiate"]),
        (&["NTLM TlRMTVNTUAACAAAA"], &["ntlm"]),
        (&["", ","], &[]),
    ] {
        assert_eq!(schemes(&texts(headers)), expected, "{headers:?}");
    }
}
