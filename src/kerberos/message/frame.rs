//! Messages over TCP: four bytes of length, then the message (RFC 4120 section 7.2.2).

use super::der::MESSAGE_MAX;

/// A length that no reply of a KDC has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reply of {0} bytes is announced; at most {MESSAGE_MAX} are read")]
pub struct BadFrame(pub u32);

/// `message` behind its length, as it goes onto a TCP connection to port 88.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    // What is sent is a few kilobytes; should it ever not fit, the KDC refuses the length.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), message].concat()
}

/// The length of the message that follows the four bytes `header`.
///
/// # Errors
/// [`BadFrame`] if it is zero or above [`MESSAGE_MAX`]; then nothing of it is worth reading.
pub fn expected_length(header: [u8; 4]) -> Result<usize, BadFrame> {
    let announced = u32::from_be_bytes(header);
    match usize::try_from(announced) {
        Ok(length) if (1..=MESSAGE_MAX).contains(&length) => Ok(length),
        _ => Err(BadFrame(announced)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_announces_its_length() {
        let framed = frame(b"abc");
        assert_eq!(framed, b"\0\0\0\x03abc");
        assert_eq!(expected_length([0, 0, 0, 3]), Ok(3));
        assert_eq!(expected_length([0, 1, 0, 0]), Ok(MESSAGE_MAX));
        for bad in [[0, 0, 0, 0], [0, 1, 0, 1], [0x80, 0, 0, 0], [0xff; 4]] {
            assert_eq!(expected_length(bad), Err(BadFrame(u32::from_be_bytes(bad))));
        }
    }
}
