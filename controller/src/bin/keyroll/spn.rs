//! `keyroll spn …`: names that clients ask tickets for.

mod view;

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use keyroll_proto::operator::{
    CheckSpnsRequest, FindDuplicateSpnsRequest, ListSpnsRequest, PlanSpnsRequest, PlannedChanges,
    PrepareSpnsReply, PrepareSpnsRequest, SuggestSpnsRequest,
};
use tonic::{Response, Status};

use crate::bind::BindOptions;
use crate::change::{Plan, carry_out_after};
use crate::exit::Exit;
use crate::session::{Client, Consent, Session, show};
use crate::trouble::Trouble;
use crate::verify;

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll spn plan web --name web.corp.example --short
  keyroll spn add web HTTP/web.corp.example HTTP/web
  keyroll spn check web
  keyroll spn duplicates";

/// Between two looks whether the nodes hold the keys.
const PAUSE: Duration = Duration::from_millis(300);

/// What to do with SPNs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List an array's SPNs, and how far each has come
    #[command(after_help = "Examples:
  keyroll spn list web")]
    List {
        /// The array
        array: String,
    },
    /// The SPNs that clients' names for an array need, who has each, and the commands that register
    /// what is missing; changes nothing
    #[command(after_help = "Examples:
  keyroll spn plan web --name web.corp.example --short
  keyroll spn plan web --name web.corp.example --class HTTP --port 8443 --nodes")]
    Plan(Suggest),
    /// Register SPNs, once every node holds keys for them
    ///
    /// Looks through the whole forest first, as `setspn -S` does: for the name itself, in any case,
    /// for names that only look like it, and for whoever answers for it by HOST. Then every node
    /// gets the keys, and then it is registered, with your own rights: the first ticket for it is
    /// accepted by every node.
    #[command(after_help = "Examples:
  keyroll spn add web HTTP/web.corp.example HTTP/web
  keyroll spn add web HTTP/web.corp.example --dry-run
  keyroll spn add web HTTP/web.corp.example --bind-as anna")]
    Add(Change),
    /// Remove SPNs; the keytabs keep their keys until no ticket for them can be alive
    #[command(after_help = "Examples:
  keyroll spn remove web HTTP/old.corp.example")]
    Remove(Change),
    /// Move SPNs to an array from whichever account has them
    ///
    /// Every node holds the keys first; then the name is taken from the one account and given to
    /// the other in two changes, between which it has no owner. Tickets that clients hold open with
    /// the old owner's keys alone.
    #[command(after_help = "Examples:
  keyroll spn move web HTTP/web.corp.example --dry-run")]
    Move(Change),
    /// Compare SPNs, keytabs, DNS and nodes; exit code as `verify`
    #[command(after_help = "Examples:
  keyroll spn check web")]
    Check {
        /// The array
        array: String,
    },
    /// Find names with two owners in the whole forest, also in other case, hidden or look-alike
    ///
    /// Also told is where one account's HOST answered for a name until another got that
    /// (sPNMappings): a notice, which is often meant. Exit code 1 if there is anything else.
    #[command(after_help = "Examples:
  keyroll spn duplicates
  keyroll spn duplicates --output json")]
    Duplicates,
}

/// What clients call the array.
#[derive(Debug, Args)]
pub struct Suggest {
    /// The array
    array: String,
    /// A host name that clients use; may be repeated. Wanted is this or --nodes
    #[arg(long = "name", value_name = "HOST", required_unless_present = "nodes")]
    hosts: Vec<String>,
    /// A service class, HTTP by default; HTTP is for https, too; may be repeated
    #[arg(long = "class", value_name = "CLASS")]
    classes: Vec<String>,
    /// A port that some clients add to the name; may be repeated
    #[arg(long = "port", value_name = "PORT")]
    ports: Vec<u32>,
    /// The first label of each name, too
    #[arg(long)]
    short: bool,
    /// The nodes' own names, too
    #[arg(long)]
    nodes: bool,
}

/// Which SPNs of which array.
#[derive(Debug, Args)]
pub struct Change {
    /// The array
    array: String,
    /// The SPNs: CLASS/HOST, CLASS/HOST:PORT or CLASS/HOST/NAME
    #[arg(required = true, value_name = "SPN")]
    spns: Vec<String>,
    /// Whose rights.
    #[command(flatten)]
    bind: BindOptions,
    /// Ask or not.
    #[command(flatten)]
    consent: Consent,
}

/// Does it.
///
/// # Errors
/// Whatever the controller or the directory says no to.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::List { array } => {
            let request = ListSpnsRequest { array };
            show(
                session,
                "reading the SPNs",
                view::list,
                async |mut client| client.list_spns(request).await,
            )
            .await
        }
        Verb::Plan(suggest) => {
            let request = suggest.request();
            show(
                session,
                "looking for the SPNs",
                view::plan,
                async |mut client| client.suggest_spns(request).await,
            )
            .await
        }
        Verb::Add(change) => change.run("add", session).await,
        Verb::Remove(change) => change.run("remove", session).await,
        Verb::Move(change) => change.run("move", session).await,
        Verb::Check { array } => {
            let request = CheckSpnsRequest { array };
            let reply = session
                .ask("checking the SPNs", async |mut client| {
                    client.check_spns(request).await
                })
                .await?;
            session.screen.reply(&reply, verify::text)?;
            Ok(verify::grade(&reply))
        }
        Verb::Duplicates => {
            let reply = session
                .ask("looking through the forest", async |mut client| {
                    client
                        .find_duplicate_spns(FindDuplicateSpnsRequest {})
                        .await
                })
                .await?;
            session.screen.reply(&reply, view::duplicates)?;
            let is_bad = reply.duplicates.iter().any(|one| one.grade == "broken");
            Ok(if is_bad { Exit::EndedBadly } else { Exit::Done })
        }
    }
}

impl Suggest {
    fn request(self) -> SuggestSpnsRequest {
        SuggestSpnsRequest {
            array: self.array,
            classes: self.classes,
            hosts: self.hosts,
            ports: self.ports,
            short: self.short,
            nodes: self.nodes,
        }
    }
}

impl Change {
    async fn run(self, action: &str, session: &Session) -> Result<Exit, Trouble> {
        let how = Plan {
            doing: "looking through the forest, and having the nodes hold the keys",
            bind: &self.bind,
            consent: self.consent,
        };
        let keys_first = async || match action {
            "remove" => Ok(()),
            _ => self.prepare(session, action == "move").await,
        };
        carry_out_after(session, how, keys_first, async |client, dry_run| {
            self.plan(client, action, dry_run).await
        })
        .await
    }

    async fn plan(
        &self,
        mut client: Client,
        action: &str,
        dry_run: bool,
    ) -> Result<Response<PlannedChanges>, Status> {
        let request = PlanSpnsRequest {
            array: self.array.clone(),
            action: action.to_owned(),
            spns: self.spns.clone(),
            dry_run,
        };
        client.plan_spns(request).await
    }

    /// Has every node hold the keys, and waits for it as long as an answer may take.
    async fn prepare(&self, session: &Session, moves: bool) -> Result<(), Trouble> {
        let doing = "having the nodes hold the keys";
        let since = Instant::now();
        let mut request = PrepareSpnsRequest {
            array: self.array.clone(),
            spns: self.spns.clone(),
            dry_run: false,
            moves,
        };
        let mut told = String::new();
        loop {
            let asked = request.clone();
            let reply = session
                .ask(doing, async |mut client| client.prepare_spns(asked).await)
                .await?;
            if reply.ready || reply.nodes == 0 {
                return Ok(());
            }
            // What comes now only looks, and is not written down each time.
            request.dry_run = true;
            let progress = view::progress(&reply);
            if progress != told {
                session.screen.say(&progress);
                told = progress;
            }
            if since.elapsed() >= session.patience() {
                return Err(self.not_held(&reply));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Some nodes did not take the keys in time.
    fn not_held(&self, reply: &PrepareSpnsReply) -> Trouble {
        let Self { array, spns, .. } = self;
        let what = format!(
            "nothing was registered: {}; it stands prepared at the nodes that hold them",
            view::progress(reply)
        );
        let node = reply.waiting.first().map_or("NODE", |one| &one.node);
        Trouble::new(Exit::TryAgain, "keys-missing", what).next(format!(
            "keyroll node quarantine {array} {node}, if it is not to be waited for, and then the \
             same again; to take the keys back: keyroll spn remove {array} {}",
            keyroll::shell::words(spns)
        ))
    }
}
