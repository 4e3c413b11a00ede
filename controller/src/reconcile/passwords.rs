//! Which passwords the domain controllers issue under, and what the nodes hold for it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use keyroll::account::AccountState;
use keyroll::drift::{
    Change, Culprit, Issue, Judgement, Kept, Look, Remedy, Sight, Standing, halting, told,
};
use keyroll::kerberos::Principal;
use keyroll::name::DcName;
use keyroll::roll::{Roll, Trouble, WhichKey};

use super::Reconciler;
use super::candidates::Candidates;
use super::names::may_have;
use crate::audit;
use crate::desired::Desired;
use crate::driver::{DriveError, ap_request};
use crate::ports::{KnownKeys, PortError, Sighting};
use crate::store::{
    ArrayRecord, GenerationRecord, KeptGeneration, NodeState, Read as _, StoreError,
};

/// What a look at every domain controller's tickets has shown.
#[derive(Default)]
pub(super) struct PasswordLook {
    /// What there is to say, for as long as it is so.
    pub(super) lasting: Vec<Change>,
    /// Whether some ticket is under a key that nobody here knows.
    pub(super) foreign: bool,
    /// Whether nodes have to hold something else now.
    pub(super) altered: bool,
}

impl Reconciler {
    /// Gets a ticket from every domain controller, and sees to it that the nodes hold its key if
    /// that is known here.
    pub(super) async fn look_at_passwords(
        &self,
        desired: &Desired,
        account: Option<&AccountState>,
        dcs: &[DcName],
    ) -> Result<PasswordLook, DriveError> {
        let array = &desired.array;
        let (Some(service), Some(standing), Some(base)) = (
            service(array, account),
            standing(array),
            desired.base.as_ref(),
        ) else {
            return Ok(PasswordLook::default());
        };
        let known = KnownKeys {
            keys: base.keys.iter().map(|key| (WhichKey::Base, key)).collect(),
            new_password: None,
            account: Some(&array.account.principal),
        };
        let sights = dcs
            .iter()
            .map(|dc| self.ports.kdc.sight(dc, &service, &known));
        let sightings: Vec<_> = dcs.iter().zip(join_all(sights).await).collect();
        let mut candidates = Candidates::new(&self.ports, desired);
        let mut seen = BTreeMap::new();
        let mut lasting = Vec::new();
        for (dc, sighting) in &sightings {
            let sight = match sighting {
                Ok(sighting) => candidates.judge(standing.current.generation, sighting)?,
                Err(error) => {
                    lasting.push(silent(array, dc, error));
                    Sight::Silent
                }
            };
            seen.insert((*dc).clone(), sight);
        }
        let passed = self.since_last_look(&array.name);
        let lives = sightings.iter().filter_map(|(_, seen)| seen.as_ref().ok());
        let longest = lives.map(|seen| seen.ticket_life).max().unwrap_or_default();
        let after = standing.after(&seen, passed, array.policy.drain_seen(longest));
        let foreign = sightings
            .iter()
            .find(|(dc, _)| matches!(seen.get(*dc), Some(Sight::Foreign(_))));
        let foreign = foreign.and_then(|(dc, sighting)| Some((*dc, sighting.as_ref().ok()?)));
        let culprits = match foreign {
            Some((_, sighting)) => self.culprits(array, sighting).await?,
            None => Vec::new(),
        };
        // Only once the writer has it too: a roll that the writer's old key opened would meet the
        // other password on its way here.
        let on_writer = dcs.first().and_then(|dc| seen.get(dc));
        let remedy = match on_writer {
            Some(Sight::Foreign(_)) => self.heal(array).await?,
            _ => Remedy::Alarm,
        };
        let mut changes = told(&Look {
            array: &array.name,
            account: &array.account.sam_account_name,
            before: &standing,
            after: &after,
            seen: &seen,
            culprits: &culprits,
            remedy,
        });
        if !changes.is_empty() {
            let witness = foreign.map(|(dc, _)| dc).or(dcs.first());
            self.date(array, witness, &mut changes).await;
        }
        let altered = self.hold(desired, &standing, &after, &candidates, &changes)?;
        let (over, still): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| change.code == "password-set-again");
        for change in over {
            self.overview
                .notice(&array.name, self.ports.clock.now(), change);
        }
        lasting.extend(still);
        lasting.extend(returned(array, &lasting));
        Ok(PasswordLook {
            lasting,
            foreign: foreign.is_some(),
            altered,
        })
    }

    /// Where and when somebody set the password that has halted a roll.
    pub(super) async fn look_at_halted(
        &self,
        array: &ArrayRecord,
        roll: &Roll,
        writer: &DcName,
    ) -> PasswordLook {
        let Some(Trouble::ForeignKey { dc, kvno }) = roll.trouble() else {
            return PasswordLook::default();
        };
        let account = &array.account.sam_account_name;
        let mut lasting = vec![halting(&array.name, account, dc, *kvno)];
        self.date(array, Some(writer), &mut lasting).await;
        PasswordLook {
            lasting,
            ..PasswordLook::default()
        }
    }

    async fn date(&self, array: &ArrayRecord, dc: Option<&DcName>, changes: &mut [Change]) {
        let Some(dc) = dc else {
            return;
        };
        let account = array.account_ref();
        match self.ports.directory.history(dc, &account).await {
            Ok(history) => {
                for change in changes {
                    *change = change.clone().dated(&history);
                }
            }
            Err(error) => tracing::debug!(array = %array.name, %error, "no history is shown"),
        }
    }

    /// The nodes whose keytabs open a ticket that no key of the array opens.
    async fn culprits(
        &self,
        array: &ArrayRecord,
        sighting: &Sighting,
    ) -> Result<Vec<Culprit>, StoreError> {
        let Some(request) = ap_request(&sighting.ticket, self.ports.clock.now()) else {
            return Ok(Vec::new());
        };
        let mut members = self.ports.store.members(&array.name)?;
        members.retain(|node| node.state == NodeState::Joined);
        let proofs = members.into_iter().map(|node| {
            let (agents, request) = (&self.ports.agents, request.clone());
            async move {
                let proofs = agents.prove(&node.name, &array.name, request).await;
                let open = proofs.unwrap_or_default().into_iter();
                let open = open.filter(|proof| proof.verdict.is_ok());
                let culprit = |proof: crate::ports::NodeProof| Culprit {
                    node: node.name.clone(),
                    path: proof.path,
                };
                open.map(culprit).collect::<Vec<_>>()
            }
        });
        Ok(join_all(proofs).await.into_iter().flatten().collect())
    }

    /// Makes what the nodes shall hold durable; they are given it at the next look, at once.
    fn hold(
        &self,
        desired: &Desired,
        before: &Standing,
        after: &Standing,
        candidates: &Candidates<'_>,
        changes: &[Change],
    ) -> Result<bool, StoreError> {
        if before == after {
            return Ok(false);
        }
        let then = &desired.array;
        let altered = !before.same_keys_as(after);
        let entries = self.ports.store.write(|change| {
            let Some(mut array) = change.array(&then.name)? else {
                return Ok(None);
            };
            // A roll that began since is to have what it began with.
            let same = (&array.current, &array.drift.kept) == (&then.current, &then.drift.kept);
            if !same || change.has_open_roll(&then.name)? {
                return Ok(None);
            }
            let find = |issue: Issue| {
                let record = then.generation(issue.generation);
                let record = record.or_else(|| candidates.record(issue.generation))?;
                Some(GenerationRecord {
                    kvno: issue.kvno,
                    ..record.clone()
                })
            };
            let Some(current) = find(after.current) else {
                return Ok(None);
            };
            let kept = after.kept.iter().filter_map(|kept| {
                Some(KeptGeneration {
                    generation: find(kept.issue)?,
                    left_seconds: kept.left.as_secs(),
                })
            });
            array.drift.kept = kept.collect();
            if current.number != before.current.generation {
                let told = changes.iter().find(|one| one.code == "password-returned");
                array.drift.returned = told.map(|one| one.sentence());
            }
            array.current = Some(current);
            let mut entries = Vec::new();
            if altered {
                array.advance(desired.given_up.as_ref());
                for one in changes {
                    let event = self.event("Hold", &array, one);
                    entries.push(audit::append_within(change, event)?);
                }
            }
            change.put_array(&array)?;
            Ok::<_, StoreError>(Some(entries))
        })?;
        entries.iter().flatten().for_each(audit::announce);
        Ok(altered && entries.is_some())
    }
}

/// A name that KDCs give tickets for: one that the directory still has, if it was to be read.
fn service(array: &ArrayRecord, account: Option<&AccountState>) -> Option<Principal> {
    let there = |spn: &&String| account.is_none_or(|account| may_have(account, spn));
    let registered = array
        .spns
        .iter()
        .filter(|spn| !array.spns_pending.contains(*spn));
    let mut names = registered.filter(there);
    names.find_map(|spn| Principal::of_spn(spn, &array.realm).ok())
}

/// What the nodes hold while no roll is open.
fn standing(array: &ArrayRecord) -> Option<Standing> {
    let issue = |one: &GenerationRecord| Issue {
        generation: one.number,
        kvno: one.kvno,
    };
    let kept = array.drift.kept.iter().map(|kept| Kept {
        issue: issue(&kept.generation),
        left: Duration::from_secs(kept.left_seconds),
    });
    Some(Standing {
        current: issue(array.current.as_ref()?),
        kept: kept.collect(),
    })
}

fn silent(array: &ArrayRecord, dc: &DcName, error: &PortError) -> Change {
    Change {
        code: "dc-gives-no-ticket",
        object: dc.to_string(),
        what: error.to_string(),
        attribute: None,
        origin: None,
        consequence: String::new(),
        judgement: Judgement::StopsRolls,
        next: format!("keyroll verify {}", array.name),
    }
}

/// A password that was out of force and is in force again is to be rolled, however long ago it was.
fn returned(array: &ArrayRecord, told: &[Change]) -> Option<Change> {
    let what = array.drift.returned.clone()?;
    let code = "password-returned";
    (!told.iter().any(|change| change.code == code)).then(|| Change {
        code,
        object: array.account.sam_account_name.clone(),
        what,
        attribute: None,
        origin: None,
        consequence: String::new(),
        judgement: Judgement::NeedsRoll,
        next: format!("keyroll roll {}", array.name),
    })
}
