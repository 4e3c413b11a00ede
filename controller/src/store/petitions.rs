//! What somebody has asked for and may not do alone.

use serde::{Deserialize, Serialize};

use super::read::Rows;
use super::row::{self, numbered};
use super::{Change, StoreError};

/// The rows of table `meta` that hold them.
const PREFIX: &str = "petition-";

/// How somebody else has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answered {
    /// Who.
    pub by: String,
    /// Yes or no.
    pub agreed: bool,
}

/// Something that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Petition {
    /// Its number, from 1.
    pub number: u64,
    /// The call, as the protocol names it.
    pub rpc: String,
    /// SHA-256 over the request and over what it came to, hexadecimal: it is this that is agreed
    /// to, and nothing else.
    pub digest: String,
    /// What the operator typed, as in the audit.
    pub verb: String,
    /// The arrays that it is about.
    pub arrays: Vec<String>,
    /// What it names besides.
    #[serde(default)]
    pub object: String,
    /// What was chosen, and why.
    pub detail: String,
    /// What it came to when it was asked for, as sentences.
    #[serde(default)]
    pub plan: Vec<String>,
    /// Who asks.
    pub actor: String,
    /// When, seconds since 1970.
    pub at_unix: i64,
    /// From when on it is worth nothing, seconds since 1970.
    pub ends_unix: i64,
    /// The answer, if there is one.
    pub answered: Option<Answered>,
    /// It was done: once, and not again.
    pub done: bool,
}

impl Petition {
    /// Whether it may still be answered or done.
    #[must_use]
    pub const fn is_open(&self, now_unix: i64) -> bool {
        !self.done && now_unix < self.ends_unix
    }
}

/// Reading them, committed or within a transaction.
pub trait Petitions: Rows {
    /// All that are remembered, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`].
    fn petitions(&self) -> Result<Vec<Petition>, StoreError> {
        let rows = self.rows(row::META, PREFIX, true, usize::MAX)?;
        Ok(rows.into_iter().map(|(_, petition)| petition).collect())
    }
}

impl<R: Rows> Petitions for R {}

impl Change<'_> {
    /// Writes one down.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_petition(&self, petition: &Petition) -> Result<(), StoreError> {
        self.put(row::META, &key(petition.number), petition)
    }

    /// Forgets one; the audit does not.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn forget_petition(&self, number: u64) -> Result<(), StoreError> {
        self.remove(row::META, &key(number)).map(drop)
    }
}

fn key(number: u64) -> String {
    format!("{PREFIX}{}", numbered(number))
}
