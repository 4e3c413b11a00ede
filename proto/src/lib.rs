//! What the parts of keyroll say to each other.
//!
//! The generated types are plain; [`convert`] turns them into the core's, which are valid by
//! construction, and back. A message that does not convert is one error type, [`Malformed`].

pub mod convert;
pub mod invitation;
pub mod json;
pub mod refusal;

pub use convert::Malformed;
pub use invitation::Invitation;

/// The controller asks, the agent answers.
pub mod agent {
    #![allow(
        missing_docs,
        reason = "generated: the documentation is in the .proto file"
    )]
    #![allow(clippy::all, reason = "generated")]
    tonic::include_proto!("keyroll.agent.v1");

    impl std::fmt::Debug for Key {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Key")
                .field("enctype", &self.enctype)
                .finish_non_exhaustive()
        }
    }
}

/// A node asks for its first certificate.
pub mod enroll {
    #![allow(
        missing_docs,
        reason = "generated: the documentation is in the .proto file"
    )]
    #![allow(clippy::all, reason = "generated")]
    tonic::include_proto!("keyroll.enroll.v1");

    impl std::fmt::Debug for JoinRequest {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("JoinRequest")
                .field("node", &self.node)
                .finish_non_exhaustive()
        }
    }
}

/// An operator asks the controller.
pub mod operator {
    #![allow(
        missing_docs,
        reason = "generated: the documentation is in the .proto file"
    )]
    #![allow(clippy::all, reason = "generated")]
    tonic::include_proto!("keyroll.operator.v1");

    impl std::fmt::Debug for AdoptArrayRequest {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("AdoptArrayRequest")
                .field("array", &self.array)
                .finish_non_exhaustive()
        }
    }

    impl std::fmt::Debug for AddNodeReply {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("AddNodeReply")
                .field("changed", &self.changed)
                .finish_non_exhaustive()
        }
    }
    impl std::fmt::Debug for BackupPart {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("BackupPart")
                .field("bytes", &self.bytes.len())
                .field("whole", &self.whole)
                .finish()
        }
    }
}
