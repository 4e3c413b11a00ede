//! The answer "no": what happened, to which object, why, and what to type next.

use keyroll::name::ArrayName;
use keyroll_proto::{Malformed, refusal};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::audit::sinks::Unheard;
use crate::ports::PortError;
use crate::rolls::NotBegun;
use crate::store::StoreError;

/// Why a verb was not carried out. Nothing was changed unless the text says so.
#[derive(Debug, Clone)]
pub struct No {
    /// How gRPC calls it.
    pub grpc: Code,
    /// A stable word for programs.
    pub code: &'static str,
    /// The command line's exit code (docs/cli.md).
    pub exit: u8,
    /// What happened, to which object, and why.
    pub what: String,
    /// What to type next.
    pub next: String,
}

impl No {
    fn new(grpc: Code, code: &'static str, exit: u8, what: impl Into<String>) -> Self {
        Self {
            grpc,
            code,
            exit,
            what: what.into(),
            next: String::new(),
        }
    }

    /// What was given cannot be used.
    pub fn bad_input(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, code, 65, what)
    }

    /// The object exists already.
    pub fn exists(what: impl Into<String>) -> Self {
        Self::new(Code::AlreadyExists, "exists", 65, what)
    }

    /// There is no such object.
    pub fn unknown(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, code, 66, what)
    }

    /// No such array.
    pub fn unknown_array(array: &ArrayName) -> Self {
        Self::unknown("unknown-array", format!("there is no array {array}"))
            .next("keyroll array list")
    }

    /// No such change of the directory.
    pub fn unknown_change(number: u64) -> Self {
        Self::unknown("unknown-change", format!("there is no change {number}"))
            .next("keyroll change list")
    }

    /// Not now: something else is under way.
    pub fn busy(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, code, 75, what)
    }

    /// It does not apply to the object as it is; to wait changes nothing.
    pub fn bad_state(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, code, 65, what)
    }

    /// Someone else said no, and said why.
    pub fn refused(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, code, 1, what)
    }

    /// An operator must decide or do something first.
    pub fn needs_operator(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, code, 76, what)
    }

    /// Someone did not answer.
    pub fn unreachable(what: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, "unreachable", 75, what)
    }

    /// A fault in keyroll, or in its store.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(Code::Internal, "internal", 70, what).next("journalctl -u keyroll-controller")
    }

    /// The caller's role does not allow it.
    pub fn denied(what: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, "denied", 77, what).next("ask an admin")
    }

    /// With the command to type next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}

impl From<No> for Status {
    fn from(no: No) -> Self {
        let mut status = Self::new(no.grpc, no.what);
        let metadata = status.metadata_mut();
        metadata.insert(refusal::CODE, MetadataValue::from_static(no.code));
        metadata.insert(refusal::EXIT, u16::from(no.exit).into());
        let next = MetadataValue::from_bytes(no.next.as_bytes());
        metadata.insert_bin(refusal::NEXT, next);
        status
    }
}

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        Self::internal(format!("the controller's store failed: {error}"))
    }
}

impl From<PortError> for No {
    fn from(error: PortError) -> Self {
        match &error {
            PortError::Unreachable { .. } => {
                Self::unreachable(error.to_string()).next("keyroll status")
            }
            PortError::Refused { next, .. } => {
                Self::refused("refused", error.to_string()).next(next.clone())
            }
            PortError::Missing { .. } => Self::unknown("missing", error.to_string()),
        }
    }
}

impl From<NotBegun> for No {
    fn from(error: NotBegun) -> Self {
        match error {
            NotBegun::UnderWay {
                ref array,
                draining,
                ..
            } => {
                let watch = format!("keyroll roll watch {array}");
                let next = if draining {
                    format!(
                        "{watch}; if a key has leaked: keyroll roll resolve {array} give-up, \
                             then keyroll roll {array} --emergency"
                    )
                } else {
                    watch
                };
                Self::busy("roll-under-way", error.to_string()).next(next)
            }
            NotBegun::Stale { ref array, .. } => Self::needs_operator("stale", error.to_string())
                .next(format!("keyroll recover {array} --dry-run")),
            NotBegun::NoNodes(ref array) => Self::refused("no-nodes", error.to_string())
                .next(format!("keyroll node add {array} NODE")),
            NotBegun::NoService(ref array) => Self::refused("spn-missing", error.to_string()).next(
                format!("keyroll array delete {array}, then make it again with --spn"),
            ),
            NotBegun::TooMany { ref array, .. } => Self::busy("too-many-rolls", error.to_string())
                .next(format!(
                    "wait, or if a key has leaked: keyroll roll {array} --emergency"
                )),
            NotBegun::Founding(_) => {
                Self::busy("founding", error.to_string()).next("keyroll array list")
            }
            NotBegun::Port(error) => error.into(),
            NotBegun::Store(error) => error.into(),
            NotBegun::Drive(error) => Self::internal(error.to_string()),
            NotBegun::Unheard(error) => error.into(),
        }
    }
}

impl From<Unheard> for No {
    fn from(error: Unheard) -> Self {
        Self::new(Code::Unavailable, "audit-unheard", 75, error.to_string()).next("keyroll status")
    }
}

impl From<Malformed> for No {
    fn from(malformed: Malformed) -> Self {
        Self::bad_input("bad-value", malformed.to_string())
    }
}

impl From<keyroll::name::BadName> for No {
    fn from(error: keyroll::name::BadName) -> Self {
        Self::bad_input("bad-name", error.to_string())
    }
}

impl From<keyroll::kerberos::principal::BadPrincipal> for No {
    fn from(error: keyroll::kerberos::principal::BadPrincipal) -> Self {
        Self::bad_input("bad-principal", error.to_string())
    }
}

impl From<keyroll::kerberos::enctype::UnknownEnctype> for No {
    fn from(error: keyroll::kerberos::enctype::UnknownEnctype) -> Self {
        Self::bad_input("unknown-enctype", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_names_an_account_of_any_letters_arrives_whole() {
        let next = "samba-tool user show 'dienst-ü\n'";
        let status = Status::from(No::exists("x").next(next));
        let sent = status.metadata().get_bin(refusal::NEXT).unwrap();
        assert_eq!(sent.to_bytes().unwrap(), next.as_bytes());
        assert_eq!(status.metadata().get(refusal::EXIT).unwrap(), "65");
    }
}
