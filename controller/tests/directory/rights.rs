//! The printed rights are exactly what is needed.

use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::directory::acl::RightsRequest;
use keyroll_controller::ports::{Directory as _, NewAccount, PortError};

use crate::lab::{AES, Lab, Made, password};

const INSUFFICIENT: u32 = 50;

/// What a narrow controller can do to an account: reset, name a service, set enctypes.
async fn abilities(lab: &Lab, directory: &ActiveDirectory, made: &mut Made) -> [bool; 3] {
    let new = password(&lab.name("ability"));
    let reset = match made.reset(directory, &lab.dc1, new).await {
        Answer::Applied => true,
        Answer::Refused {
            code: INSUFFICIENT, ..
        } => false,
        other => panic!("{other:?}"),
    };
    let allowed = |outcome: Result<(), PortError>| match outcome {
        Ok(()) => true,
        Err(PortError::Refused { why, .. }) if why.contains("(50)") => false,
        Err(other) => panic!("{other:?}"),
    };
    let spn = format!("HTTP/{}.corp.example", lab.name("ability"));
    let named = allowed(directory.add_spn(&lab.dc1, &made.account, &spn).await);
    // The opposite of what it has, so that there is always something to write.
    let state = directory.read(&lab.dc1, &made.account).await.unwrap();
    let enctypes = if state.supported_enctypes == Some(24) {
        &AES[..1]
    } else {
        &AES[..]
    };
    let set = allowed(
        directory
            .set_enctypes(&lab.dc1, &made.account, enctypes)
            .await,
    );
    [reset, named, set]
}

/// A controller whose account has no rights, and its name.
pub async fn narrow(lab: &Lab) -> (ActiveDirectory, String) {
    let trustee = lab.make("narrow", AccountKind::User).await;
    let name = trustee.account.principal.name();
    let path = lab.folder.join(lab.name("narrow"));
    std::fs::write(&path, trustee.password.expose()).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = lab.config(&name, &path).settings().unwrap();
    (ActiveDirectory::new(settings).unwrap(), name)
}

pub async fn the_printed_rights_are_enough_and_no_more(lab: &'static Lab) {
    let mut made = lab.make("target", AccountKind::User).await;
    let mut other = lab.make("bystander", AccountKind::User).await;
    let (directory, name) = narrow(lab).await;

    let target = made.account.principal.name();
    let wanted = RightsRequest {
        account: &target,
        trustee: &name,
        kind: AccountKind::User,
        container: None,
    };
    let rights = directory.rights(&lab.dc1, &wanted).await.unwrap();
    assert_eq!(rights.trustee, format!("CORP\\{name}"));
    let object = lab.distinguished_name("dc1", &made.account);
    assert_eq!(rights.account, Some(object));
    assert_eq!(rights.container, "CN=Users,DC=corp,DC=example");
    assert_eq!(abilities(lab, &directory, &mut made).await, [false; 3]);

    // Right by right, each adds its own ability and nothing else.
    let steps = [
        ([false, false, false], [false, false]),
        ([false, false, false], [true, false]),
        ([true, false, false], [true, true]),
        ([true, true, false], [true, true]),
        ([true, true, true], [true, true]),
    ];
    let grants = rights.grants();
    assert_eq!(grants.len(), steps.len());
    for (grant, (able, [may_reset, may_write_fence])) in grants.iter().zip(steps) {
        lab.run(&["bash", "-c", &format!("lab-dc {}", grant.samba_tool)]);
        let state = directory.read(&lab.dc1, &made.account).await.unwrap();
        assert_eq!(state.may_reset, may_reset, "{grant:?}");
        assert_eq!(state.may_write_fence, may_write_fence, "{grant:?}");
        assert_eq!(
            abilities(lab, &directory, &mut made).await,
            able,
            "{grant:?}"
        );
    }
    assert_eq!(abilities(lab, &directory, &mut other).await, [false; 3]);
    let state = directory.read(&lab.dc1, &other.account).await.unwrap();
    assert!(!state.may_reset && !state.may_write_fence);
}

/// Makes an account of a kind, in a container or where its kind goes.
async fn create(
    lab: &Lab,
    directory: &ActiveDirectory,
    kind: AccountKind,
    container: Option<&str>,
) -> (Answer, Option<Made>) {
    let name = lab.name("born");
    let sam = match kind {
        AccountKind::User => name.clone(),
        AccountKind::Computer => format!("{name}$"),
    };
    let password = password(&name);
    let account = NewAccount {
        sam_account_name: &sam,
        kind,
        container,
        password: &password,
        enctypes: &AES,
        fence: "fence-0",
    };
    let answer = directory.create(&lab.dc1, &account).await;
    let made = match answer {
        Answer::Applied => Some(Made {
            account: directory.find(&lab.dc1, &sam).await.unwrap(),
            password,
            fence: "fence-0".to_owned(),
        }),
        _ => None,
    };
    (answer, made)
}

fn refused(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Refused {
            code: INSUFFICIENT,
            ..
        }
    )
}

pub async fn the_rights_on_a_container_make_accounts_of_one_kind(lab: &'static Lab) {
    for (kind, other) in [
        (AccountKind::User, AccountKind::Computer),
        (AccountKind::Computer, AccountKind::User),
    ] {
        let (directory, name) = narrow(lab).await;
        let unit = format!("OU={},DC=corp,DC=example", lab.name("unit"));
        lab.run(&["lab-dc", "samba-tool", "dc1", "ou", "create", &unit]);
        let wanted = RightsRequest {
            account: "not-there-yet",
            trustee: &name,
            kind,
            container: Some(&unit),
        };
        let rights = directory.rights(&lab.dc1, &wanted).await.unwrap();
        assert_eq!(rights.grants(), []);
        let (answer, _) = create(lab, &directory, kind, Some(&unit)).await;
        assert!(refused(&answer), "{answer:?}");
        // The right to make one alone does not let it be kept.
        let grants = rights.creation();
        let grant = |command: &str| lab.run(&["bash", "-c", &format!("lab-dc {command}")]);
        grant(&grants[0].samba_tool);
        let (answer, made) = create(lab, &directory, kind, Some(&unit)).await;
        let mut first = made.unwrap_or_else(|| panic!("{answer:?}"));
        let again = password(&lab.name("again"));
        let answer = first.reset(&directory, &lab.dc1, again).await;
        assert!(refused(&answer), "{kind:?}: {answer:?}");
        grants[1..]
            .iter()
            .for_each(|one| drop(grant(&one.samba_tool)));
        let (answer, made) = create(lab, &directory, kind, Some(&unit)).await;
        let mut made = made.unwrap_or_else(|| panic!("{answer:?}"));
        assert_eq!(abilities(lab, &directory, &mut made).await, [true; 3]);
        let state = directory.read(&lab.dc1, &made.account).await.unwrap();
        assert!(state.may_reset && state.may_write_fence);
        // No other kind, no other place, no other account.
        let (answer, _) = create(lab, &directory, other, Some(&unit)).await;
        assert!(refused(&answer), "{answer:?}");
        let (answer, _) = create(lab, &directory, AccountKind::User, None).await;
        assert!(refused(&answer), "{answer:?}");
        let mut bystander = lab.make("bystander", kind).await;
        assert_eq!(abilities(lab, &directory, &mut bystander).await, [false; 3]);
    }
}
