//! Keytabs: what stands in a file, and what an edit leaves of it.

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::edit::shared;
use keyroll::keytab::{
    Entry, Framing, SharedEdit, TargetFilter, TargetKind, entry, inventory, wanted,
};
use keyroll::secret::SecretBytes;

/// Every file is either refused, or taken apart into records that make the same bytes again; an
/// entry that can be read is written with the same content.
pub fn framing_is_lossless(bytes: &[u8]) -> bool {
    let listed = inventory(bytes, &[7; 32]);
    let Ok(framing) = Framing::parse(bytes) else {
        assert!(listed.is_err(), "a damaged file was listed");
        return false;
    };
    assert!(framing.render().expose() == bytes, "a byte was lost");
    let readable: Vec<Entry> = framing
        .entries()
        .filter_map(|record| Entry::parse(record.body))
        .collect();
    let listed = listed.expect("the same frame");
    assert!(listed.len() <= readable.len(), "an entry was made up");
    for held in &readable {
        let Some(key) = held.known_key() else {
            continue;
        };
        let Ok(body) = entry::render(&held.principal, held.kvno, &key, held.timestamp) else {
            assert!(
                held.kvno == Kvno(0),
                "an entry that was read cannot be written"
            );
            continue;
        };
        let again = Entry::parse(body.expose()).expect("our own entry");
        assert!(again.holds(&held.principal, held.kvno, &key));
        assert_eq!(again.timestamp, held.timestamp);
    }
    true
}

const PRINCIPALS: [&str; 2] = ["HTTP/web.corp.example@CORP.EXAMPLE", "HTTP/w@R"];

/// Whatever stands in a file that others write too: after every single write of an edit it is a
/// whole keytab, and everything of others stands where it stood. The first byte says what is
/// wanted, the others are the file.
pub fn edit_keeps_foreign_entries(bytes: &[u8]) -> bool {
    let Some((choice, file)) = bytes.split_first() else {
        return false;
    };
    let keyset = keyset(*choice);
    let filter = TargetFilter {
        kind: TargetKind::Shared,
        principals: None,
        enctypes: None,
    };
    let wanted = wanted(&keyset, &filter);
    let edit = SharedEdit {
        wanted: &wanted,
        scope: &keyset.principals,
        unlisted: keyset.unlisted,
        timestamp: 2,
    };
    let Ok(patches) = shared(file, &edit) else {
        assert!(
            file.len() > 1 << 19 || Framing::parse(file).is_err(),
            "a whole file was refused"
        );
        return false;
    };
    let foreign = foreign(file, edit.scope);
    let mut now = file.to_vec().into();
    for patch in patches {
        patch.apply(&mut now);
        assert!(
            self::foreign(&now, edit.scope) == foreign,
            "others lost something"
        );
    }
    let left = shared(&now, &edit).expect("a whole file");
    assert!(left.is_empty(), "the edit did not come to its end");
    true
}

fn keyset(choice: u8) -> Keyset {
    let key = |enctype: Enctype, kvno: u32| {
        let byte = kvno.to_le_bytes()[0];
        let bytes = SecretBytes::new(vec![byte; enctype.key_length()]);
        Key::new(enctype, bytes).expect("the length is right")
    };
    let generation = |role, kvno| GenerationKeys {
        role,
        kvno: Kvno(kvno),
        keys: vec![
            key(Enctype::Aes256CtsHmacSha1, kvno),
            key(Enctype::Rc4Hmac, kvno),
        ],
        origin: None,
    };
    let kvno = 1 + u32::from(choice >> 4) * 85;
    let mut generations = vec![generation(Role::Current, kvno)];
    if choice & 1 != 0 {
        generations.push(generation(Role::Pending, kvno + 1));
    }
    let count = 1 + usize::from(choice >> 1 & 1);
    Keyset {
        array: "web".parse().expect("a name"),
        epoch: Epoch(1),
        version: Version(1),
        principals: PRINCIPALS[..count]
            .iter()
            .map(|text| text.parse().expect("a principal"))
            .collect(),
        generations,
        unlisted: if choice & 4 != 0 {
            Unlisted::Keep
        } else {
            Unlisted::Remove
        },
    }
}

/// Where each entry stands that is not ours to judge, and its bytes.
fn foreign(file: &[u8], scope: &[Principal]) -> Vec<(usize, Vec<u8>)> {
    if file.is_empty() {
        return Vec::new();
    }
    let framing = Framing::parse(file).expect("a whole file");
    let is_ours = |body| Entry::parse(body).is_some_and(|held| scope.contains(&held.principal));
    framing
        .entries()
        .filter(|record| !is_ours(record.body))
        .map(|record| (record.offset, record.body.to_vec()))
        .collect()
}
