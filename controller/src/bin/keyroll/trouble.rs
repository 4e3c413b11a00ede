//! Something that did not work, as the operator reads it: what, which object, why, what next.

use std::error::Error;
use std::io;

use keyroll_proto::refusal::{CODE, EXIT, NEXT};
use rustls::{AlertDescription, CertificateError};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::exit::Exit;

/// One paragraph, a stable word for scripts, the next command and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Trouble {
    /// A stable word such as `unknown-array`.
    pub code: String,
    /// What happened, to which object, and why.
    pub what: String,
    /// The command to type next; empty if there is none.
    pub next: String,
    /// The exit code: a number, since the controller may name one.
    pub exit: u8,
}

impl Trouble {
    /// Trouble found on this side, with the word that scripts see.
    pub fn new(exit: Exit, code: &str, what: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            what: what.into(),
            next: String::new(),
            exit: exit.number(),
        }
    }

    /// Whether the trouble is with the connection, not with the question.
    pub fn is_passing(&self) -> bool {
        let of_connection = ["connection-lost", "no-answer-in-time"];
        self.exit == Exit::Unreachable.number() || of_connection.contains(&self.code.as_str())
    }

    /// The same with the next command.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// What cannot be used, and has no command that mends it, is told of by its verb's help.
    #[must_use]
    pub fn or_help(self, verb: &str) -> Self {
        let of_input = [Exit::Usage, Exit::BadInput].map(Exit::number);
        if !self.next.is_empty() || !of_input.contains(&self.exit) {
            return self;
        }
        self.next(format!("{verb} --help"))
    }

    /// A wrong command line that clap could not know to be wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", what)
    }

    /// A file that could not be read.
    pub fn unreadable(path: &std::path::Path, error: &io::Error) -> Self {
        let what = format!("{} cannot be read: {error}", path.display());
        Self::new(Exit::InputOutput, "unreadable-file", what).next(listed(path))
    }

    /// A file that could not be written.
    pub fn unwritable(path: &std::path::Path, error: &io::Error) -> Self {
        let what = format!("{} cannot be written: {error}", path.display());
        Self::new(Exit::CannotWrite, "unwritable-file", what).next(listed(path))
    }

    /// A controller that did not answer, from the error that the connection gave.
    pub fn unreachable(place: &str, error: &(dyn Error + 'static)) -> Self {
        if let Some(tls) = cause::<rustls::Error>(error) {
            return Self::tls(place, tls);
        }
        let why = cause::<io::Error>(error).map_or_else(|| chain(error), chain_of_io);
        let what = format!("the controller at {place} was not reached: {why}");
        match cause::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => Self::new(Exit::Denied, "socket-denied", what)
                .next(
                    "run it as root, or name a controller and an operator's certificate in \
                     ~/.config/keyroll/cli.toml",
                ),
            _ => Self::new(Exit::Unreachable, "unreachable", what)
                .next("systemctl status keyroll-controller"),
        }
    }

    /// A TLS connection that failed: whose certificate was refused decides what to do.
    fn tls(place: &str, error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(why)) => Self::new(
                Exit::Settings,
                "not-the-controller",
                format!("the server at {place} is not taken for the controller: {why}"),
            )
            .next(
                "check `controller` in ~/.config/keyroll/cli.toml; if it is right, somebody \
                 answers in the controller's place: keyroll node list, on the controller itself",
            ),
            // That one comes before any certificate.
            rustls::Error::AlertReceived(alert) if *alert != AlertDescription::ProtocolVersion => {
                Self::alert(place, &format!("{alert:?}"))
            }
            rustls::Error::InvalidCertificate(why) => Self::new(
                Exit::Settings,
                "controller-not-trusted",
                format!("the certificate of the controller at {place} is not accepted: {why}"),
            )
            .next("check `ca`, `controller` and `server-name` in ~/.config/keyroll/cli.toml"),
            other => Self::new(
                Exit::Unreachable,
                "tls-failed",
                format!("no TLS 1.3 connection with the controller at {place}: {other}"),
            ),
        }
    }

    /// The controller hung up on this operator's certificate.
    fn alert(place: &str, alert: &str) -> Self {
        let what =
            format!("the controller at {place} refused this operator's certificate: {alert}");
        Self::new(Exit::Denied, "certificate-refused", what)
            .next("ask an admin to look at `keyroll operator list`, and for a new certificate")
    }

    /// A refusal by the controller, or a connection that broke while it was asked.
    pub fn refused(place: &str, status: &Status) -> Self {
        let word = |key: &str| {
            let value = status.metadata().get(key)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let next = || {
            let bytes = status.metadata().get_bin(NEXT)?.to_bytes().ok()?;
            String::from_utf8(bytes.to_vec()).ok()
        };
        if word(CODE).is_none() && status.source().is_some() {
            return Self::broken(place, status);
        }
        let (exit, code) = meaning(status.code());
        let named = word(EXIT).and_then(|number| number.parse().ok());
        let what = if status.message().is_empty() {
            format!("the controller at {place} answered: {}", status.code())
        } else {
            status.message().to_owned()
        };
        Self {
            code: word(CODE).unwrap_or_else(|| code.to_owned()),
            what,
            next: next().unwrap_or_default(),
            // A refusal must never look like success, whatever number came with it.
            exit: named.filter(|&exit| exit != 0).unwrap_or(exit.number()),
        }
    }

    /// A call whose connection broke: it may have been carried out.
    fn broken(place: &str, status: &Status) -> Self {
        if let Some(tls) = cause::<rustls::Error>(status) {
            return Self::tls(place, tls);
        }
        let why = status.source().map(chain).unwrap_or_default();
        // In TLS 1.3 a client learns with its first answer that its certificate was refused, and
        // by then HTTP/2 has made a text of the error.
        if let Some((_, alert)) = why.split_once("received fatal alert: ") {
            return Self::alert(place, alert);
        }
        Self::new(
            Exit::TryAgain,
            "connection-lost",
            format!(
                "the connection to the controller at {place} was lost before it answered; what \
                 was asked may have been done: {why}"
            ),
        )
        .next("keyroll status")
    }

    /// The form that `--output json` prints on standard error.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "error": {
            "code": self.code,
            "message": self.what,
            "next": self.next,
            "exit": self.exit,
        }})
    }
}

/// What shows the file, or the folder that it should be in; standard input and output have none.
fn listed(path: &std::path::Path) -> String {
    let place = if path.exists() {
        Some(path)
    } else {
        path.parent()
    };
    match place {
        _ if path.as_os_str() == "-" => String::new(),
        Some(place) if !place.as_os_str().is_empty() => format!("ls -ld {}", place.display()),
        _ => "ls -l".to_owned(),
    }
}

/// What a status without keyroll's own metadata means: from a proxy, or from the library.
fn meaning(code: Code) -> (Exit, &'static str) {
    match code {
        Code::InvalidArgument | Code::OutOfRange => (Exit::BadInput, "bad-input"),
        Code::AlreadyExists => (Exit::BadInput, "already-exists"),
        Code::NotFound => (Exit::Unknown, "unknown-object"),
        Code::Unavailable => (Exit::Unreachable, "unavailable"),
        Code::DeadlineExceeded => (Exit::TryAgain, "no-answer-in-time"),
        Code::Aborted | Code::ResourceExhausted | Code::Cancelled => (Exit::TryAgain, "try-again"),
        Code::FailedPrecondition => (Exit::Halted, "needs-an-operator"),
        Code::PermissionDenied => (Exit::Denied, "not-allowed"),
        Code::Unauthenticated => (Exit::Denied, "not-known"),
        Code::Unimplemented => (Exit::Internal, "controller-too-old"),
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => (Exit::Internal, "internal"),
    }
}

/// The first error of type `T` in a chain; an I/O error may hide one inside.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|hidden| hidden.downcast_ref());
        if hidden.is_some() {
            return hidden;
        }
        link = error.source();
    }
    None
}

/// The chain as one line, leaving out what repeats the link before.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut link = error.source();
    while let Some(error) = link {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        link = error.source();
    }
    text
}

fn chain_of_io(error: &io::Error) -> String {
    chain(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::metadata::{MetadataMap, MetadataValue};

    #[test]
    fn the_controllers_words_win() {
        let mut metadata = MetadataMap::new();
        let next = "samba-tool user show 'dienst-\u{fc}'";
        metadata.insert_bin(NEXT, MetadataValue::from_bytes(next.as_bytes()));
        metadata.insert(CODE, "unknown-array".parse().unwrap());
        metadata.insert(EXIT, "66".parse().unwrap());
        let status = Status::with_metadata(Code::Internal, "there is no array web", metadata);
        let trouble = Trouble::refused("here", &status);
        assert_eq!(trouble.exit, 66);
        assert_eq!(trouble.code, "unknown-array");
        assert_eq!(trouble.next, next);
        assert_eq!(trouble.what, "there is no array web");
    }

    #[test]
    fn a_refusal_never_exits_with_zero() {
        let mut metadata = MetadataMap::new();
        metadata.insert(CODE, "odd".parse().unwrap());
        metadata.insert(EXIT, "0".parse().unwrap());
        let status = Status::with_metadata(Code::NotFound, "x", metadata);
        assert_eq!(Trouble::refused("here", &status).exit, 66);
    }

    #[test]
    fn a_tls_error_is_found_inside_an_io_error() {
        let hidden = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired);
        let error = io::Error::new(io::ErrorKind::InvalidData, hidden);
        let trouble = Trouble::unreachable("dc:1", &error);
        assert_eq!(trouble.exit, Exit::Denied.number());
        assert_eq!(trouble.code, "certificate-refused");
    }
}
