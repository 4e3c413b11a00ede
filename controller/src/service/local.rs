//! The local socket: whoever can open it is root, and may do everything.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Status};

use super::caller::LocalRoot;

/// Listens at `path`, mode 0600; what a dead controller left there is taken away first.
///
/// # Errors
/// If the folder or the socket cannot be made.
pub fn bind(path: &Path) -> io::Result<UnixListenerStream> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody else may open it in the moment between bind and chmod.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(UnixListenerStream::new(listener))
}

/// Marks a request as root's. The socket's mode keeps others out; the peer's user id is checked
/// all the same.
///
/// # Errors
/// Permission denied for anybody but root and this process's own user.
pub fn mark(mut request: Request<()>) -> Result<Request<()>, Status> {
    let info = request
        .extensions()
        .get::<tonic::transport::server::UdsConnectInfo>();
    let user = info.and_then(|info| info.peer_cred).map(|peer| peer.uid());
    let own = rustix::process::geteuid().as_raw();
    if user != Some(0) && user != Some(own) {
        return Err(Status::permission_denied("the local socket is root's"));
    }
    request.extensions_mut().insert(LocalRoot);
    Ok(request)
}
