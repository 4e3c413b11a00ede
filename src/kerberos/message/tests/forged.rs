//! Messages with one field that is not as it should be, everything else being good.

use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag9, ExplicitContextTag10, Optional,
};
use picky_krb::data_types::{EncTicketPart, Ticket as WireTicket};
use picky_krb::messages::{ApReq, ApReqInner, AsRep, EncAsRepPart, EncKdcRepPart, KdcRep};

use super::super::der::{decode, encode};
use super::super::encryption::{Usage, decrypt};
use super::super::kdc_exchange::hint;
use super::super::wire::{flags, integer, seal, to_name, to_realm};
use super::kdc::{part, reply};
use super::*;

fn web() -> Principal {
    principal("HTTP/web.corp.example@CORP.EXAMPLE")
}

fn held() -> Key {
    key(AES256, 1)
}

fn judge(request: &[u8], held: &Key) -> Result<Accepted, AcceptError> {
    let lookup = |_: &Principal, _: Kvno, _: Enctype| Some(held);
    accept(request, &lookup, now(), HOUR)
}

/// A good request, changed by `change`.
fn request(credential: &Credential, change: impl Fn(&mut ApReqInner)) -> Vec<u8> {
    let good = ApRequest {
        credential,
        now: now(),
        confounder: &[4; 16],
    };
    let mut request = decode::<ApReq>("test", &good.to_bytes().unwrap()).unwrap();
    change(&mut request.0);
    encode(&request)
}

/// The ticket with what is inside of it changed by `change` and sealed again.
fn resealed(credential: &mut Credential, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut wire: WireTicket = decode("test", &credential.ticket.to_bytes()).unwrap();
    let cipher = &wire.0.enc_part.0.cipher.0.0;
    let plain = decrypt(&held(), Usage::Ticket, cipher).unwrap();
    let inside = change(plain.expose().to_vec());
    let sealed = seal(&held(), Some(Kvno(16)), Usage::Ticket, &inside, &[5; 16]);
    wire.0.enc_part = ExplicitContextTag3::from(sealed.unwrap());
    credential.ticket = Ticket::from_wire(wire).unwrap();
}

#[test]
fn a_request_is_of_version_5_and_of_its_type() {
    let credential = ap::minted(&web(), &held(), Kvno(16));
    assert!(judge(&request(&credential, |_| ()), &held()).is_ok());
    let version = request(&credential, |it| {
        it.pvno = ExplicitContextTag0::from(integer(4))
    });
    let kind = request(&credential, |it| {
        it.msg_type = ExplicitContextTag1::from(integer(15))
    });
    let options = request(&credential, |it| {
        it.ap_options = ExplicitContextTag2::from(flags(u32::MAX));
    });
    for forged in [version, kind] {
        let refused = judge(&forged, &held()).unwrap_err();
        assert!(matches!(refused, AcceptError::Malformed(_)), "{refused}");
    }
    assert!(judge(&options, &held()).is_ok(), "options prove nothing");
}

#[test]
fn what_cannot_be_opened_here_is_told_from_a_wrong_key() {
    let credential = ap::minted(&web(), &held(), Kvno(16));
    let mut rc4: WireTicket = decode("test", &credential.ticket.to_bytes()).unwrap();
    rc4.0.enc_part.0.etype = ExplicitContextTag0::from(integer(23));
    let shown = request(&credential, |it| {
        it.ticket = ExplicitContextTag3::from(rc4.clone())
    });
    let unsupported = AcceptError::Unsupported(UnsupportedEnctype(Enctype::Rc4Hmac));
    assert_eq!(
        judge(&shown, &key(Enctype::Rc4Hmac, 1)),
        Err(unsupported.clone())
    );
    let mut unknown = rc4.clone();
    unknown.0.enc_part.0.etype = ExplicitContextTag0::from(integer(-133));
    let shown = request(&credential, |it| {
        it.ticket = ExplicitContextTag3::from(unknown.clone())
    });
    assert_eq!(
        judge(&shown, &held()),
        Err(AcceptError::UnknownEnctype(-133))
    );

    let mut garbled = ap::minted(&web(), &held(), Kvno(16));
    resealed(&mut garbled, |_| b"no ticket at all".to_vec());
    let refused = judge(&request(&garbled, |_| ()), &held()).unwrap_err();
    assert!(matches!(refused, AcceptError::Malformed(_)), "{refused}");

    // A session key that nothing is opened with: the ticket is good, the authenticator is not.
    let mut old = ap::minted(&web(), &held(), Kvno(16));
    resealed(&mut old, |inside| {
        let mut part: EncTicketPart = decode("test", &inside).unwrap();
        part.0.key.0.key_type = ExplicitContextTag0::from(integer(23));
        part.0.key.0.key_value.0.0.truncate(16);
        encode(&part)
    });
    let shown = request(&old, |it| {
        it.authenticator.0.etype = ExplicitContextTag0::from(integer(23));
    });
    assert_eq!(judge(&shown, &held()), Err(unsupported));
}

#[test]
fn an_invalid_ticket_is_not_valid_yet_whatever_its_times() {
    let mut credential = ap::minted(&web(), &held(), Kvno(16));
    resealed(&mut credential, |inside| {
        let mut part: EncTicketPart = decode("test", &inside).unwrap();
        part.0.flags = ExplicitContextTag0::from(flags(TicketFlags::INVALID.0));
        encode(&part)
    });
    let refused = judge(&request(&credential, |_| ()), &held()).unwrap_err();
    assert!(matches!(refused, AcceptError::NotYetValid(_)), "{refused}");
}

#[test]
fn a_ticket_is_of_version_5() {
    let credential = ap::minted(&web(), &held(), Kvno(16));
    let mut wire: WireTicket = decode("test", &credential.ticket.to_bytes()).unwrap();
    wire.0.tkt_vno = ExplicitContextTag0::from(integer(4));
    assert!(Ticket::from_bytes(&encode(&wire)).is_err());
}

/// An AS reply whose open and sealed parts `change` has changed.
fn as_reply(change: impl Fn(&mut KdcRep, &mut EncKdcRepPart)) -> Result<Credential, OpenError> {
    let issued = ap::minted(&web(), &held(), Kvno(16));
    let mut inside = part(&issued, 7);
    let mut outside = reply(11, &issued, &held(), Usage::AsReply, b"");
    change(&mut outside, &mut inside);
    let sealed = encode(&EncAsRepPart::from(inside));
    let whole = reply(11, &issued, &held(), Usage::AsReply, &sealed);
    outside.enc_part = whole.enc_part;
    let granted = AsReply::parse(&encode(&AsRep::from(outside)))?;
    let AsReply::Granted(granted) = granted else {
        panic!("{granted:?}");
    };
    granted.open(&held(), 7)
}

#[test]
fn a_reply_is_for_the_service_of_its_ticket() {
    let opened = as_reply(|_, _| ()).unwrap();
    assert_eq!(opened.service(), &web());
    let other_realm = as_reply(|_, inside| {
        let realm = to_realm(&"OTHER".parse().unwrap()).unwrap();
        inside.srealm = ExplicitContextTag9::from(realm);
    });
    let other_name = as_reply(|_, inside| {
        let name = to_name(&principal("HTTP/other@CORP.EXAMPLE")).unwrap();
        inside.sname = ExplicitContextTag10::from(name);
    });
    for forged in [other_realm, other_name] {
        assert_eq!(forged.unwrap_err(), OpenError::OtherRequest("service"));
    }
    // The type of a name says nothing (RFC 4120 section 6.2).
    let retyped = as_reply(|_, inside| {
        inside.sname.0.name_type = ExplicitContextTag0::from(integer(0));
    });
    assert!(retyped.is_ok());
    let version = as_reply(|outside, _| outside.pvno = ExplicitContextTag0::from(integer(4)));
    assert!(matches!(version.unwrap_err(), OpenError::Malformed(_)));
}

#[test]
fn a_reply_may_tell_how_the_key_was_derived() {
    let issued = ap::minted(&web(), &held(), Kvno(16));
    // ETYPE-INFO2 of one entry: aes256, salt "CORPx", 4096 iterations.
    let entry =
        b"\x30\x18\x30\x16\xa0\x03\x02\x01\x12\xa1\x07\x1b\x05CORPx\xa2\x06\x04\x04\0\0\x10\0";
    let hints = |list: Option<Vec<_>>| {
        let mut outside = reply(11, &issued, &held(), Usage::AsReply, b"");
        let list = list.map(|list| ExplicitContextTag2::from(Asn1SequenceOf::from(list)));
        outside.padata = Optional::from(list);
        let reply = AsReply::parse(&encode(&AsRep::from(outside))).unwrap();
        let AsReply::Granted(granted) = reply else {
            panic!("{reply:?}");
        };
        granted.key_hints()
    };
    let told = KeyHint {
        enctype: 18,
        salt: Some(crate::kerberos::salt::Salt::new("CORPx".to_owned())),
        iterations: Some(4096),
    };
    let list = vec![hint(3, b"not this".to_vec()), hint(19, entry.to_vec())];
    assert_eq!(hints(Some(list)), Ok(vec![told]));
    assert_eq!(hints(Some(vec![hint(3, entry.to_vec())])), Ok(vec![]));
    assert_eq!(hints(None), Ok(vec![]));
    assert!(hints(Some(vec![hint(19, b"\x30".to_vec())])).is_err());
}
