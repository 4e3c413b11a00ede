//! What was seen and what follows from it, as sentences.

use keyroll::kerberos::Kvno;
use keyroll::name::{DcName, NodeName};
use keyroll::roll::recovery::{InForce, Issuer, Look, Verdict};
use keyroll_proto::operator as said;

use super::super::no::No;
use super::look::Seen;
use crate::ports::{NodeInventory, PortError};
use crate::store::ArrayRecord;

/// There is nothing to recover.
pub(super) fn current(array: &ArrayRecord) -> said::Recovery {
    said::Recovery {
        array: array.name.to_string(),
        verdict: "current".to_owned(),
        done: vec![format!(
            "{} needs nothing: no node has heard more than is known here",
            array.name
        )],
        ..said::Recovery::default()
    }
}

/// It was not recovered.
pub(super) fn refused(array: &ArrayRecord, no: No) -> said::Recovery {
    said::Recovery {
        array: array.name.to_string(),
        stale: array.stale.clone().unwrap_or_default(),
        refusal: Some(said::Refusal {
            code: no.code.to_owned(),
            object: array.name.to_string(),
            why: no.what,
            next: no.next,
        }),
        ..said::Recovery::default()
    }
}

/// What was found, and what was or would be done about it.
pub(super) fn recovered(seen: &Seen, verdict: &Verdict) -> said::Recovery {
    let array = &seen.array;
    let name = &array.name;
    let dcs = seen.dcs.iter().map(|(dc, look)| of_dc(seen, dc, look));
    let nodes = seen.nodes.iter().map(|(node, found)| of_node(node, found));
    let mut done = vec![in_force(verdict.in_force)];
    done.extend(roll(seen, verdict));
    let highest = seen.highest();
    done.push(format!(
        "keysets of {name} go on from {}, above all that a node was given; keys in keytabs that \
         are not known here stay until the next roll has drained",
        highest.version.next()
    ));
    if highest.epoch > seen.epoch {
        let epoch = highest.epoch.next();
        done.push(format!(
            "this controller speaks under epoch {epoch} from now on"
        ));
    }
    done.push(trusted(seen));
    let mut next = vec![format!("keyroll verify {name}")];
    if matches!(verdict.in_force, InForce::Unknown(_)) {
        next.push(format!("keyroll roll {name}"));
    }
    said::Recovery {
        array: name.to_string(),
        stale: array.stale.clone().unwrap_or_default(),
        seen: dcs.chain(nodes).collect(),
        verdict: word(verdict.in_force).to_owned(),
        done,
        next,
        refusal: None,
    }
}

/// The verdict's word in replies and in the audit.
pub(super) fn word(in_force: InForce) -> &'static str {
    match in_force {
        InForce::Recorded => "recorded",
        InForce::Roll => "roll",
        InForce::Before(_) => "before",
        InForce::Unknown(_) => "unknown",
    }
}

fn of_dc(seen: &Seen, dc: &DcName, look: &Result<Look, PortError>) -> String {
    let look = match look {
        Ok(look) => look,
        Err(error) => return format!("{dc} was not seen: {error}"),
    };
    let roll = seen.open.as_ref().map_or(0, |open| open.number.0);
    let whose = match look.key {
        Issuer::Recorded => "the key that is recorded as the one in force".to_owned(),
        Issuer::Roll => format!("the key of roll {roll}"),
        Issuer::Before => "the key before the one that is recorded".to_owned(),
        Issuer::Unknown => "a key that is not known here".to_owned(),
    };
    format!("{dc} issues with {whose} (kvno {})", look.kvno)
}

fn of_node(node: &NodeName, found: &Result<NodeInventory, PortError>) -> String {
    let found = match found {
        Ok(found) => found,
        Err(error) => return format!("{node} was not seen: {error}"),
    };
    let mut kvnos: Vec<Kvno> = found
        .targets
        .iter()
        .flat_map(|target| &target.entries)
        .map(|entry| entry.kvno)
        .collect();
    kvnos.sort_unstable();
    kvnos.dedup();
    let kvnos: Vec<String> = kvnos.iter().map(ToString::to_string).collect();
    let ready = match &found.ready {
        Ok(()) => "ready".to_owned(),
        Err(why) => format!("not ready ({why})"),
    };
    format!(
        "{node} has heard epoch {} and was given keyset {}; it holds kvno {}; {ready}",
        found.fence.epoch,
        found.fence.version,
        if kvnos.is_empty() {
            "-".to_owned()
        } else {
            kvnos.join(", ")
        }
    )
}

fn in_force(in_force: InForce) -> String {
    match in_force {
        InForce::Recorded => "the key that is recorded is in force; it stays so".to_owned(),
        InForce::Roll => "the key of the roll that was under way is in force".to_owned(),
        InForce::Before(kvno) => format!(
            "the key before the one that is recorded is in force (kvno {kvno}): it becomes the \
             recorded one"
        ),
        InForce::Unknown(kvno) => format!(
            "the key in force (kvno {kvno}) is not known here, and cannot be had from the nodes: \
             they keep their keytabs, and the next roll resets the account, with the new key on \
             every node first"
        ),
    }
}

fn roll(seen: &Seen, verdict: &Verdict) -> Option<String> {
    let open = seen.open.as_ref()?;
    let found = verdict.found.as_ref()?;
    Some(format!("roll {}: {}", open.number, found.sentence()))
}

/// Whom the old records trust: who was removed since is trusted again.
fn trusted(seen: &Seen) -> String {
    let names: Vec<String> = seen
        .nodes
        .iter()
        .map(|(node, _)| node.to_string())
        .collect();
    if names.is_empty() {
        return format!("{} has no node as far as is remembered", seen.array.name);
    }
    format!(
        "these nodes get its keys: {}; was one of them removed since, remove it again first",
        names.join(", ")
    )
}
