//! Encryption under a Kerberos key: RFC 3961 section 5.3 with AES (RFC 3962), and RFC 8009.
//!
//! picky-krb can do the former, but draws the confounder itself, and this crate draws nothing; it
//! also leaves the derived keys in freed memory. RC4 is not done: a directory that still issues
//! RC4 tickets is to be moved off it before a roll, and the error says so.

use aes::cipher::{Block, BlockCipher, BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use aes::{Aes128, Aes256};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::kerberos::key_derivation::{dk, kdf};
use crate::kerberos::{Enctype, Key};
use crate::secret::SecretBytes;

/// Random bytes that make equal plain texts differ: one fresh draw for each encryption.
pub type Confounder = [u8; BLOCK];

/// What a key is used for (RFC 4120 section 7.5.1, RFC 4121 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    AsRequestTimestamp = 1,
    Ticket = 2,
    AsReply = 3,
    TgsRequestChecksum = 6,
    TgsRequestAuthenticator = 7,
    TgsReply = 8,
    Authenticator = 11,
    ApReply = 12,
    /// What the acceptor of a GSS-API context wraps (RFC 4121 section 2).
    AcceptorWrap = 22,
    /// What its initiator wraps.
    InitiatorWrap = 24,
}

/// An enctype under which nothing is encrypted or decrypted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "messages under {0} are not supported; let the account use aes256-cts-hmac-sha1-96 \
     (msDS-SupportedEncryptionTypes) and set its password once"
)]
pub struct UnsupportedEnctype(pub Enctype);

/// Why a cipher text was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unopened {
    Unsupported(UnsupportedEnctype),
    /// The check value does not fit: another key, or changed bytes.
    WrongKey,
}

const BLOCK: usize = 16;

/// The roles that a key is split into for one usage (RFC 3961 section 5.3).
const ENCRYPTION: u8 = 0xaa;
const INTEGRITY: u8 = 0x55;
const CHECKSUM: u8 = 0x99;

pub(super) fn encrypt(
    key: &Key,
    usage: Usage,
    plain: &[u8],
    confounder: &Confounder,
) -> Result<Vec<u8>, UnsupportedEnctype> {
    let mut text = Zeroizing::new([confounder, plain].concat());
    let integrity = subkey(key, usage, INTEGRITY)?;
    let cipher_key = subkey(key, usage, ENCRYPTION)?;
    // RFC 3961 authenticates the plain text, RFC 8009 the cipher text behind a zero vector.
    let of_plain = code(key.enctype(), &integrity, &[&text])?;
    encrypt_cts(&cipher_key, &mut text);
    let code = match key.enctype() {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => of_plain,
        _ => code(key.enctype(), &integrity, &[&[0; BLOCK], &text])?,
    };
    Ok([text.as_slice(), &code].concat())
}

pub(super) fn decrypt(key: &Key, usage: Usage, cipher: &[u8]) -> Result<SecretBytes, Unopened> {
    let enctype = key.enctype();
    let integrity = subkey(key, usage, INTEGRITY).map_err(Unopened::Unsupported)?;
    let cipher_key = subkey(key, usage, ENCRYPTION).map_err(Unopened::Unsupported)?;
    let body = cipher
        .len()
        .checked_sub(code_length(enctype))
        .ok_or(Unopened::WrongKey)?;
    let (body, found) = cipher.split_at(body);
    if body.len() < BLOCK {
        return Err(Unopened::WrongKey);
    }
    let mut text = Zeroizing::new(body.to_vec());
    decrypt_cts(&cipher_key, &mut text);
    let wanted = match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => {
            code(enctype, &integrity, &[&text])
        }
        _ => code(enctype, &integrity, &[&[0; BLOCK], body]),
    };
    let wanted = wanted.map_err(Unopened::Unsupported)?;
    if bool::from(wanted.ct_eq(found)) {
        Ok(SecretBytes::new(text[BLOCK..].to_vec()))
    } else {
        Err(Unopened::WrongKey)
    }
}

/// The number and the bytes of the checksum that belongs to the key's enctype (RFC 3962 section 7,
/// RFC 8009 section 6).
pub(super) fn checksum(
    key: &Key,
    usage: Usage,
    text: &[u8],
) -> Result<(i32, Vec<u8>), UnsupportedEnctype> {
    let number = match key.enctype() {
        Enctype::Aes128CtsHmacSha1 => 15,
        Enctype::Aes256CtsHmacSha1 => 16,
        Enctype::Aes128CtsHmacSha256 => 19,
        Enctype::Aes256CtsHmacSha384 => 20,
        Enctype::Rc4Hmac => return Err(UnsupportedEnctype(Enctype::Rc4Hmac)),
    };
    let key_of_checksum = subkey(key, usage, CHECKSUM)?;
    Ok((number, code(key.enctype(), &key_of_checksum, &[text])?))
}

fn subkey(key: &Key, usage: Usage, role: u8) -> Result<Zeroizing<Vec<u8>>, UnsupportedEnctype> {
    let mut constant = [0; 5];
    constant[..4].copy_from_slice(&(usage as u32).to_be_bytes());
    constant[4] = role;
    match key.enctype() {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => Ok(dk(key.expose(), &constant)),
        Enctype::Aes128CtsHmacSha256 => Ok(kdf::<Hmac<Sha256>>(key.expose(), &constant, 16)),
        Enctype::Aes256CtsHmacSha384 => {
            let length = if role == ENCRYPTION { 32 } else { 24 };
            Ok(kdf::<Hmac<Sha384>>(key.expose(), &constant, length))
        }
        Enctype::Rc4Hmac => Err(UnsupportedEnctype(Enctype::Rc4Hmac)),
    }
}

const fn code_length(enctype: Enctype) -> usize {
    match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => 12,
        Enctype::Aes128CtsHmacSha256 | Enctype::Rc4Hmac => 16,
        Enctype::Aes256CtsHmacSha384 => 24,
    }
}

/// The authentication code of `parts`, laid end to end, cut to the enctype's length.
fn code(enctype: Enctype, key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, UnsupportedEnctype> {
    let mut code = match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => hmac::<Hmac<Sha1>>(key, parts),
        Enctype::Aes128CtsHmacSha256 => hmac::<Hmac<Sha256>>(key, parts),
        Enctype::Aes256CtsHmacSha384 => hmac::<Hmac<Sha384>>(key, parts),
        Enctype::Rc4Hmac => return Err(UnsupportedEnctype(enctype)),
    };
    code.truncate(code_length(enctype));
    Ok(code)
}

fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// CBC with ciphertext stealing, the last two blocks always swapped (RFC 3962 section 5), in place,
/// from a zero vector. At least one block.
fn encrypt_cts(key: &[u8], text: &mut Vec<u8>) {
    let length = text.len();
    text.resize(length.next_multiple_of(BLOCK), 0);
    if key.len() == 16 {
        encrypt_cbc::<Aes128>(key, text);
    } else {
        encrypt_cbc::<Aes256>(key, text);
    }
    swap_last_blocks(text);
    text.truncate(length);
}

/// The reverse of it, of at least one block.
fn decrypt_cts(key: &[u8], text: &mut Vec<u8>) {
    let length = text.len();
    let padded = length.next_multiple_of(BLOCK);
    if padded > length {
        // The stolen bytes stand at the end of the decrypted block before the last.
        let mut block = Zeroizing::new(text[padded - 2 * BLOCK..padded - BLOCK].to_vec());
        decrypt_cbc_of(key, &mut block);
        text.extend_from_slice(&block[length % BLOCK..]);
    }
    swap_last_blocks(text);
    decrypt_cbc_of(key, text);
    text.truncate(length);
}

fn swap_last_blocks(text: &mut [u8]) {
    if let Some(start) = text.len().checked_sub(2 * BLOCK) {
        let (before, last) = text[start..].split_at_mut(BLOCK);
        before.swap_with_slice(last);
    }
}

fn encrypt_cbc<C: BlockEncryptMut + BlockCipher + KeyInit>(key: &[u8], text: &mut [u8]) {
    let mut mode = cbc::Encryptor::<C>::new_from_slices(key, &[0; BLOCK])
        .expect("derived keys have the cipher's length");
    for block in text.chunks_exact_mut(BLOCK) {
        mode.encrypt_block_mut(Block::<C>::from_mut_slice(block));
    }
}

fn decrypt_cbc_of(key: &[u8], text: &mut [u8]) {
    if key.len() == 16 {
        decrypt_cbc::<Aes128>(key, text);
    } else {
        decrypt_cbc::<Aes256>(key, text);
    }
}

fn decrypt_cbc<C: BlockDecryptMut + BlockCipher + KeyInit>(key: &[u8], text: &mut [u8]) {
    let mut mode = cbc::Decryptor::<C>::new_from_slices(key, &[0; BLOCK])
        .expect("derived keys have the cipher's length");
    for block in text.chunks_exact_mut(BLOCK) {
        mode.decrypt_block_mut(Block::<C>::from_mut_slice(block));
    }
}

#[cfg(test)]
mod tests;
