//! The RFCs' vectors, and every length around the block size.

use super::*;

fn key(enctype: Enctype, hex_bytes: &str) -> Key {
    Key::new(enctype, SecretBytes::new(hex::decode(hex_bytes).unwrap())).unwrap()
}

/// RFC 3962 appendix B: CBC with ciphertext stealing under `chicken teriyaki`.
#[test]
fn stealing_is_that_of_rfc_3962() {
    let input = b"I would like the General Gau's Chicken, please, and wonton soup.";
    for (length, output) in [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (
            31,
            "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5",
        ),
        (
            32,
            "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584",
        ),
        (
            47,
            "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e\
             39312523a78662d5be7fcbcc98ebf5",
        ),
        (
            48,
            "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd8\
             39312523a78662d5be7fcbcc98ebf5a8",
        ),
        (
            64,
            "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8\
             4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
        ),
    ] {
        let mut text = input[..length].to_vec();
        encrypt_cts(b"chicken teriyaki", &mut text);
        assert_eq!(hex::encode(&text), output);
        decrypt_cts(b"chicken teriyaki", &mut text);
        assert_eq!(text, input[..length]);
    }
}

/// RFC 8009 appendix A: encryption with key usage 2, which is that of tickets.
#[test]
fn cipher_texts_are_those_of_rfc_8009() {
    let key128 = key(
        Enctype::Aes128CtsHmacSha256,
        "3705d96080c17728a0e800eab6e0d23c",
    );
    let key256 = key(
        Enctype::Aes256CtsHmacSha384,
        "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
    );
    let upto = |end: u8| (0..end).collect::<Vec<u8>>();
    for (key, plain, confounder, cipher) in [
        (
            &key128,
            upto(0),
            "7e5895eaf2672435bad817f545a37148",
            "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718",
        ),
        (
            &key128,
            upto(6),
            "7bca285e2fd4130fb55b1a5c83bc5b24",
            "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c",
        ),
        (
            &key128,
            upto(16),
            "56ab21713ff62c0a1457200f6fa9948f",
            "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc2\
             95fb4852e7d83e1e7c48c37eebe6b0d3",
        ),
        (
            &key128,
            upto(21),
            "a7a4e29a4728ce10664fb64e49ad3fac",
            "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bc\
             e1e6d072c186b39a413c2f92ca9b8334a287ffcbfc",
        ),
        (
            &key256,
            upto(0),
            "f764e9fa15c276478b2c7d0c4e5f58e4",
            "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c",
        ),
        (
            &key256,
            upto(6),
            "b80d3251c1f6471494256ffe712d0b9a",
            "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559\
             c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2",
        ),
        (
            &key256,
            upto(16),
            "53bf8a0d105265d4e276428624ce5e63",
            "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f6\
             8cf51f14d798c2273f35df574d1f932e40c4ff255b36a266",
        ),
        (
            &key256,
            upto(21),
            "763e65367e864f02f55153c7e3b58af1",
            "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2\
             b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62",
        ),
    ] {
        let confounder = hex::decode(confounder).unwrap().try_into().unwrap();
        let made = encrypt(key, Usage::Ticket, &plain, &confounder).unwrap();
        assert_eq!(hex::encode(&made), cipher);
        assert_eq!(decrypt(key, Usage::Ticket, &made).unwrap().expose(), plain);
    }
}

/// RFC 8009 appendix A: checksums with key usage 2.
#[test]
fn checksums_are_those_of_rfc_8009() {
    let text: Vec<u8> = (0..21).collect();
    let key128 = key(
        Enctype::Aes128CtsHmacSha256,
        "3705d96080c17728a0e800eab6e0d23c",
    );
    let (number, bytes) = checksum(&key128, Usage::Ticket, &text).unwrap();
    assert_eq!(
        (number, hex::encode(bytes).as_str()),
        (19, "d78367186643d67b411cba9139fc1dee")
    );
    let key256 = key(
        Enctype::Aes256CtsHmacSha384,
        "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
    );
    let (number, bytes) = checksum(&key256, Usage::Ticket, &text).unwrap();
    let expected = "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a";
    assert_eq!((number, hex::encode(bytes).as_str()), (20, expected));
}

/// picky-krb is an independent hand: what it encrypts is decrypted here, and the other way round.
#[test]
fn rfc_3962_agrees_with_picky_krb() {
    use picky_krb::crypto::CipherSuite;
    for (enctype, suite) in [
        (Enctype::Aes128CtsHmacSha1, CipherSuite::Aes128CtsHmacSha196),
        (Enctype::Aes256CtsHmacSha1, CipherSuite::Aes256CtsHmacSha196),
    ] {
        let key = key(enctype, &"5a".repeat(enctype.key_length()));
        for length in 0..70_u8 {
            let plain: Vec<u8> = (0..length).collect();
            let ours = encrypt(&key, Usage::TgsReply, &plain, &[length; 16]).unwrap();
            assert_eq!(
                suite.cipher().decrypt(key.expose(), 8, &ours).unwrap(),
                plain
            );
            let theirs = suite.cipher().encrypt(key.expose(), 8, &plain).unwrap();
            assert_eq!(
                decrypt(&key, Usage::TgsReply, &theirs).unwrap().expose(),
                plain
            );
        }
    }
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    for enctype in Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac) {
        let right = key(enctype, &"11".repeat(enctype.key_length()));
        let cipher = encrypt(&right, Usage::Ticket, b"attack at dawn", &[7; 16]).unwrap();
        for place in 0..cipher.len() {
            let mut changed = cipher.clone();
            changed[place] ^= 0x20;
            assert_eq!(
                decrypt(&right, Usage::Ticket, &changed).unwrap_err(),
                Unopened::WrongKey
            );
            let cut = &cipher[..place];
            assert_eq!(
                decrypt(&right, Usage::Ticket, cut).unwrap_err(),
                Unopened::WrongKey
            );
        }
        let wrong = key(enctype, &"12".repeat(enctype.key_length()));
        assert_eq!(
            decrypt(&wrong, Usage::Ticket, &cipher).unwrap_err(),
            Unopened::WrongKey
        );
        assert_eq!(
            decrypt(&right, Usage::AsReply, &cipher).unwrap_err(),
            Unopened::WrongKey
        );
    }
}

#[test]
fn rc4_is_refused_by_name() {
    let key = key(Enctype::Rc4Hmac, &"00".repeat(16));
    let refused = encrypt(&key, Usage::Ticket, b"", &[0; 16]).unwrap_err();
    assert!(refused.to_string().contains("rc4-hmac"), "{refused}");
}
