//! What a service asks for in the name of its users (MS-SFU), bit for bit.

use picky_krb::messages::{KdcReq, TgsReq};

use super::super::der::decode;
use super::super::kdc_exchange::find_hint;
use super::super::wire::flag_bits;
use super::*;

const FORWARDABLE: u32 = 0x4000_0000;
/// cname-in-addl-tkt (MS-SFU 2.2.3).
const CLIENT_IN_EVIDENCE: u32 = 0x0002_0000;

/// The service's own ticket-granting ticket.
fn tgt(kdc: &Kdc) -> Credential {
    let granted = granted_tgt(kdc, &principal("WEB$@CORP.EXAMPLE"));
    granted.open(&kdc.client_key, NONCE).unwrap()
}

fn request<'a>(tgt: &'a Credential, service: &'a Principal) -> TgsRequest<'a> {
    TgsRequest {
        tgt,
        service,
        enctypes: &[AES256],
        now: now(),
        lifetime: HOUR,
        nonce: 5,
        confounder: &[2; 16],
    }
}

fn read(bytes: &[u8]) -> KdcReq {
    decode::<TgsReq>("request", bytes).unwrap().0
}

fn options(bytes: &[u8]) -> u32 {
    flag_bits(&read(bytes).req_body.0.kdc_options.0)
}

/// How many tickets there are beside the one that is shown.
fn evidence(bytes: &[u8]) -> usize {
    let body = read(bytes).req_body.0;
    body.additional_tickets
        .0
        .map_or(0, |tickets| tickets.0.0.len())
}

fn told(bytes: &[u8], kind: i64) -> Option<Vec<u8>> {
    let hints = read(bytes).padata.0.map(|hints| hints.0.0).unwrap();
    find_hint(&hints, kind).map(<[u8]>::to_vec)
}

#[test]
fn each_request_has_the_options_that_make_it_what_it_is() {
    let kdc = Kdc::new();
    let tgt = tgt(&kdc);
    let service = principal("HTTP/web.corp.example@CORP.EXAMPLE");
    let plain = request(&tgt, &service).to_bytes().unwrap();
    assert_eq!((options(&plain), evidence(&plain)), (0, 0));
    let bytes = request(&tgt, &service).to_evidence_bytes().unwrap();
    assert_eq!((options(&bytes), evidence(&bytes)), (FORWARDABLE, 0));

    let user = principal("alice@CORP.EXAMPLE");
    for (forwardable, expected) in [(true, FORWARDABLE), (false, 0)] {
        let for_user = ForUserRequest {
            request: request(&tgt, &service),
            user: &user,
            forwardable,
        };
        let bytes = for_user.to_bytes().unwrap();
        assert_eq!((options(&bytes), evidence(&bytes)), (expected, 0));
        let named = told(&bytes, 129).expect("PA-FOR-USER");
        assert!(named.windows(5).any(|part| part == b"alice"));
    }

    let shown = TgsReply::parse(&kdc.answer_tgs(&plain)).unwrap();
    let TgsReply::Granted(granted) = shown else {
        panic!("{shown:?}")
    };
    let proxy = ProxyRequest {
        request: request(&tgt, &service),
        evidence: granted.ticket(),
    };
    let bytes = proxy.to_bytes().unwrap();
    assert_eq!(options(&bytes), CLIENT_IN_EVIDENCE);
    assert_eq!(evidence(&bytes), 1);
    // PA-PAC-OPTIONS: SEQUENCE { [0] BIT STRING } with the bit "resource based" (MS-KILE 2.2.10).
    let resource_based = [0x30, 9, 0xa0, 7, 3, 5, 0, 0x10, 0, 0, 0];
    assert_eq!(told(&bytes, 167).as_deref(), Some(&resource_based[..]));
}
