//! What is told of joins that are refused: enough to see it, and not so much that whoever tries
//! again and again fills the log or the audit.

use std::collections::HashMap;
use std::time::Duration;

use keyroll::crowd::Seldom;
use keyroll::secret::SecretBytes;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// One entry for each token, and each reason, in this time.
const AGAIN: Duration = Duration::from_secs(3600);

/// What was told so far.
#[derive(Debug)]
pub(super) struct Refused {
    began: Instant,
    lines: Seldom,
    /// By the hash of a token that there is and of why it was refused: when the last entry was
    /// written, and how many tries came since.
    tries: HashMap<[u8; 32], (Instant, u64)>,
}

impl Default for Refused {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            lines: Seldom::new(20, Duration::from_secs(60)),
            tries: HashMap::new(),
        }
    }
}

impl Refused {
    /// Whether a line goes to the log; if so, how many did not before it.
    pub(super) fn line(&mut self) -> Option<u64> {
        self.lines.tell(self.began.elapsed())
    }

    /// Whether a try with this token is worth an entry of the audit; if so, how many tries had
    /// none since the last one. Only for tokens that are on record: their number is bounded.
    pub(super) fn entry(&mut self, token: &SecretBytes, why: &str) -> Option<u64> {
        let digest = Sha256::new_with_prefix(token.expose()).chain_update(why);
        let (now, token) = (Instant::now(), digest.finalize().into());
        let is_new = |at: Instant| now.duration_since(at) < AGAIN;
        // Of what is long over, nothing but tries that were not told of are remembered.
        self.tries
            .retain(|_, (at, untold)| is_new(*at) || *untold > 0);
        match self.tries.get_mut(&token) {
            Some((at, untold)) if is_new(*at) => {
                *untold += 1;
                None
            }
            known => {
                let untold = known.map_or(0, |(_, untold)| *untold);
                self.tries.insert(token, (now, 0));
                Some(untold)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_many_tries_with_a_token_one_in_an_hour_is_an_entry_that_counts_the_others() {
        let mut refused = Refused::default();
        let (one, other) = (SecretBytes::new(vec![1]), SecretBytes::new(vec![2]));
        assert_eq!(refused.entry(&one, "used"), Some(0));
        for _ in 0..99 {
            assert_eq!(refused.entry(&one, "used"), None);
        }
        assert_eq!(
            refused.entry(&other, "used"),
            Some(0),
            "another token is its own"
        );
        assert_eq!(refused.entry(&one, "over"), Some(0), "so is another reason");
        tokio::time::advance(AGAIN).await;
        assert_eq!(refused.entry(&one, "used"), Some(99));
        assert_eq!(refused.entry(&one, "used"), None);
        tokio::time::advance(AGAIN).await;
        assert_eq!(refused.entry(&one, "used"), Some(1));
        assert_eq!(
            refused.tries.len(),
            1,
            "what is over and told of is forgotten"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_refused_joins_is_twenty_lines() {
        let mut refused = Refused::default();
        let told = (0..1000).filter_map(|_| refused.line()).count();
        assert_eq!(told, 20);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(refused.line(), Some(980));
    }
}
