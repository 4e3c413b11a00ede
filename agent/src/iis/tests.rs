use super::*;

const FILE: &str = include_str!("tests/applicationHost.config");

fn at(location: &str, found: &Found) -> (Option<bool>, Option<bool>) {
    let mut sections = found.sections.iter();
    let section = sections.find(|one| one.location == location).unwrap();
    (
        section.use_app_pool_credentials,
        section.auth_persist_non_ntlm,
    )
}

#[test]
fn it_is_read_without_any_password() {
    let found = read(FILE).unwrap();
    let pools = found.pools.iter();
    let pools: Vec<_> = pools
        .map(|pool| {
            (
                pool.name.as_str(),
                pool.identity.as_str(),
                pool.account.as_str(),
            )
        })
        .collect();
    assert_eq!(
        pools,
        [
            ("DefaultAppPool", "ApplicationPoolIdentity", ""),
            ("Shop & More", "SpecificUser", r"CORP\WEB$"),
            ("Old", "NetworkService", ""),
        ]
    );
    assert_eq!(at("", &found), (None, Some(true)));
    assert_eq!(at("Default Web Site", &found), (Some(false), None));
    let section = &found.sections[0];
    assert_eq!((section.enabled, section.kernel_mode), (Some(false), None));
    assert!(!format!("{found:?}").contains("enc:"));
}

/// Each place in which the setting can stand, or not yet; nothing but it changes.
#[test]
fn a_setting_is_set_and_everything_else_stays_byte_for_byte() {
    use Setting::{AuthPersistNonNtlm, UseAppPoolCredentials};
    for (location, setting) in [
        // It is there; it is not; the section is not, as far as each part of its path.
        ("", AuthPersistNonNtlm),
        ("", UseAppPoolCredentials),
        ("Default Web Site", UseAppPoolCredentials),
        ("default web site", AuthPersistNonNtlm),
        ("Default Web Site/api", UseAppPoolCredentials),
        ("Plain", UseAppPoolCredentials),
        ("Bare", UseAppPoolCredentials),
        ("Shop & \"More\"", AuthPersistNonNtlm),
    ] {
        for text in [
            FILE.to_owned(),
            FILE.replace('\n', "\r\n"),
            format!("\u{feff}{FILE}"),
        ] {
            for value in [true, false] {
                let edited = set(&text, location, setting, value).unwrap();
                let again = set(&edited, location, setting, value).unwrap();
                assert_eq!(edited, again, "{location}: twice is once");
                let other = set(&edited, location, setting, !value).unwrap();
                assert_eq!(set(&other, location, setting, value).unwrap(), edited);
                // What is before and after the one place is untouched.
                let same = |(one, other): &(u8, u8)| one == other;
                let before = text.bytes().zip(edited.bytes()).take_while(same).count();
                let after = text.bytes().rev().zip(edited.bytes().rev());
                let after = after.take_while(same).count();
                let kept = before + after;
                // Of what was there, at most a value is gone.
                assert!(text.len().saturating_sub(kept) <= 5, "{location}: {edited}");
                assert_eq!(text.contains("\r\n"), edited.contains("\r\n"));
                let bare = edited.replace("\r\n", "").contains('\n');
                assert!(
                    !(text.contains("\r\n") && bare),
                    "{location}: another end of a line"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let set = |text: &str| set(text, "Site", Setting::UseAppPoolCredentials, true);
    for text in [
        "",
        "<a/>",
        "<configuration>",
        "not <xml",
        "<configuration a=b/>",
    ] {
        assert!(set(text).is_err() && read(text).is_err(), "{text}");
    }
    let closed = "<configuration><location path='Site'/></configuration>";
    let said = set(closed).unwrap_err().to_string();
    assert!(said.contains("<location/> of this location"), "{said}");
    let closed =
        "<configuration><location path='Site'><system.webServer/></location></configuration>";
    let said = set(closed).unwrap_err().to_string();
    assert!(
        said.contains("<system.webServer></system.webServer>"),
        "{said}"
    );
    assert!(set("<configuration></configuration>").is_ok());
}
