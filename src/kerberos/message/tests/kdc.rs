//! A KDC of a few lines, for one client and one service: enough to check what requests hold.

use chrono::{DateTime, TimeDelta, Utc};
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag6,
    ExplicitContextTag7, ExplicitContextTag9, ExplicitContextTag10, Optional,
};
use picky_krb::data_types::{Authenticator, EncryptedData, PaEncTsEnc};
use picky_krb::messages::{
    ApReq, AsRep, AsReq, EncAsRepPart, EncKdcRepPart, EncTgsRepPart, KdcRep, KdcReq, TgsRep, TgsReq,
};

use super::super::der::{decode, encode};
use super::super::encryption::{Usage, checksum, decrypt};
use super::super::kdc_error::tests::error;
use super::super::kdc_exchange::{find_hint, hint};
use super::super::wire::{
    flags, integer, number, of_name, of_time, seal, to_key, to_name, to_realm, to_time,
};
use super::{AES256, Credential, Key, Kvno, Mint, Principal, Ticket, key, principal};
use crate::kerberos::Realm;

pub struct Kdc {
    realm: Realm,
    pub client_key: Key,
    pub service_key: Key,
    tgs_key: Key,
}

impl Kdc {
    pub fn new() -> Self {
        Self {
            realm: "CORP.EXAMPLE".parse().unwrap(),
            client_key: key(AES256, 10),
            service_key: key(AES256, 11),
            tgs_key: key(AES256, 12),
        }
    }

    pub const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Its clock shows whole seconds.
    pub fn time(&self) -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    pub fn answer_as(&self, request: &[u8]) -> Vec<u8> {
        let request = decode::<AsReq>("request", request).unwrap().0;
        let hints = request.padata.0.map(|hints| hints.0.0).unwrap_or_default();
        let Some(stamp) = find_hint(&hints, 2) else {
            // One entry: aes256, a salt that is not ASCII, 4096 iterations.
            let salt = "CORP.EXAMPLEalicé".as_bytes();
            let mut entry = vec![
                0xa0,
                3,
                2,
                1,
                18,
                0xa1,
                salt.len() as u8 + 2,
                0x1b,
                salt.len() as u8,
            ];
            entry.extend_from_slice(salt);
            entry.extend_from_slice(&[0xa2, 6, 4, 4, 0, 0, 16, 0]);
            let list = [
                &[0x30, entry.len() as u8 + 2, 0x30, entry.len() as u8],
                &entry[..],
            ]
            .concat();
            let hints = encode(&Asn1SequenceOf::from(vec![
                hint(19, list),
                hint(2, Vec::new()),
            ]));
            return error(25, self.time(), None, Some(hints));
        };
        let stamp: EncryptedData = decode("timestamp", stamp).unwrap();
        let Ok(stamp) = decrypt(
            &self.client_key,
            Usage::AsRequestTimestamp,
            &stamp.cipher.0.0,
        ) else {
            return error(24, self.time(), None, None);
        };
        let stamp: PaEncTsEnc = decode("timestamp", stamp.expose()).unwrap();
        assert_eq!(
            of_time("timestamp", &stamp.patimestamp.0).unwrap(),
            self.time()
        );
        let tgs = super::krbtgt(&self.realm);
        let body = request.req_body.0;
        let client = of_name("request", &body.cname.0.as_ref().unwrap().0, &body.realm.0).unwrap();
        let issued = self.issue(&tgs, &self.tgs_key, &client, 13);
        let part = part(&issued, number(&body.nonce.0).unwrap());
        let part = encode(&EncAsRepPart::from(part));
        encode(&AsRep::from(reply(
            11,
            &issued,
            &self.client_key,
            Usage::AsReply,
            &part,
        )))
    }

    pub fn answer_tgs(&self, request: &[u8]) -> Vec<u8> {
        let request: KdcReq = decode::<TgsReq>("request", request).unwrap().0;
        let hints = request.padata.0.map(|hints| hints.0.0).unwrap();
        let shown = decode::<ApReq>("shown", find_hint(&hints, 1).unwrap())
            .unwrap()
            .0;
        let inside = Ticket::from_wire(shown.ticket.0)
            .unwrap()
            .open(&self.tgs_key)
            .unwrap();
        let sealed = &shown.authenticator.0.cipher.0.0;
        let plain = decrypt(&inside.session_key, Usage::TgsRequestAuthenticator, sealed).unwrap();
        let authenticator = decode::<Authenticator>("authenticator", plain.expose())
            .unwrap()
            .0;
        let body = request.req_body.0;
        let sum = checksum(
            &inside.session_key,
            Usage::TgsRequestChecksum,
            &encode(&body),
        )
        .unwrap();
        let found = authenticator.cksum.0.unwrap().0;
        assert_eq!(
            (number(&found.cksumtype.0), &found.checksum.0.0),
            (Some(sum.0.into()), &sum.1)
        );
        let wanted = of_name("request", &body.sname.0.as_ref().unwrap().0, &body.realm.0).unwrap();
        let wanted = match wanted.name().as_str() {
            "HTTP/web.corp.example" => wanted,
            "HTTP/web.other.example" => principal("krbtgt/OTHER.EXAMPLE@CORP.EXAMPLE"),
            _ => return error(7, self.time(), Some("no such\u{7} service"), None),
        };
        let issued = self.issue(&wanted, &self.service_key, &inside.client, 14);
        let part = part(&issued, number(&body.nonce.0).unwrap());
        let part = encode(&EncTgsRepPart::from(part));
        encode(&TgsRep::from(reply(
            13,
            &issued,
            &inside.session_key,
            Usage::TgsReply,
            &part,
        )))
    }

    fn issue(
        &self,
        service: &Principal,
        key_of_service: &Key,
        client: &Principal,
        seed: u8,
    ) -> Credential {
        let mint = Mint {
            service,
            key: key_of_service,
            kvno: Kvno(300),
            client,
            start: self.time(),
            end: self.time() + TimeDelta::hours(1),
            session_key: &key(AES256, seed),
            confounder: &[seed; 16],
        };
        mint.issue().unwrap()
    }
}

/// What the client reads of its new ticket.
pub fn part(issued: &Credential, nonce: i64) -> EncKdcRepPart {
    EncKdcRepPart {
        key: ExplicitContextTag0::from(to_key(&issued.session_key)),
        last_req: ExplicitContextTag1::from(Asn1SequenceOf::from(Vec::new())),
        nonce: ExplicitContextTag2::from(integer(nonce)),
        key_expiration: Optional::from(None),
        flags: ExplicitContextTag4::from(flags(issued.flags.0)),
        auth_time: ExplicitContextTag5::from(to_time(issued.times.start).unwrap()),
        start_time: Optional::from(None),
        end_time: ExplicitContextTag7::from(to_time(issued.times.end).unwrap()),
        renew_till: Optional::from(None),
        srealm: ExplicitContextTag9::from(to_realm(issued.service().realm()).unwrap()),
        sname: ExplicitContextTag10::from(to_name(issued.service()).unwrap()),
        caddr: Optional::from(None),
        encrypted_pa_data: Optional::from(None),
    }
}

pub fn reply(
    message: i64,
    issued: &Credential,
    client_key: &Key,
    usage: Usage,
    part: &[u8],
) -> KdcRep {
    KdcRep {
        pvno: ExplicitContextTag0::from(integer(5)),
        msg_type: ExplicitContextTag1::from(integer(message)),
        padata: Optional::from(None),
        crealm: ExplicitContextTag3::from(to_realm(issued.client.realm()).unwrap()),
        cname: ExplicitContextTag4::from(to_name(&issued.client).unwrap()),
        ticket: ExplicitContextTag5::from(issued.ticket.wire().clone()),
        enc_part: ExplicitContextTag6::from(seal(client_key, None, usage, part, &[9; 16]).unwrap()),
    }
}
