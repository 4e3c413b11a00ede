//! A password a directory accepts, from random bytes that the caller draws.
//!
//! Every character is uniform over [`ALPHABET`] (64 symbols, so six bits of a random byte choose
//! one and no modulo tilts the choice). A draw that the directory's complexity rule would refuse
//! is thrown away as a whole and drawn again: what is left is uniform over all passwords that the
//! rule allows, which placing a digit by force would not be.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::Password;

/// The 64 characters of a password: letters and digits without the look-alikes `I`, `O`, `l`, `0`
/// and `1`, and seven signs that no shell, LDIF or XML gives a meaning inside a word.
pub const ALPHABET: &[u8; 64] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-._+=:,";

/// How many draws are thrown away before the random source is called broken. A fair one is refused
/// less than 3 times in 100, so this many refusals in a row come less often than once in 10^90.
const DRAWS_MAX: usize = 64;

/// AD compares a password with the account's name only if the name has at least three characters
/// (MS-SAMR 3.1.1.7.2).
const NAME_LENGTH_MIN: usize = 3;

/// How many characters a password has: 41 to 120, 64 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(u8);

/// A length outside the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a password of {0} characters is out of range: {min} to {max} (fewer hold less than 240 bits, \
     more break forwarding from read-only domain controllers)",
    min = Length::MIN.0,
    max = Length::MAX.0
)]
pub struct BadLength(pub usize);

/// Why there is no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPassword<E> {
    /// The random source failed.
    #[error("the random source failed")]
    Source(#[source] E),
    /// No draw was acceptable, which fair random bytes do not do: the source is broken.
    #[error("the random source repeats itself: {DRAWS_MAX} draws gave no acceptable password")]
    Implausible,
}

impl Length {
    /// The shortest that holds 240 bits.
    pub const MIN: Self = Self(41);
    /// The longest that a read-only domain controller forwards to a writable one intact.
    pub const MAX: Self = Self(120);

    /// A length in characters.
    ///
    /// # Errors
    /// [`BadLength`] if it is below [`Length::MIN`] or above [`Length::MAX`].
    pub fn new(characters: usize) -> Result<Self, BadLength> {
        match u8::try_from(characters) {
            Ok(count) if (Self::MIN.0..=Self::MAX.0).contains(&count) => Ok(Self(count)),
            _ => Err(BadLength(characters)),
        }
    }

    /// The number of characters.
    #[must_use]
    pub const fn characters(self) -> usize {
        self.0 as usize
    }

    /// The entropy in bits: the logarithm of the number of passwords that the complexity rule
    /// leaves, counted by inclusion and exclusion over the four classes of characters.
    ///
    /// 41 characters hold 245.98 bits; with 40 the rule takes the total just below 240. That an
    /// account's name is avoided takes away less than a hundredth of a bit.
    #[must_use]
    pub fn bits(self) -> f64 {
        let classes = CLASSES.map(|class| ALPHABET.iter().filter(|c| class(**c)).count());
        let mut valid = 0.0;
        for absent in 0_u32..16 {
            let chosen = |i: &usize| absent & (1 << i) != 0;
            let missing: usize = (0..4).filter(chosen).map(|i| classes[i]).sum();
            let left = (ALPHABET.len() - missing) as f64 / ALPHABET.len() as f64;
            let sign = if absent.count_ones() % 2 == 0 {
                1.0
            } else {
                -1.0
            };
            valid += sign * left.powi(i32::from(self.0));
        }
        6.0 * f64::from(self.0) + f64::log2(valid)
    }
}

impl Default for Length {
    fn default() -> Self {
        Self(64)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes a password of `length` for the account whose sAMAccountName is `account`.
///
/// `fill` fills the slice that it is given with random bytes; it is called once a draw, and nearly
/// always one draw is enough. The password holds capitals, small letters, digits and signs, which
/// is one class more than AD's rule asks for, and does not hold the account's name in any case.
///
/// # Errors
/// [`NoPassword::Source`] with what `fill` said; [`NoPassword::Implausible`] if the bytes are so
/// regular that no draw was acceptable.
pub fn generate<E>(
    length: Length,
    account: &str,
    fill: &mut dyn FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Password, NoPassword<E>> {
    let mut bytes = Zeroizing::new([0_u8; Length::MAX.0 as usize]);
    let bytes = &mut bytes[..length.characters()];
    let account = account
        .strip_suffix('$')
        .unwrap_or(account)
        .to_ascii_lowercase();
    for _ in 0..DRAWS_MAX {
        fill(bytes).map_err(NoPassword::Source)?;
        for byte in bytes.iter_mut() {
            *byte = ALPHABET[usize::from(*byte & 0x3f)];
        }
        if is_complex(bytes) && !holds_name(bytes, &account) {
            return Ok(Password::new(
                bytes.iter().copied().map(char::from).collect(),
            ));
        }
    }
    Err(NoPassword::Implausible)
}

/// The four classes of characters that AD's rule counts (MS-SAMR 3.1.1.7.2).
const CLASSES: [fn(u8) -> bool; 4] = [
    |c| c.is_ascii_uppercase(),
    |c| c.is_ascii_lowercase(),
    |c| c.is_ascii_digit(),
    |c| c.is_ascii_punctuation(),
];

fn is_complex(text: &[u8]) -> bool {
    CLASSES.iter().all(|class| text.iter().any(|c| class(*c)))
}

/// Whether `text` holds `name`, which is in small letters, in any case.
fn holds_name(text: &[u8], name: &str) -> bool {
    name.len() >= NAME_LENGTH_MIN
        && text
            .windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_found_in_any_case_and_anywhere_if_the_domain_would_look_for_it() {
        let name = "svc-web";
        for (text, holds) in [
            ("xxSVC-Webyy", true),
            ("svc-web", true),
            ("svc-we", false),
            ("svcXweb", false),
        ] {
            assert_eq!(holds_name(text.as_bytes(), name), holds, "{text}");
        }
        let short = &name[..NAME_LENGTH_MIN - 1];
        assert!(!holds_name(name.as_bytes(), short));
        assert!(holds_name(name.as_bytes(), &name[..NAME_LENGTH_MIN]));
    }

    fn drawn(length: Length, account: &str, mut seed: u64) -> Password {
        let mut fill = |bytes: &mut [u8]| -> Result<(), Infallible> {
            for byte in bytes {
                // The 64-bit generator of Knuth's MMIX: fair enough for a test.
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *byte = (seed >> 56) as u8;
            }
            Ok(())
        };
        generate(length, account, &mut fill).unwrap()
    }

    proptest! {
        #[test]
        fn a_password_is_long_complex_and_nameless(
            seed: u64,
            characters in 41_usize..=120,
            account in "[A-Za-z]{2,3}",
        ) {
            let password = drawn(Length::new(characters).unwrap(), &account, seed);
            let text = password.expose();
            prop_assert_eq!(text.len(), characters);
            prop_assert!(text.bytes().all(|c| ALPHABET.contains(&c)));
            prop_assert!(is_complex(text.as_bytes()));
            let lower = text.to_ascii_lowercase();
            prop_assert!(account.len() < 3 || !lower.contains(&account.to_ascii_lowercase()));
        }
    }

    #[test]
    fn the_alphabet_has_64_harmless_characters() {
        let mut sorted = ALPHABET.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 64);
        for c in "\"'`\\$!&|;<>()[]{}*?#~%^@/ IOl01".bytes() {
            assert!(
                !ALPHABET.contains(&c),
                "{:?} is in the alphabet",
                char::from(c)
            );
        }
    }

    #[test]
    fn every_length_allowed_holds_240_bits() {
        for characters in 41..=120 {
            let bits = Length::new(characters).unwrap().bits();
            assert!(
                bits >= 240.0 && bits <= 6.0 * characters as f64,
                "{characters}: {bits}"
            );
        }
        assert!(Length(40).bits() < 240.0, "40 characters would do");
        assert_eq!(Length::default().bits().floor(), 383.0);
        for characters in [0, 40, 121, 256 + 64, usize::MAX] {
            assert_eq!(Length::new(characters), Err(BadLength(characters)));
        }
    }

    #[test]
    fn a_length_is_shown_as_its_number() {
        assert_eq!(Length::new(41).unwrap().to_string(), "41");
        assert_eq!(Length::default().characters(), 64);
        let refused = BadLength(7).to_string();
        assert!(refused.starts_with("a password of 7 characters is out of range: 41 to 120 ("));
    }

    #[test]
    fn a_draw_is_repeated_as_a_whole() {
        // All `A`, then no sign, then every sign in turn: only the third is complex.
        let mut draw = 0_u8;
        let mut fill = |bytes: &mut [u8]| -> Result<(), Infallible> {
            draw += 1;
            for (i, byte) in (0_u8..).zip(bytes) {
                *byte = match draw {
                    1 => 0,
                    2 => i % 57,
                    _ => 0xc0 | i,
                };
            }
            Ok(())
        };
        let password = generate(Length::default(), "svc-web", &mut fill).unwrap();
        assert_eq!(password.expose().as_bytes(), ALPHABET);
        assert_eq!(draw, 3);
    }

    #[test]
    fn a_broken_source_gives_no_password() {
        let mut constant = |_: &mut [u8]| -> Result<(), Infallible> { Ok(()) };
        let refused = generate(Length::default(), "svc-web", &mut constant);
        assert_eq!(refused.unwrap_err(), NoPassword::Implausible);
        let mut failing = |_: &mut [u8]| Err("no entropy");
        let refused = generate(Length::default(), "svc-web", &mut failing);
        assert_eq!(refused.unwrap_err(), NoPassword::Source("no entropy"));
    }

    #[test]
    fn characters_are_uniform() {
        let mut counts = [0_u32; 128];
        for seed in 0..2_000 {
            for c in drawn(Length::default(), "", seed * 7_919).expose().bytes() {
                counts[usize::from(c)] += 1;
            }
        }
        // 2000 characters of each are expected, with a standard deviation of 44.
        for c in ALPHABET {
            let count = counts[usize::from(*c)];
            assert!(
                (1_780..2_220).contains(&count),
                "{}: {count}",
                char::from(*c)
            );
        }
    }
}
