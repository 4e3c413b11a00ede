//! Places where a test kills the process: before and after every durable record.
//!
//! `KEYROLL_FAILPOINT=after:commit-intent` ends the process there as `kill -9` would. The places
//! follow from the records themselves, so a new record is a new place without anybody's help.

/// Ends the process here if the environment says so.
pub fn reach(when: &str, record: &str) {
    let wanted = std::env::var("KEYROLL_FAILPOINT").unwrap_or_default();
    let here = wanted
        .split_once(':')
        .is_some_and(|(a, b)| a == when && b == record);
    if here {
        tracing::warn!(when, record, "failpoint: killing this process, as asked");
        let this = rustix::process::getpid();
        rustix::process::kill_process(this, rustix::process::Signal::KILL).ok();
    }
}
