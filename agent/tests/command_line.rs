//! The program as a person meets it: exit codes, one paragraph for each error, the next command.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may wait for a program to end, and lose a file"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::edit::{wanted, whole_file};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::secret::SecretBytes;
use serde_json::{Value, json};

/// A token, which no message may repeat.
const TOKEN: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

/// What the system says of a file that is not there.
const MISSING: &str = "(os error 2)";

struct Place(tempfile::TempDir);

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let [state, keytab] = ["state", "web.keytab"].map(|name| place.path(name));
        place.settings(&format!(
            "state = '{}'\nlisten = '127.0.0.1:0'\n[[array]]\nname = 'web'\n\
             [[array.target]]\npath = '{}'\n",
            state.display(),
            keytab.display(),
        ));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn settings(&self, text: &str) {
        std::fs::write(self.path("agent.toml"), text).unwrap();
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keyroll-agent"))
            .args(line.split_whitespace())
            .args(["--config".as_ref(), self.path("agent.toml").as_os_str()])
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read has ended by now.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let end = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            exit: end.status.code().unwrap(),
            out: text(end.stdout),
            err: text(end.stderr),
        }
    }

    /// A keytab as a stage writes it.
    fn keytab(&self) {
        let bytes = SecretBytes::new(vec![0xc7; 32]);
        let keyset = Keyset {
            array: "web".parse().unwrap(),
            epoch: Default::default(),
            version: Default::default(),
            principals: vec!["HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap()],
            generations: vec![GenerationKeys {
                role: Role::Current,
                kvno: Kvno(300),
                keys: vec![Key::new(Enctype::Aes256CtsHmacSha1, bytes).unwrap()],
                origin: None,
            }],
            unlisted: Unlisted::Remove,
        };
        let filter = TargetFilter {
            kind: TargetKind::Owned,
            principals: None,
            enctypes: None,
        };
        let bytes = whole_file(&wanted(&keyset, &filter), 1_700_000_000).unwrap();
        std::fs::write(self.path("web.keytab"), bytes.expose()).unwrap();
    }
}

impl Ran {
    /// One line on standard error that says all of `parts`, nothing on standard output.
    fn fails(&self, exit: i32, parts: &[&str]) {
        assert_eq!(self.exit, exit, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing: {}", self.err);
        }
    }
}

#[test]
fn every_verb_has_help_with_examples_and_the_exit_codes_are_told() {
    let place = Place::new();
    let ran = place.run("--help");
    assert_eq!(ran.exit, 0);
    for code in ["65", "69", "73", "78"] {
        assert!(ran.out.contains(code), "exit code {code} is not told");
    }
    for verb in ["check", "show", "join", "run"] {
        let ran = place.run(&format!("{verb} --help"));
        assert!(ran.exit == 0 && ran.out.contains("Examples:"), "{verb}");
    }
    assert_eq!(place.run("").exit, 2);
    assert_eq!(place.run("serve").exit, 2);
    assert_eq!(place.run("join --csr-out x").exit, 2, "without --node");
}

#[test]
fn wrong_settings_are_told_on_one_line() {
    let place = Place::new();
    place.settings("[[array]]\nname = 'web'\ntarget = 3\n");
    let next = "Next: keyroll-agent check --config";
    let ran = place.run("check");
    ran.fails(78, &["agent.toml: line 3: ", next]);
    place.settings("state = 'relative'\n[[array]]\nname = '-'\n");
    let ran = place.run("run");
    ran.fails(
        78,
        &["state: relative is not an absolute path; array.name", next],
    );
    std::fs::remove_file(place.path("agent.toml")).unwrap();
    let ran = place.run("show");
    ran.fails(74, &["cannot read", "agent.toml", MISSING]);
}

#[cfg(unix)]
#[test]
fn settings_that_others_may_write_are_not_obeyed() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let chmod = |path: PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod(place.path(""), 0o755);
    chmod(place.path("agent.toml"), 0o646);
    let told = "agent.toml has mode 0646, so others may write to it";
    place
        .run("run")
        .fails(78, &[told, "Next: look at what is in it"]);
    let ran = place.run("check");
    assert!(ran.exit == 1 && ran.out.contains(told), "{}", ran.out);
    chmod(place.path("agent.toml"), 0o644);
    assert!(!place.run("check").out.contains("agent.toml"));
}

#[test]
fn check_finds_what_is_wrong_and_changes_nothing() {
    let place = Place::new();
    let ran = place.run("check");
    assert_eq!(ran.exit, 1);
    let told = "TROUBLE  identity: this node has not joined; next: keyroll node add ARRAY NODE";
    assert!(ran.out.contains(told), "{}", ran.out);
    assert!(ran.out.contains("web.keytab: not there yet"), "{}", ran.out);
    assert!(!place.path("state").exists());
    let ran = place.run("check --output json");
    assert_eq!(ran.exit, 1);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let [identity, keytab] = value["checks"].as_array().unwrap().as_slice() else {
        panic!("{value}");
    };
    assert_eq!(identity["object"], "identity");
    assert_eq!(identity["found"], Value::Null);
    let trouble = identity["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("this node has not joined"), "{trouble}");
    let path = place.path("web.keytab");
    let expected = json!({ "object": path, "found": "not there yet", "trouble": null });
    assert_eq!(*keytab, expected);

    place.keytab();
    let ran = place.run("check");
    assert!(ran.out.contains("web.keytab: 1 entries"), "{}", ran.out);
    std::fs::write(place.path("web.keytab"), b"\x05\x02\x7f").unwrap();
    let ran = place.run("check");
    assert!(
        ran.exit == 1 && ran.out.matches("TROUBLE").count() == 2,
        "{}",
        ran.out
    );
}

#[test]
fn show_names_entries_and_never_a_key() {
    let place = Place::new();
    place.keytab();
    let ran = place.run("show");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let line = "kvno 300    aes256-cts-hmac-sha1-96      HTTP/web.corp.example@CORP.EXAMPLE";
    assert!(ran.out.contains(line), "{}", ran.out);
    let ran = place.run("show --output json");
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let expected = json!({ "files": [{
        "array": "web",
        "path": place.path("web.keytab"),
        "trouble": null,
        "entries": [{
            "principal": "HTTP/web.corp.example@CORP.EXAMPLE",
            "kvno": 300,
            "enctype": "aes256-cts-hmac-sha1-96",
            "timestamp": 1_700_000_000,
        }],
    }]});
    assert_eq!(value, expected);
    std::fs::remove_file(place.path("web.keytab")).unwrap();
    let ran = place.run("show -o json");
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.exit, 1);
    assert!(
        value["files"][0]["trouble"]
            .as_str()
            .unwrap()
            .contains(MISSING)
    );
}

#[test]
fn a_node_that_has_not_joined_does_not_run() {
    let place = Place::new();
    let ran = place.run("run");
    ran.fails(
        78,
        &[
            "this node has not joined",
            "Next: keyroll node add ARRAY NODE",
        ],
    );
    // What is there but damaged is not taken for nothing.
    std::fs::create_dir(place.path("state")).unwrap();
    for name in ["node.key", "authorities.crt"] {
        std::fs::write(place.path("state").join(name), "not PEM").unwrap();
    }
    place.run("run").fails(65, &["the node's key"]);
    let ran = place.run("check");
    assert!(
        ran.out.contains("TROUBLE  identity: the node's key"),
        "{}",
        ran.out
    );
}

#[test]
fn r10_an_invitation_is_never_repeated_and_a_silent_controller_is_named() {
    let place = Place::new();
    let authority = "a7".repeat(32);
    let invitation = |controller: &str, node: &str| {
        format!("keyroll-invitation-1 {controller} {node} {authority} {TOKEN}\n")
    };
    let damaged = place.run_with("join", &invitation("no-port", "node1.corp.example"));
    damaged.fails(
        65,
        &["not an invitation", "Next: keyroll node add ARRAY NODE"],
    );
    place.run_with("join", "").fails(65, &["not an invitation"]);
    place
        .run("join --invitation-file missing")
        .fails(74, &["cannot read the invitation missing: ", MISSING]);
    // A port that was free a moment ago, and an IPv6 address.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    // As bash, PowerShell and cmd.exe hand it on.
    for (host, before, after) in [
        ("127.0.0.1", "", ""),
        ("[::1]", "\u{feff}", "\r\n"),
        ("127.0.0.1", "'", "' \r\n"),
    ] {
        let line = invitation(&format!("{host}:{port}"), "node1");
        let ran = place.run_with("join", &format!("{before}{}{after}", line.trim()));
        let bare = host.trim_matches(['[', ']']);
        ran.fails(
            69,
            &[
                &format!("cannot reach the controller at {host}:{port}"),
                &format!(
                    "Next: {}",
                    keyroll_agent::platform::dial(bare, &port.to_string())
                ),
            ],
        );
        for text in [&ran.out, &ran.err, &damaged.err] {
            assert!(!text.contains(&TOKEN[..8]), "{text}");
        }
    }
    assert!(!place.path("state/node.key").exists());
}

/// Settings say where the node's key goes, and where the controller dials.
#[cfg(unix)]
#[test]
fn nobody_joins_by_settings_that_others_may_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let others = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(place.path("agent.toml"), others).unwrap();
    for line in [
        "join",
        "join --csr-out node.csr --node node1.corp.example",
        "join --certificate node.crt --authorities ca.crt",
    ] {
        let ran = place.run(line);
        ran.fails(
            78,
            &["agent.toml has mode 0666", "Next: look at what is in it"],
        );
    }
    assert!(!place.path("state").exists() && !place.path("node.csr").exists());
}

#[test]
fn a_request_is_carried_by_file_and_its_key_stays() {
    let place = Place::new();
    let ran = place.run("join --certificate node.crt --authorities ca.crt");
    ran.fails(
        74,
        &[
            "joining.key",
            "Next: keyroll-agent join --csr-out FILE --node NAME",
        ],
    );
    let csr = place.path("node.csr");
    let ran = place.run("join --csr-out node.csr --node node1.corp.example");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(
        ran.out
            .starts_with("next: keyroll node add ARRAY node1.corp.example --csr")
    );
    let text = std::fs::read_to_string(&csr).unwrap();
    assert!(text.contains("CERTIFICATE REQUEST") && !text.contains("PRIVATE"));
    #[cfg(unix)]
    for (name, mode) in [("state", 0o700), ("state/joining.key", 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::metadata(place.path(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
    }
    let ran = place.run("join --certificate node.csr --authorities node.csr");
    ran.fails(65, &["the node's certificate: there is none"]);
    let ran = place.run("join --csr-out missing/node.csr --node node1");
    ran.fails(73, &["cannot list", "missing"]);
    let ran = place.run("join --csr-out node.csr --node bad/name");
    assert_eq!(ran.exit, 2, "{}{}", ran.out, ran.err);
}

/// A target without a file is looked at as one with a file is.
#[cfg(windows)]
#[test]
fn what_takes_the_password_is_looked_at() {
    let place = Place::new();
    place.settings(
        "[[array]]\nname = 'web'\n[[array.target]]\nkind = 'logon-session'\n\
         sessions = ['system', 'service:keyroll-no-such-service']\n\
         [[array.target]]\nkind = 'service-logon'\nservices = ['PlugPlay']\n",
    );
    let ran = place.run("check");
    assert_eq!(ran.exit, 1, "the node has not joined");
    for line in [
        "ok       logon-session system: there",
        "TROUBLE  logon-session service:keyroll-no-such-service: ",
        "ok       service-logon PlugPlay: logs on as LocalSystem",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}
