//! Delegation: what is found of it, and tries of it with an account's own key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyroll::delegation::trial::{Evidence, Got, Onward, Step, Tried, steps};
use keyroll::delegation::{Control, findings};
use keyroll::descriptor::Descriptor;
use keyroll::kerberos::message::KdcCode;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::{Key, Principal};
use keyroll::roll::Answer;
use keyroll_controller::directory::Kdcs;
use keyroll_controller::ports::{Directory as _, Kdc as _, PortError, Trial};

use crate::client::Client;
use crate::lab::{Lab, Made, password};

const NORMAL: u32 = 0x200;
const TRANSITION: u32 = NORMAL | Control::PROTOCOL_TRANSITION;

/// A front service with its keys, and a back service; the front may delegate to nobody yet.
struct Pair {
    front: Made,
    keys: Vec<Key>,
    back: Made,
    kdcs: Kdcs,
}

impl Pair {
    async fn make(lab: &Lab) -> Self {
        let front = lab.make("front", AccountKind::User).await;
        Self {
            keys: front.keys(lab).await,
            front,
            back: lab.make("back", AccountKind::User).await,
            kdcs: lab.kdcs(),
        }
    }

    fn allow(&self, lab: &Lab, spn: &str) {
        let change = format!("replace: msDS-AllowedToDelegateTo\nmsDS-AllowedToDelegateTo: {spn}");
        lab.put("dc1", &self.front, &change);
    }

    fn flags(lab: &Lab, made: &Made, flags: u32) {
        let change = format!("replace: userAccountControl\nuserAccountControl: {flags}");
        lab.put("dc1", made, &change);
    }

    /// Tries for `user`, or for the controller's own account; what it came to, and in words.
    async fn attempt(&self, lab: &Lab, user: Option<&Made>, to: &str) -> (Tried, Vec<Step>) {
        let target = Principal::of_spn(to, self.front.account.principal.realm()).unwrap();
        let trial = Trial {
            own: &self.front.account.principal,
            key: &self.keys[0],
            user: user.map(|user| &user.account.principal),
            service: &self.front.service(),
            to: &target,
        };
        let tried = self.kdcs.delegate(&lab.dc1, &trial).await.unwrap();
        let name = user.map_or("svc-keyroll".to_owned(), |user| {
            user.account.principal.name()
        });
        let facts = lab
            .controller()
            .facts(&lab.dc1, &self.front.account, &name, to)
            .await;
        let evidence = if user.is_some() {
            Evidence::Asked
        } else {
            Evidence::Shown
        };
        let told = steps("web", &facts.unwrap(), evidence, &tried);
        (tried, told)
    }
}

#[track_caller]
fn works((tried, told): &(Tried, Vec<Step>)) {
    assert!(matches!(tried.onward, Some(Onward::Got(_))), "{tried:#?}");
    assert!(
        told.len() == 3 && told.iter().all(|step| step.ok),
        "{told:#?}"
    );
}

/// The first step that fails says these words.
#[track_caller]
fn fails((tried, told): &(Tried, Vec<Step>), words: &[&str]) {
    assert!(!matches!(tried.onward, Some(Onward::Got(_))), "{tried:#?}");
    let failed = told
        .iter()
        .find(|step| !step.ok)
        .expect("a step that fails");
    let said = format!("{} {} {}", failed.what, failed.why, failed.next);
    assert!(
        words.iter().all(|word| said.contains(word)),
        "{words:?} in {told:#?}"
    );
}

pub async fn a_listed_service_is_reached_with_a_ticket_that_was_shown(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let to = pair.back.service().name();
    fails(
        &pair.attempt(lab, None, &to).await,
        &[
            "S4U2Proxy",
            "may not delegate to",
            "delegation apply web --to",
        ],
    );
    pair.allow(lab, &to);
    works(&pair.attempt(lab, None, &to).await);
    let other = "HTTP/nobody.corp.example";
    pair.allow(lab, other);
    fails(
        &pair.attempt(lab, None, other).await,
        &["no account has HTTP/nobody.corp.example"],
    );
    fails(
        &pair.attempt(lab, None, &to).await,
        &["may not delegate to"],
    );
}

pub async fn a_user_is_named_only_with_protocol_transition(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let to = pair.back.service().name();
    pair.allow(lab, &to);
    let user = lab.make("user", AccountKind::User).await;
    let without = pair.attempt(lab, Some(&user), &to).await;
    fails(
        &without,
        &[
            "S4U2Self",
            "no protocol transition",
            "--protocol-transition on",
        ],
    );
    Pair::flags(lab, &pair.front, TRANSITION);
    works(&pair.attempt(lab, Some(&user), &to).await);

    // Whom nobody acts for.
    Pair::flags(lab, &user, NORMAL | Control::NOT_DELEGATED);
    fails(
        &pair.attempt(lab, Some(&user), &to).await,
        &["sensitive and cannot be delegated"],
    );
    Pair::flags(lab, &user, NORMAL | Control::DISABLED);
    fails(&pair.attempt(lab, Some(&user), &to).await, &["is disabled"]);
    let nobody = Principal::new(
        vec!["nobody-at-all".to_owned()],
        "CORP.EXAMPLE".parse().unwrap(),
    );
    let trial = Trial {
        own: &pair.front.account.principal,
        key: &pair.keys[0],
        user: Some(&nobody.unwrap()),
        service: &pair.front.service(),
        to: &pair.back.service(),
    };
    let tried = pair.kdcs.delegate(&lab.dc1, &trial).await.unwrap();
    assert!(
        matches!(tried.evidence, Some(Err(_))) && tried.onward.is_none(),
        "{tried:?}"
    );
}

/// To an account that is sensitive itself this KDC issues no ticket that is evidence, whether it is
/// asked for or shown.
pub async fn a_sensitive_front_acts_for_nobody(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let to = pair.back.service().name();
    pair.allow(lab, &to);
    Pair::flags(lab, &pair.front, TRANSITION | Control::NOT_DELEGATED);
    let user = lab.make("user", AccountKind::User).await;
    let named = pair.attempt(lab, Some(&user), &to).await;
    assert_eq!(named.0.log_in, Ok(Got { forwardable: false }));
    fails(&named, &["sensitive", "--sensitive off"]);
    fails(
        &pair.attempt(lab, None, &to).await,
        &["fetches a ticket", "sensitive itself"],
    );
}

pub async fn protected_users_are_told_from_others(lab: &'static Lab) {
    let user = lab.make("guarded", AccountKind::User).await;
    let name = user.account.principal.name();
    let group = [
        "lab-dc",
        "samba-tool",
        "dc1",
        "group",
        "addmembers",
        "Protected Users",
    ];
    lab.run(&[&group[..], &[&name]].concat());
    let pair = Pair::make(lab).await;
    let to = pair.back.service().name();
    let facts = |user: String| {
        let (to, account) = (to.clone(), pair.front.account.clone());
        async move {
            lab.controller()
                .facts(&lab.dc1, &account, &user, &to)
                .await
                .unwrap()
        }
    };
    assert_eq!(facts(name).await.protected, Some(true));
    assert_eq!(facts("alice".to_owned()).await.protected, Some(false));
}

/// Nobody hands on what a member of Protected Users shows; that the account names one by itself
/// (S4U2Self), with protocol transition, this KDC lets pass, which Windows does not.
pub async fn a_protected_user_shows_no_evidence(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let to = pair.back.service();
    pair.allow(lab, &to.name());
    let own = &pair.front.account.principal;
    let front = Client::log_in(lab, own, &pair.keys[0]).await;
    let user = lab.make("guarded", AccountKind::User).await;
    let key = &user.keys(lab).await[0];
    let shown = async || {
        let client = Client::log_in(lab, &user.account.principal, key).await;
        let evidence = client.evidence(lab, &pair.front.service()).await?;
        front.go_on(lab, &to, &evidence).await
    };
    shown().await.unwrap();
    let name = user.account.principal.name();
    let group = ["lab-dc", "samba-tool", "dc1", "group", "addmembers"];
    lab.run(&[&group[..], &["Protected Users", &name]].concat());
    let refused = shown().await.unwrap_err();
    assert_eq!(refused.code, KdcCode::BadOption, "{refused}");

    Pair::flags(lab, &pair.front, TRANSITION);
    let (tried, _) = pair.attempt(lab, Some(&user), &to.name()).await;
    assert!(matches!(tried.onward, Some(Onward::Got(_))), "{tried:#?}");
}

/// Samba's KDC keeps no key of before the last password.
pub async fn evidence_from_before_a_password_is_none_after_it(lab: &'static Lab) {
    let mut pair = Pair::make(lab).await;
    let to = pair.back.service();
    pair.allow(lab, &to.name());
    let user = lab.make("user", AccountKind::User).await;
    let client = Client::log_in(lab, &user.account.principal, &user.keys(lab).await[0]).await;
    let evidence = client.evidence(lab, &pair.front.service()).await;
    let evidence = evidence.unwrap();
    let own = &pair.front.account.principal;
    let before = Client::log_in(lab, own, &pair.keys[0]).await;
    before.go_on(lab, &to, &evidence).await.unwrap();

    let reset = pair
        .front
        .reset(&lab.administrator(), &lab.dc1, password("second"))
        .await;
    assert_eq!(reset, Answer::Applied);
    let keys = pair.front.keys(lab).await;
    let after = Client::log_in(lab, &pair.front.account.principal, &keys[0]).await;
    let refused = after.go_on(lab, &to, &evidence).await.unwrap_err();
    assert_eq!(refused.code, KdcCode::BadIntegrity, "{refused}");
    // A new ticket is what helps, and all that does.
    let evidence = client.evidence(lab, &pair.front.service()).await;
    after.go_on(lab, &to, &evidence.unwrap()).await.unwrap();
}

pub async fn everything_that_bears_on_delegation_is_found(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let (front, back) = (&pair.front, &pair.back);
    let missing = "MSSQLSvc/nowhere.corp.example";
    let lists = format!(
        "replace: msDS-AllowedToDelegateTo\nmsDS-AllowedToDelegateTo: {}\n\
         msDS-AllowedToDelegateTo: {missing}\nmsDS-AllowedToDelegateTo: cifs/dc1.corp.example\n\
         msDS-AllowedToDelegateTo: kadmin/changepw",
        back.service().name()
    );
    lab.put("dc1", front, &lists);
    Pair::flags(lab, front, TRANSITION);
    let open = lab.make("open", AccountKind::User).await;
    Pair::flags(lab, &open, NORMAL | Control::UNCONSTRAINED);
    let directory = lab.controller();

    let found = directory
        .delegation(&lab.dc1, &front.account, &[])
        .await
        .unwrap();
    let codes: Vec<_> = findings("web", &found).iter().map(|one| one.code).collect();
    for code in [
        "target-is-dc",
        "target-is-kdc",
        "protocol-transition",
        "target-missing",
        "unconstrained-elsewhere",
    ] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert_eq!(found.ways(), ["constrained, with protocol transition"]);
    let mut open = found.unconstrained.iter().map(|one| one.account.clone());
    assert!(
        open.any(|name| name.starts_with("open-")),
        "{:?}",
        found.unconstrained
    );
    assert!(
        found
            .unconstrained
            .iter()
            .all(|one| !one.account.eq_ignore_ascii_case("DC1$"))
    );

    let spns = [back.service().name()];
    let found = directory
        .delegation(&lab.dc1, &back.account, &spns)
        .await
        .unwrap();
    assert_eq!(found.fronts.len(), 1, "{:?}", found.fronts);
    assert_eq!(
        found.fronts[0].party.account,
        front.account.principal.name()
    );
    assert_eq!(found.fronts[0].spns, spns);
    assert!(found.fronts[0].party.has(Control::PROTOCOL_TRANSITION));
    assert!(found.ways().is_empty() && found.actors.is_empty() && found.whole_forest);
}

pub async fn a_member_may_act_by_its_group(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let (front, back) = (&pair.front, &pair.back);
    let directory = lab.controller();
    let resources = || directory.resources(&lab.dc1, &front.account);
    let own = directory.delegation(&lab.dc1, &front.account, &[]).await;
    let own = own.unwrap().own.sid.unwrap().to_string();
    // A group of each domain (MS-DTYP 2.4.2.4) that nobody else here is a member of.
    let (domain, _) = own.rsplit_once('-').unwrap();
    let group = format!("{domain}-520").parse().unwrap();
    let descriptor = STANDARD.encode(Descriptor::of_actors([&group]).to_bytes());
    let attribute = "msDS-AllowedToActOnBehalfOfOtherIdentity";
    let change = format!("replace: {attribute}\n{attribute}:: {descriptor}");
    lab.put("dc1", back, &change);
    assert_eq!(resources().await.unwrap(), [] as [&str; 0]);
    let name = front.account.principal.name();
    let add = ["lab-dc", "samba-tool", "dc1", "group", "addmembers"];
    let who = ["Group Policy Creator Owners", &name];
    lab.run(&[&add[..], &who].concat());
    assert_eq!(resources().await.unwrap(), [back.account.principal.name()]);
}

/// By the account's own SPNs, and the names that its HOST answers for: not the array's alone.
pub async fn who_delegates_is_found_by_every_name(lab: &'static Lab) {
    let pair = Pair::make(lab).await;
    let host = pair.back.service().components()[1].clone();
    lab.put(
        "dc1",
        &pair.back,
        &format!("add: servicePrincipalName\nservicePrincipalName: HOST/{host}"),
    );
    pair.allow(lab, &format!("cifs/{host}"));
    let directory = lab.controller();
    let found = directory
        .delegation(&lab.dc1, &pair.back.account, &[])
        .await;
    let found = found.unwrap();
    assert_eq!(found.fronts.len(), 1, "{:?}", found.fronts);
    assert_eq!(found.fronts[0].spns, [format!("cifs/{host}")]);
}

/// What may not be read is no "no": flags and descriptors are of one property set.
pub async fn what_is_hidden_is_not_taken_for_absent(lab: &'static Lab) {
    const RESTRICTIONS: &str = "4c164200-20c0-11d0-a768-00aa006e0529";
    let pair = Pair::make(lab).await;
    let directory = lab.controller();
    let inventory = async || {
        let found = directory
            .delegation(&lab.dc1, &pair.front.account, &[])
            .await;
        found.unwrap()
    };
    assert!(!inventory().await.partial);
    let name = pair.back.service().name();
    assert!(directory.service(&lab.dc1, &name).await.is_ok());
    let back = lab.distinguished_name("dc1", &pair.back.account);
    let deny = format!("(OD;;RP;{RESTRICTIONS};;WD)");
    let set = ["lab-dc", "samba-tool", "dc1", "dsacl", "set"];
    let what = ["--action=deny", "--objectdn", &back, "--sddl", &deny];
    lab.run(&[&set[..], &what].concat());
    let Err(PortError::Refused { why, .. }) = directory.service(&lab.dc1, &name).await else {
        panic!("its flags are shown");
    };
    assert!(why.contains("is not shown"), "{why}");
    assert!(inventory().await.partial);
    let own = directory.holding(&lab.dc1, &pair.back.account).await;
    assert!(matches!(own, Err(PortError::Refused { .. })), "{own:?}");
}
