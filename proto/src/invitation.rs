//! The text that brings a node in: made by the controller, read by the agent, used once.
//!
//! It travels by hand or by deployment tool, so it is one line of plain characters:
//! `keyroll-invitation-1 CONTROLLER NODE AUTHORITY TOKEN`. The authority's fingerprint lets the
//! node know the controller before it has any certificate.

use std::str::FromStr;

use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use zeroize::Zeroizing;

/// The first word: what this is, and the version of its form.
const FORM: &str = "keyroll-invitation-1";

/// An invitation of one node.
#[derive(Debug)]
pub struct Invitation {
    /// Where the controller listens for enrolment, `host:port`.
    pub controller: String,
    /// The node that is invited.
    pub node: NodeName,
    /// SHA-256 over the authority's certificate (DER).
    pub authority: [u8; 32],
    /// The single-use token, 32 bytes.
    pub token: SecretBytes,
}

/// A text that is no invitation. The text itself is not repeated: it may hold a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation: {0}")]
pub struct BadInvitation(&'static str);

impl Invitation {
    /// The line, without a line break. Secret until it is used or has expired.
    #[must_use]
    pub fn line(&self) -> Zeroizing<String> {
        let token = Zeroizing::new(hex(self.token.expose()));
        let (controller, node, authority) = (&self.controller, &self.node, hex(&self.authority));
        Zeroizing::new(format!("{FORM} {controller} {node} {authority} {}", *token))
    }
}

impl FromStr for Invitation {
    type Err = BadInvitation;

    fn from_str(line: &str) -> Result<Self, BadInvitation> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [form, controller, node, authority, token] = words[..] else {
            return Err(BadInvitation("it is not one line of five words"));
        };
        if form != FORM {
            return Err(BadInvitation("its first word is not keyroll-invitation-1"));
        }
        let named_port = controller
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if named_port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(BadInvitation("its second word is not host:port"));
        }
        let node = node
            .parse()
            .map_err(|_| BadInvitation("its third word is no node name"))?;
        let authority = thirty_two(authority).ok_or(BadInvitation(
            "its fourth word is not 64 hexadecimal digits",
        ))?;
        let token = thirty_two(token)
            .ok_or(BadInvitation("its fifth word is not 64 hexadecimal digits"))?;
        Ok(Self {
            controller: controller.to_owned(),
            node,
            authority: *authority,
            token: SecretBytes::new(token.to_vec()),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn thirty_two(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation {
            controller: "[2001:db8::1]:7441".into(),
            node: "node1.corp.example".parse().unwrap(),
            authority: [0xa7; 32],
            token: SecretBytes::new((0..32).collect()),
        }
    }

    #[test]
    fn the_line_round_trips() {
        let line = invitation().line();
        let read: Invitation = format!("  {}\n", *line).parse().unwrap();
        assert_eq!(read.controller, "[2001:db8::1]:7441");
        assert_eq!((read.node, read.authority), (invitation().node, [0xa7; 32]));
        assert!(read.token.same_as(&invitation().token));
    }

    #[test]
    fn what_is_no_invitation_is_refused_without_repeating_it() {
        let line = invitation().line();
        for (whole, damaged) in [
            ("-1 ", "-2 "),
            (":7441", ""),
            ("node1", "-"),
            ("a7a7", "a7"),
            ("1e1f", "1e1g"),
            ("1e1f", "1e1f 1"),
        ] {
            let text = line.replacen(whole, damaged, 1);
            let refused = text.parse::<Invitation>().unwrap_err().to_string();
            assert!(!refused.contains("1e"), "{refused}");
        }
    }
}
