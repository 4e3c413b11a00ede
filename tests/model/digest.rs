//! 128 bits that stand for a state: two of a hundred million collide once in 10^22 explorations.

use std::hash::{Hash, Hasher};

use siphasher::sip128::SipHasher13;

/// The bytes of a state in a row: much faster to hash than one by one.
struct Row {
    bytes: [u8; 1024],
    length: usize,
}

impl Hasher for Row {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn write_u8(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// Lengths and which variant of an enum: all of them small.
    fn write_usize(&mut self, number: usize) {
        self.write_u8(u8::try_from(number).expect("a state is small"));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u8(u8::try_from(number).expect("an enum has few variants"));
    }

    fn finish(&self) -> u64 {
        unreachable!("only the row itself is asked for")
    }
}

/// What stands for a state.
pub fn digest<S: Hash>(state: &S) -> u128 {
    let mut row = Row {
        bytes: [0; 1024],
        length: 0,
    };
    state.hash(&mut row);
    let digest = SipHasher13::new().hash(&row.bytes[..row.length]);
    digest.as_u128()
}
