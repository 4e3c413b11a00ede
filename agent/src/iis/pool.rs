//! The account that an application pool runs under, as far as it needs no password.

use super::element::{Element, elements};
use super::{IisError, MARK, POOL, SPECIFIC, is_of_pool, read};

/// Under which account an application pool runs (IIS configuration reference,
/// `system.applicationHost/applicationPools/add/processModel`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// One of its own, that there is on this machine alone.
    OfPool,
    /// NetworkService.
    NetworkService,
    /// LocalService.
    LocalService,
    /// LocalSystem.
    LocalSystem,
    /// A group managed account, `DOMAIN\name$`: the machine gets its password from the domain.
    Managed(String),
}

impl Identity {
    /// The account of this name.
    ///
    /// # Errors
    /// A sentence, if it is no group managed account by its form.
    pub fn managed(account: String) -> Result<Self, String> {
        let fits = |(domain, name): (&str, &str)| {
            !domain.is_empty() && name.len() > 1 && name.ends_with('$') && !name.contains('\\')
        };
        if account.split_once('\\').is_some_and(fits) {
            return Ok(Self::Managed(account));
        }
        Err(format!(
            "{account} is no group managed account (DOMAIN\\name$), so its password is wanted, \
             which IIS encrypts with a provider of its own; next: InetMgr, Application Pools, \
             Advanced Settings, Identity"
        ))
    }

    /// `identityType` and `userName`.
    fn values(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::OfPool => ("ApplicationPoolIdentity", None),
            Self::NetworkService => ("NetworkService", None),
            Self::LocalService => ("LocalService", None),
            Self::LocalSystem => ("LocalSystem", None),
            Self::Managed(account) => (SPECIFIC, Some(account)),
        }
    }
}

/// The file with this account for an application pool; its name and password before go, and
/// everything else is as it was.
///
/// # Errors
/// [`IisError`].
pub fn set_identity(text: &str, pool: &str, wanted: &Identity) -> Result<String, IisError> {
    if let Some(text) = text.strip_prefix(MARK) {
        return set_identity(text, pool, wanted).map(|edited| format!("{MARK}{edited}"));
    }
    let (identity, account) = wanted.values();
    let all = elements(text)?;
    let is_it = |one: &Element| {
        let name = one.attribute("name").unwrap_or_default();
        one.path == POOL && name.eq_ignore_ascii_case(pool)
    };
    let place = all.iter().position(is_it);
    let place = place.ok_or_else(|| IisError::NoPool(pool.to_owned()))?;
    // What is in it comes after it, before what is not.
    let within = all[place + 1..].iter();
    let model = within
        .take_while(|one| one.path.starts_with(&all[place].path) && one.path != POOL)
        .find(|one| is_of_pool(one));
    let mut edited = text.to_owned();
    match model {
        Some(model) => change(
            &mut edited,
            model,
            &[
                ("identityType", Some(identity)),
                ("userName", account),
                ("password", None),
            ],
        ),
        None => put(&mut edited, text, &all[place], identity, account),
    }
    let (account, found) = (account.unwrap_or_default(), read(&edited)?);
    let holds = found.pools.iter().any(|one| {
        let is_it = one.name.eq_ignore_ascii_case(pool);
        is_it && one.identity == identity && one.account == account
    });
    if holds {
        Ok(edited)
    } else {
        Err(IisError::NotHeld)
    }
}

/// Gives an element these attributes; one without a value goes, and the space before it.
fn change(edited: &mut String, element: &Element, wanted: &[(&str, Option<&str>)]) {
    let mut edits = Vec::new();
    for (name, value) in wanted {
        let there = element.attributes.iter().find(|one| one.name == *name);
        match (value, there) {
            (Some(value), _) => edits.push(element.with_attribute(name, value)),
            (None, Some(there)) => {
                let before = &edited[..there.begins];
                let begins = before.trim_end().len();
                edits.push((begins..there.range.end + 1, String::new()));
            }
            (None, None) => {}
        }
    }
    // From the end on, so that no place moves before it is used.
    edits.sort_by_key(|(place, _)| place.start);
    for (place, new) in edits.into_iter().rev() {
        edited.replace_range(place, &new);
    }
}

/// Puts a `processModel` into a pool that has none.
fn put(edited: &mut String, text: &str, pool: &Element, identity: &str, account: Option<&str>) {
    let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let space = "    ".repeat(pool.path.len() - 1);
    let account = account.map_or_else(String::new, |account| {
        format!(" userName=\"{}\"", quick_xml::escape::escape(account))
    });
    let model = format!("{line}{space}    <processModel identityType=\"{identity}\"{account} />");
    if pool.is_empty {
        let tag = &text[pool.tag.clone()];
        let inner = tag.trim_end_matches('>').trim_end_matches('/').trim_end();
        let begins = pool.tag.start + inner.len();
        let new = format!(">{model}{line}{space}</add>");
        edited.replace_range(begins..pool.tag.end, &new);
    } else {
        edited.insert_str(pool.tag.end, &model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("tests/applicationHost.config");

    fn of<'a>(found: &'a super::super::Found, name: &str) -> (&'a str, &'a str) {
        let pool = found.pools.iter().find(|pool| pool.name == name).unwrap();
        (&pool.identity, &pool.account)
    }

    #[test]
    fn a_pool_gets_its_account_and_everything_else_stays() {
        let managed = Identity::managed(r"CORP\gmsa-web$".to_owned()).unwrap();
        for name in ["DefaultAppPool", "shop & more", "Old"] {
            for text in [
                FILE.to_owned(),
                FILE.replace('\n', "\r\n"),
                format!("{MARK}{FILE}"),
            ] {
                for wanted in [&Identity::NetworkService, &Identity::LocalSystem, &managed] {
                    let edited = set_identity(&text, name, wanted).unwrap();
                    assert_eq!(set_identity(&edited, name, wanted).unwrap(), edited);
                    let (before, after) = (read(&text).unwrap(), read(&edited).unwrap());
                    assert_eq!(before.sections, after.sections);
                    for (one, other) in before.pools.iter().zip(&after.pools) {
                        let is_it = one.name.eq_ignore_ascii_case(name);
                        assert!(is_it || one == other);
                        let is = (other.identity.as_str(), other.account.as_str());
                        let (identity, account) = wanted.values();
                        assert!(
                            !is_it || is == (identity, account.unwrap_or_default()),
                            "{is:?}"
                        );
                    }
                    // Of another pool nothing goes, of this one its password does.
                    assert_eq!(edited.contains("enc:"), name != "shop & more");
                    let bare = edited.replace("\r\n", "").contains('\n');
                    assert!(!(text.contains("\r\n") && bare));
                }
            }
        }
    }

    /// Exactly these bytes.
    #[test]
    fn only_the_pools_tag_changes() {
        let set = |name, wanted: &Identity| set_identity(FILE, name, wanted).unwrap();
        let edited = set("Shop & More", &Identity::NetworkService);
        let before = "<processModel identityType=\"SpecificUser\" userName=\"CORP\\WEB$\"\n";
        let (start, rest) = FILE.split_once(before).unwrap();
        let (_, rest) = rest.split_once(":enc]\"").unwrap();
        let model = "<processModel identityType=\"NetworkService\"";
        assert_eq!(edited, format!("{start}{model}{rest}"));
        let edited = set("DefaultAppPool", &Identity::LocalService);
        let pool = "<add name=\"DefaultAppPool\">\n                \
                    <processModel identityType=\"LocalService\" />\n            </add>";
        assert_eq!(
            edited,
            FILE.replace("<add name=\"DefaultAppPool\" />", pool)
        );
    }

    #[test]
    fn what_needs_a_password_or_is_not_there_is_refused() {
        for account in [r"CORP\svc-web", "gmsa$", r"\gmsa$", r"CORP\$", r"CORP\a\b$"] {
            let said = Identity::managed(account.to_owned()).unwrap_err();
            assert!(said.contains("InetMgr"), "{said}");
        }
        let said = set_identity(FILE, "None", &Identity::LocalSystem).unwrap_err();
        assert!(
            said.to_string().contains("no application pool None"),
            "{said}"
        );
    }

    /// A pool that says nothing runs as the defaults say, wherever they stand.
    #[test]
    fn what_a_pool_does_not_say_the_defaults_do() {
        let of_default = r#"<applicationPoolDefaults><processModel identityType="#;
        let text = FILE.replace(
            &format!("{of_default}\"ApplicationPoolIdentity\" />"),
            &format!("{of_default}\"SpecificUser\" userName=\"CORP\\WEB$\" />"),
        );
        let found = read(&text).unwrap();
        assert_eq!(of(&found, "DefaultAppPool"), ("SpecificUser", r"CORP\WEB$"));
        assert_eq!(of(&found, "Old"), ("NetworkService", ""));
        let edited = set_identity(&text, "DefaultAppPool", &Identity::OfPool);
        let found = read(&edited.unwrap()).unwrap();
        assert_eq!(
            of(&found, "DefaultAppPool"),
            ("ApplicationPoolIdentity", "")
        );
    }
}
