//! What is Windows' own: IIS, and commands of its own.

use super::places::{look, mended};
use super::*;
use crate::doctor::Grade::{Unknown, Warning};

#[test]
fn what_mends_a_folder_is_a_command_of_the_nodes_own_system() {
    for (path, folder, copy) in [
        (
            "/etc/keyroll/web.keytab",
            "chmod g-w,o-w '/etc/keyroll' (on n2.corp.example)",
            "rm '/etc/keyroll/web.keytab.bak' (on n2.corp.example;",
        ),
        (
            r"C:\conf\web.keytab",
            r#"icacls "C:\conf" /inheritance:r"#,
            r#"del "C:"#,
        ),
    ] {
        let mut facts = healthy();
        let keytab = &mut look(&mut facts, 1).keytabs[0];
        path.clone_into(&mut keytab.path);
        keytab.leftovers = vec![format!("{path}.bak")];
        keytab.folder_trouble = Some("others may change it".to_owned());
        let found = examine(&facts).into_iter();
        let found = found.filter(|one| one.check == "node-leftovers");
        let mends: Vec<String> = found.map(|one| one.finding.mend).collect();
        for wanted in [folder, copy] {
            assert!(
                mends.iter().any(|mend| mend.starts_with(wanted)),
                "{mends:?}"
            );
        }
    }
}

#[test]
fn iis_that_opens_tickets_with_another_account_is_named_with_the_command_that_changes_it() {
    let site = |location: &str, pool: Option<bool>, kernel: Option<bool>| IisSite {
        location: location.to_owned(),
        use_app_pool_credentials: pool,
        kernel_mode: kernel,
        ..IisSite::default()
    };
    let all = IisSite {
        enabled: Some(true),
        ..site("", None, None)
    };
    let off = IisSite {
        enabled: Some(false),
        ..site("Off", Some(true), None)
    };
    let iis = |more: Vec<IisSite>| {
        let sites = [vec![all.clone(), off.clone()], more].concat();
        let pool = |name: &str, account: &str| IisPool {
            name: name.to_owned(),
            account: account.to_owned(),
            kept: false,
        };
        let pools = vec![pool("Shop", "NetworkService"), pool("Api", r"CORP\svc-api")];
        Some(Ok(IisFacts { pools, sites }))
    };
    let with = |f: &mut Facts, iis| {
        look(f, 0).keytabs[0].kind = TargetKind::LogonSession;
        f.nodes[0].around.iis = iis;
    };
    let warning = ("node-iis", Warning);
    for (more, expected) in [
        (vec![], &[][..]),
        (vec![site("Shop", Some(true), None)], &[warning]),
        // A place below has what the one above says, and not what its neighbour says.
        (
            vec![site("Shop", Some(true), None), site("shop/api", None, None)],
            &[warning, warning],
        ),
        (
            vec![site("Shop", Some(true), None), site("Shop2", None, None)],
            &[warning],
        ),
        (
            vec![
                site("Shop", Some(true), None),
                site("Shop/api", Some(false), None),
            ],
            &[warning],
        ),
        (vec![site("Shop", None, Some(false))], &[warning]),
    ] {
        names(|f| with(f, iis(more)), expected);
    }
    let printed = mended(|f| with(f, iis(vec![site("Shop", Some(true), None)])));
    let wanted = "keyroll-agent iis set --site \"Shop\" --use-app-pool-credentials false (on";
    assert!(printed.starts_with(wanted), "{printed}");
    let own = |account: &str| {
        let account = account.to_owned();
        let name = "Web".to_owned();
        let kept = false;
        let pools = vec![IisPool {
            name,
            account,
            kept,
        }];
        let sites = Vec::new();
        move |f: &mut Facts| with(f, Some(Ok(IisFacts { pools, sites })))
    };
    for account in [r"CORP\SVC-web", "svc-web@corp.example"] {
        names(own(account), &[warning]);
    }
    assert!(mended(own(r"CORP\svc-web")).contains("--pool \"Web\" --identity"));
    // One that a target of the array keeps is as it should be.
    let kept = |f: &mut Facts| {
        own(r"CORP\svc-web")(f);
        if let Some(Ok(iis)) = &mut f.nodes[0].around.iis {
            iis.pools[0].kept = true;
        }
    };
    names(kept, &[]);
    let damaged = Unseen {
        why: "it is no XML".to_owned(),
        next: String::new(),
        kind: UnseenKind::Refused,
    };
    names(|f| with(f, Some(Err(damaged))), &[("node-iis", Unknown)]);
    // Where IIS is not what serves the array, it may do as it likes.
    names(
        |f| f.nodes[0].around.iis = iis(vec![site("Shop", Some(true), None)]),
        &[],
    );
}

#[test]
fn pools_that_get_the_password_where_the_session_does_not_lack_a_target() {
    let with = |pool: Option<bool>, kernel: Option<bool>| {
        move |f: &mut Facts| {
            look(f, 0).keytabs[0].kind = TargetKind::IisPool;
            let site = IisSite {
                enabled: Some(true),
                use_app_pool_credentials: pool,
                kernel_mode: kernel,
                ..IisSite::default()
            };
            let sites = vec![site];
            let pools = Vec::new();
            f.nodes[0].around.iis = Some(Ok(IisFacts { pools, sites }));
        }
    };
    let warning = [("node-iis", Warning)];
    // Before the recycling, and after it.
    let halves = &[
        "from the write of a roll until the pool is recycled it has the old keys alone",
        "from then on it has the new keys alone, and refuses those of before the roll until they",
    ][..];
    for (pool, kernel, refused) in [
        (Some(true), None, halves),
        (None, Some(false), halves),
        (None, None, &["every ticket of the array is refused"]),
    ] {
        names(with(pool, kernel), &warning);
        assert!(mended(with(pool, kernel)).contains("--allow logon-session"));
        let mut facts = healthy();
        with(pool, kernel)(&mut facts);
        let found = examine(&facts).into_iter();
        let mut found = found.filter(|one| one.check == "node-iis");
        let because = found.next().unwrap().finding.cause;
        let tells = |half: &&str| because.contains(half);
        assert!(refused.iter().all(tells), "{because}");
    }
}

/// A web server need not say that it is IIS.
#[test]
fn a_session_alone_is_what_opens_tickets_whatever_serves() {
    let refused = |facts: &mut Facts| {
        look(facts, 1).keytabs[0].kind = TargetKind::LogonSession;
        facts.services[1].place = facts.nodes[1].name.to_string();
        let web = facts.services[1].web.as_mut().unwrap();
        web.server.clear();
        web.login = Some(Ok(LoginFacts {
            status: 401,
            proven: false,
        }));
    };
    let mend = "keyroll-agent iis set --use-app-pool-credentials false (on ";
    says("service-login", refused, &[mend]);
}

#[test]
fn an_sspi_session_and_a_pool_are_told_by_what_opens_tickets() {
    let iis = |facts: &mut Facts, kind| {
        look(facts, 0).keytabs[0].kind = kind;
        let site = IisSite {
            enabled: Some(true),
            ..IisSite::default()
        };
        let sites = vec![site];
        let pools = Vec::new();
        facts.nodes[0].around.iis = Some(Ok(IisFacts { pools, sites }));
    };
    names(|facts| iis(facts, TargetKind::LogonSession), &[]);
    names(
        |facts| iis(facts, TargetKind::IisPool),
        &[("node-iis", Warning)],
    );
    names(|facts| iis(facts, TargetKind::Owned), &[]);
}
