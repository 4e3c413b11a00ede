//! A change as people read it, and as other tools take it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::flags::{Flags, is_of_flags};
use super::{DirectoryChange, Modification};
use crate::delegation::{ACTORS, Control};
use crate::descriptor::Descriptor;

/// The longest value that a sentence shows whole, in characters.
const SHOWN: usize = 120;

impl DirectoryChange {
    /// What is done, one sentence for each value that comes or goes for good: `svc-web$: add
    /// servicePrincipalName HTTP/web`.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let account = &self.target.account;
        let flags = Flags::of(self);
        let one = |one: &Modification| {
            let word = one.action.word();
            format!("{account}: {word} {} {}", one.attribute, one.shown())
        };
        let others = self.lasting();
        let others = others.filter(|one| flags.is_none() || !is_of_flags(one));
        let switched = flags.into_iter().flat_map(Flags::switched);
        let switched = switched.map(|what| format!("{account}: {what}"));
        switched.chain(others.map(one)).collect()
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
}

impl Modification {
    /// The value as text, if it is text that a terminal shows as it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        as_text(&self.value)
    }

    /// The value in a sentence; bytes by their number.
    fn shown(&self) -> String {
        match self.text() {
            Some(text) if text.chars().count() <= SHOWN => text.to_owned(),
            Some(text) => format!("{}…", text.chars().take(SHOWN).collect::<String>()),
            None => format!("({} bytes{})", self.value.len(), self.let_in()),
        }
    }

    /// Whom a descriptor lets act, where the value is one.
    fn let_in(&self) -> String {
        if !self.attribute.eq_ignore_ascii_case(ACTORS) {
            return String::new();
        }
        let Ok(found) = Descriptor::from_bytes(&self.value) else {
            return String::new();
        };
        let actors = found.actors();
        let names: Vec<String> = actors.iter().map(ToString::to_string).collect();
        match names.as_slice() {
            [] => ": nobody may act".to_owned(),
            names => format!(": {} may act", names.join(", ")),
        }
    }
}

/// A value as text, if it is text that a terminal shows as it is.
#[must_use]
pub fn as_text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

impl Flags {
    /// `set NOT_DELEGATED (userAccountControl 512 to 1049088)`, for each flag.
    fn switched(self) -> Vec<String> {
        let meant = (0..u32::BITS).map(|place| 1 << place);
        let meant = meant.filter(|bit| self.meant() & bit != 0);
        let (old, new) = (self.old.text(), self.new.text());
        let each = meant.map(|bit| {
            let word = if self.new.has(bit) { "set" } else { "clear" };
            let name = Control::name(bit).map_or_else(|| format!("{bit:#x}"), str::to_owned);
            format!("{word} {name} (userAccountControl {old} to {new})")
        });
        each.collect()
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
