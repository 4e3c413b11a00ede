//! The elements of an XML text, and where each stands in it: what is edited is put between what is
//! there.

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{IisError, SECTION};

/// An element, where it stands, and what is in its tag.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name and those around it, the outermost first; `location` is left out.
    pub(super) path: Vec<String>,
    /// The `path` of the `location` around it, or its own; empty if there is none.
    pub(super) location: String,
    pub(super) is_location: bool,
    /// Its first tag.
    pub(super) tag: Range<usize>,
    pub(super) name_ends: usize,
    pub(super) is_empty: bool,
    /// Where its last tag begins.
    pub(super) ends: usize,
    pub(super) attributes: Vec<Attribute>,
}

/// An attribute, and where it stands.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
    /// From the first letter of its name.
    pub(super) begins: usize,
    /// What stands between the quotes.
    pub(super) range: Range<usize>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|one| one.name == name);
        found.map(|one| one.value.as_str())
    }

    /// Where what has to be put so that it has this attribute.
    pub(super) fn with_attribute(&self, name: &str, value: &str) -> (Range<usize>, String) {
        let value = quick_xml::escape::escape(value);
        let there = self.attributes.iter().find(|one| one.name == name);
        match there {
            Some(there) => (there.range.clone(), value.into_owned()),
            None => {
                let place = self.name_ends..self.name_ends;
                (place, format!(" {name}=\"{value}\""))
            }
        }
    }

    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        let value = self.attribute(name)?;
        value.to_ascii_lowercase().parse().ok()
    }

    /// Whether it is the part of the section's path of this depth, 0 for what is around it.
    pub(super) fn is_part(&self, depth: usize, location: &str) -> bool {
        let at = self.location.eq_ignore_ascii_case(location);
        let is_start = depth > 0 || self.is_location != location.is_empty();
        let path = self.path.iter().map(String::as_str);
        let wanted = ["configuration"].iter().chain(&SECTION).take(depth + 1);
        at && is_start && path.eq(wanted.copied())
    }
}

/// Every element, in its order.
pub(super) fn elements(text: &str) -> Result<Vec<Element>, IisError> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        let start = place(&reader);
        let event = reader.read_event()?;
        let tag = start..place(&reader);
        match event {
            Event::Start(start) => {
                open.push(found.len());
                found.push(element(text, &start, tag, false, &open, &found)?);
            }
            Event::Empty(start) => {
                let mut around = open.clone();
                around.push(found.len());
                found.push(element(text, &start, tag, true, &around, &found)?);
            }
            Event::End(_) => {
                if let Some(element) = open.pop().and_then(|index| found.get_mut(index)) {
                    element.ends = tag.start;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let is_root = |element: &Element| element.path == ["configuration"];
    if open.is_empty() && found.first().is_some_and(is_root) {
        Ok(found)
    } else {
        Err(IisError::Other)
    }
}

fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn element(
    text: &str,
    start: &BytesStart<'_>,
    tag: Range<usize>,
    is_empty: bool,
    open: &[usize],
    found: &[Element],
) -> Result<Element, IisError> {
    let around = open
        .len()
        .checked_sub(2)
        .and_then(|last| found.get(*open.get(last)?));
    let name = start.name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)?
            .into_owned();
        // They are parts of the text, which the reader borrows.
        let place = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
        let start = place(&attribute.value);
        attributes.push(Attribute {
            name: attribute.key.as_ref().to_owned(),
            value,
            begins: place(attribute.key.as_ref()),
            range: start..start + attribute.value.len(),
        });
    }
    let is_location = name == "location" && open.len() == 2;
    let mut path = around.map(|one| one.path.clone()).unwrap_or_default();
    let mut location = around.map(|one| one.location.clone()).unwrap_or_default();
    let name_ends = tag.start + 1 + name.len();
    if is_location {
        let own = attributes.iter().find(|one| one.name == "path");
        location = own.map(|one| one.value.clone()).unwrap_or_default();
        // `.` is all, as no path is.
        location = if location == "." {
            String::new()
        } else {
            location
        };
    } else {
        path.push(name);
    }
    Ok(Element {
        path,
        location,
        is_location,
        ends: tag.end,
        tag,
        name_ends,
        is_empty,
        attributes,
    })
}
