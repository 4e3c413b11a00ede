//! Accounts that are in service already, taken over with nobody noticing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::Target;
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// With its password: nothing changes but who looks after it. The first roll can be a change, but
/// a user's password is too young for one, so it is a fenced reset.
pub fn with_its_password(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let taken = Taken::in_service(lab, free, "mail", None)?;
    let file = path_text(taken.world.domain().password_file("svc-mail"))?;
    taken.rolls(&["--password-file", &file], false)
}

/// With a keytab, at a kvno beyond one byte, and from within a file that holds others' keys too.
pub fn with_its_keytab_beyond_kvno_255(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let taken = Taken::in_service(lab, free, "old", Some(270))?;
    ensure!(
        taken.world.domain().kvno("svc-old")? > 255,
        "the kvno is not beyond a byte"
    );
    let keytab = path_text(taken.keytab.clone())?;
    taken.rolls(&["--keytab", &keytab], false)
}

/// With neither: the first roll resets it, with the new key everywhere first, while the keytab
/// that nobody here can read goes on serving.
pub fn by_a_first_reset(lab: &Lab, free: &FreeNodes) -> Result<()> {
    Taken::in_service(lab, free, "wild", None)?.rolls(&[], true)
}

/// An account in service: a node with a keytab of somebody else's making, and users.
struct Taken<'a> {
    world: World<'a>,
    array: &'static str,
    keytab: PathBuf,
}

impl<'a> Taken<'a> {
    fn in_service(
        lab: &'a Lab,
        free: &'a FreeNodes,
        array: &'static str,
        kvno: Option<u32>,
    ) -> Result<Self> {
        let mut world = World::new(lab, free, 1, &[array])?;
        let domain = world.domain();
        let (account, spn) = (format!("svc-{array}"), world.spn(array));
        domain.account(&account, &[&spn])?;
        if let Some(kvno) = kvno {
            domain.renumber(&account, kvno)?;
        }
        let keytab = world.agents[0].folder().join("foreign.keytab");
        let path = path_text(keytab.clone())?;
        for principal in [&spn, "alice"] {
            let option = format!("--principal={principal}");
            domain.samba_tool(&["domain", "exportkeytab", &path, &option])?;
        }
        let (array_name, path, kind) = (array.to_owned(), keytab.clone(), "shared");
        let target = Target {
            array: array_name,
            path,
            kind,
            only: "",
        };
        let agent = &mut world.agents[0];
        agent.set_targets(vec![target])?;
        world.web.serve(&agent.node, &keytab)?;
        Ok(Self {
            world,
            array,
            keytab,
        })
    }

    fn rolls(mut self, credential: &[&str], unknown: bool) -> Result<()> {
        let (world, array) = (&mut self.world, self.array);
        let account = format!("svc-{array}");
        let users = world.users(array, LIFE)?;
        let kvno = world.domain().kvno(&account)?;
        world.domain().delegate(&world.cli, &account)?;
        let what = ["array", "adopt", array, "--account", &account];
        world.cli.run(&[&what, credential, QUICK].concat())?;
        ensure!(
            world.domain().kvno(&account)? == kvno,
            "adopting changed the directory"
        );
        if unknown {
            join_without_a_key(world, array)?;
        } else {
            world.join(array, 0)?;
        }
        world.roll(&[array])?;
        users.stop()?.none_failed().with_context(|| world.story())?;
        world.verify(array)?;
        let now = world.domain().kvno(&account)?;
        ensure!(now == kvno + 1, "kvno {kvno} became {now}");
        let shown = output(Command::new("klist").arg("-k").arg(&self.keytab))?;
        ensure!(
            shown.contains("alice@"),
            "others lost their entries:\n{shown}"
        );
        let ours = shown.lines().filter(|line| line.contains("HTTP/"));
        let old = ours
            .filter(|line| line.trim_start().starts_with(&format!("{kvno} ")))
            .count();
        ensure!(old == 0, "the old key is still there:\n{shown}");
        world.roll(&[array]).map(|_| ())
    }
}

/// A node of an array whose key nobody knows yet cannot be confirmed, and is not: it joins.
fn join_without_a_key(world: &mut World<'_>, array: &str) -> Result<()> {
    let name = world.agents[0].full_name();
    let reply = world.cli.run(&["node", "add", array, &name])?;
    world.agents[0].join(reply["join_line"].as_str().context("no join line")?)?;
    world.agents[0].start()?;
    keyroll_tests::wait::until("the controller to see the node", SOON, || {
        let view = world.cli.run(&["node", "show", array, &name])?;
        let seen = view["targets"]
            .as_array()
            .is_some_and(|targets| !targets.is_empty());
        ensure!(seen, "{}: {}", view["state"], view["reason"]);
        Ok(())
    })
    .with_context(|| world.story())?;
    ensure!(
        fs::metadata(world.agents[0].keytab(array))?.len() > 0,
        "joining emptied the keytab"
    );
    Ok(())
}

fn path_text(path: PathBuf) -> Result<String> {
    Ok(path
        .to_str()
        .context("a folder that is not UTF-8")?
        .to_owned())
}
