//! What to type where a KDC says no: to a ticket for a service, or to a login.

use keyroll::account::set_enctypes;
use keyroll::kerberos::message::KdcCode;
use keyroll::kerberos::{Enctype, Principal};
use keyroll::name::DcName;
use keyroll::shell::{powershell_word, quoted};

/// The kinds of key that every domain controller of today makes.
const AES: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];

/// Where a KDC issues no ticket for `spn`; `account` has that SPN, where it is known who does.
pub(super) fn to_service(
    code: KdcCode,
    dc: &DcName,
    spn: &str,
    account: Option<&Principal>,
) -> String {
    let name = account.map(|account| quoted(&account.name()));
    let typed = powershell_word(spn);
    match (code, name) {
        (KdcCode::ServiceUnknown, Some(name)) if spn == format!("ldap/{dc}") => format!(
            "samba-tool spn add {spn} {name} (or setspn -S {spn} {name}; if it has that: keyroll \
             spn duplicates, then {})",
            replication(dc)
        ),
        (KdcCode::ServiceUnknown, Some(name)) => format!(
            "samba-tool spn list {name} (or setspn -L {name}; it has {spn}, or lacks it), then \
             keyroll spn duplicates, then {}",
            replication(dc)
        ),
        (KdcCode::ServiceUnknown, None) => {
            format!("setspn -Q {typed}, then keyroll spn duplicates")
        }
        (KdcCode::NotUnique, _) => "keyroll spn duplicates".to_owned(),
        (KdcCode::ServiceRevoked | KdcCode::ClientRevoked, Some(name)) => let_in_again(&name),
        (KdcCode::ServiceRevoked | KdcCode::ClientRevoked, None) => {
            format!("setspn -Q {typed} (that account is locked, disabled or expired)")
        }
        (KdcCode::EnctypeUnsupported, Some(_)) => enctypes(account),
        (KdcCode::EnctypeUnsupported, None) => format!(
            "setspn -Q {typed} (that account needs msDS-SupportedEncryptionTypes 24, and its \
             password set anew)"
        ),
        (other, _) => to_anybody(other, dc),
    }
}

/// Where a KDC does not let an account log in.
pub(super) fn to_client(code: KdcCode, dc: &DcName, client: &Principal) -> String {
    let name = quoted(&client.name());
    match code {
        KdcCode::ClientUnknown => replication(dc),
        KdcCode::ClientRevoked => let_in_again(&name),
        KdcCode::KeyExpired => format!(
            "samba-tool user setexpiry --noexpiry {name} (or Set-ADUser {name} \
             -PasswordNeverExpires $true), then set its password anew"
        ),
        KdcCode::EnctypeUnsupported => enctypes(Some(client)),
        other => to_anybody(other, dc),
    }
}

/// Where the answer to a login is under another key than was shown.
pub(super) fn other_key(dc: &DcName) -> String {
    replication(dc)
}

fn to_anybody(code: KdcCode, dc: &DcName) -> String {
    match code {
        KdcCode::Skew => format!("chronyc tracking (here, and on {dc})"),
        other => other.explained(),
    }
}

/// A KDC does not say which of the three it is.
fn let_in_again(name: &str) -> String {
    format!(
        "samba-tool user unlock {name} (or Unlock-ADAccount {name}; if it is disabled: samba-tool \
         user enable {name}; if it has expired: samba-tool user setexpiry --noexpiry {name})"
    )
}

/// An account from before has keys of these kinds only once its password is set again.
fn enctypes(account: Option<&Principal>) -> String {
    let name = account.map(Principal::name).unwrap_or_default();
    let set = set_enctypes(&name, None, &AES);
    format!("{set}, then set its password anew")
}

fn replication(dc: &DcName) -> String {
    format!("samba-tool drs showrepl {dc} (or repadmin /showrepl {dc})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [i32; 20] = [
        6, 7, 8, 11, 12, 13, 14, 18, 19, 23, 24, 25, 31, 32, 37, 41, 52, 60, 68, 99,
    ];

    #[test]
    fn every_no_has_a_command_that_names_what_is_known() {
        let dc: DcName = "dc1.corp.example".parse().unwrap();
        let account: Principal = "svc-web$@CORP.EXAMPLE".parse().unwrap();
        for code in CODES.map(KdcCode::from_number) {
            for text in [
                to_service(code, &dc, "HTTP/web", Some(&account)),
                to_service(code, &dc, "HTTP/web", None),
                to_client(code, &dc, &account),
            ] {
                let begins = ["samba-tool ", "setspn ", "keyroll ", "net ads ", "chronyc "];
                assert!(
                    begins.iter().any(|one| text.starts_with(one)),
                    "{code}: {text}"
                );
                assert!(!text.contains("ACCOUNT"), "{code}: {text}");
            }
        }
        let to = |code, account| to_service(code, &dc, "HTTP/web", account);
        let locked = to(KdcCode::ServiceRevoked, Some(&account));
        assert!(
            locked.starts_with("samba-tool user unlock 'svc-web$' (or "),
            "{locked}"
        );
        let unknown = to(KdcCode::ServiceRevoked, None);
        assert!(unknown.starts_with("setspn -Q HTTP/web ("), "{unknown}");
        let kinds = to(KdcCode::EnctypeUnsupported, Some(&account));
        assert!(
            kinds.starts_with("net ads enctypes set 'svc-web$' 24 "),
            "{kinds}"
        );
        let own = to_service(
            KdcCode::ServiceUnknown,
            &dc,
            "ldap/dc1.corp.example",
            Some(&account),
        );
        assert!(
            own.starts_with("samba-tool spn add ldap/dc1.corp.example 'svc-web$' (or "),
            "{own}"
        );
        let policy = to(KdcCode::Policy, None);
        assert_eq!(policy, "keyroll explain KDC_ERR_POLICY");
    }
}
