//! SPNs come and go while users log in, with an operator's own rights.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::cli::{Complaint, Said};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::bound::{as_administrator, as_alice};
use crate::gap::{self, Asking};
use crate::set_up::{LIFE, QUICK};

mod abroad;
mod owned;
mod twice;

pub use abroad::of_another_forest;
pub use owned::{that_the_controller_may_not_register, that_two_strangers_have};
pub use twice::that_two_domain_controllers_gave;

const ARRAY: &str = "called";
const RIVAL: &str = "svc-rival";

/// A name that is added is accepted by every node from its first ticket on; one that is moved, too;
/// one that is removed as long as a ticket for it can be alive. Nobody else notices.
pub fn are_added_moved_and_removed(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    world
        .domain()
        .account(RIVAL, &["HTTP/moved.corp.example"])?;
    let users = world.users(ARRAY, LIFE)?;
    let names = Names { world: &world, lab };

    let added = names.change("add", "HTTP/added.corp.example")?;
    names.accepted_everywhere("added.corp.example")?;
    // The other domain controller hears of it within seconds.
    until("the new name to be well everywhere", SOON, || {
        let grades = names.checked("HTTP/added.corp.example")?;
        ensure!(grades.iter().all(|grade| grade == "ok"), "{grades:?}");
        Ok(())
    })?;

    let asking = Asking::begin(&world, "HTTP/moved.corp.example")?;
    names.change("move", "HTTP/moved.corp.example")?;
    gap::tell(asking.gap()?);
    names.accepted_everywhere("moved.corp.example")?;
    let left = world
        .domain()
        .attribute("dc1", RIVAL, "servicePrincipalName")?;
    ensure!(left.is_empty(), "{RIVAL} still has {left:?}");

    let held = HeldTicket::fetch_from(lab, "dc1", "added.corp.example", 60)?;
    let removed = names.change("remove", "HTTP/added.corp.example")?;
    let told = names.examined("HTTP/added.corp.example")?;
    ensure!(told == ["ok"], "the doctor finds what was removed {told:?}");
    let refused = HeldTicket::fetch_from(lab, "dc1", "added.corp.example", 60);
    ensure!(refused.is_err(), "tickets for it are still issued");
    for node in &world.nodes {
        held.log_in(node)
            .context("a ticket from before it was removed")?;
    }
    until("the keytabs to lose it", SOON, || {
        let state = names.state("HTTP/added.corp.example")?;
        ensure!(state.is_none(), "it is {state:?}");
        Ok(())
    })
    .with_context(|| world.story())?;
    // Not by a login: an acceptor without a name takes the account's key under any name.
    until("the nodes to have lost it", SOON, || {
        names.in_no_keytab("HTTP/added.corp.example")
    })
    .with_context(|| world.story())?;

    // Keys first, also for what is taken back.
    let no = names.complaint(&["change", "undo", &removed])?;
    ensure!(
        no.code == "keys-missing" && no.next.contains("spn add"),
        "{no:?}"
    );
    let no = names.complaint(&["change", "undo", &added])?;
    ensure!(no.code == "not-applied", "{no:?}");
    let again = names.change("add", "HTTP/added.corp.example")?;
    names.ask(&["change", "undo", &again])?.reply()?;
    let state = names.state("HTTP/added.corp.example")?;
    ensure!(state.as_deref() == Some("leaving"), "{state:?}");
    users.stop()?.none_failed()?;
    world.cli.run(&["audit", "verify"])?;
    world.verify(ARRAY)
}

/// Names that somebody has, or that look like it; no right, no name at all.
pub fn that_cannot_be_had(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["refused"])?;
    world.create("refused", QUICK)?;
    world.serve("refused")?;
    let owner = "svc-owner";
    world.domain().account(
        owner,
        &["HTTP/owned.corp.example", "HOST/hosted.corp.example"],
    )?;
    world.domain().modify(&format!(
        "dn: CN={owner},CN=Users,DC=corp,DC=example\nchangetype: modify\n\
         add: servicePrincipalName\nservicePrincipalName: HTTP/l\u{43e}\u{43e}k.corp.example\n"
    ))?;
    let names = Names { world: &world, lab };
    let add = |spn: &'static str| names.complaint(&["spn", "add", "refused", spn]);
    for (spn, exit, code, words) in [
        (
            "HTTP/owned.corp.example",
            1,
            "spn-duplicate",
            "CN=svc-owner",
        ),
        (
            "http/OWNED.corp.example",
            1,
            "spn-duplicate",
            "CN=svc-owner",
        ),
        (
            "HTTP/look.corp.example",
            1,
            "spn-look-alike",
            "CN=svc-owner",
        ),
        ("HTTP/we b", 65, "bad-spn", "a blank"),
        ("HTTP/web:99999", 65, "bad-spn", "the port"),
        ("HTTP", 65, "bad-spn", "the host"),
    ] {
        let no = add(spn)?;
        ensure!(
            (no.exit, no.code.as_str()) == (exit, code) && no.message.contains(words),
            "{spn}: {no:?}"
        );
    }
    // Nothing of all this was written down, and no node got a key.
    let changes = world.cli.run(&["change", "list"])?;
    ensure!(
        changes["changes"].as_array().is_none_or(Vec::is_empty),
        "{changes}"
    );
    let listed = world.cli.run(&["spn", "list", "refused"])?;
    ensure!(
        listed["spns"]
            .as_array()
            .is_some_and(|spns| spns.len() == 1),
        "{listed}"
    );
    // HOST answers for it until it is somebody's: told, and not refused.
    let dry = [
        "spn",
        "add",
        "refused",
        "HTTP/hosted.corp.example",
        "--dry-run",
    ];
    let plan = world.cli.run(&dry)?;
    let notes = plan["notes"].to_string();
    ensure!(
        notes.contains("HOST/hosted.corp.example") && notes.contains(owner),
        "{plan}"
    );
    // Somebody without the right is told which one; the nodes have the keys already.
    let alice = as_alice(
        &world,
        &["spn", "add", "refused", "HTTP/later.corp.example", "--yes"],
    )?;
    let no = alice.complaint()?;
    ensure!(
        no.code == "change-refused"
            && no
                .message
                .contains("alice may not write servicePrincipalName of svc-refused$")
            && no
                .next
                .contains("keyroll spn remove refused HTTP/later.corp.example"),
        "{no:?}"
    );
    let listed = world.cli.run(&["spn", "list", "refused"])?;
    ensure!(listed.to_string().contains("prepared"), "{listed}");
    // Not with the controller's rights either, unless its settings let it: no node gets keys.
    let rights = ["--yes", "--with-controller-rights"];
    let line = [
        &["spn", "add", "refused", "HTTP/never.corp.example"],
        &rights[..],
    ]
    .concat();
    let no = world.cli.ask(&line)?.complaint()?;
    ensure!(
        no.exit == 77 && no.message.contains("controller-writes"),
        "{no:?}"
    );
    // What was never registered goes at once.
    let line = [
        "spn",
        "remove",
        "refused",
        "HTTP/later.corp.example",
        "--yes",
    ];
    let gone = as_alice(&world, &line)?.reply()?;
    ensure!(gone["forgotten"][0] == "HTTP/later.corp.example", "{gone}");
    until("the nodes to lose what was refused", SOON, || {
        let listed = world.cli.run(&["spn", "list", "refused"])?;
        let spns = listed["spns"].as_array();
        ensure!(spns.is_some_and(|spns| spns.len() == 1), "{listed}");
        // It is on record first, and then on the nodes.
        world.verify("refused")
    })
}

/// The verbs, as an administrator of the domain types them.
struct Names<'a> {
    world: &'a World<'a>,
    lab: &'a Lab,
}

impl Names<'_> {
    fn ask(&self, line: &[&str]) -> Result<Said> {
        as_administrator(self.world, line)
    }

    fn complaint(&self, line: &[&str]) -> Result<Complaint> {
        self.ask(line)?.complaint()
    }

    /// Adds, moves or removes a name; the number of the last change.
    fn change(&self, action: &str, spn: &str) -> Result<String> {
        let said = self.ask(&["spn", action, ARRAY, spn])?;
        let reply = said.reply().with_context(|| self.world.story())?;
        let last = reply["changes"].as_array().and_then(|all| all.last());
        let last = last.with_context(|| format!("no change: {reply}"))?;
        Ok(last["change"]["number"].to_string())
    }

    /// The first ticket for a host is accepted by every node.
    fn accepted_everywhere(&self, host: &str) -> Result<()> {
        let ticket = HeldTicket::fetch_from(self.lab, "dc1", host, 60)?;
        for node in &self.world.nodes {
            ticket.log_in(node).with_context(|| self.world.story())?;
        }
        Ok(())
    }

    /// No keytab of any node has an entry for it.
    fn in_no_keytab(&self, spn: &str) -> Result<()> {
        for agent in &self.world.agents {
            let mut klist = Command::new("klist");
            let listed = output(klist.arg("-k").arg(agent.keytab(ARRAY)))?;
            ensure!(!listed.contains(spn), "{}: {listed}", agent.node);
        }
        Ok(())
    }

    /// How far a name has come, if the array has it.
    fn state(&self, spn: &str) -> Result<Option<String>> {
        let listed = self.world.cli.run(&["spn", "list", ARRAY])?;
        let spns = listed["spns"].as_array().cloned().unwrap_or_default();
        let view = spns.into_iter().find(|view| view["spn"] == spn);
        Ok(view.map(|view| view["state"].as_str().unwrap_or_default().to_owned()))
    }

    /// What the doctor says of a name.
    fn examined(&self, spn: &str) -> Result<Vec<String>> {
        let said = self.world.cli.ask(&["doctor", ARRAY])?;
        let reply: Value =
            serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))?;
        let found = reply["findings"].as_array().cloned().unwrap_or_default();
        let of = found.iter().filter(|one| one["object"] == spn);
        let grades = of.map(|one| one["grade"].as_str().unwrap_or_default().to_owned());
        Ok(grades.collect())
    }

    /// The grades of everything that `spn check` says of a name, but of its host in DNS.
    fn checked(&self, spn: &str) -> Result<Vec<String>> {
        let said = self.world.cli.ask(&["spn", "check", ARRAY])?;
        let reply: Value =
            serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))?;
        let checks = reply["checks"].as_array().cloned().unwrap_or_default();
        let of = checks.iter().filter(|check| check["object"] == spn);
        let grades: Vec<String> = of
            .map(|check| check["grade"].as_str().unwrap_or_default().to_owned())
            .collect();
        // Registered, and a fresh ticket at each node.
        ensure!(
            grades.len() > self.world.nodes.len(),
            "too little is looked at: {reply}"
        );
        Ok(grades)
    }
}
