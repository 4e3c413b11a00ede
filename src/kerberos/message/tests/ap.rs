//! The AP exchange: what a strict acceptor takes, and the words with which it refuses.

use super::*;

pub fn minted(service: &Principal, key_of_service: &Key, kvno: Kvno) -> Credential {
    let start = now() - HOUR;
    mint(service, key_of_service, kvno, start, start + HOUR * 10)
}

fn mint(
    service: &Principal,
    key_of_service: &Key,
    kvno: Kvno,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Credential {
    let mint = Mint {
        service,
        key: key_of_service,
        kvno,
        client: &principal("keyroll-probe@CORP.EXAMPLE"),
        start,
        end,
        session_key: &key(AES256, 0x5a),
        confounder: &[3; 16],
    };
    mint.issue().unwrap()
}

fn web() -> Principal {
    principal("HTTP/web.corp.example@CORP.EXAMPLE")
}

fn request(credential: &Credential, now: DateTime<Utc>) -> Vec<u8> {
    ApRequest {
        credential,
        now,
        confounder: &[4; 16],
    }
    .to_bytes()
    .unwrap()
}

#[test]
fn a_ticket_is_shown_by_its_service_and_key_and_without_what_is_in_it() {
    let ticket = minted(&web(), &key(AES256, 1), Kvno(16)).ticket;
    let shown = format!("{ticket:?}");
    for word in [
        "web.corp.example",
        "CORP.EXAMPLE",
        "Kvno(16)",
        "enctype: 18",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!shown.contains("wire"), "{shown}");
}

/// Judges with a keytab of one entry: web's `key`, kvno 16.
fn judge(request: &[u8], held: &Key) -> Result<Accepted, AcceptError> {
    let lookup = |principal: &Principal, kvno: Kvno, enctype: Enctype| {
        (*principal == web() && kvno == Kvno(16) && enctype == held.enctype()).then_some(held)
    };
    accept(request, &lookup, now(), TimeDelta::minutes(5))
}

#[test]
fn a_minted_ticket_proves_the_key_it_was_made_with() {
    for enctype in Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac) {
        let held = key(enctype, 1);
        let accepted = judge(&request(&minted(&web(), &held, Kvno(16)), now()), &held).unwrap();
        let expected = Accepted {
            client: principal("keyroll-probe@CORP.EXAMPLE"),
            service: web(),
            kvno: Kvno(16),
            enctype,
            ticket_end: "2026-11-20T21:00:00Z".parse().unwrap(),
        };
        assert_eq!(accepted, expected);
    }
}

#[test]
fn a_missing_or_other_key_is_refused_in_mits_words() {
    let held = key(AES256, 1);
    let refusal = |credential: &Credential| {
        judge(&request(credential, now()), &held)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal(&minted(&web(), &held, Kvno(17))),
        "request ticket server HTTP/web.corp.example@CORP.EXAMPLE kvno 17 enctype \
         aes256-cts-hmac-sha1-96 not found in keytab; keytab is likely out of date"
    );
    assert_eq!(
        refusal(&minted(&web(), &key(AES256, 2), Kvno(16))),
        "request ticket server HTTP/web.corp.example@CORP.EXAMPLE kvno 16 enctype \
         aes256-cts-hmac-sha1-96 found in keytab but cannot decrypt ticket"
    );
    let other = principal("HTTP/WEB.corp.example@CORP.EXAMPLE");
    assert!(refusal(&minted(&other, &held, Kvno(16))).contains("not found in keytab"));
    let aes128 = key(Enctype::Aes128CtsHmacSha1, 1);
    assert!(refusal(&minted(&web(), &aes128, Kvno(16))).contains("not found in keytab"));
}

#[test]
fn times_and_skew_are_judged_to_the_second() {
    let held = key(AES256, 1);
    let here: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    let lookup = |_: &Principal, _: Kvno, _: Enctype| Some(&held);
    let skew = TimeDelta::minutes(5);
    let judged = |start: i64, end: i64, sent: i64| {
        let at = |seconds| here + TimeDelta::seconds(seconds);
        let credential = mint(&web(), &held, Kvno(16), at(start), at(end));
        accept(&request(&credential, at(sent)), &lookup, here, skew).map(|_| ())
    };
    let at = |seconds| here + TimeDelta::seconds(seconds);
    assert_eq!(judged(-60, 60, 0), Ok(()));
    assert_eq!(judged(-3600, -300, 0), Ok(()));
    assert_eq!(judged(-3600, -301, 0), Err(AcceptError::Expired(at(-301))));
    assert_eq!(judged(300, 3600, 0), Ok(()));
    assert_eq!(judged(301, 3600, 0), Err(AcceptError::NotYetValid(at(301))));
    assert_eq!(judged(-60, 60, 300), Ok(()));
    for sent in [301, -301] {
        let skewed = AcceptError::ClockSkew {
            sent: at(sent),
            now: here,
        };
        assert_eq!(judged(-60, 60, sent), Err(skewed));
    }
}

#[test]
fn a_ticket_is_shown_only_by_its_owner() {
    let held = key(AES256, 1);
    let mut stolen = minted(&web(), &held, Kvno(16));
    stolen.client = principal("mallory@CORP.EXAMPLE");
    let wrong = AcceptError::WrongClient {
        ticket: principal("keyroll-probe@CORP.EXAMPLE"),
        authenticator: principal("mallory@CORP.EXAMPLE"),
    };
    assert_eq!(judge(&request(&stolen, now()), &held), Err(wrong));
    let mut guessed = minted(&web(), &held, Kvno(16));
    guessed.session_key = key(AES256, 7);
    assert_eq!(
        judge(&request(&guessed, now()), &held),
        Err(AcceptError::WrongSessionKey)
    );
}
