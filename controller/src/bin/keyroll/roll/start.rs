//! `keyroll roll ARRAY...`: shows the plan, asks, starts, and waits if told to.

use clap::{Args, ValueEnum};
use keyroll::roll::plan::evidence::GAP;
use keyroll_proto::operator::{RollView, StartRollReply, StartRollRequest};

use super::{VERBS, view, watch};
use crate::exit::Exit;
use crate::session::{Consent, Session};
use crate::trouble::Trouble;

/// A new roll.
#[derive(Debug, Args)]
pub struct Start {
    /// The arrays to roll, side by side
    #[arg(value_name = "ARRAY")]
    arrays: Vec<String>,
    /// Arrays after `--`, which may be named like a verb
    #[arg(last = true, value_name = "ARRAY", hide = true)]
    escaped: Vec<String>,
    /// An array to roll, which may be named like a verb; may be repeated
    #[arg(long = "array", value_name = "ARRAY")]
    named: Vec<String>,
    /// Roll every array
    #[arg(long, conflicts_with_all = ["arrays", "escaped", "named"])]
    all: bool,
    /// A key has leaked: roll at once and take the old key away early (--kill)
    ///
    /// Waits for no quarantined or slow node. Whoever holds a leaked key can forge tickets until
    /// the old key is gone from the nodes, so it goes before the last honest ticket is dead.
    #[arg(long)]
    emergency: bool,
    /// With --emergency: when the old key goes; without it, `converged`
    #[arg(long, value_enum, value_name = "WHEN", requires = "emergency")]
    kill: Option<Kill>,
    /// Roll though the account delegates: until clients have fetched new tickets, it may not be
    /// able to do so for them. An emergency does not ask
    #[arg(long)]
    accept_delegation_gap: bool,
    /// Why, for the others and for the audit trail
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    /// Wait until the rolls end; the exit code tells how
    #[arg(long, short)]
    wait: bool,
    #[command(flatten)]
    consent: Consent,
}

/// When an emergency roll takes the old key away.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kill {
    /// When every domain controller issues the new key: old tickets must be fetched anew
    Converged,
    /// Right after the change: tickets from domain controllers that lag fail too
    Now,
    /// When the last ticket is dead, as in an ordinary roll: no login fails, forged tickets work on
    Drain,
}

/// Runs `keyroll roll ARRAY...`.
///
/// # Errors
/// What the operator is told.
pub async fn run(start: Start, session: &Session) -> Result<Exit, Trouble> {
    let (wait, consent) = (start.wait, start.consent);
    let mut request = start.request()?;
    let must_ask = session.must_ask(consent)?;
    if must_ask || consent.dry_run {
        let plan = ask(session, &request, true).await?;
        if consent.dry_run {
            session.screen.reply(&plan, view::plan_text)?;
            return Ok(if refused(&plan.rolls) {
                Exit::EndedBadly
            } else {
                Exit::Done
            });
        }
        session.screen.say(&view::plan_text(&plan));
        let gap = refused(&plan.rolls);
        if gap && !refused_for_gap_alone(&plan.rolls) {
            return Ok(Exit::EndedBadly);
        }
        session.demand_agreement(question(&request, gap)).await?;
        request.accept_delegation_gap |= gap;
    }
    let mut started = ask(session, &request, false).await?;
    if wait {
        let Some(ended) = watch::all(session, started.rolls).await? else {
            return Ok(Exit::Interrupted);
        };
        started.rolls = ended;
    }
    session.screen.reply(&started, view::started_text)?;
    Ok(outcome(&started.rolls))
}

impl Start {
    fn request(self) -> Result<StartRollRequest, Trouble> {
        if let Some(verb) = self
            .arrays
            .iter()
            .find(|array| VERBS.contains(&array.as_str()))
        {
            // `keyroll roll web status` must not try to roll two arrays.
            return Err(Trouble::usage(format!(
                "{verb:?} is a verb here: it comes right after `roll`"
            ))
            .next(format!(
                "keyroll roll {verb} …, or for an array of that name: --array {verb}"
            )));
        }
        let arrays = [self.arrays, self.escaped, self.named].concat();
        if arrays.is_empty() && !self.all {
            return Err(Trouble::usage("which array is to be rolled?")
                .next("keyroll roll ARRAY... or keyroll roll --all"));
        }
        let kill = self.kill.map_or("", |kill| match kill {
            Kill::Converged => "converged",
            Kill::Now => "now",
            Kill::Drain => "drain",
        });
        Ok(StartRollRequest {
            arrays,
            all: self.all,
            dry_run: self.consent.dry_run,
            emergency: self.emergency,
            kill: kill.to_owned(),
            reason: self.reason,
            accept_delegation_gap: self.accept_delegation_gap,
        })
    }
}

async fn ask(
    session: &Session,
    request: &StartRollRequest,
    dry_run: bool,
) -> Result<StartRollReply, Trouble> {
    let doing = if dry_run {
        "looking at everything a roll needs"
    } else {
        "starting"
    };
    let mut request = request.clone();
    request.dry_run = dry_run;
    session
        .ask(doing, async |mut client| client.start_roll(request).await)
        .await
}

fn question(request: &StartRollRequest, gap: bool) -> &'static str {
    match (request.emergency, request.kill.as_str()) {
        (false, _) if gap => "Roll all the same, though delegation fails for a while?",
        (false, _) => "Roll?",
        (true, "drain") => "Emergency roll, keeping the old key until the last ticket is dead?",
        (true, "now") => {
            "Emergency roll: every ticket there is, and those that lagging domain controllers \
             still issue, will be refused. Go on?"
        }
        (true, _) => "Emergency roll: every ticket issued so far will be refused. Go on?",
    }
}

fn refused(rolls: &[RollView]) -> bool {
    rolls.iter().any(|roll| !roll.refusals.is_empty())
}

/// Whether nothing but what an operator may accept stands in the way.
fn refused_for_gap_alone(rolls: &[RollView]) -> bool {
    let mut refusals = rolls.iter().flat_map(|roll| &roll.refusals);
    refusals.all(|refusal| refusal.code == GAP)
}

/// The exit code for rolls as they stand: the worst of them.
pub fn outcome(rolls: &[RollView]) -> Exit {
    if rolls.iter().any(|roll| roll.state == "halted") {
        Exit::Halted
    } else if rolls.iter().any(|roll| roll.ended && roll.state != "done") {
        Exit::EndedBadly
    } else {
        Exit::Done
    }
}
