//! The exchanges end to end, against a KDC of a few lines; every refusal; hostile bytes.

pub mod ap;
mod for_users;
mod forged;
mod hostile;
mod kdc;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::kerberos::{Enctype, Key, Kvno, Principal};
use crate::secret::SecretBytes;
use kdc::Kdc;

pub const AES256: Enctype = Enctype::Aes256CtsHmacSha1;
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Of each request to the authentication service.
const NONCE: u32 = 0x7fff_fff0;

pub fn principal(text: &str) -> Principal {
    text.parse().unwrap()
}

pub fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00.123456Z".parse().unwrap()
}

/// A key of bytes that are all `seed`.
pub fn key(enctype: Enctype, seed: u8) -> Key {
    Key::new(enctype, SecretBytes::new(vec![seed; enctype.key_length()])).unwrap()
}

fn as_request<'a>(client: &'a Principal, service: &'a Principal) -> AsRequest<'a> {
    AsRequest {
        client,
        service,
        enctypes: &[AES256],
        now: now(),
        lifetime: HOUR,
        nonce: NONCE,
        preauth: None,
    }
}

/// What a KDC grants to whoever proves the client's key: a ticket-granting ticket.
fn granted_tgt(kdc: &Kdc, client: &Principal) -> Box<Granted> {
    let tgs = krbtgt(kdc.realm());
    let request = AsRequest {
        preauth: Some(Preauth {
            key: &kdc.client_key,
            confounder: &[1; 16],
        }),
        ..as_request(client, &tgs)
    };
    match AsReply::parse(&kdc.answer_as(&request.to_bytes().unwrap())).unwrap() {
        AsReply::Granted(granted) => granted,
        reply => panic!("{reply:?}"),
    }
}

#[test]
fn a_kdc_first_asks_for_the_key_and_tells_its_salt() {
    let kdc = Kdc::new();
    let (client, service) = (principal("alice@CORP.EXAMPLE"), krbtgt(kdc.realm()));
    let request = as_request(&client, &service).to_bytes().unwrap();
    let AsReply::PreauthRequired(list) = AsReply::parse(&kdc.answer_as(&request)).unwrap() else {
        panic!("a ticket without a proof");
    };
    let expected = KeyHint {
        enctype: 18,
        salt: Some(crate::kerberos::salt::Salt::new(
            "CORP.EXAMPLEalicé".to_owned(),
        )),
        iterations: Some(4096),
    };
    assert_eq!(list, [expected]);
}

#[test]
fn a_password_becomes_a_ticket_and_that_a_service_ticket() {
    let kdc = Kdc::new();
    let (client, tgs) = (principal("alice@CORP.EXAMPLE"), krbtgt(kdc.realm()));
    let granted = granted_tgt(&kdc, &client);
    let tgt = granted.open(&kdc.client_key, NONCE).unwrap();
    assert_eq!((&tgt.client, tgt.service()), (&client, &tgs));
    assert_eq!(tgt.times.end, tgt.times.start + HOUR);
    assert_eq!(
        granted.open(&kdc.client_key, 7).unwrap_err(),
        OpenError::OtherRequest("nonce")
    );
    assert_eq!(
        granted.open(&key(AES256, 99), 7).unwrap_err(),
        OpenError::WrongKey
    );

    let service = principal("HTTP/web.corp.example@CORP.EXAMPLE");
    let request = TgsRequest {
        tgt: &tgt,
        service: &service,
        enctypes: &[AES256],
        now: now(),
        lifetime: HOUR,
        nonce: 5,
        confounder: &[2; 16],
    };
    let reply = TgsReply::parse(&kdc.answer_tgs(&request.to_bytes().unwrap())).unwrap();
    let TgsReply::Granted(granted) = reply else {
        panic!("{reply:?}")
    };
    let look = TicketLook {
        kvno: Some(Kvno(300)),
        enctype: 18,
    };
    assert_eq!(granted.ticket().look(), look);
    let credential = granted.open(&tgt.session_key, 5).unwrap();
    let inside = credential.ticket.open(&kdc.service_key).unwrap();
    assert_eq!(inside.client, client);
    assert!(inside.session_key.same_as(&credential.session_key));
    assert!(inside.flags.contains(TicketFlags::PRE_AUTHENTICATED));

    let abroad = principal("HTTP/web.other.example@CORP.EXAMPLE");
    let request = TgsRequest {
        service: &abroad,
        ..request
    };
    let reply = TgsReply::parse(&kdc.answer_tgs(&request.to_bytes().unwrap())).unwrap();
    let TgsReply::Referred(to) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(to, principal("krbtgt/OTHER.EXAMPLE@CORP.EXAMPLE"));

    let unknown = principal("HTTP/none.corp.example@CORP.EXAMPLE");
    let request = TgsRequest {
        service: &unknown,
        ..request
    };
    let reply = TgsReply::parse(&kdc.answer_tgs(&request.to_bytes().unwrap())).unwrap();
    let TgsReply::Refused(refusal) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(refusal.code, KdcCode::ServiceUnknown);
    let text = "the KDC refuses: KDC_ERR_S_PRINCIPAL_UNKNOWN (7): no such service";
    assert_eq!(refusal.to_string(), text);
}

#[test]
fn a_wrong_key_is_refused_by_the_kdc() {
    let kdc = Kdc::new();
    let (client, service) = (principal("alice@CORP.EXAMPLE"), krbtgt(kdc.realm()));
    let wrong = key(AES256, 99);
    let request = AsRequest {
        preauth: Some(Preauth {
            key: &wrong,
            confounder: &[1; 16],
        }),
        ..as_request(&client, &service)
    };
    let reply = AsReply::parse(&kdc.answer_as(&request.to_bytes().unwrap())).unwrap();
    let AsReply::Refused(refusal) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (refusal.code, refusal.server_time),
        (KdcCode::PreauthFailed, kdc.time())
    );
}

#[test]
fn tickets_keep_their_bytes_and_open_with_their_key_alone() {
    let service = principal("HTTP/web.corp.example@CORP.EXAMPLE");
    for enctype in Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac) {
        let right = key(enctype, 1);
        let credential = ap::minted(&service, &right, Kvno(0xffff_0003));
        let ticket = Ticket::from_bytes(&credential.ticket.to_bytes()).unwrap();
        assert!(ticket == credential.ticket);
        let look = TicketLook {
            kvno: Some(Kvno(0xffff_0003)),
            enctype: enctype.number(),
        };
        assert_eq!(ticket.look(), look);
        assert!(ticket.open(&right).is_ok());
        assert_eq!(
            ticket.open(&key(enctype, 2)).unwrap_err(),
            OpenError::WrongKey
        );
        let other = OpenError::WrongEnctype {
            found: enctype.number(),
            key: Enctype::Rc4Hmac,
        };
        assert_eq!(ticket.open(&key(Enctype::Rc4Hmac, 1)).unwrap_err(), other);
    }
}

#[test]
fn what_kerberos_cannot_say_is_refused_before_it_is_sent() {
    let (client, service) = (
        principal("jürgen@CORP.EXAMPLE"),
        principal("a/b@CORP.EXAMPLE"),
    );
    let request = as_request(&client, &service);
    assert_eq!(
        request.to_bytes().unwrap_err(),
        Unsayable::NotAscii("jürgen".to_owned())
    );
    let request = AsRequest {
        client: &service,
        lifetime: TimeDelta::days(4_000_000),
        ..request
    };
    assert!(matches!(
        request.to_bytes().unwrap_err(),
        Unsayable::Time(_)
    ));
    let rc4 = key(Enctype::Rc4Hmac, 1);
    let preauth = Some(Preauth {
        key: &rc4,
        confounder: &[0; 16],
    });
    let request = AsRequest {
        lifetime: HOUR,
        preauth,
        ..request
    };
    let unsupported = UnsupportedEnctype(Enctype::Rc4Hmac);
    assert_eq!(
        request.to_bytes().unwrap_err(),
        Unsayable::Unsupported(unsupported)
    );
}

#[test]
fn no_key_is_shown_by_debug() {
    let secret = format!("{:?}", [0x5a_u8; 32]);
    let service = principal("HTTP/web.corp.example@CORP.EXAMPLE");
    let credential = ap::minted(&service, &key(AES256, 0x5a), Kvno(3));
    let inside = credential.ticket.open(&key(AES256, 0x5a)).unwrap();
    let shown = format!("{credential:?} {inside:?} {:?}", key(AES256, 0x5a));
    assert!(
        !shown.contains(&secret[1..40]) && shown.contains("SecretBytes(..)"),
        "{shown}"
    );
}
