//! Who may act for whom, changed by an operator and tried with the array's own key.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;
use serde_json::Value;

use crate::bound::{as_administrator, as_alice};
use crate::set_up::QUICK;

/// Constrained delegation and protocol transition, on and off, and a roll of what delegates.
pub fn is_applied_tried_and_taken_back(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["acts"])?;
    world.create("acts", QUICK)?;
    world.serve("acts")?;
    world
        .domain()
        .account("svc-behind", &["HTTP/behind.corp.example"])?;
    let acting = Acting::new(&world, "acts", "HTTP/behind.corp.example");
    let before = acting.held()?;
    acting.may_not(&[])?;

    // A plan changes nothing and writes nothing down.
    let plan = acting.ask(&["plan", "--to", acting.to])?;
    let text = plan.to_string();
    ensure!(
        text.contains("functional level 4")
            && text.contains("add-service")
            && text.contains("each user who logs in to acts"),
        "{plan}"
    );
    ensure!(acting.changes()?.is_empty() && acting.held()? == before);

    // Somebody without the right is told the attribute.
    let wanted = ["delegation", "apply", "acts", "--to", acting.to, "--yes"];
    let no = as_alice(&world, &wanted)?.complaint()?;
    ensure!(
        no.code == "change-refused"
            && no
                .message
                .contains("alice may not write msDS-AllowedToDelegateTo of svc-acts$"),
        "{no:?}"
    );
    ensure!(acting.held()? == before);

    acting.change(&["apply", "--to", acting.to])?;
    acting.may(&[])?;
    acting.may_not(&["--user", "alice"])?;
    acting.change(&["apply", "--protocol-transition", "on"])?;
    acting.may(&["--user", "alice"])?;
    acting.rolls_when_somebody_says_so()?;
    // The account was looked at many times since: what was planned here is no stranger's change.
    let audit = world.cli.run(&["audit", "show", "--array", "acts"])?;
    ensure!(!audit.to_string().contains("delegation-changed"), "{audit}");
    acting.may(&["--user", "alice"])?;

    // The newest first; what somebody else has set beside it stays.
    let sensitive = ["user", "sensitive", "svc-acts$", "on"];
    world.domain().samba_tool(&sensitive)?;
    acting.change(&["undo"])?;
    world
        .domain()
        .samba_tool(&["user", "sensitive", "svc-acts$", "off"])?;
    acting.may_not(&["--user", "alice"])?;
    acting.may(&[])?;
    acting.change(&["undo"])?;
    acting.may_not(&[])?;
    ensure!(acting.held()? == before, "{:?}", acting.held()?);
    let no = as_administrator(&world, &["delegation", "undo", "acts"])?;
    ensure!(no.complaint()?.code == "unknown-change");
    acting.keeps_what_may_be_in_use(&before)?;
    world.cli.run(&["audit", "verify"])?;
    world.verify("acts")
}

/// Resource-based delegation, on a domain controller that refuses it and on one that takes it.
pub fn is_let_in_by_a_descriptor(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["enters"])?;
    let policy = [QUICK, &["--delegation-gap", "in-window"]].concat();
    world.create("enters", &policy)?;
    world.serve("enters")?;
    world
        .domain()
        .account("svc-target", &["HTTP/target.corp.example"])?;
    let acting = Acting::new(&world, "enters", "HTTP/target.corp.example");
    let wanted = ["--to", acting.to, "--way", "resource-based"];
    let apply = [&["delegation", "apply", "enters"][..], &wanted].concat();
    let no = as_administrator(&world, &apply)?.complaint()?;
    ensure!(
        no.code == "change-refused" && no.message.contains("can only be modified as system"),
        "{no:?}"
    );
    ensure!(acting.descriptor("svc-target")?.is_empty());

    acting.let_descriptors_be_written()?;
    let reply = acting.change(&[&["apply"], &wanted[..]].concat())?;
    let sids = world
        .domain()
        .attribute("dc1", "svc-enters$", "objectSid")?;
    let [sid] = sids.as_slice() else {
        anyhow::bail!("its SIDs are {sids:?}");
    };
    let there = acting.descriptor("svc-target")?;
    ensure!(
        there.starts_with("O:BAD:(A;;") && there.ends_with(&format!(";;;{sid})")),
        "{there}"
    );
    ensure!(reply.to_string().contains(sid.as_str()), "{reply}");
    let shown = acting.show()?;
    ensure!(shown["resources"][0] == "svc-target", "{shown}");
    // What a roll does to it is accepted while a window is open; a rehearsal says so.
    let shut = world.cli.ask(&["roll", "enters", "--yes", "--wait"])?;
    ensure!(
        shut.exit == 1 && shut.stdout.contains("delegation-gap"),
        "{shut:?}"
    );
    let open = ["--every", "30d", "--window", "00:00-24:00"];
    let schedule = [&["schedule", "set", "enters"], &open[..]].concat();
    world.cli.run(&schedule)?;
    let rehearsed = world.cli.run(&["roll", "enters", "--dry-run"])?;
    ensure!(
        rehearsed.to_string().contains("it delegates to svc-target"),
        "{rehearsed}"
    );
    world.roll(&["enters"])?;

    // A second one comes and goes; the first stays byte for byte.
    let back = ["apply", "--from", "alice", "--way", "resource-based"];
    acting.change(&back)?;
    let shown = acting.show()?;
    ensure!(shown["actors"][0] == "alice", "{shown}");
    acting.change(&["undo"])?;
    ensure!(acting.descriptor("svc-enters$")?.is_empty());
    ensure!(acting.descriptor("svc-target")? == there);
    acting.change(&["undo"])?;
    ensure!(acting.descriptor("svc-target")?.is_empty());

    // What a plan refuses, with a word for programs and something to type.
    for (options, exit, code) in [
        (
            &["--to", "HTTP/nobody.corp.example"][..],
            1,
            "target-missing",
        ),
        (&["--to", "ldap/dc1.corp.example"], 1, "target-is-dc"),
        (&["--to", "kadmin/changepw"], 1, "target-is-kdc"),
        (&["--to", "HTTP"], 65, "bad-spn"),
        (&["--from", "nobody-at-all"], 66, "unknown-account"),
        (
            &["--from", "S-1-1-0", "--way", "resource-based"],
            1,
            "crowd-may-act",
        ),
        (&["--from", "alice"], 1, "too-old"),
    ] {
        let line = [&["delegation", "plan", "enters"], options].concat();
        let no = world.cli.ask(&line)?.complaint()?;
        ensure!(
            (no.exit, no.code.as_str()) == (exit, code) && !no.next.is_empty(),
            "{options:?}: {no:?}"
        );
    }
    world.verify("enters")
}

/// An array that acts, or is to act, at a service.
struct Acting<'a> {
    world: &'a World<'a>,
    array: &'a str,
    to: &'a str,
}

impl<'a> Acting<'a> {
    const fn new(world: &'a World<'a>, array: &'a str, to: &'a str) -> Self {
        Self { world, array, to }
    }

    /// `keyroll delegation VERB ARRAY OPTIONS…` that needs no right in the directory.
    fn ask(&self, words: &[&str]) -> Result<Value> {
        self.world.cli.run(&self.line(words))
    }

    fn line<'w>(&'w self, words: &[&'w str]) -> Vec<&'w str> {
        let (verb, options) = words.split_first().unwrap_or((&"show", &[]));
        [&["delegation", verb, self.array], options].concat()
    }

    /// The same as an administrator; all of it is applied.
    fn change(&self, words: &[&str]) -> Result<Value> {
        let said = as_administrator(self.world, &self.line(words))?;
        let reply = said.reply().with_context(|| self.world.story())?;
        let changes = reply["changes"].as_array().cloned().unwrap_or_default();
        ensure!(
            !changes.is_empty() && changes.iter().all(|one| one["state"] == "applied"),
            "{reply}"
        );
        Ok(reply)
    }

    fn show(&self) -> Result<Value> {
        let said = self.world.cli.ask(&self.line(&["show"]))?;
        serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))
    }

    fn changes(&self) -> Result<Vec<Value>> {
        let listed = self.world.cli.run(&["change", "list"])?;
        Ok(listed["changes"].as_array().cloned().unwrap_or_default())
    }

    fn may(&self, options: &[&str]) -> Result<()> {
        self.tried(options, 0)
    }

    fn may_not(&self, options: &[&str]) -> Result<()> {
        self.tried(options, 1)
    }

    fn tried(&self, options: &[&str], exit: i32) -> Result<()> {
        let line = self.line(&[&["test", "--to", self.to], options].concat());
        let said = self.world.cli.ask(&line)?;
        ensure!(said.exit == exit, "{said:?}");
        Ok(())
    }

    /// Everything of delegation that the array's account and its target hold.
    fn held(&self) -> Result<Vec<Vec<String>>> {
        let own = format!("svc-{}$", self.array);
        let attributes = [
            "userAccountControl",
            "msDS-AllowedToDelegateTo",
            "msDS-AllowedToActOnBehalfOfOtherIdentity",
        ];
        let domain = self.world.domain();
        let each = attributes
            .into_iter()
            .map(|attribute| domain.attribute("dc1", &own, attribute));
        each.collect()
    }

    /// The descriptor that says who may act there, as SDDL; empty if there is none.
    fn descriptor(&self, account: &str) -> Result<String> {
        let name = "msDS-AllowedToActOnBehalfOfOtherIdentity";
        let filter = format!("(sAMAccountName={account})");
        let found = self
            .world
            .domain()
            .dc(&["ldbsearch", "dc1", &filter, name])?;
        // Long values go on in lines that begin with a space.
        let found = found.replace("\n ", "");
        let prefix = format!("{name}: ");
        let value = found.lines().find_map(|line| line.strip_prefix(&prefix));
        Ok(value.unwrap_or_default().to_owned())
    }

    /// As Windows has it: Samba's schema keeps the attribute to the system itself.
    fn let_descriptors_be_written(&self) -> Result<()> {
        let file = self.world.lab.folder("ldif")?.join("schema");
        std::fs::write(
            &file,
            "dn: CN=ms-DS-Allowed-To-Act-On-Behalf-Of-Other-Identity,CN=Schema,CN=Configuration,\
             DC=corp,DC=example\nchangetype: modify\nreplace: systemOnly\nsystemOnly: FALSE\n",
        )?;
        let path = file.to_str().context("the folder's name is not UTF-8")?;
        let may = "--option=dsdb:schema update allowed=yes";
        self.world
            .domain()
            .dc(&["ldbmodify", "dc1", may, "--relax", path])?;
        Ok(())
    }

    /// With nothing wanted, a service that is nobody's goes; that it is unconstrained is told, and
    /// goes when somebody says so.
    fn keeps_what_may_be_in_use(&self, before: &[Vec<String>]) -> Result<()> {
        let own = format!("svc-{}$", self.array);
        let domain = self.world.domain();
        domain.samba_tool(&["delegation", "for-any-service", &own, "on"])?;
        domain.samba_tool(&["delegation", "add-service", &own, "HTTP/gone.corp.example"])?;
        let plan = self.ask(&["plan"])?.to_string();
        ensure!(!plan.contains("clear TRUSTED_FOR_DELEGATION"), "{plan}");
        for words in [
            "delete msDS-AllowedToDelegateTo HTTP/gone.corp.example",
            "every user who logs in hands it a ticket-granting ticket",
        ] {
            ensure!(plan.contains(words), "{words}: {plan}");
        }
        self.change(&["apply"])?;
        self.change(&["apply", "--no-unconstrained"])?;
        ensure!(self.held()? == before, "{:?}", self.held()?);
        let again = self.ask(&["plan"])?;
        let changes = again["changes"].as_array();
        ensure!(changes.is_none_or(Vec::is_empty), "{again}");
        Ok(())
    }

    /// Refused until it is accepted, by the one who rolls or by the array's policy.
    fn rolls_when_somebody_says_so(&self) -> Result<()> {
        let cli = &self.world.cli;
        let roll = ["roll", self.array, "--yes", "--wait"];
        let no = cli.ask(&roll)?;
        ensure!(
            no.exit == 1 && no.stdout.contains("delegation-gap"),
            "{no:?}"
        );
        let accepted = [&roll[..], &["--accept-delegation-gap"]].concat();
        let said = cli.ask(&accepted)?;
        said.reply().with_context(|| self.world.story())?;
        Ok(())
    }
}
