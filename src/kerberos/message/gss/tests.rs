//! A context with a service of a few lines; every refusal; hostile bytes.

use chrono::{DateTime, TimeDelta, Utc};
use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3, Optional,
};
use picky_krb::data_types::{Authenticator, EncApRepPart, EncApRepPartInner};
use picky_krb::messages::{ApRep, ApRepInner, ApReq};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::super::der::{decode, encode};
use super::super::encryption::{Usage, decrypt};
use super::super::kdc_error::tests::error;
use super::super::tests::ap::minted;
use super::super::tests::{AES256, key, now, principal};
use super::super::wire::{int32, integer, number, of_key, seal, to_key, to_time};
use super::super::{Credential, KdcCode, OpenError};
use super::wrap::of_acceptor;
use super::*;
use crate::kerberos::{Enctype, Key, Kvno};

/// The service's own number of its first message.
const THEIRS: u32 = 0x3fff_0000;
const OURS: u32 = 7;

fn ticket() -> Credential {
    let service = principal("ldap/dc1.corp.example@CORP.EXAMPLE");
    minted(&service, &key(AES256, 1), Kvno(16))
}

fn initiation<'a>(credential: &'a Credential, subkey: &'a Key) -> Initiation<'a> {
    Initiation {
        credential,
        subkey,
        sequence: OURS,
        now: now(),
        confounder: &[6; 16],
        protection: Protection::Sealing,
        binding: None,
    }
}

/// A token's message, without its frame of four or more bytes, mechanism and kind.
fn inside(token: &[u8]) -> &[u8] {
    let start = token
        .windows(13)
        .position(|part| part == b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00");
    &token[start.unwrap() + 13..]
}

fn authenticator_of(token: &[u8]) -> picky_krb::data_types::AuthenticatorInner {
    let request = decode::<ApReq>("request", inside(token)).unwrap().0;
    assert_eq!(request.ap_options.0.0.payload_view(), [0x20, 0, 0, 0]);
    let cipher = request.authenticator.0.cipher.0.0;
    let plain = decrypt(&key(AES256, 0x5a), Usage::Authenticator, &cipher).unwrap();
    decode::<Authenticator>("authenticator", plain.expose())
        .unwrap()
        .0
}

/// What the service answers with.
struct Reply<'a> {
    session_key: Key,
    time: DateTime<Utc>,
    micros: i64,
    subkey: Option<&'a Key>,
}

impl Reply<'_> {
    fn good() -> Self {
        Self {
            session_key: key(AES256, 0x5a),
            time: now(),
            micros: 123_456,
            subkey: None,
        }
    }

    fn token(&self) -> Vec<u8> {
        let subkey = self.subkey.map(to_key).map(ExplicitContextTag2::from);
        let part = encode(&EncApRepPart::from(EncApRepPartInner {
            ctime: ExplicitContextTag0::from(to_time(self.time).unwrap()),
            cusec: ExplicitContextTag1::from(integer(self.micros)),
            subkey: Optional::from(subkey),
            seq_number: Optional::from(Some(ExplicitContextTag3::from(integer(THEIRS.into())))),
        }));
        let sealed = seal(&self.session_key, None, Usage::ApReply, &part, &[8; 16]).unwrap();
        let reply = encode(&ApRep::from(ApRepInner {
            pvno: ExplicitContextTag0::from(integer(5)),
            msg_type: ExplicitContextTag1::from(integer(15)),
            enc_part: ExplicitContextTag2::from(sealed),
        }));
        framed(2, &reply)
    }
}

/// A token shorter than 256 bytes.
fn framed(kind: u8, message: &[u8]) -> Vec<u8> {
    let mechanism = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
    let length = u8::try_from(mechanism.len() + 2 + message.len()).unwrap();
    let head = if length < 0x80 {
        vec![0x60, length]
    } else {
        vec![0x60, 0x81, length]
    };
    [&head[..], mechanism, &[kind, 0], message].concat()
}

#[test]
fn the_first_token_demands_a_proof_and_says_what_for() {
    let (credential, subkey) = (ticket(), key(AES256, 2));
    let binding = ChannelBinding::tls_server_end_point(&Sha256::digest(b"certificate"));
    for (protection, binding, expected) in [
        (
            Protection::Sealing,
            None,
            "10000000000000000000000000000000000000003e000000",
        ),
        // The sum was computed by another MD5 from the structure of RFC 4121 section 4.1.1.2.
        (
            Protection::Proof,
            Some(&binding),
            "10000000a8398e96473163fef6cae76013e8ab5a02000000",
        ),
    ] {
        let token = Initiation {
            protection,
            binding,
            ..initiation(&credential, &subkey)
        };
        let token = token.to_bytes().unwrap();
        assert_eq!(token[..2], [0x60, 0x82]);
        let length = usize::from(u16::from_be_bytes([token[2], token[3]]));
        assert_eq!(length, token.len() - 4);
        let said = authenticator_of(&token);
        let sum = said.cksum.0.unwrap().0;
        assert_eq!(int32("kind", &sum.cksumtype.0), Ok(0x8003));
        assert_eq!(hex::encode(&sum.checksum.0.0), expected);
        assert_eq!(number(&said.seq_number.0.unwrap().0), Some(OURS.into()));
        let said = of_key("subkey", said.subkey.0.unwrap().0).unwrap();
        assert!(said.same_as(&subkey));
    }
}

#[test]
fn both_ends_read_what_the_other_wraps() {
    for enctype in Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac) {
        let (credential, ours, theirs) = (ticket(), key(enctype, 2), key(enctype, 3));
        let initiation = initiation(&credential, &ours);
        for (subkey, shared) in [(None, &ours), (Some(&theirs), &theirs)] {
            let reply = Reply {
                subkey,
                ..Reply::good()
            };
            let mut context = initiation.establish(&reply.token()).unwrap();
            let by_service = subkey.is_some();
            let (mut sending, mut receiving) = of_acceptor(shared, by_service, OURS, THEIRS);
            for text in [&b""[..], b"x", b"exactly 16 bytes", &[9; 1000]] {
                let token = context.sending.seal(text, &[7; 16]).unwrap();
                assert!(token.len() <= text.len() + OVERHEAD_MAX);
                assert_eq!(receiving.open(&token).unwrap().expose(), text);
                let token = context.sending.sign(text).unwrap();
                assert_eq!(receiving.verify(&token).unwrap(), text);
                let token = sending.seal(text, &[7; 16]).unwrap();
                assert_eq!(context.receiving.open(&token).unwrap().expose(), text);
                let token = sending.sign(text).unwrap();
                assert_eq!(context.receiving.verify(&token).unwrap(), text);
            }
        }
    }
}

/// A NegTokenInit's bytes as RFC 4178 section 4.2.1 has them, of a short and of a long token.
#[test]
fn a_proposal_names_kerberos_alone_and_has_its_token() {
    let short = propose(&[1, 2, 3]);
    let expected = "602206062b0601050502a0183016a00d300b06092a864886f712010202a2050403010203";
    assert_eq!(hex::encode(&short), expected);
    let long = propose(&[9; 300]);
    assert_eq!(long[..4], [0x60, 0x82, 1, 0x53]);
    assert_eq!(long.len(), 4 + 0x153);
    assert!(long.ends_with(&[9; 300]));
}

#[test]
fn an_answers_token_is_taken_out_of_its_negotiation() {
    // accept-completed, Kerberos, a token of two bytes.
    let completed = "a11a3018a0030a0100a10b06092a864886f712010202a2040402aabb";
    // request-mic, without a token.
    let unfinished = "a1073005a0030a0103";
    for (answer, token) in [
        (completed, Some(&[0xaa, 0xbb][..])),
        (unfinished, None),
        ("60020102", Some(&[0x60, 2, 1, 2])),
        ("", Some(&[])),
    ] {
        let found = answered(&hex::decode(answer).unwrap()).unwrap();
        assert_eq!(found.as_deref(), token, "{answer}");
    }
    for cut in ["a1", "a11a3018", "a10130"] {
        answered(&hex::decode(cut).unwrap()).unwrap_err();
    }
}

#[test]
fn only_the_services_own_proof_for_this_request_counts() {
    let (credential, subkey) = (ticket(), key(AES256, 2));
    let refused = |token: &[u8]| {
        let refused = initiation(&credential, &subkey).establish(token);
        refused.map(|_| ()).unwrap_err()
    };
    let other_key = Reply {
        session_key: key(AES256, 1),
        ..Reply::good()
    };
    let unproven = Unestablished::Unproven(OpenError::WrongKey);
    assert_eq!(refused(&other_key.token()), unproven);
    let later = now() + TimeDelta::seconds(1);
    for (time, micros) in [(later, 123_456), (now(), 123_457)] {
        let replayed = Reply {
            time,
            micros,
            ..Reply::good()
        };
        let unproven = Unestablished::Unproven(OpenError::OtherRequest("time"));
        assert_eq!(refused(&replayed.token()), unproven);
    }
    let skewed = error(37, now(), None, None);
    assert_eq!(
        refused(&framed(3, &skewed)),
        Unestablished::Refused(KdcCode::Skew)
    );
    let mut other_mechanism = Reply::good().token();
    other_mechanism[6] ^= 1;
    let mut cut = Reply::good().token();
    cut.pop();
    for token in [
        other_mechanism,
        cut,
        framed(3, b"no error"),
        framed(4, &skewed),
        vec![],
    ] {
        assert!(matches!(refused(&token), Unestablished::Malformed(_)));
    }
}

/// A context of two ends that share a key, and the service's sending half.
fn pair() -> (Context, Sending) {
    let (credential, subkey) = (ticket(), key(AES256, 2));
    let context = initiation(&credential, &subkey).establish(&Reply::good().token());
    (
        context.unwrap(),
        of_acceptor(&subkey, false, OURS, THEIRS).0,
    )
}

/// Windows turns what follows the header; every turn means the same (RFC 4121 section 4.2.5).
#[test]
fn what_was_turned_is_turned_back() {
    for turn in [1, 12, 28, 59, 60, 61, 1000] {
        let (mut context, mut service) = pair();
        let mut sealed = service.seal(b"text", &[7; 16]).unwrap();
        let mut signed = service.sign(b"text").unwrap();
        for token in [&mut sealed, &mut signed] {
            let length = token.len() - 16;
            token[16..].rotate_right(turn % length);
            token[6..8].copy_from_slice(&u16::try_from(turn).unwrap().to_be_bytes());
        }
        assert_eq!(context.receiving.open(&sealed).unwrap().expose(), b"text");
        assert_eq!(context.receiving.verify(&signed).unwrap(), b"text");
    }
}

#[test]
fn what_was_changed_repeated_left_out_or_not_sealed_is_refused() {
    let (mut context, mut service) = pair();
    let sealed = service.seal(b"a text", &[7; 16]).unwrap();
    let signed = service.sign(b"a text").unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        context.receiving.open(&changed).unwrap_err();
    }
    context.receiving.open(&signed).unwrap_err();
    context.receiving.verify(&sealed).unwrap_err();
    let late = BadWrap::OutOfOrder {
        found: u64::from(THEIRS) + 1,
        wanted: THEIRS.into(),
    };
    assert_eq!(context.receiving.verify(&signed), Err(late));
    context.receiving.open(&sealed).unwrap();
    let again = context.receiving.open(&sealed).map(|_| ()).unwrap_err();
    assert!(matches!(again, BadWrap::OutOfOrder { .. }), "{again}");
    // Of a length whose turn by 256 is no whole turn: the turn itself needs no check.
    for place in 0..signed.len() {
        let mut changed = signed.clone();
        changed[place] ^= 1;
        context.receiving.verify(&changed).unwrap_err();
    }
    // What we sent ourselves is not taken for the service's.
    let ours = context.sending.sign(b"a text").unwrap();
    context.receiving.verify(&ours).unwrap_err();
    assert_eq!(context.receiving.verify(&signed).unwrap(), b"a text");
}

proptest! {
    #[test]
    fn no_bytes_are_read_wrongly(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0..4u8,
    ) {
        let (mut context, _) = pair();
        let (credential, subkey) = (ticket(), key(AES256, 2));
        let initiation = initiation(&credential, &subkey);
        prop_assert!(initiation.establish(&bytes).is_err());
        prop_assert!(initiation.establish(&framed(kind, &bytes)).is_err());
        let looks_right = [&[5, 4, kind, 0xff][..], &bytes].concat();
        for bytes in [bytes, looks_right] {
            prop_assert!(context.receiving.open(&bytes).is_err());
            prop_assert!(context.receiving.verify(&bytes).is_err());
        }
    }
}

/// RFC 4121 section 2: whoever began the context seals under another number than who answered, or
/// one's own message could be played back as the other's.
#[test]
fn each_side_seals_under_a_number_of_its_own() {
    let random = [3; 16];
    let mut ours = Sending::new(key(AES256, 7), false, OURS);
    let (mut theirs, _) = of_acceptor(&key(AES256, 7), false, OURS, THEIRS);
    for (token, own, other) in [
        (
            ours.seal(b"text", &random).unwrap(),
            Usage::InitiatorWrap,
            Usage::AcceptorWrap,
        ),
        (
            theirs.seal(b"text", &random).unwrap(),
            Usage::AcceptorWrap,
            Usage::InitiatorWrap,
        ),
    ] {
        let (header, cipher) = token.split_at(16);
        let plain = decrypt(&key(AES256, 7), own, cipher).unwrap();
        assert_eq!(plain.expose(), [b"text", header].concat());
        assert!(decrypt(&key(AES256, 7), other, cipher).is_err());
    }
}

#[test]
fn an_element_without_content_has_a_length() {
    assert_eq!(establish::element(4, &[]), [4, 0]);
    assert_eq!(establish::element(4, &[&[1]]), [4, 1, 1]);
    assert_eq!(establish::element(4, &[&[1; 0x80]])[..3], [4, 0x81, 0x80]);
}
