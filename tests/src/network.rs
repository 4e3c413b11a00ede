//! The lab's network, cut and mended.

use std::net::{IpAddr, ToSocketAddrs as _};

use anyhow::{Context as _, Result};

use crate::lab::{Lab, output};

/// Nobody's address: a frame for it reaches every host of the bridge, and none takes it.
const NOBODY: &str = "02:00:00:00:00:01";

/// Two hosts between which everything vanishes, what is on the way too; mended when dropped.
#[derive(Debug)]
pub struct Cut {
    lab: Lab,
    ends: Vec<(String, IpAddr)>,
}

impl Cut {
    /// Parts one host from others. Nobody is told: packets are lost, as by a broken switch.
    ///
    /// # Errors
    /// There is no such host, or the system refuses.
    pub fn between(lab: &Lab, one: &str, others: &[&str]) -> Result<Self> {
        let address = |host: &str| -> Result<IpAddr> {
            let found = (lab.full_name(host), 0).to_socket_addrs();
            let mut found = found.with_context(|| format!("no address of {host}"))?;
            Ok(found.next().context("a name without address")?.ip())
        };
        let mut cut = Self {
            lab: lab.clone(),
            ends: Vec::new(),
        };
        for other in others {
            for (host, to) in [(one, *other), (*other, one)] {
                let to = address(to)?;
                cut.neighbour(host, to, &["replace", "lladdr", NOBODY, "nud", "permanent"])?;
                cut.ends.push((host.to_owned(), to));
            }
        }
        Ok(cut)
    }

    fn neighbour(&self, host: &str, to: IpAddr, what: &[&str]) -> Result<()> {
        let mut ip = self.lab.on(host, "ip");
        ip.args(["neighbour", what[0], &to.to_string(), "dev", "eth0"]);
        output(ip.args(&what[1..])).map(drop)
    }

    /// Mends it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn heal(mut self) -> Result<()> {
        self.mend()
    }

    fn mend(&mut self) -> Result<()> {
        for (host, to) in std::mem::take(&mut self.ends) {
            self.neighbour(&host, to, &["delete"])?;
        }
        Ok(())
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        // Mended already, if all went well.
        drop(self.mend());
    }
}
