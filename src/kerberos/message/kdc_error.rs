//! What a KDC says when it grants nothing: KRB-ERROR (RFC 4120 section 5.9.1).

use std::fmt;

use chrono::{DateTime, Utc};
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag6,
    ExplicitContextTag7, ExplicitContextTag8, ExplicitContextTag9, ExplicitContextTag10,
    ExplicitContextTag11, ExplicitContextTag12, IntegerAsn1, OctetStringAsn1, Optional,
};
use picky_asn1_der::application_tag::ApplicationTag;
use picky_krb::data_types::{KerberosStringAsn1, KerberosTime, PaData, PrincipalName};
use serde::{Deserialize, Serialize};

use super::der::{Malformed, decode};
use super::wire::{int32, of_time};

/// A KDC's refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the KDC refuses: {code}{}", said(.text))]
pub struct KdcError {
    /// Why.
    pub code: KdcCode,
    /// The KDC's own words, if it has any, cut to 200 characters and without control characters.
    pub text: Option<String>,
    /// The KDC's clock.
    pub server_time: DateTime<Utc>,
}

fn said(text: &Option<String>) -> String {
    text.as_ref()
        .map_or_else(String::new, |text| format!(": {text}"))
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)+) => {
        /// The reasons that a KDC gives (RFC 4120 section 7.5.9), by what a caller does about them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum KdcCode {
            $($(#[$doc])* $variant,)+
            /// Any other number.
            Other(i32),
        }

        impl KdcCode {
            /// The code with this number.
            #[must_use]
            pub const fn from_number(number: i32) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Other(other),
                }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Other(number) => number,
                }
            }

            /// Its name in the RFC.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(_) => "an error without a name here",
                }
            }
        }
    };
}

codes! {
    /// The client is unknown to this KDC: not created, or not replicated.
    ClientUnknown = 6, "KDC_ERR_C_PRINCIPAL_UNKNOWN";
    /// The service is unknown, or two accounts hold its name.
    ServiceUnknown = 7, "KDC_ERR_S_PRINCIPAL_UNKNOWN";
    /// Two accounts hold the name.
    NotUnique = 8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE";
    /// The ticket would end before it begins.
    NeverValid = 11, "KDC_ERR_NEVER_VALID";
    /// A policy forbids it.
    Policy = 12, "KDC_ERR_POLICY";
    /// An option cannot be had, such as delegation.
    BadOption = 13, "KDC_ERR_BADOPTION";
    /// The account has no key of any enctype asked for.
    EnctypeUnsupported = 14, "KDC_ERR_ETYPE_NOSUPP";
    /// The client is disabled, expired or locked.
    ClientRevoked = 18, "KDC_ERR_CLIENT_REVOKED";
    /// The service's account is disabled or locked: nobody gets tickets for it.
    ServiceRevoked = 19, "KDC_ERR_SERVICE_REVOKED";
    /// The client's password has expired.
    KeyExpired = 23, "KDC_ERR_KEY_EXPIRED";
    /// The key is wrong; the directory counts a failed login.
    PreauthFailed = 24, "KDC_ERR_PREAUTH_FAILED";
    /// The request must prove the key first.
    PreauthRequired = 25, "KDC_ERR_PREAUTH_REQUIRED";
    /// The KDC cannot serve now.
    Unavailable = 29, "KDC_ERR_SVC_UNAVAILABLE";
    /// The KDC could not open the ticket or authenticator that was shown.
    BadIntegrity = 31, "KRB_AP_ERR_BAD_INTEGRITY";
    /// The ticket that was shown has expired.
    TicketExpired = 32, "KRB_AP_ERR_TKT_EXPIRED";
    /// The clocks differ by more than the KDC allows.
    Skew = 37, "KRB_AP_ERR_SKEW";
    /// The request or its checksum was changed on the way.
    Modified = 41, "KRB_AP_ERR_MODIFIED";
    /// The reply does not fit a datagram: ask over TCP.
    ResponseTooBig = 52, "KRB_ERR_RESPONSE_TOO_BIG";
    /// Anything; the text may tell.
    Generic = 60, "KRB_ERR_GENERIC";
    /// The name belongs to another realm.
    WrongRealm = 68, "KDC_ERR_WRONG_REALM";
}

impl KdcCode {
    /// The command that puts it into words, where nothing nearer is known to mend it.
    #[must_use]
    pub fn explained(self) -> String {
        match self {
            Self::Other(number) => format!("keyroll explain {number}"),
            known => format!("keyroll explain {}", known.name()),
        }
    }
}

impl fmt::Display for KdcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.number())
    }
}

/// `KRB-ERROR ::= [APPLICATION 30]`. Not picky-krb's: there `cusec` is a time and the error code
/// unsigned, so that it refuses the errors with which Heimdal answers a TGS request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KrbErrorInner {
    pvno: ExplicitContextTag0<IntegerAsn1>,
    msg_type: ExplicitContextTag1<IntegerAsn1>,
    #[serde(default)]
    ctime: Optional<Option<ExplicitContextTag2<KerberosTime>>>,
    #[serde(default)]
    cusec: Optional<Option<ExplicitContextTag3<IntegerAsn1>>>,
    stime: ExplicitContextTag4<KerberosTime>,
    susec: ExplicitContextTag5<IntegerAsn1>,
    error_code: ExplicitContextTag6<IntegerAsn1>,
    #[serde(default)]
    crealm: Optional<Option<ExplicitContextTag7<KerberosStringAsn1>>>,
    #[serde(default)]
    cname: Optional<Option<ExplicitContextTag8<PrincipalName>>>,
    realm: ExplicitContextTag9<KerberosStringAsn1>,
    sname: ExplicitContextTag10<PrincipalName>,
    #[serde(default)]
    e_text: Optional<Option<ExplicitContextTag11<KerberosStringAsn1>>>,
    #[serde(default)]
    e_data: Optional<Option<ExplicitContextTag12<OctetStringAsn1>>>,
}

type KrbError = ApplicationTag<KrbErrorInner, 30>;

/// The first byte of a KRB-ERROR.
const KRB_ERROR_TAG: u8 = 0x7e;
const WHAT: &str = "KDC's error";

/// The refusal in `bytes` with the pre-authentication hints beside it; `None` if this is no
/// KRB-ERROR at all.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(KdcError, Vec<PaData>)>, Malformed> {
    if bytes.first() != Some(&KRB_ERROR_TAG) {
        return Ok(None);
    }
    let error = decode::<KrbError>(WHAT, bytes)?.0;
    let text = error.e_text.0.map(|text| {
        let shown = text.0.as_utf8().chars().filter(|c| !c.is_control());
        shown.take(200).collect::<String>()
    });
    let refusal = KdcError {
        code: KdcCode::from_number(int32(WHAT, &error.error_code.0)?),
        text: text.filter(|text| !text.is_empty()),
        server_time: of_time(WHAT, &error.stime.0)?,
    };
    // Hints of another shape (Windows puts an NT status here) are no reason to lose the refusal.
    let hints = error
        .e_data
        .0
        .map(|hints| decode::<Asn1SequenceOf<PaData>>(WHAT, &hints.0.0));
    Ok(Some((
        refusal,
        hints.and_then(Result::ok).unwrap_or_default().0,
    )))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::der::encode;
    use super::super::wire::{integer, to_name, to_text, to_time};
    use super::*;

    /// A KRB-ERROR as Heimdal writes it after a TGS request: with the client's time.
    pub fn error(
        code: i64,
        time: DateTime<Utc>,
        text: Option<&str>,
        hints: Option<Vec<u8>>,
    ) -> Vec<u8> {
        let text = text.map(|text| ExplicitContextTag11::from(to_text(text).unwrap()));
        let hints = hints.map(|hints| ExplicitContextTag12::from(OctetStringAsn1::from(hints)));
        let service = "krbtgt/CORP.EXAMPLE@CORP.EXAMPLE".parse().unwrap();
        encode(&KrbError::from(KrbErrorInner {
            pvno: ExplicitContextTag0::from(integer(5)),
            msg_type: ExplicitContextTag1::from(integer(30)),
            ctime: Optional::from(Some(ExplicitContextTag2::from(to_time(time).unwrap()))),
            cusec: Optional::from(Some(ExplicitContextTag3::from(integer(7)))),
            stime: ExplicitContextTag4::from(to_time(time).unwrap()),
            susec: ExplicitContextTag5::from(integer(0)),
            error_code: ExplicitContextTag6::from(integer(code)),
            crealm: Optional::from(None),
            cname: Optional::from(None),
            realm: ExplicitContextTag9::from(to_text("CORP.EXAMPLE").unwrap()),
            sname: ExplicitContextTag10::from(to_name(&service).unwrap()),
            e_text: Optional::from(text),
            e_data: Optional::from(hints),
        }))
    }

    #[test]
    fn codes_keep_their_numbers() {
        for number in -1..=100 {
            assert_eq!(KdcCode::from_number(number).number(), number);
        }
        assert_eq!(KdcCode::Skew.to_string(), "KRB_AP_ERR_SKEW (37)");
    }

    #[test]
    fn a_refusal_survives_hints_of_another_shape() {
        let time = "2026-11-20T12:00:00Z".parse().unwrap();
        for code in [-7, 18, 37] {
            let bytes = error(code, time, None, Some(b"no hints".to_vec()));
            let (refusal, hints) = parse(&bytes).unwrap().unwrap();
            assert_eq!(i64::from(refusal.code.number()), code);
            assert_eq!((refusal.server_time, hints.len()), (time, 0));
        }
        assert_eq!(parse(b"\x6b\0").unwrap(), None);
    }

    #[test]
    fn the_words_of_a_kdc_are_cut_and_cleaned() {
        let time = "2026-11-20T12:00:00Z".parse().unwrap();
        let long = "x".repeat(300);
        for (said, kept) in [
            (None, None),
            (Some(""), None),
            (Some("\u{7}\n"), None),
            (Some("no\u{1b}[2J such"), Some("no[2J such")),
            (Some(&long), Some(&long[..200])),
        ] {
            let bytes = error(7, time, said, None);
            let (refusal, _) = parse(&bytes).unwrap().unwrap();
            assert_eq!(refusal.text.as_deref(), kept, "{said:?}");
        }
    }
}
