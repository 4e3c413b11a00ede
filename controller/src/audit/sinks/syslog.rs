//! The system's log: one datagram for each entry (RFC 3164), which syslog daemons and journald
//! take.

use std::io;
use std::path::Path;

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
        let entry = serde_json::to_string(entry)?;
        let line = format!("<{PRIORITY}>keyroll-audit[{}]: {entry}", std::process::id());
        socket.send(line.as_bytes()).await?;
    }
    Ok(())
}
