//! The nodes: contact, readiness, and files that others write to.

use std::net::IpAddr;

use super::facts::{Facts, LoopBackCheck, NodeFacts, NodeLook, OwnName, UnseenKind};
use super::finding::{Check, Finding};
use super::keys::rewrite;
use crate::shell::quoted;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "node-contact",
        looks_at: "whether every node's agent answers the controller",
        means: "it gets no new keys: the next roll waits for it or goes on without it, and then \
                the node refuses new tickets",
        mends: "start the agent, open its port",
        look: contact,
    },
    Check {
        id: "node-ready",
        looks_at: "what the node's health endpoint tells the balancer, and its quarantine",
        means: "the balancer keeps users away from it",
        mends: "by the reason given; a quarantine is ended by hand",
        look: ready,
    },
    Check {
        id: "node-keytab-file",
        looks_at: "whether every keytab file can be read and written, and has the owner, mode and \
                   entries that keyroll gave it",
        means: "the service cannot read its keys, or others can: a readable keytab is the account",
        mends: "`keyroll-agent check` on the node says more; if others could read it: an \
                emergency roll",
        look: files,
    },
    Check {
        id: "node-leftovers",
        looks_at: "copies of keytabs beside them, and folders in which others may replace them",
        means: "a copy is a key that nobody looks after: who reads it has the account; and who \
                writes to the folder gives the service another keytab",
        mends: "remove the copies; the folder's mode; if others could read them: an emergency roll",
        look: leftovers,
    },
    Check {
        id: "node-hooks",
        looks_at: "whether the hooks of every node have succeeded since its keytabs were written",
        means: "a service that reads its keytab only at its start does not know the new key; the \
                node does not count as having it, and rolls wait for it",
        mends: "what the hook says; the agent runs it again by itself",
        look: hooks,
    },
    Check {
        id: "node-loop-back",
        looks_at: "whether the node's own resolver leads the array's names to the node itself: by \
                   its hosts file, or since the balancer's address is on an interface of its own",
        means: "whoever calls the array's name on the node never comes past the balancer; Windows \
                refuses such logins (the loop-back check: 401.1, event 4625 with 0xC000006D), and \
                where the address is a loop-back address, MIT's programs ask for a ticket of the \
                name that it leads back to, localhost",
        mends: "on Windows BackConnectionHostNames with the array's names; elsewhere another \
                address in the hosts file",
        look: loop_back,
    },
];

fn contact(facts: &Facts) -> Vec<Finding> {
    let name = &facts.array.name;
    if facts.nodes.is_empty() {
        return vec![
            Finding::warning(name, "it has no node that has joined")
                .because("nobody holds its key")
                .mend(format!("keyroll node add {name} NODE")),
        ];
    }
    facts
        .nodes
        .iter()
        .map(|node| contact_with(facts, node))
        .collect()
}

fn contact_with(facts: &Facts, node: &NodeFacts) -> Finding {
    let name = &node.name;
    match &node.look {
        Ok(look) => Finding::ok(name, format!("answers, keyset {}", look.versions.0)),
        Err(unseen) if unseen.kind == UnseenKind::Refused => Finding::broken(name, &unseen.why)
            .because("its certificate, or its settings: the agent is there and does not agree")
            .mend(format!("keyroll-agent check (on {name})")),
        Err(unseen) => Finding::broken(name, &unseen.why)
            .because(
                "the node is down, its agent is, or a firewall is in between; what it holds stays \
                 and goes on working until the next roll",
            )
            .mend(format!(
                "systemctl start keyroll-agent (on {name}; Windows: sc start keyroll-agent; if it \
                 runs, look for a firewall), then keyroll node show {} {name}",
                facts.array.name
            )),
    }
}

/// The nodes that answer.
fn looks(facts: &Facts) -> impl Iterator<Item = (&NodeFacts, &NodeLook)> {
    let nodes = facts.nodes.iter();
    nodes.filter_map(|node| Some((node, node.look.as_ref().ok()?)))
}

fn ready(facts: &Facts) -> Vec<Finding> {
    let array = &facts.array.name;
    let judge = |(node, look): (&NodeFacts, &NodeLook)| {
        let name = &node.name;
        if let Some(why) = &node.quarantined {
            return Finding::warning(name, format!("quarantined: {why}"))
                .because("it is kept out of service and out of rolls until somebody takes it back")
                .mend(format!("keyroll node resume {array} {name}"));
        }
        match &look.ready {
            Ok(()) => Finding::ok(name, "its health endpoint says ready"),
            Err(why) => Finding::warning(name, format!("its health endpoint says no: {why}"))
                .because("a balancer that asks it keeps users away; one that does not sends them")
                .mend(rewrite(facts, node)),
        }
    };
    looks(facts).map(judge).collect()
}

fn files(facts: &Facts) -> Vec<Finding> {
    let array = &facts.array.name;
    let mut found = Vec::new();
    for (node, look) in looks(facts) {
        if look.keytabs.is_empty() {
            let evidence = format!("no keytab is configured for {array}");
            found.push(
                Finding::broken(&node.name, evidence)
                    .because("the agent has nowhere to put the keys")
                    .mend(format!(
                        "name a [[array.target]] in keyroll-agent.toml, then keyroll-agent check \
                         (on {})",
                        node.name
                    )),
            );
        }
        for keytab in &look.keytabs {
            let object = format!("{}:{}", node.name, keytab.path);
            found.push(match (&keytab.trouble, keytab.drifted) {
                (Some(why), _) => Finding::broken(object, why)
                    .because("the agent cannot keep the keys there; the service may not read them")
                    .mend(format!(
                        "keyroll verify {array} (writes it again), then keyroll-agent check (on \
                         {})",
                        node.name
                    )),
                (None, true) => Finding::warning(
                    object,
                    "it has not the owner, mode or entries keyroll gave it",
                )
                .because("somebody else wrote to it; the next look puts it right")
                .mend(rewrite(facts, node)),
                (None, false) => Finding::ok(object, "as keyroll wrote it"),
            });
        }
    }
    found
}

fn leftovers(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, look) in looks(facts) {
        for keytab in &look.keytabs {
            let object = format!("{}:{}", node.name, keytab.path);
            if let Some(why) = &keytab.folder_trouble {
                found.push(
                    Finding::warning(&object, why)
                        .because("whoever does that has users log in with keys of their own")
                        .mend(format!(
                            "{} (on {}), then keyroll doctor {}",
                            close_folder(&keytab.path),
                            node.name,
                            facts.array.name
                        )),
                );
            }
            for copy in &keytab.leftovers {
                found.push(
                    Finding::warning(&object, format!("{copy} is a keytab beside it"))
                        .because(
                            "a backup, or what was left of an interrupted replacement: it holds \
                             keys, perhaps today's, and nobody looks after it",
                        )
                        .mend(format!(
                            "{} (on {}; if others could read it, also: keyroll roll {} \
                             --emergency), then keyroll doctor {2}",
                            if is_of_windows(copy) {
                                format!("del \"{copy}\"")
                            } else {
                                format!("rm {}", quoted(copy))
                            },
                            node.name,
                            facts.array.name
                        )),
                );
            }
            if keytab.folder_trouble.is_none() && keytab.leftovers.is_empty() {
                found.push(Finding::ok(object, "alone in a folder of its own"));
            }
        }
    }
    found
}

/// What keeps others from changing the folder in which a keytab lies.
fn close_folder(keytab: &str) -> String {
    let separator = if is_of_windows(keytab) { '\\' } else { '/' };
    let folder = keytab
        .rsplit_once(separator)
        .map_or("", |(folder, _)| folder);
    if is_of_windows(keytab) {
        // SYSTEM and Administrators; the account of the service reads the keytab by its own list.
        format!(
            "icacls \"{folder}\" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F \
             *S-1-5-32-544:(OI)(CI)F"
        )
    } else {
        format!("chmod g-w,o-w {}", quoted(folder))
    }
}

/// Whether a path is one of Windows: paths of other systems begin with a stroke.
fn is_of_windows(path: &str) -> bool {
    !path.starts_with('/')
}

fn hooks(facts: &Facts) -> Vec<Finding> {
    let judge = |(node, look): (&NodeFacts, &NodeLook)| match &look.hook_trouble {
        None => Finding::ok(&node.name, "no hook is due"),
        Some(why) => Finding::warning(&node.name, why)
            .because(
                "its services may not know the new keys; the node counts as not having them, so \
                 a roll waits for it, and its gate is shut if they are needed",
            )
            .mend(format!(
                "put right what the hook says (on {}), then keyroll verify {} (has it run again)",
                node.name, facts.array.name
            )),
    };
    looks(facts).map(judge).collect()
}

fn loop_back(facts: &Facts) -> Vec<Finding> {
    let each = facts.nodes.iter().flat_map(|node| {
        // What has the node's own name leads to it, and is the machine's for Windows, too.
        let of_array = |own: &&OwnName| !names(&own.host, node.name.as_str());
        let own: Vec<&OwnName> = node.around.own_names.iter().filter(of_array).collect();
        let refused = own
            .iter()
            .filter(|own| own.check == LoopBackCheck::Refuses)
            .map(|own| own.host.as_str());
        let refused = refused.collect::<Vec<_>>().join(",");
        let judge = move |own: &OwnName| loop_back_of(facts, node, own, &refused);
        own.into_iter().map(judge).collect::<Vec<_>>()
    });
    each.collect()
}

/// Whether a host is the one of this name, in full or in short.
fn names(host: &str, name: &str) -> bool {
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
    first(host) == first(name)
}

/// What takes a name from the line of an address in the hosts file, wherever in the line it is.
fn out_of_hosts(host: &str, address: IpAddr) -> String {
    let pattern = |text: &str| text.replace('.', r"\.");
    let (line, name) = (pattern(&address.to_string()), pattern(host));
    format!(r"sed -i -E '/^\s*{line}\s/s/\s{name}(\s|$)/\1/I' /etc/hosts")
}

fn loop_back_of(facts: &Facts, node: &NodeFacts, own: &OwnName, refused: &str) -> Finding {
    let (name, array) = (&node.name, &facts.array.name);
    let OwnName { host, address, .. } = own;
    let evidence = format!("{host} leads to the node itself ({address})");
    match own.check {
        LoopBackCheck::Refuses => Finding::warning(name, evidence)
            .because(format!(
                "Windows refuses logins on {name} to itself under a name that is not the \
                 machine's, whatever the ticket: programs there that call the array's name get 401"
            ))
            .mend(format!(
                "reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\MSV1_0 /v \
                 BackConnectionHostNames /t REG_MULTI_SZ /s , /d {refused} (on {name}; with the \
                 names that it has already), then iisreset; for every name at once: \
                 DisableLoopbackCheck = 1 in Control\\Lsa, and a restart of the machine"
            )),
        LoopBackCheck::None if address.is_loopback() => Finding::warning(name, evidence)
            .because(
                "programs on the node that call the array's name never come past the balancer; \
                 MIT's ask for a ticket of the name that the address leads back to, localhost, \
                 unless krb5.conf has dns_canonicalize_hostname = false",
            )
            .mend(format!(
                "{} (on {name}), then keyroll doctor {array}",
                out_of_hosts(host, *address)
            )),
        LoopBackCheck::None | LoopBackCheck::Exempt => Finding::ok(name, evidence),
    }
}
