use super::*;

const SMALLEST: &str = r#"
    domain = "Corp.Example"
    ca = ["/etc/keyroll/domain-ca.pem"]
    [bind]
    principal = "svc-keyroll@corp.example"
    password-file = "/etc/keyroll/directory.password"
"#;

fn read(text: &str) -> Result<DirectorySettings, String> {
    let config: DirectoryConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    config.settings().map_err(|error| error.to_string())
}

#[test]
fn little_has_to_be_said() {
    let settings = read(SMALLEST).unwrap();
    assert_eq!(settings.domain, "corp.example");
    assert_eq!(settings.realm.as_str(), "CORP.EXAMPLE");
    assert_eq!(settings.principal.to_string(), "svc-keyroll@CORP.EXAMPLE");
    assert_eq!(settings.domain_controllers, DomainControllers::Srv);
    assert_eq!(settings.fence_attribute, "adminDescription");
    assert_eq!(settings.connect_timeout, Duration::from_secs(5));
    assert_eq!(settings.write_timeout, Duration::from_secs(10));
    assert!(settings.exceptions.is_empty() && settings.accounts_below.is_empty());
    assert!(settings.account_container.is_none());
}

#[test]
fn more_may_be_said() {
    let more = r#"
        domain-controllers = ["DC1.corp.example", "dc2.corp.example"]
        realm = "OTHER.EXAMPLE"
        account-container = "OU=Services,DC=corp,DC=example"
    "#;
    let settings = read(&format!("{more}{SMALLEST}")).unwrap();
    let listed = ["dc1.corp.example", "dc2.corp.example"].map(|name| name.parse().unwrap());
    assert_eq!(
        settings.domain_controllers,
        DomainControllers::Listed(listed.to_vec())
    );
    assert_eq!(settings.realm.as_str(), "OTHER.EXAMPLE");
}

#[test]
fn a_keytab_and_sealing_by_kerberos_need_no_certificate() {
    let text = SMALLEST
        .replace("ca = [", "transport = \"gssapi\" # [")
        .replace("password-file", "keytab");
    let settings = read(&text).unwrap();
    assert_eq!(settings.transport, Transport::Gssapi);
    assert!(settings.ca.is_empty());
    let path = PathBuf::from("/etc/keyroll/directory.password");
    let keytab = CredentialSource::Keytab(Place::File(path));
    assert_eq!(settings.credential.to_string(), keytab.to_string());
    let text = SMALLEST.replace("password-file = \"/etc/keyroll/", "keytab-credential = \"");
    let named = Place::Systemd("directory.password".to_owned());
    assert_eq!(
        read(&text).unwrap().credential.to_string(),
        CredentialSource::Keytab(named).to_string()
    );
}

#[test]
fn what_cannot_be_used_is_refused_by_its_key() {
    let with = |more: &str| format!("{more}\n{SMALLEST}");
    let instead = |old: &str, new: &str| SMALLEST.replace(old, new);
    for (text, named) in [
        (with("colour = 1"), "colour"),
        (with("domain-controllers = \"dns\""), "domain-controllers"),
        (with("domain-controllers = []"), "domain-controllers"),
        (
            with("fence-attribute = \"a)(b=*\""),
            "directory.fence-attribute",
        ),
        (
            with("account-container = \"<GUID=1>\""),
            "directory.account-container",
        ),
        (
            with("write-timeout-seconds = 0"),
            "directory.write-timeout-seconds",
        ),
        (
            with("connect-timeout-seconds = 999"),
            "directory.connect-timeout-seconds",
        ),
        (instead("Corp.Example", "corp example"), "directory."),
        (
            instead("[\"/etc/keyroll/domain-ca.pem\"]", "[]"),
            "directory.ca",
        ),
        (
            instead("@corp.example", "@elsewhere.example"),
            "directory.bind.principal",
        ),
        (instead("@corp.example", ""), "directory.bind.principal"),
        (instead("password-file", "password"), "password"),
        (
            format!("{SMALLEST}\npassword-credential = \"x\""),
            "directory.bind",
        ),
        (
            instead("password-file = \"/etc/keyroll/directory.password\"", ""),
            "directory.bind",
        ),
        (
            format!("{SMALLEST}\nkeytab = \"/etc/keyroll/own.keytab\""),
            "directory.bind",
        ),
        (
            instead("password-file = \"/etc", "keytab-credential = \"../etc"),
            "directory.bind.keytab-credential",
        ),
        (with("transport = \"ldap\""), "transport"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(named), "{named} is not named: {error}");
    }
}

#[test]
fn other_forests_have_settings_of_their_own() {
    let other = r#"
        [[forest]]
        domain = "Other.Example."
        ca = ["/etc/keyroll/other-ca.pem"]
        bind = { principal = "svc-reader@other.example", password-credential = "other" }
        [[forest]]
        domain = "third.example"
        realm = "REALM.EXAMPLE"
        transport = "gssapi"
        domain-controllers = ["gc.third.example"]
        bind = { principal = "reader@third.example", keytab = "/etc/keyroll/third.keytab" }
    "#;
    let settings = read(&format!("connect-timeout-seconds = 3\n{SMALLEST}{other}")).unwrap();
    let [other, third] = &settings.forests[..] else {
        panic!("{:?}", settings.forests);
    };
    assert_eq!(other.domain, "other.example");
    assert_eq!(other.ca, [PathBuf::from("/etc/keyroll/other-ca.pem")]);
    assert_eq!(other.principal.to_string(), "svc-reader@OTHER.EXAMPLE");
    assert_eq!(other.connect_timeout, Duration::from_secs(3));
    assert_eq!(third.principal.to_string(), "reader@REALM.EXAMPLE");
    assert_eq!(third.transport, Transport::Gssapi);

    let one = |lines: &str| {
        let bind = "bind = { principal = \"a@other.example\", keytab = \"/k\" }";
        read(&format!("{SMALLEST}[[forest]]\n{lines}\n{bind}\n")).unwrap_err()
    };
    for (lines, why) in [
        (
            "domain = \"other.example\"",
            "other.example: ca: name the PEM file",
        ),
        (
            "domain = \"third.example\"\nca = [\"/x\"]",
            "third.example: bind.principal: its domain is not",
        ),
        ("ca = [\"/x\"]", "missing field `domain`"),
        (
            "domain = \"other.example\"\nfence-attribute = \"info\"",
            "unknown field `fence-attribute`",
        ),
    ] {
        let error = one(lines);
        assert!(error.contains(why), "{lines}: {error}");
    }
    let own = r#"
        [[forest]]
        domain = "corp.example"
        ca = ["/x"]
        bind = { principal = "a@corp.example", keytab = "/k" }
    "#;
    let error = read(&format!("{SMALLEST}{own}")).unwrap_err();
    assert!(error.contains("looked through anyway"), "{error}");
}
