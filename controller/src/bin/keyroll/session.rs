//! One run of the command line: the connection, a question to the controller, a confirmation.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keyroll_proto::operator::Changed;
use keyroll_proto::operator::operator_client::OperatorClient;
use serde::Serialize;
use tokio::sync::OnceCell;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::connect::connect;
use crate::exit::Exit;
use crate::screen::Screen;
use crate::settings::Reach;
use crate::trouble::Trouble;

/// The controller's client.
pub type Client = OperatorClient<Channel>;

/// How long a person waits before a sign of life is due.
const SPINNER_AFTER: Duration = Duration::from_secs(1);

/// Look, but change nothing.
#[derive(Debug, Clone, Copy, Args)]
pub struct DryRun {
    /// Check everything and say what would be done; change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What a verb that destroys or rolls takes: look only, or do not ask.
#[derive(Debug, Clone, Copy, Args)]
pub struct Consent {
    /// Check everything and say what would be done; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long, short)]
    pub yes: bool,
}

/// What every verb needs.
pub struct Session {
    /// Where things are printed.
    pub screen: Screen,
    reach: Reach,
    timeout: Duration,
    client: OnceCell<Client>,
}

impl Session {
    /// A session that connects when it is first needed.
    pub fn new(screen: Screen, reach: Reach, timeout: Duration) -> Self {
        Self {
            screen,
            reach,
            timeout,
            client: OnceCell::new(),
        }
    }

    /// The controller's place, for messages.
    pub fn place(&self) -> String {
        self.reach.place()
    }

    /// How long a watch bears a controller that is away.
    pub fn patience(&self) -> Duration {
        self.timeout
    }

    /// A connection of its own, for a watch that connects again.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn connect(&self) -> Result<Client, Trouble> {
        self.screen
            .note(&format!("connecting with {}", self.place()));
        Ok(OperatorClient::new(connect(&self.reach).await?))
    }

    async fn client(&self) -> Result<Client, Trouble> {
        self.client
            .get_or_try_init(|| self.connect())
            .await
            .cloned()
    }

    /// Asks the controller one thing; `doing` says what, as in "reading the arrays".
    ///
    /// # Errors
    /// The controller's refusal, no connection, or no answer in time.
    pub async fn ask<T>(
        &self,
        doing: &str,
        call: impl AsyncFnOnce(Client) -> Result<Response<T>, Status>,
    ) -> Result<T, Trouble> {
        let asked = async {
            let client = self.client().await?;
            self.screen.note(doing);
            call(client)
                .await
                .map(Response::into_inner)
                .map_err(|status| Trouble::refused(&self.place(), &status))
        };
        match tokio::time::timeout(self.timeout, with_spinner(doing, asked)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.too_slow(doing)),
        }
    }

    fn too_slow(&self, doing: &str) -> Trouble {
        let what = format!(
            "{doing}: no answer from the controller at {} within {} s; what was asked may have \
             been done",
            self.place(),
            self.timeout.as_secs()
        );
        Trouble::new(Exit::TryAgain, "no-answer-in-time", what).next("keyroll status")
    }

    /// Makes a harmless change and prints what was done.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn change(
        &self,
        doing: &str,
        call: impl AsyncFnOnce(Client) -> Result<Response<Changed>, Status>,
    ) -> Result<Exit, Trouble> {
        let changed = self.ask(doing, call).await?;
        self.screen.reply(&changed, changed_text)?;
        Ok(Exit::Done)
    }

    /// Makes a change that destroys: shown as a dry run first, then asked about.
    ///
    /// `call` is given whether it is a dry run.
    ///
    /// # Errors
    /// As [`Session::ask`], and an operator who does not agree.
    pub async fn change_if_agreed(
        &self,
        doing: &str,
        consent: Consent,
        call: impl AsyncFn(Client, bool) -> Result<Response<Changed>, Status>,
    ) -> Result<Exit, Trouble> {
        if self.must_ask(consent)? {
            let preview = self
                .ask(doing, async |client| call(client, true).await)
                .await?;
            self.screen.say(&changed_text(&preview));
            self.demand_agreement("Go on?").await?;
        }
        self.change(doing, async |client| call(client, consent.dry_run).await)
            .await
    }

    /// Whether a question is due.
    ///
    /// # Errors
    /// A question is due, but there is nobody to ask.
    pub fn must_ask(&self, consent: Consent) -> Result<bool, Trouble> {
        if consent.dry_run || consent.yes {
            return Ok(false);
        }
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            return Ok(true);
        }
        Err(Trouble::new(
            Exit::Unconfirmed,
            "not-confirmed",
            "this needs an operator's yes, and there is no terminal to ask on; nothing was changed",
        )
        .next("look at it with --dry-run, then say --yes"))
    }

    /// Asks a question on the terminal; any answer but yes is no.
    ///
    /// # Errors
    /// The answer was no.
    pub async fn demand_agreement(&self, question: &str) -> Result<(), Trouble> {
        let mut stderr = io::stderr();
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Trouble::unreadable(std::path::Path::new("-"), &error))?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Trouble::new(
            Exit::Unconfirmed,
            "not-confirmed",
            "not confirmed; nothing was changed",
        ))
    }
}

/// Shows a spinner on the terminal if `work` takes longer than a moment.
pub async fn with_spinner<T>(doing: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SPINNER_AFTER) => {}
    }
    // Hidden by itself where standard error is no terminal.
    let spinner = ProgressBar::new_spinner()
        .with_style(spinner_style())
        .with_message(doing.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    let done = work.await;
    spinner.finish_and_clear();
    done
}

/// The one look of everything that waits.
#[must_use]
pub fn spinner_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:>6}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// What was done, or would be, and what to type next.
#[must_use]
pub fn changed_text(changed: &Changed) -> String {
    let prefix = if changed.dry_run { "would: " } else { "" };
    let mut lines: Vec<String> = changed
        .done
        .iter()
        .map(|sentence| format!("{prefix}{sentence}"))
        .collect();
    if lines.is_empty() {
        lines.push(format!("{prefix}nothing to change"));
    }
    lines.extend(
        changed
            .next
            .iter()
            .map(|command| format!("next: {command}")),
    );
    lines.join("\n")
}

/// Prints a reply that was only read.
///
/// # Errors
/// As [`Session::ask`].
pub async fn show<T: Serialize>(
    session: &Session,
    doing: &str,
    text: impl FnOnce(&T) -> String,
    call: impl AsyncFnOnce(Client) -> Result<Response<T>, Status>,
) -> Result<Exit, Trouble> {
    let reply = session.ask(doing, call).await?;
    session.screen.reply(&reply, text)?;
    Ok(Exit::Done)
}
