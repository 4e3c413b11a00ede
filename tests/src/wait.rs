//! Waiting for what sends no event: a port that answers, a state that is reached.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

const PAUSE: Duration = Duration::from_millis(30);

/// Looks again and again until `look` says something else than an error.
///
/// # Errors
/// The last error of `look`, when `limit` has passed.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        match look() {
            Ok(seen) => return Ok(seen),
            Err(error) if began.elapsed() > limit => {
                let seconds = limit.as_secs();
                return Err(error).with_context(|| format!("waited {seconds} s for {what}"));
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

/// Seconds, as a duration.
#[must_use]
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
