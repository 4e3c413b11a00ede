//! A client that holds on to its tickets.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::{
    AsReply, AsRequest, Credential, KdcError, Preauth, ProxyRequest, TgsReply, TgsRequest,
    expected_length, frame, krbtgt,
};
use keyroll::kerberos::{Enctype, Key, Principal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::lab::Lab;

const OFFERED: [Enctype; 1] = [Enctype::Aes256CtsHmacSha1];
const NONCE: u32 = 7;
const CONFOUNDER: [u8; 16] = [3; 16];

/// One that has logged in at the first domain controller.
pub struct Client(Credential);

async fn ask(lab: &Lab, message: &[u8]) -> Vec<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect((lab.dc1.as_str(), 88)).await.unwrap();
        stream.write_all(&frame(message)).await.unwrap();
        let mut header = [0; 4];
        stream.read_exact(&mut header).await.unwrap();
        let mut answer = vec![0; expected_length(header).unwrap()];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    let patience = Duration::from_secs(10);
    tokio::time::timeout(patience, exchange)
        .await
        .expect("the KDC answers")
}

impl Client {
    pub async fn log_in(lab: &Lab, client: &Principal, key: &Key) -> Self {
        let request = AsRequest {
            client,
            service: &krbtgt(client.realm()),
            enctypes: &OFFERED,
            now: Utc::now(),
            lifetime: TimeDelta::hours(1),
            nonce: NONCE,
            preauth: Some(Preauth {
                key,
                confounder: &CONFOUNDER,
            }),
        };
        let reply = ask(lab, &request.to_bytes().unwrap()).await;
        match AsReply::parse(&reply).unwrap() {
            AsReply::Granted(granted) => Self(granted.open(key, NONCE).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn request<'a>(&'a self, service: &'a Principal) -> TgsRequest<'a> {
        TgsRequest {
            tgt: &self.0,
            service,
            enctypes: &OFFERED,
            now: Utc::now(),
            lifetime: TimeDelta::hours(1),
            nonce: NONCE,
            confounder: &CONFOUNDER,
        }
    }

    async fn trade(&self, lab: &Lab, message: &[u8]) -> Result<Credential, KdcError> {
        match TgsReply::parse(&ask(lab, message).await).unwrap() {
            TgsReply::Granted(granted) => Ok(granted.open(&self.0.session_key, NONCE).unwrap()),
            TgsReply::Refused(error) => Err(error),
            TgsReply::Referred(other) => panic!("referred to {other}"),
        }
    }

    /// A ticket that may be evidence.
    pub async fn evidence(&self, lab: &Lab, service: &Principal) -> Result<Credential, KdcError> {
        let message = self.request(service).to_evidence_bytes().unwrap();
        self.trade(lab, &message).await
    }

    /// A ticket to another service on the strength of one that was shown.
    pub async fn go_on(
        &self,
        lab: &Lab,
        to: &Principal,
        evidence: &Credential,
    ) -> Result<Credential, KdcError> {
        let request = ProxyRequest {
            request: self.request(to),
            evidence: &evidence.ticket,
        };
        self.trade(lab, &request.to_bytes().unwrap()).await
    }
}
