//! An entry of the directory: attributes by name, values by type.

use std::collections::HashMap;

use ldap3::ResultEntry;

/// Between an attribute's name and the part of its values that was sent.
const RANGE: &str = ";range=";

/// What a search found of one object.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    name: String,
    attributes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// Takes a search entry apart. What is not where it belongs is left out; the shape was
    /// checked before the message came here.
    #[must_use]
    pub fn of(found: ResultEntry) -> Self {
        let mut entry = Self::default();
        let mut parts = found.0.expect_constructed().unwrap_or_default().into_iter();
        let name = parts.next().and_then(|name| name.expect_primitive());
        entry.name = String::from_utf8(name.unwrap_or_default()).unwrap_or_default();
        let attributes = parts.next().and_then(|list| list.expect_constructed());
        for attribute in attributes.unwrap_or_default() {
            let mut parts = attribute
                .expect_constructed()
                .unwrap_or_default()
                .into_iter();
            let kind = parts.next().and_then(|kind| kind.expect_primitive());
            let values = parts.next().and_then(|values| values.expect_constructed());
            let (Some(kind), Some(values)) = (kind, values) else {
                continue;
            };
            let kind = String::from_utf8_lossy(&kind).to_ascii_lowercase();
            let values = values
                .into_iter()
                .filter_map(|value| value.expect_primitive());
            entry.attributes.entry(kind).or_default().extend(values);
        }
        entry
    }

    /// Its distinguished name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every value of an attribute.
    #[must_use]
    pub fn values(&self, attribute: &str) -> &[Vec<u8>] {
        let values = self.attributes.get(&attribute.to_ascii_lowercase());
        values.map_or(&[], Vec::as_slice)
    }

    /// The values that are text.
    pub fn texts<'a>(&'a self, attribute: &str) -> impl Iterator<Item = &'a str> {
        let values = self.values(attribute).iter();
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value, as text.
    #[must_use]
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.texts(attribute).next()
    }

    /// The first value, as a number.
    #[must_use]
    pub fn number(&self, attribute: &str) -> Option<i64> {
        self.text(attribute)?.parse().ok()
    }

    /// The first value, as 32 bits, which the directory writes with a sign.
    #[must_use]
    pub fn bits(&self, attribute: &str) -> Option<u32> {
        let number = self.number(attribute)?;
        let signed = || i32::try_from(number).ok().map(i32::cast_unsigned);
        u32::try_from(number).ok().or_else(signed)
    }

    /// `objectGUID`.
    #[must_use]
    pub fn guid(&self) -> Option<[u8; 16]> {
        self.values("objectGUID")
            .first()?
            .as_slice()
            .try_into()
            .ok()
    }

    /// An attribute of which only a part of the values was sent, by its name in lower case, and
    /// where they go on: `name;range=0-1499` goes on at 1500, and `name;range=1500-*` is the last
    /// part. AD does so above 1500 values (MS-ADTS 3.1.1.3.1.3.3).
    #[must_use]
    pub fn cut_short(&self) -> Option<(String, usize)> {
        let mut parts = self.attributes.keys();
        parts.find_map(|kind| {
            let (name, range) = kind.split_once(RANGE)?;
            let (_, last) = range.split_once('-')?;
            Some((name.to_owned(), last.parse::<usize>().ok()?.checked_add(1)?))
        })
    }

    /// Puts together what was sent of the attribute and its next part, under the plain name once
    /// that is the last; false if there is none.
    pub fn take_part(&mut self, attribute: &str, next: &Self) -> bool {
        let part = attribute.to_ascii_lowercase() + RANGE;
        let mut found = next.attributes.iter();
        let found = found.find(|(kind, values)| kind.starts_with(&part) && !values.is_empty());
        let Some((kind, values)) = found else {
            return false;
        };
        let kind = match kind.ends_with('*') {
            true => attribute.to_ascii_lowercase(),
            false => kind.clone(),
        };
        let ours = |old: &String| old.starts_with(&part);
        let old = self.attributes.keys().find(|old| ours(old)).cloned();
        let mut all = old
            .and_then(|old| self.attributes.remove(&old))
            .unwrap_or_default();
        all.extend(values.iter().cloned());
        self.attributes.insert(kind, all);
        true
    }
}

#[cfg(test)]
impl Entry {
    /// An entry with these attributes.
    pub(super) fn with(attributes: &[(&str, &[&[u8]])]) -> Self {
        let owned = |values: &[&[u8]]| values.iter().map(|value| value.to_vec()).collect();
        Self {
            name: "CN=web,DC=corp,DC=example".to_owned(),
            attributes: attributes
                .iter()
                .map(|(kind, values)| (kind.to_ascii_lowercase(), owned(values)))
                .collect(),
        }
    }
}

/// Seconds since 1970 of a FILETIME: 100 ns since 1601 (MS-DTYP 2.3.3).
#[must_use]
pub const fn unix_of_file_time(file_time: i64) -> i64 {
    file_time.div_euclid(10_000_000) - 11_644_473_600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name_in_any_case() {
        let entry = Entry::with(&[
            ("userAccountControl", &[b"-2147483136"]),
            ("servicePrincipalName;range=0-1499", &[b"HTTP/a"]),
        ]);
        assert_eq!(entry.bits("UserAccountControl"), Some(0x8000_0200));
        assert_eq!(entry.number("absent"), None);
        let cut = entry.cut_short();
        assert_eq!(cut, Some(("serviceprincipalname".to_owned(), 1500)));
    }

    #[test]
    fn parts_of_an_attribute_become_one() {
        const SPNS: &str = "servicePrincipalName";
        let cut = |entry: &Entry| entry.cut_short().map(|(_, next)| next);
        let mut entry = Entry::with(&[("servicePrincipalName;range=0-1", &[b"a", b"b"])]);
        assert_eq!(cut(&entry), Some(2));
        let more = Entry::with(&[("servicePrincipalName;range=2-3", &[b"c", b"d"])]);
        assert!(entry.take_part(SPNS, &more));
        assert_eq!(cut(&entry), Some(4));
        let last = Entry::with(&[("servicePrincipalName;range=4-*", &[b"e"])]);
        assert!(entry.take_part(SPNS, &last));
        assert_eq!(cut(&entry), None);
        let all: Vec<&str> = entry.texts(SPNS).collect();
        assert_eq!(all, ["a", "b", "c", "d", "e"]);
        let mut entry = Entry::with(&[("servicePrincipalName;range=0-1", &[b"a"])]);
        assert!(!entry.take_part(SPNS, &Entry::with(&[("cn", &[b"x"])])));
        assert!(!entry.take_part(
            SPNS,
            &Entry::with(&[("servicePrincipalName;range=2-*", &[])])
        ));
    }

    #[test]
    fn file_times_count_from_1601() {
        assert_eq!(unix_of_file_time(134_397_121_630_795_090), 1_795_238_563);
        assert_eq!(unix_of_file_time(0), -11_644_473_600);
    }
}
