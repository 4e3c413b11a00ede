//! `keyroll delegation plan` and `apply`: what is asked for, looked up, and handed out as changes.

use keyroll::delegation::plan::{Asked, Ground, Leaver, Refused, Service, Way, demand_sound, plan};
use keyroll::delegation::{Actor, Grade, TARGETS, findings};
use keyroll::descriptor::Sid;
use keyroll::directory_change::{Action, DirectoryChange, Modification};
use keyroll::name::{ArrayName, DcName};
use keyroll::spn::Spn;
use keyroll_proto::operator as said;

use crate::store::ArrayRecord;
use crate::verbs::changes::Wanted;
use crate::verbs::{Controller, No};

impl Controller {
    /// Plans who may act for whom: what the request asks for, or, where it asks for nothing, that
    /// goes what leads nowhere.
    ///
    /// # Errors
    /// [`No`], naming what cannot be had and why.
    pub async fn plan_delegation(
        &self,
        request: &said::PlanDelegationRequest,
        actor: &str,
    ) -> Result<said::PlannedChanges, No> {
        let array = self.array(&request.array)?;
        let ground = self.ground(&array).await?;
        let mut notes = Vec::new();
        let asked = if asks_nothing(request) {
            self.proposed(&array, &ground.dc, &mut notes).await?
        } else {
            self.asked(request, &ground.dc).await?
        };
        let planned = plan(&ground, &asked)
            .map_err(|why| refused(&why, &ground.array, &ground.own.account))?;
        let kept = planned.changes.iter().map(DirectoryChange::inverse);
        let kept = kept.filter(|back| demand_sound(back).is_err());
        notes.extend(
            kept.filter_map(|back| back.by_hand()).map(|by_hand| {
                format!("keyroll does not take this back; by hand that is: {by_hand}")
            }),
        );
        let wanted = Wanted {
            array: Some(&array.name),
            verb: "delegation apply",
            actor,
            changes: planned.changes,
            undoes: None,
        };
        let mut reply = self.hand_out(wanted, request.dry_run).await?;
        reply.notes = planned.notes;
        reply.notes.extend(notes);
        let tries = asked.to.iter();
        let tries =
            tries.map(|to| format!("keyroll delegation test {} --to {}", array.name, to.spn));
        reply.next = tries.collect();
        reply
            .next
            .push(format!("keyroll delegation show {}", array.name));
        Ok(reply)
    }

    async fn ground(&self, array: &ArrayRecord) -> Result<Ground, No> {
        let dc = self.writer().await?;
        let directory = &self.ports.directory;
        let (own, holding) = directory.holding(&dc, &array.account_ref()).await?;
        Ok(Ground {
            level: directory.functional_level(&dc).await?,
            caller: directory.caller(&dc, &own).await?,
            dc,
            array: array.name.to_string(),
            own,
            holding,
        })
    }

    /// What is taken back gives nothing that no plan would give; returns what it risks.
    ///
    /// # Errors
    /// [`No`], as a plan of the same.
    pub(crate) async fn demand_sound(
        &self,
        array: Option<&ArrayName>,
        back: &DirectoryChange,
    ) -> Result<Vec<String>, No> {
        let name = array.map_or("ARRAY", ArrayName::as_str);
        demand_sound(back).map_err(|why| refused(&why, name, &back.target.account))?;
        let is_target = |one: &&Modification| {
            one.action == Action::Add && one.attribute.eq_ignore_ascii_case(TARGETS)
        };
        let targets: Vec<&Modification> = back.modifications.iter().filter(is_target).collect();
        let (Some(array), false) = (array, targets.is_empty()) else {
            return Ok(Vec::new());
        };
        let ground = self.ground(&self.array(array.as_str())?).await?;
        let mut asked = Asked {
            way: Some(Way::Constrained),
            ..Asked::default()
        };
        for spn in targets.into_iter().filter_map(Modification::text) {
            asked.to.push(self.service(&ground.dc, spn).await?);
        }
        let planned = plan(&ground, &asked);
        let planned = planned.map_err(|why| refused(&why, name, &ground.own.account))?;
        Ok(planned.notes)
    }

    /// What goes by itself, and notes of what somebody has to decide.
    async fn proposed(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        notes: &mut Vec<String>,
    ) -> Result<Asked, No> {
        let directory = &self.ports.directory;
        let account = array.account_ref();
        let inventory = directory.delegation(dc, &account, &array.spns).await?;
        let found = findings(array.name.as_str(), &inventory);
        let grave = found.iter().filter(|one| one.grade != Grade::Notice);
        notes.extend(grave.map(|one| {
            let safer = match one.safer.as_str() {
                "" => String::new(),
                safer => format!("; safer: {safer}"),
            };
            format!("{} {}: {}{safer}", one.code, one.object, one.risk)
        }));
        let mut asked = Asked::proposed(&inventory);
        self.keep_what_is_seen(&mut asked, dc, notes).await?;
        Ok(asked)
    }

    /// Leaves a name in the list that another domain controller knows of, or that not all of them
    /// were asked for: one domain controller may be behind the others.
    async fn keep_what_is_seen(
        &self,
        asked: &mut Asked,
        writer: &DcName,
        notes: &mut Vec<String>,
    ) -> Result<(), No> {
        let directory = &self.ports.directory;
        let dcs = directory.domain_controllers().await?;
        let mut gone = Vec::new();
        for one in std::mem::take(&mut asked.not_to) {
            let mut kept = None;
            for dc in dcs.iter().filter(|dc| *dc != writer) {
                kept = match directory.service(dc, &one.spn).await {
                    Ok(found) if found.owners.is_empty() => continue,
                    Ok(_) => Some(format!("{dc} knows who has it")),
                    Err(error) => Some(error.to_string()),
                };
                break;
            }
            match kept {
                None => gone.push(one),
                Some(why) => notes.push(format!("{} stays in the list: {why}", one.spn)),
            }
        }
        asked.not_to = gone;
        Ok(())
    }

    async fn asked(&self, request: &said::PlanDelegationRequest, dc: &DcName) -> Result<Asked, No> {
        let mut asked = Asked {
            way: way(&request.way)?,
            transition: switch("protocol-transition", &request.protocol_transition)?,
            sensitive: switch("sensitive", &request.sensitive)?,
            constrain: request.no_unconstrained,
            ..Asked::default()
        };
        for text in &request.to {
            let spn: Spn = text.parse().map_err(|error: keyroll::spn::BadSpn| {
                No::bad_input("bad-spn", error.to_string()).next("keyroll delegation apply --help")
            })?;
            asked.to.push(self.service(dc, &spn.to_string()).await?);
        }
        for spn in &request.not_to {
            asked.not_to.push(self.service(dc, spn).await?);
        }
        for name in &request.from {
            asked.from.push(self.trustee(dc, name).await?);
        }
        for name in &request.not_from {
            let actor = self.trustee(dc, name).await?;
            asked.not_from.push(self.leaver(dc, actor).await?);
        }
        Ok(asked)
    }

    async fn service(&self, dc: &DcName, spn: &str) -> Result<Service, No> {
        Ok(self.ports.directory.service(dc, spn).await?)
    }

    /// With the SIDs by which they may come in all the same.
    async fn leaver(&self, dc: &DcName, actor: Actor) -> Result<Leaver, No> {
        let caller = match &actor.party {
            Some(party) => self.ports.directory.caller(dc, party).await?,
            None => None,
        };
        let sid = actor.sid;
        Ok(Leaver { sid, caller })
    }

    /// Somebody by sAMAccountName, a computer's with or without its `$`, or by SID.
    async fn trustee(&self, dc: &DcName, name: &str) -> Result<Actor, No> {
        if let Ok(sid) = name.parse::<Sid>() {
            let party = self.ports.directory.owner_of(dc, &sid).await?;
            return Ok(Actor { sid, party });
        }
        for name in [name.to_owned(), format!("{name}$")] {
            let found = self.ports.directory.party(dc, &name).await?;
            let sid = found.as_ref().and_then(|party| party.sid.clone());
            if let Some(sid) = sid {
                return Ok(Actor { sid, party: found });
            }
        }
        let what = format!("{dc} knows no account {name:?} with a SID");
        let next = "a sAMAccountName of this domain, or a SID such as S-1-5-21-1-2-3-1104";
        Err(No::unknown("unknown-account", what).next(next))
    }
}

fn refused(why: &Refused, array: &str, account: &str) -> No {
    No::refused(why.code(), why.to_string()).next(why.next(array, account))
}

/// Nothing but perhaps a way.
fn asks_nothing(request: &said::PlanDelegationRequest) -> bool {
    let bare = said::PlanDelegationRequest {
        array: request.array.clone(),
        way: request.way.clone(),
        dry_run: request.dry_run,
        ..Default::default()
    };
    *request == bare
}

fn way(text: &str) -> Result<Option<Way>, No> {
    match text {
        "" => Ok(None),
        "resource-based" => Ok(Some(Way::ResourceBased)),
        "constrained" => Ok(Some(Way::Constrained)),
        other => {
            let what = format!("{other:?} is no way: resource-based or constrained");
            Err(No::bad_input("bad-way", what))
        }
    }
}

fn switch(name: &str, text: &str) -> Result<Option<bool>, No> {
    match text {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        other => {
            let what = format!("{name} is {other:?}, and can be on or off");
            Err(No::bad_input("bad-switch", what))
        }
    }
}
