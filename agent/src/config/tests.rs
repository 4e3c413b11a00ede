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

#[test]
fn a_target_of_logon_sessions_has_sessions_and_nothing_else() {
    let target = |lines: &str| {
        format!("[[array]]\nname = 'web'\n[[array.target]]\nkind = 'logon-session'\n{lines}")
    };
    let said = complaint(&target("path = 'x'\nreaders = ['y']\n"));
    assert!(
        said.contains("takes kind and sessions, nothing else"),
        "{said}"
    );
    assert!(
        said.contains("name at least one of system, network-service"),
        "{said}"
    );
    for wrong in ["nobody", "service:", "service:a/b", "Tomcat9"] {
        let said = complaint(&target(&format!("sessions = ['{wrong}']\n")));
        assert!(said.contains("target.sessions: name system"), "{said}");
    }
    let said = complaint(&target("sessions = ['system']\nservices = ['x']\n"));
    assert!(said.contains("nothing else"), "{said}");
    let twice = target("sessions = ['system']\n[[array.target]]\nkind = 'logon-session'\n");
    assert!(complaint(&twice).contains("logon-session is there twice"));
    let said = complaint("[[array]]\nname = 'web'\n[[array.target]]\n");
    assert!(said.contains("target.path: it is missing"), "{said}");
    let right = target("sessions = ['system', 'network-service', 'service:Tomcat9']\n");
    #[cfg(unix)]
    assert!(complaint(&right).contains("logon-session is for Windows alone"));
    #[cfg(windows)]
    {
        let config = Config::parse(Path::new("agent.toml"), right.as_bytes()).unwrap();
        let sessions = config.arrays[0].sessions.as_ref().unwrap();
        let of_service = Session::Service("Tomcat9".to_owned());
        assert_eq!(
            sessions,
            &[Session::System, Session::NetworkService, of_service]
        );
        assert!(config.arrays[0].targets.is_empty());
    }
}

#[test]
fn a_target_of_service_logons_has_services_and_nothing_else() {
    let target = |lines: &str| {
        format!("[[array]]\nname = 'web'\n[[array.target]]\nkind = 'service-logon'\n{lines}")
    };
    for wrong in [
        "",
        "services = []\n",
        "services = ['']\n",
        "services = ['a/b']\n",
    ] {
        let said = complaint(&target(wrong));
        assert!(said.contains("target.services: name services"), "{said}");
    }
    let said = complaint(&target("services = ['x']\nsessions = ['system']\n"));
    assert!(
        said.contains("takes kind and services, nothing else"),
        "{said}"
    );
    let said =
        complaint("[[array]]\nname = 'web'\n[[array.target]]\npath='/k'\nservices = ['x']\n");
    assert!(said.contains("only with kind"), "{said}");
    let right = target("services = ['Tomcat9', 'AppSvc']\n");
    #[cfg(unix)]
    assert!(complaint(&right).contains("service-logon is for Windows alone"));
    #[cfg(windows)]
    {
        let config = Config::parse(Path::new("agent.toml"), right.as_bytes()).unwrap();
        let services = config.arrays[0].services.as_ref().unwrap();
        assert_eq!(services, &["Tomcat9", "AppSvc"]);
    }
}

#[test]
fn a_target_of_application_pools_has_pools_and_nothing_else() {
    let target = |lines: &str| {
        format!("[[array]]\nname = 'web'\n[[array.target]]\nkind = 'iis-pool'\n{lines}")
    };
    for wrong in [
        "",
        "pools = []\n",
        "pools = ['']\n",
        "pools = [\"a\\nb\"]\n",
    ] {
        let said = complaint(&target(wrong));
        assert!(
            said.contains("target.pools: name application pools"),
            "{said}"
        );
    }
    for other in ["services = ['x']", "sessions = ['system']", "path = '/k'"] {
        let said = complaint(&target(&format!("pools = ['x']\n{other}\n")));
        assert!(
            said.contains("takes kind and pools, recycle, nothing else"),
            "{said}"
        );
    }
    for line in ["pools = ['x']", "recycle = false"] {
        let web = "[[array]]\nname = 'web'\n[[array.target]]\npath='/k'\n";
        let said = complaint(&format!("{web}{line}\n"));
        assert!(said.contains("only with kind"), "{said}");
    }
    for (line, recycle) in [("", true), ("recycle = false\n", false)] {
        let right = target(&format!("pools = ['Shop & More', 'Api']\n{line}"));
        #[cfg(unix)]
        {
            let said = complaint(&right);
            assert!(said.contains("iis-pool is for Windows alone"), "{recycle}");
        }
        #[cfg(windows)]
        {
            let config = Config::parse(Path::new("agent.toml"), right.as_bytes()).unwrap();
            let pools = config.arrays[0].pools.as_ref().unwrap();
            assert_eq!(pools.names, ["Shop & More", "Api"]);
            assert_eq!(pools.recycle, recycle);
        }
    }
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
