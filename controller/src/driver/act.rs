//! One action of a roll, performed: what was asked of the world, and what it answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use keyroll::kerberos::{Key, Principal};
use keyroll::keyset::{Keyset, Role};
use keyroll::keytab::compare::shortfall;
use keyroll::name::{DcName, NodeName};
use keyroll::password::{Length, generate};
use keyroll::roll::plan::preflight::clock_off;
use keyroll::roll::{
    Action, Answer, Candidate, Cause, DcView, Issued, NoLogin, NodeView, Observed, Refusal, Roll,
    State, Which, WhichKey,
};
use keyroll_failpoint::at;
use tokio::sync::Mutex;

use super::tickets::{Tickets, ap_request, mint};
use crate::Ports;
use crate::keys::{Unlocked, seal_password};
use crate::ports::{
    AccountRef, KnownKeys, NodeInventory, NotLoggedIn, PasswordWrite, PortError, Sighting,
};
use crate::random;

/// A node's clock may be off by this much before that speaks against a roll.
const NODE_CLOCK_LIMIT: Duration = Duration::from_secs(60);

/// What was seen; folded into [`Observed`] once all actions of a step are done.
pub(super) enum Seen {
    Account(Box<Result<keyroll::account::AccountState, String>>),
    Dc(DcName, DcView),
    Node(NodeName, Box<dyn FnOnce(&mut NodeView) + Send>),
    Told(NodeName, Result<(), String>),
    Candidate(Candidate),
    Answer(Answer),
}

impl Seen {
    pub(super) fn note(self, observed: &mut Observed) {
        match self {
            Self::Account(account) => observed.account = Some(*account),
            Self::Dc(dc, view) => {
                observed.dcs.insert(dc, view);
            }
            Self::Node(node, change) => change(observed.nodes.entry(node).or_default()),
            Self::Told(node, told) => {
                observed.told.insert(node, told);
            }
            Self::Candidate(candidate) => observed.candidate = Some(candidate),
            Self::Answer(answer) => observed.answer = Some(answer),
        }
    }
}

/// Everything that the actions of one step share.
pub(super) struct Stage<'a> {
    pub(super) ports: &'a Ports,
    pub(super) roll: &'a Roll,
    pub(super) account: &'a AccountRef,
    pub(super) service: &'a Principal,
    pub(super) base: Option<&'a Unlocked>,
    pub(super) new: Option<&'a Unlocked>,
    pub(super) keyset: &'a Keyset,
    pub(super) tickets: &'a Mutex<Tickets>,
}

impl Stage<'_> {
    pub(super) async fn act(&self, action: Action) -> Seen {
        let _here = at("action", action.name());
        match action {
            Action::LookAtAccount => {
                let writer = self.roll.account_on();
                let mut read = self.ports.directory.read(writer, self.account).await;
                if let (State::Planned, Ok(account)) = (self.roll.state(), &mut read) {
                    match self.resources(writer).await {
                        Ok(others) => account.delegates_to.extend(others),
                        Err(error) => read = Err(error),
                    }
                }
                Seen::Account(Box::new(read.map_err(|error| error.to_string())))
            }
            Action::LookAtDc(dc) => {
                let view = self.look_at_dc(&dc).await;
                Seen::Dc(dc, view)
            }
            Action::LookAtNode(node) => {
                let nonce = random::bytes();
                let array = &self.roll.frame().array;
                let answer = self.ports.agents.look(&node, array, nonce).await;
                self.seen(node, answer.map_err(|error| error.to_string()), nonce)
            }
            Action::Stage(node) => self.stage(node).await,
            Action::Shut(node) => self.shut(node).await,
            Action::Prove(node, roles) => self.prove(node, &roles).await,
            Action::Generate => self.generate(),
            Action::Commit { dc, .. } => Seen::Answer(self.commit(&dc).await),
        }
    }

    /// Who lets the account act by a descriptor of their own: a search of the whole domain, so once
    /// in a roll. Where it fails nobody can be asked to accept what the roll costs, so it is asked
    /// again; but an emergency costs that unasked.
    async fn resources(&self, writer: &DcName) -> Result<Vec<String>, PortError> {
        let found = self.ports.directory.resources(writer, self.account).await;
        found.or_else(|error| {
            if self.roll.frame().cause != Cause::Emergency {
                return Err(error);
            }
            tracing::warn!(%error, "who lets the account act by a descriptor is not known");
            Ok(Vec::new())
        })
    }

    fn generate(&self) -> Seen {
        let frame = self.roll.frame();
        let length = Length::new(frame.password_length as usize).unwrap_or_default();
        let name = self.account.principal.name();
        let password = generate(length, &name, &mut random::fill);
        let Ok(password) = password else {
            let why = "the operating system gives no random bytes".to_owned();
            return Seen::Account(Box::new(Err(why)));
        };
        let sealed = seal_password(&self.ports.seal, &frame.array, frame.generation, &password);
        let fence = format!("keyroll {}.{}", frame.array, random::token());
        Seen::Candidate(Candidate { sealed, fence })
    }

    async fn commit(&self, dc: &DcName) -> Answer {
        let (Some(new), Some(generated)) = (
            self.new.and_then(|new| new.password.as_ref()),
            self.roll.generated(),
        ) else {
            return Answer::Unanswered {
                text: "the new password is not at hand".to_owned(),
            };
        };
        let write = PasswordWrite {
            account: self.account,
            old: self.base.and_then(|base| base.password.as_ref()),
            new,
            method: self.roll.frame().policy.method,
            fence: (generated.fence_before.as_deref(), &generated.fence),
        };
        self.ports.directory.write_password(dc, &write).await
    }

    async fn look_at_dc(&self, dc: &DcName) -> DcView {
        let kind = |which: WhichKey, unlocked: Option<&'_ Unlocked>| {
            let keys = unlocked
                .map(|unlocked| unlocked.keys.as_slice())
                .unwrap_or_default();
            keys.iter()
                .map(|key| (which, key.duplicate()))
                .collect::<Vec<_>>()
        };
        let owned: Vec<(WhichKey, Key)> = kind(WhichKey::Base, self.base)
            .into_iter()
            .chain(kind(WhichKey::New, self.new))
            .collect();
        let password = self.new.and_then(|new| new.password.as_ref());
        let known = KnownKeys {
            keys: owned.iter().map(|(which, key)| (*which, key)).collect(),
            new_password: password.map(|text| {
                let enctypes = self.roll.frame().enctypes.as_slice();
                (text, enctypes, &self.account.principal)
            }),
            account: Some(&self.account.principal),
        };
        let sighting = match self.ports.kdc.sight(dc, self.service, &known).await {
            Ok(sighting) => sighting,
            Err(error) => return DcView::Trouble(error.to_string()),
        };
        let no_login = match self.try_logins(dc, &known, &sighting).await {
            Ok(no_login) => no_login,
            Err(trouble) => return DcView::Trouble(trouble),
        };
        self.tickets
            .lock()
            .await
            .keep(sighting.key, sighting.kvno, Arc::clone(&sighting.ticket));
        DcView::Issues(Issued {
            key: sighting.key,
            kvno: sighting.kvno,
            enctype: sighting.enctype,
            salt: sighting.salt,
            clock_offset: apart(sighting.clock_offset),
            ticket_life: sighting.ticket_life,
            no_login,
        })
    }

    /// Why the account may not log in, where that is tried, with keys that a ticket has just shown
    /// to be right alone: a wrong one would be counted as a bad password. Before anything is begun
    /// that is the very key of the ticket, to see that it may at all; after the commit all of the
    /// new ones, which proves the enctypes that no ticket uses. `Err`: it is not known, or they are
    /// not the account's.
    async fn try_logins(
        &self,
        dc: &DcName,
        known: &KnownKeys<'_>,
        seen: &Sighting,
    ) -> Result<Option<NoLogin>, String> {
        let shown = seen.shown(known).map(Key::duplicate);
        let keys = match (self.roll.state(), seen.key, self.new) {
            (State::Planned, ..) => shown.into_iter().collect(),
            // Once is enough: every look would be a login for each enctype.
            (State::Converging, WhichKey::New, Some(_)) if self.roll.converged().contains(dc) => {
                return Ok(None);
            }
            (State::Converging, WhichKey::New, Some(new)) => {
                if let Some(salt) = &seen.salt {
                    // The new password under another name: what the nodes hold opens nothing there.
                    return Err(format!("{dc} derives its keys with another salt, {salt}"));
                }
                new.keys.iter().map(Key::duplicate).collect()
            }
            _ => Vec::new(),
        };
        if keys.is_empty() {
            return Ok(None);
        }
        let account = &self.account.principal;
        match self.ports.kdc.log_in(dc, account, &keys).await {
            Ok(_) => Ok(None),
            Err(NotLoggedIn::Expired(error)) => Ok(Some(NoLogin::Expired(error.to_string()))),
            Err(NotLoggedIn::Barred(error)) => Ok(Some(NoLogin::Barred(error.to_string()))),
            Err(NotLoggedIn::Unproven(error @ PortError::Refused { .. }))
                if self.roll.state() == State::Planned =>
            {
                Ok(Some(NoLogin::Barred(error.to_string())))
            }
            Err(NotLoggedIn::Unproven(error)) => Err(error.to_string()),
        }
    }

    async fn stage(&self, node: NodeName) -> Seen {
        let nonce = random::bytes();
        let answer = self.ports.agents.stage(&node, self.keyset, nonce).await;
        let answer = answer.map_err(|error| error.to_string());
        // Not to be pushed again at once: that would go on without a pause and without an end.
        let answer = answer.and_then(|inventory| {
            let (given, holds) = (self.keyset.version, inventory.version);
            let other = || format!("it was given keyset {given} and says it holds {holds}");
            (given == holds).then_some(inventory).ok_or_else(other)
        });
        let (array, version) = (&self.roll.frame().array, self.keyset.version);
        let kept_out = self.roll.quarantined().contains_key(&node)
            || self.ports.quarantine(&node, array).is_some();
        if answer.is_ok() && !kept_out {
            // Best effort: reconciliation repeats it.
            drop(self.ports.agents.admit(&node, array, version, Ok(())).await);
        }
        self.seen(node, answer, nonce)
    }

    async fn shut(&self, node: NodeName) -> Seen {
        let why = self.roll.quarantined().get(&node).map(String::as_str);
        let why = why.unwrap_or("an operator set it aside");
        let (array, version) = (&self.roll.frame().array, self.keyset.version);
        let verdict = Err(format!("quarantined: {why}"));
        let told = self.ports.agents.admit(&node, array, version, verdict);
        let told = told.await.map_err(|error| error.to_string());
        Seen::Told(node, told)
    }

    fn seen(&self, node: NodeName, answer: Result<NodeInventory, String>, nonce: [u8; 32]) -> Seen {
        let found = answer.map(|inventory| {
            let wrong = wrong_with(&inventory, self.keyset, &nonce);
            let refusals = node_refusals(&node, &inventory);
            (inventory.version, wrong, refusals)
        });
        let wanted = self.keyset.version;
        Seen::Node(
            node,
            Box::new(move |view| match found {
                Err(why) => view.trouble = Some(why),
                Ok((version, wrong, refusals)) => {
                    view.trouble = wrong.filter(|_| version == wanted);
                    view.holds = Some(version).filter(|_| view.trouble.is_none());
                    view.refusals = refusals;
                }
            }),
        )
    }

    async fn prove(&self, node: NodeName, roles: &[Role]) -> Seen {
        let mut accepted = BTreeSet::new();
        for role in roles {
            let mut proof = self.prove_one(&node, *role).await;
            if let Proof::Refused(why) = &proof {
                proof = match self.excuse(&node, why).await {
                    Some(trouble) => Proof::Trouble(trouble),
                    // It may have been so at that moment only.
                    None => self.prove_one(&node, *role).await,
                };
            }
            match proof {
                Proof::Accepted => {
                    accepted.insert(*role);
                }
                Proof::Refused(why) => {
                    return Seen::Node(node, Box::new(move |view| view.refuses = Some(why)));
                }
                Proof::Trouble(why) => {
                    return Seen::Node(node, Box::new(move |view| view.trouble = Some(why)));
                }
            }
        }
        Seen::Node(node, Box::new(move |view| view.accepts.extend(accepted)))
    }

    /// What explains that the node refused a ticket, if the keys need not be wrong: clocks that
    /// are apart and will come together again, or a node that is not as it was a moment ago.
    async fn excuse(&self, node: &NodeName, refused: &str) -> Option<String> {
        let nonce = random::bytes();
        let array = &self.roll.frame().array;
        let inventory = match self.ports.agents.look(node, array, nonce).await {
            Ok(inventory) => inventory,
            Err(error) => return Some(error.to_string()),
        };
        let apart = apart(inventory.clock_offset);
        if apart > NODE_CLOCK_LIMIT {
            let apart = apart.as_secs();
            return Some(format!(
                "its clock and this controller's are {apart} s apart, so it refuses tickets: \
                 {refused}"
            ));
        }
        let (held, given) = (inventory.version, self.keyset.version);
        let other = (held != given).then(|| format!("it says it holds keyset {held}, not {given}"));
        other.or_else(|| wrong_with(&inventory, self.keyset, &nonce))
    }

    async fn prove_one(&self, node: &NodeName, role: Role) -> Proof {
        let recipe = self.roll.recipe();
        let Some((_, which, kvno)) = recipe.generations.iter().find(|(one, ..)| *one == role)
        else {
            return Proof::Accepted;
        };
        let (key, unlocked) = match which {
            Which::Base => (WhichKey::Base, self.base),
            Which::New => (WhichKey::New, self.new),
            // Its entries were compared by fingerprint.
            Which::Left(_) => return Proof::Accepted,
        };
        let now = self.ports.clock.now();
        let real = self.tickets.lock().await.find(key, *kvno, now);
        let ticket = match real {
            Some(ticket) => ticket,
            None => match mint(self.service, unlocked, *kvno, now) {
                Some(ticket) => Arc::new(ticket),
                // No AES key of RFC 3962 to make a ticket with; the fingerprints must do.
                None => return Proof::Accepted,
            },
        };
        let Some(request) = ap_request(&ticket, now) else {
            return Proof::Trouble("no AP-REQ could be made".to_owned());
        };
        match self
            .ports
            .agents
            .prove(node, &self.roll.frame().array, request)
            .await
        {
            Err(error) => Proof::Trouble(error.to_string()),
            Ok(proofs) => {
                let refused = proofs.iter().find_map(|proof| {
                    let why = proof.verdict.as_ref().err()?;
                    Some(format!("{}: {why}", proof.path))
                });
                refused.map_or(Proof::Accepted, Proof::Refused)
            }
        }
    }
}

enum Proof {
    Accepted,
    Refused(String),
    Trouble(String),
}

/// What is wrong with any of the node's keytabs, by its first fault.
pub(crate) fn wrong_with(
    inventory: &NodeInventory,
    keyset: &Keyset,
    nonce: &[u8; 32],
) -> Option<String> {
    if inventory.targets.is_empty() {
        return Some(format!("it has no keytab configured for {}", keyset.array));
    }
    inventory.targets.iter().find_map(|target| {
        let wrong = || shortfall(keyset, &target.filter, &target.entries, nonce);
        // Trouble names its file itself.
        let named = || wrong().map(|why| format!("{}: {why}", target.path));
        target.trouble.clone().or_else(named)
    })
}

/// How far two clocks are from each other, whichever is ahead.
fn apart(offset: TimeDelta) -> Duration {
    offset.abs().to_std().unwrap_or(Duration::MAX)
}

fn node_refusals(node: &NodeName, inventory: &NodeInventory) -> Vec<Refusal> {
    let apart = apart(inventory.clock_offset);
    let clock = (apart > NODE_CLOCK_LIMIT).then(|| clock_off(node, apart));
    let trouble = inventory.targets.iter().filter_map(|target| {
        let why = target.trouble.as_ref()?;
        let object = format!("{node}:{}", target.path);
        Some(Refusal::new(
            "keytab-trouble",
            object,
            why.clone(),
            "keyroll-agent check (on the node)",
        ))
    });
    clock.into_iter().chain(trouble).collect()
}

/// Nodes by the version that they hold, for the view of a roll.
pub(super) fn by_state(roll: &Roll, observed: &Observed) -> BTreeMap<NodeName, &'static str> {
    let wanted = roll.recipe();
    let state = |node: &NodeName| {
        let view = observed.nodes.get(node);
        if roll.quarantined().contains_key(node) {
            return "quarantined";
        }
        match view {
            Some(view) if view.trouble.is_some() => "unreachable",
            Some(view) if view.holds != Some(wanted.version) => "waiting",
            Some(view) if view.accepts.is_empty() => "staged",
            Some(_) => "proven",
            // A drain begins once each of them is, and looks again every 30 s.
            None if roll.state() == State::Draining => "proven",
            None => "waiting",
        }
    };
    roll.frame()
        .members
        .iter()
        .map(|node| (node.clone(), state(node)))
        .collect()
}
