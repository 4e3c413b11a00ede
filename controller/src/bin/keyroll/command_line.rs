//! The command line as a whole: the global options and the groups of verbs.

use std::path::PathBuf;

use clap::{ArgMatches, ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::screen::Format;
use crate::words::seconds;
use crate::{
    approval, array, audit, authority, backup, change, delegation, doctor, explain, node, operator,
    pages, recover, roll, schedule, spn, verify,
};

/// Rotates the password of a Kerberos service account that an array of nodes shares
///
/// keyroll gives every node of a load-balanced array the new keys before the directory has the
/// new password, and keeps the old keys until the last ticket under them is dead: no login fails
/// because of a roll. This command asks the controller, which does the work.
#[derive(Debug, Parser)]
#[command(
    name = "keyroll",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:
  keyroll status                        what there is, and what needs attention
  keyroll array create web --account 'svc-web$' --spn HTTP/web.corp.example
  keyroll node add web node1            prints the line to run on the node
  keyroll roll web --wait               a new password, without one failed login
  keyroll verify web                    prove every node and domain controller
  keyroll doctor web                    what is wrong, why, and what mends it
  keyroll roll --help                   each verb has examples"
)]
pub struct CommandLine {
    /// Options that every verb takes.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

impl CommandLine {
    /// What was typed, and the verb of it by itself: `keyroll spn add`.
    ///
    /// # Errors
    /// What clap says to it: help and versions, too.
    pub fn typed() -> Result<(Self, String), clap::Error> {
        let typed = Self::command().try_get_matches()?;
        let words = std::iter::successors(typed.subcommand(), |(_, below)| below.subcommand());
        let verb = words.fold(
            "keyroll".to_owned(),
            |verb, (word, _): (&str, &ArgMatches)| format!("{verb} {word}"),
        );
        Ok((Self::from_arg_matches(&typed)?, verb))
    }
}

/// Options that every verb takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Ask this controller, with the operator's certificate from the settings file
    ///
    /// Also: KEYROLL_CONTROLLER, or `controller` in the settings file.
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        conflicts_with = "socket"
    )]
    pub controller: Option<String>,
    /// Ask through this Unix socket on the controller's own machine
    ///
    /// Also: KEYROLL_SOCKET, or `socket` in the settings file. Without any of them:
    /// /run/keyroll/operator.sock.
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The settings file: TOML with controller, socket, server-name, certificate, key, ca
    ///
    /// Also: KEYROLL_CONFIG. Without either: ~/.config/keyroll/cli.toml, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The form of replies on standard output, and of errors on standard error
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// Whether to colour the words that matter; no colour is needed to understand
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes
    #[arg(long, global = true, value_name = "TIME", value_parser = seconds, default_value = "2m")]
    pub timeout: u64,
    /// Say on standard error what is being done
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// The groups of verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Arrays: the nodes that answer under one name with one account's key
    #[command(after_help = array::EXAMPLES, arg_required_else_help = true)]
    Array {
        /// What to do.
        #[command(subcommand)]
        verb: array::Verb,
    },
    /// Nodes: the machines of an array, each with an agent
    #[command(after_help = node::EXAMPLES, arg_required_else_help = true)]
    Node {
        /// What to do.
        #[command(subcommand)]
        verb: node::Verb,
    },
    /// Roll an account's password, or look at a roll
    ///
    /// A roll makes a new password, stages its keys on every node, changes the directory, proves
    /// every domain controller and node with tickets, waits until the last ticket under the old
    /// key is dead, and takes the old key away. It goes on by itself: --wait only watches it.
    ///
    /// An array that is named like a verb is rolled as `keyroll roll -- status`, or with --array.
    Roll(roll::Roll),
    /// When an array rolls by itself
    #[command(after_help = schedule::EXAMPLES, arg_required_else_help = true)]
    Schedule {
        /// What to do.
        #[command(subcommand)]
        verb: schedule::Verb,
    },
    /// Prove that an array's nodes and domain controllers hold the right keys
    ///
    /// Gets a fresh ticket from every domain controller and lets every node accept it with the
    /// keytab on its disk; compares account, SPNs, enctypes, clocks and certificates. After that
    /// the controller looks after the nodes, as it does by itself after each pause: a keytab that
    /// is not as it should be is written again. Exit code 0: all is well; 3: warnings, or something
    /// could not be looked at; 1: broken.
    Verify(verify::Verify),
    /// Find out what is wrong with an array, why, and what mends it
    ///
    /// Runs every check side by side: the account, the key in the directory, in tickets and in
    /// every keytab, replication, rights, clocks, nodes, deadlines. Says of each what was seen,
    /// what it leads to, and the command that mends it; docs/doctor.md lists them. Changes nothing,
    /// and no bad password is counted. What may not be read is told as unknown. Exit code 0: all is
    /// well; 3: warnings, or something could not be looked at; 1: broken.
    Doctor(doctor::Doctor),
    /// Delegation: who may act for whom by way of an array's account, and a try of it
    #[command(after_help = delegation::EXAMPLES, arg_required_else_help = true)]
    Delegation {
        /// What to do.
        #[command(subcommand)]
        verb: delegation::Verb,
    },
    /// Say what an error of Kerberos, LDAP or Active Directory means, and what to do
    ///
    /// Takes a number, decimal or hexadecimal, a name, or a whole line of a log. Asks nobody: it
    /// works without a controller.
    Explain(explain::Explain),
    /// What there is, what goes on, and what needs attention
    #[command(after_help = crate::status::EXAMPLES)]
    Status,
    /// The tamper-evident record of who did what, and when
    #[command(after_help = audit::EXAMPLES, arg_required_else_help = true)]
    Audit {
        /// What to do.
        #[command(subcommand)]
        verb: audit::Verb,
    },
    /// Service principal names: what clients ask tickets for
    ///
    /// A name is looked for in the whole forest before it is registered, every node holds its keys
    /// before the directory has it, and the keytabs keep them until no ticket for it can be alive.
    #[command(after_help = spn::EXAMPLES, arg_required_else_help = true)]
    Spn {
        /// What to do.
        #[command(subcommand)]
        verb: spn::Verb,
    },
    /// Changes of the directory besides passwords: what was planned, made, and can be taken back
    ///
    /// The controller plans a change and writes it down. The command line shows it, asks, and makes
    /// it with the operator's own Kerberos credential; then the controller looks at the object and
    /// writes down what became of it.
    #[command(after_help = change::EXAMPLES, arg_required_else_help = true)]
    Change {
        /// What to do.
        #[command(subcommand)]
        verb: change::Verb,
    },
    /// What nobody may do alone here, and waits for a second person
    ///
    /// The controller's settings name what that is (`two-persons`). Whoever asks for it is told a
    /// number; once somebody else has agreed to that, the same command is typed again and done.
    #[command(after_help = approval::EXAMPLES, arg_required_else_help = true)]
    Approval {
        /// What to do.
        #[command(subcommand)]
        verb: approval::Verb,
    },
    /// The controller's certificate authority, replaced while everything goes on
    ///
    /// Nodes and operators trust both authorities between the first step and the last, so no
    /// connection is lost and rolls go on.
    #[command(after_help = authority::EXAMPLES, arg_required_else_help = true)]
    Authority {
        /// Which step.
        #[command(subcommand)]
        verb: authority::Verb,
    },
    /// Operators: who may ask the controller for what
    #[command(after_help = operator::EXAMPLES, arg_required_else_help = true)]
    Operator {
        /// What to do.
        #[command(subcommand)]
        verb: operator::Verb,
    },
    /// Write everything that the controller knows to a file, while it runs
    ///
    /// Arrays, sealed passwords, journals, nodes, operators, certificate authorities and the audit,
    /// as they are at one moment. The file shows by itself whether it is whole and unedited.
    /// `keyroll-controller restore` makes a controller's state of it.
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Backup),
    /// Go on with an array that the controller's memory is too old for
    ///
    /// After a backup or a snapshot of the controller was restored, or when its state was lost and
    /// its nodes have joined a new one: nothing is done for an array whose nodes have heard of more
    /// than the controller knows. This asks every node what it was given and every domain
    /// controller for a ticket, tries every key that is remembered, and goes on from what is in
    /// force. Nothing is written to the directory, no node loses a key, no login fails.
    #[command(after_help = recover::EXAMPLES, arg_required_else_help = true)]
    Recover(recover::Recover),
    /// Completions and man pages.
    #[command(flatten)]
    Pages(pages::Pages),
}

impl Verb {
    /// The pages to print, for the two verbs that need no controller.
    #[must_use]
    pub fn pages(&self) -> Option<pages::Pages> {
        match self {
            Self::Pages(pages) => Some(pages.clone()),
            _ => None,
        }
    }

    /// Whether `--output toml` has a meaning for it.
    #[must_use]
    pub fn prints_toml(&self) -> bool {
        matches!(
            self,
            Self::Schedule {
                verb: schedule::Verb::Show { .. }
            }
        )
    }
}
