//! Tickets of a real KDC, given to acceptors that hold keyroll's keytab.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use keyroll::kerberos::salt::{AccountKind, SaltSource};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::secret::Password;
use keyroll_tests::domain::Domain;
use keyroll_tests::lab::{Lab, output, tests_folder};

use crate::reads::heimdal_folder;
use crate::write_keytab;

const HOST: &str = "interop.corp.example";
const SERVICE: &str = "HTTP/interop.corp.example@CORP.EXAMPLE";
const ACCOUNT: &str = "svc-interop";
/// The first kvno that one byte does not hold.
const BEYOND: u32 = 256;

/// Two generations in one keytab as during a roll, then two beyond kvno 255; tickets of both.
pub fn real_tickets_are_accepted_by_all(lab: &Lab) -> Result<()> {
    let domain = Domain::of(lab);
    domain.account(ACCOUNT, &["HTTP/interop.corp.example"])?;
    let low = Generations::roll(lab, &domain, "low")?;
    domain.renumber(ACCOUNT, BEYOND)?;
    let high = Generations::roll(lab, &domain, "high")?;
    ensure!(high.old.0.0 > 255, "the kvno is only {}", high.old.0);
    for generations in [&low, &high] {
        let both = generations.keytab(lab, "both", &[&generations.old, &generations.new])?;
        let new = generations.keytab(lab, "new", &[&generations.new])?;
        for (who, accept) in ACCEPTORS {
            let [old_ticket, new_ticket] = accept(lab, &both, &generations.tokens(lab)?)?;
            for (which, said) in [("old", &old_ticket), ("new", &new_ticket)] {
                let kvno = if which == "old" {
                    generations.old.0
                } else {
                    generations.new.0
                };
                ensure!(
                    said == "alice@CORP.EXAMPLE",
                    "{who}, {which} ticket (kvno {kvno}): {said}"
                );
            }
            // What is shown must be able to fail.
            let [without, _] = accept(lab, &new, &generations.tokens(lab)?)?;
            ensure!(
                without.starts_with("refused: "),
                "{who} needs no key: {without}"
            );
        }
    }
    Ok(())
}

type Accept = fn(&Lab, &str, &[String; 2]) -> Result<[String; 2]>;

const ACCEPTORS: [(&str, Accept); 3] = [("MIT", mit), ("Heimdal", heimdal), ("Java", java)];

/// Two passwords in a row, with a ticket from the time of each.
struct Generations {
    name: &'static str,
    old: (Kvno, Vec<Key>),
    new: (Kvno, Vec<Key>),
}

impl Generations {
    fn roll(lab: &Lab, domain: &Domain<'_>, name: &'static str) -> Result<Self> {
        let this = |which| Self::set(lab, domain, name, which);
        Ok(Self {
            name,
            old: this("old")?,
            new: this("new")?,
        })
    }

    /// Sets a password, derives its keys as the product does, and fetches a ticket.
    fn set(lab: &Lab, domain: &Domain<'_>, name: &str, which: &str) -> Result<(Kvno, Vec<Key>)> {
        let password = format!("Interop-{name}-{which}-Passw0rd");
        domain.dc(&["set-password", ACCOUNT, &password])?;
        let source = SaltSource {
            kind: AccountKind::User,
            realm: lab.realm.parse()?,
            sam_account_name: ACCOUNT.to_owned(),
            user_principal_name: None,
            dns_domain: lab.domain.clone(),
        };
        let enctypes = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];
        let keys = derive_all(&enctypes, &Password::new(password), &source.next_salt());
        let cache = lab
            .folder("interop")?
            .join(format!("{name}-{which}.ccache"));
        let mut kinit = lab.on("client", "kinit");
        kinit.args(["-S", &format!("HTTP/{HOST}"), "-c"]).arg(cache);
        output(
            kinit
                .arg("-kt")
                .arg(lab.dir.join("alice.keytab"))
                .arg("alice"),
        )?;
        Ok((Kvno(domain.kvno(ACCOUNT)?), keys))
    }

    fn keytab(&self, lab: &Lab, name: &str, of: &[&(Kvno, Vec<Key>)]) -> Result<String> {
        let service: Principal = SERVICE.parse()?;
        let mut entries = Vec::new();
        for (kvno, keys) in of {
            entries.extend(keys.iter().map(|key| (&service, *kvno, key)));
        }
        write_keytab(lab, &format!("{}-{name}.keytab", self.name), &entries)
    }

    /// A token made with each ticket; each is good once.
    fn tokens(&self, lab: &Lab) -> Result<[String; 2]> {
        let token = |which: &str| {
            let cache = lab
                .dir
                .join("interop")
                .join(format!("{}-{which}.ccache", self.name));
            let mut command = lab.on("client", tests_folder().join("interop/gss.py"));
            command
                .args(["libgssapi_krb5.so.2", "token", HOST])
                .env("KRB5CCNAME", cache);
            output(&mut command).map(|token| token.trim().to_owned())
        };
        Ok([token("old")?, token("new")?])
    }
}

fn mit(lab: &Lab, keytab: &str, tokens: &[String; 2]) -> Result<[String; 2]> {
    accepted(mit_acceptor(lab, keytab)?.arg("accept"), tokens)
}

/// `gss.py` with MIT's library.
pub fn mit_acceptor(lab: &Lab, keytab: &str) -> Result<Command> {
    let mut command = lab.on("node1", tests_folder().join("interop/gss.py"));
    command
        .arg("libgssapi_krb5.so.2")
        .env("KRB5_KTNAME", keytab);
    command.env("KRB5RCACHENAME", "none:");
    Ok(command)
}

fn heimdal(lab: &Lab, keytab: &str, tokens: &[String; 2]) -> Result<[String; 2]> {
    accepted(heimdal_acceptor(lab, keytab)?.arg("accept"), tokens)
}

/// `gss.py` with Heimdal's.
pub fn heimdal_acceptor(lab: &Lab, keytab: &str) -> Result<Command> {
    let libraries = library_folder(&heimdal_folder()?.join("root/usr/lib"))?;
    let mut command = lab.on("node1", tests_folder().join("interop/gss.py"));
    command.arg("libgssapi.so.3").env("KRB5_KTNAME", keytab);
    command
        .env("LD_LIBRARY_PATH", libraries)
        .env("KRB5RCACHETYPE", "none");
    Ok(command)
}

/// Debian names the folder after the processor.
fn library_folder(lib: &Path) -> Result<std::path::PathBuf> {
    let folders =
        fs::read_dir(lib).with_context(|| format!("{}: run `make deps`", lib.display()))?;
    let mut paths = folders.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.join("libgssapi.so.3").exists())
        .context("no libgssapi.so.3")
}

fn java(lab: &Lab, keytab: &str, tokens: &[String; 2]) -> Result<[String; 2]> {
    let mut command = lab.on("node1", "java");
    command.args([
        "-Dsun.security.krb5.rcache=none",
        "-Djavax.security.auth.useSubjectCredsOnly=true",
    ]);
    command
        .arg(tests_folder().join("interop/Accept.java"))
        .args([keytab, SERVICE]);
    accepted(&mut command, tokens)
}

fn accepted(command: &mut Command, tokens: &[String; 2]) -> Result<[String; 2]> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    writeln!(stdin, "{}\n{}", tokens[0], tokens[1])?;
    drop(stdin);
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    match lines[..] {
        [old, new] => Ok([old.to_owned(), new.to_owned()]),
        _ => anyhow::bail!(
            "{command:?}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        ),
    }
}
