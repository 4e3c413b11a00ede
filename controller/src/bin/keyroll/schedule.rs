//! `keyroll schedule …`

mod file;

use std::fmt::Write as _;

use clap::Subcommand;
use keyroll_proto::operator::{
    ListArraysReply, ListArraysRequest, PauseScheduleRequest, ResumeScheduleRequest, ScheduleView,
    SetScheduleRequest, ShowScheduleRequest,
};

use self::file::ScheduleOptions;
use crate::exit::Exit;
use crate::screen::{Format, table};
use crate::session::{DryRun, Session, show};
use crate::trouble::Trouble;
use crate::words::{moment, or_dash};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll schedule set web --every 30d --window 'sat,sun 01:00-05:00' --time-zone Europe/Berlin
  keyroll schedule next
  keyroll schedule pause web --reason 'year-end closing'";

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Set when an array rolls by itself
    #[command(after_help = "Examples:
  # every 30 days, on a weekend night, not over the holidays
  keyroll schedule set web --every 30d --window 'sat,sun 01:00-05:00' \\
      --time-zone Europe/Berlin --jitter 15m --freeze 2026-12-20..2027-01-03

  # the first of each month at 02:00, with an alarm if the key gets older than 45 days
  keyroll schedule set web --cron '0 2 1 * *' --max-age 45d

  # from a file, as `keyroll schedule show --output toml` prints it
  keyroll schedule set web --file web.toml --dry-run")]
    Set {
        /// The array
        array: String,
        #[command(flatten)]
        dry_run: DryRun,
        #[command(flatten)]
        options: ScheduleOptions,
    },
    /// Show an array's schedule
    #[command(after_help = "Examples:
  keyroll schedule show web
  keyroll schedule show web --output toml > web.toml")]
    Show {
        /// The array
        array: String,
    },
    /// Show when an array rolls next, or all of them
    #[command(after_help = "Examples:
  keyroll schedule next
  keyroll schedule next web --count 12")]
    Next {
        /// The array; without it, all, with one time each
        array: Option<String>,
        /// How many times to show
        #[arg(long, value_name = "N", default_value_t = 5, requires = "array")]
        count: u32,
    },
    /// Stop rolling by itself until resumed
    #[command(after_help = "Examples:
  keyroll schedule pause web --reason 'year-end closing'")]
    Pause {
        /// The array
        array: String,
        /// Why, for the others and for the audit trail
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Roll by itself again
    #[command(after_help = "Examples:
  keyroll schedule resume web")]
    Resume {
        /// The array
        array: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
}

/// Runs `keyroll schedule …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Set {
            array,
            options,
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("setting the schedule of {array}");
            let request = SetScheduleRequest {
                array,
                schedule_toml: options.to_toml()?,
                dry_run,
            };
            session
                .change(&doing, async |mut client| {
                    client.set_schedule(request).await
                })
                .await
        }
        Verb::Show { array } => show_one(session, array, 1, show_text).await,
        Verb::Next {
            array: Some(array),
            count,
        } => show_one(session, array, count, next_text).await,
        Verb::Next { array: None, .. } => {
            show(
                session,
                "reading the schedules",
                all_text,
                async |mut client| client.list_arrays(ListArraysRequest {}).await,
            )
            .await
        }
        Verb::Pause {
            array,
            reason,
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("pausing the schedule of {array}");
            let request = PauseScheduleRequest {
                array,
                reason,
                dry_run,
            };
            session
                .change(&doing, async |mut client| {
                    client.pause_schedule(request).await
                })
                .await
        }
        Verb::Resume {
            array,
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("resuming the schedule of {array}");
            let request = ResumeScheduleRequest { array, dry_run };
            session
                .change(&doing, async |mut client| {
                    client.resume_schedule(request).await
                })
                .await
        }
    }
}

async fn show_one(
    session: &Session,
    array: String,
    upcoming: u32,
    text: impl FnOnce(&ScheduleView) -> String,
) -> Result<Exit, Trouble> {
    let request = ShowScheduleRequest { array, upcoming };
    let reply = session
        .ask("reading the schedule", async |mut client| {
            client.show_schedule(request).await
        })
        .await?;
    if session.screen.format == Format::Toml {
        session.screen.print(&reply.schedule_toml)?;
    } else {
        session.screen.reply(&reply, text)?;
    }
    Ok(Exit::Done)
}

fn show_text(schedule: &ScheduleView) -> String {
    if schedule.schedule_toml.is_empty() {
        return format!(
            "{} has no schedule\nnext: keyroll schedule set {} --every 30d\n",
            schedule.array, schedule.array
        );
    }
    let mut text = schedule.schedule_toml.trim_end().to_owned();
    text.push_str("\n\n");
    text.push_str(&state_text(schedule));
    text
}

fn state_text(schedule: &ScheduleView) -> String {
    let mut text = String::new();
    if schedule.paused {
        let _ = writeln!(
            text,
            "paused\nnext: keyroll schedule resume {}",
            schedule.array
        );
    } else if !schedule.next.is_empty() {
        let _ = writeln!(text, "{}", schedule.next);
    } else {
        let _ = writeln!(text, "next roll: {}", moment(schedule.next_unix));
    }
    if !schedule.alarm.is_empty() {
        let _ = writeln!(text, "warning: {}", schedule.alarm);
    }
    text
}

fn next_text(schedule: &ScheduleView) -> String {
    let mut text = state_text(schedule);
    for &at in &schedule.upcoming_unix {
        let _ = writeln!(text, "{}", moment(at));
    }
    text
}

fn all_text(reply: &ListArraysReply) -> String {
    table(
        ["ARRAY", "NEXT ROLL", "STATE", "ALARM"],
        reply.arrays.iter().map(|array| {
            let schedule = array.schedule.as_ref();
            let state = match schedule {
                Some(schedule) if schedule.paused => "paused",
                Some(schedule) if !schedule.schedule_toml.is_empty() => "set",
                _ => "none",
            };
            [
                array.array.clone(),
                moment(schedule.map_or(0, |schedule| schedule.next_unix)),
                state.to_owned(),
                or_dash(schedule.map_or("", |schedule| &schedule.alarm)),
            ]
        }),
    )
}
