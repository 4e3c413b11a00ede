//! From what an agent says to what the driver decides by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::TimeDelta;
use keyroll::doctor::{
    IisFacts, IisPool, IisSite, LoopBackCheck, NodeAround, OwnName, Seen, Unseen, UnseenKind,
};
use keyroll::fence::{Epoch, Fence, Version};
use keyroll::kerberos::{Enctype, Principal};
use keyroll::keyset::HeldEntry;
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::name::{ArrayName, NodeName};
use keyroll_proto::agent;
use keyroll_proto::convert::{Malformed, enctype, parsed, words};
use tokio::time::Instant;

use crate::ports::{NodeInventory, NodeTarget};

/// When a question was asked, by both clocks: the answer's age is told by the monotonic one.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    at: Instant,
    wall: SystemTime,
}

impl Asked {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// How far a clock is ahead of ours that showed `unix_micros` somewhere between our question
    /// and now: half of the time in between is taken for the way there.
    fn offset(self, unix_micros: i64) -> TimeDelta {
        let middle = self.wall + self.at.elapsed() / 2;
        let ours = middle
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_micros();
        let ours = i64::try_from(ours).unwrap_or(i64::MAX);
        TimeDelta::microseconds(unix_micros.saturating_sub(ours))
    }
}

/// A roll waits for a node that it cannot tell to stop, if the node shuts its gate by itself in
/// seconds of less than this: one that says more counts as one that never does. Else a node that
/// somebody has broken into could keep its array from ever being rolled.
const LONGEST_READY: u64 = 24 * 3600;

/// An inventory of `node` for `array`, checked.
///
/// # Errors
/// [`Malformed`] if it is another node's or array's, or a field is not what it should be.
pub fn inventory(
    said: agent::Inventory,
    node: &NodeName,
    array: &ArrayName,
    asked: Asked,
) -> Result<NodeInventory, Malformed> {
    if said.node != node.as_str() || said.array != array.as_str() {
        let (node, array) = (words(&said.node), words(&said.array));
        let reason = format!("it is that of node {node:?}, array {array:?}");
        return Err(Malformed::new("inventory", reason));
    }
    let ready = if said.ready {
        Ok(())
    } else {
        Err(words(&said.not_ready_reason))
    };
    Ok(NodeInventory {
        version: Version(said.version),
        // An agent of before these fields were there says at least what it holds.
        fence: Fence {
            epoch: Epoch(said.heard_epoch.max(said.epoch)),
            version: Version(said.begun_version.max(said.version)),
        },
        targets: said
            .targets
            .into_iter()
            .map(target)
            .collect::<Result<_, _>>()?,
        boot: said.boot,
        ready,
        clock_offset: asked.offset(said.clock_unix_micros),
        certificate_ends_unix: said.certificate_ends_unix,
        agent_version: words(&said.agent_version),
        stays_ready: said
            .stays_ready_seconds
            .filter(|seconds| *seconds <= LONGEST_READY)
            .map(Duration::from_secs),
        hook_trouble: told(&said.hook_trouble),
    })
}

/// What is said, if anything is.
fn told(said: &str) -> Option<String> {
    (!said.is_empty()).then(|| words(said))
}

/// What is around the agent, checked.
///
/// # Errors
/// [`Malformed`] if a field is not what it should be.
pub fn around(said: agent::Inventory) -> Result<NodeAround, Malformed> {
    Ok(NodeAround {
        own_names: said
            .own_names
            .iter()
            .map(own_name)
            .collect::<Result<_, _>>()?,
        iis: said.iis.map(iis),
    })
}

fn iis(said: agent::Iis) -> Seen<IisFacts> {
    if let Some(why) = told(&said.trouble) {
        return Err(Unseen {
            why,
            next: String::new(),
            kind: UnseenKind::Refused,
        });
    }
    let pool = |one: agent::IisPool| IisPool {
        name: words(&one.name),
        account: words(if one.account.is_empty() {
            &one.identity
        } else {
            &one.account
        }),
        kept: one.kept,
    };
    let site = |one: agent::IisSite| IisSite {
        location: words(&one.location),
        enabled: one.enabled,
        kernel_mode: one.kernel_mode,
        use_app_pool_credentials: one.use_app_pool_credentials,
        auth_persist_non_ntlm: one.auth_persist_non_ntlm,
    };
    Ok(IisFacts {
        pools: said.pools.into_iter().map(pool).collect(),
        sites: said.sites.into_iter().map(site).collect(),
    })
}

fn own_name(said: &agent::OwnName) -> Result<OwnName, Malformed> {
    Ok(OwnName {
        host: words(&said.host),
        address: parsed("own_name.address", &said.address)?,
        check: match said.check() {
            agent::LoopBackCheck::None => LoopBackCheck::None,
            agent::LoopBackCheck::Refuses => LoopBackCheck::Refuses,
            agent::LoopBackCheck::Exempt => LoopBackCheck::Exempt,
        },
    })
}

fn target(said: agent::Target) -> Result<NodeTarget, Malformed> {
    let kind = match said.kind() {
        agent::TargetKind::Owned => TargetKind::Owned,
        agent::TargetKind::Shared => TargetKind::Shared,
        agent::TargetKind::Client => TargetKind::Client,
        agent::TargetKind::LogonSession => TargetKind::LogonSession,
        agent::TargetKind::ServiceLogon => TargetKind::ServiceLogon,
        agent::TargetKind::IisPool => TargetKind::IisPool,
        agent::TargetKind::Unspecified => return Err(Malformed::new("target.kind", "unknown")),
    };
    // Old files hold keys of enctypes that keyroll never writes (DES): nobody's concern here.
    let (known, unknown): (Vec<_>, Vec<_>) = said
        .entries
        .iter()
        .partition(|entry| Enctype::from_number(entry.enctype).is_some());
    let unknown = u32::try_from(unknown.len()).unwrap_or(u32::MAX);
    let principal = |text: &String| parsed::<Principal>("target.principals", text);
    let principals: Vec<_> = said
        .principals
        .iter()
        .map(principal)
        .collect::<Result<_, _>>()?;
    let enctypes: Vec<_> = said
        .enctypes
        .into_iter()
        .map(|number| enctype("target.enctypes", number))
        .collect::<Result<_, _>>()?;
    Ok(NodeTarget {
        path: words(&said.path),
        filter: TargetFilter {
            kind,
            principals: (!principals.is_empty()).then_some(principals),
            enctypes: (!enctypes.is_empty()).then_some(enctypes),
        },
        entries: known
            .into_iter()
            .map(HeldEntry::try_from)
            .collect::<Result<_, _>>()?,
        trouble: told(&said.trouble),
        drifted: said.drifted,
        foreign_entries: said.foreign_entries.saturating_add(unknown),
        written_unix: said.written_unix,
        leftovers: said.leftovers.iter().map(|path| words(path)).collect(),
        folder_trouble: told(&said.folder_trouble),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> agent::Inventory {
        agent::Inventory {
            node: "n1".into(),
            array: "web".into(),
            ..Default::default()
        }
    }

    fn read(said: agent::Inventory) -> Result<NodeInventory, Malformed> {
        inventory(
            said,
            &"n1".parse().unwrap(),
            &"web".parse().unwrap(),
            Asked::now(),
        )
    }

    #[test]
    fn an_inventory_of_another_node_or_array_is_refused() {
        assert_eq!(read(said()).unwrap().stays_ready, None);
        let limited = agent::Inventory {
            stays_ready_seconds: Some(5),
            ..said()
        };
        assert_eq!(
            read(limited).unwrap().stays_ready,
            Some(Duration::from_secs(5))
        );
        for endless in [LONGEST_READY + 1, u64::MAX] {
            let limited = agent::Inventory {
                stays_ready_seconds: Some(endless),
                ..said()
            };
            assert_eq!(read(limited).unwrap().stays_ready, None, "{endless}");
        }
        assert!(
            read(agent::Inventory {
                node: "n2".into(),
                ..said()
            })
            .is_err()
        );
        assert!(
            read(agent::Inventory {
                array: "crm".into(),
                ..said()
            })
            .is_err()
        );
    }

    #[test]
    fn a_name_of_its_own_has_an_address() {
        let said = |address: &str| agent::OwnName {
            host: "web.corp.example".to_owned(),
            address: address.to_owned(),
            check: agent::LoopBackCheck::Refuses.into(),
        };
        let read = own_name(&said("10.99.0.40")).unwrap();
        assert_eq!(read.check, LoopBackCheck::Refuses);
        assert!(own_name(&said("localhost")).is_err());
    }

    #[test]
    fn what_iis_does_is_taken_as_it_is_told_or_not_at_all() {
        let told = |iis| around(agent::Inventory { iis, ..said() }).unwrap().iis;
        assert!(told(None).is_none());
        let site = agent::IisSite {
            location: "Shop".to_owned(),
            use_app_pool_credentials: Some(true),
            ..agent::IisSite::default()
        };
        let pool = agent::IisPool {
            name: "Shop".to_owned(),
            identity: "LocalSystem".to_owned(),
            account: String::new(),
            kept: true,
        };
        let iis = agent::Iis {
            pools: vec![pool],
            sites: vec![site],
            trouble: String::new(),
        };
        let found = told(Some(iis.clone())).unwrap().unwrap();
        assert_eq!(found.pools[0].account, "LocalSystem");
        assert!(found.pools[0].kept);
        let site = &found.sites[0];
        let settings = (site.use_app_pool_credentials, site.auth_persist_non_ntlm);
        assert_eq!(settings, (Some(true), None));
        let trouble = "it cannot be read".to_owned();
        let unseen = told(Some(agent::Iis { trouble, ..iis })).unwrap();
        assert_eq!(unseen.unwrap_err().why, "it cannot be read");
    }

    #[test]
    fn entries_of_forgotten_enctypes_count_as_foreign() {
        let entry = |enctype| agent::Entry {
            principal: "HTTP/web@R".into(),
            kvno: 3,
            enctype,
            fingerprint: vec![0; 32],
        };
        let target = agent::Target {
            kind: 1,
            entries: vec![entry(3), entry(18)],
            ..Default::default()
        };
        let read = read(agent::Inventory {
            targets: vec![target],
            ..said()
        })
        .unwrap();
        assert_eq!(
            (
                read.targets[0].entries.len(),
                read.targets[0].foreign_entries
            ),
            (1, 1)
        );
    }

    #[test]
    fn the_clock_offset_is_signed_and_never_overflows() {
        let asked = Asked::now();
        let now = asked.wall.duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
        for (clock, ahead) in [
            (now, 0),
            (now + 600_000_000, 600),
            (now - 600_000_000, -600),
        ] {
            let offset = asked.offset(clock) - TimeDelta::seconds(ahead);
            assert!(offset.abs() < TimeDelta::seconds(2), "{offset}");
        }
        assert!(asked.offset(i64::MIN) < asked.offset(0));
        assert!(asked.offset(i64::MAX) > asked.offset(0));
    }
}
