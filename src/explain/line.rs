//! From what somebody typed or pasted to the codes that it may stand for.

use super::phrases::PHRASES;
use super::{Code, Family, codes};

/// More than this of a pasted line is not looked at, in characters: it would be a whole log.
const LONGEST: usize = 16 * 1024;

/// Where the numbers of Kerberos begin in libraries, below zero: RFC 4120's codes, from 128 on the
/// library's own.
const BASE: u32 = 1_765_328_384;

/// Which code says the same as one of the library's own: no ticket cache, another principal, the
/// KDC's clock, no KDC, no key in the keytab, no key of that kvno.
const OWN: [(u32, Family, u32); 7] = [
    (141, Family::Windows, 0x8009_030e),
    (144, Family::Kerberos, 35),
    (148, Family::Kerberos, 37),
    (156, Family::Windows, 0x8009_0311),
    (181, Family::Kerberos, 45),
    (195, Family::Windows, 0x8009_030e),
    (230, Family::Kerberos, 44),
];

/// The codes that `text` may stand for, the likeliest first; none if it names none.
///
/// A number alone may be one of several families; in a line the words around it decide.
///
/// # Examples
/// ```
/// use keyroll::explain::explain;
///
/// assert_eq!(explain("KRB_AP_ERR_MODIFIED")[0].number, 41);
/// assert_eq!(explain("0x29")[0].name, "KRB_AP_ERR_MODIFIED");
/// let line = "ldap_bind: Invalid credentials (49): AcceptSecurityContext error, data 52e, v4563";
/// assert_eq!(explain(line)[0].name, "ERROR_LOGON_FAILURE");
/// ```
#[must_use]
pub fn explain(text: &str) -> Vec<&'static Code> {
    let text: String = text.chars().take(LONGEST).collect();
    let text = text.to_ascii_lowercase();
    // Windows' events have tabs between name and value.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Java's way to say it, which is not Kerberos' error code.
    let text = text.replace("ldap: error code ", "ldap result ");
    let mut found = Found::default();
    found.by_marks(&text);
    found.by_library(&text);
    found.by_names(&text);
    found.by_phrases(&text);
    if found.codes.is_empty() {
        found.by_number(&text);
    }
    found.codes
}

/// What was found, in order and once each.
#[derive(Default)]
struct Found {
    codes: Vec<&'static Code>,
}

impl Found {
    fn add(&mut self, family: Family, number: u32) {
        let code = codes().find(|code| (code.family, code.number) == (family, number));
        if let Some(code) = code
            && !self.codes.contains(&code)
        {
            self.codes.push(code);
        }
    }

    /// Numbers that the words before them give to a family.
    fn by_marks(&mut self, text: &str) {
        for word in after(text, "data ") {
            self.hex(Family::Bind, word);
        }
        for mark in [
            "event ",
            "event id ",
            "event id: ",
            "eventid ",
            "eventid: ",
            "eventid=",
        ] {
            for word in after(text, mark) {
                self.decimal(Family::Event, word);
            }
        }
        for mark in [
            "failure code: ",
            "failure code ",
            "result code: ",
            "error code: ",
            "error code ",
        ] {
            for word in after(text, mark) {
                self.either(Family::Kerberos, word);
            }
        }
        for mark in ["ldap error ", "ldap result ", "result: "] {
            for word in after(text, mark) {
                self.decimal(Family::Ldap, word);
            }
        }
        // Active Directory's texts begin with eight digits and a colon.
        for word in words(text).filter(|word| word.len() == 8) {
            if text.contains(&format!("{word}:")) {
                self.hex(Family::Windows, word);
            }
        }
        for word in words(text).filter_map(|word| word.strip_prefix("0x")) {
            self.hex(Family::Windows, word);
        }
    }

    /// The numbers of MIT's and Heimdal's libraries, wherever they stand: of 32 bits, with a sign
    /// or without.
    fn by_library(&mut self, text: &str) {
        let numbers = words(text).filter_map(|word| word.parse::<u32>().ok());
        for number in numbers {
            let below = BASE.checked_sub(number);
            let code = below.or_else(|| number.checked_sub(BASE.wrapping_neg()));
            match code {
                Some(code @ 0..128) => self.add(Family::Kerberos, code),
                Some(code) => {
                    let own = OWN.iter().filter(|(own, ..)| *own == code);
                    own.for_each(|(_, family, number)| self.add(*family, *number));
                }
                None => {}
            }
        }
    }

    /// Names, whole: `KRB5KRB_AP_ERR_SKEW` is how libraries call `KRB_AP_ERR_SKEW`.
    fn by_names(&mut self, text: &str) {
        for word in words(text) {
            let word = word
                .strip_prefix("krb5krb_")
                .map(|rest| format!("krb_{rest}"))
                .or_else(|| Some(format!("kdc_{}", word.strip_prefix("krb5kdc_")?)))
                .unwrap_or_else(|| word.to_owned());
            let named = codes().filter(|code| code.name.eq_ignore_ascii_case(&word));
            for code in named {
                // A word of English is no code.
                if word.contains('_') || text == word || code.name.chars().any(char::is_uppercase) {
                    self.add(code.family, code.number);
                }
            }
        }
    }

    fn by_phrases(&mut self, text: &str) {
        let mut fitting: Vec<_> = PHRASES
            .iter()
            .filter(|(words, ..)| text.contains(words))
            .collect();
        fitting.sort_by_key(|(words, ..)| std::cmp::Reverse(words.len()));
        for (_, family, number) in fitting {
            self.add(*family, *number);
        }
    }

    /// A number alone: in every family that has it.
    fn by_number(&mut self, text: &str) {
        let families = [
            Family::Kerberos,
            Family::Bind,
            Family::Windows,
            Family::Ldap,
            Family::Event,
        ];
        if let Some(digits) = text.strip_prefix("0x") {
            for family in families {
                self.hex(family, digits);
            }
            return;
        }
        if let Some(word) = text.strip_prefix("ldap ") {
            self.decimal(Family::Ldap, word);
            return;
        }
        if text == "401" {
            self.by_phrases("401 unauthorized");
        }
        for family in [Family::Kerberos, Family::Ldap, Family::Event] {
            self.decimal(family, text);
        }
        for family in [Family::Bind, Family::Windows] {
            self.hex(family, text);
        }
        // As `net helpmsg` and repadmin write them.
        self.decimal(Family::Windows, text);
    }

    fn decimal(&mut self, family: Family, word: &str) {
        if let Ok(number) = word.parse() {
            self.add(family, number);
        }
    }

    fn hex(&mut self, family: Family, digits: &str) {
        if let Ok(number) = u32::from_str_radix(digits, 16) {
            self.add(family, number);
        }
    }

    fn either(&mut self, family: Family, word: &str) {
        match word.strip_prefix("0x") {
            Some(digits) => self.hex(family, digits),
            None => self.decimal(family, word),
        }
    }
}

/// The word after each place where `mark` stands.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark)
        .filter_map(move |(at, _)| words(&text[at + mark.len()..]).next())
}

/// Runs of letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
