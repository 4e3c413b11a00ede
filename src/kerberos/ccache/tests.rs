use proptest::prelude::*;

use super::*;
use crate::kerberos::Kvno;
use crate::kerberos::message::Mint;

const OWNER: &str = "alice@CORP.EXAMPLE";

fn key(enctype: Enctype, byte: u8) -> Key {
    let bytes = SecretBytes::new(vec![byte; enctype.key_length()]);
    Key::new(enctype, bytes).unwrap()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

fn name(text: &str) -> Vec<u8> {
    let principal: Principal = text.parse().unwrap();
    let count = u32::try_from(principal.components().len()).unwrap();
    let mut bytes = [1_u32.to_be_bytes(), count.to_be_bytes()].concat();
    bytes.extend(counted(principal.realm().as_str().as_bytes()));
    for part in principal.components() {
        bytes.extend(counted(part.as_bytes()));
    }
    bytes
}

/// A ticket for `service` that ends at `end`, as MIT krb5 writes it.
fn entry(client: &str, service: &str, enctype: u16, end: u32) -> Vec<u8> {
    let aes = Enctype::Aes256CtsHmacSha1;
    let at = |seconds: u32| DateTime::from_timestamp(i64::from(seconds), 0).unwrap();
    let session_key = key(aes, end.to_be_bytes()[3]);
    let mint = Mint {
        service: &service.parse().unwrap(),
        key: &key(aes, 9),
        kvno: Kvno(3),
        client: &client.parse().unwrap(),
        start: at(end - 600),
        end: at(end),
        session_key: &session_key,
        confounder: &[5; 16],
    };
    let ticket = mint.issue().unwrap().ticket.to_bytes();
    let mut bytes = [name(client), name(service)].concat();
    bytes.extend(enctype.to_be_bytes());
    bytes.extend(counted(session_key.expose()));
    for time in [end - 600, 0, end, 0] {
        bytes.extend(time.to_be_bytes());
    }
    bytes.push(0);
    bytes.extend(TicketFlags::INITIAL.0.to_be_bytes());
    // One address, and one element of authorization data.
    for _ in 0..2 {
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(2_u16.to_be_bytes());
        bytes.extend(counted(&[10, 0, 0, 1]));
    }
    bytes.extend(counted(&ticket));
    bytes.extend(counted(b""));
    bytes
}

fn settings() -> Vec<u8> {
    let mut bytes = [1_u32.to_be_bytes(), 2_u32.to_be_bytes()].concat();
    bytes.extend(counted(b"X-CACHECONF:"));
    bytes.extend(counted(b"krb5_ccache_conf_data"));
    bytes.extend(counted(b"fast_avail"));
    let mut entry = [name(OWNER), bytes].concat();
    entry.extend([0; 2 + 4 + 16 + 1 + 4 + 8]);
    entry.extend(counted(b"yes"));
    entry.extend(counted(b""));
    entry
}

fn cache(owner: &str, entries: &[Vec<u8>]) -> Vec<u8> {
    // The header with a clock offset, as MIT krb5 writes it.
    let header = [&[5, 4, 0, 12, 0, 1, 0, 8][..], &[0; 8]].concat();
    [header, name(owner), entries.concat()].concat()
}

fn good() -> Vec<u8> {
    let first = "krbtgt/CORP.EXAMPLE@CORP.EXAMPLE";
    cache(
        OWNER,
        &[
            settings(),
            entry(OWNER, first, 18, 1_800_000_100),
            entry(OWNER, "HTTP/web@CORP.EXAMPLE", 18, 1_800_000_900),
            entry(OWNER, first, 18, 1_800_000_200),
            entry(OWNER, first, 18, 1_800_000_150),
        ],
    )
}

#[test]
fn the_ticket_that_ends_last_is_taken() {
    let found = first_ticket(&good()).unwrap();
    assert_eq!(found.client.to_string(), OWNER);
    assert_eq!(
        found.service().to_string(),
        "krbtgt/CORP.EXAMPLE@CORP.EXAMPLE"
    );
    assert_eq!(found.times.end.timestamp(), 1_800_000_200);
    assert_eq!(found.times.start, found.times.authenticated);
    assert_eq!(found.flags, TicketFlags::INITIAL);
    let right = key(
        Enctype::Aes256CtsHmacSha1,
        1_800_000_200_u32.to_be_bytes()[3],
    );
    assert!(found.session_key.same_as(&right));
}

#[test]
fn what_gives_no_ticket_says_why() {
    let first = "krbtgt/CORP.EXAMPLE@CORP.EXAMPLE";
    let elsewhere = "krbtgt/OTHER.EXAMPLE@CORP.EXAMPLE";
    let end = 1_800_000_100;
    for (file, why) in [
        (b"\x05\x03".to_vec(), "the format is not 0x0504"),
        (Vec::new(), "cut short"),
        (vec![5; MAX_FILE + 1], "too large"),
        (vec![5; MAX_FILE], "the format is not"),
        (
            cache(OWNER, &[]),
            "no ticket-granting ticket of alice@CORP.EXAMPLE",
        ),
        (cache(OWNER, &[settings()]), "no ticket-granting ticket"),
        (
            cache(OWNER, &[entry(OWNER, elsewhere, 18, end)]),
            "no ticket-granting ticket",
        ),
        (cache(OWNER, &[entry(OWNER, first, 16, end)]), "enctype 16"),
        (
            cache(OWNER, &[entry("bob@CORP.EXAMPLE", first, 18, end)]),
            "not its owner's",
        ),
        (
            cache(OWNER, &[entry(OWNER, first, 17, end)]),
            "a wrong length",
        ),
    ] {
        let error = first_ticket(&file).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_else_than_between_tickets_is_refused() {
    let whole = good();
    let cuts = (0..whole.len()).filter(|cut| {
        let read = first_ticket(&whole[..*cut]);
        !matches!(read, Err(BadCache::Damaged { .. }))
    });
    // After the name and after each of the first four entries.
    assert_eq!(cuts.count(), 5);
}

proptest! {
    #[test]
    fn no_byte_makes_it_panic(at in 0..4096_usize, byte: u8, more in any::<Vec<u8>>()) {
        let mut file = good();
        let at = at % file.len();
        file[at] = byte;
        file.extend(more);
        drop(first_ticket(&file));
    }
}
