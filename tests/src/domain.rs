//! The domain as its administrator sees it, and as a client does.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::cli::Cli;
use crate::lab::{Lab, output};
use crate::wait::{seconds, until};

/// The lab's domain.
#[derive(Debug, Clone)]
pub struct Domain<'a> {
    lab: &'a Lab,
}

impl<'a> Domain<'a> {
    /// The domain of this lab.
    #[must_use]
    pub const fn of(lab: &'a Lab) -> Self {
        Self { lab }
    }

    /// One of the verbs of `lab-dc`.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn dc(&self, arguments: &[&str]) -> Result<String> {
        output(Command::new("lab-dc").args(arguments))
    }

    /// `samba-tool` on the first domain controller's own database.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn samba_tool(&self, arguments: &[&str]) -> Result<String> {
        self.dc(&[&["samba-tool", "dc1"], arguments].concat())
    }

    /// A user account that `svc-keyroll` may reset, with its keytab and password in files.
    ///
    /// # Errors
    /// The directory refuses.
    pub fn account(&self, name: &str, spns: &[&str]) -> Result<()> {
        self.dc(&[&["account", name], spns].concat())?;
        spns.iter().try_for_each(|spn| self.wait_for_spn(spn))
    }

    /// The keytab of such an account.
    #[must_use]
    pub fn keytab(&self, name: &str) -> PathBuf {
        self.lab.dir.join("accounts").join(format!("{name}.keytab"))
    }

    /// The password file of such an account.
    #[must_use]
    pub fn password_file(&self, name: &str) -> PathBuf {
        self.lab
            .dir
            .join("accounts")
            .join(format!("{name}.password"))
    }

    /// Runs the commands that `keyroll array create --print-acl` prints for an account.
    ///
    /// # Errors
    /// One of them fails.
    pub fn delegate(&self, cli: &Cli, account: &str) -> Result<()> {
        let printed = cli.run(&[
            "array",
            "create",
            "any",
            "--account",
            account,
            "--print-acl",
        ])?;
        let commands = printed["samba_tool"]
            .as_array()
            .context("no samba-tool commands")?;
        for command in commands.iter().filter_map(Value::as_str) {
            // The words are quoted for a shell, so a shell reads them.
            let line = format!("samba-tool() {{ lab-dc samba-tool dc1 \"$@\"; }}\n{command}");
            output(Command::new("bash").args(["-euc", &line]))
                .with_context(|| format!("a printed command fails: {command}"))?;
        }
        Ok(())
    }

    /// Makes an organizational unit in which `svc-keyroll` may make accounts and owns them.
    ///
    /// # Errors
    /// The directory refuses.
    pub fn unit(&self, name: &str) -> Result<String> {
        let dn = format!("OU={name},DC=corp,DC=example");
        self.samba_tool(&["ou", "create", &dn])?;
        let sid = self.sid("svc-keyroll")?;
        let mut rights = String::new();
        for class in [COMPUTER, USER] {
            rights += &format!("(OA;;CC;{class};;{sid})(OA;CIIO;GA;;{class};{sid})");
        }
        self.samba_tool(&[
            "dsacl",
            "set",
            &format!("--objectdn={dn}"),
            &format!("--sddl={rights}"),
        ])?;
        Ok(dn)
    }

    /// An account's SID.
    ///
    /// # Errors
    /// There is no such account.
    pub fn sid(&self, account: &str) -> Result<String> {
        let shown = self.samba_tool(&["user", "show", account, "--attributes=objectSid"])?;
        let sid = shown
            .lines()
            .find_map(|line| line.strip_prefix("objectSid: "));
        Ok(sid
            .with_context(|| format!("{account} has no objectSid"))?
            .to_owned())
    }

    /// Writes past everything that the directory checks, into the file of the first domain
    /// controller: states that only replication can bring about.
    ///
    /// # Errors
    /// It is refused.
    pub fn force(&self, dn: &str, change: &str) -> Result<()> {
        self.force_on("dc1", dn, change)
    }

    fn force_on(&self, dc: &str, dn: &str, change: &str) -> Result<()> {
        let file = self.lab.folder("ldif")?.join(format!("{:x}", unique()));
        fs::write(&file, format!("dn: {dn}\nchangetype: modify\n{change}\n"))?;
        let mut tool = self.lab.on(dc, "ldbmodify");
        output(tool.arg("-H").arg(self.partition(dc)?).arg(file))?;
        Ok(())
    }

    fn partition(&self, dc: &str) -> Result<PathBuf> {
        let folder = self.lab.dir.join(format!("{dc}/private/sam.ldb.d"));
        let wanted = format!("DC={}.ldb", self.lab.domain.replace('.', ",DC="));
        let names = fs::read_dir(&folder)?
            .flatten()
            .map(|entry| entry.file_name());
        let mut names = names.filter_map(|name| name.into_string().ok());
        let name = names.find(|name| name.eq_ignore_ascii_case(&wanted));
        Ok(folder.join(name.context("no file of the domain")?))
    }

    /// An account's password and what belongs to it, as they stand in a domain controller's file.
    ///
    /// # Errors
    /// There is no such account.
    pub fn secrets(&self, dc: &str, dn: &str) -> Result<Vec<(String, String)>> {
        let mut tool = self.lab.on(dc, "ldbsearch");
        tool.arg("-H").arg(self.partition(dc)?);
        let found = output(tool.args(["-s", "base", "-b", dn]).args(SECRETS))?;
        // Long values go on in lines that begin with a space.
        let found = found.replace("\n ", "");
        let value = |name: &&str| {
            let starts = [format!("{name}: "), format!("{name}:: ")];
            let mut lines = found.lines();
            let line = lines.find(|line| starts.iter().any(|start| line.starts_with(start)))?;
            Some(((*name).to_owned(), line.to_owned()))
        };
        let values: Vec<_> = SECRETS.iter().filter_map(value).collect();
        ensure!(values.len() > 2, "{dc} has no password of {dn}:\n{found}");
        Ok(values)
    }

    /// Has a domain controller go back, with that one account, to what [`Domain::secrets`] found,
    /// stamps and all, so that replication does not mend it.
    ///
    /// # Errors
    /// It is refused.
    pub fn put_back(&self, dc: &str, dn: &str, secrets: &[(String, String)]) -> Result<()> {
        let changes = secrets.iter();
        let changes = changes.map(|(name, line)| format!("replace: {name}\n{line}"));
        self.force_on(dc, dn, &changes.collect::<Vec<_>>().join("\n-\n"))
    }

    /// Has DNS lead a name to a host of the lab, and that host's address back to the name too, on
    /// every domain controller: each of them is asked, and whoever answers first is believed.
    ///
    /// # Errors
    /// The host has no address, or the record cannot be made.
    pub fn address(&self, name: &str, host: &str) -> Result<()> {
        self.dc(&["name", name, &self.address_of(host)?])?;
        let zones = "DC=DomainDnsZones,DC=corp,DC=example";
        self.dc(&["replicate", "dc1", "dc2", zones]).map(drop)
    }

    /// Has a node's address lead back to its own name alone, whatever it was called by others.
    ///
    /// # Errors
    /// As [`Domain::address`].
    pub fn unname(&self, host: &str) -> Result<()> {
        self.dc(&["unname", &self.address_of(host)?]).map(drop)
    }

    fn address_of(&self, host: &str) -> Result<String> {
        use std::net::ToSocketAddrs as _;
        let mut addresses = (self.lab.full_name(host), 0).to_socket_addrs()?;
        let address = addresses.next().context("the host has no address")?;
        Ok(address.ip().to_string())
    }

    /// Writes to the directory with no rights asked, as LDIF.
    ///
    /// # Errors
    /// It is refused.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        let file = self.lab.folder("ldif")?.join(format!("{:x}", unique()));
        fs::write(&file, ldif)?;
        let path = file.to_str().context("the folder's name is not UTF-8")?;
        self.dc(&["ldbmodify", "dc1", path])?;
        Ok(())
    }

    /// One attribute of an account, as the domain controller `dc` has it.
    ///
    /// # Errors
    /// There is no such account there.
    pub fn attribute(&self, dc: &str, account: &str, attribute: &str) -> Result<Vec<String>> {
        let filter = format!("(sAMAccountName={account})");
        let found = self.dc(&["ldbsearch", dc, &filter, attribute])?;
        ensure!(
            found.contains("# 1 entries"),
            "{dc} has not one {account}:\n{found}"
        );
        let prefix = format!("{attribute}: ");
        let values = found.lines().filter_map(|line| line.strip_prefix(&prefix));
        Ok(values.map(str::to_owned).collect())
    }

    /// The kvno that the first domain controller tells.
    ///
    /// # Errors
    /// There is no such account.
    pub fn kvno(&self, account: &str) -> Result<u32> {
        let found = self.attribute("dc1", account, "msDS-KeyVersionNumber")?;
        found
            .first()
            .context("no kvno")?
            .parse()
            .context("a kvno that is no number")
    }

    /// Gives the key that an account has another kvno, on every domain controller.
    ///
    /// # Errors
    /// It is refused, or does not replicate.
    pub fn renumber(&self, account: &str, kvno: u32) -> Result<()> {
        self.dc(&["renumber", account, &kvno.to_string()])?;
        self.wait_for_kvno(account)
    }

    /// Waits until every domain controller gives tickets for an SPN.
    ///
    /// # Errors
    /// One does not in time.
    pub fn wait_for_spn(&self, spn: &str) -> Result<()> {
        for dc in &self.lab.dcs {
            until(&format!("{dc} to know {spn}"), seconds(120), || {
                self.ticket(dc, spn)
            })?;
        }
        Ok(())
    }

    /// Waits until every domain controller has the same kvno of an account.
    ///
    /// # Errors
    /// One has not in time.
    pub fn wait_for_kvno(&self, account: &str) -> Result<()> {
        until("the domain controllers to agree", seconds(120), || {
            let first = self.attribute("dc1", account, "msDS-KeyVersionNumber")?;
            for dc in self.lab.dcs.iter().filter_map(|dc| dc.split('.').next()) {
                let kvno = self.attribute(dc, account, "msDS-KeyVersionNumber")?;
                ensure!(kvno == first, "{dc} has {kvno:?}, dc1 has {first:?}");
            }
            Ok(())
        })
    }

    /// Fetches a ticket from one domain controller, straight from its AS.
    ///
    /// # Errors
    /// It gives none, and why.
    pub fn ticket(&self, dc: &str, spn: &str) -> Result<()> {
        let short = dc.split('.').next().unwrap_or(dc);
        let mut kinit = self.lab.on("client", "kinit");
        kinit.env(
            "KRB5_CONFIG",
            self.lab.dir.join(format!("etc/krb5-only-{short}.conf")),
        );
        kinit
            .args(["-S", spn, "-c", "MEMORY:", "-k", "-t"])
            .arg(self.lab.dir.join("alice.keytab"));
        output(kinit.arg("alice"))?;
        Ok(())
    }
}

/// schemaIDGUID of the two classes (MS-ADSC).
const COMPUTER: &str = "bf967a86-0de6-11d0-a285-00aa003049e2";
const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";

/// What a password set writes, and the stamps of it.
const SECRETS: [&str; 5] = [
    "unicodePwd",
    "ntPwdHistory",
    "supplementalCredentials",
    "pwdLastSet",
    "replPropertyMetaData",
];

fn unique() -> u128 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
}
