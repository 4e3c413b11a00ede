//! `keyroll-controller`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyroll_controller::command_line::main()
}
