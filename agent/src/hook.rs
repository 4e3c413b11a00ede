//! What runs on the node after a keytab has changed: a fixed command, no shell, a bare
//! environment, a time limit, and an end that is believed only if it is success.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use keyroll::fence::Version;
use keyroll::name::ArrayName;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::effect::Effect;
use crate::platform::Family;

/// A command, as the settings have it.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The program, by its absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// After this long it and its children are killed.
    pub time_limit: Duration,
}

/// A hook that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("hook {} {why}", program.display())]
pub struct HookError {
    /// Which.
    pub program: PathBuf,
    /// How it ended, and the last of what it said.
    pub why: String,
}

/// How much of a hook's last words is kept.
const TAIL: usize = 600;

/// How long a hook that has ended is listened to.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The most that is read of its words; a hook that says more is read no further, and waits.
const MOST: u64 = 1 << 20;

impl Hook {
    /// Runs the hook to its end.
    ///
    /// # Errors
    /// [`HookError`] unless it ended with success within its time.
    pub async fn run(&self, array: &ArrayName, version: Version) -> Result<(), HookError> {
        let _here = Effect::RunHook.here();
        let failed = |why| HookError {
            program: self.program.clone(),
            why,
        };
        let mut command = Command::new(&self.program);
        // Past its time its children end with it.
        Family::prepare(&mut command);
        let mut child = command
            .args(&self.arguments)
            .env("KEYROLL_ARRAY", array.as_str())
            .env("KEYROLL_VERSION", version.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let family = Family::of(&child);
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let mut said = (Vec::new(), Vec::new());
        let listening = async {
            tokio::join!(drain(output, &mut said.0), drain(errors, &mut said.1));
        };
        let end = tokio::time::timeout(self.time_limit, async {
            tokio::pin!(listening);
            tokio::select! {
                status = child.wait() => {
                    // A daemon that the hook started may keep the pipes open for ever.
                    let _ = tokio::time::timeout(LAST_WORDS, listening).await;
                    status
                }
                () = &mut listening => child.wait().await,
            }
        })
        .await;
        if end.is_err() {
            family.kill();
            let _ = child.wait().await;
        }
        let words = || last_words(&said.0, &said.1);
        match end {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(format!("ended with {status}{}", words()))),
            Ok(Err(error)) => Err(failed(format!("was lost: {error}"))),
            Err(_) => Err(failed(format!(
                "took longer than {} s and was killed{}",
                self.time_limit.as_secs(),
                words()
            ))),
        }
    }
}

async fn drain(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(from) = from {
        // Whatever cannot be read is not there to be shown.
        let _ = from.take(MOST).read_to_end(into).await;
    }
}

/// The end of what a hook said, on one line. Long runs of characters are left out: they may be a
/// key that a careless hook printed.
pub(crate) fn last_words(output: &[u8], errors: &[u8]) -> String {
    let text = [errors, output].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let words: Vec<&str> = text
        .iter()
        .flat_map(|text| text.split(|c: char| c.is_whitespace() || c.is_control()))
        .filter(|word| !word.is_empty())
        .map(|word| if may_be_a_key(word) { "[…]" } else { word })
        .collect();
    if words.is_empty() {
        return String::new();
    }
    let line = words.join(" ");
    let skipped = line.chars().count().saturating_sub(TAIL);
    format!(": {}", line.chars().skip(skipped).collect::<String>())
}

fn may_be_a_key(word: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/=:".contains(c);
    let mut run = 0;
    word.chars().any(|c| {
        run = if is_digit(c) { run + 1 } else { 0 };
        run >= 24
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Hook {
        Hook {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            time_limit: Duration::from_millis(400),
        }
    }

    async fn run(hook: Hook) -> Result<(), String> {
        let outcome = hook.run(&"web".parse().unwrap(), Version(7)).await;
        outcome.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn success_is_success_and_the_environment_is_bare() {
        let script = r#"test "$KEYROLL_ARRAY $KEYROLL_VERSION" = "web 7" && test -z "$HOME""#;
        assert_eq!(run(shell(script)).await, Ok(()));
    }

    #[tokio::test]
    async fn failure_keeps_the_last_words_and_no_key() {
        let script = "echo key 00112233445566778899aabbccddeeff; echo bad >&2; exit 3";
        let why = run(shell(script)).await.unwrap_err();
        assert_eq!(why, "hook /bin/sh ended with exit status: 3: bad key […]");
    }

    #[tokio::test]
    async fn whoever_hangs_is_killed_with_his_children() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // Its end is read once nobody holds the other one any more.
        let reader = pipe.clone();
        let ended = tokio::task::spawn_blocking(move || std::fs::read(reader));
        let script = format!("sleep 60 > {} & echo waiting; wait", pipe.display());
        let why = run(shell(&script)).await.unwrap_err();
        assert!(why.contains("was killed: waiting"), "{why}");
        let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
        ended
            .expect("a child of the hook lives on")
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let mut hook = shell("");
        hook.program = "/no/such/program".into();
        assert!(
            run(hook)
                .await
                .unwrap_err()
                .contains("/no/such/program cannot be started")
        );
    }
}
