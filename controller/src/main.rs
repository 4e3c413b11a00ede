//! `keyroll-controller`: see the library.

use std::process::ExitCode;

/// Messages, TLS, the LDAP library and the store leave copies of secrets behind: all memory is
/// wiped when it is freed.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    keyroll_controller::command_line::main()
}
