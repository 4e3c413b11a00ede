//! The negotiation around a first token (SPNEGO, RFC 4178), as HTTP's `Negotiate` has it (RFC 4559
//! section 4): Kerberos alone is proposed, so there is nothing to negotiate.
//!
//! Acceptors of MIT and Heimdal take a token without it too; Java's takes none.

use picky_krb::gss_api::NegTokenTarg1;

use super::super::der::{Malformed, decode};
use super::establish::{FRAME, MECHANISM, element};

/// 1.3.6.1.5.5.2, the negotiation itself, as an element.
const NEGOTIATION: [u8; 8] = [0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// The tags of a NegTokenInit, of its lists and fields, and of a NegTokenResp (RFC 4178 section
/// 4.2).
const PROPOSAL: u8 = 0xa0;
const SEQUENCE: u8 = 0x30;
const MECHANISMS: u8 = 0xa0;
const TOKEN: u8 = 0xa2;
const OCTETS: u8 = 0x04;
const ANSWER: u8 = 0xa1;

const WHAT: &str = "service's answer (NegTokenResp)";

/// A NegTokenInit that proposes Kerberos, with its first token along.
#[must_use]
pub fn propose(token: &[u8]) -> Vec<u8> {
    let mechanisms = element(MECHANISMS, &[&element(SEQUENCE, &[&MECHANISM])]);
    let token = element(TOKEN, &[&element(OCTETS, &[token])]);
    let proposal = element(PROPOSAL, &[&element(SEQUENCE, &[&mechanisms, &token])]);
    element(FRAME, &[&NEGOTIATION, &proposal])
}

/// The mechanism's own token in an answer: `answer` itself where the acceptor does not negotiate;
/// none if it has none.
///
/// # Errors
/// [`Malformed`].
pub fn answered(answer: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    if answer.first() != Some(&ANSWER) {
        return Ok(Some(answer.to_vec()));
    }
    let answer = decode::<NegTokenTarg1>(WHAT, answer)?.0;
    Ok(answer.response_token.0.map(|token| token.0.0))
}
