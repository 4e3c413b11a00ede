//! The controller's own credential is a keytab, and the directory is spoken to by Kerberos.

use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::directory::config::Transport;
use keyroll_controller::ports::{Directory as _, PortError};

use crate::lab::{Lab, log_in, password};

/// A computer account made, found and changed by `directory`, and its new key logged in with.
async fn whole_write(lab: &'static Lab, directory: &ActiveDirectory, dc: &keyroll::name::DcName) {
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
    let keytab = lab.folder.join("controller.keytab");
    let config = lab.keytab_config("svc-keyroll", &keytab, Transport::Gssapi);
    let directory = ActiveDirectory::new(config.settings().unwrap()).unwrap();
    whole_write(lab, &directory, &lab.dc1).await;
}

/// Gives dc2 the name that every domain controller registers for LDAP; the lab leaves it out.
fn name_dc2(lab: &Lab) {
    let name = "ldap/dc2.corp.example";
    let names = lab.run(&["lab-dc", "samba-tool", "dc2", "spn", "list", "DC2$"]);
    if !names.contains(name) {
        lab.run(&["lab-dc", "samba-tool", "dc2", "spn", "add", name, "DC2$"]);
        lab.replicate();
    }
}

/// A line in the configuration of dc2, for as long as this lives.
struct Configured<'a> {
    lab: &'a Lab,
    before: String,
}

impl<'a> Configured<'a> {
    fn new(lab: &'a Lab, line: &str) -> Self {
        let path = lab.folder.join("dc2/smb.conf");
        let before = std::fs::read_to_string(&path).unwrap();
        let after = before.replacen("[global]", &format!("[global]\n{line}"), 1);
        std::fs::write(&path, after).unwrap();
        lab.run(&["lab-dc", "restart", "dc2"]);
        Self { lab, before }
    }
}

impl Drop for Configured<'_> {
    fn drop(&mut self) {
        let path = self.lab.folder.join("dc2/smb.conf");
        std::fs::write(path, &self.before).unwrap();
        self.lab.run(&["lab-dc", "restart", "dc2"]);
    }
}

pub async fn a_keytab_binds_over_tls_where_the_domain_controller_lets_it(lab: &'static Lab) {
    name_dc2(lab);
    let keytab = lab.folder.join("controller.keytab");
    let config = lab.keytab_config("svc-keyroll", &keytab, Transport::Ldaps);
    let settings = config.settings().unwrap();
    let directory = ActiveDirectory::new(settings.clone()).unwrap();
    let error = directory.find(&lab.dc2, "svc-keyroll").await.unwrap_err();
    let PortError::Refused { why, next, .. } = error else {
        panic!("not refused: {error:?}");
    };
    assert!(why.contains("strongerAuthRequired (8)"), "{why}");
    assert!(next.contains("directory.transport"), "{next}");
    let _configured = Configured::new(lab, "ldap server require strong auth = allow_sasl_over_tls");
    let directory = ActiveDirectory::new(settings).unwrap();
    whole_write(lab, &directory, &lab.dc2).await;
}
