//! What a KDC, or whoever speaks in its place, answers; and what a client shows.

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::kerberos::ccache::first_ticket;
use keyroll::kerberos::message::gss::{Context, Initiation, Protection, answered};
use keyroll::kerberos::message::{
    AcceptError, AsReply, Credential, MESSAGE_MAX, Mint, TgsReply, Ticket, accept, expected_length,
};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::secret::SecretBytes;
use picky_krb::crypto::CipherSuite;

/// Of key usages, those under which a KDC or a client seals what we open (RFC 4120 7.5.1).
const TICKET: i32 = 2;
const AS_REPLY: i32 = 3;
const TGS_REPLY: i32 = 8;
const AUTHENTICATOR: i32 = 11;
const AP_REPLY: i32 = 12;
/// And that under which a service seals what it says in a context (RFC 4121 section 2).
const WRAP: i32 = 22;

const NONCE: u32 = 0x1234_5678;

fn key(enctype: Enctype) -> Key {
    let bytes = SecretBytes::new(vec![1; enctype.key_length()]);
    Key::new(enctype, bytes).expect("the length is right")
}

fn now() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// Any bytes as a user's credential cache: a ticket whose owner can be named, or why not.
pub fn caches(bytes: &[u8]) -> bool {
    match first_ticket(bytes) {
        Ok(credential) => {
            tickets(&credential.ticket);
            true
        }
        Err(bad) => {
            said(&bad.to_string());
            false
        }
    }
}

/// Any bytes as each kind of message.
pub fn answers(bytes: &[u8]) -> bool {
    let mut taken = judge(bytes);
    if let Some((header, _)) = bytes.split_first_chunk::<4>() {
        let length = expected_length(*header);
        assert!(length.is_err() || length.is_ok_and(|length| length <= MESSAGE_MAX));
    }
    let (reply, service_reply) = (AsReply::parse(bytes), TgsReply::parse(bytes));
    taken |= reply.is_ok() || service_reply.is_ok();
    match reply {
        Ok(AsReply::Granted(granted)) => {
            tickets(granted.ticket());
            let _ = granted.key_hints();
            let _ = granted.open(&key(Enctype::Aes256CtsHmacSha1), NONCE);
        }
        Ok(AsReply::PreauthRequired(hints)) => assert!(hints.len() <= bytes.len()),
        Ok(AsReply::Refused(error)) => said(&error.to_string()),
        Err(malformed) => said(&malformed.to_string()),
    }
    match service_reply {
        Ok(TgsReply::Granted(granted)) => {
            tickets(granted.ticket());
            let _ = granted.open(&key(Enctype::Aes128CtsHmacSha256), NONCE);
        }
        Ok(TgsReply::Referred(to)) => assert_eq!(to.components()[0], "krbtgt"),
        Ok(TgsReply::Refused(error)) => said(&error.to_string()),
        Err(malformed) => said(&malformed.to_string()),
    }
    if let Ok(ticket) = Ticket::from_bytes(bytes) {
        tickets(&ticket);
        taken = true;
    }
    taken
}

/// Whatever a ticket says, it is handed on as it came, and opened by no key that we hold.
fn tickets(ticket: &Ticket) {
    let again = Ticket::from_bytes(&ticket.to_bytes()).expect("our own ticket");
    assert!(again == *ticket, "a ticket changed on its way");
    for enctype in Enctype::ALL {
        let _ = ticket.open(&key(enctype));
    }
}

/// Whether this is a request at all.
fn judge(bytes: &[u8]) -> bool {
    let held = key(Enctype::Aes256CtsHmacSha1);
    let lookup = |_: &Principal, _: Kvno, enctype: Enctype| {
        (enctype == Enctype::Aes256CtsHmacSha1).then_some(&held)
    };
    match accept(bytes, &lookup, now(), TimeDelta::minutes(5)) {
        Ok(accepted) => assert!(accepted.ticket_end >= now() - TimeDelta::minutes(5)),
        Err(AcceptError::Malformed(malformed)) => {
            said(&malformed.to_string());
            return false;
        }
        Err(refused) => said(&refused.to_string()),
    }
    true
}

/// A sentence of a length that a log can bear, without what a terminal would obey.
fn said(text: &str) {
    assert!(
        !text.is_empty() && text.len() < 300_000,
        "{} bytes",
        text.len()
    );
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// Any bytes as what stands inside a cipher text, written by whoever holds the key: a KDC that has
/// been broken into, or a client. The first byte says inside of what.
pub fn insides(bytes: &[u8]) -> bool {
    let Some((choice, plain)) = bytes.split_first() else {
        return false;
    };
    // A message has 64 KiB at the most, and more than this in it.
    if plain.len() > 60_000 {
        return false;
    }
    match choice % 4 {
        0 => {
            let ticket = Ticket::from_bytes(&ticket(&sealed(TICKET, plain)));
            let ticket = ticket.expect("a whole ticket");
            judge(&request(
                &sealed(TICKET, plain),
                &sealed(AUTHENTICATOR, b""),
            ));
            ticket.open(&key(Enctype::Aes256CtsHmacSha1)).is_ok()
        }
        1 => {
            let reply = AsReply::parse(&reply(11, &sealed(AS_REPLY, plain)));
            let Ok(AsReply::Granted(granted)) = reply else {
                panic!("a whole reply was refused");
            };
            granted
                .open(&key(Enctype::Aes256CtsHmacSha1), NONCE)
                .is_ok()
        }
        2 => {
            let reply = TgsReply::parse(&reply(13, &sealed(TGS_REPLY, plain)));
            let Ok(TgsReply::Granted(granted)) = reply else {
                panic!("a whole reply was refused");
            };
            granted
                .open(&key(Enctype::Aes256CtsHmacSha1), NONCE)
                .is_ok()
        }
        _ => {
            let inside = sealed(TICKET, INSIDE);
            judge(&request(&inside, &sealed(AUTHENTICATOR, plain)))
        }
    }
}

/// Any bytes as what a service says to whoever opens a context with it. The first byte says what:
/// its first token, what stands sealed inside of that, or a wrapped message.
pub fn contexts(bytes: &[u8]) -> bool {
    let Some((choice, said)) = bytes.split_first() else {
        return false;
    };
    let credential = credential();
    let subkey = key(Enctype::Aes256CtsHmacSha1);
    let initiation = Initiation {
        credential: &credential,
        subkey: &subkey,
        sequence: 7,
        now: now(),
        confounder: &[3; 16],
        protection: Protection::Sealing,
        binding: None,
    };
    assert!(initiation.to_bytes().is_ok(), "our own token");
    let proof = || -> Context {
        let established = initiation.establish(&token(&sealed(AP_REPLY, PROOF)));
        established.expect("a good proof")
    };
    match choice % 5 {
        // As it is, or within a negotiation.
        0 => match answered(said) {
            Ok(token) => initiation.establish(&token.unwrap_or_default()).is_ok(),
            Err(_) => false,
        },
        1 => initiation
            .establish(&token(&sealed(AP_REPLY, said)))
            .is_ok(),
        2 => proof().receiving.verify(said).is_ok(),
        3 => proof().receiving.open(said).is_ok(),
        _ => {
            let cipher = encrypted(WRAP, said);
            let header = said.last_chunk::<16>().copied().unwrap_or_default();
            proof()
                .receiving
                .open(&[&header[..], &cipher].concat())
                .is_ok()
        }
    }
}

/// An EncAPRepPart of [`now`], with number 9.
const PROOF: &[u8] = include_bytes!("proof.der");

fn credential() -> Credential {
    let service: Principal = "ldap/dc1@R".parse().expect("a principal");
    let client: Principal = "alice@R".parse().expect("a principal");
    let key = key(Enctype::Aes256CtsHmacSha1);
    let mint = Mint {
        service: &service,
        key: &key,
        kvno: Kvno(1),
        client: &client,
        start: now(),
        end: now() + TimeDelta::hours(1),
        session_key: &key,
        confounder: &[2; 16],
    };
    mint.issue().expect("ASCII names and times of this century")
}

/// A KRB-AP-REP in GSS-API's frame.
fn token(part: &[u8]) -> Vec<u8> {
    let parts = [
        element(0xa0, &[2, 1, 5]),
        element(0xa1, &[2, 1, 15]),
        element(0xa2, part),
    ];
    let message = element(0x6f, &element(0x30, &parts.concat()));
    let mechanism = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
    element(0x60, &[&mechanism[..], &[2, 0], &message].concat())
}

/// An EncTicketPart of `alice@R` with a session key of ones, good from 1970 to 2099.
const INSIDE: &[u8] = include_bytes!("ticket-inside.der");

fn encrypted(usage: i32, plain: &[u8]) -> Vec<u8> {
    let cipher = CipherSuite::Aes256CtsHmacSha196.cipher();
    let cipher = cipher.encrypt(&[1; 32], usage, plain);
    cipher.expect("the key has the right length")
}

fn sealed(usage: i32, plain: &[u8]) -> Vec<u8> {
    let cipher = encrypted(usage, plain);
    let kvno = element(0xa1, &[2, 1, 16]);
    let cipher = element(0xa2, &element(4, &cipher));
    element(0x30, &[element(0xa0, &[2, 1, 18]), kvno, cipher].concat())
}

fn ticket(sealed: &[u8]) -> Vec<u8> {
    let parts = [
        element(0xa0, &[2, 1, 5]),
        element(0xa1, &element(0x1b, b"R")),
        element(0xa2, &name(&[b"HTTP", b"web"])),
        element(0xa3, sealed),
    ];
    element(0x61, &element(0x30, &parts.concat()))
}

fn reply(kind: u8, part: &[u8]) -> Vec<u8> {
    let parts = [
        element(0xa0, &[2, 1, 5]),
        element(0xa1, &[2, 1, kind]),
        element(0xa3, &element(0x1b, b"R")),
        element(0xa4, &name(&[b"alice"])),
        element(0xa5, &ticket(&sealed(TICKET, b""))),
        element(0xa6, part),
    ];
    element(0x60 | kind, &element(0x30, &parts.concat()))
}

fn request(inside: &[u8], authenticator: &[u8]) -> Vec<u8> {
    let parts = [
        element(0xa0, &[2, 1, 5]),
        element(0xa1, &[2, 1, 14]),
        element(0xa2, &[3, 5, 0, 0, 0, 0, 0]),
        element(0xa3, &ticket(inside)),
        element(0xa4, authenticator),
    ];
    element(0x6e, &element(0x30, &parts.concat()))
}

fn name(parts: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| element(0x1b, part)).collect();
    let parts = element(0xa1, &element(0x30, &parts));
    element(0x30, &[element(0xa0, &[2, 1, 1]), parts].concat())
}

/// A DER element of less than 16 MiB.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a short element");
    let [_, highest, high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        0x100..0x1_0000 => &[tag, 0x82, high, low],
        _ => &[tag, 0x83, highest, high, low],
    };
    [header, content].concat()
}
