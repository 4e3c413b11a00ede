//! What keyroll promises, on a real Active Directory with real logins.
//!
//! Run outside, it enters a lab of its own and runs there. Each test has a controller, nodes and
//! an array of its own, so that several run at a time and none can spoil another.

mod accounts;
mod adopt;
mod audit;
mod authority;
mod bad_input;
mod bound;
mod clocks;
mod delegation;
mod doctor;
mod gap;
mod load;
mod lost;
mod mixed;
mod names;
mod out_of_band;
mod secrets;
mod set_up;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use keyroll_tests::lab::Lab;
use keyroll_tests::search::no_leaks;
use keyroll_tests::told;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::wine::Wine;
use libtest_mimic::{Arguments, Failed, Trial};

/// Two domain controllers: a roll must be right while they differ.
const DCS: usize = 2;
const NODES: usize = 16;

/// A promise and how it is shown.
type Promise = (&'static str, fn(&Lab, &FreeNodes) -> Result<()>);

/// Ignored without the agent of Windows, which `agent/windows/cross mixed` builds.
const MIXED: &str = "an_array_of_linux_and_windows";

/// The longest ones first: they decide how long all of it takes.
const PROMISES: &[Promise] = &[
    ("ten_rolls_under_load", load::ten_rolls_under_load),
    (
        "adopted_with_its_keytab_beyond_kvno_255",
        adopt::with_its_keytab_beyond_kvno_255,
    ),
    ("adopted_with_its_password", adopt::with_its_password),
    ("adopted_by_a_first_reset", adopt::by_a_first_reset),
    ("an_array_from_nothing", set_up::an_array_from_nothing),
    (
        "keytabs_of_one_name_among_two",
        set_up::keytabs_of_one_name_among_two,
    ),
    (
        "nodes_come_and_go_without_a_roll",
        set_up::nodes_come_and_go_without_a_roll,
    ),
    ("two_arrays_in_one_roll", accounts::two_arrays_in_one_roll),
    (
        "r21_while_the_sink_is_away_nothing_is_rolled_and_all_log_in",
        audit::r21_while_the_sink_is_away_nothing_is_rolled_and_all_log_in,
    ),
    (
        "r20_a_roll_by_change_needs_no_right_at_all",
        accounts::r20_a_roll_by_change_needs_no_right_at_all,
    ),
    (
        "clocks_set_while_a_roll_drains",
        clocks::set_while_a_roll_drains,
    ),
    (
        "r07_the_authority_is_replaced_while_rolls_go_on",
        authority::r07_the_authority_is_replaced_while_rolls_go_on,
    ),
    (
        "r10_no_secret_is_anywhere_else",
        secrets::r10_no_secret_is_anywhere_else,
    ),
    (
        "bad_input_accounts_that_cannot_be_rolled",
        bad_input::accounts_that_cannot_be_rolled,
    ),
    (
        "bad_input_nodes_that_cannot_take_keys",
        bad_input::nodes_that_cannot_take_keys,
    ),
    (
        "bad_input_directories_that_cannot_be_used",
        bad_input::directories_that_cannot_be_used,
    ),
    (
        "bad_input_orders_that_make_no_sense",
        bad_input::orders_that_make_no_sense,
    ),
    (
        "bad_input_is_all_in_the_docs",
        bad_input::the_docs_have_every_error,
    ),
    ("doctor_accounts_and_keys", doctor::accounts_and_keys),
    ("doctor_nodes", doctor::nodes),
    ("doctor_behind_a_balancer", doctor::behind_a_balancer),
    ("doctor_watched", doctor::watched),
    ("doctor_ends", doctor::ends),
    (
        "doctor_is_all_in_the_docs",
        doctor::the_docs_have_every_fault,
    ),
    (
        "out_of_band_names_spns_and_enctypes",
        out_of_band::names_spns_and_enctypes,
    ),
    (
        "out_of_band_in_the_middle_of_a_roll",
        out_of_band::in_the_middle_of_a_roll,
    ),
    (
        "out_of_band_files_that_others_write",
        out_of_band::files_that_others_write,
    ),
    (
        "out_of_band_a_restored_domain_controller",
        out_of_band::a_restored_domain_controller,
    ),
    (
        "out_of_band_programs_that_renew_the_password",
        out_of_band::programs_that_renew_the_password,
    ),
    (
        "a_password_that_somebody_else_set",
        accounts::a_password_that_somebody_else_set,
    ),
    (
        "lost_a_backup_of_before_the_last_rolls",
        lost::a_backup_of_before_the_last_rolls,
    ),
    (
        "lost_a_backup_of_the_middle_of_a_roll",
        lost::a_backup_of_the_middle_of_a_roll,
    ),
    (
        "lost_a_snapshot_of_the_controller",
        lost::a_snapshot_of_the_controller,
    ),
    (
        "lost_a_controller_with_backups_of_its_own",
        lost::a_controller_with_backups_of_its_own,
    ),
    (
        "lost_a_controller_without_a_backup",
        lost::a_controller_without_a_backup,
    ),
    ("lost_a_snapshot_of_a_node", lost::a_snapshot_of_a_node),
    (
        "names_are_added_moved_and_removed",
        names::are_added_moved_and_removed,
    ),
    ("names_that_cannot_be_had", names::that_cannot_be_had),
    ("names_of_another_forest", names::of_another_forest),
    (
        "names_that_the_controller_may_not_register",
        names::that_the_controller_may_not_register,
    ),
    (
        "names_that_two_strangers_have",
        names::that_two_strangers_have,
    ),
    (
        "delegation_is_applied_tried_and_taken_back",
        delegation::is_applied_tried_and_taken_back,
    ),
    (
        "delegation_is_let_in_by_a_descriptor",
        delegation::is_let_in_by_a_descriptor,
    ),
    ("the_naive_order_fails", load::the_naive_order_fails),
    (MIXED, mixed::an_array_of_linux_and_windows),
];

/// What takes a domain controller away from all others, one after the other once they are done.
const ALONE: &[Promise] = &[
    ("doctor_domain_controllers", doctor::domain_controllers),
    (
        "names_that_two_domain_controllers_gave",
        names::that_two_domain_controllers_gave,
    ),
    (
        "out_of_band_a_domain_controller_set_back",
        out_of_band::a_domain_controller_set_back,
    ),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if !Lab::is_here() && !arguments.list {
        return Lab::enter(DCS, NODES).unwrap_or_else(|error| complain(&error));
    }
    // Drains are waited for, not worked for: more at a time than there are processors.
    arguments.test_threads.get_or_insert(4);
    let lab = Lab::here().ok().map(|lab| (FreeNodes::of(&lab), lab));
    let lab = Arc::new(lab);
    let trial = |&(name, show): &Promise| {
        let lab = Arc::clone(&lab);
        Trial::test(name, move || {
            let (free, lab) = lab.as_ref().as_ref().ok_or("not in a lab")?;
            let shown = show(lab, free).and_then(|()| no_leaks());
            shown.map_err(|error| Failed::from(told(&error)))
        })
        .with_ignored_flag(name == MIXED && !Wine::is_there())
    };
    let together = libtest_mimic::run(&arguments, PROMISES.iter().map(trial).collect());
    arguments.test_threads = Some(1);
    let alone = libtest_mimic::run(&arguments, ALONE.iter().map(trial).collect());
    if together.has_failed() {
        return together.exit_code();
    }
    alone.exit_code()
}

#[expect(clippy::print_stderr, reason = "the test program's own voice")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("end_to_end: {}", told(error));
    ExitCode::FAILURE
}
