//! What the controller says beside a refusal's status, as gRPC metadata. The message itself says
//! what happened, to which object, and why.

/// A stable word for the kind of trouble, such as `unknown-array`.
pub const CODE: &str = "keyroll-code";
/// The command to type next: UTF-8, as bytes, since names in it need not be ASCII.
pub const NEXT: &str = "keyroll-next-bin";
/// The exit code of the command line, in decimal digits.
pub const EXIT: &str = "keyroll-exit";
