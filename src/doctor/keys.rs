//! The same key everywhere: in the directory, in fresh tickets, on every node.
//!
//! A kvno proves nothing: two domain controllers can have one kvno and two keys. So what is
//! compared is which key opens a ticket and the fingerprints of keytab entries.

mod tickets;

use std::collections::BTreeSet;

use self::tickets::seen;
use super::account::set_enctypes;
use super::facts::{DcFacts, Facts, KeytabFacts, NodeFacts, ProofFacts, TicketFacts};
use super::finding::{Check, Finding};
use crate::kerberos::Enctype;
use crate::keytab::compare::Shortfall;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "key-known",
        looks_at: "whether the controller has the key in force, and a memory that is not old",
        means: "nothing can be proven, and nothing is looked after",
        mends: "a first roll after an adoption; `keyroll recover` after a restore",
        look: known,
    },
    Check {
        id: "key-tickets",
        looks_at: "a fresh service ticket of every domain controller: whose key it is under",
        means: "foreign: somebody else set the password, no node opens new tickets \
                (KRB_AP_ERR_MODIFIED); an earlier key: that domain controller was set back or cut \
                off; none: clients of that KDC get none either",
        mends: "foreign: stop whoever it was, then an emergency roll; earlier: replication",
        look: tickets::of_ours,
    },
    Check {
        id: "key-kvno",
        looks_at: "msDS-KeyVersionNumber of every domain controller, its tickets' kvno, the \
                   journal's",
        means: "acceptors that look a key up by its kvno find none: the password was set outside \
                of keyroll, a DC was restored, or has not caught up",
        mends: "below the journal's: replication; above, with a foreign key: an emergency roll; \
                above, with the array's key: the controller's next look",
        look: tickets::kvnos,
    },
    Check {
        id: "key-enctype",
        looks_at: "the enctype that tickets really have against the enctypes in keytabs",
        means: "no keytab has a key of that enctype, so no node opens the ticket, whatever its \
                kvno; or one file is told to leave that enctype out",
        mends: "msDS-SupportedEncryptionTypes, then a roll; `enctypes` of that file's target in \
                the agent's settings",
        look: enctypes,
    },
    Check {
        id: "key-keytabs",
        looks_at: "every entry of every keytab of every node, by fingerprint",
        means: "logins fail on that node alone, so behind a balancer every n-th",
        mends: "keyroll writes it again by itself; if not, see the node",
        look: keytabs,
    },
    Check {
        id: "key-accepted",
        looks_at: "a fresh ticket, shown to every node's keytabs as a client would",
        means: "the node refuses users who come with a new ticket",
        mends: "see what the node says; a node that lags behind gets its keys by itself",
        look: accepted,
    },
];

fn known(facts: &Facts) -> Vec<Finding> {
    let array = &facts.array;
    let mut found = Vec::new();
    if let Some(why) = &array.stale {
        found.push(
            Finding::broken(
                &array.name,
                format!("the controller's memory of it is old: {why}"),
            )
            .because("it was restored from a backup or a snapshot; the array is left alone")
            .mend(format!("keyroll recover {} --dry-run", array.name)),
        );
    }
    if let Some((number, why)) = array
        .roll
        .as_ref()
        .and_then(|roll| Some((roll.number, roll.halted.as_ref()?)))
    {
        found.push(
            Finding::broken(&array.name, format!("roll {number} is halted: {why}"))
                .because("it waits for an operator's word; nodes keep what they have")
                .mend(format!("keyroll roll status {}", array.name)),
        );
    }
    if !found.is_empty() {
        return found;
    }
    vec![match array.kvno {
        Some(kvno) => Finding::ok(&array.name, format!("kvno {kvno}")),
        None => Finding::warning(&array.name, "nobody has told the controller today's key")
            .because("it was adopted without a credential: the first roll is a reset")
            .mend(format!("keyroll roll {}", array.name)),
    }]
}

/// Every enctype that stands in a keytab of some node; empty if none could be seen.
fn keytab_enctypes(facts: &Facts) -> BTreeSet<Enctype> {
    let looks = facts
        .nodes
        .iter()
        .filter_map(|node| node.look.as_ref().ok());
    let keytabs = looks.flat_map(|look| &look.keytabs);
    keytabs
        .flat_map(|keytab| keytab.enctypes.iter().copied())
        .collect()
}

fn enctypes(facts: &Facts) -> Vec<Finding> {
    let held = keytab_enctypes(facts);
    if held.is_empty() {
        return Vec::new();
    }
    let names = held
        .iter()
        .map(|enctype| enctype.name())
        .collect::<Vec<_>>();
    let names = names.join(", ");
    let judge = |(dc, ticket): (&DcFacts, &TicketFacts)| {
        let issued = Enctype::name_of(ticket.enctype);
        let evidence = format!("tickets {issued}; keytabs {names}");
        match Enctype::from_number(ticket.enctype) {
            Some(enctype) if held.contains(&enctype) => Finding::ok(&dc.name, evidence),
            _ => Finding::broken(&dc.name, evidence)
                .because(
                    "no node has a key of that enctype: acceptors find none in the keytab, or \
                     say KRB_AP_ERR_MODIFIED. msDS-SupportedEncryptionTypes names it, or names \
                     none and the KDC falls back to RC4",
                )
                .mend(set_enctypes(facts)),
        }
    };
    seen(facts).map(judge).chain(left_out(facts)).collect()
}

/// The files that lack the tickets' enctype because they are told to.
fn left_out(facts: &Facts) -> impl Iterator<Item = Finding> {
    let numbers = seen(facts).map(|(_, ticket)| ticket.enctype);
    let issued: BTreeSet<Enctype> = numbers.filter_map(Enctype::from_number).collect();
    let looks = facts.nodes.iter().filter_map(|node| {
        let look = node.look.as_ref().ok()?;
        Some(look.keytabs.iter().map(|keytab| (&node.name, keytab)))
    });
    looks.flatten().filter_map(move |(node, keytab)| {
        let enctype = keytab.left_out.intersection(&issued).next()?.name();
        let object = format!("{node}:{}", keytab.path);
        let needed = keytab.enctypes.union(&keytab.left_out);
        let needed: Vec<String> = needed.map(|one| format!("\"{}\"", one.name())).collect();
        let finding = Finding::broken(object, format!("tickets {enctype}; it leaves that out"))
            .because(
                "`enctypes` of this target in the node's keyroll-agent.toml does not name it: \
                 whoever reads this file opens no ticket",
            )
            .mend(format!(
                "enctypes = [{}] (in the lines of that target in keyroll-agent.toml on {node}), \
                 then systemctl restart keyroll-agent (on {node}), then keyroll verify {}",
                needed.join(", "),
                facts.array.name
            ));
        Some(finding)
    })
}

fn keytabs(facts: &Facts) -> Vec<Finding> {
    let each = facts.nodes.iter().filter_map(|node| {
        let look = node.look.as_ref().ok()?;
        let one = |keytab| keytab_of(facts, node, keytab);
        Some(look.keytabs.iter().map(one).collect::<Vec<_>>())
    });
    each.flatten().collect()
}

fn keytab_of(facts: &Facts, node: &NodeFacts, keytab: &KeytabFacts) -> Finding {
    let object = format!("{}:{}", node.name, keytab.path);
    let again = rewrite(facts, node);
    if let Some(trouble) = &keytab.trouble {
        // How bad that is stands where the nodes' files are.
        let cause = "a file that cannot be read says nothing of its keys; see node-keytab-file";
        return Finding::undecided(object, trouble, cause).mend(again);
    }
    let Some(wrong) = &keytab.wrong else {
        return Finding::ok(
            object,
            format!("{} enctypes, all keys right", keytab.enctypes.len()),
        );
    };
    let (grade, cause): (fn(_, String) -> _, _) = match wrong {
        Shortfall::Lacks(_) => (
            Finding::broken,
            "this node opens no ticket under that key (KRB_AP_ERR_NOKEY or KRB_AP_ERR_BADKEYVER, \
             \"keytab is likely out of date\"): the file was restored, replaced or removed",
        ),
        Shortfall::WrongKey(_) => (
            Finding::broken,
            "this node answers KRB_AP_ERR_MODIFIED (\"cannot decrypt ticket\") although the kvno \
             is right: the keytab was made from another password or salt (ktpass, ktutil)",
        ),
        Shortfall::StillHolds(_) => (
            Finding::warning,
            "it opens tickets that nobody should have any more; the next look removes it",
        ),
    };
    grade(object, wrong.to_string()).because(cause).mend(again)
}

/// What has the controller write a node's keytabs again, now and not at its next look.
pub(super) fn rewrite(facts: &Facts, node: &NodeFacts) -> String {
    let (array, name) = (&facts.array.name, &node.name);
    format!("keyroll verify {array}, then keyroll node show {array} {name}")
}

fn accepted(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in &facts.nodes {
        let Some(Ok(proofs)) = &node.proofs else {
            // That a node does not answer is told where contact is.
            continue;
        };
        for ProofFacts { path, verdict } in proofs {
            let object = format!("{}:{path}", node.name);
            found.push(match verdict {
                Ok(kvno) => Finding::ok(object, format!("a fresh ticket, kvno {kvno}")),
                Err(why) => Finding::broken(object, why)
                    .because("users with a fresh ticket are refused by this node, and by no other")
                    .mend(rewrite(facts, node)),
            });
        }
    }
    found
}
