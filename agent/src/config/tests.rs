use super::*;

fn complaint(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap_err().to_string()
}

#[cfg(unix)]
const SAMPLE: &str = include_str!("../../keyroll-agent.toml");
#[cfg(windows)]
const SAMPLE: &str = include_str!("../../windows/keyroll-agent.toml");

#[test]
fn the_shipped_sample_is_valid() {
    #[cfg(unix)]
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/keyroll-agent.toml");
    #[cfg(windows)]
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/windows/keyroll-agent.toml");
    let config = Config::read(Path::new(sample)).unwrap();
    assert_eq!(config.arrays[0].targets.len(), 2);
    assert_eq!(config.listen.port(), 8088);
}

#[test]
fn every_default_in_the_sample_can_be_uncommented() {
    let text = SAMPLE.replace("\n#", "\n").replace("\n ", "\n# ");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap();
}

#[test]
fn an_array_without_targets_has_the_owned_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, "[[array]]\nname = 'web'\n").unwrap();
    let config = Config::read(&path).unwrap();
    let array = config.array(&"web".parse().unwrap()).unwrap();
    assert_eq!(array.targets[0].path, crate::platform::keytab("web"));
}

#[test]
fn unknown_keys_and_missing_files_are_errors() {
    assert!(complaint("lisen = '1.2.3.4:5'").contains("lisen"));
    assert!(complaint("[[array]]\nname = 'web'\n[[array.hook]]\nshell = 'x'").contains("shell"));
    let missing = Config::read(Path::new("/no/such/file")).unwrap_err();
    assert!(matches!(missing, ConfigError::File(_)));
}

#[cfg(unix)]
#[test]
fn every_complaint_comes_at_once() {
    let all = complaint(
        r#"
        state = "relative"
        log = "loud"
        [[array]]
        name = "web"
        [[array.target]]
        path = "/a"
        mode = "0644"
        owner = "no-such-user"
        principals = ["no-realm"]
        [[array.target]]
        path = "/a"
        enctypes = ["des"]
        [[array.hook]]
        command = ["systemctl"]
        time-limit-seconds = 0
        [[array]]
        name = "WEB"
        "#,
    );
    for part in [
        "state: relative",
        "log: ",
        "target.mode: \"0644\"",
        "no user \"no-such-user\"",
        "target.principals: ",
        "target.enctypes: ",
        "hook.command: systemctl",
        "time-limit-seconds",
        "web is there twice",
        "/a is there twice",
    ] {
        assert!(all.contains(part), "{part:?} is missing in: {all}");
    }
}

#[cfg(unix)]
#[test]
fn a_mode_is_octal_digits_that_keep_others_out() {
    let said = |mode: &str| {
        let target = format!("[[array.target]]\npath = '/a'\nmode = '{mode}'\n");
        complaint(&format!("[[array]]\nname = 'web'\n{target}"))
    };
    for mode in [
        "",
        "+600",
        "0o600",
        "600 ",
        "0200",
        "0604",
        "0700",
        "7777777777777",
    ] {
        let said = said(mode);
        assert!(said.contains(&format!("target.mode: {mode:?}")), "{said}");
    }
}
