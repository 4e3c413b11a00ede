//! Between our types and picky-krb's: numbers, times, names, keys, cipher texts.

use chrono::{DateTime, Datelike as _, TimeZone as _, Timelike as _, Utc};
use picky_asn1::bit_string::BitString;
use picky_asn1::date::GeneralizedTime;
use picky_asn1::restricted_string::Ia5String;
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, IntegerAsn1,
    OctetStringAsn1, Optional,
};
use picky_krb::data_types::{
    EncryptedData, EncryptionKey, KerberosFlags, KerberosStringAsn1, KerberosTime, PrincipalName,
};

use super::der::Malformed;
use super::encryption::{Confounder, UnsupportedEnctype, Usage, encrypt};
use crate::kerberos::{Enctype, Key, Kvno, Principal, Realm};
use crate::secret::SecretBytes;

/// A request that cannot be put into a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// A name has characters outside ASCII.
    #[error("{0:?} has characters outside ASCII, which Kerberos names here cannot have")]
    NotAscii(String),
    /// A time whose year is not one of four digits.
    #[error("{0} is beyond the times that Kerberos can say")]
    Time(DateTime<Utc>),
    /// Something is to be encrypted under an enctype that is not done here.
    #[error(transparent)]
    Unsupported(UnsupportedEnctype),
}

/// The name types (RFC 4120 section 6.2): of a user, and of a service with an instance.
const NT_PRINCIPAL: u32 = 1;
const NT_SRV_INST: u32 = 2;

pub(super) fn integer(number: i64) -> IntegerAsn1 {
    IntegerAsn1::from_bytes_be_signed(number.to_be_bytes().to_vec())
}

/// The number, if it fits 64 bits.
pub(super) fn number(integer: &IntegerAsn1) -> Option<i64> {
    let bytes = integer.as_signed_bytes_be();
    let sign = if integer.is_negative() { u8::MAX } else { 0 };
    let mut wide = [sign; 8];
    wide.get_mut(8_usize.checked_sub(bytes.len())?..)?
        .copy_from_slice(bytes);
    Some(i64::from_be_bytes(wide))
}

/// An Int32, such as an enctype.
pub(super) fn int32(what: &'static str, integer: &IntegerAsn1) -> Result<i32, Malformed> {
    let number = number(integer).and_then(|number| i32::try_from(number).ok());
    number.ok_or(Malformed::new(what, "a number does not fit 32 bits"))
}

/// A UInt32; Windows writes the kvno of a read-only domain controller with a sign (MS-KILE
/// 3.1.5.8), so a negative Int32 is taken for the same 32 bits.
pub(super) fn uint32(what: &'static str, integer: &IntegerAsn1) -> Result<u32, Malformed> {
    let number = number(integer).and_then(|number| {
        let negative = || i32::try_from(number).ok().map(i32::cast_unsigned);
        u32::try_from(number).ok().or_else(negative)
    });
    number.ok_or(Malformed::new(what, "a number does not fit 32 bits"))
}

pub(super) fn flags(bits: u32) -> KerberosFlags {
    KerberosFlags::from(BitString::with_bytes(bits.to_be_bytes().to_vec()))
}

/// The first 32 flags, the first of them in the highest bit.
pub(super) fn flag_bits(flags: &KerberosFlags) -> u32 {
    let mut bits = [0; 4];
    for (bit, found) in bits.iter_mut().zip(flags.0.payload_view()) {
        *bit = *found;
    }
    u32::from_be_bytes(bits)
}

/// Whole seconds; the year is one of four digits.
pub(super) fn to_time(time: DateTime<Utc>) -> Result<KerberosTime, Unsayable> {
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    let year = u16::try_from(time.year()).ok().filter(|year| *year <= 9999);
    let date = year.and_then(|year| {
        let (month, day) = (small(time.month()), small(time.day()));
        let (hour, minute, second) = (
            small(time.hour()),
            small(time.minute()),
            small(time.second()),
        );
        GeneralizedTime::new(year, month, day, hour, minute, second)
    });
    date.map(KerberosTime::from).ok_or(Unsayable::Time(time))
}

pub(super) fn of_time(what: &'static str, time: &KerberosTime) -> Result<DateTime<Utc>, Malformed> {
    let time = &time.0;
    let day = Utc.with_ymd_and_hms(
        time.year().into(),
        time.month().into(),
        time.day().into(),
        time.hour().into(),
        time.minute().into(),
        time.second().into(),
    );
    day.single()
        .ok_or(Malformed::new(what, "a time names no day of the calendar"))
}

pub(super) fn to_text(text: &str) -> Result<KerberosStringAsn1, Unsayable> {
    let ascii = Ia5String::from_string(text.to_owned());
    ascii
        .map(KerberosStringAsn1::from)
        .map_err(|_| Unsayable::NotAscii(text.to_owned()))
}

/// The type of a name, by the number of its parts.
pub(super) fn name_type(principal: &Principal) -> u32 {
    if principal.components().len() == 1 {
        NT_PRINCIPAL
    } else {
        NT_SRV_INST
    }
}

pub(super) fn to_name(principal: &Principal) -> Result<PrincipalName, Unsayable> {
    let parts = principal.components();
    let parts = parts
        .iter()
        .map(|part| to_text(part))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(PrincipalName {
        name_type: ExplicitContextTag0::from(integer(name_type(principal).into())),
        name_string: ExplicitContextTag1::from(Asn1SequenceOf::from(parts)),
    })
}

pub(super) fn to_realm(realm: &Realm) -> Result<KerberosStringAsn1, Unsayable> {
    to_text(realm.as_str())
}

pub(super) fn of_name(
    what: &'static str,
    name: &PrincipalName,
    realm: &KerberosStringAsn1,
) -> Result<Principal, Malformed> {
    let bad = |_| Malformed::new(what, "a name is empty, too long or of another alphabet");
    let parts = name
        .name_string
        .0
        .0
        .iter()
        .map(|part| part.as_utf8().to_owned())
        .collect();
    let realm = realm.as_utf8().parse().map_err(bad)?;
    Principal::new(parts, realm).map_err(bad)
}

pub(super) fn to_key(key: &Key) -> EncryptionKey {
    EncryptionKey {
        key_type: ExplicitContextTag0::from(integer(key.enctype().number().into())),
        key_value: ExplicitContextTag1::from(OctetStringAsn1::from(key.expose().to_vec())),
    }
}

/// Takes the bytes over, so that they are wiped with the key.
pub(super) fn of_key(what: &'static str, key: EncryptionKey) -> Result<Key, Malformed> {
    let enctype = Enctype::from_number(int32(what, &key.key_type.0)?);
    let bytes = SecretBytes::new(key.key_value.0.0);
    let enctype = enctype.ok_or(Malformed::new(what, "its key is of an unknown enctype"))?;
    Key::new(enctype, bytes).map_err(|_| Malformed::new(what, "its key has a wrong length"))
}

/// `plain` under `key`, marked with its kvno if it is a long-term key with one.
pub(super) fn seal(
    key: &Key,
    kvno: Option<Kvno>,
    usage: Usage,
    plain: &[u8],
    confounder: &Confounder,
) -> Result<EncryptedData, Unsayable> {
    let cipher = encrypt(key, usage, plain, confounder).map_err(Unsayable::Unsupported)?;
    Ok(EncryptedData {
        etype: ExplicitContextTag0::from(integer(key.enctype().number().into())),
        kvno: Optional::from(kvno.map(|kvno| ExplicitContextTag1::from(integer(kvno.0.into())))),
        cipher: ExplicitContextTag2::from(OctetStringAsn1::from(cipher)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_sign_and_size() {
        for value in [
            0,
            1,
            127,
            128,
            255,
            256,
            65_536,
            -1,
            -128,
            i64::MAX,
            i64::MIN,
        ] {
            assert_eq!(number(&integer(value)), Some(value));
        }
        assert_eq!(integer(128).0, [0, 128]);
        let rodc = integer(-65_535);
        assert_eq!(uint32("test", &rodc), Ok(0xffff_0001));
        assert_eq!(uint32("test", &integer(0xffff_0001)), Ok(0xffff_0001));
        assert!(uint32("test", &integer(1 << 32)).is_err());
        assert!(int32("test", &integer(1 << 31)).is_err());
    }

    #[test]
    fn the_first_32_flags_count_however_many_there_are() {
        let of = |bytes: &[u8]| KerberosFlags::from(BitString::with_bytes(bytes.to_vec()));
        assert_eq!(flag_bits(&flags(0x4120_0003)), 0x4120_0003);
        for (bytes, bits) in [
            (&[][..], 0),
            (&[0x40], 0x4000_0000),
            (&[1, 2, 3], 0x0102_0300),
            (&[1, 2, 3, 4, 0xff], 0x0102_0304),
        ] {
            assert_eq!(flag_bits(&of(bytes)), bits);
        }
    }

    /// RFC 4120 section 6.2.
    #[test]
    fn a_service_has_another_type_of_name_than_a_user() {
        let kind = |text: &str| {
            let name = to_name(&text.parse().unwrap()).unwrap();
            number(&name.name_type.0)
        };
        assert_eq!(kind("alice@R"), Some(1));
        assert_eq!(kind("krbtgt/R@R"), Some(2));
        assert_eq!(kind("ldap/dc1/corp.example@R"), Some(2));
    }

    #[test]
    fn times_are_whole_seconds_of_four_digit_years() {
        let time = Utc.with_ymd_and_hms(2024, 2, 29, 23, 59, 58).unwrap();
        assert_eq!(of_time("test", &to_time(time).unwrap()), Ok(time));
        let last = Utc.with_ymd_and_hms(9999, 12, 31, 23, 59, 59).unwrap();
        assert_eq!(of_time("test", &to_time(last).unwrap()), Ok(last));
        let late = Utc.with_ymd_and_hms(10_000, 1, 1, 0, 0, 0).unwrap();
        assert_eq!(to_time(late), Err(Unsayable::Time(late)));
        let no_day = GeneralizedTime::new(2023, 2, 30, 0, 0, 0).unwrap();
        assert!(of_time("test", &KerberosTime::from(no_day)).is_err());
    }
}
