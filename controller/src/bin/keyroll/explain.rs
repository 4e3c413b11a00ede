//! `keyroll explain`

use std::fmt::Write as _;

use clap::Args;
use keyroll::explain::{Code, explain};
use serde::Serialize;

use crate::exit::Exit;
use crate::screen::Screen;
use crate::trouble::Trouble;

/// What to explain.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  keyroll explain KRB_AP_ERR_MODIFIED
  keyroll explain 0x25
  keyroll explain event 4771
  keyroll explain 'ldap_bind: Invalid credentials (49) ... data 52e, v4563'
  journalctl -u apache2 -n 1 | keyroll explain -")]
pub struct Explain {
    /// A number, a name, or a whole line of a log; `-` reads it from standard input
    #[arg(required = true, value_name = "CODE", allow_negative_numbers = true)]
    code: Vec<String>,
}

#[derive(Serialize)]
struct Reply {
    codes: Vec<One>,
}

#[derive(Serialize)]
struct One {
    family: &'static str,
    number: u32,
    spelled: String,
    name: &'static str,
    means: &'static str,
    cause: &'static str,
    next: &'static str,
}

/// Runs `keyroll explain`; asks nobody.
///
/// # Errors
/// Nothing that is known is in it.
pub fn run(asked: &Explain, screen: &Screen) -> Result<Exit, Trouble> {
    let text = match asked.code.as_slice() {
        [dash] if dash == "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Trouble::unreadable(std::path::Path::new("-"), &error))?,
        words => words.join(" "),
    };
    let codes = explain(&text);
    if codes.is_empty() {
        let shown: String = text.chars().take(80).collect();
        let what = format!("nothing in {shown:?} is an error that is known here");
        return Err(Trouble::new(Exit::Unknown, "unknown-code", what)
            .next("keyroll explain with the number, the name or the whole line of the log"));
    }
    let one = |code: &&'static Code| One {
        family: code.family.name(),
        number: code.number,
        spelled: code.spelled(),
        name: code.name,
        means: code.means,
        cause: code.cause,
        next: code.next,
    };
    let reply = Reply {
        codes: codes.iter().map(one).collect(),
    };
    screen.reply(&reply, |_| self::text(&codes))?;
    Ok(Exit::Done)
}

fn text(codes: &[&Code]) -> String {
    let mut text = String::new();
    for code in codes {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{code}\n  {}", code.means);
        if !code.cause.is_empty() {
            let _ = writeln!(text, "  usually: {}", code.cause);
        }
        if !code.next.is_empty() {
            let _ = writeln!(text, "  next: {}", code.next);
        }
    }
    text
}
