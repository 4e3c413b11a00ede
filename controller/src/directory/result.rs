//! What a domain controller answers to a request, as one of our three outcomes or a refusal.

use keyroll::name::DcName;
use keyroll::roll::Answer;
use ldap3::LdapResult;

use super::ber::bind::BindAnswer;
use super::connection::Lost;
use crate::ports::PortError;

pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(super) const VALUE_EXISTS: u32 = 20;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const STRONGER_AUTH: u32 = 8;
const INVALID_CREDENTIALS: u32 = 49;
pub(super) const INSUFFICIENT_RIGHTS: u32 = 50;
pub(super) const UNWILLING: u32 = 53;

/// The longest diagnostic text that is kept.
const TEXT_MAX: usize = 300;

/// What became of a write.
pub(super) fn answer(outcome: Result<LdapResult, Lost>) -> Answer {
    match outcome {
        Ok(result) if result.rc == 0 => Answer::Applied,
        Ok(result) => Answer::Refused {
            code: result.rc,
            win32: win32(&result.text),
            text: described(result.rc, &result.text),
        },
        Err(Lost(text)) => Answer::Unanswered { text },
    }
}

/// `Ok` if it says success; else the refusal, naming the object and the domain controller.
pub(super) fn success(dc: &DcName, object: &str, result: &LdapResult) -> Result<(), PortError> {
    if result.rc == 0 {
        return Ok(());
    }
    let object = if object.is_empty() {
        dc.to_string()
    } else {
        format!("{object} on {dc}")
    };
    let next = match result.rc {
        INSUFFICIENT_RIGHTS => "keyroll array create --print-acl",
        _ => "",
    };
    Err(PortError::Refused {
        object,
        why: described(result.rc, &result.text),
        next: next.to_owned(),
    })
}

/// The Win32 error with which AD's diagnostic texts begin, `0000052D: SvcErr: …` (MS-ADTS
/// 3.1.1.3.1.9).
#[must_use]
pub fn win32(text: &str) -> Option<u32> {
    let (digits, _) = text.split_once(':')?;
    let hexadecimal = digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit());
    hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Code, its name, and the diagnostic text without what terminals would obey.
fn described(rc: u32, text: &str) -> String {
    let name = code_name(rc);
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text: String = text.trim().chars().take(TEXT_MAX).collect();
    let known = win32(&text).and_then(win32_words);
    let mut said = format!("{name} ({rc})");
    for more in [known.unwrap_or_default(), &text] {
        if !more.is_empty() {
            said.push_str(": ");
            said.push_str(more);
        }
    }
    said
}

/// Why a bind was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindTrouble {
    /// In words.
    pub words: String,
    /// The directory has counted a bad password.
    pub wrong_password: bool,
}

/// Why a bind was refused: AD hides it in `data 52e` within the text.
#[must_use]
pub fn bind_trouble(rc: u32, text: &str) -> BindTrouble {
    let code = text.split("data ").nth(1).unwrap_or_default();
    let code: String = code.chars().take_while(char::is_ascii_hexdigit).collect();
    let code = u32::from_str_radix(&code, 16).unwrap_or_default();
    let words = match (rc, code) {
        (INVALID_CREDENTIALS, 0x525) => "there is no such account",
        (INVALID_CREDENTIALS, 0x52e) => "the password is wrong",
        (INVALID_CREDENTIALS, 0x530 | 0x531) => "it may not log in now or from here",
        (INVALID_CREDENTIALS, 0x532 | 0x773) => "its password has expired",
        (INVALID_CREDENTIALS, 0x533) => "it is disabled",
        (INVALID_CREDENTIALS, 0x701) => "it has expired",
        (INVALID_CREDENTIALS, 0x775) => "it is locked out",
        // SEC_E_BAD_BINDINGS.
        (INVALID_CREDENTIALS, 0x8009_0346) => {
            "the TLS connection that it ends is not the one that was opened here"
        }
        _ => "",
    };
    BindTrouble {
        words: if words.is_empty() {
            described(rc, text)
        } else {
            format!("{words} (49, data {code:x})")
        },
        // Samba's text may lack the number: then any refused bind is taken for one.
        wrong_password: rc == INVALID_CREDENTIALS && matches!(code, 0 | 0x52e),
    }
}

/// The reasons for which a password is refused (MS-ERREF 2.2; MS-SAMR 3.1.1.8).
fn win32_words(code: u32) -> Option<&'static str> {
    Some(match code {
        0x05 => "the right is missing",
        0x1f => "the domain controller could not do it",
        0x56 => "the old password is not the one in force",
        0x52d => "the password policy refuses it (too young, used before, too short, too simple)",
        0x2077 => "the attribute may not be changed like this",
        0x202f => "it conflicts with another object",
        0x20b5 | 0x2028 => "the attribute may not be changed",
        0x2098 => "the right is missing",
        0x20c1 => "the value is there already",
        0x20cb | 0x217b | 0x2187 | 0x21c7 | 0x21c8 => "the value must be the only one of its kind",
        _ => return None,
    })
}

/// The names of RFC 4511 section 4.1.9.
fn code_name(code: u32) -> &'static str {
    match code {
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        STRONGER_AUTH => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        NO_SUCH_ATTRIBUTE => "noSuchAttribute",
        17 => "undefinedAttributeType",
        19 => "constraintViolation",
        VALUE_EXISTS => "attributeOrValueExists",
        21 => "invalidAttributeSyntax",
        NO_SUCH_OBJECT => "noSuchObject",
        34 => "invalidDNSyntax",
        INVALID_CREDENTIALS => "invalidCredentials",
        INSUFFICIENT_RIGHTS => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        UNWILLING => "unwillingToPerform",
        64 => "namingViolation",
        65 => "objectClassViolation",
        68 => "entryAlreadyExists",
        80 => "other",
        _ => "refused",
    }
}

/// Whether a bind is refused since it is not signed, or not bound to its TLS connection:
/// `SEC_E_BAD_BINDINGS` stands in the text (MS-ERREF 2.1.1).
pub(super) fn wants_protection(answer: &BindAnswer) -> bool {
    let bad_bindings = answer.text.contains("80090346");
    matches!(answer.code, STRONGER_AUTH | UNWILLING) || bad_bindings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult {
            rc,
            matched: String::new(),
            text: text.to_owned(),
            refs: vec![],
            ctrls: vec![],
        }
    }

    #[test]
    fn the_win32_code_is_read_from_the_text() {
        for (text, code) in [
            (
                "0000052D: Constraint violation - check_password_restrictions: …",
                Some(0x52d),
            ),
            ("00000056: AtrErr: DSID-03191083, #1:", Some(0x56)),
            ("0000052d", None),
            ("error: no code", None),
            ("", None),
        ] {
            assert_eq!(win32(text), code, "{text:?}");
        }
    }

    #[test]
    fn a_write_has_three_outcomes() {
        assert_eq!(answer(Ok(result(0, ""))), Answer::Applied);
        let lost = answer(Err(Lost("gone".to_owned())));
        assert_eq!(
            lost,
            Answer::Unanswered {
                text: "gone".to_owned()
            }
        );
        let Answer::Refused { code, win32, text } = answer(Ok(result(19, "00000056: x\x1b[0m\0")))
        else {
            panic!("a refusal was taken for something else");
        };
        assert_eq!((code, win32), (19, Some(0x56)));
        assert!(
            text.contains("old password") && !text.contains('\x1b'),
            "{text}"
        );
    }

    #[test]
    fn refused_binds_are_told_apart() {
        let text = "80090308: LdapErr: DSID-0C09056D, comment: AcceptSecurityContext error, \
                    data 775, v4563\0";
        assert!(bind_trouble(49, text).words.contains("locked out"));
        assert!(
            bind_trouble(8, "Transport encryption required.")
                .words
                .contains("strongerAuth")
        );
    }

    #[test]
    fn a_refusal_for_want_of_protection_is_told_from_others() {
        let answer = |code, text: &str| BindAnswer {
            code,
            text: text.to_owned(),
            credentials: Vec::new(),
        };
        let windows = "80090346: LdapErr: DSID-0C0906B0, comment: AcceptSecurityContext error, \
                       data 80090346, v4563";
        assert!(wants_protection(&answer(8, "Sign or Seal are required.")));
        assert!(wants_protection(&answer(49, windows)));
        assert!(!wants_protection(&answer(49, "data 52e, v4563")));
    }
}
