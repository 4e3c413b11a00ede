//! Bytes of the directory in the forms that its tools give them, for programs that read JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyroll::delegation::ACTORS;
use keyroll::descriptor::{Descriptor, Guid};
use keyroll::directory_change::as_text;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::operator::Modification;

/// An `objectGUID` as `8-4-4-4-12`.
///
/// # Errors
/// The serializer's own.
pub fn guid<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match bytes.try_into() {
        Ok(guid) => serializer.collect_str(&Guid(guid)),
        Err(_) => serializer.collect_str(&STANDARD.encode(bytes)),
    }
}

/// Text as it is; anything else in base64 (RFC 4648), of a descriptor also the SIDs that it lets
/// act. `form` says which.
impl Serialize for Modification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            attribute,
            action,
            value,
        } = self;
        let actors = attribute.eq_ignore_ascii_case(ACTORS).then(|| {
            let found = Descriptor::from_bytes(value).ok()?;
            Some(found.actors().iter().map(ToString::to_string).collect())
        });
        let actors: Option<Vec<String>> = actors.flatten();
        let mut fields =
            serializer.serialize_struct("Modification", 4 + usize::from(actors.is_some()))?;
        fields.serialize_field("attribute", attribute)?;
        fields.serialize_field("action", action)?;
        match as_text(value) {
            Some(text) => {
                fields.serialize_field("form", "text")?;
                fields.serialize_field("value", text)?;
            }
            None => {
                fields.serialize_field("form", "base64")?;
                fields.serialize_field("value", &STANDARD.encode(value))?;
            }
        }
        match &actors {
            Some(actors) => fields.serialize_field("actors", actors)?,
            None => fields.skip_field("actors")?,
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use keyroll::descriptor::Sid;
    use serde_json::json;

    use super::*;
    use crate::operator::DirectoryChange;

    #[test]
    fn bytes_have_the_forms_of_their_fields() {
        let sid: Sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let descriptor = Descriptor::of_actors([&sid]).to_bytes();
        let one = |attribute: &str, value: &[u8]| Modification {
            attribute: attribute.to_owned(),
            action: "add".to_owned(),
            value: value.to_vec(),
        };
        let change = DirectoryChange {
            guid: (0..16).collect(),
            modifications: vec![
                one("servicePrincipalName", "HTTP/w\u{43e}b".as_bytes()),
                one("servicePrincipalName", b"a\x1b[2J"),
                one(ACTORS, &descriptor),
            ],
            ..DirectoryChange::default()
        };
        let shown = serde_json::to_value(&change).unwrap();
        assert_eq!(shown["guid"], "03020100-0504-0706-0809-0a0b0c0d0e0f");
        let spns = "servicePrincipalName";
        let text = json!({
            "attribute": spns, "action": "add", "form": "text", "value": "HTTP/w\u{43e}b",
        });
        let bytes = json!({
            "attribute": spns, "action": "add", "form": "base64", "value": "YRtbMko=",
        });
        let let_in = json!({
            "attribute": ACTORS, "action": "add", "form": "base64",
            "value": STANDARD.encode(&descriptor), "actors": ["S-1-5-21-1-2-3-1104"],
        });
        assert_eq!(shown["modifications"], json!([text, bytes, let_in]));
        // A plan whose account has no number, which no controller sends.
        let odd = serde_json::to_value(DirectoryChange::default()).unwrap();
        assert_eq!(odd["guid"], "");
    }
}
