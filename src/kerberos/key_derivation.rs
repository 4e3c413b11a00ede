//! Keys from keys: `DK` of RFC 3961 section 5.1 for AES, `KDF-HMAC-SHA2` of RFC 8009 section 3.

use aes::cipher::{Block, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use hmac::Mac;
use zeroize::{Zeroize as _, Zeroizing};

/// The block length of AES in bytes.
const BLOCK: usize = 16;

/// `DK(key, constant)`: encrypts the folded constant, then each result again, until there are as
/// many bytes as `key` has, which is 16 or 32. One block under CTS with a zero vector is the bare
/// block cipher.
pub(super) fn dk(key: &[u8], constant: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut derived = Zeroizing::new(vec![0; key.len()]);
    if key.len() == 16 {
        chain::<Aes128>(key, constant, &mut derived);
    } else {
        chain::<Aes256>(key, constant, &mut derived);
    }
    derived
}

fn chain<C: KeyInit + BlockEncrypt>(key: &[u8], constant: &[u8], derived: &mut [u8]) {
    let cipher = C::new_from_slice(key).expect("a Key has the length of its enctype");
    let mut block = Zeroizing::new(n_fold(constant));
    for part in derived.chunks_exact_mut(BLOCK) {
        cipher.encrypt_block(Block::<C>::from_mut_slice(&mut *block));
        part.copy_from_slice(&*block);
    }
}

/// `constant` folded to 128 bits (RFC 3961 section 5.1): copies of it, each turned right by 13 bits
/// more than the one before, are laid end to end until they fill whole blocks, and the blocks are
/// added with the carry brought around.
fn n_fold(constant: &[u8]) -> [u8; BLOCK] {
    let bits = 8 * constant.len();
    let mut length = 8 * BLOCK;
    while !length.is_multiple_of(bits) {
        length += 8 * BLOCK;
    }
    let bit = |place: usize| {
        let turned = 13 * (place / bits) % bits;
        let source = (place + bits - turned) % bits;
        u128::from(constant[source / 8] >> (7 - source % 8) & 1)
    };
    let mut sum = 0_u128;
    for start in (0..length).step_by(8 * BLOCK) {
        let block = (start..start + 8 * BLOCK).fold(0, |block, place| 2 * block + bit(place));
        let (total, carry) = sum.overflowing_add(block);
        sum = total.wrapping_add(u128::from(carry));
    }
    sum.to_be_bytes()
}

/// `KDF-HMAC-SHA2(key, label, 8 * derived.len())` with the hash of `M`.
pub(super) fn kdf<M: Mac + KeyInit>(key: &[u8], label: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let bits = u32::try_from(8 * length).unwrap_or(u32::MAX);
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&1_u32.to_be_bytes());
    mac.update(label);
    mac.update(&[0]);
    mac.update(&bits.to_be_bytes());
    let mut code = mac.finalize().into_bytes();
    let derived = Zeroizing::new(code.iter().copied().take(length).collect());
    code.zeroize();
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3961 appendix A.1 has vectors for 64, 56, 168 bits; those for 128 bits are these two.
    #[test]
    fn folds_are_those_of_rfc_3961() {
        let folded = |constant| hex::encode(n_fold(constant));
        assert_eq!(folded(b"kerberos"), "6b65726265726f737b9b5b2b93132b93");
        assert_eq!(
            folded(b"0123456789abcdef"),
            hex::encode(b"0123456789abcdef")
        );
    }

    #[test]
    fn a_constant_shorter_than_the_turn_is_turned_all_the_same() {
        let turned: Vec<u8> = (0..16).map(|copy| b'Q'.rotate_right(13 * copy)).collect();
        assert_eq!(n_fold(b"Q").as_slice(), turned);
    }

    /// RFC 8009 appendix A: the keys of key usage 2.
    #[test]
    fn sha2_keys_are_those_of_rfc_8009() {
        use hmac::Hmac;
        let key = hex::decode("3705d96080c17728a0e800eab6e0d23c").unwrap();
        let usage = |role| [0, 0, 0, 2, role];
        let derived =
            |role, length| hex::encode(&*kdf::<Hmac<sha2::Sha256>>(&key, &usage(role), length));
        assert_eq!(derived(0x99, 16), "b31a018a48f54776f403e9a396325dc3");
        assert_eq!(derived(0xaa, 16), "9b197dd1e8c5609d6e67c3e37c62c72e");
        assert_eq!(derived(0x55, 16), "9fda0e56ab2d85e1569a688696c26a6c");
        let key = hex::decode("6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52")
            .unwrap();
        let derived =
            |role, length| hex::encode(&*kdf::<Hmac<sha2::Sha384>>(&key, &usage(role), length));
        assert_eq!(
            derived(0x99, 24),
            "ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d"
        );
        assert_eq!(
            derived(0xaa, 32),
            "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49"
        );
        assert_eq!(
            derived(0x55, 24),
            "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f"
        );
    }
}
