//! The system's log: one datagram for each entry (RFC 3164), which syslog daemons and journald
//! take.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use tokio::net::UnixDatagram;

use crate::audit::Entry;

/// Facility 13 (log audit), severity 5 (notice): RFC 5424 section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 5;

/// Sends the entries.
///
/// # Errors
/// If nobody listens at the socket, or does not take one.
pub(super) async fn send(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    for entry in entries {
        let sent = socket.send(&line(entry)?).await;
        match sent {
            // Larger than the socket takes: better its number, its hash and a part of it than
            // nothing, and nothing after it.
            Err(error) if error.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error()) => {
                socket.send(&line(&entry.shortened())?).await?;
            }
            sent => drop(sent?),
        }
    }
    Ok(())
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let entry = serde_json::to_string(entry)?;
    let line = format!("<{PRIORITY}>keyroll-audit[{}]: {entry}", std::process::id());
    Ok(line.into_bytes())
}
