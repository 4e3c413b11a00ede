//! `keyroll array …`

mod policy;
mod view;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use keyroll_proto::operator::{
    AdoptArrayRequest, CreateArrayRequest, DeleteArrayRequest, ListArraysRequest, PrintAclRequest,
    SetPolicyRequest, ShowArrayRequest, adopt_array_request::Credential,
};

use self::policy::PolicyOptions;
use crate::exit::Exit;
use crate::files;
use crate::session::{Consent, DryRun, Session, show};
use crate::trouble::Trouble;

pub use self::view::{alarms_text, array_list_text};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll array create web --account 'svc-web$' --spn HTTP/web.corp.example
  keyroll array adopt mail --account svc-mail --keytab /etc/mail.keytab
  keyroll array list";

/// What to do with arrays.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make an array and its directory account, or take an account never used so far
    ///
    /// Makes the account with a password that nobody sees, sets its enctypes
    /// (msDS-SupportedEncryptionTypes), and registers its SPNs once the first node holds the key:
    /// until then no client can get a ticket that no node could accept.
    #[command(after_help = "Examples:
  # a computer account (its name ends in $), and the name that clients use
  keyroll array create web --account 'svc-web$' --spn HTTP/web.corp.example

  # first the rights that the controller's account needs, as commands for a domain admin
  keyroll array create web --account 'svc-web$' --print-acl

  # see what would be done
  keyroll array create web --account 'svc-web$' --spn HTTP/web.corp.example --dry-run")]
    Create(Create),
    /// Take an account that is in service already, without a failed login
    ///
    /// Given the password or a keytab in force, nothing in the directory changes now. Without
    /// either, the first roll is a first reset: the new key is on every node before it.
    /// Secrets are read from files, never from the command line.
    #[command(after_help = "Examples:
  keyroll array adopt mail --account svc-mail --keytab /etc/mail.keytab
  keyroll array adopt mail --account svc-mail --password-file -      # from standard input
  keyroll array adopt mail --account svc-mail --dry-run              # first reset, staged first")]
    Adopt(Adopt),
    /// List the arrays
    #[command(after_help = "Examples:
  keyroll array list
  keyroll array list --output json")]
    List,
    /// Show one array: account, keys, nodes, policy, schedule, alarms
    #[command(after_help = "Examples:
  keyroll array show web")]
    Show {
        /// The array
        array: String,
    },
    /// Change rules that an array is rolled by: the gate, ticket life, password length, …
    ///
    /// What is not given stays as it is. A roll that is under way goes on by the rules it began
    /// with. `keyroll array show` prints them.
    #[command(after_help = "Examples:
  keyroll array set web --ticket-life 24h
  keyroll array set web --gate 'at-least 3' --on-deadline quarantine --dry-run")]
    Set {
        /// The array
        #[arg(value_name = "ARRAY")]
        array: String,
        #[command(flatten)]
        dry_run: DryRun,
        #[command(flatten)]
        policy: PolicyOptions,
    },
    /// Forget an array; its account stays in the directory
    #[command(after_help = "Examples:
  keyroll array delete web --dry-run
  keyroll array delete web                   # the keytabs on the nodes stay as they are
  keyroll array delete web --wipe-nodes      # the nodes lose the keys: logins end")]
    Delete {
        /// The array
        array: String,
        /// Wipe the array's keys on its nodes too
        #[arg(long)]
        wipe_nodes: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

/// The two kinds of account.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A computer account: no password policy stands in the way of a roll
    Computer,
    /// A user account
    User,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Computer => "computer",
            Self::User => "user",
        }
    }
}

/// `array create`
#[derive(Debug, Args)]
pub struct Create {
    /// The array's name
    #[arg(required_unless_present = "print_acl")]
    array: Option<String>,
    /// The account's sAMAccountName; a computer account's ends in $
    #[arg(long, value_name = "NAME", required_unless_present = "print_acl")]
    account: Option<String>,
    /// The kind of account to make; without it, `computer`
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// The container to make the account in, as a distinguished name
    #[arg(long, value_name = "DN")]
    container: Option<String>,
    /// A service principal name, such as HTTP/web.corp.example; may be repeated
    #[arg(long = "spn", value_name = "SPN")]
    spns: Vec<String>,
    /// An enctype, such as aes256-cts-hmac-sha1-96; may be repeated; without it, AES only
    #[arg(long = "enctype", value_name = "NAME")]
    enctypes: Vec<String>,
    /// Take the account although it exists: its password is RESET at once, so it must not be in
    /// service (for that, see `array adopt`)
    #[arg(long)]
    take_existing: bool,
    /// Print the rights that the controller's account needs, as dsacls and samba-tool commands,
    /// and change nothing: on the account, if there is one, and on the container to make one in
    #[arg(long)]
    print_acl: bool,
    /// With --print-acl: the account that the controller binds as, if not the configured one
    #[arg(long, value_name = "NAME", requires = "print_acl")]
    trustee: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// `array adopt`
#[derive(Debug, Args)]
pub struct Adopt {
    /// The array's name
    array: String,
    /// The account's sAMAccountName
    #[arg(long, value_name = "NAME")]
    account: String,
    /// A file with the password in force, one line; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "keytab")]
    password_file: Option<PathBuf>,
    /// A keytab with the keys in force; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    keytab: Option<PathBuf>,
    /// An enctype; may be repeated; without it, AES only
    #[arg(long = "enctype", value_name = "NAME")]
    enctypes: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// Runs `keyroll array …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Create(create) if create.print_acl => print_acl(create, session).await,
        Verb::Create(create) => create.run(session).await,
        Verb::Adopt(adopt) => adopt.run(session).await,
        Verb::List => {
            show(
                session,
                "reading the arrays",
                view::list_text,
                async |mut client| client.list_arrays(ListArraysRequest {}).await,
            )
            .await
        }
        Verb::Show { array } => {
            show(
                session,
                "reading the array",
                view::array_text,
                async |mut client| client.show_array(ShowArrayRequest { array }).await,
            )
            .await
        }
        Verb::Set {
            array,
            dry_run: DryRun { dry_run },
            policy,
        } => {
            let nothing =
                || Trouble::usage("there is nothing to change; give an option of the policy");
            let given = policy.to_proto().ok_or_else(nothing)?;
            let doing = format!("changing the rules of {array}");
            let request = SetPolicyRequest {
                array,
                policy: Some(given),
                dry_run,
            };
            session
                .change(&doing, async |mut client| client.set_policy(request).await)
                .await
        }
        Verb::Delete {
            array,
            wipe_nodes,
            consent,
        } => {
            let doing = format!("deleting the array {array}");
            session
                .change_if_agreed(&doing, consent, async |mut client, dry_run| {
                    let array = array.clone();
                    let request = DeleteArrayRequest {
                        array,
                        wipe_nodes,
                        dry_run,
                    };
                    client.delete_array(request).await
                })
                .await
        }
    }
}

async fn print_acl(create: Create, session: &Session) -> Result<Exit, Trouble> {
    let request = PrintAclRequest {
        account: create.account.or(create.array).unwrap_or_default(),
        trustee: create.trustee.unwrap_or_default(),
        account_kind: create.kind.map_or("", Kind::word).to_owned(),
        container: create.container.unwrap_or_default(),
    };
    show(
        session,
        "reading the account",
        view::acl_text,
        async |mut client| client.print_acl(request).await,
    )
    .await
}

impl Create {
    async fn run(self, session: &Session) -> Result<Exit, Trouble> {
        let array = self.array.unwrap_or_default();
        let doing = format!("making the array {array}");
        let consent = Consent {
            // Only a reset can hurt anyone: a new account is not in service.
            yes: self.consent.yes || !self.take_existing,
            ..self.consent
        };
        let kind = self.kind.map_or("", Kind::word);
        let request = CreateArrayRequest {
            array,
            account: self.account.unwrap_or_default(),
            account_kind: kind.to_owned(),
            container: self.container.unwrap_or_default(),
            spns: self.spns,
            enctypes: self.enctypes,
            policy: self.policy.to_proto(),
            dry_run: consent.dry_run,
            take_existing: self.take_existing,
        };
        session
            .change_if_agreed(&doing, consent, async |mut client, dry_run| {
                let mut request = request.clone();
                request.dry_run = dry_run;
                client.create_array(request).await
            })
            .await
    }
}

impl Adopt {
    async fn run(self, session: &Session) -> Result<Exit, Trouble> {
        let credential = match (&self.password_file, &self.keytab) {
            (Some(path), _) => Some(Credential::Password(files::password(path)?.to_vec())),
            (None, Some(path)) => Some(Credential::Keytab(files::secret(path)?.to_vec())),
            (None, None) => None,
        };
        let doing = format!("adopting the account {}", self.account);
        let request = AdoptArrayRequest {
            array: self.array,
            account: self.account,
            enctypes: self.enctypes,
            policy: self.policy.to_proto(),
            dry_run: self.dry_run.dry_run,
            credential,
        };
        session
            .change(&doing, async |mut client| client.adopt_array(request).await)
            .await
    }
}
