//! Keytabs that keyroll writes, given to everybody else: read alike, and good for real tickets.
//! And the contexts that it opens.
//!
//! Run outside, it enters a lab of its own. A tool that is missing is a failure, not a skip.

mod accepts;
mod contexts;
mod races;
mod reads;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use keyroll::kerberos::{Key, Kvno, Principal};
use keyroll::keyset::Role;
use keyroll::keytab::Wanted;
use keyroll::keytab::edit::whole_file;
use keyroll_tests::lab::Lab;
use keyroll_tests::told;
use libtest_mimic::{Arguments, Failed, Trial};

/// What a keytab is to hold.
type Entries<'a> = &'a [(&'a Principal, Kvno, &'a Key)];

type Promise = (&'static str, fn(&Lab) -> Result<()>);

const PROMISES: &[Promise] = &[
    (
        "everybody_reads_the_same_entries",
        reads::everybody_reads_the_same_entries,
    ),
    (
        "r14_others_read_whole_files_while_they_are_written",
        races::r14_others_read_whole_files_while_they_are_written,
    ),
    (
        "real_tickets_are_accepted_by_all",
        accepts::real_tickets_are_accepted_by_all,
    ),
    (
        "contexts_are_opened_and_understood_by_others",
        contexts::contexts_are_opened_and_understood_by_others,
    ),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !Lab::is_here() && !arguments.list {
        return Lab::enter(1, 1).unwrap_or_else(|error| complain(&error));
    }
    let trial = |&(name, show): &Promise| {
        Trial::test(name, move || {
            Lab::here()
                .and_then(|lab| show(&lab))
                .map_err(|error| Failed::from(told(&error)))
        })
    };
    libtest_mimic::run(&arguments, PROMISES.iter().map(trial).collect()).exit_code()
}

/// Writes a keytab as an agent would write one of its own.
fn write_keytab(lab: &Lab, name: &str, entries: Entries<'_>) -> Result<String> {
    let one = |&(principal, kvno, key)| Wanted {
        principal,
        role: Role::Current,
        kvno,
        key,
    };
    let wanted: Vec<Wanted<'_>> = entries.iter().map(one).collect();
    let bytes = whole_file(&wanted, 1_700_000_000)?;
    let path = lab.folder("interop")?.join(name);
    std::fs::write(&path, bytes.expose())?;
    Ok(path
        .to_str()
        .context("the lab's folder is not UTF-8")?
        .to_owned())
}

#[expect(clippy::print_stderr, reason = "the test program's own voice")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("interop: {}", told(error));
    ExitCode::FAILURE
}
