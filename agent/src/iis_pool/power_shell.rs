//! How IIS is given a pool's password: its managed interface, `Microsoft.Web.Administration`, in a
//! Windows PowerShell of our own.
//!
//! The script is in the arguments, the same each time, and holds no secret; what is secret comes by
//! standard input, where neither other processes nor what PowerShell writes down of its commands
//! show it. What IIS has done is then read from its file, not taken from the answer alone.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyroll::secret::Password;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::{Pools, Recycle};
use crate::hook::last_words;
use crate::iis::{self, Pool, Stored};
use crate::platform::{self, Family};

/// What PowerShell runs.
pub const SCRIPT: &str = include_str!("switch.ps1");

/// What stands before the script: no profile of anybody's, nobody to be asked, and text instead of
/// objects on both sides.
pub const ARGUMENTS: [&str; 8] = [
    "-NoLogo",
    "-NoProfile",
    "-NonInteractive",
    "-InputFormat",
    "Text",
    "-OutputFormat",
    "Text",
    "-Command",
];

/// A cold start takes some seconds; a controller waits 45 s for all that a node has to do.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// No answer is longer.
const MOST: u64 = 64 << 10;

/// IIS, by way of a Windows PowerShell.
#[derive(Debug)]
pub struct PowerShell {
    /// The program, by its absolute path.
    pub program: PathBuf,
    /// The `applicationHost.config` of this machine.
    pub config: PathBuf,
    /// After this long it is ended.
    pub time_limit: Duration,
}

/// What it is to do.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
enum Doing {
    Try,
    Give,
    GiveAndRecycle,
}

/// The line that it answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    outcome: Outcome,
    recycle: Recycled,
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// Nothing stands in the way.
    Could,
    /// The pool had it before.
    Had,
    /// It has it now.
    Given,
    /// It was committed, and is not there.
    NotHeld,
    NoPool,
    OtherAccount,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Recycled {
    None,
    ByItself,
    Asked,
    Stopped,
    Left,
    Failed,
}

impl Pools for PowerShell {
    fn look(&self, pool: &str) -> io::Result<Pool> {
        let file = self.config.display();
        let text = iis::load(&self.config);
        let text =
            text.map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))?;
        let found = iis::read(&text);
        let found = found.map_err(|error| other(format!("{file}: {error}")))?;
        let mut pools = found.pools.into_iter();
        let pool = pools.find(|one| one.name.eq_ignore_ascii_case(pool));
        pool.ok_or_else(|| {
            let what = format!("{file} has none of this name; next: keyroll-agent iis show");
            io::Error::new(io::ErrorKind::NotFound, what)
        })
    }

    fn rehearse(&self, pool: &str, account: &str) -> io::Result<()> {
        let answer = self.ask(Doing::Try, pool, account, None)?;
        if answer.outcome == Outcome::Could {
            Ok(())
        } else {
            Err(unfit(&answer, None))
        }
    }

    fn give(
        &self,
        pool: &str,
        account: &str,
        password: &Password,
        recycle: bool,
    ) -> io::Result<Recycle> {
        let before = self.look(pool)?.password;
        let doing = if recycle {
            Doing::GiveAndRecycle
        } else {
            Doing::Give
        };
        let answer = self.ask(doing, pool, account, Some(password))?;
        let done = [Outcome::Had, Outcome::Given].contains(&answer.outcome);
        if !done || !answer.why.is_empty() {
            return Err(unfit(&answer, Some(password)));
        }
        let after = self.look(pool)?;
        let file = self.config.display();
        if !after.account.eq_ignore_ascii_case(account) {
            return Err(other(format!("{file} says another account of it now")));
        }
        if !matches!(after.password, Stored::Encrypted(_)) {
            return Err(other(format!(
                "{file} has no encrypted password of it, although IIS says so"
            )));
        }
        if answer.outcome == Outcome::Given && after.password == before {
            return Err(other(format!(
                "{file} has its old password still, although IIS says otherwise: a configuration \
                 that is kept elsewhere (redirection.config) is not followed"
            )));
        }
        Ok(match answer.recycle {
            Recycled::ByItself => Recycle::ByItself,
            Recycled::Asked => Recycle::Asked,
            Recycled::Stopped => Recycle::Stopped,
            Recycled::Left => Recycle::Left,
            Recycled::None | Recycled::Failed => Recycle::None,
        })
    }
}

impl PowerShell {
    /// Runs the script to its end.
    fn ask(
        &self,
        doing: Doing,
        pool: &str,
        account: &str,
        password: Option<&Password>,
    ) -> io::Result<Answer> {
        let input = input(doing, pool, account, password);
        // The caller may be a thread that another runtime turns on.
        let (status, output, errors) = std::thread::scope(|scope| {
            let running = scope.spawn(|| {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                runtime.enable_all().build()?.block_on(self.run(&input))
            });
            let ended = running.join();
            ended.unwrap_or_else(|_| Err(other("its thread was cut off".to_owned())))
        })?;
        let text = String::from_utf8_lossy(&output);
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        let answer = line.and_then(|line| serde_json::from_str::<Answer>(line.trim()).ok());
        answer.filter(|_| status.success()).ok_or_else(|| {
            let words = without(&last_words(&[], &errors), password);
            other(format!(
                "{} ended with {status} and no answer{words}",
                self.program.display()
            ))
        })
    }

    async fn run(&self, input: &[u8]) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>, Vec<u8>)> {
        let program = self.program.display();
        let mut command = Command::new(&self.program);
        Family::prepare(&mut command);
        let started = command
            .args(ARGUMENTS)
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child =
            started.map_err(|error| other(format!("{program} cannot be started: {error}")))?;
        let family = Family::of(&child);
        match tokio::time::timeout(self.time_limit, converse(&mut child, input)).await {
            Ok(ended) => ended.map_err(|error| other(format!("{program} was lost: {error}"))),
            Err(_) => {
                family.kill();
                // Where it is none, at least this one.
                child.kill().await.ok();
                let seconds = self.time_limit.as_secs();
                Err(other(format!(
                    "{program} took longer than {seconds} s and was ended"
                )))
            }
        }
    }
}

/// Hands the input over, and hears the answer.
async fn converse(
    child: &mut Child,
    input: &[u8],
) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    if let Some(stdin) = child.stdin.take() {
        // At once, since it is shorter than a pipe: a copy that the runtime makes is wiped by
        // nobody. Whoever ends without having read it says why by other ways.
        platform::plain(stdin)?.write_all(input).ok();
    }
    let (mut output, mut errors) = (Zeroizing::new(Vec::new()), Vec::new());
    tokio::join!(drain(stdout, &mut output), drain(stderr, &mut errors));
    Ok((child.wait().await?, output, errors))
}

async fn drain(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(from) = from {
        from.take(MOST).read_to_end(into).await.ok();
    }
}

/// What goes in: base64 has every character survive, whatever code page the console is set to.
fn input(
    doing: Doing,
    pool: &str,
    account: &str,
    password: Option<&Password>,
) -> Zeroizing<Vec<u8>> {
    let password = password.map_or("", Password::expose);
    let texts = [pool, account, password];
    // Of its last size at once: what outgrows its place leaves a copy there.
    let room: usize = texts.iter().map(|text| text.len() * 2 + 8).sum();
    let mut input = Zeroizing::new(Vec::with_capacity(room + 32));
    input.extend_from_slice(<&str>::from(doing).as_bytes());
    for text in texts {
        input.push(b'\n');
        let encoded = Zeroizing::new(STANDARD.encode(text));
        input.extend_from_slice(encoded.as_bytes());
    }
    input.push(b'\n');
    input
}

/// Why it was not done, in words.
fn unfit(answer: &Answer, password: Option<&Password>) -> io::Error {
    let why = STANDARD.decode(&answer.why).unwrap_or_default();
    let why = String::from_utf8_lossy(&why).into_owned();
    let why: String = why
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(600)
        .collect();
    let why = without(&why, password);
    other(match answer.outcome {
        Outcome::NoPool => "IIS knows none of this name; next: keyroll-agent iis show".to_owned(),
        Outcome::OtherAccount => {
            "IIS has it run as another account by now; next: keyroll-agent iis show".to_owned()
        }
        Outcome::NotHeld => "IIS has taken it, and does not have it".to_owned(),
        Outcome::Could | Outcome::Had | Outcome::Given => {
            format!("it has it, and was not recycled: {why}; this is tried again")
        }
        Outcome::Failed => format!(
            "IIS's interface (Microsoft.Web.Administration) says: {why}; next, if it is not there: \
             Install-WindowsFeature Web-Scripting-Tools"
        ),
    })
}

/// A text in which the password does not stand, whoever wrote it.
fn without(text: &str, password: Option<&Password>) -> String {
    match password.map(Password::expose) {
        Some(secret) if !secret.is_empty() => text.replace(secret, "[…]"),
        _ => text.to_owned(),
    }
}

fn other(what: String) -> io::Error {
    io::Error::other(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows takes 32,767 characters, and a double quote or a last backslash would be read
    /// differently by whoever takes the line apart.
    #[test]
    fn the_script_survives_a_command_line() {
        assert!(SCRIPT.is_ascii() && SCRIPT.len() < 16_000);
        assert!(!SCRIPT.contains('"') && !SCRIPT.contains('\0') && !SCRIPT.ends_with('\\'));
    }

    #[test]
    fn every_character_of_a_password_survives() {
        let password = "ä€𝄞 '\"`$(x)\t\\ ;|&%PATH%";
        let secret = Password::new(password.to_owned());
        let input = input(Doing::Give, "Shop & More", r"CORP\svc-web", Some(&secret));
        assert!(input.is_ascii());
        let text = std::str::from_utf8(&input).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let decoded = |line: &str| String::from_utf8(STANDARD.decode(line).unwrap()).unwrap();
        assert_eq!(lines[0], "give");
        let texts: Vec<String> = lines[1..].iter().map(|line| decoded(line)).collect();
        assert_eq!(texts, ["Shop & More", r"CORP\svc-web", password]);
        assert!(input.capacity() > input.len(), "it has grown");
    }

    #[test]
    fn no_text_of_others_carries_the_password_on() {
        let secret = Password::new("canary!".to_owned());
        let answer = Answer {
            outcome: Outcome::Failed,
            recycle: Recycled::None,
            why: STANDARD.encode("cannot set\r\ncanary! there"),
        };
        let said = unfit(&answer, Some(&secret)).to_string();
        assert!(said.contains("cannot set  […] there"), "{said}");
    }
}
