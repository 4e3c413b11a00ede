//! The epoch under which this controller speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyroll::fence::Epoch;

/// The epoch, shared by all who speak with nodes. It is raised at each start of a controller, and
/// once more when nodes turn out to have heard a higher one; durably first, both times.
#[derive(Debug, Clone)]
pub struct Term(Arc<AtomicU64>);

impl Term {
    /// The epoch right now.
    #[must_use]
    pub fn now(&self) -> Epoch {
        Epoch(self.0.load(Ordering::SeqCst))
    }

    /// Raises it; it never goes back.
    pub fn raise(&self, epoch: Epoch) {
        self.0.fetch_max(epoch.0, Ordering::SeqCst);
    }
}

impl From<Epoch> for Term {
    fn from(epoch: Epoch) -> Self {
        Self(Arc::new(AtomicU64::new(epoch.0)))
    }
}
