//! R21: what leaves this machine, and what is not done while nothing can.

mod checkpoints;
mod copies;

use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use keyroll_proto::operator as said;
use tokio::net::UnixDatagram;
use tokio::task::JoinHandle;

use super::*;
use crate::audit::{self, Event, newest, verify, verify_copy};
use crate::seal::AuditKey;
use crate::store::tests::{Scratch, scratch};

fn event(detail: &str) -> Event {
    Event {
        at_unix_millis: 1,
        actor: "alice".into(),
        verb: "roll".into(),
        object: "web".into(),
        outcome: "done".into(),
        detail: detail.into(),
    }
}

fn write(store: &Store, entries: usize) {
    let written: Result<(), StoreError> = store.write(|change| {
        (0..entries).try_for_each(|_| audit::append_within(change, event("x")).map(drop))
    });
    written.unwrap();
}

/// Sinks that are served, on a store of their own.
struct Served {
    scratch: Arc<Scratch>,
    sinks: Arc<Sinks>,
    task: JoinHandle<()>,
    /// How far the chain had come before.
    first: u64,
}

impl Served {
    /// Returns once what was there before is signed and a sink has it: from then on nothing is
    /// written by itself.
    async fn settle(&self) {
        let mut changes = self.scratch.store.changes();
        loop {
            changes.mark_unchanged();
            let head = self.scratch.store.audit_head().unwrap();
            if head.is_some_and(|head| head.checkpoint > self.first) {
                break;
            }
            changes.changed().await.unwrap();
        }
        self.sinks.demand().await.unwrap();
    }

    /// Ends it, and returns once nothing of it touches its file any more.
    async fn end(&mut self) {
        self.task.abort();
        drop((&mut self.task).await);
        for outlet in &self.sinks.outlets {
            if let Sink::File(paper) = &outlet.sink {
                paper.work(|_| Ok(())).await.unwrap();
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whoever waits for a sink here waits as long as it takes, however busy the machine is.
fn serve(scratch: impl Into<Arc<Scratch>>, config: &AuditConfig) -> Served {
    serve_with(Duration::from_secs(600), scratch.into(), config)
}

fn serve_with(patience: Duration, scratch: Arc<Scratch>, config: &AuditConfig) -> Served {
    let first = scratch.store.audit_head().unwrap();
    let first = first.map_or(0, |head| head.number);
    let mut sinks = Sinks::new(scratch.store.clone(), config).unwrap();
    Arc::get_mut(&mut sinks).unwrap().patience = patience;
    let task = tokio::spawn(Arc::clone(&sinks).run());
    Served {
        scratch,
        sinks,
        task,
        first,
    }
}

/// Why a sink that is never told anything has not heard of the entry, once that is known.
async fn refusal(config: &AuditConfig) -> String {
    let served = serve_with(Duration::from_millis(100), scratch().into(), config);
    write(&served.scratch.store, 1);
    loop {
        let unheard = served.sinks.demand().await.unwrap_err().to_string();
        if !unheard.contains("it is behind") {
            return unheard;
        }
    }
}

fn file(path: &Path) -> AuditConfig {
    AuditConfig {
        file: Some(path.to_owned()),
        ..AuditConfig::default()
    }
}

fn copy(path: &Path, key: AuditKey) -> audit::Verdict {
    let lines = std::fs::File::open(path).unwrap();
    verify_copy(BufReader::new(lines), key, None).unwrap()
}

#[tokio::test]
async fn r21_a_file_gets_every_entry_once_over_restarts_and_cuts() {
    let scratch = scratch();
    let path = scratch.folder.path().join("audit.jsonl");
    write(&scratch.store, 250);
    let mut served = serve(scratch, &file(&path));
    served.settle().await;
    write(&served.scratch.store, 1_000);
    served.sinks.demand().await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    served.end().await;
    // A crash in the middle of a line, and a memory from before it.
    let mut file_of = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file_of.write_all(b"{\"number\":12").unwrap();
    let store = served.scratch.store.clone();
    let forgot: Result<(), StoreError> = store.write(|change| change.put_audit_taken("file", 7));
    forgot.unwrap();
    let mut again = serve(Arc::clone(&served.scratch), &file(&path));
    write(&store, 1);
    again.settle().await;
    again.end().await;
    let (whole, kept) = (verify(&store).unwrap(), copy(&path, store.audit_key()));
    assert_eq!((&whole.trouble, &kept.trouble), (&None, &None));
    assert_eq!((kept.entries, &kept.head), (whole.entries, &whole.head));
    assert!(kept.checkpoints >= 2, "{kept:?}");
}

#[tokio::test]
async fn r21_after_a_restore_the_file_goes_on_with_the_new_chain() {
    let (before, after) = (scratch(), scratch());
    let path = before.folder.path().join("audit.jsonl");
    write(&before.store, 30);
    let mut served = serve(before, &file(&path));
    served.settle().await;
    served.end().await;
    // Another chain, whose numbers the file has seen already.
    write(&after.store, 20);
    let noted: Result<(), StoreError> = after
        .store
        .write(|change| change.put_audit_taken("file", 15));
    noted.unwrap();
    let mut went_on = serve(after, &file(&path));
    went_on.settle().await;
    // It is told that the file knows of more, and the file is told so, too.
    let alarms: Vec<Alarm> = went_on.sinks.alarms().collect();
    let [alarm] = alarms.as_slice() else {
        panic!("{alarms:?}")
    };
    assert_eq!((&*alarm.grade, &*alarm.code), ("critical", "audit-fork"));
    let told = newest(&went_on.scratch.store, 9, "").unwrap();
    let fork = told.iter().find(|entry| entry.event.verb == "audit fork");
    assert!(fork.is_some_and(|fork| fork.event.detail.contains(", which is not in this")));
    went_on.sinks.demand().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let last: Entry = serde_json::from_str(text.lines().next_back().unwrap()).unwrap();
    let head = newest(&went_on.scratch.store, 1, "").unwrap().remove(0);
    assert_eq!(last, head);
    // And it is plain to see where.
    let broken = copy(&path, went_on.scratch.store.audit_key()).trouble;
    assert!(broken.is_some());
    // No restart ends the alarm, though the file ends in our own chain by now: a person does.
    went_on.end().await;
    let store = went_on.scratch.store.clone();
    let again = Sinks::new(store.clone(), &file(&path)).unwrap();
    assert_eq!(again.alarms().next().as_ref(), Some(alarm));
    // Who has seen another one has not seen this.
    let other = [(alarm.object.clone(), "another".to_owned())];
    again.acknowledge(&other).unwrap();
    assert_eq!(again.alarms().count(), 1);
    again.acknowledge(&again.forks()).unwrap();
    assert_eq!(again.alarms().count(), 0);
    assert_eq!(Sinks::new(store, &file(&path)).unwrap().forks(), []);
}

#[tokio::test]
async fn r21_while_no_sink_takes_anything_nothing_is_changed_and_no_roll_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/audit.jsonl");
    let site = crate::stand_in::StandIn::with_sinks(&file(&path));
    let array = crate::stand_in::in_service(&site, &["n1"]);
    let controller = &site.controller;
    let task = tokio::spawn(Arc::clone(&controller.sinks).run());
    let service = crate::service::Service::new(controller.clone());
    let ask = || {
        let mut request = tonic::Request::new(said::QuarantineNodeRequest {
            array: "web".to_owned(),
            node: "n1".to_owned(),
            ..Default::default()
        });
        request.extensions_mut().insert(crate::service::LocalRoot);
        said::operator_server::Operator::quarantine_node(&service, request)
    };
    let no = ask().await.unwrap_err();
    assert_eq!(no.code(), tonic::Code::Unavailable, "{no}");
    assert!(no.message().contains("No such file or directory"), "{no}");
    let quarantined = || {
        use crate::store::Read as _;
        let node = controller.ports.store.node(&"n1".parse().unwrap());
        !node.unwrap().unwrap().quarantined.is_empty()
    };
    assert!(!quarantined());
    let wanted = crate::rolls::Wanted {
        cause: keyroll::roll::Cause::Operator,
        actor: "test".to_owned(),
        old_key: keyroll::roll::OldKey::UntilDrained,
        accepts_gap: false,
    };
    let begun = controller.rolls.begin(&array, &wanted).await;
    assert!(matches!(begun, Err(crate::rolls::NotBegun::Unheard(_))));
    let alarm = controller.sinks.alarms().next().unwrap();
    assert_eq!(alarm.grade, "critical");
    // Whoever only reads is answered, and once the file can be written so is everybody.
    controller.status().await.unwrap();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    while ask().await.is_err() {}
    assert!(quarantined());
    assert!(controller.sinks.alarms().next().is_none());
    let kept = copy(&path, controller.ports.store.audit_key());
    assert_eq!(kept.trouble, None);
    task.abort();
}

#[tokio::test]
async fn r21_the_system_s_log_gets_a_datagram_for_each_entry() {
    let scratch = scratch();
    let path = scratch.folder.path().join("log");
    let log = UnixDatagram::bind(&path).unwrap();
    let config = AuditConfig {
        syslog: Some(path),
        ..AuditConfig::default()
    };
    write(&scratch.store, 2);
    let served = serve(scratch, &config);
    served.sinks.demand().await.unwrap();
    for number in 1..=2 {
        let mut line = vec![0; 4096];
        let length = log.recv(&mut line).await.unwrap();
        let line = String::from_utf8(line[..length].to_vec()).unwrap();
        let json = line.strip_prefix("<109>keyroll-audit[").unwrap();
        let (_, json) = json.split_once("]: ").unwrap();
        let entry: Entry = serde_json::from_str(json).unwrap();
        assert_eq!(entry.number, number);
    }
}

/// A web server of one answer for each connection; what it was sent comes out.
fn web_server(
    world: &crate::ca::tests::World,
    status: &'static str,
) -> (u16, std::sync::mpsc::Receiver<String>) {
    let config = world.own.open_to_all().unwrap();
    let mut config = (*config).clone();
    config.alpn_protocols.clear();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream.unwrap());
            let (mut text, mut part) = (String::new(), [0; 4096]);
            while let Ok(length @ 1..) = stream.read(&mut part) {
                text.push_str(&String::from_utf8_lossy(&part[..length]));
                if text.ends_with("}]") {
                    break;
                }
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()));
            // Whoever does not trust the server has hung up, and comes again.
            if !text.is_empty() && sender.send(text).is_err() {
                return;
            }
        }
    });
    (port, received)
}

fn webhook(world: &crate::ca::tests::World, port: u16) -> AuditConfig {
    let folder = world.scratch.folder.path();
    let (ca, token) = (folder.join("ca.pem"), folder.join("token"));
    std::fs::write(&ca, world.authority.pem()).unwrap();
    std::fs::write(&token, "letmein\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    AuditConfig {
        webhook: Some(WebhookConfig {
            url: format!("https://localhost:{port}/keyroll?site=1"),
            ca: vec![ca],
            token_file: Some(token),
            token_credential: None,
        }),
        ..AuditConfig::default()
    }
}

#[tokio::test]
async fn r21_a_web_server_is_posted_the_entries_and_must_take_them() {
    let world = crate::ca::tests::world();
    let (port, received) = web_server(&world, "204 No Content");
    let config = webhook(&world, port);
    let scratch = scratch();
    write(&scratch.store, 2);
    let served = serve(scratch, &config);
    served.sinks.demand().await.unwrap();
    let text = received.recv().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /keyroll?site=1 HTTP/1.1"), "{head}");
    assert!(head.contains("authorization: Bearer letmein"), "{head}");
    let entries: Vec<Entry> = serde_json::from_str(body).unwrap();
    assert!(entries.len() >= 2 && entries[1].number == 2, "{body}");

    let (port, _received) = web_server(&world, "503 Service Unavailable");
    let unheard = refusal(&webhook(&world, port)).await;
    assert!(
        unheard.contains("503") && !unheard.contains("letmein"),
        "{unheard}"
    );

    // Somebody else with the same name.
    let (port, _received) = web_server(&crate::ca::tests::world(), "204 No Content");
    let unheard = refusal(&webhook(&world, port)).await;
    assert!(unheard.contains("certificate"), "{unheard}");
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    for (toml, wanted) in [
        (
            "file = 'audit.jsonl'",
            "audit.file must be an absolute path",
        ),
        ("syslog = 'log'", "audit.syslog must be"),
        (
            "[webhook]\nurl = 'http://a/'\nca = ['/ca']",
            "must begin with https://",
        ),
        ("[webhook]\nurl = 'https://a/'\nca = []", "audit.webhook.ca"),
    ] {
        let config: AuditConfig = toml::from_str(toml).unwrap();
        let why = config.check().unwrap_err();
        assert!(why.contains(wanted), "{why}");
    }
}

#[tokio::test]
async fn what_a_socket_cannot_take_is_sent_shortened_and_keeps_nothing_from_it() {
    let scratch = scratch();
    let path = scratch.folder.path().join("log");
    let log = UnixDatagram::bind(&path).unwrap();
    let entry = |number, detail: &str| Entry {
        number,
        event: event(detail),
        hash: "h".repeat(64),
    };
    let entries = [entry(1, &"x".repeat(4 << 20)), entry(2, "after")];
    syslog::send(&path, &entries).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    for (number, wanted) in [(1, "[cut: 4194304 bytes, sha256 "), (2, "after")] {
        let length = log.recv(&mut buffer).await.unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let entry: Entry = serde_json::from_str(text.split_once(": ").unwrap().1).unwrap();
        assert_eq!((entry.number, entry.hash.len()), (number, 64));
        assert!(entry.event.detail.contains(wanted), "{text}");
    }
}

#[test]
fn no_batch_is_large_and_none_is_empty() {
    let entry = |length| Entry {
        number: 1,
        event: event(&"x".repeat(length)),
        hash: String::new(),
    };
    let small: Vec<Entry> = (0..100).map(|_| entry(100)).collect();
    assert_eq!(at_once(&small), 100);
    let large: Vec<Entry> = (0..100).map(|_| entry(2_000)).collect();
    assert_eq!(at_once(&large), 32);
    assert_eq!(at_once(&[entry(1 << 20), entry(1)]), 1);
    assert_eq!(at_once(&[]), 0);
}

#[tokio::test]
async fn a_disk_that_stands_still_holds_up_nobody_and_is_given_nothing_more() {
    let mut paper = Paper::at(PathBuf::from("/nowhere"));
    paper.limit = Duration::from_millis(20);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let stuck = paper.work(move |_| Ok(held.recv().is_ok())).await;
    assert!(stuck.unwrap_err().to_string().contains("does not answer"));
    let second = paper.work(|_| Ok(())).await;
    assert!(second.is_err(), "two things at once");
    release.send(()).unwrap();
    paper.limit = LIMIT;
    assert_eq!(paper.work(|_| Ok(3)).await.unwrap(), 3);
}
