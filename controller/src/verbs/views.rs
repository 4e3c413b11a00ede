//! Arrays, nodes and the whole controller as operators see them.

use keyroll::drift::Heal;
use keyroll::keytab::TargetKind;
use keyroll::keytab::compare::{Verdict, judge};
use keyroll::roll::policy::{DelegationGap, Method, OnDeadline};
use keyroll_proto::operator as said;

use super::Controller;
use super::no::No;
use crate::desired::Desired;
use crate::reconcile::NodeStatus;
use crate::store::{ArrayRecord, NodeRecord, NodeState, Read as _};

impl Controller {
    /// Every array.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_arrays(&self) -> Result<said::ListArraysReply, No> {
        let arrays = self.ports.store.arrays()?;
        let arrays = arrays
            .iter()
            .map(|array| self.array_view(array))
            .collect::<Result<_, _>>()?;
        Ok(said::ListArraysReply { arrays })
    }

    /// One array, by name.
    ///
    /// # Errors
    /// [`No`].
    pub fn show_array(&self, request: &said::ShowArrayRequest) -> Result<said::ArrayView, No> {
        self.array_view(&self.array(&request.array)?)
    }

    /// One array with everything that belongs to it.
    ///
    /// # Errors
    /// [`No`].
    pub fn array_view(&self, array: &ArrayRecord) -> Result<said::ArrayView, No> {
        let nodes = self.ports.store.members(&array.name)?;
        let mut alarms: Vec<said::Alarm> = self.of_roll(array)?.into_iter().collect();
        alarms.extend(self.overview.alarms(&array.name, self.ports.clock.now()));
        let schedule = self.schedule_view(array, 0)?;
        if !schedule.alarm.is_empty() {
            alarms.push(said::Alarm {
                grade: "warning".to_owned(),
                object: array.name.to_string(),
                what: schedule.alarm.clone(),
                next: format!("keyroll roll {}", array.name),
                ..said::Alarm::default()
            });
        }
        let unregistered = array.unregistered();
        let pending = |spn: &&String| unregistered.contains(*spn);
        Ok(said::ArrayView {
            array: array.name.to_string(),
            account: array.account.sam_account_name.clone(),
            account_kind: format!("{:?}", array.account.kind).to_lowercase(),
            distinguished_name: array.account.distinguished_name.clone(),
            realm: array.realm.to_string(),
            spns: array
                .spns
                .iter()
                .filter(|spn| !pending(spn))
                .cloned()
                .collect(),
            spns_pending: array.spns_pending.iter().cloned().collect(),
            enctypes: array.enctypes.iter().map(ToString::to_string).collect(),
            kvno: array.current.as_ref().map_or(0, |current| current.kvno.0),
            keyset_version: array.keyset_version.0,
            rolled_at_unix: array.rolled_at_unix.unwrap_or(0),
            policy: Some(policy(array)),
            nodes: nodes
                .iter()
                .map(|node| self.node_view(array, node))
                .collect(),
            roll: self.roll_view(array)?.filter(|roll| !roll.ended),
            schedule: Some(schedule),
            alarms,
        })
    }

    /// One node of an array, as reconciliation last saw it.
    pub(super) fn node_view(&self, array: &ArrayRecord, node: &NodeRecord) -> said::NodeView {
        let status = self.overview.node(&array.name, &node.name);
        let quarantine = node.quarantined.get(&array.name);
        let (state, reason) = match (node.state, quarantine, &status) {
            (NodeState::Invited, ..) => ("invited", "it has not joined yet".to_owned()),
            (_, Some(why), _) => ("quarantined", why.clone()),
            (_, None, Some(status)) => (status.state, status.reason.clone()),
            (_, None, None) => ("joined", "it has not been looked at yet".to_owned()),
        };
        let inventory = status.as_ref().and_then(|status| status.inventory.as_ref());
        let seen = status.as_ref().and_then(|status| status.seen);
        said::NodeView {
            array: array.name.to_string(),
            node: node.name.to_string(),
            address: node.address.clone(),
            state: state.to_owned(),
            reason,
            version: inventory.map_or(0, |inventory| inventory.version.0),
            last_seen_unix: seen.map_or(0, |seen| seen.timestamp()),
            certificate_ends_unix: node.certificate_ends_unix().unwrap_or(0),
            clock_offset_seconds: inventory.map_or(0.0, |one| one.clock_offset.as_seconds_f64()),
            targets: status
                .as_ref()
                .map(|status| self.targets(array, status))
                .unwrap_or_default(),
            agent_version: inventory
                .map(|one| one.agent_version.clone())
                .unwrap_or_default(),
            password_uses: node
                .passwords
                .get(&array.name)
                .into_iter()
                .flat_map(|leave| &leave.uses)
                .map(ToString::to_string)
                .collect(),
        }
    }

    fn targets(&self, array: &ArrayRecord, status: &NodeStatus) -> Vec<said::TargetView> {
        let (Some(inventory), Ok(desired)) = (&status.inventory, Desired::of(&self.ports, array))
        else {
            return Vec::new();
        };
        let view = |target: &crate::ports::NodeTarget| said::TargetView {
            path: target.path.clone(),
            kind: match target.filter.kind {
                TargetKind::Owned => "owned",
                TargetKind::Shared => "shared",
                TargetKind::Client => "client",
                TargetKind::LogonSession => "logon-session",
                TargetKind::ServiceLogon => "service-logon",
                TargetKind::IisPool => "iis-pool",
            }
            .to_owned(),
            entries: target
                .entries
                .iter()
                .map(|entry| said::EntryView {
                    principal: entry.principal.to_string(),
                    kvno: entry.kvno.0,
                    enctype: entry.enctype.to_string(),
                    right: judge(&desired.keyset, &target.filter, entry, &status.nonce)
                        == Verdict::Right,
                })
                .collect(),
            trouble: target.trouble.clone().unwrap_or_default(),
            foreign_entries: target.foreign_entries,
        };
        inventory.targets.iter().map(view).collect()
    }

    /// The controller, its domain controllers and every array.
    ///
    /// # Errors
    /// [`No`].
    pub async fn status(&self) -> Result<said::StatusReply, No> {
        let arrays = self.list_arrays()?.arrays;
        let alarms = arrays.iter().flat_map(|array| array.alarms.clone());
        let alarms = self.overview.domain().into_iter().chain(alarms);
        let alarms = self.ports.backups.alarm().into_iter().chain(alarms);
        let alarms = self.sinks.alarms().chain(alarms);
        let alarms = alarms.collect();
        let unknown = |why: String| said::RollDcView {
            dc: "-".to_owned(),
            issues: "unknown".to_owned(),
            kvno: 0,
            reason: why,
        };
        let dcs = match self.ports.directory.domain_controllers().await {
            Ok(dcs) => dcs
                .iter()
                .map(|dc| said::RollDcView {
                    dc: dc.to_string(),
                    ..Default::default()
                })
                .collect(),
            Err(error) => vec![unknown(error.to_string())],
        };
        Ok(said::StatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: self.ports.epoch.now().0,
            started_unix: self.started.1,
            realm: self.ports.directory.realm().to_string(),
            dcs,
            arrays,
            alarms,
        })
    }
}

fn policy(array: &ArrayRecord) -> said::Policy {
    let policy = &array.policy;
    let on_deadline = match policy.on_deadline {
        OnDeadline::Abort => "abort",
        OnDeadline::Quarantine => "quarantine",
    };
    let method = match array.method {
        None => "auto",
        Some(Method::Change) => "change",
        Some(Method::FencedReset) => "reset",
    };
    let heal = match array.drift.heal {
        Heal::Never => "never",
        Heal::Reset => "reset",
    };
    let delegation_gap = match policy.delegation_gap {
        DelegationGap::Refuse => "refuse",
        DelegationGap::InWindow => "in-window",
        DelegationGap::Accept => "accept",
    };
    said::Policy {
        gate: policy.gate.to_string(),
        stage_deadline: policy.stage_deadline.as_secs(),
        on_deadline: on_deadline.to_owned(),
        ticket_life: Some(policy.ticket_life.as_secs()),
        clock_skew: Some(policy.clock_skew.as_secs()),
        margin: Some(policy.margin.as_secs()),
        method: method.to_owned(),
        password_length: array.password_length,
        heal: heal.to_owned(),
        delegation_gap: delegation_gap.to_owned(),
    }
}
