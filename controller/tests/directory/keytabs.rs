//! The controller's own credential is a keytab, and the directory is spoken to by Kerberos.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Key, Kvno};
use keyroll::keyset::Role;
use keyroll::keytab::Wanted;
use keyroll::keytab::edit::whole_file;
use keyroll::name::DcName;
use keyroll::roll::Answer;
use keyroll::secret::Password;
use keyroll_controller::directory::config::{DirectorySettings, Transport};
use keyroll_controller::directory::{ActiveDirectory, Kdcs};
use keyroll_controller::ports::{Directory as _, PortError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{AES, Lab, Made, log_in, password, sight};

/// The lab's controller, with its keytab.
fn settings(lab: &Lab, transport: Transport) -> DirectorySettings {
    let keytab = lab.folder.join("controller.keytab");
    let config = lab.keytab_config("svc-keyroll", &keytab, transport);
    config.settings().unwrap()
}

/// A computer account made, found, read and changed over `directory`; its new key logs in.
async fn write_a_password(lab: &'static Lab, directory: &ActiveDirectory, dc: &DcName) {
    let mut made = lab.make("sealed", AccountKind::Computer).await;
    lab.replicate();
    let sam = made.account.principal.name();
    assert_eq!(directory.find(dc, &sam).await.unwrap(), made.account);
    let before = directory.read(dc, &made.account).await.unwrap();
    let new = password(&lab.name("sealed"));
    let answer = made.change(directory, dc, &made.password, &new).await;
    assert_eq!(answer, Answer::Applied);
    let after = directory.read(dc, &made.account).await.unwrap();
    assert_eq!(after.kvno, before.kvno.next());
    made.password = new;
    let keys = made.keys(lab).await;
    log_in(&lab.kdcs(), dc, &made, &keys).await.unwrap();
}

pub async fn a_keytab_binds_sealed_without_a_certificate(lab: &'static Lab) {
    let directory = ActiveDirectory::new(settings(lab, Transport::Gssapi)).unwrap();
    write_a_password(lab, &directory, &lab.dc1).await;
}

pub async fn a_password_binds_sealed_too(lab: &'static Lab) {
    let mut settings = lab.controller_settings();
    settings.transport = Transport::Gssapi;
    let directory = ActiveDirectory::new(settings).unwrap();
    write_a_password(lab, &directory, &lab.dc1).await;
}

/// Gives dc2 the name that every domain controller registers for LDAP; the lab leaves it out.
fn name_dc2(lab: &Lab) {
    give_name(lab, "dc2", "ldap/dc2.corp.example");
}

fn give_name(lab: &Lab, dc: &str, name: &str) {
    let account = format!("{}$", dc.to_uppercase());
    let names = lab.run(&["lab-dc", "samba-tool", dc, "spn", "list", &account]);
    if !names.contains(name) {
        lab.run(&["lab-dc", "samba-tool", dc, "spn", "add", name, &account]);
        lab.replicate();
    }
}

/// dc2 with another configuration or clock, for as long as this lives.
struct Changed<'a> {
    lab: &'a Lab,
    configuration: String,
}

impl<'a> Changed<'a> {
    /// `line` goes into its configuration; `clock` are libfaketime's variables, for Samba alone.
    fn new(lab: &'a Lab, line: &str, clock: &str) -> Self {
        name_dc2(lab);
        let path = lab.folder.join("dc2/smb.conf");
        let configuration = std::fs::read_to_string(&path).unwrap();
        let changed = configuration.replacen("[global]", &format!("[global]\n{line}"), 1);
        std::fs::write(&path, changed).unwrap();
        let changed = Self { lab, configuration };
        lab.run(&["lab-dc", "stop", "dc2"]);
        let clock = format!("LAB_DC_CLOCK={clock}");
        lab.run(&["env", &clock, "lab-dc", "start", "dc2"]);
        changed
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        let path = self.lab.folder.join("dc2/smb.conf");
        std::fs::write(path, &self.configuration).unwrap();
        self.lab.run(&["lab-dc", "restart", "dc2"]);
    }
}

pub async fn a_keytab_binds_over_tls_where_the_domain_controller_lets_it(lab: &'static Lab) {
    name_dc2(lab);
    let settings = settings(lab, Transport::Ldaps);
    let directory = ActiveDirectory::new(settings.clone()).unwrap();
    let error = directory.find(&lab.dc2, "svc-keyroll").await.unwrap_err();
    let PortError::Refused { why, next, .. } = error else {
        panic!("not refused: {error:?}");
    };
    assert!(why.contains("strongerAuthRequired (8)"), "{why}");
    assert!(next.contains("directory.transport"), "{next}");
    let line = "ldap server require strong auth = allow_sasl_over_tls";
    let _changed = Changed::new(lab, line, "");
    let directory = ActiveDirectory::new(settings).unwrap();
    write_a_password(lab, &directory, &lab.dc2).await;
}

/// The keys of `password` under the salt of an account that was never renamed.
fn keys_of(made: &Made, password: &Password) -> Vec<Key> {
    let salt = Salt::new(format!("CORP.EXAMPLE{}", made.account.principal.name()));
    derive_all(&AES, password, &salt)
}

/// A keytab of the account with these generations.
fn keytab(lab: &Lab, made: &Made, generations: &[(u32, &[Key])]) -> PathBuf {
    let wanted: Vec<Wanted<'_>> = generations
        .iter()
        .flat_map(|(kvno, keys)| keys.iter().map(|key| (Kvno(*kvno), key)))
        .map(|(kvno, key)| Wanted {
            principal: &made.account.principal,
            role: Role::Current,
            kvno,
            key,
        })
        .collect();
    let path = lab.folder.join(lab.name("keytab"));
    std::fs::write(&path, whole_file(&wanted, 0).unwrap().expose()).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path
}

/// The failed logins that the directory counts; without a limit it counts none.
async fn counted<T>(lab: &Lab, made: &Made, doing: impl Future<Output = T>) -> (T, String) {
    lab.run(&["lab-dc", "lockout", "10"]);
    let done = doing.await;
    let count = lab.search("dc1", &made.account, "badPwdCount");
    lab.run(&["lab-dc", "lockout", "0"]);
    (done, count.unwrap_or_default())
}

/// Whoever rolls the controller's own account writes the keytab first: the new key does not hold
/// yet, then the old one does not any more, and the controller gets in all the time.
pub async fn a_keytab_may_be_ahead_of_the_directory(lab: &'static Lab) {
    let mut made = lab.make("ahead", AccountKind::User).await;
    let new = password(&lab.name("ahead"));
    let (old_keys, new_keys) = (keys_of(&made, &made.password), keys_of(&made, &new));
    let path = keytab(lab, &made, &[(2, &new_keys), (1, &old_keys)]);
    let name = made.account.principal.name();
    let config = lab.keytab_config(&name, &path, Transport::Gssapi);
    let settings = config.settings().unwrap();
    let own = Kdcs::new(settings.clone());
    let other = lab.make("ahead-other", AccountKind::User).await;
    let (seen, count) = counted(lab, &made, sight(&own, &lab.dc1, &other, &[])).await;
    seen.unwrap();
    // The login with the old key has set it back.
    assert_eq!(count, "0");
    let directory = ActiveDirectory::new(settings).unwrap();
    directory.find(&lab.dc1, &name).await.unwrap();

    let answer = made.reset(&lab.administrator(), &lab.dc1, new).await;
    assert_eq!(answer, Answer::Applied);
    // A first ticket that was issued before goes on; it is the login that changes.
    let (seen, count) = counted(lab, &made, async {
        let fresh = Kdcs::new(own_settings(lab, &name, &path));
        sight(&fresh, &lab.dc1, &other, &[]).await
    })
    .await;
    seen.unwrap();
    assert_eq!(count, "0");
}

fn own_settings(lab: &Lab, name: &str, keytab: &Path) -> DirectorySettings {
    let config = lab.keytab_config(name, keytab, Transport::Gssapi);
    config.settings().unwrap()
}

pub async fn a_keytab_of_old_keys_is_shown_once(lab: &'static Lab) {
    let made = lab.make("behind", AccountKind::User).await;
    let older: Vec<Vec<Key>> = ["one", "two", "three"]
        .map(|seed| keys_of(&made, &password(seed)))
        .into();
    let path = keytab(
        lab,
        &made,
        &[(1, &older[0]), (2, &older[1]), (3, &older[2])],
    );
    let name = made.account.principal.name();
    let directory = ActiveDirectory::new(own_settings(lab, &name, &path)).unwrap();
    let trying = async {
        let mut errors = Vec::new();
        for _ in 0..3 {
            let error = directory.find(&lab.dc1, &name).await.unwrap_err();
            let PortError::Refused { why, next, .. } = error else {
                panic!("not refused: {error:?}");
            };
            errors.push((why, next));
        }
        errors
    };
    let (errors, count) = counted(lab, &made, trying).await;
    assert!(errors[0].0.contains("kvno 3 and 2"), "{errors:?}");
    assert!(errors[0].1.contains("klist -ket"), "{errors:?}");
    assert!(errors[2].0.contains("not tried again"), "{errors:?}");
    // The two newest, once each.
    assert_eq!(count, "2");
}

pub async fn a_wrong_clock_is_no_hindrance(lab: &'static Lab) {
    let other = lab.make("clock", AccountKind::User).await;
    lab.replicate();
    let library = lab.run(&["faketime", "-f", "+0s", "printenv", "LD_PRELOAD"]);
    let clock = format!(
        "LD_PRELOAD={} FAKETIME=+20m FAKETIME_DONT_FAKE_MONOTONIC=1",
        library.trim()
    );
    let _changed = Changed::new(lab, "", &clock);
    let settings = settings(lab, Transport::Gssapi);
    let directory = ActiveDirectory::new(settings.clone()).unwrap();
    directory.find(&lab.dc2, "svc-keyroll").await.unwrap();
    let seen = sight(&Kdcs::new(settings), &lab.dc2, &other, &[]).await;
    let off = seen.unwrap().clock_offset.num_seconds();
    assert!((1195..1205).contains(&off), "{off} s");
}

/// Carries connections to the port of this number on dc1.
#[derive(Default)]
struct Middle {
    carried: AtomicU32,
    /// Whether a bit of the next answer is changed.
    change: AtomicBool,
}

impl Middle {
    async fn serve(self: Arc<Self>, port: u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(("dc1.corp.example", port))
                .await
                .unwrap();
            self.carried.fetch_add(1, Ordering::Relaxed);
            let ((mut from_near, mut to_near), (mut from_far, mut to_far)) =
                (near.into_split(), far.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_near, &mut to_far).await });
            let middle = Arc::clone(&self);
            tokio::spawn(async move {
                let mut room = [0; 4096];
                while let Ok(count) = from_far.read(&mut room).await
                    && count > 0
                {
                    if middle.change.swap(false, Ordering::Relaxed) {
                        room[count - 1] ^= 1;
                    }
                    let _ = to_near.write_all(&room[..count]).await;
                }
            });
        }
    }
}

pub async fn a_sealed_message_that_was_changed_ends_the_connection(lab: &'static Lab) {
    give_name(lab, "dc1", "ldap/localhost");
    let (middle, kdc, catalog) = <(Arc<Middle>, Arc<Middle>, Arc<Middle>)>::default();
    tokio::spawn(Arc::clone(&middle).serve(389));
    tokio::spawn(kdc.serve(88));
    tokio::spawn(Arc::clone(&catalog).serve(3268));
    let made = lab.make("middle", AccountKind::Computer).await;
    let directory = ActiveDirectory::new(settings(lab, Transport::Gssapi)).unwrap();
    let dc: DcName = "localhost".parse().unwrap();
    let connections = || middle.carried.load(Ordering::Relaxed);
    directory.read(&dc, &made.account).await.unwrap();
    directory.read(&dc, &made.account).await.unwrap();
    // Everything went over one connection, and the search of the whole forest over another.
    assert_eq!(
        (connections(), catalog.carried.load(Ordering::Relaxed)),
        (1, 1)
    );
    // A look goes first; its answer is not believed, and the write goes over a new connection.
    middle.change.store(true, Ordering::Relaxed);
    let new = password(&lab.name("middle"));
    let answer = made.change(&directory, &dc, &made.password, &new).await;
    assert_eq!(answer, Answer::Applied);
    assert!(!middle.change.load(Ordering::Relaxed));
    assert_eq!(connections(), 2);
}
