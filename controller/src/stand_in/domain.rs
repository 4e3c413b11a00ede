//! Domain controllers that issue real tickets under whatever password a test gives them, and an
//! array in their domain.

mod kdc;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keyroll::account::{AccountState, OtherOwners};
use keyroll::directory_change::{Action, DirectoryChange};
use keyroll::drift::{DcMark, History};
use keyroll::kerberos::salt::{AccountKind, Salt, SaltSource};
use keyroll::kerberos::{Enctype, Kvno, Realm};
use keyroll::name::DcName;
use keyroll::roll::{Answer, Cause, GenerationNumber, OldKey, Record};
use keyroll::secret::Password;
use keyroll_proto::operator::Alarm;

use super::{StandIn, begin_for, commit, go_on, in_service};
use crate::desired::Desired;
use crate::keys::seal_password;
use crate::ports::{
    AccountRef, Directory, ForestUnseen, NewAccount, NotLoggedIn, PasswordWrite, PortError,
    SpnHolder, SpnSearch, SpnsFound, Values,
};
use crate::reconcile::Reconciler;
use crate::store::{ArrayRecord, PreviousGeneration, Read as _};

/// The password of a generation, as the stand-in seals it.
pub(crate) fn password(generation: u64) -> &'static str {
    [
        "",
        "password of generation 1",
        "password of generation 2",
        "password of generation 3",
    ]
    .get(usize::try_from(generation).unwrap())
    .unwrap()
}

/// The account of an array in service that nothing speaks against.
pub(crate) fn computer() -> AccountState {
    AccountState {
        guid: [7; 16],
        distinguished_name: "CN=web,DC=corp,DC=example".to_owned(),
        salt_source: SaltSource {
            kind: AccountKind::Computer,
            realm: "CORP.EXAMPLE".parse().unwrap(),
            sam_account_name: "WEB$".to_owned(),
            user_principal_name: None,
            dns_domain: "corp.example".to_owned(),
        },
        kvno: Kvno(4),
        spns: vec!["HTTP/web.corp.example".to_owned()],
        supported_enctypes: Some(0x10),
        disabled: false,
        locked: false,
        expired: false,
        password_expired: false,
        expires_unix: None,
        password_expires_unix: None,
        protections: Vec::new(),
        hidden: Vec::new(),
        password_set_unix: 0,
        minimum_age_left: Duration::ZERO,
        minimum_length: 7,
        may_reset: true,
        may_write_fence: true,
        fence: None,
        other_owners: OtherOwners::default(),
        delegates: false,
        not_delegated: false,
        protected_user: false,
        delegates_to: Vec::new(),
    }
}

/// What a domain controller issues under.
#[derive(Clone)]
struct Issuer {
    password: String,
    kvno: Kvno,
    enctype: Enctype,
    salt: Salt,
}

fn salt(name: &str) -> Salt {
    Salt::new(format!("CORP.EXAMPLEhost{name}.corp.example"))
}

struct Domain {
    realm: Realm,
    dcs: Mutex<BTreeMap<DcName, Issuer>>,
    account: Mutex<Option<AccountState>>,
    /// What the next change is answered with, and whether it is made.
    next_change: Mutex<Option<(Answer, bool)>>,
    changes_made: AtomicUsize,
    /// Domain controllers that have not heard of something yet.
    behind: Mutex<BTreeMap<DcName, AccountState>>,
    /// Other accounts' SPNs.
    others: Mutex<Vec<SpnHolder>>,
    /// Why nobody may log in, and how many have tried.
    bar: Mutex<Option<NotLoggedIn>>,
    logins: AtomicUsize,
    /// Whether nobody is told who lets the account act.
    reticent: AtomicBool,
    /// Whether its domain controllers are Samba's.
    samba: AtomicBool,
    /// Whether other forests are looked through.
    forests: AtomicBool,
}

/// An array in service in such a domain: generation 1, kvno 4, keyset 7, nodes n1 and n2.
pub(crate) struct Scene {
    pub(crate) site: StandIn,
    domain: Arc<Domain>,
    reconciler: Reconciler,
}

impl Scene {
    pub(crate) fn new(dcs: &[&str]) -> Self {
        let issuer = Issuer {
            password: password(1).to_owned(),
            kvno: Kvno(4),
            enctype: Enctype::Aes256CtsHmacSha1,
            salt: salt("web"),
        };
        let dcs = dcs.iter().map(|dc| (dc.parse().unwrap(), issuer.clone()));
        let state = computer();
        let domain = Arc::new(Domain {
            realm: "CORP.EXAMPLE".parse().unwrap(),
            dcs: Mutex::new(dcs.collect()),
            account: Mutex::new(Some(state.clone())),
            next_change: Mutex::default(),
            changes_made: AtomicUsize::default(),
            behind: Mutex::default(),
            others: Mutex::default(),
            bar: Mutex::default(),
            logins: AtomicUsize::default(),
            reticent: AtomicBool::default(),
            samba: AtomicBool::default(),
            forests: AtomicBool::default(),
        });
        let site = StandIn::around(domain.clone(), domain.clone(), None);
        let mut array = in_service(&site, &["n1", "n2"]);
        array.spns = state.spns;
        array.spns_pending.clear();
        array.account.principal = "WEB$@CORP.EXAMPLE".parse().unwrap();
        site.keep(&array);
        let controller = &site.controller;
        let (ports, rolls) = (controller.ports.clone(), controller.rolls.clone());
        let (overview, wake) = (controller.overview.clone(), controller.wake.clone());
        let reconciler = Reconciler::new(ports, overview, wake, Duration::from_secs(60));
        Self {
            reconciler: reconciler.healing_with(rolls),
            site,
            domain,
        }
    }

    pub(crate) async fn pass(&self) {
        self.reconciler.pass(&self.row()).await.unwrap();
    }

    /// Registers what waits for a node to hold its key; what is told of what was refused.
    pub(crate) async fn register(&self) -> Vec<Alarm> {
        self.reconciler.register(&self.row()).await.unwrap()
    }

    /// As many passes as it takes for every ticket of before to be dead.
    pub(crate) async fn drained(&self) {
        self.edit(|array| {
            for kept in &mut array.drift.kept {
                kept.left_seconds = 0;
            }
        });
        self.pass().await;
    }

    pub(crate) fn row(&self) -> ArrayRecord {
        let store = &self.site.controller.ports.store;
        store.array(&"web".parse().unwrap()).unwrap().unwrap()
    }

    /// The array is forgotten, and its account stays as it is.
    pub(crate) fn disband(&self) {
        let store = &self.site.controller.ports.store;
        let removed = store.write(|change| change.remove_array(&"web".parse().unwrap()));
        assert!(removed.unwrap());
    }

    pub(crate) fn edit(&self, edit: impl FnOnce(&mut ArrayRecord)) {
        let mut row = self.row();
        edit(&mut row);
        self.site.keep(&row);
    }

    pub(crate) fn state(&self, edit: impl FnOnce(&mut AccountState)) {
        edit(self.domain.account.lock().unwrap().as_mut().unwrap());
    }

    /// The next change is answered like this, and made or not.
    pub(crate) fn answers(&self, answer: Answer, made: bool) {
        *self.domain.next_change.lock().unwrap() = Some((answer, made));
    }

    /// A domain controller that goes on to show the account as it is now.
    pub(crate) fn lags(&self, dc: &str) {
        let state = self.domain.account.lock().unwrap().clone().unwrap();
        let mut behind = self.domain.behind.lock().unwrap();
        behind.insert(dc.parse().unwrap(), state);
    }

    /// Every domain controller shows the account as it is.
    pub(crate) fn replicate(&self) {
        self.domain.behind.lock().unwrap().clear();
    }

    /// How many changes were sent.
    pub(crate) fn changes_made(&self) -> usize {
        self.domain.changes_made.load(Ordering::Relaxed)
    }

    /// From now on these accounts have these SPNs.
    pub(crate) fn others(&self, spns: &[(&str, &str)]) {
        let holder = |(spn, account): &(&str, &str)| SpnHolder {
            spn: (*spn).to_owned(),
            account: (*account).to_owned(),
            distinguished_name: format!("CN={account},DC=corp,DC=example"),
            guid: [99; 16],
            forest: None,
        };
        *self.domain.others.lock().unwrap() = spns.iter().map(holder).collect();
    }

    /// These accounts of another forest have these SPNs, too; and a third forest does not answer.
    pub(crate) fn abroad(&self, spns: &[(&str, &str)]) {
        self.others(spns);
        for one in self.domain.others.lock().unwrap().iter_mut() {
            one.forest = Some("other.example".to_owned());
            one.distinguished_name = format!("CN={},DC=other,DC=example", one.account);
        }
        self.domain.forests.store(true, Ordering::Relaxed);
    }

    pub(crate) fn delete(&self) {
        *self.domain.account.lock().unwrap() = None;
    }

    pub(crate) fn issues(&self, dc: &str, password: &str, kvno: u32) {
        let issuer = Issuer {
            password: password.to_owned(),
            kvno: Kvno(kvno),
            enctype: Enctype::Aes256CtsHmacSha1,
            salt: salt("web"),
        };
        let mut dcs = self.domain.dcs.lock().unwrap();
        dcs.insert(dc.parse().unwrap(), issuer);
    }

    pub(crate) fn issues_rc4(&self, dc: &str) {
        let mut dcs = self.domain.dcs.lock().unwrap();
        dcs.get_mut(&dc.parse().unwrap()).unwrap().enctype = Enctype::Rc4Hmac;
    }

    /// The keys there are those of an account of another name.
    pub(crate) fn salts_as(&self, dc: &str, name: &str) {
        let mut dcs = self.domain.dcs.lock().unwrap();
        dcs.get_mut(&dc.parse().unwrap()).unwrap().salt = salt(name);
    }

    /// Whoever logs in is told this; nobody: it is granted.
    pub(crate) fn bars(&self, why: Option<NotLoggedIn>) {
        *self.domain.bar.lock().unwrap() = why;
    }

    /// Who lets the account act by a descriptor is not told any more.
    pub(crate) fn hides_resources(&self) {
        self.domain.reticent.store(true, Ordering::Relaxed);
    }

    /// Its domain controllers are Samba's.
    pub(crate) fn of_samba(&self) {
        self.domain.samba.store(true, Ordering::Relaxed);
    }

    /// How many logins were tried.
    pub(crate) fn logins(&self) -> usize {
        self.domain.logins.load(Ordering::Relaxed)
    }

    /// The password of this generation is the one from before, still in escrow.
    pub(crate) fn has_had(&self, generation: u64, kvno: u32) {
        let number = GenerationNumber(generation);
        let text = Password::new(password(generation).to_owned());
        self.edit(|array| {
            let seal = &self.site.controller.ports.seal;
            let mut before = array.current.clone().unwrap();
            before.secret = seal_password(seal, &array.name, number, &text);
            (before.number, before.kvno) = (number, Kvno(kvno));
            array.previous = Some(PreviousGeneration {
                generation: before,
                destroy_at_unix: i64::MAX,
            });
        });
    }

    /// Generation 2, kvno 5, is in force, because the one before had leaked.
    pub(crate) fn emergency(&self) {
        let old_key = OldKey::UntilCommitted;
        let mut roll = begin_for(&self.site, true, Cause::Emergency, old_key);
        commit(&self.site, &mut roll);
        let version = self.row().keyset_version.next();
        let records = [Record::Retiring { version }, Record::Done];
        go_on(&self.site, &mut roll, records);
    }

    /// How many rolls were begun.
    pub(crate) fn rolls(&self) -> usize {
        let store = &self.site.controller.ports.store;
        store.history(&"web".parse().unwrap(), 99).unwrap().len()
    }

    /// Waits until the roll that was begun has ended.
    pub(crate) async fn end_roll(&self) {
        while let Some(line) = self.site.controller.rolls.line(&"web".parse().unwrap()) {
            let mut view = line.view.subscribe();
            view.wait_for(|view| view.ended).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    /// The kvnos that nodes shall hold.
    pub(crate) fn kvnos(&self) -> Vec<u32> {
        let desired = Desired::of(&self.site.controller.ports, &self.row()).unwrap();
        let generations = desired.keyset.generations.iter();
        generations.map(|one| one.kvno.0).collect()
    }
}

fn unanswered<T>() -> Result<T, PortError> {
    Err(PortError::Unreachable {
        object: "dc1".to_owned(),
        why: "nobody asks that here".to_owned(),
    })
}

#[async_trait]
impl Directory for Domain {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    async fn domain_controllers(&self) -> Result<Vec<DcName>, PortError> {
        Ok(self.dcs.lock().unwrap().keys().cloned().collect())
    }

    async fn history(&self, _: &DcName, _: &AccountRef) -> Result<History, PortError> {
        unanswered()
    }

    async fn mark(&self, _: &DcName) -> Result<DcMark, PortError> {
        unanswered()
    }

    async fn find(&self, _: &DcName, name: &str) -> Result<AccountRef, PortError> {
        Ok(AccountRef {
            guid: [7; 16],
            principal: format!("{name}@{}", self.realm).parse().unwrap(),
        })
    }

    async fn read(&self, dc: &DcName, account: &AccountRef) -> Result<AccountState, PortError> {
        if let Some(behind) = self.behind.lock().unwrap().get(dc) {
            return Ok(behind.clone());
        }
        let object = account.principal.to_string();
        let missing = || PortError::Missing { object };
        self.account.lock().unwrap().clone().ok_or_else(missing)
    }

    async fn resources(&self, _: &DcName, _: &AccountRef) -> Result<Vec<String>, PortError> {
        if self.reticent.load(Ordering::Relaxed) {
            return unanswered();
        }
        Ok(Vec::new())
    }

    async fn vendor(&self, _: &DcName) -> Result<Option<String>, PortError> {
        let samba = self.samba.load(Ordering::Relaxed);
        Ok(samba.then(|| "Samba Team (https://www.samba.org)".to_owned()))
    }

    async fn write_password(&self, _: &DcName, _: &PasswordWrite<'_>) -> Answer {
        Answer::Unanswered {
            text: String::new(),
        }
    }

    async fn create(&self, _: &DcName, _: &NewAccount<'_>) -> Answer {
        Answer::Unanswered {
            text: String::new(),
        }
    }

    async fn values(&self, _: &DcName, _: &[u8; 16], names: &[&str]) -> Result<Values, PortError> {
        let account = self.account.lock().unwrap();
        let Some(account) = account.as_ref() else {
            return unanswered();
        };
        let spns = || account.spns.iter().map(|spn| spn.clone().into_bytes());
        let values = |name: &str| match name {
            "servicePrincipalName" => spns().collect(),
            "userAccountControl" => vec![b"4096".to_vec()],
            _ => Vec::new(),
        };
        let all = names.iter().map(|name| ((*name).to_owned(), values(name)));
        Ok(all.collect())
    }

    async fn spn_owners(
        &self,
        _: &DcName,
        _: &[String],
    ) -> Result<Vec<(String, String)>, PortError> {
        Ok(Vec::new())
    }

    async fn spn_holders(&self, _: &DcName, _: &SpnSearch) -> Result<SpnsFound, PortError> {
        let mut found = SpnsFound {
            holders: self.others.lock().unwrap().clone(),
            forest: true,
            ..SpnsFound::default()
        };
        if self.forests.load(Ordering::Relaxed) {
            found.others.push("other.example".to_owned());
            found.unseen.push(ForestUnseen {
                forest: "third.example".to_owned(),
                why: "no answer".to_owned(),
                next: "nc -vz dc.third.example 3269".to_owned(),
            });
        }
        Ok(found)
    }

    async fn make_change(&self, change: &DirectoryChange) -> Answer {
        self.changes_made.fetch_add(1, Ordering::Relaxed);
        let next = self.next_change.lock().unwrap().take();
        let (answer, made) = next.unwrap_or((Answer::Applied, true));
        let mut account = self.account.lock().unwrap();
        let spns = &mut account.as_mut().unwrap().spns;
        for one in change.modifications.iter().filter(|_| made) {
            let value = String::from_utf8(one.value.clone()).unwrap();
            match one.action {
                Action::Add => spns.push(value),
                Action::Delete => spns.retain(|spn| *spn != value),
            }
        }
        answer
    }

    async fn set_enctypes(
        &self,
        _: &DcName,
        _: &AccountRef,
        _: &[Enctype],
    ) -> Result<(), PortError> {
        unanswered()
    }

    async fn add_spn(&self, _: &DcName, _: &AccountRef, spn: &str) -> Result<(), PortError> {
        if self.others.lock().unwrap().iter().any(|one| one.spn == spn) {
            return Err(PortError::Refused {
                object: format!("{spn} on dc1"),
                why: "constraintViolation (19)".to_owned(),
                next: String::new(),
            });
        }
        let mut account = self.account.lock().unwrap();
        account.as_mut().unwrap().spns.push(spn.to_owned());
        Ok(())
    }
}
