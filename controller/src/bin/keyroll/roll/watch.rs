//! `keyroll roll watch`, and the waiting of `keyroll roll --wait`.
//!
//! The roll does not depend on its watcher: a connection that breaks, or a controller that starts
//! again, is a pause in the watching, not in the roll.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use indicatif::{MultiProgress, ProgressBar};
use keyroll_proto::operator::{RollView, WatchRollRequest};

use super::{start, view};
use crate::exit::Exit;
use crate::screen::Format;
use crate::session::{Session, spinner_style};
use crate::trouble::Trouble;

/// Pauses between attempts to connect again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs `keyroll roll watch`.
///
/// # Errors
/// What the operator is told.
pub async fn run(session: &Session, array: String, roll: u64) -> Result<Exit, Trouble> {
    let json = session.screen.format == Format::Json;
    let display = Display::new(session, json);
    let next = format!("keyroll roll watch {array}");
    let watched = watch(session, &display, array, roll);
    let Some(ended) = until_interrupted(session, &next, watched).await? else {
        return Ok(Exit::Interrupted);
    };
    if !json {
        session.screen.print(&view::roll_text(&ended))?;
    }
    Ok(start::outcome(&[ended]))
}

/// Waits until all `rolls` have ended or are halted, and returns them as they are then; nothing if
/// the operator stopped waiting.
///
/// # Errors
/// A controller that stays away, or refuses.
pub async fn all(
    session: &Session,
    rolls: Vec<RollView>,
) -> Result<Option<Vec<RollView>>, Trouble> {
    let display = Display::new(session, false);
    let next = match rolls.as_slice() {
        [roll] => format!("keyroll roll watch {}", roll.array),
        _ => "keyroll roll status".to_owned(),
    };
    let waits = rolls.into_iter().map(|roll| async {
        if settled(&roll) {
            return Ok(roll);
        }
        watch(session, &display, roll.array, roll.roll).await
    });
    until_interrupted(session, &next, try_join_all(waits)).await
}

async fn until_interrupted<T>(
    session: &Session,
    next: &str,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<Option<T>, Trouble> {
    tokio::select! {
        ended = work => ended.map(Some),
        _ = tokio::signal::ctrl_c() => {
            session
                .screen
                .say(&format!("no longer watching; the roll goes on\nnext: {next}"));
            Ok(None)
        }
    }
}

/// Whether there is nothing more to wait for without an operator.
fn settled(roll: &RollView) -> bool {
    roll.ended || roll.state == "halted"
}

/// Follows one roll, connecting again as often as it takes.
async fn watch(
    session: &Session,
    display: &Display<'_>,
    array: String,
    roll: u64,
) -> Result<RollView, Trouble> {
    let mut following = Following {
        array,
        roll,
        line: None,
        last: None,
        heard: Instant::now(),
    };
    let mut pause = FIRST_PAUSE;
    loop {
        let heard = following.heard;
        let trouble = match following.follow(session, display).await {
            Ok(Some(roll)) => return Ok(roll),
            Ok(None) => following.unended(),
            Err(trouble) if trouble.is_passing() => trouble,
            Err(trouble) => return Err(trouble),
        };
        if following.heard > heard {
            pause = FIRST_PAUSE;
        } else if heard.elapsed() > session.patience() {
            return Err(trouble);
        }
        display.waiting(&mut following);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One roll that is being watched.
struct Following {
    array: String,
    roll: u64,
    line: Option<ProgressBar>,
    last: Option<RollView>,
    heard: Instant,
}

impl Following {
    /// A stream that stopped although the roll goes on, as when the controller is stopped.
    fn unended(&self) -> Trouble {
        let what = format!(
            "the controller stopped telling of the roll of {}, which has not ended",
            self.array
        );
        Trouble::new(Exit::TryAgain, "watch-ended", what)
            .next(format!("keyroll roll status {}", self.array))
    }

    /// Reads one stream to its end: the roll if it settled, nothing if the stream just stopped.
    async fn follow(
        &mut self,
        session: &Session,
        display: &Display<'_>,
    ) -> Result<Option<RollView>, Trouble> {
        let refused = |status| Trouble::refused(&session.place(), &status);
        let request = WatchRollRequest {
            array: self.array.clone(),
            roll: self.roll,
        };
        let mut client = session.connect().await?;
        let mut views = client
            .watch_roll(request)
            .await
            .map_err(refused)?
            .into_inner();
        while let Some(view) = views.message().await.map_err(refused)? {
            // From now on this very roll, also after the connection broke.
            self.roll = view.roll;
            self.heard = Instant::now();
            display.show(self, &view)?;
            if settled(&view) {
                return Ok(Some(view));
            }
            self.last = Some(view);
        }
        Ok(None)
    }
}

/// How progress is shown: a live line for each roll, a line for each change, or JSON.
struct Display<'a> {
    session: &'a Session,
    live: Option<MultiProgress>,
    json: bool,
}

impl<'a> Display<'a> {
    fn new(session: &'a Session, json: bool) -> Self {
        let live = (!json && io::stderr().is_terminal()).then(MultiProgress::new);
        Self {
            session,
            live,
            json,
        }
    }

    fn show(&self, following: &mut Following, view: &RollView) -> Result<(), Trouble> {
        if self.json {
            return self.session.screen.line(view);
        }
        let text = crate::words::harmless(&view::line_text(view));
        match &self.live {
            Some(live) => {
                let line = following.line.get_or_insert_with(|| {
                    let line = live.add(ProgressBar::new_spinner().with_style(spinner_style()));
                    line.enable_steady_tick(Duration::from_millis(120));
                    line
                });
                line.set_message(text);
                if settled(view) {
                    line.finish_and_clear();
                }
            }
            None if changed(following.last.as_ref(), view) => self.session.screen.say(&text),
            None => {}
        }
        Ok(())
    }

    /// The controller is away: said once on a terminal's line, and in the verbose log.
    fn waiting(&self, following: &mut Following) {
        let text = format!(
            "{}: waiting for the controller; the roll goes on",
            following.array
        );
        match &following.line {
            Some(line) => line.set_message(text),
            None => self.session.screen.note(&text),
        }
    }
}

/// Whether a change is worth a line: a countdown is not.
fn changed(last: Option<&RollView>, view: &RollView) -> bool {
    let Some(last) = last else { return true };
    let reason_matters = view.state != "draining";
    last.state != view.state
        || last.nodes != view.nodes
        || last.dcs != view.dcs
        || (reason_matters && last.reason != view.reason)
}
