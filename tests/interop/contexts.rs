//! GSS-API contexts that keyroll opens, accepted by MIT's and Heimdal's libraries: channel
//! bindings, both ends' proofs, and messages both ways, signed and sealed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::gss::{ChannelBinding, Initiation, Protection};
use keyroll::kerberos::message::{Credential, Mint};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::secret::SecretBytes;
use keyroll_tests::lab::Lab;

use crate::accepts::{heimdal_acceptor, mit_acceptor};
use crate::reads::hex;
use crate::write_keytab;

type Acceptor = fn(&Lab, &str) -> Result<Command>;

const ACCEPTORS: [(&str, Acceptor); 2] = [("MIT", mit_acceptor), ("Heimdal", heimdal_acceptor)];
const CERTIFICATE: &str = "the hash of a certificate";

/// Each library, each enctype, over TLS and without.
pub fn contexts_are_opened_and_understood_by_others(lab: &Lab) -> Result<()> {
    for enctype in Enctype::ALL
        .into_iter()
        .filter(|one| *one != Enctype::Rc4Hmac)
    {
        let (credential, keytab) = ticket(lab, enctype)?;
        for (who, acceptor) in ACCEPTORS {
            let echo = || Echo::start(acceptor(lab, &keytab)?);
            let what = || format!("{who}, {enctype}");
            talk(echo()?, &credential, Protection::Sealing, CERTIFICATE).with_context(what)?;
            talk(echo()?, &credential, Protection::Proof, CERTIFICATE).with_context(what)?;
            let other = talk(echo()?, &credential, Protection::Proof, "another");
            let error = other
                .err()
                .with_context(|| format!("{who}: any channel will do"))?;
            ensure!(error.to_string().contains("refused"), "{who}: {error}");
        }
    }
    Ok(())
}

fn key(enctype: Enctype, byte: u8) -> Result<Key> {
    let bytes = SecretBytes::new(vec![byte; enctype.key_length()]);
    Ok(Key::new(enctype, bytes)?)
}

/// A ticket made with the service's key, and the keytab that has it.
fn ticket(lab: &Lab, enctype: Enctype) -> Result<(Credential, String)> {
    let service: Principal = "ldap/interop.corp.example@CORP.EXAMPLE".parse()?;
    let (held, kvno) = (key(enctype, 1)?, Kvno(3));
    let name = format!("context-{enctype}.keytab");
    let keytab = write_keytab(lab, &name, &[(&service, kvno, &held)])?;
    let mint = Mint {
        service: &service,
        key: &held,
        kvno,
        client: &"svc-keyroll@CORP.EXAMPLE".parse()?,
        start: Utc::now() - TimeDelta::minutes(1),
        end: Utc::now() + TimeDelta::hours(1),
        session_key: &key(enctype, 2)?,
        confounder: &[3; 16],
    };
    Ok((mint.issue()?, keytab))
}

/// Opens a context and has everything said back, each time wrapped as it was.
fn talk(
    mut echo: Echo,
    credential: &Credential,
    protection: Protection,
    certificate: &str,
) -> Result<()> {
    let subkey = key(credential.session_key.enctype(), 4)?;
    let binding = ChannelBinding::tls_server_end_point(certificate.as_bytes());
    let initiation = Initiation {
        credential,
        subkey: &subkey,
        sequence: 0x3fff_ffff,
        now: Utc::now(),
        confounder: &[5; 16],
        protection,
        binding: Some(&binding),
    };
    let answer = echo.ask(&initiation.to_bytes()?)?;
    let mut context = initiation.establish(&answer)?;
    for text in [&b"x"[..], b"exactly 16 bytes", &[9; 70_000]] {
        let answer = echo.ask(&context.sending.sign(text)?)?;
        ensure!(context.receiving.verify(&answer)? == text, "signed");
        if protection == Protection::Sealing {
            let answer = echo.ask(&context.sending.seal(text, &[6; 16])?)?;
            ensure!(context.receiving.open(&answer)?.expose() == text, "sealed");
        }
    }
    Ok(())
}

/// A service that accepts one context and says back what it is told.
struct Echo {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Echo {
    fn start(mut command: Command) -> Result<Self> {
        command.args(["echo", &format!("tls-server-end-point:{CERTIFICATE}")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let to = child.stdin.take().context("no standard input")?;
        let from = child.stdout.take().context("no standard output")?;
        Ok(Self {
            child,
            to,
            from: BufReader::new(from),
        })
    }

    fn ask(&mut self, token: &[u8]) -> Result<Vec<u8>> {
        writeln!(self.to, "{}", hex(token))?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        let line = line.trim();
        ensure!(!line.is_empty(), "it ended: {:?}", self.child.try_wait()?);
        let digits = |at: usize| {
            line.get(at..at + 2)
                .and_then(|two| u8::from_str_radix(two, 16).ok())
        };
        let bytes: Option<Vec<u8>> = (0..line.len()).step_by(2).map(digits).collect();
        bytes.with_context(|| line.to_owned())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
