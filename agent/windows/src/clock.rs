//! Time as the machine was awake.

use std::io;
use std::time::Duration;

use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;

use crate::text::done;

/// How long the machine has run since its start, without the time that it slept: the standard
/// library's steady clock counts that here.
///
/// # Errors
/// The system's.
pub fn awake() -> io::Result<Duration> {
    let mut steps = 0;
    // SAFETY: the result is a place of our own.
    done(unsafe { QueryUnbiasedInterruptTime(&raw mut steps) })?;
    // In steps of 100 ns.
    Ok(Duration::new(
        steps / 10_000_000,
        u32::try_from(steps % 10_000_000).unwrap_or(0) * 100,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_while_the_machine_is_awake() {
        let (before, pause) = (awake().unwrap(), Duration::from_millis(200));
        std::thread::sleep(pause);
        let passed = awake().unwrap() - before;
        // It is counted by ticks of the clock, some 16 ms each; this machine may be busy.
        assert!(passed >= pause - Duration::from_millis(40), "{passed:?}");
        assert!(passed < Duration::from_secs(60), "{passed:?}");
    }
}
