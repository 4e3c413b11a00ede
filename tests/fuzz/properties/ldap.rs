//! What a domain controller that has been broken into may answer.

use std::collections::{BTreeSet, HashSet};
use std::os::unix::net::UnixStream as StdUnixStream;

use keyroll::descriptor::Guid;
use keyroll::descriptor::{Descriptor, RESET_PASSWORD, Sid};
use keyroll::drift::{self, Attribute, History};
use keyroll_controller::directory::ber::{self, message_length};
use keyroll_controller::directory::entry::{Entry, unix_of_file_time};
use keyroll_controller::directory::line::plain;
use keyroll_controller::directory::relay::relay;
use keyroll_controller::directory::result::{bind_trouble, win32};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::asn1::{ASNTag, OctetString, Sequence, Set, Tag};
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, ResultEntry, Scope,
    StdStream,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::UnixStream;
use tokio::runtime::Builder;

/// Any bytes as the answer to a request, through all that stands between the line and us: our own
/// check, the relay and the LDAP library, whose readers end the process on what the check lets
/// through wrongly. The first byte says which request.
pub fn answers(bytes: &[u8]) -> bool {
    let Some((choice, said)) = bytes.split_first() else {
        return false;
    };
    if let Ok(Some(length)) = message_length(said) {
        assert!(length <= ber::MESSAGE_MAX);
        if let Some(message) = said.get(..length) {
            let _ = (ber::answer(message), ber::request(message));
            let _ = ber::bind::read_answer(message, 1);
        }
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime without threads");
    runtime.block_on(converse(*choice, said))
}

/// Whether the answer came through.
async fn converse(choice: u8, said: &[u8]) -> bool {
    let (near, far) = StdUnixStream::pair().expect("two sockets");
    near.set_nonblocking(true).expect("a socket");
    let near = UnixStream::from_std(near).expect("a socket");
    let (dc, line) = tokio::io::duplex(64 * 1024);
    let relaying = tokio::spawn(async move { relay(plain(line), plain(near)).await });
    let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(far));
    let opened = LdapConnAsync::with_settings(settings, "ldapi:///").await;
    let (connection, ldap) = opened.expect("a connection over a socket");
    let driving = tokio::spawn(connection.drive());
    let ((), answered) = tokio::join!(answer(dc, said), ask(ldap, choice));
    let broken = relaying.await.expect("the relay panicked");
    assert!(!broken.to_string().is_empty());
    // How the library ends does not matter, but that it does.
    let _ = driving.await.expect("the library panicked");
    answered
}

/// Says it once a whole request has come, and hangs up.
async fn answer(mut dc: DuplexStream, said: &[u8]) {
    let mut pending = Vec::new();
    loop {
        let whole = message_length(&pending).expect("our own request");
        if whole.is_some_and(|whole| whole <= pending.len()) {
            break;
        }
        if dc.read_buf(&mut pending).await.unwrap_or(0) == 0 {
            return;
        }
    }
    // The relay may have hung up first.
    let _ = dc.write_all(said).await;
}

async fn ask(mut ldap: Ldap, choice: u8) -> bool {
    let base = "DC=corp,DC=example";
    let answer = match choice % 5 {
        0 => {
            let found = ldap.search(base, Scope::Base, "(objectClass=*)", ["cn"]);
            found.await.map(|found| {
                found.0.into_iter().for_each(|one| look_at(&Entry::of(one)));
                found.1
            })
        }
        1 => {
            let change = Mod::Replace(b"cn".to_vec(), HashSet::from([b"x".to_vec()]));
            ldap.modify(base, vec![change]).await
        }
        2 => ldap.simple_bind(base, "").await,
        3 => {
            let attribute = (b"cn".to_vec(), HashSet::from([b"x".to_vec()]));
            ldap.add(base, vec![attribute]).await
        }
        _ => search_by_pages(&mut ldap, base).await,
    };
    answer.iter().for_each(result);
    answer.is_ok()
}

async fn search_by_pages(ldap: &mut Ldap, base: &str) -> Result<LdapResult, LdapError> {
    let adapters: Vec<Box<dyn Adapter<'_, &str, Vec<&str>>>> = vec![
        Box::new(EntriesOnly::new()),
        Box::new(PagedResults::new(500)),
    ];
    let found = ldap.streaming_search_with(adapters, base, Scope::Subtree, "(cn=*)", vec!["cn"]);
    let mut found = found.await?;
    while let Some(one) = found.next().await? {
        look_at(&Entry::of(one));
    }
    Ok(found.finish().await)
}

fn result(result: &LdapResult) {
    let trouble = bind_trouble(result.rc, &result.text);
    assert!(!trouble.words.is_empty() && trouble.words.len() < 2_000);
    assert!(!trouble.words.contains(char::is_control), "{trouble:?}");
    let _ = win32(&result.text);
}

/// Everything that is ever read off an entry, by every reader.
fn look_at(entry: &Entry) {
    for attribute in ["cn", "accountExpires", "objectGUID", "nTSecurityDescriptor"] {
        let values = entry.values(attribute);
        assert!(entry.texts(attribute).count() <= values.len());
        assert!(entry.number(attribute).is_none() || entry.text(attribute).is_some());
        let _ = (entry.bits(attribute), entry.cut_short());
        let _ = entry.number(attribute).map(unix_of_file_time);
        for value in values {
            sid(value);
            descriptors(value);
        }
    }
    if let Some(guid) = entry.guid() {
        assert!(Guid(guid).to_string().len() == 36);
    }
}

/// An entry whose attributes are lines `name:value`, and the values alone as texts of results.
pub fn values(bytes: &[u8]) -> bool {
    let octets = |bytes: &[u8]| {
        Tag::OctetString(OctetString {
            inner: bytes.to_vec(),
            ..OctetString::default()
        })
    };
    let attributes = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let values = Tag::Set(Set {
            inner: vec![octets(&line[colon + 1..])],
            ..Set::default()
        });
        Some(Tag::Sequence(Sequence {
            inner: vec![octets(&line[..colon]), values],
            ..Sequence::default()
        }))
    });
    let entry = Tag::Sequence(Sequence {
        inner: vec![
            octets(b"CN=web,DC=corp,DC=example"),
            Tag::Sequence(Sequence {
                inner: attributes.collect(),
                ..Sequence::default()
            }),
        ],
        ..Sequence::default()
    });
    let entry = Entry::of(ResultEntry::new(entry.into_structure()));
    assert_eq!(entry.name(), "CN=web,DC=corp,DC=example");
    look_at(&entry);
    for rc in [0, 49, 50, u32::MAX] {
        result(&LdapResult {
            rc,
            matched: String::new(),
            text: String::from_utf8_lossy(bytes).into_owned(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        });
    }
    true
}

fn sid(bytes: &[u8]) {
    if let Some(sid) = Sid::from_bytes(bytes) {
        let parts = sid.to_string().split('-').count();
        assert_eq!(parts, 3 + (bytes.len() - 8) / 4);
    }
}

/// A security descriptor: nobody is granted what no entry gives, more SIDs never turn a readable
/// descriptor into an unreadable one, and whoever is let in and put out again leaves no trace.
pub fn descriptors(bytes: &[u8]) -> bool {
    sid(bytes);
    let Ok(found) = Descriptor::from_bytes(bytes) else {
        return false;
    };
    assert_eq!(found.to_bytes(), bytes, "bytes were lost");
    let everyone = Sid::from_bytes(&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).expect("a SID");
    let nobody = found.grants(&RESET_PASSWORD, &BTreeSet::new(), None);
    assert!(
        found.dacl().is_none() || nobody != Ok(true),
        "a right out of nothing"
    );
    let caller = BTreeSet::from([everyone.clone()]);
    let anybody = found.grants(&RESET_PASSWORD, &caller, Some(&everyone));
    assert!(
        nobody.is_err() || anybody.is_ok(),
        "one caller reads it, another does not"
    );
    let before = found.actors();
    let mut changed = found.clone();
    if changed.allow(&everyone) {
        let again = Descriptor::from_bytes(&changed.to_bytes()).expect("our own bytes");
        assert_eq!(again, changed, "our own bytes are read as something else");
        assert!(changed.disallow(&everyone));
        // An entry of the same SID that a denial had made void goes as well.
        if !changed.actors().contains(&everyone) && changed.to_bytes().len() == bytes.len() {
            assert_eq!(changed.to_bytes(), bytes, "an edit left a trace");
            assert_eq!(changed.actors(), before);
        }
    }
    nobody.is_ok()
}

/// The stamps of an account's attributes: no more than bytes have room for, and each can be told.
pub fn stamps(bytes: &[u8]) -> bool {
    let Ok(stamps) = drift::parse(bytes) else {
        return false;
    };
    assert!(stamps.len() * 48 <= bytes.len(), "stamps out of nothing");
    let told: Vec<Attribute> = stamps.keys().copied().collect();
    let history = History {
        stamps,
        ..History::default()
    };
    for attribute in told {
        let origin = history.origin(attribute).expect("it is among them");
        let words = origin.to_string();
        assert!(
            words.contains(attribute.name()) && words.len() < 300,
            "{words}"
        );
    }
    true
}
