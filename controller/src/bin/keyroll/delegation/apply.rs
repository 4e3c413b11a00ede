//! `keyroll delegation plan`, `apply` and `undo`: who may act for whom, changed.

use clap::Args;
use keyroll_proto::operator::{ListChangesRequest, PlanDelegationRequest, UndoChangeRequest};

use crate::bind::BindOptions;
use crate::change::{Plan, carry_out, planned_by_hand, understood};
use crate::exit::Exit;
use crate::session::{Consent, Session};
use crate::trouble::Trouble;

/// What the records of these changes have for their verb.
const VERB: &str = "delegation apply";
/// Among how many of an array's newest changes the one is looked for that is taken back.
const LOOKED_THROUGH: u32 = 1_000;

/// What is wanted. With nothing, what leads nowhere or lets anybody in goes.
#[derive(Debug, Args)]
pub struct Wishes {
    /// The array
    array: String,
    /// Let it act for its users at this service; may be repeated
    #[arg(long, value_name = "SPN")]
    to: Vec<String>,
    /// Let it not act at this service any more; may be repeated
    #[arg(long, value_name = "SPN")]
    not_to: Vec<String>,
    /// Let this account act for its users at the array: a sAMAccountName or a SID; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    from: Vec<String>,
    /// Let this account not act at the array any more; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    not_from: Vec<String>,
    /// The way, by default the safest that fits
    #[arg(long, value_parser = ["resource-based", "constrained"])]
    way: Option<String>,
    /// Whether it may name users who have not logged in to it by Kerberos
    #[arg(long, value_name = "ON|OFF", value_parser = ["on", "off"])]
    protocol_transition: Option<String>,
    /// Whether nobody may act for the account itself
    #[arg(long, value_name = "ON|OFF", value_parser = ["on", "off"])]
    sensitive: Option<String>,
    /// Take away that it is trusted for delegation to any service
    #[arg(long)]
    no_unconstrained: bool,
}

/// What is wanted, and whose rights bring it.
#[derive(Debug, Args)]
pub struct Apply {
    /// What.
    #[command(flatten)]
    wishes: Wishes,
    /// Whose rights.
    #[command(flatten)]
    bind: BindOptions,
    /// Ask or not.
    #[command(flatten)]
    consent: Consent,
}

/// Which change of which array.
#[derive(Debug, Args)]
pub struct Undo {
    /// The array
    array: String,
    /// The change, by default the newest that was applied and not taken back
    #[arg(long, value_name = "N")]
    change: Option<u64>,
    /// Whose rights.
    #[command(flatten)]
    bind: BindOptions,
    /// Ask or not.
    #[command(flatten)]
    consent: Consent,
}

impl Wishes {
    fn request(&self, dry_run: bool) -> PlanDelegationRequest {
        PlanDelegationRequest {
            array: self.array.clone(),
            to: self.to.clone(),
            not_to: self.not_to.clone(),
            from: self.from.clone(),
            not_from: self.not_from.clone(),
            way: self.way.clone().unwrap_or_default(),
            protocol_transition: self.protocol_transition.clone().unwrap_or_default(),
            sensitive: self.sensitive.clone().unwrap_or_default(),
            no_unconstrained: self.no_unconstrained,
            dry_run,
        }
    }

    /// Shows what `apply` would do, and how others would.
    pub async fn plan(&self, session: &Session) -> Result<Exit, Trouble> {
        let request = self.request(true);
        let doing = format!("planning for {}", self.array);
        let reply = session
            .ask(&doing, async |mut client| {
                client.plan_delegation(request).await
            })
            .await?;
        let (reply, _) = understood(reply)?;
        session.screen.reply(&reply, planned_by_hand)?;
        Ok(Exit::Done)
    }
}

impl Apply {
    /// Plans, asks, and makes the changes.
    pub async fn run(&self, session: &Session) -> Result<Exit, Trouble> {
        let how = Plan {
            doing: "looking who delegates, and to whom",
            bind: &self.bind,
            consent: self.consent,
        };
        carry_out(session, how, async |mut client, dry_run| {
            client.plan_delegation(self.wishes.request(dry_run)).await
        })
        .await
    }
}

impl Undo {
    /// Takes the change back.
    pub async fn run(&self, session: &Session) -> Result<Exit, Trouble> {
        let number = self.number(session).await?;
        let how = Plan {
            doing: "planning to take the change back",
            bind: &self.bind,
            consent: self.consent,
        };
        carry_out(session, how, async |mut client, dry_run| {
            let request = UndoChangeRequest {
                array: self.array.clone(),
                number,
                dry_run,
            };
            client.undo_change(request).await
        })
        .await
    }

    /// The change that is meant; one of delegation it must be.
    async fn number(&self, session: &Session) -> Result<u64, Trouble> {
        let request = ListChangesRequest {
            array: self.array.clone(),
            limit: LOOKED_THROUGH,
            number: self.change.unwrap_or_default(),
        };
        let reply = session
            .ask("reading the changes", async |mut client| {
                client.list_changes(request).await
            })
            .await?;
        let mut of = reply.changes.iter().filter(|view| view.verb == VERB);
        let found = match self.change {
            Some(_) => of.next(),
            None => of.find(|view| view.state == "applied" && view.undone_by == 0),
        };
        let number = found.and_then(|view| view.change.as_ref());
        number.map(|change| change.number).ok_or_else(|| {
            let array = &self.array;
            let what = match self.change {
                Some(number) => format!("change {number} is none of the delegation of {array}"),
                None => format!("no change of the delegation of {array} is there to take back"),
            };
            let next = format!("keyroll change list --array {array}");
            Trouble::new(Exit::Unknown, "unknown-change", what).next(next)
        })
    }
}
