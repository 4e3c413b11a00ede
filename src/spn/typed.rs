//! Commands that name an SPN whatever it is spelled with: what cannot be told from another name on
//! a screen is typed by its numbers.

use crate::descriptor::Guid;
use crate::shell::{in_powershell, word};

/// Takes an SPN from an object, as Samba's tool and as PowerShell's module ActiveDirectory do.
#[must_use]
pub fn take_away(spn: &str, account: &str, guid: &[u8; 16]) -> String {
    format!(
        "samba-tool spn delete {} {} (or Set-ADObject {} -Remove @{{servicePrincipalName={}}})",
        word(spn),
        word(account),
        Guid(*guid),
        in_powershell(spn),
    )
}

/// What leaves a name to one of those who have it, each with the command that takes it from them:
/// to the first, and how that one loses it, if it is another who is to keep it.
#[must_use]
pub fn left_to_first(owners: &[(&str, String)]) -> String {
    let Some(((first, loses), others)) = owners.split_first() else {
        return String::new();
    };
    let others: Vec<&str> = others.iter().map(|(_, loses)| loses.as_str()).collect();
    if others.is_empty() {
        return loses.clone();
    }
    let others = others.join(", then ");
    format!("{others}, if {first} is to keep it; {first} loses it by {loses}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_owners_one_keeps_the_name() {
        let owners = ["a", "b", "c"].map(|one| (one, format!("take it from {one}")));
        let of = |count: usize| left_to_first(&owners[..count]);
        assert_eq!(of(0), "");
        assert_eq!(of(1), "take it from a");
        assert_eq!(
            of(3),
            "take it from b, then take it from c, if a is to keep it; a loses it by take it from a"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_typed_by_its_numbers() {
        for (spn, shell, powershell) in [
            ("HTTP/web:80", "HTTP/web:80", "'HTTP/web:80'"),
            ("HTTP/it's $a", r"'HTTP/it'\''s $a'", "'HTTP/it''s $a'"),
            (
                "HTTP/l\u{43e}'k",
                r"$'HTTP/l\xd0\xbe\'k'",
                "\"HTTP/l$([char]0x043e)'k\"",
            ),
            (
                "HTTP/w\u{200b}$\u{1d5ba}\n",
                r"$'HTTP/w\xe2\x80\x8b$\xf0\x9d\x96\xba\x0a'",
                "\"HTTP/w$([char]0x200b)`$$([char]0xd835)$([char]0xddba)$([char]0x000a)\"",
            ),
        ] {
            assert_eq!(word(spn), shell);
            assert_eq!(in_powershell(spn), powershell);
        }
        assert_eq!(
            take_away("HTTP/a", "svc-web$", &[7; 16]),
            "samba-tool spn delete HTTP/a 'svc-web$' (or Set-ADObject \
             07070707-0707-0707-0707-070707070707 -Remove @{servicePrincipalName='HTTP/a'})"
        );
    }
}
