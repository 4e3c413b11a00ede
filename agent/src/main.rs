//! `keyroll-agent`: see the library.

use std::process::ExitCode;

/// Messages, TLS and parsers leave copies of keys behind: all memory is wiped when it is freed.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    keyroll_agent::command_line::main()
}
