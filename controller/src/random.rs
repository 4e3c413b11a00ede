//! Random bytes, all of them from the operating system's generator.

use rand::TryRngCore as _;
use rand::rngs::OsRng;

/// Fills the slice.
///
/// # Errors
/// If the operating system has no random bytes to give.
pub fn fill(bytes: &mut [u8]) -> Result<(), rand::rand_core::OsError> {
    OsRng.try_fill_bytes(bytes)
}

/// So many random bytes: a nonce, a confounder, a session key.
///
/// # Panics
/// If the operating system has none to give: nothing safe can be done without.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes).expect("the operating system's random generator works");
    bytes
}

/// The same, as a vector.
///
/// # Panics
/// As [`bytes`].
#[must_use]
pub fn vector(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fill(&mut bytes).expect("the operating system's random generator works");
    bytes
}

/// A short random word of 16 hex digits: unique, not secret.
#[must_use]
pub fn token() -> String {
    format!("{:016x}", u64::from_be_bytes(bytes()))
}
