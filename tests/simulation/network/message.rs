//! What is asked of an agent, as it travels.

use std::fmt;

use keyroll::fence::{Epoch, Version};
use keyroll_proto::agent as said;

/// One request.
#[derive(Clone)]
pub enum Message {
    Look([u8; 32]),
    Stage(said::Keyset, [u8; 32]),
    Prove(Vec<u8>),
    Admit(Epoch, Result<(), String>, Version),
    Wipe(Epoch),
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look(_) => f.write_str("look"),
            Self::Stage(keyset, _) => write!(f, "stage keyset {}", keyset.version),
            Self::Prove(_) => f.write_str("prove"),
            Self::Admit(_, Ok(()), version) => write!(f, "admit with keyset {version}"),
            Self::Admit(_, Err(why), _) => write!(f, "shut ({why})"),
            Self::Wipe(_) => f.write_str("wipe"),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
