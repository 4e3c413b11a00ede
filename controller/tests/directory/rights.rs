//! The printed rights are exactly what is needed.

use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::ports::{Directory as _, PortError};

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

pub async fn the_printed_rights_are_enough_and_no_more(lab: &'static Lab) {
    let mut made = lab.make("target", AccountKind::User).await;
    let mut other = lab.make("bystander", AccountKind::User).await;
    let trustee = lab.make("narrow", AccountKind::User).await;
    let name = trustee.account.principal.name();
    let path = lab.folder.join("narrow.password");
    std::fs::write(&path, trustee.password.expose()).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = lab.config(&name, &path).settings().unwrap();
    let directory = ActiveDirectory::new(settings).unwrap();

    let target = made.account.principal.name();
    let delegation = directory
        .delegation(&lab.dc1, &target, &name)
        .await
        .unwrap();
    assert_eq!(delegation.trustee, format!("CORP\\{name}"));
    assert_eq!(
        delegation.object,
        lab.distinguished_name("dc1", &made.account)
    );
    assert_eq!(abilities(lab, &directory, &mut made).await, [false; 3]);

    // Right by right, each adds its own ability and nothing else.
    let steps = [
        ([false, false, false], [true, false]),
        ([true, false, false], [true, true]),
        ([true, true, false], [true, true]),
        ([true, true, true], [true, true]),
    ];
    let grants = delegation.grants();
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
