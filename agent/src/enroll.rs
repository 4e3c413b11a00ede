//! Joining: a key made here, an invitation shown, a certificate taken home.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use keyroll_proto::Invitation;
use keyroll_proto::enroll::enroll_client::EnrollClient;
use keyroll_proto::enroll::{JoinReply, JoinRequest};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::exit::Exit;
use crate::identity::{Identity, NewKey};
use crate::trouble::{Trouble, chain};
use crate::{platform, tls};

/// How long reaching the controller and its answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Joins by an invitation; the node has a certificate when this returns.
///
/// # Errors
/// [`Trouble`]; nothing is kept then.
pub async fn join(
    folder: &Path,
    invitation: &Invitation,
    address: &str,
) -> Result<JoinReply, Trouble> {
    let new = NewKey::make(invitation.node.as_str())
        .map_err(|error| Trouble::of(Exit::Internal, &error))?;
    let channel = connect(invitation).await?;
    let request = JoinRequest {
        token: invitation.token.expose().to_vec(),
        node: invitation.node.to_string(),
        csr: new.request.clone(),
        address: address.to_owned(),
    };
    let mut client = EnrollClient::new(channel);
    let answer = tokio::time::timeout(PATIENCE, client.join(request)).await;
    let reply = match answer {
        Ok(Ok(reply)) => reply.into_inner(),
        Ok(Err(status)) => {
            let what = format!(
                "{} refused to let {} join: {}",
                invitation.controller,
                invitation.node,
                status.message()
            );
            return Err(Trouble::new(Exit::Refused, what).next(format!(
                "keyroll node add ARRAY {} on the controller prints a new line",
                invitation.node
            )));
        }
        Err(_) => {
            let what = format!(
                "{} gave no answer within {} s",
                invitation.controller,
                PATIENCE.as_secs()
            );
            return Err(Trouble::new(Exit::Unreachable, what));
        }
    };
    let key = new.into_pem();
    Identity::keep(folder, &key, &reply.chain, &reply.authorities)
        .map_err(|error| Trouble::of(Exit::CannotWrite, &error))?;
    Ok(reply)
}

async fn connect(invitation: &Invitation) -> Result<Channel, Trouble> {
    let address = invitation.controller.clone();
    // An invitation is parsed: there is a port. An IPv6 address stands in brackets.
    let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let unreachable = |why: String| {
        let what = format!("cannot reach the controller at {address}: {why}");
        Trouble::new(Exit::Unreachable, what).next(platform::dial(&host, port))
    };
    let config =
        tls::joining(invitation.authority).map_err(|error| Trouble::of(Exit::Internal, &error))?;
    let connector = TlsConnector::from(Arc::new(config));
    // The connector below speaks TLS; tonic must not want to.
    let endpoint = Endpoint::from_static("http://controller").connect_timeout(PATIENCE);
    let (to, name) = (address.clone(), host.clone());
    let dial = tower::service_fn(move |_: Uri| {
        let (connector, host, address) = (connector.clone(), name.clone(), to.clone());
        async move {
            let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
            let stream = TcpStream::connect(address).await?;
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    endpoint
        .connect_with_connector(dial)
        .await
        .map_err(|error| unreachable(chain(&error)))
}
