//! What the node is for one array: its files, what it has accepted, and who waits for whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use keyroll::fence::Fence;
use tokio::sync::Mutex;

use crate::config::Array;
use crate::password_targets::PasswordTargets;
use crate::state::ArrayState;

/// What the node is for one array.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) array: Arc<Array>,
    pub(super) passwords: Arc<PasswordTargets>,
    pub(super) state: Mutex<ArrayState>,
    /// How a hook last ended, if it failed: told while its files wait for it.
    hook_trouble: std::sync::Mutex<Option<String>>,
    /// What `state` has of numbers and changes, for whoever cannot wait for it.
    last: std::sync::Mutex<Fence>,
    /// Held while hooks run, and never while `state` is waited for by anything but them.
    pub(super) hooks: Mutex<()>,
    /// Counts who has come to run hooks.
    arrivals: AtomicU64,
}

impl Member {
    pub(super) fn new(array: Array, passwords: PasswordTargets, state: ArrayState) -> Self {
        Self {
            passwords: Arc::new(passwords),
            array: Arc::new(array),
            last: std::sync::Mutex::new(state.fence),
            state: Mutex::new(state),
            hook_trouble: std::sync::Mutex::default(),
            hooks: Mutex::default(),
            arrivals: AtomicU64::default(),
        }
    }

    /// Somebody has come to run hooks; his number.
    pub(super) fn arrive(&self) -> u64 {
        self.arrivals.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether nobody has come since the one of this number.
    pub(super) fn came_last(&self, arrived: u64) -> bool {
        self.arrivals.load(Ordering::Relaxed) == arrived
    }

    pub(super) fn note(&self, trouble: Option<String>) {
        *self
            .hook_trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(super) fn hook_trouble(&self) -> String {
        let trouble = self
            .hook_trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let unknown = || "no hook has ended well since the files were written".to_owned();
        trouble.clone().unwrap_or_else(unknown)
    }

    /// The numbers as last noted.
    pub(super) fn last(&self) -> Fence {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_numbers(&self, state: &ArrayState) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = state.fence;
    }
}
