//! Commands that cannot be carried out, and credentials that do not fit.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::cli::Cli;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::{Case, complained};
use crate::set_up::QUICK;

/// The cases, for the docs.
pub fn cases() -> Vec<Case> {
    let orders = orders().into_iter().map(|(case, _)| case);
    orders.chain([not_waiting()]).collect()
}

/// A roll has to be under way for it.
pub fn not_waiting() -> Case {
    Case {
        wrong: "a DC waived while a roll waits for none",
        command: "keyroll roll resolve",
        exit: 65,
        code: "not-waiting",
        says: &["of fixed is", "waits for no DC that could be waived"],
        next: "keyroll roll watch fixed",
    }
}

/// Each with the arguments that cause it; `@NAME` stands for a file of the test's.
type Order = (Case, &'static [&'static str]);

fn order(
    wrong: &'static str,
    command: &'static str,
    (exit, code): (i32, &'static str),
    says: &'static [&'static str],
    next: &'static str,
    arguments: &'static [&'static str],
) -> Order {
    (
        Case {
            wrong,
            command,
            exit,
            code,
            says,
            next,
        },
        arguments,
    )
}

const ADOPT: &str = "keyroll array adopt";

fn orders() -> Vec<Order> {
    vec![
        order(
            "unknown array",
            "keyroll roll",
            (66, "unknown-array"),
            &["there is no array nowhere"],
            "keyroll array list",
            &["roll", "nowhere", "--yes"],
        ),
        order(
            "unknown node",
            "keyroll node remove",
            (66, "unknown-node"),
            &["node16.corp.example is no node of odd"],
            "keyroll node list odd",
            &["node", "remove", "odd", "node16.corp.example", "--yes"],
        ),
        order(
            "unknown account",
            ADOPT,
            (66, "missing"),
            &["account nobody on dc1.corp.example does not exist"],
            "",
            &["array", "adopt", "other", "--account", "nobody"],
        ),
        order(
            "a name with other characters",
            "keyroll array create",
            (65, "bad-name"),
            &["Bad Name"],
            "",
            &["array", "create", "Bad Name", "--account", "svc-x$"],
        ),
        order(
            "the array exists",
            "keyroll array create",
            (65, "exists"),
            &["array odd exists already"],
            "keyroll array show odd",
            &["array", "create", "odd", "--account", "svc-else$"],
        ),
        order(
            "the account exists",
            "keyroll array create",
            (65, "exists"),
            &["account svc-foreign exists in the directory already"],
            "keyroll array adopt other --account 'svc-foreign'",
            &[
                "array",
                "create",
                "other",
                "--account",
                "svc-foreign",
                "--kind",
                "user",
            ],
        ),
        order(
            "an array without a node",
            "keyroll roll",
            (1, "no-nodes"),
            &["odd"],
            "keyroll node add odd NODE",
            &["roll", "odd", "--yes"],
        ),
        order(
            "a node that is invited to another array",
            "keyroll node add",
            (75, "invited-elsewhere"),
            &[
                "node15.corp.example is invited to array even",
                "has not joined yet",
            ],
            "keyroll node remove even node15.corp.example",
            &["node", "add", "odd", "node15.corp.example"],
        ),
        order(
            "not confirmed",
            "keyroll array delete",
            (4, "not-confirmed"),
            &["nothing was changed"],
            "--dry-run",
            &["array", "delete", "odd"],
        ),
        order(
            "a keytab of another account",
            ADOPT,
            (65, "bad-keytab"),
            &["no key of a wanted enctype for any of"],
            "",
            &[
                "array",
                "adopt",
                "other",
                "--account",
                "svc-foreign",
                "--keytab",
                "@alice.keytab",
            ],
        ),
        order(
            "a keytab with old keys",
            ADOPT,
            (65, "wrong-credential"),
            &[
                "does not open the tickets that dc1.corp.example issues",
                "nothing was changed",
            ],
            "klist -ket KEYTAB",
            &[
                "array",
                "adopt",
                "other",
                "--account",
                "svc-foreign",
                "--keytab",
                "@old.keytab",
            ],
        ),
        order(
            "a damaged keytab",
            ADOPT,
            (65, "bad-keytab"),
            &["the given keytab is damaged"],
            "",
            &[
                "array",
                "adopt",
                "other",
                "--account",
                "svc-foreign",
                "--keytab",
                "@cut.keytab",
            ],
        ),
        order(
            "a wrong password",
            ADOPT,
            (65, "wrong-credential"),
            &["does not open the tickets", "nothing was changed"],
            "adopt without a credential",
            &[
                "array",
                "adopt",
                "other",
                "--account",
                "svc-foreign",
                "--password-file",
                "@wrong",
            ],
        ),
        order(
            "a file that is not there",
            ADOPT,
            (74, "unreadable-file"),
            &["missing.keytab", "No such file"],
            "",
            &[
                "array",
                "adopt",
                "other",
                "--account",
                "svc-foreign",
                "--keytab",
                "@missing.keytab",
            ],
        ),
    ]
}

/// Each order in turn; arrays and the account in the directory stay as they are.
pub fn orders_that_make_no_sense(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let world = World::new(lab, free, 0, &[])?;
    let domain = world.domain();
    world.create("odd", QUICK)?;
    world.create("even", QUICK)?;
    let invite = ["node", "add", "even", "node15.corp.example"];
    world.cli.run(&invite)?;
    let folder = lab.folder("orders")?;
    domain.account("svc-foreign", &["HTTP/foreign.corp.example"])?;
    fs::copy(domain.keytab("svc-foreign"), folder.join("old.keytab"))?;
    domain.dc(&["set-password", "svc-foreign", "Another-Passw0rd-1"])?;
    domain.wait_for_kvno("svc-foreign")?;
    fs::copy(lab.dir.join("alice.keytab"), folder.join("alice.keytab"))?;
    let whole = fs::read(folder.join("old.keytab"))?;
    fs::write(folder.join("cut.keytab"), &whole[..whole.len() - 7])?;
    fs::write(folder.join("wrong"), "Wrong-Passw0rd-1")?;

    let state = || -> Result<String> {
        let arrays = world.cli.run(&["array", "list"])?;
        Ok(format!("{arrays} kvno {}", domain.kvno("svc-foreign")?))
    };
    let before = state()?;
    for (case, arguments) in orders() {
        let place = |word: &&str| match word.strip_prefix('@') {
            Some(file) => folder.join(file).display().to_string(),
            None => (*word).to_owned(),
        };
        let arguments: Vec<String> = arguments.iter().map(place).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        case.check(&complained(&world.cli.ask(&arguments)?)?)
            .with_context(|| world.story())?;
        let now = state()?;
        ensure!(now == before, "{}: {before}\nbecame {now}", case.wrong);
    }
    nobody_there(&folder)
}

/// Not in the table of the controller's refusals: there is no controller.
fn nobody_there(folder: &std::path::Path) -> Result<()> {
    let told = complained(&Cli::new(&folder.join("no.sock"))?.ask(&["status"])?)?;
    let case = Case {
        wrong: "no controller",
        command: "keyroll",
        exit: 69,
        code: "unreachable",
        says: &["no.sock", "was not reached"],
        next: "systemctl status keyroll-controller",
    };
    case.check(&told)
}
