//! `keyroll doctor --watch`

use std::future::pending;
use std::time::{Duration, Instant};

use keyroll::doctor::Grade;
use keyroll_proto::operator::{DoctorReply, Finding};

use super::{Doctor, examine, grade, text};
use crate::exit::Exit;
use crate::screen::Format;
use crate::session::Session;
use crate::trouble::Trouble;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(10);

/// Prints the first look, and what is different at each after it, until somebody stops it.
///
/// # Errors
/// A controller that stays away, or refuses.
pub(super) async fn run(
    doctor: &Doctor,
    session: &Session,
    first: DoctorReply,
) -> Result<Exit, Trouble> {
    let interrupted = async {
        // Without a way to hear of Ctrl-C, it ends the process as ever.
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        // Heard of in the middle of a look too.
        () = interrupted => Ok(Exit::Interrupted),
        ended = look_again(doctor, session, first) => ended,
    }
}

async fn look_again(
    doctor: &Doctor,
    session: &Session,
    first: DoctorReply,
) -> Result<Exit, Trouble> {
    let screen = &session.screen;
    let json = screen.format == Format::Json;
    match json {
        true => screen.line(&first)?,
        false => screen.print(&text(&first))?,
    }
    let (mut before, mut heard, mut away) = (first, Instant::now(), false);
    loop {
        tokio::time::sleep(PAUSE).await;
        let reply = match examine(doctor, session).await {
            Ok(reply) => reply,
            Err(trouble) if trouble.is_passing() && heard.elapsed() < session.patience() => {
                if !away {
                    screen.say(&format!("{}; looking again", trouble.what));
                }
                away = true;
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        (heard, away) = (Instant::now(), false);
        let news = news(&before, &reply);
        match json {
            _ if news.is_empty() => {}
            true => screen.line(&reply)?,
            false => screen.print(&news)?,
        }
        before = reply;
    }
}

/// What was looked at: there may be several findings of it.
fn subject(finding: &Finding) -> (&str, &str) {
    (&finding.check, &finding.object)
}

/// The worst finding of each thing that was looked at, in their order.
fn worst(reply: &DoctorReply) -> Vec<&Finding> {
    let mut found: Vec<&Finding> = Vec::new();
    for finding in &reply.findings {
        match found
            .iter_mut()
            .find(|one| subject(one) == subject(finding))
        {
            Some(one) if grade(&one.grade) < grade(&finding.grade) => *one = finding,
            Some(_) => {}
            None => found.push(finding),
        }
    }
    found
}

/// What is told of objects whose grade is another than before.
fn news(before: &DoctorReply, now: &DoctorReply) -> String {
    let (before, now) = (worst(before), worst(now));
    let of = |found: &[&Finding], one: &Finding| {
        let mut same = found.iter().filter(|other| subject(other) == subject(one));
        same.next().map(|other| other.grade.clone())
    };
    let mut lines = Vec::new();
    for finding in &now {
        let old = of(&before, finding);
        let was = old.as_deref().unwrap_or(Grade::Ok.name());
        if was == finding.grade {
            continue;
        }
        let Finding {
            grade,
            check,
            object,
            evidence,
            mend,
            ..
        } = finding;
        lines.push(format!("{grade} {check} {object}: {evidence} (was {was})"));
        if !mend.is_empty() {
            lines.push(format!("  mend: {mend}"));
        }
    }
    // Mended, or no longer looked at: a node whose web server is down shows no login.
    let gone = before.iter().filter(|old| of(&now, old).is_none());
    for old in gone.filter(|old| grade(&old.grade) != Grade::Ok) {
        let Finding {
            grade,
            check,
            object,
            ..
        } = old;
        lines.push(format!(
            "gone {check} {object}: no longer found (was {grade})"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(findings: &[(&str, &str, &str)]) -> DoctorReply {
        let findings = findings.iter().map(|(grade, check, object)| Finding {
            grade: (*grade).to_owned(),
            check: (*check).to_owned(),
            object: (*object).to_owned(),
            evidence: format!("{object} is {grade}"),
            mend: match *grade {
                "ok" => String::new(),
                _ => format!("mend {object}"),
            },
            ..Finding::default()
        });
        DoctorReply {
            findings: findings.collect(),
            ..DoctorReply::default()
        }
    }

    #[test]
    fn what_is_as_it_was_is_no_news() {
        for same in [
            &[][..],
            &[("ok", "dc-ldap", "dc1")],
            &[("broken", "dc-ldap", "dc1"), ("ok", "dc-ldap", "dc2")],
        ] {
            assert_eq!(news(&found(same), &found(same)), "", "{same:?}");
        }
        // What is well and there for the first time, or no longer, is none either.
        let well = found(&[("ok", "dc-ldap", "dc1")]);
        assert_eq!(news(&found(&[]), &well), "");
        assert_eq!(news(&well, &found(&[])), "");
    }

    #[test]
    fn another_grade_is_told_with_what_mends_it_until_it_is_mended() {
        let well = found(&[("ok", "dc-ldap", "dc1"), ("ok", "dc-ldap", "dc2")]);
        let bad = found(&[("ok", "dc-ldap", "dc1"), ("broken", "dc-ldap", "dc2")]);
        let told = "broken dc-ldap dc2: dc2 is broken (was ok)\n  mend: mend dc2";
        assert_eq!(news(&well, &bad), told);
        assert_eq!(news(&bad, &well), "ok dc-ldap dc2: dc2 is ok (was broken)");
        let better = found(&[("ok", "dc-ldap", "dc1"), ("warning", "dc-ldap", "dc2")]);
        assert!(
            news(&bad, &better).starts_with("warning dc-ldap dc2: dc2 is warning (was broken)")
        );
    }

    #[test]
    fn what_is_found_of_nothing_before_is_told_and_that_it_is_gone() {
        let rival = found(&[("broken", "spn-unique", "HTTP/a")]);
        let none = found(&[("ok", "spn-unique", "svc")]);
        assert!(news(&none, &rival).starts_with("broken spn-unique HTTP/a: "));
        assert_eq!(
            news(&rival, &none),
            "gone spn-unique HTTP/a: no longer found (was broken)"
        );
    }

    #[test]
    fn of_several_findings_of_one_thing_the_worst_counts() {
        let two = found(&[("warning", "dns-name", "a"), ("ok", "dns-name", "a")]);
        let turned = found(&[("ok", "dns-name", "a"), ("warning", "dns-name", "a")]);
        assert_eq!(news(&two, &two), "");
        assert_eq!(news(&two, &turned), "");
        let well = found(&[("ok", "dns-name", "a"), ("ok", "dns-name", "a")]);
        let told = "warning dns-name a: a is warning (was ok)\n  mend: mend a";
        assert_eq!(news(&well, &turned), told);
        assert_eq!(news(&turned, &well), "ok dns-name a: a is ok (was warning)");
    }
}
