//! A controller that is told wrong things, or meets a directory that is not what it should be.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::controller::Controller;
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::process::Process;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;

use super::{Case, Told, complained, ended};

/// The cases, for the docs.
pub fn cases() -> Vec<Case> {
    let settings = settings().into_iter().map(|(case, ..)| case);
    settings
        .chain(directories().into_iter().map(|(case, ..)| case))
        .collect()
}

type Edit = fn(String, &Path) -> String;

/// What `keyroll-controller check` finds without looking any further.
fn settings() -> Vec<(Case, Edit)> {
    let case = |wrong, says, next| Case {
        wrong,
        command: "keyroll-controller check",
        exit: 78,
        code: "",
        says,
        next,
    };
    vec![
        (
            case(
                "a key that is not known",
                &["controller.toml", "unknown field `colour`"],
                "",
            ),
            |text, _| format!("colour = \"red\"\n{text}"),
        ),
        (
            case("no TOML", &["controller.toml", "expected"], ""),
            |text, _| text.replacen(" = ", " : ", 1),
        ),
        (
            case("no CA named", &["directory.ca", "name the PEM file"], ""),
            |text, _| edit(&text, "ca = ", "ca = []"),
        ),
        (
            case(
                "two credentials named",
                &["directory.bind", "give one of", "keytab"],
                "",
            ),
            |text, _| text + "keytab = \"own.keytab\"\n",
        ),
        (
            case(
                "a bind name of another domain",
                &["directory.bind.principal"],
                "",
            ),
            |text, _| {
                edit(
                    &text,
                    "principal = ",
                    "principal = \"svc-keyroll@other.example\"",
                )
            },
        ),
        (
            case(
                "a password of 200 characters",
                &["policy.password-length"],
                "",
            ),
            |text, _| text.replace("[policy]\n", "[policy]\npassword-length = 200\n"),
        ),
    ]
}

/// What is found when the directory is asked: the first command to do so says it.
fn directories() -> Vec<(Case, Edit)> {
    let case = |wrong, exit, code, says, next| Case {
        wrong,
        command: "keyroll array create",
        exit,
        code,
        says,
        next,
    };
    vec![
        (
            case(
                "no DC answers",
                75,
                "unreachable",
                &["client.corp.example", "did not answer"],
                "keyroll status",
            ),
            |text, _| {
                edit(
                    &text,
                    "domain-controllers = ",
                    "domain-controllers = [\"client.corp.example\"]",
                )
            },
        ),
        (
            case(
                "the DC's certificate is of another CA",
                1,
                "refused",
                &["dc1.corp.example", "certificate is not good"],
                "directory.ca",
            ),
            |text, folder| {
                edit(
                    &text,
                    "ca = ",
                    &format!("ca = [\"{}/other.pem\"]", folder.display()),
                )
            },
        ),
        (
            case(
                "the DC's certificate has expired",
                1,
                "refused",
                &["lb.corp.example", "certificate is not good", "xpired"],
                "directory.ca",
            ),
            |text, folder| {
                let ca = format!("ca = [\"{}/expired-ca.pem\"]", folder.display());
                let text = edit(&text, "ca = ", &ca);
                edit(
                    &text,
                    "domain-controllers = ",
                    "domain-controllers = [\"lb.corp.example\"]",
                )
            },
        ),
        (
            case(
                "the controller's own password is wrong",
                1,
                "refused",
                &["svc-keyroll", "password is wrong"],
                "directory.bind",
            ),
            |text, folder| {
                let file = format!("password-file = \"{}/wrong\"", folder.display());
                edit(&text, "password-file = ", &file)
            },
        ),
        (
            Case {
                wrong: "others can read the controller's password",
                command: "keyroll-controller run",
                exit: 75,
                code: "",
                says: &[
                    "the bind password",
                    "wide",
                    "others may read it",
                    "chmod 600",
                ],
                next: "",
            },
            |text, folder| {
                let file = format!("password-file = \"{}/wide\"", folder.display());
                edit(&text, "password-file = ", &file)
            },
        ),
        (
            Case {
                wrong: "the controller's keytab has another account's keys",
                command: "keyroll-controller run",
                exit: 75,
                code: "",
                says: &["the bind keytab", "no AES key", "svc-keyroll", "klist -ke"],
                next: "",
            },
            |text, _| {
                let text = text.replace("password-file", "keytab");
                text.replace("controller.password", "alice.keytab")
            },
        ),
        (
            case(
                "the domain controller takes no keytab over TLS",
                1,
                "refused",
                &["dc1.corp.example", "svc-keyroll", "strongerAuthRequired"],
                "directory.transport",
            ),
            |text, _| {
                let text = text.replace("password-file", "keytab");
                text.replace("controller.password", "controller.keytab")
            },
        ),
        (
            case(
                "no right to make accounts",
                1,
                "refused",
                &["dc1.corp.example", "svc-new$", "insufficientAccessRights"],
                "--print-acl",
            ),
            |text, _| text,
        ),
    ]
}

/// Puts another line in place of the one that begins like this.
fn edit(text: &str, begins: &str, line: &str) -> String {
    let lines = text
        .lines()
        .map(|one| if one.starts_with(begins) { line } else { one });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Each setting in turn, with a controller that has its state already.
pub fn directories_that_cannot_be_used(lab: &Lab, _: &FreeNodes) -> Result<()> {
    let number = 900;
    let mut controller = Controller::new(lab, number)?;
    let folder = controller.folder().to_owned();
    let right = controller.configuration(number);
    for (case, edit) in settings() {
        fs::write(controller.config(), edit(right.clone(), &folder))?;
        case.check(&ended(&mut controller.command("check")?)?)?;
        let mut run = controller.command("run")?;
        ensure!(
            ended(&mut run)?.exit == case.exit,
            "{}: it runs all the same",
            case.wrong
        );
    }
    let _expired = props(lab, &folder)?;
    for (case, edit) in directories() {
        fs::write(controller.config(), edit(right.clone(), &folder))?;
        let told = match case.command {
            "keyroll-controller run" => ended(&mut controller.command("run")?)?,
            _ => first_command(&mut controller).context(case.wrong)?,
        };
        case.check(&told)?;
    }
    let arrays = fs::read_to_string(controller.log())?;
    ensure!(
        !arrays.contains("account made"),
        "an account was made:\n{arrays}"
    );
    Ok(())
}

/// Starts the controller and gives the first command that needs the directory.
fn first_command(controller: &mut Controller) -> Result<Told> {
    controller.start()?;
    let said = controller
        .cli()?
        .ask(&["array", "create", "new", "--account", "svc-new$"])?;
    let arrays = controller.cli()?.run(&["array", "list"])?;
    controller.kill()?;
    ensure!(
        arrays["arrays"].as_array().is_none_or(Vec::is_empty),
        "it was kept: {arrays}"
    );
    complained(&said)
}

/// Another CA, an expired certificate served on the balancer's host, bad password files.
fn props(lab: &Lab, folder: &Path) -> Result<Process> {
    use std::os::unix::fs::PermissionsExt as _;
    for (name, mode) in [("wrong", 0o600), ("wide", 0o644)] {
        fs::write(folder.join(name), "Wrong-Passw0rd-1")?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode))?;
    }
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        output(command.current_dir(folder).args(line.split_whitespace()))
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {new} -days 2 -subj /CN=Other -keyout other.key -out other.pem"
    ))?;
    openssl(&format!(
        "req -x509 {new} -days 2 -subj /CN=CA -keyout ca.key -out expired-ca.pem"
    ))?;
    openssl(&format!(
        "req {new} -subj /CN=lb.corp.example -keyout dc.key -out dc.csr"
    ))?;
    // `x509` can only count days from now, so this one ended when it began.
    fs::write(
        folder.join("ext"),
        "subjectAltName=DNS:lb.corp.example\nextendedKeyUsage=serverAuth",
    )?;
    openssl(
        "x509 -req -in dc.csr -CA expired-ca.pem -CAkey ca.key -CAcreateserial -days 0 \
         -extfile ext -out dc.crt",
    )?;
    let made = std::time::Instant::now();
    let mut server = lab.on("lb", "openssl");
    server
        .current_dir(folder)
        .args("s_server -accept 636 -quiet -cert dc.crt -key dc.key".split(' '));
    let server = Process::start(&mut server, &folder.join("s_server.log"))?;
    until("the expired server", seconds(60), || {
        std::net::TcpStream::connect(("lb.corp.example", 636))
            .context("not yet")
            .map(|_| ())
    })?;
    // Certificates count in seconds, and hold to the end of their last one.
    until("the certificate to have ended", seconds(60), || {
        ensure!(
            made.elapsed() > seconds(1),
            "its last second has not passed"
        );
        Ok(())
    })?;
    Ok(server)
}
