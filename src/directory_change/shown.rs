//! A change as people read it, and as other tools take it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Action, DirectoryChange, Modification};

/// The longest value that a sentence shows whole, in characters.
const SHOWN: usize = 120;

impl DirectoryChange {
    /// What is done, one sentence for each value: `svc-web$: add servicePrincipalName HTTP/web`.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let account = &self.target.account;
        let one = |one: &Modification| {
            let word = one.action.word();
            format!("{account}: {word} {} {}", one.attribute, one.shown())
        };
        self.modifications.iter().map(one).collect()
    }

    /// The same as LDIF (RFC 2849), for `ldapmodify` or `ldifde`.
    #[must_use]
    pub fn ldif(&self) -> String {
        let name = &self.target.distinguished_name;
        let mut text = line("dn", name.as_bytes());
        text.push_str("changetype: modify\n");
        for one in &self.modifications {
            let _ = writeln!(text, "{}: {}", one.action.word(), one.attribute);
            text.push_str(&line(&one.attribute, &one.value));
            text.push_str("-\n");
        }
        text
    }

    /// The command that asks Windows to do the same, where there is one: `setspn` alone takes
    /// single values.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let spns = self.modifications.iter().filter(|one| {
            one.attribute.eq_ignore_ascii_case("servicePrincipalName") && one.text().is_some()
        });
        let command = |one: &Modification| {
            let option = match one.action {
                Action::Add => "-S",
                Action::Delete => "-D",
            };
            format!("setspn {option} {} {}", one.shown(), self.target.account)
        };
        spns.map(command).collect()
    }
}

impl Modification {
    /// The value as text, if it is text that a terminal shows as it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.value).ok()?;
        (!text.chars().any(char::is_control)).then_some(text)
    }

    /// The value in a sentence; bytes by their number.
    fn shown(&self) -> String {
        match self.text() {
            Some(text) if text.chars().count() <= SHOWN => text.to_owned(),
            Some(text) => format!("{}…", text.chars().take(SHOWN).collect::<String>()),
            None => format!("({} bytes)", self.value.len()),
        }
    }
}

/// One line of LDIF; what is no safe string goes as base64 (RFC 2849, SAFE-STRING).
fn line(name: &str, value: &[u8]) -> String {
    let safe = |byte: &u8| (0x20..0x7f).contains(byte);
    let begins = !matches!(value.first(), Some(b' ' | b':' | b'<'));
    if value.iter().all(safe) && begins && value.last() != Some(&b' ') {
        return format!("{name}: {}\n", String::from_utf8_lossy(value));
    }
    format!("{name}:: {}\n", STANDARD.encode(value))
}
