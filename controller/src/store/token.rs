//! Join tokens: only their hashes are at rest, and each is redeemed once.

use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::read::{Read as _, Rows as _};
use super::{Change, Store, StoreError, row};

/// How long a used or expired token is remembered, to tell its owner what became of it.
const MEMORY_SECONDS: i64 = 24 * 3600;

/// A join token, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TokenRecord {
    /// SHA-256 over the token, hexadecimal. A token has 256 random bits: no salt is needed.
    pub hash: String,
    /// The node that it lets in, and no other.
    pub node: NodeName,
    /// From when on it is worth nothing, seconds since 1970.
    pub expires_unix: i64,
    /// When it was used, seconds since 1970.
    pub used_unix: Option<i64>,
}

/// Why a token lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum NotRedeemed {
    /// Nobody here made it.
    #[error("the token is unknown; ask for a new one: keyroll node add")]
    Unknown,
    /// It came too late.
    #[error(
        "the token of node {node} expired {seconds} s ago; ask for a new one: keyroll node add"
    )]
    Expired {
        /// The node that it was for.
        node: NodeName,
        /// How long ago.
        seconds: i64,
    },
    /// Somebody used it before.
    #[error(
        "the token of node {node} was used already; if that was not this node, run: keyroll node \
         remove {node}, and find out who has its token"
    )]
    Used {
        /// The node that it was for.
        node: NodeName,
    },
    /// It is another node's.
    #[error("the token is not for node {asked}")]
    OtherNode {
        /// The node that asked.
        asked: NodeName,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn hash(token: &SecretBytes) -> String {
    hex::encode(Sha256::digest(token.expose()))
}

impl Store {
    /// Whether a token was ever issued, in force or not: to do nothing for those who have none.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`].
    pub fn knows_token(&self, token: &SecretBytes) -> Result<bool, StoreError> {
        let record: Option<TokenRecord> = self.row(row::TOKENS, &hash(token))?;
        Ok(record.is_some())
    }
}

impl Change<'_> {
    /// Notes a token for one node, and forgets old ones. Older tokens of the node that were not
    /// used end here: the line that was printed last is the one that works.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn issue_token(
        &self,
        token: &SecretBytes,
        node: &NodeName,
        now_unix: i64,
        expires_unix: i64,
    ) -> Result<(), StoreError> {
        for old in self.tokens()? {
            let superseded = old.node == *node && old.used_unix.is_none();
            if superseded || old.expires_unix.saturating_add(MEMORY_SECONDS) < now_unix {
                self.remove(row::TOKENS, &old.hash)?;
            }
        }
        let record = TokenRecord {
            hash: hash(token),
            node: node.clone(),
            expires_unix,
            used_unix: None,
        };
        self.put(row::TOKENS, &record.hash, &record)
    }

    /// Uses a token up. Of any number of redemptions of one token, exactly one change that
    /// commits succeeds, since changes follow one another.
    ///
    /// # Errors
    /// [`NotRedeemed`], and the token is as it was.
    pub fn redeem_token(
        &self,
        token: &SecretBytes,
        node: &NodeName,
        now_unix: i64,
    ) -> Result<TokenRecord, NotRedeemed> {
        let hash = hash(token);
        let mut record: TokenRecord = self.row(row::TOKENS, &hash)?.ok_or(NotRedeemed::Unknown)?;
        // Whose token it is, is told to nobody who does not know already.
        if record.node != *node {
            return Err(NotRedeemed::OtherNode {
                asked: node.clone(),
            });
        }
        if record.used_unix.is_some() {
            return Err(NotRedeemed::Used { node: record.node });
        }
        if now_unix >= record.expires_unix {
            let seconds = now_unix.saturating_sub(record.expires_unix);
            return Err(NotRedeemed::Expired {
                node: record.node,
                seconds,
            });
        }
        record.used_unix = Some(now_unix);
        self.put(row::TOKENS, &hash, &record)?;
        Ok(record)
    }

    /// Ends every unused token of a node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn revoke_tokens(&self, node: &NodeName) -> Result<(), StoreError> {
        for token in self.tokens()? {
            if token.node == *node && token.used_unix.is_none() {
                self.remove(row::TOKENS, &token.hash)?;
            }
        }
        Ok(())
    }
}
