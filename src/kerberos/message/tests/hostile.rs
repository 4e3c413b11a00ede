//! Bytes that nobody sent in good faith: no reader panics, and none takes what it should not.

use proptest::prelude::*;

use super::super::{der, kdc_error};
use super::*;

/// Every reader, on the same bytes.
fn read_all(bytes: &[u8]) {
    let held = key(AES256, 1);
    let lookup = |_: &Principal, _: Kvno, _: Enctype| Some(&held);
    let _ = accept(bytes, &lookup, now(), HOUR);
    let _ = Ticket::from_bytes(bytes).map(|ticket| ticket.open(&held));
    let _ = kdc_error::parse(bytes);
    if let Ok(AsReply::Granted(granted)) = AsReply::parse(bytes) {
        let _ = (granted.key_hints(), granted.open(&held, 0));
    }
    if let Ok(TgsReply::Granted(granted)) = TgsReply::parse(bytes) {
        let _ = granted.open(&held, 0);
    }
    // What stands inside cipher texts, as a KDC or client that holds the key could write it.
    let _ = der::decode::<picky_krb::data_types::EncTicketPart>("test", bytes);
    let _ = der::decode::<picky_krb::data_types::Authenticator>("test", bytes);
    let _ = der::decode::<picky_krb::messages::EncAsRepPart>("test", bytes);
}

/// One good message of each kind.
fn messages() -> Vec<Vec<u8>> {
    let kdc = Kdc::new();
    let (client, tgs) = (principal("alice@CORP.EXAMPLE"), krbtgt(kdc.realm()));
    let bare = as_request(&client, &tgs);
    let preauth = Some(Preauth {
        key: &kdc.client_key,
        confounder: &[1; 16],
    });
    let proven = AsRequest { preauth, ..bare };
    let granted = kdc.answer_as(&proven.to_bytes().unwrap());
    let Ok(AsReply::Granted(reply)) = AsReply::parse(&granted) else {
        panic!("no ticket")
    };
    let tgt = reply.open(&kdc.client_key, bare.nonce).unwrap();
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
    let credential = ap::minted(&service, &key(AES256, 1), Kvno(16));
    let shown = ApRequest {
        credential: &credential,
        now: now(),
        confounder: &[4; 16],
    };
    vec![
        kdc.answer_as(&bare.to_bytes().unwrap()),
        granted,
        kdc.answer_tgs(&request.to_bytes().unwrap()),
        shown.to_bytes().unwrap(),
        credential.ticket.to_bytes(),
    ]
}

#[test]
fn every_prefix_of_every_message_is_refused() {
    for message in messages() {
        for end in 0..message.len() {
            let cut = &message[..end];
            assert!(AsReply::parse(cut).is_err() && TgsReply::parse(cut).is_err());
            assert!(Ticket::from_bytes(cut).is_err());
            read_all(cut);
        }
    }
}

#[test]
fn every_byte_of_every_message_may_be_another() {
    for message in messages() {
        for place in 0..message.len() {
            let mut changed = message.clone();
            for bit in 0..8 {
                changed[place] = message[place] ^ (1 << bit);
                read_all(&changed);
            }
        }
    }
}

#[test]
fn an_accepted_request_has_no_byte_that_may_change() {
    let messages = messages();
    let request = &messages[3];
    let held = key(AES256, 1);
    let service = principal("HTTP/web.corp.example@CORP.EXAMPLE");
    let lookup = |principal: &Principal, kvno: Kvno, _: Enctype| {
        (*principal == service && kvno == Kvno(16)).then_some(&held)
    };
    let judged = |request: &[u8]| accept(request, &lookup, now(), HOUR);
    let accepted = judged(request).unwrap();
    for place in 0..request.len() {
        let mut changed = request.clone();
        changed[place] ^= 1;
        // Options and the type of a name are no part of the proof; all else is.
        if let Ok(still) = judged(&changed) {
            assert_eq!(still, accepted, "byte {place} changes the verdict");
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn mutated_messages_are_no_panic(
        kind in 0_usize..5,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
    ) {
        let mut message = messages().swap_remove(kind);
        for (place, value, edit) in edits {
            let place = place.index(message.len());
            match edit {
                0 => message[place] = value,
                1 => message.insert(place, value),
                2 if message.len() > 1 => drop(message.remove(place)),
                _ => {
                    let copied = message[place..].to_vec();
                    message.splice(place..place, copied.into_iter().take(usize::from(value)));
                }
            }
        }
        read_all(&message);
    }

    #[test]
    fn element_soup_is_no_panic(
        tags in prop::collection::vec((any::<u8>(), 0_usize..9, any::<u8>()), 1..40),
        outer in prop::sample::select(vec![0x6b_u8, 0x6d, 0x6e, 0x61, 0x7e, 0x63, 0x62, 0x79]),
    ) {
        // Nests well-formed elements of arbitrary tags, so that the shape check lets them through.
        let mut message = Vec::new();
        for (tag, length, value) in tags {
            let tag = tag & 0xdf | u8::from(length == 8) << 5;
            let content = match length {
                8 => std::mem::take(&mut message),
                _ => vec![value & 7; length],
            };
            let mut element = vec![tag];
            match content.len() {
                small @ 0..0x80 => element.push(small as u8),
                small @ 0x80..0x100 => element.extend([0x81, small as u8]),
                large => element.extend([0x82, (large >> 8) as u8, large as u8]),
            }
            element.extend(content);
            message.extend(element);
        }
        message.truncate(120);
        let length = message.len() as u8;
        let wrapped = [&[outer, length + 2, 0x30, length], &message[..]].concat();
        read_all(&wrapped);
    }
}
