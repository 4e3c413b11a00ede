//! One service ticket that a user holds on to.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};

use crate::lab::{Lab, output};

/// A ticket of alice's in a cache without anything to get another with.
#[derive(Debug)]
pub struct HeldTicket<'a> {
    lab: &'a Lab,
    host: String,
    cache: PathBuf,
}

impl<'a> HeldTicket<'a> {
    /// Fetches one for `HTTP/host` that lives `seconds`.
    ///
    /// # Errors
    /// The KDC gives none.
    pub fn fetch(lab: &'a Lab, host: &str, seconds: u32) -> Result<Self> {
        Self::get(lab, None, host, seconds)
    }

    /// The same from the domain controller `dc`, named short.
    ///
    /// # Errors
    /// It gives none.
    pub fn fetch_from(lab: &'a Lab, dc: &str, host: &str, seconds: u32) -> Result<Self> {
        Self::get(lab, Some(dc), host, seconds)
    }

    fn get(lab: &'a Lab, dc: Option<&str>, host: &str, seconds: u32) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = lab.folder("tickets")?;
        let (first, cache) = (
            folder.join(format!("tgt{number}")),
            folder.join(format!("{number}")),
        );
        let from = dc.map(|dc| lab.dir.join(format!("etc/krb5-only-{dc}.conf")));
        let from = from.map(|config| ("KRB5_CONFIG", config));
        let mut kinit = lab.on("client", "kinit");
        kinit
            .envs(from.clone())
            .arg("-kt")
            .arg(lab.dir.join("alice.keytab"))
            .arg("-c")
            .arg(&first);
        output(kinit.arg("alice"))?;
        let mut ticket = lab.on("client", "lab-ticket");
        ticket
            .envs(from)
            .args([&first, &cache])
            .args([&format!("HTTP/{host}"), &seconds.to_string()]);
        output(&mut ticket)?;
        Ok(Self {
            lab,
            host: host.to_owned(),
            cache,
        })
    }

    /// Logs in with it at one node.
    ///
    /// # Errors
    /// The login failed, with what curl and libkrb5 said.
    pub fn log_in(&self, node: &str) -> Result<()> {
        let mut curl: Command = self.lab.on("client", "curl");
        curl.args([
            "--negotiate",
            "-u",
            ":",
            "-s",
            "-v",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
        ]);
        let to = format!("{}:80:{}:80", self.host, self.lab.full_name(node));
        curl.args([
            "--max-time",
            "10",
            "--connect-to",
            &to,
            &format!("http://{}/", self.host),
        ]);
        curl.env("KRB5CCNAME", &self.cache)
            .env("KRB5_TRACE", "/dev/stderr");
        let done = curl.output()?;
        let code = String::from_utf8_lossy(&done.stdout).into_owned();
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(
            code == "200",
            "{node} answers {code:?} to a held ticket\n{said}"
        );
        Ok(())
    }
}
