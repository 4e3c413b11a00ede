//! `keyroll node …`

mod view;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use keyroll_proto::operator::{
    AddNodeReply, AddNodeRequest, AllowPasswordRequest, ListNodesRequest, QuarantineNodeRequest,
    RemoveNodeRequest, ResumeNodeRequest, ShowNodeRequest,
};

use crate::exit::Exit;
use crate::files;
use crate::session::{Consent, DryRun, Session, changed_text, show};
use crate::trouble::Trouble;
use crate::words::{moment, seconds};

pub use self::view::nodes_text;

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll node add web node1.corp.example
  keyroll node list web
  keyroll node remove web node1.corp.example";

/// An array and one of its nodes.
#[derive(Debug, Clone, Args)]
pub struct Member {
    /// The array
    array: String,
    /// The node, by its host name
    node: String,
}

/// What to do with nodes.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Invite a node: prints the one line to run on it
    ///
    /// The line holds a token that works once, for this node, until it expires. The node then gets
    /// the credential in force, with no roll. A node that may not call the controller makes a
    /// signing request instead, which is carried here as a file.
    #[command(after_help = "Examples:
  # run the printed line on node1, as root
  keyroll node add web node1.corp.example

  # keep the token off the terminal
  keyroll node add web node1.corp.example --join-file ./join-node1

  # a node that may not call the controller: its certificate travels by file
  keyroll node add web node1.corp.example --csr node1.csr --certificate-out node1.crt")]
    Add(Add),
    /// List the nodes with their state
    #[command(after_help = "Examples:
  keyroll node list
  keyroll node list web --output json")]
    List {
        /// The array; without it, all
        array: Option<String>,
    },
    /// Show one node: its keytabs, their entries, its certificate, its clock
    #[command(after_help = "Examples:
  keyroll node show web node1.corp.example")]
    Show(Member),
    /// Take a node out of an array: its keys are wiped there, and a roll is proposed
    #[command(after_help = "Examples:
  keyroll node remove web node1.corp.example --dry-run
  keyroll node remove web node1.corp.example
  keyroll node remove web node1.corp.example --unreachable   # it is gone; then roll")]
    Remove {
        #[command(flatten)]
        member: Member,
        /// It is gone, or in wrong hands: let go of it at once, wiped or not, and cut it off with
        /// its last array; roll afterwards
        #[arg(long)]
        unreachable: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Keep a node out of service: it is not ready, and rolls do not wait for it
    #[command(after_help = "Examples:
  keyroll node quarantine web node1.corp.example --reason 'disk replaced tonight'")]
    Quarantine {
        #[command(flatten)]
        member: Member,
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
    /// Let a quarantined node catch up and serve again
    #[command(after_help = "Examples:
  keyroll node resume web node1.corp.example")]
    Resume {
        #[command(flatten)]
        member: Member,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Let a node have the array's password itself, or not any more: other nodes get keys alone
    #[command(
        group = ArgGroup::new("what").required(true).args(["allow", "forbid"]),
        after_help = "Examples:
  keyroll node password web win1.corp.example --allow logon-session
  keyroll node password web win1.corp.example --allow service-logon
  keyroll node password web win1.corp.example --allow iis-pool
  keyroll node password web win1.corp.example --forbid logon-session   # then roll"
    )]
    Password {
        #[command(flatten)]
        member: Member,
        /// Send it for this use, sealed to the key that the node has now: logon-session,
        /// service-logon or iis-pool
        #[arg(long, value_name = "USE")]
        allow: Option<String>,
        /// Do not send it for this use any more; what the node keeps of it is wiped
        #[arg(long, value_name = "USE")]
        forbid: Option<String>,
        #[command(flatten)]
        dry_run: DryRun,
    },
}

/// `node add`
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    member: Member,
    /// Where to dial the node's agent; without it, the node's name and the default port
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// How long the token works: ten minutes, or less
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with = "csr")]
    token_lifetime: Option<u64>,
    /// Write the line to run to a new file (mode 0600) instead of printing it
    #[arg(long, value_name = "FILE", conflicts_with = "csr")]
    join_file: Option<PathBuf>,
    /// The node's signing request, carried here by file; then no token is made
    #[arg(long, value_name = "FILE", requires = "certificate_out")]
    csr: Option<PathBuf>,
    /// With --csr: write the node's certificate here
    #[arg(long, value_name = "FILE", requires = "csr")]
    certificate_out: Option<PathBuf>,
    /// With --csr: write the authorities here; without it, beside the certificate as ca.crt
    #[arg(long, value_name = "FILE", requires = "csr")]
    ca_out: Option<PathBuf>,
    #[command(flatten)]
    dry_run: DryRun,
}

/// Runs `keyroll node …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Add(add) => add.run(session).await,
        Verb::List { array } => {
            let array = array.unwrap_or_default();
            show(
                session,
                "reading the nodes",
                view::list_text,
                async |mut client| client.list_nodes(ListNodesRequest { array }).await,
            )
            .await
        }
        Verb::Show(Member { array, node }) => {
            show(
                session,
                "reading the node",
                view::node_text,
                async |mut client| client.show_node(ShowNodeRequest { array, node }).await,
            )
            .await
        }
        Verb::Remove {
            member,
            unreachable,
            consent,
        } => remove(member, unreachable, consent, session).await,
        Verb::Quarantine {
            member: Member { array, node },
            reason,
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("quarantining {node}");
            let request = QuarantineNodeRequest {
                array,
                node,
                reason,
                dry_run,
            };
            session
                .change(&doing, async |mut client| {
                    client.quarantine_node(request).await
                })
                .await
        }
        Verb::Resume {
            member: Member { array, node },
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("resuming {node}");
            let request = ResumeNodeRequest {
                array,
                node,
                dry_run,
            };
            session
                .change(&doing, async |mut client| client.resume_node(request).await)
                .await
        }
        Verb::Password {
            member: Member { array, node },
            allow,
            forbid,
            dry_run: DryRun { dry_run },
        } => {
            let doing = format!("the password of {array} for {node}");
            let request = AllowPasswordRequest {
                array,
                node,
                forbid: forbid.is_some(),
                purpose: allow.or(forbid).unwrap_or_default(),
                dry_run,
            };
            session
                .change(&doing, async |mut client| {
                    client.allow_password(request).await
                })
                .await
        }
    }
}

async fn remove(
    member: Member,
    unreachable: bool,
    consent: Consent,
    session: &Session,
) -> Result<Exit, Trouble> {
    let doing = format!("removing {} from {}", member.node, member.array);
    session
        .change_if_agreed(&doing, consent, async |mut client, dry_run| {
            let Member { array, node } = member.clone();
            let request = RemoveNodeRequest {
                array,
                node,
                unreachable,
                dry_run,
            };
            client.remove_node(request).await
        })
        .await
}

impl Add {
    async fn run(self, session: &Session) -> Result<Exit, Trouble> {
        let csr = match &self.csr {
            Some(path) => files::read(path)?,
            None => Vec::new(),
        };
        let doing = format!("adding {} to {}", self.member.node, self.member.array);
        let request = AddNodeRequest {
            array: self.member.array,
            node: self.member.node,
            address: self.address.unwrap_or_default(),
            token_lifetime: self.token_lifetime.unwrap_or_default(),
            csr,
            dry_run: self.dry_run.dry_run,
        };
        // The file is there before the token: a token that nobody can read would be of no use.
        let file = match &self.join_file {
            Some(path) if !self.dry_run.dry_run => Some((path, files::NewFile::begin(path)?)),
            _ => None,
        };
        let mut reply = session
            .ask(&doing, async |mut client| client.add_node(request).await)
            .await?;
        if let Some((path, mut file)) = file.filter(|_| !reply.join_line.is_empty()) {
            let line = zeroize::Zeroizing::new(format!("{}\n", reply.join_line));
            file.write(line.as_bytes())?;
            file.finish()?;
            session.screen.say(&format!(
                "the line to run is in {}; it works once",
                path.display()
            ));
            zeroize::Zeroize::zeroize(&mut reply.join_line);
        }
        if let Some(path) = self
            .certificate_out
            .filter(|_| !reply.certificate_pem.is_empty())
        {
            let beside = || path.with_file_name("ca.crt");
            let authorities = self.ca_out.unwrap_or_else(beside);
            files::write_public(&path, reply.certificate_pem.as_bytes())?;
            files::write_public(&authorities, reply.authorities_pem.as_bytes())?;
            session.screen.say(&format!(
                "carry {} and {} to the node",
                path.display(),
                authorities.display()
            ));
        }
        session.screen.reply(&reply, added_text)?;
        Ok(Exit::Done)
    }
}

fn added_text(reply: &AddNodeReply) -> String {
    let mut lines = Vec::new();
    lines.extend(reply.changed.as_ref().map(changed_text));
    if reply.already_enrolled {
        lines.push("the node has a certificate already: nothing is to be run on it".to_owned());
    }
    if !reply.join_line.is_empty() {
        let ends = moment(reply.token_expires_unix);
        lines.push(format!(
            "run this on the node, as root or administrator, before {ends}; it works once:"
        ));
        lines.push(String::new());
        lines.push(reply.join_line.clone());
    }
    lines.join("\n")
}
