//! Planned: look at everything, then refuse with every reason at once, or make a password.

use std::collections::BTreeSet;
use std::time::Duration;

use super::evidence::{GAP, gap_not_accepted, longest_ticket, tickets_without_end, warnings};
use super::{Action, Decision, Step, wait};
use crate::account::AccountState;
use crate::kerberos::Kvno;
use crate::name::{DcName, NodeName};
use crate::roll::observed::{DcView, Issued, NoLogin, Observed, WhichKey};
use crate::roll::policy::OnDeadline;
use crate::roll::record::{Record, Refusal};
use crate::roll::story::human;
use crate::roll::{Cause, Plan, Roll};

/// A clock this far from the controller's would make tickets look premature or dead.
const CLOCK_LIMIT: Duration = Duration::from_secs(60);

/// What does not answer at once is asked again this many times before the roll is refused for it,
/// or goes on without it.
pub(super) const PATIENCE: u32 = 3;

pub(super) fn plan(roll: &Roll, observed: &Observed) -> Decision {
    let frame = roll.frame();
    let looks = looks_left(frame, observed);
    if !looks.is_empty() {
        return Decision::new(
            Step::Do(looks),
            "looking at the account, every DC and every node",
        );
    }
    let Some(Ok(account)) = &observed.account else {
        let why = match &observed.account {
            Some(Err(why)) => why.clone(),
            _ => "it was not read".to_owned(),
        };
        if observed.waits < PATIENCE {
            return wait(observed, format!("{} did not answer: {why}", frame.writer));
        }
        let next = "keyroll status (is the DC up, are the controller's credentials right?)";
        let reason = Refusal::new("directory-unreachable", &frame.writer, why, next);
        return refused(vec![reason]);
    };
    let reasons = refusals(frame, account, observed);
    let passing = |reason: &Refusal| reason.code.ends_with("-unreachable");
    let silent = reasons.iter().any(passing) || spared(frame, observed).next().is_some();
    if silent && observed.waits < PATIENCE {
        return wait(observed, "something did not answer; asking again");
    }
    if !reasons.is_empty() {
        return refused(reasons);
    }
    let Some(candidate) = &observed.candidate else {
        return Decision::new(
            Step::Do(vec![Action::Generate]),
            "nothing speaks against the roll",
        );
    };
    let generated = Record::Generated {
        sealed: candidate.sealed.clone(),
        fence_before: account.fence.clone(),
        fence: candidate.fence.clone(),
        kvno_before: account.kvno,
        kvno: account.kvno.next(),
        salt: account.salt_source.next_salt(),
        longest_ticket: longest_ticket(observed),
    };
    let mut why = "keeping the new password before anybody gets a key of it".to_owned();
    for warning in warnings(frame, observed) {
        why += &format!("; {warning}");
    }
    Decision::write(generated, why)
}

/// The silent domain controllers that an emergency does not wait for before it begins: the writer
/// alone must answer. Each is waited for before the roll's end, unless the old key goes at once.
fn spared<'a>(frame: &'a Plan, observed: &'a Observed) -> impl Iterator<Item = &'a DcName> {
    let silent = |view: &DcView| matches!(view, DcView::Trouble(_));
    let spares = |dc: &DcName| frame.cause == Cause::Emergency && *dc != frame.writer;
    let dcs = observed.dcs.iter();
    dcs.filter(move |(dc, view)| silent(view) && spares(dc))
        .map(|(dc, _)| dc)
}

fn refused(reasons: Vec<Refusal>) -> Decision {
    let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let why = format!(
        "refusing: {}",
        codes.into_iter().collect::<Vec<_>>().join(", ")
    );
    Decision::write(Record::Refused { reasons }, why)
}

fn looks_left(frame: &Plan, observed: &Observed) -> Vec<Action> {
    let account = observed.account.is_none().then_some(Action::LookAtAccount);
    let dcs = frame
        .dcs
        .iter()
        .filter(|dc| !observed.dcs.contains_key(*dc));
    let nodes = frame
        .members
        .iter()
        .filter(|node| !observed.nodes.contains_key(*node));
    account
        .into_iter()
        .chain(dcs.cloned().map(Action::LookAtDc))
        .chain(nodes.cloned().map(Action::LookAtNode))
        .collect()
}

/// Every reason against the roll that was seen.
fn refusals(frame: &Plan, account: &AccountState, observed: &Observed) -> Vec<Refusal> {
    let mut reasons = frame.account_refusals(account);
    reasons.extend(too_soon(frame));
    reasons.extend(gap_not_accepted(frame, account, observed));
    reasons.extend(tickets_without_end(frame, observed));
    let spared: BTreeSet<&DcName> = spared(frame, observed).collect();
    let silent =
        |(dc, view): (&DcName, &DcView)| matches!(view, DcView::Trouble(_)) && !spared.contains(dc);
    // A roll mends an expired password, if only a KDC still gives the tickets that prove it. One
    // that is not waited for need not.
    let unproven = observed.dcs.iter().any(silent);
    reasons.extend(account.password_expired().filter(|_| unproven));
    let hidden = spared.first().copied();
    reasons.extend(writer_behind(frame, account.kvno, observed, hidden));
    // An account that no KDC gives tickets for explains what the DCs say; say it once.
    let passing = [
        "minimum-age",
        "too-soon",
        "kvno-differs",
        "tickets-without-end",
        GAP,
    ];
    let explained = reasons
        .iter()
        .any(|reason| !passing.contains(&reason.code.as_str()));
    for (dc, view) in &observed.dcs {
        match view {
            DcView::Issues(issued) => {
                reasons.extend(dc_refusals(frame, account.kvno, dc, issued));
                reasons.extend(no_login(frame, dc, issued));
            }
            DcView::Trouble(_) if explained || spared.contains(dc) => {}
            DcView::Trouble(why) => reasons.push(Refusal::new(
                "dc-unreachable",
                dc,
                format!("it gave no service ticket: {why}"),
                "keyroll status; an unproven DC could refuse or issue with another key",
            )),
        }
    }
    reasons.extend(node_refusals(frame, observed));
    reasons
}

/// Two passwords within the life of a ticket leave S4U2Proxy evidence that no KDC can open, since
/// the directory keeps few old keys (MS-SAMR 3.1.1.8.11.6). An emergency does not wait.
fn too_soon(frame: &Plan) -> Option<Refusal> {
    let why = || {
        format!(
            "tickets from before its last password may live for another {}; the nodes keep the \
             keys for them",
            human(frame.cool_down)
        )
    };
    (!frame.cool_down.is_zero() && frame.cause != Cause::Emergency).then(|| {
        let next = format!("keyroll roll {} then, or with --emergency now", frame.array);
        Refusal::new("too-soon", &frame.array, why(), next)
    })
}

/// A writer that has not heard of the last password, or was set back, would give the new one a
/// number that another key has already: staged, it would take that key from the nodes while other
/// domain controllers issue under it. With a base every DC is compared with that; without, or where
/// one that is silent (`hidden`) is not waited for, nothing else shows it.
///
/// Where all of them were seen and none is ahead, nobody issues under such a key any more.
fn writer_behind(
    frame: &Plan,
    kvno: Kvno,
    observed: &Observed,
    hidden: Option<&DcName>,
) -> Option<Refusal> {
    let ahead = observed.dcs.iter().find_map(|(dc, view)| match view {
        DcView::Issues(issued) if frame.base.is_none() && issued.kvno > kvno => {
            Some(format!("{dc} issues under kvno {}", issued.kvno))
        }
        _ => None,
    });
    let newest = frame.leftovers.iter().map(|left| left.kvno).max();
    let newest = newest.filter(|newest| *newest > kvno);
    let perhaps = newest.zip(hidden).map(|(newest, dc)| {
        format!("the array has come to kvno {newest}, which {dc}, silent now, may issue under")
    });
    let seen = ahead.or(perhaps)?;
    let why = format!(
        "it lags behind, or was set back: it says kvno {kvno}, and {seen}; a password written here \
         would get the number of another key, and take that from the nodes"
    );
    let next = format!(
        "repadmin /replsummary (or samba-tool drs showrepl); keyroll verify {}, then roll again",
        frame.array
    );
    Some(Refusal::new("kvno-differs", &frame.writer, why, next))
}

fn dc_refusals(frame: &Plan, kvno: Kvno, dc: &DcName, issued: &Issued) -> Vec<Refusal> {
    let mut reasons = Vec::new();
    if let Some(base) = frame.base {
        let older = issued.key == WhichKey::Foreign && issued.kvno < base.kvno;
        if older {
            reasons.push(Refusal::new(
                "kvno-differs",
                dc,
                format!(
                    "its tickets carry kvno {}, older than the array's {}: it has not heard of the \
                     last password yet, or was set back",
                    issued.kvno, base.kvno
                ),
                format!("keyroll verify {}, then roll again", frame.array),
            ));
        } else if issued.key == WhichKey::Foreign && !frame.has_key_of(issued.enctype) {
            reasons.push(Refusal::new(
                "enctype-foreign",
                dc,
                format!(
                    "its tickets are of enctype {}, of which no keytab has a key: nobody can say \
                     under which key they are",
                    issued.enctype
                ),
                format!(
                    "keyroll verify {} (it names the value of msDS-SupportedEncryptionTypes to \
                     set), then roll again",
                    frame.array
                ),
            ));
        } else if issued.key != WhichKey::Base {
            reasons.push(Refusal::new(
                "key-foreign",
                dc,
                format!(
                    "its tickets (kvno {}) do not open with the key in force here (kvno {}): \
                     somebody else set the password",
                    issued.kvno, base.kvno
                ),
                format!("keyroll verify {}", frame.array),
            ));
        } else if issued.kvno != base.kvno || (*dc == frame.writer && kvno != base.kvno) {
            reasons.push(Refusal::new(
                "kvno-differs",
                dc,
                format!(
                    "tickets carry kvno {}, the directory says {kvno}, the array holds {}: a \
                     change is still replicating, or somebody set the password again",
                    issued.kvno, base.kvno
                ),
                format!("keyroll verify {}, then roll again", frame.array),
            ));
        }
    }
    if issued.clock_offset > CLOCK_LIMIT {
        reasons.push(clock_off(dc, issued.clock_offset));
    }
    reasons
}

/// Who may not log in gets tickets for its services all the same. But no login would prove the new
/// key then: the roll would wait for ever. An emergency takes a ticket for a proof, and a new
/// password cures an expired one.
fn no_login(frame: &Plan, dc: &DcName, issued: &Issued) -> Option<Refusal> {
    let why = match issued.no_login.as_ref()? {
        NoLogin::Barred(why) if frame.cause != Cause::Emergency => why,
        NoLogin::Barred(_) | NoLogin::Expired(_) => return None,
    };
    let what = format!(
        "the account may not log in there with the key in force, and logging in is how the new one \
         is proven: {why}"
    );
    let next =
        "look at its logonHours, userWorkstations and authentication policy, then roll again";
    Some(Refusal::new("login-refused", dc, what, next))
}

/// A clock that is too far off, whose ever it is.
#[must_use]
pub fn clock_off(object: impl ToString, offset: Duration) -> Refusal {
    Refusal::new(
        "clock-off",
        object,
        format!(
            "its clock differs from this controller's by {} s, more than {} s",
            offset.as_secs(),
            CLOCK_LIMIT.as_secs()
        ),
        "chronyc tracking (or w32tm /query /status) on both, then roll again",
    )
}

fn node_refusals(frame: &Plan, observed: &Observed) -> Vec<Refusal> {
    let mut reasons = Vec::new();
    let mut ready: BTreeSet<NodeName> = BTreeSet::new();
    for (node, view) in &observed.nodes {
        let required = frame.policy.gate.requires(node);
        let waits = frame.policy.on_deadline == OnDeadline::Quarantine;
        match &view.trouble {
            // It answered, and said what keeps it from taking keys.
            Some(_) if required && !waits && !view.refusals.is_empty() => {
                reasons.extend(view.refusals.iter().cloned());
            }
            Some(why) if required && !waits => reasons.push(Refusal::new(
                "node-unreachable",
                node,
                format!("it is not ready for keys: {why}"),
                format!(
                    "systemctl status keyroll-agent on it, or keyroll node quarantine {} {node}",
                    frame.array
                ),
            )),
            Some(_) => {}
            None if required || view.refusals.is_empty() => {
                reasons.extend(view.refusals.iter().cloned());
                ready.insert(node.clone());
            }
            None => {}
        }
    }
    let all_ready = reasons.is_empty();
    let lenient = frame.policy.on_deadline == OnDeadline::Quarantine;
    let opens = frame.policy.gate.opens(&frame.members, &ready);
    let goes_on_without = lenient && !ready.is_empty();
    if all_ready && !opens && !goes_on_without {
        reasons.push(Refusal::new(
            "gate-shut",
            &frame.array,
            format!(
                "{} of {} nodes answer, which the gate policy `{}` does not accept",
                ready.len(),
                frame.members.len(),
                frame.policy.gate
            ),
            format!("keyroll node list {}", frame.array),
        ));
    }
    reasons
}
