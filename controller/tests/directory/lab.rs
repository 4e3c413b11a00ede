//! The lab's domain, and the adapters under test bound to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::name::DcName;
use keyroll::roll::policy::Method;
use keyroll::roll::{Answer, WhichKey};
use keyroll::secret::Password;
use keyroll_controller::directory::config::{
    BindConfig, DirectoryConfig, DirectorySettings, Transport,
};
use keyroll_controller::directory::{ActiveDirectory, Kdcs};
use keyroll_controller::ports::{
    AccountRef, Directory as _, Kdc as _, KnownKeys, NewAccount, NotLoggedIn, PasswordWrite,
    PortError, Sighting,
};

/// What the enctypes of an array usually are.
pub const AES: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];

/// How large a lab is wanted.
pub struct Shape {
    /// Domain controllers.
    pub dcs: u32,
}

pub fn is_inside() -> bool {
    std::env::var_os("LAB").is_some_and(|lab| lab == "1")
}

/// Runs this very program again inside the lab, and ends as it ends.
pub fn enter(shape: Shape) -> ExitCode {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lab");
    let missing = Command::new(lab.join("packages")).arg("--check").status();
    if !missing.is_ok_and(|status| status.success()) {
        return complain("the lab's packages are missing: run `make deps`, which needs root once");
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return complain(&format!("cannot find this test again: {error}")),
    };
    let status = Command::new(lab.join("run"))
        .args(["--dcs", &shape.dcs.to_string(), "--nodes", "1"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .status();
    match status {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => complain(&format!("cannot start the lab: {error}")),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a test program tells why it cannot run"
)]
fn complain(why: &str) -> ExitCode {
    eprintln!("directory: {why}");
    ExitCode::FAILURE
}

/// The lab that this program runs in.
pub struct Lab {
    pub folder: PathBuf,
    pub dc1: DcName,
    pub dc2: DcName,
    names: AtomicU32,
}

/// An account made for a test, and the password it has.
pub struct Made {
    pub account: AccountRef,
    pub password: Password,
    pub fence: String,
}

impl Lab {
    pub fn shared() -> &'static Self {
        static LAB: OnceLock<Lab> = OnceLock::new();
        LAB.get_or_init(|| Self {
            folder: PathBuf::from(std::env::var_os("LAB_DIR").expect("inside the lab")),
            dc1: "dc1.corp.example".parse().unwrap(),
            dc2: "dc2.corp.example".parse().unwrap(),
            names: AtomicU32::new(0),
        })
    }

    /// The configuration of a controller that binds as `name` with the password in this file.
    pub fn config(&self, name: &str, password_file: &Path) -> DirectoryConfig {
        DirectoryConfig {
            domain: "corp.example".to_owned(),
            realm: None,
            transport: Transport::Ldaps,
            domain_controllers: Default::default(),
            ca: vec![self.folder.join("ca.pem")],
            bind: BindConfig {
                principal: format!("{name}@corp.example"),
                password_file: Some(password_file.to_owned()),
                password_credential: None,
                keytab: None,
                keytab_credential: None,
            },
            prober: None,
            account_container: None,
            fence_attribute: "adminDescription".to_owned(),
            connect_timeout_seconds: 5,
            write_timeout_seconds: 10,
            accounts_below: Vec::new(),
            exceptions: Vec::new(),
            forests: Vec::new(),
        }
    }

    /// The configuration of a controller that logs in as `name` with the keys in this keytab.
    pub fn keytab_config(
        &self,
        name: &str,
        keytab: &Path,
        transport: Transport,
    ) -> DirectoryConfig {
        let mut config = self.config(name, keytab);
        config.bind.keytab = config.bind.password_file.take();
        config.transport = transport;
        if transport == Transport::Gssapi {
            config.ca.clear();
        }
        config
    }

    pub fn administrator_settings(&self) -> DirectorySettings {
        let config = self.config("Administrator", &self.folder.join("admin.password"));
        config.settings().unwrap()
    }

    /// The controller's own account, which may do nothing unless it is granted.
    pub fn controller_settings(&self) -> DirectorySettings {
        let config = self.config("svc-keyroll", &self.folder.join("controller.password"));
        config.settings().unwrap()
    }

    pub fn administrator(&self) -> ActiveDirectory {
        ActiveDirectory::new(self.administrator_settings()).unwrap()
    }

    pub fn controller(&self) -> ActiveDirectory {
        ActiveDirectory::new(self.controller_settings()).unwrap()
    }

    pub fn kdcs(&self) -> Kdcs {
        Kdcs::new(self.controller_settings())
    }

    /// A name that no other test has, nor an earlier run in the same lab.
    pub fn name(&self, what: &str) -> String {
        format!(
            "{what}-{:x}-{}",
            std::process::id(),
            self.names.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// A new account in the directory, with an SPN `HTTP/NAME.corp.example`.
    pub async fn make(&self, what: &str, kind: AccountKind) -> Made {
        let name = self.name(what);
        let directory = self.administrator();
        let sam = match kind {
            AccountKind::User => name.clone(),
            AccountKind::Computer => format!("{name}$"),
        };
        let password = password("first");
        let made = NewAccount {
            sam_account_name: &sam,
            kind,
            container: None,
            password: &password,
            enctypes: &AES,
            fence: "fence-0",
        };
        assert_eq!(directory.create(&self.dc1, &made).await, Answer::Applied);
        let account = directory.find(&self.dc1, &sam).await.unwrap();
        let spn = format!("HTTP/{name}.corp.example");
        directory.add_spn(&self.dc1, &account, &spn).await.unwrap();
        Made {
            account,
            password,
            fence: "fence-0".to_owned(),
        }
    }

    /// Both domain controllers hold the same, whatever the tests before have left.
    pub fn replicate(&self) {
        self.run(&["lab-dc", "replicate"]);
    }

    /// Runs one of the lab's commands, which must succeed; its output.
    pub fn run(&self, command: &[&str]) -> String {
        let output = Command::new(command[0])
            .args(&command[1..])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}{complained}");
        said
    }

    /// Changes an object on a domain controller's own database: no right is missing.
    pub fn put(&self, dc: &str, made: &Made, changes: &str) {
        let name = self.distinguished_name(dc, &made.account);
        let ldif = format!("dn: {name}\nchangetype: modify\n{changes}\n");
        let path = self.folder.join(self.name("ldif"));
        std::fs::write(&path, ldif).unwrap();
        self.run(&["lab-dc", "ldbmodify", dc, path.to_str().unwrap()]);
    }

    pub fn distinguished_name(&self, dc: &str, account: &AccountRef) -> String {
        let found = self.search(dc, account, "distinguishedName");
        found.expect("every object has a name")
    }

    /// One attribute of an account, from a domain controller's own database.
    pub fn search(&self, dc: &str, account: &AccountRef, attribute: &str) -> Option<String> {
        let filter = format!("(sAMAccountName={})", account.principal.name());
        let said = self.run(&["lab-dc", "ldbsearch", dc, &filter, attribute]);
        let line = format!("{}: ", attribute.to_lowercase());
        let mut lines = said
            .lines()
            .filter(|text| text.to_lowercase().starts_with(&line));
        lines.next().map(|text| text[line.len()..].to_owned())
    }
}

impl Made {
    pub fn service(&self) -> Principal {
        let name = self.account.principal.name();
        let host = name.trim_end_matches('$');
        format!("HTTP/{host}.corp.example@CORP.EXAMPLE")
            .parse()
            .unwrap()
    }

    /// A fenced reset to `new`, from the fence that this account was left with.
    pub async fn reset(
        &mut self,
        directory: &ActiveDirectory,
        dc: &DcName,
        new: Password,
    ) -> Answer {
        let next = format!("{}+", self.fence);
        let write = PasswordWrite {
            account: &self.account,
            old: None,
            new: &new,
            method: Method::FencedReset,
            fence: (Some(&self.fence), &next),
        };
        let answer = directory.write_password(dc, &write).await;
        if answer == Answer::Applied {
            self.fence = next;
            self.password = new;
        }
        answer
    }

    /// A change from `old` to `new`.
    pub async fn change(
        &self,
        directory: &ActiveDirectory,
        dc: &DcName,
        old: &Password,
        new: &Password,
    ) -> Answer {
        let write = PasswordWrite {
            account: &self.account,
            old: Some(old),
            new,
            method: Method::Change,
            fence: (None, "unused"),
        };
        directory.write_password(dc, &write).await
    }

    /// The keys of its password as predicted from its attributes.
    pub async fn keys(&self, lab: &Lab) -> Vec<Key> {
        let state = lab
            .administrator()
            .read(&lab.dc1, &self.account)
            .await
            .unwrap();
        derive_all(&AES, &self.password, &state.salt_source.next_salt())
    }
}

/// A password that the default rules take, different for each `seed`.
pub fn password(seed: &str) -> Password {
    Password::new(format!("Contract-7-{seed}-{:016x}", std::process::id()))
}

/// Whose key `dc` issues with, of these.
pub async fn sight(
    kdcs: &Kdcs,
    dc: &DcName,
    made: &Made,
    keys: &[(WhichKey, &[Key])],
) -> Result<Sighting, PortError> {
    let all = keys
        .iter()
        .flat_map(|(which, keys)| keys.iter().map(|key| (*which, key)));
    let known = KnownKeys {
        keys: all.collect(),
        new_password: None,
        account: Some(&made.account.principal),
    };
    kdcs.sight(dc, &made.service(), &known).await
}

/// Logs in with each key alone and gives back the salts.
pub async fn log_in(
    kdcs: &Kdcs,
    dc: &DcName,
    made: &Made,
    keys: &[Key],
) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn> {
    kdcs.log_in(dc, &made.account.principal, keys).await
}

#[track_caller]
pub fn assert_refused(answer: &Answer, wanted: (u32, Option<u32>)) {
    match answer {
        Answer::Refused { code, win32, .. } => assert_eq!((*code, *win32), wanted, "{answer:?}"),
        other => panic!("not refused: {other:?}"),
    }
}
