//! `keyroll operator …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use keyroll_proto::operator::{
    AddOperatorReply, AddOperatorRequest, ListOperatorsReply, ListOperatorsRequest,
    RevokeOperatorRequest,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::files;
use crate::screen::table;
use crate::session::{Consent, Session, changed_text, show};
use crate::trouble::Trouble;
use crate::words::{moment, or_dash, seconds};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  sudo keyroll operator add anna --role admin
  keyroll operator list
  keyroll operator revoke anna";

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Give an operator a certificate and a role
    ///
    /// Makes a key pair here and writes NAME.key (mode 0600), NAME.crt and ca.crt; or signs a
    /// request that the operator made, so that the key never leaves them. Roles: a viewer reads;
    /// an operator rolls, verifies and quarantines; an admin changes arrays, nodes, schedules and
    /// operators.
    #[command(after_help = "Examples:
  # the first one, on the controller, as root
  sudo keyroll operator add anna --role admin --directory ~anna/.config/keyroll

  # only two arrays, only for three months
  keyroll operator add ben --role operator --array web --array crm --lifetime 90d

  # the key stays with carla, who made carla.csr
  keyroll operator add carla --role viewer --csr carla.csr")]
    Add(Add),
    /// List the operators
    #[command(after_help = "Examples:
  keyroll operator list")]
    List,
    /// Refuse an operator's certificate from now on, on open connections too
    #[command(after_help = "Examples:
  keyroll operator revoke anna --dry-run
  keyroll operator revoke anna")]
    Revoke {
        /// The operator
        operator: String,
        #[command(flatten)]
        consent: Consent,
    },
}

/// What an operator may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Role {
    /// Reads
    Viewer,
    /// Rolls, verifies, quarantines
    Operator,
    /// Changes arrays, nodes, schedules and operators
    Admin,
}

/// `operator add`
#[derive(Debug, Args)]
pub struct Add {
    /// The operator's name
    operator: String,
    /// What the operator may do
    #[arg(long, value_enum)]
    role: Role,
    /// Only for this array; may be repeated; without it, all
    #[arg(long = "array", value_name = "ARRAY")]
    arrays: Vec<String>,
    /// How long the certificate is valid: 90 days without it, 400 at the most
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    lifetime: Option<u64>,
    /// Where to write NAME.key, NAME.crt and ca.crt; the key is never replaced
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// The operator's signing request (PEM or DER); then no key is made
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The operator exists: a new certificate, which ends the one before
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Runs `keyroll operator …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Add(add) => add.run(session).await,
        Verb::List => {
            show(
                session,
                "reading the operators",
                list_text,
                async |mut client| client.list_operators(ListOperatorsRequest {}).await,
            )
            .await
        }
        Verb::Revoke { operator, consent } => {
            let doing = format!("revoking {operator}");
            session
                .change_if_agreed(&doing, consent, async |mut client, dry_run| {
                    let operator = operator.clone();
                    let request = RevokeOperatorRequest { operator, dry_run };
                    client.revoke_operator(request).await
                })
                .await
        }
    }
}

impl Add {
    async fn run(self, session: &Session) -> Result<Exit, Trouble> {
        let dry_run = self.consent.dry_run;
        let path = |end: &str| self.directory.join(format!("{}.{end}", self.operator));
        demand_file_name(&self.operator)?;
        let replace = self.confirm(session).await?;
        let (csr, key) = match &self.csr {
            Some(csr) => (files::read(csr)?, None),
            None => {
                let (csr, key) = key_pair(&self.operator)?;
                (csr, Some(key))
            }
        };
        let request = AddOperatorRequest {
            operator: self.operator.clone(),
            role: match self.role {
                Role::Viewer => "viewer",
                Role::Operator => "operator",
                Role::Admin => "admin",
            }
            .to_owned(),
            arrays: self.arrays.clone(),
            csr,
            lifetime: self.lifetime.unwrap_or_default(),
            dry_run,
            replace,
        };
        // The key is on disk before anyone certifies it, and goes again if nobody does.
        let kept = key.filter(|_| !dry_run).map(|key| (path("key"), key));
        if let Some((path, key)) = &kept {
            files::write_private(path, key.as_bytes())?;
        }
        let doing = format!("adding the operator {}", self.operator);
        let asked = session
            .ask(&doing, async |mut client| {
                client.add_operator(request).await
            })
            .await;
        let reply = match asked {
            Ok(reply) => reply,
            Err(trouble) => {
                if let Some((path, _)) = &kept {
                    // The trouble that is reported matters more than one with a useless file.
                    let _ = std::fs::remove_file(path);
                }
                return Err(trouble);
            }
        };
        if !dry_run {
            files::write_public(&path("crt"), reply.certificate_pem.as_bytes())?;
            let authorities = self.directory.join("ca.crt");
            files::write_public(&authorities, reply.authorities_pem.as_bytes())?;
            session
                .screen
                .say(&settings_text(&self, kept.is_some(), &reply));
        }
        session.screen.reply(&reply, added_text)?;
        Ok(Exit::Done)
    }

    /// A new certificate ends the old one, and may bring another role: asked about. Whether that
    /// is meant.
    async fn confirm(&self, session: &Session) -> Result<bool, Trouble> {
        if self.consent.dry_run || self.consent.yes {
            return Ok(self.replace);
        }
        let listed = session
            .ask("reading the operators", async |mut client| {
                client.list_operators(ListOperatorsRequest {}).await
            })
            .await?;
        let same = listed
            .operators
            .iter()
            .find(|one| one.operator == self.operator && !one.revoked);
        let Some(known) = same else {
            return Ok(self.replace);
        };
        session.screen.say(&format!(
            "operator {} exists: {}, the certificate ends {}; a new one ends it at once",
            known.operator,
            known.role,
            moment(known.expires_unix)
        ));
        session.must_ask(self.consent)?;
        session.demand_agreement("Replace it?").await?;
        Ok(true)
    }
}

/// The name becomes a file's name here, before the controller has judged it.
fn demand_file_name(operator: &str) -> Result<(), Trouble> {
    operator
        .parse::<keyroll::name::OperatorName>()
        .map(drop)
        .map_err(|error| Trouble::new(Exit::BadInput, "bad-name", error.to_string()))
}

/// A new key, and the request to certify it; the names in it are for people, the controller
/// writes its own.
fn key_pair(operator: &str) -> Result<(Vec<u8>, Zeroizing<String>), Trouble> {
    let fault = |error: rcgen::Error| {
        Trouble::new(
            Exit::Internal,
            "key-pair",
            format!("no key pair was made: {error}"),
        )
    };
    let key = KeyPair::generate().map_err(fault)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, operator);
    let csr = params.serialize_request(&key).map_err(fault)?;
    Ok((csr.der().to_vec(), Zeroizing::new(key.serialize_pem())))
}

/// What to put into the operator's settings file.
fn settings_text(add: &Add, has_key: bool, reply: &AddOperatorReply) -> String {
    let name = &add.operator;
    let folder = add.directory.display();
    let controller = &reply.controller;
    let key = if has_key {
        format!("{name}.key (secret), ")
    } else {
        String::new()
    };
    format!(
        "written to {folder}: {key}{name}.crt, ca.crt\n\
         for the operator's ~/.config/keyroll/cli.toml, beside these files:\n\
         \x20 controller = \"{controller}\"\n\
         \x20 certificate = \"{name}.crt\"\n\
         \x20 key = \"{name}.key\"\n\
         \x20 ca = \"ca.crt\""
    )
}

fn added_text(reply: &AddOperatorReply) -> String {
    reply.changed.as_ref().map(changed_text).unwrap_or_default()
}

fn list_text(reply: &ListOperatorsReply) -> String {
    table(
        [
            "OPERATOR",
            "ROLE",
            "ARRAYS",
            "CERTIFICATE ENDS",
            "SERIAL",
            "STATE",
        ],
        reply.operators.iter().map(|operator| {
            let arrays = match operator.arrays.as_slice() {
                [] => "all".to_owned(),
                some => some.join(","),
            };
            let state = if operator.revoked { "revoked" } else { "valid" };
            [
                operator.operator.clone(),
                operator.role.clone(),
                arrays,
                moment(operator.expires_unix),
                or_dash(&operator.serial),
                state.to_owned(),
            ]
        }),
    )
}
