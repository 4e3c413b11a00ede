//! The commands by which others do the same.

use super::flags::Flags;
use super::{Action, DirectoryChange, Modification};
use crate::delegation::{ACTORS, Control, TARGETS};
use crate::descriptor::Descriptor;
use crate::shell::{powershell_word, quoted, word};

/// A flag, what `Set-ADAccountControl` calls it, and what samba-tool does.
const FLAGS: [(u32, &str, &str); 3] = [
    (
        Control::UNCONSTRAINED,
        "TrustedForDelegation",
        "delegation for-any-service",
    ),
    (
        Control::PROTOCOL_TRANSITION,
        "TrustedToAuthForDelegation",
        "delegation for-any-protocol",
    ),
    (
        Control::NOT_DELEGATED,
        "AccountNotDelegated",
        "user sensitive",
    ),
];

impl DirectoryChange {
    /// The commands that do the same, where there are any: `setspn` for SPNs; for delegation those
    /// of PowerShell's module ActiveDirectory and those of samba-tool, each under a heading that a
    /// shell passes over.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let spns = self.texts("servicePrincipalName");
        let mut commands: Vec<String> = if self.lasting().count() == self.modifications.len() {
            spns.map(setspn(self)).collect()
        } else {
            spns.map(samba_spn(self)).collect()
        };
        for (heading, some) in [
            ("# PowerShell", self.powershell()),
            ("# or Samba", self.samba_tool()),
        ] {
            if !some.is_empty() {
                commands.push(heading.to_owned());
                commands.extend(some);
            }
        }
        commands
    }

    /// The same for delegation on one line, for whoever does by hand what keyroll refuses to.
    #[must_use]
    pub fn by_hand(&self) -> Option<String> {
        let [samba, powershell] = [self.samba_tool(), self.powershell()].map(|mut commands| {
            commands.retain(|command| !command.starts_with('#'));
            commands.join(", then ")
        });
        match (samba.as_str(), powershell.as_str()) {
            ("", "") => None,
            ("", one) | (one, "") => Some(one.to_owned()),
            (samba, powershell) => Some(format!("{samba} (or {powershell})")),
        }
    }

    fn powershell(&self) -> Vec<String> {
        let account = in_powershell(&self.target.account);
        let mut commands = Vec::new();
        for (_, name, _, on) in self.switched() {
            commands.push(format!("Set-ADAccountControl {account} -{name} ${on}"));
        }
        let noun = if self.target.account.ends_with('$') {
            "Set-ADComputer"
        } else {
            "Set-ADUser"
        };
        for (action, spn) in self.texts(TARGETS) {
            let option = match action {
                Action::Add => "Add",
                Action::Delete => "Remove",
            };
            let spn = in_powershell(spn);
            commands.push(format!("{noun} {account} -{option} @{{'{TARGETS}'={spn}}}"));
        }
        let option = "-PrincipalsAllowedToDelegateToAccount";
        match self.actors() {
            Some(actors) => commands.push(format!("{noun} {account} {option} {actors}")),
            None if self.modifications.iter().any(|one| is(one, ACTORS)) => commands.push(format!(
                "# by LDIF alone: {option} would lose what else is in the descriptor"
            )),
            None => {}
        }
        commands
    }

    fn samba_tool(&self) -> Vec<String> {
        let account = quoted(&self.target.account);
        let switched = self.switched().map(|(_, _, verb, on)| {
            let on = if on { "on" } else { "off" };
            format!("samba-tool {verb} {account} {on}")
        });
        let listed = self.texts(TARGETS).map(|(action, spn)| {
            let verb = match action {
                Action::Add => "add-service",
                Action::Delete => "del-service",
            };
            format!("samba-tool delegation {verb} {account} {}", quoted(spn))
        });
        switched.chain(listed).collect()
    }

    /// The flags that it sets or clears and that have a command, and whether it sets them.
    fn switched(&self) -> impl Iterator<Item = (u32, &'static str, &'static str, bool)> {
        let flags = Flags::of(self);
        FLAGS.into_iter().filter_map(move |(bit, name, verb)| {
            let flags = flags.filter(|flags| flags.meant() & bit != 0)?;
            Some((bit, name, verb, flags.new.has(bit)))
        })
    }

    /// Who may act at the object after it, as PowerShell takes them; none where that would make
    /// another descriptor than this change: it keeps nothing of the one that is there, neither
    /// denials nor an owner nor entries that are not known here.
    fn actors(&self) -> Option<String> {
        let mut of = self.modifications.iter().filter(|one| is(one, ACTORS));
        of.clone().next()?;
        let Some(new) = of.find(|one| one.action == Action::Add) else {
            return Some("$null".to_owned());
        };
        let actors = Descriptor::from_bytes(&new.value).ok()?.actors();
        if Descriptor::of_actors(&actors).to_bytes() != new.value {
            return None;
        }
        let actors = actors.iter().map(|sid| in_powershell(&sid.to_string()));
        Some(actors.collect::<Vec<_>>().join(","))
    }

    fn texts(&self, attribute: &'static str) -> impl Iterator<Item = (Action, &str)> {
        let of = self.lasting().filter(move |one| is(one, attribute));
        of.filter_map(|one| Some((one.action, one.text()?)))
    }
}

fn is(one: &Modification, attribute: &str) -> bool {
    one.attribute.eq_ignore_ascii_case(attribute)
}

/// `setspn` alone takes single values.
fn setspn(change: &DirectoryChange) -> impl Fn((Action, &str)) -> String {
    |(action, spn)| {
        let option = match action {
            Action::Add => "-S",
            Action::Delete => "-D",
        };
        let spn = powershell_word(spn);
        format!("setspn {option} {spn} {}", change.target.account)
    }
}

/// Where Samba takes no single value, its tool writes the whole list.
fn samba_spn(change: &DirectoryChange) -> impl Fn((Action, &str)) -> String {
    |(action, spn)| {
        let verb = match action {
            Action::Add => "add",
            Action::Delete => "delete",
        };
        let account = quoted(&change.target.account);
        format!("samba-tool spn {verb} {} {account}", word(spn))
    }
}

/// A text that PowerShell takes as it is.
fn in_powershell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
