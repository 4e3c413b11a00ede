//! Keys from passwords: RFC 3962 section 4, RFC 8009 section 4, RFC 4757 section 2.
//!
//! They run where the password is: in the controller, and on the few nodes that may have it.

use hmac::Hmac;
use md4::{Digest as _, Md4};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::{Zeroize as _, Zeroizing};

use super::key_derivation::{dk, kdf};
use super::salt::Salt;
use super::{Enctype, Key};
use crate::secret::{Password, SecretBytes};

/// The most PBKDF2 rounds that are computed. A KDC names the count in ETYPE-INFO2 before it has
/// proven anything, so without a limit a forged answer could keep a core busy for an hour.
pub const ITERATIONS_MAX: u32 = 1 << 20;

/// The constant of the last step (RFC 3962 section 4, RFC 8009 section 4).
const KERBEROS: &[u8] = b"kerberos";

/// An iteration count that no honest directory uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} PBKDF2 iterations are out of range (1 to {ITERATIONS_MAX})")]
pub struct BadIterations(pub u32);

/// The iteration count where the KDC names none: 4096 for RFC 3962, 32768 for RFC 8009. RC4 has
/// none; one stands for it.
#[must_use]
pub const fn default_iterations(enctype: Enctype) -> u32 {
    match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => 4096,
        Enctype::Aes128CtsHmacSha256 | Enctype::Aes256CtsHmacSha384 => 32_768,
        Enctype::Rc4Hmac => 1,
    }
}

/// The key of `password` under `salt`. RC4 looks at neither the salt nor the count.
///
/// # Errors
/// [`BadIterations`] if `iterations` is zero or above [`ITERATIONS_MAX`].
pub fn string_to_key(
    enctype: Enctype,
    password: &Password,
    salt: &Salt,
    iterations: u32,
) -> Result<Key, BadIterations> {
    if iterations == 0 || iterations > ITERATIONS_MAX {
        return Err(BadIterations(iterations));
    }
    let salt = salt.as_str().as_bytes();
    Ok(derive(enctype, password, salt, iterations))
}

/// The keys of `password` under `salt`, one for each of `enctypes` in their order, with the
/// iteration counts that AD uses.
#[must_use]
pub fn derive_all(enctypes: &[Enctype], password: &Password, salt: &Salt) -> Vec<Key> {
    let salt = salt.as_str().as_bytes();
    let key_of = |enctype| derive(enctype, password, salt, default_iterations(enctype));
    enctypes.iter().copied().map(key_of).collect()
}

fn derive(enctype: Enctype, password: &Password, salt: &[u8], iterations: u32) -> Key {
    let text = password.expose().as_bytes();
    let mut room = Zeroizing::new([0_u8; 32]);
    let key = &mut room[..enctype.key_length()];
    match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => {
            pbkdf2::pbkdf2_hmac::<Sha1>(text, salt, iterations, key);
            let derived = dk(key, KERBEROS);
            key.copy_from_slice(&derived);
        }
        Enctype::Aes128CtsHmacSha256 => {
            pbkdf2::pbkdf2_hmac::<Sha256>(text, &prefixed(enctype, salt), iterations, key);
            let derived = kdf::<Hmac<Sha256>>(key, KERBEROS, key.len());
            key.copy_from_slice(&derived);
        }
        Enctype::Aes256CtsHmacSha384 => {
            pbkdf2::pbkdf2_hmac::<Sha384>(text, &prefixed(enctype, salt), iterations, key);
            let derived = kdf::<Hmac<Sha384>>(key, KERBEROS, key.len());
            key.copy_from_slice(&derived);
        }
        Enctype::Rc4Hmac => hash_utf16(password, key),
    }
    let bytes = SecretBytes::new(key.to_vec());
    Key::new(enctype, bytes).expect("the room was cut to the enctype's length")
}

/// The salt of RFC 8009 section 4: the enctype's name, a zero byte, the salt.
fn prefixed(enctype: Enctype, salt: &[u8]) -> Vec<u8> {
    [enctype.name().as_bytes(), &[0], salt].concat()
}

fn hash_utf16(password: &Password, key: &mut [u8]) {
    let mut hash = Md4::new();
    for unit in password.expose().encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    let mut digest = hash.finalize();
    key.copy_from_slice(&digest);
    digest.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;
    use Enctype::{
        Aes128CtsHmacSha1, Aes128CtsHmacSha256, Aes256CtsHmacSha1, Aes256CtsHmacSha384, Rc4Hmac,
    };

    #[track_caller]
    fn check(enctype: Enctype, password: &str, salt: &[u8], iterations: u32, expected: &str) {
        let key = derive(
            enctype,
            &Password::new(password.to_owned()),
            salt,
            iterations,
        );
        assert_eq!(hex::encode(key.expose()), expected);
        assert_eq!(key.enctype(), enctype);
    }

    #[test]
    fn keys_are_those_of_rfc_3962_appendix_b() {
        let athena = b"ATHENA.MIT.EDUraeburn".as_slice();
        let exceeds = b"pass phrase exceeds block size".as_slice();
        let binary = b"\x12\x34\x56\x78\x78\x56\x34\x12".as_slice();
        let (x64, x65) = ("X".repeat(64), "X".repeat(65));
        let equals = b"pass phrase equals block size".as_slice();
        for (password, salt, iterations, key128, key256) in [
            (
                "password",
                athena,
                1,
                "42263c6e89f4fc28b8df68ee09799f15",
                "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
            ),
            (
                "password",
                athena,
                2,
                "c651bf29e2300ac27fa469d693bdda13",
                "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff",
            ),
            (
                "password",
                athena,
                1200,
                "4c01cd46d632d01e6dbe230a01ed642a",
                "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a",
            ),
            (
                "password",
                binary,
                5,
                "e9b23d52273747dd5c35cb55be619d8e",
                "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31",
            ),
            (
                &x64,
                equals,
                1200,
                "59d1bb789a828b1aa54ef9c2883f69ed",
                "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34",
            ),
            (
                &x65,
                exceeds,
                1200,
                "cb8005dc5f90179a7f02104c0018751d",
                "d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b",
            ),
            (
                "\u{1d11e}",
                b"EXAMPLE.COMpianist",
                50,
                "f149c1f2e154a73452d43e7fe62a56e5",
                "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e",
            ),
        ] {
            check(Aes128CtsHmacSha1, password, salt, iterations, key128);
            check(Aes256CtsHmacSha1, password, salt, iterations, key256);
        }
    }

    #[test]
    fn keys_are_those_of_rfc_8009_appendix_a() {
        let salt = hex::decode("10df9dd783e5bc8acea1730e74355f61").unwrap();
        let salt = [salt.as_slice(), b"ATHENA.MIT.EDUraeburn"].concat();
        let key128 = "089bca48b105ea6ea77ca5d2f39dc5e7";
        let key256 = "45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467";
        check(Aes128CtsHmacSha256, "password", &salt, 32_768, key128);
        check(Aes256CtsHmacSha384, "password", &salt, 32_768, key256);
    }

    #[test]
    fn rc4_keys_are_nt_hashes() {
        check(
            Rc4Hmac,
            "password",
            b"",
            1,
            "8846f7eaee8fb117ad06bdd830b7586c",
        );
        check(Rc4Hmac, "", b"any", 9, "31d6cfe0d16ae931b73c59d7e0c089c0");
    }

    #[test]
    fn all_keys_are_derived_in_the_order_asked_for() {
        let password = Password::new("5hYYSAfFJp".to_owned());
        let salt = Salt::new("EXAMPLE.COMtest1".to_owned());
        let keys = derive_all(&[Rc4Hmac, Aes256CtsHmacSha1], &password, &salt);
        let again = |enctype| {
            string_to_key(enctype, &password, &salt, default_iterations(enctype)).unwrap()
        };
        assert_eq!(keys.len(), 2);
        assert!(keys[0].same_as(&again(Rc4Hmac)) && keys[1].same_as(&again(Aes256CtsHmacSha1)));
    }

    #[test]
    fn counts_are_those_that_ad_uses() {
        for (enctype, count) in [
            (Aes128CtsHmacSha1, 4096),
            (Aes256CtsHmacSha1, 4096),
            (Aes128CtsHmacSha256, 32_768),
            (Aes256CtsHmacSha384, 32_768),
            (Rc4Hmac, 1),
        ] {
            assert_eq!(default_iterations(enctype), count);
        }
        // RC4 counts nothing, so this costs nothing.
        let password = Password::new("password".to_owned());
        let most = string_to_key(
            Rc4Hmac,
            &password,
            &Salt::new(String::new()),
            ITERATIONS_MAX,
        );
        assert!(most.is_ok());
    }

    #[test]
    fn absurd_iteration_counts_are_refused() {
        let password = Password::new("password".to_owned());
        for count in [0, ITERATIONS_MAX + 1, u32::MAX] {
            let refused = string_to_key(
                Aes256CtsHmacSha1,
                &password,
                &Salt::new(String::new()),
                count,
            );
            assert_eq!(refused.unwrap_err(), BadIterations(count));
        }
    }
}
