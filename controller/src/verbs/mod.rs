//! What an operator can ask for, one file for each noun. The gRPC service only checks who asks.

mod alarms;
mod approvals;
mod arrays;
mod authority;
mod backup;
mod changes;
mod delegation;
mod doctor;
mod no;
mod nodes;
mod operators;
mod passwords;
mod recover;
mod rolls;
mod schedules;
mod spns;
mod verify;
mod views;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use keyroll::name::{ArrayName, DcName, NodeName};
use keyroll_proto::operator as said;
use tokio::sync::{Notify, Semaphore, watch};

pub(crate) use approvals::Giver;
pub use no::No;

use crate::Ports;
use crate::agents::AgentPool;
use crate::audit::sinks::Sinks;
use crate::ca::Authority;
use crate::config::PolicyConfig;
use crate::operators::Grave;
use crate::ports::PortError;
use crate::reconcile::Overview;
use crate::rolls::Rolls;
use crate::store::{ArrayRecord, Read as _};

/// Everything that a verb may need.
pub struct Controller {
    /// The world.
    pub ports: Ports,
    /// The agents' connections, for verbs that cut them.
    pub pool: Arc<AgentPool>,
    /// Signs certificates.
    pub authority: Arc<Authority>,
    /// The rolls under way.
    pub rolls: Arc<Rolls>,
    /// What reconciliation last saw.
    pub overview: Arc<Overview>,
    /// Wakes reconciliation.
    pub wake: Arc<Notify>,
    /// Wakes the scheduler.
    pub schedule_wake: Arc<Notify>,
    /// Told whenever an operator was given or has lost a say: streams look anew who listens.
    pub standing: watch::Sender<()>,
    /// Where the audit goes besides the store.
    pub sinks: Arc<Sinks>,
    /// An array's policy unless it says otherwise.
    pub defaults: PolicyConfig,
    /// What our own certificate names as a server: no node is called so.
    pub own_names: Vec<String>,
    /// Where nodes find us to join, `host:port`.
    pub enroll_address: String,
    /// Where operators reach us, `host:port`.
    pub operator_address: String,
    /// The port on which an agent is dialled unless an operator says otherwise.
    pub agent_port: u16,
    /// The account that this controller binds as, for `--print-acl`.
    pub trustee: String,
    /// The account whose tickets prove things: the same, or one that may do nothing else.
    pub prober: String,
    /// The attribute that makes a reset a compare-and-swap.
    pub fence_attribute: String,
    /// The attributes that it may write with its own rights when an operator asks it to.
    pub controller_writes: Vec<String>,
    /// What no operator may do alone.
    pub two_persons: BTreeSet<Grave>,
    /// Who goes along the audit: one at a time.
    pub audit_walks: Arc<Semaphore>,
    /// Nodes that are being removed from an array.
    pub leaving: Mutex<BTreeSet<(ArrayName, NodeName)>>,
    /// When this process began.
    pub started: (Instant, i64),
}

impl Controller {
    /// The array of this name.
    ///
    /// # Errors
    /// [`No`] if the text is no name, or there is no such array.
    pub fn array(&self, name: &str) -> Result<ArrayRecord, No> {
        let name: ArrayName = name.parse()?;
        self.ports
            .store
            .array(&name)?
            .ok_or_else(|| No::unknown_array(&name))
    }

    /// The domain controller that is written to: the PDC emulator if it is known.
    ///
    /// # Errors
    /// [`No`] if none is found.
    pub async fn writer(&self) -> Result<DcName, No> {
        let dcs = self.ports.directory.domain_controllers().await?;
        let none = || PortError::Missing {
            object: "a domain controller".to_owned(),
        };
        Ok(dcs.into_iter().next().ok_or_else(none)?)
    }
}

fn changed(done: Vec<String>, next: Vec<String>, dry_run: bool) -> said::Changed {
    said::Changed {
        done,
        dry_run,
        next,
    }
}
