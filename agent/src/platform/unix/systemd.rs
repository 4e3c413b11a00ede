//! What systemd is told.

use std::time::Duration;

use sd_notify::NotifyState;

/// The agent serves.
pub fn ready() {
    sd_notify::notify(false, &[NotifyState::Ready]).ok();
}

/// The agent ends.
pub fn stopping() {
    sd_notify::notify(false, &[NotifyState::Stopping]).ok();
}

/// Tells systemd that this process still turns, as often as it asks to be told.
pub async fn watchdog() {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) {
        std::future::pending::<()>().await;
    }
    let mut tick = tokio::time::interval(Duration::from_micros((micros / 2).max(1000)));
    loop {
        tick.tick().await;
        sd_notify::notify(false, &[NotifyState::Watchdog]).ok();
    }
}
